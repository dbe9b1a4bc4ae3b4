/* Products of jets by a table of terms, a lane a thread; both factors are read once where there is room. */
#include "lane.h"

#define ROOM (48 * 1024 / CUDA_THREADS) /* bytes a thread */

typedef struct {
  CudaProduct product;
  int n_factor, add, cached; /* n_factor: columns of a factor */
  size_t n;
  const Real *u, *v;
  Real *w;
  size_t stride_u, stride_v, stride_w;
} Multiply;

static __global__ void multiply(Multiply job)
{
  CUDA_ROOM(shared);
  const size_t lane = CudaThread();
  if (lane >= job.n) return;
  const Real *u = job.u + lane, *v = job.v + lane;
  size_t stride_u = job.stride_u, stride_v = job.stride_v;
  if (job.cached) {
    Real *room = (Real *)shared + threadIdx.x, *next = room + (size_t)job.n_factor * CUDA_THREADS;
    for (int c = 0; c < job.n_factor; c++) {
      room[(size_t)c * CUDA_THREADS] = u[(size_t)c * stride_u];
      next[(size_t)c * CUDA_THREADS] = v[(size_t)c * stride_v];
    }
    u = room, v = next;
    stride_u = stride_v = CUDA_THREADS;
  }
  for (int c = 0; c < job.product.n_column; c++) {
    Real *w = job.w + (size_t)c * job.stride_w + lane;
    const Real sum = LaneProduct(job.product, c, lane, u, stride_u, v, stride_v);
    *w = job.add ? *w + sum : sum;
  }
}

void REAL(KernelMultiply_CUDA)(const KernelProduct *product, size_t n, const Real *u, size_t stride_u, const Real *v,
                               size_t stride_v, Real *w, size_t stride_w, int add)
{
  const size_t room = 2 * (size_t)product->n_column * sizeof(Real);
  const Multiply job = {
      CudaProductOf(product), product->n_column, add, room <= ROOM, n, u, v, w, stride_u, stride_v, stride_w};
  if (n) CUDA_LAUNCH(multiply, CudaBlocks(n), job.cached ? room * CUDA_THREADS : 0, job);
}

void REAL(KernelMultiplyTranspose_CUDA)(const KernelProduct *product, size_t n, const Real *d, size_t stride_d,
                                        const Real *v_bar, size_t stride_v, Real *u_bar, size_t stride_u, int add)
{
  REAL(KernelMultiply_CUDA)(product->transpose, n, d, stride_d, v_bar, stride_v, u_bar, stride_u, add);
}
