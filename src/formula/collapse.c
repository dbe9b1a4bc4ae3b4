/* Which columns carry a set of operators best. A multi-term operator is one column, plus the divisors of its terms; its
   terms are as many columns, less those that are carried anyway. */
#include <stdlib.h>
#include <string.h>
#include "program_impl.h"

typedef struct {
  Builder *b;
  PairMap plain; /* (0, operator) of the plain columns that are carried anyway */
} Choosing;

static PetscErrorCode plain_operator(Formula formula, const JetIndex *index, int *op)
{
  PetscFunctionBegin;
  PetscCall(OperatorInternIndex(formula, index, 1 / JetIndexFactorial(index), op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_divisors(Choosing *c, const JetIndex *index, bool itself)
{
  int op;

  PetscFunctionBegin;
  if (itself) {
    PetscCall(plain_operator(c->b->formula, index, &op));
    if (PairMapFind(&c->plain, 0, op) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(PairMapInsert(&c->plain, 0, op, 1));
  }
  for (int i = 0; i < index->order; i++) {
    JetIndex divisor = *index;
    if (i && index->coord[i] == index->coord[i - 1]) continue;
    memmove(divisor.coord + i, divisor.coord + i + 1, sizeof(int) * (size_t)(index->order - i - 1));
    divisor.order--;
    PetscCall(add_divisors(c, &divisor, true));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms of op that no plain column carries yet; with `add` they are carried from now on. */
static PetscErrorCode count_missing(Choosing *c, int op, bool add, int *missing)
{
  const JetOperator from = c->b->formula->operators[op];
  int plain;

  PetscFunctionBegin;
  *missing = 0;
  for (int k = 0; k < from.n; k++) {
    PetscCall(plain_operator(c->b->formula, &from.index[k], &plain));
    if (PairMapFind(&c->plain, 0, plain) >= 0) continue;
    if (add) PetscCall(PairMapInsert(&c->plain, 0, plain, 1));
    ++*missing;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the operator a sum that must stay whole: in coordinates that stand for others? */
static bool is_fixed(const Builder *b, const JetOperator *op)
{
  for (int k = 0; k < op->n; k++)
    if (op->index[k].order && op->index[k].coord[op->index[k].order - 1] >= b->formula->n_coord) return true;
  return false;
}

/* Splits operators that have at most one term of their own, until nothing changes; each may free others. */
static PetscErrorCode split_cheap(Choosing *c, int n, const int ops[], const bool fixed[], bool split[])
{
  int missing;

  PetscFunctionBegin;
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < n; i++) {
      if (split[i] || fixed[i] || c->b->formula->operators[ops[i]].n == 1) continue;
      PetscCall(count_missing(c, ops[i], false, &missing));
      if (missing > 1) continue;
      PetscCall(count_missing(c, ops[i], true, &missing));
      split[i] = changed = true;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Splits the rest where all their own terms together are no more than they. */
static PetscErrorCode split_rest(Choosing *c, int n, const int ops[], const bool fixed[], bool split[])
{
  int missing, rest = 0, total = 0;

  PetscFunctionBegin;
  for (int i = 0; i < n; i++) {
    if (split[i] || fixed[i] || c->b->formula->operators[ops[i]].n == 1) continue;
    PetscCall(count_missing(c, ops[i], true, &missing));
    total += missing;
    rest++;
  }
  for (int i = 0; i < n && rest >= total; i++) split[i] = !fixed[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderCollapse(Builder *b, int *n, int **ops)
{
  Choosing c = {.b = b};
  bool *split, *fixed;
  int m = 0, capacity = 0, *chosen = NULL;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(*n, &split, *n, &fixed));
  for (int i = 0; i < *n; i++) {
    const JetOperator op = b->formula->operators[(*ops)[i]];
    fixed[i] = is_fixed(b, &op);
    for (int k = 0; k < op.n; k++) PetscCall(add_divisors(&c, &op.index[k], op.n == 1));
  }
  PetscCall(split_cheap(&c, *n, *ops, fixed, split));
  PetscCall(split_rest(&c, *n, *ops, fixed, split));
  for (int i = 0; i < *n; i++) {
    const JetOperator op = b->formula->operators[(*ops)[i]];
    for (int k = 0; k < (op.n > 1 && split[i] ? op.n : 1); k++) {
      FormulaGrow(chosen, m, capacity);
      chosen[m] = (*ops)[i];
      if (op.n > 1 && split[i]) PetscCall(plain_operator(b->formula, &op.index[k], &chosen[m]));
      m++;
    }
  }
  PetscCall(BuilderSortOperators(b, &m, chosen));
  PetscCall(PetscFree2(split, fixed));
  PetscCall(PairMapDestroy(&c.plain));
  PetscCall(PetscFree(*ops));
  *ops = chosen;
  *n = m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const JetOperator *op;
  int id;
} SortedOperator;

static int compare_operators(const void *a, const void *b)
{
  const JetOperator *left = ((const SortedOperator *)a)->op, *right = ((const SortedOperator *)b)->op;
  const int order = JetOperatorOrder(left) - JetOperatorOrder(right);
  if (order) return order;
  if ((left->n > 1) != (right->n > 1)) return (left->n > 1) - (right->n > 1);
  return JetOperatorCompare(left, right);
}

PetscErrorCode BuilderSortOperators(Builder *b, int *n, int ops[])
{
  SortedOperator *sorted;
  int m = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(*n, &sorted));
  for (int i = 0; i < *n; i++) sorted[i] = (SortedOperator){&b->formula->operators[ops[i]], ops[i]};
  if (*n) qsort(sorted, (size_t)*n, sizeof(sorted[0]), compare_operators);
  for (int i = 0; i < *n; i++)
    if (!m || ops[m - 1] != sorted[i].id) ops[m++] = sorted[i].id;
  *n = m;
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The distinct coordinates of `ops`, ascending; PetscFree. */
static PetscErrorCode list_coordinates(Builder *b, int n, const int ops[], int *n_coord, int **coords)
{
  int m = 0, capacity = 0, *list = NULL;
  PetscInt kept;

  PetscFunctionBegin;
  for (int i = 0; i < n; i++) {
    const JetOperator op = b->formula->operators[ops[i]];
    for (int k = 0; k < op.n; k++)
      for (int j = 0; j < op.index[k].order; j++) {
        if (m && list[m - 1] == op.index[k].coord[j]) continue;
        FormulaGrow(list, m, capacity);
        list[m++] = op.index[k].coord[j];
      }
  }
  kept = m;
  PetscCall(PetscSortRemoveDupsInt(&kept, list));
  *n_coord = (int)kept;
  *coords = list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A copy of op with every coordinate i replaced: by its place in `coords` (number), or back by coords[i]. */
static PetscErrorCode relabel(const JetOperator *op, int n_coord, const int coords[], bool number, JetOperator *copy)
{
  PetscFunctionBegin;
  PetscCall(JetOperatorCopy(op, copy));
  for (int k = 0; k < copy->n; k++)
    for (int j = 0; j < copy->index[k].order; j++) {
      int *coord = &copy->index[k].coord[j];
      if (!number)
        *coord = coords[*coord];
      else
        PetscCall(PetscFindInt(*coord, n_coord, coords, coord));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode find_plan(Program program, int n, JetOperator ops[], int n_coord, int *plan)
{
  uint64_t hash = (uint64_t)n;

  PetscFunctionBegin;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < ops[i].n; k++) {
      hash = HashBytes(hash, sizeof(int) * (size_t)ops[i].index[k].order, ops[i].index[k].coord);
      hash = HashBytes(hash, sizeof(double), &ops[i].coef[k]);
    }
  for (*plan = 0; *plan < program->n_cached; ++*plan) {
    const CachedPlan *cached = &program->cached[*plan];
    bool same = cached->hash == hash && cached->n == n;
    for (int i = 0; i < n && same; i++) same = !JetOperatorCompare(&cached->ops[i], &ops[i]);
    if (same) PetscFunctionReturn(PETSC_SUCCESS);
  }
  FormulaGrow(program->cached, program->n_cached, program->cached_capacity);
  CachedPlan *cached = &program->cached[program->n_cached++];
  *cached = (CachedPlan){.n = n, .hash = hash};
  PetscCall(PetscMalloc1(n, &cached->ops));
  for (int i = 0; i < n; i++) PetscCall(JetOperatorCopy(&ops[i], &cached->ops[i]));
  PetscCall(JetPlanCreate(n_coord, n, ops, &cached->plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuilderPlan(Builder *b, int n, const int ops[], int *plan, int **columns)
{
  int n_coord = 0, *coords = NULL;
  double factor;
  JetOperator *local;

  PetscFunctionBegin;
  PetscCall(list_coordinates(b, n, ops, &n_coord, &coords));
  PetscCall(PetscMalloc1(n, &local));
  for (int i = 0; i < n; i++) PetscCall(relabel(&b->formula->operators[ops[i]], n_coord, coords, true, &local[i]));
  PetscCall(find_plan(b->program, n, local, n_coord, plan));
  for (int i = 0; i < n; i++) PetscCall(JetOperatorDestroy(&local[i]));
  PetscCall(PetscFree(local));
  const JetPlan found = b->program->cached[*plan].plan;
  PetscCall(PetscMalloc1(JetPlanColumns(found), columns));
  for (int c = 0; c < JetPlanColumns(found); c++) {
    JetOperator op;
    PetscCall(relabel(JetPlanOperator(found, c), n_coord, coords, false, &op));
    PetscCall(OperatorIntern(b->formula, &op, &(*columns)[c]));
    PetscCall(OperatorScaleColumn(b->formula, (*columns)[c], &(*columns)[c], &factor));
    PetscCall(JetOperatorDestroy(&op));
  }
  PetscCall(PetscFree(coords));
  PetscFunctionReturn(PETSC_SUCCESS);
}
