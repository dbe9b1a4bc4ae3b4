/* The functions of one variable that nodes know, by their power series. */
#include <math.h>
#include "pinn/series.h"
#include "formula_impl.h"

/* f' = g = sign (1 - X^2)^(-1/2) at X = x + h, so (1 - X^2) g' = X g. */
static void inverse_sine(int order, size_t n, double sign, const double *x, double *s)
{
  for (size_t l = 0; l < n; l++) {
    const double r = 1 / ((1 - x[l]) * (1 + x[l]));
    double before = 0, last = sign * sqrt(r);
    for (int k = 0; k < order; k++) {
      s[(size_t)(k + 1) * n + l] = last / (k + 1);
      const double next = r * ((2 * k + 1) * x[l] * last + k * before) / (k + 1);
      before = last;
      last = next;
    }
  }
}

static void series_asin(int order, size_t n, double parameter, const double *x, double *s)
{
  (void)parameter;
  for (size_t l = 0; l < n; l++) s[l] = asin(x[l]);
  inverse_sine(order, n, 1, x, s);
}

static void series_acos(int order, size_t n, double parameter, const double *x, double *s)
{
  (void)parameter;
  for (size_t l = 0; l < n; l++) s[l] = acos(x[l]);
  inverse_sine(order, n, -1, x, s);
}

const ElementaryRow ElementaryTable[] = {
    [ELEMENTARY_SIN] = {"sin", SeriesSin},
    [ELEMENTARY_COS] = {"cos", SeriesCos},
    [ELEMENTARY_TAN] = {"tan", SeriesTan},
    [ELEMENTARY_ASIN] = {"asin", series_asin},
    [ELEMENTARY_ACOS] = {"acos", series_acos},
    [ELEMENTARY_ATAN] = {"atan", SeriesAtan},
    [ELEMENTARY_SINH] = {"sinh", SeriesSinh},
    [ELEMENTARY_COSH] = {"cosh", SeriesCosh},
    [ELEMENTARY_TANH] = {"tanh", SeriesTanh},
    [ELEMENTARY_EXP] = {"exp", SeriesExp},
    [ELEMENTARY_LOG] = {"log", SeriesLog},
    [ELEMENTARY_ABS] = {"abs", SeriesAbs},
    [ELEMENTARY_ERF] = {"erf", SeriesErf},
    [ELEMENTARY_SIGMOID] = {"sigmoid", SeriesLogistic},
    [ELEMENTARY_SOFTPLUS] = {"softplus", SeriesSoftplus},
    [ELEMENTARY_POW] = {"pow", SeriesPow},
};

KernelSeries ElementarySeries(Elementary function, double parameter)
{
  if (function == ELEMENTARY_POW && parameter == -1) return SeriesReciprocal;
  return ElementaryTable[function].series;
}

double ElementaryValue(Elementary function, double parameter, double x)
{
  double value;
  ElementarySeries(function, parameter)(0, 1, parameter, &x, &value);
  return value;
}
