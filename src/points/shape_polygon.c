/* Polygons in the plane, with a triangle as the one that has a map of its own: x = a + sqrt(u) ((1 - v) (b - a) +
   v (c - a)). Face k is the edge from vertex k to the next. */
#include <stdio.h>
#include "shape.h"

typedef struct {
  int n;
  double *x;      /* [n][2] */
  double outward; /* 1 where the vertices turn to the left */
} Polygon;

static const double *vertex(const Polygon *polygon, int k)
{
  return polygon->x + 2 * (size_t)(k % polygon->n);
}

static double cross(const double a[2], const double b[2], const double c[2])
{
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

static double point_to_edge(const Polygon *polygon, int k, const double x[])
{
  const double *a = vertex(polygon, k), *b = vertex(polygon, k + 1);
  const double e[2] = {b[0] - a[0], b[1] - a[1]}, d[2] = {x[0] - a[0], x[1] - a[1]};
  const double along = fmin(fmax((e[0] * d[0] + e[1] * d[1]) / (e[0] * e[0] + e[1] * e[1]), 0), 1);
  return hypot(d[0] - along * e[0], d[1] - along * e[1]);
}

/* Do edges i and j, which are no neighbours, meet? */
static bool edges_meet(const Polygon *polygon, int i, int j)
{
  const double *a = vertex(polygon, i), *b = vertex(polygon, i + 1), *c = vertex(polygon, j),
               *d = vertex(polygon, j + 1);
  const double size = hypot(b[0] - a[0], b[1] - a[1]) + hypot(d[0] - c[0], d[1] - c[1]);
  if (fmin(fmin(point_to_edge(polygon, j, a), point_to_edge(polygon, j, b)),
           fmin(point_to_edge(polygon, i, c), point_to_edge(polygon, i, d))) <= 1e-12 * size)
    return true;
  return (cross(a, b, c) > 0) != (cross(a, b, d) > 0) && (cross(c, d, a) > 0) != (cross(c, d, b) > 0);
}

/* Edge lengths, area and crossings. */
static PetscErrorCode check(Shape shape, const Polygon *polygon, double *area)
{
  const int n = polygon->n;
  double twice = 0, size = 0;

  PetscFunctionBegin;
  for (int k = 0; k < n; k++) {
    const double *a = vertex(polygon, k), *b = vertex(polygon, k + 1);
    PinnUserCheck(hypot(b[0] - a[0], b[1] - a[1]) > 0, "%s: the vertices %d and %d of the polygon are one point",
                  shape->where, k, (k + 1) % n);
    twice += cross(vertex(polygon, 0), a, b);
    size += hypot(b[0] - a[0], b[1] - a[1]);
  }
  for (int i = 0; i < n && n > 3; i++) {
    const bool folds = point_to_edge(polygon, i, vertex(polygon, i + 2)) <= 1e-12 * size ||
                       point_to_edge(polygon, i + 1, vertex(polygon, i)) <= 1e-12 * size;
    PinnUserCheck(!folds, "%s: the polygon cuts itself: edge[%d] meets edge[%d]", shape->where, i, (i + 1) % n);
  }
  for (int i = 0; i < n; i++)
    for (int j = i + 2; j < n; j++)
      PinnUserCheck((i == 0 && j == n - 1) || !edges_meet(polygon, i, j),
                    "%s: the polygon cuts itself: edge[%d] meets edge[%d]", shape->where, i, j);
  PinnUserCheck(fabs(twice) > 1e-14 * size * size, "%s: the polygon has no area", shape->where);
  *area = twice / 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode polygon_create(Shape shape, Config config, const char *path)
{
  const bool triangle = shape->ops->map != NULL;
  const PetscReal *read;
  double area;
  int n;
  Polygon *polygon;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, ConfigPath("%s.vertices", path), &n, &read));
  PinnUserCheck(triangle ? n == 6 : n >= 6 && n % 2 == 0, "%s: has %d numbers: %s",
                ConfigWhere(config, ConfigPath("%s.vertices", path)), n,
                triangle ? "a triangle has three corners of two coordinates"
                         : "two for each of at least three corners are wanted");
  PetscCall(PetscNew(&polygon));
  shape->data = polygon;
  polygon->n = n / 2;
  PetscCall(PetscMalloc1(n, &polygon->x));
  PetscCall(PetscArraycpy(polygon->x, read, n));
  PetscCall(check(shape, polygon, &area));
  polygon->outward = area > 0 ? 1 : -1;
  for (int c = 0; c < 2; c++) {
    shape->lower[c] = INFINITY, shape->upper[c] = -INFINITY;
    for (int k = 0; k < polygon->n; k++) {
      shape->lower[c] = fmin(shape->lower[c], polygon->x[2 * k + c]);
      shape->upper[c] = fmax(shape->upper[c], polygon->x[2 * k + c]);
    }
  }
  shape->log_measure = log(fabs(area));
  shape->fill_cube = triangle ? 2 : 0;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, polygon->n, 1));
  for (int k = 0; k < polygon->n; k++) {
    const double *a = vertex(polygon, k), *b = vertex(polygon, k + 1);
    shape->face[k].grid = GRID_CLOSED;
    shape->face[k].log_measure = log(hypot(b[0] - a[0], b[1] - a[1]));
    snprintf(shape->face[k].name, sizeof(shape->face[k].name), "edge[%d]", k);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode polygon_destroy(Shape shape)
{
  Polygon *polygon = shape->data;

  PetscFunctionBegin;
  if (polygon) PetscCall(PetscFree(polygon->x));
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Inside where a ray to the right crosses the edges an odd number of times. */
static double polygon_distance(Shape shape, const double x[])
{
  const Polygon *polygon = shape->data;
  double nearest = INFINITY;
  bool inside = false;
  for (int k = 0; k < polygon->n; k++) {
    const double *a = vertex(polygon, k), *b = vertex(polygon, k + 1);
    nearest = fmin(nearest, point_to_edge(polygon, k, x));
    if ((a[1] > x[1]) != (b[1] > x[1]) && (cross(a, b, x) > 0) == (b[1] > a[1])) inside = !inside;
  }
  return inside ? -nearest : nearest;
}

static void polygon_normal(Shape shape, int face, const double x[], double normal[])
{
  const Polygon *polygon = shape->data;
  const double *a = vertex(polygon, face), *b = vertex(polygon, face + 1);
  const double length = hypot(b[0] - a[0], b[1] - a[1]);
  (void)x;
  normal[0] = polygon->outward * (b[1] - a[1]) / length;
  normal[1] = polygon->outward * (a[0] - b[0]) / length;
}

static void triangle_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Polygon *polygon = shape->data;
  const double *a = vertex(polygon, 0), *b = vertex(polygon, 1), *c = vertex(polygon, 2);
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit, s = sqrt(u[0]);
    for (int k = 0; k < 2; k++) x[(size_t)p * ld + (size_t)k] = (1 - s) * a[k] + s * ((1 - u[1]) * b[k] + u[1] * c[k]);
  }
}

static void polygon_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Polygon *polygon = shape->data;
  const double *a = vertex(polygon, face), *b = vertex(polygon, face + 1);
  for (int p = 0; p < n; p++) {
    const double u = unit[(size_t)p * ld_unit];
    for (int k = 0; k < 2; k++) x[(size_t)p * ld + (size_t)k] = a[k] == b[k] ? a[k] : (1 - u) * a[k] + u * b[k];
  }
}

static bool polygon_flat(Shape shape, int face)
{
  (void)shape, (void)face;
  return true;
}

#define POLYGON(map_of_unit_square)                                                                                    \
  {                                                                                                                    \
    .min_dim = 2, .max_dim = 2, .create = polygon_create, .destroy = polygon_destroy, .distance = polygon_distance,    \
    .normal = polygon_normal, .map = (map_of_unit_square), .map_face = polygon_map_face, .flat = polygon_flat          \
  }

const ShapeOps ShapeOps_Polygon = POLYGON(NULL), ShapeOps_Triangle = POLYGON(triangle_map);
