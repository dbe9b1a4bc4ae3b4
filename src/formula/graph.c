/* Nodes are hash-consed: equal subexpressions are one node, and operands come before the nodes that use them. */
#include <stdlib.h>
#include <string.h>
#include "formula_impl.h"

static uint64_t hash_node(const Node *node, const SumTerm terms[])
{
  const int head[5] = {(int)node->kind, node->arg[0], node->arg[1], node->arg[2], node->which};
  uint64_t hash = HashBytes(0, sizeof(head), head);
  hash = HashBytes(hash, sizeof(double), &node->value);
  for (int k = 0; k < node->n_term; k++) {
    hash = HashBytes(hash, sizeof(int), &terms[k].node);
    hash = HashBytes(hash, sizeof(double), &terms[k].coef);
  }
  return hash;
}

static bool same_node(Formula formula, const Node *a, const Node *b, const SumTerm b_terms[])
{
  if (a->kind != b->kind || a->which != b->which || a->n_term != b->n_term || a->value != b->value) return false;
  for (int k = 0; k < 3; k++)
    if (a->arg[k] != b->arg[k]) return false;
  const SumTerm *a_terms = formula->terms + a->first;
  for (int k = 0; k < a->n_term; k++)
    if (a_terms[k].node != b_terms[k].node || a_terms[k].coef != b_terms[k].coef) return false;
  return true;
}

bool SupportContains(const Support *support, int coord)
{
  if (support->all) return true;
  if (!support->coord) return coord >= support->first && coord < support->first + support->n;
  int low = 0, high = support->n;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (support->coord[middle] < coord)
      low = middle + 1;
    else
      high = middle;
  }
  return low < support->n && support->coord[low] == coord;
}

