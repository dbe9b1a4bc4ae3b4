/* A tree of boxes around facets, halved at the median of their centers: the nearest facet by branch and bound, and the
   winding number by counting, with their sign, the facets that a ray from the point goes through. A ray that passes an
   edge so closely that rounding could count it twice or not at all is drawn again in another direction. */
#include <string.h>
#include "stl.h"

#define LEAF     4
#define DEPTH    64
#define REDRAWN  32
#define GRAZES   1e-11 /* relative to the size of a facet as the ray sees it */
#define TWICE_PI 6.283185307179586
#define GOLDEN   0.6180339887498949

static const double *corner(const Surface *s, int facet, int i)
{
  return s->x + 3 * (size_t)s->corner[3 * facet + i];
}

typedef struct {
  Surface *surface;
  PetscInt *permutation;
  double *center; /* [n][3], and keys [n] behind them */
} Builder;

static void bound(Surface *s, SurfaceNode *node)
{
  for (int c = 0; c < 3; c++) {
    node->lower[c] = INFINITY, node->upper[c] = -INFINITY;
    for (int k = node->first; k < node->first + node->n; k++)
      for (int i = 0; i < 3; i++) {
        node->lower[c] = fmin(node->lower[c], corner(s, s->order[k], i)[c]);
        node->upper[c] = fmax(node->upper[c], corner(s, s->order[k], i)[c]);
      }
  }
}

