/* Which partial derivatives a column holds, found with monomials: x^a / a! at the origin has the partial a alone. */
#include <string.h>
#include "jet_fixture.h"

enum { N_COORD = 3, DEGREE = 5, MOST = 64 };

/* Jets of x^power[0] y^power[1] t^power[2] / a! by those of the coordinates. */
static void monomial(JetPlan plan, double x[N_COORD][MOST], const int power[], double jets[])
{
  const size_t bytes = (size_t)JetPlanColumns(plan) * sizeof(double);
  double before[MOST];
  memset(jets, 0, bytes);
  jets[0] = 1;
  for (int c = 0; c < N_COORD; c++)
    for (int p = 0; p < power[c]; p++) {
      for (int k = 0; k < JetPlanColumns(plan); k++) before[k] = jets[k] / (p + 1);
      KernelCPU.multiply(&JetPlanTables(plan)->product, 1, before, 1, x[c], 1, jets, 1, 0);
    }
}

/* Jets of the coordinates at the origin. */
static void seed(JetPlan plan, double x[N_COORD][MOST])
{
  memset(x, 0, sizeof(double) * N_COORD * MOST);
  for (int k = 0; k < JetPlanColumns(plan); k++) {
    const int *coord;
    const double *factor;
    int n;
    ck_petsc(JetPlanSeeds(plan, k, &n, &coord, &factor));
    for (int i = 0; i < n; i++) x[coord[i]][k] = factor[i];
  }
}

static void expect_alone(const char *digits)
{
  double x[N_COORD][MOST], jets[MOST], factor;
  int wanted[N_COORD] = {0}, power[N_COORD];
  JetOperator op = OperatorOf(1, digits);
  JetPlan plan;
  for (const char *digit = digits; *digit; digit++) wanted[*digit - '0']++;
  ck_petsc(JetPlanCreate(N_COORD, 1, &op, &plan));
  ck_assert_int_le(JetPlanColumns(plan), MOST);
  const int column = JetPlanFind(plan, &op, &factor);
  seed(plan, x);
  for (int code = 0; code < (DEGREE + 1) * (DEGREE + 1) * (DEGREE + 1); code++) {
    for (int c = 0, rest = code; c < N_COORD; c++, rest /= DEGREE + 1) power[c] = rest % (DEGREE + 1);
    monomial(plan, x, power, jets);
    ck_near(factor * jets[column], !memcmp(power, wanted, sizeof(power)), 1e-15, 0);
  }
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&op));
}

/* Plans are of multi-indices: the column that is found for a partial holds no other. */
START_TEST(partials_stand_alone)
{
  const char *const partials[] = {"00", "2", "01", "011", "002", "111", "0001", "00011", "012", "00112", "01122"};
  for (size_t k = 0; k < sizeof(partials) / sizeof(partials[0]); k++) expect_alone(partials[k]);
}
END_TEST

/* A jet of one variable s in which the coordinates begin in several orders, x = s^p / p!, has sums of partials in one
   order n: n! times its coefficient n of x^a / a! is how much of the partial a is there. */
START_TEST(jets_of_one_variable_mix_partials)
{
  static const struct {
    int seed[N_COORD], order, power[N_COORD];
    double share;
  } known[] = {
      {{3, 4, 7}, 6, {2, 0, 0}, 10},      {{3, 4, 7}, 7, {0, 0, 1}, 1},     {{3, 4, 7}, 7, {1, 1, 0}, 35},
      {{3, 4, 7}, 11, {0, 1, 1}, 330},    {{3, 4, 7}, 11, {1, 2, 0}, 5775}, {{3, 4, 7}, 13, {2, 0, 1}, 17160},
      {{3, 4, 7}, 13, {3, 1, 0}, 200200}, {{2, 3, 16}, 9, {0, 3, 0}, 280},  {{2, 3, 16}, 9, {3, 1, 0}, 1260},
  };
  JetOperator last = OperatorOf(1, "0000000000000000");
  JetPlan line = PlanOf(1, 1, &last);
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    double x[N_COORD][MOST] = {{0}}, jets[MOST];
    for (int c = 0; c < N_COORD; c++) x[c][known[k].seed[c]] = 1 / tgamma(known[k].seed[c] + 1);
    monomial(line, x, known[k].power, jets);
    ck_near(tgamma(known[k].order + 1) * jets[known[k].order], known[k].share, 1e-13, 0);
  }
  ck_petsc(JetPlanDestroy(&line));
}
END_TEST

/* What no column holds alone is not found: a part of a collapsed column, or a partial that was not asked for. */
START_TEST(what_is_not_alone_is_not_found)
{
  JetOperator laplacian = Laplacian(3), part = OperatorOf(1, "11"), mixed = OperatorOf(1, "01");
  double factor;
  JetPlan plan;
  ck_petsc(JetPlanCreate(3, 1, &laplacian, &plan));
  ck_assert_int_gt(JetPlanFind(plan, &laplacian, &factor), 0);
  ck_assert_int_eq(JetPlanFind(plan, &part, &factor), -1);
  ck_assert_int_eq(JetPlanFind(plan, &mixed, &factor), -1);
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&laplacian));
  ck_petsc(JetOperatorDestroy(&part));
  ck_petsc(JetOperatorDestroy(&mixed));
}
END_TEST

TEST_SUITE("jet isolation", partials_stand_alone, jets_of_one_variable_mix_partials, what_is_not_alone_is_not_found)
