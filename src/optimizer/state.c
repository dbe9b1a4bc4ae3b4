/* The state of a stage: a list of its own arrays by name, which a checkpoint reads and a resumed run fills. */
#include <string.h>
#include "optimizer_impl.h"

PetscErrorCode OptimizerAddEntry(Optimizer optimizer, const StateEntry *entry)
{
  PetscFunctionBegin;
  if (optimizer->n_state == optimizer->max_state) {
    optimizer->max_state = 2 * optimizer->max_state + 8;
    PetscCall(PetscRealloc((size_t)optimizer->max_state * sizeof(StateEntry), &optimizer->state));
  }
  optimizer->state[optimizer->n_state++] = *entry;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerAddValues(Optimizer optimizer, const char *name, size_t n, double values[])
{
  PetscFunctionBegin;
  PetscCall(OptimizerAddEntry(optimizer, &(StateEntry){.name = name, .n = n, .values = values}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerAddMeasure(Optimizer optimizer, OptimizerMeasure measure, double value)
{
  PetscFunctionBegin;
  optimizer->has[measure] = true;
  optimizer->measures[measure] = value;
  PetscCall(OptimizerAddValues(optimizer, OptimizerMeasureName(measure), 1, &optimizer->measures[measure]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerAddVec(Optimizer optimizer, const char *name, Vec vec)
{
  PetscFunctionBegin;
  PetscCall(OptimizerAddEntry(optimizer, &(StateEntry){.name = name, .vec = vec}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerAddSingle(Optimizer optimizer, const char *name, VectorSingle *numbers)
{
  PetscFunctionBegin;
  PetscCall(OptimizerAddEntry(optimizer, &(StateEntry){.name = name, .numbers = numbers}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerAddOwned(Optimizer optimizer, const char *name, int owner, size_t n, double values[])
{
  PetscFunctionBegin;
  PetscCall(OptimizerAddEntry(optimizer,
                              &(StateEntry){.name = name, .n = n, .values = values, .owned = true, .owner = owner}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerCreateVec(Optimizer optimizer, Vec *vec)
{
  PetscFunctionBegin;
  PetscCall(RowsCreateVec(optimizer->rows, vec));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerGetState(Optimizer optimizer, int *n, const StateEntry **entries)
{
  PetscFunctionBegin;
  for (int k = 0; k < optimizer->n_state; k++) {
    StateEntry *entry = &optimizer->state[k];
    if (!entry->numbers) continue;
    PetscCall(VectorSingleRead(entry->numbers));
    entry->single = entry->numbers->host;
  }
  *n = optimizer->n_state;
  *entries = optimizer->state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const StateEntry *find_entry(int n, const StateEntry entries[], const char *name, size_t length)
{
  for (int k = 0; k < n; k++)
    if (!strcmp(entries[k].name, name) && entries[k].n == length && (entries[k].values || entries[k].single))
      return &entries[k];
  return NULL;
}

/* Numbers [first, first + n) of a saved entry, to one of both. */
static void copy_saved(const StateEntry *saved, size_t first, size_t n, double values[], float single[])
{
  for (size_t k = 0; k < n; k++) {
    const double value = saved->single ? (double)saved->single[first + k] : saved->values[first + k];
    if (single)
      single[k] = (float)value;
    else
      values[k] = value;
  }
}

/* This rank's part of an array laid out like theta, which the first-order stages' gradients are. */
static PetscErrorCode restore_single(Optimizer optimizer, VectorSingle *numbers, const StateEntry *saved)
{
  PetscInt first, last;
  PetscLayout layout;
  PetscFunctionBegin;
  PetscCall(
      PetscLayoutCreateFromSizes(optimizer->rows->comm, PETSC_DECIDE, (PetscInt)optimizer->rows->n_param, 1, &layout));
  PetscCall(PetscLayoutGetRange(layout, &first, &last));
  PetscCall(VectorSingleRead(numbers));
  copy_saved(saved, (size_t)first, (size_t)(last - first), NULL, numbers->host);
  PetscCall(VectorSingleWrite(numbers));
  PetscCall(PetscLayoutDestroy(&layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode restore_entry(const StateEntry *entry, const StateEntry *saved)
{
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  if (entry->values) copy_saved(saved, 0, entry->n, entry->values, NULL);
  if (!entry->vec) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetOwnershipRange(entry->vec, &first, &last));
  PetscCall(VecGetArrayWrite(entry->vec, &local));
  copy_saved(saved, (size_t)first, (size_t)(last - first), local, NULL);
  PetscCall(VecRestoreArrayWrite(entry->vec, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSetState(Optimizer optimizer, int n, const StateEntry entries[])
{
  PetscFunctionBegin;
  PinnUserCheck(n == optimizer->n_state,
                "the checkpoint is of another stage: it holds %d arrays, solver[%d] (%s) has %d", n, optimizer->index,
                optimizer->name, optimizer->n_state);
  for (int k = 0; k < optimizer->n_state; k++) {
    const StateEntry *own = &optimizer->state[k];
    const size_t length = own->vec || own->numbers ? optimizer->rows->n_param : own->n;
    const StateEntry *saved = find_entry(n, entries, own->name, length);
    PinnUserCheck(saved,
                  "the checkpoint is of another stage: it has no '%s' of %zu numbers, which solver[%d] (%s) needs",
                  own->name, length, optimizer->index, optimizer->name);
    if (own->numbers)
      PetscCall(restore_single(optimizer, own->numbers, saved));
    else
      PetscCall(restore_entry(own, saved));
  }
  optimizer->reported = optimizer->iteration;
  PetscFunctionReturn(PETSC_SUCCESS);
}
