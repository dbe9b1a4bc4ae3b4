#include "points_impl.h"

static PetscErrorCode grid_nodes(GridRule grid, PetscInt n, double node[])
{
  const double gaps = (double)(grid == GRID_OPEN ? n + 1 : grid == GRID_CLOSED ? n - 1 : n);
  const double start = grid == GRID_OPEN ? 1 : grid == GRID_CLOSED ? 0 : 0.5;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) node[i] = n > 1 ? ((double)i + start) / gaps : 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Grid = {.nodes = grid_nodes, .gaps = true};
