/* Normalized Taylor coefficients s[k * n + lane] = f^(k)(x[lane]) / k! of the functions of formulas and networks,
   written once for all compilers. Loops are "for k: for lane", so that gcc makes vectors of lanes at any order; on a
   GPU n = 1. Most functions are solutions of a differential equation of first order, whose power series is a recurrence
   in k; recurrences are chosen so that nothing cancels where f saturates. */
#pragma once
#include <stddef.h>
#include "pointwise.h"

#ifdef __CUDACC__
#define PINN_LANES(l, n) for (size_t l = 0; l < (n); l++)
#else
#define PINN_LANES(l, n) _Pragma("omp simd") for (size_t l = 0; l < (n); l++)
#endif

/* t' = d, d' = 2 sign t d from t and d at x: tanh (sign -1, d = 1 - t^2) and tan (sign 1, d = 1 + t^2).
     s  [inout]  s_0 and s_1 given, the others computed; d_k = (k + 1) s_{k+1} */
PINN_HD void SeriesRiccati_Pointwise(int order, size_t n, Real sign, Real *s)
{
  for (int k = 2; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    for (int j = 0; j < k - 1; j++) {
      const Real *t = s + (size_t)j * n, *slope = s + (size_t)(k - 1 - j) * n;
      const Real factor = 2.0 * sign * (k - 1 - j) / (R(k) * R(k - 1));
      if (j == 0)
        PINN_LANES(l, n) next[l] = factor * t[l] * slope[l];
      else
        PINN_LANES(l, n) next[l] += factor * t[l] * slope[l];
    }
  }
}

PINN_HD void SeriesTanh_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  PINN_LANES(l, n)
  {
    Real t, slope;
    PointwiseTanh(x[l], &t, &slope);
    s[l] = t;
    if (order > 0) s[n + l] = slope;
  }
  SeriesRiccati_Pointwise(order, n, -1.0, s);
}

PINN_HD void SeriesTan_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  for (size_t l = 0; l < n; l++) {
    s[l] = tan(x[l]);
    if (order > 0) s[n + l] = R(1.0) + s[l] * s[l];
  }
  SeriesRiccati_Pointwise(order, n, 1.0, s);
}

/* s_k = sign s_{k-2} / (k (k - 1)): f'' = sign f. */
PINN_HD void SeriesOscillator_Pointwise(int order, size_t n, Real sign, Real *s)
{
  for (int k = 2; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    const Real *before = s + (size_t)(k - 2) * n, factor = sign / (R(k) * R(k - 1));
    PINN_LANES(l, n) next[l] = factor * before[l];
  }
}

/* sin (quarters = 0) or cos (quarters = 1) of x. */
PINN_HD void SeriesSinCos_Pointwise(int order, size_t n, int quarters, const Real *x, Real *s)
{
  size_t n_large = 0;
  PINN_LANES(l, n)
  {
    Real sin_x, cos_x;
    PointwiseSinCos(x[l], &sin_x, &cos_x);
    s[l] = quarters ? cos_x : sin_x;
    if (order > 0) s[n + l] = quarters ? -sin_x : cos_x;
  }
  for (size_t l = 0; l < n; l++) n_large += !(fabs(x[l]) <= POINTWISE_SINCOS_MAX);
  for (size_t l = 0; l < n && n_large; l++) {
    if (fabs(x[l]) <= POINTWISE_SINCOS_MAX) continue;
    s[l] = quarters ? cos(x[l]) : sin(x[l]);
    if (order > 0) s[n + l] = quarters ? -sin(x[l]) : cos(x[l]);
  }
  SeriesOscillator_Pointwise(order, n, -1.0, s);
}

/* sinh (even = 0) or cosh (even = 1). */
PINN_HD void SeriesHyperbolic_Pointwise(int order, size_t n, int even, const Real *x, Real *s)
{
  for (size_t l = 0; l < n; l++) {
    s[l] = even ? cosh(x[l]) : sinh(x[l]);
    if (order > 0) s[n + l] = even ? sinh(x[l]) : cosh(x[l]);
  }
  SeriesOscillator_Pointwise(order, n, 1.0, s);
}

PINN_HD void SeriesExp_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  PINN_LANES(l, n) s[l] = PointwiseExp(x[l]);
  for (int k = 1; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    const Real *before = next - n, factor = 1.0 / k;
    PINN_LANES(l, n) next[l] = factor * before[l];
  }
}

PINN_HD void SeriesLog_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  for (size_t l = 0; l < n; l++) s[l] = log(x[l]);
  if (order > 0) PINN_LANES(l, n) s[n + l] = R(1.0) / x[l];
  for (int k = 2; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    const Real *before = next - n, *inverse = s + n, factor = (1.0 - k) / k;
    PINN_LANES(l, n) next[l] = factor * before[l] * inverse[l];
  }
}

PINN_HD void SeriesReciprocal_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  PINN_LANES(l, n) s[l] = R(1.0) / x[l];
  for (int k = 1; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    const Real *before = next - n;
    PINN_LANES(l, n) next[l] = -before[l] * s[l];
  }
}

#define SERIES_MAX_PRODUCT 16 /* a power up to here is a product: as exact as pow, and faster */

/* x^a by its binomial series. Whole exponents a >= 0 end at k = a and are filled downwards from x^(a - m), so that x =
   0 needs no care; others divide by x, and take the power itself at x = 0. */
