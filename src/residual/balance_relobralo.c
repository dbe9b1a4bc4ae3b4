/* Relative loss balancing with random lookback (ReLoBRaLo; Bischof and Kraus 2021). With L_e the mean squares of the n
   terms and bal_e(t, s) = n exp(L_e(t) / (T L_e(s))) / sum_j exp(L_j(t) / (T L_j(s))),

     weight(t) = alpha (rho weight(t - 1) + (1 - rho) bal(t, 0)) + (1 - alpha) bal(t, t - 1),

   where t counts the updates, rho is 1 with the probability `lookback`, else 0, and alpha is the momentum. */
#include <float.h>
#include <math.h>
#include "balance.h"

static PetscErrorCode BalanceSetUp_ReLoBRaLo(Residual residual, Config config, Balance b)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetReal(config, "balance.momentum", &b->momentum));
  PetscCall(ConfigGetReal(config, "balance.temperature", &b->temperature));
  PetscCall(ConfigGetReal(config, "balance.lookback", &b->lookback));
  b->n_extra = 2 * residual->n_term; /* losses at first and at the last update */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bal [out] [n] */
static void relative(int n, double temperature, const double now[], const double then[], double bal[])
{
  double most = 0.0, sum = 0.0;
  for (int e = 0; e < n; e++) bal[e] = now[e] / (temperature * fmax(then[e], DBL_MIN));
  for (int e = 0; e < n; e++) most = fmax(most, bal[e]);
  for (int e = 0; e < n; e++) bal[e] = exp(bal[e] - most), sum += bal[e];
  for (int e = 0; e < n; e++) bal[e] *= n / sum;
}

static PetscErrorCode BalanceUpdate_ReLoBRaLo(Residual residual, Balance b, Vec theta, PetscInt iteration)
{
  const int n = residual->n_term;
  const RandomKey key = {(uint32_t)b->seed, RANDOM_BALANCE, (uint32_t)residual->rows.stage, (uint32_t)iteration};
  const bool keeps = RandomUniform(key, 0) < b->lookback;
  double *first = b->extra, *last = b->extra + n, *now, *bal, *bal_first, sum = 0.0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &now, n, &bal, n, &bal_first));
  PetscCall(BalanceSquares(residual, theta, now));
  for (int e = 0; e < n; e++) sum += now[e] /= BalanceTermWeight(residual, e);
  if (isfinite(sum) && b->last < 0.0) PetscCall(PetscArraycpy(first, now, n));
  if (isfinite(sum) && b->last >= 0.0) {
    relative(n, b->temperature, now, first, bal_first);
    relative(n, b->temperature, now, last, bal);
    for (int e = 0; e < n; e++)
      b->weight[e] = b->momentum * (keeps ? b->weight[e] : bal_first[e]) + (1.0 - b->momentum) * bal[e];
  }
  if (isfinite(sum)) PetscCall(PetscArraycpy(last, now, n));
  PetscCall(PetscFree3(now, bal, bal_first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const BalanceScheme BalanceReLoBRaLo = {BalanceSetUp_ReLoBRaLo, BalanceUpdate_ReLoBRaLo, false};
