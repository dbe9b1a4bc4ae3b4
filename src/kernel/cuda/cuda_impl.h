/* What the CUDA sources share: the queue, failures, launches. Kernels are one thread a lane, a point or a number, and
   no thread waits for another: sums are taken in several launches. */
#pragma once
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>
extern "C" {
#include "pinn/device.h"
}
#include "../real.h"

#define CUDA_THREADS 128 /* of a block */

/* The queue of all operations, and the library's handle on it. */
cudaStream_t CudaStream(void);
cublasHandle_t CudaBLAS(void);
cublasComputeType_t CudaSingleProducts(void);
cusolverDnHandle_t CudaSolver(void);
cusolverDnParams_t CudaSolverParams(void);
/* Keeps the first failure and what was being done. */
void CudaNote(cudaError_t code, const char *what);
void CudaNoteBLAS(cublasStatus_t code, const char *what);
void CudaNoteSolver(cusolverStatus_t code, const char *what);
/* Work space of at least so many bytes, until the next call; NULL and a failure where there is none. */
void *CudaScratch(size_t bytes);

/* CUDA_LAUNCH(kernel, blocks, bytes of shared memory, arguments ...), CUDA_THREADS threads a block. A compiler that
   does not know launches brings its own. */
#ifndef CUDA_LAUNCH
#define CUDA_LAUNCH(kernel, blocks, shared, ...)                                                                       \
  do {                                                                                                                 \
    kernel<<<(unsigned)(blocks), CUDA_THREADS, shared, CudaStream()>>>(__VA_ARGS__);                                   \
    CudaNote(cudaGetLastError(), #kernel);                                                                             \
  } while (0)
#define CUDA_ARGUMENT(Type) const __grid_constant__ Type /* whose address may be taken */
#define CUDA_ROOM(name)     extern __shared__ __align__(16) unsigned char name[]
#endif

/* Blocks for n threads in all. */
static inline size_t CudaBlocks(size_t n)
{
  return (n + CUDA_THREADS - 1) / CUDA_THREADS;
}

static __device__ __forceinline__ size_t CudaThread(void)
{
  return (size_t)blockIdx.x * CUDA_THREADS + threadIdx.x;
}

/* A product table as kernels take it: by value, its arrays on the device. */
typedef struct {
  int n_column;
  const int *start, *left, *right;
  const double *coef;
  const bool *varies; /* NULL where no coefficient depends on the point; else of which columns they do, */
  const double *at_points;
  size_t stride, width;
} CudaProduct;

typedef struct {
  int order, n_lower;
  CudaProduct power[KERNEL_MAX_ORDER + 1];
} CudaTables;

static inline CudaProduct CudaProductOf(const KernelProduct *p)
{
  CudaProduct to = {p->n_column, p->start, p->left, p->right, p->coef, NULL, NULL, 0, 1};
  if (!p->points) return to;
  to.varies = p->points->varies;
  to.at_points = p->points->coef;
  to.stride = p->points->stride;
  to.width = p->points->width;
  return to;
}

/* Coefficients of column c at a lane; tables of programs have none that depend on it. */
static __device__ __forceinline__ const double *CudaCoefficients(const KernelProduct &p, int, size_t)
{
  return p.coef;
}

static __device__ __forceinline__ const double *CudaCoefficients(const CudaProduct &p, int c, size_t lane)
{
  return p.varies && p.varies[c] ? p.at_points + lane / p.width * p.stride : p.coef;
}

void REAL(KernelGemm_CUDA)(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                           const Real *b, size_t ldb, Real beta, Real *c, size_t ldc);
void REAL(KernelCompose_CUDA)(const KernelTables *tables, REAL(KernelSeries) series, double parameter, size_t n,
                              const Real *u, size_t stride_u, Real *v, size_t stride_v, Real *d, Real *e,
                              size_t stride_d);
void REAL(KernelMultiply_CUDA)(const KernelProduct *product, size_t n, const Real *u, size_t stride_u, const Real *v,
                               size_t stride_v, Real *w, size_t stride_w, int add);
void REAL(KernelMultiplyTranspose_CUDA)(const KernelProduct *product, size_t n, const Real *d, size_t stride_d,
                                        const Real *v_bar, size_t stride_v, Real *u_bar, size_t stride_u, int add);
void REAL(KernelCombine_CUDA)(size_t n, int n_term, const Real *coef, const Real *const *x, const size_t *step, Real *y,
                              int add);
void REAL(KernelDotPoints_CUDA)(size_t n_column, size_t n, size_t width, const Real *a, const Real *b, Real *y);
void REAL(KernelScalePoints_CUDA)(size_t n_column, size_t n, size_t width, const Real *w, const Real *a, Real *b,
                                  int add);
void REAL(KernelOuterPoint_CUDA)(size_t n_column, size_t m, size_t n, const Real *g, size_t stride_g, const Real *first,
                                 const Real *z, size_t stride_z, Real *row);
void REAL(KernelPairProduct_CUDA)(size_t columns_a, size_t n_a, size_t columns_b, size_t n_b, const Real *x,
                                  const Real *y, Real *k, size_t ldk);
void REAL(DeviceMapPoints_CUDA)(size_t n, size_t n_coord, size_t n_input, const int *input_of, const double *x,
                                const double *shift, const double *stretch, Real *input);
void REAL(DeviceGatherColumns_CUDA)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *weights,
                                    Real *columns);
void REAL(DeviceScatterColumns_CUDA)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *columns,
                                     Real *gradient);
void REAL(DeviceSpreadColumns_CUDA)(size_t n_column, size_t n, size_t n_out, const int *mode, const Real *columns,
                                    Real *u);
void REAL(DeviceSumPoints_CUDA)(size_t n_column, size_t n, size_t n_out, const Real *u, Real *columns);
void REAL(DeviceOuterRows_CUDA)(size_t n_column, size_t n, size_t n_out, size_t n_in, size_t first, size_t count,
                                const Real *g, size_t stride_g, const Real *z, size_t stride_z, double *rows, size_t ld,
                                int add);
void REAL(DeviceScatterRows_CUDA)(const DeviceSeeds *seeds, size_t n, size_t n_out, size_t n_in, size_t first,
                                  size_t count, const Real *g, double *rows, size_t ld);
void REAL(DeviceNarrow_CUDA)(size_t n, const double *from, Real *to);
void REAL(DeviceWiden_CUDA)(size_t n, const Real *from, double *to, int add);
void DeviceEvaluate_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *net, double *rows);
void DeviceReverse_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *rows_bar,
                        double *net_bar);
void DeviceTangent_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *net_dot,
                        double *rows_dot);
bool DeviceFactor_CUDA(size_t n, double *A, size_t ld, double shift);
void DeviceSolve_CUDA(size_t n, const double *A, size_t ld, double *b);
void DeviceTriangle_CUDA(size_t m, size_t n, const double *A, size_t lda, double *work, double *R);
extern const KernelUpdates KernelUpdatesCUDA;
extern const DeviceKernel DeviceKernelCUDA;
extern const DeviceKernel_Single DeviceKernelCUDA_Single;
