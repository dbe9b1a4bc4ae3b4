#include "dense_steps.h"
#include <math.h>
#include "trial.h"

#define MOST_DENSE   4000 /* order of dense problems that are tried */
#define MOST_ENTRIES 1e8  /* of J where it is formed */

PetscErrorCode DenseStepsCreate(Optimizer optimizer, Config config, Rows rows, DenseSteps *steps)
{
  const PetscInt n = (PetscInt)rows->n_param, m = rows->n_row_global;
  const bool gram_only = (double)n * (double)m > MOST_ENTRIES;
  bool wanted;
  PetscFunctionBegin;
  *steps = (DenseSteps){.factored = -1.0};
  PetscCall(ConfigGetBool(config, OptimizerKey(optimizer, "dense"), &wanted));
  if (!wanted || PetscMin(n, m) > MOST_DENSE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseCreate(optimizer, config, rows, 0, rows->n_param, m < n, gram_only, &steps->dense));
  PetscCall(PetscMalloc1(rows->n_param, &steps->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseStepsDestroy(DenseSteps *steps)
{
  PetscFunctionBegin;
  PetscCall(DenseDestroy(&steps->dense));
  PetscCall(PetscFree(steps->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void DenseStepsForget(DenseSteps *steps)
{
  steps->factored = -1.0;
  if (steps->dense) steps->dense->kind = DENSE_NONE;
}

bool DenseStepsCan(const DenseSteps *steps, double damping)
{
  return steps->dense && (!steps->dense->gram_only || damping >= TRIAL_GRAM_LIMIT);
}

/* J is scaled there once more, by one number, and the damping with it. */
PetscErrorCode DenseStepsSolve(DenseSteps *steps, Vec theta, double damping, const double w[], Vec x, bool *ok)
{
  const Dense d = steps->dense;
  PetscFunctionBegin;
  if (d->kind == DENSE_NONE) PetscCall(DenseAssemble(d, theta, INFINITY, false));
  const double lambda = damping * d->scaling[0] * d->scaling[0];
  *ok = true;
  if (steps->factored != damping) {
    PetscCall(DenseReduce(d, damping >= TRIAL_GRAM_LIMIT ? DENSE_GRAM : DENSE_TRIANGLE));
    PetscCall(DenseFactor(d, lambda, ok));
    steps->factored = *ok ? damping : -1.0;
  }
  PetscCall(VecZeroEntries(x));
  if (!*ok) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseSolveAgain(d, lambda, w, steps->step, ok));
  PetscCall(DenseShift(d, x, x, -1.0, steps->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseStepsReach(DenseSteps *steps, Vec theta, Vec gradient, const double r[], double loss, Vec x,
                               double *rho)
{
  bool ok;
  PetscFunctionBegin;
  *rho = NAN;
  PetscCall(DenseStepsSolve(steps, theta, TRIAL_REACH_DAMPING, r, x, &ok));
  if (!ok || !(loss > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDot(gradient, x, rho));
  *rho = fmin(*rho / (2.0 * loss), 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}
