/* Long sums kept as loops: the same values and derivatives as the sums written out, and as closed forms. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "formula_fixture.h"

enum { MOST = 70, POINTS = 3 };

/* x[d], t, y, data c[d]; `least`: longer sums are loops. */
static Formula create(int d, int least)
{
  Formula formula;
  double c[MOST];
  for (int i = 0; i < d; i++) c[i] = cos(1.3 * i) + 0.2;
  ck_petsc(FormulaCreate(&formula));
  ck_petsc(FormulaSetLongSum(formula, least));
  ck_petsc(FormulaAddCoordinate(formula, "test", "x", d));
  ck_petsc(FormulaAddCoordinate(formula, "test", "t", 0));
  ck_petsc(FormulaAddCoordinate(formula, "test", "y", 0));
  ck_petsc(FormulaAddOutput(formula, "test", "u", 0));
  ck_petsc(FormulaAddConstant(formula, "test", "d", d));
  ck_petsc(FormulaAddData(formula, "test", "c", d, c));
  ck_petsc(FormulaDefine(formula, "test", "w", ParseText(formula, "sin(t) + y")));
  return formula;
}

static void fill_points(int d, double x[])
{
  for (int i = 0; i < POINTS * (d + 2); i++) x[i] = 0.4 * sin(2.1 * i + 0.3);
}

static void compare(int d, const char *text)
{
  double x[POINTS * (MOST + 2)], value[2][POINTS];
  fill_points(d, x);
  for (int k = 0; k < 2; k++) {
    Formula formula = create(d, k ? 4 : 1000000);
    const FormulaNode node = ParseText(formula, text);
    EvaluateNodes(formula, 1, &node, POINTS, x, NULL, 1, value[k]);
    ck_petsc(FormulaDestroy(&formula));
  }
  for (int p = 0; p < POINTS; p++)
    ck_assert_msg(fabs(value[0][p] - value[1][p]) <= 1e-13 * (1 + fabs(value[0][p])),
                  "d = %d: %s is %.17g written out and %.17g as a loop", d, text, value[0][p], value[1][p]);
}

static const char *const sums[] = {
    "sum(i, 0, d - 2, c[i]*sin(x[i] + cos(x[i+1]) + x[i+1]*cos(x[i])))",
    "sum(i, 0, d - 3, c[i]*exp(x[i]*x[i+1]*x[i+2]))",
    "(1 - norm2(x))*sum(i, 0, d - 2, c[i]*sin(x[i] + cos(x[i+1]) + x[i+1]*cos(x[i])))",
    "(1 - norm2(x))*sum(i, 0, d - 3, c[i]*exp(x[i]*x[i+1]*x[i+2]))",
    "exp(dot(x, c)/d)*cos(norm2(x)/d) + y*t",
    "sum(i, 0, d - 1, (i + 1)*sin(t*x[i])*y + c[2])^2/d^2",
    "sum(i, 0, d - 1, x[i]*x[0]*c[i])",
    "sum(i, 0, 3, x[2*i]*sin(x[6 - i])*c[i+1]) + sum(i, 0, d - 1, c[d - 1 - i]*x[i]^3)",
    "sum(i, 0, d - 3, sum(j, 0, 2, (j + 1)*x[i+j])^2)",
    "sum(i, 0, d - 1, max(x[i], c[i])*abs(x[i]) + if(x[i] > 0.1, x[i]^4, -x[i]^2))",
    "if(norm2(x) > 1, norm2(x), 1)*sqrt(1 + norm2(x))",
    "tanh(norm2(x)/d)*log(2 + dot(x, c)/d)/(1 + norm2(x))",
    "sum(i, 1, d - 2, exp(w*x[i-1])*x[i+1])*y",
    "tan(dot(x, x)/d/9) + atan(norm2(x)/d) + asin(dot(x, c)/d) + acos(dot(x, c)/d/2)",
    "sigmoid(norm2(x)/d) + softplus(dot(c, x)/d) + erf(norm2(x)/d) + sinh(norm2(x)/d)*cosh(norm2(x)/d)",
    "sum(i, 0, d - 1, x[i]^2)*sum(j, 0, d - 2, x[j]*x[j+1])*sum(k, 0, d - 1, c[k]*x[k])/d^2",
    "abs(dot(x, c))*norm2(x) + sum(i, 0, d - 1, c[i]^2)*norm2(c)*dot(c, c)/d^3",
};

