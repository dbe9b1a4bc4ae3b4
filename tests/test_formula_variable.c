/* Operators whose coefficients depend on the point: which columns they take, and that their values are those of the
   same expression with every derivative in a column of its own. */
#include "formula_fixture.h"

static void check_columns(const char *coordinates, const char *outputs, int n, const char *const texts[],
                          const char *columns)
{
  Formula formula = FixtureFormula(coordinates, outputs);
  FormulaNode roots[4];
  char described[1024];
  Program program;
  for (int i = 0; i < n; i++) roots[i] = ParseText(formula, texts[i]);
  ck_petsc(ProgramCreate(formula, n, roots, NULL, &program));
  ProgramDescribe(program, described, sizeof(described));
  ck_assert_msg(!strcmp(described, columns), "%s carries %s, not %s", texts[0], described, columns);
  ck_petsc(ProgramDestroy(&program));
  ck_petsc(FormulaDestroy(&formula));
}

static void check_one(const char *coordinates, const char *outputs, const char *text, const char *columns)
{
  check_columns(coordinates, outputs, 1, &text, columns);
}

START_TEST(columns_collapse)
{
  check_one("x y", "u", "x*u_xx + exp(y)*u_yy", "1, x, y, x*xx+exp(y)*yy");
  check_one("x y", "u", "(1 + x*y)*u_xx - 3*y^2*u_yy + u*u_x", "1, x, y, (x*y + 1)*xx-3*y^2*yy");
  check_one("x y", "u", "div((1 + x*y)*grad(u))", "1, x, y, xx+yy");
  check_one("x y t", "u", "u_t - div((1 + x*y)*grad(u))", "1, x, y, t-(x*y + 1)*xx-(x*y + 1)*yy");
  check_one("S t", "V", "V_t + 0.5*nu^2*S^2*V_SS + nu*S*V_S - nu*V", "1, S, t+0.0312*S^2*SS");
  check_one("x t", "p", "p_t + d(sin(x)*p, x) - d((1 + x^2)*p, x, 2)", "1, x, t-(x^2 + 1)*xx");
  check_one("x y z", "u", "x*u_x - y*u_y + u_z", "1, x*x-y*y+z");
  check_one("x y", "u", "n_x*u_x + n_y*u_y - u^2", "1, n_x*x+n_y*y");
  check_one("x y", "u", "dn(u)", "1, n_x*x+n_y*y");
  check_one("x y", "u", "u*(x*u_xx + y*(u_yy + cos(x)*u_xy))", "1, x, y, x*xx+y*cos(x)*xy+y*yy");
  check_one("x y", "u", "if(x < 0.5, 1, 10)*u_xx + u_yy - u", "1, x, y, if(x < 0.5, 1, 10)*xx+yy");
}
END_TEST

START_TEST(nothing_collapses_where_nothing_is_gained)
{
  check_one("x y", "u", "x*u_xx + y*u_yy + u_xx*u", "1, x, y, xx, yy");
  check_one("x y", "u", "u*u_xx + y*u_yy", "1, x, y, xx, yy");
  check_one("x y", "u", "x*laplacian(u)", "1, x, y, xx+yy");
  check_one("x y", "u", "laplacian(exp(x)*u)", "1, x, y, xx+yy");
  check_one("x y", "u", "x*u_xx + y*u_x", "1, x, xx");
  check_columns("x y", "u", 2, (const char *const[]){"x*u_xx + y*u_yy", "sin(x)*u_xx + u_yy"}, "1, x, y, xx, yy");
  check_columns("x y", "u", 2, (const char *const[]){"x*u_xx + y*u_yy", "u_yy - u_xx^2"}, "1, x, y, xx, yy");
}
END_TEST

START_TEST(equal_operators_share_a_column)
{
  check_columns("x y t", "u v", 3,
                (const char *const[]){"u_t - x*u_xx - exp(y)*u_yy + v", "3*v*(x*u_xx + exp(y)*u_yy - u_t)",
                                      "2*v_t - 2*x*v_xx - 2*exp(y)*v_yy"},
                "1, x, y, t-x*xx-exp(y)*yy");
}
END_TEST

