/* Taylor coefficients against Cauchy's integral in long double arithmetic: s_k = 1/N sum_j f(x + r w^j) (r w^j)^-k. */
#include <complex.h>
#include <string.h>
#include "harness.h"
#include "pinn/series.h"

#define ORDER (KERNEL_MAX_ORDER + 2)
#define NODES 256

typedef long double complex Complex;
typedef Complex (*Analytic)(Complex z, double parameter);

#define FUNCTION(name, formula)                                                                                        \
  static Complex name(Complex z, double parameter)                                                                     \
  {                                                                                                                    \
    (void)parameter;                                                                                                   \
    return formula;                                                                                                    \
  }
FUNCTION(f_tanh, ctanhl(z))
FUNCTION(f_sin, csinl(z))
FUNCTION(f_cos, ccosl(z))
FUNCTION(f_tan, ctanl(z))
FUNCTION(f_atan, catanl(z))
FUNCTION(f_sinh, csinhl(z))
FUNCTION(f_cosh, ccoshl(z))
FUNCTION(f_exp, cexpl(z))
FUNCTION(f_log, clogl(z))
FUNCTION(f_sqrt, csqrtl(z))
FUNCTION(f_pow, cpowl(z, parameter))
FUNCTION(f_reciprocal, 1 / z)
FUNCTION(f_logistic, 1 / (1 + cexpl(-z)))
FUNCTION(f_swish, z / (1 + cexpl(-z)))
FUNCTION(f_softplus, creall(z) > -1 ? clogl(1 + cexpl(z)) : 2 * catanhl(cexpl(z) / (2 + cexpl(z))))
FUNCTION(f_gaussian, cexpl(-z *z))

/* Coefficients of f at x into s, the largest |f| on the circle as the result. */
static long double cauchy(Analytic f, double parameter, double x, long double radius, long double s[ORDER + 1])
{
  long double largest = 0;
  Complex sum[ORDER + 1] = {0};
  for (int j = 0; j < NODES; j++) {
    const Complex w = cexpl(2 * acosl(-1) * I * j / NODES), value = f(x + radius * w, parameter);
    Complex power = 1;
    largest = fmaxl(largest, cabsl(value));
    for (int k = 0; k <= ORDER; k++, power *= radius * w) sum[k] += value / power;
  }
  for (int k = 0; k <= ORDER; k++) s[k] = creall(sum[k]) / NODES;
  return largest;
}

static const struct {
  const char *name;
  KernelSeries series;
  Analytic f;
  double parameter, radius; /* of the circle; where negative, relative to |x| */
  double x[8];
} cases[] = {
    {"tanh", SeriesTanh, f_tanh, 0, 0.9, {0, 0.3, -0.7, 1.5, -4, 9, 1e-9, -2.5}},
    {"sin", SeriesSin, f_sin, 0, 1, {0, 0.5, -1.6, 3.1415926, 40, -1234.5, 3e4, 1.2e5}},
    {"cos", SeriesCos, f_cos, 0, 1, {0, 0.5, -1.6, 1.5707963, 40, -1234.5, 3e4, -1.2e5}},
    {"tan", SeriesTan, f_tan, 0, 0.3, {0, 0.5, -1, 1.2, 3, -3.5, 0.1, -0.2}},
    {"atan", SeriesAtan, f_atan, 0, 0.6, {0, 0.5, -1, 1.2, 3, -3.5, 20, -0.2}},
    {"sinh", SeriesSinh, f_sinh, 0, 1, {0, 0.5, -1, 1.2, 3, -3.5, 20, -0.2}},
    {"cosh", SeriesCosh, f_cosh, 0, 1, {0, 0.5, -1, 1.2, 3, -3.5, 20, -0.2}},
    {"exp", SeriesExp, f_exp, 0, 1, {0, 0.5, -1, 1.2, 300, -300, 20, -700}},
    {"log", SeriesLog, f_log, 0, -0.5, {1, 0.5, 2, 1e-3, 300, 1e10, 20, 1e-10}},
    {"sqrt", SeriesSqrt, f_sqrt, 0, -0.5, {1, 0.5, 2, 1e-3, 300, 1e10, 20, 1e-10}},
    {"x^1.7", SeriesPow, f_pow, 1.7, -0.5, {1, 0.5, 2, 1e-3, 300, 1e10, 20, 1e-10}},
    {"x^-2", SeriesPow, f_pow, -2, -0.5, {1, -0.5, 2, 1e-3, 300, -1e5, 20, -1e-5}},
    {"x^3", SeriesPow, f_pow, 3, -0.5, {1, -0.5, 2, 1e-3, 300, -1e5, 20, -1e-5}},
    {"x^12", SeriesPow, f_pow, 12, -0.5, {1, -0.5, 2, 1e-3, 30, -15, 20, -1e-2}},
    {"reciprocal", SeriesReciprocal, f_reciprocal, 0, -0.5, {1, -0.5, 2, 1e-3, 300, -1e5, 20, -1e-5}},
    {"logistic", SeriesLogistic, f_logistic, 0, 1.5, {0, 0.3, -0.7, 1.5, -4, 9, 30, -30}},
    {"swish", SeriesSwish, f_swish, 0, 1.5, {0, 0.3, -0.7, 1.5, -4, 9, 30, -30}},
    {"softplus", SeriesSoftplus, f_softplus, 0, 1.5, {0, 0.3, -0.7, 1.5, -4, 9, 30, -30}},
    {"gaussian", SeriesGaussian, f_gaussian, 0, 0.5, {0, 0.3, -0.7, 1.5, -4, 5, 1e-9, -2.5}},
};

