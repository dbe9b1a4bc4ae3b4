/* Vectors like theta in full on every rank. */
#include "pinn/rows.h"

PetscErrorCode FullVecGet(FullVec *full, Vec vec, const double **values)
{
  PetscMPIInt size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)vec), &size));
  if (size > 1 && !full->scatter) PetscCall(VecScatterCreateToAll(vec, &full->scatter, &full->all));
  if (size > 1) {
    PetscCall(VecScatterBegin(full->scatter, vec, full->all, INSERT_VALUES, SCATTER_FORWARD));
    PetscCall(VecScatterEnd(full->scatter, vec, full->all, INSERT_VALUES, SCATTER_FORWARD));
  }
  PetscCall(VecGetArrayRead(size > 1 ? full->all : vec, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FullVecRestore(FullVec *full, Vec vec, const double **values)
{
  PetscFunctionBegin;
  PetscCall(VecRestoreArrayRead(full->all ? full->all : vec, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FullVecCopy(FullVec *full, Vec vec, double values[])
{
  const double *all;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetSize(vec, &n));
  PetscCall(FullVecGet(full, vec, &all));
  PetscCall(PetscArraycpy(values, all, n));
  PetscCall(FullVecRestore(full, vec, &all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FullVecPut(const double values[], Vec vec)
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

PetscErrorCode FullVecDestroy(FullVec *full)
{
  PetscFunctionBegin;
  PetscCall(VecScatterDestroy(&full->scatter));
  PetscCall(VecDestroy(&full->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
