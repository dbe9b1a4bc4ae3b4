/* Another type, chosen by what it costs here. Candidates are built and tried in conjugate gradients on
   (J^T J + lambda) x = J^T r, until the last third of the iterations decreases the quadratic model by less than a
   tolerance; the one that is first within that of the largest decrease that any has reached is taken.

   They are tried side by side: each goes on for as long as a budget allows, which doubles until one has settled, and is
   then the time of that one; those that are far behind end before. So the choice takes no more than some times the
   fastest solve, whichever that is. A set-up that takes longer than the budget is given up, and begins again with a
   larger one; it is not begun where it is known to take longer: by the flops that it needs at least, at the rate of
   products, or by those of a part of it that another candidate has built.

   Times decide, so that two runs may choose differently: the choice is kept once it is made, and can be read and set
   (PrecondGetChoice) by who resumes a run. */
#include <math.h>
#include "precond_impl.h"

#define TOLERANCE    1e-2 /* of the model's decrease */
#define FIRST_BUDGET 4.0  /* products with the matrix */
#define SLOW         0.5  /* whoever is behind what another had reached in this part of the time is out */
#define MOST_TRIALS  300  /* iterations */
#define MOST_BYTES   2e9  /* a rank, of a candidate: more takes longer to build than it can save */

enum { KFAC, DIAGONAL, NONE, EKFAC, LAYERWISE, NYSTROM, N_CANDIDATE };
static const char *const candidates[N_CANDIDATE] = {"kfac", "diagonal", "none", "ekfac", "layerwise", "nystrom"};

typedef struct {
  PC inner;
  PetscInt choice; /* row of PrecondTable; -1 = none yet */
} Auto;

/* A candidate's solve so far: z = M^{-1} r, s the direction. */
typedef struct {
  PC pc;    /* owned; NULL before its set-up */
  bool out; /* it cannot serve these rows */
  bool settled;
  double rz, setup; /* setup: seconds */
  Vec work[4];      /* r, z, s, A s */
  int iterations;
  double decrease[MOST_TRIALS], seconds[MOST_TRIALS]; /* after each iteration, build included; on all ranks */
} Trial;

typedef struct {
  Precond p;
  Mat A;
  Vec b;
  double unit, flops; /* of a product: seconds and flops */
  double tolerance;
  Trial trials[N_CANDIDATE];
} Race;

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

/* Has the model stopped to decrease, as far as a Gauss-Newton stage cares? */
static bool settled(const Trial *trial, double tolerance)
{
  const int last = trial->iterations - 1, before = last - 1 - last / 3;
  return before >= 0 && trial->decrease[last] - trial->decrease[before] <= tolerance * trial->decrease[last];
}

