/* Which coordinates a set of operators knows only through one sum of squares S = sum_i c_i d_i^2, c_i > 0, its powers
   and its products with other derivatives: then fewer coordinates q with S = sum_k d_{q_k}^2 can stand for them.

   Candidates occur with even powers only, but for first-order terms of operators that are collapsed anyway: such terms
   seed the operator's column and ask for no other. Two candidates may share a group if the terms in which either is the
   only one agree but for factors c^power; that is a guess, which the expansion of all powers and products proves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "squares.h"

#define LEFT       (-1) /* stays as it is */
#define CANDIDATE  (-2)
#define MAX_GROUPS 64    /* of equal shape: more are not looked for */
#define TOLERANCE  1e-13 /* of coefficients, which are products of the user's numbers */

/* A term with one candidate: coef f d_coord^(2 power) d^rest in operator op, f a factor of operators. */
typedef struct {
  int coord, op, power, factor;
  JetIndex rest;
  double coef;
} Pure;

/* The pure terms of a coordinate. */
typedef struct {
  int coord, n;
  const Pure *terms;
} Shape;

static void leave_odd(SquareSearch *s)
{
  for (int o = 0; o < s->n_op; o++)
    for (int t = 0; t < s->ops[o].n; t++) {
      const JetIndex *a = &s->ops[o].index[t];
      if (JetSeedsOnly(&s->ops[o], a)) continue;
      for (int k = 0, run; k < a->order; k += run) {
        run = JetRunLength(a, k);
        if (run % 2) s->member[a->coord[k]] = LEFT;
      }
    }
}

/* The term as a pure one; false where it has no candidate or several. */
static bool read_pure(const SquareSearch *s, int op, int term, Pure *pure)
{
  const JetIndex *a = &s->ops[op].index[term];
  *pure = (Pure){.coord = -1, .op = op, .factor = JetFactor(&s->ops[op], term), .coef = s->ops[op].coef[term]};
  if (JetSeedsOnly(&s->ops[op], a)) return false;
  for (int k = 0, run; k < a->order; k += run) {
    run = JetRunLength(a, k);
    if (s->member[a->coord[k]] == CANDIDATE) {
      if (pure->coord >= 0) return false;
      pure->coord = a->coord[k];
      pure->power = run / 2;
      continue;
    }
    for (int i = 0; i < run; i++) pure->rest.coord[pure->rest.order++] = a->coord[k];
  }
  return pure->coord >= 0;
}

static int compare_place(const Pure *a, const Pure *b)
{
  if (a->op != b->op) return a->op < b->op ? -1 : 1;
  if (a->power != b->power) return a->power < b->power ? -1 : 1;
  if (a->factor != b->factor) return a->factor < b->factor ? -1 : 1;
  return JetIndexCompare(&a->rest, &b->rest);
}

static int compare_pure(const void *a, const void *b)
{
  const Pure *left = a, *right = b;
  if (left->coord != right->coord) return left->coord < right->coord ? -1 : 1;
  return compare_place(left, right);
}

static int compare_shapes(const void *a, const void *b)
{
  const Shape *left = a, *right = b;
  if (left->n != right->n) return left->n < right->n ? -1 : 1;
  for (int t = 0; t < left->n; t++) {
    const int order = compare_place(&left->terms[t], &right->terms[t]);
    if (order) return order;
  }
  return 0;
}

static int compare_shapes_then_coordinates(const void *a, const void *b)
{
  const int order = compare_shapes(a, b);
  return order ? order : ((const Shape *)a)->coord - ((const Shape *)b)->coord;
}

/* The candidates' shapes, sorted; candidates without pure terms are left, which makes terms of others pure.
     pure, shapes  [out]  freed by the caller */
