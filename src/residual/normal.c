/* J^T J, its diagonal, and J^T r from pieces of J: rows of stored panels, or of tiles that are swept for them. */
#include <omp.h>
#include <string.h>
#include "linearization.h"
#include "products.h"

#define GROUP_ROWS 512 /* at least, of J at once: a matrix product of that depth runs at full speed */

/* Parts of the training points whose rows of J are formed one by one. */
typedef struct {
  Residual residual;
  const double *theta;
  bool stored;
  int n;
  const TileRange *ranges;
  size_t n_work; /* of a thread */
  double *work;
} Pieces;

static Pieces pieces_at(Residual residual, const double theta[])
{
  const Linearization l = residual->linearization;
  const bool stored = LinearizationHolds(residual, theta);
  return (Pieces){.residual = residual,
                  .theta = theta,
                  .stored = stored,
                  .n = stored ? l->n_panel : residual->n_piece,
                  .ranges = stored ? l->panels : residual->pieces,
                  .n_work = ResidualFoldWork(residual, residual->rows.n_param)};
}

static size_t piece_rows(const Pieces *pieces, int k)
{
  const TileRange *range = &pieces->ranges[k];
  return (size_t)range->n * (size_t)pieces->residual->blocks[range->block].block->n_term;
}

static size_t most_rows(const Pieces *pieces)
{
  size_t most = 0;
  for (int k = 0; k < pieces->n; k++) most = PetscMax(most, piece_rows(pieces, k));
  return most;
}

/* J [term][point][n_param] and r [term][point] of one piece. */
static void form_piece(const Pieces *pieces, int k, double r[], double J[])
{
  const Residual residual = pieces->residual;
  const TileRange *range = &pieces->ranges[k];
  const RowBlock *block = &residual->blocks[range->block];
  const size_t n = (size_t)range->n, n_param = residual->rows.n_param, stride = (size_t)block->train.points.n;
  const int thread = omp_get_thread_num(), n_term = block->block->n_term;
  if (pieces->stored) {
    const Linearization l = residual->linearization;
    const double *rows = l->r + block->row + (size_t)range->begin;
    NetworkStoreRows(l->stores[range->block], l->number[k], 0, n_param, J, n, n_param);
    for (int e = 0; e < n_term; e++) memcpy(r + (size_t)e * n, rows + (size_t)e * stride, n * sizeof(double));
    return;
  }
  if (RowSetFolds(&block->train)) {
    RowBlockFoldRows(block, thread, pieces->theta, 0, n_param, pieces->work + (size_t)thread * pieces->n_work, r, J,
                     n_param);
    return;
  }
  const Tile tile = RowSetTile(&block->train, block->train.points.dim, range->begin, range->n);
  double *roots = block->probe->threads[thread].roots;
  ProbeForward(block->probe, thread, pieces->theta, &tile, roots);
  for (int e = 0; e < n_term; e++)
    for (size_t i = 0; i < n; i++) r[(size_t)e * n + i] = block->scale[e] * roots[(size_t)e * n + i];
  memset(roots, 0, (size_t)n_term * n * sizeof(double));
  for (int e = 0; e < n_term; e++) {
    for (size_t i = 0; i < n; i++) roots[(size_t)e * n + i] = block->scale[e];
    ProbeRows(block->probe, thread, pieces->theta, roots, 0, n_param, J + (size_t)e * n * n_param, n_param);
    for (size_t i = 0; i < n; i++) roots[(size_t)e * n + i] = 0.0;
  }
}

