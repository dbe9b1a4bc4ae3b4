/* Linear operators as sorted lists of derivatives; with constant coefficients they are a commutative algebra. */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "jet_impl.h"

int JetIndexCompare(const JetIndex *a, const JetIndex *b)
{
  if (a->order != b->order) return a->order < b->order ? -1 : 1;
  for (int k = 0; k < a->order; k++)
    if (a->coord[k] != b->coord[k]) return a->coord[k] < b->coord[k] ? -1 : 1;
  return 0;
}

double JetIndexFactorial(const JetIndex *a)
{
  double factorial = 1;
  for (int k = 1, run = 1; k < a->order; k++) {
    run = a->coord[k] == a->coord[k - 1] ? run + 1 : 1;
    factorial *= run;
  }
  return factorial;
}

void JetIndexSort(JetIndex *a)
{
  for (int k = 1; k < a->order; k++)
    for (int j = k; j > 0 && a->coord[j - 1] > a->coord[j]; j--) {
      const int swap = a->coord[j];
      a->coord[j] = a->coord[j - 1];
      a->coord[j - 1] = swap;
    }
}

typedef struct {
  JetIndex index;
  double coef;
  int factor;
} Term;

static int compare_terms(const void *a, const void *b)
{
  const Term *x = a, *y = b;
  const int order = JetIndexCompare(&x->index, &y->index);
  return order ? order : (x->factor > y->factor) - (x->factor < y->factor);
}

static Term term_of(const JetOperator *op, int k, double scale)
{
  return (Term){op->index[k], scale * op->coef[k], JetFactor(op, k)};
}

/* Takes terms in any order, with repetition: sorts, adds, and drops what cancels to rounding. Frees `terms`. */
static PetscErrorCode operator_from_terms(int n, Term *terms, JetOperator *op)
{
  PetscFunctionBegin;
  *op = (JetOperator){0};
  bool varies = false;
  for (int t = 0; t < n; t++) JetIndexSort(&terms[t].index);
  for (int t = 0; t < n; t++) varies |= terms[t].factor >= 0;
  if (n) qsort(terms, (size_t)n, sizeof(*terms), compare_terms);
  PetscCall(PetscMalloc2(n, &op->index, n, &op->coef));
  if (varies) PetscCall(PetscMalloc1(n, &op->factor));
  for (int t = 0; t < n;) {
    double sum = 0, size = 0;
    const Term first = terms[t];
    for (; t < n && !compare_terms(&terms[t], &first); t++) {
      sum += terms[t].coef;
      size = PetscMax(size, PetscAbsReal(terms[t].coef));
    }
    if (PetscAbsReal(sum) <= 4 * DBL_EPSILON * size) continue;
    op->index[op->n] = first.index;
    if (varies) op->factor[op->n] = first.factor;
    op->coef[op->n++] = sum;
  }
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are terms and their coordinates in order, and all different? */
static bool is_sorted(int n, const JetIndex index[], const int factor[])
{
  for (int t = 0; t < n; t++) {
    for (int i = 1; i < index[t].order; i++)
      if (index[t].coord[i] < index[t].coord[i - 1]) return false;
    const int order = t ? JetIndexCompare(&index[t - 1], &index[t]) : -1;
    if (order > 0 || (!order && (!factor || factor[t - 1] >= factor[t]))) return false;
  }
  return true;
}

/* Of sorted terms. */
static PetscErrorCode copy_terms(int n, const JetIndex index[], const double coef[], const int factor[],
                                 JetOperator *op)
{
  bool varies = false;
  PetscFunctionBegin;
  for (int t = 0; t < n && factor; t++) varies |= factor[t] >= 0;
  *op = (JetOperator){0};
  PetscCall(PetscMalloc2(n, &op->index, n, &op->coef));
  if (varies) PetscCall(PetscMalloc1(n, &op->factor));
  for (int t = 0; t < n; t++) {
    if (coef[t] == 0.0) continue;
    op->index[op->n] = index[t];
    if (varies) op->factor[op->n] = factor[t];
    op->coef[op->n++] = coef[t];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCreateVariable(int n, const JetIndex index[], const double coef[], const int factor[],
                                         JetOperator *op)
{
  Term *terms;

  PetscFunctionBegin;
  if (is_sorted(n, index, factor)) {
    PetscCall(copy_terms(n, index, coef, factor, op));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(n, &terms));
  for (int t = 0; t < n; t++) terms[t] = (Term){index[t], coef[t], factor ? factor[t] : -1};
  PetscCall(operator_from_terms(n, terms, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCreate(int n, const JetIndex index[], const double coef[], JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(JetOperatorCreateVariable(n, index, coef, NULL, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCopy(const JetOperator *from, JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(from->n, &op->index, from->n, &op->coef));
  op->n = from->n;
  op->factor = NULL;
  if (from->factor) PetscCall(PetscMalloc1(from->n, &op->factor));
  if (from->factor) PetscCall(PetscArraycpy(op->factor, from->factor, from->n));
  PetscCall(PetscArraycpy(op->index, from->index, from->n));
  PetscCall(PetscArraycpy(op->coef, from->coef, from->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCompose(const JetOperator *a, const JetOperator *b, JetOperator *product)
{
  Term *terms, *term;
  const int order = JetOperatorOrder(a) + JetOperatorOrder(b);

  PetscFunctionBegin;
  PetscCheck(!a->factor && !b->factor, PETSC_COMM_SELF, PETSC_ERR_SUP, "a product of operators with factors");
  PinnUserCheck(order <= KERNEL_MAX_ORDER, "a derivative of order %d arises; the highest order is %d", order,
                KERNEL_MAX_ORDER);
  PetscCall(PetscMalloc1((size_t)a->n * (size_t)b->n, &terms));
  term = terms;
  for (int i = 0; i < a->n; i++)
    for (int j = 0; j < b->n; j++, term++) {
      *term = (Term){a->index[i], a->coef[i] * b->coef[j], -1};
      memcpy(term->index.coord + a->index[i].order, b->index[j].coord, (size_t)b->index[j].order * sizeof(int));
      term->index.order += b->index[j].order;
    }
  PetscCall(operator_from_terms(a->n * b->n, terms, product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorAdd(double alpha, const JetOperator *a, double beta, const JetOperator *b, JetOperator *sum)
{
  Term *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(a->n + b->n, &terms));
  for (int i = 0; i < a->n; i++) terms[i] = term_of(a, i, alpha);
  for (int j = 0; j < b->n; j++) terms[a->n + j] = term_of(b, j, beta);
  PetscCall(operator_from_terms(a->n + b->n, terms, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorDestroy(JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(op->index, op->coef));
  PetscCall(PetscFree(op->factor));
  op->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int JetOperatorCompare(const JetOperator *a, const JetOperator *b)
{
  const int order_a = JetOperatorOrder(a), order_b = JetOperatorOrder(b);
  if (order_a != order_b) return order_a < order_b ? -1 : 1;
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (int t = 0; t < a->n; t++) {
    const Term x = term_of(a, t, 1), y = term_of(b, t, 1);
    const int order = compare_terms(&x, &y);
    if (order) return order;
  }
  for (int t = 0; t < a->n; t++)
    if (a->coef[t] != b->coef[t]) return a->coef[t] < b->coef[t] ? -1 : 1;
  return 0;
}

int JetOperatorOrder(const JetOperator *op)
{
  return op->n ? op->index[op->n - 1].order : 0;
}
