#include "damping.h"
#include <float.h>
#include <math.h>

struct DampingRule_s {
  bool gradient, model;
};

static const Choice rules[] = {
    {"constant", "lambda = damping", &(const DampingRule){false, false}},
    {"gradient-normalized", "lambda = damping |J^T r|: fades as a minimum comes near",
     &(const DampingRule){true, false}},
    {"model", "from damping on, now and then up or down to where the quadratic model falls most",
     &(const DampingRule){false, true}},
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

bool DampingFollowsModel(const Damping *damping)
{
  return damping->rule->model;
}

double DampingBefore(Damping *damping, double gradient_norm)
{
  if (damping->rule->gradient) damping->lambda = fmax(damping->factor * gradient_norm, DBL_MIN);
  return damping->lambda;
}
