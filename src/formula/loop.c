/* Long sums as one node: the term is an expression of few coordinates and numbers, kept once. */
#include <stdlib.h>
#include <string.h>
#include "formula_impl.h"

#define WRITTEN 3     /* terms: as short sums are written out */
#define LONGEST 20000 /* terms that may be written out where no rule for loops serves */

PetscErrorCode LoopBody(Formula formula, Formula *body)
{
  FormulaNode normal;

  PetscFunctionBegin;
  if (!formula->body) {
    PetscCall(FormulaCreate(&formula->body));
    PetscCall(FormulaAddCoordinate(formula->body, "a sum", "s", LOOP_MAX_PARTS));
    for (int k = 0; k < LOOP_MAX_PARTS; k++) PetscCall(FormulaNormal(formula->body, k, &normal));
  }
  *body = formula->body;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool LoopSolve(LoopIndex at, int value, int first, int last, int *i)
{
  if (!at.step || (value - at.first) % at.step) return false;
  *i = (value - at.first) / at.step;
  return *i >= first && *i <= last;
}

int LoopAddSlot(Loop *loop, LoopIndex slot)
{
  for (int s = 0; s < loop->n_slot; s++)
    if (loop->slot[s].first == slot.first && loop->slot[s].step == slot.step) return s;
  if (loop->n_slot == LOOP_MAX_PARTS) return -1;
  loop->slot[loop->n_slot] = slot;
  return loop->n_slot++;
}

int LoopAddNumber(Loop *loop, LoopNumber number)
{
  for (int k = 0; k < loop->n_number; k++)
    if (!memcmp(&loop->number[k], &number, sizeof(number))) return k;
  if (loop->n_number == LOOP_MAX_PARTS) return -1;
  loop->number[loop->n_number] = number;
  return loop->n_number++;
}

bool LoopMeets(const Loop *loop, int *i)
{
  for (int s = 0; s < loop->n_slot; s++)
    for (int t = 0; t < s; t++) {
      const LoopIndex gap = {loop->slot[s].first - loop->slot[t].first, loop->slot[s].step - loop->slot[t].step};
      if (LoopSolve(gap, 0, loop->first, loop->last, i)) return true;
    }
  return false;
}

PetscErrorCode LoopSupport(Formula formula, const Loop *loop, int *support)
{
  bool *touched;
  int n = 0, *list;

  PetscFunctionBegin;
  *support = SUPPORT_NONE;
  PetscCall(PetscCalloc1(formula->n_coord, &touched));
  for (int s = 0; s < loop->n_slot; s++)
    for (int i = loop->first; i <= loop->last; i++) touched[LoopAt(loop->slot[s], i)] = true;
  for (int k = 0; k < formula->n_coord; k++) n += touched[k];
  PetscCall(PetscMalloc1(n, &list));
  for (int k = n = 0; k < formula->n_coord; k++)
    if (touched[k]) list[n++] = k;
  if (n)
    PetscCall(SupportAdd(formula, n, list, support));
  else
    PetscCall(PetscFree(list));
  PetscCall(PetscFree(touched));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a copy is made with. */
typedef struct {
  Formula from, to;
  LeafMap map;
  void *context;
  bool same;     /* only loops change */
  bool lowering; /* those under derivatives */
  PairMap done;  /* (node, 0) -> its copy */
} Copy;

static PetscErrorCode copy_node(Copy *c, FormulaNode id, FormulaNode *copy);

static PetscErrorCode copy_sum(Copy *c, const Node *sum, FormulaNode *copy)
{
  SumTerm *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(sum->n_term, &terms));
  for (int k = 0; k < sum->n_term; k++) {
    terms[k] = c->from->terms[sum->first + k];
    PetscCall(copy_node(c, terms[k].node, &terms[k].node));
  }
  PetscCall(NodeSum(c->to, sum->value, sum->n_term, terms, copy));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coordinate of the copy that stands for one of the original. */
static PetscErrorCode copy_coordinate(Copy *c, int *coord)
{
  const Node leaf = c->from->nodes[c->from->coords[*coord].node];
  FormulaNode node;

  PetscFunctionBegin;
  PetscCall(c->map(c->context, &leaf, &node));
  *coord = c->to->nodes[node].arg[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode copy_derivative(Copy *c, const Node *node, FormulaNode *copy)
{
  JetOperator op, mapped;
  FormulaNode of;
  int id = node->which;

  PetscFunctionBegin;
  PetscCall(copy_node(c, node->arg[0], &of));
  if (!c->same) {
    PetscCall(JetOperatorCopy(&c->from->operators[node->which], &op));
    for (int k = 0; k < op.n; k++)
      for (int i = 0; i < op.index[k].order; i++) PetscCall(copy_coordinate(c, &op.index[k].coord[i]));
    PetscCall(JetOperatorCreate(op.n, op.index, op.coef, &mapped));
    PetscCall(OperatorIntern(c->to, &mapped, &id));
    PetscCall(JetOperatorDestroy(&mapped));
    PetscCall(JetOperatorDestroy(&op));
  } else if (c->lowering)
    PetscCall(NodeWriteLoops(c->to, of, &of));
  PetscCall(NodeDerive(c->to, id, of, copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode copy_operation(Copy *c, const Node *node, FormulaNode *copy)
{
  FormulaNode arg[3] = {-1, -1, -1};

  PetscFunctionBegin;
  for (int k = 0; k < 3 && node->arg[k] >= 0; k++) PetscCall(copy_node(c, node->arg[k], &arg[k]));
  switch (node->kind) {
  case NODE_PRODUCT:
    PetscCall(NodeProduct(c->to, arg[0], arg[1], copy));
    break;
  case NODE_FUNCTION:
    PetscCall(NodeFunction(c->to, (Elementary)node->which, node->value, arg[0], copy));
    break;
  case NODE_COMPARE:
    PetscCall(NodeCompare(c->to, (Relation)node->which, arg[0], arg[1], copy));
    break;
  default: /* NODE_IF */
    PetscCall(NodeIf(c->to, arg[0], arg[1], arg[2], copy));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode copy_node(Copy *c, FormulaNode id, FormulaNode *copy)
{
  const Node node = c->from->nodes[id];

  PetscFunctionBegin;
  *copy = c->same && !node.loop ? id : PairMapFind(&c->done, id, 0);
  if (*copy >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  switch (node.kind) {
  case NODE_CONSTANT:
    PetscCall(NodeConstant(c->to, node.value, copy));
    break;
  case NODE_SUM:
    PetscCall(copy_sum(c, &node, copy));
    break;
  case NODE_PRODUCT:
  case NODE_FUNCTION:
  case NODE_COMPARE:
  case NODE_IF:
    PetscCall(copy_operation(c, &node, copy));
    break;
  case NODE_DERIVATIVE:
    PetscCall(copy_derivative(c, &node, copy));
    break;
  default:
    PetscCall(c->map(c->context, &node, copy));
  }
  PetscCall(PairMapInsert(&c->done, id, 0, *copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeCopy(Formula from, FormulaNode node, Formula to, LeafMap map, void *context, FormulaNode *copy)
{
  Copy c = {.from = from, .to = to, .map = map, .context = context};

  PetscFunctionBegin;
  PetscCall(copy_node(&c, node, copy));
  PetscCall(PairMapDestroy(&c.done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Formula body;
  const LoopMove *move;
} Moving;

static PetscErrorCode map_moved(void *context, const Node *leaf, FormulaNode *node)
{
  const Moving *moving = context;
  Node copy = *leaf;

  PetscFunctionBegin;
  copy.arg[0] = (leaf->kind == NODE_COORDINATE ? moving->move->slot : moving->move->number)[leaf->arg[0]];
  PetscCall(NodeIntern(moving->body, copy, NULL, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LoopMoveTerm(Formula body, FormulaNode term, const LoopMove *move, FormulaNode *moved)
{
  Moving moving = {body, move};

  PetscFunctionBegin;
  PetscCall(NodeCopy(body, term, body, map_moved, &moving, moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  bool slot[LOOP_MAX_PARTS], number[LOOP_MAX_PARTS];
} Used;

/* Which parts the term has. */
static PetscErrorCode find_used(Formula body, FormulaNode id, PairMap *seen, Used *used)
{
  const Node node = body->nodes[id];

  PetscFunctionBegin;
  if (PairMapFind(seen, id, 0) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PairMapInsert(seen, id, 0, 1));
  if (node.kind == NODE_COORDINATE) used->slot[node.arg[0]] = true;
  if (node.kind == NODE_NORMAL) used->number[node.arg[0]] = true;
  for (int k = 0; k < node.n_term; k++) PetscCall(find_used(body, body->terms[node.first + k].node, seen, used));
  for (int k = 0; k < 3 && node.kind >= NODE_PRODUCT && node.arg[k] >= 0; k++)
    PetscCall(find_used(body, node.arg[k], seen, used));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Leaves out the parts that the term does not have. */
static PetscErrorCode trim(Formula body, const Loop *loop, Loop *trimmed)
{
  PairMap seen = {0};
  Used used = {{false}, {false}};
  LoopMove move = {{0}, {0}};

  PetscFunctionBegin;
  PetscCall(find_used(body, loop->term, &seen, &used));
  PetscCall(PairMapDestroy(&seen));
  memset(trimmed, 0, sizeof(*trimmed));
  trimmed->first = loop->first;
  trimmed->last = loop->last;
  for (int s = 0; s < loop->n_slot; s++)
    if (used.slot[s]) move.slot[s] = LoopAddSlot(trimmed, loop->slot[s]);
  for (int k = 0; k < loop->n_number; k++)
    if (used.number[k]) move.number[k] = LoopAddNumber(trimmed, loop->number[k]);
  trimmed->term = loop->term;
  if (trimmed->n_slot < loop->n_slot || trimmed->n_number < loop->n_number)
    PetscCall(LoopMoveTerm(body, loop->term, &move, &trimmed->term));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Formula formula;
  const Loop *loop;
  int i;
} Term;

/* A slot or number at one index. */
static PetscErrorCode map_term(void *context, const Node *leaf, FormulaNode *node)
{
  const Term *term = context;
  const Formula formula = term->formula;

  PetscFunctionBegin;
  if (leaf->kind == NODE_COORDINATE)
    *node = formula->coords[LoopAt(term->loop->slot[leaf->arg[0]], term->i)].node;
  else {
    const LoopNumber number = term->loop->number[leaf->arg[0]];
    const int at = LoopAt(number.at, term->i);
    PetscCall(NodeConstant(formula, number.vector < 0 ? at : formula->vectors[number.vector][at], node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeLoopTerm(Formula formula, const Loop *loop, int i, FormulaNode *node)
{
  Term term = {formula, loop, i};

  PetscFunctionBegin;
  PetscCall(NodeCopy(formula->body, loop->term, formula, map_term, &term, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_loop(Formula formula, const Loop *loop, FormulaNode *node)
{
  const int n = loop->last - loop->first + 1;
  SumTerm *terms;

  PetscFunctionBegin;
  PinnUserCheck(
      n <= LONGEST,
      "%sa derivative of a sum of %d terms that only sums written out term by term have, and these have at most "
      "%d (second derivatives that all have one factor, and derivatives by few coordinates, need none of it)",
      formula->place, n, LONGEST);
  PetscCall(PetscMalloc1(PetscMax(n, 1), &terms));
  for (int i = 0; i < n; i++) {
    terms[i].coef = 1;
    PetscCall(NodeLoopTerm(formula, loop, loop->first + i, &terms[i].node));
  }
  PetscCall(NodeSum(formula, 0, n, terms, node));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode intern_loop(Formula formula, const Loop *loop, FormulaNode *node)
{
  Node out = {.kind = NODE_LOOP, .arg = {-1, -1, -1}};
  double value;

  PetscFunctionBegin;
  while (out.which < formula->n_loop && memcmp(&formula->loops[out.which], loop, sizeof(*loop))) out.which++;
  if (out.which == formula->n_loop) {
    FormulaGrow(formula->loops, formula->n_loop, formula->loop_capacity);
    formula->loops[formula->n_loop++] = *loop;
  }
  PetscCall(NodeIntern(formula, out, NULL, node));
  if (formula->nodes[*node].support == SUPPORT_NONE) {
    PetscCall(NodeValue(formula, *node, &value));
    PetscCall(NodeConstant(formula, value, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums without coordinates are numbers. Constants, and factors that all terms have, come out of the sum. */
PetscErrorCode NodeLoop(Formula formula, const Loop *loop, FormulaNode *node)
{
  const int n = loop->last - loop->first + 1;
  const Node term = formula->body->nodes[loop->term];
  Loop rest;

  PetscFunctionBegin;
  PetscCall(trim(formula->body, loop, &rest));
  if (term.kind == NODE_CONSTANT)
    PetscCall(NodeConstant(formula, PetscMax(n, 0) * term.value, node));
  else if (n <= WRITTEN)
    PetscCall(write_loop(formula, loop, node));
  else if (term.kind == NODE_SUM && term.n_term == 1 && term.value == 0) {
    const double coef = formula->body->terms[term.first].coef;
    rest.term = formula->body->terms[formula->body->nodes[rest.term].first].node;
    PetscCall(intern_loop(formula, &rest, node));
    PetscCall(NodeScale(formula, coef, *node, node));
  } else
    PetscCall(intern_loop(formula, &rest, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Leaves of the formula itself. */
static PetscErrorCode map_written(void *context, const Node *leaf, FormulaNode *node)
{
  const Formula formula = context;
  const Loop loop = formula->loops[leaf->which];

  PetscFunctionBegin;
  PetscCall(write_loop(formula, &loop, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Loops that are no part of a derivative. */
static PetscErrorCode map_kept(void *context, const Node *leaf, FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(NodeIntern(context, *leaf, NULL, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeWriteLoops(Formula formula, FormulaNode node, FormulaNode *written)
{
  Copy c = {.from = formula, .to = formula, .map = map_written, .context = formula, .same = true};

  PetscFunctionBegin;
  PetscCall(copy_node(&c, node, written));
  PetscCall(PairMapDestroy(&c.done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeLowerLoops(Formula formula, FormulaNode node, FormulaNode *lowered)
{
  Copy c = {.from = formula, .to = formula, .map = map_kept, .context = formula, .same = true, .lowering = true};

  PetscFunctionBegin;
  PetscCall(copy_node(&c, node, lowered));
  PetscCall(PairMapDestroy(&c.done));
  PetscFunctionReturn(PETSC_SUCCESS);
}
