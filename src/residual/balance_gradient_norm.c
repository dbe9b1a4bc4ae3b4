/* Balance by the gradients' lengths (Wang, Teng, Perdikaris 2021, as Wang, Sankaran, Wang, Perdikaris 2023 do it):

     weight_e -> mean_j |grad L_j| / |grad L_e|,   L_e = 1/2 mean R_e^2,

   with a moving average. The case's weights say how much a term counts once all are alike. */
#include "balance.h"

static PetscErrorCode BalanceSetUp_GradientNorm(Residual residual, Config config, Balance b)
{
  PetscFunctionBegin;
  (void)residual;
  PetscCall(ConfigGetReal(config, "balance.momentum", &b->momentum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BalanceUpdate_GradientNorm(Residual residual, Balance b, Vec theta, PetscInt iteration)
{
  double *norms;
  PetscFunctionBegin;
  (void)iteration;
  PetscCall(PetscMalloc1(residual->n_term, &norms));
  PetscCall(ResidualTermGradientNorms(residual, theta, norms));
  for (int e = 0; e < residual->n_term; e++) norms[e] /= BalanceTermWeight(residual, e);
  BalanceMeet(residual, b, norms);
  PetscCall(PetscFree(norms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const BalanceScheme BalanceGradientNorm = {BalanceSetUp_GradientNorm, BalanceUpdate_GradientNorm, false};
