/* Derivatives of expressions without a network, orders 0 to 8 against Cauchy's integral in long double,
   orders to 16 against closed forms. */
#include "formula_fixture.h"

static Complex complex_erf(Complex z)
{
  Complex term = z, sum = z;
  for (int n = 1; n < 80; n++) {
    term *= -z * z / n;
    sum += term / (2 * n + 1);
  }
  return sum * 1.12837916709551257389615890312154517L;
}

static Complex argument(Complex x)
{
  return 0.5L * x + 0.05L;
}

#define ANALYTIC(name, expression)                                                                                     \
  static Complex name(Complex x, Complex y)                                                                            \
  {                                                                                                                    \
    (void)y;                                                                                                           \
    const Complex z = argument(x);                                                                                     \
    (void)z;                                                                                                           \
    return expression;                                                                                                 \
  }
ANALYTIC(f_sin, csinl(z))
ANALYTIC(f_cos, ccosl(z))
ANALYTIC(f_tan, ctanl(z))
ANALYTIC(f_asin, casinl(z))
ANALYTIC(f_acos, cacosl(z))
ANALYTIC(f_atan, catanl(z))
ANALYTIC(f_sinh, csinhl(z))
ANALYTIC(f_cosh, ccoshl(z))
ANALYTIC(f_tanh, ctanhl(z))
ANALYTIC(f_exp, cexpl(z))
ANALYTIC(f_log, clogl(z + 1))
ANALYTIC(f_sqrt, csqrtl(z + 1))
ANALYTIC(f_power, cexpl(-2.3L * clogl(z + 1)))
ANALYTIC(f_reciprocal, 1 / (z + 1))
ANALYTIC(f_cube, z *z *z)
ANALYTIC(f_exponent, cexpl(z *clogl(3)))
ANALYTIC(f_general, cexpl(z *clogl(z + 1)))
ANALYTIC(f_erf, complex_erf(z))
ANALYTIC(f_sigmoid, 1 / (1 + cexpl(-z)))
ANALYTIC(f_softplus, clogl(1 + cexpl(z)))
ANALYTIC(f_abs, 1 - z)

