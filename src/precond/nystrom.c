/* Randomized low rank and a multiple of the identity (Frangella, Tropp and Udell 2023): with J^T J about U L U^T and l
   the smallest value of L,

     M^{-1} = U (L + lambda)^{-1} U^T + (1 - U U^T) / (l + lambda).

   The rank grows until what is left of the trace is below lambda, where the damped system is solved to a factor of two
   in the model; see low_rank.h. */
#include "low_rank.h"

#define DEFAULT_RANK 200

typedef struct {
  LowRank low;
  double *f; /* [low.rank] */
} Nystrom;

static PetscErrorCode PrecondCreate_Nystrom(Precond p)
{
  Nystrom *nystrom;
  PetscFunctionBegin;
  PetscCall(PetscNew(&nystrom));
  p->data = nystrom;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode clear(Nystrom *nystrom)
{
  PetscFunctionBegin;
  PetscCall(LowRankDestroy(&nystrom->low));
  PetscCall(PetscFree(nystrom->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Nystrom(Precond p)
{
  PetscFunctionBegin;
  PetscCall(clear(p->data));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondOptions_Nystrom(Precond p, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsBoundedInt("-pc_nystrom_rank", "random vectors at most", NULL, p->rank, &p->rank, NULL, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondBuild_Nystrom(Precond p)
{
  Nystrom *nystrom = p->data;
  const Sketch sketch = {.most = p->rank ? p->rank : DEFAULT_RANK, .enough = p->lambda, .seed = p->seed};
  PetscFunctionBegin;
  PetscCall(clear(nystrom));
  PetscCall(LowRankCreate(p, &sketch, &nystrom->low));
  PetscCall(PetscMalloc1(nystrom->low.rank, &nystrom->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the rest is divided by; 1 for J = 0 without damping. */
static double rest(const Nystrom *nystrom, double lambda)
{
  const LowRank *low = &nystrom->low;
  const double sum = (low->rank ? low->values[low->rank - 1] : 0.0) + lambda;
  return sum > 0.0 ? sum : 1.0;
}

static PetscErrorCode PrecondDamp_Nystrom(Precond p)
{
  Nystrom *nystrom = p->data;
  PetscFunctionBegin;
  for (PetscInt j = 0; j < nystrom->low.rank; j++)
    nystrom->f[j] = 1.0 / (nystrom->low.values[j] + p->lambda) - 1.0 / rest(nystrom, p->lambda);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Nystrom(Precond p, Vec x, Vec y)
{
  Nystrom *nystrom = p->data;
  const double *in;
  double *out;
  PetscFunctionBegin;
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, 1.0 / rest(nystrom, p->lambda)));
  PetscCall(VecGetArrayRead(x, &in));
  PetscCall(VecGetArray(y, &out));
  PetscCall(LowRankAdd(&nystrom->low, p->rows->comm, nystrom->f, in, out));
  PetscCall(VecRestoreArray(y, &out));
  PetscCall(VecRestoreArrayRead(x, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Nystrom(Precond p, PetscViewer viewer)
{
  const LowRank *low = &((Nystrom *)p->data)->low;
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  rank %" PetscInt_FMT, low->rank));
  if (low->rank)
    PetscCall(PetscViewerASCIIPrintf(viewer, ", eigenvalues %g to %g", low->values[0], low->values[low->rank - 1]));
  PetscCall(PetscViewerASCIIPrintf(viewer, ", trace of the rest about %g\n", low->left));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the first block of random vectors. */
static double least(Rows rows, double product)
{
  return product * (double)PetscMin(LOW_RANK_BLOCK, rows->n_row_global);
}

static double numbers(Rows rows, PetscInt rank)
{
  return LowRankNumbers(rows, rank ? rank : DEFAULT_RANK);
}

const PrecondOps PrecondOps_Nystrom = {.create = PrecondCreate_Nystrom,
                                       .destroy = PrecondDestroy_Nystrom,
                                       .options = PrecondOptions_Nystrom,
                                       .build = PrecondBuild_Nystrom,
                                       .damp = PrecondDamp_Nystrom,
                                       .apply = PrecondApply_Nystrom,
                                       .view = PrecondView_Nystrom,
                                       .has_rank = true,
                                       .has_factors = true,
                                       .least = least,
                                       .numbers = numbers};
