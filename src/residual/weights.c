/* What rows are multiplied by: a factor a term, and one a row where points or rows count differently. */
#include <math.h>
#include "linearization.h"

/* What a point counts in all terms. */
static double point_weight(const Residual residual, const RowBlock *block, int i)
{
  const RowSet *set = &block->train;
  double weight = set->share ? set->share[i] : 1.0;
  if (CausalWeighs(residual->causal, block))
    weight *= CausalFactor(residual->causal, set->points.x + (size_t)i * (size_t)set->points.dim);
  return weight;
}

PetscErrorCode RowBlockWeigh(Residual residual, RowBlock *block)
{
  RowSet *set = &block->train;
  const double *rows = BalanceRows(residual->balance);
  const int n_term = block->block->n_term, n = set->points.n;
  PetscFunctionBegin;
  for (int e = 0; e < n_term; e++)
    block->scale[e] =
        sqrt(block->block->terms[e].weight * BalanceFactor(residual->balance, block->term + e) / (double)set->count);
  LinearizationForget(residual);
  if (!set->share && !rows && !CausalWeighs(residual->causal, block)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!set->weight) PetscCall(PetscMalloc1((size_t)n_term * (size_t)n, &set->weight));
  for (int i = 0; i < n; i++) {
    const double weight = point_weight(residual, block, i);
    const size_t row = block->row + (size_t)(set->row_of ? set->row_of[i] : i);
    for (int e = 0; e < n_term; e++)
      set->weight[(size_t)e * (size_t)n + (size_t)i] =
          rows ? weight * rows[row + (size_t)e * (size_t)set->n_row] : weight;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
