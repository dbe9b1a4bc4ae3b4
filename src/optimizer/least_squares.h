/* The least-squares stage: last-layer solves (least_squares.c) and the search for feature scales (scale_search.c). */
#pragma once
#include "dense.h"

typedef struct {
  double phase;     /* whole: not begun, goes on, done */
  double direction; /* whole: 0 all scales together, k + 1 scale k alone */
  double sign;      /* +1 or -1: larger or smaller */
  double exponent;  /* the next trial multiplies by 2^(sign exponent); 0 = the case's own scales */
  double fruitless; /* whole: directions in a row that brought nothing, or nothing more */
  double moved;     /* whole: improvements in this direction */
  double rms;       /* held-out residual of the best scales */
} ScaleState;

#define N_SCALE_STATE (sizeof(ScaleState) / sizeof(double))

typedef struct {
  double cutoff;
  Dense dense;
  double *step, *coefficients; /* [count] scaled like the columns of J */
  double rank;                 /* numerical rank of the last solve */
  Vec trial;
  double solves; /* whole: accepted solves since the last change of features */
  ScaleState search;
  int n_scale;
  double *scales; /* [n_scale] the best ones */
  Vec start, best;
} LeastSquares;

/* One Newton step on the last layer from theta, with a line search.
     loss   [inout]  at theta
     floor  [out]    what the linear model says that the loss could become
     found  [out]    false: no decrease; theta is what it was */
PetscErrorCode LeastSquaresStep(Optimizer optimizer, Vec theta, double *loss, double *floor, bool *found);

/* Allocates what the search needs and names its state, where the rows want one. */
PetscErrorCode ScaleSearchSetUp(Optimizer optimizer);
/* Runs trials until the search is done or the stage ends; then sets the best scales and theta. */
PetscErrorCode ScaleSearchRun(Optimizer optimizer, Vec theta, OptimizerReason *reason);
PetscErrorCode ScaleSearchDestroy(Optimizer optimizer);
