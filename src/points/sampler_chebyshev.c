#include "points_impl.h"

/* Zeros of the Chebyshev polynomial T_n on [0, 1], rising. sin^2 keeps full relative accuracy at the left end. */
static PetscErrorCode chebyshev_nodes(GridRule grid, PetscInt n, double node[])
{
  (void)grid;
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) node[i] = PetscSqr(sin((2 * (double)i + 1) * PETSC_PI / (4 * (double)n)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Chebyshev = {.nodes = chebyshev_nodes};
