/* Columns with coefficients that depend on the point: at each point the tables must be those of the plan with that
   point's constant coefficients. */
#include <string.h>
#include "jet_fixture.h"
#include "pinn/series.h"

enum { POINTS = 5, MOST_TERMS = 60, MOST_FACTORS = 60 };

/* Terms with their factors; factor numbers are 7, 10, 13 ... */
typedef struct {
  int n_coord, n;
  JetIndex index[MOST_TERMS];
  double coef[MOST_TERMS];
  int factor[MOST_TERMS];
} Terms;

static void add(Terms *terms, double coef, int factor, const char *digits)
{
  JetIndex index = {0};
  for (; *digits; digits++) index.coord[index.order++] = *digits - '0';
  terms->index[terms->n] = index;
  terms->coef[terms->n] = coef;
  terms->factor[terms->n++] = factor;
}

typedef enum { FIRST_ORDER, PARABOLIC, MIXED_3, GENERAL_10, THIRD, FOURTH, KINDS } Kind;

static Terms terms_of(Kind kind)
{
  Terms t = {.n_coord = 2};
  switch (kind) {
  case FIRST_ORDER:
    add(&t, 0.7, 7, "0"), add(&t, -1.3, 10, "1");
    break;
  case PARABOLIC:
    t.n_coord = 3;
    add(&t, 1, -1, "2"), add(&t, -0.5, 7, "00"), add(&t, 2, 10, "11"), add(&t, 0.3, 13, "0");
    break;
  case MIXED_3:
    t.n_coord = 3;
    add(&t, 1, 7, "00"), add(&t, 0.4, 10, "01"), add(&t, -2, 7, "12"), add(&t, 0.6, -1, "22");
    break;
  case GENERAL_10:
    t.n_coord = 10;
    for (int i = 0; i < 10; i++)
      for (int j = i; j < 10; j++)
        add(&t, i == j ? 1 : 0.1, 7 + 3 * t.n, (const char[]){(char)('0' + i), (char)('0' + j), 0});
    break;
  case THIRD:
    add(&t, 1, 7, "000"), add(&t, 0.5, 10, "011"), add(&t, -1, -1, "11"), add(&t, 0.2, 10, "111");
    break;
  default:
    add(&t, 1, 7, "0000"), add(&t, 2, 10, "0011"), add(&t, 0.7, 13, "1111"), add(&t, -0.4, 7, "0001");
  }
  return t;
}

/* Factor f at point p. */
static double factor_value(int f, int p)
{
  return f < 0 ? 1 : 1 + 0.8 * TestRandom(40 + (uint64_t)f, (uint64_t)p);
}

/* The plan with factors (p < 0), or with the numbers that they are at point p. Both carry a plain column, too. */
static JetPlan plan_of(const Terms *terms, int p)
{
  JetOperator ops[2] = {{0}, OperatorOf(1, "0")};
  double coef[MOST_TERMS];
  for (int k = 0; k < terms->n; k++) coef[k] = terms->coef[k] * (p < 0 ? 1 : factor_value(terms->factor[k], p));
  ck_petsc(JetOperatorCreateVariable(terms->n, terms->index, coef, p < 0 ? terms->factor : NULL, &ops[0]));
  return PlanOf(terms->n_coord, 2, ops);
}

static JetTables tables_of(JetPlan plan)
{
  enum { STRIDE = POINTS + 2 };
  double values[MOST_FACTORS * STRIDE];
  const int *factors, n = JetPlanFactors(plan, &factors);
  JetTables tables;
  for (int f = 0; f < n; f++)
    for (int p = 0; p < POINTS; p++) values[f * STRIDE + p] = factor_value(factors[f], p);
  ck_petsc(JetTablesCreate(plan, POINTS + 3, &tables));
  JetTablesSet(tables, POINTS, values, STRIDE);
  return tables;
}

/* Some lanes of an array of jets. */
static void check_lanes(const char *what, int columns, size_t width, size_t stride, const double *a, size_t stride_b,
                        const double *b)
{
  for (int c = 0; c < columns; c++)
    for (size_t l = 0; l < width; l++) {
      const double x = a[(size_t)c * stride + l], y = b[(size_t)c * stride_b + l];
      ck_assert_msg(fabs(x - y) <= 1e-13 * (1 + fabs(y)), "%s, column %d: %.17g, not %.17g", what, c, x, y);
    }
}

