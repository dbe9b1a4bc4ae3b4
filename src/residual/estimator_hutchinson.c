/* Dense directions (Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix"; Hu, Shi,
   Karniadakis and Kawaguchi 2024, "Hutchinson trace estimation for high-dimensional and high-order physics-informed
   neural networks"): new ones at every step, with entries +-1 or normal. */
#include "estimator.h"

static const bool rademacher = false, gaussian = true;
static const Choice distributions[] = {
    {"rademacher", "entries +-1: the least variance, for second derivatives", &rademacher},
    {"gaussian", "normal entries, for derivatives of any order", &gaussian},
    {NULL, NULL, NULL},
};
const ChoiceTable LawTable = {"distribution", "law of random directions", distributions};

/* V [m][n] */
static void fill(bool normal, RandomKey key, size_t m, size_t n, double V[])
{
  const size_t words = (m + 63) / 64;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = 0;
    for (size_t k = 0; k < m; k++) {
      if (!normal && k % 64 == 0) bits = RandomBits(key, i * words + k / 64);
      V[k * n + i] = normal ? RandomNormal(key, i * m + k) : (bits >> (k % 64) & 1) ? 1.0 : -1.0;
    }
  }
}

static PetscErrorCode EstimatorDraw_Hutchinson(Probe probe, const EstimatorChoice *choice, RandomKey key)
{
  const uint32_t block = key.block * ESTIMATOR_GROUPS;
  const JetGroup *groups;
  int n_group;
  PetscFunctionBegin;
  ProgramGroups(probe->program, &n_group, &groups);
  for (int g = 0; g < n_group; g++) {
    const size_t m = (size_t)groups[g].slots, n = (size_t)groups[g].n;
    double *V;
    PetscCall(PetscMalloc1(m * n, &V));
    key.block = block + (uint32_t)g;
    fill(choice->gaussian, key, m, n, V);
    if (groups[g].reduction == JET_DIRECT)
      PetscCall(JetPlanAim(ProgramPlan(probe->program), g, V));
    else
      NetworkCompressionAim(probe->compression, g, V);
    PetscCall(PetscFree(V));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Estimator EstimatorHutchinson = {JET_PROJECT, true, true, false, EstimatorDraw_Hutchinson};
