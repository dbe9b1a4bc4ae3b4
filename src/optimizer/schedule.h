/* The learning rate of first-order stages over their iterations. */
#pragma once
#include "optimizer_impl.h"

typedef double (*ScheduleFn)(double first, double last, double t);

typedef struct {
  ScheduleFn shape;
  double rate, last; /* the largest rate, and that of the last iteration */
  double warmup;     /* whole: iterations in which the rate rises linearly */
} Schedule;

/* Reads learning_rate, schedule, decay and warmup. Errors: PETSC_ERR_USER_INPUT where they contradict one another. */
PetscErrorCode ScheduleRead(Optimizer optimizer, Config config, Schedule *schedule);
/* The rate of the step after `done` steps of `iterations`. Cannot fail. */
double ScheduleRate(const Schedule *schedule, double done, PetscInt iterations);
