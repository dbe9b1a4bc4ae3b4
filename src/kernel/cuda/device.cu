/* The process's device: its queue, memory, and the first thing that went wrong. */
#include <stdio.h>
#include <string.h>
#include "cuda_impl.h"

static struct {
  cudaStream_t stream;
  cublasHandle_t blas;
  cusolverDnHandle_t solver;
  cusolverDnParams_t solver_params;
  cublasComputeType_t single;
  void *scratch;
  size_t scratch_bytes;
  char failure[256];
} device;

cudaStream_t CudaStream(void)
{
  return device.stream;
}

cublasHandle_t CudaBLAS(void)
{
  return device.blas;
}

cublasComputeType_t CudaSingleProducts(void)
{
  return device.single;
}

/* Started when first asked for: it takes memory of its own. */
cusolverDnHandle_t CudaSolver(void)
{
  if (device.solver) return device.solver;
  CudaNoteSolver(cusolverDnCreate(&device.solver), "starting cuSOLVER");
  CudaNoteSolver(cusolverDnCreateParams(&device.solver_params), "starting cuSOLVER");
  if (!device.failure[0]) CudaNoteSolver(cusolverDnSetStream(device.solver, device.stream), "giving cuSOLVER a queue");
  return device.solver;
}

cusolverDnParams_t CudaSolverParams(void)
{
  return device.solver_params;
}

void CudaNote(cudaError_t code, const char *what)
{
  if (code == cudaSuccess || device.failure[0]) return;
  snprintf(device.failure, sizeof(device.failure), "CUDA: %.120s: %.100s", what, cudaGetErrorString(code));
}

void CudaNoteBLAS(cublasStatus_t code, const char *what)
{
  if (code == CUBLAS_STATUS_SUCCESS || device.failure[0]) return;
  snprintf(device.failure, sizeof(device.failure), "cuBLAS: %.120s: %.100s", what, cublasGetStatusString(code));
}

void CudaNoteSolver(cusolverStatus_t code, const char *what)
{
  if (code == CUSOLVER_STATUS_SUCCESS || device.failure[0]) return;
  snprintf(device.failure, sizeof(device.failure), "cuSOLVER: %.120s: error %d", what, (int)code);
}

static void *allocate(size_t bytes)
{
  void *memory = NULL;
  const cudaError_t code = cudaMalloc(&memory, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError(); /* a caller may do with less */
    return NULL;
  }
  CudaNote(code, "taking memory");
  return memory;
}

static void release(void *memory)
{
  CudaNote(cudaFree(memory), "giving back memory");
}

void *CudaScratch(size_t bytes)
{
  if (bytes <= device.scratch_bytes) return device.scratch;
  if (device.scratch) release(device.scratch);
  device.scratch = allocate(bytes);
  device.scratch_bytes = device.scratch ? bytes : 0;
  if (!device.scratch) CudaNote(cudaErrorMemoryAllocation, "work space of an operation");
  return device.scratch;
}

static bool open_device(int place, char *text, size_t size)
{
  cudaDeviceProp properties;
  int n = 0;
  const cudaError_t code = cudaGetDeviceCount(&n);
  if (code != cudaSuccess || n == 0) {
    snprintf(text, size, "no CUDA device answers on this machine (%s)",
             code == cudaSuccess ? "there is none" : cudaGetErrorString(code));
    cudaGetLastError();
    return false;
  }
  device.single = CUBLAS_COMPUTE_32F;
  device.failure[0] = '\0';
  CudaNote(cudaSetDevice(place % n), "taking a device");
  CudaNote(cudaGetDeviceProperties(&properties, place % n), "asking what the device is");
  CudaNote(cudaStreamCreateWithFlags(&device.stream, cudaStreamNonBlocking), "making a queue");
  CudaNoteBLAS(cublasCreate(&device.blas), "starting cuBLAS");
  if (!device.failure[0]) CudaNoteBLAS(cublasSetStream(device.blas, device.stream), "giving cuBLAS a queue");
  if (device.failure[0]) {
    snprintf(text, size, "%s", device.failure);
    return false;
  }
  snprintf(text, size, "%s, %.1f GB, compute capability %d.%d", properties.name,
           (double)properties.totalGlobalMem / 1e9, properties.major, properties.minor);
  return true;
}