static const char *const operators[] = {
    "%s",
    "laplacian(%s)",
    "laplacian(%s, x)",
    "laplacian(%s, x, t)",
    "d(%s, x[0])",
    "d(%s, x[2], 2)",
    "d(%s, x[d - 1], 2, x[d - 2])",
    "d(%s, x[1], 2, x[2], 2)",
    "d(%s, t)",
    "d(%s, t, 2, x[3])",
    "d(%s, t) - laplacian(%s, x[1], x[2], x[3])/3 + d(%s, x[4])*x[1]",
    "laplacian(exp(y)*(%s))",
    "u*laplacian(%s)",
};

START_TEST(loops_are_the_sums_written_out)
{
  char text[2048];
  for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
    for (size_t k = 0; k < sizeof(operators) / sizeof(operators[0]); k++) {
      snprintf(text, sizeof(text), operators[k], sums[i], sums[i], sums[i]);
      compare(7, text);
      if (k < 5 || k == 11) compare(MOST, text);
    }
}
END_TEST

START_TEST(operators_without_a_rule_write_the_sums_out)
{
  static const char *const texts[] = {
      "sum(i, 0, d - 1, (i + 1)*d((1 - norm2(x))*dot(x, c), x[i], 2))",
      "biharmonic(sum(i, 0, d - 2, c[i]*sin(x[i]*x[i+1])), x[1], x[2], x[3])",
      "laplacian((1 - norm2(x))*u)",
      "laplacian(sum(i, 0, d - 2, c[i]*x[i]*x[i+1])*u)",
      "laplacian(norm2(x)*u^2)",
      "d(exp(norm2(x)/d)*u, x[1], 2)",
      "div(norm2(x)*grad(u))",
      "laplacian(sum(i, 0, 3, x[2*i]*c[i])*norm2(x)/d)",
      "sum(i, 0, d - 1, x[i]*x[0])*norm2(x)",
      "laplacian(sum(i, 0, d - 1, x[i]*x[0])*norm2(x)/d)",
      "biharmonic((1 - norm2(x))*sum(i, 0, d - 2, c[i]*sin(x[i]*x[i+1])))",
      "d(laplacian((1 - norm2(x))*sum(i, 0, d - 2, c[i]*sin(x[i]*x[i+1]))), x[2])",
      "dot(grad(norm2(x)), grad(dot(x, c)))",
      "sum(i, 0, d - 1, sum(j, 0, min(i, 2), x[i]*c[j]))",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    compare(7, texts[i]);
    if (i < 12) compare(MOST, texts[i]);
  }
}
END_TEST

/* Lap ((1 - |x|^2) sum_i c_i exp(x_i x_{i+1} x_{i+2})) in long double. */
static double three_body(int n, const double c[], const double x[])
{
  long double sum = 0, slope = 0, bend = 0, square = 0;
  for (int i = 0; i < n; i++) square += (long double)x[i] * x[i];
  for (int i = 0; i + 2 < n; i++) {
    const long double a = x[i], b = x[i + 1], e = x[i + 2], g = c[i] * expl(a * b * e);
    sum += g;
    slope += 3 * a * b * e * g;
    bend += (b * b * e * e + a * a * e * e + a * a * b * b) * g;
  }
  return (double)((1 - square) * bend - 4 * slope - 2 * n * sum);
}