/* All operations on [column][POINTS][width] against one point at a time with constants. */
static void check_operations(Kind kind, size_t width)
{
  const Terms terms = terms_of(kind);
  JetPlan plan = plan_of(&terms, -1);
  JetTables tables = tables_of(plan);
  const int C = JetPlanColumns(plan);
  const size_t lanes = POINTS * width, size = (size_t)C * lanes;
  double *u, *v, *d, *e, *w, *bar, *one[4];
  ck_petsc(PetscMalloc6(size, &u, size, &v, size, &d, size, &e, size, &w, size, &bar));
  for (int k = 0; k < 4; k++) ck_petsc(PetscMalloc1((size_t)C * width, &one[k]));
  TestFill(size, u, 1);
  TestFill(size, w, 2);
  TestFill(size, bar, 3);
  const KernelTables *at = JetTablesAt(tables, width);
  KernelCPU.compose(at, SeriesTanh, 0, lanes, u, lanes, v, lanes, d, e, lanes);
  KernelCPU.multiply(&at->product, lanes, d, lanes, u, lanes, w, lanes, 1);
  KernelCPU.multiply_transpose(&at->product, lanes, d, lanes, v, lanes, bar, lanes, 1);
  for (int p = 0; p < POINTS; p++) {
    JetPlan constant = plan_of(&terms, p);
    const KernelTables *here = JetPlanTables(constant);
    const size_t begin = (size_t)p * width;
    ck_assert_int_eq(JetPlanColumns(constant), C);
    KernelCPU.compose(here, SeriesTanh, 0, width, u + begin, lanes, one[0], width, one[1], one[2], width);
    check_lanes("f", C, width, lanes, v + begin, width, one[0]);
    check_lanes("f'", C, width, lanes, d + begin, width, one[1]);
    check_lanes("f''", C, width, lanes, e + begin, width, one[2]);
    for (size_t l = 0; l < width; l++)
      for (int c = 0; c < C; c++) one[3][(size_t)c * width + l] = TestRandom(2, (size_t)c * lanes + begin + l);
    KernelCPU.multiply(&here->product, width, d + begin, lanes, u + begin, lanes, one[3], width, 1);
    check_lanes("product", C, width, lanes, w + begin, width, one[3]);
    for (size_t l = 0; l < width; l++)
      for (int c = 0; c < C; c++) one[3][(size_t)c * width + l] = TestRandom(3, (size_t)c * lanes + begin + l);
    KernelCPU.multiply_transpose(&here->product, width, d + begin, lanes, v + begin, lanes, one[3], width, 1);
    check_lanes("transpose", C, width, lanes, bar + begin, width, one[3]);
    ck_petsc(JetPlanDestroy(&constant));
  }
  for (int k = 0; k < 4; k++) ck_petsc(PetscFree(one[k]));
  ck_petsc(PetscFree6(u, v, d, e, w, bar));
  ck_petsc(JetTablesDestroy(&tables));
  ck_petsc(JetPlanDestroy(&plan));
}

START_TEST(operations_are_those_of_the_constants_at_each_point)
{
  for (int kind = 0; kind < KINDS; kind++)
    for (size_t k = 0; k < 5; k++) check_operations((Kind)kind, (const size_t[]){1, 7, 50, 64, 150}[k]);
}
END_TEST

