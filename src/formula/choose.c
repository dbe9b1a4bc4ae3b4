/* Where linear forms save columns. A form is written out only where taking it back would cost a column, so that
   programs that gain nothing keep their expressions as they were read.

   Written out, the derivatives of one output that no other one needs as a divisor become one operator with factors, one
   column of the network. Where their factors are all the same it is a constant operator times the factor. Where
   coordinates can be replaced by fewer, derivatives of first order are divisors that the others may not bring along:
   then they may be worth a place in the operator. */
#include <stdlib.h>
#include "linear_impl.h"
#include "program_impl.h"

#define LONG_FORM 4096 /* terms: such a form is written out without a look at what it would cost not to */

typedef struct {
  Formula formula;
  const JetReducer *reducer;
  bool seeds; /* derivatives of first order belong into operators, too */
  int n_form, capacity;
  LinearForm *forms;
  PairMap seen;    /* (node, 0) values that have been looked into */
  PairMap form_of; /* (node, 0) -> form */
  PairMap refused; /* (operator, 0) not worth a column with what else is enabled */
  PairMap written; /* (node, 0) -> node of the same value in the expression being written */
} Chooser;

static bool is_linear(Formula formula, const Node *node)
{
  return node->kind == NODE_SUM || node->kind == NODE_DERIVATIVE || LinearProduct(formula, node);
}

