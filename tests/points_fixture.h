/* What the tests of points share: a case's domain from two lines of text. */
#pragma once
#include <stdio.h>
#include <string.h>
#include "harness.h"
#include "pinn/points.h"
#include "random_check.h"

typedef struct {
  Config config;
  Formula formula;
  Domain domain;
} Fixture;

/* coordinates: "x t", a vector as "x[5]". domain: "type = \"ball\"; radius = 2.0;". */
static inline PetscErrorCode FixtureLoad(const char *coordinates, const char *domain, Fixture *fixture)
{
  char text[8192], names[128];

  PetscFunctionBegin;
  *fixture = (Fixture){NULL, NULL, NULL};
  snprintf(names, sizeof(names), "%s", coordinates);
  snprintf(text, sizeof(text),
           "problem: { coordinates = [ \"x\" ]; fields = [ \"u\" ]; equations = ( { residual = \"u\"; } ); };\n"
           "domain: { %s };\n",
           domain);
  PetscCall(ConfigLoadText("case.cfg", text, 0, NULL, &fixture->config));
  PetscCall(FormulaCreate(&fixture->formula));
  for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
    int length = 0;
    char *bracket = strchr(name, '[');
    if (bracket) sscanf(bracket, "[%d]", &length), *bracket = '\0';
    PetscCall(FormulaAddCoordinate(fixture->formula, "case.cfg", name, length));
  }
  PetscCall(DomainCreate(fixture->config, fixture->formula, &fixture->domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void FixtureFree(Fixture *fixture)
{
  ck_petsc(DomainDestroy(&fixture->domain));
  ck_petsc(FormulaDestroy(&fixture->formula));
  ck_petsc(ConfigDestroy(&fixture->config));
}
