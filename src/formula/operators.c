/* Derivative operators, interned: equal operators have equal ids, so that demands and columns compare by id. */
#include <math.h>
#include <string.h>
#include "formula_impl.h"

/* Composition of two long operators (a biharmonic in thousands of dimensions) would fill the memory. */
#define MAX_COMPOSED_TERMS 4000000.0

static uint64_t hash_operator(const JetOperator *op)
{
  uint64_t hash = (uint64_t)op->n;
  for (int k = 0; k < op->n; k++) {
    hash = HashBytes(hash, sizeof(int) * (size_t)op->index[k].order, op->index[k].coord);
    hash = HashBytes(hash, sizeof(double), &op->coef[k]);
    if (op->factor) hash = HashBytes(hash, sizeof(int), &op->factor[k]);
  }
  return hash;
}

/* With `move` the arrays of op are taken where there is no such operator yet, and op is left empty. */
static PetscErrorCode intern(Formula formula, JetOperator *op, bool move, int *id)
{
  const uint64_t hash = hash_operator(op);
  HashCursor cursor = HashStart(hash);

  PetscFunctionBegin;
  while ((*id = HashNext(&formula->operator_index, &cursor)) >= 0)
    if (!JetOperatorCompare(op, &formula->operators[*id])) PetscFunctionReturn(PETSC_SUCCESS);
  FormulaGrow(formula->operators, formula->n_operator, formula->operator_capacity);
  if (move)
    formula->operators[formula->n_operator] = *op;
  else
    PetscCall(JetOperatorCopy(op, &formula->operators[formula->n_operator]));
  if (move) *op = (JetOperator){0};
  *id = formula->n_operator++;
  PetscCall(HashInsert(&formula->operator_index, hash, *id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorIntern(Formula formula, const JetOperator *op, int *id)
{
  JetOperator same = *op;

  PetscFunctionBegin;
  PetscCall(intern(formula, &same, false, id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorInternLeading(Formula formula, JetOperator *op, int *id, double *factor)
{
  PetscFunctionBegin;
  *factor = op->coef[0];
  op->coef[0] = 1;
  for (int k = 1; k < op->n; k++) op->coef[k] /= *factor;
  PetscCall(intern(formula, op, true, id));
  PetscCall(JetOperatorDestroy(op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorInternIndex(Formula formula, const JetIndex *index, double coef, int *id)
{
  JetIndex one = *index;
  const JetOperator op = {.n = 1, .index = &one, .coef = &coef};

  PetscFunctionBegin;
  PetscCall(OperatorIntern(formula, &op, id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool touches_only(const JetIndex *index, const Support *support)
{
  for (int i = 0; i < index->order; i++)
    if (!SupportContains(support, index->coord[i])) return false;
  return true;
}

/* First term that does not come before `key`. */
static int lower_bound(const JetOperator *op, const JetIndex *key)
{
  int low = 0, high = op->n;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (JetIndexCompare(&op->index[middle], key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Terms of an operator, by position. */
typedef struct {
  int n, capacity, *term;
} TermList;

/* Lists the terms of a long operator that a small support keeps: per order and first coordinate they are contiguous. */
static PetscErrorCode list_kept(const JetOperator *op, const Support *support, TermList *kept)
{
  const int order = op->index[op->n - 1].order;

  PetscFunctionBegin;
  for (int o = 0; o <= order; o++)
    for (int i = 0; i < (o ? support->n : 1); i++) {
      JetIndex key = {.order = o};
      for (int j = 0; j < o; j++) key.coord[j] = SupportCoordinate(support, i);
      for (int k = lower_bound(op, &key); k < op->n && op->index[k].order == o; k++) {
        if (o && op->index[k].coord[0] != key.coord[0]) break;
        if (!touches_only(&op->index[k], support)) continue;
        FormulaGrow(kept->term, kept->n, kept->capacity);
        kept->term[kept->n++] = k;
      }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode intern_part(Formula formula, const JetOperator *from, const TermList *kept, int *id)
{
  JetOperator part = {.n = kept->n};

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(kept->n, &part.index, kept->n, &part.coef));
  for (int k = 0; k < kept->n; k++) {
    part.index[k] = from->index[kept->term[k]];
    part.coef[k] = from->coef[kept->term[k]];
  }
  PetscCall(OperatorIntern(formula, &part, id));
  PetscCall(PetscFree2(part.index, part.coef));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorRestrict(Formula formula, int op, int support_id, int *restricted)
{
  const JetOperator from = formula->operators[op];
  const Support *support = &formula->supports[support_id];
  TermList kept = {0};

  PetscFunctionBegin;
  *restricted = op;
  if (support->all) PetscFunctionReturn(PETSC_SUCCESS);
  if (from.n == 1) {
    if (!touches_only(from.index, support)) *restricted = -1;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (from.n > 8 * (support->n + 1))
    PetscCall(list_kept(&from, support, &kept));
  else {
    PetscCall(PetscMalloc1(from.n, &kept.term));
    for (int k = 0; k < from.n; k++)
      if (touches_only(&from.index[k], support)) kept.term[kept.n++] = k;
  }
  if (!kept.n)
    *restricted = -1;
  else if (kept.n < from.n)
    PetscCall(intern_part(formula, &from, &kept, restricted));
  PetscCall(PetscFree(kept.term));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool OperatorTouches(Formula formula, int op, int support_id)
{
  const JetOperator *from = &formula->operators[op];
  const Support *support = &formula->supports[support_id];
  for (int k = 0; k < from->n; k++)
    for (int i = 0; i < from->index[k].order; i++)
      if (SupportContains(support, from->index[k].coord[i])) return true;
  return false;
}

PetscErrorCode OperatorCompose(Formula formula, int a, int b, int *product)
{
  const JetOperator left = formula->operators[a], right = formula->operators[b];
  JetOperator op;

  PetscFunctionBegin;
  *product = a ? a : b;
  if (!a || !b) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck((double)left.n * right.n <= MAX_COMPOSED_TERMS,
                "%sa derivative operator of %d terms applied to one of %d has too many terms", formula->place, left.n,
                right.n);
  PetscCall(JetOperatorCompose(&left, &right, &op));
  PetscCall(OperatorIntern(formula, &op, product));
  PetscCall(JetOperatorDestroy(&op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* op = (coef[0] / leading) * scaled, with leading coefficient `leading` */
static PetscErrorCode scale_to(Formula formula, int id, double leading, int *scaled, double *factor)
{
  const JetOperator from = formula->operators[id];
  JetOperator to;

  PetscFunctionBegin;
  *scaled = id;
  *factor = 1;
  if (from.coef[0] == leading) PetscFunctionReturn(PETSC_SUCCESS);
  *factor = from.coef[0] / leading;
  PetscCall(JetOperatorCopy(&from, &to));
  to.coef[0] = leading;
  for (int k = 1; k < to.n; k++) to.coef[k] /= *factor;
  PetscCall(OperatorIntern(formula, &to, scaled));
  PetscCall(JetOperatorDestroy(&to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorScaleLeading(Formula formula, int op, int *scaled, double *factor)
{
  PetscFunctionBegin;
  PetscCall(scale_to(formula, op, 1, scaled, factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OperatorScaleColumn(Formula formula, int op, int *scaled, double *factor)
{
  const JetOperator *from = &formula->operators[op];

  PetscFunctionBegin;
  PetscCall(scale_to(formula, op, from->n == 1 ? 1 / JetIndexFactorial(from->index) : 1, scaled, factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}
