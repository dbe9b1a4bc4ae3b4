/* The ball |x - center| <= radius in any dimension d. Maps of the unit cube that preserve volume and area:
     d = 1       the interval; the surface is two points, faces 0 and 1
     d = 2       radius R sqrt(u_0), angle 2 pi u_1
     d = 3       radius R cbrt(u_0), height 1 - 2 u_1 (Archimedes), angle 2 pi u_2
     d > 3       radius R u_0^(1/d), direction g / |g| with g_i = Phi^-1(u_{1+i}): one cube coordinate more than d. The
                 exact inverse by nested beta distributions would save that one but costs a root search a coordinate.
   The surface has the same maps without u_0. */
#include <gsl/gsl_cdf.h>
#include <stdio.h>
#include <string.h>
#include "points_impl.h"

#define ROUNDING 1e-12

typedef struct {
  double *center; /* [dim] */
  double radius;
} Ball;

static const char *const ball_words[] = {"interior", "boundary", "sphere", NULL};

static PetscErrorCode ball_create(Domain domain, Config config)
{
  Ball *ball;
  char text[128];
  const double d = domain->dim;

  PetscFunctionBegin;
  PetscCall(PetscNew(&ball));
  PetscCall(PetscMalloc1(domain->dim, &ball->center));
  domain->data = ball;
  PetscCall(DomainReadVector(domain, config, "domain.center", ball->center));
  PetscCall(ConfigGetReal(config, "domain.radius", &ball->radius));
  for (int c = 0; c < domain->dim; c++) {
    domain->lower[c] = ball->center[c] - ball->radius;
    domain->upper[c] = ball->center[c] + ball->radius;
  }
  domain->log_measure = d / 2 * log(PETSC_PI) - lgamma(d / 2 + 1) + d * log(ball->radius);
  snprintf(text, sizeof(text), "ball of radius %g in %d dimension%s", ball->radius, domain->dim,
           domain->dim > 1 ? "s" : "");
  PetscCall(PetscStrallocpy(text, &domain->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ball_destroy(Domain domain)
{
  Ball *ball = domain->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(ball->center));
  PetscCall(PetscFree(domain->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool ball_contains(Domain domain, const double x[])
{
  const Ball *ball = domain->data;
  double square = 0;
  for (int c = 0; c < domain->dim; c++) square += PetscSqr((x[c] - ball->center[c]) / ball->radius);
  return square <= 1 + ROUNDING;
}

static int direction_cube(int dim)
{
  return dim > 3 ? dim : dim - 1;
}

static PetscErrorCode ball_select(Domain domain, const Selector *selector, PieceList *list)
{
  const Ball *ball = domain->data;
  const int dim = domain->dim, n_cube = direction_cube(dim);
  const Piece interior = {dim, n_cube + 1, -1, GRID_CENTERED, domain->log_measure, 0, NULL, NULL};
  Piece surface = {dim - 1, n_cube, 0, GRID_CENTERED, -INFINITY, 0, NULL, NULL};

  PetscFunctionBegin;
  PinnUserCheck(selector->word,
                "%s: %s selects a plane, of a ball only 'interior', 'boundary' and 'sphere' are possible",
                selector->where, FormulaCoordinateName(domain->formula, selector->coord));
  if (!strcmp(selector->word, "interior")) {
    PetscCall(PieceListAdd(list, &interior));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dim > 1) surface.log_measure = domain->log_measure + log(dim / ball->radius);
  PetscCall(PieceListAdd(list, &surface));
  surface.face = 1;
  if (dim == 1) PetscCall(PieceListAdd(list, &surface));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ball_intersect(Domain domain, const Piece *a, const Piece *b, PieceList *list)
{
  (void)domain;
  PetscFunctionBegin;
  if (a->face == b->face) PetscCall(PieceListAdd(list, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A unit vector from direction_cube(dim) cube coordinates. */
static void direction(int dim, const double unit[], double e[])
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
    for (int c = 0; c < dim; c++) {
      e[c] = gsl_cdf_ugaussian_Pinv(unit[c]);
      square += e[c] * e[c];
    }
    if (square == 0) e[0] = square = 1; /* the center of the cube, a node of odd tensor products */
    for (int c = 0; c < dim; c++) e[c] /= sqrt(square);
  }
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

static void ball_map(Domain domain, const Piece *piece, int n, const double unit[], double x[])
{
  const Ball *ball = domain->data;
  const int dim = domain->dim, interior = piece->face < 0;

#pragma omp parallel for schedule(static) if ((size_t)n * (size_t)dim > 4096)
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * (size_t)piece->n_cube;
    double *xp = x + (size_t)p * (size_t)dim;
    double r = ball->radius;
    if (interior)
      r *= radial(dim, u[0]);
    else if (dim == 1 && piece->face == 0)
      r = -r;
    direction(dim, u + interior, xp);
    for (int c = 0; c < dim; c++) xp[c] = ball->center[c] + r * xp[c];
  }
}

static void ball_normals(Domain domain, const Piece *piece, int n, const double x[], double normal[])
{
  const Ball *ball = domain->data;
  (void)piece;
  for (int p = 0; p < n; p++) {
    const size_t row = (size_t)p * (size_t)domain->dim;
    double square = 0;
    for (int c = 0; c < domain->dim; c++) {
      normal[row + (size_t)c] = x[row + (size_t)c] - ball->center[c];
      square += PetscSqr(normal[row + (size_t)c]);
    }
    for (int c = 0; c < domain->dim; c++) normal[row + (size_t)c] /= sqrt(square);
  }
}

const DomainOps DomainOps_Ball = {
    .words = ball_words,
    .create = ball_create,
    .destroy = ball_destroy,
    .contains = ball_contains,
    .select = ball_select,
    .intersect = ball_intersect,
    .map = ball_map,
    .normals = ball_normals,
};
