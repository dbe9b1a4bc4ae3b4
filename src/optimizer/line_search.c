#include "line_search.h"
#include <math.h>

#define MOST_ATTEMPTS 12
#define FAR_UPHILL    100.0 /* times the loss at the start: a cubic through it says nothing about the slope there */

static PetscErrorCode objective_and_gradient(TaoLineSearch search, Vec theta, PetscReal *loss, Vec gradient, void *self)
{
  LineSearch *line = self;
  PetscFunctionBegin;
  (void)search;
  PetscCall(line->rows->ops->gradient(line->rows->self, theta, loss, gradient));
  line->too_far = line->too_far || !(*loss <= FAR_UPHILL * line->loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LineSearchCreate(Rows rows, LineSearch *line)
{
  PetscFunctionBegin;
  line->rows = rows;
  PetscCall(TaoLineSearchCreate(rows->comm, &line->search));
  PetscCall(TaoLineSearchSetType(line->search, TAOLINESEARCHMT));
  PetscCall(TaoLineSearchSetObjectiveAndGradientRoutine(line->search, objective_and_gradient, line));
  PetscCall(RowsCreateVec(rows, &line->start));
  PetscCall(VecDuplicate(line->start, &line->start_gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LineSearchDestroy(LineSearch *line)
{
  PetscFunctionBegin;
  PetscCall(TaoLineSearchDestroy(&line->search));
  PetscCall(VecDestroy(&line->start));
  PetscCall(VecDestroy(&line->start_gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LineSearchRun(LineSearch *line, double first, Vec direction, Vec theta, double *loss, Vec gradient,
                             double *step, bool *found)
{
  const double loss_start = *loss;
  TaoLineSearchConvergedReason reason;
  PetscFunctionBegin;
  line->loss = loss_start;
  PetscCall(VecCopy(theta, line->start));
  PetscCall(VecCopy(gradient, line->start_gradient));
  for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++, first *= 0.1) {
    line->too_far = false;
    PetscCall(TaoLineSearchSetInitialStepLength(line->search, first));
    PetscCall(TaoLineSearchApply(line->search, theta, loss, gradient, direction, step, &reason));
    *found = reason > TAOLINESEARCH_CONTINUE_ITERATING && isfinite(*loss) && *loss < loss_start;
    if (*found) PetscFunctionReturn(PETSC_SUCCESS);
    *loss = loss_start;
    PetscCall(VecCopy(line->start, theta));
    PetscCall(VecCopy(line->start_gradient, gradient));
    if (!line->too_far) break;
  }
  *step = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
