/* Best constant and best affine functions in the place of a network (baselines.c). */
#pragma once
#include "pinn/output.h"

/* y ~ w net at this rank's points. */
typedef struct {
  MPI_Comm comm;
  const PointSet *points;
  const double *w, *y;         /* [points->n] */
  const double *center, *size; /* [dim] of the domain's box: the unknowns are slopes over it */
} Fit;

/* What is left of y, as a norm over all ranks' points. Collective.
     FitConstant  net = c
     FitAffine    net = a.x + c, without what the fit itself takes away; NaN where the points are too few
     FitAlong     net = c + s along, two unknowns; along [in] [points->n]; NaN where it is constant
   Cost: that of reading the points; of FitAffine up to 600 times. */
PetscErrorCode FitConstant(const Fit *fit, double *norm);
PetscErrorCode FitAffine(const Fit *fit, double *norm);
PetscErrorCode FitAlong(const Fit *fit, const double along[], double *norm);
/* gradient . (x - center) of an exact solution's gradient at the center, to 10 digits of its change: along [out]
   [points->n]; exact: a probe of the solution alone. Not collective. Cost: four evaluations a point. */
PetscErrorCode BaselineAlong(Probe exact, const double center[], const PointSet *points, double along[]);
