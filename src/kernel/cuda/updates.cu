/* Steps of optimizers, a parameter a thread. */
#include "../updates.h"
#include "cuda_impl.h"

static __global__ void adam(size_t n, AdamStep step, const double *g, double *m, double *v, double *x, double *last)
{
  const size_t k = CudaThread();
  if (k < n) UpdateAdam(step, g[k], &m[k], &v[k], &x[k], &last[k]);
}

static __global__ void adam_single(size_t n, AdamStep step, double correct, const double *g, float *m, float *v,
                                   double *x)
{
  const size_t k = CudaThread();
  if (k < n) UpdateAdamSingle(step, correct, g[k], &m[k], &v[k], &x[k]);
}

static __global__ void adam_back(size_t n, AdamStep step, double correct, const float *m, const float *v, double *x)
{
  const size_t k = CudaThread();
  if (k < n) x[k] += UpdateLength(step, correct, m[k], v[k]);
}

static void launch_adam(size_t n, const AdamStep *step, const double *g, double *m, double *v, double *x, double *last)
{
  if (n) CUDA_LAUNCH(adam, CudaBlocks(n), 0, n, *step, g, m, v, x, last);
}

static void launch_adam_single(size_t n, const AdamStep *step, const double *g, float *m, float *v, double *x)
{
  if (n) CUDA_LAUNCH(adam_single, CudaBlocks(n), 0, n, *step, sqrt(step->correct2), g, m, v, x);
}

static void launch_adam_back(size_t n, const AdamStep *step, const float *m, const float *v, double *x)
{
  if (n) CUDA_LAUNCH(adam_back, CudaBlocks(n), 0, n, *step, sqrt(step->correct2), m, v, x);
}

const KernelUpdates KernelUpdatesCUDA = {launch_adam, launch_adam_single, launch_adam_back};
