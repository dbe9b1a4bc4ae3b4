#include <float.h>
#include <math.h>
#include "kronecker.h"
#include "pinn/kernel.h"

#define MOST_TRIES 40 /* dampings, each ten times the last */

PetscErrorCode KroneckerInverseCreate(size_t n_in, size_t n_out, KroneckerInverse *inverse)
{
  PetscFunctionBegin;
  *inverse = (KroneckerInverse){.n_in = n_in, .n_out = n_out};
  PetscCall(PetscCalloc3(n_in * n_in, &inverse->K_A, n_out * n_out, &inverse->K_B, n_out * n_in, &inverse->D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerInverseDestroy(KroneckerInverse *inverse)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(inverse->K_A, inverse->K_B, inverse->D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool all_finite(size_t n, const double values[])
{
  for (size_t k = 0; k < n; k++)
    if (!isfinite(values[k])) return false;
  return true;
}

PetscErrorCode KroneckerInvertProduct(KroneckerInverse *inverse, const double A[], const double B[], double lambda,
                                      double a[], double b[])
{
  const size_t n_in = inverse->n_in, n_out = inverse->n_out;
  PetscFunctionBegin;
  PetscCheck(all_finite(n_in * n_in, A) && all_finite(n_out * n_out, B), PETSC_COMM_SELF, PETSC_ERR_FP,
             "Kronecker factors are not finite");
  PetscCall(PetscArraycpy(inverse->K_A, A, n_in * n_in));
  PetscCall(PetscArraycpy(inverse->K_B, B, n_out * n_out));
  PetscCall(KroneckerEigen(n_in, inverse->K_A, a));
  PetscCall(KroneckerEigen(n_out, inverse->K_B, b));
  for (size_t i = 0; i < n_in; i++) a[i] = fmax(a[i], 0.0);
  for (size_t j = 0; j < n_out; j++) b[j] = fmax(b[j], 0.0);
  for (size_t j = 0; j < n_out && lambda >= 0.0; j++)
    for (size_t i = 0; i < n_in; i++) inverse->D[j * n_in + i] = a[i] * b[j] + lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double trace(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += A[i * (n + 1)];
  return sum;
}

/* K [n][n], w [n]: K (A + shift) K^T = 1 and K A2 K^T = diag w. */
static PetscErrorCode diagonalize(size_t n, const double A[], double shift, const double A2[], double K[], double w[],
                                  bool *definite)
{
  double *M;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * n, &M));
  PetscCall(PetscArraycpy(M, A, n * n));
  PetscCall(PetscArraycpy(K, A2, n * n));
  for (size_t i = 0; i < n; i++) M[i * (n + 1)] += shift;
  PetscCall(KroneckerPencil(n, K, M, w, definite));
  for (size_t i = 0; *definite && i < n; i++) w[i] = fmax(w[i], 0.0);
  PetscCall(PetscFree(M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerInvertSum(KroneckerInverse *inverse, const double A[], const double B[], const double A2[],
                                  const double B2[], double lambda, double *used)
{
  const size_t n_in = inverse->n_in, n_out = inverse->n_out;
  const double mean_A = trace(n_in, A) / (double)n_in, mean_B = trace(n_out, B) / (double)n_out;
  const double pi = mean_A > 0.0 && mean_B > 0.0 ? sqrt(mean_A / mean_B) : 1.0;
  bool definite = false;
  double *a, *b;
  PetscFunctionBegin;
  PetscCheck(all_finite(n_in * n_in, A) && all_finite(n_out * n_out, B) && all_finite(n_in * n_in, A2) &&
                 all_finite(n_out * n_out, B2),
             PETSC_COMM_SELF, PETSC_ERR_FP, "Kronecker factors are not finite");
  PetscCall(PetscMalloc2(n_in, &a, n_out, &b));
  for (int k = 0; k < MOST_TRIES && !definite; k++) {
    const double root = sqrt(lambda);
    *used = lambda;
    PetscCall(diagonalize(n_in, A, pi * root, A2, inverse->K_A, a, &definite));
    if (definite) PetscCall(diagonalize(n_out, B, root / pi, B2, inverse->K_B, b, &definite));
    lambda = fmax(10.0 * lambda, DBL_EPSILON * DBL_EPSILON * mean_A * mean_B);
    if (lambda <= 0.0) lambda = 1.0;
  }
  PetscCheck(definite, PETSC_COMM_SELF, PETSC_ERR_LIB, "no damping makes a Kronecker factor definite");
  for (size_t j = 0; j < n_out; j++)
    for (size_t i = 0; i < n_in; i++) inverse->D[j * n_in + i] = 1.0 + b[j] * a[i];
  PetscCall(PetscFree2(a, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void KroneckerInverseApply(const KroneckerInverse *inverse, const double X[], double work[], double Y[])
{
  const size_t n_in = inverse->n_in, n_out = inverse->n_out, size = n_in * n_out;
  double *left = work, *both = work + size;
  KernelCPU.gemm('N', 'N', n_out, n_in, n_out, 1.0, inverse->K_B, n_out, X, n_in, 0.0, left, n_in);
  KernelCPU.gemm('N', 'T', n_out, n_in, n_in, 1.0, left, n_in, inverse->K_A, n_in, 0.0, both, n_in);
  for (size_t k = 0; k < size; k++) both[k] /= inverse->D[k];
  KernelCPU.gemm('T', 'N', n_out, n_in, n_out, 1.0, inverse->K_B, n_out, both, n_in, 0.0, left, n_in);
  KernelCPU.gemm('N', 'N', n_out, n_in, n_in, 1.0, left, n_in, inverse->K_A, n_in, 0.0, Y, n_in);
}
