/* Which operators of which nodes the roots need. A node passes on what it needs of its operands once everything that is
   wanted of it is known, so nodes are visited from the roots down. */
#include <stdlib.h>
#include "program_impl.h"

static PetscErrorCode demand(Builder *b, FormulaNode id, int op)
{
  const Node *node = &b->formula->nodes[id];
  double factor;

  PetscFunctionBegin;
  PetscCall(OperatorRestrict(b->formula, op, node->support, &op));
  if (op < 0 || node->kind < NODE_OUTPUT) PetscFunctionReturn(PETSC_SUCCESS);
  if (node->kind == NODE_DERIVATIVE) {
    const JetOperator which = b->formula->operators[node->which];
    for (int k = 0; k < which.n && which.factor; k++)
      if (which.factor[k] >= 0) PetscCall(demand(b, which.factor[k], 0));
    PetscCall(OperatorCompose(b->formula, op, node->which, &op));
    PetscCall(demand(b, node->arg[0], op));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(OperatorScaleColumn(b->formula, op, &op, &factor));
  if (PairMapFind(&b->demanded, id, op) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PairMapInsert(&b->demanded, id, op, 1));
  FormulaGrow(b->demands, b->n_demand, b->demand_capacity);
  b->demands[b->n_demand] = (Demand){op, -1};
  if (b->first_demand[id] < 0)
    b->first_demand[id] = b->n_demand;
  else
    b->demands[b->last_demand[id]].next = b->n_demand;
  b->last_demand[id] = b->n_demand++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_places(const void *a, const void *b)
{
  const struct OperatorPlace *x = a, *y = b;
  if (x->coord != y->coord) return (x->coord > y->coord) - (x->coord < y->coord);
  return (x->op > y->op) - (x->op < y->op);
}

PetscErrorCode OperatorFilterCreate(Builder *b, int n, const int ops[], OperatorFilter *filter)
{
  int total = 0;

  PetscFunctionBegin;
  for (int i = 0; i < n; i++) total += b->formula->operators[ops[i]].n;
  *filter = (OperatorFilter){.n_op = n};
  PetscCall(PetscMalloc1(total, &filter->places));
  PetscCall(PetscCalloc1(n, &filter->mark));
  for (int i = 0; i < n; i++) {
    const JetOperator op = b->formula->operators[ops[i]];
    for (int k = 0; k < op.n; k++)
      filter->places[filter->n++] = (struct OperatorPlace){op.index[k].order ? op.index[k].coord[0] : -1, i};
  }
  qsort(filter->places, (size_t)filter->n, sizeof(filter->places[0]), compare_places);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void list_places(OperatorFilter *filter, int coord, int *n, int list[])
{
  int low = 0, high = filter->n;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (filter->places[middle].coord < coord)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < filter->n && filter->places[low].coord == coord; low++) {
    const int op = filter->places[low].op;
    if (filter->mark[op] == filter->now) continue;
    filter->mark[op] = filter->now;
    list[(*n)++] = op;
  }
}

void OperatorFilterList(Builder *b, OperatorFilter *filter, int support_id, int *n, int list[])
{
  const Support *support = &b->formula->supports[support_id];
  *n = 0;
  if (support->all || support->n >= filter->n_op) {
    for (int i = 0; i < filter->n_op; i++) list[(*n)++] = i;
    return;
  }
  filter->now++;
  list_places(filter, -1, n, list);
  for (int i = 0; i < support->n; i++) list_places(filter, SupportCoordinate(support, i), n, list);
}

PetscErrorCode OperatorFilterDestroy(OperatorFilter *filter)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(filter->places));
  PetscCall(PetscFree(filter->mark));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode demand_terms(Builder *b, const Node *sum, const Layout *layout)
{
  OperatorFilter filter;
  int n, *list;

  PetscFunctionBegin;
  PetscCall(OperatorFilterCreate(b, layout->n, layout->ops, &filter));
  PetscCall(PetscMalloc1(layout->n, &list));
  for (int k = 0; k < sum->n_term; k++) {
    const FormulaNode term = b->formula->terms[sum->first + k].node;
    OperatorFilterList(b, &filter, b->formula->nodes[term].support, &n, list);
    for (int i = 0; i < n; i++) PetscCall(demand(b, term, layout->ops[list[i]]));
  }
  PetscCall(PetscFree(list));
  PetscCall(OperatorFilterDestroy(&filter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products and functions need whole closed jets of their operands. */
static PetscErrorCode demand_jets(Builder *b, const Node *node, Layout *layout)
{
  int n = layout->n, *ops = layout->ops;

  PetscFunctionBegin;
  PetscCall(BuilderCollapse(b, &n, &ops));
  PetscCall(BuilderPlan(b, n, ops, &layout->plan, &layout->ops));
  layout->n = JetPlanColumns(b->program->cached[layout->plan].plan);
  PetscCall(PetscFree(ops));
  for (int k = 0; k < 2 && node->arg[k] >= 0; k++)
    for (int c = 0; c < layout->n; c++) PetscCall(demand(b, node->arg[k], layout->ops[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode demand_operands(Builder *b, FormulaNode id)
{
  const Node node = b->formula->nodes[id];
  Layout *layout = &b->layouts[id];

  PetscFunctionBegin;
  for (int d = b->first_demand[id]; d >= 0; d = b->demands[d].next) layout->n++;
  PetscCall(PetscMalloc1(layout->n, &layout->ops));
  layout->n = 0;
  layout->plan = -1;
  for (int d = b->first_demand[id]; d >= 0; d = b->demands[d].next) layout->ops[layout->n++] = b->demands[d].op;
  PetscCall(BuilderSortOperators(b, &layout->n, layout->ops));
  switch (node.kind) {
  case NODE_SUM:
    PetscCall(demand_terms(b, &node, layout));
    break;
  case NODE_PRODUCT:
  case NODE_FUNCTION:
    PetscCall(demand_jets(b, &node, layout));
    break;
  case NODE_COMPARE:
    for (int k = 0; k < 2; k++) PetscCall(demand(b, node.arg[k], 0));
    break;
  case NODE_LOOP:
    PetscCheck(layout->n == 1 && !layout->ops[0], PETSC_COMM_SELF, PETSC_ERR_PLIB, "a derivative of a loop");
    break;
  case NODE_IF:
    PetscCall(demand(b, node.arg[0], 0));
    for (int k = 1; k < 3; k++)
      for (int c = 0; c < layout->n; c++) PetscCall(demand(b, node.arg[k], layout->ops[c]));
    break;
  default:
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Notes the operators with factors that are not among the `n` chosen ones. */
static PetscErrorCode list_refused(Builder *b, int n_wanted, const int wanted[], int n, const int chosen[])
{
  PetscFunctionBegin;
  for (int i = 0; i < n_wanted; i++) {
    int k = 0;
    if (!b->formula->operators[wanted[i]].factor) continue;
    while (k < n && chosen[k] != wanted[i]) k++;
    if (k < n) continue;
    FormulaGrow(b->refused, b->n_refused, b->refused_capacity);
    b->refused[b->n_refused++] = wanted[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Puts `ops` into fewer coordinates, where there are groups of them, once for each draw. */
static PetscErrorCode reduce_operators(Builder *b, int *n, int **ops, int *n_coord)
{
  Program program = b->program;
  JetOperator *list, *reduced;

  PetscFunctionBegin;
  const int n_op = *n, n_draw = program->n_draw;
  PetscCall(PetscMalloc2(n_op, &list, n_draw * n_op, &reduced));
  for (int i = 0; i < n_op; i++) list[i] = b->formula->operators[(*ops)[i]];
  PetscCall(JetReduce(*n_coord, b->reducer, n_op, list, &program->n_group, &program->groups, reduced));
  PetscCall(PetscRealloc(sizeof(int) * (size_t)(n_draw * n_op), ops));
  for (int i = n_draw * n_op - 1; i >= 0; i--) { /* the first n_op, which are read, are written last */
    const int op = (*ops)[i % n_op];
    PetscCall(OperatorIntern(b->formula, &reduced[i], &(*ops)[i]));
    if ((*ops)[i] != op) PetscCall(PairMapInsert(&b->reduced, i / n_op, op, (*ops)[i]));
    PetscCall(JetOperatorDestroy(&reduced[i]));
  }
  *n = n_draw * n_op;
  for (int g = 0; g < program->n_group; g++) *n_coord += program->groups[g].width;
  PetscCall(BuilderSortOperators(b, n, *ops));
  PetscCall(PetscFree2(list, reduced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int BuilderNetworkColumn(const Builder *b, int draw, int op, double *factor)
{
  const int reduced = PairMapFind(&b->reduced, draw, op);
  return JetPlanFind(b->program->plan, &b->formula->operators[reduced < 0 ? op : reduced], factor);
}

/* Factors that are coordinates need no rows of statics where the points serve. */
static PetscErrorCode name_coordinates(Builder *b)
{
  const int *factors, n = JetPlanFactors(b->program->plan, &factors);
  int *coordinate;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &coordinate));
  for (int k = 0; k < n; k++) {
    const Node *node = factors[k] < JET_SLOT_FACTOR ? &b->formula->nodes[factors[k]] : NULL;
    coordinate[k] = node && node->kind == NODE_COORDINATE ? node->arg[0] : -1;
  }
  PetscCall(JetPlanSetCoordinates(b->program->plan, coordinate));
  PetscCall(PetscFree(coordinate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One plan for all outputs, and of its columns those that each output is asked for. */
static PetscErrorCode plan_network(Builder *b, int n_output, const FormulaNode outputs[])
{
  Program program = b->program;
  int n = 0, n_coord = program->n_coord, n_wanted, *ops, *wanted;
  JetOperator *list;

  PetscFunctionBegin;
  for (int k = 0; k < n_output; k++) n += b->layouts[outputs[k]].n;
  PetscCall(PetscMalloc1(n, &ops));
  n = 0;
  for (int k = 0; k < n_output; k++)
    for (int i = 0; i < b->layouts[outputs[k]].n; i++) ops[n++] = b->layouts[outputs[k]].ops[i];
  PetscCall(BuilderSortOperators(b, &n, ops));
  if (b->reducer) PetscCall(reduce_operators(b, &n, &ops, &n_coord));
  n_wanted = n;
  PetscCall(PetscMalloc1(n, &wanted));
  PetscCall(PetscArraycpy(wanted, ops, n));
  PetscCall(BuilderCollapse(b, &n, &ops));
  PetscCall(list_refused(b, n_wanted, wanted, n, ops));
  PetscCall(PetscFree(wanted));
  PetscCall(PetscMalloc1(n, &list));
  for (int i = 0; i < n; i++) list[i] = b->formula->operators[ops[i]];
  PetscCall(JetPlanCreateDirected(n_coord, n, list, program->n_group, program->groups, &program->plan));
  PetscCall(name_coordinates(b));
  PetscCall(PetscFree(list));
  PetscCall(PetscFree(ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Replaces operators that the network does not carry as a column by their terms. */
static PetscErrorCode split_layout(Builder *b, Layout *layout)
{
  int n = 0, capacity = 0, *ops = NULL;
  double factor;

  PetscFunctionBegin;
  for (int i = 0; i < layout->n; i++) {
    const JetOperator op = b->formula->operators[layout->ops[i]];
    const bool whole = BuilderNetworkColumn(b, 0, layout->ops[i], &factor) >= 0;
    for (int k = 0; k < (whole ? 1 : op.n); k++) {
      FormulaGrow(ops, n, capacity);
      ops[n] = layout->ops[i];
      if (!whole)
        PetscCall(OperatorInternIndex(b->formula, &op.index[k], 1 / JetIndexFactorial(&op.index[k]), &ops[n]));
      n++;
    }
  }
  PetscCall(BuilderSortOperators(b, &n, ops));
  PetscCall(PetscFree(layout->ops));
  layout->ops = ops;
  layout->n = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderDemand(Builder *b, const FormulaNode roots[])
{
  int n_output = 0;
  FormulaNode *outputs;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(b->formula->n_output, &outputs));
  for (int r = 0; r < b->program->n_root; r++) PetscCall(demand(b, roots[r], 0));
  for (FormulaNode id = b->n_node - 1; id >= 0; id--) {
    if (b->first_demand[id] < 0) continue;
    PetscCall(demand_operands(b, id));
    if (b->formula->nodes[id].kind == NODE_OUTPUT) outputs[n_output++] = id;
  }
  PetscCall(plan_network(b, n_output, outputs));
  b->program->network = n_output > 0;
  if (b->n_refused) n_output = 0; /* no more than the plan is of use */
  for (int k = 0; k < n_output; k++) PetscCall(split_layout(b, &b->layouts[outputs[k]]));
  for (FormulaNode id = 0; id < b->n_node; id++)
    for (int c = 0; c < b->layouts[id].n; c++) PetscCall(PairMapInsert(&b->columns, id, b->layouts[id].ops[c], c));
  PetscCall(PetscFree(outputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}
