/* Enough of CUDA for g++ to compile the device's sources for the processor: a launch is a loop over blocks and threads,
   device memory is memory, a queue does at once what it is given. Memory is filled with NaN patterns, so that what is
   read must have been written, and the shared memory of a launch is no larger than was asked for. */
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline

struct ShimIndex {
  unsigned x;
};
extern ShimIndex blockIdx, threadIdx;
extern unsigned char *ShimRoom;

#define CUDA_ARGUMENT(Type) const Type
#define CUDA_ROOM(name)     unsigned char *name = ShimRoom
#define CUDA_LAUNCH(kernel, blocks, shared, ...)                                                                       \
  do {                                                                                                                 \
    std::vector<double> shim_room((size_t)(shared) / sizeof(double) + 2, ShimNaN());                                   \
    ShimRoom = (unsigned char *)shim_room.data();                                                                      \
    for (size_t block = 0; block < (size_t)(blocks); block++)                                                          \
      for (unsigned thread = 0; thread < CUDA_THREADS; thread++) {                                                     \
        blockIdx.x = (unsigned)block;                                                                                  \
        threadIdx.x = thread;                                                                                          \
        kernel(__VA_ARGS__);                                                                                           \
      }                                                                                                                \
  } while (0)

static inline double ShimNaN(void)
{
  double value;
  std::memset(&value, 0xff, sizeof(value));
  return value;
}

typedef enum { cudaSuccess, cudaErrorMemoryAllocation, cudaErrorNotSupported } cudaError_t;
typedef int cudaStream_t;
typedef enum { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice } cudaMemcpyKind;
enum { cudaStreamNonBlocking };
typedef struct {
  int multiProcessorCount, major, minor;
  size_t totalGlobalMem;
  const char *name;
} cudaDeviceProp;

static inline const char *cudaGetErrorString(cudaError_t code)
{
  return code == cudaSuccess ? "no error" : code == cudaErrorNotSupported ? "not supported" : "out of memory";
}
static inline cudaError_t cudaMalloc(void **memory, size_t bytes)
{
  *memory = std::malloc(bytes);
  if (!*memory) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xff, bytes);
  return cudaSuccess;
}
static inline cudaError_t cudaFree(void *memory)
{
  std::free(memory);
  return cudaSuccess;
}
static inline cudaError_t cudaGetLastError(void)
{
  return cudaSuccess;
}
static inline cudaError_t cudaGetDeviceCount(int *n)
{
  *n = 1;
  return cudaSuccess;
}
static inline cudaError_t cudaSetDevice(int)
{
  return cudaSuccess;
}
static inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
  *properties = cudaDeviceProp{4, 0, 0, (size_t)1 << 30, "this processor"};
  return cudaSuccess;
}
static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
  *stream = 1;
  return cudaSuccess;
}
static inline cudaError_t cudaStreamDestroy(cudaStream_t)
{
  return cudaSuccess;
}
static inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
  return cudaSuccess;
}
static inline cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
  *left = *total = (size_t)1 << 30;
  return cudaSuccess;
}
static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t)
{
  std::memmove(to, from, bytes);
  return cudaSuccess;
}
static inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t)
{
  std::memset(to, value, bytes);
  return cudaSuccess;
}