START_TEST(seeds_have_their_factors)
{
  const Terms terms = terms_of(PARABOLIC);
  JetPlan plan = plan_of(&terms, -1);
  JetTables tables = tables_of(plan);
  const int last = JetPlanColumns(plan) - 1, *coord;
  const double *factor;
  int n;
  ck_petsc(JetPlanSeeds(plan, last, &n, &coord, &factor));
  ck_assert_int_eq(n, 2);
  ck_assert(JetPlanSeedsVary(plan, last) && !JetPlanSeedsVary(plan, 1));
  for (int p = 0; p < POINTS; p++) {
    const double *seeds = JetTablesSeeds(tables, last, p);
    ck_assert_int_eq(coord[0], 0);
    ck_near(seeds[0], 0.3 * factor_value(13, p), 1e-15, 0);
    ck_assert_int_eq(coord[1], 2);
    ck_assert(seeds[1] == 1);
    ck_assert(JetTablesSeeds(tables, 1, p)[0] == 1);
  }
  ck_assert(JetTablesDoubles(plan, 2) > 0);
  ck_petsc(JetTablesDestroy(&tables));
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(plans_know_their_factors)
{
  const Terms terms = terms_of(GENERAL_10), mixed = terms_of(MIXED_3);
  const char *const texts[] = {"a", "(1 + b)"};
  char text[128];
  const int *factors;
  double factor;
  JetPlan plan = plan_of(&terms, -1);
  ck_assert_int_eq(JetPlanColumns(plan), 12);
  ck_assert_int_eq(JetPlanFactors(plan, &factors), 55);
  for (int f = 0; f < 55; f++) ck_assert_int_eq(factors[f], 7 + 3 * f);
  ck_petsc(JetPlanDestroy(&plan));
  plan = plan_of(&mixed, -1);
  JetPlanDescribe(plan, (const char *const[]){"x", "y", "z"}, texts, text, sizeof(text));
  ck_assert_str_eq(text, "1, x, y, z, a*xx+0.4*(1 + b)*xy-2*a*yz+0.6 zz");
  JetOperator op, other = OperatorOf(1, "00");
  ck_petsc(JetOperatorCreateVariable(mixed.n, mixed.index, mixed.coef, mixed.factor, &op));
  ck_assert_int_eq(JetPlanFind(plan, &op, &factor), 4);
  op.factor[0] = 10;
  ck_assert_int_eq(JetPlanFind(plan, &op, &factor), -1);
  ck_assert_int_eq(JetPlanFind(plan, &other, &factor), -1);
  ck_petsc(JetOperatorDestroy(&op));
  ck_petsc(JetOperatorDestroy(&other));
  ck_petsc(JetPlanDestroy(&plan));
  plan = plan_of(&mixed, 0);
  ck_assert_int_eq(JetPlanFactors(plan, &factors), 0);
  ck_assert(JetTablesDoubles(plan, 2) == 0);
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(one_derivative_with_a_factor_is_a_column)
{
  Terms terms = {.n_coord = 2};
  const int *factors;
  double factor;
  JetOperator op;
  add(&terms, 3, 5, "01");
  JetPlan plan = plan_of(&terms, -1);
  ck_assert_int_eq(JetPlanColumns(plan), 4);
  ck_assert_int_eq(JetPlanFactors(plan, &factors), 1);
  ck_petsc(JetOperatorCreateVariable(1, terms.index, terms.coef, terms.factor, &op));
  ck_assert_int_eq(JetPlanFind(plan, &op, &factor), 3);
  ck_assert(factor == 1);
  ck_petsc(JetOperatorDestroy(&op));
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(operators_add_by_derivative_and_factor)
{
  Terms terms = {.n_coord = 2};
  JetOperator a, b, sum, product;
  add(&terms, 1, 5, "01"), add(&terms, 2, -1, "01"), add(&terms, 3, 5, "10"), add(&terms, 1, 4, "0");
  ck_petsc(JetOperatorCreateVariable(4, terms.index, terms.coef, terms.factor, &a));
  ck_assert_int_eq(a.n, 3);
  ck_assert(a.factor[0] == 4 && a.factor[1] == -1 && a.coef[1] == 2 && a.factor[2] == 5 && a.coef[2] == 4);
  ck_petsc(JetOperatorCopy(&a, &b));
  ck_assert_int_eq(JetOperatorCompare(&a, &b), 0);
  b.factor[0] = 3;
  ck_assert_int_ne(JetOperatorCompare(&a, &b), 0);
  ck_petsc(JetOperatorAdd(1, &a, -1, &b, &sum));
  ck_assert(sum.n == 2 && sum.factor[0] == 3 && sum.coef[0] == -1 && sum.factor[1] == 4 && sum.coef[1] == 1);
  ck_petsc_fails(JetOperatorCompose(&a, &b, &product), PETSC_ERR_SUP, "factors");
  ck_petsc(JetOperatorDestroy(&a));
  ck_petsc(JetOperatorDestroy(&b));
  ck_petsc(JetOperatorDestroy(&sum));
}
END_TEST

TEST_SUITE("jet variable", operations_are_those_of_the_constants_at_each_point, seeds_have_their_factors,
           plans_know_their_factors, one_derivative_with_a_factor_is_a_column, operators_add_by_derivative_and_factor)
