/* Elementary functions of one number, branch-free so that compilers turn loops over them into vector code; compiled by
   gcc and by nvcc, for double and for float. NaN stays NaN. */
#pragma once
#include <stdint.h>
#include <string.h>
#include <tgmath.h>
#include "real.h"

#ifdef __CUDACC__
#define PINN_HD __host__ __device__ static inline
#else
#define PINN_HD static inline __attribute__((always_inline))
#endif

#ifdef PINN_SINGLE
typedef uint32_t RealBits;
#define PINN_MANTISSA    23
#define PINN_BIAS        127
#define PINN_ROUND_SHIFT R(12582912.0) /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
#define PINN_EXP_LOWEST  R(-104.0)
#define PINN_EXP_HIGHEST R(89.0)
#define PINN_LOG2_HIGH   R(0.693359375)
#define PINN_LOG2_LOW    R(-2.12194440054690583e-4)
#else
typedef uint64_t RealBits;
#define PINN_MANTISSA    52
#define PINN_BIAS        1023
#define PINN_ROUND_SHIFT 6755399441055744.0 /* 1.5 * 2^52 */
#define PINN_EXP_LOWEST  -746.0
#define PINN_EXP_HIGHEST 710.0
#define PINN_LOG2_HIGH   6.93147180369123816490e-01 /* log 2 in two parts: k * high is exact */
#define PINN_LOG2_LOW    1.90821492927058770002e-10
#endif

/* 2^k for an integer k of normal numbers that is stored as a Real. */
PINN_HD Real PointwisePower2(Real k)
{
  const Real shifted = k + PINN_ROUND_SHIFT;
  RealBits bits;
  Real power;
  memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits + PINN_BIAS) << PINN_MANTISSA;
  memcpy(&power, &bits, sizeof(power));
  return power;
}

/* exp(x) = (1 + p) a b with powers of two a and b: two of them reach the subnormal numbers, and p keeps its digits
   where exp(x) - 1 is wanted. x = k log 2 + r, |r| <= log(2) / 2; p by Taylor's series: r^14 / 14! < 5e-18 for double,
   r^9 / 9! < 2e-10 for float. */
typedef struct {
  Real p, a, b;
} PointwiseExpParts;

PINN_HD PointwiseExpParts PointwiseSplitExp(Real x)
{
  const Real above = x < PINN_EXP_LOWEST ? PINN_EXP_LOWEST : x, y = above > PINN_EXP_HIGHEST ? PINN_EXP_HIGHEST : above;
  const Real k = (y * R(1.44269504088896340736) + PINN_ROUND_SHIFT) - PINN_ROUND_SHIFT;
  const Real half = (R(0.5) * k + PINN_ROUND_SHIFT) - PINN_ROUND_SHIFT;
  const Real r = (y - k * PINN_LOG2_HIGH) - k * PINN_LOG2_LOW;
  PointwiseExpParts parts;
#ifdef PINN_SINGLE
  Real q = R(1.0 / 40320.0);
#else
  Real q = 1.0 / 6227020800.0;
  q = q * r + 1.0 / 479001600.0;
  q = q * r + 1.0 / 39916800.0;
  q = q * r + 1.0 / 3628800.0;
  q = q * r + 1.0 / 362880.0;
  q = q * r + 1.0 / 40320.0;
#endif
  q = q * r + R(1.0 / 5040.0);
  q = q * r + R(1.0 / 720.0);
  q = q * r + R(1.0 / 120.0);
  q = q * r + R(1.0 / 24.0);
  q = q * r + R(1.0 / 6.0);
  q = q * r + R(0.5);
  parts.p = r + r * r * q;
  parts.a = PointwisePower2(half);
  parts.b = PointwisePower2(k - half);
  return parts;
}

PINN_HD Real PointwiseExp(Real x)
{
  const PointwiseExpParts e = PointwiseSplitExp(x);
  return (e.a + e.a * e.p) * e.b;
}

/* exp(x) and exp(x) - 1 for x <= 0, both to full relative accuracy. */
PINN_HD void PointwiseExpNegative(Real x, Real *exp_x, Real *expm1_x)
{
  const PointwiseExpParts e = PointwiseSplitExp(x);
  const Real scale = e.a * e.b;
  *exp_x = (e.a + e.a * e.p) * e.b;
  *expm1_x = scale * e.p + (scale - R(1.0));
}

