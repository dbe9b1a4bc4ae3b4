/* Directions for sums of second derivatives of any kind. With A_ij = A_ji = c_ij f_ij / 2 from the terms
   c_ij f_ij d_i d_j (A_ii = c_ii f_ii) and E v v^T = 1,

     tr(A Hess) = E v^T A Hess v = E (A v . grad)(v . grad),   1/m sum over m draws of v.

   No root of A is needed, and A may have both signs and depend on the point: derivatives along A(x) v are those along
   sum_i (sum_j A_ij(x) v_j) e_i, the seeds of one column. Where A = L L^T does not depend on the point, (L v . grad)^2
   has the same mean and a variance that is no larger, |L^T Hess L|_F^2 against that of the symmetric part of A Hess.
   With unit vectors for v, without replacement, L v are columns of L (the sparse estimator of such sums). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "jet_impl.h"

#define ROUNDING  1e-12 /* of a pivot, as a part of the largest: below it is zero */
#define MOST_ROOT 2000  /* coordinates for which a root is looked for */

const JetGroup *JetFindDirection(int n_group, const JetGroup groups[], int coord, int *number)
{
  for (int g = 0; g < n_group; g++) {
    *number = coord - groups[g].first;
    if (groups[g].matrix && *number >= 0 && *number < groups[g].width) return &groups[g];
  }
  return NULL;
}

/* Row i of L v; v NULL: the coordinates alone. */
static int root_seeds(const JetGroup *group, const double v[], int coord[], double coef[], int factor[])
{
  const size_t n = (size_t)group->n;
  const double *root = group->matrix->root;
  for (size_t i = 0; i < n; i++) {
    if (coord) coord[i] = group->coord[i];
    if (factor) factor[i] = -1;
    if (!coef || !v) continue;
    coef[i] = 0;
    for (size_t j = 0; j <= i; j++) coef[i] += root[i * n + j] * v[j];
  }
  return group->n;
}

int JetDirectionSeeds(const JetGroup *group, int number, const double V[], int coord[], double coef[], int factor[])
{
  const JetMatrix *matrix = group->matrix;
  const double *v = V ? V + (size_t)(matrix->root ? number : number / 2) * (size_t)group->n : NULL;
  int n = 0;
  if (matrix->root) return root_seeds(group, v, coord, coef, factor);
  if (number % 2 == 0) {
    for (int i = 0; i < group->n; i++) {
      if (coord) coord[i] = group->coord[i];
      if (factor) factor[i] = -1;
      if (coef && v) coef[i] = v[i];
    }
    return group->n;
  }
  for (int t = 0; t < matrix->n_term; t++)
    for (int end = 0; end < 2; end++) {
      const int i = matrix->place[2 * t + end], j = matrix->place[2 * t + 1 - end];
      if (end && i == j) continue;
      if (coord) coord[n] = group->coord[i];
      if (factor) factor[n] = matrix->factor[t];
      if (coef && v) coef[n] = matrix->coef[t] * v[j] * (i == j ? 1.0 : 0.5);
      n++;
    }
  return n;
}

/* L of A = L L^T, lower triangular; false where A has a negative eigenvalue. A pivot that rounding keeps from zero
   has a zero column. */
static bool factorize(size_t n, double A[])
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = PetscMax(largest, A[i * n + i]);
  for (size_t j = 0; j < n; j++) {
    for (size_t i = j; i < n; i++)
      for (size_t k = 0; k < j; k++) A[i * n + j] -= A[i * n + k] * A[j * n + k];
    const double pivot = A[j * n + j];
    const bool zero = fabs(pivot) <= ROUNDING * largest;
    if (pivot < 0 && !zero) return false;
    for (size_t i = j; i < n; i++) {
      if (zero && fabs(A[i * n + j]) > sqrt(ROUNDING) * largest) return false;
      A[i * n + j] = zero ? 0.0 : i == j ? sqrt(pivot) : A[i * n + j] / A[j * n + j];
    }
  }
  return true;
}

