/* Orthogonal factors, by blocks of columns: each block is factored in turn, and its reflectors are applied to those
   behind it. These are tasks: the next block is factored while other threads still apply the last one. Within a task
   BLAS stays on one thread; spread over threads by BLAS itself, the many small operations inside a block spend most of
   their time waiting for one another. The arithmetic does not depend on the number of threads. */
#include <lapacke.h>
#include <omp.h>
#include "lapack.h"

#define BLOCK 64 /* columns; measured best at orders of 500 to 2000 */

typedef struct {
  bool merge;        /* a triangle over a triangle, else one matrix */
  PetscBLASInt m, n; /* rows (of B where merge) and columns */
  PetscBLASInt k;    /* columns that have a reflector */
  PetscBLASInt lda;
  double *A, *B;        /* [n][lda]; B only where merge */
  double *T;            /* [n_block][BLOCK][BLOCK] triangular factors of the blocks' reflectors */
  double *work;         /* [n_thread][BLOCK][BLOCK] */
  lapack_int *info;     /* [n_block] */
  PetscBLASInt n_block; /* of all columns */
} Blocks;

static double *entry(const Blocks *b, double *matrix, PetscBLASInt row, PetscBLASInt column)
{
  return matrix + (size_t)column * (size_t)b->lda + (size_t)row;
}

/* Applies block p's reflectors to the columns [first, first + n). */
static void apply_block(const Blocks *b, PetscBLASInt p, PetscBLASInt first, PetscBLASInt n)
{
  const PetscBLASInt at = p * BLOCK, width = PetscMin(BLOCK, b->k - at);
  const double *T = b->T + (size_t)p * BLOCK * BLOCK;
  double *work = b->work + (size_t)omp_get_thread_num() * BLOCK * BLOCK;
  if (b->merge) {
    const PetscBLASInt m = PetscMin(at + width, b->m), triangle = at + 1 < b->m ? m - at : 0;
    LAPACKE_dtprfb_work(LAPACK_COL_MAJOR, 'L', 'T', 'F', 'C', m, n, width, triangle, entry(b, b->B, 0, at), b->lda, T,
                        BLOCK, entry(b, b->A, at, first), b->lda, entry(b, b->B, 0, first), b->lda, work, BLOCK);
  } else {
    LAPACKE_dlarfb_work(LAPACK_COL_MAJOR, 'L', 'T', 'F', 'C', b->m - at, n, width, entry(b, b->A, at, at), b->lda, T,
                        BLOCK, entry(b, b->A, at, first), b->lda, work, BLOCK);
  }
}

static void factor_block(const Blocks *b, PetscBLASInt p)
{
  const PetscBLASInt at = p * BLOCK, width = PetscMin(BLOCK, b->k - at), end = PetscMin(at + BLOCK, b->n);
  double *A = entry(b, b->A, at, at), *T = b->T + (size_t)p * BLOCK * BLOCK;
  if (b->merge) {
    const PetscBLASInt m = PetscMin(at + width, b->m), triangle = at + 1 < b->m ? m - at : 0;
    b->info[p] =
        LAPACKE_dtpqrt2_work(LAPACK_COL_MAJOR, m, width, triangle, A, b->lda, entry(b, b->B, 0, at), b->lda, T, BLOCK);
  } else {
    b->info[p] = LAPACKE_dgeqrt3_work(LAPACK_COL_MAJOR, b->m - at, width, A, b->lda, T, BLOCK);
  }
  if (at + width < end) apply_block(b, p, at + width, end - at - width); /* more columns than rows */
}

static PetscErrorCode factor(Blocks *b)
{
  const PetscBLASInt n_factor = (b->k + BLOCK - 1) / BLOCK;
  lapack_int worst = 0;
  char *done; /* what the tasks wait for, by block */
  PetscFunctionBegin;
  b->n_block = (b->n + BLOCK - 1) / BLOCK;
  PetscCall(PetscMalloc4((size_t)b->n_block * BLOCK * BLOCK, &b->T, (size_t)omp_get_max_threads() * BLOCK * BLOCK,
                         &b->work, b->n_block, &b->info, b->n_block, &done));
#pragma omp parallel
#pragma omp single
  for (PetscBLASInt p = 0; p < n_factor; p++) {
#pragma omp task depend(inout : done[p])
    factor_block(b, p);
    for (PetscBLASInt j = p + 1; j < b->n_block; j++) {
#pragma omp task depend(in : done[p]) depend(inout : done[j])
      apply_block(b, p, j * BLOCK, PetscMin(BLOCK, b->n - j * BLOCK));
    }
  }
  for (PetscBLASInt p = 0; p < n_factor; p++) worst = b->info[p] ? b->info[p] : worst;
  PetscCall(PetscFree4(b->T, b->work, b->info, done));
  PetscCheck(worst == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "QR: info %d", (int)worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LapackQR(PetscBLASInt m, PetscBLASInt n, double A[], PetscBLASInt lda)
{
  Blocks blocks = {.m = m, .n = n, .k = PetscMin(m, n), .lda = lda, .A = A};
  PetscFunctionBegin;
  PetscCall(factor(&blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LapackMerge(PetscBLASInt n, PetscBLASInt m, double R[], double B[], PetscBLASInt ld)
{
  Blocks blocks = {.merge = true, .m = m, .n = n, .k = n, .lda = ld, .A = R, .B = B};
  PetscFunctionBegin;
  PetscCall(factor(&blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}
