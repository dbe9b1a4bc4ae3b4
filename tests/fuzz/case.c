/* A case as --check takes it: settings, problem, domain, network, rows and solver stages. */
#include "fuzz.h"
#include "pinn/optimizer.h"
#include "pinn/residual.h"

typedef struct {
  Config config;
  Problem problem;
  Domain domain;
  Network network;
  Residual residual;
} Case;

static PetscErrorCode create(const char *text, Case *c)
{
  static const char *const limits[] = {"limits.memory=64"};
  PetscFunctionBegin;
  PetscCall(ConfigLoadText("fuzz.cfg", text, 1, limits, &c->config));
  PetscCall(ProblemCreate(c->config, &c->problem));
  PetscCall(DomainCreate(c->config, ProblemFormula(c->problem), &c->domain));
  const Formula formula = ProblemFormula(c->problem);
  const double *lower, *upper;
  DomainBounds(c->domain, &lower, &upper);
  PetscCall(NetworkCreate(c->config, FormulaCoordinates(formula), FormulaCoordinateNames(formula),
                          ProblemFields(c->problem), lower, upper, &c->network));
  PetscCall(ResidualCreate(PETSC_COMM_SELF, c->config, c->problem, c->domain, c->network, &c->residual));
  for (int k = 0; k < ConfigCount(c->config, "solver"); k++) {
    Optimizer optimizer;
    PetscCall(OptimizerCreate(c->config, k, ResidualRows(c->residual), &optimizer));
    PetscCall(OptimizerDestroy(&optimizer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Case c = {0};
  char *text = FuzzText(data, size);
  (void)FuzzPassed(create(text, &c));
  FuzzMust(ResidualDestroy(&c.residual));
  FuzzMust(NetworkDestroy(&c.network));
  FuzzMust(DomainDestroy(&c.domain));
  FuzzMust(ProblemDestroy(&c.problem));
  FuzzMust(ConfigDestroy(&c.config));
  free(text);
  FuzzNothingLeft();
  return 0;
}
