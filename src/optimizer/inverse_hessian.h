/* The dense inverse Hessian H of the self-scaled quasi-Newton stages and its update (inverse_hessian.c). Held whole on
   every rank: H = scale * packed, so that scaling costs nothing. */
#pragma once
#include "pinn/error.h"

typedef struct {
  PetscBLASInt n;
  size_t n_packed; /* n (n + 1) / 2 */
  double scale;
  double *packed; /* [n_packed] lower triangle, column by column */
} InverseHessian;

/* What an update is made of, with B = H^{-1}. */
typedef struct {
  double ys;  /* y . s > 0 */
  double sBs; /* s . B s; for a step s = -t H g it is -t (s . g) */
  double yHy;
} Curvature;

/* Self-scaling factors of an update in n dimensions. Cannot fail. */
typedef void (*ScalingFn)(const Curvature *curvature, double n, double *tau, double *phi);
void ScalingBFGS(const Curvature *curvature, double n, double *tau, double *phi);
void ScalingBroyden(const Curvature *curvature, double n, double *tau, double *phi);

PetscErrorCode InverseHessianCreate(size_t n, InverseHessian *H);
PetscErrorCode InverseHessianDestroy(InverseHessian *H);
/* H = diagonal times the identity */
PetscErrorCode InverseHessianReset(InverseHessian *H, double diagonal);
/* y [out] [n] = H x. Cost: n^2 multiply-adds, one pass over n^2 / 2 numbers. */
PetscErrorCode InverseHessianApply(const InverseHessian *H, const double x[], double y[]);
/* The update in inverse_hessian.c, with Hy [n] = H y. Cost: one pass over n^2 / 2 numbers, read and written. */
PetscErrorCode InverseHessianUpdate(InverseHessian *H, double tau, double phi, const Curvature *curvature,
                                    const double s[], const double Hy[]);
/* product [n] = H x becomes H+ x, from sx = s . x and Hyx = Hy . x: no pass over the matrix. Cannot fail. */
void InverseHessianUpdateProduct(size_t n, double tau, double phi, const Curvature *curvature, const double s[],
                                 const double Hy[], double sx, double Hyx, double product[]);
