/* How points enter the first layer, and sums over points: what a layer's products with jets of coordinates come to,
   whose columns are mostly the same at all points. */
#include "cuda_impl.h"

typedef struct {
  size_t n, n_coord, n_input;
  const int *input_of;
  const double *x, *shift, *stretch;
  Real *input;
} Map;

static __global__ void map_points(Map job)
{
  const size_t at = CudaThread();
  if (at >= job.n * job.n_coord) return;
  const size_t i = at % job.n_coord;
  job.input[at] = (Real)((job.x[at] - job.shift[i]) * job.stretch[i]);
}

static __global__ void map_shared_points(Map job)
{
  const size_t p = CudaThread();
  if (p >= job.n) return;
  Real *input = job.input + p * job.n_input;
  const double *x = job.x + p * job.n_coord;
  for (size_t i = 0; i < job.n_input; i++) input[i] = 0;
  for (size_t i = 0; i < job.n_coord; i++) input[job.input_of[i]] += (Real)((x[i] - job.shift[i]) * job.stretch[i]);
}

void REAL(DeviceMapPoints_CUDA)(size_t n, size_t n_coord, size_t n_input, const int *input_of, const double *x,
                                const double *shift, const double *stretch, Real *input)
{
  const Map job = {n, n_coord, n_input, input_of, x, shift, stretch, input};
  if (!n) return;
  if (input_of)
    CUDA_LAUNCH(map_shared_points, CudaBlocks(n), 0, job);
  else
    CUDA_LAUNCH(map_points, CudaBlocks(n * n_coord), 0, job);
}

typedef struct {
  DeviceSeeds seeds;
  size_t n_out, n_in;
  const Real *from;
  Real *to;
} Seeded;

static __global__ void gather_columns(Seeded job)
{
  const size_t at = CudaThread();
  if (at >= (size_t)job.seeds.n_column * job.n_out) return;
  const size_t c = at / job.n_out, j = at % job.n_out;
  Real sum = 0;
  for (int k = job.seeds.start[c]; k < job.seeds.start[c + 1]; k++)
    sum += (Real)job.seeds.factor[k] * job.from[j * job.n_in + (size_t)job.seeds.input[k]];
  job.to[at] = sum;
}

void REAL(DeviceGatherColumns_CUDA)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *weights,
                                    Real *columns)
{
  const Seeded job = {*seeds, n_out, n_in, weights, columns};
  CUDA_LAUNCH(gather_columns, CudaBlocks((size_t)seeds->n_column * n_out), 0, job);
}

/* Columns may meet in one input: a neuron's are added one after the other. */
static __global__ void scatter_columns(Seeded job)
{
  const size_t j = CudaThread();
  if (j >= job.n_out) return;
  for (int c = 0; c < job.seeds.n_column; c++)
    for (int k = job.seeds.start[c]; k < job.seeds.start[c + 1]; k++)
      job.to[j * job.n_in + (size_t)job.seeds.input[k]] +=
          (Real)job.seeds.factor[k] * job.from[(size_t)c * job.n_out + j];
}

void REAL(DeviceScatterColumns_CUDA)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *columns,
                                     Real *gradient)
{
  const Seeded job = {*seeds, n_out, n_in, columns, gradient};
  CUDA_LAUNCH(scatter_columns, CudaBlocks(n_out), 0, job);
}

typedef struct {
  size_t n_column, n, n_out;
  const int *mode;
  const Real *columns;
  Real *u;
} Spread;

static __global__ void spread_columns(Spread job)
{
  const size_t at = CudaThread();
  if (at >= job.n_column * job.n * job.n_out) return;
  const size_t c = at / (job.n * job.n_out);
  const int mode = job.mode[c];
  if (mode == SPREAD_LEAVE) return;
  const Real value = job.columns[c * job.n_out + at % job.n_out];
  job.u[at] = mode == SPREAD_ADD ? job.u[at] + value : value;
}

void REAL(DeviceSpreadColumns_CUDA)(size_t n_column, size_t n, size_t n_out, const int *mode, const Real *columns,
                                    Real *u)
{
  const Spread job = {n_column, n, n_out, mode, columns, u};
  const size_t size = n_column * n * n_out;
  if (size) CUDA_LAUNCH(spread_columns, CudaBlocks(size), 0, job);
}

#define PART 32 /* points that a thread adds up */

/* to[c][q][j] = sum of from[c][p][j] over PART points p from q PART on. */
static __global__ void sum_part(size_t n_column, size_t n, size_t n_out, const Real *from, Real *to)
{
  const size_t at = CudaThread(), n_part = (n + PART - 1) / PART;
  if (at >= n_column * n_part * n_out) return;
  const size_t j = at % n_out, q = at / n_out % n_part, c = at / (n_out * n_part);
  const size_t end = (q + 1) * PART < n ? (q + 1) * PART : n;
  Real sum = 0;
  for (size_t p = q * PART; p < end; p++) sum += from[(c * n + p) * n_out + j];
  to[at] = sum;
}

void REAL(DeviceSumPoints_CUDA)(size_t n_column, size_t n, size_t n_out, const Real *u, Real *columns)
{
  const size_t first = (n + PART - 1) / PART, second = (first + PART - 1) / PART;
  Real *to[2];
  int turn = 0;
  to[0] = (Real *)CudaScratch(n_column * (first + second) * n_out * sizeof(Real));
  if (!to[0]) return;
  to[1] = to[0] + n_column * first * n_out;
  for (bool done = false; !done; turn ^= 1) {
    const size_t n_part = (n + PART - 1) / PART;
    done = n_part <= 1;
    Real *into = done ? columns : to[turn];
    CUDA_LAUNCH(sum_part, CudaBlocks(n_column * n_part * n_out), 0, n_column, n, n_out, u, into);
    u = into;
    n = n_part;
  }
}
