/* The torus: the points within `tube` of a circle. With the angle q around the tube, the volume element is
   (R + s cos q) s ds dq: s = tube sqrt(u) and q from (R q + s sin q) / (2 pi R) = u, a monotone equation solved by
   Newton steps kept in a bracket. The surface is s = tube. */
#include <stdio.h>
#include "shape.h"

typedef struct {
  double center[3], frame[3][3]; /* the last row is the axis */
  double major, minor;
} Torus;

static PetscErrorCode torus_create(Shape shape, Config config, const char *path)
{
  Torus *torus;
  double axis[3];

  PetscFunctionBegin;
  PetscCall(PetscNew(&torus));
  shape->data = torus;
  PetscCall(ShapeReadVector(shape, config, path, "center", torus->center));
  PetscCall(ShapeReadVector(shape, config, path, "axis", axis));
  PetscCall(ShapeReadReal(config, path, "radius", &torus->major));
  PetscCall(ShapeReadReal(config, path, "tube", &torus->minor));
  PinnUserCheck(torus->minor < torus->major, "%s: the tube of radius %lg is not below the radius %lg", shape->where,
                torus->minor, torus->major);
  PinnUserCheck(FrameAround(axis, torus->frame), "%s: the axis has no direction", shape->where);
  for (int c = 0; c < 3; c++) {
    const double reach = torus->major * sqrt(fmax(1 - PetscSqr(torus->frame[2][c]), 0)) + torus->minor;
    shape->lower[c] = torus->center[c] - reach;
    shape->upper[c] = torus->center[c] + reach;
  }
  shape->radius = torus->major + torus->minor;
  shape->log_measure = log(2 * PetscSqr(PETSC_PI * torus->minor) * torus->major);
  shape->fill_cube = 3;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, 1, 2));
  shape->face->log_measure = log(4 * PETSC_PI * PETSC_PI * torus->major * torus->minor);
  snprintf(shape->face->name, sizeof(shape->face->name), "surface");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode torus_destroy(Shape shape)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Height above the plane of the circle, and the part of x - center in it with its length. */
static double split(const Torus *torus, const double x[], double flat[3], double *rho)
{
  double height = 0, square = 0;
  for (int c = 0; c < 3; c++) height += (x[c] - torus->center[c]) * torus->frame[2][c];
  for (int c = 0; c < 3; c++) {
    flat[c] = x[c] - torus->center[c] - height * torus->frame[2][c];
    square += flat[c] * flat[c];
  }
  *rho = sqrt(square);
  return height;
}

static double torus_distance(Shape shape, const double x[])
{
  const Torus *torus = shape->data;
  double flat[3], rho;
  const double height = split(torus, x, flat, &rho);
  return hypot(rho - torus->major, height) - torus->minor;
}

static void torus_normal(Shape shape, int face, const double x[], double normal[])
{
  const Torus *torus = shape->data;
  double flat[3], rho;
  const double height = split(torus, x, flat, &rho), length = hypot(rho - torus->major, height);
  (void)face;
  for (int c = 0; c < 3; c++) normal[c] = ((1 - torus->major / rho) * flat[c] + height * torus->frame[2][c]) / length;
}

/* The angle q of [0, 2 pi) with q + ratio sin q = 2 pi u, ratio < 1. */
static double tube_angle(double ratio, double u)
{
  const double goal = 2 * PETSC_PI * u;
  double low = fmax(goal - ratio, 0), high = goal + ratio, q = goal;
  for (int k = 0; k < 60; k++) {
    const double excess = q + ratio * sin(q) - goal;
    if (excess > 0)
      high = q;
    else
      low = q;
    const double newton = q - excess / (1 + ratio * cos(q));
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (fabs(next - q) <= 1e-15) break;
    q = next;
  }
  return q;
}

static void put(const Torus *torus, double s, double around, double u, double x[])
{
  const double q = tube_angle(s / torus->major, u), rho = torus->major + s * cos(q), height = s * sin(q);
  const double a = rho * cos(2 * PETSC_PI * around), b = rho * sin(2 * PETSC_PI * around);
  for (int c = 0; c < 3; c++)
    x[c] = torus->center[c] + a * torus->frame[0][c] + b * torus->frame[1][c] + height * torus->frame[2][c];
}

static void torus_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Torus *torus = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    put(torus, torus->minor * sqrt(u[0]), u[1], u[2], x + (size_t)p * ld);
  }
}

static void torus_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Torus *torus = shape->data;
  (void)face;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    put(torus, torus->minor, u[0], u[1], x + (size_t)p * ld);
  }
}

const ShapeOps ShapeOps_Torus = {
    .min_dim = 3,
    .max_dim = 3,
    .create = torus_create,
    .destroy = torus_destroy,
    .distance = torus_distance,
    .normal = torus_normal,
    .map = torus_map,
    .map_face = torus_map_face,
};