START_TEST(ten_dimensions_take_twelve_columns)
{
  Formula formula = FixtureFormula("x[10]", "u");
  Program program;
  char text[4096] = "u";
  for (int i = 0; i < 10; i++)
    for (int j = i; j < 10; j++)
      snprintf(text + strlen(text), sizeof(text) - strlen(text), " + sin(x[%d] + %d*x[%d])*u_{x[%d]x[%d]}", i, j + 1, j,
               i, j);
  const FormulaNode root = ParseText(formula, text);
  const int *factors;
  ck_petsc(ProgramCreate(formula, 1, &root, NULL, &program));
  ck_assert_int_eq(JetPlanColumns(ProgramPlan(program)), 12);
  ck_assert_int_eq(JetPlanFactors(ProgramPlan(program), &factors), 55);
  ck_assert_int_ge(ProgramStatics(program), 55);
  ck_petsc(ProgramDestroy(&program));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* The waves' jets, with factors evaluated as expressions of their own. */
static void wave_jets(Formula formula, JetPlan plan, int n, const double x[], const double normal[], int n_output,
                      double net[])
{
  const int n_coord = FormulaCoordinates(formula);
  double *values;
  ck_petsc(PetscMalloc1(n, &values));
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    const JetOperator *op = JetPlanOperator(plan, c);
    double *column = net + c * n * n_output;
    memset(column, 0, (size_t)(n * n_output) * sizeof(double));
    for (int j = 0; j < op->n; j++) {
      for (int p = 0; p < n; p++) values[p] = 1;
      if (op->factor && op->factor[j] >= 0) EvaluateNodes(formula, 1, &op->factor[j], n, x, normal, 0, values);
      for (int p = 0; p < n; p++)
        for (int k = 0; k < n_output; k++)
          column[p * n_output + k] +=
              op->coef[j] * values[p] * WaveDerivative(k, x + p * n_coord, n_coord, &op->index[j]);
    }
  }
  ck_petsc(PetscFree(values));
}

enum { POINTS = 21, ROOTS = 40 };

/* Values [n_root][POINTS]; returns the number of the network's columns. */
static int evaluate(Formula formula, int n_root, const FormulaNode roots[], const double x[], const double normal[],
                    int n_output, double values[])
{
  Program program;
  ProgramWork work;
  double *net;
  ck_petsc(ProgramCreate(formula, n_root, roots, NULL, &program));
  ck_petsc(ProgramWorkCreate(program, POINTS, &work));
  const int columns = JetPlanColumns(ProgramPlan(program));
  ck_petsc(PetscMalloc1(columns * POINTS * n_output, &net));
  wave_jets(formula, ProgramPlan(program), POINTS, x, normal, n_output, net);
  ProgramEvaluate(program, work, POINTS, x, normal, NULL, 0, net, n_output, values);
  ck_petsc(PetscFree(net));
  ck_petsc(ProgramWorkDestroy(&work));
  ck_petsc(ProgramDestroy(&program));
  return columns;
}

/* Roots that ask for every derivative of every output to `order` by itself. */
static int split_roots(Formula formula, int n_output, int n_coord, int order, FormulaNode roots[])
{
  int n = 0;
  for (int k = 0; k < n_output; k++)
    for (int a = 0; a <= (n_coord == 2 ? order : 0); a++) {
      char text[64] = "";
      snprintf(text, sizeof(text), "%c_%.*s%.*s", "uv"[k], order - a, "xxxx", a, "yyyy");
      if (n_coord == 2) roots[n++] = ParseText(formula, text);
    }
  for (int k = 0; k < n_output && n_coord == 3; k++)
    for (int i = 0; i < 6; i++) {
      char text[8];
      snprintf(
          text, sizeof(text), "%c_%s", "uv" [k], (const char *const[]) { "xx", "xy", "xz", "yy", "yz", "zz" }[i]);
      roots[n++] = ParseText(formula, text);
    }
  return n;
}

static void compare(int n_coord, int order, const char *text, int columns)
{
  Formula formula = FixtureFormula(n_coord == 2 ? "x y" : "x y z", "u v");
  FormulaNode roots[ROOTS] = {ParseText(formula, text)};
  const int n = 1 + split_roots(formula, 2, n_coord, order, roots + 1);
  double x[3 * POINTS], normal[3 * POINTS], collapsed[POINTS], split[ROOTS * POINTS], size = 0;
  for (int i = 0; i < n_coord * POINTS; i++) x[i] = 0.2 + sin(1.7 * i + 0.3), normal[i] = cos(2.9 * i);
  const int carried = evaluate(formula, 1, roots, x, normal, 2, collapsed);
  const int all = evaluate(formula, n, roots, x, normal, 2, split);
  ck_assert_msg(carried == columns && all > columns, "%s: %d columns, split %d", text, carried, all);
  for (int p = 0; p < POINTS; p++) size = fmax(size, fabs(split[p]));
  for (int p = 0; p < POINTS; p++)
    ck_assert_msg(fabs(collapsed[p] - split[p]) <= 1e-13 * size, "%s at point %d: %.17g, not %.17g", text, p,
                  collapsed[p], split[p]);
  ck_petsc(FormulaDestroy(&formula));
}

