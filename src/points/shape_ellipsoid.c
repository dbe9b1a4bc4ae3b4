/* Ellipse and ellipsoid with half axes r_i along the coordinates.

   Distance: the nearest point is x_i = r_i^2 y_i / (t + r_i^2) with sum (r_i y_i / (t + r_i^2))^2 = 1 (Eberly,
   "Distance from a point to an ellipse, an ellipsoid, or a hyperellipsoid"). The sum is convex and falls for
   t > -r_min^2, so that Newton steps from the left rise to the root; s = t + r_min^2 is iterated, which keeps its
   digits near the pole.

   Area: the perimeter's map inverts the arc length, an elliptic integral of the second kind. In space the map is the
   sphere's stretched by r, whose area grows by (prod r) |e / r|: points are thinned by the share of its maximum. */
#include <gsl/gsl_sf_ellint.h>
#include <stdio.h>
#include "shape.h"

#define MAX_NEWTON 500

typedef struct {
  double center[3], r[3], shortest;
  int longest; /* in the plane: the longer axis */
  double modulus, quarter;
} Ellipsoid;

static double arc(double angle, double modulus)
{
  return gsl_sf_ellint_E(angle, modulus, GSL_PREC_DOUBLE);
}

/* Thomsen's problem has a closed form: 2 pi (c^2 + a b / sin(p) (E(p, k) sin(p)^2 + F(p, k) cos(p)^2)) for a >= b >= c,
   cos(p) = c / a, k = a/b sqrt((b^2 - c^2) / (a^2 - c^2)). */
static double surface_area(const double r[3])
{
  const double a = fmax(r[0], fmax(r[1], r[2])), c = fmin(r[0], fmin(r[1], r[2])), b = r[0] + r[1] + r[2] - a - c;
  const double p = acos(c / a), s = sin(p);
  if (s < 1e-6) return 4 * PETSC_PI * cbrt(a * a * b * b * c * c); /* a sphere to 1e-12 */
  const double k = fmin(a / b * sqrt((b - c) * (b + c) / ((a - c) * (a + c))), 1);
  const double E = gsl_sf_ellint_E(p, k, GSL_PREC_DOUBLE), F = gsl_sf_ellint_F(p, k, GSL_PREC_DOUBLE);
  return 2 * PETSC_PI * (c * c + a * b / s * (E * s * s + F * (1 - s * s)));
}

