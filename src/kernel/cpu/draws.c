/* Many uniform numbers at once, and normal quantiles of many. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>
#include "pinn/random.h"
#include "cpu_impl.h"

#define ROUNDS   10
#define FARTHEST 1.4e-11 /* e^-25: the next piece of the quantile begins */

/* Philox 4x32-10 as random.c has it from Random123, words in lanes of 64 bits: products of halves need no shuffles. */
KERNEL_INLINE uint64_t bits_at(RandomKey key, uint64_t i)
{
  const uint64_t low = 0xffffffffu;
  uint64_t a = i & low, b = i >> 32, c = key.block, d = key.iteration, left = key.seed, right = key.stream;
  for (int round = 0; round < ROUNDS; round++) {
    const uint64_t first = 0xD2511F53u * a, second = 0xCD9E8D57u * c;
    a = (second >> 32) ^ b ^ left;
    b = second & low;
    c = (first >> 32) ^ d ^ right;
    d = first & low;
    left = (left + 0x9E3779B9u) & low;
    right = (right + 0xBB67AE85u) & low;
  }
  return b << 32 | a;
}

/* The odd multiple of 2^-53, by halves that are exact in 32 bits. */
KERNEL_CLONES void RandomUniforms(RandomKey key, uint64_t first, size_t n, double u[])
{
#pragma omp simd
  for (size_t k = 0; k < n; k++) {
    const uint64_t odd = bits_at(key, first + k) >> 11 | 1;
    u[k] = (double)(int32_t)(odd >> 27) * 0x1p-26 + (double)(int32_t)(odd & 0x7ffffff) * 0x1p-53;
  }
}

/* Of u within 0.425 of 1/2: Wichura 1988, algorithm AS 241. */
KERNEL_INLINE double central_quantile(double u)
{
  const double q = u - 0.5, r = 0.180625 - q * q;
  const double a = ((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
                       45921.953931549871457) *
                          r +
                      13731.693765509461125) *
                         r +
                     1971.5909503065514427) *
                        r +
                    133.14166789178437745) *
                       r +
                   3.387132872796366608;
  const double b =
      ((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r + 21213.794301586595867) *
             r +
         5394.1960214247511077) *
            r +
        687.1870074920579083) *
           r +
       42.313330701600911252) *
          r +
      1.0;
  return q * a / b;
}

/* log p for 2^-53 <= p <= 1/2: p = 2^k m with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh(w), w = (m - 1) / (m + 1),
   |w| < 0.172. */
KERNEL_INLINE double log_of_half(double p)
{
  const uint64_t root_half = 0x3fe6a09e667f3bcdu, one = 0x3ff0000000000000u, shift = 0x4330000000000000u;
  uint64_t bits, power;
  double m, k;
  memcpy(&bits, &p, sizeof(bits));
  const uint64_t above = (bits + (one - root_half)) >> 52; /* k + 1023 */
  bits = bits - (above << 52) + one;
  memcpy(&m, &bits, sizeof(m));
  power = above | shift; /* 2^52 + k + 1023 */
  memcpy(&k, &power, sizeof(k));
  k -= 4503599627370496.0 + 1023.0;
  const double w = (m - 1) / (m + 1), t = w * w;
  double sum = 1.0 / 21.0;
  for (int n = 19; n > 1; n -= 2) sum = sum * t + 1.0 / n;
  return k * 6.93147180369123816490e-01 + (2.0 * w * t * sum + (k * 1.90821492927058770002e-10 + 2.0 * w));
}

/* Of u farther from 1/2, but not within e^-25 of 0 or 1. */
KERNEL_INLINE double outer_quantile(double u)
{
  const double r = sqrt(-log_of_half(u < 0.5 ? u : 1 - u)) - 1.6;
  const double c = ((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
                       1.27045825245236838258) *
                          r +
                      3.64784832476320460504) *
                         r +
                     5.7694972214606914055) *
                        r +
                    4.6303378461565452959) *
                       r +
                   1.42343711074968357734;
  const double d = ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
                       0.14810397642748007459) *
                          r +
                      0.68976733498510000455) *
                         r +
                     1.6763848301838038494) *
                        r +
                    2.05319162663775882187) *
                       r +
                   1.0;
  return copysign(c / d, u - 0.5);
}

/* The number of those that are too far out. */
KERNEL_CLONES static size_t most_quantiles(size_t n, const double u[], double z[])
{
  size_t left = 0;
#pragma omp simd reduction(+ : left)
  for (size_t k = 0; k < n; k++) {
    const double central = central_quantile(u[k]), outer = outer_quantile(u[k]), far = fabs(u[k] - 0.5);
    z[k] = far > 0.425 ? outer : central;
    left += far > 0.5 - FARTHEST;
  }
  return left;
}

void NormalQuantiles(size_t n, const double u[], double z[])
{
  const size_t left = most_quantiles(n, u, z);
  for (size_t k = 0; k < n && left; k++)
    if (fabs(u[k] - 0.5) > 0.5 - FARTHEST) z[k] = gsl_cdf_ugaussian_Pinv(u[k]);
}