static PetscErrorCode find_root(JetGroup *group)
{
  JetMatrix *matrix = group->matrix;
  const size_t n = (size_t)group->n;
  PetscFunctionBegin;
  for (int t = 0; t < matrix->n_term; t++)
    if (matrix->factor[t] >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (n > MOST_ROOT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(n * n, &matrix->root));
  for (int t = 0; t < matrix->n_term; t++) {
    const size_t i = (size_t)matrix->place[2 * t], j = (size_t)matrix->place[2 * t + 1];
    matrix->root[j * n + i] = matrix->coef[t] * (i == j ? 1.0 : 0.5);
  }
  if (!factorize(n, matrix->root)) PetscCall(PetscFree(matrix->root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_int(const void *a, const void *b)
{
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* The distinct coordinates of second derivatives: coord [out] [*n], ascending. */
static PetscErrorCode list_coordinates(const JetOperator *op, int *n, int **coord)
{
  int all = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(2 * op->n, coord));
  for (int t = 0; t < op->n; t++)
    for (int k = 0; k < 2 && op->index[t].order == 2; k++) (*coord)[all++] = op->index[t].coord[k];
  if (all) qsort(*coord, (size_t)all, sizeof(int), compare_int);
  *n = 0;
  for (int k = 0; k < all; k++)
    if (!*n || (*coord)[*n - 1] != (*coord)[k]) (*coord)[(*n)++] = (*coord)[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_matrix(const JetOperator *op, const JetGroup *group, JetMatrix **matrix)
{
  JetMatrix *m;
  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  *matrix = m;
  PetscCall(PetscMalloc3(2 * op->n, &m->place, op->n, &m->coef, op->n, &m->factor));
  for (int t = 0; t < op->n; t++) {
    if (op->index[t].order != 2) continue;
    for (int k = 0; k < 2; k++) {
      const int *at = bsearch(&op->index[t].coord[k], group->coord, (size_t)group->n, sizeof(int), compare_int);
      m->place[2 * m->n_term + k] = (int)(at - group->coord);
    }
    m->coef[m->n_term] = op->coef[t];
    m->factor[m->n_term++] = JetFactor(op, t);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The group of an operator in one draw; coord [n] of its coordinates. */
static PetscErrorCode create_group(const JetReducer *reducer, const JetOperator *op, int n, const int coord[], int draw,
                                   int first, JetGroup *group)
{
  PetscFunctionBegin;
  *group = (JetGroup){.reduction = JET_DIRECT, .n = n, .arity = 1, .slots = reducer->slots, .order = 2, .passes = 1};
  group->first_factor = -1;
  group->draw = draw;
  group->first = first;
  PetscCall(PetscMalloc2(n, &group->coord, n, &group->coef));
  PetscCall(PetscArraycpy(group->coord, coord, n));
  for (int i = 0; i < n; i++) group->coef[i] = 1.0;
  PetscCall(create_matrix(op, group, &group->matrix));
  PetscCall(find_root(group));
  group->width = group->matrix->root ? group->slots : 2 * group->slots;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operator with directions in place of its second derivatives. */
static PetscErrorCode reduce_operator(const JetOperator *op, const JetGroup *group, JetOperator *reduced)
{
  JetTerms terms = {0};
  PetscFunctionBegin;
  for (int t = 0; t < op->n; t++)
    if (op->index[t].order != 2) PetscCall(JetTermsAdd(&terms, &op->index[t], op->coef[t], JetFactor(op, t)));
  for (int k = 0; k < group->slots; k++) {
    const bool one = group->matrix->root != NULL;
    const int first = group->first + (one ? k : 2 * k);
    PetscCall(JetTermsAdd(&terms, &(JetIndex){2, {first, one ? first : first + 1}}, 1.0 / group->slots, -1));
  }
  PetscCall(JetTermsFinish(&terms, reduced));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetReduceByDirections(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                     int *n_group, JetGroup **groups, JetOperator reduced[])
{
  const int draws = PetscMax(1, reducer->draws);
  int first = n_coord;
  PetscFunctionBegin;
  *n_group = 0;
  PetscCall(PetscCalloc1(draws * n, groups));
  for (int k = 0; k < draws * n; k++) {
    const JetOperator *op = &operators[k % n];
    int n_axis = 0, *coord;
    PetscCall(list_coordinates(op, &n_axis, &coord));
    if (JetOperatorOrder(op) == 2 && op->n > 1 && n_axis >= PetscMax(2, reducer->least)) {
      JetGroup *group = &(*groups)[(*n_group)++];
      PetscCall(create_group(reducer, op, n_axis, coord, k / n, first, group));
      PetscCall(reduce_operator(op, group, &reduced[k]));
      first += group->width;
    } else
      PetscCall(JetOperatorCopy(op, &reduced[k]));
    PetscCall(PetscFree(coord));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool is_mixed(const JetOperator *op)
{
  for (int t = 0; t < op->n; t++)
    if (op->index[t].order == 2 && op->index[t].coord[0] != op->index[t].coord[1]) return true;
  return false;
}

/* A group for the operator in each draw, where it has a root and columns enough. */
static PetscErrorCode add_columns(const JetReducer *reducer, const JetOperator *op, int *n_group, JetGroup groups[])
{
  const int before = *n_group;
  int n_axis = 0, *coord;
  PetscFunctionBegin;
  if (reducer->passes > 1 || JetOperatorOrder(op) != 2 || !is_mixed(op)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(list_coordinates(op, &n_axis, &coord));
  for (int draw = 0; draw < PetscMax(1, reducer->draws) && n_axis >= PetscMax(2, reducer->slots); draw++) {
    JetGroup *group = &groups[(*n_group)++];
    PetscCall(create_group(reducer, op, n_axis, coord, draw, 0, group));
    group->matrix->columns = true;
  }
  PetscCall(PetscFree(coord));
  if (*n_group == before || groups[before].matrix->root) PetscFunctionReturn(PETSC_SUCCESS);
  for (; *n_group > before; --*n_group) PetscCall(JetGroupClear(&groups[*n_group - 1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operator without its second derivatives, or itself. */
static PetscErrorCode copy_rest(const JetOperator *op, bool all, JetOperator *rest)
{
  JetTerms terms = {0};
  PetscFunctionBegin;
  for (int t = 0; t < op->n; t++)
    if (all || op->index[t].order != 2) PetscCall(JetTermsAdd(&terms, &op->index[t], op->coef[t], JetFactor(op, t)));
  PetscCall(JetTermsFinish(&terms, rest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The groups of columns follow those of samples, whose coordinates come first. */
static PetscErrorCode append_groups(int n_coord, int n_column, const JetGroup columns[], int *n_group,
                                    JetGroup **groups)
{
  int first = n_coord;
  PetscFunctionBegin;
  PetscCall(PetscRealloc(sizeof(JetGroup) * (size_t)(*n_group + n_column), groups));
  for (int g = 0; g < *n_group; g++) first += (*groups)[g].width;
  for (int k = 0; k < n_column; k++) {
    JetGroup *group = &(*groups)[(*n_group)++];
    *group = columns[k];
    group->first = first;
    first += group->width;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetReduceByColumns(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                  int *n_group, JetGroup **groups, JetOperator reduced[])
{
  const int draws = PetscMax(1, reducer->draws);
  JetOperator *rest, slots, sum;
  JetGroup *columns;
  int n_column = 0, *first; /* of an operator's groups, -1 = none */
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &rest, n, &first, draws * n, &columns));
  for (int k = 0; k < n; k++) {
    const int before = n_column;
    PetscCall(add_columns(reducer, &operators[k], &n_column, columns));
    first[k] = n_column > before ? before : -1;
    PetscCall(copy_rest(&operators[k], first[k] < 0, &rest[k]));
  }
  PetscCall(JetReduceBySampling(n_coord, reducer, n, rest, n_group, groups, reduced));
  const int n_sample = *n_group;
  PetscCall(append_groups(n_coord, n_column, columns, n_group, groups));
  for (int k = 0; k < draws * n; k++) {
    if (first[k % n] < 0) continue;
    const JetOperator none = {0};
    PetscCall(reduce_operator(&none, &(*groups)[n_sample + first[k % n] + k / n], &slots));
    PetscCall(JetOperatorAdd(1.0, &reduced[k], 1.0, &slots, &sum));
    PetscCall(JetOperatorDestroy(&slots));
    PetscCall(JetOperatorDestroy(&reduced[k]));
    reduced[k] = sum;
  }
  for (int k = 0; k < n; k++) PetscCall(JetOperatorDestroy(&rest[k]));
  PetscCall(PetscFree3(rest, first, columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}
