/* Gram matrices of several ranks, factored and solved by all of them: rows of J J^T stay where they are, those of
   J^T J go to the ranks in equal shares. */
#include <math.h>
#include "dense.h"

bool DenseIsShared(Dense d)
{
  return d->size > 1 && d->k >= GRAM_SYSTEM_LEAST;
}

/* Shares of the columns of J, and with them of the rows of J^T J. */
static PetscErrorCode share_columns(Dense d)
{
  const PetscMPIInt n = (PetscMPIInt)d->n, size = d->size;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(size, &d->share_count, size, &d->share_start));
  for (PetscMPIInt k = 0, start = 0; k < size; start += d->share_count[k++]) {
    d->share_count[k] = n / size + (k < n % size);
    d->share_start[k] = start;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode prepare(Dense d)
{
  PetscFunctionBegin;
  if (d->system) PetscFunctionReturn(PETSC_SUCCESS);
  if (!d->wide) {
    PetscCall(share_columns(d));
    PetscCall(PetscCalloc1((size_t)d->share_count[d->rank] * d->n, &d->K));
  }
  PetscCall(GramSystemCreate(d->rows->comm, d->wide ? d->rows->n_row : (PetscInt)d->share_count[d->rank], &d->system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K = the local rows of J^T J, lower triangle, scaled, from the sums that every rank has in T. */
static PetscErrorCode reduce_tall(Dense d)
{
  const size_t n = d->n, ld = (size_t)d->ld;
  PetscMPIInt *counts;
  MPI_Comm comm = d->rows->comm;
  PetscFunctionBegin;
  for (size_t i = 1; i < n; i++) PetscCall(PetscArraymove(d->T + i * n, d->T + i * ld, n));
  PetscCall(PetscMalloc1(d->size, &counts));
  for (PetscMPIInt k = 0; k < d->size; k++) PetscCall(PetscMPIIntCast(d->share_count[k] * (PetscInt)n, &counts[k]));
  PetscCallMPI(MPI_Reduce_scatter(d->T, d->K, counts, MPI_DOUBLE, MPI_SUM, comm));
  PetscCall(PetscFree(counts));
  for (size_t i = 0; i < (size_t)d->share_count[d->rank]; i++)
    for (size_t j = 0; j < n; j++) d->K[i * n + j] *= d->scaling[(size_t)d->share_start[d->rank] + i] * d->scaling[j];
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

PetscErrorCode DenseSharedSolve(Dense d, const double w[], const double b[], double step[], bool *ok)
{
  const size_t n_local = d->wide ? (size_t)d->rows->n_row : (size_t)d->share_count[d->rank];
  const double *right = d->wide ? w : b + d->share_start[d->rank];
  double *local;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_local, &local));
  PetscCall(PetscArraycpy(local, right, n_local));
  PetscCall(GramSystemSolve(d->system, local, ok));
  if (*ok && d->wide)
    PetscCall(DenseProductsTranspose(d, local, step));
  else if (*ok)
    PetscCallMPI(MPI_Allgatherv(local, (PetscMPIInt)n_local, MPI_DOUBLE, step, d->share_count, d->share_start,
                                MPI_DOUBLE, d->rows->comm));
  PetscCall(PetscFree(local));
  for (size_t k = 0; k < d->n; k++) step[k] = *ok ? -step[k] : NAN;
  for (size_t k = 0; k < d->n; k++) *ok = *ok && isfinite(step[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSharedDestroy(Dense d)
{
  PetscFunctionBegin;
  PetscCall(GramSystemDestroy(&d->system));
  PetscCall(PetscFree2(d->share_count, d->share_start));
  PetscFunctionReturn(PETSC_SUCCESS);
}
