/* A whole case from text, for tests of what is built from it. */
#pragma once
#include <math.h>
#include "harness.h"
#include "pinn/residual.h"

typedef struct {
  Config config;
  Problem problem;
  Domain domain;
  Network network;
  Residual residual;
} Case;

static inline PetscErrorCode CaseCreateOn(MPI_Comm comm, const char *text, Case *c)
{
  const double *lower, *upper;
  PetscFunctionBegin;
  *c = (Case){0};
  PetscCall(ConfigLoadText("test.cfg", text, 0, NULL, &c->config));
  PetscCall(ProblemCreate(c->config, &c->problem));
  const Formula formula = ProblemFormula(c->problem);
  PetscCall(DomainCreate(c->config, formula, &c->domain));
  DomainBounds(c->domain, &lower, &upper);
  PetscCall(NetworkCreate(c->config, FormulaCoordinates(formula), FormulaCoordinateNames(formula),
                          ProblemFields(c->problem), lower, upper, &c->network));
  PetscCall(ResidualCreate(comm, c->config, c->problem, c->domain, c->network, &c->residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode CaseCreate(const char *text, Case *c)
{
  return CaseCreateOn(PETSC_COMM_WORLD, text, c);
}

static inline PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBegin;
  PetscCall(ResidualDestroy(&c->residual));
  PetscCall(NetworkDestroy(&c->network));
  PetscCall(DomainDestroy(&c->domain));
  PetscCall(ProblemDestroy(&c->problem));
  PetscCall(ConfigDestroy(&c->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Smooth pseudo-random numbers of size about `scale`, by their place: those of a vector are the same on all ranks. */
static inline void CaseFill(double scale, double phase, size_t n, double values[])
{
  for (size_t k = 0; k < n; k++) values[k] = scale * sin(12.9898 * (double)k + phase);
}

static inline void CaseFillVec(double scale, double phase, Vec v)
{
  PetscInt first, last;
  double *values;
  ck_petsc(VecGetOwnershipRange(v, &first, &last));
  ck_petsc(VecGetArray(v, &values));
  for (PetscInt k = first; k < last; k++) values[k - first] = scale * sin(12.9898 * (double)k + phase);
  ck_petsc(VecRestoreArray(v, &values));
}