START_TEST(three_bodies_have_their_laplacian)
{
  enum { N = 5000 };
  Formula formula;
  FormulaNode node;
  double *c, *x, value;
  ck_petsc(PetscMalloc2(N, &c, N, &x));
  for (int i = 0; i < N; i++) c[i] = cos(1.3 * i), x[i] = 2 * sin(2.1 * i) / sqrt(N);
  ck_petsc(FormulaCreate(&formula));
  ck_petsc(FormulaAddCoordinate(formula, "test", "x", N));
  ck_petsc(FormulaAddData(formula, "test", "c", N - 2, c));
  ck_petsc(FormulaAddConstant(formula, "test", "d", N));
  node = ParseText(formula, "laplacian((1 - norm2(x))*sum(i, 0, d - 3, c[i]*exp(x[i]*x[i+1]*x[i+2])))");
  EvaluateNodes(formula, 1, &node, 1, x, NULL, 0, &value);
  ck_near(value, three_body(N, c, x), 1e-13, 1e-10);
  ck_petsc(PetscFree2(c, x));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* Thousands of coordinates, in the residual of a field that vanishes on the sphere. */
START_TEST(transforms_have_their_laplacian)
{
  enum { N = 4500 };
  Formula formula;
  FormulaNode node;
  double *x, value, truth = 0, square = 0;
  ck_petsc(PetscMalloc1(N, &x));
  for (int i = 0; i < N; i++) x[i] = sin(2.1 * i) / N, square += x[i] * x[i];
  ck_petsc(FormulaCreate(&formula));
  ck_petsc(FormulaAddCoordinate(formula, "test", "x", N));
  ck_petsc(FormulaAddOutput(formula, "test", "net", 0));
  node = ParseText(formula, "laplacian((1 - norm2(x))*net)/1e6");
  EvaluateNodes(formula, 1, &node, 1, x, NULL, 1, &value);
  for (int i = 0; i < N; i++)
    truth += (1 - square) * WaveDerivative(0, x, N, &(JetIndex){2, {i, i}}) -
             4 * x[i] * WaveDerivative(0, x, N, &(JetIndex){1, {i}});
  truth -= 2.0 * N * WaveDerivative(0, x, N, &(JetIndex){0});
  ck_near(value, truth / 1e6, 1e-11, 0);
  ck_petsc(PetscFree(x));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(sums_without_coordinates_are_numbers)
{
  Formula formula = create(7, 4);
  double value;
  ck_petsc(FormulaParseConstant(formula, "test", "sum(i, 1, 100, i^2) + norm2(c)*0 + sum(i, 0, 9, 1)", &value));
  ck_near(value, 338350 + 10, 1e-15, 0);
  ck_assert_int_eq(ParseText(formula, "norm2(x)"), ParseText(formula, "sum(k, 0, 6, x[k]*x[k])"));
  ck_assert_int_eq(ParseText(formula, "2*dot(c, x)"), ParseText(formula, "sum(k, 0, 6, 2*x[k]*c[k])"));
  ck_assert_int_eq(ParseText(formula, "sum(i, 3, 2, x[i])"), ParseText(formula, "0"));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(mistakes_in_long_sums_are_told)
{
  static const char *const cases[][2] = {
      {"sum(i, 0, d - 1, x[i+1])", "column 20: index 7 at i = 6 is outside 0 .. 6: there are 7 components"},
      {"sum(i, 0, d - 1, x[i-1])", "index -1 at i = 0 is outside 0 .. 6: there are 7 components"},
      {"sum(i, 0, d, c[i]*x[0])", "index 7 at i = 7 is outside 0 .. 6"},
      {"sum(i, 0, d - 1.5, x[i])", "the last index of a sum must be a whole number"},
      {"sum(i, 9, 2, x[i])", "this sum runs backwards, from 9 to 2"},
      {"sum(i, 0, d - 1, q[i])", "only a vector has components"},
      {"sum(i, 0, d - 1, q*x[i])", "unknown symbol 'q'"},
      {"sum(i, 0, d - 1, x[i]", "expected"},
      {"sum(i, 0, d - 1, x)", "a vector of 7 components where a number is wanted"},
      {"sum(x, 0, d - 1, 1)", "the index 'x' is already a symbol"},
  };
  FormulaNode node;
  Formula formula = create(7, 4);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ck_petsc_fails(FormulaParse(formula, "test", cases[i][0], &node), PETSC_ERR_USER_INPUT, cases[i][1]);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(loops_print_as_sums)
{
  char text[256];
  Formula formula = create(7, 4);
  FormulaPrint(formula, ParseText(formula, "sum(k, 1, d - 2, c[k-1]*sin(x[k+1] + k))"), text, sizeof(text));
  ck_assert_str_eq(text, "sum(i, 1, 5, c[i - 1]*sin(x[i + 1] + i))");
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

TEST_SUITE("formula loop", loops_are_the_sums_written_out, operators_without_a_rule_write_the_sums_out,
           three_bodies_have_their_laplacian, transforms_have_their_laplacian, sums_without_coordinates_are_numbers,
           mistakes_in_long_sums_are_told, loops_print_as_sums)
