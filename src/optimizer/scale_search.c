/* Search for the scales of random features: trials multiply all scales together, then each alone, by powers of two,
   first 2, then sqrt(2), keep going while the held-out residual falls, and end when no direction brings anything more.
   Every trial draws the features again and solves for the last layer from where the stage began. */
#include <math.h>
#include "least_squares.h"

#define MOST_STEPS    20   /* of Newton's method in one trial */
#define SLOW_DECREASE 1e-2 /* of the loss by one of them: the trial is good enough to compare */
#define WORTHWHILE    0.9  /* of the best held-out residual: what counts as better */

enum { SEARCH_NOT_BEGUN, SEARCH_GOES_ON, SEARCH_DONE };

PetscErrorCode ScaleSearchSetUp(Optimizer optimizer)
{
  LeastSquares *ls = optimizer->data;
  const Rows rows = optimizer->rows;
  PetscFunctionBegin;
  if (!rows->search_scales) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(rows->ops->get_scales(rows->self, &ls->n_scale, NULL));
  PetscCall(PetscMalloc1(ls->n_scale, &ls->scales));
  PetscCall(rows->ops->get_scales(rows->self, &ls->n_scale, ls->scales));
  ls->search = (ScaleState){.phase = SEARCH_NOT_BEGUN, .sign = 1.0, .rms = INFINITY};
  PetscCall(OptimizerCreateVec(optimizer, &ls->start));
  PetscCall(OptimizerCreateVec(optimizer, &ls->best));
  PetscCall(OptimizerAddValues(optimizer, "search", N_SCALE_STATE, (double *)&ls->search));
  PetscCall(OptimizerAddValues(optimizer, "scales", (size_t)ls->n_scale, ls->scales));
  PetscCall(OptimizerAddVec(optimizer, "start", ls->start));
  PetscCall(OptimizerAddVec(optimizer, "best", ls->best));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After a trial that was no better: the other sign, the next direction, a finer factor, or the end. */
static void turn(ScaleState *search, int n_scale)
{
  if (search->exponent == 0.0) { /* that was the case's own scales */
    search->exponent = 1.0;
    return;
  }
  if (search->sign > 0.0 && !search->moved) {
    search->sign = -1.0;
    return;
  }
  const bool coarse = search->exponent == 1.0;
  const int n_direction = n_scale == 1 || coarse ? 1 : n_scale + 1;
  search->fruitless = search->moved > 0.0 ? 1.0 : search->fruitless + 1.0;
  search->direction = (double)(((int)search->direction + 1) % n_direction);
  search->sign = 1.0;
  search->moved = 0.0;
  if (coarse)
    search->exponent = 0.5, search->fruitless = 0.0;
  else if (search->fruitless >= n_direction)
    search->phase = SEARCH_DONE;
}

static PetscErrorCode solve_trial(Optimizer optimizer, Vec theta, double *loss)
{
  LeastSquares *ls = optimizer->data;
  const Rows rows = optimizer->rows;
  double floor;
  bool found = true;
  PetscFunctionBegin;
  ls->solves = 0.0;
  PetscCall(rows->ops->evaluate(rows->self, theta, NULL, loss));
  for (int k = 0; k < (rows->linear ? 1 : MOST_STEPS) && found; k++) {
    const double before = *loss;
    PetscCall(LeastSquaresStep(optimizer, theta, loss, &floor, &found));
    if (before - *loss < SLOW_DECREASE * before) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double mean_scale(int n, const double scales[])
{
  double sum = 0.0;
  for (int k = 0; k < n; k++) sum += log(scales[k]);
  return exp(sum / n);
}

static PetscErrorCode run_trial(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  LeastSquares *ls = optimizer->data;
  ScaleState *search = &ls->search;
  const Rows rows = optimizer->rows;
  double *scales, loss, rms;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(ls->n_scale, &scales));
  for (int k = 0; k < ls->n_scale; k++) {
    const bool moves = search->direction == 0.0 || search->direction == k + 1.0;
    scales[k] = ls->scales[k] * (moves ? exp2(search->sign * search->exponent) : 1.0);
  }
  PetscCall(rows->ops->set_scales(rows->self, ls->n_scale, scales));
  PetscCall(VecCopy(ls->start, theta));
  PetscCall(solve_trial(optimizer, theta, &loss));
  PetscCall(rows->ops->heldout(rows->self, theta, &rms));
  const bool better = rms < WORTHWHILE * search->rms;
  if (better) {
    PetscCall(PetscArraycpy(ls->scales, scales, ls->n_scale));
    PetscCall(VecCopy(theta, ls->best));
    search->rms = rms;
    search->moved = search->exponent > 0.0;
  }
  if (!better || search->exponent == 0.0) turn(search, ls->n_scale);
  optimizer->iteration += 1.0;
  PetscCall(OptimizerReport(optimizer, theta, loss, mean_scale(ls->n_scale, scales), NAN, reason));
  PetscCall(PetscFree(scales));
  if (*reason == OPTIMIZER_DIVERGED) *reason = OPTIMIZER_RUNNING;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScaleSearchRun(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  LeastSquares *ls = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss;
  PetscFunctionBegin;
  if (!rows->search_scales || ls->search.phase == SEARCH_DONE) PetscFunctionReturn(PETSC_SUCCESS);
  optimizer->control_name = "scale";
  if (ls->search.phase == SEARCH_NOT_BEGUN) {
    PetscCall(VecCopy(theta, ls->start));
    PetscCall(VecCopy(theta, ls->best));
    ls->search.phase = SEARCH_GOES_ON;
    PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
    PetscCall(OptimizerReport(optimizer, theta, loss, mean_scale(ls->n_scale, ls->scales), NAN, reason));
    if (*reason == OPTIMIZER_DIVERGED) *reason = OPTIMIZER_RUNNING;
  }
  while (ls->search.phase == SEARCH_GOES_ON && *reason == OPTIMIZER_RUNNING)
    PetscCall(run_trial(optimizer, theta, reason));
  optimizer->control_name = optimizer->ops->control_name;
  PetscCall(rows->ops->set_scales(rows->self, ls->n_scale, ls->scales));
  PetscCall(VecCopy(ls->best, theta));
  ls->solves = 1.0;
  if (*reason == OPTIMIZER_RUNNING) optimizer->iteration += 1.0; /* back to the best scales */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScaleSearchDestroy(Optimizer optimizer)
{
  LeastSquares *ls = optimizer->data;
  PetscFunctionBegin;
  PetscCall(VecDestroy(&ls->start));
  PetscCall(VecDestroy(&ls->best));
  PetscCall(PetscFree(ls->scales));
  PetscFunctionReturn(PETSC_SUCCESS);
}
