/* Vectors like theta in full on every rank. */
#include <petsc/private/petscimpl.h>
#include "pinn/rows.h"

static PetscErrorCode gather(FullVec *full, Vec vec)
{
  PetscObjectId id;
  PetscObjectState state;
  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)vec, &id));
  PetscCall(PetscObjectStateGet((PetscObject)vec, &state));
  if (id == full->id && state == full->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscLogEventBegin(RowsLogEvent(ROWS_GATHER), vec, 0, 0, 0));
  PetscCall(VecScatterBegin(full->scatter, vec, full->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(full->scatter, vec, full->all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(PetscLogEventEnd(RowsLogEvent(ROWS_GATHER), vec, 0, 0, 0));
  full->id = id;
  full->state = state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FullVecGet(FullVec *full, Vec vec, const double **values)
{
  PetscMPIInt size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)vec), &size));
  if (size > 1 && !full->scatter) PetscCall(VecScatterCreateToAll(vec, &full->scatter, &full->all));
  if (size > 1) PetscCall(gather(full, vec));
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
