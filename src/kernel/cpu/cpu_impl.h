#pragma once
#include "pinn/kernel.h"
#include "../real.h"

/* Arithmetic loops are compiled for several vector lengths; the loader picks what the machine has. Products and sums
   may fuse, and floating-point flags are not kept: NaN, Inf and the order of sums stay. */
#pragma GCC optimize("fp-contract=fast", "no-trapping-math")
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define KERNEL_CLONES
#endif

/* Lanes that are worked on at once, so that their columns stay in the nearest cache. Whole chunks are compiled apart,
   with the length as a constant. */
#define KERNEL_LANES  (512 / sizeof(Real))
#define KERNEL_INLINE static inline __attribute__((always_inline))

void REAL(KernelGemm_CPU)(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                          const Real *b, size_t ldb, Real beta, Real *c, size_t ldc);
void REAL(KernelCompose_CPU)(const KernelTables *tables, REAL(KernelSeries) series, double parameter, size_t n,
                             const Real *u, size_t stride_u, Real *v, size_t stride_v, Real *d, Real *e,
                             size_t stride_d);
void REAL(KernelMultiply_CPU)(const KernelProduct *product, size_t n, const Real *u, size_t stride_u, const Real *v,
                              size_t stride_v, Real *w, size_t stride_w, int add);
void REAL(KernelMultiplyTranspose_CPU)(const KernelProduct *product, size_t n, const Real *d, size_t stride_d,
                                       const Real *v_bar, size_t stride_v, Real *u_bar, size_t stride_u, int add);
void REAL(KernelCombine_CPU)(size_t n, int n_term, const Real *coef, const Real *const *x, const size_t *step, Real *y,
                             int add);
void REAL(KernelDotPoints_CPU)(size_t n_column, size_t n, size_t width, const Real *a, const Real *b, Real *y);
void REAL(KernelScalePoints_CPU)(size_t n_column, size_t n, size_t width, const Real *w, const Real *a, Real *b,
                                 int add);
void REAL(KernelOuterPoint_CPU)(size_t n_column, size_t m, size_t n, const Real *g, size_t stride_g, const Real *first,
                                const Real *z, size_t stride_z, Real *row);
void REAL(KernelPairProduct_CPU)(size_t columns_a, size_t n_a, size_t columns_b, size_t n_b, const Real *x,
                                 const Real *y, Real *k, size_t ldk);
