/* What Adam, SOAP, Shampoo and FOSI share: one gradient and one step an iteration, no search. */
#pragma once
#include "schedule.h"

typedef struct FirstOrder_s {
  Schedule schedule;
  Vec gradient;
  Vec last; /* the point before theta: where to go back to when theta turns out not to be finite; NULL: `undo` takes
               the last step back, to rounding */
  PetscErrorCode (*undo)(Optimizer optimizer, Vec theta);
} FirstOrder;

/* Reads the schedule and makes *first, a part of optimizer->data, that of the optimizer. */
PetscErrorCode FirstOrderCreate(Optimizer optimizer, Config config, FirstOrder *first);
PetscErrorCode FirstOrderDestroy(FirstOrder *first);
/* OptimizerOps.solve of every stage that has a step. */
PetscErrorCode OptimizerSolve_FirstOrder(Optimizer optimizer, Vec theta, OptimizerReason *reason);
