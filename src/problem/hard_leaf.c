/* Functions of primitives. A face of a convex shape around the domain is its plane, which meets the domain nowhere
   else, and the whole surface the product: no roots, smooth at corners. Other faces are parts of a carrier f = 0 cut
   out by t >= 0 (Rvachev; Biswas, Shapiro 2004; Sukumar, Srivastava 2022),
     sqrt(f^2 + ((sqrt(t^2 + f^4) - t)/2)^2),
   and edges of polygons are joined by inverse sums, a b / (a + b). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "hard_leaf.h"

#define TINY 1e-30 /* beside a distance: 0/0 at corners */

PetscErrorCode HardReadVector(Hardener *h, const char *path, const char *key, double values[])
{
  const PetscReal *read;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(h->p->config, ConfigPath("%s.%s", path, key), &n, &read));
  PinnUserCheck(n == 1 || n == h->dim, "%s: has %d values for %d coordinate%s: one for each or one for all",
                ConfigWhere(h->p->config, ConfigPath("%s.%s", path, key)), n, h->dim, h->dim > 1 ? "s" : "");
  for (int c = 0; c < h->dim; c++) values[c] = read[n == 1 ? 0 : c];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_real(Hardener *h, const char *path, const char *key, double *value)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetReal(h->p->config, ConfigPath("%s.%s", path, key), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sum of ((x_c - center_c)/r_c)^power; r NULL: 1. */
static PetscErrorCode sum_squares(Hardener *h, const FormulaNode x[], const double center[], const double r[],
                                  int power, FormulaNode *sum)
{
  PetscFunctionBegin;
  PetscCall(HardSay(h->p, sum, 0, NULL, "0"));
  for (int c = 0; c < h->dim; c++)
    PetscCall(HardSay(h->p, sum, 2, (FormulaNode[]){*sum, x[c]}, "hard_0 + (hard_1 - (%.17g))^2/%.17g", center[c],
                      r ? pow(r[c], power) : 1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part t >= 0 of f = 0. */
static PetscErrorCode trim(Hardener *h, FormulaNode f, FormulaNode t, FormulaNode *part)
{
  PetscFunctionBegin;
  PetscCall(
      HardSay(h->p, part, 2, (FormulaNode[]){f, t}, "sqrt(hard_0^2 + ((sqrt(hard_1^2 + hard_0^4) - hard_1)/2)^2)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardCountBalls(Hardener *h, const char *path, int *n)
{
  const PetscReal *centers;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(h->p->config, ConfigPath("%s.centers", path), n, &centers));
  *n /= h->dim;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (R^2 - |x - c|^2)/(2 R) */
static PetscErrorCode ball_of(Hardener *h, const double center[], double radius, const FormulaNode x[],
                              const Place *place, FormulaNode *inside)
{
  FormulaNode square;
  PetscFunctionBegin;
  HardBound(h, place, center, radius);
  PetscCall(sum_squares(h, x, center, NULL, 0, &square));
  PetscCall(HardSay(h->p, inside, 1, &square, "(%.17g - hard_0)*%.17g", radius * radius, place->scale / (2 * radius)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardBall(Hardener *h, const char *path, int k, const FormulaNode x[], const Place *place,
                        FormulaNode *inside)
{
  const PetscReal *centers;
  double radius;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(h->p->config, ConfigPath("%s.centers", path), &n, &centers));
  PetscCall(read_real(h, path, "radius", &radius));
  PetscCall(ball_of(h, centers + (size_t)k * (size_t)h->dim, radius, x, place, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Divides g, which vanishes on the surface with a gradient, by sqrt(g^2 + size^2 |grad g|^2) / size. */
static PetscErrorCode normalize(Hardener *h, FormulaNode g, double size, FormulaNode *inside)
{
  const int n = FormulaCoordinates(h->p->formula), t = FormulaFindCoordinate(h->p->formula, "t");
  FormulaNode square;
  PetscFunctionBegin;
  PetscCall(HardSay(h->p, &square, 1, &g, "hard_0^2"));
  for (int c = 0; c < n; c++)
    if (c != t)
      PetscCall(HardSay(h->p, &square, 2, (FormulaNode[]){square, g}, "hard_0 + %.17g*d(hard_1, %.100s)^2", size * size,
                        FormulaCoordinateName(h->p->formula, c)));
  PetscCall(HardSay(h->p, inside, 2, (FormulaNode[]){g, square}, "%.17g*hard_0/sqrt(hard_1)", size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ball(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                           FormulaNode *inside)
{
  double center[HARD_DIM], radius;
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "center", center));
  PetscCall(read_real(h, path, "radius", &radius));
  PetscCall(ball_of(h, center, radius, x, place, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ellipsoid(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                                FormulaNode *inside)
{
  double center[HARD_DIM], radii[HARD_DIM], size = INFINITY, reach = 0;
  FormulaNode g;
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "center", center));
  PetscCall(HardReadVector(h, path, "radii", radii));
  for (int c = 0; c < h->dim; c++) {
    size = fmin(size, radii[c]);
    reach = fmax(reach, radii[c]);
  }
  HardBound(h, place, center, reach);
  PetscCall(sum_squares(h, x, center, radii, 2, &g));
  PetscCall(HardSay(h->p, &g, 1, &g, "1 - hard_0"));
  PetscCall(normalize(h, g, size * place->scale, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (|x|^2 + R^2 - r^2)^2 < 4 R^2 (|x|^2 - (x . axis)^2), x from the center */
static PetscErrorCode torus(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                            FormulaNode *inside)
{
  double center[HARD_DIM], axis[HARD_DIM], radius, tube;
  FormulaNode square, along, g;
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "center", center));
  PetscCall(HardReadVector(h, path, "axis", axis));
  PetscCall(read_real(h, path, "radius", &radius));
  PetscCall(read_real(h, path, "tube", &tube));
  const double length = sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]);
  HardBound(h, place, center, radius + tube);
  PetscCall(sum_squares(h, x, center, NULL, 0, &square));
  PetscCall(HardSay(h->p, &along, 3, x,
                    "(%.17g)*(hard_0 - (%.17g)) + (%.17g)*(hard_1 - (%.17g)) + (%.17g)*(hard_2 - "
                    "(%.17g))",
                    axis[0] / length, center[0], axis[1] / length, center[1], axis[2] / length, center[2]));
  PetscCall(HardSay(h->p, &g, 2, (FormulaNode[]){square, along},
                    "(%.17g*(hard_0 - hard_1^2) - (hard_0 + %.17g)^2)/%.17g", 4 * radius * radius,
                    radius * radius - tube * tube, 4 * radius * radius * tube * tube));
  PetscCall(normalize(h, g, tube * place->scale, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* outer (R^2 - |x|^2)/(2 R), inner (|x|^2 - r^2)/(2 r) */
static PetscErrorCode shell_faces(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                                  FormulaNode face[2])
{
  double center[HARD_DIM], outer, inner;
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "center", center));
  PetscCall(read_real(h, path, "radius", &outer));
  PetscCall(read_real(h, path, "inner", &inner));
  PetscCall(ball_of(h, center, inner, x, place, &face[0]));
  PetscCall(HardSay(h->p, &face[0], 1, &face[0], "-hard_0"));
  PetscCall(ball_of(h, center, outer, x, place, &face[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Convex shapes with flat faces and the cylinder: the faces of a box in pairs, of a cylinder side, bottom, top. */
typedef struct {
  int n;
  FormulaNode *f;      /* [n] distance of each carrier, positive inside */
  FormulaNode *within; /* [n] >= 0 on the part of the carrier that is the face */
  double *middle;      /* [n] f at a point in the middle */
  char (*name)[80];
  bool convex;
} Faces;

static PetscErrorCode faces_create(int n, Faces *faces)
{
  PetscFunctionBegin;
  faces->n = n;
  faces->convex = true;
  PetscCall(PetscMalloc4(n, &faces->f, n, &faces->within, n, &faces->middle, n, &faces->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode faces_destroy(Faces *faces)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(faces->f, faces->within, faces->middle, faces->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode box_faces(Hardener *h, const char *path, const FormulaNode x[], const Place *place, Faces *faces)
{
  const int t = FormulaFindCoordinate(h->p->formula, "t");
  double lower[HARD_DIM], upper[HARD_DIM];
  double center[HARD_DIM], reach = 0;
  FormulaNode inside[HARD_DIM];
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "lower", lower));
  PetscCall(HardReadVector(h, path, "upper", upper));
  PetscCall(faces_create(2 * h->dim, faces));
  for (int c = 0; c < h->dim; c++) {
    const char *name = FormulaCoordinateName(h->p->formula, c + (t == 0));
    PetscCall(HardSay(h->p, &faces->f[2 * c], 1, &x[c], "(hard_0 - (%.17g))*%.17g", lower[c], place->scale));
    PetscCall(HardSay(h->p, &faces->f[2 * c + 1], 1, &x[c], "(%.17g - hard_0)*%.17g", upper[c], place->scale));
    PetscCall(
        HardSay(h->p, &inside[c], 2, faces->f + 2 * c, "hard_0*hard_1/%.17g", (upper[c] - lower[c]) * place->scale));
    center[c] = 0.5 * (lower[c] + upper[c]);
    reach = hypot(reach, 0.5 * (upper[c] - lower[c]));
    faces->middle[2 * c] = faces->middle[2 * c + 1] = 0.5 * (upper[c] - lower[c]) * place->scale;
    snprintf(faces->name[2 * c], sizeof(faces->name[0]), "%.60s.lower", name);
    snprintf(faces->name[2 * c + 1], sizeof(faces->name[0]), "%.60s.upper", name);
  }
  for (int c = 0; c < h->dim; c++) {
    FormulaNode within = -1;
    for (int other = 0; other < h->dim; other++) {
      if (other == c) continue;
      if (within >= 0)
        PetscCall(HardAnd(h->p, within, inside[other], &within));
      else
        within = inside[other];
    }
    if (within < 0) PetscCall(HardSay(h->p, &within, 0, NULL, "1"));
    faces->within[2 * c] = faces->within[2 * c + 1] = within;
  }
  HardBound(h, place, center, reach);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode cylinder_faces(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                                     Faces *faces)
{
  double from[HARD_DIM], to[HARD_DIM], radius, e[3], center[3], length = 0;
  FormulaNode along, square, span;
  PetscFunctionBegin;
  PetscCall(HardReadVector(h, path, "from", from));
  PetscCall(HardReadVector(h, path, "to", to));
  PetscCall(read_real(h, path, "radius", &radius));
  for (int c = 0; c < 3; c++) length = hypot(length, to[c] - from[c]);
  for (int c = 0; c < 3; c++) {
    e[c] = (to[c] - from[c]) / length;
    center[c] = 0.5 * (from[c] + to[c]);
  }
  HardBound(h, place, center, hypot(radius, 0.5 * length));
  PetscCall(faces_create(3, faces));
  PetscCall(sum_squares(h, x, from, NULL, 0, &square));
  PetscCall(HardSay(h->p, &along, 3, x,
                    "(%.17g)*(hard_0 - (%.17g)) + (%.17g)*(hard_1 - (%.17g)) + (%.17g)*(hard_2 - "
                    "(%.17g))",
                    e[0], from[0], e[1], from[1], e[2], from[2]));
  PetscCall(HardSay(h->p, &faces->f[0], 2, (FormulaNode[]){square, along}, "(%.17g - hard_0 + hard_1^2)*%.17g",
                    radius * radius, place->scale / (2 * radius)));
  PetscCall(HardSay(h->p, &faces->f[1], 1, &along, "hard_0*%.17g", place->scale));
  PetscCall(HardSay(h->p, &faces->f[2], 1, &along, "(%.17g - hard_0)*%.17g", length, place->scale));
  PetscCall(HardSay(h->p, &span, 2, faces->f + 1, "hard_0*hard_1/%.17g", length * place->scale));
  faces->within[0] = span;
  faces->within[1] = faces->within[2] = faces->f[0];
  faces->middle[0] = 0.5 * radius * place->scale;
  faces->middle[1] = faces->middle[2] = 0.5 * length * place->scale;
  for (int f = 0; f < 3; f++)
    snprintf(faces->name[f], sizeof(faces->name[0]), "%s", f == 0 ? "side" : f == 1 ? "bottom" : "top");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The carrier of an edge is its line, the part a disk around its middle. */
static PetscErrorCode polygon_faces(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                                    Faces *faces)
{
  const PetscReal *v;
  double area = 0, center[2] = {0}, reach = 0;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(h->p->config, ConfigPath("%s.vertices", path), &n, &v));
  n /= 2;
  PetscCall(faces_create(n, faces));
  for (int k = 0; k < n; k++) {
    const double *a = v + 2 * k, *b = v + 2 * ((k + 1) % n);
    area += 0.5 * (a[0] * b[1] - a[1] * b[0]);
    center[0] += a[0] / n, center[1] += a[1] / n;
  }
  for (int k = 0; k < n; k++) reach = fmax(reach, hypot(v[2 * k] - center[0], v[2 * k + 1] - center[1]));
  HardBound(h, place, center, reach);
  const double left = area > 0 ? 1 : -1;
  for (int k = 0; k < n; k++) {
    const double *a = v + 2 * k, *b = v + 2 * ((k + 1) % n), *c = v + 2 * ((k + 2) % n);
    const double length = hypot(b[0] - a[0], b[1] - a[1]);
    PetscCall(HardSay(h->p, &faces->f[k], 2, x, "((%.17g)*(hard_0 - (%.17g)) + (%.17g)*(hard_1 - (%.17g)))*%.17g",
                      -(b[1] - a[1]) * left / length, a[0], (b[0] - a[0]) * left / length, a[1], place->scale));
    PetscCall(HardSay(h->p, &faces->within[k], 2, x, "(%.17g - (hard_0 - (%.17g))^2 - (hard_1 - (%.17g))^2)*%.17g",
                      length * length / 4, 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), place->scale / length));
    faces->middle[k] = ((b[0] - a[0]) * (center[1] - a[1]) - (b[1] - a[1]) * (center[0] - a[0])) * left / length;
    faces->middle[k] *= place->scale;
    snprintf(faces->name[k], sizeof(faces->name[0]), "edge[%d]", k);
    if (((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) * left < 0) faces->convex = false;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shapes with several faces that Faces describes; n = 0 for others. */
static PetscErrorCode read_faces(Hardener *h, const char *type, const char *path, const FormulaNode x[],
                                 const Place *place, Faces *faces)
{
  PetscFunctionBegin;
  *faces = (Faces){0};
  if (!strcmp(type, "box"))
    PetscCall(box_faces(h, path, x, place, faces));
  else if (!strcmp(type, "cylinder"))
    PetscCall(cylinder_faces(h, path, x, place, faces));
  else if (!strcmp(type, "triangle") || !strcmp(type, "polygon"))
    PetscCall(polygon_faces(h, path, x, place, faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardLeafSigned(Hardener *h, const char *type, const char *path, const FormulaNode x[],
                              const Place *place, FormulaNode *inside)
{
  Faces faces;
  FormulaNode face[2];
  PetscFunctionBegin;
  PetscCall(read_faces(h, type, path, x, place, &faces));
  const bool convex = faces.n == 0 || faces.convex;
  for (int f = 0; f < faces.n && convex; f++) {
    if (f)
      PetscCall(HardAnd(h->p, *inside, faces.f[f], inside));
    else
      *inside = faces.f[0];
  }
  PetscCall(faces_destroy(&faces));
  PinnUserCheck(convex,
                "%s: a hard condition holds on the polygon of %s by itself, not on a union with it: a corner turns in",
                h->where, ConfigWhere(h->p->config, path));
  PinnUserCheck(strcmp(type, "mesh") && strcmp(type, "stl"),
                "%s: hard conditions are there on shapes of formulas, not with type = \"%s\"", h->where, type);
  if (!strcmp(type, "ball")) PetscCall(ball(h, path, x, place, inside));
  if (!strcmp(type, "ellipse") || !strcmp(type, "ellipsoid")) PetscCall(ellipsoid(h, path, x, place, inside));
  if (!strcmp(type, "torus")) PetscCall(torus(h, path, x, place, inside));
  if (!strcmp(type, "shell")) {
    PetscCall(shell_faces(h, path, x, place, face));
    PetscCall(HardSay(h->p, inside, 2, face, "hard_0*hard_1/(hard_0 + hard_1)"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_shell(Hardener *h, const char *path, const FormulaNode x[], const Place *place, bool holds,
                                FormulaNode *whole)
{
  static const char *const names[] = {"inner", "outer"};
  FormulaNode face[2];
  PetscFunctionBegin;
  PetscCall(shell_faces(h, path, x, place, face));
  for (int f = 0; f < 2; f++) {
    FormulaNode distance = face[f];
    if (!holds) PetscCall(HardSay(h->p, &distance, 1, &face[f], "abs(hard_0)"));
    PetscCall(HardAddPart(h, names[f], distance, face[f]));
  }
  PetscCall(HardSay(h->p, whole, 2, face, "%s(hard_0*hard_1/(hard_0 + hard_1))", holds ? "" : "-"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_faces(Hardener *h, const Faces *faces, bool holds, FormulaNode *whole)
{
  Problem p = h->p;
  const bool planes = faces->convex && holds;
  double least = INFINITY;
  PetscFunctionBegin;
  for (int f = 0; f < faces->n; f++) least = fmin(least, faces->middle[f]);
  for (int f = 0; f < faces->n; f++) {
    FormulaNode distance = faces->f[f];
    if (!planes) PetscCall(trim(h, faces->f[f], faces->within[f], &distance));
    PetscCall(HardAddPart(h, faces->name[f], distance, faces->f[f]));
    const FormulaNode both[] = {*whole, distance};
    if (planes && !f) PetscCall(HardSay(p, whole, 1, &distance, "hard_0*%.17g", least / faces->middle[f]));
    if (planes && f) PetscCall(HardSay(p, whole, 2, both, "hard_0*hard_1/%.17g", faces->middle[f]));
    if (!planes && !f) *whole = distance;
    if (!planes && f) PetscCall(HardSay(p, whole, 2, both, "hard_0*hard_1/(hard_0 + hard_1 + %g)", TINY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardLeafAdd(Hardener *h, const char *type, const char *path, const FormulaNode x[], const Place *place,
                           bool holds, FormulaNode *whole)
{
  Faces faces;
  PetscFunctionBegin;
  *whole = -1;
  PetscCall(read_faces(h, type, path, x, place, &faces));
  if (!strcmp(type, "mesh") || !strcmp(type, "stl")) {
    PetscCall(HardAddPart(h, NULL, -1, -1));
  } else if (faces.n) {
    PetscCall(add_faces(h, &faces, holds, whole));
  } else if (!strcmp(type, "shell")) {
    PetscCall(add_shell(h, path, x, place, holds, whole));
  } else {
    PetscCall(HardLeafSigned(h, type, path, x, place, whole));
    if (!holds) PetscCall(HardSay(h->p, whole, 1, whole, "-hard_0"));
    PetscCall(HardAddPart(h, !strcmp(type, "ball") ? "sphere" : "surface", *whole, *whole));
  }
  PetscCall(faces_destroy(&faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}
