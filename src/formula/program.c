/* From layouts to steps. Nodes that do not depend on the network belong to the static tape, and what the dynamic tape
   reads of them is a row of the statics. */
#include <stdlib.h>
#include "linear_impl.h"
#include "program_impl.h"

#define FACTOR_TEXT    48         /* characters of a factor in a description */
#define WITHOUT_GROUPS 1000000000 /* columns that a program counts for which has none of the groups asked for */

static PetscErrorCode emit(Builder *b, int dst, Area area, int index, double coef)
{
  PetscFunctionBegin;
  FormulaGrow(b->entries, b->n_entry, b->entry_capacity);
  b->entries[b->n_entry++] = (PlacedEntry){dst, {area, index, coef}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode static_row(Builder *b, FormulaNode node, int op, int *row)
{
  PetscFunctionBegin;
  *row = PairMapFind(&b->row_of, node, op);
  if (*row >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  FormulaGrow(b->rows, b->n_row, b->row_capacity);
  b->rows[b->n_row][0] = node;
  b->rows[b->n_row][1] = op;
  *row = b->n_row++;
  PetscCall(PairMapInsert(&b->row_of, node, op, *row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode resolve_coordinate(Builder *b, int dst, int coord, int op, double coef)
{
  const JetOperator from = b->formula->operators[op];

  PetscFunctionBegin;
  for (int k = 0; k < from.n; k++) {
    if (from.index[k].order == 0) PetscCall(emit(b, dst, AREA_X, coord, coef * from.coef[k]));
    if (from.index[k].order == 1) PetscCall(emit(b, dst, AREA_ONE, 0, coef * from.coef[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode resolve(Builder *b, int tape, int dst, FormulaNode id, int op, double coef);

/* Columns of a node that has a step of its own. */
static PetscErrorCode resolve_column(Builder *b, int tape, int dst, FormulaNode id, int op, double coef)
{
  double factor;
  int index;

  PetscFunctionBegin;
  PetscCall(OperatorScaleColumn(b->formula, op, &op, &factor));
  const int column = PairMapFind(&b->columns, id, op);
  const JetOperator from = b->formula->operators[op];
  if (tape == TAPE_DYNAMIC && !b->formula->nodes[id].network) {
    PetscCall(static_row(b, id, op, &index));
    PetscCall(emit(b, dst, AREA_STATIC, index, coef * factor));
  } else if (column >= 0)
    PetscCall(emit(b, dst, AREA_VALUE, b->layouts[id].value + column, coef * factor));
  else {
    PetscCheck(from.n > 1, PETSC_COMM_SELF, PETSC_ERR_PLIB, "a node lacks a column that is demanded of it");
    for (int k = 0; k < from.n; k++) {
      PetscCall(OperatorInternIndex(b->formula, &from.index[k], from.coef[k], &index));
      PetscCall(resolve(b, tape, dst, id, index, coef * factor));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds coef * (operator of the node) to column `dst` of the combination being built. */
static PetscErrorCode resolve(Builder *b, int tape, int dst, FormulaNode id, int op, double coef)
{
  const Node node = b->formula->nodes[id];

  PetscFunctionBegin;
  PetscCall(OperatorRestrict(b->formula, op, node.support, &op));
  if (op < 0) PetscFunctionReturn(PETSC_SUCCESS);
  switch (node.kind) {
  case NODE_CONSTANT:
    PetscCall(emit(b, dst, AREA_ONE, 0, coef * node.value));
    break;
  case NODE_COORDINATE:
    PetscCall(resolve_coordinate(b, dst, node.arg[0], op, coef));
    break;
  case NODE_NORMAL:
    PetscCall(emit(b, dst, AREA_NORMAL, node.arg[0], coef));
    break;
  case NODE_DERIVATIVE:
    PetscCall(OperatorCompose(b->formula, op, node.which, &op));
    PetscCall(resolve(b, tape, dst, node.arg[0], op, coef));
    break;
  default:
    PetscCall(resolve_column(b, tape, dst, id, op, coef));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool reads_in_place(const Combination *c)
{
  if (c->start[c->n_column] != c->n_column) return false;
  for (int k = 0; k < c->n_column; k++) {
    const Entry *entry = &c->entry[k];
    if (c->start[k] != k || entry->coef != 1 || entry->area < AREA_STATIC) return false;
    if (entry->area != c->entry[0].area || entry->index != c->entry[0].index + k) return false;
  }
  return true;
}

/* Sorts the emitted entries by column. */
static PetscErrorCode finish_combination(Builder *b, int n_column, Combination *c)
{
  PetscFunctionBegin;
  *c = (Combination){.n_column = n_column, .copy = -1};
  PetscCall(PetscCalloc1(n_column + 2, &c->start));
  PetscCall(PetscMalloc1(b->n_entry, &c->entry));
  for (int i = 0; i < b->n_entry; i++) c->start[b->entries[i].dst + 2]++;
  for (int k = 1; k <= n_column; k++) c->start[k + 1] += c->start[k];
  for (int i = 0; i < b->n_entry; i++) {
    c->entry[c->start[b->entries[i].dst + 1]++] = b->entries[i].entry;
    c->varies |= b->entries[i].entry.area == AREA_VALUE;
  }
  c->direct = reads_in_place(c);
  b->n_entry = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderResolve(Builder *b, int tape, int dst, FormulaNode id, int op, double coef)
{
  PetscFunctionBegin;
  PetscCall(resolve(b, tape, dst, id, op, coef));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderEmitOne(Builder *b, int dst)
{
  PetscFunctionBegin;
  PetscCall(emit(b, dst, AREA_ONE, 0, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderCombine(Builder *b, int n, Combination *c)
{
  PetscFunctionBegin;
  PetscCall(finish_combination(b, n, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operand as n operators of a node. */
static PetscErrorCode add_operand(Builder *b, Tape *tape, Step *step, FormulaNode node, int n, const int ops[])
{
  const int which = (int)(tape - b->program->tapes);
  Combination *c = &step->arg[step->n_arg++];

  PetscFunctionBegin;
  for (int k = 0; k < n; k++) PetscCall(resolve(b, which, k, node, ops[k], 1));
  PetscCall(finish_combination(b, n, c));
  if (!c->direct) {
    c->copy = tape->n_aux;
    tape->n_aux += n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_sum(Builder *b, Tape *tape, Step *step, const Node *sum, const Layout *layout)
{
  const int which = (int)(tape - b->program->tapes);
  OperatorFilter filter;
  int n, *list;

  PetscFunctionBegin;
  PetscCall(OperatorFilterCreate(b, layout->n, layout->ops, &filter));
  PetscCall(PetscMalloc1(layout->n, &list));
  if (sum->value != 0 && layout->ops[0] == 0) PetscCall(emit(b, 0, AREA_ONE, 0, sum->value));
  for (int k = 0; k < sum->n_term; k++) {
    const SumTerm term = b->formula->terms[sum->first + k];
    OperatorFilterList(b, &filter, b->formula->nodes[term.node].support, &n, list);
    for (int i = 0; i < n; i++) PetscCall(resolve(b, which, list[i], term.node, layout->ops[list[i]], term.coef));
  }
  PetscCall(finish_combination(b, layout->n, &step->arg[step->n_arg++]));
  PetscCall(PetscFree(list));
  PetscCall(OperatorFilterDestroy(&filter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_load(Builder *b, Step *step, const Node *output, const Layout *layout)
{
  PetscFunctionBegin;
  const int n_draw = b->program->n_draw, n = layout->n;
  step->output = output->arg[0];
  PetscCall(PetscMalloc2(n_draw * n, &step->column, n_draw * n, &step->scale));
  for (int i = 0; i < n_draw * n; i++)
    step->column[i] = BuilderNetworkColumn(b, i / n, layout->ops[i % n], &step->scale[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_function(Builder *b, Tape *tape, Step *step, const Node *node, const Layout *layout)
{
  const bool square = node->which == ELEMENTARY_POW && node->value == 2; /* u^2 is a product */

  PetscFunctionBegin;
  PetscCall(add_operand(b, tape, step, node->arg[0], layout->n, layout->ops));
  if (square) {
    step->kind = STEP_PRODUCT;
    PetscCall(add_operand(b, tape, step, node->arg[0], layout->n, layout->ops));
  }
  step->series = ElementarySeries((Elementary)node->which, node->value);
  step->parameter = node->value;
  step->slope = tape->n_aux;
  if (node->network && !square) tape->n_aux += layout->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_step(Builder *b, FormulaNode id)
{
  static const StepKind kinds[] = {
      [NODE_OUTPUT] = STEP_LOAD,       [NODE_SUM] = STEP_COMBINE,     [NODE_PRODUCT] = STEP_PRODUCT,
      [NODE_FUNCTION] = STEP_FUNCTION, [NODE_COMPARE] = STEP_COMPARE, [NODE_IF] = STEP_SELECT};
  const Node node = b->formula->nodes[id];
  Layout *layout = &b->layouts[id];
  Tape *tape = &b->program->tapes[node.network ? TAPE_DYNAMIC : TAPE_STATIC];
  const int value_only[1] = {0};

  PetscFunctionBegin;
  FormulaGrow(tape->steps, tape->n, tape->capacity);
  Step *step = &tape->steps[tape->n++];
  *step = (Step){.kind = kinds[node.kind], .node = id, .n_column = layout->n, .value = tape->n_value};
  layout->value = tape->n_value;
  tape->n_value += layout->n;
  tape->most_columns = PetscMax(tape->most_columns, layout->n);
  if (layout->plan >= 0) step->tables = JetPlanTables(b->program->cached[layout->plan].plan);
  switch (node.kind) {
  case NODE_OUTPUT:
    PetscCall(add_load(b, step, &node, layout));
    break;
  case NODE_SUM:
    PetscCall(add_sum(b, tape, step, &node, layout));
    break;
  case NODE_FUNCTION:
    PetscCall(add_function(b, tape, step, &node, layout));
    break;
  case NODE_PRODUCT:
    for (int k = 0; k < 2; k++) PetscCall(add_operand(b, tape, step, node.arg[k], layout->n, layout->ops));
    break;
  case NODE_COMPARE:
    step->relation = (Relation)node.which;
    for (int k = 0; k < 2; k++) PetscCall(add_operand(b, tape, step, node.arg[k], 1, value_only));
    break;
  default: /* NODE_IF */
    tape->selects = true;
    PetscCall(add_operand(b, tape, step, node.arg[0], 1, value_only));
    for (int k = 1; k < 3; k++) PetscCall(add_operand(b, tape, step, node.arg[k], layout->n, layout->ops));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_results(Builder *b, const FormulaNode roots[])
{
  Program program = b->program;

  PetscFunctionBegin;
  for (int r = 0; r < program->n_root; r++) PetscCall(resolve(b, TAPE_DYNAMIC, r, roots[r], 0, 1));
  PetscCall(finish_combination(b, program->n_root, &program->tapes[TAPE_DYNAMIC].results));
  for (int r = 0; r < b->n_row; r++)
    if (b->rows[r][0] < JET_SLOT_FACTOR) PetscCall(resolve(b, TAPE_STATIC, r, b->rows[r][0], b->rows[r][1], 1));
  PetscCall(finish_combination(b, b->n_row, &program->tapes[TAPE_STATIC].results));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first statics are the factors of the network's plan. */
static PetscErrorCode add_factors(Builder *b)
{
  const int *factors;
  int row;

  PetscFunctionBegin;
  const int n = JetPlanFactors(b->program->plan, &factors);
  for (int k = 0; k < n; k++) PetscCall(static_row(b, factors[k], 0, &row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Layouts of all nodes and the plan, in a program without steps yet. */
static PetscErrorCode create_builder(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                                     Builder *b)
{
  Program p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->formula = formula;
  p->n_coord = formula->n_coord;
  p->n_root = n_root;
  p->linear = true;
  p->n_draw = reducer ? PetscMax(1, reducer->draws) : 1;
  p->reducer_name = reducer ? reducer->name : NULL;
  for (int r = 0; r < n_root; r++) p->linear &= formula->nodes[roots[r]].affine;
  *b = (Builder){.formula = formula, .n_node = formula->n_node, .program = p, .reducer = reducer};
  PetscCall(PetscMalloc3(b->n_node, &b->first_demand, b->n_node, &b->last_demand, b->n_node, &b->layouts));
  PetscCall(PetscArrayzero(b->layouts, b->n_node));
  for (int id = 0; id < b->n_node; id++) b->first_demand[id] = -1;
  PetscCall(BuilderDemand(b, roots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy_builder(Builder *b)
{
  PetscFunctionBegin;
  for (int id = 0; id < b->n_node; id++) PetscCall(PetscFree(b->layouts[id].ops));
  PetscCall(PetscFree3(b->first_demand, b->last_demand, b->layouts));
  PetscCall(PetscFree(b->demands));
  PetscCall(PetscFree(b->rows));
  PetscCall(PetscFree(b->entries));
  PetscCall(PairMapDestroy(&b->demanded));
  PetscCall(PairMapDestroy(&b->columns));
  PetscCall(PairMapDestroy(&b->row_of));
  PetscCall(PairMapDestroy(&b->reduced));
  PetscCall(PetscFree(b->refused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramCountColumns(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                                   int *columns, int *n_refused, int **refused)
{
  FormulaNode *lowered;
  Builder b;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_root, &lowered));
  for (int r = 0; r < n_root; r++) PetscCall(NodeLowerLoops(formula, roots[r], &lowered[r]));
  PetscCall(create_builder(formula, n_root, lowered, reducer, &b));
  PetscCall(PetscFree(lowered));
  *columns = JetPlanColumns(b.program->plan);
  if (reducer && reducer->insist && !b.program->n_group) *columns += WITHOUT_GROUPS;
  *n_refused = b.n_refused;
  *refused = b.refused;
  b.refused = NULL;
  PetscCall(destroy_builder(&b));
  PetscCall(ProgramDestroy(&b.program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramCreate(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                             Program *program)
{
  Builder b;
  FormulaNode *chosen;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_root, &chosen));
  PetscCall(ProgramChooseRoots(formula, n_root, roots, reducer, chosen));
  for (int r = 0; r < n_root; r++) PetscCall(NodeLowerLoops(formula, chosen[r], &chosen[r]));
  PetscCall(create_builder(formula, n_root, chosen, reducer, &b));
  PetscCall(add_factors(&b));
  PetscCall(BuilderAddLoops(&b));
  for (FormulaNode id = 0; id < b.n_node; id++)
    if (b.layouts[id].n && formula->nodes[id].kind != NODE_LOOP) PetscCall(add_step(&b, id));
  PetscCall(add_results(&b, chosen));
  PetscCall(BuilderAddSlots(&b));
  *program = b.program;
  PetscCall(destroy_builder(&b));
  PetscCall(PetscFree(chosen));
  const PetscErrorCode code = ProgramCheckEstimates(*program);
  if (code) PetscCall(ProgramDestroy(program));
  if (code) PetscFunctionReturn(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy_combination(Combination *c)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(c->start));
  PetscCall(PetscFree(c->entry));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramDestroy(Program *program)
{
  Program p = *program;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  for (int t = 0; t < N_TAPES; t++) {
    Tape *tape = &p->tapes[t];
    for (int i = 0; i < tape->n; i++) {
      for (int k = 0; k < tape->steps[i].n_arg; k++) PetscCall(destroy_combination(&tape->steps[i].arg[k]));
      PetscCall(PetscFree2(tape->steps[i].column, tape->steps[i].scale));
      PetscCall(PetscFree(tape->steps[i].term_start));
      PetscCall(PetscFree(tape->steps[i].terms));
      PetscCall(PetscFree(tape->steps[i].powers));
    }
    PetscCall(PetscFree(tape->steps));
    PetscCall(destroy_combination(&tape->results));
  }
  for (int i = 0; i < p->n_cached; i++) {
    for (int k = 0; k < p->cached[i].n; k++) PetscCall(JetOperatorDestroy(&p->cached[i].ops[k]));
    PetscCall(PetscFree(p->cached[i].ops));
    PetscCall(JetPlanDestroy(&p->cached[i].plan));
  }
  PetscCall(PetscFree(p->cached));
  PetscCall(ProgramDestroySlots(p));
  PetscCall(ProgramLoopsDestroy(p));
  PetscCall(JetPlanDestroy(&p->plan));
  PetscCall(JetGroupsDestroy(p->n_group, &p->groups));
  PetscCall(PetscFree(*program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

JetPlan ProgramPlan(Program program)
{
  return program->plan;
}

/* "16 of 100 second derivatives" */
static int describe_sample(const JetGroup *group, char *text, size_t size)
{
  static const char *const ordinals[] = {"", "first", "second", "third", "fourth", "fifth", "sixth"};
  char order[40];
  if (group->order < (int)(sizeof(ordinals) / sizeof(ordinals[0])))
    snprintf(order, sizeof(order), "%s derivatives", ordinals[group->order]);
  else
    snprintf(order, sizeof(order), "%dth derivatives", group->order);
  return snprintf(text, size, "%s%d of %d %s%s", group->draw ? "again " : "", group->slots * group->passes, group->n,
                  group->arity > 1 ? "mixed " : "", order);
}

/* "16 directions for 100 dimensions" */
static int describe_directions(const JetGroup *group, char *text, size_t size)
{
  if (group->matrix && group->matrix->columns)
    return snprintf(text, size, "%s%d of %d columns of a root of the coefficients", group->draw ? "again " : "",
                    group->slots, group->n);
  const char *what = group->order > 2                       ? ", of order 4 and more"
                     : group->matrix && group->matrix->root ? ", by a root of the coefficients"
                     : group->reduction == JET_DIRECT       ? ", in pairs"
                                                            : "";
  return snprintf(text, size, "%s%d directions for %d dimensions%s", group->draw ? "again " : "", group->slots,
                  group->n, what);
}

/* "laplacian over x[100] compressed to 16 coordinates" */
static int describe_compression(Formula formula, const JetGroup *group, char *text, size_t size)
{
  const char *first = formula->names[group->coord[0]], *last = formula->names[group->coord[group->n - 1]];
  const char *what = "laplacian";
  for (int i = 0; i < group->n; i++)
    if (group->coef[i] != 1) what = "weighted laplacian";
  for (int s = 0; s < formula->n_symbol; s++) {
    const Symbol *symbol = &formula->symbols[s];
    if (symbol->kind == SYMBOL_VECTOR && symbol->first == group->coord[0] && symbol->length == group->n &&
        group->coord[group->n - 1] == group->coord[0] + group->n - 1)
      return snprintf(text, size, "%s over %s[%d] compressed to %d coordinates", what, symbol->name, group->n,
                      group->width);
  }
  return snprintf(text, size, "%s over %d coordinates, %s to %s, compressed to %d", what, group->n, first, last,
                  group->width);
}

void ProgramDescribe(Program program, char *text, size_t size)
{
  Formula formula = program->formula;
  const int *nodes, n_factor = JetPlanFactors(program->plan, &nodes);
  char(*texts)[FACTOR_TEXT];
  const char **factors;
  if (size) text[0] = 0;
  if (program->n_group) {
    const char *name = program->reducer_name;
    size_t used = (size_t)snprintf(text, size, "%d columns; %s%s", JetPlanColumns(program->plan), name ? name : "",
                                   name ? ": " : "");
    for (int g = 0; g < program->n_group && used + 2 < size; g++) {
      const JetGroup *group = &program->groups[g];
      used += (size_t)snprintf(text + used, size - used, g ? ", " : "");
      used +=
          (size_t)(group->reduction == JET_SAMPLE     ? describe_sample(group, text + used, size - used)
                   : group->reduction == JET_COMPRESS ? describe_compression(formula, group, text + used, size - used)
                                                      : describe_directions(group, text + used, size - used));
    }
    return;
  }
  if (PetscMalloc2(n_factor, &factors, n_factor, &texts)) return;
  for (int k = 0; k < n_factor; k++) {
    NodePrintFactor(formula, nodes[k], texts[k], FACTOR_TEXT);
    factors[k] = texts[k];
  }
  JetPlanDescribe(program->plan, FormulaCoordinateNames(formula), factors, text, size);
  (void)PetscFree2(factors, texts);
}

void ProgramGroups(Program program, int *n, const JetGroup **groups)
{
  *n = program->n_group;
  *groups = program->groups;
}

bool ProgramUsesNetwork(Program program)
{
  return program->network;
}

bool ProgramIsLinear(Program program)
{
  return program->linear;
}

int ProgramRoots(Program program)
{
  return program->n_root;
}

int ProgramStatics(Program program)
{
  return program->tapes[TAPE_STATIC].results.n_column;
}
