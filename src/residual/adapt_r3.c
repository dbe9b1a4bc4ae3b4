/* Retain, resample, release (R3; Daw, Bu, Wang, Perdikaris, Karpatne 2023): points with a residual above the mean of
   all stay, each other one gives its place to a point that is drawn uniformly. */
#include "adapt.h"

static PetscErrorCode AdaptChoose_R3(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                                     double chosen[], double weight[])
{
  const PointSet *train = &block->train.points;
  const size_t dim = (size_t)train->dim;
  PointSet fresh;
  double *size, mean;
  int *kept; /* [count] of all ranks */
  PetscFunctionBegin;
  (void)weight;
  PetscCall(PetscMalloc1(train->n, &size));
  PetscCall(PetscCalloc1(train->count, &kept));
  PetscCall(AdaptSizes(residual, block, train, theta, size, &mean));
  PetscCall(AdaptCandidates(residual, block, train->count, iteration, &fresh));
  for (int i = 0; i < train->n; i++) kept[train->first + i] = size[i] > mean;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, kept, (PetscMPIInt)train->count, MPI_INT, MPI_SUM, residual->rows.comm));
  PetscCall(PetscArrayzero(chosen, (size_t)train->count * dim));
  for (size_t i = 0; i < (size_t)train->n; i++)
    if (kept[(size_t)train->first + i])
      PetscCall(PetscArraycpy(chosen + ((size_t)train->first + i) * dim, train->x + i * dim, dim));
  for (size_t i = 0; i < (size_t)fresh.n; i++)
    if (!kept[(size_t)fresh.first + i])
      PetscCall(PetscArraycpy(chosen + ((size_t)fresh.first + i) * dim, fresh.x + i * dim, dim));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, chosen, (PetscMPIInt)((size_t)train->count * dim), MPI_DOUBLE, MPI_SUM,
                             residual->rows.comm));
  PetscCall(PetscFree(size));
  PetscCall(PetscFree(kept));
  PetscCall(PointSetDestroy(&fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Adapt AdaptR3 = {AdaptChoose_R3, true, false};
