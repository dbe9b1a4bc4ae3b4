/* The cylinder around the segment from one point to another. Faces: 0 the side, 1 the bottom (at `from`), 2 the top. */
#include <stdio.h>
#include "shape.h"

typedef struct {
  double from[3], frame[3][3]; /* the last row is the axis */
  double radius, length;
} Cylinder;

enum { SIDE, BOTTOM, TOP };

bool FrameAround(const double axis[3], double frame[3][3])
{
  double length = 0, cross = 0;
  int least = 0;
  for (int c = 0; c < 3; c++) {
    length = hypot(length, axis[c]);
    if (fabs(axis[c]) < fabs(axis[least])) least = c;
  }
  if (!(length > 0 && length < INFINITY)) return false;
  for (int c = 0; c < 3; c++) frame[2][c] = axis[c] / length;
  for (int c = 0; c < 3; c++) {
    frame[0][c] = (c == least) - frame[2][least] * frame[2][c];
    cross = hypot(cross, frame[0][c]);
  }
  for (int c = 0; c < 3; c++) frame[0][c] /= cross;
  for (int c = 0; c < 3; c++) {
    const int a = (c + 1) % 3, b = (c + 2) % 3;
    frame[1][c] = frame[2][a] * frame[0][b] - frame[2][b] * frame[0][a];
  }
  return true;
}

static PetscErrorCode cylinder_create(Shape shape, Config config, const char *path)
{
  static const char *const names[] = {"side", "bottom", "top"};
  Cylinder *cylinder;
  double to[3];

  PetscFunctionBegin;
  PetscCall(PetscNew(&cylinder));
  shape->data = cylinder;
  PetscCall(ShapeReadVector(shape, config, path, "from", cylinder->from));
  PetscCall(ShapeReadVector(shape, config, path, "to", to));
  PetscCall(ShapeReadReal(config, path, "radius", &cylinder->radius));
  const double r = cylinder->radius;
  double axis[3];
  for (int c = 0; c < 3; c++) {
    axis[c] = to[c] - cylinder->from[c];
    cylinder->length = hypot(cylinder->length, axis[c]);
  }
  PinnUserCheck(FrameAround(axis, cylinder->frame), "%s: the cylinder ends where it begins", shape->where);
  for (int c = 0; c < 3; c++) {
    const double reach = r * sqrt(fmax(1 - PetscSqr(cylinder->frame[2][c]), 0));
    shape->lower[c] = fmin(cylinder->from[c], to[c]) - reach;
    shape->upper[c] = fmax(cylinder->from[c], to[c]) + reach;
  }
  shape->log_measure = log(PETSC_PI * r * r * cylinder->length);
  shape->fill_cube = 3;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, 3, 2));
  for (int f = 0; f < 3; f++) {
    shape->face[f].log_measure = log(f == SIDE ? 2 * PETSC_PI * r * cylinder->length : PETSC_PI * r * r);
    snprintf(shape->face[f].name, sizeof(shape->face[f].name), "%s", names[f]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode cylinder_destroy(Shape shape)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x in the frame: two coordinates across, one along the axis. */
static void in_frame(const Cylinder *cylinder, const double x[], double y[3])
{
  for (int k = 0; k < 3; k++) {
    y[k] = 0;
    for (int c = 0; c < 3; c++) y[k] += cylinder->frame[k][c] * (x[c] - cylinder->from[c]);
  }
}

static double cylinder_distance(Shape shape, const double x[])
{
  const Cylinder *cylinder = shape->data;
  double y[3];
  in_frame(cylinder, x, y);
  const double across = hypot(y[0], y[1]) - cylinder->radius, along = fmax(-y[2], y[2] - cylinder->length);
  return across > 0 && along > 0 ? hypot(across, along) : fmax(across, along);
}

static void cylinder_normal(Shape shape, int face, const double x[], double normal[])
{
  const Cylinder *cylinder = shape->data;
  double y[3];
  in_frame(cylinder, x, y);
  const double rho = hypot(y[0], y[1]);
  for (int c = 0; c < 3; c++)
    normal[c] = face == SIDE ? (y[0] * cylinder->frame[0][c] + y[1] * cylinder->frame[1][c]) / rho
                             : cylinder->frame[2][c] * (face == TOP ? 1 : -1);
}

static void put(const Cylinder *cylinder, double rho, double turn, double height, double x[])
{
  const double a = rho * cos(2 * PETSC_PI * turn), b = rho * sin(2 * PETSC_PI * turn);
  for (int c = 0; c < 3; c++)
    x[c] = cylinder->from[c] + a * cylinder->frame[0][c] + b * cylinder->frame[1][c] +
           height * cylinder->length * cylinder->frame[2][c];
}

static void cylinder_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Cylinder *cylinder = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    put(cylinder, cylinder->radius * sqrt(u[0]), u[1], u[2], x + (size_t)p * ld);
  }
}

static void cylinder_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Cylinder *cylinder = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    const double rho = face == SIDE ? cylinder->radius : cylinder->radius * sqrt(u[0]);
    put(cylinder, rho, u[1], face == SIDE ? u[0] : face == TOP, x + (size_t)p * ld);
  }
}

static bool cylinder_flat(Shape shape, int face)
{
  (void)shape;
  return face != SIDE;
}

const ShapeOps ShapeOps_Cylinder = {
    .min_dim = 3,
    .max_dim = 3,
    .create = cylinder_create,
    .destroy = cylinder_destroy,
    .distance = cylinder_distance,
    .normal = cylinder_normal,
    .map = cylinder_map,
    .map_face = cylinder_map_face,
    .flat = cylinder_flat,
};
