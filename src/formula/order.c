/* How often an expression derives a network output by one coordinate. */
#include "formula_impl.h"

static int operator_order(const JetOperator *op, int coord)
{
  int most = 0;
  for (int k = 0; k < op->n; k++) {
    int order = 0;
    for (int i = 0; i < op->index[k].order; i++) order += op->index[k].coord[i] == coord;
    most = PetscMax(most, order);
  }
  return most;
}

/* of [in] [node] the orders of all nodes before it. */
static int node_order(Formula formula, const Node *node, int output, int coord, const int of[])
{
  int most = node->kind == NODE_OUTPUT && node->arg[0] == output ? 0 : -1;
  switch (node->kind) {
  case NODE_SUM:
    for (int k = 0; k < node->n_term; k++) most = PetscMax(most, of[formula->terms[node->first + k].node]);
    break;
  case NODE_IF:
    most = PetscMax(of[node->arg[1]], of[node->arg[2]]);
    break;
  case NODE_PRODUCT:
    most = PetscMax(of[node->arg[0]], of[node->arg[1]]);
    break;
  case NODE_FUNCTION:
    most = of[node->arg[0]];
    break;
  case NODE_DERIVATIVE:
    most = of[node->arg[0]];
    if (most >= 0) most += operator_order(&formula->operators[node->which], coord);
    break;
  default:
    break;
  }
  return most;
}

PetscErrorCode FormulaOrder(Formula formula, FormulaNode node, int output, int coord, int *order)
{
  int *of;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(node + 1, &of)); /* operands come before the nodes that use them */
  for (int k = 0; k <= node; k++) of[k] = node_order(formula, &formula->nodes[k], output, coord, of);
  *order = of[node];
  PetscCall(PetscFree(of));
  PetscFunctionReturn(PETSC_SUCCESS);
}
