/* Values that are linear in derivatives, as sums of coefficient times derivative: sum_i c_i(x) d^{a_i} w_i + f(x),
   where w_i is an output of the network or a node that is nonlinear in them. Products with coefficients are multiplied
   out, and derivatives pass into them by the product rule. */
#include <stdlib.h>
#include "linear_impl.h"

/* Longer sums are left as they are: they would fill the memory. */
#define MAX_TERMS 4000000

typedef struct {
  Formula formula;
  LinearForm *form;
} Expansion;

/* node = coef * weight, weight = -1 where it is constant. */
static void strip_constant(Formula formula, FormulaNode node, double *coef, FormulaNode *weight)
{
  const Node *from = &formula->nodes[node];
  *coef = 1;
  *weight = node;
  if (from->kind == NODE_CONSTANT) {
    *coef = from->value;
    *weight = -1;
  } else if (from->kind == NODE_SUM && from->n_term == 1 && from->value == 0) {
    *coef = formula->terms[from->first].coef;
    *weight = formula->terms[from->first].node;
  }
}

/* (coef, weight) *= factor */
static PetscErrorCode multiply_weight(Formula formula, FormulaNode factor, double *coef, FormulaNode *weight)
{
  double constant;

  PetscFunctionBegin;
  if (*weight >= 0) PetscCall(NodeProduct(formula, *weight, factor, &factor));
  strip_constant(formula, factor, &constant, weight);
  *coef *= constant;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static JetIndex raise_index(const JetIndex *index, int coord)
{
  JetIndex raised = *index;
  int k = raised.order++;
  for (; k > 0 && raised.coord[k - 1] > coord; k--) raised.coord[k] = raised.coord[k - 1];
  raised.coord[k] = coord;
  return raised;
}

static PetscErrorCode derive(Formula formula, const JetIndex *index, FormulaNode node, FormulaNode *derivative)
{
  int op;

  PetscFunctionBegin;
  *derivative = node;
  if (!index->order) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OperatorInternIndex(formula, index, 1, &op));
  PetscCall(NodeDerive(formula, op, node, derivative));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_term(LinearForm *form, LinearTerm term)
{
  PetscFunctionBegin;
  form->long_sum |= form->n >= MAX_TERMS;
  if (form->long_sum) PetscFunctionReturn(PETSC_SUCCESS);
  FormulaGrow(form->terms, form->n, form->capacity);
  form->terms[form->n++] = term;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode expand(Expansion *e, FormulaNode id, const JetIndex *index, double coef, FormulaNode weight);

/* coef weight d^rest (factor d^index v), one derivative of `rest` at a time. */
static PetscErrorCode expand_product(Expansion *e, FormulaNode factor, FormulaNode v, const JetIndex *rest,
                                     const JetIndex *index, double coef, FormulaNode weight)
{
  JetIndex fewer = *rest, one = {.order = 1}, raised;
  FormulaNode slope;
  double value;

  PetscFunctionBegin;
  if (e->form->long_sum) PetscFunctionReturn(PETSC_SUCCESS);
  if (NodeIsConstant(e->formula, factor, &value) && value == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (!rest->order) {
    PetscCall(multiply_weight(e->formula, factor, &coef, &weight));
    PetscCall(expand(e, v, index, coef, weight));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  one.coord[0] = rest->coord[--fewer.order];
  raised = raise_index(index, one.coord[0]);
  PetscCall(derive(e->formula, &one, factor, &slope));
  PetscCall(expand_product(e, slope, v, &fewer, index, coef, weight));
  PetscCall(expand_product(e, factor, v, &fewer, &raised, coef, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode expand_sum(Expansion *e, const Node *sum, const JetIndex *index, double coef, FormulaNode weight)
{
  PetscFunctionBegin;
  if (!index->order && sum->value != 0)
    PetscCall(add_term(e->form, (LinearTerm){.of = -1, .coef = coef * sum->value, .weight = weight}));
  for (int k = 0; k < sum->n_term && !e->form->long_sum; k++) {
    const SumTerm term = e->formula->terms[sum->first + k];
    PetscCall(expand(e, term.node, index, coef * term.coef, weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the operator a sum of second derivatives, each by one coordinate? */
static bool is_laplacian(const JetOperator *op)
{
  for (int k = 0; k < op->n; k++)
    if (op->index[k].order != 2 || op->index[k].coord[0] != op->index[k].coord[1] || op->factor) return false;
  return true;
}

/* sum_k c_k d_k^2 (g v) = v sum_k c_k d_k^2 g + 2 sum_k c_k d_k g d_k v + g sum_k c_k d_k^2 v, where the first sum is
   one expression and not a term for each k. */
static PetscErrorCode expand_laplacian(Expansion *e, int id, FormulaNode g, FormulaNode v, double coef,
                                       FormulaNode weight)
{
  const JetIndex none = {0};
  FormulaNode slope;
  double value;
  int n = e->formula->operators[id].n;

  PetscFunctionBegin;
  PetscCall(NodeDerive(e->formula, id, g, &slope));
  if (!NodeIsConstant(e->formula, slope, &value) || value != 0)
    PetscCall(expand_product(e, slope, v, &none, &none, coef, weight));
  for (int k = 0; k < n && !e->form->long_sum; k++) { /* in the order of terms: nothing is left to be sorted */
    const JetIndex one = {1, {e->formula->operators[id].index[k].coord[0]}};
    const double c = coef * e->formula->operators[id].coef[k];
    PetscCall(NodeSlope(e->formula, one.coord[0], g, &value, &slope));
    PetscCall(expand_product(e, slope, v, &none, &one, 2 * c * value, weight));
  }
  for (int k = 0; k < n && !e->form->long_sum; k++) {
    const JetIndex pair = e->formula->operators[id].index[k];
    PetscCall(expand_product(e, g, v, &none, &pair, coef * e->formula->operators[id].coef[k], weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode expand_derivative(Expansion *e, const Node *node, const JetIndex *index, double coef,
                                        FormulaNode weight)
{
  const JetOperator op = e->formula->operators[node->which];
  const Node of = e->formula->nodes[node->arg[0]];

  PetscFunctionBegin;
  if (!index->order && LinearProduct(e->formula, &of) && is_laplacian(&op)) {
    const bool first = e->formula->nodes[of.arg[0]].network;
    PetscCall(expand_laplacian(e, node->which, of.arg[first], of.arg[!first], coef, weight));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int k = 0; k < op.n && !e->form->long_sum; k++) {
    JetIndex raised = *index;
    for (int i = 0; i < op.index[k].order; i++) raised = raise_index(&raised, op.index[k].coord[i]);
    PetscCall(expand(e, node->arg[0], &raised, coef * op.coef[k], weight));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds coef weight d^index of the node. */
static PetscErrorCode expand(Expansion *e, FormulaNode id, const JetIndex *index, double coef, FormulaNode weight)
{
  const Node node = e->formula->nodes[id];
  const JetIndex none = {0};

  PetscFunctionBegin;
  if (e->form->long_sum) PetscFunctionReturn(PETSC_SUCCESS);
  if (!node.network) {
    PetscCall(derive(e->formula, index, id, &id));
    PetscCall(multiply_weight(e->formula, id, &coef, &weight));
    PetscCall(add_term(e->form, (LinearTerm){.of = -1, .coef = coef, .weight = weight}));
  } else if (node.kind == NODE_SUM)
    PetscCall(expand_sum(e, &node, index, coef, weight));
  else if (node.kind == NODE_DERIVATIVE)
    PetscCall(expand_derivative(e, &node, index, coef, weight));
  else if (LinearProduct(e->formula, &node)) {
    const bool first = e->formula->nodes[node.arg[0]].network;
    PetscCall(expand_product(e, node.arg[first], node.arg[!first], index, &none, coef, weight));
  } else
    PetscCall(add_term(e->form, (LinearTerm){id, *index, coef, weight}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool LinearProduct(Formula formula, const Node *node)
{
  return node->kind == NODE_PRODUCT && formula->nodes[node->arg[0]].network != formula->nodes[node->arg[1]].network;
}

static int compare_derivatives(const LinearTerm *x, const LinearTerm *y)
{
  if (x->of != y->of) return (x->of > y->of) - (x->of < y->of);
  return JetIndexCompare(&x->index, &y->index);
}

static int compare_terms(const void *a, const void *b)
{
  const LinearTerm *x = a, *y = b;
  const int order = compare_derivatives(x, y);
  if (order) return order;
  if (x->weight != y->weight) return (x->weight > y->weight) - (x->weight < y->weight);
  return (x->coef > y->coef) - (x->coef < y->coef);
}

/* The sum of n terms of one derivative. */
static PetscErrorCode add_coefficients(Formula formula, int n, const LinearTerm terms[], LinearTerm *sum)
{
  SumTerm *weights;
  FormulaNode node;
  double constant = 0;
  int m = 0;

  PetscFunctionBegin;
  *sum = terms[0];
  if (n == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &weights));
  for (int k = 0; k < n; k++) {
    if (terms[k].weight < 0)
      constant += terms[k].coef;
    else
      weights[m++] = (SumTerm){terms[k].weight, terms[k].coef};
  }
  PetscCall(NodeSum(formula, constant, m, weights, &node));
  strip_constant(formula, node, &sum->coef, &sum->weight);
  PetscCall(PetscFree(weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode merge_terms(Formula formula, LinearForm *form)
{
  int m = 0;

  PetscFunctionBegin;
  bool sorted = true;
  for (int k = 1; k < form->n && sorted; k++) sorted = compare_terms(&form->terms[k - 1], &form->terms[k]) <= 0;
  if (!sorted) qsort(form->terms, (size_t)form->n, sizeof(form->terms[0]), compare_terms);
  for (int k = 0, end; k < form->n; k = end) {
    LinearTerm sum;
    for (end = k + 1; end < form->n && !compare_derivatives(&form->terms[k], &form->terms[end]);) end++;
    PetscCall(add_coefficients(formula, end - k, form->terms + k, &sum));
    if (sum.coef != 0) form->terms[m++] = sum;
  }
  form->n = form->capacity = m;
  if (m) PetscCall(PetscRealloc(sizeof(form->terms[0]) * (size_t)m, &form->terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearFormCreate(Formula formula, FormulaNode node, LinearForm *form)
{
  const JetIndex none = {0};
  Expansion e = {formula, form};

  PetscFunctionBegin;
  *form = (LinearForm){.node = node};
  PetscCall(expand(&e, node, &none, 1, -1));
  if (form->long_sum) form->n = 0;
  PetscCall(merge_terms(formula, form));
  for (int k = 0; k < form->n; k++) form->varies |= form->terms[k].index.order && form->terms[k].weight >= 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearFormDestroy(LinearForm *form)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(form->terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}
