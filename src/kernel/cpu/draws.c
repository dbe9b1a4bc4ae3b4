/* Many uniform numbers at once, and normal quantiles of many. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include "pinn/random.h"
#include "cpu_impl.h"

#define ROUNDS 10

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

KERNEL_CLONES static void central_quantiles(size_t n, const double u[], double z[])
{
#pragma omp simd
  for (size_t k = 0; k < n; k++) z[k] = central_quantile(u[k]);
}

void NormalQuantiles(size_t n, const double u[], double z[])
{
  central_quantiles(n, u, z);
  for (size_t k = 0; k < n; k++)
    if (fabs(u[k] - 0.5) > 0.425) z[k] = gsl_cdf_ugaussian_Pinv(u[k]);
}
