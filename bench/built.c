#include "built.h"

PetscErrorCode BuiltCreate(MPI_Comm comm, Config config, Built *b)
{
  const double *lower, *upper;
  PetscFunctionBegin;
  *b = (Built){.config = config};
  PetscCall(ProblemCreate(config, &b->problem));
  const Formula formula = ProblemFormula(b->problem);
  PetscCall(DomainCreate(config, formula, &b->domain));
  DomainBounds(b->domain, &lower, &upper);
  PetscCall(NetworkCreate(config, FormulaCoordinates(formula), FormulaCoordinateNames(formula),
                          ProblemFields(b->problem), lower, upper, &b->network));
  PetscCall(ResidualCreate(comm, config, b->problem, b->domain, b->network, &b->residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuiltDestroy(Built *b)
{
  PetscFunctionBegin;
  PetscCall(ResidualDestroy(&b->residual));
  PetscCall(NetworkDestroy(&b->network));
  PetscCall(DomainDestroy(&b->domain));
  PetscCall(ProblemDestroy(&b->problem));
  PetscCall(ConfigDestroy(&b->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuiltTheta(const Built *b, Vec *theta)
{
  double *values;
  PetscFunctionBegin;
  PetscCall(ResidualCreateTheta(b->residual, theta));
  PetscCall(PetscMalloc1(NetworkParameters(b->network), &values));
  NetworkInitialize(b->network, values);
  PetscCall(ResidualScatterTheta(b->residual, values, *theta));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
