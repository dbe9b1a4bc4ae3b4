/* The ball |x - center| <= radius in any dimension d. Maps of the unit cube that preserve volume and area:
     d = 1       the interval; the surface is two points, faces 0 and 1
     d = 2       radius R sqrt(u_0), angle 2 pi u_1
     d = 3       radius R cbrt(u_0), height 1 - 2 u_1 (Archimedes), angle 2 pi u_2
     d > 3       radius R u_0^(1/d), direction g / |g| with g_i = Phi^-1(u_{1+i}): one cube coordinate more than d. The
                 exact inverse by nested beta distributions would save that one but costs a root search a coordinate.
   The surface has the same maps without u_0. */
#include <stdio.h>
#include <string.h>
#include "pinn/random.h"
#include "shape.h"

typedef struct {
  double *center; /* [dim] */
  double radius;
  bool uniform_radius; /* not uniform in the volume, which in many dimensions lies at the surface */
} Ball;

static const Choice radial_rows[] = {
    {"volume", "uniform in the ball: nearly all at the surface in many dimensions", NULL},
    {"uniform-radius", "the radius is uniform: as many points near the center as near the surface", NULL},
    {NULL, NULL, NULL},
};
const ChoiceTable RadialTable = {"radial distribution", "how points of a ball lie along its radius", radial_rows};

double BallLogMeasure(int dim, double radius)
{
  const double d = dim;
  return d / 2 * log(PETSC_PI) - lgamma(d / 2 + 1) + d * log(radius);
}

int DirectionCube(int dim)
{
  return dim > 3 ? dim : dim - 1;
}

void DirectionMap(int dim, const double unit[], double e[])
{
  if (dim == 1) {
    e[0] = 1;
  } else if (dim <= 3) {
    const double height = dim == 3 ? 1 - 2 * unit[0] : 0, angle = 2 * PETSC_PI * unit[dim - 2];
    const double ring = sqrt((1 - height) * (1 + height));
    e[0] = ring * cos(angle);
    e[1] = ring * sin(angle);
    if (dim == 3) e[2] = height;
  } else {
    double square = 0;
    NormalQuantiles((size_t)dim, unit, e);
#pragma omp simd reduction(+ : square)
    for (int c = 0; c < dim; c++) square += e[c] * e[c];
    if (square == 0) e[0] = square = 1; /* the center of the cube, a node of odd tensor products */
    const double length = sqrt(square);
    for (int c = 0; c < dim; c++) e[c] /= length;
  }
}

PetscErrorCode ShapeCreateBall(Shape shape, const double center[], double radius)
{
  const int dim = shape->dim;
  Ball *ball;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ball));
  PetscCall(PetscMalloc1(dim, &ball->center));
  PetscCall(PetscArraycpy(ball->center, center, dim));
  ball->radius = shape->radius = radius;
  shape->data = ball;
  for (int c = 0; c < dim; c++) {
    shape->lower[c] = center[c] - radius;
    shape->upper[c] = center[c] + radius;
  }
  shape->log_measure = BallLogMeasure(dim, radius);
  shape->fill_cube = DirectionCube(dim) + 1;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, dim == 1 ? 2 : 1, DirectionCube(dim)));
  for (int f = 0; f < shape->n_face; f++) {
    shape->face[f].log_measure = dim > 1 ? shape->log_measure + log(dim / radius) : -INFINITY;
    snprintf(shape->face[f].name, sizeof(shape->face[f].name), dim > 1 ? "sphere" : f ? "upper" : "lower");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ball_create(Shape shape, Config config, const char *path)
{
  double *center, radius;
  const char *word;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(shape->dim, &center));
  PetscCall(ShapeReadVector(shape, config, path, "center", center));
  PetscCall(ShapeReadReal(config, path, "radius", &radius));
  PetscCall(ShapeCreateBall(shape, center, radius));
  PetscCall(PetscFree(center));
  if (!ConfigHas(config, ConfigPath("%s.radial", path))) PetscFunctionReturn(PETSC_SUCCESS); /* a part of a shape */
  PetscCall(ConfigGetString(config, ConfigPath("%s.radial", path), &word));
  ((Ball *)shape->data)->uniform_radius = !strcmp(word, "uniform-radius");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ball_destroy(Shape shape)
{
  Ball *ball = shape->data;

  PetscFunctionBegin;
  if (ball) PetscCall(PetscFree(ball->center));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double ball_distance(Shape shape, const double x[])
{
  const Ball *ball = shape->data;
  double square = 0;
  for (int c = 0; c < shape->dim; c++) square += PetscSqr(x[c] - ball->center[c]);
  return sqrt(square) - ball->radius;
}

static double radial(int dim, double unit)
{
  switch (dim) {
  case 1:
    return 2 * unit - 1;
  case 2:
    return sqrt(unit);
  case 3:
    return cbrt(unit);
  default:
    return pow(unit, 1.0 / dim);
  }
}

static void ball_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Ball *ball = shape->data;
  const int dim = shape->dim;

#pragma omp parallel for schedule(static) if ((size_t)n * (size_t)dim > 4096)
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    const double r = ball->radius * (ball->uniform_radius && dim > 1 ? u[0] : radial(dim, u[0]));
    double *xp = x + (size_t)p * ld;
    DirectionMap(dim, u + 1, xp);
    for (int c = 0; c < dim; c++) xp[c] = ball->center[c] + r * xp[c];
  }
}

static void ball_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Ball *ball = shape->data;
  const int dim = shape->dim;
  const double r = dim == 1 && face == 0 ? -ball->radius : ball->radius;

#pragma omp parallel for schedule(static) if ((size_t)n * (size_t)dim > 4096)
  for (int p = 0; p < n; p++) {
    double *xp = x + (size_t)p * ld;
    DirectionMap(dim, unit + (size_t)p * ld_unit, xp);
    for (int c = 0; c < dim; c++) xp[c] = ball->center[c] + r * xp[c];
  }
}

static void ball_normal(Shape shape, int face, const double x[], double normal[])
{
  const Ball *ball = shape->data;
  double square = 0;
  (void)face;
  for (int c = 0; c < shape->dim; c++) {
    normal[c] = x[c] - ball->center[c];
    square += normal[c] * normal[c];
  }
  for (int c = 0; c < shape->dim; c++) normal[c] /= sqrt(square);
}

static bool ball_flat(Shape shape, int face)
{
  (void)face;
  return shape->dim == 1;
}

const ShapeOps ShapeOps_Ball = {
    .min_dim = 1,
    .create = ball_create,
    .destroy = ball_destroy,
    .distance = ball_distance,
    .normal = ball_normal,
    .map = ball_map,
    .map_face = ball_map_face,
    .flat = ball_flat,
};
