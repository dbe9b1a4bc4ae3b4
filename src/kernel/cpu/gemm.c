/* Row-major matrix products through the machine's BLAS: a row-major matrix is a column-major transpose, so
   C = A B is computed as C^T = B^T A^T.

   The products of a network are tall and thin. OpenBLAS multiplies without packing where m n k <= 10^6 and,
   column-major, the first factor is not transposed, at nearly twice the speed: so tall products are cut into such
   pieces, and a small transposed B (weights) is turned first. Other libraries lose nothing by it. */
#include <petscsys.h>
#include <petscblaslapack.h>
#include "cpu_impl.h"

#define PIECE     1000000 /* m n k of a product that is not packed */
#define MIN_PIECE 32      /* rows below which cutting does not pay */
#define MAX_TURN  16384   /* doubles of B that are turned, on the stack */

static void gemm(char op_a, char op_b, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                 const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
  const PetscBLASInt mm = (PetscBLASInt)n, nn = (PetscBLASInt)m, kk = (PetscBLASInt)k;
  const PetscBLASInt la = (PetscBLASInt)ldb, lb = (PetscBLASInt)lda, lc = (PetscBLASInt)ldc;
  BLASgemm_(&op_b, &op_a, &mm, &nn, &kk, &alpha, b, &la, a, &lb, &beta, c, &lc);
}

static void gemv(char op_a, char op_b, size_t m, size_t k, double alpha, const double *a, size_t lda, const double *b,
                 size_t ldb, double beta, double *c, size_t ldc)
{
  const PetscBLASInt rows = (PetscBLASInt)(op_a == 'N' ? k : m), columns = (PetscBLASInt)(op_a == 'N' ? m : k);
  const PetscBLASInt la = (PetscBLASInt)lda, step_b = op_b == 'N' ? (PetscBLASInt)ldb : 1, step_c = (PetscBLASInt)ldc;
  BLASgemv_(op_a == 'N' ? "T" : "N", &rows, &columns, &alpha, a, &la, b, &step_b, &beta, c, &step_c);
}

/* Cut along the rows of A, or where A is transposed along the sum. */
static void gemm_pieces(char op_a, char op_b, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                        const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
  const size_t length = op_a == 'N' ? m : k, piece = (PIECE / (n * (op_a == 'N' ? k : m))) & ~(size_t)7;
  if (piece < MIN_PIECE || piece >= length || (op_a != 'N' && op_b != 'N')) {
    gemm(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  for (size_t i = 0; i < length; i += piece) {
    const size_t part = length - i < piece ? length - i : piece;
    if (op_a == 'N')
      gemm(op_a, op_b, part, n, k, alpha, a + i * lda, lda, b, ldb, beta, c + i * ldc, ldc);
    else
      gemm(op_a, op_b, m, n, part, alpha, a + i * lda, lda, b + i * ldb, ldb, i ? 1.0 : beta, c, ldc);
  }
}

KERNEL_CLONES static void turn(size_t n, size_t k, const double *restrict b, size_t ldb, double *restrict turned)
{
  for (size_t begin = 0; begin < n; begin += 8) /* eight rows at once: their lines stay in the cache */
    for (size_t i = 0; i < k; i++)
      for (size_t j = begin; j < n && j < begin + 8; j++) turned[i * n + j] = b[j * ldb + i];
}

void KernelGemm_CPU(char op_a, char op_b, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                    const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
  if (!m || !n) return;
  if (n == 1) {
    gemv(op_a, op_b, m, k, alpha, a, lda, b, ldb, beta, c, ldc);
  } else if (m == 1) { /* the transposes */
    gemv(op_b == 'N' ? 'T' : 'N', op_a == 'N' ? 'T' : 'N', n, k, alpha, b, ldb, a, lda, beta, c, 1);
  } else if (op_b == 'T' && op_a == 'N' && k && m >= MIN_PIECE && n * k <= MAX_TURN) {
    double turned[MAX_TURN];
    turn(n, k, b, ldb, turned);
    gemm_pieces('N', 'N', m, n, k, alpha, a, lda, turned, n, beta, c, ldc);
  } else if (k) {
    gemm_pieces(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  } else {
    gemm(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
}
