/* Slabs of time: what of its beginning a slab takes from the one before, and fields that several networks share. */
#include <math.h>
#include "linearization.h"

int SlabsOwner(const Slabs *slabs, const double x[])
{
  int k = 0;
  while (k < slabs->n - 1 && x[slabs->t] > slabs->slab[k].end) k++;
  return k;
}

/* The points of slab k: their numbers and coordinates. */
static int select_points(const Slabs *slabs, int k, int n, int dim, const double x[], int number[], double own[])
{
  int count = 0;
  for (int i = 0; i < n; i++) {
    const double *point = x + (size_t)i * (size_t)dim;
    if (SlabsOwner(slabs, point) != k) continue;
    for (int c = 0; c < dim; c++) own[(size_t)count * (size_t)dim + (size_t)c] = point[c];
    number[count++] = i;
  }
  return count;
}

PetscErrorCode SlabsEvaluate(Problem problem, const Slabs *slabs, int n_root, const FormulaNode roots[], int n,
                             const double x[], double values[])
{
  const int dim = FormulaCoordinates(ProblemFormula(problem));
  double *own, *found;
  int *number;
  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)n * (size_t)dim, &own, (size_t)n * (size_t)n_root, &found, n, &number));
  for (int k = 0; k < slabs->n; k++) {
    const Slab *slab = &slabs->slab[k];
    const int count = select_points(slabs, k, n, dim, x, number, own);
    Probe probe;
    if (!count) continue;
    if (slab->theta) {
      PetscCall(ProbeCreate(problem, slab->network, n_root, roots, NULL, &probe));
      PetscCall(ProbeEvaluate(probe, slab->theta, count, own, NULL, found));
      PetscCall(ProbeDestroy(&probe));
    }
    for (int e = 0; e < n_root; e++)
      for (int i = 0; i < count; i++)
        values[(size_t)e * (size_t)n + (size_t)number[i]] =
            slab->theta ? found[(size_t)e * (size_t)count + (size_t)i] : NAN;
  }
  PetscCall(PetscFree3(own, found, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The heaviest of the conditions at the first time that hold this derivative; -1 where there is none. */
static PetscErrorCode find_initial(Problem problem, const Region regions[], int n, int field, int order, int t,
                                   int *found)
{
  PetscFunctionBegin;
  *found = -1;
  for (int b = ProblemInteriorBlocks(problem); b < n; b++) {
    const Term *term = ProblemBlock(problem, b)->terms;
    int highest;
    if (!regions[b] || !RegionIsStart(regions[b])) continue;
    PetscCall(FormulaOrder(ProblemFormula(problem), term->node, field, t, &highest));
    if (highest == order && (*found < 0 || term->weight > ProblemBlock(problem, *found)->terms->weight)) *found = b;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SlabsAddJumps(Config config, Problem problem, Domain domain)
{
  const int n = ProblemBlocks(problem), t = FormulaFindCoordinate(ProblemFormula(problem), "t");
  PetscReal weight = 0.0;
  Region *regions;
  int added = 0;
  PetscFunctionBegin;
  PinnUserCheck(!ProblemUnknowns(problem), "%s: do not go with slabs of time, each of which would find its own",
                ConfigWhere(config, "problem.unknowns"));
  if (ConfigHas(config, "time.weight")) PetscCall(ConfigGetReal(config, "time.weight", &weight));
  PetscCall(PetscCalloc1(n, &regions));
  for (int b = ProblemInteriorBlocks(problem); b < n; b++) {
    const Block *block = ProblemBlock(problem, b);
    if (block->measured < 0) PetscCall(RegionCreate(domain, ConfigWhere(config, block->path), block->on, &regions[b]));
  }
  for (int f = 0; f < ProblemFields(problem); f++) {
    int order;
    PetscCall(ProblemHighestOrder(problem, f, t, &order));
    for (int k = 0; k < order; k++, added++) {
      int like;
      PetscCall(find_initial(problem, regions, n, f, k, t, &like));
      const double own = like < 0 ? 1.0 : ProblemBlock(problem, like)->terms->weight;
      PetscCall(ProblemAddJump(problem, f, k, like < 0 ? "time" : ProblemBlock(problem, like)->path,
                               weight > 0.0 ? weight : own));
    }
  }
  for (int b = 1; b < n; b++) PetscCall(RegionDestroy(&regions[b]));
  PetscCall(PetscFree(regions));
  PinnUserCheck(added, "%s: no equation has a derivative by t: there is nothing for a slab to hand on",
                ConfigWhere(config, "time"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockGive(RowBlock *block, RowSet *set)
{
  const int n = set->points.n;
  PetscFunctionBegin;
  if (!block->past) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(set->given));
  PetscCall(PetscMalloc1((size_t)block->block->n_term * (size_t)n, &set->given));
  PetscCall(ProbeEvaluate(block->past, block->past_theta, n, set->points.x, set->points.normal, set->given));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockForgetPast(RowBlock *block)
{
  PetscFunctionBegin;
  PetscCall(ProbeDestroy(&block->past));
  PetscCall(PetscFree(block->past_theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetPast(Residual residual, Network network, const double theta[])
{
  const size_t n_param = NetworkParameters(network);
  PetscFunctionBegin;
  for (int b = 1; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    if (!block->block->jump) continue;
    PetscCall(RowBlockForgetPast(block));
    PetscCall(ProbeCreate(residual->problem, network, 1, &block->block->terms[0].node, NULL, &block->past));
    PetscCall(PetscMalloc1(n_param, &block->past_theta));
    PetscCall(PetscArraycpy(block->past_theta, theta, n_param));
    PetscCall(RowBlockGive(block, &block->train));
    PetscCall(RowSetDestroy(&block->validation));
  }
  PetscCall(LinearizationDestroy(&residual->linearization));
  PetscFunctionReturn(PETSC_SUCCESS);
}
