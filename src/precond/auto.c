/* Another type, chosen by what it costs here. A sketch of a few random vectors tells whether J is numerically of low
   rank: where what it leaves of the trace of J^T J is below lambda, that sketch is as good as the matrix and `nystrom`
   is taken. Otherwise each candidate is built and tried in conjugate gradients on (J^T J + lambda) x = J^T r, until the
   quadratic model decreases by less than a hundredth in an iteration; one that takes longer than the best so far is
   given up. Times decide, so that two runs may choose differently: the choice is kept once it is made, and can be read
   and set (PrecondGetChoice) by who resumes a run. */
#include <math.h>
#include "low_rank.h"

#define SKETCH_RANK 32
#define TOLERANCE   1e-2 /* of the model's decrease, in one iteration */
#define MOST_TRIALS 300  /* iterations */

static const char *const candidates[] = {"none", "nystrom", "ekfac", "layerwise"};

typedef struct {
  PC inner;
  PetscInt choice; /* row of PrecondTable; -1 = none yet */
  PetscInt above;  /* eigenvalues of the sketch above lambda */
  PetscInt sketch; /* of so many; 0 = no sketch was made */
} Auto;

static PetscErrorCode PrecondCreate_Auto(Precond p)
{
  Auto *a;
  PetscFunctionBegin;
  PetscCall(PetscNew(&a));
  p->data = a;
  a->choice = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Auto(Precond p)
{
  Auto *a = p->data;
  PetscFunctionBegin;
  PetscCall(PCDestroy(&a->inner));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt row_of(const char *name)
{
  return (PetscInt)(ChoiceFind(&PrecondTable, name) - PrecondTable.rows);
}

PetscErrorCode PrecondGetChoice(PC pc, PetscInt *choice)
{
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  *choice = p && p->ops == &PrecondOps_Auto ? ((Auto *)p->data)->choice : -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrecondSetChoice(PC pc, PetscInt choice)
{
  Precond p;
  PetscFunctionBegin;
  PetscCall(PrecondGet(pc, &p));
  if (p && p->ops == &PrecondOps_Auto) ((Auto *)p->data)->choice = choice;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Conjugate gradients with this preconditioner, set up in the time measured. *seconds: the same on all ranks, INFINITY
   where it was given up. */
static PetscErrorCode try_solve(Precond p, PC pc, Vec b, double limit, double *seconds)
{
  Mat A;
  Vec r, z, s, As;
  double rz, last, decrease = 0.0, now = 0.0;
  const double began = MPI_Wtime();
  PetscFunctionBegin;
  PetscCall(PCGetOperators(pc, NULL, &A));
  PetscCall(VecDuplicate(b, &r));
  PetscCall(VecDuplicate(b, &z));
  PetscCall(VecDuplicate(b, &s));
  PetscCall(VecDuplicate(b, &As));
  PetscCall(PCSetUp(pc));
  PetscCall(VecCopy(b, r));
  PetscCall(PCApply(pc, r, z));
  PetscCall(VecCopy(z, s));
  PetscCall(VecDot(r, z, &rz));
  bool done = rz <= 0.0;
  for (int k = 0; k < MOST_TRIALS && !done; k++) {
    double curvature;
    PetscCall(MatMult(A, s, As));
    PetscCall(VecDot(s, As, &curvature));
    const double step = rz / curvature, gain = 0.5 * step * rz;
    decrease += gain;
    PetscCall(VecAXPY(r, -step, As));
    PetscCall(PCApply(pc, r, z));
    last = rz;
    PetscCall(VecDot(r, z, &rz));
    PetscCall(VecAYPX(s, rz / last, z));
    now = MPI_Wtime() - began;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &now, 1, MPI_DOUBLE, MPI_MAX, p->rows->comm));
    done = !isfinite(gain) || rz <= 0.0 || (k > 0 && gain <= TOLERANCE * decrease);
    if (now > limit) break;
  }
  *seconds = done && isfinite(decrease) ? now : INFINITY;
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&s));
  PetscCall(VecDestroy(&As));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode try_all(Precond p)
{
  Auto *a = p->data;
  double best = INFINITY, seconds = INFINITY;
  Vec b;
  PetscFunctionBegin;
  PetscCall(VecDuplicate(p->theta, &b));
  PetscCall(p->rows->ops->apply_transpose(p->rows->self, p->theta, p->system->r, b));
  a->choice = row_of(candidates[0]);
  for (size_t k = 0; k < sizeof(candidates) / sizeof(candidates[0]); k++) {
    PC pc;
    PetscCall(PrecondCreateInner(p, candidates[k], p->rank, &pc));
    PetscCall(try_solve(p, pc, b, best, &seconds));
    if (seconds < best) a->choice = row_of(candidates[k]);
    best = fmin(best, seconds);
    PetscCall(PCDestroy(&pc));
  }
  PetscCall(VecDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode choose(Precond p)
{
  Auto *a = p->data;
  const Sketch sketch = {.most = SKETCH_RANK, .enough = p->lambda, .seed = p->seed};
  LowRank low;
  PetscFunctionBegin;
  PetscCall(LowRankCreate(p, &sketch, &low));
  a->sketch = low.rank;
  for (a->above = 0; a->above < low.rank && low.values[a->above] > p->lambda;) a->above++;
  if (low.left <= p->lambda)
    a->choice = row_of("nystrom");
  else
    PetscCall(try_all(p));
  PetscCall(LowRankDestroy(&low));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDamp_Auto(Precond p)
{
  Auto *a = p->data;
  PetscFunctionBegin;
  if (a->choice < 0) PetscCall(choose(p));
  if (!a->inner) PetscCall(PrecondCreateInner(p, PrecondTable.rows[a->choice].name, p->rank, &a->inner));
  PetscCall(PCSetUp(a->inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Auto(Precond p, Vec x, Vec y)
{
  PetscFunctionBegin;
  PetscCall(PCApply(((Auto *)p->data)->inner, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Auto(Precond p, PetscViewer viewer)
{
  const Auto *a = p->data;
  PetscFunctionBegin;
  if (a->sketch)
    PetscCall(PetscViewerASCIIPrintf(
        viewer, "  %" PetscInt_FMT " of a sketch's %" PetscInt_FMT " eigenvalues are above the damping\n", a->above,
        a->sketch));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  chosen: %s\n", PrecondTable.rows[a->choice].name));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PCView(a->inner, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double numbers(Rows rows, PetscInt rank)
{
  double most = 0.0;
  for (size_t k = 0; k < sizeof(candidates) / sizeof(candidates[0]); k++)
    most = fmax(most, PrecondBytes(rows, candidates[k], rank) / sizeof(double));
  return most;
}

const PrecondOps PrecondOps_Auto = {.create = PrecondCreate_Auto,
                                    .destroy = PrecondDestroy_Auto,
                                    .damp = PrecondDamp_Auto,
                                    .apply = PrecondApply_Auto,
                                    .view = PrecondView_Auto,
                                    .has_rank = true,
                                    .has_factors = true,
                                    .numbers = numbers};
