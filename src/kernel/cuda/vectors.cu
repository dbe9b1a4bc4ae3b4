/* Copies between precisions. */
#include "cuda_impl.h"

static __global__ void narrow(size_t n, const double *from, Real *to)
{
  const size_t k = CudaThread();
  if (k < n) to[k] = (Real)from[k];
}

void REAL(DeviceNarrow_CUDA)(size_t n, const double *from, Real *to)
{
  if (n) CUDA_LAUNCH(narrow, CudaBlocks(n), 0, n, from, to);
}

static __global__ void widen(size_t n, const Real *from, double *to, int add)
{
  const size_t k = CudaThread();
  if (k < n) to[k] = add ? to[k] + (double)from[k] : (double)from[k];
}

void REAL(DeviceWiden_CUDA)(size_t n, const Real *from, double *to, int add)
{
  if (n) CUDA_LAUNCH(widen, CudaBlocks(n), 0, n, from, to, add);
}
