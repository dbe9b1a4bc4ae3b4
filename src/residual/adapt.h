/* Interior points that follow the residual: what a row of AdaptTable points to. */
#pragma once
#include "residual_impl.h"

struct Adapt_s {
  /* New training points of a block from those it has: chosen [out] [count][dim], the same on all ranks. Collective. */
  PetscErrorCode (*choose)(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                           double chosen[]);
  bool keeps; /* some of the points that are there */
};

/* The root of the weighted sum of squared residuals at local points, 0 where it is no number: size [n]; and its mean
   over all ranks. Collective. */
PetscErrorCode AdaptSizes(Residual residual, RowBlock *block, const PointSet *points, const double theta[],
                          double size[], double *mean);
/* Fresh points of the interior, uniform in it. Collective. */
PetscErrorCode AdaptCandidates(Residual residual, const RowBlock *block, PetscInt count, PetscInt iteration,
                               PointSet *points);

extern const Adapt AdaptRAD, AdaptR3;
