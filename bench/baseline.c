/* The rate of the bare matrix products: what the sweeps could reach if everything but them were free. Each product is
   called on the shapes of a tile, by every thread on buffers of its own that stay warm, through BLAS as it is and
   through the kernel; the faster counts. Where an operation forms J J^T, the product is that of a stored J: of so many
   of its columns as 32 MB hold, and the time is scaled to all. */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>
#include "bench.h"

#define ROUND_SECONDS 0.004 /* of one product by one caller in a round */
#define MAX_PRODUCT   4
#define MAX_JACOBIAN  (1 << 22) /* doubles */
#define N_CALLER      2

typedef void (*Gemm)(char, char, size_t, size_t, size_t, double, const double *, size_t, const double *, size_t, double,
                     double *, size_t);
typedef void (*GemmSingle)(char, char, size_t, size_t, size_t, float, const float *, size_t, const float *, size_t,
                           float, float *, size_t);

static CBLAS_TRANSPOSE transpose(char op)
{
  return op == 'N' ? CblasNoTrans : CblasTrans;
}

static void gemm_blas(char op_a, char op_b, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                      const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
  cblas_dgemm(CblasRowMajor, transpose(op_a), transpose(op_b), (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb,
              beta, c, (int)ldc);
}

static void gemm_blas_single(char op_a, char op_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                             size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
  cblas_sgemm(CblasRowMajor, transpose(op_a), transpose(op_b), (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb,
              beta, c, (int)ldc);
}

/* [max(rows, width)][width] each. */
typedef struct {
  double *a, *b, *c;
  float *a_single, *b_single, *c_single;
} Buffers;

struct Baseline_s {
  const BenchOperation *operation;
  const Subject *subject;
  int n_thread, n_product, n_round;
  size_t rows, width;
  double calls; /* of a product, by all threads, that make up the operation's */
  bool forward_single, adjoint_single;
  Gemm gemm[N_CALLER];
  GemmSingle gemm_single[N_CALLER];
  Buffers *buffers;        /* [n_thread] */
  double *jacobian, *gram; /* [n_row][n_column] and [n_row][n_row] for J J^T */
  int n_row, n_column;
  int repeats[MAX_PRODUCT][N_CALLER];
  double *seconds; /* [n_product][N_CALLER][n_round] of one call by each thread at once */
};

static void call(const struct Baseline_s *b, const BenchProduct *p, int caller, const Buffers *at)
{
  const size_t rows = b->rows, w = b->width, m = p->op_a == 'N' ? rows : w, k = p->op_a == 'N' ? w : rows;
  const double beta = p->op_a == 'N' ? 0.0 : 1.0;
  if (p->adjoint ? b->adjoint_single : b->forward_single)
    b->gemm_single[caller](p->op_a, p->op_b, m, w, k, 1.0f, at->a_single, w, at->b_single, w, (float)beta, at->c_single,
                           w);
  else
    b->gemm[caller](p->op_a, p->op_b, m, w, k, 1.0, at->a, w, at->b, w, beta, at->c, w);
}

/* Processors' seconds of one call by each thread. */
static double time_product(const struct Baseline_s *b, int product, int caller, int repeats)
{
  const Time start = TimeNow();
  if (b->operation->products[0].op_a) {
#pragma omp parallel num_threads(b->n_thread)
    for (int i = 0; i < repeats; i++)
      call(b, &b->operation->products[product], caller, &b->buffers[omp_get_thread_num()]);
  } else {
    for (int i = 0; i < repeats; i++)
      cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, b->n_row, b->n_column, 1.0, b->jacobian, b->n_column, 0.0,
                  b->gram, b->n_row);
  }
  return TimeSince(start, repeats).processor;
}

static PetscErrorCode create_buffers(struct Baseline_s *b)
{
  const size_t n = PetscMax(b->rows, b->width) * b->width;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(b->n_thread, &b->buffers));
  for (int t = 0; t < b->n_thread; t++) {
    Buffers *at = &b->buffers[t];
    PetscCall(PetscMalloc6(n, &at->a, n, &at->b, n, &at->c, n, &at->a_single, n, &at->b_single, n, &at->c_single));
    for (size_t i = 0; i < n; i++) {
      at->a[i] = at->a_single[i] = (float)(i % 97) / 97.0f - 0.5f;
      at->b[i] = at->b_single[i] = (float)(i % 89) / 89.0f - 0.5f;
      at->c[i] = at->c_single[i] = 0.0f;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_jacobian(struct Baseline_s *b)
{
  const size_t n_row = (size_t)b->subject->rows->n_row, n_param = b->subject->rows->n_param;
  const size_t n_column = PetscMin(n_param, MAX_JACOBIAN / n_row);
  PetscFunctionBegin;
  b->n_product = 1;
  b->n_row = (int)n_row;
  b->n_column = (int)n_column;
  b->calls = (double)n_param / (double)n_column;
  PetscCall(PetscMalloc2(n_row * n_column, &b->jacobian, n_row * n_row, &b->gram));
  for (size_t k = 0; k < n_row * n_column; k++) b->jacobian[k] = (double)(k % 97) / 97.0 - 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BaselineCreate(const BenchOperation *operation, const Subject *subject, int n_round, Baseline *baseline)
{
  const BenchCase *about = &subject->about;
  Baseline b;
  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  *baseline = b;
  b->operation = operation;
  b->subject = subject;
  b->n_round = n_round;
  b->n_thread = omp_get_max_threads();
  const int tile = PetscMin(subject->tile, (int)(about->points + b->n_thread - 1) / b->n_thread);
  b->rows = (size_t)subject->columns * (size_t)tile;
  b->width = (size_t)about->width;
  b->forward_single = !strcmp(about->precision, "single");
  b->adjoint_single = b->forward_single || !strcmp(about->precision, "mixed");
  b->gemm[0] = gemm_blas, b->gemm[1] = KernelCPU.gemm;
  b->gemm_single[0] = gemm_blas_single, b->gemm_single[1] = KernelCPU_Single.gemm;
  while (operation->products[b->n_product].op_a) b->n_product++;
  b->calls = (double)about->points / tile / b->n_thread * (about->depth - 1);
  if (!b->n_product) PetscCall(create_jacobian(b));
  PetscCall(create_buffers(b));
  PetscCall(PetscMalloc1((size_t)b->n_product * N_CALLER * (size_t)n_round, &b->seconds));
  for (int p = 0; p < b->n_product; p++)
    for (int c = 0; c < N_CALLER; c++) {
      (void)time_product(b, p, c, 1);
      b->repeats[p][c] = (int)PetscMin(1e6, ceil(ROUND_SECONDS / time_product(b, p, c, 1)));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BaselineDestroy(Baseline *baseline)
{
  Baseline b = *baseline;
  PetscFunctionBegin;
  for (int t = 0; t < b->n_thread; t++) {
    Buffers *at = &b->buffers[t];
    PetscCall(PetscFree6(at->a, at->b, at->c, at->a_single, at->b_single, at->c_single));
  }
  PetscCall(PetscFree(b->buffers));
  PetscCall(PetscFree2(b->jacobian, b->gram));
  PetscCall(PetscFree(b->seconds));
  PetscCall(PetscFree(*baseline));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double *seconds_of(Baseline b, int product, int caller)
{
  return b->seconds + (size_t)(product * N_CALLER + caller) * (size_t)b->n_round;
}

void BaselineMeasure(Baseline b, int round)
{
  for (int p = 0; p < b->n_product; p++)
    for (int c = 0; c < N_CALLER; c++) seconds_of(b, p, c)[round] = time_product(b, p, c, b->repeats[p][c]);
}

double BaselineSeconds(Baseline b, int n_round, int round)
{
  double sum = 0.0, sorted[64];
  for (int p = 0; p < b->n_product; p++) {
    int best = 0;
    double least = INFINITY;
    for (int c = 0; c < N_CALLER; c++) {
      memcpy(sorted, seconds_of(b, p, c), (size_t)n_round * sizeof(double));
      const double median = BenchMedian(n_round, sorted);
      if (median < least) least = median, best = c;
    }
    const int count = b->operation->products[0].op_a ? b->operation->products[p].count : 1;
    sum += count * b->calls * seconds_of(b, p, best)[round];
  }
  return sum;
}
