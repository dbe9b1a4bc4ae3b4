/* Groups of coordinates that only a sum of squares knows: which are found, which are refused, and that the operators in
   the new coordinates are the old ones, as polynomials in the d_i. */
#include <string.h>
#include "jet_fixture.h"

enum { MOST_OPS = 4, D = 300 };

typedef struct {
  int n_coord, n, n_group;
  JetOperator op[MOST_OPS], reduced[MOST_OPS];
  JetGroup *groups;
} Fixture;

/* op += coef d^index */
static void add(JetOperator *op, double coef, JetIndex index)
{
  JetOperator term, sum;
  ck_petsc(JetOperatorCreate(1, &index, &coef, &term));
  ck_petsc(JetOperatorAdd(1, op, 1, &term, &sum));
  ck_petsc(JetOperatorDestroy(op));
  ck_petsc(JetOperatorDestroy(&term));
  *op = sum;
}

/* scale sum_i c(i) d_i^2 over [begin, end), c(i) = 1 or 0.5 + i / 7 */
static JetOperator squares(int begin, int end, double scale, bool varied)
{
  JetOperator op = {0};
  JetIndex index[D];
  double coef[D];
  for (int i = begin; i < end; i++) {
    index[i - begin] = (JetIndex){2, {i, i}};
    coef[i - begin] = scale * (varied ? 0.5 + i / 7.0 : 1.0);
  }
  ck_petsc(JetOperatorCreate(end - begin, index, coef, &op));
  return op;
}

static JetOperator product(JetOperator a, JetOperator b)
{
  JetOperator ab;
  ck_petsc(JetOperatorCompose(&a, &b, &ab));
  ck_petsc(JetOperatorDestroy(&a));
  ck_petsc(JetOperatorDestroy(&b));
  return ab;
}

static double symbol(const JetOperator *op, const double y[])
{
  double sum = 0;
  for (int t = 0; t < op->n; t++) {
    double term = op->coef[t];
    for (int k = 0; k < op->index[t].order; k++) term *= y[op->index[t].coord[k]];
    sum += term;
  }
  return sum;
}

/* Reduces, and checks that the symbols agree wherever the new coordinates have the S of the old. */
static void reduce(Fixture *f, int width, int least)
{
  const JetReducer reducer = {.width = width, .least = least};
  int n_new = f->n_coord;
  double *y;
  ck_petsc(JetReduce(f->n_coord, &reducer, f->n, f->op, &f->n_group, &f->groups, f->reduced));
  for (int g = 0; g < f->n_group; g++) {
    ck_assert_int_eq(f->groups[g].first, n_new);
    ck_assert_int_ge(f->groups[g].n, least);
    ck_assert_int_eq(f->groups[g].width, PetscMin(width, f->groups[g].n));
    n_new += f->groups[g].width;
  }
  ck_petsc(PetscMalloc1(n_new, &y));
  for (int trial = 0; trial < 3; trial++) {
    TestFill((size_t)n_new, y, 30 + (uint64_t)trial);
    for (int g = 0; g < f->n_group; g++) {
      const JetGroup *group = &f->groups[g];
      double S = 0, have = 0;
      for (int i = 0; i < group->n; i++) S += group->coef[i] * y[group->coord[i]] * y[group->coord[i]];
      for (int k = 0; k < group->width; k++) have += y[group->first + k] * y[group->first + k];
      for (int k = 0; k < group->width; k++) y[group->first + k] *= sqrt(S / have);
    }
    for (int o = 0; o < f->n; o++) ck_near(symbol(&f->reduced[o], y), symbol(&f->op[o], y), 1e-11, 1e-12);
  }
  ck_petsc(PetscFree(y));
}

static void finish(Fixture *f)
{
  ck_petsc(JetGroupsDestroy(f->n_group, &f->groups));
  for (int o = 0; o < f->n; o++) {
    ck_petsc(JetOperatorDestroy(&f->op[o]));
    ck_petsc(JetOperatorDestroy(&f->reduced[o]));
  }
}

START_TEST(a_laplacian_is_one_group)
{
  Fixture f = {.n_coord = D, .n = 1, .op = {squares(0, D, -0.3, false)}};
  reduce(&f, 32, 33);
  ck_assert_int_eq(f.n_group, 1);
  ck_assert_int_eq(f.groups[0].n, D);
  ck_assert_int_eq(f.reduced[0].n, 32);
  for (int i = 0; i < D; i++) ck_assert(f.groups[0].coord[i] == i && f.groups[0].coef[i] == 1);
  finish(&f);
}
END_TEST

START_TEST(time_stays_beside_the_group)
{
  Fixture f = {.n_coord = 41, .n = 3, .op = {squares(0, 40, -1, true), squares(0, 40, 2.5, true)}};
  add(&f.op[0], 1, (JetIndex){1, {40}});
  f.op[2] = product(squares(0, 40, 1, true), OperatorOf(1, ""));
  const JetIndex t = {1, {40}};
  JetOperator time = {0};
  add(&time, 1, t);
  f.op[2] = product(f.op[2], time);
  reduce(&f, 5, 6);
  ck_assert_int_eq(f.n_group, 1);
  ck_assert_int_eq(f.groups[0].n, 40);
  for (int i = 0; i < 40; i++) ck_near(f.groups[0].coef[i], (0.5 + i / 7.0) / 0.5, 1e-14, 0);
  ck_assert_int_eq(f.reduced[0].n, 6);
  ck_assert_int_eq(f.reduced[2].n, 5);
  finish(&f);
}
END_TEST

