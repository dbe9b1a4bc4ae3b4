/* Matrix products by cuBLAS, whose matrices are stored by columns: a row-major C = A B is its C^T = B^T A^T. */
#include "cuda_impl.h"

static cublasOperation_t operation(char op)
{
  return op == 'N' ? CUBLAS_OP_N : CUBLAS_OP_T;
}

void REAL(KernelGemm_CUDA)(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                           const Real *b, size_t ldb, Real beta, Real *c, size_t ldc)
{
#ifdef PINN_SINGLE
  const cudaDataType_t type = CUDA_R_32F;
  const cublasComputeType_t compute = CudaSingleProducts();
#else
  const cudaDataType_t type = CUDA_R_64F;
  const cublasComputeType_t compute = CUBLAS_COMPUTE_64F;
#endif
  if (!m || !n) return;
  CudaNoteBLAS(cublasGemmEx(CudaBLAS(), operation(op_b), operation(op_a), (int)n, (int)m, (int)k, &alpha, b, type,
                            (int)ldb, a, type, (int)lda, &beta, c, type, (int)ldc, compute, CUBLAS_GEMM_DEFAULT),
               "a product of matrices");
}