START_TEST(values_are_those_of_split_derivatives)
{
  compare(2, 1, "sin(y)*u_x + (1 + x)*u_y + v", 2);
  compare(2, 1, "n_x*u_x + n_y*u_y - x*v^2", 2);
  compare(2, 2, "(1 + x*y)*u_xx + exp(y)*u_yy - u*v", 4);
  compare(2, 2, "(2 + sin(x))*u_xx + x*y*u_xy + cos(y)*u_yy + x*u_x + u*u_y + exp(x)", 4);
  compare(2, 2, "div((1 + x*y)*u_x, exp(x - y)*u_y)", 4);
  compare(2, 2, "d(x*y*u_x + v, y) + d(cos(x)*u, x, 2) - d(exp(y)*u, y, 2)", 4);
  compare(2, 2, "v*(x*u_xx + y*(u_yy + sin(x)*u_xy)) + sin(x*u_xx + y*u_yy + sin(x)*y*u_xy)", 4);
  compare(2, 2, "if(x < y, x*u_xx, 2*u_xx) + if(u > v, v*(exp(x)*v_xx + y*v_yy), exp(x)*v_xx + y*v_yy)", 5);
  compare(2, 3, "x*u_xxx + y*u_xyy + exp(x)*u_yyy + y*u_x", 7);
  compare(2, 4, "(1 + x)*u_xxxx + 2*x*y*u_xxyy + cos(y)*u_yyyy - x*u_xx", 11);
  compare(2, 4, "d((2 + x*y)*u_xx, x, 2) + d((2 - x)*u_yy, y, 2) + d(sin(y)*u_xy, x, y)", 11);
  compare(3, 2, "x*u_xx + exp(y)*u_yy + z^2*u_zz + x*y*u_yz + u_xy - v*u_z", 5);
  compare(3, 2, "u_z - div(x*u_x, z*u_y, 0*u_z) + x*(u_z - u)", 4);
}
END_TEST

/* A hard condition u = g + D net is affine: the operator goes through to the network. */
START_TEST(transforms_are_seen_through)
{
  Formula formula = FixtureFormula("x y", "net v");
  double x[2 * POINTS], collapsed[POINTS], split[4 * POINTS];
  ck_petsc(FormulaDefine(formula, "test", "u", ParseText(formula, "sin(x) + x*(1 - y)*net")));
  const FormulaNode roots[] = {ParseText(formula, "exp(x)*u_xx + (2 + y)*u_yy + v"), ParseText(formula, "net_xx"),
                               ParseText(formula, "net_yy"), ParseText(formula, "net_xy")};
  for (int i = 0; i < 2 * POINTS; i++) x[i] = 0.2 + sin(1.7 * i + 0.3);
  ck_assert_int_eq(evaluate(formula, 1, roots, x, NULL, 2, collapsed), 4);
  ck_assert_int_eq(evaluate(formula, 4, roots, x, NULL, 2, split), 6);
  for (int p = 0; p < POINTS; p++) ck_near(collapsed[p], split[p], 1e-13, 1e-13);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(a_factor_that_is_not_finite_is_explained)
{
  const double x[] = {0.5, 0.5, -1, 0.5};
  double roots[2], net[8] = {1, 1, 1, 1, 1, 1, 1, NAN};
  char text[256];
  Formula formula = FixtureFormula("x y", "u");
  const FormulaNode root = ParseText(formula, "u_x + 2*log(x)*u_xx + u_yy");
  Program program;
  ProgramWork work;
  ck_petsc(ProgramCreate(formula, 1, &root, NULL, &program));
  ck_petsc(ProgramWorkCreate(program, 2, &work));
  ProgramEvaluate(program, work, 2, x, NULL, NULL, 0, net, 1, roots);
  ck_assert(!ProgramExplain(program, work, 0, 0, text, sizeof(text)));
  ck_assert(ProgramExplain(program, work, 0, 1, text, sizeof(text)));
  ck_assert_msg(strstr(text, "log(x), where its argument is -1") != NULL, "%s", text);
  ck_petsc(ProgramWorkDestroy(&work));
  ck_petsc(ProgramDestroy(&program));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

TEST_SUITE("formula variable", columns_collapse, nothing_collapses_where_nothing_is_gained,
           equal_operators_share_a_column, ten_dimensions_take_twelve_columns, values_are_those_of_split_derivatives,
           transforms_are_seen_through, a_factor_that_is_not_finite_is_explained)
