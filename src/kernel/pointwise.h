/* Elementary functions of one number, branch-free so that compilers turn loops over them into vector code; compiled by
   gcc and by nvcc. NaN stays NaN. */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define PINN_HD __host__ __device__ static inline
#else
#define PINN_HD static inline __attribute__((always_inline))
#endif

#define PINN_ROUND_SHIFT 6755399441055744.0 /* 1.5 * 2^52: adding it rounds to an integer, kept in the low bits */

/* 2^k for an integer -1022 <= k <= 1023 that is stored as a double. */
PINN_HD double PointwisePower2(double k)
{
  const double shifted = k + PINN_ROUND_SHIFT;
  uint64_t bits;
  double power;
  memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits + 1023) << 52;
  memcpy(&power, &bits, sizeof(power));
  return power;
}

/* exp(x) = (1 + p) a b with powers of two a and b: two of them reach the subnormal numbers, and p keeps its digits
   where exp(x) - 1 is wanted. x = k log 2 + r, |r| <= log(2) / 2; p by Taylor's series to 1e-17 (r^14 / 14! < 5e-18).
   */
typedef struct {
  double p, a, b;
} PointwiseExpParts;

PINN_HD PointwiseExpParts PointwiseSplitExp(double x)
{
  const double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10; /* of log 2; k * high is exact */
  const double above = x < -746.0 ? -746.0 : x, y = above > 710.0 ? 710.0 : above;
  const double k = (y * 1.44269504088896340736 + PINN_ROUND_SHIFT) - PINN_ROUND_SHIFT;
  const double half = (0.5 * k + PINN_ROUND_SHIFT) - PINN_ROUND_SHIFT;
  const double r = (y - k * high) - k * low;
  double q = 1.0 / 6227020800.0;
  PointwiseExpParts parts;
  q = q * r + 1.0 / 479001600.0;
  q = q * r + 1.0 / 39916800.0;
  q = q * r + 1.0 / 3628800.0;
  q = q * r + 1.0 / 362880.0;
  q = q * r + 1.0 / 40320.0;
  q = q * r + 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  parts.p = r + r * r * q;
  parts.a = PointwisePower2(half);
  parts.b = PointwisePower2(k - half);
  return parts;
}

PINN_HD double PointwiseExp(double x)
{
  const PointwiseExpParts e = PointwiseSplitExp(x);
  return (e.a + e.a * e.p) * e.b;
}

/* exp(x) and exp(x) - 1 for x <= 0, both to full relative accuracy. */
PINN_HD void PointwiseExpNegative(double x, double *exp_x, double *expm1_x)
{
  const PointwiseExpParts e = PointwiseSplitExp(x);
  const double scale = e.a * e.b;
  *exp_x = (e.a + e.a * e.p) * e.b;
  *expm1_x = scale * e.p + (scale - 1.0);
}

/* tanh x and 1 - tanh^2 x, the latter without cancellation where tanh x is near 1. */
PINN_HD void PointwiseTanh(double x, double *tanh_x, double *slope)
{
  double e, m;
  PointwiseExpNegative(-2.0 * fabs(x), &e, &m);
  const double q = 1.0 / (1.0 + e);
  *tanh_x = copysign(m * q, x);
  *slope = 4.0 * e * q * q;
}

PINN_HD double PointwiseLogistic(double x)
{
  const double e = PointwiseExp(-fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/* log(1 + e) for 0 <= e <= 1 as 2 atanh(w), w = e / (2 + e) <= 1/3: sum of w^(2k+1) / (2k+1) to (1/9)^17. */
PINN_HD double PointwiseLog1p(double e)
{
  const double w = e / (2.0 + e), t = w * w;
  double sum = 1.0 / 33.0;
  for (int k = 31; k > 0; k -= 2) sum = sum * t + 1.0 / k;
  return 2.0 * w * sum;
}

/* sin x and cos x for |x| <= POINTWISE_SINCOS_MAX: x = k pi/2 + r with pi/2 in three parts of 33 bits, k * part exact.
   */
#define POINTWISE_SINCOS_MAX 1e5

PINN_HD void PointwiseSinCos(double x, double *sin_x, double *cos_x)
{
  const double shifted = x * 0.63661977236758134308 + PINN_ROUND_SHIFT, k = shifted - PINN_ROUND_SHIFT;
  const double r0 = (x - k * 1.57079632673412561417e+00) - k * 6.07710050630396597660e-11;
  const double r = r0 - k * 2.02226624879595063154e-21, t = r * r;
  double s = 1.0 / 355687428096000.0, c = 1.0 / 20922789888000.0;
  uint64_t quadrant;
  memcpy(&quadrant, &shifted, sizeof(quadrant));
  s = s * t - 1.0 / 1307674368000.0;
  s = s * t + 1.0 / 6227020800.0;
  s = s * t - 1.0 / 39916800.0;
  s = s * t + 1.0 / 362880.0;
  s = s * t - 1.0 / 5040.0;
  s = s * t + 1.0 / 120.0;
  s = s * t - 1.0 / 6.0;
  s = r + r * t * s;
  c = c * t - 1.0 / 87178291200.0;
  c = c * t + 1.0 / 479001600.0;
  c = c * t - 1.0 / 3628800.0;
  c = c * t + 1.0 / 40320.0;
  c = c * t - 1.0 / 720.0;
  c = c * t + 1.0 / 24.0;
  c = 1.0 - (0.5 * t - t * t * c);
  *sin_x = (quadrant & 1) ? c : s;
  *cos_x = (quadrant & 1) ? s : c;
  *sin_x = (quadrant & 2) ? -*sin_x : *sin_x;
  *cos_x = ((quadrant + 1) & 2) ? -*cos_x : *cos_x;
}