/* The forms of a node whose value is wanted, and of the values in it. */
static PetscErrorCode collect(Chooser *c, FormulaNode id)
{
  const Node node = c->formula->nodes[id];
  LinearForm form;

  PetscFunctionBegin;
  if (!node.network || PairMapFind(&c->seen, id, 0) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PairMapInsert(&c->seen, id, 0, 1));
  if (!is_linear(c->formula, &node)) {
    for (int k = 0; k < 3 && node.kind != NODE_OUTPUT && node.arg[k] >= 0; k++) PetscCall(collect(c, node.arg[k]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(LinearFormCreate(c->formula, id, &form));
  for (int k = 0; k < form.n; k++)
    if (form.terms[k].of >= 0 && !form.terms[k].index.order) PetscCall(collect(c, form.terms[k].of));
  if (!form.varies) {
    PetscCall(LinearFormDestroy(&form));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  FormulaGrow(c->forms, c->n_form, c->capacity);
  PetscCall(PairMapInsert(&c->form_of, id, 0, c->n_form));
  c->forms[c->n_form++] = form;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sum being written. */
typedef struct {
  double constant;
  int n, capacity;
  SumTerm *terms;
} Writing;

static PetscErrorCode write_term(Chooser *c, Writing *sum, double coef, FormulaNode weight, FormulaNode node)
{
  PetscFunctionBegin;
  if (weight >= 0) PetscCall(NodeProduct(c->formula, weight, node, &node));
  FormulaGrow(sum->terms, sum->n, sum->capacity);
  sum->terms[sum->n++] = (SumTerm){node, coef};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_weights(const void *a, const void *b)
{
  const LinearTerm *x = a, *y = b;
  if (x->weight != y->weight) return (x->weight > y->weight) - (x->weight < y->weight);
  return JetIndexCompare(&x->index, &y->index);
}

static PetscErrorCode intern_terms(Formula formula, int n, const LinearTerm terms[], bool with_weights, int *op,
                                   double *leading)
{
  JetIndex *index;
  JetOperator list;
  double *coef;
  int *factor;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &index, n, &coef, n, &factor));
  for (int k = 0; k < n; k++) {
    index[k] = terms[k].index;
    coef[k] = terms[k].coef;
    factor[k] = with_weights ? terms[k].weight : -1;
  }
  PetscCall(JetOperatorCreateVariable(n, index, coef, factor, &list));
  PetscCall(PetscFree3(index, coef, factor));
  PetscCall(OperatorInternLeading(formula, &list, op, leading));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivatives `terms` of one node as one operator with factors; *done = false where that has been refused. */
static PetscErrorCode write_collapsed(Chooser *c, Writing *sum, int n, const LinearTerm terms[], bool *done)
{
  Node node = {.kind = NODE_DERIVATIVE, .arg = {terms[0].of, -1, -1}};
  FormulaNode column;
  double coef;

  PetscFunctionBegin;
  PetscCall(intern_terms(c->formula, n, terms, true, &node.which, &coef));
  *done = PairMapFind(&c->refused, node.which, 0) < 0;
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NodeIntern(c->formula, node, NULL, &column));
  PetscCall(write_term(c, sum, coef, -1, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The derivatives `terms` of one node, those with the same weight together; reorders them. */
static PetscErrorCode write_derivatives(Chooser *c, Writing *sum, int n, LinearTerm terms[], bool collapse)
{
  FormulaNode derivative;
  double leading;
  bool done = false;
  int op;

  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  bool varies = false;
  for (int k = 1; k < n && !varies; k++) varies = terms[k].weight != terms[0].weight;
  if (collapse && varies && c->formula->nodes[terms[0].of].kind == NODE_OUTPUT)
    PetscCall(write_collapsed(c, sum, n, terms, &done));
  if (!done) qsort(terms, (size_t)n, sizeof(terms[0]), compare_weights);
  for (int k = 0, end; k < n && !done; k = end) {
    for (end = k + 1; end < n && terms[end].weight == terms[k].weight;) end++;
    PetscCall(intern_terms(c->formula, end - k, terms + k, false, &op, &leading));
    PetscCall(NodeDerive(c->formula, op, terms[k].of, &derivative));
    PetscCall(write_term(c, sum, leading, terms[k].weight, derivative));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool divides(const JetIndex *a, const JetIndex *b)
{
  int i = 0;
  for (int k = 0; k < b->order && i < a->order; k++) i += a->coord[i] == b->coord[k];
  return i == a->order && a->order < b->order;
}

/* Does term k divide one of those after it, up to `end`? touched [n_coord]: the coordinates of terms of order 2 and
   more; with them, long sums of second order cost no search. */
static bool is_divisor(const LinearForm *form, int k, int end, const bool touched[])
{
  const JetIndex *index = &form->terms[k].index;
  if (index->order == 1) return touched[index->coord[0]];
  for (int j = end - 1; j > k && form->terms[j].index.order > index->order; j--)
    if (divides(index, &form->terms[j].index)) return true;
  return false;
}

static PetscErrorCode write_value(Chooser *c, FormulaNode id, FormulaNode *written);

/* The terms [begin, end) of a form, which are all of one node: its value, derivatives that are divisors of others and
   come with them, and those on top. */
static PetscErrorCode write_terms_of_node(Chooser *c, const LinearForm *form, int begin, int end, Writing *sum)
{
  LinearTerm *lower, *top;
  FormulaNode value;
  bool *touched;
  int n_lower = 0, n_top = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(end - begin, &lower, end - begin, &top));
  PetscCall(PetscCalloc1(c->formula->n_coord, &touched));
  for (int k = begin; k < end; k++)
    for (int i = 0; i < form->terms[k].index.order && form->terms[k].index.order > 1; i++)
      touched[form->terms[k].index.coord[i]] = true;
  for (int k = begin; k < end; k++) {
    const LinearTerm term = form->terms[k];
    if (!term.index.order) {
      PetscCall(write_value(c, term.of, &value));
      PetscCall(write_term(c, sum, term.coef, term.weight, value));
      continue;
    }
    if (!(c->seeds && term.index.order == 1) && is_divisor(form, k, end, touched))
      lower[n_lower++] = term;
    else
      top[n_top++] = term;
  }
  PetscCall(write_derivatives(c, sum, n_lower, lower, false));
  PetscCall(write_derivatives(c, sum, n_top, top, true));
  PetscCall(PetscFree(touched));
  PetscCall(PetscFree2(lower, top));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_form(Chooser *c, const LinearForm *form, FormulaNode *written)
{
  Writing sum = {0};
  FormulaNode one;

  PetscFunctionBegin;
  PetscCall(NodeConstant(c->formula, 1, &one));
  for (int k = 0, end; k < form->n; k = end) {
    for (end = k + 1; end < form->n && form->terms[end].of == form->terms[k].of;) end++;
    if (form->terms[k].of < 0)
      PetscCall(write_term(c, &sum, form->terms[k].coef, form->terms[k].weight, one));
    else
      PetscCall(write_terms_of_node(c, form, k, end, &sum));
  }
  PetscCall(NodeSum(c->formula, 0, sum.n, sum.terms, written));
  PetscCall(PetscFree(sum.terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_sum(Chooser *c, const Node *node, FormulaNode *written)
{
  SumTerm *terms;
  bool changed = false;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(node->n_term, &terms));
  for (int k = 0; k < node->n_term; k++) {
    const SumTerm term = c->formula->terms[node->first + k];
    terms[k] = term;
    PetscCall(write_value(c, term.node, &terms[k].node));
    changed |= terms[k].node != term.node;
  }
  if (changed) PetscCall(NodeSum(c->formula, node->value, node->n_term, terms, written));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A node of the same value with the forms in it that are enabled written out. */
static PetscErrorCode write_value(Chooser *c, FormulaNode id, FormulaNode *written)
{
  const Node node = c->formula->nodes[id];
  FormulaNode arg[3] = {-1, -1, -1};
  const int form = PairMapFind(&c->form_of, id, 0), known = PairMapFind(&c->written, id, 0);

  PetscFunctionBegin;
  *written = known >= 0 ? known : id;
  if (known >= 0 || !node.network || node.kind == NODE_OUTPUT) PetscFunctionReturn(PETSC_SUCCESS);
  if (form >= 0 && c->forms[form].enabled)
    PetscCall(write_form(c, &c->forms[form], written));
  else if (node.kind == NODE_SUM)
    PetscCall(write_sum(c, &node, written));
  else if (node.kind != NODE_DERIVATIVE) {
    for (int k = 0; k < 3 && node.arg[k] >= 0; k++) PetscCall(write_value(c, node.arg[k], &arg[k]));
    if (node.kind == NODE_PRODUCT) PetscCall(NodeProduct(c->formula, arg[0], arg[1], written));
    if (node.kind == NODE_FUNCTION)
      PetscCall(NodeFunction(c->formula, (Elementary)node.which, node.value, arg[0], written));
    if (node.kind == NODE_COMPARE) PetscCall(NodeCompare(c->formula, (Relation)node.which, arg[0], arg[1], written));
    if (node.kind == NODE_IF) PetscCall(NodeIf(c->formula, arg[0], arg[1], arg[2], written));
  }
  PetscCall(PairMapInsert(&c->written, id, 0, *written));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes the roots and counts the network's columns. Operators that would not be carried as a column are refused until
   none is left. */
static PetscErrorCode write_roots(Chooser *c, int n_root, const FormulaNode roots[], FormulaNode chosen[], int *columns)
{
  int n_refused, *refused;

  PetscFunctionBegin;
  PetscCall(PairMapDestroy(&c->refused));
  do {
    PetscCall(PairMapDestroy(&c->written));
    for (int r = 0; r < n_root; r++) PetscCall(write_value(c, roots[r], &chosen[r]));
    PetscCall(ProgramCountColumns(c->formula, n_root, chosen, c->reducer, columns, &n_refused, &refused));
    for (int k = 0; k < n_refused; k++) PetscCall(PairMapInsert(&c->refused, refused[k], 0, 1));
    PetscCall(PetscFree(refused));
  } while (n_refused);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Enables all forms, then takes back one after the other what costs nothing to take back. */
static PetscErrorCode choose_forms(Chooser *c, int n_root, const FormulaNode roots[], FormulaNode chosen[],
                                   int *columns)
{
  int before, least;

  PetscFunctionBegin;
  for (int f = 0; f < c->n_form; f++) c->forms[f].enabled = false;
  PetscCall(write_roots(c, n_root, roots, chosen, &before));
  for (int f = 0; f < c->n_form; f++) c->forms[f].enabled = true;
  PetscCall(write_roots(c, n_root, roots, chosen, &least));
  for (int f = 0; f < c->n_form; f++) {
    c->forms[f].enabled = false;
    if (least < before) PetscCall(write_roots(c, n_root, roots, chosen, columns));
    c->forms[f].enabled = least<before && * columns> least;
  }
  PetscCall(write_roots(c, n_root, roots, chosen, columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode choose(Chooser *c, int n_root, const FormulaNode roots[], FormulaNode chosen[])
{
  int with, without, most = 0;

  PetscFunctionBegin;
  for (int f = 0; f < c->n_form; f++) most = PetscMax(most, c->forms[f].n);
  if (most > LONG_FORM) {
    c->seeds = c->reducer != NULL;
    for (int f = 0; f < c->n_form; f++) c->forms[f].enabled = true;
    PetscCall(write_roots(c, n_root, roots, chosen, &with));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(choose_forms(c, n_root, roots, chosen, &without));
  if (!c->reducer) PetscFunctionReturn(PETSC_SUCCESS);
  c->seeds = true;
  PetscCall(choose_forms(c, n_root, roots, chosen, &with));
  if (with < without) PetscFunctionReturn(PETSC_SUCCESS);
  c->seeds = false;
  PetscCall(choose_forms(c, n_root, roots, chosen, &without));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramChooseRoots(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                                  FormulaNode chosen[])
{
  Chooser c = {.formula = formula, .reducer = reducer};

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(chosen, roots, n_root));
  for (int r = 0; r < n_root; r++) PetscCall(collect(&c, roots[r]));
  if (c.n_form) PetscCall(choose(&c, n_root, roots, chosen));
  for (int f = 0; f < c.n_form; f++) PetscCall(LinearFormDestroy(&c.forms[f]));
  PetscCall(PetscFree(c.forms));
  PetscCall(PairMapDestroy(&c.seen));
  PetscCall(PairMapDestroy(&c.form_of));
  PetscCall(PairMapDestroy(&c.refused));
  PetscCall(PairMapDestroy(&c.written));
  PetscFunctionReturn(PETSC_SUCCESS);
}
