/* Damped Gauss-Newton without the Jacobian: steps d = argmin |J d + r|^2 + lambda |D^{1/2} (d - momentum d_last)|^2 by
   a preconditioned Krylov method on products J v and J^T w of one stored sweep, lambda controlled by the ratio of the
   actual to the predicted decrease of the loss. All is done in the scaled parameters of pinn/scaled_rows.h, in which D
   is the identity.

   Each solve ends where the quadratic model does not decrease any more (Martens 2010): more accurate steps of a model
   that is only right nearby are no better. It begins with the last step, as long as is best (or with momentum times it:
   Goldshlager, Abrahamsen and Lin 2024). Geodesic acceleration is that of gauss-newton, by a second solve with the
   preconditioner at hand. A step that is not taken makes lambda rise, without a new J.

   Where the smaller side of J allows a dense solve, the first iteration is timed, the second one is done that way and
   timed too; the stage goes over to dense steps for good once the Krylov iterations of a step would take longer. The
   times are part of the state, so that a resumed run goes on in the same way. */
#include <math.h>
#include "dense_steps.h"
#include "krylov.h"
#include "pinn/scaled_rows.h"
#include "trial.h"

typedef enum { WAY_KRYLOV, WAY_DENSE } Way;

/* What a resumed run needs to go on the same way; whole numbers but the times. */
typedef struct {
  double damping, slow;
  double age;          /* points since factors were built; negative = none yet */
  double built_lambda; /* at that point */
  double choice;       /* of a preconditioner that chooses; -1 = none yet */
  double has_last;     /* is there a last step? */
  double gone_over;    /* to dense steps */
  double inner;        /* Krylov iterations of the last step that had any */
  /* seconds: of a Krylov step's set-up and each of its iterations, and of a dense step; negative = not known */
  double setup_time, inner_time, dense_time;
} State;

typedef struct {
  State state;
  double momentum;
  bool geodesic;
  PetscInt refresh;
  Rows scaled;
  Krylov krylov;
  DenseSteps dense;
  Vec trial, before;             /* before: the point before theta */
  Vec last;                      /* step, not scaled */
  Vec step, start, acceleration; /* d, where its solve begins, a */
  Vec built;                     /* theta of the preconditioner's factors */
  Vec gradient, right, solution; /* J^T r, right-hand side, and its solution */
  double *Jv, *w;                /* [n_row] */
} NewtonKrylov;

#define N_VEC 10
static void vectors(NewtonKrylov *nk, Vec *vecs[N_VEC])
{
  Vec *const all[N_VEC] = {&nk->trial, &nk->before, &nk->last,     &nk->step,     &nk->start,
                           &nk->built, &nk->right,  &nk->gradient, &nk->solution, &nk->acceleration};
  for (int k = 0; k < N_VEC; k++) vecs[k] = all[k];
}