PetscErrorCode RowsNormal_Residual(void *self, Vec theta, double N[], size_t ld, double b[])
{
  Residual residual = self;
  const size_t n = residual->rows.n_param;
  const double *values;
  double *J, *r;
  size_t *first;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  PetscCall(LinearizationSweep(residual, values));
  Pieces pieces = pieces_at(residual, values);
  PetscCall(PetscMalloc1((size_t)residual->n_thread * pieces.n_work, &pieces.work));
  const size_t room = GROUP_ROWS + most_rows(&pieces);
  PetscCall(PetscMalloc3(room * n, &J, room, &r, pieces.n + 1, &first));
  for (size_t k = 0; k < n; k++) PetscCall(PetscArrayzero(N + k * ld, n));
  PetscCall(PetscArrayzero(b, n));
  for (int k = 0, end; k < pieces.n; k = end) {
    size_t rows = 0;
    for (end = k; end < pieces.n && rows < GROUP_ROWS; end++) {
      first[end] = rows;
      rows += piece_rows(&pieces, end);
    }
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
    for (int i = k; i < end; i++) form_piece(&pieces, i, r + first[i], J + first[i] * n);
    PetscCall(ProductsAddNormal(rows, n, J, r, N, ld, b));
  }
  PetscCall(PetscFree3(J, r, first));
  PetscCall(PetscFree(pieces.work));
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_squares(const Pieces *pieces, int k, double work[], double sums[])
{
  const Residual residual = pieces->residual;
  const size_t n = residual->rows.n_param, rows = piece_rows(pieces, k);
  if (pieces->stored) {
    const Linearization l = residual->linearization;
    NetworkStoreSquares(l->stores[pieces->ranges[k].block], l->number[k],
                        l->work + (size_t)omp_get_thread_num() * l->n_work, sums);
    return;
  }
  form_piece(pieces, k, work, work + rows);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < n; j++) sums[j] += work[rows + i * n + j] * work[rows + i * n + j];
}

PetscErrorCode RowsDiagonal_Residual(void *self, Vec theta, double d[])
{
  Residual residual = self;
  const size_t n = residual->rows.n_param;
  const double *values;
  double *work = NULL;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  PetscCall(LinearizationSweep(residual, values));
  Pieces pieces = pieces_at(residual, values);
  PetscCall(PetscMalloc1((size_t)residual->n_thread * pieces.n_work, &pieces.work));
  const size_t room = pieces.stored ? 0 : most_rows(&pieces) * (n + 1);
  PetscCall(PetscMalloc1((size_t)residual->n_thread * room, &work));
  PetscCall(ResidualZeroGradients(residual));
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < pieces.n; k++) {
    const size_t thread = (size_t)omp_get_thread_num();
    add_squares(&pieces, k, work + thread * room, residual->gradients + thread * n);
  }
  PetscCall(ResidualSumGradients(residual, NULL));
  PetscCall(PetscArraycpy(d, residual->gradients, n));
  PetscCall(PetscFree(work));
  PetscCall(PetscFree(pieces.work));
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualTermTraces(Residual residual, Vec theta, double traces[])
{
  const size_t n = residual->rows.n_param, n_term = (size_t)residual->n_term;
  const double *values;
  double *work, *sums; /* [n_thread][n_term] */
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  Pieces pieces = pieces_at(residual, values);
  const size_t room = most_rows(&pieces) * (n + 1);
  PetscCall(
      PetscMalloc2((size_t)residual->n_thread * pieces.n_work, &pieces.work, (size_t)residual->n_thread * room, &work));
  PetscCall(PetscCalloc1((size_t)residual->n_thread * n_term, &sums));
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < pieces.n; k++) {
    const size_t thread = (size_t)omp_get_thread_num(), rows = piece_rows(&pieces, k);
    double *r = work + thread * room, *J = r + rows;
    double *sum = sums + thread * n_term + residual->blocks[pieces.ranges[k].block].term;
    form_piece(&pieces, k, r, J);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < n; j++) sum[i / (size_t)pieces.ranges[k].n] += J[i * n + j] * J[i * n + j];
  }
  for (size_t e = 0; e < n_term; e++) {
    traces[e] = 0.0;
    for (size_t t = 0; t < (size_t)residual->n_thread; t++) traces[e] += sums[t * n_term + e];
  }
  PetscCall(PetscFree2(pieces.work, work));
  PetscCall(PetscFree(sums));
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, traces, residual->n_term, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