static PetscErrorCode end_trial(Trial *trial)
{
  PetscFunctionBegin;
  PetscCall(PCDestroy(&trial->pc));
  for (int k = 0; k < 4; k++) PetscCall(VecDestroy(&trial->work[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it known that the set-up does not fit into the budget? ekfac makes factors as kfac does, and then more. */
static bool too_long(const Race *race, int candidate, double budget)
{
  const Choice *row = ChoiceFind(&PrecondTable, candidates[candidate]);
  const PrecondOps *ops = row->data;
  if (candidate == EKFAC && race->trials[KFAC].pc && 2.0 * race->trials[KFAC].setup > budget) return true;
  if (!ops || !ops->least || !isfinite(budget)) return false;
  return ops->least(race->p->rows, race->flops) * race->unit > budget * race->flops;
}

/* The candidate's set-up, in the budget, and the start of its conjugate gradients. */
static PetscErrorCode set_up(Race *race, int candidate, double budget)
{
  Trial *trial = &race->trials[candidate];
  const Precond p = race->p;
  const Stopwatch began = StopwatchStart();
  Precond inner;
  PetscFunctionBegin;
  if (too_long(race, candidate, budget)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PrecondCreateInner(p, candidates[candidate], p->rank, &trial->pc));
  PetscCall(PrecondGet(trial->pc, &inner));
  if (inner) inner->limit = budget;
  PetscCall(PCSetUp(trial->pc));
  if (inner && inner->over) {
    PetscCall(end_trial(trial));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (inner) inner->limit = 0.0;
  for (int k = 0; k < 4; k++) PetscCall(VecDuplicate(race->b, &trial->work[k]));
  PetscCall(VecCopy(race->b, trial->work[0]));
  PetscCall(PCApply(trial->pc, trial->work[0], trial->work[1]));
  PetscCall(VecCopy(trial->work[1], trial->work[2]));
  PetscCall(VecDot(trial->work[0], trial->work[1], &trial->rz));
  PetscCall(StopwatchRead(began, p->rows->comm, &trial->setup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* More iterations, up to the budget; the clock goes on where it had stopped. */
static PetscErrorCode go_on(Race *race, Trial *trial, double budget)
{
  const Stopwatch began = StopwatchStart();
  const double before = trial->iterations ? trial->seconds[trial->iterations - 1] : trial->setup;
  const Vec r = trial->work[0], z = trial->work[1], s = trial->work[2], As = trial->work[3];
  double last, curvature, now = before;
  PetscFunctionBegin;
  while (!trial->settled && now <= budget) {
    PetscCall(MatMult(race->A, s, As));
    PetscCall(VecDot(s, As, &curvature));
    const double step = trial->rz / curvature;
    if (!(trial->rz > 0.0) || !isfinite(step)) {
      trial->settled = true;
      break;
    }
    const double decrease = trial->iterations ? trial->decrease[trial->iterations - 1] : 0.0;
    trial->decrease[trial->iterations] = decrease + 0.5 * step * trial->rz;
    PetscCall(VecAXPY(r, -step, As));
    PetscCall(PCApply(trial->pc, r, z));
    last = trial->rz;
    PetscCall(VecDot(r, z, &trial->rz));
    PetscCall(VecAYPX(s, trial->rz / last, z));
    PetscCall(StopwatchRead(began, race->p->rows->comm, &now));
    now += before;
    trial->seconds[trial->iterations++] = now;
    trial->settled = trial->iterations == MOST_TRIALS || settled(trial, race->tolerance);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds until the trial was close to the decrease; INFINITY where it never was. */
static double reached(const Trial *trial, double decrease, double tolerance)
{
  for (int k = 0; k < trial->iterations; k++)
    if (trial->decrease[k] >= (1.0 - tolerance) * decrease) return trial->seconds[k];
  return INFINITY;
}

/* The first one to come close to the largest decrease of all that have settled or gone beyond; -1 = none has. */
static int leader(const Race *race, double *seconds)
{
  double most = 0.0;
  int best = -1;
  bool any = false;
  *seconds = INFINITY;
  for (int k = 0; k < N_CANDIDATE; k++) {
    const Trial *trial = &race->trials[k];
    any = any || trial->settled;
    if (trial->iterations) most = fmax(most, trial->decrease[trial->iterations - 1]);
  }
  for (int k = 0; any && k < N_CANDIDATE; k++) {
    if (!race->trials[k].pc) continue;
    const double time = reached(&race->trials[k], most, race->tolerance);
    if (time < *seconds || (best < 0 && race->trials[k].settled)) best = k, *seconds = time;
  }
  return best;
}

static double decrease_at(const Trial *trial, double seconds)
{
  double decrease = 0.0;
  for (int k = 0; k < trial->iterations && trial->seconds[k] <= seconds; k++) decrease = trial->decrease[k];
  return decrease;
}

/* Those that are far behind end here. */
static PetscErrorCode drop_slow(Race *race, double budget)
{
  double ahead = 0.0;
  PetscFunctionBegin;
  for (int k = 0; k < N_CANDIDATE; k++) ahead = fmax(ahead, decrease_at(&race->trials[k], SLOW * budget));
  for (int k = 0; k < N_CANDIDATE; k++) {
    Trial *trial = &race->trials[k];
    if (!trial->pc || trial->settled || decrease_at(trial, INFINITY) >= ahead) continue;
    trial->out = true;
    PetscCall(end_trial(trial));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run(Race *race, int *best)
{
  double limit;
  PetscFunctionBegin;
  *best = -1;
  for (double budget = FIRST_BUDGET * race->unit;; budget *= 2.0) {
    for (int k = 0; k < N_CANDIDATE; k++) {
      Trial *trial = &race->trials[k];
      *best = leader(race, &limit);
      const double allowed = fmin(budget, limit);
      if (trial->out) continue;
      if (!trial->pc) PetscCall(set_up(race, k, allowed));
      if (trial->pc) PetscCall(go_on(race, trial, allowed));
    }
    *best = leader(race, &limit);
    if (*best >= 0 && limit <= budget) break;
    if (*best >= 0 && !isfinite(limit)) break; /* J^T r = 0 */
    PetscCall(drop_slow(race, budget));
  }
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

static void count_panel(void *context, int thread, const RowsPanel *panel)
{
  double *sums = context;
  sums[thread] += 4.0 * (double)panel->n_column * (double)panel->n * (double)panel->n_in * (double)panel->n_out;
}

/* What a product takes: seconds, and flops by the sizes of the panels. */
static PetscErrorCode measure(Race *race)
{
  const Rows rows = race->p->rows->unscaled ? race->p->rows->unscaled : race->p->rows;
  const int n_thread = RowsThreads(rows);
  double *sums;
  Vec y;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n_thread, &sums));
  PetscCall(RowsVisit(rows, race->p->theta, -1, count_panel, sums));
  for (int k = 0; k < n_thread; k++) race->flops += sums[k];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &race->flops, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscCall(PetscFree(sums));
  PetscCall(VecDuplicate(race->b, &y));
  const Stopwatch began = StopwatchStart();
  PetscCall(MatMult(race->A, race->b, y));
  PetscCall(StopwatchRead(began, rows->comm, &race->unit));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode choose(Precond p)
{
  Auto *a = p->data;
  Race *race;
  bool fit;
  int best;
  PetscFunctionBegin;
  PetscCall(PetscNew(&race));
  race->p = p;
  race->tolerance = p->tolerance > 0.0 ? p->tolerance : TOLERANCE;
  PetscCall(PCGetOperators(p->pc, NULL, &race->A));
  PetscCall(VecDuplicate(p->theta, &race->b));
  PetscCall(p->rows->ops->apply_transpose(p->rows->self, p->theta, p->system->r, race->b));
  PetscCall(measure(race));
  for (int k = 0; k < N_CANDIDATE; k++) {
    PetscCall(fits(p->rows, candidates[k], p->rank, &fit));
    race->trials[k].out = !fit;
  }
  PetscCall(run(race, &best));
  a->choice = row_of(candidates[best]);
  a->inner = race->trials[best].pc;
  race->trials[best].pc = NULL;
  for (int k = 0; k < N_CANDIDATE; k++) PetscCall(end_trial(&race->trials[k]));
  PetscCall(VecDestroy(&race->b));
  PetscCall(PetscFree(race));
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
  PetscCall(PetscViewerASCIIPrintf(viewer, "  chosen: %s\n", PrecondTable.rows[a->choice].name));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PCView(a->inner, viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of all candidates that fit. */
static double numbers(Rows rows, PetscInt rank)
{
  double sum = 0.0;
  for (int k = 0; k < N_CANDIDATE; k++) {
    bool fit;
    if (fits(rows, candidates[k], rank, &fit)) return 0.0;
    if (fit) sum += PrecondBytes(rows, candidates[k], rank) / sizeof(double);
  }
  return sum;
}

const PrecondOps PrecondOps_Auto = {.create = PrecondCreate_Auto,
                                    .destroy = PrecondDestroy_Auto,
                                    .damp = PrecondDamp_Auto,
                                    .apply = PrecondApply_Auto,
                                    .view = PrecondView_Auto,
                                    .has_rank = true,
                                    .has_factors = true,
                                    .numbers = numbers};