PINN_HD void SeriesPow_Pointwise(int order, size_t n, Real a, const Real *x, Real *s)
{
  const int whole = a >= 0.0 && a == floor(a), m = whole && a < order ? (int)a : order;
  Real binomial = 1.0;
  for (int k = m + 1; k <= order; k++) PINN_LANES(l, n) s[(size_t)k * n + l] = R(0.0) * x[l];
  if (whole) {
    Real *top = s + (size_t)m * n;
    if (a - m <= SERIES_MAX_PRODUCT) {
      PINN_LANES(l, n) top[l] = x[l] == x[l] ? R(1.0) : x[l];
      for (int k = m; k < a; k++) PINN_LANES(l, n) top[l] *= x[l];
    } else
      for (size_t l = 0; l < n; l++) top[l] = pow(x[l], a - m);
    for (int k = m - 1; k >= 0; k--) PINN_LANES(l, n) s[(size_t)k * n + l] = s[(size_t)(k + 1) * n + l] * x[l];
    for (int k = 1; k <= m; k++) {
      binomial *= (a - k + 1) / k;
      PINN_LANES(l, n) s[(size_t)k * n + l] *= binomial;
    }
    return;
  }
  for (size_t l = 0; l < n; l++) {
    binomial = 1.0;
    s[l] = a == 0.5 ? sqrt(x[l]) : pow(x[l], a);
    for (int k = 1; k <= order; k++) {
      binomial *= (a - k + 1) / k;
      s[(size_t)k * n + l] =
          x[l] == 0.0 ? binomial * pow(x[l], a - k) : s[(size_t)(k - 1) * n + l] * ((a - k + 1) / k) / x[l];
    }
  }
}

/* (1 + tanh(x/2)) / 2, its value without cancellation for x < 0. */
PINN_HD void SeriesLogistic_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  Real scale = 0.25;
  PINN_LANES(l, n)
  {
    Real t, slope;
    PointwiseTanh(R(0.5) * x[l], &t, &slope);
    s[l] = t;
    if (order > 0) s[n + l] = slope;
  }
  SeriesRiccati_Pointwise(order, n, -1.0, s);
  PINN_LANES(l, n) s[l] = PointwiseLogistic(x[l]);
  for (int k = 1; k <= order; k++, scale *= 0.5) PINN_LANES(l, n) s[(size_t)k * n + l] *= scale;
}

/* x logistic(x): s_k = x g_k + g_{k-1}, from the highest k downwards in place. */
PINN_HD void SeriesSwish_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  SeriesLogistic_Pointwise(order, n, x, s);
  for (int k = order; k > 0; k--) {
    Real *g = s + (size_t)k * n;
    PINN_LANES(l, n) g[l] = x[l] * g[l] + g[l - n];
  }
  PINN_LANES(l, n) s[l] *= x[l];
}

/* log(1 + exp(x)), whose derivative is logistic. */
PINN_HD void SeriesSoftplus_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  if (order > 0) SeriesLogistic_Pointwise(order - 1, n, x, s + n);
  for (int k = 2; k <= order; k++) PINN_LANES(l, n) s[(size_t)k * n + l] *= R(1.0 / k);
  PINN_LANES(l, n) s[l] = (x[l] > R(0.0) ? x[l] : R(0.0)) + PointwiseLog1p(PointwiseExp(-fabs(x[l])));
}

/* scale exp(-x^2): s_{k+1} = -2 (x s_k + s_{k-1}) / (k + 1). */
PINN_HD void SeriesBell_Pointwise(int order, size_t n, Real scale, const Real *x, Real *s)
{
  PINN_LANES(l, n) s[l] = scale * PointwiseExp(-x[l] * x[l]);
  for (int k = 1; k <= order; k++) {
    Real *next = s + (size_t)k * n;
    const Real *before = next - n, *second = k > 1 ? before - n : before, factor = -2.0 / k, keep = k > 1 ? 1.0 : 0.0;
    PINN_LANES(l, n) next[l] = factor * (x[l] * before[l] + keep * second[l]);
  }
}

PINN_HD void SeriesErf_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  if (order > 0) SeriesBell_Pointwise(order - 1, n, 1.12837916709551257390, x, s + n); /* 2 / sqrt(pi) */
  for (int k = 2; k <= order; k++) PINN_LANES(l, n) s[(size_t)k * n + l] *= R(1.0 / k);
  for (size_t l = 0; l < n; l++) s[l] = erf(x[l]);
}

/* f' = g with (1 + (x + h)^2) g = 1:  (1 + x^2) g_k = -(2 x g_{k-1} + g_{k-2}). */
PINN_HD void SeriesAtan_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  for (size_t l = 0; l < n; l++) {
    const Real g0 = R(1.0) / (R(1.0) + x[l] * x[l]);
    Real last = 0.0, g = g0;
    s[l] = atan(x[l]);
    for (int k = 1; k <= order; k++) {
      const Real next = -(R(2.0) * x[l] * g + last) * g0;
      s[(size_t)k * n + l] = g / k;
      last = g;
      g = next;
    }
  }
}

/* |x|, and its derivative's sign with 0 at 0. */
PINN_HD void SeriesAbs_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  PINN_LANES(l, n) s[l] = fabs(x[l]);
  if (order > 0) PINN_LANES(l, n) s[n + l] = x[l] > R(0.0) ? R(1.0) : x[l] < R(0.0) ? R(-1.0) : x[l];
  for (int k = 2; k <= order; k++) PINN_LANES(l, n) s[(size_t)k * n + l] = R(0.0);
}

/* 1 for x >= 0, else 0. */
PINN_HD void SeriesStep_Pointwise(int order, size_t n, const Real *x, Real *s)
{
  PINN_LANES(l, n) s[l] = x[l] >= R(0.0) ? R(1.0) : x[l] < R(0.0) ? R(0.0) : x[l];
  for (int k = 1; k <= order; k++) PINN_LANES(l, n) s[(size_t)k * n + l] = R(0.0);
}
