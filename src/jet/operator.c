/* Linear operators with constant coefficients as sorted lists of derivatives: a commutative algebra. */
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
} Term;

static int compare_terms(const void *a, const void *b)
{
  return JetIndexCompare(&((const Term *)a)->index, &((const Term *)b)->index);
}

/* Takes terms in any order, with repetition: sorts, adds, and drops what cancels to rounding. Frees `terms`. */
static PetscErrorCode operator_from_terms(int n, Term *terms, JetOperator *op)
{
  PetscFunctionBegin;
  *op = (JetOperator){0};
  for (int t = 0; t < n; t++) JetIndexSort(&terms[t].index);
  if (n) qsort(terms, (size_t)n, sizeof(*terms), compare_terms);
  PetscCall(PetscMalloc2(n, &op->index, n, &op->coef));
  for (int t = 0; t < n;) {
    double sum = 0, size = 0;
    const JetIndex index = terms[t].index;
    for (; t < n && !JetIndexCompare(&terms[t].index, &index); t++) {
      sum += terms[t].coef;
      size = PetscMax(size, PetscAbsReal(terms[t].coef));
    }
    if (PetscAbsReal(sum) <= 4 * DBL_EPSILON * size) continue;
    op->index[op->n] = index;
    op->coef[op->n++] = sum;
  }
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCreate(int n, const JetIndex index[], const double coef[], JetOperator *op)
{
  Term *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &terms));
  for (int t = 0; t < n; t++) terms[t] = (Term){index[t], coef[t]};
  PetscCall(operator_from_terms(n, terms, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCopy(const JetOperator *from, JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(from->n, &op->index, from->n, &op->coef));
  op->n = from->n;
  PetscCall(PetscArraycpy(op->index, from->index, from->n));
  PetscCall(PetscArraycpy(op->coef, from->coef, from->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorCompose(const JetOperator *a, const JetOperator *b, JetOperator *product)
{
  Term *terms, *term;
  const int order = JetOperatorOrder(a) + JetOperatorOrder(b);

  PetscFunctionBegin;
  PinnUserCheck(order <= KERNEL_MAX_ORDER, "a derivative of order %d arises; the highest order is %d", order,
                KERNEL_MAX_ORDER);
  PetscCall(PetscMalloc1((size_t)a->n * (size_t)b->n, &terms));
  term = terms;
  for (int i = 0; i < a->n; i++)
    for (int j = 0; j < b->n; j++, term++) {
      *term = (Term){a->index[i], a->coef[i] * b->coef[j]};
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
  for (int i = 0; i < a->n; i++) terms[i] = (Term){a->index[i], alpha * a->coef[i]};
  for (int j = 0; j < b->n; j++) terms[a->n + j] = (Term){b->index[j], beta * b->coef[j]};
  PetscCall(operator_from_terms(a->n + b->n, terms, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetOperatorDestroy(JetOperator *op)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(op->index, op->coef));
  op->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int JetOperatorCompare(const JetOperator *a, const JetOperator *b)
{
  const int order_a = JetOperatorOrder(a), order_b = JetOperatorOrder(b);
  if (order_a != order_b) return order_a < order_b ? -1 : 1;
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (int t = 0; t < a->n; t++) {
    const int order = JetIndexCompare(&a->index[t], &b->index[t]);
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
