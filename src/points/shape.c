/* The tree of shapes: reading it, placing its primitives, and its signed distance (Ricci 1973: minimum for a union,
   maximum for an intersection). */
#include <stdio.h>
#include <string.h>
#include "shape.h"

#define MAX_PATH_LENGTH 256

PetscErrorCode ShapeSetFaces(Shape shape, int n_face, int n_cube)
{
  PetscFunctionBegin;
  shape->n_face = n_face;
  PetscCall(PetscCalloc1(n_face, &shape->face));
  for (int f = 0; f < n_face; f++) {
    shape->face[f].n_cube = n_cube;
    shape->face[f].grid = GRID_CENTERED;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShapeReadVector(Shape shape, Config config, const char *path, const char *key, double values[])
{
  const PetscReal *read;
  int n;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, ConfigPath("%s.%s", path, key), &n, &read));
  PinnUserCheck(n == 1 || n == shape->dim, "%s: has %d values for %d coordinate%s: one for each or one for all",
                ConfigWhere(config, ConfigPath("%s.%s", path, key)), n, shape->dim, shape->dim > 1 ? "s" : "");
  for (int c = 0; c < shape->dim; c++) values[c] = read[n == 1 ? 0 : c];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShapeReadReal(Config config, const char *path, const char *key, double *value)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetReal(config, ConfigPath("%s.%s", path, key), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void rotate(const Shape shape, const double from[], double to[])
{
  for (int i = 0; i < shape->dim; i++) {
    to[i] = shape->dim > 3 ? from[i] : 0;
    for (int j = 0; j < shape->dim && shape->dim <= 3; j++) to[i] += shape->rotation[i][j] * from[j];
  }
}

static void place_point(const Shape shape, double x[])
{
  double turned[MAX_TREE_DIM];
  if (!shape->placed) return;
  rotate(shape, x, turned);
  for (int c = 0; c < shape->dim; c++) x[c] = shape->scale * turned[c] + shape->shift[c];
}

/* own is memory for a moved point; the result is own, or x where nothing was moved. */
static const double *own_point(const Shape shape, const double x[], double own[])
{
  if (!shape->placed) return x;
  for (int i = 0; i < shape->dim; i++) {
    own[i] = shape->dim > 3 ? x[i] - shape->shift[i] : 0;
    for (int j = 0; j < shape->dim && shape->dim <= 3; j++) own[i] += shape->rotation[j][i] * (x[j] - shape->shift[j]);
    own[i] /= shape->scale;
  }
  return own;
}

double ShapeDistance(Shape shape, const double x[])
{
  if (shape->ops) {
    double own[MAX_TREE_DIM];
    return shape->scale * shape->ops->distance(shape, own_point(shape, x, own));
  }
  double distance = ShapeDistance(shape->child[0], x);
  for (int k = 1; k < shape->n_child; k++) {
    const double other = ShapeDistance(shape->child[k], x);
    distance = shape->combination == COMBINE_UNION          ? fmin(distance, other)
               : shape->combination == COMBINE_INTERSECTION ? fmax(distance, other)
                                                            : fmax(distance, -other);
  }
  return distance;
}

static void place_points(const Shape shape, int n, double x[], size_t ld)
{
  for (int p = 0; shape->placed && p < n; p++) place_point(shape, x + (size_t)p * ld);
}

void ShapeMap(Shape leaf, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  leaf->ops->map(leaf, n, unit, ld_unit, x, ld);
  place_points(leaf, n, x, ld);
}

void ShapeMapFace(Shape leaf, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld)
{
  leaf->ops->map_face(leaf, face, n, unit, ld_unit, x, ld);
  place_points(leaf, n, x, ld);
}

void ShapeNormal(Shape leaf, int face, const double x[], double normal[])
{
  double own[MAX_TREE_DIM], turned[MAX_TREE_DIM];
  leaf->ops->normal(leaf, face, own_point(leaf, x, own), normal);
  if (!leaf->placed) return;
  rotate(leaf, normal, turned);
  memcpy(normal, turned, (size_t)leaf->dim * sizeof(double));
}

double ShapeDensity(Shape leaf, int face, const double x[])
{
  double own[MAX_TREE_DIM];
  return leaf->ops->density(leaf, face, own_point(leaf, x, own));
}

bool ShapeClearsBall(Shape shape, const double center[], double radius)
{
  return fabs(ShapeDistance(shape, center)) > radius;
}

/* Appends to parts [n] what unions are made of, down to shapes that are none. */
static void list_parts(Shape shape, Shape parts[], int *n)
{
  if (shape->ops || shape->combination != COMBINE_UNION) {
    if (parts) parts[*n] = shape;
    ++*n;
    return;
  }
  for (int k = 0; k < shape->n_child; k++) list_parts(shape->child[k], parts, n);
}

/* The sum of the measures of n shapes whose bounding balls keep apart; NAN where that is not known. */
static double sum_apart(const Shape parts[], int n)
{
  double sum = 0;
  for (int a = 0; a < n; a++) {
    double part;
    for (int b = a + 1; b < n; b++) {
      double square = 0;
      for (int c = 0; c < parts[a]->dim; c++) square += PetscSqr(parts[a]->center[c] - parts[b]->center[c]);
      if (sqrt(square) < parts[a]->radius + parts[b]->radius) return NAN;
    }
    if (!ShapeLogMeasure(parts[a], &part)) return NAN;
    sum += exp(part);
  }
  return sum;
}

bool ShapeLogMeasure(Shape shape, double *log_measure)
{
  const bool difference = shape->combination == COMBINE_DIFFERENCE;
  Shape *parts;
  double sum, whole;
  int n = 0;

  *log_measure = shape->log_measure;
  if (shape->ops) return true;
  if (shape->combination == COMBINE_INTERSECTION) return false;
  for (int k = difference; k < shape->n_child; k++) list_parts(shape->child[k], NULL, &n);
  if (PetscMalloc1(n, &parts)) return false;
  n = 0;
  for (int k = difference; k < shape->n_child; k++) list_parts(shape->child[k], parts, &n);
  sum = sum_apart(parts, n);
  for (int k = 0; k < n && difference; k++)
    if (ShapeDistance(shape->child[0], parts[k]->center) >= -parts[k]->radius) sum = NAN;
  (void)PetscFree(parts);
  if (difference) sum = ShapeLogMeasure(shape->child[0], &whole) ? exp(whole) - sum : NAN;
  *log_measure = log(sum);
  return sum > 0;
}

/* Moves what a primitive says of itself: the smallest box around the corners of its box, a ball around it, measures. */
static void finish_leaf(Shape shape)
{
  double half[MAX_TREE_DIM] = {0};
  const bool round = shape->radius > 0;
  for (int c = 0; c < shape->dim; c++) {
    shape->center[c] = 0.5 * (shape->lower[c] + shape->upper[c]);
    if (shape->placed) half[c] = 0.5 * (shape->upper[c] - shape->lower[c]);
    if (!round) shape->radius = hypot(shape->radius, 0.5 * (shape->upper[c] - shape->lower[c]));
  }
  shape->log_measure += shape->dim * log(shape->scale);
  for (int f = 0; f < shape->n_face; f++) {
    ShapeFace *face = &shape->face[f];
    if (!face->thinned) face->log_proposal = face->log_measure;
    face->log_measure += (shape->dim - 1) * log(shape->scale);
    face->log_proposal += (shape->dim - 1) * log(shape->scale);
  }
  if (!shape->placed) return;
  place_point(shape, shape->center);
  shape->radius *= shape->scale;
  for (int i = 0; i < shape->dim; i++) {
    double reach = shape->dim > 3 ? half[i] : 0;
    for (int j = 0; j < shape->dim && shape->dim <= 3; j++) reach += fabs(shape->rotation[i][j]) * half[j];
    shape->lower[i] = shape->center[i] - shape->scale * reach;
    shape->upper[i] = shape->center[i] + shape->scale * reach;
  }
}

static void bound_combination(Shape shape)
{
  for (int c = 0; c < shape->dim; c++) {
    shape->lower[c] = shape->child[0]->lower[c];
    shape->upper[c] = shape->child[0]->upper[c];
    for (int k = 1; k < shape->n_child && shape->combination != COMBINE_DIFFERENCE; k++) {
      const bool grow = shape->combination == COMBINE_UNION;
      const double low = shape->child[k]->lower[c], high = shape->child[k]->upper[c];
      shape->lower[c] = grow ? fmin(shape->lower[c], low) : fmax(shape->lower[c], low);
      shape->upper[c] = grow ? fmax(shape->upper[c], high) : fmin(shape->upper[c], high);
    }
    shape->center[c] = 0.5 * (shape->lower[c] + shape->upper[c]);
    shape->radius = hypot(shape->radius, 0.5 * (shape->upper[c] - shape->lower[c]));
  }
}

/* Rodrigues' formula; in the plane the angle turns about the third axis. */
static void rotation_matrix(int dim, const double vector[], double rotation[3][3])
{
  const double angle = dim == 2 ? vector[0] : sqrt(PetscSqr(vector[0]) + PetscSqr(vector[1]) + PetscSqr(vector[2]));
  const double s = sin(angle), c = cos(angle);
  double e[3] = {0, 0, 1};
  for (int i = 0; i < 3 && dim == 3 && angle > 0; i++) e[i] = vector[i] / angle;
  const double cross[3][3] = {{0, -e[2], e[1]}, {e[2], 0, -e[0]}, {-e[1], e[0], 0}};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) rotation[i][j] = c * (i == j) + (1 - c) * e[i] * e[j] + s * cross[i][j];
}

/* Composes the placement of the parent with the shape's own. */
static PetscErrorCode read_placement(Shape shape, Config config, const char *path, Shape parent)
{
  double scale = 1, shift[MAX_TREE_DIM] = {0}, own[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const PetscReal *angle;
  int n;

  PetscFunctionBegin;
  if (ConfigHas(config, ConfigPath("%s.scale", path))) PetscCall(ShapeReadReal(config, path, "scale", &scale));
  const bool shifted = ConfigHas(config, ConfigPath("%s.translate", path));
  const bool turned = ConfigHas(config, ConfigPath("%s.rotate", path));
  shape->placed = (parent && parent->placed) || scale != 1 || shifted || turned;
  shape->scale = scale;
  if (!shape->placed) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(shape->dim <= MAX_TREE_DIM, "%s: shapes are moved in at most %d dimensions, not in %d", shape->where,
                MAX_TREE_DIM, shape->dim);
  if (shifted) PetscCall(ShapeReadVector(shape, config, path, "translate", shift));
  if (turned) {
    PetscCall(ConfigGetReals(config, ConfigPath("%s.rotate", path), &n, &angle));
    PinnUserCheck((shape->dim == 2 && n == 1) || (shape->dim == 3 && n == 3),
                  "%s: a turn is one angle in the plane and an axis times an angle, three numbers, in space; here are "
                  "%d number%s and %d coordinate%s",
                  ConfigWhere(config, ConfigPath("%s.rotate", path)), n, n > 1 ? "s" : "", shape->dim,
                  shape->dim > 1 ? "s" : "");
    rotation_matrix(shape->dim, angle, own);
  }
  memcpy(shape->shift, shift, sizeof(shift));
  memcpy(shape->rotation, own, sizeof(own));
  if (!parent || !parent->placed) PetscFunctionReturn(PETSC_SUCCESS);
  place_point(parent, shape->shift);
  shape->scale *= parent->scale;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      shape->rotation[i][j] = 0;
      for (int k = 0; k < 3; k++) shape->rotation[i][j] += parent->rotation[i][k] * own[k][j];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_leaf(Shape shape, Config config, const char *path)
{
  const ShapeOps *ops = shape->ops;
  const char *type;

  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, ConfigPath("%s.type", path), &type));
  PinnUserCheck(shape->dim >= ops->min_dim && (!ops->max_dim || shape->dim <= ops->max_dim),
                "%s: shape '%s' lies in %d dimension%s, but the case has %d coordinate%s of space", shape->where, type,
                ops->min_dim, ops->min_dim > 1 ? "s" : "", shape->dim, shape->dim > 1 ? "s" : "");
  PetscCall(ops->create(shape, config, path));
  finish_leaf(shape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A shape with all that its parts share, without parts. */
static PetscErrorCode create_like(struct Shape_s like, const char *where, Shape *shape)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(shape));
  like.name = NULL, like.child = NULL, like.n_child = 0;
  **shape = like;
  PetscCall(PetscStrallocpy(where, &(*shape)->where));
  PetscCall(PetscMalloc3(like.dim, &(*shape)->lower, like.dim, &(*shape)->upper, like.dim, &(*shape)->center));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode allocate_parts(Shape shape, int n)
{
  PetscFunctionBegin;
  PinnUserCheck(shape->dim <= MAX_TREE_DIM, "%s: shapes are combined in at most %d dimensions, not in %d", shape->where,
                MAX_TREE_DIM, shape->dim);
  shape->n_child = n;
  PetscCall(PetscCalloc1(n, &shape->child));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Copies of a ball around given centers; each has the name of the whole and its number: "disks[3]". */
static PetscErrorCode create_balls(Shape shape, Config config, const char *path)
{
  const PetscReal *centers;
  const int dim = shape->dim;
  double radius;
  int n;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, ConfigPath("%s.centers", path), &n, &centers));
  PetscCall(ShapeReadReal(config, path, "radius", &radius));
  PinnUserCheck(n > 0 && n % dim == 0, "%s: has %d numbers, which is no whole number of centers of %d coordinate%s",
                ConfigWhere(config, ConfigPath("%s.centers", path)), n, dim, dim > 1 ? "s" : "");
  PetscCall(allocate_parts(shape, n / dim));
  for (int k = 0; k < shape->n_child; k++) {
    PetscCall(create_like(*shape, shape->where, &shape->child[k]));
    shape->child[k]->ops = &ShapeOps_Ball;
    shape->child[k]->combination = COMBINE_NONE;
    PetscCall(ShapeCreateBall(shape->child[k], centers + (size_t)k * (size_t)dim, radius));
    finish_leaf(shape->child[k]);
    if (!shape->name) continue;
    const size_t length = strlen(shape->name) + 16;
    PetscCall(PetscMalloc1(length, &shape->child[k]->name));
    snprintf(shape->child[k]->name, length, "%s[%d]", shape->name, k);
  }
  bound_combination(shape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_combination(Shape shape, Config config, const char *path);

static PetscErrorCode create_in(struct Shape_s like, Config config, const char *path, Shape parent, Shape *shape)
{
  const char *type, *name;

  PetscFunctionBegin;
  PetscCall(create_like(like, ConfigWhere(config, path), shape));
  PetscCall(ConfigGetString(config, ConfigPath("%s.type", path), &type));
  PetscCall(ConfigGetString(config, ConfigPath("%s.name", path), &name));
  if (name) PetscCall(PetscStrallocpy(name, &(*shape)->name));
  const DomainType *row = ChoiceFind(&DomainTable, type)->data;
  PinnUserCheck(row->shape || row->combination, "%s: a '%s' cannot be a part of a combination", (*shape)->where, type);
  (*shape)->ops = row->combination ? NULL : row->shape;
  (*shape)->combination = row->combination;
  PetscCall(read_placement(*shape, config, path, parent));
  if (!row->combination)
    PetscCall(create_leaf(*shape, config, path));
  else if (row->shape)
    PetscCall(create_balls(*shape, config, path));
  else
    PetscCall(create_combination(*shape, config, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_combination(Shape shape, Config config, const char *path)
{
  char element[MAX_PATH_LENGTH];

  PetscFunctionBegin;
  PinnUserCheck(strlen(path) + 16 < sizeof(element), "%s: combinations are nested too deep", shape->where);
  PetscCall(allocate_parts(shape, ConfigCount(config, ConfigPath("%s.of", path))));
  for (int k = 0; k < shape->n_child; k++) {
    struct Shape_s like = {.formula = shape->formula, .first = shape->first, .dim = shape->dim, .sign = shape->sign};
    if (shape->combination == COMBINE_DIFFERENCE && k > 0) like.sign = -shape->sign;
    snprintf(element, sizeof(element), "%s.of[%d]", path, k);
    PetscCall(create_in(like, config, element, shape, &shape->child[k]));
  }
  bound_combination(shape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShapeCreate(Config config, const char *path, Formula formula, int first, int dim, Shape *shape)
{
  const struct Shape_s like = {.formula = formula, .first = first, .dim = dim, .sign = 1};

  PetscFunctionBegin;
  PetscCall(create_in(like, config, path, NULL, shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShapeDestroy(Shape *shape)
{
  Shape s = *shape;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < s->n_child; k++) PetscCall(ShapeDestroy(&s->child[k]));
  if (s->ops && s->ops->destroy) PetscCall(s->ops->destroy(s));
  PetscCall(PetscFree(s->child));
  PetscCall(PetscFree(s->face));
  PetscCall(PetscFree(s->name));
  PetscCall(PetscFree(s->where));
  PetscCall(PetscFree3(s->lower, s->upper, s->center));
  PetscCall(PetscFree(*shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}
