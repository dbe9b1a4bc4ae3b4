#include "line_search.h"
#include <math.h>

#define MOST_ATTEMPTS 12

static PetscErrorCode objective_and_gradient(TaoLineSearch search, Vec theta, PetscReal *loss, Vec gradient, void *self)
{
  LineSearch *line = self;
  PetscFunctionBegin;
  (void)search;
  PetscCall(line->rows->ops->gradient(line->rows->self, theta, loss, gradient));
  line->not_finite = line->not_finite || !isfinite(*loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LineSearchCreate(Rows rows, LineSearch *line)
{
  PetscFunctionBegin;
  line->rows = rows;
  PetscCall(TaoLineSearchCreate(rows->comm, &line->search));
  PetscCall(TaoLineSearchSetType(line->search, TAOLINESEARCHMT));
  PetscCall(TaoLineSearchSetObjectiveAndGradientRoutine(line->search, objective_and_gradient, line));
  PetscCall(VecCreateMPI(rows->comm, PETSC_DECIDE, (PetscInt)rows->n_param, &line->start));
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
  PetscCall(VecCopy(theta, line->start));
  PetscCall(VecCopy(gradient, line->start_gradient));
  for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++, first *= 0.1) {
    line->not_finite = false;
    PetscCall(TaoLineSearchSetInitialStepLength(line->search, first));
    PetscCall(TaoLineSearchApply(line->search, theta, loss, gradient, direction, step, &reason));
    *found = reason > TAOLINESEARCH_CONTINUE_ITERATING && isfinite(*loss) && *loss < loss_start;
    if (*found) PetscFunctionReturn(PETSC_SUCCESS);
    *loss = loss_start;
    PetscCall(VecCopy(line->start, theta));
    PetscCall(VecCopy(line->start_gradient, gradient));
    if (!line->not_finite) break;
  }
  *step = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