START_TEST(powers_of_the_sum_are_seen)
{
  for (int varied = 0; varied < 2; varied++) {
    Fixture f = {.n_coord = 12, .n = 2, .op = {product(squares(0, 12, 1, varied), squares(0, 12, 1, varied))}};
    f.op[1] = product(squares(0, 12, 3, varied), squares(0, 12, 1, varied));
    f.op[1] = product(f.op[1], squares(0, 12, 1, varied));
    reduce(&f, 3, 4);
    ck_assert_int_eq(f.n_group, 1);
    ck_assert_int_eq(f.groups[0].n, 12);
    ck_assert_int_eq(f.reduced[0].n, 6);
    ck_assert_int_eq(f.reduced[1].n, 10);
    finish(&f);
  }
}
END_TEST

START_TEST(a_coordinate_asked_for_alone_leaves_the_group)
{
  const JetIndex alone[] = {{1, {3}}, {2, {3, 3}}, {2, {3, 5}}, {4, {3, 3, 5, 5}}};
  const int size[] = {19, 19, 18, 18};
  for (int k = 0; k < 4; k++) {
    Fixture f = {.n_coord = 20, .n = 2, .op = {squares(0, 20, 1, false)}};
    add(&f.op[1], 1, alone[k]);
    reduce(&f, 4, 5);
    ck_assert_int_eq(f.n_group, k == 3 ? 0 : 1);
    if (f.n_group) ck_assert_int_eq(f.groups[0].n, size[k]);
    for (int i = 0; f.n_group && i < f.groups[0].n; i++) ck_assert_int_ne(f.groups[0].coord[i], 3);
    finish(&f);
  }
}
END_TEST

START_TEST(sums_over_different_coordinates_are_different_groups)
{
  Fixture f = {.n_coord = 30, .n = 2, .op = {squares(0, 30, 1, false), squares(0, 14, 1, true)}};
  reduce(&f, 3, 4);
  ck_assert_int_eq(f.n_group, 1); /* of the 16 that only the first knows: the others' factors differ */
  ck_assert_int_eq(f.groups[0].n, 16);
  finish(&f);
  f = (Fixture){.n_coord = 30, .n = 3, .op = {squares(0, 30, 1, false), squares(0, 14, 2, false)}};
  f.op[2] = product(squares(0, 14, 1, false), squares(14, 30, 1, false));
  reduce(&f, 3, 4);
  ck_assert_int_eq(f.n_group, 2);
  ck_assert_int_eq(f.groups[0].n + f.groups[1].n, 30);
  ck_assert_int_eq(f.reduced[2].n, 9);
  finish(&f);
}
END_TEST

START_TEST(what_only_looks_like_a_power_is_refused)
{
  Fixture f = {.n_coord = 8, .n = 1, .op = {product(squares(0, 8, 1, false), squares(0, 8, 1, false))}};
  add(&f.op[0], -2, (JetIndex){4, {2, 2, 6, 6}}); /* one cross term is missing */
  reduce(&f, 2, 3);
  ck_assert_int_eq(f.n_group, 0);
  finish(&f);
  JetOperator minus = squares(0, 4, 1, false); /* (d_0^2 + ... - d_4^2 ...)^2: no positive coefficients give it */
  for (int i = 4; i < 8; i++) add(&minus, -1, (JetIndex){2, {i, i}});
  f = (Fixture){.n_coord = 8, .n = 1};
  ck_petsc(JetOperatorCompose(&minus, &minus, &f.op[0]));
  ck_petsc(JetOperatorDestroy(&minus));
  reduce(&f, 2, 3);
  ck_assert_int_eq(f.n_group, 0);
  finish(&f);
}
END_TEST

START_TEST(the_wave_operator_keeps_the_signs_apart)
{
  Fixture f = {.n_coord = 9, .n = 1, .op = {squares(0, 8, -4, false)}};
  add(&f.op[0], 1, (JetIndex){2, {8, 8}});
  reduce(&f, 3, 2);
  ck_assert_int_eq(f.n_group, 1);
  ck_assert_int_eq(f.groups[0].n, 8);
  ck_assert_int_eq(f.reduced[0].n, 4);
  finish(&f);
}
END_TEST

START_TEST(small_groups_stay)
{
  Fixture f = {.n_coord = 20, .n = 1, .op = {squares(0, 20, 1, false)}};
  reduce(&f, 20, 21);
  ck_assert_int_eq(f.n_group, 0);
  ck_assert_int_eq(JetOperatorCompare(&f.op[0], &f.reduced[0]), 0);
  finish(&f);
}
END_TEST

START_TEST(many_dimensions_cost_little)
{
  enum { MANY = 1000000 };
  JetOperator op = {.n = MANY}, reduced;
  const JetReducer reducer = {.width = 16, .least = 17};
  JetGroup *groups;
  int n;
  ck_petsc(PetscMalloc2(MANY, &op.index, MANY, &op.coef));
  for (int i = 0; i < MANY; i++) op.index[i] = (JetIndex){2, {i, i}}, op.coef[i] = 1;
  ck_petsc(JetReduce(MANY, &reducer, 1, &op, &n, &groups, &reduced));
  ck_assert_int_eq(n, 1);
  ck_assert_int_eq(groups[0].n, MANY);
  ck_assert_int_eq(reduced.n, 16);
  ck_petsc(JetGroupsDestroy(n, &groups));
  ck_petsc(JetOperatorDestroy(&op));
  ck_petsc(JetOperatorDestroy(&reduced));
}
END_TEST

TEST_SUITE("jet reduce", a_laplacian_is_one_group, time_stays_beside_the_group, powers_of_the_sum_are_seen,
           a_coordinate_asked_for_alone_leaves_the_group, sums_over_different_coordinates_are_different_groups,
           what_only_looks_like_a_power_is_refused, the_wave_operator_keeps_the_signs_apart, small_groups_stay,
           many_dimensions_cost_little)
