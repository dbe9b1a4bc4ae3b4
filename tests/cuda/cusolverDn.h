/* Factors of matrices as cuSOLVER defines them, by columns and by loops. */
#pragma once
#include <cmath>
#include "cublas_v2.h"

typedef int cusolverDnHandle_t;
typedef int cusolverDnParams_t;
typedef enum { CUSOLVER_STATUS_SUCCESS, CUSOLVER_STATUS_INVALID_VALUE } cusolverStatus_t;
typedef enum { CUBLAS_FILL_MODE_LOWER, CUBLAS_FILL_MODE_UPPER } cublasFillMode_t;

static inline cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle)
{
  *handle = 1;
  return CUSOLVER_STATUS_SUCCESS;
}
static inline cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t)
{
  return CUSOLVER_STATUS_SUCCESS;
}
static inline cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t *params)
{
  *params = 1;
  return CUSOLVER_STATUS_SUCCESS;
}
static inline cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t)
{
  return CUSOLVER_STATUS_SUCCESS;
}
static inline cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t, cudaStream_t)
{
  return CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnXpotrf_bufferSize(cusolverDnHandle_t, cusolverDnParams_t, cublasFillMode_t,
                                                           int64_t n, cudaDataType_t, const void *, int64_t lda,
                                                           cudaDataType_t, size_t *on_device, size_t *on_host)
{
  *on_device = (size_t)n * sizeof(double);
  *on_host = 16;
  return lda < n ? CUSOLVER_STATUS_INVALID_VALUE : CUSOLVER_STATUS_SUCCESS;
}

/* A = U^T U, the upper triangle by columns. */
static inline cusolverStatus_t cusolverDnXpotrf(cusolverDnHandle_t, cusolverDnParams_t, cublasFillMode_t fill,
                                                int64_t n, cudaDataType_t, void *matrix, int64_t lda, cudaDataType_t,
                                                void *work, size_t on_device, void *, size_t, int *info)
{
  double *A = (double *)matrix;
  if (fill != CUBLAS_FILL_MODE_UPPER || lda < n || on_device < (size_t)n * sizeof(double))
    return CUSOLVER_STATUS_INVALID_VALUE;
  std::memset(work, 0xff, on_device);
  *info = 0;
  for (int64_t j = 0; j < n && !*info; j++) {
    for (int64_t i = 0; i <= j; i++) {
      double sum = A[j * lda + i];
      for (int64_t k = 0; k < i; k++) sum -= A[i * lda + k] * A[j * lda + k];
      if (i < j)
        A[j * lda + i] = sum / A[i * lda + i];
      else if (sum > 0.0)
        A[j * lda + j] = std::sqrt(sum);
      else
        *info = (int)j + 1;
    }
  }
  return CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnXpotrs(cusolverDnHandle_t, cusolverDnParams_t, cublasFillMode_t fill,
                                                int64_t n, int64_t n_right, cudaDataType_t, const void *factor,
                                                int64_t lda, cudaDataType_t, void *right, int64_t ldb, int *info)
{
  const double *U = (const double *)factor;
  if (fill != CUBLAS_FILL_MODE_UPPER || lda < n || ldb < n) return CUSOLVER_STATUS_INVALID_VALUE;
  for (int64_t r = 0; r < n_right; r++) {
    double *b = (double *)right + r * ldb;
    for (int64_t i = 0; i < n; i++) {
      for (int64_t k = 0; k < i; k++) b[i] -= U[i * lda + k] * b[k];
      b[i] /= U[i * lda + i];
    }
    for (int64_t i = n - 1; i >= 0; i--) {
      for (int64_t k = i + 1; k < n; k++) b[i] -= U[k * lda + i] * b[k];
      b[i] /= U[i * lda + i];
    }
  }
  *info = 0;
  return CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnXgeqrf_bufferSize(cusolverDnHandle_t, cusolverDnParams_t, int64_t m, int64_t,
                                                           cudaDataType_t, const void *, int64_t lda, cudaDataType_t,
                                                           const void *, cudaDataType_t, size_t *on_device,
                                                           size_t *on_host)
{
  *on_device = (size_t)m * sizeof(double);
  *on_host = 16;
  return lda < m ? CUSOLVER_STATUS_INVALID_VALUE : CUSOLVER_STATUS_SUCCESS;
}

/* Householder's reflectors, the vectors below the triangle. */
static inline cusolverStatus_t cusolverDnXgeqrf(cusolverDnHandle_t, cusolverDnParams_t, int64_t m, int64_t n,
                                                cudaDataType_t, void *matrix, int64_t lda, cudaDataType_t,
                                                void *factors, cudaDataType_t, void *work, size_t on_device, void *,
                                                size_t, int *info)
{
  double *A = (double *)matrix, *tau = (double *)factors;
  if (lda < m || on_device < (size_t)m * sizeof(double)) return CUSOLVER_STATUS_INVALID_VALUE;
  std::memset(work, 0xff, on_device);
  for (int64_t k = 0; k < (m < n ? m : n); k++) {
    double *v = A + k * lda, norm = 0.0;
    for (int64_t i = k; i < m; i++) norm = std::hypot(norm, v[i]);
    const double beta = v[k] > 0.0 ? -norm : norm, head = v[k] - beta;
    tau[k] = norm > 0.0 ? -head / beta : 0.0;
    for (int64_t i = k + 1; i < m && norm > 0.0; i++) v[i] /= head;
    for (int64_t j = k + 1; j < n && norm > 0.0; j++) {
      double *column = A + j * lda, sum = column[k];
      for (int64_t i = k + 1; i < m; i++) sum += v[i] * column[i];
      column[k] -= tau[k] * sum;
      for (int64_t i = k + 1; i < m; i++) column[i] -= tau[k] * sum * v[i];
    }
    v[k] = beta;
  }
  *info = 0;
  return CUSOLVER_STATUS_SUCCESS;
}
