/* Another type, chosen by what it costs here. Candidates are built and tried in conjugate gradients on
   (J^T J + lambda) x = J^T r, until the last third of the iterations decreases the quadratic model by less than a
   thousandth; the one that is first within a hundredth of the largest decrease that any has reached is taken. One that
   takes longer than the best so far is given up. A sketch of a few random vectors tells how many eigenvalues of J^T J
   are above lambda; `nystrom`, which needs a larger one, is tried only where that sketch took less time than the best.

   Times decide, so that two runs may choose differently: the choice is kept once it is made, and can be read and set
   (PrecondGetChoice) by who resumes a run. Time is that of the clock or of the processor, whichever is less: what other
   programs take of a busy machine says nothing about a candidate. */
#include <math.h>
#include <time.h>
#include "low_rank.h"

#define SKETCH_RANK 16
#define TOLERANCE   1e-3 /* of the model's decrease, in the last third of a trial */
#define CLOSE       1e-2 /* to the largest decrease */
#define MOST_TRIALS 300  /* iterations */
#define MOST_BYTES  2e9  /* a rank, of a candidate: more takes longer to build than it can save */

static const char *const candidates[] = {"kfac", "ekfac", "diagonal", "none", "layerwise", "nystrom"};
#define N_CANDIDATE ((int)(sizeof(candidates) / sizeof(candidates[0])))

typedef struct {
  PC inner;
  PetscInt choice; /* row of PrecondTable; -1 = none yet */
  PetscInt above;  /* eigenvalues of the sketch above lambda */
  PetscInt sketch; /* of so many; 0 = no sketch was made */
} Auto;

typedef struct {
  double wall, busy;
} Clock;

typedef struct {
  PC pc; /* owned */
  int row, iterations;
  double decrease[MOST_TRIALS], seconds[MOST_TRIALS]; /* after each iteration, build included; on all ranks */
} Trial;

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

static Clock now(void)
{
  struct timespec busy;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &busy)) return (Clock){MPI_Wtime(), INFINITY};
  return (Clock){MPI_Wtime(), (double)busy.tv_sec + 1e-9 * (double)busy.tv_nsec};
}

