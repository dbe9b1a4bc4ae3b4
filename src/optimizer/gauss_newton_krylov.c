/* Damped Gauss-Newton without the Jacobian: steps d = argmin |J d + r|^2 + lambda |d - momentum d_last|^2 by a
   preconditioned Krylov method on products J v and J^T w of one stored sweep, lambda controlled by the ratio of the
   actual to the predicted decrease of the loss. lambda is `damping` times the largest entry of diag J^T J.

   Each solve ends where the quadratic model does not decrease any more (Martens 2010): more accurate steps of a model
   that is only right nearby are no better. It begins with the last step, as long as is best (or with momentum times it:
   Goldshlager, Abrahamsen and Lin 2024). A step that is not taken makes lambda rise, without a new J.

   Where the smaller side of J allows a dense solve, one iteration is done that way, and whichever took less time goes
   on; both are timed again from time to time. */
#include <float.h>
#include <math.h>
#include "dense.h"
#include "krylov.h"

#define LEAST_DAMPING   1e-20
#define FALL            0.1 /* factor of the damping after a step that did as predicted */
#define RISE            3.0 /* and after one that was not taken */
#define GOOD_RATIO      0.5 /* of actual to predicted decrease */
#define LEAST_RATIO     1e-4
#define SLOW_DECREASE   1e-14
#define MOST_SLOW_STEPS 5
#define MOST_DENSE      4000  /* order of dense problems that are tried */
#define MOST_ENTRIES    1e8   /* of J where it is formed */
#define GRAM_LIMIT      1e-13 /* damping below which J^T J and J J^T have too few digits */
#define TRIAL_PERIOD    50    /* iterations between timings of the way that is not taken */

typedef enum { WAY_KRYLOV, WAY_DENSE } Way;

/* What a resumed run needs to go on the same way; whole numbers but the times. */
typedef struct {
  double damping, slow;
  double age;          /* points since factors were built; negative = none yet */
  double built_lambda; /* absolute, at that point */
  double choice;       /* of a preconditioner that chooses; -1 = none yet */
  double has_last;     /* is there a last step? */
  double way, tried;   /* the way that is taken, and iterations since the other one was */
  double seconds[2];   /* of a step, by way; negative = not known */
} State;

typedef struct {
  State state;
  double momentum;
  PetscInt refresh;
  Krylov krylov;
  Dense dense;               /* NULL where it is too large or not wanted */
  Vec trial, before;         /* before: the point before theta */
  Vec step, last, start;     /* d, the last one, and where the solve begins */
  Vec built;                 /* theta of the preconditioner's factors */
  Vec gradient, right, rest; /* J^T r, right-hand side, and its solution */
  double *Jv, *w;            /* [n_row] */
  double *dense_step;        /* [n_param] */
  double largest;            /* of diag J^T J */
  PetscInt inner;            /* Krylov iterations of the last step */
} NewtonKrylov;

