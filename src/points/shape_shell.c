/* The shell inner <= |x - center| <= radius, in two dimensions or more; its volume map is the ball's with the radius
   (inner^d + u_0 (radius^d - inner^d))^(1/d). Face 0 is the inner sphere. */
#include <stdio.h>
#include "shape.h"

typedef struct {
  double *center; /* [dim] */
  double inner, outer;
} Shell;

static PetscErrorCode shell_create(Shape shape, Config config, const char *path)
{
  const int dim = shape->dim;
  Shell *shell;

  PetscFunctionBegin;
  PetscCall(PetscNew(&shell));
  shape->data = shell;
  PetscCall(PetscMalloc1(dim, &shell->center));
  PetscCall(ShapeReadVector(shape, config, path, "center", shell->center));
  PetscCall(ShapeReadReal(config, path, "radius", &shell->outer));
  PetscCall(ShapeReadReal(config, path, "inner", &shell->inner));
  PinnUserCheck(shell->inner < shell->outer, "%s: the inner radius %lg is not below the radius %lg", shape->where,
                shell->inner, shell->outer);
  for (int c = 0; c < dim; c++) {
    shape->lower[c] = shell->center[c] - shell->outer;
    shape->upper[c] = shell->center[c] + shell->outer;
  }
  shape->radius = shell->outer;
  shape->log_measure = BallLogMeasure(dim, shell->outer) + log1p(-pow(shell->inner / shell->outer, dim));
  shape->fill_cube = DirectionCube(dim) + 1;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, 2, DirectionCube(dim)));
  for (int f = 0; f < 2; f++) {
    const double radius = f ? shell->outer : shell->inner;
    shape->face[f].log_measure = BallLogMeasure(dim, radius) + log(dim / radius);
    snprintf(shape->face[f].name, sizeof(shape->face[f].name), f ? "outer" : "inner");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode shell_destroy(Shape shape)
{
  Shell *shell = shape->data;

  PetscFunctionBegin;
  if (shell) PetscCall(PetscFree(shell->center));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double shell_distance(Shape shape, const double x[])
{
  const Shell *shell = shape->data;
  double square = 0;
  for (int c = 0; c < shape->dim; c++) square += PetscSqr(x[c] - shell->center[c]);
  return fmax(sqrt(square) - shell->outer, shell->inner - sqrt(square));
}

static void shell_normal(Shape shape, int face, const double x[], double normal[])
{
  const Shell *shell = shape->data;
  double square = 0;
  for (int c = 0; c < shape->dim; c++) {
    normal[c] = x[c] - shell->center[c];
    square += normal[c] * normal[c];
  }
  for (int c = 0; c < shape->dim; c++) normal[c] /= face ? sqrt(square) : -sqrt(square);
}

static void put(const Shell *shell, int dim, double r, const double unit[], double x[])
{
  DirectionMap(dim, unit, x);
  for (int c = 0; c < dim; c++) x[c] = shell->center[c] + r * x[c];
}

static void shell_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Shell *shell = shape->data;
  const double core = pow(shell->inner / shell->outer, shape->dim);

#pragma omp parallel for schedule(static) if (n > 4096)
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    put(shell, shape->dim, shell->outer * pow(core + u[0] * (1 - core), 1.0 / shape->dim), u + 1, x + (size_t)p * ld);
  }
}

static void shell_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Shell *shell = shape->data;
  for (int p = 0; p < n; p++)
    put(shell, shape->dim, face ? shell->outer : shell->inner, unit + (size_t)p * ld_unit, x + (size_t)p * ld);
}

const ShapeOps ShapeOps_Shell = {
    .min_dim = 2,
    .create = shell_create,
    .destroy = shell_destroy,
    .distance = shell_distance,
    .normal = shell_normal,
    .map = shell_map,
    .map_face = shell_map_face,
};
