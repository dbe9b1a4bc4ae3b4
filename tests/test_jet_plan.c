/* Which columns a plan has, and that products and compositions over them are derivatives. */
#include <stdlib.h>
#include <string.h>
#include "jet_fixture.h"
#include "pinn/series.h"

static void expect_plan(JetPlan plan, int columns, int order, const char *description)
{
  char text[256];
  JetPlanDescribe(plan, (const char *const[]){"x", "t", "z"}, NULL, text, sizeof(text));
  ck_assert_str_eq(text, description);
  ck_assert_int_eq(JetPlanColumns(plan), columns);
  ck_assert_int_eq(JetPlanOrder(plan), order);
  ck_petsc(JetPlanDestroy(&plan));
  ck_assert_ptr_null(plan);
}

START_TEST(plans_carry_what_is_asked_for_and_its_divisors)
{
  int n;
  expect_plan(CreatePlan(PLAN_VALUE, &n), 1, 0, "1");
  expect_plan(CreatePlan(PLAN_KDV, &n), 5, 3, "1, x, t, xx, xxx");
  expect_plan(CreatePlan(PLAN_LAPLACE_2, &n), 4, 2, "1, x, t, xx+tt");
  expect_plan(CreatePlan(PLAN_LINE_8, &n), 9, 8, "1, x, xx, xxx, xxxx, xxxxx, xxxxxx, xxxxxxx, xxxxxxxx");
  expect_plan(CreatePlan(PLAN_BIHARMONIC, &n), 11, 4, "1, x, t, xx, xt, tt, xxx, xxt, xtt, ttt, xxxx+2 xxtt+tttt");
  expect_plan(CreatePlan(PLAN_HEAT, &n), 4, 2, "1, x, t, z-0.3 xx-0.6 xt-0.9 tt");
}
END_TEST

START_TEST(columns_are_closed_and_ascend)
{
  for (int kind = 0; kind < PLANS; kind++) {
    int n_coord, order = 0;
    JetPlan plan = CreatePlan(kind, &n_coord);
    const KernelTables *tables = JetPlanTables(plan);
    ck_assert_int_eq(tables->order, JetPlanOrder(plan));
    ck_assert_int_eq(tables->product.n_column, JetPlanColumns(plan));
    for (int c = 0; c < JetPlanColumns(plan); c++) {
      double factor;
      const JetOperator *op = JetPlanOperator(plan, c);
      ck_assert_int_ge(JetOperatorOrder(op), order);
      order = JetOperatorOrder(op);
      ck_assert_int_eq(JetPlanFind(plan, op, &factor), c);
      ck_near(factor, 1, 1e-15, 0);
      for (int t = tables->product.start[c]; t < tables->product.start[c + 1]; t++) {
        ck_assert(tables->product.left[t] >= 0 && tables->product.left[t] <= c);
        ck_assert(tables->product.right[t] >= 0 && tables->product.right[t] <= c);
      }
    }
    ck_petsc(JetPlanDestroy(&plan));
  }
}
END_TEST

START_TEST(find_gives_column_and_factor)
{
  int n_coord;
  double factor;
  JetPlan plan = CreatePlan(PLAN_MIXED, &n_coord);
  JetOperator plain = OperatorOf(3, "11"), missing = OperatorOf(1, "0000"), value = OperatorOf(-2, ""), collapsed = {0};
  AddTerm(&collapsed, 0.7, "0"), AddTerm(&collapsed, -1.3, "1");
  const int column = JetPlanFind(plan, &plain, &factor);
  ck_assert_int_gt(column, 0);
  ck_assert(factor == 6);
  ck_assert(JetPlanOperator(plan, column)->coef[0] == 0.5);
  ck_assert_int_eq(JetPlanFind(plan, &missing, &factor), -1);
  ck_assert_int_eq(JetPlanFind(plan, &value, &factor), 0);
  ck_assert(factor == -2);
  ck_assert_int_gt(JetPlanFind(plan, &collapsed, &factor), 0);
  ck_assert(factor == 1);
  AddTerm(&collapsed, 1e-9, "0");
  ck_assert_int_eq(JetPlanFind(plan, &collapsed, &factor), -1);
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&plain));
  ck_petsc(JetOperatorDestroy(&missing));
  ck_petsc(JetOperatorDestroy(&value));
  ck_petsc(JetOperatorDestroy(&collapsed));
}
END_TEST

