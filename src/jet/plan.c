/* Which columns are carried: the asked-for operators, closed under strict divisors of their multi-indices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jet_impl.h"

#define MANY_INDICES 1000000

typedef struct {
  int n, capacity;
  JetIndex *index;
} IndexSet;

static PetscErrorCode add_index(IndexSet *set, const JetIndex *index)
{
  PetscFunctionBegin;
  if (set->n == set->capacity) {
    set->capacity = 2 * set->capacity + 64;
    PetscCall(PetscRealloc(sizeof(JetIndex) * (size_t)set->capacity, &set->index));
  }
  set->index[set->n++] = *index;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_indices(const void *a, const void *b)
{
  return JetIndexCompare(a, b);
}

static void sort_unique(IndexSet *set)
{
  int kept = 0;
  if (set->n > 1) qsort(set->index, (size_t)set->n, sizeof(JetIndex), compare_indices);
  for (int k = 0; k < set->n; k++)
    if (!kept || JetIndexCompare(&set->index[kept - 1], &set->index[k])) set->index[kept++] = set->index[k];
  set->n = kept;
}

/* Repetitions go where the set has become large, and it is refused there if it is too large already. */
static PetscErrorCode thin_out(IndexSet *set, int order, int *large)
{
  int n_lower = 0;
  PetscFunctionBegin;
  if (set->n < *large) PetscFunctionReturn(PETSC_SUCCESS);
  sort_unique(set);
  while (n_lower < set->n && set->index[n_lower].order < order) n_lower++;
  PetscCall(JetPlanCheckLower(n_lower, order));
  *large = 2 * set->n + MANY_INDICES;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All divisors of the operators' terms; the terms themselves of what collapses are left to its column. */
static PetscErrorCode collect_plain(int n_coord, int n, const JetOperator operators[], IndexSet *plain)
{
  const JetIndex value = {0};
  int order = 0, large = MANY_INDICES;
  PetscFunctionBegin;
  PetscCall(add_index(plain, &value));
  for (int o = 0; o < n; o++) order = PetscMax(order, JetOperatorOrder(&operators[o]));
  for (int o = 0; o < n; o++) {
    const JetOperator *op = &operators[o];
    for (int k = 0; k < op->n; k++) {
      PetscCall(thin_out(plain, order, &large));
      const JetIndex *a = &op->index[k];
      JetDivisors divisors = {0};
      JetIndex b, rest;
      PetscCheck(a->order <= KERNEL_MAX_ORDER && (a->order || op->n == 1), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
                 "an operator with a term of order %d cannot be a column", a->order);
      for (int i = 0; i < a->order; i++)
        PetscCheck(a->coord[i] >= 0 && a->coord[i] < n_coord, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
                   "coordinate %d of %d", a->coord[i], n_coord);
      while (JetDivisorsNext(&divisors, a, &b, &rest))
        if (JetOperatorIsPlain(op) || rest.order) PetscCall(add_index(plain, &b));
    }
  }
  sort_unique(plain);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_operators(const void *a, const void *b)
{
  const JetOperator *left = *(const JetOperator *const *)a, *right = *(const JetOperator *const *)b;
  const int order = JetOperatorOrder(left) - JetOperatorOrder(right);
  return order ? order : JetOperatorCompare(left, right);
}

/* The distinct operators that collapse, by ascending order; pointers into operators. */
static PetscErrorCode collect_collapsed(int n, const JetOperator operators[], int *n_collapsed,
                                        const JetOperator ***collapsed)
{
  int found = 0, kept = 0;
  const JetOperator **list;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &list));
  for (int o = 0; o < n; o++)
    if (operators[o].n && !JetOperatorIsPlain(&operators[o])) list[found++] = &operators[o];
  if (found > 1) qsort(list, (size_t)found, sizeof(*list), compare_operators);
  for (int k = 0; k < found; k++)
    if (!kept || JetOperatorCompare(list[kept - 1], list[k])) list[kept++] = list[k];
  *n_collapsed = kept;
  *collapsed = list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns in ascending order of differentiation, plain ones first. */
static PetscErrorCode place_columns(JetPlan plan, const IndexSet *plain, int n_collapsed,
                                    const JetOperator *const collapsed[])
{
  int c = 0, p = 0, q = 0;
  PetscFunctionBegin;
  plan->n_plain = plain->n;
  plan->n_column = plain->n + n_collapsed;
  PetscCall(PetscCalloc4(plan->n_column, &plan->op, plan->n_column, &plan->column_order, plan->n_column, &plan->plain,
                         plan->n_plain, &plan->plain_columns));
  for (; c < plan->n_column; c++) {
    plan->plain[c] = p < plain->n && (q == n_collapsed || plain->index[p].order <= JetOperatorOrder(collapsed[q]));
    if (plan->plain[c]) {
      const double coef = 1.0 / JetIndexFactorial(&plain->index[p]);
      PetscCall(JetOperatorCreate(1, &plain->index[p], &coef, &plan->op[c]));
      plan->plain_columns[p++] = c;
    } else {
      PetscCall(JetOperatorCopy(collapsed[q++], &plan->op[c]));
    }
    plan->column_order[c] = JetOperatorOrder(&plan->op[c]);
  }
  plan->order = plan->column_order[plan->n_column - 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The distinct factors of the collapsed columns and of directions. */
static PetscErrorCode collect_factors(JetPlan plan)
{
  PetscInt n = 0;
  PetscFunctionBegin;
  for (int c = 0; c < plan->n_column; c++) n += plan->op[c].factor ? plan->op[c].n : 0;
  for (int g = 0; g < plan->n_group; g++) n += plan->groups[g].matrix ? plan->groups[g].matrix->n_term : 0;
  PetscCall(PetscMalloc1(n, &plan->factors));
  n = 0;
  for (int c = 0; c < plan->n_column; c++)
    for (int k = 0; k < plan->op[c].n; k++)
      if (JetFactor(&plan->op[c], k) >= 0) plan->factors[n++] = plan->op[c].factor[k];
  for (int g = 0; g < plan->n_group; g++) {
    const JetMatrix *matrix = plan->groups[g].matrix;
    for (int t = 0; matrix && t < matrix->n_term; t++)
      if (matrix->factor[t] >= 0) plan->factors[n++] = matrix->factor[t];
  }
  PetscCall(PetscSortRemoveDupsInt(&n, plan->factors));
  plan->n_factor = (int)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int JetPlanFindFactor(JetPlan plan, int factor)
{
  int low = 0, high = plan->n_factor;
  if (factor < 0) return -1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (plan->factors[middle] < factor)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool has_point_factor(JetPlan plan, int column)
{
  for (int k = plan->seed_start[column]; k < plan->seed_start[column + 1]; k++)
    if (plan->seed_point_factor[k] >= 0) return true;
  return false;
}

static void count_point_seeds(JetPlan plan)
{
  for (int c = 0; c < plan->n_column; c++)
    plan->point_start[c + 1] =
        plan->point_start[c] + (has_point_factor(plan, c) ? plan->seed_start[c + 1] - plan->seed_start[c] : 0);
}

static int count_seeds(JetPlan plan, int column)
{
  int n = 0, number;
  const JetGroup *group = JetPlanDirection(plan, column, &number);
  if (group) return JetDirectionSeeds(group, number, NULL, NULL, NULL, NULL);
  for (int k = 0; k < plan->op[column].n; k++) n += plan->op[column].index[k].order == 1;
  return n;
}

static void set_seeds(JetPlan plan, int column, int n)
{
  const JetOperator *op = &plan->op[column];
  int number;
  const JetGroup *group = JetPlanDirection(plan, column, &number);
  if (group) {
    n += JetDirectionSeeds(group, number, NULL, plan->seed_coord + n, NULL, plan->seed_point_factor + n);
    for (int k = plan->seed_start[column]; k < n; k++)
      plan->seed_point_factor[k] = JetPlanFindFactor(plan, plan->seed_point_factor[k]);
    return;
  }
  for (int k = 0; k < op->n; k++) {
    if (op->index[k].order != 1) continue;
    plan->seed_coord[n] = op->index[k].coord[0];
    plan->seed_point_factor[n] = JetPlanFindFactor(plan, JetFactor(op, k));
    plan->seed_factor[n++] = op->coef[k];
  }
}

static PetscErrorCode create_seeds(JetPlan plan)
{
  int n = 0;
  PetscFunctionBegin;
  for (int c = 0; c < plan->n_column; c++) n += count_seeds(plan, c);
  PetscCall(PetscCalloc6(plan->n_column + 1, &plan->seed_start, n, &plan->seed_coord, n, &plan->seed_factor, n,
                         &plan->seed_point_factor, n, &plan->seed_own, plan->n_column + 1, &plan->point_start));
  for (int c = 0; c < plan->n_column; c++) {
    plan->seed_start[c + 1] = plan->seed_start[c] + count_seeds(plan, c);
    set_seeds(plan, c, plan->seed_start[c]);
  }
  count_point_seeds(plan);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanCreateDirected(int n_coord, int n, const JetOperator operators[], int n_group,
                                     const JetGroup groups[], JetPlan *plan)
{
  const JetOperator **collapsed;
  IndexSet plain = {0};
  int n_collapsed = 0;
  JetPlan p;
  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  *plan = p;
  p->n_coord = n_coord;
  p->n_group = n_group;
  p->groups = groups;
  PetscCall(collect_plain(n_coord, n, operators, &plain));
  PetscCall(collect_collapsed(n, operators, &n_collapsed, &collapsed));
  PetscCall(place_columns(p, &plain, n_collapsed, collapsed));
  PetscCall(PetscFree(plain.index));
  PetscCall(PetscFree(collapsed));
  PetscCall(collect_factors(p));
  PetscCall(JetPlanCreateTables(p));
  PetscCall(create_seeds(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanCreate(int n_coord, int n, const JetOperator operators[], JetPlan *plan)
{
  PetscFunctionBegin;
  PetscCall(JetPlanCreateDirected(n_coord, n, operators, 0, NULL, plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanDestroy(JetPlan *plan)
{
  JetPlan p = *plan;
  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 0; c < p->n_column; c++) PetscCall(JetOperatorDestroy(&p->op[c]));
  PetscCall(JetPlanDestroyTables(p));
  PetscCall(
      PetscFree6(p->seed_start, p->seed_coord, p->seed_factor, p->seed_point_factor, p->seed_own, p->point_start));
  PetscCall(PetscFree(p->factors));
  PetscCall(PetscFree4(p->op, p->column_order, p->plain, p->plain_columns));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int JetPlanColumns(JetPlan plan)
{
  return plan->n_column;
}

int JetPlanOrder(JetPlan plan)
{
  return plan->order;
}

const KernelTables *JetPlanTables(JetPlan plan)
{
  return &plan->tables;
}

int JetPlanFactors(JetPlan plan, const int **factors)
{
  *factors = plan->factors;
  return plan->n_factor;
}

int JetPlanFindIndex(JetPlan plan, const JetIndex *index)
{
  int low = 0, high = plan->n_plain;
  while (low < high) {
    const int middle = (low + high) / 2;
    const int order = JetIndexCompare(&plan->op[plan->plain_columns[middle]].index[0], index);
    if (order == 0) return plan->plain_columns[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

int JetPlanFind(JetPlan plan, const JetOperator *op, double *factor)
{
  *factor = 1.0;
  if (JetOperatorIsPlain(op)) {
    *factor = op->coef[0] * JetIndexFactorial(&op->index[0]);
    return JetPlanFindIndex(plan, &op->index[0]);
  }
  for (int c = plan->n_column - 1; c > 0; c--)
    if (!plan->plain[c] && JetOperatorCompare(&plan->op[c], op) == 0) return c;
  return -1;
}

const JetOperator *JetPlanOperator(JetPlan plan, int column)
{
  return &plan->op[column];
}

PetscErrorCode JetPlanSeeds(JetPlan plan, int column, int *n, const int **coord, const double **factor)
{
  const int start = plan->seed_start[column];
  PetscFunctionBegin;
  *n = plan->seed_start[column + 1] - start;
  *coord = plan->seed_coord + start;
  *factor = plan->seed_factor + start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanAim(JetPlan plan, int group, const double V[])
{
  PetscFunctionBegin;
  for (int c = 0; c < plan->n_column; c++) {
    int number;
    const JetGroup *of = JetPlanDirection(plan, c, &number);
    if (of == &plan->groups[group])
      (void)JetDirectionSeeds(of, number, V, NULL, plan->seed_factor + plan->seed_start[c], NULL);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool JetPlanSeedsVary(JetPlan plan, int column)
{
  if (JetPlanDirection(plan, column, &(int){0})) return true;
  for (int k = plan->seed_start[column]; k < plan->seed_start[column + 1]; k++)
    if (plan->seed_point_factor[k] >= 0 || plan->seed_own[k]) return true;
  return false;
}

const bool *JetPlanSeedsOwn(JetPlan plan, int column)
{
  return plan->seed_own + plan->seed_start[column];
}

bool JetPlanSeedsScale(JetPlan plan, int column, int n_coord, double *scale)
{
  const int start = plan->seed_start[column];
  if (plan->seed_start[column + 1] - start != n_coord || !n_coord) return false;
  *scale = plan->seed_factor[start];
  for (int k = start; k < start + n_coord; k++)
    if (!plan->seed_own[k] || plan->seed_coord[k] >= n_coord || plan->seed_factor[k] != *scale) return false;
  return true;
}

/* The tables' factors, one array each. */
static int list_tables(JetPlan plan, const KernelProduct *product[], int *factor[])
{
  const JetTableFactors *f = &plan->table_factors;
  int n = 2;
  product[0] = &plan->tables.product;
  product[1] = &plan->transpose;
  factor[0] = f->product;
  factor[1] = f->transpose;
  for (int k = 2; k <= plan->order; k++, n++) {
    product[n] = &plan->tables.power[k];
    factor[n] = f->power[k];
  }
  return n;
}

/* Calls place[factor] for each factor that a table or a seed has: marks it where `mark`, else renumbers it. */
static void visit_factors(JetPlan plan, bool mark, int place[])
{
  const KernelProduct *product[KERNEL_MAX_ORDER + 2];
  int *factor[KERNEL_MAX_ORDER + 2];
  const int n_list = list_tables(plan, product, factor);
  for (int t = 0; t <= n_list; t++) {
    int *list = t < n_list ? factor[t] : plan->seed_point_factor;
    const int n = t < n_list ? product[t]->start[plan->n_column] : plan->seed_start[plan->n_column];
    for (int k = 0; k < n; k++) {
      if (list[k] < 0) continue;
      if (mark)
        place[list[k]] = 1;
      else
        list[k] = place[list[k]];
    }
  }
}

PetscErrorCode JetPlanSetCoordinates(JetPlan plan, const int coordinate[])
{
  int *place, n = 0;
  PetscFunctionBegin;
  if (!plan->n_factor) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < plan->seed_start[plan->n_column]; k++) {
    if (plan->seed_point_factor[k] < 0 || coordinate[plan->seed_point_factor[k]] != plan->seed_coord[k]) continue;
    plan->seed_own[k] = true;
    plan->seed_point_factor[k] = -1;
  }
  PetscCall(PetscCalloc1(plan->n_factor, &place));
  visit_factors(plan, true, place);
  for (int f = 0; f < plan->n_factor; f++) {
    const bool used = place[f];
    if (used) plan->factors[n] = plan->factors[f];
    place[f] = used ? n++ : -1;
  }
  visit_factors(plan, false, place);
  plan->n_factor = n;
  count_point_seeds(plan);
  PetscCall(PetscFree(place));
  PetscFunctionReturn(PETSC_SUCCESS);
}
