#include "pinn/rows.h"

PetscErrorCode RowsShareOut(PetscMPIInt n_rank, int n, const double cost[], PetscMPIInt owner[])
{
  double *load;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n_rank, &load));
  for (int i = 0; i < n; i++) owner[i] = -1;
  for (int given = 0; given < n; given++) {
    PetscMPIInt least = 0;
    int most = -1;
    for (int i = 0; i < n; i++)
      if (owner[i] < 0 && (most < 0 || cost[i] > cost[most])) most = i;
    for (PetscMPIInt rank = 1; rank < n_rank; rank++)
      if (load[rank] < load[least]) least = rank;
    owner[most] = least;
    load[least] += cost[most];
  }
  PetscCall(PetscFree(load));
  PetscFunctionReturn(PETSC_SUCCESS);
}