PetscErrorCode SupportAddRange(Formula formula, int first, int n, int *id)
{
  PetscFunctionBegin;
  FormulaGrow(formula->supports, formula->n_support, formula->support_capacity);
  formula->supports[formula->n_support] = (Support){.n = n, .first = first};
  *id = formula->n_support++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SupportAdd(Formula formula, int n, int *coord, int *id)
{
  Support support = {.n = n, .first = coord[0], .coord = coord};

  PetscFunctionBegin;
  if (coord[n - 1] - coord[0] == n - 1) {
    PetscCall(PetscFree(coord));
    PetscCall(SupportAddRange(formula, support.first, n, id));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  FormulaGrow(formula->supports, formula->n_support, formula->support_capacity);
  formula->supports[formula->n_support] = support;
  *id = formula->n_support++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int merge_sorted(const Support *a, const Support *b, int *merged)
{
  int n = 0;
  for (int i = 0, j = 0; i < a->n || j < b->n; n++) {
    const int x = i < a->n ? SupportCoordinate(a, i) : 0, y = j < b->n ? SupportCoordinate(b, j) : 0;
    const bool left = j >= b->n || (i < a->n && x <= y);
    const bool both = left && j < b->n && x == y;
    merged[n] = left ? x : y;
    i += left;
    j += !left;
    j += both;
  }
  return n;
}

/* Cheap to see: a range lies in a range. */
static bool is_within(const Support *a, const Support *b)
{
  return !a->coord && !b->coord && a->first >= b->first && a->first + a->n <= b->first + b->n;
}

PetscErrorCode SupportUnion(Formula formula, int a, int b, int *sum)
{
  const Support left = formula->supports[a], right = formula->supports[b];
  int *merged;

  PetscFunctionBegin;
  *sum = left.all || b == SUPPORT_NONE ? a : b;
  if (a == b || left.all || right.all || !left.n || !right.n) PetscFunctionReturn(PETSC_SUCCESS);
  if (is_within(&right, &left) || is_within(&left, &right)) {
    *sum = is_within(&right, &left) ? a : b;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(left.n + right.n, &merged));
  const int n = merge_sorted(&left, &right, merged);
  if (n == left.n || n == right.n) {
    *sum = n == left.n ? a : b;
    PetscCall(PetscFree(merged));
  } else
    PetscCall(SupportAdd(formula, n, merged, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_ints(const void *a, const void *b)
{
  const int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

/* The union over many terms at once: pairwise unions of a long sum would be quadratic. */
static PetscErrorCode support_of_terms(Formula formula, int n, const SumTerm terms[], int *sum)
{
  size_t total = 0;
  int count = 0, *all;

  PetscFunctionBegin;
  *sum = SUPPORT_NONE;
  if (n <= 8) {
    for (int k = 0; k < n; k++) PetscCall(SupportUnion(formula, *sum, formula->nodes[terms[k].node].support, sum));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int k = 0; k < n; k++) {
    const int support = formula->nodes[terms[k].node].support;
    if (formula->supports[support].all) *sum = SUPPORT_ALL;
    total += (size_t)formula->supports[support].n;
  }
  if (*sum == SUPPORT_ALL || !total) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(total, &all));
  total = 0;
  for (int k = 0; k < n; k++) {
    const Support *support = &formula->supports[formula->nodes[terms[k].node].support];
    for (int i = 0; i < support->n; i++) all[total++] = SupportCoordinate(support, i);
  }
  qsort(all, total, sizeof(int), compare_ints);
  for (size_t i = 0; i < total; i++)
    if (!count || all[count - 1] != all[i]) all[count++] = all[i];
  PetscCall(SupportAdd(formula, count, all, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void inherit(Node *node, const Node *operand)
{
  node->network |= operand->network;
  node->normal |= operand->normal;
  node->loop |= operand->loop;
  node->order = PetscMax(node->order, operand->order);
}

/* Is the node affine in the network, given that its operands' properties are known? */
static bool is_affine(Formula formula, const Node *node, const SumTerm terms[])
{
  const Node *nodes = formula->nodes;
  if (!node->network || node->kind == NODE_OUTPUT) return true;
  switch (node->kind) {
  case NODE_SUM:
    for (int k = 0; k < node->n_term; k++)
      if (!nodes[terms[k].node].affine) return false;
    return true;
  case NODE_PRODUCT:
    return (!nodes[node->arg[0]].network && nodes[node->arg[1]].affine) ||
           (!nodes[node->arg[1]].network && nodes[node->arg[0]].affine);
  case NODE_IF:
    return !nodes[node->arg[0]].network && nodes[node->arg[1]].affine && nodes[node->arg[2]].affine;
  case NODE_DERIVATIVE:
    return nodes[node->arg[0]].affine;
  default:
    return false;
  }
}

static PetscErrorCode set_properties(Formula formula, Node *node, const SumTerm terms[])
{
  PetscFunctionBegin;
  node->network = node->kind == NODE_OUTPUT;
  node->normal = node->kind == NODE_NORMAL;
  node->support = node->network ? SUPPORT_ALL : SUPPORT_NONE;
  node->order = 0;
  node->loop = node->kind == NODE_LOOP;
  if (node->kind == NODE_COORDINATE) PetscCall(SupportAddRange(formula, node->arg[0], 1, &node->support));
  if (node->loop) {
    const Loop *loop = &formula->loops[node->which];
    node->order = formula->body->nodes[loop->term].order;
    PetscCall(LoopSupport(formula, loop, &node->support));
  }
  if (node->kind == NODE_SUM) PetscCall(support_of_terms(formula, node->n_term, terms, &node->support));
  for (int k = 0; k < node->n_term; k++) inherit(node, &formula->nodes[terms[k].node]);
  if (node->kind >= NODE_PRODUCT) {
    for (int k = 0; k < 3 && node->arg[k] >= 0; k++) {
      const Node *operand = &formula->nodes[node->arg[k]];
      const bool smooth = node->kind != NODE_COMPARE && !(node->kind == NODE_IF && k == 0);
      inherit(node, operand);
      if (smooth) PetscCall(SupportUnion(formula, node->support, operand->support, &node->support));
    }
  }
  if (node->kind == NODE_DERIVATIVE) node->order += JetOperatorOrder(&formula->operators[node->which]);
  node->affine = is_affine(formula, node, terms);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeIntern(Formula formula, Node node, const SumTerm terms[], FormulaNode *id)
{
  node.value += 0.0; /* -0 and 0 are one constant */
  const uint64_t hash = hash_node(&node, terms);
  HashCursor cursor = HashStart(hash);

  PetscFunctionBegin;
  while ((*id = HashNext(&formula->node_index, &cursor)) >= 0)
    if (same_node(formula, &formula->nodes[*id], &node, terms)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(set_properties(formula, &node, terms));
  node.first = formula->n_term;
  for (int k = 0; k < node.n_term; k++) {
    FormulaGrow(formula->terms, formula->n_term, formula->term_capacity);
    formula->terms[formula->n_term++] = terms[k];
  }
  FormulaGrow(formula->nodes, formula->n_node, formula->node_capacity);
  formula->nodes[formula->n_node] = node;
  *id = formula->n_node++;
  PetscCall(HashInsert(&formula->node_index, hash, *id));
  PetscFunctionReturn(PETSC_SUCCESS);
}
