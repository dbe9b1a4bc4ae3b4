/* The self-scaled Broyden family,

     H+ = 1/tau [ H - Hy y^T H / yHy + phi v v^T ] + s s^T / ys,   v = sqrt(yHy) (s / ys - Hy / yHy),

   the inverse of  B+ = tau [ B - B s s^T B / sBs + theta w w^T ] + y y^T / ys,  w = sqrt(sBs) (y / ys - B s / sBs),
   where phi = (1 - theta) / (1 + a theta), a = b h - 1, b = sBs / ys, h = yHy / ys; a >= 0 by Cauchy and Schwarz.
   theta = 0 is BFGS, theta = 1 DFP. Where B is too large along s (b > 1), tau < 1 shrinks all of it, which plain BFGS
   takes many steps to do: curvatures of a network's loss differ by many orders of magnitude.
     SSBFGS     theta = 0, tau = min(1, 1 / b)
     SSBroyden  theta in an interval that bounds the condition number of the update, nearest to (1 - b) / b, and tau
                with the determinant in mind
   M. Al-Baali and H. Khalfan, Wide interval for efficient self-scaling quasi-Newton algorithms, Optim. Methods Softw.
   20 (2005) 679; on networks J. F. Urban, P. Stefanou, J. A. Pons, Unveiling the optimization process of physics
   informed neural networks, J. Comput. Phys. 523 (2025) 113656 (arXiv 2405.04230), equations 11 and 13 to 23. */
#include "inverse_hessian.h"
#include <float.h>
#include <math.h>
#include <petscblaslapack.h>

#define MOST_SCALE 1e100

/* The packed product, which PETSc does not declare. */
BLAS_EXTERN void dspmv_(const char *, const PetscBLASInt *, const double *, const double *, const double *,
                        const PetscBLASInt *, const double *, double *, const PetscBLASInt *);
void ScalingBFGS(const Curvature *c, double n, double *tau, double *phi)
{
  (void)n;
  *tau = fmin(1.0, c->ys / c->sBs);
  *phi = 1.0;
}

void ScalingBroyden(const Curvature *c, double n, double *tau, double *phi)
{
  const double b = c->sBs / c->ys, h = c->yHy / c->ys, a = b * h - 1.0;
  ScalingBFGS(c, n, tau, phi);
  if (!(a > DBL_EPSILON)) return; /* v = 0: theta has no effect */
  const double rho = fmin(1.0, h * (1.0 - sqrt(a / (1.0 + a))));
  const double theta = fmax((rho - 1.0) / a, fmin(1.0 / rho, (1.0 - b) / b)), sigma = 1.0 + a * theta;
  const double even = n > 1.0 ? pow(sigma, -1.0 / (n - 1.0)) : 1.0;
  *tau = theta > 0.0 ? *tau * fmin(even, 1.0 / theta) : fmin(*tau * even, sigma);
  *phi = (1.0 - theta) / sigma;
}

PetscErrorCode InverseHessianCreate(size_t n, InverseHessian *H)
{
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)n, &H->n));
  H->n_packed = n * (n + 1) / 2;
  PetscCall(PetscMalloc1(H->n_packed, &H->packed));
  PetscCall(InverseHessianReset(H, 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InverseHessianDestroy(InverseHessian *H)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(H->packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InverseHessianReset(InverseHessian *H, double diagonal)
{
  double *entry = H->packed;
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(H->packed, H->n_packed));
  H->scale = 1.0;
  for (PetscBLASInt k = H->n; k > 0; entry += k--) *entry = diagonal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InverseHessianApply(const InverseHessian *H, const double x[], double y[])
{
  const PetscBLASInt inc = 1;
  const double zero = 0.0;
  PetscFunctionBegin;
  dspmv_("L", &H->n, &H->scale, H->packed, x, &inc, &zero, y, &inc);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The update is H+ = H / tau + ss s s^T + sq (s Hy^T + Hy s^T) + qq Hy Hy^T. */
static void coefficients(double tau, double phi, const Curvature *c, double *ss, double *sq, double *qq)
{
  *ss = phi * c->yHy / (tau * c->ys * c->ys) + 1.0 / c->ys;
  *sq = -phi / (tau * c->ys);
  *qq = -(1.0 - phi) / (tau * c->yHy);
}

PetscErrorCode InverseHessianUpdate(InverseHessian *H, double tau, double phi, const Curvature *c, const double s[],
                                    const double Hy[])
{
  const size_t n = (size_t)H->n;
  double ss, sq, qq;
  PetscFunctionBegin;
  coefficients(tau, phi, c, &ss, &sq, &qq);
  H->scale /= tau;
  if (H->scale > MOST_SCALE) {
    for (size_t k = 0; k < H->n_packed; k++) H->packed[k] *= H->scale;
    H->scale = 1.0;
  }
  const double share = 1.0 / H->scale;
#pragma omp parallel for schedule(static, 8) if (n > 200)
  for (size_t j = 0; j < n; j++) {
    const double a = share * (ss * s[j] + sq * Hy[j]), b = share * (sq * s[j] + qq * Hy[j]);
    double *column = H->packed + j * (2 * n - j - 1) / 2; /* column[i], i >= j */
#pragma omp simd
    for (size_t i = j; i < n; i++) column[i] += a * s[i] + b * Hy[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void InverseHessianUpdateProduct(size_t n, double tau, double phi, const Curvature *c, const double s[],
                                 const double Hy[], double sx, double Hyx, double product[])
{
  double ss, sq, qq;
  coefficients(tau, phi, c, &ss, &sq, &qq);
  const double a = ss * sx + sq * Hyx, b = sq * sx + qq * Hyx;
  for (size_t k = 0; k < n; k++) product[k] = product[k] / tau + a * s[k] + b * Hy[k];
}
