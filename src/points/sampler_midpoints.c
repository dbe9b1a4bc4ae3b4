#include "points_impl.h"

/* Midpoints of n equal parts. For the waves of a periodic coordinate below the n-th their mean is the integral: they go
   on across the seam of the period with the same distance, and none is there twice as the ends of a closed grid are. */
static PetscErrorCode midpoint_nodes(GridRule grid, PetscInt n, double node[])
{
  (void)grid;
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) node[i] = ((double)i + 0.5) / (double)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode midpoint_weights(PetscInt n, double weights[])
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) weights[i] = 1.0 / (double)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Midpoints = {.nodes = midpoint_nodes, .weights = midpoint_weights};
