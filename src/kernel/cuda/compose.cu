/* Functions of jets, a lane a thread. Columns are read from memory once, into room that a thread has to itself in the
   multiprocessor's shared memory, with the powers that the recurrence keeps. Where that is too little, columns are read
   where they lie and powers go to scratch memory, by as many threads as there is scratch for. */
#include "lane.h"
extern "C" {
#include "pinn/series.h"
}

#define ROOM    (48 * 1024 / CUDA_THREADS) /* bytes a thread */
#define SCRATCH ((size_t)256 << 20)

typedef struct {
  CudaTables tables;
  int n_column, function;
  double parameter;
  size_t n, n_thread;
  const Real *u;
  Real *v, *d, *e, *scratch; /* scratch: NULL where the room is enough */
  size_t stride_u, stride_v, stride_d;
} Compose;

template <int ORDER> static __global__ void compose(Compose job)
{
  CUDA_ROOM(shared);
  const size_t thread = CudaThread();
  for (size_t lane = thread; lane < job.n; lane += job.n_thread) {
    Lane l = {job.u + lane, {job.v + lane, job.d ? job.d + lane : NULL, job.e ? job.e + lane : NULL},
              job.stride_u, job.stride_v,
              job.stride_d, job.scratch + thread,
              job.n_thread};
    if (!job.scratch) {
      Real *room = (Real *)shared + threadIdx.x;
      for (int c = 0; c < job.n_column; c++) room[(size_t)c * CUDA_THREADS] = l.u[(size_t)c * job.stride_u];
      l.u = room;
      l.stride_u = l.stride_power = CUDA_THREADS;
      l.power = room + (size_t)job.n_column * CUDA_THREADS;
    }
    LaneCompose<ORDER>(job.tables, job.n_column, job.function, job.parameter, lane, l);
  }
}

static int function_number(REAL(KernelSeries) series)
{
  static const REAL(KernelSeries) table[] = {
#define FUNCTION(Name, call) REAL(Series##Name),
#include "../functions.h"
  };
  for (int f = 0; f < CUDA_FUNCTIONS; f++)
    if (table[f] == series) return f;
  CudaNote(cudaErrorNotSupported, "a function that the device does not know");
  return 0;
}

void REAL(KernelCompose_CUDA)(const KernelTables *tables, REAL(KernelSeries) series, double parameter, size_t n,
                              const Real *u, size_t stride_u, Real *v, size_t stride_v, Real *d, Real *e,
                              size_t stride_d)
{
  static void (*const kernels[])(Compose) = {compose<0>, compose<1>, compose<2>, compose<3>, compose<4>};
  const int n_column = tables->product.n_column, order = tables->order;
  const size_t n_power = order > 2 ? (size_t)(order - 2) * (size_t)tables->n_lower : 0;
  const size_t room = ((size_t)n_column + n_power) * sizeof(Real);
  Compose job = {{order, tables->n_lower, {}},
                 n_column,
                 function_number(series),
                 parameter,
                 n,
                 n,
                 u,
                 v,
                 d,
                 e,
                 NULL,
                 stride_u,
                 stride_v,
                 stride_d};
  for (int k = 2; k <= order; k++) job.tables.power[k] = CudaProductOf(&tables->power[k]);
  if (!n) return;
  if (room > ROOM) {
    size_t n_thread = SCRATCH / (n_power ? n_power * sizeof(Real) : 1);
    if (n_thread > n) n_thread = n;
    job.n_thread = CudaBlocks(n_thread) * CUDA_THREADS;
    job.scratch = (Real *)CudaScratch((n_power ? n_power : 1) * job.n_thread * sizeof(Real));
    if (!job.scratch) return;
  } else {
    job.n_thread = CudaBlocks(n) * CUDA_THREADS;
  }
  void (*const kernel)(Compose) = kernels[order <= 4 && LaneIsActivation(job.function) ? order : 0];
  CUDA_LAUNCH(kernel, job.n_thread / CUDA_THREADS, job.scratch ? 0 : room * CUDA_THREADS, job);
}
