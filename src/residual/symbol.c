/* What the differential operators make of plane waves: the diagonal of J^T J averaged over the waves' phases. */
#include <math.h>
#include "linearization.h"

/* Phases b and b + pi/2 are enough: at each point a row is |P| times the sine of some phase, and the squares of both
   add up to |P|^2. */
PetscErrorCode RowsSymbol_Residual(void *self, Vec theta, double d[])
{
  Residual residual = self;
  const size_t n_param = residual->rows.n_param;
  double *frozen, *kept, *turned;
  size_t n;
  PetscFunctionBegin;
  PinnUserCheck(!ProblemUnknowns(residual->problem),
                "the symbol of the differential operator knows nothing of problem.unknowns");
  frozen = NetworkFrozen(residual->network, &n);
  PetscCall(PetscMalloc2(n, &kept, n_param, &turned));
  PetscCall(PetscArraycpy(kept, frozen, n));
  PetscCall(RowsDiagonal_Residual(self, theta, d));
  PetscCall(NetworkShiftPhases(residual->network, 0.5 * M_PI));
  PetscCall(LinearizationDestroy(&residual->linearization));
  PetscCall(RowsDiagonal_Residual(self, theta, turned));
  PetscCall(PetscArraycpy(frozen, kept, n));
  PetscCall(LinearizationDestroy(&residual->linearization));
  PetscCall(RowsLinearize_Residual(self, theta, NULL, NULL));
  for (size_t k = 0; k < n_param; k++) d[k] = 0.5 * (d[k] + turned[k]);
  PetscCall(PetscFree2(kept, turned));
  PetscFunctionReturn(PETSC_SUCCESS);
}