static void close_device(void)
{
  if (device.scratch) release(device.scratch);
  device.scratch = NULL;
  device.scratch_bytes = 0;
  if (device.solver_params) cusolverDnDestroyParams(device.solver_params);
  if (device.solver) cusolverDnDestroy(device.solver);
  if (device.blas) cublasDestroy(device.blas);
  device.solver_params = 0;
  device.solver = 0;
  if (device.stream) cudaStreamDestroy(device.stream);
  device.blas = 0;
  device.stream = 0;
}

static void set_products(DeviceProducts products)
{
  device.single = products == PRODUCTS_TF32   ? CUBLAS_COMPUTE_32F_FAST_TF32
                  : products == PRODUCTS_BF16 ? CUBLAS_COMPUTE_32F_FAST_16BF
                                              : CUBLAS_COMPUTE_32F;
}

static size_t free_bytes(void)
{
  size_t left = 0, total = 0;
  CudaNote(cudaMemGetInfo(&left, &total), "asking for free memory");
  return left;
}

/* From memory that may be paged out, so the copy is done when the call is. */
static void put(void *to, const void *from, size_t bytes)
{
  CudaNote(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream), "copying to the device");
  CudaNote(cudaStreamSynchronize(device.stream), "copying to the device");
}

static void get(void *to, const void *from, size_t bytes)
{
  CudaNote(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream), "copying from the device");
  CudaNote(cudaStreamSynchronize(device.stream), "waiting for the device");
}

static void copy(void *to, const void *from, size_t bytes)
{
  CudaNote(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device.stream), "copying on the device");
}

static void clear(void *to, size_t bytes)
{
  CudaNote(cudaMemsetAsync(to, 0, bytes, device.stream), "clearing memory");
}

static const char *failure(void)
{
  return device.failure[0] ? device.failure : NULL;
}

#define PART 256 /* numbers that a thread adds up */

static __global__ void dot_part(size_t n, size_t n_part, const double *a, const double *b, double *parts)
{
  const size_t q = CudaThread();
  double sum = 0.0;
  if (q >= n_part) return;
  for (size_t k = q; k < n; k += n_part) sum += b ? a[k] * b[k] : a[k]; /* neighbours read neighbours */
  parts[q] = sum;
}

static void dot(size_t n, const double *a, const double *b, double *result)
{
  const size_t first = (n + PART - 1) / PART + 1, second = (first + PART - 1) / PART + 1;
  double *parts = (double *)CudaScratch((first + second) * sizeof(double)), *to[2] = {parts, parts + first};
  if (!parts) return;
  for (int turn = 0; n != 1 || !turn; turn++) {
    const size_t n_part = n ? (n + PART - 1) / PART : 1;
    double *into = n_part == 1 ? result : to[turn % 2];
    CUDA_LAUNCH(dot_part, CudaBlocks(n_part), 0, n, n_part, a, turn ? NULL : b, into);
    a = into;
    n = n_part;
  }
}

const Device DeviceCUDA = {open_device,
                           close_device,
                           set_products,
                           free_bytes,
                           allocate,
                           release,
                           put,
                           get,
                           copy,
                           clear,
                           failure,
                           dot,
                           DeviceEvaluate_CUDA,
                           DeviceReverse_CUDA,
                           DeviceTangent_CUDA,
                           DeviceFactor_CUDA,
                           DeviceSolve_CUDA,
                           DeviceTriangle_CUDA,
                           &KernelUpdatesCUDA,
                           &DeviceKernelCUDA,
                           &DeviceKernelCUDA_Single};
