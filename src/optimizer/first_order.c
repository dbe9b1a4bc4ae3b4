#include "first_order.h"
#include <math.h>

PetscErrorCode FirstOrderCreate(Optimizer optimizer, Config config, FirstOrder *first)
{
  PetscFunctionBegin;
  optimizer->first = first;
  PetscCall(ScheduleRead(optimizer, config, &first->schedule));
  PetscCall(OptimizerCreateVec(optimizer, &first->gradient));
  PetscCall(OptimizerCreateVec(optimizer, &first->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FirstOrderDestroy(FirstOrder *first)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&first->gradient));
  PetscCall(VecDestroy(&first->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSolve_FirstOrder(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  FirstOrder *first = optimizer->first;
  const Rows rows = optimizer->rows;
  double loss, norm;
  bool changed;
  PetscFunctionBegin;
  if (first->last) PetscCall(VecCopy(theta, first->last));
  for (;;) {
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    PetscCall(rows->ops->gradient(rows->self, theta, &loss, first->gradient));
    PetscCall(VecNorm(first->gradient, NORM_2, &norm));
    const double rate = ScheduleRate(&first->schedule, optimizer->iteration, optimizer->iterations);
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, rate, norm, reason));
    if (*reason == OPTIMIZER_DIVERGED && first->last) PetscCall(VecCopy(first->last, theta));
    if (*reason == OPTIMIZER_DIVERGED && !first->last) PetscCall(first->undo(optimizer, theta));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(optimizer->ops->step(optimizer, rate, theta));
    optimizer->iteration += 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
