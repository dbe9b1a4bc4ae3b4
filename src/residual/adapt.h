/* Interior points that follow the residual: what a row of AdaptTable points to. */
#pragma once
#include "residual_impl.h"

struct Adapt_s {
  /* New training points of a block from those it has: chosen [out] [count][dim], and where it weighs them the weight of
     each in the mean square, weight [out] [count]; the same on all ranks. Collective. */
  PetscErrorCode (*choose)(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                           double chosen[], double weight[]);
  bool keeps;  /* some of the points that are there */
  bool weighs; /* points */
};

/* The root of the weighted sum of squared residuals at local points, 0 where it is no number: size [n]; and its mean
   over all ranks. Collective. */
PetscErrorCode AdaptSizes(Residual residual, RowBlock *block, const PointSet *points, const double theta[],
                          double size[], double *mean);
/* Fresh points of the interior, uniform in it. Collective. */
PetscErrorCode AdaptCandidates(Residual residual, const RowBlock *block, PetscInt count, PetscInt iteration,
                               PointSet *points);

/* ADAPT_POOL fresh points for each that is wanted, uniform in the interior, and their sizes as above, of all ranks. */
#define ADAPT_POOL 8
typedef struct {
  PointSet points;
  double *size; /* [points.count] the same on all ranks */
} AdaptPool;
PetscErrorCode AdaptPoolCreate(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                               AdaptPool *pool);
PetscErrorCode AdaptPoolDestroy(AdaptPool *pool);
/* Adds the local points of a set that have a place among the chosen ones: place [count of the set] is -1 without one,
   else the first, and the next `copies` - 1 places hold copies; copies NULL = 1. Not collective. */
void AdaptPlace(const PointSet *points, const int place[], const int copies[], double chosen[]);
/* chosen [count][dim], zero but for the places of each rank's own points, from all ranks. Collective. */
PetscErrorCode AdaptJoin(MPI_Comm comm, PetscInt count, int dim, double chosen[]);

extern const Adapt AdaptRAD, AdaptR3, AdaptRAR, AdaptImportance;