START_TEST(coefficients_are_those_of_cauchys_integral)
{
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    double s[(ORDER + 1) * 8];
    cases[c].series(ORDER, 8, cases[c].parameter, cases[c].x, s);
    for (int i = 0; i < 8; i++) {
      const double x = cases[c].x[i];
      const long double radius = cases[c].radius < 0 ? -cases[c].radius * fabsl(x) : cases[c].radius;
      long double exact[ORDER + 1];
      const long double largest = cauchy(cases[c].f, cases[c].parameter, x, radius, exact);
      for (int k = 0; k <= ORDER; k++) {
        const double error = (double)(fabsl(s[k * 8 + i] - exact[k]) * powl(radius, k) / largest);
        ck_assert_msg(error < 2e-15, "%s, order %d at %g: %.17g, not %.17Lg (%.2g)", cases[c].name, k, x, s[k * 8 + i],
                      exact[k], error);
      }
    }
  }
}
END_TEST

START_TEST(every_order_and_length_gives_the_same_coefficients)
{
  double x[37], full[(ORDER + 1) * 37], s[(ORDER + 1) * 37 + 1];
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    for (int i = 0; i < 37; i++) x[i] = 0.11 + 0.03 * i;
    cases[c].series(ORDER, 37, cases[c].parameter, x, full);
    for (int order = 0; order < ORDER; order++)
      for (size_t n = 1; n <= 37; n += 4) {
        s[((size_t)order + 1) * n] = 1234.5;
        cases[c].series(order, n, cases[c].parameter, x, s);
        ck_assert(s[((size_t)order + 1) * n] == 1234.5);
        for (size_t k = 0; k <= (size_t)order; k++)
          for (size_t i = 0; i < n; i++) ck_near(s[k * n + i], full[k * 37 + i], 1e-14, 1e-17);
      }
  }
}
END_TEST

START_TEST(erf_is_the_integral_of_its_bell)
{
  const double x[3] = {0, -0.4, 2.5};
  double s[3 * (ORDER + 1)];
  SeriesErf(ORDER, 3, 0, x, s);
  for (int i = 0; i < 3; i++) {
    long double bell[ORDER + 1];
    const double largest = (double)cauchy(f_gaussian, 0, x[i], 0.5L, bell);
    ck_near(s[i], (double)erfl(x[i]), 4e-16, 0);
    for (int k = 1; k <= ORDER; k++)
      ck_near(s[3 * k + i], (double)(2 / sqrtl(acosl(-1)) * bell[k - 1] / k), 1e-14, 2e-15 * largest * pow(2, k));
  }
}
END_TEST

START_TEST(saturated_functions_keep_their_relative_accuracy)
{
  const double x[4] = {18, -25, 300, -36.5};
  double s[4 * 4];
  SeriesTanh(3, 4, 0, x, s);
  for (int i = 0; i < 4; i++) {
    const double slope = (double)(1 / (coshl(x[i]) * coshl(x[i])));
    ck_near(s[4 + i], slope, 2e-15, 0);
    ck_near(s[8 + i], -s[i] * slope, 2e-15, 0);
    ck_near(s[12 + i], (3 * s[i] * s[i] - 1) * slope / 3, 4e-15, 0); /* (tanh^2 - slope/3) slope */
  }
  SeriesLogistic(2, 4, 0, x, s);
  ck_near(s[1], (double)(expl(-25) / (1 + expl(-25))), 1e-15, 0);
  ck_near(s[5], (double)(expl(-25) / ((1 + expl(-25)) * (1 + expl(-25)))), 2e-15, 0);
  ck_near(s[3], (double)expl(-36.5L), 1e-15, 0);
  SeriesSoftplus(1, 4, 0, x, s);
  ck_near(s[0], (double)(18 + log1pl(expl(-18))), 2e-16, 0);
  ck_near(s[1], (double)log1pl(expl(-25)), 1e-15, 0);
  ck_near(s[2], 300, 0, 0);
}
END_TEST

