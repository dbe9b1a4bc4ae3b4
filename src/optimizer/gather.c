/* Vectors like theta in full on every rank. */
#include "optimizer_impl.h"

PetscErrorCode OptimizerGather(Optimizer optimizer, Vec vec, double values[])
{
  const size_t n = optimizer->rows->n_param;
  const double *all;
  PetscMPIInt size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(optimizer->rows->comm, &size));
  if (size > 1 && !optimizer->gather) PetscCall(VecScatterCreateToAll(vec, &optimizer->gather, &optimizer->everywhere));
  if (size > 1) {
    PetscCall(VecScatterBegin(optimizer->gather, vec, optimizer->everywhere, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(optimizer->gather, vec, optimizer->everywhere, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscCall(VecGetArrayRead(size > 1 ? optimizer->everywhere : vec, &all));
  PetscCall(PetscArraycpy(values, all, n));
  PetscCall(VecRestoreArrayRead(size > 1 ? optimizer->everywhere : vec, &all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerScatter(const double values[], Vec vec)
{
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(vec, &first, &last));
  PetscCall(VecGetArrayWrite(vec, &local));
  PetscCall(PetscArraycpy(local, values + first, last - first));
  PetscCall(VecRestoreArrayWrite(vec, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}
