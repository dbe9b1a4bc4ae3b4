/* Derivatives of expressions with long sums in them, by rules that leave no derivative in front of a sum: its terms are
   expressions of few coordinates, so that a derivative by one coordinate is a few terms, and a sum of equal derivatives
   by all coordinates is a sum of as many terms again. With <u, v> = sum_k d_k u d_k v and L = sum_k d_k^2

     L(u v) = u L v + v L u + 2 <u, v>,   L f(u) = f'(u) L u + f''(u) <u, u>,   <f(u), v> = f'(u) <u, v>,
     <sum_i a_i, sum_j b_j> = sum_i sum_{s, t} d_s a_i d_t b_{j(i)},   j(i) the index where slots s and t are one
                              coordinate

   which costs no more than a pass over the terms: no gradient is ever held. */
#include <string.h>
#include "formula_impl.h"

#define SHORT 64 /* terms of an operator, which are applied one by one */

/* The coordinates [begin, end) over which a sum of derivatives runs; `fits` turns false where no rule serves. */
typedef struct {
  Formula formula;
  int begin, end;
  bool fits;
} Range;

static PetscErrorCode product_of(Formula formula, double coef, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(NodeProduct(formula, a, b, node));
  if (coef != 1) PetscCall(NodeScale(formula, coef, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Few derivatives, one coordinate at a time. */
static PetscErrorCode derive_short(Formula formula, int op, FormulaNode a, FormulaNode *node)
{
  JetOperator from;
  SumTerm *terms;

  PetscFunctionBegin;
  PetscCall(JetOperatorCopy(&formula->operators[op], &from));
  PetscCall(PetscMalloc1(from.n, &terms));
  for (int k = 0; k < from.n; k++) {
    JetIndex rest = from.index[k];
    int id;
    terms[k] = (SumTerm){a, from.coef[k]};
    if (rest.order) PetscCall(NodeDeriveBy(formula, rest.coord[--rest.order], a, &terms[k].node));
    if (!rest.order) continue;
    PetscCall(OperatorInternIndex(formula, &rest, 1, &id));
    PetscCall(NodeDerive(formula, id, terms[k].node, &terms[k].node));
  }
  PetscCall(NodeSum(formula, 0, from.n, terms, node));
  PetscCall(PetscFree(terms));
  PetscCall(JetOperatorDestroy(&from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of the loop's range in which a slot lies in [begin, end). */
static void clip(LoopIndex slot, int begin, int end, int *first, int *last)
{
  int low = *first, high = *last;
  if (!slot.step && (slot.first < begin || slot.first >= end)) high = low - 1;
  while (slot.step && low <= high && (LoopAt(slot, low) < begin || LoopAt(slot, low) >= end)) low++;
  while (slot.step && low <= high && (LoopAt(slot, high) < begin || LoopAt(slot, high) >= end)) high--;
  *first = low;
  *last = high;
}

/* Adds the sum of a loop to those of the same parts and range in `list`. */
static PetscErrorCode add_loop(Formula formula, const Loop *loop, int *n, Loop list[])
{
  Loop same = *loop;

  PetscFunctionBegin;
  for (int k = 0; k < *n; k++) {
    same.term = list[k].term;
    if (memcmp(&same, &list[k], sizeof(same))) continue;
    PetscCall(NodeAdd(formula->body, 1, list[k].term, 1, loop->term, &list[k].term));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  list[(*n)++] = *loop;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sum_loops(Formula formula, int n, const Loop list[], FormulaNode *node)
{
  FormulaNode part;

  PetscFunctionBegin;
  PetscCall(NodeConstant(formula, 0, node));
  for (int k = 0; k < n; k++) {
    PetscCall(NodeLoop(formula, &list[k], &part));
    PetscCall(NodeAdd(formula, 1, *node, 1, part, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k d_k^order of a loop */
static PetscErrorCode derive_loop(Range *range, int order, const Loop *loop, FormulaNode *node)
{
  Formula formula = range->formula;
  Loop list[LOOP_MAX_PARTS];
  int n = 0, op;

  PetscFunctionBegin;
  for (int s = 0; s < loop->n_slot; s++) {
    const JetIndex index = {order, {s, s}};
    Loop part = *loop;
    clip(loop->slot[s], range->begin, range->end, &part.first, &part.last);
    if (part.last < part.first) continue;
    PetscCall(OperatorInternIndex(formula->body, &index, 1, &op));
    PetscCall(NodeDerive(formula->body, op, loop->term, &part.term));
    PetscCall(add_loop(formula, &part, &n, list));
  }
  PetscCall(sum_loops(formula, n, list, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static LoopIndex shift_index(LoopIndex at, int by)
{
  return (LoopIndex){at.first + at.step * by, at.step};
}

/* The parts of b at index i + by among those of a; false where there is no room. */
static bool merge_parts(Loop *a, const Loop *b, int by, LoopMove *moved)
{
  for (int s = 0; s < b->n_slot; s++)
    if ((moved->slot[s] = LoopAddSlot(a, shift_index(b->slot[s], by))) < 0) return false;
  for (int k = 0; k < b->n_number; k++) {
    const LoopNumber number = {b->number[k].vector, shift_index(b->number[k].at, by)};
    if ((moved->number[k] = LoopAddNumber(a, number)) < 0) return false;
  }
  return true;
}

/* sum_i d_s a_i d_t b_{i + by} over the coordinates that slots s and t of the two are both. */
static PetscErrorCode pair_slots(Range *range, const Loop *a, int s, const Loop *b, int t, int *n, Loop list[])
{
  Formula body = range->formula->body;
  const LoopIndex here = a->slot[s], there = b->slot[t];
  LoopMove moved;
  Loop pair = *a;
  FormulaNode slope;
  int i;

  PetscFunctionBegin;
  if (!here.step || !there.step) PetscFunctionReturn(PETSC_SUCCESS); /* left to pair_fixed */
  range->fits = range->fits && here.step == there.step;
  if (!range->fits || (here.first - there.first) % here.step) PetscFunctionReturn(PETSC_SUCCESS);
  const int by = (here.first - there.first) / here.step;
  pair.first = PetscMax(a->first, b->first - by);
  pair.last = PetscMin(a->last, b->last - by);
  clip(here, range->begin, range->end, &pair.first, &pair.last);
  if (pair.last < pair.first) PetscFunctionReturn(PETSC_SUCCESS);
  range->fits = merge_parts(&pair, b, by, &moved) && !LoopMeets(&pair, &i);
  if (!range->fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NodeDeriveBy(body, t, b->term, &slope));
  PetscCall(LoopMoveTerm(body, slope, &moved, &slope));
  PetscCall(NodeDeriveBy(body, s, a->term, &pair.term));
  PetscCall(NodeProduct(body, pair.term, slope, &pair.term));
  PetscCall(add_loop(range->formula, &pair, n, list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d_c a d_c b of the coordinates c in slots that do not move; they must not be in those that do. */
static PetscErrorCode pair_fixed(Range *range, FormulaNode a, const Loop *loop_a, FormulaNode b, const Loop *loop_b,
                                 FormulaNode *node)
{
  Formula formula = range->formula;
  int done[2 * LOOP_MAX_PARTS], n = 0, i;
  FormulaNode left, right;

  PetscFunctionBegin;
  for (int side = 0; side < 2; side++) {
    const Loop *loop = side ? loop_b : loop_a;
    for (int s = 0; s < loop->n_slot; s++) {
      const int coord = loop->slot[s].first;
      bool known = loop->slot[s].step || coord < range->begin || coord >= range->end;
      for (int k = 0; k < n; k++) known |= done[k] == coord;
      if (known) continue;
      done[n++] = coord;
      for (int t = 0; t < loop_a->n_slot; t++)
        range->fits &= !LoopSolve(loop_a->slot[t], coord, loop_a->first, loop_a->last, &i);
      for (int t = 0; t < loop_b->n_slot; t++)
        range->fits &= !LoopSolve(loop_b->slot[t], coord, loop_b->first, loop_b->last, &i);
      PetscCall(NodeDeriveBy(formula, coord, a, &left));
      PetscCall(NodeDeriveBy(formula, coord, b, &right));
      PetscCall(product_of(formula, 1, left, right, &left));
      PetscCall(NodeAdd(formula, 1, *node, 1, left, node));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode pair_loops(Range *range, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  Formula formula = range->formula;
  Loop left = formula->loops[formula->nodes[a].which], right = formula->loops[formula->nodes[b].which];
  Loop list[LOOP_MAX_PARTS * LOOP_MAX_PARTS];
  int n = 0;

  PetscFunctionBegin;
  if (left.n_slot + left.n_number < right.n_slot + right.n_number) { /* the larger one keeps its index */
    const Loop swap = left;
    left = right;
    right = swap;
  }
  for (int s = 0; s < left.n_slot; s++)
    for (int t = 0; t < right.n_slot; t++) PetscCall(pair_slots(range, &left, s, &right, t, &n, list));
  PetscCall(sum_loops(formula, n, list, node));
  PetscCall(pair_fixed(range, a, &left, b, &right, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode inner(Range *range, FormulaNode u, FormulaNode v, FormulaNode *node);

/* <u, v> where u has few coordinates. */
static PetscErrorCode inner_by_coordinates(Range *range, FormulaNode u, FormulaNode v, FormulaNode *node)
{
  Formula formula = range->formula;
  const Support support = formula->supports[formula->nodes[u].support];
  FormulaNode left, right;
  SumTerm *terms;
  int n = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(PetscMax(support.n, 1), &terms));
  for (int i = 0; i < support.n; i++) {
    const Support *now = &formula->supports[formula->nodes[u].support];
    const int coord = SupportCoordinate(now, i);
    if (coord < range->begin || coord >= range->end) continue;
    PetscCall(NodeDeriveBy(formula, coord, u, &left));
    PetscCall(NodeDeriveBy(formula, coord, v, &right));
    PetscCall(product_of(formula, 1, left, right, &left));
    terms[n++] = (SumTerm){left, 1};
  }
  PetscCall(NodeSum(formula, 0, n, terms, node));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode inner_of_sum(Range *range, const Node *sum, FormulaNode v, FormulaNode *node)
{
  SumTerm *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(sum->n_term, &terms));
  for (int k = 0; k < sum->n_term; k++) {
    terms[k] = range->formula->terms[sum->first + k];
    PetscCall(inner(range, terms[k].node, v, &terms[k].node));
  }
  PetscCall(NodeSum(range->formula, 0, sum->n_term, terms, node));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <u, v> = sum_k d_k u d_k v */
static PetscErrorCode inner(Range *range, FormulaNode u, FormulaNode v, FormulaNode *node)
{
  Formula formula = range->formula;
  if (formula->nodes[u].kind == NODE_LOOP || !formula->nodes[v].loop) {
    const FormulaNode swap = u;
    u = v;
    v = swap;
  }
  const Node from = formula->nodes[u];
  FormulaNode a, b;

  PetscFunctionBegin;
  if (!from.loop)
    PetscCall(inner_by_coordinates(range, u, v, node));
  else if (from.kind == NODE_SUM)
    PetscCall(inner_of_sum(range, &from, v, node));
  else if (from.kind == NODE_LOOP)
    PetscCall(pair_loops(range, u, v, node));
  else if (from.kind == NODE_PRODUCT) {
    PetscCall(inner(range, from.arg[0], v, &a));
    PetscCall(inner(range, from.arg[1], v, &b));
    PetscCall(NodeLeibniz(formula, from.arg[0], a, from.arg[1], b, node));
  } else if (from.kind == NODE_FUNCTION) {
    PetscCall(inner(range, from.arg[0], v, &a));
    PetscCall(NodeFunctionSlope(formula, 1, (Elementary)from.which, from.value, from.arg[0], &b));
    PetscCall(NodeProduct(formula, a, b, node));
  } else if (from.kind == NODE_IF) {
    PetscCall(inner(range, from.arg[1], v, &a));
    PetscCall(inner(range, from.arg[2], v, &b));
    PetscCall(NodeIf(formula, from.arg[0], a, b, node));
  } else
    PetscCall(NodeConstant(formula, 0, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f'(u) L u, and of second order f''(u) <u, u> */
static PetscErrorCode derive_function(Range *range, int order, const Node *function, FormulaNode du, FormulaNode *node)
{
  Formula formula = range->formula;
  FormulaNode slope, bend, square;

  PetscFunctionBegin;
  PetscCall(NodeFunctionSlope(formula, 1, (Elementary)function->which, function->value, function->arg[0], &slope));
  PetscCall(NodeProduct(formula, slope, du, node));
  if (order == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NodeFunctionSlope(formula, 2, (Elementary)function->which, function->value, function->arg[0], &bend));
  PetscCall(inner(range, function->arg[0], function->arg[0], &square));
  PetscCall(NodeProduct(formula, bend, square, &bend));
  PetscCall(NodeAdd(formula, 1, *node, 1, bend, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k d_k^order of a node with loops, order 1 or 2; `op` is that operator. */
static PetscErrorCode derive_uniform(Range *range, int order, int op, FormulaNode a, FormulaNode *node)
{
  Formula formula = range->formula;
  const Node from = formula->nodes[a];
  FormulaNode d[3] = {-1, -1, -1}, cross;

  PetscFunctionBegin;
  for (int k = 0; k < 3 && from.kind != NODE_LOOP && from.kind != NODE_COMPARE && from.arg[k] >= 0; k++)
    if (!(from.kind == NODE_IF && k == 0)) PetscCall(NodeDerive(formula, op, from.arg[k], &d[k]));
  if (from.kind == NODE_LOOP) {
    const Loop loop = formula->loops[from.which];
    PetscCall(derive_loop(range, order, &loop, node));
  } else if (from.kind == NODE_PRODUCT) {
    PetscCall(NodeLeibniz(formula, from.arg[0], d[0], from.arg[1], d[1], node));
    if (order == 1) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(inner(range, from.arg[0], from.arg[1], &cross));
    PetscCall(NodeAdd(formula, 1, *node, 2, cross, node));
  } else if (from.kind == NODE_FUNCTION)
    PetscCall(derive_function(range, order, &from, d[0], node));
  else if (from.kind == NODE_IF)
    PetscCall(NodeIf(formula, from.arg[0], d[1], d[2], node));
  else
    PetscCall(NodeConstant(formula, 0, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the operator coef sum_k d_k^order over neighbours k, order 1 or 2? */
static bool is_uniform(const JetOperator *op, int *order, Range *range)
{
  *order = op->index[0].order;
  range->begin = op->index[0].coord[0];
  range->end = range->begin + op->n;
  for (int k = 0; k < op->n; k++) {
    const JetIndex *index = &op->index[k];
    if (index->order != *order || index->coord[0] != range->begin + k || op->coef[k] != op->coef[0]) return false;
    if (*order > 1 && index->coord[1] != index->coord[0]) return false;
  }
  return *order == 1 || *order == 2;
}

PetscErrorCode NodeDeriveLoops(Formula formula, int op, FormulaNode a, FormulaNode *node)
{
  Range range = {.formula = formula, .fits = true};
  FormulaNode written;
  int order, unit;
  double coef;

  PetscFunctionBegin;
  if (formula->operators[op].n <= SHORT) {
    PetscCall(derive_short(formula, op, a, node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (is_uniform(&formula->operators[op], &order, &range)) {
    PetscCall(OperatorScaleLeading(formula, op, &unit, &coef));
    PetscCall(derive_uniform(&range, order, unit, a, node));
    if (coef != 1) PetscCall(NodeScale(formula, coef, *node, node));
    if (range.fits) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodeWriteLoops(formula, a, &written));
  PetscCall(NodeDerive(formula, op, written, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
