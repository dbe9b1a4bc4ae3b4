/* Linear combinations, and contractions of arrays [column][point][width], a result a thread. */
#include "cuda_impl.h"

#define MOST_TERMS 16 /* of a launch */

typedef struct {
  size_t n;
  int n_term, add;
  Real coef[MOST_TERMS];
  const Real *x[MOST_TERMS];
  size_t step[MOST_TERMS];
  Real *y;
} Combine;

static __global__ void combine(Combine job)
{
  const size_t l = CudaThread();
  if (l >= job.n) return;
  Real sum = job.add ? job.y[l] : R(0.0);
  for (int t = 0; t < job.n_term; t++) sum += job.coef[t] * job.x[t][l * job.step[t]];
  job.y[l] = sum;
}

void REAL(KernelCombine_CUDA)(size_t n, int n_term, const Real *coef, const Real *const *x, const size_t *step, Real *y,
                              int add)
{
  if (!n) return;
  for (int begin = 0; begin < n_term; begin += MOST_TERMS) {
    Combine job = {n, n_term - begin < MOST_TERMS ? n_term - begin : MOST_TERMS, add || begin, {}, {}, {}, y};
    for (int t = 0; t < job.n_term; t++) {
      job.coef[t] = coef[begin + t];
      job.x[t] = x[begin + t];
      job.step[t] = step[begin + t];
    }
    CUDA_LAUNCH(combine, CudaBlocks(n), 0, job);
  }
}

static __global__ void dot_points(size_t n_column, size_t n, size_t width, const Real *a, const Real *b, Real *y)
{
  const size_t p = CudaThread();
  if (p >= n) return;
  Real total = 0;
  for (size_t c = 0; c < n_column; c++) {
    const size_t at = (c * n + p) * width;
    Real sum = 0;
    for (size_t j = 0; j < width; j++) sum += a[at + j] * b[at + j];
    total += sum;
  }
  y[p] += total;
}

void REAL(KernelDotPoints_CUDA)(size_t n_column, size_t n, size_t width, const Real *a, const Real *b, Real *y)
{
  if (n) CUDA_LAUNCH(dot_points, CudaBlocks(n), 0, n_column, n, width, a, b, y);
}

static __global__ void scale_points(size_t n_all, size_t n, size_t width, const Real *w, const Real *a, Real *b,
                                    int add)
{
  const size_t i = CudaThread();
  if (i >= n_all) return;
  const Real value = w[i / width % n] * a[i];
  b[i] = add ? b[i] + value : value;
}

void REAL(KernelScalePoints_CUDA)(size_t n_column, size_t n, size_t width, const Real *w, const Real *a, Real *b,
                                  int add)
{
  const size_t n_all = n_column * n * width;
  if (n_all) CUDA_LAUNCH(scale_points, CudaBlocks(n_all), 0, n_all, n, width, w, a, b, add);
}

typedef struct {
  size_t n_column, m, n, stride_g, stride_z;
  const Real *g, *first, *z;
  Real *row;
} Outer;

static __global__ void outer_point(Outer job)
{
  const size_t at = CudaThread();
  if (at >= job.m * job.n) return;
  const size_t j = at / job.n, i = at % job.n;
  Real sum = job.g[j] * job.first[i];
  for (size_t c = 1; c < job.n_column; c++) sum += job.g[c * job.stride_g + j] * job.z[(c - 1) * job.stride_z + i];
  job.row[at] = sum;
}

void REAL(KernelOuterPoint_CUDA)(size_t n_column, size_t m, size_t n, const Real *g, size_t stride_g, const Real *first,
                                 const Real *z, size_t stride_z, Real *row)
{
  const Outer job = {n_column, m, n, stride_g, stride_z, g, first, z, row};
  if (m && n) CUDA_LAUNCH(outer_point, CudaBlocks(m * n), 0, job);
}

typedef struct {
  size_t columns_a, n_a, columns_b, n_b, ldk;
  const Real *x, *y;
  Real *k;
} Pairs;

static __global__ void pair_product(Pairs job)
{
  const size_t at = CudaThread(), ld = job.columns_b * job.n_b;
  if (at >= job.n_a * job.n_b) return;
  const size_t p = at / job.n_b, q = at % job.n_b;
  Real sum = 0;
  for (size_t c = 0; c < job.columns_a; c++)
    for (size_t d = 0; d < job.columns_b; d++) {
      const size_t i = (c * job.n_a + p) * ld + d * job.n_b + q;
      sum += job.x[i] * job.y[i];
    }
  job.k[p * job.ldk + q] = sum;
}

void REAL(KernelPairProduct_CUDA)(size_t columns_a, size_t n_a, size_t columns_b, size_t n_b, const Real *x,
                                  const Real *y, Real *k, size_t ldk)
{
  const Pairs job = {columns_a, n_a, columns_b, n_b, ldk, x, y, k};
  if (n_a && n_b) CUDA_LAUNCH(pair_product, CudaBlocks(n_a * n_b), 0, job);
}
