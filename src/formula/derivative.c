/* The derivative algebra: operators distribute over sums, compose with each other, pass by factors they do not touch,
   and stay as one node in front of everything nonlinear. */
#include <math.h>
#include "formula_impl.h"

/* Longer sums keep the operator in front: distributing each of many derivatives over them would be quadratic. */
#define MAX_DISTRIBUTED 1024

PetscErrorCode NodeDeriveOrder(Formula formula, int op, FormulaNode a, int *order)
{
  const Node *node = &formula->nodes[a];

  PetscFunctionBegin;
  *order = node->order;
  PetscCall(OperatorRestrict(formula, op, node->support, &op));
  if (op >= 0 && node->kind != NODE_COORDINATE) *order += JetOperatorOrder(&formula->operators[op]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode derive_sum(Formula formula, int op, FormulaNode a, FormulaNode *node)
{
  const Node sum = formula->nodes[a];
  SumTerm *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(sum.n_term, &terms));
  for (int k = 0; k < sum.n_term; k++) {
    const SumTerm term = formula->terms[sum.first + k];
    terms[k].coef = term.coef;
    PetscCall(NodeDerive(formula, op, term.node, &terms[k].node));
  }
  PetscCall(NodeSum(formula, 0, sum.n_term, terms, node));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode derive_coordinate(Formula formula, int op, FormulaNode *node)
{
  const JetOperator from = formula->operators[op];
  double slope = 0;

  PetscFunctionBegin;
  for (int k = 0; k < from.n; k++) slope += from.index[k].order == 1 ? from.coef[k] : 0;
  PetscCall(NodeConstant(formula, slope, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool is_monomial(Formula formula, const Node *node)
{
  return node->kind == NODE_FUNCTION && node->which == ELEMENTARY_POW && node->value == floor(node->value) &&
         node->value > 0 && formula->nodes[node->arg[0]].kind == NODE_COORDINATE;
}

/* d^k x^p = p (p - 1) ... x^(p - k) */
static PetscErrorCode derive_monomial(Formula formula, int op, const Node *power, FormulaNode *node)
{
  const JetOperator from = formula->operators[op];
  FormulaNode lower, exponent;

  PetscFunctionBegin;
  PetscCall(NodeConstant(formula, 0, node));
  for (int k = 0; k < from.n; k++) {
    const int order = from.index[k].order;
    double coef = from.coef[k];
    for (int i = 0; i < order; i++) coef *= power->value - i;
    if (coef == 0) continue;
    PetscCall(NodeConstant(formula, power->value - order, &exponent));
    PetscCall(NodePower(formula, power->arg[0], exponent, &lower));
    PetscCall(NodeAdd(formula, 1, *node, coef, lower, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factor of a product that op does not touch, -1 where there is none. */
static int find_untouched(Formula formula, int op, const Node *product)
{
  for (int k = 0; k < 2; k++)
    if (!OperatorTouches(formula, op, formula->nodes[product->arg[k]].support)) return k;
  return -1;
}

static PetscErrorCode intern_derivative(Formula formula, int op, FormulaNode a, FormulaNode *node)
{
  Node out = {.kind = NODE_DERIVATIVE, .arg = {a, -1, -1}};
  double factor;

  PetscFunctionBegin;
  PetscCall(OperatorScaleLeading(formula, op, &out.which, &factor));
  PetscCall(NodeIntern(formula, out, NULL, node));
  if (factor != 1) PetscCall(NodeScale(formula, factor, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeDerive(Formula formula, int op, FormulaNode a, FormulaNode *node)
{
  const Node from = formula->nodes[a];
  int factor = -1;

  PetscFunctionBegin;
  PetscCall(OperatorRestrict(formula, op, from.support, &op));
  if (op < 0) {
    PetscCall(NodeConstant(formula, 0, node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (from.kind == NODE_PRODUCT) factor = find_untouched(formula, op, &from);
  if (factor >= 0) {
    PetscCall(NodeDerive(formula, op, from.arg[1 - factor], node));
    PetscCall(NodeProduct(formula, from.arg[factor], *node, node));
  } else if (from.kind == NODE_COORDINATE)
    PetscCall(derive_coordinate(formula, op, node));
  else if (is_monomial(formula, &from))
    PetscCall(derive_monomial(formula, op, &from, node));
  else if (from.kind == NODE_SUM && (from.n_term <= MAX_DISTRIBUTED || (from.loop && !from.network)))
    PetscCall(derive_sum(formula, op, a, node));
  else if (from.loop && !from.network)
    PetscCall(NodeDeriveLoops(formula, op, a, node));
  else if (from.kind == NODE_DERIVATIVE) {
    PetscCall(OperatorCompose(formula, op, from.which, &op));
    PetscCall(intern_derivative(formula, op, from.arg[0], node));
  } else
    PetscCall(intern_derivative(formula, op, a, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
