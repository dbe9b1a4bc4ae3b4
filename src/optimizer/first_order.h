/* What Adam, SOAP and Shampoo share: one gradient and one step an iteration, no search. */
#pragma once
#include "schedule.h"

typedef struct {
  Schedule schedule;
  Vec gradient;
  Vec last; /* the point before theta: where to go back to when theta turns out not to be finite */
} FirstOrder;

/* theta -> its next value, with first->gradient taken at theta; leaves the old one in first->last. */
typedef PetscErrorCode (*FirstOrderStepFn)(Optimizer optimizer, double rate, Vec theta);

PetscErrorCode FirstOrderCreate(Optimizer optimizer, Config config, FirstOrder *first);
PetscErrorCode FirstOrderDestroy(FirstOrder *first);
PetscErrorCode FirstOrderSolve(Optimizer optimizer, FirstOrder *first, FirstOrderStepFn step, Vec theta,
                               OptimizerReason *reason);
