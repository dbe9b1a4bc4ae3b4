/* The domain's tree of shapes as functions. A shape in a union, or one taken away from what is taken away, has a part
   of its surface inside the domain: such combinations are taken whole, by R-functions (Rvachev, Sheiko 1995):
     a or b: a + b + sqrt(a^2 + b^2),   a and b: a + b - sqrt(a^2 + b^2),   not a: -a.
   Elsewhere each primitive stands for itself. Placements of all enclosing shapes are undone on the coordinates. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "hard_leaf.h"

PetscErrorCode HardSay(Problem p, FormulaNode *node, int n, const FormulaNode nodes[], const char *format, ...)
{
  const char *where = "hard condition";
  char text[1024], name[16];
  va_list arguments;
  PetscFunctionBegin;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  PetscCheck(length < (int)sizeof(text), PETSC_COMM_SELF, PETSC_ERR_PLIB, "a formula of %d characters", length);
  for (int k = 0; k < n; k++) {
    snprintf(name, sizeof(name), "hard_%d", k);
    PetscCall(FormulaDefine(p->formula, where, name, nodes[k]));
  }
  PetscCall(FormulaParse(p->formula, where, text, node));
  for (int k = 0; k < n; k++) {
    snprintf(name, sizeof(name), "hard_%d", k);
    PetscCall(FormulaUndefine(p->formula, name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardAnd(Problem p, FormulaNode a, FormulaNode b, FormulaNode *both)
{
  PetscFunctionBegin;
  PetscCall(HardSay(p, both, 2, (FormulaNode[]){a, b}, "hard_0 + hard_1 - sqrt(hard_0^2 + hard_1^2)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardAddPart(Hardener *h, const char *face, FormulaNode distance, FormulaNode carrier)
{
  HardShapes *s = h->shapes;
  PetscFunctionBegin;
  if (s->n == s->capacity) {
    s->capacity = 2 * s->capacity + 8;
    PetscCall(PetscRealloc((size_t)s->capacity * sizeof(HardPart), &s->part));
  }
  HardPart *part = &s->part[s->n++];
  *part = (HardPart){.group = s->n_group, .distance = distance, .carrier = carrier};
  snprintf(part->words, sizeof(part->words), "%s", h->words);
  size_t used = strlen(part->words);
  if (face && h->own[0])
    used += (size_t)snprintf(part->words + used, sizeof(part->words) - used, "%s.%s|", h->own, face);
  used = PetscMin(used, sizeof(part->words) - 1);
  if (face && h->root) snprintf(part->words + used, sizeof(part->words) - used, "%s|", face);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void HardBound(Hardener *h, const Place *place, const double center[], double radius)
{
  HardShapes *s = h->shapes;
  for (int i = 0; i < h->dim; i++) {
    double x = h->dim > 3 ? center[i] : 0;
    for (int j = 0; j < h->dim && h->dim <= 3; j++) x += place->turn[i][j] * center[j];
    x = place->scale * x + place->shift[i];
    const double low = x - place->scale * radius, high = x + place->scale * radius;
    s->lower[i] = s->n_bound ? fmin(s->lower[i], low) : low;
    s->upper[i] = s->n_bound ? fmax(s->upper[i], high) : high;
  }
  s->n_bound = h->dim;
}

/* Ends the group of the parts added since the last one. */
static PetscErrorCode end_group(Hardener *h, int first, FormulaNode whole)
{
  HardShapes *s = h->shapes;
  PetscFunctionBegin;
  if (s->n_group == s->group_capacity) {
    s->group_capacity = 2 * s->group_capacity + 8;
    PetscCall(PetscRealloc((size_t)s->group_capacity * sizeof(FormulaNode), &s->whole));
    PetscCall(PetscRealloc((size_t)s->group_capacity * sizeof(int), &s->size));
  }
  s->whole[s->n_group] = whole;
  s->size[s->n_group++] = s->n - first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The turn of a shape: Rodrigues' formula; in the plane about the third axis. */
static PetscErrorCode read_turn(Problem p, const char *path, int dim, double turn[3][3])
{
  const PetscReal *v;
  double e[3] = {0, 0, 1}, angle = 0;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(p->config, ConfigPath("%s.rotate", path), &n, &v));
  PinnUserCheck(n == 0 || (dim == 2 && n == 1) || (dim == 3 && n == 3), "%s: %d numbers do not turn in %d dimensions",
                ConfigWhere(p->config, ConfigPath("%s.rotate", path)), n, dim);
  if (n == 1) angle = v[0];
  if (n == 3) angle = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  for (int i = 0; i < 3 && n == 3 && angle > 0; i++) e[i] = v[i] / angle;
  const double s = sin(angle), c = cos(angle);
  const double cross[3][3] = {{0, -e[2], e[1]}, {e[2], 0, -e[0]}, {-e[1], e[0], 0}};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) turn[i][j] = c * (i == j) + (1 - c) * e[i] * e[j] + s * cross[i][j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the shape in the one around it, whose place is [inout]. */
static void compose(int dim, double factor, const double turn[3][3], const double shift[], Place *place)
{
  const Place outer = *place;
  for (int i = 0; i < dim; i++) {
    double moved = dim > 3 ? shift[i] : 0;
    for (int j = 0; j < dim && dim <= 3; j++) {
      moved += outer.turn[i][j] * shift[j];
      place->turn[i][j] = 0;
      for (int k = 0; k < dim; k++) place->turn[i][j] += outer.turn[i][k] * turn[k][j];
    }
    place->shift[i] = outer.scale * moved + outer.shift[i];
  }
  place->scale *= factor;
}

/* x [inout]: coordinates outside, then those of the shape itself; place [inout] likewise. */
static PetscErrorCode undo_placement(Hardener *h, const char *path, FormulaNode x[], Place *place)
{
  const char *const keys[] = {"scale", "rotate", "translate"};
  double shift[HARD_DIM] = {0}, turn[3][3];
  FormulaNode moved[HARD_DIM];
  PetscReal factor = 1;
  bool any = false;
  PetscFunctionBegin;
  for (int k = 0; k < 3; k++) any = any || ConfigHas(h->p->config, ConfigPath("%s.%s", path, keys[k]));
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  if (ConfigHas(h->p->config, ConfigPath("%s.scale", path)))
    PetscCall(ConfigGetReal(h->p->config, ConfigPath("%s.scale", path), &factor));
  if (ConfigHas(h->p->config, ConfigPath("%s.translate", path))) PetscCall(HardReadVector(h, path, "translate", shift));
  PetscCall(read_turn(h->p, path, h->dim, turn));
  for (int c = 0; c < h->dim; c++)
    PetscCall(HardSay(h->p, &moved[c], 1, &x[c], "(hard_0 - (%.17g))/%.17g", shift[c], factor));
  for (int c = 0; c < h->dim; c++) {
    x[c] = moved[c];
    if (h->dim > 3) continue;
    FormulaNode all[3] = {moved[0], moved[h->dim > 1 ? 1 : 0], moved[h->dim > 2 ? 2 : 0]};
    PetscCall(HardSay(h->p, &x[c], 3, all, "(%.17g)*hard_0 + (%.17g)*hard_1 + (%.17g)*hard_2", turn[0][c],
                      h->dim > 1 ? turn[1][c] : 0.0, h->dim > 2 ? turn[2][c] : 0.0));
  }
  compose(h->dim, factor, (const double(*)[3])turn, shift, place);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { SHAPE_LEAF, SHAPE_BALLS, SHAPE_UNION, SHAPE_INTERSECTION, SHAPE_DIFFERENCE } Kind;

static Kind kind_of(const char *type)
{
  static const char *const names[] = {"", "balls", "union", "intersection", "difference"};
  for (int k = 1; k < 5; k++)
    if (!strcmp(type, names[k])) return (Kind)k;
  return SHAPE_LEAF;
}

/* The function of a whole shape, positive inside and negative outside. */
static PetscErrorCode signed_shape(Hardener *h, const char *path, const FormulaNode outside[], const Place *around,
                                   FormulaNode *inside);

static PetscErrorCode signed_balls(Hardener *h, const char *path, const FormulaNode x[], const Place *place,
                                   FormulaNode *inside)
{
  FormulaNode out = -1;
  int n;
  PetscFunctionBegin;
  PetscCall(HardCountBalls(h, path, &n));
  for (int k = 0; k < n; k++) {
    FormulaNode ball;
    PetscCall(HardBall(h, path, k, x, place, &ball));
    PetscCall(HardSay(h->p, &ball, 1, &ball, "-hard_0"));
    if (k) PetscCall(HardAnd(h->p, out, ball, &ball));
    out = ball;
  }
  PetscCall(HardSay(h->p, inside, 1, &out, "-hard_0"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode signed_combination(Hardener *h, Kind kind, const char *path, const FormulaNode x[],
                                         const Place *place, FormulaNode *inside)
{
  const int n = ConfigCount(h->p->config, ConfigPath("%s.of", path));
  FormulaNode all = -1;
  PetscFunctionBegin;
  for (int k = 0; k < n; k++) {
    char child[HARD_PATH];
    FormulaNode one;
    snprintf(child, sizeof(child), "%s.of[%d]", path, k);
    PetscCall(signed_shape(h, child, x, place, &one));
    if (kind == SHAPE_UNION || (kind == SHAPE_DIFFERENCE && k)) PetscCall(HardSay(h->p, &one, 1, &one, "-hard_0"));
    if (k) PetscCall(HardAnd(h->p, all, one, &one));
    all = one;
  }
  *inside = all;
  if (kind == SHAPE_UNION) PetscCall(HardSay(h->p, inside, 1, &all, "-hard_0"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode signed_shape(Hardener *h, const char *path, const FormulaNode outside[], const Place *around,
                                   FormulaNode *inside)
{
  FormulaNode x[HARD_DIM];
  Place place = *around;
  const char *type;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(x, outside, h->dim));
  PetscCall(ConfigGetString(h->p->config, ConfigPath("%s.type", path), &type));
  PetscCall(undo_placement(h, path, x, &place));
  const Kind kind = kind_of(type);
  if (kind == SHAPE_LEAF)
    PetscCall(HardLeafSigned(h, type, path, x, &place, inside));
  else if (kind == SHAPE_BALLS)
    PetscCall(signed_balls(h, path, x, &place, inside));
  else
    PetscCall(signed_combination(h, kind, path, x, &place, inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_balls(Hardener *h, const char *path, const FormulaNode x[], const Place *place)
{
  char words[HARD_WORDS];
  int n;
  PetscFunctionBegin;
  snprintf(words, sizeof(words), "%s", h->words);
  PetscCall(HardCountBalls(h, path, &n));
  for (int k = 0; k < n; k++) {
    const int first = h->shapes->n;
    FormulaNode ball;
    PetscCall(HardBall(h, path, k, x, place, &ball));
    PetscCall(HardSay(h->p, &ball, 1, &ball, "-hard_0"));
    const size_t used = strlen(h->words);
    if (h->own[0]) snprintf(h->words + used, sizeof(h->words) - used, "%s[%d]|", h->own, k);
    PetscCall(HardAddPart(h, NULL, ball, ball));
    PetscCall(end_group(h, first, ball));
    snprintf(h->words, sizeof(h->words), "%s", words);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* holds: the domain lies in the shape, else outside of it. */
static PetscErrorCode add_shape(Hardener *h, const char *path, const FormulaNode outside[], const Place *around,
                                bool holds)
{
  Problem p = h->p;
  FormulaNode x[HARD_DIM], whole;
  char words[HARD_WORDS], own[64], child[HARD_PATH];
  const int first = h->shapes->n;
  const bool root = h->root;
  Place place = *around;
  const char *type, *name;
  PetscFunctionBegin;
  PinnUserCheck(strlen(path) + 16 < sizeof(child), "%s: combinations are nested too deep",
                ConfigWhere(p->config, path));
  snprintf(words, sizeof(words), "%s", h->words);
  snprintf(own, sizeof(own), "%s", h->own);
  PetscCall(ConfigGetString(p->config, ConfigPath("%s.type", path), &type));
  PetscCall(ConfigGetString(p->config, ConfigPath("%s.name", path), &name));
  snprintf(h->own, sizeof(h->own), "%s", name ? name : "");
  const size_t used = strlen(h->words);
  if (h->own[0]) snprintf(h->words + used, sizeof(h->words) - used, "%s|%s.walls|", h->own, h->own);
  const Kind kind = kind_of(type);
  PetscCall(PetscArraycpy(x, outside, h->dim));
  if (kind == SHAPE_LEAF) {
    PetscCall(undo_placement(h, path, x, &place));
    PetscCall(HardLeafAdd(h, type, path, x, &place, holds, &whole));
    PetscCall(end_group(h, first, whole));
  } else if (kind == SHAPE_BALLS && !holds) {
    PetscCall(undo_placement(h, path, x, &place));
    PetscCall(add_balls(h, path, x, &place));
  } else if (kind == SHAPE_BALLS || (kind == SHAPE_UNION) == holds || (kind == SHAPE_DIFFERENCE && !holds)) {
    PetscCall(signed_shape(h, path, outside, around, &whole));
    if (!holds) PetscCall(HardSay(p, &whole, 1, &whole, "-hard_0"));
    PetscCall(HardAddPart(h, NULL, whole, whole));
    PetscCall(end_group(h, first, whole));
  } else {
    PetscCall(undo_placement(h, path, x, &place));
    h->root = false;
    for (int k = 0; k < ConfigCount(p->config, ConfigPath("%s.of", path)); k++) {
      snprintf(child, sizeof(child), "%s.of[%d]", path, k);
      PetscCall(add_shape(h, child, x, &place, kind == SHAPE_DIFFERENCE ? k == 0 : holds));
    }
  }
  h->root = root;
  snprintf(h->words, sizeof(h->words), "%s", words);
  snprintf(h->own, sizeof(h->own), "%s", own);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardShapesCreate(Problem p, const char *where, HardShapes *shapes)
{
  const int n = FormulaCoordinates(p->formula), t = FormulaFindCoordinate(p->formula, "t");
  Hardener h = {.p = p, .where = where, .shapes = shapes, .root = true, .words = "|walls|"};
  const Place place = {.scale = 1, .turn = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  FormulaNode x[HARD_DIM];
  PetscFunctionBegin;
  if (t < 0) snprintf(h.words, sizeof(h.words), "|walls|boundary|");
  PinnUserCheck(n <= HARD_DIM, "%s: hard conditions on shapes are there for at most %d coordinates", where, HARD_DIM);
  for (int c = 0; c < n; c++)
    if (c != t) PetscCall(FormulaParse(p->formula, where, FormulaCoordinateName(p->formula, c), &x[h.dim++]));
  PetscCall(add_shape(&h, "domain", x, &place, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardShapesDestroy(HardShapes *shapes)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(shapes->part));
  PetscCall(PetscFree(shapes->whole));
  PetscCall(PetscFree(shapes->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}
