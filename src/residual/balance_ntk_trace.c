/* Balance by the neural tangent kernel (Wang, Yu, Perdikaris 2022, as Wang, Sankaran, Wang, Perdikaris 2023 do it):

     weight_e -> mean_j K_j / K_e,   K_e = mean over the points of |d R_e / d theta|^2, the trace of J_e J_e^T without
   weights, with a moving average. K_e is exact: the rows of J are formed, some at a time. */
#include "balance.h"

static PetscErrorCode BalanceSetUp_NTKTrace(Residual residual, Config config, Balance b)
{
  PetscFunctionBegin;
  (void)residual;
  PetscCall(ConfigGetReal(config, "balance.momentum", &b->momentum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BalanceUpdate_NTKTrace(Residual residual, Balance b, Vec theta, PetscInt iteration)
{
  double *traces;
  PetscFunctionBegin;
  (void)iteration;
  PetscCall(PetscMalloc1(residual->n_term, &traces));
  PetscCall(ResidualTermTraces(residual, theta, traces));
  for (int e = 0; e < residual->n_term; e++) traces[e] /= BalanceTermWeight(residual, e);
  BalanceMeet(residual, b, traces);
  PetscCall(PetscFree(traces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const BalanceScheme BalanceNTKTrace = {BalanceSetUp_NTKTrace, BalanceUpdate_NTKTrace, false};
