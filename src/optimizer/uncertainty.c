/* Standard deviations of the last parameters of theta, from the Gauss-Newton matrix: of sigma^2 (J^T J)^{-1} with
   sigma^2 = |r|^2 / (rows - rank J), the block that belongs to them.

   With J = [A B], B their columns, that block is sigma^2 (E^T E)^{-1}, E = what A leaves of B in least squares. Columns
   have length one, and singular values of A below a cutoff count as zero, so that parameters which nothing depends on
   take nothing from E. */
#include <math.h>
#include "dense.h"
#include "lapack.h"

#define CUTOFF 1e-12

/* E [n_last][k], column j what the first m columns of T leave of column m + j; and the rank of those. */
static PetscErrorCode leave(const Dense d, PetscBLASInt n_last, double E[], PetscBLASInt *rank)
{
  const PetscBLASInt m = d->k - n_last, inc = 1;
  const size_t ld = (size_t)d->ld, k = (size_t)d->k;
  double *A, *X;
  PetscFunctionBegin;
  *rank = 0;
  PetscCall(PetscMalloc2((size_t)m * (size_t)m, &A, (size_t)m * (size_t)n_last, &X));
  for (PetscBLASInt c = 0; c < m; c++)
    for (PetscBLASInt i = 0; i < m; i++)
      A[(size_t)c * (size_t)m + (size_t)i] = i <= c ? d->T[(size_t)c * ld + (size_t)i] : 0.0;
  for (PetscBLASInt j = 0; j < n_last; j++)
    PetscCall(PetscArraycpy(X + (size_t)j * (size_t)m, d->T + (size_t)(m + j) * ld, m));
  if (m) PetscCall(LapackLeastSquares(m, A, m, n_last, X, CUTOFF, rank));
  for (PetscBLASInt j = 0; j < n_last; j++) {
    const double *b = d->T + (size_t)(m + j) * ld;
    double *x = X + (size_t)j * (size_t)m;
    if (m) PetscCallBLAS("BLAStrmv", BLAStrmv_("U", "N", "N", &m, d->T, &d->ld, x, &inc));
    for (PetscBLASInt i = 0; i < d->k; i++)
      E[(size_t)j * k + (size_t)i] = i < m ? b[i] - x[i] : i <= m + j ? b[i] : 0.0;
  }
  PetscCall(PetscFree2(A, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On rank 0: deviation [n_last], of the scaled parameters. */
static PetscErrorCode deviations(const Dense d, PetscBLASInt n_last, double deviation[])
{
  const double one = 1.0, zero = 0.0;
  PetscBLASInt rank;
  double *E, *S, *x;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)n_last * (size_t)d->k, &E, (size_t)n_last * (size_t)n_last, &S, n_last, &x));
  PetscCall(leave(d, n_last, E, &rank));
  PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "T", &n_last, &d->k, &one, E, &d->k, &zero, S, &n_last));
  const double freedom = (double)d->rows->n_row_global - (double)(rank + n_last);
  const bool ok = freedom > 0.0 && LapackCholesky(n_last, S, n_last);
  for (PetscBLASInt j = 0; j < n_last; j++) {
    for (PetscBLASInt i = 0; i < n_last; i++) x[i] = i == j;
    deviation[j] = ok && LapackSolveCholesky(n_last, S, n_last, x) ? sqrt(2.0 * d->loss / freedom * x[j]) : INFINITY;
  }
  PetscCall(PetscFree3(E, S, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerUncertainty(Config config, Rows rows, Vec theta, int n_last, double deviation[])
{
  Dense d;
  MemoryShare memory;
  bool finite = true;
  PetscFunctionBegin;
  for (int j = 0; j < n_last; j++) deviation[j] = NAN;
  if (rows->gradient_only || rows->n_param > OPTIMIZER_UNCERTAINTY) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseCreate(NULL, NULL, rows, 0, rows->n_param, false, false, &d));
  PetscCall(OptimizerMemoryShare(rows, config, DenseBytes(d), &memory));
  if (memory.share > 1.0) { /* a run that has trained does not end for want of it */
    PetscCall(DenseDestroy(&d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DenseAssemble(d, theta, 0.0, true));
  for (size_t k = 0; k < d->n; k++) finite = finite && isfinite(d->gradient[k]);
  if (finite) {
    PetscCall(DenseTriangle(d));
    if (!d->rank) PetscCall(deviations(d, n_last, deviation));
    PetscCallMPI(MPI_Bcast(deviation, n_last, MPI_DOUBLE, 0, rows->comm));
    for (int j = 0; j < n_last; j++) deviation[j] *= d->scaling[d->n - (size_t)n_last + (size_t)j];
  }
  PetscCall(DenseDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}
