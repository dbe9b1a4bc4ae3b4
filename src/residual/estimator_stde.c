/* Sparse stochastic Taylor derivative estimator (Hu, Shi, Karniadakis, Kawaguchi 2024, "Stochastic Taylor derivative
   estimator: efficient amortization for arbitrary differential operators"): of an operator's K terms a draw takes m
   without replacement, times K / m. Draws go through a random permutation of the terms, a new one after every K / m
   steps, so that all are visited equally; what is left over at its end is another part of the terms each time. Of a
   constant sum of second derivatives with mixed ones, tr(A Hess), the terms are those of the columns of L, A = L L^T.
   */
#include <math.h>
#include "estimator.h"

static PetscErrorCode aim_at_columns(JetPlan plan, int g, const JetGroup *group, const int columns[])
{
  double *V;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)group->slots * (size_t)group->n, &V));
  for (int k = 0; k < group->slots; k++) V[(size_t)k * (size_t)group->n + (size_t)columns[k]] = sqrt(group->n);
  PetscCall(JetPlanAim(plan, g, V));
  PetscCall(PetscFree(V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EstimatorDraw_STDE(Probe probe, const EstimatorChoice *choice, RandomKey key)
{
  const uint32_t block = key.block * ESTIMATOR_GROUPS, step = key.iteration;
  const JetGroup *groups;
  int n_group;
  PetscFunctionBegin;
  (void)choice;
  ProgramGroups(probe->program, &n_group, &groups);
  for (int g = 0; g < n_group; g++) {
    const int n_term = groups[g].slots * groups[g].passes;
    const uint32_t steps = (uint32_t)(groups[g].n / n_term);
    int *terms;
    PetscCall(PetscMalloc1(n_term, &terms));
    key.block = block + (uint32_t)g;
    key.iteration = step / steps;
    for (int k = 0; k < n_term; k++)
      terms[k] =
          (int)RandomPermuted(key, (uint64_t)groups[g].n, (uint64_t)(step % steps) * (uint64_t)n_term + (uint64_t)k);
    if (groups[g].matrix) {
      PetscCall(aim_at_columns(ProgramPlan(probe->program), g, &groups[g], terms));
    } else {
      NetworkCompressionPick(probe->compression, g, terms);
      ProgramPickFactors(probe->program, g, terms);
    }
    PetscCall(PetscFree(terms));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Estimator EstimatorSTDE = {JET_SAMPLE, true, true, false, EstimatorDraw_STDE};
/* Stochastic dimension gradient descent (Hu, Shukla, Karniadakis, Kawaguchi 2024, "Tackling the curse of dimensionality
   with physics-informed neural networks"): the same draws, but each sampled dimension is differentiated by itself, in a
   sweep of its own forwards and backwards, and gradients add up over the dimensions. */
const Estimator EstimatorSDGD = {JET_SAMPLE, true, true, true, EstimatorDraw_STDE};
