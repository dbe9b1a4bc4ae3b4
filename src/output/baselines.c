/* What an ansatz scores without learning. A field g(x) + w(x) net(x) is fitted by least squares at the verification
   points with a constant and with an affine function in the place of net.

   An affine fit of d + 1 numbers to N points leaves less error at them than at others, by the factor 1 - (d + 1) / N
   in the mean square: errors are given without it. Where N <= 2 (d + 1) points say little of d slopes. Then only their
   size is fitted, and their direction is the exact solution's gradient at the center of the domain: a bound of what the
   best affine function scores, from above. */
#include <math.h>
#include "baselines.h"

#define LEAST_POINTS 2.0 /* for each unknown */
#define MOST_STEPS   300
#define CONVERGED    1e-13 /* of the first residual of the normal equations */

static PetscErrorCode sum_up(const Fit *fit, size_t n, double sums[])
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)n, MPI_DOUBLE, MPI_SUM, fit->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FitConstant(const Fit *fit, double *norm)
{
  double sums[3] = {0.0};
  PetscFunctionBegin;
  for (int i = 0; i < fit->points->n; i++) {
    sums[0] += fit->w[i] * fit->y[i];
    sums[1] += fit->w[i] * fit->w[i];
  }
  PetscCall(sum_up(fit, 2, sums));
  const double c = sums[1] > 0.0 ? sums[0] / sums[1] : 0.0;
  for (int i = 0; i < fit->points->n; i++) sums[2] += (fit->y[i] - c * fit->w[i]) * (fit->y[i] - c * fit->w[i]);
  PetscCall(sum_up(fit, 1, sums + 2));
  *norm = sqrt(sums[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out [n] = w (a . (x - center) / size + c), a = v[0 .. d), c = v[d] */
static void apply(const Fit *fit, const double v[], double out[])
{
  const int dim = fit->points->dim;
#pragma omp parallel for schedule(static)
  for (int i = 0; i < fit->points->n; i++) {
    const double *x = fit->points->x + (size_t)i * (size_t)dim;
    double sum = v[dim];
    for (int k = 0; k < dim; k++) sum += v[k] * (x[k] - fit->center[k]) / fit->size[k];
    out[i] = fit->w[i] * sum;
  }
}

/* v [d + 1] = the transpose of it */
static PetscErrorCode apply_transpose(const Fit *fit, const double r[], double v[])
{
  const int dim = fit->points->dim;
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(v, dim + 1));
  for (int i = 0; i < fit->points->n; i++) {
    const double *x = fit->points->x + (size_t)i * (size_t)dim, wr = fit->w[i] * r[i];
    for (int k = 0; k < dim; k++) v[k] += wr * (x[k] - fit->center[k]) / fit->size[k];
    v[dim] += wr;
  }
  PetscCall(sum_up(fit, (size_t)dim + 1, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double square(size_t n, const double v[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += v[k] * v[k];
  return sum;
}

/* r [n], at first y, becomes what is left (CGLS: Bjorck, Numerical Methods for Least Squares Problems, 7.4.1). */
static PetscErrorCode solve(const Fit *fit, double r[])
{
  const size_t n = (size_t)fit->points->n, m = (size_t)fit->points->dim + 1;
  double *s, *p, *q, old, first;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(m, &s, m, &p, n, &q));
  PetscCall(apply_transpose(fit, r, s));
  PetscCall(PetscArraycpy(p, s, m));
  first = old = square(m, s);
  for (int step = 0; step < MOST_STEPS && old > CONVERGED * CONVERGED * first; step++) {
    apply(fit, p, q);
    double qq = square(n, q);
    PetscCall(sum_up(fit, 1, &qq));
    if (qq <= 0.0) break;
    for (size_t i = 0; i < n; i++) r[i] -= old / qq * q[i];
    PetscCall(apply_transpose(fit, r, s));
    const double now = square(m, s);
    for (size_t k = 0; k < m; k++) p[k] = s[k] + now / old * p[k];
    old = now;
  }
  PetscCall(PetscFree3(s, p, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FitAffine(const Fit *fit, double *norm)
{
  const size_t n = (size_t)fit->points->n;
  const double unknowns = (double)fit->points->dim + 1.0;
  double *r, sums[2] = {(double)n, 0.0};
  PetscFunctionBegin;
  *norm = NAN;
  PetscCall(sum_up(fit, 1, sums));
  if (sums[0] <= LEAST_POINTS * unknowns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &r));
  PetscCall(PetscArraycpy(r, fit->y, n));
  PetscCall(solve(fit, r));
  sums[1] = square(n, r);
  PetscCall(sum_up(fit, 1, sums + 1));
  *norm = sqrt(sums[1] / (1.0 - unknowns / sums[0]));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FitAlong(const Fit *fit, const double along[], double *norm)
{
  double sums[5] = {0.0}, left = 0.0;
  PetscFunctionBegin;
  for (int i = 0; i < fit->points->n; i++) {
    const double w = fit->w[i], v = w * along[i];
    sums[0] += w * w, sums[1] += w * v, sums[2] += v * v;
    sums[3] += w * fit->y[i], sums[4] += v * fit->y[i];
  }
  PetscCall(sum_up(fit, 5, sums));
  const double determinant = sums[0] * sums[2] - sums[1] * sums[1];
  const double c = determinant > 0.0 ? (sums[3] * sums[2] - sums[1] * sums[4]) / determinant : 0.0;
  const double a = determinant > 0.0 ? (sums[0] * sums[4] - sums[1] * sums[3]) / determinant : 0.0;
  for (int i = 0; i < fit->points->n; i++) {
    const double r = fit->y[i] - fit->w[i] * (c + a * along[i]);
    left += r * r;
  }
  PetscCall(sum_up(fit, 1, &left));
  *norm = determinant > 0.0 ? sqrt(left) : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By central differences of fourth order: exact derivatives by each of a million coordinates would fill the memory, and
   one along each line is all that is needed. Step 1e-3 of the way to the point: rounding takes 13 digits of 16. */
PetscErrorCode BaselineAlong(Probe exact, const double center[], const PointSet *points, double along[])
{
  static const double step[] = {-2e-3, -1e-3, 1e-3, 2e-3}, weight[] = {1.0, -8.0, 8.0, -1.0};
  const size_t dim = (size_t)points->dim;
  double *x, values[4];
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(4 * dim, &x));
  for (int i = 0; i < points->n; i++) {
    const double *to = points->x + (size_t)i * dim;
    for (size_t j = 0; j < 4; j++)
      for (size_t k = 0; k < dim; k++) x[j * dim + k] = center[k] + step[j] * (to[k] - center[k]);
    PetscCall(ProbeEvaluate(exact, NULL, 4, x, NULL, values));
    along[i] = 0.0;
    for (int j = 0; j < 4; j++) along[i] += weight[j] * values[j] / 12e-3;
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