/* The slowest rank's. */
static PetscErrorCode since(Precond p, Clock began, double *seconds)
{
  const Clock end = now();
  PetscFunctionBegin;
  *seconds = end.wall - began.wall;
  if (isfinite(end.busy)) *seconds = fmin(*seconds, end.busy - began.busy);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, p->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the model stopped to decrease, as far as a Gauss-Newton stage cares? */
static bool settled(const Trial *trial)
{
  const int last = trial->iterations - 1, before = last - 1 - last / 3;
  return before >= 0 && trial->decrease[last] - trial->decrease[before] <= TOLERANCE * trial->decrease[last];
}

/* Conjugate gradients with trial->pc, whose set-up counts, until the model has settled or time is above the limit. */
static PetscErrorCode try_solve(Precond p, Vec b, double limit, Trial *trial)
{
  const Clock began = now();
  Vec *work, r, z, s, As;
  Mat A;
  double rz, last, curvature, decrease = 0.0, seconds = 0.0;
  PetscFunctionBegin;
  PetscCall(PCGetOperators(trial->pc, NULL, &A));
  PetscCall(VecDuplicateVecs(b, 4, &work));
  r = work[0], z = work[1], s = work[2], As = work[3];
  PetscCall(PCSetUp(trial->pc));
  PetscCall(VecCopy(b, r));
  PetscCall(PCApply(trial->pc, r, z));
  PetscCall(VecCopy(z, s));
  PetscCall(VecDot(r, z, &rz));
  trial->iterations = 0;
  while (trial->iterations < MOST_TRIALS && rz > 0.0 && seconds <= limit && !settled(trial)) {
    PetscCall(MatMult(A, s, As));
    PetscCall(VecDot(s, As, &curvature));
    const double step = rz / curvature;
    if (!isfinite(step)) break;
    decrease += 0.5 * step * rz;
    PetscCall(VecAXPY(r, -step, As));
    PetscCall(PCApply(trial->pc, r, z));
    last = rz;
    PetscCall(VecDot(r, z, &rz));
    PetscCall(VecAYPX(s, rz / last, z));
    PetscCall(since(p, began, &seconds));
    trial->decrease[trial->iterations] = decrease;
    trial->seconds[trial->iterations++] = seconds;
  }
  PetscCall(VecDestroyVecs(4, &work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double most_decrease(const Trial *trial)
{
  return trial->iterations ? trial->decrease[trial->iterations - 1] : 0.0;
}

/* Seconds until the trial was close to the decrease; INFINITY where it never was. */
static double reached(const Trial *trial, double decrease)
{
  for (int k = 0; k < trial->iterations; k++)
    if (trial->decrease[k] >= (1.0 - CLOSE) * decrease) return trial->seconds[k];
  return INFINITY;
}

/* Tries a candidate; it takes the place of the best where it was the faster one. *limit: the best one's time. */
static PetscErrorCode try_candidate(Precond p, const char *name, Vec b, Trial **best, double *limit)
{
  Trial *trial;
  PetscFunctionBegin;
  PetscCall(PetscNew(&trial));
  trial->row = row_of(name);
  PetscCall(PrecondCreateInner(p, name, p->rank, &trial->pc));
  PetscCall(try_solve(p, b, *limit, trial));
  const double most = fmax(*best ? most_decrease(*best) : 0.0, most_decrease(trial));
  Trial *loser = trial;
  if (!*best || reached(trial, most) < reached(*best, most)) {
    loser = *best;
    *best = trial;
  }
  *limit = reached(*best, most);
  if (loser) PetscCall(PCDestroy(&loser->pc));
  PetscCall(PetscFree(loser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The small sketch, and what it took. */
static PetscErrorCode look(Precond p, double *seconds)
{
  Auto *a = p->data;
  const Sketch sketch = {.most = SKETCH_RANK, .enough = p->lambda, .seed = p->seed};
  const Clock began = now();
  LowRank low;
  PetscFunctionBegin;
  PetscCall(LowRankCreate(p, &sketch, &low));
  PetscCall(since(p, began, seconds));
  a->sketch = low.rank;
  for (a->above = 0; a->above < low.rank && low.values[a->above] > p->lambda;) a->above++;
  PetscCall(LowRankDestroy(&low));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode fits(Rows rows, const char *candidate, PetscInt rank, bool *fit)
{
  double bytes = PrecondBytes(rows, candidate, rank);
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_MAX, rows->comm));
  *fit = bytes <= MOST_BYTES;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode choose(Precond p)
{
  Auto *a = p->data;
  Trial *best = NULL;
  double limit = INFINITY, sketched;
  bool fit;
  Vec b;
  PetscFunctionBegin;
  PetscCall(VecDuplicate(p->theta, &b));
  PetscCall(p->rows->ops->apply_transpose(p->rows->self, p->theta, p->system->r, b));
  PetscCall(look(p, &sketched));
  for (int k = 0; k < N_CANDIDATE; k++) {
    PetscCall(fits(p->rows, candidates[k], p->rank, &fit));
    if (!fit || (PrecondHasRank(candidates[k]) && sketched > limit)) continue;
    PetscCall(try_candidate(p, candidates[k], b, &best, &limit));
  }
  a->choice = best->row;
  a->inner = best->pc;
  PetscCall(PetscFree(best));
  PetscCall(VecDestroy(&b));
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

/* Of the largest candidate, beside the best so far. */
static double numbers(Rows rows, PetscInt rank)
{
  double most = 0.0;
  for (int k = 0; k < N_CANDIDATE; k++) {
    bool fit;
    if (fits(rows, candidates[k], rank, &fit)) return 0.0;
    if (fit) most = fmax(most, PrecondBytes(rows, candidates[k], rank) / sizeof(double));
  }
  return 2.0 * most;
}

const PrecondOps PrecondOps_Auto = {.create = PrecondCreate_Auto,
                                    .destroy = PrecondDestroy_Auto,
                                    .damp = PrecondDamp_Auto,
                                    .apply = PrecondApply_Auto,
                                    .view = PrecondView_Auto,
                                    .has_rank = true,
                                    .has_factors = true,
                                    .numbers = numbers};
