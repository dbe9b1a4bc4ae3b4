/* The device of a run. */
#include "run_impl.h"

PetscErrorCode RunOpenDevice(RunParts *parts)
{
  const Choice *backend = parts->cli->backend ? ChoiceFind(&BackendTable, parts->cli->backend) : NULL;
  const Device *device = backend ? backend->data : NULL;
  MPI_Comm node;
  PetscMPIInt place;
  PetscFunctionBegin;
  if (!device || parts->cli->action == CLI_EVALUATE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_split_type(parts->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_rank(node, &place));
  PetscCallMPI(MPI_Comm_free(&node));
  int found = device->open(place, parts->device_text, sizeof(parts->device_text));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MIN, parts->comm));
  PinnUserCheck(found, "--backend %s: %s", backend->name, parts->device_text);
  parts->device = device;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCloseDevice(RunParts *parts)
{
  PetscFunctionBegin;
  if (parts->device) parts->device->close();
  parts->device = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
