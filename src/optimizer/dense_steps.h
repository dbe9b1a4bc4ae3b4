/* Damped systems of a Krylov stage by a dense factor, where the smaller side of J allows it. */
#pragma once
#include "dense.h"

typedef struct {
  Dense dense;     /* NULL where it is too large or not wanted */
  double factored; /* damping of its factor; negative = none at this point */
  double *step;    /* [n_param] */
} DenseSteps;

/* Reads dense of the stage; rows are borrowed. Errors: those of DenseCreate. Collective. */
PetscErrorCode DenseStepsCreate(Optimizer optimizer, Config config, Rows rows, DenseSteps *steps);
PetscErrorCode DenseStepsDestroy(DenseSteps *steps);
/* J is another one from now on. Cannot fail. */
void DenseStepsForget(DenseSteps *steps);
/* Can this damping be dealt with? Cannot fail. */
bool DenseStepsCan(const DenseSteps *steps, double damping);
/* x [out] = (J^T J + damping)^{-1} J^T w at theta by a Cholesky factor, or for least dampings an orthogonal one; the
   factor is kept for this damping. w [n_row]. ok = false: it has none. Collective. */
PetscErrorCode DenseStepsSolve(DenseSteps *steps, Vec theta, double damping, const double w[], Vec x, bool *ok);
/* rho by such a factor: see MEASURE_REACH; NAN where there is none.
     gradient [in] J^T r, r [n_row];  x  for work, like theta
   Collective. Cost: a factorization. */
PetscErrorCode DenseStepsReach(DenseSteps *steps, Vec theta, Vec gradient, const double r[], double loss, Vec x,
                               double *rho);
