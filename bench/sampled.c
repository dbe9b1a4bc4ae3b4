/* A case with sampled derivatives at its first step, as numbers: for a program that does the same step.

   FILE gets, as plain doubles, theta [n_param], the points [n][dim], the directions [n_direction] and their factors
   [n_direction], then loss and gradient [n_param]. */
#include <stdio.h>
#include "../src/network/compress.h"
#include "../src/residual/residual_impl.h"
#include "bench.h"

typedef struct {
  Built built;
  Vec theta, gradient;
  double loss;
} Sampled;

static PetscErrorCode create(const char *path, Sampled *s)
{
  Config config;
  bool changed;
  PetscFunctionBegin;
  PetscCall(ConfigLoad(PETSC_COMM_SELF, path, 0, NULL, &config));
  PetscCall(BuiltCreate(PETSC_COMM_SELF, config, &s->built));
  PetscCall(BuiltTheta(&s->built, &s->theta));
  PetscCall(VecDuplicate(s->theta, &s->gradient));
  const Rows rows = ResidualRows(s->built.residual);
  PetscCall(rows->ops->update(rows->self, s->theta, 1, &changed));
  PetscCall(rows->ops->gradient(rows->self, s->theta, &s->loss, s->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy(Sampled *s)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&s->theta));
  PetscCall(VecDestroy(&s->gradient));
  PetscCall(BuiltDestroy(&s->built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_sampled(const Sampled *s, const SeedGroup *group, const char *path)
{
  const PointSet *points = &s->built.residual->blocks[0].train.points;
  const size_t n_param = NetworkParameters(s->built.network), n_x = (size_t)points->n * (size_t)points->dim;
  const size_t n_direction = (size_t)group->width;
  const double *theta, *gradient;
  double *place;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_direction, &place));
  for (size_t k = 0; k < n_direction; k++) place[k] = group->place[k];
  PetscCall(VecGetArrayRead(s->theta, &theta));
  PetscCall(VecGetArrayRead(s->gradient, &gradient));
  FILE *file = fopen(path, "wb");
  PinnSystemCheck(file, "cannot write '%s'", path);
  bool ok = fwrite(theta, sizeof(double), n_param, file) == n_param;
  ok = fwrite(points->x, sizeof(double), n_x, file) == n_x && ok;
  ok = fwrite(place, sizeof(double), n_direction, file) == n_direction && ok;
  ok = fwrite(group->scale, sizeof(double), n_direction, file) == n_direction && ok;
  ok = fwrite(&s->loss, sizeof(double), 1, file) == 1 && ok;
  ok = fwrite(gradient, sizeof(double), n_param, file) == n_param && ok;
  ok = !fclose(file) && ok;
  PinnSystemCheck(ok, "cannot write '%s'", path);
  PetscCall(VecRestoreArrayRead(s->theta, &theta));
  PetscCall(VecRestoreArrayRead(s->gradient, &gradient));
  PetscCall(PetscFree(place));
  printf("{\"parameters\": %zu, \"points\": %d, \"dimension\": %d, \"directions\": %zu}\n", n_param, points->n,
         points->dim, n_direction);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchSampled(const char *case_path, const char *path)
{
  Sampled s = {0};
  PetscFunctionBegin;
  PetscCall(create(case_path, &s));
  const NetworkCompression groups = s.built.residual->blocks[0].probe->compression;
  PinnUserCheck(groups && groups->n_group == 1 && groups->groups[0].place, "'%s' has no sum that is sampled",
                case_path);
  PetscCall(write_sampled(&s, &groups->groups[0], path));
  PetscCall(destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
