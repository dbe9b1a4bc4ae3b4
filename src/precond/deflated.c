/* The k largest eigenpairs of J^T J exactly, and another preconditioner N on what is orthogonal to them:

     M^{-1} = U (L + lambda)^{-1} U^T + P N^{-1} P,   P = 1 - U U^T.

   The pairs are Ritz pairs of a random subspace after two rounds of subspace iteration. */
#include "low_rank.h"

#define DEFAULT_RANK 20
#define SPARE        10 /* random vectors above the rank */
#define ROUNDS       2

typedef struct {
  LowRank low;
  double *f, *minus; /* [low.rank] */
  PC inner;
  char type[64];
  PetscInt inner_rank;
  Vec rest, inverse;
} Deflated;

static PetscErrorCode PrecondCreate_Deflated(Precond p)
{
  Deflated *d;
  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  p->data = d;
  PetscCall(PetscStrncpy(d->type, PCNONE, sizeof(d->type)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode clear(Deflated *d)
{
  PetscFunctionBegin;
  PetscCall(LowRankDestroy(&d->low));
  PetscCall(PetscFree2(d->f, d->minus));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Deflated(Precond p)
{
  Deflated *d = p->data;
  PetscFunctionBegin;
  PetscCall(clear(d));
  PetscCall(PCDestroy(&d->inner));
  PetscCall(VecDestroy(&d->rest));
  PetscCall(VecDestroy(&d->inverse));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondOptions_Deflated(Precond p, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsBoundedInt("-pc_deflated_rank", "eigenpairs", NULL, p->rank, &p->rank, NULL, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondDeflatedSetInner(PC pc, const char *type, PetscInt rank)
{
  PetscErrorCode (*create)(PC) = NULL;
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  PetscCheck(p && p->ops == &PrecondOps_Deflated, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "not of type deflated");
  PetscCall(PetscFunctionListFind(PCList, type, &create));
  char known[512] = "";
  if (!create) ChoiceSuggest(&PrecondTable, type, known, sizeof(known));
  PinnUserCheck(create, "no preconditioner '%s'%s", type, known);
  Deflated *d = p->data;
  PetscCall(PetscStrncpy(d->type, type, sizeof(d->type)));
  d->inner_rank = rank;
  PetscCall(PCDestroy(&d->inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondBuild_Deflated(Precond p)
{
  Deflated *d = p->data;
  const PetscInt rank = p->rank ? p->rank : DEFAULT_RANK;
  const Sketch sketch = {.most = rank + SPARE, .powers = ROUNDS, .keep = rank, .seed = p->seed};
  PetscFunctionBegin;
  PetscCall(clear(d));
  PetscCall(LowRankCreate(p, &sketch, &d->low));
  PetscCall(PetscMalloc2(d->low.rank, &d->f, d->low.rank, &d->minus));
  for (PetscInt j = 0; j < d->low.rank; j++) d->minus[j] = -1.0;
  if (!d->rest) PetscCall(VecDuplicate(p->theta, &d->rest));
  if (!d->inverse) PetscCall(VecDuplicate(p->theta, &d->inverse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDamp_Deflated(Precond p)
{
  Deflated *d = p->data;
  PetscFunctionBegin;
  for (PetscInt j = 0; j < d->low.rank; j++) d->f[j] = 1.0 / (d->low.values[j] + p->lambda);
  if (!d->inner) PetscCall(PrecondCreateInner(p, d->type, d->inner_rank, &d->inner));
  PetscCall(PCSetUp(d->inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += U f U^T x */
static PetscErrorCode add(Precond p, const double f[], Vec x, Vec y)
{
  const double *in;
  double *out;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &in));
  PetscCall(VecGetArray(y, &out));
  PetscCall(LowRankAdd(&((Deflated *)p->data)->low, p->rows->comm, f, in, out));
  PetscCall(VecRestoreArray(y, &out));
  PetscCall(VecRestoreArrayRead(x, &in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Deflated(Precond p, Vec x, Vec y)
{
  Deflated *d = p->data;
  PetscFunctionBegin;
  PetscCall(VecCopy(x, d->rest));
  PetscCall(add(p, d->minus, x, d->rest));
  PetscCall(PCApply(d->inner, d->rest, d->inverse));
  PetscCall(VecCopy(d->inverse, y));
  PetscCall(add(p, d->minus, d->inverse, y));
  PetscCall(add(p, d->f, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Deflated(Precond p, PetscViewer viewer)
{
  const Deflated *d = p->data;
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %" PetscInt_FMT " eigenpairs", d->low.rank));
  if (d->low.rank)
    PetscCall(PetscViewerASCIIPrintf(viewer, ", %g to %g", d->low.values[0], d->low.values[d->low.rank - 1]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "\n"));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  if (d->inner) PetscCall(PCView(d->inner, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double numbers(Rows rows, PetscInt rank)
{
  return LowRankNumbers(rows, (rank ? rank : DEFAULT_RANK) + SPARE);
}

const PrecondOps PrecondOps_Deflated = {.create = PrecondCreate_Deflated,
                                        .destroy = PrecondDestroy_Deflated,
                                        .options = PrecondOptions_Deflated,
                                        .build = PrecondBuild_Deflated,
                                        .damp = PrecondDamp_Deflated,
                                        .apply = PrecondApply_Deflated,
                                        .view = PrecondView_Deflated,
                                        .has_rank = true,
                                        .has_factors = true,
                                        .numbers = numbers};
