/* Self-adaptive weights (McClenny and Braga-Neto 2023): row n counts with lambda_n^2 in the mean square of its term,
   and while theta descends on the loss, lambda ascends on it from 1 by

     lambda_n += rate g_n / mean g,   g_n = lambda_n w_e R_n^2,

   its gradient but for the factor of the mean and for the number of points, so that a term of few points does not rise
   faster than one of many; the length of the step is such that the multipliers rise by `rate` on average, whatever the
   size of the residuals. */
#include <math.h>
#include "balance.h"

static PetscErrorCode BalanceSetUp_SelfAdaptive(Residual residual, Config config, Balance b)
{
  PetscFunctionBegin;
  (void)residual;
  PetscCall(ConfigGetReal(config, "balance.rate", &b->rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g of a row from its value: r = lambda sqrt(w / count) R. */
static double ascent(double r, double lambda, double count)
{
  return r * r * count / lambda;
}

static PetscErrorCode BalanceUpdate_SelfAdaptive(Residual residual, Balance b, Vec theta, PetscInt iteration)
{
  const MPI_Comm comm = residual->rows.comm;
  double sum = 0.0, loss;
  PetscFunctionBegin;
  (void)iteration;
  PetscCall(ResidualRowsOps.evaluate(residual, theta, NULL, &loss));
  for (int k = 0; k < residual->n_block; k++) {
    const RowBlock *block = &residual->blocks[k];
    const size_t n = (size_t)block->train.n_row * (size_t)block->block->n_term;
    for (size_t i = block->row; i < block->row + n; i++)
      sum += ascent(residual->last[i], b->row[i], (double)block->train.count);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, comm));
  const double mean = sum / (double)residual->rows.n_row_global;
  for (int k = 0; k < residual->n_block; k++) {
    const RowBlock *block = &residual->blocks[k];
    const double count = (double)block->train.count;
    for (int e = 0; e < block->block->n_term; e++) {
      const size_t begin = block->row + (size_t)e * (size_t)block->train.n_row;
      double squares = 0.0;
      for (size_t i = begin; i < begin + (size_t)block->train.n_row; i++) {
        if (isfinite(mean) && mean > 0.0) b->row[i] += b->rate * ascent(residual->last[i], b->row[i], count) / mean;
        squares += b->row[i] * b->row[i];
      }
      b->weight[block->term + e] = squares / PetscMax(count, 1.0);
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, b->weight, residual->n_term, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const BalanceScheme BalanceSelfAdaptive = {BalanceSetUp_SelfAdaptive, BalanceUpdate_SelfAdaptive, true};
