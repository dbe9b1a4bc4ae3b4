/* Products of jets by a sparse table of terms, and their transposes. */
#include "cpu_impl.h"
#include "terms.h"

KERNEL_INLINE void multiply_chunk(const KernelProduct *product, size_t n, const Real *u, size_t stride_u, const Real *v,
                                  size_t stride_v, Real *w, size_t stride_w, bool add)
{
  for (int c = 0; c < product->n_column; c++)
    KernelSumTerms(product, product->coef, c, n, u, stride_u, v, stride_v, w + (size_t)c * stride_w, add);
}

KERNEL_CLONES static void multiply_at_points(const KernelProduct *product, size_t n, const Real *u, size_t stride_u,
                                             const Real *v, size_t stride_v, Real *w, size_t stride_w, bool add)
{
  for (size_t l = 0; l < n; l += KERNEL_LANES)
    for (int c = 0; c < product->n_column; c++)
      KernelSumTermsAtPoints(product, c, l, n - l < KERNEL_LANES ? n - l : KERNEL_LANES, u + l, stride_u, v + l,
                             stride_v, w + (size_t)c * stride_w + l, add);
}

KERNEL_CLONES void REAL(KernelMultiply_CPU)(const KernelProduct *product, size_t n, const Real *u, size_t stride_u,
                                            const Real *v, size_t stride_v, Real *w, size_t stride_w, int add)
{
  size_t l = 0;
  if (product->points) {
    multiply_at_points(product, n, u, stride_u, v, stride_v, w, stride_w, add != 0);
    return;
  }
  for (; l + KERNEL_LANES <= n; l += KERNEL_LANES)
    multiply_chunk(product, KERNEL_LANES, u + l, stride_u, v + l, stride_v, w + l, stride_w, add != 0);
  if (l < n) multiply_chunk(product, n - l, u + l, stride_u, v + l, stride_v, w + l, stride_w, add != 0);
}

void REAL(KernelMultiplyTranspose_CPU)(const KernelProduct *product, size_t n, const Real *d, size_t stride_d,
                                       const Real *v_bar, size_t stride_v, Real *u_bar, size_t stride_u, int add)
{
  REAL(KernelMultiply_CPU)(product->transpose, n, d, stride_d, v_bar, stride_v, u_bar, stride_u, add);
}