static PetscErrorCode OptimizerSetUp_NewtonKrylov(Optimizer optimizer, Config config)
{
  const Rows rows = optimizer->rows;
  const PetscInt n = (PetscInt)rows->n_param;
  NewtonKrylov *nk;
  bool dense;
  PetscFunctionBegin;
  PetscCall(PetscNew(&nk));
  optimizer->data = nk;
  nk->state = (State){.age = -1.0, .choice = -1.0, .seconds = {-1.0, -1.0}};
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "damping"), &nk->state.damping));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "momentum"), &nk->momentum));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "refresh"), &nk->refresh));
  PetscCall(ConfigGetBool(config, OptimizerKey(optimizer, "dense"), &dense));
  PetscCall(KrylovCreate(optimizer, config, &nk->krylov));
  if (dense && PetscMin(n, rows->n_row_global) <= MOST_DENSE) {
    const bool gram_only = (double)n * (double)rows->n_row_global > MOST_ENTRIES;
    PetscCall(DenseCreate(optimizer, config, 0, rows->n_param, rows->n_row_global < n, gram_only, &nk->dense));
    PetscCall(PetscMalloc1(rows->n_param, &nk->dense_step));
  }
  Vec *const vecs[] = {&nk->trial, &nk->before,   &nk->step,  &nk->last, &nk->start,
                       &nk->built, &nk->gradient, &nk->right, &nk->rest};
  for (size_t k = 0; k < sizeof(vecs) / sizeof(vecs[0]); k++) PetscCall(OptimizerCreateVec(optimizer, vecs[k]));
  PetscCall(OptimizerAddValues(optimizer, "state", sizeof(State) / sizeof(double), &nk->state.damping));
  PetscCall(OptimizerAddVec(optimizer, "last step", nk->last));
  PetscCall(OptimizerAddVec(optimizer, "built", nk->built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_NewtonKrylov(Optimizer optimizer)
{
  NewtonKrylov *nk = optimizer->data;
  PetscFunctionBegin;
  Vec *const vecs[] = {&nk->trial, &nk->before,   &nk->step,  &nk->last, &nk->start,
                       &nk->built, &nk->gradient, &nk->right, &nk->rest};
  for (size_t k = 0; k < sizeof(vecs) / sizeof(vecs[0]); k++) PetscCall(VecDestroy(vecs[k]));
  PetscCall(KrylovDestroy(&nk->krylov));
  PetscCall(DenseDestroy(&nk->dense));
  PetscCall(PetscFree(nk->dense_step));
  PetscCall(PetscFree2(nk->Jv, nk->w));
  PetscCall(PetscFree(nk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode largest_diagonal(Optimizer optimizer, Vec theta, double *largest)
{
  const Rows rows = optimizer->rows;
  double *d;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n_param, &d));
  PetscCall(RowsDiagonal(rows, theta, d));
  *largest = 0.0;
  for (size_t k = 0; k < rows->n_param; k++) *largest = isfinite(d[k]) ? fmax(*largest, d[k]) : NAN;
  PetscCall(PetscFree(d));
  if (*largest == 0.0) *largest = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double row_dot(const Rows rows, const double a[], const double b[])
{
  double sum = 0.0;
  for (PetscInt i = 0; i < rows->n_row; i++) sum += a[i] * b[i];
  return sum;
}

/* sums over all ranks */
static PetscErrorCode add_ranks(const Rows rows, int n, double sums[])
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, n, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and r at theta, and factors where they are due; those that a resumed run had are built again. */
static PetscErrorCode linearize(Optimizer optimizer, Vec theta, bool changed, double *loss)
{
  NewtonKrylov *nk = optimizer->data;
  State *s = &nk->state;
  const Rows rows = optimizer->rows;
  const GaussNewtonSystem *system;
  PC pc;
  PetscFunctionBegin;
  PetscCall(KSPGetPC(nk->krylov->ksp, &pc));
  if (!nk->Jv) PetscCall(PrecondSetChoice(pc, (PetscInt)s->choice));
  const bool fresh = s->age < 0.0 || changed || s->age >= (double)nk->refresh;
  if (!fresh && !nk->Jv) {
    PetscCall(GaussNewtonSetPoint(nk->krylov->A, nk->built, true));
    PetscCall(GaussNewtonSetDamping(nk->krylov->A, s->built_lambda));
    PetscCall(KSPSetUp(nk->krylov->ksp));
  }
  PetscCall(GaussNewtonSetPoint(nk->krylov->A, theta, fresh));
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  PetscCall(largest_diagonal(optimizer, theta, &nk->largest));
  PetscCall(PetscFree2(nk->Jv, nk->w));
  PetscCall(PetscMalloc2(rows->n_row, &nk->Jv, rows->n_row, &nk->w));
  PetscCall(rows->ops->apply_transpose(rows->self, theta, system->r, nk->gradient));
  *loss = system->loss;
  if (fresh) s->age = -1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* start, and w = r + J start. base: what the model has decreased there. */
static PetscErrorCode begin_solve(Optimizer optimizer, Vec theta, double lambda, double *base)
{
  NewtonKrylov *nk = optimizer->data;
  const Rows rows = optimizer->rows;
  const GaussNewtonSystem *system;
  double factor = nk->momentum, sums[1], slope, length;
  PetscFunctionBegin;
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  *base = 0.0;
  PetscCall(VecZeroEntries(nk->start));
  PetscCall(PetscArraycpy(nk->w, system->r, rows->n_row));
  if (nk->state.has_last == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(rows->ops->apply(rows->self, theta, nk->last, nk->Jv));
  if (factor == 0.0) {
    sums[0] = row_dot(rows, nk->Jv, nk->Jv);
    PetscCall(add_ranks(rows, 1, sums));
    PetscCall(VecDot(nk->gradient, nk->last, &slope));
    PetscCall(VecNorm(nk->last, NORM_2, &length));
    const double curvature = sums[0] + lambda * length * length;
    factor = curvature > 0.0 && isfinite(curvature) ? -slope / curvature : 0.0;
    *base = -0.5 * factor * slope;
  }
  PetscCall(VecAXPY(nk->start, factor, nk->last));
  for (PetscInt i = 0; i < rows->n_row; i++) nk->w[i] += factor * nk->Jv[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step for this lambda; predicted: the decrease of 1/2 |r + J d|^2. */
static PetscErrorCode krylov_step(Optimizer optimizer, Vec theta, double *predicted, bool *ok)
{
  NewtonKrylov *nk = optimizer->data;
  State *s = &nk->state;
  const Rows rows = optimizer->rows;
  const double lambda = s->damping * nk->largest;
  double base = 0.0, sums[1], slope;
  PetscInt choice;
  PC pc;
  PetscFunctionBegin;
  PetscCall(GaussNewtonSetDamping(nk->krylov->A, lambda));
  PetscCall(begin_solve(optimizer, theta, lambda, &base));
  PetscCall(rows->ops->apply_transpose(rows->self, theta, nk->w, nk->right));
  if (nk->momentum == 0.0) PetscCall(VecAXPY(nk->right, lambda, nk->start));
  PetscCall(KrylovSolve(nk->krylov, nk->right, nk->w, nk->momentum == 0.0 ? nk->start : NULL, base, nk->rest, ok));
  if (s->age < 0.0) {
    s->age = 0.0;
    s->built_lambda = lambda;
    PetscCall(VecCopy(theta, nk->built));
  }
  PetscCall(KSPGetPC(nk->krylov->ksp, &pc));
  PetscCall(PrecondGetChoice(pc, &choice));
  s->choice = (double)choice;
  nk->inner += nk->krylov->iterations;
  PetscCall(VecWAXPY(nk->step, -1.0, nk->rest, nk->start));
  PetscCall(rows->ops->apply(rows->self, theta, nk->step, nk->Jv));
  sums[0] = row_dot(rows, nk->Jv, nk->Jv);
  PetscCall(add_ranks(rows, 1, sums));
  PetscCall(VecDot(nk->gradient, nk->step, &slope));
  *predicted = -slope - 0.5 * sums[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same by a Cholesky factor, or below GRAM_LIMIT an orthogonal one. */
static PetscErrorCode dense_step(Optimizer optimizer, Vec theta, double *predicted, bool *ok)
{
  NewtonKrylov *nk = optimizer->data;
  const Dense d = nk->dense;
  double length = 0.0, slope = 0.0;
  PetscFunctionBegin;
  if (d->kind == DENSE_NONE) PetscCall(DenseAssemble(d, theta, INFINITY, false));
  PetscCall(DenseReduce(d, nk->state.damping >= GRAM_LIMIT ? DENSE_GRAM : DENSE_TRIANGLE));
  PetscCall(DenseSolve(d, nk->state.damping, nk->dense_step, ok));
  for (size_t k = 0; k < d->n; k++) {
    length += nk->dense_step[k] * nk->dense_step[k];
    slope += nk->dense_step[k] * d->gradient[k];
  }
  *predicted = 0.5 * (nk->state.damping * length - slope);
  PetscCall(DenseShift(d, nk->trial, theta, 1.0, nk->dense_step));
  PetscCall(VecWAXPY(nk->step, -1.0, theta, nk->trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One accepted step from theta, or *found = false where no damping gives a decrease above rounding. */
static PetscErrorCode take_step(Optimizer optimizer, Vec theta, Way way, double *loss, bool *found)
{
  NewtonKrylov *nk = optimizer->data;
  State *s = &nk->state;
  const Rows rows = optimizer->rows;
  const double before = *loss, momentum = nk->momentum;
  double trial = NAN, predicted = NAN;
  bool ok;
  PetscFunctionBegin;
  nk->inner = 0;
  if (nk->dense) nk->dense->kind = DENSE_NONE;
  for (*found = false;; s->damping = RISE * fmax(s->damping, LEAST_DAMPING)) {
    PetscCall((way == WAY_DENSE ? dense_step : krylov_step)(optimizer, theta, &predicted, &ok));
    if (ok) {
      PetscCall(VecWAXPY(nk->trial, 1.0, theta, nk->step));
      PetscCall(rows->ops->evaluate(rows->self, nk->trial, NULL, &trial));
      *found = isfinite(trial) && trial < before && before - trial >= LEAST_RATIO * predicted;
    }
    nk->momentum = 0.0; /* what is not a descent direction shall not be tried again */
    if (*found || (ok && fabs(predicted) <= DBL_EPSILON * before) || !isfinite(s->damping)) break;
  }
  nk->momentum = momentum;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(theta, nk->before));
  PetscCall(VecCopy(nk->trial, theta));
  PetscCall(VecCopy(nk->step, nk->last));
  s->has_last = 1.0;
  if (before - trial > GOOD_RATIO * predicted) s->damping = fmax(FALL * s->damping, LEAST_DAMPING);
  s->slow = before - trial < SLOW_DECREASE * before ? s->slow + 1.0 : 0.0;
  *loss = trial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The way of the next step: what took less time, the other one once in a while. */
static Way choose_way(const NewtonKrylov *nk)
{
  const State *s = &nk->state;
  if (!nk->dense || (nk->dense->gram_only && s->damping < GRAM_LIMIT)) return WAY_KRYLOV;
  for (int way = 0; way < 2; way++)
    if (s->seconds[way] < 0.0) return way;
  return s->tried >= TRIAL_PERIOD ? !(Way)s->way : (Way)s->way;
}

static PetscErrorCode note_time(Optimizer optimizer, Way way, double seconds)
{
  NewtonKrylov *nk = optimizer->data;
  State *s = &nk->state;
  PetscFunctionBegin;
  if (!nk->dense) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, optimizer->rows->comm));
  s->tried = way == (Way)s->way ? s->tried + 1.0 : 0.0;
  s->seconds[way] = seconds;
  if (s->seconds[0] >= 0.0 && s->seconds[1] >= 0.0) s->way = s->seconds[1] < s->seconds[0] ? WAY_DENSE : WAY_KRYLOV;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One iteration. found = false: the end. */
static PetscErrorCode iterate(Optimizer optimizer, Vec theta, bool changed, double *loss, OptimizerReason *reason)
{
  NewtonKrylov *nk = optimizer->data;
  const double began = MPI_Wtime();
  double norm;
  bool found = false;
  PetscFunctionBegin;
  PetscCall(linearize(optimizer, theta, changed, loss));
  PetscCall(VecNorm(nk->gradient, NORM_2, &norm));
  if (!isfinite(norm) || !isfinite(nk->largest)) {
    PetscCall(VecCopy(nk->before, theta));
    *reason = OPTIMIZER_DIVERGED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const Way way = choose_way(nk);
  if (nk->state.slow < MOST_SLOW_STEPS) PetscCall(take_step(optimizer, theta, way, loss, &found));
  if (nk->state.age >= 0.0) nk->state.age += 1.0;
  PetscCall(note_time(optimizer, way, MPI_Wtime() - began));
  if (!found) *reason = OPTIMIZER_STALLED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_NewtonKrylov(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  NewtonKrylov *nk = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss;
  bool changed;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, nk->before));
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  for (;;) {
    PetscCall(OptimizerReport(optimizer, theta, loss, nk->state.damping, NAN, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(iterate(optimizer, theta, changed, &loss, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (changed) PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_NewtonKrylov = {"damping", OptimizerSetUp_NewtonKrylov, OptimizerSolve_NewtonKrylov,
                                                OptimizerDestroy_NewtonKrylov, NULL};