START_TEST(functions_have_their_derivatives)
{
  static const struct {
    const char *text;
    Analytic truth;
  } cases[] = {{"sin(z)", f_sin},
               {"cos(z)", f_cos},
               {"tan(z)", f_tan},
               {"asin(z)", f_asin},
               {"acos(z)", f_acos},
               {"atan(z)", f_atan},
               {"sinh(z)", f_sinh},
               {"cosh(z)", f_cosh},
               {"tanh(z)", f_tanh},
               {"exp(z)", f_exp},
               {"log(z + 1)", f_log},
               {"sqrt(z + 1)", f_sqrt},
               {"(z + 1)^(-2.3)", f_power},
               {"1/(z + 1)", f_reciprocal},
               {"z*z*z", f_cube},
               {"3^z", f_exponent},
               {"(z + 1)^z", f_general},
               {"pow(z + 1, z)", f_general},
               {"erf(z)", f_erf},
               {"sigmoid(z)", f_sigmoid},
               {"softplus(z)", f_softplus},
               {"abs(z - 1)", f_abs},
               {"z^3 + 0*step(z)", f_cube},
               {"atan2(z, 1)", f_atan},
               {"-atan2(-z, 1)", f_atan},
               {"if(z < 1, sin(z), z)", f_sin},
               {"min(exp(z), z + 9)", f_exp},
               {"max(exp(z), -z)", f_exp},
               {"sign(z)*(1 - z)*sign(z)", f_abs}};
  Formula formula = FixtureFormula("x y", "u");
  ck_petsc(FormulaDefine(formula, "test", "z", ParseText(formula, "x/2 + 0.05")));
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    for (int order = 0; order <= 8; order++)
      for (int k = 0; k < 2; k++) {
        char text[128];
        const double x[] = {k ? 0.6 : 0.2, 0.5};
        snprintf(text, sizeof(text), order ? "d(%s, x, %d)" : "%s", cases[i].text, order);
        const double truth = CauchyDerivative(cases[i].truth, x[0], x[1], order, 0);
        const double value = EvaluateText(formula, text, x, NULL, 1);
        ck_assert_msg(fabs(value - truth) <= 2e-12 * fabs(truth) + 5e-13, "%s at %g: %.17g, not %.17g", text, x[0],
                      value, truth);
      }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

static Complex mixed(Complex x, Complex y)
{
  return cexpl(csinl(x * y) + y * y) / (1.5L + x) + ctanhl(x - 0.3L * y) * ccosl(2 * y);
}
#define MIXED "(exp(sin(x*y) + y^2)/(1.5 + x) + tanh(x - 0.3*y)*cos(2*y))"

/* The derivative of order n of (z + 1)^p, z = x/2 + 0.05. */
static double power_derivative(double z, double p, int n)
{
  double value = pow(z + 1, p - n);
  for (int k = 0; k < n; k++) value *= (p - k) / 2;
  return value;
}

START_TEST(high_orders_meet_closed_forms)
{
  const double x = 0.6, z = 0.35;
  Formula formula = FixtureFormula("x y", "u");
  ck_petsc(FormulaDefine(formula, "test", "z", ParseText(formula, "x/2 + 0.05")));
  for (int n = 8; n <= KERNEL_MAX_ORDER; n++) {
    const double quarter = n * M_PI / 2, half = pow(0.5, n), point[] = {x, 0.5};
    const struct {
      const char *text;
      double truth, scale;
    } cases[] = {
        {"sin(z)", half * sin(z + quarter), half},
        {"exp(2*z)", exp(2 * z), 1},
        {"(z + 1)^(-2.3)", power_derivative(z, -2.3, n), 1},
        {"1/(z + 1)", power_derivative(z, -1, n), 1},
        {"log(z + 1)", power_derivative(z, -1, n - 1) / 2, 1},
        {"exp(-1.5*log(z + 1))", power_derivative(z, -1.5, n), 1},
        {"tanh(log(z + 1)/2)*(z + 2)^2", 0, half}, /* (z + 2) z, a polynomial */
        {"sin(z)^3", half * (3 * sin(z + quarter) - pow(3, n) * sin(3 * z + quarter)) / 4, half * pow(3, n)},
        {"cos(atan(z))^2*(z^2 + 1)*z^9", n > 9 ? 0 : power_derivative(z - 1, 9, n), 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      char text[128];
      snprintf(text, sizeof(text), "d(%s, x, %d)", cases[i].text, n);
      const double value = EvaluateText(formula, text, point, NULL, 1);
      double factorial = 1; /* terms of the product rule cancel at this size, where the truth is 0 */
      for (int k = 2; k <= n && cases[i].truth == 0; k++) factorial *= k * 0.5;
      ck_assert_msg(fabs(value - cases[i].truth) <= 2e-13 * fmax(fabs(cases[i].truth), cases[i].scale * factorial),
                    "%s: %.17g, not %.17g", text, value, cases[i].truth);
    }
    for (int a = 0; a <= n; a++) {
      char text[128], along_x[64];
      const double place[] = {0.3, 0.2};
      double truth = pow(2, n - a) / 1.7 * (n % 2 ? -1 : 1);
      for (int k = 1; k <= n; k++) truth *= k / 1.7;
      snprintf(along_x, sizeof(along_x), a ? "d(exp(-log(1 + x + 2*y)), x, %d)" : "exp(-log(1 + x + 2*y))", a);
      snprintf(text, sizeof(text), a < n ? "d(%s, y, %d)" : "%s", along_x, n - a);
      ck_near(EvaluateText(formula, text, place, NULL, 1), truth, 1e-12, 0);
    }
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(mixed_derivatives)
{
  const double x[] = {0.4, -0.3};
  Formula formula = FixtureFormula("x y", "u");
  for (int a = 0; a <= 8; a++)
    for (int b = 0; a + b <= 8; b++) {
      char text[256], along_y[128];
      snprintf(along_y, sizeof(along_y), b ? "d(" MIXED ", y, %d)" : MIXED, b);
      snprintf(text, sizeof(text), a ? "d(%s, x, %d)" : "%s", along_y, a);
      ck_near(EvaluateText(formula, text, x, NULL, 1), CauchyDerivative(mixed, x[0], x[1], a, b), 1e-11, 1e-11);
    }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* A factor that only one of the coordinates is in. */
START_TEST(mixed_derivatives_of_products)
{
  const double x[] = {0.4, -0.3}, a = x[0], b = x[1], s = sin(a * b), c = cos(a * b);
  Formula formula = FixtureFormula("x y", "u");
  ck_near(EvaluateText(formula, "d(x*sin(x*y), x, y)", x, NULL, 1), 2 * a * c - a * a * b * s, 1e-14, 0);
  ck_near(EvaluateText(formula, "d(sin(x*y)*y, x, y)", x, NULL, 1), 2 * b * c - a * b * b * s, 1e-14, 0);
  ck_near(EvaluateText(formula, "d(exp(y)*sin(x*y), y, x)", x, NULL, 1), exp(b) * (b * c + c - a * b * s), 1e-14, 0);
  ck_near(EvaluateText(formula, "d(x*u, x, y)", x, NULL, 1),
          WaveDerivative(0, x, 2, &(JetIndex){1, {1}}) + a * WaveDerivative(0, x, 2, &(JetIndex){2, {0, 1}}), 1e-14, 0);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(operators_of_expressions)
{
  const double x[] = {0.4, -0.3};
  Formula formula = FixtureFormula("x y", "u");
#define TRUTH(a, b) CauchyDerivative(mixed, x[0], x[1], a, b)
  const double value = TRUTH(0, 0), laplacian = TRUTH(2, 0) + TRUTH(0, 2), fx = TRUTH(1, 0), fy = TRUTH(0, 1);
  const double biharmonic = TRUTH(4, 0) + 2 * TRUTH(2, 2) + TRUTH(0, 4), a = exp(0.1 * x[0]) * x[1];
  ck_near(EvaluateText(formula, "laplacian(" MIXED ")", x, NULL, 1), laplacian, 1e-12, 0);
  ck_near(EvaluateText(formula, "biharmonic(" MIXED ")", x, NULL, 1), biharmonic, 1e-12, 0);
  ck_near(EvaluateText(formula, "norm2(grad(" MIXED "))", x, NULL, 1), fx * fx + fy * fy, 1e-12, 0);
  ck_near(EvaluateText(formula, "div(exp(0.1*x)*y*grad(" MIXED "))", x, NULL, 1),
          a * laplacian + 0.1 * a * fx + exp(0.1 * x[0]) * fy, 1e-12, 0);
  ck_near(EvaluateText(formula, "div(y*" MIXED ", x*" MIXED ")", x, NULL, 1), x[1] * fx + x[0] * fy, 1e-12, 0);
  ck_near(EvaluateText(formula, "laplacian(" MIXED "^2)", x, NULL, 1), 2 * value * laplacian + 2 * (fx * fx + fy * fy),
          1e-12, 0);
  const double normal[] = {0.6, 0.8};
  ck_near(EvaluateText(formula, "dn(" MIXED ")", x, normal, 1), 0.6 * fx + 0.8 * fy, 1e-12, 0);
  ck_near(EvaluateText(formula, "dot(n, grad(" MIXED ")) + n_x - n[1]", x, normal, 1), 0.6 * fx + 0.8 * fy - 0.2, 1e-12,
          0);
  ck_near(EvaluateText(formula, "dn(dn(" MIXED "))", x, normal, 1),
          0.36 * TRUTH(2, 0) + 0.96 * TRUTH(1, 1) + 0.64 * TRUTH(0, 2), 1e-12, 0);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(biharmonic_of_sines)
{
  const double x[] = {0.3, 0.8};
  Formula formula = FixtureFormula("x y", "u");
  ck_near(EvaluateText(formula, "biharmonic(sin(2*x)*sin(3*y))", x, NULL, 1), 169 * sin(0.6) * sin(2.4), 1e-13, 0);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* u = (1 - |x|^2) sum_i c_i sin(g_i), g_i = x_i + cos(x_{i+1}) + x_{i+1} cos(x_i): its Laplacian by hand. */
static double two_body_laplacian(int d, const double c[], const double x[])
{
  double r2 = 0, s = 0, laplacian_s = 0, x_dot_grad = 0;
  for (int i = 0; i < d; i++) r2 += x[i] * x[i];
  for (int i = 0; i + 1 < d; i++) {
    const double a = x[i], b = x[i + 1], g = a + cos(b) + b * cos(a);
    const double ga = 1 - b * sin(a), gb = -sin(b) + cos(a), gaa = -b * cos(a), gbb = -cos(b);
    s += c[i] * sin(g);
    laplacian_s += c[i] * (cos(g) * (gaa + gbb) - sin(g) * (ga * ga + gb * gb));
    x_dot_grad += c[i] * cos(g) * (a * ga + b * gb);
  }
  return (1 - r2) * laplacian_s - 4 * x_dot_grad - 2 * d * s;
}

/* At the largest dimension the static tape takes the points in several parts. */
START_TEST(two_body_laplacian_at_any_dimension)
{
  enum { N = 60 };
  const int dims[] = {2, 5, 40, 3000};
  for (int k = 0; k < 4; k++) {
    const int d = dims[k];
    char text[256], name[32];
    double *x, *c, values[N];
    ck_petsc(PetscMalloc2(d * N, &x, d, &c));
    for (int i = 0; i < d * N; i++) x[i] = sin(1.0 + i) / sqrt(d);
    for (int i = 0; i < d; i++) c[i] = cos(3.0 * i) + 1.2;
    snprintf(name, sizeof(name), "x[%d]", d);
    Formula formula = FixtureFormula(name, "u");
    ck_petsc(FormulaAddData(formula, "test", "c", d - 1, c));
    snprintf(text, sizeof(text),
             "laplacian((1 - norm2(x))*sum(i, 0, %d, c[i]*sin(x[i] + cos(x[i+1]) + x[i+1]*cos(x[i]))))", d - 2);
    const FormulaNode node = ParseText(formula, text);
    EvaluateNodes(formula, 1, &node, N, x, NULL, 1, values);
    for (int p = 0; p < N; p++) ck_near(values[p], two_body_laplacian(d, c, x + p * d), 1e-12, 1e-12);
    ck_petsc(FormulaDestroy(&formula));
    ck_petsc(PetscFree2(x, c));
  }
}
END_TEST

START_TEST(too_many_derivatives_are_an_error)
{
  Formula formula = FixtureFormula("x[90]", "u");
  const FormulaNode node = ParseText(formula, "biharmonic(sin(norm2(x)))");
  FormulaNode unread;
  Program program;
  ck_petsc_fails(ProgramCreate(formula, 1, &node, NULL, &program), PETSC_ERR_USER_INPUT, "need 12286 of lower order");
  ck_petsc(FormulaDestroy(&formula));
  formula = FixtureFormula("x[3000]", "u");
  ck_petsc_fails(FormulaParse(formula, "case.cfg:7", "2 + biharmonic(u)", &unread), PETSC_ERR_USER_INPUT,
                 "case.cfg:7: column 5: a derivative operator of 3000 terms applied to one of 3000 has too many terms");
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* Every point picks its own branch, with derivatives, and a pole in the other branch does not show. */
START_TEST(branches_are_chosen_by_point)
{
  enum { N = 4 };
  const double x[] = {-2, 0, 0.5, 3};
  double values[N];
  Formula formula = FixtureFormula("x", "u");
  const FormulaNode node = ParseText(formula, "d(if(x > 0, log(x), x^3), x, 2)");
  EvaluateNodes(formula, 1, &node, N, x, NULL, 1, values);
  ck_near(values[0], -12, 1e-15, 0);
  ck_near(values[1], 0, 0, 1e-300);
  ck_near(values[2], -4, 1e-15, 0);
  ck_near(values[3], -1 / 9.0, 1e-15, 0);
  ck_assert(isnan(EvaluateText(formula, "if(log(-x^2) > 0, 1, 2)", &x[2], NULL, 1)));
  ck_assert(isnan(EvaluateText(formula, "min(log(-x^2), 1)", &x[2], NULL, 1)));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(atan2_covers_the_circle)
{
  Formula formula = FixtureFormula("x y", "u");
  for (int k = 0; k < 360; k++) {
    const double angle = (k + 0.25) * M_PI / 180 - M_PI, x[] = {2 * cos(angle), 2 * sin(angle)};
    ck_near(EvaluateText(formula, "atan2(y, x)", x, NULL, 1), atan2(x[1], x[0]), 4e-16, 0);
    ck_near(EvaluateText(formula, "d(atan2(y, x), x)", x, NULL, 1), -x[1] / 4, 1e-14, 1e-15);
    ck_near(EvaluateText(formula, "laplacian(atan2(y, x)) + 1", x, NULL, 1), 1, 1e-14, 0);
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(powers_at_zero)
{
  const double x = 0;
  Formula formula = FixtureFormula("x", "u");
  ck_near(EvaluateText(formula, "d(x^3*cos(x), x, 3)", &x, NULL, 1), 6, 1e-15, 0);
  ck_near(EvaluateText(formula, "d((sin(x))^4, x, 4)", &x, NULL, 1), 24, 1e-15, 0);
  ck_near(EvaluateText(formula, "d((sin(x))^2, x, 3) + 1", &x, NULL, 1), 1, 1e-15, 0);
  ck_assert(isinf(EvaluateText(formula, "d(sqrt(sin(x)), x)", &x, NULL, 1)));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

TEST_SUITE("formula derivatives", functions_have_their_derivatives, high_orders_meet_closed_forms, mixed_derivatives,
           mixed_derivatives_of_products, operators_of_expressions, biharmonic_of_sines,
           two_body_laplacian_at_any_dimension, too_many_derivatives_are_an_error, branches_are_chosen_by_point,
           atan2_covers_the_circle, powers_at_zero)
