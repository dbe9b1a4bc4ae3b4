/* What rows are multiplied by: a factor a term, and one a row where points or rows count differently. */
#include <math.h>
#include "linearization.h"

static double row_weight(const Residual residual, const RowBlock *block, int i)
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
  const int n_term = block->block->n_term, n = set->points.n;
  PetscFunctionBegin;
  for (int e = 0; e < n_term; e++) block->scale[e] = sqrt(block->block->terms[e].weight / (double)set->count);
  LinearizationForget(residual);
  if (!set->share && !CausalWeighs(residual->causal, block)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!set->weight) PetscCall(PetscMalloc1((size_t)n_term * (size_t)n, &set->weight));
  for (int i = 0; i < n; i++) {
    const double weight = row_weight(residual, block, i);
    for (int e = 0; e < n_term; e++) set->weight[(size_t)e * (size_t)n + (size_t)i] = weight;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
