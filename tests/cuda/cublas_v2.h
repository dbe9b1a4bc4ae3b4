/* Matrix products as cuBLAS defines them, by three loops. */
#pragma once
#include "cuda_runtime.h"

typedef int cublasHandle_t;
typedef enum { CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_INVALID_VALUE } cublasStatus_t;
typedef enum { CUBLAS_OP_N, CUBLAS_OP_T } cublasOperation_t;
typedef enum { CUDA_R_32F, CUDA_R_64F } cudaDataType_t;
typedef enum {
  CUBLAS_COMPUTE_32F,
  CUBLAS_COMPUTE_64F,
  CUBLAS_COMPUTE_32F_FAST_TF32,
  CUBLAS_COMPUTE_32F_FAST_16BF
} cublasComputeType_t;
enum { CUBLAS_GEMM_DEFAULT };

static inline const char *cublasGetStatusString(cublasStatus_t code)
{
  return code == CUBLAS_STATUS_SUCCESS ? "no error" : "invalid value";
}
static inline cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
  *handle = 1;
  return CUBLAS_STATUS_SUCCESS;
}
static inline cublasStatus_t cublasDestroy(cublasHandle_t)
{
  return CUBLAS_STATUS_SUCCESS;
}
static inline cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t)
{
  return CUBLAS_STATUS_SUCCESS;
}

/* A factor of `bits` significant bits. */
static inline float ShimRound(float value, int bits)
{
  uint32_t word;
  std::memcpy(&word, &value, sizeof(word));
  const int drop = 24 - bits;
  if (drop > 0) word = (word + (1u << (drop - 1))) & ~((1u << drop) - 1);
  std::memcpy(&value, &word, sizeof(word));
  return value;
}
static inline double ShimRound(double value, int)
{
  return value;
}

template <typename Number>
static void ShimGemm(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, Number alpha, const Number *a,
                     int lda, const Number *b, int ldb, Number beta, Number *c, int ldc, int bits)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      Number sum = 0, *to = c + (size_t)j * ldc + i;
      for (int l = 0; l < k; l++)
        sum += ShimRound(op_a == CUBLAS_OP_N ? a[(size_t)l * lda + i] : a[(size_t)i * lda + l], bits) *
               ShimRound(op_b == CUBLAS_OP_N ? b[(size_t)j * ldb + l] : b[(size_t)l * ldb + j], bits);
      *to = alpha * sum + (beta == 0 ? Number(0) : beta * *to);
    }
}

/* Leading dimensions are checked as the library does. */
static inline cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                                          int k, const void *alpha, const void *a, cudaDataType_t type, int lda,
                                          const void *b, cudaDataType_t, int ldb, const void *beta, void *c,
                                          cudaDataType_t, int ldc, cublasComputeType_t compute, int)
{
  if (lda < (op_a == CUBLAS_OP_N ? m : k) || ldb < (op_b == CUBLAS_OP_N ? k : n) || ldc < m)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (type == CUDA_R_64F)
    ShimGemm(op_a, op_b, m, n, k, *(const double *)alpha, (const double *)a, lda, (const double *)b, ldb,
             *(const double *)beta, (double *)c, ldc, 53);
  else
    ShimGemm(op_a, op_b, m, n, k, *(const float *)alpha, (const float *)a, lda, (const float *)b, ldb,
             *(const float *)beta, (float *)c, ldc,
             compute == CUBLAS_COMPUTE_32F_FAST_TF32   ? 11
             : compute == CUBLAS_COMPUTE_32F_FAST_16BF ? 8
                                                       : 24);
  return CUBLAS_STATUS_SUCCESS;
}
