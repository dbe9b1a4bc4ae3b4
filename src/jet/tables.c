/* Product tables. With normalized coefficients w_a = sum_{b <= a} u_b v_{a-b}. A collapsed column carries
   sum_k c_k d^{a_k} w = sum_k c_k a_k! w_{a_k}, whose terms with b = 0 or b = a_k add up to u_0 times, or v_0 times,
   the other factor's collapsed column; only strict divisors are left to be listed. A point-dependent factor of c_k is
   listed beside its terms. */
#include "jet_impl.h"

bool JetDivisorsNext(JetDivisors *s, const JetIndex *a, JetIndex *divisor, JetIndex *complement)
{
  int i = 0;
  if (!s->begun) {
    *s = (JetDivisors){.begun = true};
    for (int k = 0; k < a->order; k++) {
      if (!k || a->coord[k] != a->coord[k - 1]) s->coord[s->n++] = a->coord[k];
      s->most[s->n - 1]++;
    }
  } else {
    while (i < s->n && s->count[i] == s->most[i]) s->count[i++] = 0;
    if (i == s->n) return false;
    s->count[i]++;
  }
  divisor->order = complement->order = 0;
  for (i = 0; i < s->n; i++) {
    for (int k = 0; k < s->count[i]; k++) divisor->coord[divisor->order++] = s->coord[i];
    for (int k = s->count[i]; k < s->most[i]; k++) complement->coord[complement->order++] = s->coord[i];
  }
  return true;
}

typedef struct {
  int n, capacity;
  int *left, *right, *factor;
  double *coef;
} Entries;

