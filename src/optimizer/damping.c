#include "damping.h"
#include <float.h>
#include <math.h>

struct DampingRule_s {
  bool gradient, model, ratio;
};

static const Choice rules[] = {
    {"constant", "lambda = damping", &(const DampingRule){false, false, false}},
    {"gradient-normalized", "lambda = damping |J^T r|: fades as a minimum comes near",
     &(const DampingRule){true, false, false}},
    {"model", "from damping on, now and then up or down to where the quadratic model falls most",
     &(const DampingRule){false, true, false}},
    {"ratio", "from damping on, as low as the ratio of the actual to the predicted decrease of the loss allows",
     &(const DampingRule){false, false, true}},
    {NULL, NULL, NULL},
};
const ChoiceTable DampingTable = {"damping", "what the damping of a stage follows", rules};

PetscErrorCode DampingRead(Optimizer optimizer, Config config, Damping *damping)
{
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "damping_rule"), &word));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "damping"), &damping->factor));
  damping->rule = ChoiceFind(&DampingTable, word)->data;
  damping->lambda = damping->factor;
  PetscCall(OptimizerAddValues(optimizer, "damping", 1, &damping->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const bool full = false, damped_newton = true;
static const Choice lengths[] = {
    {"full", "the step of the model", &full},
    {"damped-newton", "1 / (1 + (9 M)^(1/3) delta^(2/3)) of it, delta the Newton decrement", &damped_newton},
    {NULL, NULL, NULL},
};
const ChoiceTable LengthTable = {"length", "what part of a Gauss-Newton step is taken", lengths};

PetscErrorCode DampingReadLength(Optimizer optimizer, Config config, Damping *damping)
{
  const char *word, *key = OptimizerKey(optimizer, "smoothness");
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "length"), &word));
  const bool damped = *(const bool *)ChoiceFind(&LengthTable, word)->data, given = ConfigHas(config, key);
  PinnUserCheck(damped || !given, "%s: a full step has no smoothness", ConfigWhere(config, key));
  damping->smoothness = damped ? 1.0 : 0.0;
  if (given) PetscCall(ConfigGetReal(config, key, &damping->smoothness));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double DampingLength(const Damping *damping, double decrement)
{
  return 1.0 / (1.0 + cbrt(9.0 * damping->smoothness * decrement * decrement));
}

bool DampingFollowsRatio(const Damping *damping)
{
  return damping->rule->ratio;
}

bool DampingFollowsModel(const Damping *damping)
{
  return damping->rule->model;
}

double DampingBefore(Damping *damping, double gradient_norm)
{
  if (damping->rule->gradient)
    damping->lambda = fmax(damping->factor * gradient_norm, DBL_MIN);
  else if (!damping->rule->model && !damping->rule->ratio)
    damping->lambda = damping->factor;
  return damping->lambda;
}
