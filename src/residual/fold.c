/* Rows that take several points each: the points keep their own sweeps, and each joins its row with a factor. */
#include <string.h>
#include "residual_impl.h"

#define SLOPE_BLOCK 0x80000000u /* directions of a block have random numbers of their own */

/* Each point twice, second copies after all first ones, which join their rows with -factor and factor. */
static PetscErrorCode double_points(RowSet *set, double factor)
{
  PointSet *points = &set->points;
  const size_t n = (size_t)points->n, size = n * (size_t)points->dim;
  double *x;
  PetscFunctionBegin;
  set->n_row = points->n;
  set->count = points->count;
  PetscCall(PetscMalloc1(2 * size, &x));
  PetscCall(PetscArraycpy(x, points->x, size));
  PetscCall(PetscArraycpy(x + size, points->x, size));
  PetscCall(PetscFree(points->x));
  PetscCall(PetscFree(points->normal));
  points->x = x;
  points->n *= 2, points->count *= 2, points->first *= 2;
  PetscCall(PetscMalloc1(2 * n + 1, &set->row_of)); /* not NULL on ranks without points */
  PetscCall(PetscMalloc1(2 * n + 1, &set->factor));
  for (size_t i = 0; i < 2 * n; i++) {
    set->row_of[i] = (int)(i % n);
    set->factor[i] = i < n ? -factor : factor;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowSetPair(RowSet *set, int coord, double far_end)
{
  const size_t n = (size_t)set->points.n, dim = (size_t)set->points.dim;
  PetscFunctionBegin;
  PetscCall(double_points(set, 1.0));
  for (size_t i = n; i < 2 * n; i++) set->points.x[i * dim + (size_t)coord] = far_end;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowSetStep(RowSet *set, double step, RandomKey key)
{
  const size_t n = (size_t)set->points.n, dim = (size_t)set->points.dim, words = (dim + 63) / 64;
  const uint64_t first = (uint64_t)set->points.first;
  PetscFunctionBegin;
  PetscCall(double_points(set, 0.5 / step));
  key.block |= SLOPE_BLOCK;
  for (size_t i = 0; i < n; i++) {
    double *below = set->points.x + i * dim, *above = set->points.x + (n + i) * dim;
    uint64_t bits = 0;
    for (size_t k = 0; k < dim; k++) {
      if (k % 64 == 0) bits = RandomBits(key, (first + i) * words + k / 64);
      const double v = (bits >> (k % 64) & 1) ? step : -step;
      below[k] -= v;
      above[k] += v;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowSetIntegral(MPI_Comm comm, const RowBlock *block, RowSet *set)
{
  PetscMPIInt rank;
  double total = 0.0;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PointSetSample(PETSC_COMM_SELF, block->region, &block->sampling, &set->points));
  if (rank) set->points.n = 0, set->points.first = set->points.count;
  const int n = set->points.n;
  set->count = set->points.count > 0; /* none in a slab of time without its points */
  set->n_row = n > 0;
  PetscCall(PetscCalloc1(set->points.count + 1, &set->row_of)); /* not NULL on ranks without points */
  PetscCall(PetscMalloc1(set->points.count + 1, &set->factor));
  PetscCall(PointSetWeights(block->region, &block->sampling, set->factor));
  for (PetscInt i = 0; i < set->points.count; i++) total += set->factor[i];
  PetscCall(PetscMalloc1(n, &set->given)); /* each point brings its share of the value */
  for (int i = 0; i < n; i++) set->given[i] = block->block->value / total;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void RowSetFold(const RowSet *set, int n_term, const double values[], double rows[])
{
  const size_t n = (size_t)set->points.n, n_row = (size_t)set->n_row;
  if (!RowSetFolds(set)) {
    memcpy(rows, values, (size_t)n_term * n * sizeof(double));
    return;
  }
  memset(rows, 0, (size_t)n_term * n_row * sizeof(double));
  for (size_t e = 0; e < (size_t)n_term; e++)
    for (size_t i = 0; i < n; i++) rows[e * n_row + (size_t)set->row_of[i]] += set->factor[i] * values[e * n + i];
}

void ResidualFold(Residual residual, double rows[])
{
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    if (RowSetFolds(&block->train))
      RowSetFold(&block->train, block->block->n_term, residual->raw + block->raw, rows + block->row);
  }
}

size_t ResidualFoldWork(Residual residual, size_t count)
{
  size_t most = 0;
  for (int b = 0; b < residual->n_block; b++)
    if (RowSetFolds(&residual->blocks[b].train)) most = PetscMax(most, (size_t)residual->blocks[b].probe->tile * count);
  return most;
}

/* Adds the rows of the points [at, at + tile->n), which are those of the last forward sweep. */
static void add_rows(const RowBlock *block, int thread, const double theta[], int at, int n, size_t begin, size_t count,
                     double work[], double J[], size_t ld)
{
  const RowSet *set = &block->train;
  const int n_term = block->block->n_term;
  double *seeds = block->probe->threads[thread].roots;
  memset(seeds, 0, (size_t)n_term * (size_t)n * sizeof(double));
  for (int e = 0; e < n_term; e++) {
    for (int i = 0; i < n; i++) seeds[e * n + i] = block->scale[e] * set->factor[at + i];
    ProbeRows(block->probe, thread, theta, seeds, begin, count, work, count);
    for (int i = 0; i < n; i++) {
      double *row = J + (size_t)(e * set->n_row + set->row_of[at + i]) * ld;
      for (size_t k = 0; k < count; k++) row[k] += work[(size_t)i * count + k];
      seeds[e * n + i] = 0.0;
    }
  }
}

void RowBlockFoldRows(const RowBlock *block, int thread, const double theta[], size_t begin, size_t count,
                      double work[], double r[], double J[], size_t ld)
{
  const RowSet *set = &block->train;
  const int n_term = block->block->n_term, tile = block->probe->tile;
  double *roots = block->probe->threads[thread].roots;
  memset(r, 0, (size_t)n_term * (size_t)set->n_row * sizeof(double));
  for (int k = 0; k < n_term * set->n_row; k++) memset(J + (size_t)k * ld, 0, count * sizeof(double));
  for (int at = 0; at < set->points.n; at += tile) {
    const Tile points = RowSetTile(set, set->points.dim, at, PetscMin(tile, set->points.n - at));
    ProbeForward(block->probe, thread, theta, &points, roots);
    for (int e = 0; e < n_term; e++)
      for (int i = 0; i < points.n; i++)
        r[e * set->n_row + set->row_of[at + i]] += block->scale[e] * set->factor[at + i] * roots[e * points.n + i];
    add_rows(block, thread, theta, at, points.n, begin, count, work, J, ld);
  }
}