START_TEST(repeated_operators_share_a_column)
{
  JetOperator ops[] = {Laplacian(2), OperatorOf(1, "00"), Laplacian(2), OperatorOf(5, "00")};
  expect_plan(PlanOf(2, 4, ops), 5, 2, "1, x, t, xx, xx+tt");
}
END_TEST

START_TEST(high_dimensions_are_cheap)
{
  JetOperator laplacian = Laplacian(1000);
  JetPlan plan = PlanOf(1000, 1, &laplacian);
  const KernelTables *tables = JetPlanTables(plan);
  ck_assert_int_eq(JetPlanColumns(plan), 1002);
  ck_assert_int_eq(tables->product.start[1002], 1 + 2 * 1000 + 2 + 1000);
  ck_assert_int_eq(tables->power[2].start[1002], 1000);
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(seeds_are_the_first_order_part)
{
  int n_coord, n, found = 0;
  const int *coord;
  const double *factor;
  JetPlan plan = CreatePlan(PLAN_HEAT, &n_coord);
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    ck_petsc(JetPlanSeeds(plan, c, &n, &coord, &factor));
    ck_assert_int_eq(n, c > 0);
    for (int k = 0; k < n; k++) found += (1 << coord[k]) * (factor[k] == 1);
  }
  ck_assert_int_eq(found, 7);
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(what_has_no_column_is_refused)
{
  JetPlan plan;
  JetOperator outside = OperatorOf(1, "02"), with_value = OperatorOf(1, "00"), none = {0};
  AddTerm(&with_value, 1, "");
  ck_petsc_fails(JetPlanCreate(2, 1, &outside, &plan), PETSC_ERR_ARG_OUTOFRANGE, "coordinate 2 of 2");
  ck_petsc_fails(JetPlanCreate(2, 1, &with_value, &plan), PETSC_ERR_ARG_OUTOFRANGE, "order 0");
  ck_petsc(JetPlanCreate(2, 1, &none, &plan)); /* the zero operator asks for nothing */
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&outside));
  ck_petsc(JetOperatorDestroy(&with_value));
}
END_TEST

START_TEST(descriptions_are_cut_not_overrun)
{
  int n_coord;
  char text[12] = "abcdefghij";
  JetPlan plan = CreatePlan(PLAN_BIHARMONIC, &n_coord);
  JetPlanDescribe(plan, (const char *const[]){"x", "y"}, NULL, text, 8);
  ck_assert_str_eq(text, "1, x, y");
  ck_assert(text[8] == 'i');
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(descriptions_of_many_columns_leave_the_middle_out)
{
  enum { N = 20 };
  const char *names[N];
  char name[N][8], text[128];
  JetIndex index[N];
  double coef[N];
  JetOperator laplacian;
  JetPlan plan;
  for (int i = 0; i < N; i++) {
    snprintf(name[i], sizeof(name[i]), "x%d", i);
    names[i] = name[i];
    index[i] = (JetIndex){2, {i, i}};
    coef[i] = 1;
  }
  ck_petsc(JetOperatorCreate(N, index, coef, &laplacian));
  ck_petsc(JetPlanCreate(N, 1, &laplacian, &plan));
  JetPlanDescribe(plan, names, NULL, text, sizeof(text));
  ck_assert_str_eq(text, "22 columns: 1, x0, x1, x2, ..., x0x0+x1x1+x2x2+x3x3+...+x19x19");
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&laplacian));
}
END_TEST

