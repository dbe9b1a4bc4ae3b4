/* Residual-adaptive distribution (RAD; Wu, Zhu, Tan, Kartha, Lu 2023 with k = c = 1): interior points are drawn without
   replacement from a pool of candidates with density |r| / mean |r| + 1.

   Drawing without replacement by weights: the largest keys log(uniform) / weight win (Efraimidis and Spirakis 2006), so
   every rank can tell its own winners once the threshold is known. */
#include <math.h>
#include <stdlib.h>
#include "adapt.h"

static int descending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
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

static PetscErrorCode AdaptChoose_RAD(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                                      double chosen[], double weights[])
{
  const PetscInt count = block->train.points.count;
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 1, (uint32_t)iteration};
  PointSet pool;
  double *keys, mean;
  PetscFunctionBegin;
  (void)weights;
  PetscCall(AdaptCandidates(residual, block, ADAPT_POOL * count, iteration, &pool));
  PetscCall(PetscMalloc1(pool.n, &keys));
  PetscCall(AdaptSizes(residual, block, &pool, theta, keys, &mean));
  for (int i = 0; i < pool.n; i++) {
    const double weight = (mean > 0.0 ? keys[i] / mean : 0.0) + 1.0;
    keys[i] = log(RandomUniform(key, (uint64_t)(pool.first + i))) / weight;
  }
  PetscCall(gather_chosen(residual->rows.comm, &pool, keys, count, chosen));
  PetscCall(PetscFree(keys));
  PetscCall(PointSetDestroy(&pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Adapt AdaptRAD = {AdaptChoose_RAD, false, false};
