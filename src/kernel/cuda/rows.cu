/* Rows of J, a number a thread. */
#include "cuda_impl.h"

typedef struct {
  size_t n_column, n, n_out, n_in, first, count, stride_g, stride_z, ld;
  const Real *g, *z;
  double *rows;
  int add;
} Outer;

static __global__ void outer_rows(Outer job)
{
  const size_t at = CudaThread();
  if (at >= job.n * job.count) return;
  const size_t p = at / job.count, q = at % job.count, j = (job.first + q) / job.n_in, i = (job.first + q) % job.n_in;
  const Real *g = job.g + p * job.n_out + j, *z = job.z ? job.z + p * job.n_in + i : NULL;
  double sum = 0.0;
  for (size_t c = 0; c < job.n_column; c++)
    sum += (double)g[c * job.stride_g] * (z ? (double)z[c * job.stride_z] : 1.0);
  double *to = job.rows + p * job.ld + q;
  *to = job.add ? *to + sum : sum;
}

void REAL(DeviceOuterRows_CUDA)(size_t n_column, size_t n, size_t n_out, size_t n_in, size_t first, size_t count,
                                const Real *g, size_t stride_g, const Real *z, size_t stride_z, double *rows, size_t ld,
                                int add)
{
  const Outer job = {n_column, n, n_out, n_in, first, count, stride_g, stride_z, ld, g, z, rows, add};
  if (n && count) CUDA_LAUNCH(outer_rows, CudaBlocks(n * count), 0, job);
}

typedef struct {
  DeviceSeeds seeds;
  size_t n, n_out, n_in, first, count, ld;
  const Real *g;
  double *rows;
} Scattered;

/* Columns may meet in one input: those of a point and an output are added one after the other. */
static __global__ void scatter_rows(Scattered job)
{
  const size_t at = CudaThread();
  if (at >= job.n * job.n_out) return;
  const size_t p = at / job.n_out, begin = at % job.n_out * job.n_in;
  if (begin + job.n_in <= job.first || begin >= job.first + job.count) return;
  for (int c = 0; c < job.seeds.n_column; c++)
    for (int k = job.seeds.start[c]; k < job.seeds.start[c + 1]; k++) {
      const size_t place = begin + (size_t)job.seeds.input[k];
      if (place < job.first || place >= job.first + job.count) continue;
      job.rows[p * job.ld + place - job.first] +=
          job.seeds.factor[k] * (double)job.g[(size_t)c * job.n * job.n_out + at];
    }
}

void REAL(DeviceScatterRows_CUDA)(const DeviceSeeds *seeds, size_t n, size_t n_out, size_t n_in, size_t first,
                                  size_t count, const Real *g, double *rows, size_t ld)
{
  const Scattered job = {*seeds, n, n_out, n_in, first, count, ld, g, rows};
  if (n && n_out && count) CUDA_LAUNCH(scatter_rows, CudaBlocks(n * n_out), 0, job);
}
