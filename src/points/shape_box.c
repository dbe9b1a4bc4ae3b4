/* The box as a part of combinations. Face 2 c is x_c = lower, 2 c + 1 is x_c = upper. */
#include <stdio.h>
#include <string.h>
#include "shape.h"

typedef struct {
  double lower[MAX_TREE_DIM], upper[MAX_TREE_DIM];
} Box;

static PetscErrorCode box_create(Shape shape, Config config, const char *path)
{
  const int dim = shape->dim;
  Box *box;

  PetscFunctionBegin;
  PetscCall(PetscNew(&box));
  shape->data = box;
  PetscCall(ShapeReadVector(shape, config, path, "lower", box->lower));
  PetscCall(ShapeReadVector(shape, config, path, "upper", box->upper));
  PetscCall(ShapeSetFaces(shape, 2 * dim, dim - 1));
  for (int c = 0; c < dim; c++) {
    const char *name = FormulaCoordinateName(shape->formula, shape->first + c);
    PinnUserCheck(box->upper[c] > box->lower[c],
                  "%s: the bounds of %s must rise from lower to upper, not from %lg to %lg", shape->where, name,
                  box->lower[c], box->upper[c]);
    shape->lower[c] = box->lower[c];
    shape->upper[c] = box->upper[c];
    shape->log_measure += log(box->upper[c] - box->lower[c]);
  }
  shape->fill_cube = dim;
  shape->fill_grid = GRID_OPEN;
  for (int f = 0; f < 2 * dim; f++) {
    ShapeFace *face = &shape->face[f];
    face->grid = GRID_CLOSED;
    face->log_measure = dim > 1 ? shape->log_measure - log(box->upper[f / 2] - box->lower[f / 2]) : -INFINITY;
    snprintf(face->name, sizeof(face->name), "%.40s.%s", FormulaCoordinateName(shape->formula, shape->first + f / 2),
             f % 2 ? "upper" : "lower");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode box_destroy(Shape shape)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double box_distance(Shape shape, const double x[])
{
  const Box *box = shape->data;
  double square = 0, nearest = -INFINITY;
  for (int c = 0; c < shape->dim; c++) {
    const double q = fmax(box->lower[c] - x[c], x[c] - box->upper[c]);
    nearest = fmax(nearest, q);
    square += q > 0 ? q * q : 0;
  }
  return nearest > 0 ? sqrt(square) : nearest;
}

static void box_normal(Shape shape, int face, const double x[], double normal[])
{
  (void)x;
  memset(normal, 0, (size_t)shape->dim * sizeof(double));
  normal[face / 2] = face % 2 ? 1 : -1;
}

static void box_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Box *box = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    for (int c = 0; c < shape->dim; c++)
      x[(size_t)p * ld + (size_t)c] = box->lower[c] * (1 - u[c]) + box->upper[c] * u[c];
  }
}

static void box_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Box *box = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    for (int c = 0, k = 0; c < shape->dim; c++) {
      const double part = c == face / 2 ? face % 2 : u[k++];
      x[(size_t)p * ld + (size_t)c] = box->lower[c] * (1 - part) + box->upper[c] * part;
    }
  }
}

static bool box_flat(Shape shape, int face)
{
  (void)shape, (void)face;
  return true;
}

const ShapeOps ShapeOps_Box = {
    .min_dim = 1,
    .max_dim = MAX_TREE_DIM,
    .create = box_create,
    .destroy = box_destroy,
    .distance = box_distance,
    .normal = box_normal,
    .map = box_map,
    .map_face = box_map_face,
    .flat = box_flat,
};
