/* Matrix products through the machine's BLAS.

   The products of a network are tall and thin. OpenBLAS multiplies without packing where m n k <= 10^6 and B is not
   transposed, at nearly twice the speed: so C is cut into blocks of columns and these into such pieces, and a
   transposed B (weights) is turned first. Other libraries lose nothing by it. Products that are large in all directions
   are faster packed. */
#include <cblas.h>
#include "cpu_impl.h"

#define PIECE     1000000 /* m n k of a product that is not packed */
#define MIN_PIECE 32      /* rows below which cutting does not pay */
#define MAX_TURN  16384   /* numbers of B that are turned, on the stack */
#define LARGE     256     /* columns of C and numbers of a sum, or of A, from which packing pays */

#ifdef PINN_SINGLE
#define BLAS(name) cblas_s##name
#else
#define BLAS(name) cblas_d##name
#endif

static void gemm(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                 const Real *b, size_t ldb, Real beta, Real *c, size_t ldc)
{
  BLAS(gemm)
  (CblasRowMajor, op_a == 'N' ? CblasNoTrans : CblasTrans, op_b == 'N' ? CblasNoTrans : CblasTrans, (int)m, (int)n,
   (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* n = 1: B and C are vectors with steps. */
static void gemv(char op_a, char op_b, size_t m, size_t k, Real alpha, const Real *a, size_t lda, const Real *b,
                 size_t ldb, Real beta, Real *c, size_t ldc)
{
  BLAS(gemv)
  (CblasRowMajor, op_a == 'N' ? CblasNoTrans : CblasTrans, (int)(op_a == 'N' ? m : k), (int)(op_a == 'N' ? k : m),
   alpha, a, (int)lda, b, op_b == 'N' ? (int)ldb : 1, beta, c, (int)ldc);
}

/* Cut along the rows of A, or where A is transposed along the sum. */
static void gemm_pieces(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                        const Real *b, size_t ldb, Real beta, Real *c, size_t ldc)
{
  const size_t length = op_a == 'N' ? m : k, piece = (PIECE / (n * (op_a == 'N' ? k : m))) & ~(size_t)7;
  if (piece < MIN_PIECE || piece >= length) {
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

KERNEL_CLONES static void turn(size_t n, size_t k, const Real *restrict b, size_t ldb, Real *restrict turned)
{
  for (size_t begin = 0; begin < n; begin += 8) /* eight rows at once: their lines stay in the cache */
    for (size_t i = 0; i < k; i++)
      for (size_t j = begin; j < n && j < begin + 8; j++) turned[i * n + j] = b[j * ldb + i];
}

/* Columns of C that are taken together: as many as leave pieces of a good height. */
static size_t block_columns(size_t n, size_t inner)
{
  const size_t most = (MAX_TURN / inner) & ~(size_t)7;
  return n <= most || most < 8 ? n : most;
}

void REAL(KernelGemm_CPU)(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,
                          const Real *b, size_t ldb, Real beta, Real *c, size_t ldc)
{
  if (!m || !n) return;
  if (n == 1) {
    gemv(op_a, op_b, m, k, alpha, a, lda, b, ldb, beta, c, ldc);
  } else if (m == 1) { /* the transposes */
    gemv(op_b == 'N' ? 'T' : 'N', op_a == 'N' ? 'T' : 'N', n, k, alpha, b, ldb, a, lda, beta, c, 1);
  } else if (!k || m < MIN_PIECE || (op_a != 'N' && op_b != 'N') || (n >= LARGE && (op_a == 'N' ? k : m) >= LARGE)) {
    gemm(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  } else {
    const size_t block = block_columns(n, op_a == 'N' ? k : m);
    for (size_t j = 0; j < n; j += block) {
      const size_t part = n - j < block ? n - j : block;
      const Real *columns = op_b == 'N' ? b + j : b + j * ldb;
      Real turned[MAX_TURN];
      if (op_b == 'T' && part * k <= MAX_TURN) {
        turn(part, k, columns, ldb, turned);
        gemm_pieces('N', 'N', m, part, k, alpha, a, lda, turned, part, beta, c + j, ldc);
      } else {
        gemm_pieces(op_a, op_b, m, part, k, alpha, a, lda, columns, ldb, beta, c + j, ldc);
      }
    }
  }
}