static PetscErrorCode add_entry(Entries *entries, int left, int right, double coef, int factor)
{
  PetscFunctionBegin;
  if (entries->n == entries->capacity) {
    entries->capacity = 2 * entries->capacity + 64;
    PetscCall(PetscRealloc(sizeof(int) * (size_t)entries->capacity, &entries->left));
    PetscCall(PetscRealloc(sizeof(int) * (size_t)entries->capacity, &entries->right));
    PetscCall(PetscRealloc(sizeof(int) * (size_t)entries->capacity, &entries->factor));
    PetscCall(PetscRealloc(sizeof(double) * (size_t)entries->capacity, &entries->coef));
  }
  entries->left[entries->n] = left;
  entries->right[entries->n] = right;
  entries->factor[entries->n] = factor;
  entries->coef[entries->n++] = coef;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The splittings of a into b and a - b, without b = 0 and b = a where `strict`. */
static PetscErrorCode add_splittings(JetPlan plan, const JetIndex *a, double coef, int factor, bool strict,
                                     Entries *entries)
{
  JetDivisors divisors = {0};
  JetIndex b, rest;
  PetscFunctionBegin;
  while (JetDivisorsNext(&divisors, a, &b, &rest)) {
    if (strict && (!b.order || !rest.order)) continue;
    PetscCall(add_entry(entries, JetPlanFindIndex(plan, &b), JetPlanFindIndex(plan, &rest), coef, factor));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes over `start` and the arrays of `entries`. */
static PetscErrorCode set_product(JetPlan plan, KernelProduct *product, const int *start, Entries *entries,
                                  int **factor)
{
  PetscFunctionBegin;
  *product = (KernelProduct){plan->n_column, start, entries->left, entries->right, entries->coef, NULL, NULL};
  *factor = plan->n_factor ? entries->factor : NULL;
  if (!plan->n_factor) PetscCall(PetscFree(entries->factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_product(JetPlan plan)
{
  Entries entries = {0};
  int *start;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->n_column + 1, &start));
  for (int c = 0; c < plan->n_column; c++) {
    const JetOperator *op = &plan->op[c];
    start[c] = entries.n;
    if (plan->plain[c]) {
      PetscCall(add_splittings(plan, &op->index[0], 1.0, -1, false, &entries));
      continue;
    }
    PetscCall(add_entry(&entries, 0, c, 1.0, -1));
    PetscCall(add_entry(&entries, c, 0, 1.0, -1));
    for (int k = 0; k < op->n; k++)
      PetscCall(add_splittings(plan, &op->index[k], op->coef[k] * JetIndexFactorial(&op->index[k]),
                               JetPlanFindFactor(plan, JetFactor(op, k)), true, &entries));
  }
  start[plan->n_column] = entries.n;
  PetscCall(set_product(plan, &plan->tables.product, start, &entries, &plan->table_factors.product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* h^k = h h^(k-1): h has no column 0, and h^(k-1) none below order k - 1. In the square, of two terms that differ by
   the order of their factors one stands for both. */
static PetscErrorCode create_power(JetPlan plan, int k)
{
  const KernelProduct *full = &plan->tables.product;
  const int *factor = plan->table_factors.product;
  Entries entries = {0};
  int *start;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(plan->n_column + 1, &start));
  for (int c = 0; c < plan->n_column; c++) {
    start[c] = entries.n;
    for (int t = full->start[c]; t < full->start[c + 1]; t++) {
      const int left = full->left[t], right = full->right[t];
      if (left == 0 || right == 0 || plan->column_order[right] < k - 1 || (k == 2 && left > right)) continue;
      PetscCall(add_entry(&entries, left, right, k == 2 && left < right ? 2.0 * full->coef[t] : full->coef[t],
                          factor ? factor[t] : -1));
    }
  }
  start[plan->n_column] = entries.n;
  PetscCall(set_product(plan, &plan->tables.power[k], start, &entries, &plan->table_factors.power[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms of the product, grouped by right factor: right and result change places. */
static PetscErrorCode create_transpose(JetPlan plan)
{
  const KernelProduct *product = &plan->tables.product;
  const int n = product->start[plan->n_column];
  Entries entries = {.n = n};
  int *start;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(plan->n_column + 2, &start));
  PetscCall(PetscMalloc1(n, &entries.left));
  PetscCall(PetscMalloc1(n, &entries.right));
  PetscCall(PetscMalloc1(n, &entries.factor));
  PetscCall(PetscMalloc1(n, &entries.coef));
  for (int t = 0; t < n; t++) start[product->right[t] + 2]++;
  for (int c = 0; c < plan->n_column; c++) start[c + 2] += start[c + 1];
  for (int c = 0; c < plan->n_column; c++)
    for (int t = product->start[c]; t < product->start[c + 1]; t++) {
      const int at = start[product->right[t] + 1]++;
      entries.left[at] = product->left[t];
      entries.right[at] = c;
      entries.coef[at] = product->coef[t];
      if (plan->n_factor) entries.factor[at] = plan->table_factors.product[t];
    }
  PetscCall(set_product(plan, &plan->transpose, start, &entries, &plan->table_factors.transpose));
  plan->tables.product.transpose = &plan->transpose;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanCheckLower(int n_lower, int order)
{
  PetscFunctionBegin;
  PinnUserCheck((double)n_lower * (order - 2) <= KERNEL_MAX_POWERS,
                "the derivatives asked for need %d of lower order beside them; at order %d there can be %d", n_lower,
                order, KERNEL_MAX_POWERS / (order - 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanCreateTables(JetPlan plan)
{
  int n_lower = 0;
  PetscFunctionBegin;
  while (n_lower < plan->n_column && plan->column_order[n_lower] < plan->order) n_lower++;
  PetscCall(JetPlanCheckLower(n_lower, plan->order));
  plan->tables.order = plan->order;
  plan->tables.n_lower = PetscMax(1, n_lower);
  PetscCall(create_product(plan));
  PetscCall(create_transpose(plan));
  for (int k = 2; k <= plan->order; k++) PetscCall(create_power(plan, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy_product(KernelProduct *product, int *factor)
{
  int *start = (int *)product->start, *left = (int *)product->left, *right = (int *)product->right;
  double *coef = (double *)product->coef;
  PetscFunctionBegin;
  PetscCall(PetscFree(start));
  PetscCall(PetscFree(left));
  PetscCall(PetscFree(right));
  PetscCall(PetscFree(coef));
  PetscCall(PetscFree(factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetPlanDestroyTables(JetPlan plan)
{
  PetscFunctionBegin;
  const JetTableFactors *factors = &plan->table_factors;
  PetscCall(destroy_product(&plan->tables.product, factors->product));
  PetscCall(destroy_product(&plan->transpose, factors->transpose));
  for (int k = 2; k <= plan->order; k++) PetscCall(destroy_product(&plan->tables.power[k], factors->power[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