START_TEST(elementary_values_are_right_to_the_last_digits)
{
  enum { N = 20001 };
  static double x[N], s[N];
  for (int i = 0; i < N; i++) x[i] = -20 + 40.0 * i / (N - 1) + 1e-3 * sin(i);
  SeriesTanh(0, N, 0, x, s);
  for (int i = 0; i < N; i++) ck_near(s[i], (double)tanhl(x[i]), 4.5e-16, 0);
  SeriesExp(0, N, 0, x, s);
  for (int i = 0; i < N; i++) ck_near(s[i], (double)expl(x[i]), 3e-16, 0);
  SeriesSin(0, N, 0, x, s);
  for (int i = 0; i < N; i++) ck_near(s[i], (double)sinl(x[i]), 3e-16, 0);
  SeriesCos(0, N, 0, x, s);
  for (int i = 0; i < N; i++) ck_near(s[i], (double)cosl(x[i]), 3e-16, 0);
  const double large[3] = {99999.5, -2.5e6, 1e22};
  SeriesSin(1, 3, 0, large, s);
  for (int i = 0; i < 3; i++) {
    ck_near(s[i], (double)sinl(large[i]), 3e-16, 0);
    ck_near(s[3 + i], (double)cosl(large[i]), 3e-16, 0);
  }
  for (int i = 0; i < N; i++) x[i] *= 37.0;
  SeriesExp(0, N, 0, x, s);
  for (int i = 0; i < N; i++)
    if (x[i] < 709)
      ck_near(s[i], (double)expl(x[i]), 3e-16, 5e-324);
    else if (x[i] > 709.8)
      ck_assert(s[i] == INFINITY);
}
END_TEST

START_TEST(powers_are_polynomials_at_zero_and_below)
{
  const double x[3] = {0, -2, -1e-200};
  double s[3 * 5];
  SeriesPow(4, 3, 2, x, s);
  const double square[3][5] = {{0, 0, 1, 0, 0}, {4, -4, 1, 0, 0}, {0, -2e-200, 1, 0, 0}};
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 5; k++) ck_near(s[3 * k + i], square[i][k], 1e-15, 0);
  SeriesPow(4, 3, 0, x, s);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 5; k++) ck_assert(s[3 * k + i] == (k == 0));
  SeriesPow(4, 2, 2.5, x, s); /* at 0: finite up to the second derivative */
  ck_assert(s[0] == 0 && s[2] == 0 && s[4] == 0 && isinf(s[6]) && isinf(s[8]));
  ck_assert(isnan(s[1]));
  SeriesSqrt(2, 1, 0, x, s);
  ck_assert(s[0] == 0 && s[1] == INFINITY && s[2] == -INFINITY);
}
END_TEST

START_TEST(bent_and_broken_functions)
{
  const double x[4] = {-3, 0, 2, NAN};
  double s[4 * 3];
  SeriesAbs(2, 4, 0, x, s);
  ck_assert(s[0] == 3 && s[1] == 0 && s[2] == 2 && isnan(s[3]));
  ck_assert(s[4] == -1 && s[5] == 0 && s[6] == 1 && s[8] == 0 && s[10] == 0);
  SeriesStep(2, 4, 0, x, s);
  ck_assert(s[0] == 0 && s[1] == 1 && s[2] == 1 && isnan(s[3]));
  ck_assert(s[4] == 0 && s[5] == 0 && s[6] == 0 && s[8] == 0);
}
END_TEST

START_TEST(what_is_not_finite_shows)
{
  double x[16], s[16 * 3];
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    for (int i = 0; i < 16; i++) x[i] = i % 3 ? NAN : 0.5;
    cases[c].series(2, 16, cases[c].parameter, x, s);
    for (int i = 0; i < 16; i++)
      ck_assert_msg(i % 3 ? isnan(s[i]) : isfinite(s[i]), "%s gives %g of %g", cases[c].name, s[i], x[i]);
  }
  const double far[4] = {INFINITY, -INFINITY, 1e308, -1e308};
  SeriesTanh(0, 4, 0, far, s);
  ck_assert(s[0] == 1 && s[1] == -1 && s[2] == 1 && s[3] == -1);
  SeriesExp(0, 4, 0, far, s);
  ck_assert(s[0] == INFINITY && s[1] == 0 && s[2] == INFINITY && s[3] == 0);
  SeriesSin(0, 2, 0, far, s);
  ck_assert(isnan(s[0]) && isnan(s[1]));
  const double poles[2] = {0, -1};
  SeriesLog(1, 2, 0, poles, s);
  ck_assert(s[0] == -INFINITY && s[2] == INFINITY && isnan(s[1]));
}
END_TEST

TEST_SUITE("kernel series", coefficients_are_those_of_cauchys_integral,
           every_order_and_length_gives_the_same_coefficients, erf_is_the_integral_of_its_bell,
           saturated_functions_keep_their_relative_accuracy, elementary_values_are_right_to_the_last_digits,
           powers_are_polynomials_at_zero_and_below, bent_and_broken_functions, what_is_not_finite_shows)
