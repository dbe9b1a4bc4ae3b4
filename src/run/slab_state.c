/* What a checkpoint holds of the slabs of time: the number of the one at work, "slab", and of those that are done their
   parameters, frozen weights, scales and points, "slab-1-theta" ... */
#include <stdio.h>
#include <string.h>
#include "run_impl.h"

static const char *const kinds[] = {"theta", "frozen", "scales", "points"};
enum { THETA, FROZEN, SCALES, POINTS, N_KIND };

/* Borrowed values of one kind of slab k. */
static PetscErrorCode find_values(const RunParts *p, int k, int kind, size_t *n, const double **values)
{
  const Slab *slab = &p->slabs.slab[k];
  int n_scale;
  PetscFunctionBegin;
  if (kind == THETA)
    *n = NetworkParameters(slab->network), *values = slab->theta;
  else if (kind == FROZEN)
    *values = NetworkFrozen(slab->network, n);
  else if (kind == SCALES) {
    PetscCall(NetworkGetScales(slab->network, &n_scale, values));
    *n = (size_t)n_scale;
  } else
    *n = p->n_points[k], *values = p->points[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_entry(const char *name, size_t n, const double values[], StateEntry *entry)
{
  char *copy;
  PetscFunctionBegin;
  *entry = (StateEntry){.n = n};
  PetscCall(PetscStrallocpy(name, &copy));
  entry->name = copy;
  PetscCall(PetscMalloc1(n, &entry->values));
  PetscCall(PetscArraycpy(entry->values, values, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int RunSlabEntries(const RunParts *p)
{
  return p->slabs.n > 1 ? 1 + N_KIND * p->slab : 0;
}

PetscErrorCode RunSlabState(const RunParts *p, StateEntry entries[])
{
  const double number = p->slab;
  PetscFunctionBegin;
  if (p->slabs.n == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(add_entry("slab", 1, &number, entries++));
  for (int k = 0; k < p->slab; k++)
    for (int kind = 0; kind < N_KIND; kind++) {
      const double *values;
      size_t n;
      PetscCall(find_values(p, k, kind, &n, &values));
      PetscCall(add_entry(ConfigPath("slab-%d-%s", k + 1, kinds[kind]), n, values, entries++));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool RunIsSlabEntry(const StateEntry *entry)
{
  return !strncmp(entry->name, "slab", 4) && (!entry->name[4] || entry->name[4] == '-');
}

static const StateEntry *find_entry(const Checkpoint *checkpoint, const char *name)
{
  for (int k = 0; k < checkpoint->n_state; k++)
    if (!strcmp(checkpoint->state[k].name, name)) return &checkpoint->state[k];
  return NULL;
}

/* Slab k as it was when it was done. */
static PetscErrorCode restore_done(RunParts *p, const Checkpoint *checkpoint, int k)
{
  const StateEntry *entries[N_KIND];
  Slab *slab = &p->slabs.slab[k];
  Network network;
  const double *values;
  double *frozen;
  size_t n;
  PetscFunctionBegin;
  PetscCall(RunSlabNetwork(p, k, &network));
  for (int kind = 0; kind < N_KIND; kind++) {
    const char *name = ConfigPath("slab-%d-%s", k + 1, kinds[kind]);
    entries[kind] = find_entry(checkpoint, name);
    PetscCall(find_values(p, k, kind, &n, &values));
    PinnUserCheck(entries[kind] && (kind == POINTS || entries[kind]->n == n),
                  "the checkpoint does not hold what this case needs of slab %d (%s)", k + 1, kinds[kind]);
  }
  if (entries[SCALES]->n) PetscCall(NetworkSetScales(network, entries[SCALES]->values));
  frozen = NetworkFrozen(network, &n);
  PetscCall(PetscArraycpy(frozen, entries[FROZEN]->values, n));
  if (!slab->theta) PetscCall(PetscMalloc1(entries[THETA]->n, &slab->theta));
  PetscCall(PetscArraycpy(slab->theta, entries[THETA]->values, entries[THETA]->n));
  PetscCall(PetscFree(p->points[k]));
  p->n_points[k] = entries[POINTS]->n;
  PetscCall(PetscMalloc1(p->n_points[k], &p->points[k]));
  PetscCall(PetscArraycpy(p->points[k], entries[POINTS]->values, p->n_points[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunRestoreSlabs(RunParts *p, const Checkpoint *checkpoint)
{
  const StateEntry *entry = find_entry(checkpoint, "slab");
  const double number = entry && entry->n == 1 ? entry->values[0] : 0.0;
  PetscFunctionBegin;
  PinnUserCheck((entry != NULL) == (p->slabs.n > 1) && number >= 0.0 && number < p->slabs.n,
                "the checkpoint is of another number of slabs");
  for (int k = 0; k < (int)number; k++) PetscCall(restore_done(p, checkpoint, k));
  if (number > 0.0) PetscCall(RunBuildSlab(p, (int)number));
  PetscFunctionReturn(PETSC_SUCCESS);
}
