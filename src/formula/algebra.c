/* Constructors of nodes. Each simplifies only in ways that are exact for every value of the operands (constants fold,
   equal terms of a sum merge, 0 x is 0), so that a formula means what it says. */
#include <math.h>
#include <stdlib.h>
#include "formula_impl.h"

/* Longer sums stay one node when they become a term of another sum: copying them would be quadratic. */
#define MAX_FLATTENED 1024

static Node plain_node(NodeKind kind)
{
  return (Node){.kind = kind, .arg = {-1, -1, -1}};
}

PetscErrorCode NodeConstant(Formula formula, double value, FormulaNode *node)
{
  Node constant = plain_node(NODE_CONSTANT);

  PetscFunctionBegin;
  constant.value = value;
  PetscCall(NodeIntern(formula, constant, NULL, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeOutput(Formula formula, int output, FormulaNode *node)
{
  Node leaf = plain_node(NODE_OUTPUT);

  PetscFunctionBegin;
  leaf.arg[0] = output;
  PetscCall(NodeIntern(formula, leaf, NULL, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NodeIsConstant(Formula formula, FormulaNode node, double *value)
{
  if (formula->nodes[node].kind != NODE_CONSTANT) return false;
  *value = formula->nodes[node].value;
  return true;
}

/* A sum under construction. */
typedef struct {
  double constant;
  int n, capacity;
  SumTerm *terms;
} Gathered;

static PetscErrorCode gather(Formula formula, double coef, FormulaNode node, Gathered *sum)
{
  const Node *from = &formula->nodes[node];

  PetscFunctionBegin;
  if (from->kind == NODE_CONSTANT)
    sum->constant += coef * from->value;
  else if (from->kind == NODE_SUM && from->n_term <= MAX_FLATTENED) {
    sum->constant += coef * from->value;
    for (int k = 0; k < from->n_term; k++) {
      const SumTerm term = formula->terms[from->first + k];
      PetscCall(gather(formula, coef * term.coef, term.node, sum));
    }
  } else {
    FormulaGrow(sum->terms, sum->n, sum->capacity);
    sum->terms[sum->n++] = (SumTerm){node, coef};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_terms(const void *a, const void *b)
{
  const SumTerm *x = a, *y = b;
  if (x->node != y->node) return (x->node > y->node) - (x->node < y->node);
  return (x->coef > y->coef) - (x->coef < y->coef);
}

/* Sorts, adds up equal nodes, drops what cancels. */
static void merge_terms(Gathered *sum)
{
  int n = 0;
  qsort(sum->terms, (size_t)sum->n, sizeof(SumTerm), compare_terms);
  for (int k = 0; k < sum->n; k++) {
    if (n && sum->terms[n - 1].node == sum->terms[k].node)
      sum->terms[n - 1].coef += sum->terms[k].coef;
    else {
      if (n && sum->terms[n - 1].coef == 0) n--;
      sum->terms[n++] = sum->terms[k];
    }
  }
  if (n && sum->terms[n - 1].coef == 0) n--;
  sum->n = n;
}

typedef struct {
  FormulaNode of;
  int term;
} DerivativeTerm;

static int compare_derivatives(const void *a, const void *b)
{
  const DerivativeTerm *x = a, *y = b;
  if (x->of != y->of) return (x->of > y->of) - (x->of < y->of);
  return (x->term > y->term) - (x->term < y->term);
}

/* total = sum of the derivative terms list[0 .. n), by halves: adding one by one would be quadratic in long sums. */
static PetscErrorCode add_operators(Formula formula, int n, const DerivativeTerm list[], const Gathered *sum,
                                    JetOperator *total)
{
  JetOperator left, right;

  PetscFunctionBegin;
  if (n == 1) {
    const SumTerm term = sum->terms[list[0].term];
    PetscCall(JetOperatorCopy(&formula->operators[formula->nodes[term.node].which], total));
    for (int k = 0; k < total->n; k++) total->coef[k] *= term.coef;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(add_operators(formula, n / 2, list, sum, &left));
  PetscCall(add_operators(formula, n - n / 2, list + n / 2, sum, &right));
  PetscCall(JetOperatorAdd(1, &left, 1, &right, total));
  PetscCall(JetOperatorDestroy(&left));
  PetscCall(JetOperatorDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Replaces the derivatives of one operand, terms list[0 .. n), by one. */
static PetscErrorCode merge_operators(Formula formula, int n, const DerivativeTerm list[], Gathered *sum)
{
  Node node = plain_node(NODE_DERIVATIVE);
  JetOperator total;
  SumTerm merged = {.node = sum->terms[list[0].term].node};
  int id;

  PetscFunctionBegin;
  PetscCall(add_operators(formula, n, list, sum, &total));
  if (total.n) {
    PetscCall(OperatorIntern(formula, &total, &id));
    PetscCall(OperatorScaleLeading(formula, id, &node.which, &merged.coef));
    node.arg[0] = list[0].of;
    PetscCall(NodeIntern(formula, node, NULL, &merged.node));
  }
  for (int i = 0; i < n; i++) sum->terms[list[i].term].coef = 0;
  sum->terms[list[0].term] = merged;
  PetscCall(JetOperatorDestroy(&total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u_xx + u_yy becomes one operator applied to u, which a program can carry as one column. Operators with factors are
   complete as they are: alone they may be shared with other sums. */
static PetscErrorCode merge_derivatives(Formula formula, Gathered *sum)
{
  DerivativeTerm *list;
  int n = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(sum->n, &list));
  for (int k = 0; k < sum->n; k++) {
    const Node *node = &formula->nodes[sum->terms[k].node];
    if (node->kind != NODE_DERIVATIVE || formula->operators[node->which].factor) continue;
    list[n++] = (DerivativeTerm){node->arg[0], k};
  }
  if (n) qsort(list, (size_t)n, sizeof(list[0]), compare_derivatives);
  bool merged = false;
  for (int k = 0, end; k < n; k = end) {
    for (end = k + 1; end < n && list[end].of == list[k].of;) end++;
    if (end == k + 1) continue;
    PetscCall(merge_operators(formula, end - k, list + k, sum));
    merged = true;
  }
  PetscCall(PetscFree(list));
  if (merged) merge_terms(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode intern_sum(Formula formula, const Gathered *sum, FormulaNode *node)
{
  Node out = plain_node(NODE_SUM);

  PetscFunctionBegin;
  if (!sum->n)
    PetscCall(NodeConstant(formula, sum->constant, node));
  else if (sum->n == 1 && sum->constant == 0 && sum->terms[0].coef == 1)
    *node = sum->terms[0].node;
  else {
    out.value = sum->constant;
    out.n_term = sum->n;
    PetscCall(NodeIntern(formula, out, sum->terms, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms without network become one term beside those with it: a program then keeps one static row for them all. */
static PetscErrorCode group_static_terms(Formula formula, Gathered *sum)
{
  int n = 0, m = 0;
  Gathered fixed = {0};
  SumTerm group = {.coef = 1};

  PetscFunctionBegin;
  for (int k = 0; k < sum->n; k++) n += !formula->nodes[sum->terms[k].node].network;
  if (n < 2 || n == sum->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n, &fixed.terms));
  for (int k = 0; k < sum->n; k++) {
    if (formula->nodes[sum->terms[k].node].network)
      sum->terms[m++] = sum->terms[k];
    else
      fixed.terms[fixed.n++] = sum->terms[k];
  }
  PetscCall(intern_sum(formula, &fixed, &group.node));
  PetscCall(PetscFree(fixed.terms));
  sum->terms[m++] = group;
  sum->n = m;
  qsort(sum->terms, (size_t)m, sizeof(SumTerm), compare_terms);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeSum(Formula formula, double constant, int n, const SumTerm terms[], FormulaNode *node)
{
  Gathered sum = {.constant = constant};

  PetscFunctionBegin;
  for (int k = 0; k < n; k++) PetscCall(gather(formula, terms[k].coef, terms[k].node, &sum));
  if (sum.n > 1) {
    merge_terms(&sum);
    PetscCall(merge_derivatives(formula, &sum));
    PetscCall(group_static_terms(formula, &sum));
  } else if (sum.n && sum.terms[0].coef == 0)
    sum.n = 0;
  PetscCall(intern_sum(formula, &sum, node));
  PetscCall(PetscFree(sum.terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeAdd(Formula formula, double alpha, FormulaNode a, double beta, FormulaNode b, FormulaNode *node)
{
  const SumTerm terms[2] = {{a, alpha}, {b, beta}};

  PetscFunctionBegin;
  PetscCall(NodeSum(formula, 0, 2, terms, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeScale(Formula formula, double factor, FormulaNode a, FormulaNode *node)
{
  const SumTerm term = {a, factor};

  PetscFunctionBegin;
  PetscCall(NodeSum(formula, 0, 1, &term, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* c * node -> node, returning c. */
static double strip_factor(Formula formula, FormulaNode *node)
{
  const Node *from = &formula->nodes[*node];
  if (from->kind != NODE_SUM || from->n_term != 1 || from->value != 0) return 1;
  const SumTerm term = formula->terms[from->first];
  *node = term.node;
  return term.coef;
}

/* node = base^p with a whole p >= 1 (p = 1 for most nodes). */
static double whole_power(Formula formula, FormulaNode node, FormulaNode *base)
{
  const Node *from = &formula->nodes[node];
  *base = node;
  if (from->kind != NODE_FUNCTION || from->which != ELEMENTARY_POW) return 1;
  if (from->value < 1 || from->value != floor(from->value)) return 1;
  *base = from->arg[0];
  return from->value;
}

PetscErrorCode NodeProduct(Formula formula, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  Node product = plain_node(NODE_PRODUCT);
  FormulaNode base_a, base_b;
  double value;

  PetscFunctionBegin;
  if (NodeIsConstant(formula, a, &value)) {
    PetscCall(NodeScale(formula, value, b, node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (NodeIsConstant(formula, b, &value)) {
    PetscCall(NodeScale(formula, value, a, node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const double factor = strip_factor(formula, &a) * strip_factor(formula, &b);
  const double power = whole_power(formula, a, &base_a) + whole_power(formula, b, &base_b);
  if (base_a == base_b)
    PetscCall(NodeFunction(formula, ELEMENTARY_POW, power, base_a, node));
  else {
    product.arg[0] = PetscMin(a, b);
    product.arg[1] = PetscMax(a, b);
    PetscCall(NodeIntern(formula, product, NULL, node));
  }
  if (factor != 1) PetscCall(NodeScale(formula, factor, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodePower(Formula formula, FormulaNode base, FormulaNode exponent, FormulaNode *node)
{
  double p, x;
  const bool constant = NodeIsConstant(formula, exponent, &p);

  PetscFunctionBegin;
  if (constant && NodeIsConstant(formula, base, &x))
    PetscCall(NodeConstant(formula, pow(x, p), node));
  else if (constant && p == 0)
    PetscCall(NodeConstant(formula, 1, node));
  else if (constant)
    PetscCall(NodeFunction(formula, ELEMENTARY_POW, p, base, node));
  else { /* x^y = exp(y log x) */
    PetscCall(NodeFunction(formula, ELEMENTARY_LOG, 0, base, node));
    PetscCall(NodeProduct(formula, exponent, *node, node));
    PetscCall(NodeFunction(formula, ELEMENTARY_EXP, 0, *node, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeFunction(Formula formula, Elementary function, double parameter, FormulaNode a, FormulaNode *node)
{
  Node out = plain_node(NODE_FUNCTION);
  double x;

  PetscFunctionBegin;
  if (function == ELEMENTARY_POW && parameter == 1)
    *node = a;
  else if (NodeIsConstant(formula, a, &x))
    PetscCall(NodeConstant(formula, ElementaryValue(function, parameter, x), node));
  else {
    out.which = (int)function;
    out.value = parameter;
    out.arg[0] = a;
    PetscCall(NodeIntern(formula, out, NULL, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double RelationValue(Relation relation, double a, double b)
{
  if (isnan(a) || isnan(b)) return NAN;
  switch (relation) {
  case RELATION_LT:
    return a < b;
  case RELATION_LE:
    return a <= b;
  case RELATION_GT:
    return a > b;
  case RELATION_GE:
    return a >= b;
  case RELATION_EQ:
    return a == b;
  default:
    return a != b;
  }
}

PetscErrorCode NodeCompare(Formula formula, Relation relation, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  Node compare = plain_node(NODE_COMPARE);
  double x, y;

  PetscFunctionBegin;
  if (NodeIsConstant(formula, a, &x) && NodeIsConstant(formula, b, &y))
    PetscCall(NodeConstant(formula, RelationValue(relation, x, y), node));
  else {
    compare.which = (int)relation;
    compare.arg[0] = a;
    compare.arg[1] = b;
    PetscCall(NodeIntern(formula, compare, NULL, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeIf(Formula formula, FormulaNode condition, FormulaNode a, FormulaNode b, FormulaNode *node)
{
  Node choice = plain_node(NODE_IF);
  double value;

  PetscFunctionBegin;
  if (a == b)
    *node = a;
  else if (NodeIsConstant(formula, condition, &value))
    *node = value != 0 ? a : b;
  else {
    choice.arg[0] = condition;
    choice.arg[1] = a;
    choice.arg[2] = b;
    PetscCall(NodeIntern(formula, choice, NULL, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
