#include "schedule.h"
#include <math.h>

static double constant(double first, double last, double t)
{
  (void)last, (void)t;
  return first;
}

static double exponential(double first, double last, double t)
{
  return first * pow(last / first, t);
}

static double linear(double first, double last, double t)
{
  return first + (last - first) * t;
}

static double cosine(double first, double last, double t)
{
  return last + 0.5 * (first - last) * (1.0 + cos(M_PI * t));
}

/* What a row points to; `decay` is the default of that key. */
typedef struct {
  ScheduleFn shape;
  double decay;
} Shape;

static const Choice schedules[] = {
    {"constant", "the learning rate throughout", &(const Shape){constant, 1.0}},
    {"exponential", "by the same factor in every iteration; decay is 1 unless given", &(const Shape){exponential, 1.0}},
    {"linear", "along a line; decay is 0 unless given", &(const Shape){linear, 0.0}},
    {"cosine", "along half a cosine; decay is 0 unless given", &(const Shape){cosine, 0.0}},
    {NULL, NULL, NULL},
};
const ChoiceTable ScheduleTable = {"schedule", "how the learning rate of a stage falls", schedules};

PetscErrorCode ScheduleRead(Optimizer optimizer, Config config, Schedule *schedule)
{
  const char *word, *key = OptimizerKey(optimizer, "decay");
  PetscInt warmup;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "schedule"), &word));
  const Shape *shape = ChoiceFind(&ScheduleTable, word)->data;
  double decay = shape->decay;
  if (ConfigHas(config, key)) {
    PetscCall(ConfigGetReal(config, key, &decay));
    PinnUserCheck(shape->shape != constant, "%s: a constant schedule has no decay", ConfigWhere(config, key));
    PinnUserCheck(shape->shape != exponential || decay > 0.0,
                  "%s: an exponential schedule never reaches 0: decay must be positive", ConfigWhere(config, key));
  }
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "learning_rate"), &schedule->rate));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "warmup"), &warmup));
  schedule->shape = shape->shape;
  schedule->last = decay * schedule->rate;
  schedule->warmup = (double)warmup;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double ScheduleRate(const Schedule *schedule, double done, PetscInt iterations)
{
  const double warmup = schedule->warmup, span = fmax((double)iterations - 1.0 - warmup, 1.0);
  if (done < warmup) return schedule->rate * (done + 1.0) / warmup;
  return schedule->shape(schedule->rate, schedule->last, fmin((done - warmup) / span, 1.0));
}