/* F(x) = tanh(a + (b . x)^2) exp(cos(c . x)) / (2 + x_0) for complex and, by jets, for real coordinates. */
static double weight(int which, int i, int n_coord)
{
  return (0.6 + 0.3 * TestRandom((uint64_t)which, (uint64_t)i)) / sqrt(n_coord);
}

static Complex field(int n_coord, const Complex x[], const void *context)
{
  Complex b = 0, c = 0;
  (void)context;
  for (int i = 0; i < n_coord; i++) b += weight(1, i, n_coord) * x[i], c += weight(2, i, n_coord) * x[i];
  return ctanhl(0.2L + b * b) * cexpl(ccosl(c)) / (2 + x[0]);
}

enum { POINTS = 3, MOST = 1002 * POINTS };

static void field_jets(JetPlan plan, int n_coord, const double x[], double *out)
{
  static double b[MOST], c[MOST], f[MOST], g[MOST], h[MOST];
  const KernelTables *tables = JetPlanTables(plan);
  const size_t bytes = (size_t)JetPlanColumns(plan) * POINTS * sizeof(double);
  memset(b, 0, bytes), memset(c, 0, bytes), memset(h, 0, bytes);
  for (int column = 0; column < JetPlanColumns(plan); column++) {
    int n;
    const int *coord;
    const double *factor;
    ck_petsc(JetPlanSeeds(plan, column, &n, &coord, &factor));
    for (int p = 0; p < POINTS; p++)
      for (int k = 0; k < n; k++) {
        b[column * POINTS + p] += factor[k] * weight(1, coord[k], n_coord);
        c[column * POINTS + p] += factor[k] * weight(2, coord[k], n_coord);
        h[column * POINTS + p] += factor[k] * (coord[k] == 0);
      }
  }
  for (int p = 0; p < POINTS; p++) {
    h[p] = 2 + x[p * n_coord];
    for (int i = 0; i < n_coord; i++) {
      b[p] += weight(1, i, n_coord) * x[p * n_coord + i];
      c[p] += weight(2, i, n_coord) * x[p * n_coord + i];
    }
  }
  KernelCPU.multiply(&tables->product, POINTS, b, POINTS, b, POINTS, f, POINTS, 0);
  for (int p = 0; p < POINTS; p++) f[p] += 0.2;
  KernelCPU.compose(tables, SeriesTanh, 0, POINTS, f, POINTS, f, POINTS, NULL, NULL, 0);
  KernelCPU.compose(tables, SeriesCos, 0, POINTS, c, POINTS, c, POINTS, NULL, NULL, 0);
  KernelCPU.compose(tables, SeriesExp, 0, POINTS, c, POINTS, c, POINTS, NULL, NULL, 0);
  KernelCPU.compose(tables, SeriesReciprocal, 0, POINTS, h, POINTS, h, POINTS, NULL, NULL, 0);
  KernelCPU.multiply(&tables->product, POINTS, f, POINTS, c, POINTS, g, POINTS, 0);
  KernelCPU.multiply(&tables->product, POINTS, g, POINTS, h, POINTS, out, POINTS, 0);
}

static void check_field(JetPlan plan, int n_coord)
{
  static double x[POINTS * 100], out[MOST];
  TestFill((size_t)(POINTS * n_coord), x, 3);
  field_jets(plan, n_coord, x, out);
  for (int c = 0; c < JetPlanColumns(plan); c++)
    for (int p = 0; p < POINTS; p++) {
      double size;
      const double exact = CauchyOperator(field, NULL, n_coord, x + p * n_coord, JetPlanOperator(plan, c), 0.3L, &size);
      ck_assert_msg(fabs(out[c * POINTS + p] - exact) <= 1e-12 * size + 1e-14, "column %d: %.17g, not %.17g", c,
                    out[c * POINTS + p], exact);
    }
  ck_petsc(JetPlanDestroy(&plan));
}

START_TEST(columns_are_derivatives_of_an_expression)
{
  for (int kind = 0; kind < PLANS; kind++) {
    int n_coord;
    JetPlan plan = CreatePlan(kind, &n_coord);
    check_field(plan, n_coord);
  }
  JetOperator laplacian = Laplacian(100);
  check_field(PlanOf(100, 1, &laplacian), 100);
}
END_TEST