static PetscErrorCode OptimizerSetUp_NewtonKrylov(Optimizer optimizer, Config config)
{
  const Rows rows = optimizer->rows;
  NewtonKrylov *nk;
  Vec *vecs[N_VEC];
  PetscFunctionBegin;
  PetscCall(PetscNew(&nk));
  optimizer->data = nk;
  nk->state = (State){.age = -1.0, .choice = -1.0, .setup_time = -1.0, .inner_time = -1.0, .dense_time = -1.0};
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "damping"), &nk->state.damping));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "momentum"), &nk->momentum));
  PetscCall(ConfigGetBool(config, OptimizerKey(optimizer, "geodesic"), &nk->geodesic));
  nk->refresh = 1;
  if (ConfigHas(config, OptimizerKey(optimizer, "refresh")))
    PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "refresh"), &nk->refresh));
  PetscCall(ScaledRowsCreate(rows, &nk->scaled));
  PetscCall(KrylovCreate(optimizer, config, nk->scaled, &nk->krylov));
  PetscCall(DenseStepsCreate(optimizer, config, nk->scaled, &nk->dense));
  vectors(nk, vecs);
  for (int k = 0; k < N_VEC; k++) PetscCall(OptimizerCreateVec(optimizer, vecs[k]));
  PetscCall(OptimizerAddValues(optimizer, "state", sizeof(State) / sizeof(double), &nk->state.damping));
  PetscCall(OptimizerAddVec(optimizer, "last step", nk->last));
  PetscCall(OptimizerAddMeasure(optimizer, MEASURE_REACH, NAN));
  PetscCall(OptimizerAddMeasure(optimizer, MEASURE_INNER, NAN));
  if (nk->dense.dense) PetscCall(OptimizerAddMeasure(optimizer, MEASURE_DENSE, 0.0));
  optimizer->chooses = nk->krylov->chooses;
  PetscCall(OptimizerAddVec(optimizer, "built", nk->built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_NewtonKrylov(Optimizer optimizer)
{
  NewtonKrylov *nk = optimizer->data;
  Vec *vecs[N_VEC];
  PetscFunctionBegin;
  vectors(nk, vecs);
  for (int k = 0; k < N_VEC; k++) PetscCall(VecDestroy(vecs[k]));
  PetscCall(KrylovDestroy(&nk->krylov));
  PetscCall(DenseStepsDestroy(&nk->dense));
  PetscCall(ScaledRowsDestroy(&nk->scaled));
  PetscCall(PetscFree2(nk->Jv, nk->w));
  PetscCall(PetscFree(nk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum of squares over all ranks */
static PetscErrorCode square(const Rows rows, const double a[], double *sum)
{
  PetscFunctionBegin;
  *sum = 0.0;
  for (PetscInt i = 0; i < rows->n_row; i++) *sum += a[i] * a[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode longest(const Rows rows, double began, double *seconds)
{
  PetscFunctionBegin;
  *seconds = MPI_Wtime() - began;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_point(NewtonKrylov *nk, Vec theta, bool fresh)
{
  PetscFunctionBegin;
  PetscCall(ScaledRowsSetPoint(nk->scaled, theta, TRIAL_EVENNESS));
  PetscCall(GaussNewtonSetPoint(nk->krylov->A, theta, fresh));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and r at theta, and factors where they are due; those that a resumed run had are built again. */
static PetscErrorCode linearize(Optimizer optimizer, Vec theta, bool changed, double *loss)
{
  NewtonKrylov *nk = optimizer->data;
  State *s = &nk->state;
  const Rows rows = nk->scaled;
  const GaussNewtonSystem *system;
  PC pc;
  PetscFunctionBegin;
  PetscCall(KSPGetPC(nk->krylov->ksp, &pc));
  if (!nk->Jv) PetscCall(PrecondSetChoice(pc, (PetscInt)s->choice));
  const bool fresh = s->age < 0.0 || changed || s->age >= (double)nk->refresh;
  if (!fresh && !nk->Jv) {
    PetscCall(set_point(nk, nk->built, true));
    PetscCall(GaussNewtonSetDamping(nk->krylov->A, s->built_lambda));
    PetscCall(KrylovSetUp(nk->krylov));
  }
  PetscCall(set_point(nk, theta, fresh));
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  PetscCall(PetscFree2(nk->Jv, nk->w));
  PetscCall(PetscMalloc2(rows->n_row, &nk->Jv, rows->n_row, &nk->w));
  PetscCall(rows->ops->apply_transpose(rows->self, theta, system->r, nk->gradient));
  *loss = system->loss;
  if (fresh) s->age = -1.0;
  DenseStepsForget(&nk->dense);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* start, and w = r + J start. base: what the model has decreased there. */
static PetscErrorCode begin_solve(NewtonKrylov *nk, Vec theta, Way way, double *base)
{
  const Rows rows = nk->scaled;
  const GaussNewtonSystem *system;
  double factor = nk->momentum, curvature, slope, length;
  PetscFunctionBegin;
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  *base = 0.0;
  PetscCall(VecZeroEntries(nk->start));
  PetscCall(PetscArraycpy(nk->w, system->r, rows->n_row));
  if (nk->state.has_last == 0.0 || (factor == 0.0 && way == WAY_DENSE)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecPointwiseDivide(nk->start, nk->last, ScaledRowsScaling(rows)));
  PetscCall(rows->ops->apply(rows->self, theta, nk->start, nk->Jv));
  if (factor == 0.0) {
    PetscCall(square(rows, nk->Jv, &curvature));
    PetscCall(VecDot(nk->gradient, nk->start, &slope));
    PetscCall(VecNorm(nk->start, NORM_2, &length));
    curvature += nk->state.damping * length * length;
    factor = curvature > 0.0 && isfinite(curvature) ? -slope / curvature : 0.0;
    *base = -0.5 * factor * slope;
  }
  PetscCall(VecScale(nk->start, factor));
  for (PetscInt i = 0; i < rows->n_row; i++) nk->w[i] += factor * nk->Jv[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = (J^T J + lambda)^{-1} (J^T w + lambda v) by the Krylov method; v may be NULL. */
static PetscErrorCode solve_krylov(NewtonKrylov *nk, Vec theta, const double w[], Vec v, double base, Vec x, bool *ok)
{
  State *s = &nk->state;
  const Rows rows = nk->scaled;
  double began = MPI_Wtime();
  PetscInt choice;
  PC pc;
  PetscFunctionBegin;
  PetscCall(GaussNewtonSetDamping(nk->krylov->A, s->damping));
  PetscCall(KrylovSetUp(nk->krylov));
  if (nk->dense.dense && s->setup_time < 0.0) PetscCall(longest(rows, began, &s->setup_time));
  if (s->age < 0.0) {
    s->age = 0.0;
    s->built_lambda = s->damping;
    PetscCall(VecCopy(theta, nk->built));
  }
  began = MPI_Wtime();
  PetscCall(rows->ops->apply_transpose(rows->self, theta, w, nk->right));
  if (v) PetscCall(VecAXPY(nk->right, s->damping, v));
  PetscCall(KrylovSolve(nk->krylov, nk->right, w, v, base, x, ok));
  s->inner += (double)nk->krylov->iterations;
  if (nk->dense.dense && s->inner_time < 0.0) {
    PetscCall(longest(rows, began, &s->inner_time));
    s->inner_time /= (double)PetscMax(nk->krylov->iterations, 1);
  }
  PetscCall(KSPGetPC(nk->krylov->ksp, &pc));
  PetscCall(PrecondGetChoice(pc, &choice));
  s->choice = (double)choice;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step at this damping; predicted: the decrease of 1/2 |r + J d|^2. */
static PetscErrorCode find_step(NewtonKrylov *nk, Vec theta, Way way, double *predicted, bool *ok)
{
  const Rows rows = nk->scaled;
  double base = 0.0, curvature, slope;
  PetscFunctionBegin;
  PetscCall(begin_solve(nk, theta, way, &base));
  if (way == WAY_DENSE)
    PetscCall(DenseStepsSolve(&nk->dense, theta, nk->state.damping, nk->w, nk->solution, ok));
  else
    PetscCall(solve_krylov(nk, theta, nk->w, nk->momentum == 0.0 ? nk->start : NULL, base, nk->solution, ok));
  PetscCall(VecWAXPY(nk->step, -1.0, nk->solution, nk->start));
  PetscCall(rows->ops->apply(rows->self, theta, nk->step, nk->Jv));
  PetscCall(square(rows, nk->Jv, &curvature));
  PetscCall(VecDot(nk->gradient, nk->step, &slope));
  *predicted = -slope - 0.5 * curvature;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* trial = theta + factor D^{-1/2} step */
static PetscErrorCode shift(NewtonKrylov *nk, Vec theta, double factor)
{
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(nk->trial, nk->step, ScaledRowsScaling(nk->scaled)));
  PetscCall(VecAYPX(nk->trial, factor, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step += a / 2, a = -(J^T J + lambda)^{-1} J^T r_vv, where that is small against v; *curved = true where it is not. */
static PetscErrorCode accelerate(NewtonKrylov *nk, Vec theta, Way way, bool *curved)
{
  const Rows rows = nk->scaled;
  const GaussNewtonSystem *system;
  double loss, a, v;
  bool ok;
  PetscFunctionBegin;
  *curved = true;
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  PetscCall(shift(nk, theta, TRIAL_CURVATURE));
  PetscCall(rows->ops->evaluate(rows->self, nk->trial, nk->w, &loss));
  if (!isfinite(loss)) PetscFunctionReturn(PETSC_SUCCESS);
  TrialCurvature((size_t)rows->n_row, system->r, nk->Jv, nk->w);
  if (way == WAY_DENSE)
    PetscCall(DenseStepsSolve(&nk->dense, theta, nk->state.damping, nk->w, nk->acceleration, &ok));
  else
    PetscCall(solve_krylov(nk, theta, nk->w, NULL, 0.0, nk->acceleration, &ok));
  PetscCall(VecNorm(nk->acceleration, NORM_2, &a));
  PetscCall(VecNorm(nk->step, NORM_2, &v));
  if (!ok || TrialIsCurved(a, v)) PetscFunctionReturn(PETSC_SUCCESS);
  *curved = false;
  PetscCall(VecAXPY(nk->step, -0.5, nk->acceleration));
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
  bool ok, curved = false;
  PetscFunctionBegin;
  if (way == WAY_KRYLOV) s->inner = 0.0;
  for (*found = false;; s->damping = TrialRise(s->damping)) {
    PetscCall(find_step(nk, theta, way, &predicted, &ok));
    if (ok && nk->geodesic) PetscCall(accelerate(nk, theta, way, &curved));
    if (ok) {
      PetscCall(shift(nk, theta, 1.0));
      PetscCall(rows->ops->evaluate(rows->self, nk->trial, NULL, &trial));
      *found = TrialTaken(before, trial, predicted, curved);
    }
    nk->momentum = 0.0; /* what is not a descent direction shall not be tried again */
    if (*found || (ok && TrialIsVain(before, predicted)) || !isfinite(s->damping)) break;
  }
  nk->momentum = momentum;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecWAXPY(nk->last, -1.0, theta, nk->trial));
  PetscCall(VecCopy(theta, nk->before));
  PetscCall(VecCopy(nk->trial, theta));
  s->has_last = 1.0;
  s->damping = TrialFall(s->damping);
  s->slow = TrialCountSlow(s->slow, before, trial);
  *loss = trial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Krylov steps first; one dense step for its time; and dense ones from where they are the faster ones. */
static Way choose_way(NewtonKrylov *nk)
{
  State *s = &nk->state;
  if (s->inner_time < 0.0 || !DenseStepsCan(&nk->dense, s->damping)) return WAY_KRYLOV;
  if (s->dense_time < 0.0) return WAY_DENSE;
  if (s->setup_time + s->inner * s->inner_time > s->dense_time) s->gone_over = 1.0;
  return s->gone_over != 0.0 ? WAY_DENSE : WAY_KRYLOV;
}

/* At the point of the step before, for which all products are there. */
static PetscErrorCode measure_reach(Optimizer optimizer, Way way)
{
  NewtonKrylov *nk = optimizer->data;
  const GaussNewtonSystem *system;
  double *rho = &optimizer->measures[MEASURE_REACH];
  PetscFunctionBegin;
  PetscCall(GaussNewtonGetSystem(nk->krylov->A, &system));
  if (way == WAY_DENSE)
    PetscCall(DenseStepsReach(&nk->dense, system->theta, nk->gradient, system->r, system->loss, nk->solution, rho));
  else
    PetscCall(KrylovReach(nk->krylov, nk->gradient, nk->solution, rho));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One iteration. found = false: the end. */
static PetscErrorCode iterate(Optimizer optimizer, Vec theta, bool changed, double *loss, OptimizerReason *reason)
{
  NewtonKrylov *nk = optimizer->data;
  double norm;
  bool found = false;
  PetscFunctionBegin;
  PetscCall(linearize(optimizer, theta, changed, loss));
  PetscCall(VecNorm(nk->gradient, NORM_2, &norm));
  if (!isfinite(norm)) {
    PetscCall(VecCopy(nk->before, theta));
    *reason = OPTIMIZER_DIVERGED;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const Way way = choose_way(nk);
  const double began = MPI_Wtime();
  if (nk->state.slow < TRIAL_MOST_SLOW) PetscCall(take_step(optimizer, theta, way, loss, &found));
  if (way == WAY_DENSE && nk->state.dense_time < 0.0) PetscCall(longest(optimizer->rows, began, &nk->state.dense_time));
  if (!found || fmod(optimizer->iteration, TRIAL_REACH_EVERY) == 0.0) PetscCall(measure_reach(optimizer, way));
  if (nk->state.age >= 0.0) nk->state.age += 1.0;
  optimizer->measures[MEASURE_INNER] = way == WAY_DENSE ? 0.0 : nk->state.inner;
  if (found && way == WAY_DENSE) optimizer->measures[MEASURE_DENSE] += 1.0;
  if (nk->state.choice >= 0.0) optimizer->choice = PrecondTable.rows[(int)nk->state.choice].name;
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