static PetscErrorCode ellipsoid_create(Shape shape, Config config, const char *path)
{
  const int dim = shape->dim;
  Ellipsoid *e;

  PetscFunctionBegin;
  PetscCall(PetscNew(&e));
  shape->data = e;
  PetscCall(ShapeReadVector(shape, config, path, "center", e->center));
  PetscCall(ShapeReadVector(shape, config, path, "radii", e->r));
  e->shortest = INFINITY;
  shape->log_measure = BallLogMeasure(dim, 1);
  for (int c = 0; c < dim; c++) {
    shape->lower[c] = e->center[c] - e->r[c];
    shape->upper[c] = e->center[c] + e->r[c];
    shape->radius = fmax(shape->radius, e->r[c]);
    e->shortest = fmin(e->shortest, e->r[c]);
    shape->log_measure += log(e->r[c]);
  }
  shape->fill_cube = dim;
  shape->fill_grid = GRID_CENTERED;
  PetscCall(ShapeSetFaces(shape, 1, dim - 1));
  snprintf(shape->face->name, sizeof(shape->face->name), "surface");
  if (dim == 2) {
    e->longest = e->r[1] > e->r[0];
    e->modulus = sqrt(1 - PetscSqr(e->shortest / e->r[e->longest]));
    e->quarter = arc(PETSC_PI / 2, e->modulus);
    shape->face->log_measure = log(4 * e->r[e->longest] * e->quarter);
  } else {
    shape->face->thinned = true;
    shape->face->log_measure = log(surface_area(e->r));
    shape->face->log_proposal = log(4 * PETSC_PI * e->r[0] * e->r[1] * e->r[2] / e->shortest);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ellipsoid_destroy(Shape shape)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shape->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double ellipsoid_distance(Shape shape, const double x[])
{
  const Ellipsoid *e = shape->data;
  const double least = PetscSqr(e->shortest);
  double y[3], gap[3], s = 0, level = 0, square = 0;

  for (int c = 0; c < shape->dim; c++) {
    /* Off the axes: on them, inside, the nearest point is a limit. */
    y[c] = fmax(fabs(x[c] - e->center[c]), 1e-20 * e->r[c]);
    gap[c] = (e->r[c] - e->shortest) * (e->r[c] + e->shortest);
    s = fmax(s, e->r[c] * y[c] - gap[c]);
    level += PetscSqr(y[c] / e->r[c]);
  }
  for (int k = 0; k < MAX_NEWTON; k++) {
    double sum = -1, slope = 0;
    for (int c = 0; c < shape->dim; c++) {
      const double part = e->r[c] * y[c] / (s + gap[c]);
      sum += part * part;
      slope -= 2 * part * part / (s + gap[c]);
    }
    const double next = s - sum / slope;
    if (!(next > s * (1 + 1e-16))) break;
    s = next;
  }
  for (int c = 0; c < shape->dim; c++) square += PetscSqr(y[c] * (s - least) / (s + gap[c]));
  return level > 1 ? sqrt(square) : -sqrt(square);
}

static void ellipsoid_normal(Shape shape, int face, const double x[], double normal[])
{
  const Ellipsoid *e = shape->data;
  double square = 0;
  (void)face;
  for (int c = 0; c < shape->dim; c++) {
    normal[c] = (x[c] - e->center[c]) / (e->r[c] * e->r[c]);
    square += normal[c] * normal[c];
  }
  for (int c = 0; c < shape->dim; c++) normal[c] /= sqrt(square);
}

static double ellipsoid_density(Shape shape, int face, const double x[])
{
  const Ellipsoid *e = shape->data;
  double square = 0;
  (void)face;
  for (int c = 0; c < shape->dim; c++) square += PetscSqr((x[c] - e->center[c]) / (e->r[c] * e->r[c]));
  return e->shortest * sqrt(square);
}

static void ellipsoid_map(Shape shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Ellipsoid *e = shape->data;
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    const double radius = shape->dim == 2 ? sqrt(u[0]) : cbrt(u[0]);
    double *xp = x + (size_t)p * ld;
    DirectionMap(shape->dim, u + 1, xp);
    for (int c = 0; c < shape->dim; c++) xp[c] = e->center[c] + radius * e->r[c] * xp[c];
  }
}

/* The angle, from the end of the shorter axis, at which a share of the quarter's arc is reached: E is monotone. */
static double arc_angle(const Ellipsoid *e, double share)
{
  double low = 0, high = PETSC_PI / 2, angle = share * high;
  for (int k = 0; k < 60; k++) {
    const double excess = arc(angle, e->modulus) - share * e->quarter;
    const double slope = sqrt(fmax(1 - PetscSqr(e->modulus * sin(angle)), 0));
    if (excess > 0)
      high = angle;
    else
      low = angle;
    const double newton = angle - excess / slope;
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (fabs(next - angle) <= 1e-16) break;
    angle = next;
  }
  return angle;
}

static void ellipsoid_map_face(Shape shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  const Ellipsoid *e = shape->data;
  (void)face;

#pragma omp parallel for schedule(static) if (n > 1024)
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * ld_unit;
    double *xp = x + (size_t)p * ld;
    if (shape->dim == 2) {
      const double turn = 4 * u[0], share = turn - floor(turn);
      const int quadrant = (int)turn % 4, odd = quadrant % 2;
      const double angle = arc_angle(e, odd ? 1 - share : share);
      xp[e->longest] = sin(angle) * (quadrant < 2 ? 1 : -1);
      xp[1 - e->longest] = cos(angle) * (quadrant == 0 || quadrant == 3 ? 1 : -1);
    } else {
      DirectionMap(3, u, xp);
    }
    for (int c = 0; c < shape->dim; c++) xp[c] = e->center[c] + e->r[c] * xp[c];
  }
}

#define ELLIPSOID(dim)                                                                                                 \
  {                                                                                                                    \
    .min_dim = (dim), .max_dim = (dim), .create = ellipsoid_create, .destroy = ellipsoid_destroy,                      \
    .distance = ellipsoid_distance, .normal = ellipsoid_normal, .density = ellipsoid_density, .map = ellipsoid_map,    \
    .map_face = ellipsoid_map_face                                                                                     \
  }

const ShapeOps ShapeOps_Ellipse = ELLIPSOID(2), ShapeOps_Ellipsoid = ELLIPSOID(3);