/* tanh x and 1 - tanh^2 x, the latter without cancellation where tanh x is near 1. */
PINN_HD void PointwiseTanh(Real x, Real *tanh_x, Real *slope)
{
  Real e, m;
  PointwiseExpNegative(R(-2.0) * fabs(x), &e, &m);
  const Real q = R(1.0) / (R(1.0) + e);
  *tanh_x = copysign(m * q, x);
  *slope = R(4.0) * e * q * q;
}

PINN_HD Real PointwiseLogistic(Real x)
{
  const Real e = PointwiseExp(-fabs(x));
  return (x < 0 ? e : R(1.0)) / (R(1.0) + e);
}

#ifdef PINN_SINGLE
#define PINN_LOG1P_TERMS 17
#else
#define PINN_LOG1P_TERMS 33
#endif

/* log(1 + e) for 0 <= e <= 1 as 2 atanh(w), w = e / (2 + e) <= 1/3: sum of w^(2k+1) / (2k+1), by powers of 1/9. */
PINN_HD Real PointwiseLog1p(Real e)
{
  const Real w = e / (R(2.0) + e), t = w * w;
  Real sum = R(1.0 / PINN_LOG1P_TERMS);
  for (int k = PINN_LOG1P_TERMS - 2; k > 0; k -= 2) sum = sum * t + R(1.0 / k);
  return R(2.0) * w * sum;
}

/* sin x and cos x for |x| <= POINTWISE_SINCOS_MAX: x = k pi/2 + r with pi/2 in three parts, k * part exact. */
#ifdef PINN_SINGLE
#define POINTWISE_SINCOS_MAX R(1e4)
#define PINN_HALF_PI_1       R(1.5703125)
#define PINN_HALF_PI_2       R(4.837512969970703125e-4)
#define PINN_HALF_PI_3       R(7.549789948768648e-8)
#else
#define POINTWISE_SINCOS_MAX 1e5
#define PINN_HALF_PI_1       1.57079632673412561417e+00
#define PINN_HALF_PI_2       6.07710050630396597660e-11
#define PINN_HALF_PI_3       2.02226624879595063154e-21
#endif

PINN_HD void PointwiseSinCos(Real x, Real *sin_x, Real *cos_x)
{
  const Real shifted = x * R(0.63661977236758134308) + PINN_ROUND_SHIFT, k = shifted - PINN_ROUND_SHIFT;
  const Real r = ((x - k * PINN_HALF_PI_1) - k * PINN_HALF_PI_2) - k * PINN_HALF_PI_3, t = r * r;
  RealBits quadrant;
  memcpy(&quadrant, &shifted, sizeof(quadrant));
#ifdef PINN_SINGLE
  Real s = R(1.0 / 362880.0), c = R(1.0 / 40320.0);
#else
  Real s = 1.0 / 355687428096000.0, c = 1.0 / 20922789888000.0;
  s = s * t - 1.0 / 1307674368000.0;
  s = s * t + 1.0 / 6227020800.0;
  s = s * t - 1.0 / 39916800.0;
  s = s * t + 1.0 / 362880.0;
  c = c * t - 1.0 / 87178291200.0;
  c = c * t + 1.0 / 479001600.0;
  c = c * t - 1.0 / 3628800.0;
  c = c * t + 1.0 / 40320.0;
#endif
  s = s * t - R(1.0 / 5040.0);
  s = s * t + R(1.0 / 120.0);
  s = s * t - R(1.0 / 6.0);
  s = r + r * t * s;
  c = c * t - R(1.0 / 720.0);
  c = c * t + R(1.0 / 24.0);
  c = R(1.0) - (R(0.5) * t - t * t * c);
  *sin_x = (quadrant & 1) ? c : s;
  *cos_x = (quadrant & 1) ? s : c;
  *sin_x = (quadrant & 2) ? -*sin_x : *sin_x;
  *cos_x = ((quadrant + 1) & 2) ? -*cos_x : *cos_x;
}