/* Facets first .. first + n - 1 of the order sorted along the longest side of the box of their centers. */
static PetscErrorCode sort_range(const Builder *b, int first, int n)
{
  Surface *s = b->surface;
  double *key = b->center + 3 * (size_t)s->n, most = -1;
  int axis = 0;
  PetscFunctionBegin;
  for (int c = 0; c < 3; c++) {
    double low = INFINITY, high = -INFINITY;
    for (int k = first; k < first + n; k++) {
      low = fmin(low, b->center[3 * s->order[k] + c]);
      high = fmax(high, b->center[3 * s->order[k] + c]);
    }
    if (high - low > most) most = high - low, axis = c;
  }
  for (int k = 0; k < n; k++) {
    key[k] = b->center[3 * s->order[first + k] + axis];
    b->permutation[k] = k;
  }
  PetscCall(PetscSortRealWithPermutation(n, key, b->permutation));
  for (int k = 0; k < n; k++) b->permutation[k] = s->order[first + b->permutation[k]];
  for (int k = 0; k < n; k++) s->order[first + k] = (int)b->permutation[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build(const Builder *b, int first, int n)
{
  Surface *s = b->surface;
  const int own = s->n_node++;
  PetscFunctionBegin;
  s->node[own] = (SurfaceNode){.first = first, .n = n};
  bound(s, &s->node[own]);
  if (n <= LEAF) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(sort_range(b, first, n));
  PetscCall(build(b, first, n / 2));
  s->node[own].right = s->n_node;
  PetscCall(build(b, first + n / 2, n - n / 2));
  s->node[own].n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SurfaceIndex(Surface *surface)
{
  const size_t n = (size_t)surface->n;
  Builder b = {.surface = surface};
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &surface->order));
  PetscCall(PetscMalloc1(2 * n, &surface->node));
  PetscCall(PetscMalloc2(n, &b.permutation, 4 * n, &b.center));
  for (int k = 0; k < surface->n; k++) {
    surface->order[k] = k;
    for (int c = 0; c < 3; c++)
      b.center[3 * k + c] = (corner(surface, k, 0)[c] + corner(surface, k, 1)[c] + corner(surface, k, 2)[c]) / 3;
  }
  PetscCall(build(&b, 0, surface->n));
  PetscCall(PetscFree2(b.permutation, b.center));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double dot(const double a[3], const double b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static double square_to_segment(const double a[3], const double b[3], const double x[3])
{
  double e[3], d[3];
  for (int c = 0; c < 3; c++) e[c] = b[c] - a[c], d[c] = x[c] - a[c];
  const double along = fmin(fmax(dot(e, d) / dot(e, e), 0), 1);
  for (int c = 0; c < 3; c++) d[c] -= along * e[c];
  return dot(d, d);
}

/* Above a facet the distance to its plane, beside it that to its sides. */
static double square_to_facet(const Surface *s, int k, const double x[3])
{
  const double *v[3] = {corner(s, k, 0), corner(s, k, 1), corner(s, k, 2)}, *normal = s->normal + 3 * (size_t)k;
  double least = INFINITY, height = 0;
  int within = 0;
  for (int i = 0; i < 3; i++) {
    const double *a = v[i], *b = v[(i + 1) % 3];
    double turn = 0;
    for (int c = 0; c < 3; c++) {
      const int p = (c + 1) % 3, q = (c + 2) % 3;
      turn += normal[c] * ((b[p] - a[p]) * (x[q] - a[q]) - (b[q] - a[q]) * (x[p] - a[p]));
    }
    within += turn >= 0;
    height += normal[i] * (x[i] - v[0][i]);
  }
  if (within == 3) return height * height;
  for (int i = 0; i < 3; i++) least = fmin(least, square_to_segment(v[i], v[(i + 1) % 3], x));
  return least;
}

static double square_to_box(const SurfaceNode *node, const double x[3])
{
  double sum = 0;
  for (int c = 0; c < 3; c++) {
    const double d = fmax(fmax(node->lower[c] - x[c], x[c] - node->upper[c]), 0);
    sum += d * d;
  }
  return sum;
}

double SurfaceDistance(const Surface *s, int face, const double x[], int *facet)
{
  int stack[DEPTH], n = 0;
  double least = INFINITY;
  stack[n++] = 0;
  while (n) {
    const int own = stack[--n];
    const SurfaceNode *node = &s->node[own];
    if (square_to_box(node, x) >= least) continue;
    if (!node->n) {
      const bool swap = square_to_box(&s->node[own + 1], x) > square_to_box(&s->node[node->right], x);
      stack[n++] = swap ? own + 1 : node->right;
      stack[n++] = swap ? node->right : own + 1;
    }
    for (int k = node->first; k < node->first + node->n; k++) {
      const int at = s->order[k];
      const double square = face < 0 || s->face[at] == face ? square_to_facet(s, at, x) : INFINITY;
      if (square >= least) continue;
      least = square;
      if (facet) *facet = at;
    }
  }
  return sqrt(least);
}

/* A ray from a point, along the third of three orthonormal axes. */
typedef struct {
  double x[3], axis[3][3];
} Ray;

/* Directions far from those of edges that lie in planes of coordinates: a golden spiral on the sphere. */
static void draw_ray(int attempt, const double x[3], Ray *ray)
{
  const double z = 1 - (2 * attempt + 1.2345678) / (2 * REDRAWN + 2), r = sqrt(1 - z * z);
  const double angle = TWICE_PI * (0.1234567 + GOLDEN * attempt), c = cos(angle), s = sin(angle);
  const double axis[3][3] = {{z * c, z * s, -r}, {-s, c, 0}, {r * c, r * s, z}};
  memcpy(ray->axis, axis, sizeof(axis));
  memcpy(ray->x, x, sizeof(ray->x));
}

static bool meets_box(const Ray *ray, const SurfaceNode *node)
{
  double enter = 0, leave = INFINITY;
  for (int c = 0; c < 3; c++) {
    const double a = (node->lower[c] - ray->x[c]) / ray->axis[2][c], b = (node->upper[c] - ray->x[c]) / ray->axis[2][c];
    enter = fmax(enter, fmin(a, b));
    leave = fmin(leave, fmax(a, b));
  }
  return enter <= leave * (1 + 1e-12) + 1e-300;
}

/* 1 where the ray leaves through the facet, -1 where it enters, 0 where it misses; *grazes where that is not sure. */
static int crosses(const Surface *s, int k, const Ray *ray, bool *grazes)
{
  double p[3][3], size = 0, least = INFINITY, most = -INFINITY;
  for (int i = 0; i < 3; i++)
    for (int a = 0; a < 3; a++) {
      p[i][a] = 0;
      for (int c = 0; c < 3; c++) p[i][a] += ray->axis[a][c] * (corner(s, k, i)[c] - ray->x[c]);
      if (a < 2) size = fmax(size, fabs(p[i][a]));
    }
  double side[3], sum = 0, height = 0;
  for (int i = 0; i < 3; i++) {
    const double *a = p[(i + 1) % 3], *b = p[(i + 2) % 3];
    side[i] = a[0] * b[1] - a[1] * b[0];
    least = fmin(least, side[i]);
    most = fmax(most, side[i]);
    sum += side[i];
  }
  const double close = GRAZES * size * size;
  if (least < -close && most > close) return 0;
  for (int i = 0; i < 3; i++) height += side[i] * p[i][2];
  if (fabs(least) <= close || fabs(most) <= close || (least < 0 && most > 0)) {
    *grazes = true;
    return 0;
  }
  if (height * sum < 0) return 0;
  return sum > 0 ? 1 : -1;
}

static int count_crossings(const Surface *s, const Ray *ray, bool *grazes)
{
  int stack[DEPTH], n = 0, count = 0;
  stack[n++] = 0;
  while (n && !*grazes) {
    const int own = stack[--n];
    const SurfaceNode *node = &s->node[own];
    if (!meets_box(ray, node)) continue;
    if (!node->n) {
      stack[n++] = node->right;
      stack[n++] = own + 1;
    }
    for (int k = node->first; k < node->first + node->n; k++) count += crosses(s, s->order[k], ray, grazes);
  }
  return count;
}

/* The sum of the solid angles of all facets (van Oosterom, Strackee 1983): exact for every closed surface. */
static int wind(const Surface *s, const double x[3])
{
  double angle = 0;
  for (int k = 0; k < s->n; k++) {
    double v[3][3], length[3];
    for (int i = 0; i < 3; i++) {
      for (int c = 0; c < 3; c++) v[i][c] = corner(s, k, i)[c] - x[c];
      length[i] = sqrt(dot(v[i], v[i]));
    }
    const double volume = v[0][0] * (v[1][1] * v[2][2] - v[1][2] * v[2][1]) +
                          v[0][1] * (v[1][2] * v[2][0] - v[1][0] * v[2][2]) +
                          v[0][2] * (v[1][0] * v[2][1] - v[1][1] * v[2][0]);
    const double below = length[0] * length[1] * length[2] + dot(v[0], v[1]) * length[2] + dot(v[1], v[2]) * length[0] +
                         dot(v[2], v[0]) * length[1];
    angle += 2 * atan2(volume, below);
  }
  return (int)lround(angle / (2 * TWICE_PI));
}

int SurfaceWinding(const Surface *s, const double x[])
{
  for (int c = 0; c < 3; c++)
    if (x[c] < s->lower[c] || x[c] > s->upper[c]) return 0;
  for (int attempt = 0; attempt < REDRAWN; attempt++) {
    Ray ray;
    bool grazes = false;
    draw_ray(attempt, x, &ray);
    const int count = count_crossings(s, &ray, &grazes);
    if (!grazes) return count;
  }
  return wind(s, x); /* the point itself is on an edge, to rounding */
}
