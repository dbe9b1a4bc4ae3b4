/* Residual-adaptive distribution (RAD; Wu, Zhu, Tan, Kartha, Lu 2023 with k = c = 1): interior points are drawn without
   replacement from a pool of candidates with density |r| / mean |r| + 1.

   Drawing without replacement by weights: the largest keys log(uniform) / weight win (Efraimidis and Spirakis 2006), so
   every rank can tell its own winners once the threshold is known. */
#include <math.h>
#include <stdlib.h>
#include "residual_impl.h"

#define POOL 8 /* candidates a point */

static int descending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* keys [out] [n] of this rank's candidates. */
static PetscErrorCode candidate_keys(Residual residual, RowBlock *block, const RowSet *pool, const double theta[],
                                     PetscInt iteration, double keys[])
{
  const int n_term = block->block->n_term, n = pool->points.n;
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 1, (uint32_t)iteration};
  double *values, sum = 0.0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n_term * (size_t)n, &values));
  PetscCall(RowBlockValues(block, pool, theta, values));
  for (int i = 0; i < n; i++) {
    double square = 0.0;
    for (int e = 0; e < n_term; e++) {
      const double r = values[(size_t)e * (size_t)n + (size_t)i];
      square += block->block->terms[e].weight * r * r;
    }
    keys[i] = isfinite(square) ? sqrt(square) : 0.0;
    sum += keys[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  const double mean = sum / (double)pool->points.count;
  for (int i = 0; i < n; i++) {
    const double weight = (mean > 0.0 ? keys[i] / mean : 0.0) + 1.0;
    keys[i] = log(RandomUniform(key, (uint64_t)(pool->points.first + i))) / weight;
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* chosen [out] [count][dim], the same on all ranks: the candidates with the largest keys. */
static PetscErrorCode gather_chosen(MPI_Comm comm, const PointSet *pool, const double keys[], PetscInt count,
                                    double chosen[])
{
  PetscMPIInt n_rank, local = pool->n, *counts, *starts, n_own = 0;
  double *all, *own;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  PetscCall(PetscMalloc4(n_rank, &counts, n_rank, &starts, pool->count, &all, (size_t)local * (size_t)pool->dim, &own));
  PetscCallMPI(MPI_Allgather(&local, 1, MPI_INT, counts, 1, MPI_INT, comm));
  for (int r = 0, start = 0; r < n_rank; start += counts[r++]) starts[r] = start;
  PetscCallMPI(MPI_Allgatherv(keys, local, MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, comm));
  qsort(all, (size_t)pool->count, sizeof(double), descending);
  const double threshold = all[count - 1];
  for (int i = 0; i < local; i++) {
    if (keys[i] < threshold) continue;
    for (int k = 0; k < pool->dim; k++) own[n_own++] = pool->x[(size_t)i * (size_t)pool->dim + (size_t)k];
  }
  PetscCallMPI(MPI_Allgather(&n_own, 1, MPI_INT, counts, 1, MPI_INT, comm));
  for (int r = 0, start = 0; r < n_rank; start += counts[r++]) starts[r] = start;
  PetscCallMPI(MPI_Allgatherv(own, n_own, MPI_DOUBLE, chosen, counts, starts, MPI_DOUBLE, comm));
  PetscCall(PetscFree4(counts, starts, all, own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualAdapt(Residual residual, const double theta[], PetscInt iteration)
{
  RowBlock *block = &residual->blocks[0];
  MPI_Comm comm = residual->rows.comm;
  const PetscInt count = block->train.points.count, n_pool = POOL * count;
  const int dim = block->train.points.dim;
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 0, (uint32_t)iteration};
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &n_pool, key};
  RowSet pool = {.statics = NULL};
  double *keys, *chosen;
  PetscFunctionBegin;
  PetscCall(PointSetSample(comm, block->region, &sampling, &pool.points));
  PetscCall(RowSetPrepare(block->truth, &pool));
  PetscCall(PetscMalloc2(pool.points.n, &keys, (size_t)count * (size_t)dim, &chosen));
  PetscCall(candidate_keys(residual, block, &pool, theta, iteration, keys));
  PetscCall(gather_chosen(comm, &pool.points, keys, count, chosen));
  PetscCall(RowSetDestroy(&pool));
  PetscCall(RowSetDestroy(&block->train));
  PetscCall(PointSetGiven(comm, count, dim, chosen, &block->train.points));
  PetscCall(RowSetPrepare(block->probe, &block->train));
  PetscCall(PetscFree2(keys, chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of the points: the iteration of the last new draw, then, where points adapt, the interior points. */
static size_t point_numbers(Residual residual)
{
  const PointSet *points = &residual->blocks[0].train.points;
  if (!residual->adapt && !residual->resample) return 0;
  return 1 + (residual->adapt ? (size_t)points->count * (size_t)points->dim : 0);
}

PetscErrorCode ResidualGetPoints(Residual residual, size_t *n, double **values)
{
  const PointSet *points = &residual->blocks[0].train.points;
  const size_t n_point = point_numbers(residual);
  double *all;
  PetscFunctionBegin;
  *n = n_point + CausalNumbers(residual);
  *values = NULL;
  if (!*n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(*n, &all));
  if (n_point > 1) PetscCall(PetscArraycpy(all + 1 + points->first * points->dim, points->x, points->n * points->dim));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, all, (PetscMPIInt)n_point, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  if (n_point) all[0] = (double)residual->blocks[0].sampling.key.iteration;
  CausalGet(residual, all + n_point);
  *values = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetPoints(Residual residual, size_t n, const double values[])
{
  RowBlock *block = &residual->blocks[0];
  const int dim = block->train.points.dim;
  const PetscInt count = block->train.points.count;
  const size_t n_point = point_numbers(residual), wanted = n_point + CausalNumbers(residual);
  PetscFunctionBegin;
  PinnUserCheck(n == wanted, "the checkpoint holds %zu numbers for the points, this case has %zu", n, wanted);
  for (int b = 0; b < residual->n_block && n_point; b++)
    PetscCall(RowBlockDraw(residual, &residual->blocks[b], (PetscInt)values[0]));
  if (residual->adapt) {
    PetscCall(RowSetDestroy(&block->train));
    PetscCall(PointSetGiven(residual->rows.comm, count, dim, values + 1, &block->train.points));
    PetscCall(RowSetPrepare(block->probe, &block->train));
  }
  PetscCall(CausalSet(residual, values + n_point));
  if (n) PetscCall(ResidualLayout(residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}
