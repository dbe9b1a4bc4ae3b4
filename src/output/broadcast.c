/* What rank 0 has read, on all ranks. */
#include <string.h>
#include "output_impl.h"

static PetscErrorCode broadcast_bytes(MPI_Comm comm, size_t n, char **bytes)
{
  const size_t chunk = (size_t)1 << 30;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank != 0) PetscCall(PetscMalloc1(n, bytes));
  for (size_t done = 0; done < n; done += chunk)
    PetscCallMPI(MPI_Bcast(*bytes + done, (int)PetscMin(chunk, n - done), MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BroadcastReals(MPI_Comm comm, size_t n, double **values)
{
  PetscFunctionBegin;
  PetscCall(broadcast_bytes(comm, n * sizeof(double), (char **)values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BroadcastSingles(MPI_Comm comm, size_t n, float **values)
{
  PetscFunctionBegin;
  PetscCall(broadcast_bytes(comm, n * sizeof(float), (char **)values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BroadcastText(MPI_Comm comm, char **text)
{
  PetscMPIInt rank;
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  size = rank == 0 ? (int)strlen(*text) + 1 : 0;
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_INT, 0, comm));
  if (rank != 0) PetscCall(PetscMalloc1(size, text));
  PetscCallMPI(MPI_Bcast(*text, size, MPI_CHAR, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
