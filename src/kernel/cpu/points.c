/* Contractions of arrays [column][point][width]: what is left of products with a Jacobian between the GEMMs. */
#include "cpu_impl.h"

#define BLOCK 128 /* numbers of a row that stay in the nearest cache while columns are added up */

KERNEL_CLONES void REAL(KernelDotPoints_CPU)(size_t n_column, size_t n, size_t width, const Real *a, const Real *b,
                                             Real *y)
{
  for (size_t c = 0; c < n_column; c++) {
    for (size_t p = 0; p < n; p++, a += width, b += width) {
      Real sum = 0;
#pragma omp simd reduction(+ : sum)
      for (size_t j = 0; j < width; j++) sum += a[j] * b[j];
      y[p] += sum;
    }
  }
}

KERNEL_CLONES void REAL(KernelScalePoints_CPU)(size_t n_column, size_t n, size_t width, const Real *w, const Real *a,
                                               Real *b, int add)
{
  for (size_t c = 0; c < n_column; c++) {
    for (size_t p = 0; p < n; p++, a += width, b += width) {
      const Real factor = w[p];
      if (add) {
#pragma omp simd
        for (size_t j = 0; j < width; j++) b[j] += factor * a[j];
      } else {
#pragma omp simd
        for (size_t j = 0; j < width; j++) b[j] = factor * a[j];
      }
    }
  }
}

/* Three further columns at once, to load and store the row once for all of them. */
KERNEL_INLINE void outer_row(size_t n_column, size_t n, const Real *g, size_t stride_g, const Real *first,
                             const Real *z, size_t stride_z, Real *restrict row)
{
#pragma omp simd
  for (size_t i = 0; i < n; i++) row[i] = g[0] * first[i];
  size_t c = 1;
  for (; c + 3 <= n_column; c += 3, z += 3 * stride_z) {
    const Real g0 = g[c * stride_g], g1 = g[(c + 1) * stride_g], g2 = g[(c + 2) * stride_g];
    const Real *z1 = z + stride_z, *z2 = z1 + stride_z;
#pragma omp simd
    for (size_t i = 0; i < n; i++) row[i] += g0 * z[i] + g1 * z1[i] + g2 * z2[i];
  }
  for (; c < n_column; c++, z += stride_z) {
    const Real g0 = g[c * stride_g];
#pragma omp simd
    for (size_t i = 0; i < n; i++) row[i] += g0 * z[i];
  }
}

KERNEL_CLONES void REAL(KernelOuterPoint_CPU)(size_t n_column, size_t m, size_t n, const Real *g, size_t stride_g,
                                              const Real *first, const Real *z, size_t stride_z, Real *row)
{
  for (size_t j = 0; j < m; j++) outer_row(n_column, n, g + j, stride_g, first, z, stride_z, row + j * n);
}

KERNEL_CLONES void REAL(KernelPairProduct_CPU)(size_t columns_a, size_t n_a, size_t columns_b, size_t n_b,
                                               const Real *x, const Real *y, Real *k, size_t ldk)
{
  const size_t ld = columns_b * n_b;
  for (size_t p = 0; p < n_a; p++) {
    for (size_t begin = 0; begin < n_b; begin += BLOCK) {
      const size_t n = n_b - begin < BLOCK ? n_b - begin : BLOCK;
      Real sum[BLOCK] = {0};
      for (size_t c = 0; c < columns_a; c++) {
        const Real *x_c = x + (c * n_a + p) * ld + begin, *y_c = y + (c * n_a + p) * ld + begin;
        for (size_t d = 0; d < columns_b; d++, x_c += n_b, y_c += n_b)
#pragma omp simd
          for (size_t q = 0; q < n; q++) sum[q] += x_c[q] * y_c[q];
      }
      for (size_t q = 0; q < n; q++) k[p * ldk + begin + q] = sum[q];
    }
  }
}
