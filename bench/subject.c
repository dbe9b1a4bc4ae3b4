/* A case on the way of a user's: text to configuration, problem, domain, network, rows. */
#include <stdio.h>
#include <string.h>
#include "bench.h"

static PetscErrorCode load(const BenchCase *about, Config *config)
{
  char text[2048], hidden[256] = "";
  PetscFunctionBegin;
  for (int l = 0; l < about->depth; l++)
    snprintf(hidden + strlen(hidden), sizeof(hidden) - strlen(hidden), "%s%d", l ? ", " : "", about->width);
  const int n = snprintf(text, sizeof(text),
                         "precision = \"%s\"; estimator: { type = \"exact\"; };\n"
                         "problem: { coordinates = [ %s ]; fields = [ \"u\" ];\n"
                         "  equations = ( { residual = \"%s\"; } ); };\n"
                         "domain: { type = \"box\"; };\n"
                         "points: { interior = { sampler = \"uniform\"; count = %d; }; };\n"
                         "network: { hidden = [ %s ]; activation = \"tanh\"; normalize = false; };\n",
                         about->precision, about->plan->coordinates, about->plan->residual, (int)about->points, hidden);
  PetscCheck(n < (int)sizeof(text), PETSC_COMM_SELF, PETSC_ERR_PLIB, "case text of %d characters", n);
  PetscCall(ConfigLoadText(about->plan->name, text, 0, NULL, config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns and tile, as a probe of the equation has them. */
static PetscErrorCode read_plan(Subject *s)
{
  Probe probe;
  PetscFunctionBegin;
  PetscCall(ProbeCreate(s->built.problem, s->built.network, 1, &ProblemBlock(s->built.problem, 0)->terms[0].node, NULL,
                        &probe));
  s->columns = JetPlanColumns(ProbePlan(probe));
  s->tile = NetworkTilePoints(s->built.network, ProbePlan(probe));
  PetscCall(ProbeDestroy(&probe));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_vectors(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(BuiltTheta(&s->built, &s->theta));
  PetscCall(VecDuplicate(s->theta, &s->v));
  PetscCall(VecDuplicate(s->theta, &s->gradient));
  PetscCall(PetscMalloc1(s->rows->n_row, &s->r));
  PetscCall(VecCopy(s->theta, s->v));
  PetscCall(VecScale(s->v, 1.1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SubjectCreate(const BenchCase *about, Subject *s)
{
  Config config;
  PetscFunctionBegin;
  *s = (Subject){.about = *about};
  PetscCall(load(about, &config));
  PetscCall(BuiltCreate(PETSC_COMM_SELF, config, &s->built));
  s->rows = ResidualRows(s->built.residual);
  PetscCall(read_plan(s));
  PetscCall(create_vectors(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SubjectDestroy(Subject *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->r));
  PetscCall(PetscFree(s->gram));
  PetscCall(VecDestroy(&s->theta));
  PetscCall(VecDestroy(&s->v));
  PetscCall(VecDestroy(&s->gradient));
  PetscCall(BuiltDestroy(&s->built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SubjectPoints(const Subject *s, PointSet *points)
{
  PetscInt seed;
  Region region;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(s->built.config, "seed", &seed));
  const Sampling sampling = {
      ChoiceFind(&SamplerTable, "uniform"), 1, &s->about.points, {(uint32_t)seed, RANDOM_INTERIOR, 0, 0}};
  PetscCall(RegionCreate(s->built.domain, s->about.plan->name, "interior", &region));
  PetscCall(PointSetSample(PETSC_COMM_SELF, region, &sampling, points));
  PetscCall(RegionDestroy(&region));
  PetscFunctionReturn(PETSC_SUCCESS);
}
