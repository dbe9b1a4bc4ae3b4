/* Gram matrices of several ranks, factored and solved by all of them: rows of J J^T stay where they are, those of
   J^T J go to the ranks in equal shares. */
#include <math.h>
#include "dense.h"

bool DenseIsShared(Dense d)
{
  return GramSystemPays(d->k, d->size);
}

/* Tall: the rows of J^T J that a rank has are those of its share of vectors like theta. */
static PetscErrorCode prepare(Dense d)
{
  PetscInt n_row = d->rows->n_row;
  PetscFunctionBegin;
  if (d->system) PetscFunctionReturn(PETSC_SUCCESS);
  if (!d->wide) {
    PetscCall(VecGetLocalSize(d->direction, &n_row));
    PetscCall(PetscCalloc1((size_t)n_row * d->n, &d->K));
  }
  PetscCall(GramSystemCreate(d->rows->comm, n_row, &d->system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K = the local rows of J^T J, lower triangle, scaled, from the sums that every rank has in T. */
static PetscErrorCode reduce_tall(Dense d)
{
  const size_t n = d->n, ld = (size_t)d->ld;
  const PetscInt *ranges;
  PetscMPIInt *counts;
  PetscFunctionBegin;
  for (size_t i = 1; i < n; i++) PetscCall(PetscArraymove(d->T + i * n, d->T + i * ld, n));
  PetscCall(VecGetOwnershipRanges(d->direction, &ranges));
  PetscCall(PetscMalloc1(d->size, &counts));
  for (PetscMPIInt k = 0; k < d->size; k++)
    PetscCall(PetscMPIIntCast((ranges[k + 1] - ranges[k]) * (PetscInt)n, &counts[k]));
  PetscCallMPI(MPI_Reduce_scatter(d->T, d->K, counts, MPI_DOUBLE, MPI_SUM, d->rows->comm));
  PetscCall(PetscFree(counts));
  for (PetscInt i = ranges[d->rank]; i < ranges[d->rank + 1]; i++) {
    double *row = d->K + (size_t)(i - ranges[d->rank]) * n;
    for (size_t j = 0; j < n; j++) row[j] *= d->scaling[i] * d->scaling[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSharedReduce(Dense d)
{
  PetscFunctionBegin;
  PetscCall(prepare(d));
  if (d->wide)
    PetscCall(RowsGram(d->rows, d->theta, d->scaling, d->K, (size_t)d->k));
  else
    PetscCall(reduce_tall(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSharedFactor(Dense d, double lambda, bool *ok)
{
  PetscFunctionBegin;
  PetscCall(GramSystemFactor(d->system, d->K, (size_t)d->k, lambda, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step = J^T (J J^T + lambda)^{-1} w */
static PetscErrorCode solve_wide(Dense d, const double w[], double step[], bool *ok)
{
  double *local;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d->rows->n_row, &local));
  PetscCall(PetscArraycpy(local, w, d->rows->n_row));
  PetscCall(GramSystemSolve(d->system, local, ok));
  if (*ok) PetscCall(DenseProductsTranspose(d, local, step));
  PetscCall(PetscFree(local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step = (J^T J + lambda)^{-1} b */
static PetscErrorCode solve_tall(Dense d, const double b[], double step[], bool *ok)
{
  double *local;
  PetscFunctionBegin;
  PetscCall(FullVecPut(b, d->direction));
  PetscCall(VecGetArray(d->direction, &local));
  PetscCall(GramSystemSolve(d->system, local, ok));
  PetscCall(VecRestoreArray(d->direction, &local));
  if (*ok) PetscCall(FullVecCopy(&d->full, d->direction, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSharedSolve(Dense d, const double w[], const double b[], double step[], bool *ok)
{
  PetscFunctionBegin;
  PetscCall(d->wide ? solve_wide(d, w, step, ok) : solve_tall(d, b, step, ok));
  for (size_t k = 0; k < d->n; k++) step[k] = *ok ? -step[k] : NAN;
  for (size_t k = 0; k < d->n; k++) *ok = *ok && isfinite(step[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSharedDestroy(Dense d)
{
  PetscFunctionBegin;
  PetscCall(GramSystemDestroy(&d->system));
  PetscFunctionReturn(PETSC_SUCCESS);
}
