/* Derivatives by one coordinate of expressions with long sums in them: a few terms of each sum. */
#include "formula_impl.h"

PetscErrorCode NodeDeriveBy(Formula formula, int coord, FormulaNode a, FormulaNode *node)
{
  double coef = 1;

  PetscFunctionBegin;
  PetscCall(NodeSlope(formula, coord, a, &coef, node));
  if (coef != 1) PetscCall(NodeScale(formula, coef, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeLeibniz(Formula formula, FormulaNode u, FormulaNode du, FormulaNode v, FormulaNode dv,
                           FormulaNode *node)
{
  FormulaNode left, right;

  PetscFunctionBegin;
  PetscCall(NodeProduct(formula, u, dv, &left));
  PetscCall(NodeProduct(formula, v, du, &right));
  PetscCall(NodeAdd(formula, 1, left, 1, right, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms of a derivative by one coordinate. */
typedef struct {
  int n, capacity;
  SumTerm *terms;
} Slope;

static PetscErrorCode add_slope(Formula formula, Slope *slope, double coef, FormulaNode node)
{
  const Node *sum = &formula->nodes[node];

  PetscFunctionBegin;
  FormulaGrow(slope->terms, slope->n, slope->capacity);
  slope->terms[slope->n] = (SumTerm){node, coef};
  if (sum->kind == NODE_SUM && sum->n_term == 1 && sum->value == 0) {
    slope->terms[slope->n] = formula->terms[sum->first];
    slope->terms[slope->n].coef *= coef;
  }
  slope->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d_coord of a sum: the terms that have the coordinate in a slot that moves, and a sum by the slots that stay. */
static PetscErrorCode derive_loop_by(Formula formula, int coord, const Loop *loop, double coef, Slope *slope)
{
  Loop part = *loop;
  FormulaNode term;
  int i;

  PetscFunctionBegin;
  for (int s = 0; s < loop->n_slot; s++) {
    const bool stays = !loop->slot[s].step && loop->slot[s].first == coord;
    double factor = coef;
    if (!stays && !LoopSolve(loop->slot[s], coord, loop->first, loop->last, &i)) continue;
    PetscCall(NodeDeriveBy(formula->body, s, loop->term, &part.term));
    const Node *from = &formula->body->nodes[part.term];
    if (from->kind == NODE_SUM && from->n_term == 1 && from->value == 0) { /* a factor is not copied each time */
      factor *= formula->body->terms[from->first].coef;
      part.term = formula->body->terms[from->first].node;
    }
    if (stays)
      PetscCall(NodeLoop(formula, &part, &term));
    else
      PetscCall(NodeLoopTerm(formula, &part, i, &term));
    PetscCall(add_slope(formula, slope, factor, term));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode derive_node_by(Formula formula, int coord, FormulaNode a, FormulaNode *node);

static PetscErrorCode gather_slope(Formula formula, int coord, FormulaNode a, double coef, Slope *slope)
{
  const Node from = formula->nodes[a];
  const JetIndex index = {1, {coord}};
  FormulaNode node;
  int op;

  PetscFunctionBegin;
  if (!SupportContains(&formula->supports[from.support], coord)) PetscFunctionReturn(PETSC_SUCCESS);
  if (from.kind == NODE_SUM && from.loop && !from.network) {
    for (int k = 0; k < from.n_term; k++) {
      const SumTerm term = formula->terms[from.first + k];
      PetscCall(gather_slope(formula, coord, term.node, coef * term.coef, slope));
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (from.kind == NODE_LOOP) {
    const Loop loop = formula->loops[from.which];
    PetscCall(derive_loop_by(formula, coord, &loop, coef, slope));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (from.loop && !from.network)
    PetscCall(derive_node_by(formula, coord, a, &node));
  else {
    PetscCall(OperatorInternIndex(formula, &index, 1, &op));
    PetscCall(NodeDerive(formula, op, a, &node));
  }
  PetscCall(add_slope(formula, slope, coef, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeSlope(Formula formula, int coord, FormulaNode a, double *coef, FormulaNode *node)
{
  Slope slope = {0};

  PetscFunctionBegin;
  PetscCall(gather_slope(formula, coord, a, 1, &slope));
  *coef = 1;
  if (slope.n == 1) {
    *coef = slope.terms[0].coef;
    *node = slope.terms[0].node;
  } else
    PetscCall(NodeSum(formula, 0, slope.n, slope.terms, node));
  PetscCall(PetscFree(slope.terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a product, function or branch with loops in it. */
static PetscErrorCode derive_node_by(Formula formula, int coord, FormulaNode a, FormulaNode *node)
{
  const Node from = formula->nodes[a];
  FormulaNode d[3], slope;

  PetscFunctionBegin;
  for (int k = 0; k < 3 && from.kind != NODE_COMPARE && from.arg[k] >= 0; k++)
    if (!(from.kind == NODE_IF && k == 0)) PetscCall(NodeDeriveBy(formula, coord, from.arg[k], &d[k]));
  switch (from.kind) {
  case NODE_PRODUCT:
    PetscCall(NodeLeibniz(formula, from.arg[0], d[0], from.arg[1], d[1], node));
    break;
  case NODE_FUNCTION:
    PetscCall(NodeFunctionSlope(formula, 1, (Elementary)from.which, from.value, from.arg[0], &slope));
    PetscCall(NodeProduct(formula, slope, d[0], node));
    break;
  case NODE_IF:
    PetscCall(NodeIf(formula, from.arg[0], d[1], d[2], node));
    break;
  default: /* NODE_COMPARE */
    PetscCall(NodeConstant(formula, 0, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
