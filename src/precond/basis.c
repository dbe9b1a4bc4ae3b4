#include <math.h>
#include <petscsys.h>
#include <petscblaslapack.h>
#include "low_rank.h"

#define DEPENDENT 1e-13 /* part of a column's length that is rounding */

/* C [add][ld] = X Q^T over all ranks, then X -= C Q;  Q [have][n], X [add][n]. */
static PetscErrorCode project(MPI_Comm comm, size_t n, PetscInt have, PetscInt add, const double Q[], double X[],
                              double C[], size_t ld)
{
  const double one = 1.0, minus = -1.0, zero = 0.0;
  PetscBLASInt rows, h, a, l, lead;
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)n, &rows));
  PetscCall(PetscBLASIntCast(have, &h));
  PetscCall(PetscBLASIntCast(add, &a));
  PetscCall(PetscBLASIntCast((PetscInt)ld, &l));
  lead = PetscMax(rows, 1);
  for (PetscInt j = 0; j < add; j++) PetscCall(PetscArrayzero(C + (size_t)j * ld, have));
  if (!have) PetscFunctionReturn(PETSC_SUCCESS);
  if (rows) PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &h, &a, &rows, &one, Q, &lead, X, &lead, &zero, C, &l));
  for (PetscInt j = 0; j < add; j++)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, C + (size_t)j * ld, h, MPI_DOUBLE, MPI_SUM, comm));
  if (rows) PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &rows, &a, &h, &minus, Q, &lead, C, &l, &one, X, &lead));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode length(MPI_Comm comm, size_t n, const double x[], double *norm)
{
  double sum = 0.0;
  PetscFunctionBegin;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, comm));
  *norm = sqrt(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* X [add][n] orthonormal within itself, X_before = R^T X, R [add][add] upper by columns. least: lengths below are
   rounding, [add]. */
static PetscErrorCode orthonormalize(MPI_Comm comm, size_t n, PetscInt add, double X[], const double least[],
                                     double R[])
{
  double *again, norm;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(add, &again));
  PetscCall(PetscArrayzero(R, add * add));
  for (PetscInt j = 0; j < add; j++) {
    double *x = X + (size_t)j * n, *c = R + (size_t)j * (size_t)add;
    PetscCall(project(comm, n, j, 1, X, x, c, (size_t)add));
    PetscCall(project(comm, n, j, 1, X, x, again, (size_t)add));
    for (PetscInt i = 0; i < j; i++) c[i] += again[i];
    PetscCall(length(comm, n, x, &norm));
    c[j] = norm > least[j] ? norm : 0.0;
    for (size_t i = 0; i < n; i++) x[i] = c[j] > 0.0 ? x[i] / norm : 0.0;
  }
  PetscCall(PetscFree(again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C [add][ld] of the first round and C2, R of it and R2 of the second one together: X = Q (C + R C2) + Q_new (R R2). */
static void combine(PetscInt have, PetscInt add, const double R[], const double C2[], const double R2[], double C[],
                    size_t ld)
{
  for (PetscInt j = 0; j < add; j++) {
    double *c = C + (size_t)j * ld;
    for (PetscInt k = 0; k < add; k++) c[have + k] = 0.0;
    for (PetscInt i = 0; i <= j; i++) {
      const double r = R[j * add + i];
      for (PetscInt k = 0; k < have; k++) c[k] += r * C2[(size_t)i * (size_t)have + (size_t)k];
      for (PetscInt k = 0; k <= i; k++) c[have + k] += r * R2[i * add + k];
    }
  }
}

PetscErrorCode BasisAppend(MPI_Comm comm, size_t n, PetscInt have, PetscInt add, double Q[], double C[], size_t ld)
{
  double *X = Q + (size_t)have * n, *first, *second, *R, *R2, *least;
  PetscFunctionBegin;
  PetscCall(PetscMalloc5(add * have, &first, add * have, &second, add * add, &R, add * add, &R2, add, &least));
  for (PetscInt j = 0; j < add; j++) {
    PetscCall(length(comm, n, X + (size_t)j * n, &least[j]));
    least[j] *= DEPENDENT;
  }
  PetscCall(project(comm, n, have, add, Q, X, first, (size_t)have));
  PetscCall(orthonormalize(comm, n, add, X, least, R));
  for (PetscInt j = 0; j < add; j++) least[j] = 0.5 * DEPENDENT;
  PetscCall(project(comm, n, have, add, Q, X, second, (size_t)have));
  PetscCall(orthonormalize(comm, n, add, X, least, R2));
  if (C) {
    for (PetscInt j = 0; j < add; j++) PetscCall(PetscArraycpy(C + (size_t)j * ld, first + j * have, have));
    combine(have, add, R, second, R2, C, ld);
  }
  PetscCall(PetscFree5(first, second, R, R2, least));
  PetscFunctionReturn(PETSC_SUCCESS);
}
