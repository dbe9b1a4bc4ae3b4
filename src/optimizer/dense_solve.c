/* The small problem, damped and solved on rank 0, or by all ranks where it is shared. */
#include <math.h>
#include "dense.h"
#include "lapack.h"

/* F = factor of the damped problem, an upper triangle with F^T F = T^T T + lambda (or T + lambda, gram). */
static PetscErrorCode factor_damped(Dense d, double lambda, bool *ok)
{
  const size_t ld = (size_t)d->ld, k = (size_t)d->k;
  PetscFunctionBegin;
  *ok = true;
  if (d->kind == DENSE_SINGULAR) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(d->F, d->T, ld * ld));
  if (d->kind == DENSE_GRAM) {
    for (size_t i = 0; i < k; i++) d->F[i * ld + i] += lambda;
    *ok = LapackCholesky(d->k, d->F, d->ld);
  } else if (lambda > 0.0) {
    PetscCall(PetscArrayzero(d->B, ld * ld));
    for (size_t i = 0; i < k; i++) d->B[i * ld + i] = sqrt(lambda);
    PetscCall(LapackMerge(d->wide ? d->k : d->ld, d->k, d->F, d->B, d->ld));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = V f(S) c */
static void apply_singular(Dense d, const double c[], bool squared, double lambda, double y[])
{
  const PetscBLASInt inc = 1;
  const double one = 1.0, zero = 0.0;
  for (PetscBLASInt i = 0; i < d->k; i++) {
    const double denominator = d->s[i] * d->s[i] + lambda;
    d->work[i] = denominator > 0.0 ? (squared ? c[i] : d->s[i] * c[i]) / denominator : 0.0;
  }
  BLASgemv_("T", &d->k, &d->k, &one, d->F, &d->ld, d->work, &inc, &zero, y, &inc);
}

/* y = (T^T T + lambda)^{-1} y (gram: (T + lambda)^{-1} y) by the factor. */
static bool solve_normal(Dense d, double lambda, double y[])
{
  const PetscBLASInt inc = 1;
  const double one = 1.0, zero = 0.0;
  if (d->kind != DENSE_SINGULAR) return LapackSolveCholesky(d->k, d->F, d->ld, y);
  double *c = d->B; /* free once the singular values are there */
  BLASgemv_("N", &d->k, &d->k, &one, d->F, &d->ld, y, &inc, &zero, c, &inc);
  apply_singular(d, c, true, lambda, y);
  return true;
}

/* step = -J^T (J J^T + lambda)^{-1} w,  w [k] on rank 0, overwritten. Collective. */
static PetscErrorCode solve_wide(Dense d, double lambda, double w[], double step[], bool *ok)
{
  const PetscBLASInt inc = 1, n = (PetscBLASInt)d->n;
  const double minus = -1.0, zero = 0.0;
  double *local;
  PetscFunctionBegin;
  if (!d->rank && *ok) *ok = solve_normal(d, lambda, w);
  PetscCallMPI(MPI_Bcast(ok, 1, MPI_C_BOOL, 0, d->rows->comm));
  if (!*ok) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->has_rows) {
    if (!d->rank)
      PetscCallBLAS("BLASgemv", BLASgemv_("N", &n, &d->k, &minus, d->J_all, &n, w, &inc, &zero, step, &inc));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(d->rows->n_row, &local));
  PetscCall(DenseProductsScatter(d, w, local));
  PetscCall(DenseProductsTranspose(d, local, step));
  for (size_t k = 0; k < d->n; k++) step[k] = -step[k];
  PetscCall(PetscFree(local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step = -(J^T J + lambda)^{-1} b,  b = J^T r unless the kind has a better way to it */
static bool solve_tall(Dense d, double lambda, const double b[], double step[])
{
  bool ok = true;
  for (PetscBLASInt i = 0; i < d->k; i++) step[i] = b[i];
  if (b == d->gradient && d->kind == DENSE_SINGULAR) {
    apply_singular(d, d->c, false, lambda, step);
  } else if (b == d->gradient && d->kind == DENSE_TRIANGLE) {
    for (PetscBLASInt i = 0; i < d->k; i++) step[i] = d->F[(size_t)d->ld * (size_t)d->k + (size_t)i];
    ok = LapackSolveTriangle(d->k, d->F, d->ld, step);
  } else {
    ok = solve_normal(d, lambda, step);
  }
  for (PetscBLASInt i = 0; i < d->k; i++) step[i] = -step[i];
  return ok;
}

/* Rank 0's step to all ranks; not finite where it has none. */
static PetscErrorCode share_step(Dense d, double step[], bool *ok)
{
  PetscMPIInt n;
  PetscFunctionBegin;
  if (!*ok)
    for (size_t i = 0; i < d->n; i++) step[i] = NAN;
  PetscCall(PetscMPIIntCast((PetscInt)d->n, &n));
  PetscCallMPI(MPI_Bcast(step, n, MPI_DOUBLE, 0, d->rows->comm));
  for (size_t i = 0; i < d->n; i++) *ok = *ok && isfinite(step[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseFactor(Dense d, double lambda, bool *ok)
{
  PetscFunctionBegin;
  *ok = true;
  if (d->shared) {
    PetscCall(DenseSharedFactor(d, lambda, ok));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!d->rank) PetscCall(factor_damped(d, lambda, ok));
  PetscCallMPI(MPI_Bcast(ok, 1, MPI_C_BOOL, 0, d->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSolve(Dense d, double lambda, double step[], bool *ok)
{
  PetscFunctionBegin;
  PetscCall(DenseFactor(d, lambda, ok));
  for (size_t i = 0; i < d->n && !*ok; i++) step[i] = NAN;
  if (!*ok) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->shared) {
    PetscCall(DenseSharedSolve(d, d->r, d->gradient, step, ok));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (d->wide) {
    if (!d->rank) PetscCall(PetscArraycpy(d->c, d->r_all, d->k));
    PetscCall(solve_wide(d, lambda, d->c, step, ok));
  } else if (!d->rank) {
    *ok = solve_tall(d, lambda, d->gradient, step);
  }
  PetscCall(share_step(d, step, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSolveAgain(Dense d, double lambda, const double w[], double step[], bool *ok)
{
  const PetscBLASInt inc = 1;
  const double one = 1.0, zero = 0.0;
  PetscBLASInt n, n_row;
  double *b;
  PetscFunctionBegin;
  *ok = true;
  if (d->shared) {
    PetscCall(PetscMalloc1(d->n, &b));
    if (!d->wide) PetscCall(DenseProductsTranspose(d, w, b));
    PetscCall(DenseSharedSolve(d, w, b, step, ok));
    PetscCall(PetscFree(b));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (d->wide) {
    PetscCall(DenseGather(d, 1, w, d->c));
    PetscCall(solve_wide(d, lambda, d->c, step, ok));
  } else {
    PetscCall(PetscBLASIntCast((PetscInt)d->n, &n));
    PetscCall(PetscBLASIntCast(d->rows->n_row, &n_row));
    PetscCall(PetscCalloc1(d->n, &b));
    if (d->has_rows) {
      if (n_row) PetscCallBLAS("BLASgemv", BLASgemv_("N", &n, &n_row, &one, d->J, &n, w, &inc, &zero, b, &inc));
      PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, b, n, MPI_DOUBLE, MPI_SUM, d->rows->comm));
    } else {
      PetscCall(DenseProductsTranspose(d, w, b));
    }
    if (!d->rank) *ok = solve_tall(d, lambda, b, step);
    PetscCall(PetscFree(b));
  }
  PetscCall(share_step(d, step, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}