START_TEST(polynomials_are_exact)
{
  int n_coord;
  double x[9] = {1.5}, square[9], cube[9];
  JetPlan plan = CreatePlan(PLAN_LINE_8, &n_coord);
  const KernelTables *tables = JetPlanTables(plan);
  const double taylor[9] = {11.390625, 45.5625, 75.9375, 67.5, 33.75, 9, 1, 0, 0}; /* of x^6 at 1.5 */
  x[1] = 1;
  KernelCPU.multiply(&tables->product, 1, x, 1, x, 1, square, 1, 0);
  KernelCPU.compose(tables, SeriesPow, 3, 1, square, 1, cube, 1, NULL, NULL, 0);
  for (int k = 0; k < 9; k++) ck_near(cube[k], taylor[k], 1e-15, 0);
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(transposed_products_are_adjoint_for_every_plan)
{
  static double d[MOST], u[MOST], v[MOST], v_bar[MOST], u_bar[MOST];
  for (int kind = 0; kind < PLANS; kind++) {
    int n_coord;
    double forward = 0, reverse = 0, size = 0;
    JetPlan plan = CreatePlan(kind, &n_coord);
    const KernelProduct *product = &JetPlanTables(plan)->product;
    const size_t n = (size_t)JetPlanColumns(plan) * POINTS;
    TestFill(n, d, 4), TestFill(n, u, 5), TestFill(n, v_bar, 6);
    KernelCPU.multiply(product, POINTS, d, POINTS, u, POINTS, v, POINTS, 0);
    KernelCPU.multiply_transpose(product, POINTS, d, POINTS, v_bar, POINTS, u_bar, POINTS, 0);
    for (size_t i = 0; i < n; i++) {
      forward += v[i] * v_bar[i];
      reverse += u[i] * u_bar[i];
      size += fabs(v[i] * v_bar[i]);
    }
    ck_near(forward, reverse, 0, 1e-14 * size);
    ck_petsc(JetPlanDestroy(&plan));
  }
}
END_TEST

/* Products of sixteen different coordinates: 2^16 - 1 divisors below the highest order each. With fifty of them the
   repetitions are not all gathered before the refusal. */
START_TEST(too_many_columns_are_refused_early)
{
  enum { MANY = 50 };
  static JetOperator operators[MANY];
  const double one = 1.0;
  JetPlan plan;
  for (int o = 0; o < MANY; o++) {
    JetIndex index = {.order = 16};
    for (int k = 0; k < 16; k++) index.coord[k] = o + k;
    ck_petsc(JetOperatorCreate(1, &index, &one, &operators[o]));
  }
  ck_petsc_fails(JetPlanCreate(MANY + 16, 1, operators, &plan), PETSC_ERR_USER_INPUT,
                 "need 65535 of lower order beside them; at order 16 there can be 1170");
  ck_petsc_fails(JetPlanCreate(MANY + 16, MANY, operators, &plan), PETSC_ERR_USER_INPUT, "at order 16 there can be");
  ck_assert_double_le(strtod(strstr(TestErrorText(), "need") + 4, NULL), 1.1e6);
  for (int o = 0; o < MANY; o++) ck_petsc(JetOperatorDestroy(&operators[o]));
}
END_TEST

TEST_SUITE("jet plan", plans_carry_what_is_asked_for_and_its_divisors, columns_are_closed_and_ascend,
           find_gives_column_and_factor, repeated_operators_share_a_column, high_dimensions_are_cheap,
           seeds_are_the_first_order_part, what_has_no_column_is_refused, descriptions_are_cut_not_overrun,
           descriptions_of_many_columns_leave_the_middle_out, columns_are_derivatives_of_an_expression,
           polynomials_are_exact, transposed_products_are_adjoint_for_every_plan, too_many_columns_are_refused_early)
