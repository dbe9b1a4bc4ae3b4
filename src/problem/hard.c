/* Hard conditions: a field is u = G + D N, N what it was before, with D = 0 and G the prescribed value wherever a hard
   condition holds. D is the product of distances to the faces of a box in units of its sides, or of functions of shapes
   (hard_shape.c). The values of several conditions are blended by inverse distances (Rvachev, Sheiko 1995),
     G = sum_i g_i prod_(j != i) d_j / sum_i prod_(j != i) d_j. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "hard.h"

#define TINY 1e-30 /* beside a distance: 0/0 where conditions meet becomes their common value */

/* Entry of a setting of the box for a coordinate of its shape; `t` counts where it is one of them. */
static PetscErrorCode box_value(Problem p, const char *key, int coord, double *value)
{
  const int t = ConfigHas(p->config, "domain.time") ? FormulaFindCoordinate(p->formula, "t") : -1;
  const PetscReal *values;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(p->config, key, &n, &values));
  if (t >= 0 && coord > t) coord--;
  PinnUserCheck(n == 1 || coord < n, "%s: %d numbers for more coordinates", ConfigWhere(p->config, key), n);
  *value = values[n == 1 ? 0 : coord];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ends of a coordinate: of a box, or the times of the domain. */
PetscErrorCode HardEnds(Problem p, int k, int coord, double ends[2])
{
  const bool time = !strcmp(FormulaCoordinateName(p->formula, coord), "t") && ConfigHas(p->config, "domain.time");
  const char *type;
  const PetscReal *times;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, "domain.type", &type));
  if (time) {
    PetscCall(ConfigGetReals(p->config, "domain.time", &n, &times));
    PinnUserCheck(n == 2, "%s: first and last time, not %d numbers", ConfigWhere(p->config, "domain.time"), n);
    ends[0] = times[0], ends[1] = times[1];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PinnUserCheck(!strcmp(type, "box"),
                "%s: planes are for hard conditions on faces of a box and at the first time, shapes and their faces "
                "are called by name with domain.type = \"%s\"",
                HardWhere(p, k, "on"), type);
  PetscCall(box_value(p, "domain.lower", coord, &ends[0]));
  PetscCall(box_value(p, "domain.upper", coord, &ends[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A distance to one of its two ends would not be periodic. */
static PetscErrorCode check_periodic(Problem p, const Hard *hard, int coord)
{
  const char *const *names;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(p->config, "network.periodic", &n, &names));
  for (int k = 0; k < n && coord >= 0; k++)
    PinnUserCheck(strcmp(names[k], FormulaCoordinateName(p->formula, coord)),
                  "%s: '%s' is periodic by network.periodic, it has no faces for a hard condition",
                  HardWhere(p, hard->number, "on"), names[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Faces named twice count once: the square of a distance would prescribe a derivative, too. */
static PetscErrorCode add_face(Problem p, Hard *hard, const HardFace *face)
{
  PetscFunctionBegin;
  for (int i = 0; i < hard->n_face; i++)
    if (HardSameFace(&hard->faces[i], face)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(check_periodic(p, hard, face->coord));
  PinnUserCheck(hard->n_face < HARD_FACES, "%s: more than %d faces are too many for a hard condition",
                HardWhere(p, hard->number, "on"), HARD_FACES);
  hard->faces[hard->n_face++] = *face;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shapes, their faces and all that is made of them. */
static PetscErrorCode add_parts(Problem p, Hard *hard, const char *word, bool *found)
{
  const char *where = HardWhere(p, hard->number, "on");
  char wanted[128];
  PetscFunctionBegin;
  if (!hard->shapes->n) PetscCall(HardShapesCreate(p, where, hard->shapes));
  snprintf(wanted, sizeof(wanted), "|%s|", word);
  for (int k = 0; k < hard->shapes->n; k++) {
    const HardPart *part = &hard->shapes->part[k];
    if (!strstr(part->words, wanted)) continue;
    PinnUserCheck(part->distance >= 0,
                  "%s: '%s' has a surface from a file: hard conditions are there on shapes of formulas", where, word);
    PetscCall(add_face(p, hard, &(HardFace){HARD_SHAPE, false, k}));
    *found = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A word, of a box "walls" alone. */
static PetscErrorCode add_word(Problem p, Hard *hard, const char *word, bool *found)
{
  const int t = FormulaFindCoordinate(p->formula, "t");
  const char *type;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, "domain.type", &type));
  *found = false;
  if (strchr(word, '=') || !strcmp(word, "t.lower") || !strcmp(word, "t.upper")) PetscFunctionReturn(PETSC_SUCCESS);
  if (strcmp(type, "box")) {
    PetscCall(add_parts(p, hard, word, found));
  } else if (!strcmp(word, "walls") || (!strcmp(word, "boundary") && t < 0)) {
    *found = true;
    for (int i = 0; i < FormulaCoordinates(p->formula); i++)
      for (int side = 0; side < 2 && i != t; side++) PetscCall(add_face(p, hard, &(HardFace){i, side, 0}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One alternative of `on`: a word, "x = 0" or "x.lower". */
static PetscErrorCode add_alternative(Problem p, Hard *hard, char *text)
{
  const char *where = HardWhere(p, hard->number, "on");
  char *equals = strchr(text, '='), *dot = strrchr(text, '.'), name[64];
  double ends[2], value = NAN;
  bool found = false;
  PetscFunctionBegin;
  PetscCall(add_word(p, hard, text, &found));
  if (found) PetscFunctionReturn(PETSC_SUCCESS);
  char *end = equals ? equals : dot;
  PinnUserCheck(
      end && (size_t)(end - text) < sizeof(name),
      "%s: a hard condition holds on whole faces (\"x = 0\", \"x.lower\", \"walls\", a shape's name), not on '%s'",
      where, text);
  const char *side = end + 1;
  while (end > text && isspace((unsigned char)end[-1])) end--;
  memcpy(name, text, (size_t)(end - text));
  name[end - text] = '\0';
  const int coord = FormulaFindCoordinate(p->formula, name);
  PinnUserCheck(
      coord >= 0,
      "%s: a hard condition holds on whole faces (\"x = 0\", \"x.lower\", \"walls\", a shape's name), not on '%s'",
      where, text);
  PetscCall(HardEnds(p, hard->number, coord, ends));
  if (equals)
    PetscCall(FormulaParseConstant(p->formula, where, side, &value));
  else
    value = !strcmp(side, "lower") ? ends[0] : !strcmp(side, "upper") ? ends[1] : NAN;
  PinnUserCheck(value == ends[0] || value == ends[1],
                "%s: a hard condition holds on faces of the domain, %s = %lg or %lg, not on '%s'", where, name, ends[0],
                ends[1], text);
  PetscCall(add_face(p, hard, &(HardFace){coord, value == ends[1], 0}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_faces(Problem p, Hard *hard)
{
  const char *on;
  char *copy;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].on", hard->number), &on));
  PinnUserCheck(on && on[0], "%s: is required: where the condition holds", HardWhere(p, hard->number, "on"));
  PetscCall(PetscStrallocpy(on, &copy));
  for (char *rest = copy; rest;) {
    char *part = ConfigCutPart(&rest, '|');
    PinnUserCheck(!strchr(part, '&'), "%s: a hard condition holds on whole faces, not on '%s'",
                  HardWhere(p, hard->number, "on"), part);
    PetscCall(add_alternative(p, hard, part));
  }
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* node = the text, in which `a` and `b` stand for other nodes. */
static PetscErrorCode combine(Problem p, const char *text, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(HardSay(p, node, 2, (FormulaNode[]){a, b}, "%s", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HardPlane(Problem p, int k, const HardFace *face, FormulaNode *node)
{
  const char *name = FormulaCoordinateName(p->formula, face->coord);
  double ends[2];
  PetscFunctionBegin;
  PetscCall(HardEnds(p, k, face->coord, ends));
  if (face->upper)
    PetscCall(HardSay(p, node, 0, NULL, "(%.17g - %.100s)/%.17g", ends[1], name, ends[1] - ends[0]));
  else
    PetscCall(HardSay(p, node, 0, NULL, "(%.100s - (%.17g))/%.17g", name, ends[0], ends[1] - ends[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is face i the first of its group, all of whose parts are there? */
static bool is_whole_group(const Hard *hard, int i, bool *first)
{
  const HardShapes *s = hard->shapes;
  const int group = s->part[hard->faces[i].part].group;
  int n = 0;
  *first = true;
  for (int j = 0; j < hard->n_face; j++) {
    if (hard->faces[j].coord != HARD_SHAPE || s->part[hard->faces[j].part].group != group) continue;
    n++;
    *first = *first && j >= i;
  }
  return n == s->size[group];
}

/* Faces of a box are multiplied, which is smooth at its corners. Surfaces of shapes are joined by inverse sums, whose
   slope is 1 on each: that of a product is what the others are there, and may differ by orders from one to the next. */
static PetscErrorCode find_distance(Problem p, Hard *hard)
{
  FormulaNode shapes = -1;
  PetscFunctionBegin;
  PetscCall(HardSay(p, &hard->distance, 0, NULL, "1"));
  for (int i = 0; i < hard->n_face; i++) {
    FormulaNode face;
    bool first = true;
    if (hard->faces[i].coord != HARD_SHAPE) {
      PetscCall(HardPlane(p, hard->number, &hard->faces[i], &face));
      PetscCall(combine(p, "hard_0 * hard_1", hard->distance, face, &hard->distance));
      continue;
    }
    const HardPart *part = &hard->shapes->part[hard->faces[i].part];
    const bool whole = is_whole_group(hard, i, &first);
    if (whole && !first) continue;
    face = whole ? hard->shapes->whole[part->group] : part->distance;
    if (shapes >= 0) PetscCall(combine(p, "hard_0 * hard_1 / (hard_0 + hard_1 + 1e-30)", shapes, face, &face));
    shapes = face;
  }
  if (shapes >= 0) PetscCall(combine(p, "hard_0 * hard_1", hard->distance, shapes, &hard->distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The residual with the field at a number in its place. */
static PetscErrorCode residual_at(Problem p, const Hard *hard, const char *text, double number, FormulaNode *node)
{
  const char *where = HardWhere(p, hard->number, "residual"), *name = p->field_name[hard->field];
  PetscFunctionBegin;
  PetscCall(FormulaUndefine(p->formula, name));
  PetscCall(FormulaAddConstant(p->formula, where, name, number));
  PetscCall(FormulaParse(p->formula, where, text, node));
  PetscCall(FormulaUndefine(p->formula, name));
  PetscCall(FormulaDefine(p->formula, where, name, p->field[hard->field]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the residual r0 + u slope at any number u, with a slope that no field enters? At 0, 1, 2 and, for abs, min, max,
   far off on both sides. */
static PetscErrorCode is_linear(Problem p, const Hard *hard, const char *text, FormulaNode r0, FormulaNode *slope,
                                bool *linear)
{
  const double at[] = {2.0, -1048576.0, 1048576.0};
  FormulaNode r, line, zero;
  PetscFunctionBegin;
  PetscCall(FormulaParse(p->formula, "hard condition", "0", &zero));
  PetscCall(residual_at(p, hard, text, 1.0, &r));
  PetscCall(combine(p, "hard_1 - hard_0", r0, r, slope));
  *linear = r != r0 && !FormulaUsesNetwork(p->formula, *slope);
  for (size_t k = 0; k < sizeof(at) / sizeof(at[0]) && *linear; k++) {
    char times[64];
    snprintf(times, sizeof(times), "hard_1 - (%.0f)*hard_0", at[k]);
    PetscCall(residual_at(p, hard, text, at[k], &r));
    PetscCall(combine(p, "hard_1 - hard_0", r0, r, &r));
    PetscCall(combine(p, times, *slope, r, &line));
    *linear = line == zero;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g of a residual that is c (u - g): of one field, without derivatives, and linear in it. */
static PetscErrorCode find_value(Problem p, Hard *hard)
{
  const int n = FormulaCoordinates(p->formula);
  const char *text, *where = HardWhere(p, hard->number, "residual");
  FormulaNode node, r0, slope, zero;
  bool linear = false;
  int order = 0;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].residual", hard->number), &text));
  PinnUserCheck(text && text[0], "%s: is required: the formula that must be zero", where);
  PetscCall(FormulaParse(p->formula, where, text, &node));
  hard->field = -1;
  for (int f = 0; f < p->n_field && hard->field < 0; f++) {
    hard->field = f;
    PetscCall(residual_at(p, hard, text, 0.0, &r0));
    if (FormulaUsesNetwork(p->formula, r0)) hard->field = -1;
  }
  PinnUserCheck(hard->field >= 0 && FormulaUsesNetwork(p->formula, node),
                "%s: a hard condition gives the values of one field, as u - g does, not '%s'", where, text);
  for (int i = 0; i < n && !order; i++) PetscCall(FormulaOrder(p->formula, node, hard->field, i, &order));
  if (!order) PetscCall(is_linear(p, hard, text, r0, &slope, &linear));
  PinnUserCheck(linear && !FormulaUsesNormal(p->formula, node),
                "%s: a hard condition gives the values of one field, as u - g does, without derivatives or the normal, "
                "not '%s'",
                where, text);
  PetscCall(FormulaParse(p->formula, where, "0", &zero));
  hard->value = zero; /* also where the slope is 0 */
  if (r0 != zero) PetscCall(combine(p, "-hard_0/hard_1", r0, slope, &hard->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The field f = G + D f of its hard conditions, which are the numbers `own`. */
static PetscErrorCode harden(Problem p, int f, int n, const Hard hard[], const int own[])
{
  FormulaNode sum, weights, all, value;
  bool one = true;
  char text[64];
  PetscFunctionBegin;
  PetscCall(FormulaParse(p->formula, "hard condition", "0", &sum));
  PetscCall(FormulaParse(p->formula, "hard condition", "1", &all));
  weights = sum;
  for (int i = 0; i < n; i++) {
    FormulaNode weight;
    one = one && hard[own[i]].value == hard[own[0]].value;
    PetscCall(FormulaParse(p->formula, "hard condition", "1", &weight));
    snprintf(text, sizeof(text), "hard_0 * (hard_1 + %g)", TINY);
    for (int j = 0; j < n; j++)
      if (j != i) PetscCall(combine(p, text, weight, hard[own[j]].distance, &weight));
    PetscCall(combine(p, "hard_0 + hard_1", weights, weight, &weights));
    PetscCall(combine(p, "hard_0 * hard_1", weight, hard[own[i]].value, &weight));
    PetscCall(combine(p, "hard_0 + hard_1", sum, weight, &sum));
    PetscCall(combine(p, "hard_0 * hard_1", all, hard[own[i]].distance, &all));
  }
  value = hard[own[0]].value;
  if (!one) PetscCall(combine(p, "hard_0 / hard_1", sum, weights, &value));
  PetscCall(combine(p, "hard_0 * hard_1", all, p->field[f], &all));
  PetscCall(combine(p, "hard_0 + hard_1", value, all, &p->field[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemHarden(Problem p, bool *any)
{
  const int n_condition = ConfigCount(p->config, "problem.conditions");
  int n = 0, *own;
  HardShapes *shapes;
  Hard *hard;
  PetscFunctionBegin;
  PetscCall(PetscNew(&shapes));
  PetscCall(PetscCalloc2(n_condition, &hard, n_condition, &own));
  for (int k = 0; k < n_condition; k++) {
    bool is_hard;
    PetscCall(ConfigGetBool(p->config, ConfigPath("problem.conditions[%d].hard", k), &is_hard));
    if (!is_hard) continue;
    for (const char *const *key = (const char *const[]){"periodic", "integral", NULL}; *key; key++)
      PinnUserCheck(!ConfigHas(p->config, ConfigPath("problem.conditions[%d].%s", k, *key)),
                    "%s: does not go with `%s`", HardWhere(p, k, "hard"), *key);
    hard[n].number = k;
    hard[n].shapes = shapes;
    PetscCall(PetscMalloc1(HARD_FACES, &hard[n].faces));
    PetscCall(read_faces(p, &hard[n]));
    PetscCall(find_value(p, &hard[n]));
    PetscCall(find_distance(p, &hard[n]));
    for (int j = 0; j < n; j++) PetscCall(HardCheckPair(p, &hard[j], &hard[n]));
    n++;
  }
  for (int f = 0; f < p->n_field; f++) {
    int n_own = 0;
    for (int j = 0; j < n; j++)
      if (hard[j].field == f) own[n_own++] = j;
    if (n_own) PetscCall(harden(p, f, n_own, hard, own));
  }
  *any = n > 0;
  for (int j = 0; j < n; j++) PetscCall(PetscFree(hard[j].faces));
  PetscCall(PetscFree2(hard, own));
  PetscCall(HardShapesDestroy(shapes));
  PetscCall(PetscFree(shapes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
