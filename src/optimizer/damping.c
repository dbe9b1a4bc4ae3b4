#include "damping.h"
#include <float.h>
#include <math.h>

#define GOOD_RATIO 0.75 /* of actual to predicted decrease: lambda falls above, and rises below POOR_RATIO */
#define POOR_RATIO 0.25
#define FALL       0.5
#define RISE       4.0
#define LEAST      1e-20 /* by a trust region */

struct DampingRule_s {
  bool follows_gradient, follows_ratio;
};

static const Choice rules[] = {
    {"constant", "lambda = damping", &(const DampingRule){false, false}},
    {"gradient-normalized", "lambda = damping |J^T r|: fades as a minimum comes near",
     &(const DampingRule){true, false}},
    {"trust-region", "from damping on by the ratio of the actual to the predicted decrease of the loss",
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

bool DampingPredicts(const Damping *damping)
{
  return damping->rule->follows_ratio;
}

double DampingBefore(Damping *damping, double gradient_norm)
{
  if (damping->rule->follows_gradient) damping->lambda = fmax(damping->factor * gradient_norm, DBL_MIN);
  return damping->lambda;
}

void DampingAfter(Damping *damping, double actual, double predicted)
{
  if (!damping->rule->follows_ratio || !(predicted > 0.0)) return;
  if (actual > GOOD_RATIO * predicted)
    damping->lambda = fmax(FALL * damping->lambda, LEAST);
  else if (!(actual >= POOR_RATIO * predicted))
    damping->lambda *= RISE;
}
