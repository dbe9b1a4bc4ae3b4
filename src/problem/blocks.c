/* Blocks of a problem: the equations, the conditions, and the jumps between slabs of time. */
#include <stdio.h>
#include <string.h>
#include "problem_impl.h"

#define MOST_GRADIENT                                                                                                  \
  8 /* coordinates of a residual whose gradient has a row for each; above, random directions have one */

/* own: the block's group for its derivatives, or NULL */
static PetscErrorCode create_block(const char *on, const char *path, const char *own, int n_term, Block *block)
{
  PetscFunctionBegin;
  *block = (Block){.periodic = -1, .measured = -1};
  PetscCall(PetscCalloc1(n_term, &block->terms));
  PetscCall(PetscStrallocpy(on, &block->on));
  PetscCall(PetscStrallocpy(path, &block->path));
  PetscCall(PetscStrallocpy(own ? own : "estimator", &block->estimator));
  block->n_term = n_term;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The estimator group of an equation or a condition; NULL where it has none. */
static const char *own_estimator(Problem p, const char *path)
{
  const char *own = ConfigPath("%s.estimator", path);
  return ConfigHas(p->config, own) ? own : NULL;
}

static PetscErrorCode read_residual(Problem p, const char *list, int k, const char **text, FormulaNode *node)
{
  const char *path = ConfigPath("%s[%d].residual", list, k);
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, path, text));
  PinnUserCheck(*text, "%s: is required: the formula that must be zero", ConfigWhere(p->config, path));
  PetscCall(FormulaParse(p->formula, ConfigWhere(p->config, path), *text, node));
  PinnUserCheck(FormulaUsesNetwork(p->formula, *node), "%s: the residual '%s' depends on no field",
                ConfigWhere(p->config, path), *text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The term of problem.equations[k] or problem.conditions[k]; `fallback` names it where the case does not. */
static PetscErrorCode create_term(Problem p, const char *list, int k, const char *fallback, Term *term)
{
  const char *text = fallback, *name_path = ConfigPath("%s[%d].name", list, k);
  PetscFunctionBegin;
  if (ConfigHas(p->config, name_path)) PetscCall(ConfigGetString(p->config, name_path, &text));
  PetscCall(PetscStrallocpy(text, &term->name));
  PetscCall(read_residual(p, list, k, &text, &term->node));
  PetscCall(PetscStrallocpy(text, &term->text));
  PetscCall(ConfigGetReal(p->config, ConfigPath("%s[%d].weight", list, k), &term->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemHighestOrder(Problem p, int field, int coord, int *highest)
{
  PetscFunctionBegin;
  *highest = 0;
  for (int b = 0; b < p->n_interior; b++) {
    const Block *block = &p->blocks[b];
    for (int e = 0; e < block->n_term && !block->terms[e].gradient; e++) {
      int order;
      PetscCall(FormulaOrder(p->formula, block->terms[e].node, field, coord, &order));
      *highest = PetscMax(*highest, order);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives 0 .. order of a node by the coordinate, as terms that begin at `terms`. `label` is how it is called. */
static PetscErrorCode add_derivatives(Problem p, int k, FormulaNode node, int order, const char *label, Term terms[])
{
  const char *coord, *name = NULL, *where = ConfigWhere(p->config, ConfigPath("problem.conditions[%d]", k));
  char text[512];
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].periodic", k), &coord));
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].name", k), &name));
  PetscCall(FormulaDefine(p->formula, where, "periodic_expression", node));
  for (int j = 0; j <= order; j++) {
    snprintf(text, sizeof(text), "d(periodic_expression, %s, %d)", coord, j);
    if (j)
      PetscCall(FormulaParse(p->formula, where, text, &terms[j].node));
    else
      terms[j].node = node;
    snprintf(text, sizeof(text),
             j > 1 ? "%s%s%.100s, d%d"
             : j   ? "%s%s%.100s, d"
                   : "%s%s%.100s",
             name && name[0] ? name : "periodic", " ", label, j);
    PetscCall(PetscStrallocpy(text, &terms[j].name));
    snprintf(text, sizeof(text), j ? "difference of d(%.200s, %s, %d)" : "difference of %.200s", label, coord, j);
    PetscCall(PetscStrallocpy(text, &terms[j].text));
    PetscCall(ConfigGetReal(p->config, ConfigPath("problem.conditions[%d].weight", k), &terms[j].weight));
  }
  PetscCall(FormulaUndefine(p->formula, "periodic_expression"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_periodic(Problem p, int k, const char *name, int *coord)
{
  const char *path = ConfigPath("problem.conditions[%d].periodic", k), *type;
  PetscFunctionBegin;
  *coord = FormulaFindCoordinate(p->formula, name);
  PinnUserCheck(*coord >= 0, "%s: '%s' is not a coordinate", ConfigWhere(p->config, path), name);
  PetscCall(ConfigGetString(p->config, "domain.type", &type));
  PinnUserCheck(!strcmp(type, "box"), "%s: only a box has ends that are paired, not domain.type = \"%s\"",
                ConfigWhere(p->config, path), type);
  PinnUserCheck(!ConfigHas(p->config, ConfigPath("problem.conditions[%d].integral", k)),
                "%s: does not go with `periodic`",
                ConfigWhere(p->config, ConfigPath("problem.conditions[%d].integral", k)));
  PinnUserCheck(!ConfigHas(p->config, ConfigPath("problem.conditions[%d].on", k)),
                "%s: says where the condition holds: `on` does not go with it", ConfigWhere(p->config, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values and derivatives at both ends of a coordinate: of a residual, else of each of n fields, to one order less than
   the equations have, or to `order`.  orders [out] [n] */
static PetscErrorCode fill_periodic(Problem p, int k, const char *name, int n, int orders[], Block *block)
{
  const char *path, *residual = "", *order_path = ConfigPath("problem.conditions[%d].order", k);
  const bool own = ConfigHas(p->config, ConfigPath("problem.conditions[%d].residual", k));
  PetscInt wanted = -1;
  int coord, n_term = 0;
  PetscFunctionBegin;
  PetscCall(check_periodic(p, k, name, &coord));
  if (ConfigHas(p->config, order_path)) PetscCall(ConfigGetInt(p->config, order_path, &wanted));
  for (int i = 0; i < n; i++) {
    int highest = 1;
    if (!own) PetscCall(ProblemHighestOrder(p, i, coord, &highest));
    orders[i] = wanted >= 0 ? (int)wanted : PetscMax(highest - 1, 0);
    n_term += orders[i] + 1;
  }
  path = ConfigPath("problem.conditions[%d]", k);
  PinnUserCheck(!own_estimator(p, path), "%s: does not go with `periodic`, whose derivatives are exact",
                ConfigWhere(p->config, ConfigPath("%s.estimator", path)));
  PetscCall(create_block(ConfigPath("%s.lower | %s.upper", name, name), path, NULL, n_term, block));
  block->periodic = coord;
  for (int i = 0, term = 0; i < n; term += orders[i++] + 1) {
    FormulaNode node = p->field[i];
    if (own) PetscCall(read_residual(p, "problem.conditions", k, &residual, &node));
    PinnUserCheck(!FormulaUsesNormal(p->formula, node),
                  "%s: '%s' uses the outward normal, which the two ends do not share",
                  ConfigWhere(p->config, ConfigPath("problem.conditions[%d].residual", k)), residual);
    PetscCall(add_derivatives(p, k, node, orders[i], own ? residual : p->field_name[i], block->terms + term));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_periodic(Problem p, int k, const char *name, Block *block)
{
  const int n = ConfigHas(p->config, ConfigPath("problem.conditions[%d].residual", k)) ? 1 : p->n_field;
  int *orders;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &orders));
  const PetscErrorCode code = fill_periodic(p, k, name, n, orders, block);
  PetscCall(PetscFree(orders));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_condition(Problem p, int k, Block *block)
{
  const char *path = ConfigPath("problem.conditions[%d]", k), *on, *periodic;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].periodic", k), &periodic));
  if (periodic && periodic[0]) {
    PetscCall(create_periodic(p, k, periodic, block));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PinnUserCheck(!ConfigHas(p->config, ConfigPath("problem.conditions[%d].order", k)), "%s: goes with `periodic` alone",
                ConfigWhere(p->config, ConfigPath("problem.conditions[%d].order", k)));
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.conditions[%d].on", k), &on));
  PinnUserCheck(on && on[0], "%s: is required: where the condition holds",
                ConfigWhere(p->config, ConfigPath("problem.conditions[%d].on", k)));
  PetscCall(create_block(on, path, own_estimator(p, path), 1, block));
  PetscCall(create_term(p, "problem.conditions", k, on, block->terms));
  block->integral = ConfigHas(p->config, ConfigPath("problem.conditions[%d].integral", k));
  if (block->integral) {
    char text[512];
    PetscCall(ConfigGetReal(p->config, ConfigPath("problem.conditions[%d].integral", k), &block->value));
    snprintf(text, sizeof(text), "integral of %.200s - %lg", block->terms->text, block->value);
    PetscCall(PetscFree(block->terms->text));
    PetscCall(PetscStrallocpy(text, &block->terms->text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A measured formula is not a residual: the values come with the rows. */
static PetscErrorCode create_measurement(Problem p, int k, Block *block)
{
  const char *path = ConfigPath("problem.measurements[%d]", k), *file, *column, *measured, *name;
  const char *place = ConfigPath("problem.measurements[%d].measured", k);
  Term *term;
  char text[512];
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("%s.file", path), &file));
  PetscCall(ConfigGetString(p->config, ConfigPath("%s.column", path), &column));
  PetscCall(ConfigGetString(p->config, ConfigPath("%s.name", path), &name));
  PetscCall(ConfigGetString(p->config, place, &measured));
  PetscCall(create_block(file, path, NULL, 1, block));
  block->measured = k;
  term = block->terms;
  if (!measured || !measured[0]) measured = column, place = ConfigPath("problem.measurements[%d].column", k);
  PetscCall(FormulaParse(p->formula, ConfigWhere(p->config, place), measured, &term->node));
  PinnUserCheck(FormulaUsesNetwork(p->formula, term->node) && !FormulaUsesNormal(p->formula, term->node),
                "%s: '%s' must depend on a field, and cannot use the normal", ConfigWhere(p->config, place), measured);
  snprintf(text, sizeof(text), "data %.200s", column);
  PetscCall(PetscStrallocpy(name && name[0] ? name : text, &term->name));
  snprintf(text, sizeof(text), "%.200s - %.200s", measured, column);
  PetscCall(PetscStrallocpy(text, &term->text));
  PetscCall(ConfigGetReal(p->config, ConfigPath("problem.measurements[%d].weight", k), &term->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has problem.equations[k] rows for its gradient, in so many coordinates? */
static bool has_gradient(Problem p, int k, bool many)
{
  return (FormulaCoordinates(p->formula) > MOST_GRADIENT) == many &&
         ConfigHas(p->config, ConfigPath("problem.equations[%d].gradient_enhanced", k));
}

/* The residual of problem.equations[k] derived by each coordinate (gradient-enhanced loss: Yu, Lu, Meng and Karniadakis
   2022), as terms that begin at `terms`. */
static PetscErrorCode add_gradient(Problem p, int k, const Term *equation, Term terms[])
{
  const int n = FormulaCoordinates(p->formula);
  const char *where = ConfigWhere(p->config, ConfigPath("problem.equations[%d].gradient_enhanced", k));
  char text[512];
  PetscFunctionBegin;
  PetscCall(FormulaDefine(p->formula, where, "gradient_expression", equation->node));
  for (int i = 0; i < n; i++) {
    const char *coord = FormulaCoordinateName(p->formula, i);
    Term *term = &terms[i];
    term->number = k;
    term->gradient = true;
    snprintf(text, sizeof(text), "d(gradient_expression, %s)", coord);
    PetscCall(FormulaParse(p->formula, where, text, &term->node));
    snprintf(text, sizeof(text), "%.200s d%s", equation->name, coord);
    PetscCall(PetscStrallocpy(text, &term->name));
    snprintf(text, sizeof(text), "d(%.200s, %s)", equation->text, coord);
    PetscCall(PetscStrallocpy(text, &term->text));
    PetscCall(ConfigGetReal(p->config, ConfigPath("problem.equations[%d].gradient_enhanced", k), &term->weight));
  }
  PetscCall(FormulaUndefine(p->formula, "gradient_expression"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where an equation holds: a region, or the whole interior. */
static PetscErrorCode equation_region(Problem p, int k, const char **region)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, ConfigPath("problem.equations[%d].region", k), region));
  if (!*region || !(*region)[0]) *region = "interior";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* problem.equations[number[0 .. n - 1]], which hold in one region, then their gradients. */
static PetscErrorCode create_equations(Problem p, const char *own, int n, const int number[], Block *block)
{
  const char *region;
  int n_term = n;
  PetscFunctionBegin;
  for (int e = 0; e < n; e++) n_term += has_gradient(p, number[e], false) ? FormulaCoordinates(p->formula) : 0;
  PetscCall(equation_region(p, number[0], &region));
  PetscCall(create_block(region, "problem.equations", own, n_term, block));
  block->interior = true;
  for (int e = 0; e < n; e++) {
    const char *fallback = ConfigPath("equation %d", number[e] + 1);
    PetscCall(create_term(p, "problem.equations", number[e], fallback, &block->terms[e]));
    block->terms[e].number = number[e];
  }
  for (int e = 0, term = n; e < n; e++) {
    if (!has_gradient(p, number[e], false)) continue;
    PetscCall(add_gradient(p, number[e], &block->terms[e], block->terms + term));
    term += FormulaCoordinates(p->formula);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block for each region of the equations that leave their derivatives to the case, and one for each other equation.
     number, region  [out]  [n_equation] */
static PetscErrorCode divide_equations(Problem p, int n_equation, int number[], const char *region[])
{
  PetscFunctionBegin;
  for (int e = 0; e < n_equation; e++) PetscCall(equation_region(p, e, &region[e]));
  for (int first = 0; first < n_equation; first++) {
    int n = 0;
    bool before = own_estimator(p, ConfigPath("problem.equations[%d]", first));
    for (int e = 0; e < first && !before; e++)
      before = !own_estimator(p, ConfigPath("problem.equations[%d]", e)) && !strcmp(region[e], region[first]);
    for (int e = first; e < n_equation && !before; e++)
      if (!own_estimator(p, ConfigPath("problem.equations[%d]", e)) && !strcmp(region[e], region[first]))
        number[n++] = e;
    if (n) PetscCall(create_equations(p, NULL, n, number, &p->blocks[p->n_interior++]));
  }
  for (int e = 0; e < n_equation; e++) {
    const char *own = own_estimator(p, ConfigPath("problem.equations[%d]", e));
    if (own) PetscCall(create_equations(p, own, 1, &e, &p->blocks[p->n_interior++]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_interior(Problem p, int n_equation)
{
  const char **region;
  int *number;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_equation, &number, n_equation, &region));
  const PetscErrorCode code = divide_equations(p, n_equation, number, region);
  PetscCall(PetscFree2(number, region));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of the gradient of problem.equations[k] in many coordinates: with E v v^T = 1, |grad R|^2 is the mean of
   (v . grad R)^2. */
static PetscErrorCode create_slope(Problem p, int k, Block *block)
{
  const char *path = ConfigPath("problem.equations[%d]", k);
  const Term *equation = NULL;
  const char *region = "";
  char text[512];
  PetscFunctionBegin;
  for (int b = 0; b < p->n_interior; b++)
    for (int e = 0; e < p->blocks[b].n_term; e++)
      if (p->blocks[b].terms[e].number == k) equation = &p->blocks[b].terms[e], region = p->blocks[b].on;
  PetscCall(create_block(region, path, own_estimator(p, path), 1, block));
  block->slope = true;
  block->terms[0].number = k;
  block->terms[0].gradient = true;
  block->terms[0].node = equation->node;
  snprintf(text, sizeof(text), "%.200s grad", equation->name);
  PetscCall(PetscStrallocpy(text, &block->terms[0].name));
  snprintf(text, sizeof(text), "grad(%.200s)", equation->text);
  PetscCall(PetscStrallocpy(text, &block->terms[0].text));
  PetscCall(
      ConfigGetReal(p->config, ConfigPath("problem.equations[%d].gradient_enhanced", k), &block->terms[0].weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemCreateBlocks(Problem p)
{
  const int n_equation = ConfigCount(p->config, "problem.equations");
  const int n_condition = ConfigCount(p->config, "problem.conditions");
  const int n_measurement = ConfigCount(p->config, "problem.measurements");
  PetscFunctionBegin;
  PinnUserCheck(n_equation > 0, "%s: at least one equation is needed", ConfigWhere(p->config, "problem.equations"));
  int n_slope = 0;
  for (int k = 0; k < n_equation; k++) n_slope += has_gradient(p, k, true);
  const int n_other = n_condition + n_measurement + n_slope;
  PetscCall(PetscCalloc1(n_equation + n_other, &p->blocks));
  p->n_block = n_equation + n_other;
  PetscCall(create_interior(p, n_equation));
  p->n_block = p->n_interior + n_other;
  Block *block = p->blocks + p->n_interior;
  for (int k = 0; k < n_condition; k++) PetscCall(create_condition(p, k, block++));
  for (int k = 0; k < n_measurement; k++) PetscCall(create_measurement(p, k, block++));
  for (int k = 0; k < n_equation; k++)
    if (has_gradient(p, k, true)) PetscCall(create_slope(p, k, block++));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemAddJump(Problem p, int field, int order, const char *path, double weight)
{
  Block *block;
  Term *term;
  char text[512];
  PetscFunctionBegin;
  PetscCall(PetscRealloc((size_t)(p->n_block + 1) * sizeof(Block), &p->blocks));
  block = &p->blocks[p->n_block];
  PetscCall(create_block("the first time of a slab", path, NULL, 1, block));
  p->n_block++;
  block->jump = true;
  term = block->terms;
  snprintf(text, sizeof(text), order > 1 ? "d(%s, t, %d)" : "d(%s, t)", p->field_name[field], order);
  if (order)
    PetscCall(FormulaParse(p->formula, "time", text, &term->node));
  else
    term->node = p->field[field];
  snprintf(text, sizeof(text), "jump %s%s%.*s", p->field_name[field], order ? "_" : "", order, "tttttttttttttttt");
  PetscCall(PetscStrallocpy(text, &term->name));
  PetscCall(PetscStrallocpy(text, &term->text));
  term->weight = weight;
  PetscFunctionReturn(PETSC_SUCCESS);
}
