/* Factors of matrices by cuSOLVER, whose matrices are stored by columns: the lower triangle of a row-major one is the
   upper one of that. */
#include <stdlib.h>
#include "cuda_impl.h"

#define ALIGN 256 /* bytes */

static __global__ void add_diagonal(size_t n, double shift, double *A, size_t ld)
{
  const size_t k = CudaThread();
  if (k < n) A[k * (ld + 1)] += shift;
}

/* Work space of the device, behind `before` bytes of the caller's; *host is to be freed. */
static char *take_work(size_t before, size_t device_bytes, size_t host_bytes, void **host)
{
  *host = malloc(host_bytes + 1);
  return *host ? (char *)CudaScratch(before + device_bytes + 1) : NULL;
}

static int get_info(const void *info)
{
  int value = 1;
  DeviceCUDA.get(&value, info, sizeof(value));
  return value;
}

bool DeviceFactor_CUDA(size_t n, double *A, size_t ld, double shift)
{
  size_t on_device = 0, on_host = 0;
  const cusolverDnHandle_t solver = CudaSolver();
  const int64_t order = (int64_t)n, lda = (int64_t)ld;
  void *host;
  if (!n) return true;
  CUDA_LAUNCH(add_diagonal, CudaBlocks(n), 0, n, shift, A, ld);
  CudaNoteSolver(cusolverDnXpotrf_bufferSize(solver, CudaSolverParams(), CUBLAS_FILL_MODE_UPPER, order, CUDA_R_64F, A,
                                             lda, CUDA_R_64F, &on_device, &on_host),
                 "room for a Cholesky factor");
  char *work = take_work(ALIGN, on_device, on_host, &host);
  if (work)
    CudaNoteSolver(cusolverDnXpotrf(solver, CudaSolverParams(), CUBLAS_FILL_MODE_UPPER, order, CUDA_R_64F, A, lda,
                                    CUDA_R_64F, work + ALIGN, on_device, host, on_host, (int *)work),
                   "a Cholesky factor");
  const bool positive = work && !DeviceCUDA.failure() && get_info(work) == 0;
  free(host);
  return positive;
}

void DeviceSolve_CUDA(size_t n, const double *A, size_t ld, double *b)
{
  int *info = (int *)CudaScratch(ALIGN);
  if (!n || !info) return;
  CudaNoteSolver(cusolverDnXpotrs(CudaSolver(), CudaSolverParams(), CUBLAS_FILL_MODE_UPPER, (int64_t)n, 1, CUDA_R_64F,
                                  A, (int64_t)ld, CUDA_R_64F, b, (int64_t)n, info),
                 "a solve with a Cholesky factor");
}

/* to[j][i] = from[i][j]; neighbours write neighbours. */
static __global__ void transpose(size_t m, size_t n, const double *from, size_t ld, double *to)
{
  const size_t at = CudaThread();
  if (at < m * n) to[at] = from[at % m * ld + at / m];
}

static __global__ void take_triangle(size_t m, size_t n, const double *factor, double *R)
{
  const size_t at = CudaThread();
  if (at >= n * n) return;
  const size_t j = at / n, i = at % n;
  R[at] = i <= j && i < m ? factor[j * m + i] : 0.0;
}

void DeviceTriangle_CUDA(size_t m, size_t n, const double *A, size_t lda, double *work, double *R)
{
  size_t on_device = 0, on_host = 0;
  const cusolverDnHandle_t solver = CudaSolver();
  const size_t n_tau = ((m < n ? m : n) * sizeof(double) / ALIGN + 1) * ALIGN;
  void *host = NULL;
  if (!n) return;
  if (m) {
    CUDA_LAUNCH(transpose, CudaBlocks(m * n), 0, m, n, A, lda, work);
    CudaNoteSolver(cusolverDnXgeqrf_bufferSize(solver, CudaSolverParams(), (int64_t)m, (int64_t)n, CUDA_R_64F, work,
                                               (int64_t)m, CUDA_R_64F, work, CUDA_R_64F, &on_device, &on_host),
                   "room for an orthogonal factor");
    char *room = take_work(ALIGN + n_tau, on_device, on_host, &host);
    if (room)
      CudaNoteSolver(cusolverDnXgeqrf(solver, CudaSolverParams(), (int64_t)m, (int64_t)n, CUDA_R_64F, work, (int64_t)m,
                                      CUDA_R_64F, room + ALIGN, CUDA_R_64F, room + ALIGN + n_tau, on_device, host,
                                      on_host, (int *)room),
                     "an orthogonal factor");
    CudaNote(cudaStreamSynchronize(CudaStream()), "an orthogonal factor");
    free(host);
  }
  CUDA_LAUNCH(take_triangle, CudaBlocks(n * n), 0, m, n, work, R);
}