static PetscErrorCode collect_shapes(SquareSearch *s, Pure **pure, int *n_shape, Shape **shapes)
{
  int total = 0, n, left = 1;
  PetscFunctionBegin;
  for (int o = 0; o < s->n_op; o++) total += s->ops[o].n;
  PetscCall(PetscMalloc1(total, pure));
  PetscCall(PetscMalloc1(s->n_coord, shapes));
  while (left) {
    n = left = *n_shape = 0;
    for (int o = 0; o < s->n_op; o++)
      for (int t = 0; t < s->ops[o].n; t++) n += read_pure(s, o, t, &(*pure)[n]);
    if (n) qsort(*pure, (size_t)n, sizeof(Pure), compare_pure);
    for (int i = 0, t = 0; i < s->n_coord; i++) {
      const int begin = t;
      if (s->member[i] != CANDIDATE) continue;
      while (t < n && (*pure)[t].coord == i) t++;
      if (t > begin)
        (*shapes)[(*n_shape)++] = (Shape){i, t - begin, *pure + begin};
      else
        s->member[i] = LEFT, left++;
    }
  }
  if (*n_shape) qsort(*shapes, (size_t)*n_shape, sizeof(Shape), compare_shapes_then_coordinates);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The c > 0 with which b is a times c^power, term by term; 0 where there is none. */
static double scale_between(const Shape *a, const Shape *b)
{
  const double c = pow(b->terms[0].coef / a->terms[0].coef, 1.0 / a->terms[0].power);
  if (!(c > 0.0)) return 0.0;
  for (int t = 0; t < a->n; t++) {
    const double expected = a->terms[t].coef * pow(c, a->terms[t].power);
    if (!(fabs(b->terms[t].coef - expected) <= TOLERANCE * fabs(expected))) return 0.0;
  }
  return c;
}

/* Groups of proportional shapes, numbered by their first coordinates' shapes. */
static PetscErrorCode guess_groups(SquareSearch *s, int n_shape, const Shape shapes[])
{
  int *first, begin = 0; /* shapes that opened a group; the first group of the present shape */
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_shape, &first));
  PetscCall(PetscCalloc1(n_shape, &s->size));
  for (int k = 0; k < n_shape; k++) {
    const int i = shapes[k].coord;
    if (k && compare_shapes(&shapes[k - 1], &shapes[k])) begin = s->n_group;
    s->member[i] = LEFT;
    for (int g = begin; g < s->n_group && s->member[i] == LEFT; g++) {
      s->coef[i] = scale_between(&shapes[first[g]], &shapes[k]);
      if (s->coef[i] > 0.0) s->member[i] = g;
    }
    if (s->member[i] == LEFT && s->n_group - begin < MAX_GROUPS) {
      first[s->n_group] = k;
      s->coef[i] = 1.0;
      s->member[i] = s->n_group++;
    }
    if (s->member[i] >= 0) s->size[s->member[i]]++;
  }
  PetscCall(PetscFree(first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dissolves the groups whose size was set to 0, and numbers the others anew. */
static PetscErrorCode drop_groups(SquareSearch *s)
{
  int *number, n = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->n_group, &number));
  for (int g = 0; g < s->n_group; g++) {
    number[g] = s->size[g] ? n : LEFT;
    if (s->size[g]) s->size[n++] = s->size[g];
  }
  for (int i = 0; i < s->n_coord; i++)
    if (s->member[i] >= 0) s->member[i] = number[s->member[i]];
  s->n_group = n;
  PetscCall(PetscFree(number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double factorial(int n)
{
  double product = 1.0;
  for (int k = 2; k <= n; k++) product *= k;
  return product;
}

/* A term's skeleton; its coefficient is what it would be of the whole: S^k holds
   k! prod_i c_i^(m_i) / m_i! d_i^(2 m_i), sum_i m_i = k. */
static SquareSkeleton skeleton_of(const SquareSearch *s, const JetOperator *op, int term)
{
  const JetIndex *a = &op->index[term];
  SquareSkeleton skeleton = {.index = *a, .coef = op->coef[term], .factor = JetFactor(op, term)};
  double weight = 1.0;
  if (JetSeedsOnly(op, a)) return skeleton;
  for (int k = 0, run; k < a->order; k += run) {
    const int i = a->coord[k], g = s->member[i];
    run = JetRunLength(a, k);
    if (g < 0) continue;
    weight *= pow(s->coef[i], run / 2) / factorial(run / 2);
    for (int j = 0; j < run; j++) skeleton.index.coord[k + j] = s->n_coord + g;
  }
  JetIndexSort(&skeleton.index);
  for (int k = 0, run; k < a->order; k += run) {
    run = JetRunLength(&skeleton.index, k);
    if (skeleton.index.coord[k] >= s->n_coord) weight *= factorial(run / 2);
  }
  skeleton.coef /= weight;
  return skeleton;
}

/* How many terms a skeleton stands for: prod_g (size + power - 1 over power). */
static double expansion_terms(const SquareSearch *s, const JetIndex *a)
{
  double n = 1.0;
  for (int k = 0, run; k < a->order; k += run) {
    run = JetRunLength(a, k);
    if (a->coord[k] < s->n_coord) continue;
    for (int j = 0; j < run / 2; j++) n *= (double)(s->size[a->coord[k] - s->n_coord] + j) / (j + 1);
  }
  return round(n);
}

static int compare_skeletons(const void *a, const void *b)
{
  const SquareSkeleton *left = a, *right = b;
  const int order = JetIndexCompare(&left->index, &right->index);
  return order ? order : (left->factor > right->factor) - (left->factor < right->factor);
}

/* The distinct skeletons of an operator.  list [out] [*n], freed by the caller */
static PetscErrorCode list_skeletons(const SquareSearch *s, const JetOperator *op, int *n, SquareSkeleton **list)
{
  SquareSkeleton *all;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(op->n, &all));
  for (int t = 0; t < op->n; t++) all[t] = skeleton_of(s, op, t);
  if (op->n) qsort(all, (size_t)op->n, sizeof(*all), compare_skeletons);
  *n = 0;
  for (int t = 0, end; t < op->n; t = end) {
    SquareSkeleton whole = all[t];
    whole.whole = true;
    for (end = t; end < op->n && !compare_skeletons(&all[end], &whole); end++)
      if (!(fabs(all[end].coef - whole.coef) <= TOLERANCE * fabs(whole.coef))) whole.whole = false;
    whole.whole = whole.whole && (double)(end - t) == expansion_terms(s, &whole.index);
    all[(*n)++] = whole;
  }
  *list = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dissolves groups whose sum of squares does not stand whole everywhere, until all do. */
static PetscErrorCode prove_groups(SquareSearch *s)
{
  PetscFunctionBegin;
  for (bool changed = true; changed;) {
    changed = false;
    for (int o = 0; o < s->n_op; o++) {
      SquareSkeleton *list;
      int n;
      PetscCall(list_skeletons(s, &s->ops[o], &n, &list));
      for (int t = 0; t < n; t++)
        for (int k = 0; k < list[t].index.order && !list[t].whole; k++) {
          if (list[t].index.coord[k] < s->n_coord) continue;
          s->size[list[t].index.coord[k] - s->n_coord] = 0;
          changed = true;
        }
      PetscCall(PetscFree(list));
    }
    if (changed) PetscCall(drop_groups(s));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* groups [draw][n_group] */
static PetscErrorCode create_groups(const SquareSearch *s, const JetReducer *reducer, int draws, JetGroup **groups)
{
  const bool project = reducer->reduction == JET_PROJECT;
  int first = s->n_coord;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(draws * s->n_group, groups));
  for (int k = 0; k < draws * s->n_group; k++) {
    const int size = s->size[k % s->n_group];
    JetGroup *group = &(*groups)[k];
    *group = (JetGroup){.reduction = reducer->reduction, .arity = 1, .passes = 1, .first_factor = -1, .first = first};
    group->draw = k / s->n_group;
    group->slots = group->width = project ? reducer->slots : PetscMax(2, PetscMin(reducer->width, size));
    first += group->width;
    PetscCall(PetscMalloc2(size, &group->coord, size, &group->coef));
    for (int i = 0; i < s->n_coord; i++) {
      if (s->member[i] != k % s->n_group) continue;
      group->coord[group->n] = i;
      group->coef[group->n++] = s->coef[i];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds the skeleton with sum_k d_{first + k}^2 in place of each S. */
static PetscErrorCode add_expansion(const SquareSearch *s, const JetGroup groups[], const SquareSkeleton *skeleton,
                                    JetTerms *terms)
{
  JetIndex rest = {0};
  JetOperator op, square, product;
  int at = 0;
  PetscFunctionBegin;
  for (; at < skeleton->index.order && skeleton->index.coord[at] < s->n_coord; at++)
    rest.coord[rest.order++] = skeleton->index.coord[at];
  PetscCall(JetOperatorCreate(1, &rest, &skeleton->coef, &op));
  for (; at < skeleton->index.order; at += 2) {
    const JetGroup *group = &groups[skeleton->index.coord[at] - s->n_coord];
    PetscCall(PetscMalloc2(group->width, &square.index, group->width, &square.coef));
    square.factor = NULL;
    square.n = group->width;
    for (int k = 0; k < square.n; k++) {
      square.index[k] = (JetIndex){2, {group->first + k, group->first + k}};
      square.coef[k] = 1.0;
    }
    PetscCall(JetOperatorCompose(&op, &square, &product));
    PetscCall(JetOperatorDestroy(&op));
    PetscCall(JetOperatorDestroy(&square));
    op = product;
  }
  for (int t = 0; t < op.n; t++) PetscCall(JetTermsAdd(terms, &op.index[t], op.coef[t], skeleton->factor));
  PetscCall(JetOperatorDestroy(&op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The groups' highest orders are noted. */
static PetscErrorCode reduce_operator(const SquareSearch *s, const JetReducer *reducer, JetGroup groups[],
                                      const JetOperator *op, JetOperator *reduced)
{
  JetTerms terms = {0};
  SquareSkeleton *list;
  int n;
  PetscFunctionBegin;
  PetscCall(list_skeletons(s, op, &n, &list));
  for (int t = 0; t < n; t++) {
    const JetIndex *a = &list[t].index;
    for (int k = 0, run; k < a->order; k += run) {
      run = JetRunLength(a, k);
      if (a->coord[k] < s->n_coord) continue;
      JetGroup *group = &groups[a->coord[k] - s->n_coord];
      group->order = PetscMax(group->order, run);
    }
    PetscCall(reducer->reduction == JET_PROJECT ? SquaresAddDirections(s, groups, &list[t], &terms)
                                                : add_expansion(s, groups, &list[t], &terms));
  }
  PetscCall(JetTermsFinish(&terms, reduced));
  PetscCall(PetscFree(list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetReduceByCompression(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                      int *n_group, JetGroup **groups, JetOperator reduced[])
{
  SquareSearch s = {.n_coord = n_coord, .n_op = n, .ops = operators};
  Shape *shapes;
  Pure *pure;
  int n_shape = 0;
  const int draws = reducer->reduction == JET_PROJECT ? PetscMax(1, reducer->draws) : 1;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_coord, &s.member, n_coord, &s.coef));
  for (int i = 0; i < n_coord; i++) s.member[i] = CANDIDATE;
  leave_odd(&s);
  PetscCall(collect_shapes(&s, &pure, &n_shape, &shapes));
  PetscCall(guess_groups(&s, n_shape, shapes));
  for (int g = 0; g < s.n_group; g++)
    if (s.size[g] < reducer->least) s.size[g] = 0;
  PetscCall(drop_groups(&s));
  PetscCall(prove_groups(&s));
  PetscCall(create_groups(&s, reducer, draws, groups));
  *n_group = draws * s.n_group;
  for (int k = 0; k < draws * n; k++)
    PetscCall(reduce_operator(&s, reducer, *groups + k / n * s.n_group, &operators[k % n], &reduced[k]));
  PetscCall(PetscFree(pure));
  PetscCall(PetscFree(shapes));
  PetscCall(PetscFree(s.size));
  PetscCall(PetscFree2(s.member, s.coef));
  PetscFunctionReturn(PETSC_SUCCESS);
}
