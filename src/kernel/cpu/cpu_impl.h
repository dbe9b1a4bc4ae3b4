#pragma once
#include "pinn/kernel.h"

/* Arithmetic loops are compiled for several vector lengths; the loader picks what the machine has. Products and sums
   may fuse, and floating-point flags are not kept: NaN, Inf and the order of sums stay. */
#pragma GCC optimize("fp-contract=fast", "no-trapping-math")
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define KERNEL_CLONES
#endif

/* Lanes that are worked on at once, so that their columns stay in the nearest cache. Whole chunks are compiled apart,
   with the length as a constant. */
#define KERNEL_LANES  64
#define KERNEL_INLINE static inline __attribute__((always_inline))

void KernelGemm_CPU(char op_a, char op_b, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                    const double *b, size_t ldb, double beta, double *c, size_t ldc);
void KernelCompose_CPU(const KernelTables *tables, KernelSeries series, double parameter, size_t n, const double *u,
                       size_t stride_u, double *v, size_t stride_v, double *d, double *e, size_t stride_d);
void KernelMultiply_CPU(const KernelProduct *product, size_t n, const double *u, size_t stride_u, const double *v,
                        size_t stride_v, double *w, size_t stride_w, int add);
void KernelMultiplyTranspose_CPU(const KernelProduct *product, size_t n, const double *d, size_t stride_d,
                                 const double *v_bar, size_t stride_v, double *u_bar, size_t stride_u, int add);
