/* Damped Gauss-Newton: steps d = argmin |J d + r|^2 + lambda |D^{1/2} d|^2, D between diag J^T J (Marquardt) and a
   multiple of the identity (Levenberg), lambda controlled by the ratio of the actual to the predicted decrease of the
   loss.

   The damping falls fast after a step and rises slowly until one is found, so that about the smallest usable one is
   taken, at the price of a few dampings tried for each Jacobian. Geodesic acceleration adds half of
   a = -(J^T J + lambda D)^{-1} J^T r_vv, r_vv the second derivative of r along the step v (Transtrum and Sethna 2012).
   On small networks for Poisson's equation both together ended, after 300 Jacobians, four orders of magnitude lower in
   the loss than the identity as D, Nielsen's rule for lambda, and no acceleration. */
#include <math.h>
#include "damping.h"
#include "dense.h"
#include "trial.h"

typedef struct {
  bool gram, triangle; /* what it may form; both: as the damping allows */
  int form;            /* 1 tall, 2 wide, 0 whichever is smaller */
} Method;

static const Choice methods[] = {
    {"auto", "kernel or normal while the damping allows, then qr", &(const Method){true, true, 0}},
    {"qr", "orthogonal factor of J", &(const Method){false, true, 0}},
    {"svd", "singular values of J", &(const Method){false, false, 0}},
    {"normal", "Cholesky factor of J^T J", &(const Method){true, false, 1}},
    {"kernel", "Cholesky factor of J J^T", &(const Method){true, false, 2}},
    {NULL, NULL, NULL},
};
const ChoiceTable MethodTable = {"method", "how a damped step is solved", methods};

typedef struct {
  Method method;
  bool geodesic;
  Damping damping;
  double slow;    /* whole: steps in a row without a decrease to speak of */
  double renewed; /* whole: 1 if rows are new because no step was found, and none has been found since */
  Dense dense;
  Vec trial, last;             /* last: the point before theta */
  double *step, *acceleration; /* [n_param] */
  double *r, *Jv;              /* [n_row], for the acceleration */
} GaussNewton;

static PetscErrorCode read_method(Optimizer optimizer, Config config, Method *method)
{
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, OptimizerKey(optimizer, "method"), &word));
  *method = *(const Method *)ChoiceFind(&MethodTable, word)->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_GaussNewton(Optimizer optimizer, Config config)
{
  GaussNewton *gn;
  const Rows rows = optimizer->rows;
  PetscFunctionBegin;
  PetscCall(PetscNew(&gn));
  optimizer->data = gn;
  PetscCall(read_method(optimizer, config, &gn->method));
  PetscCall(DampingRead(optimizer, config, &gn->damping));
  PinnUserCheck(!DampingFollowsModel(&gn->damping),
                "%s: gauss-newton tries its steps, and so follows the ratio, not the model",
                ConfigWhere(config, OptimizerKey(optimizer, "damping_rule")));
  PetscCall(DampingReadLength(optimizer, config, &gn->damping));
  PetscCall(ConfigGetBool(config, OptimizerKey(optimizer, "geodesic"), &gn->geodesic));
  const bool wide = gn->method.form ? gn->method.form == 2 : (size_t)rows->n_row_global < rows->n_param;
  const bool gram_only = gn->method.gram && !gn->method.triangle;
  PetscCall(DenseCreate(optimizer, config, rows, 0, rows->n_param, wide, gram_only, &gn->dense));
  PetscCall(OptimizerCreateVec(optimizer, &gn->trial));
  PetscCall(OptimizerCreateVec(optimizer, &gn->last));
  PetscCall(PetscMalloc2(rows->n_param, &gn->step, rows->n_param, &gn->acceleration));
  PetscCall(PetscMalloc2(rows->n_row, &gn->r, rows->n_row, &gn->Jv));
  PetscCall(OptimizerAddValues(optimizer, "slow", 1, &gn->slow));
  PetscCall(OptimizerAddValues(optimizer, "renewed", 1, &gn->renewed));
  PetscCall(OptimizerAddMeasure(optimizer, MEASURE_REACH, NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double dot(size_t n, const double a[], const double b[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* Damping rises until a step is found: a Jacobian for which this holds at first never needs an orthogonal factor. */
static bool uses_gram(const GaussNewton *gn)
{
  return gn->method.gram && (!gn->method.triangle || gn->damping.lambda >= TRIAL_GRAM_LIMIT);
}

static PetscErrorCode solve(GaussNewton *gn, double lambda, double step[], bool *ok)
{
  PetscFunctionBegin;
  PetscCall(DenseReduce(gn->dense, uses_gram(gn) ? DENSE_GRAM : gn->method.triangle ? DENSE_TRIANGLE : DENSE_SINGULAR));
  PetscCall(DenseSolve(gn->dense, lambda, step, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rho = r^T J (J^T J + lambda)^{-1} J^T r / |r|^2 with a lambda that only singular values near rounding feel. */
static PetscErrorCode measure_reach(Optimizer optimizer)
{
  GaussNewton *gn = optimizer->data;
  const Dense d = gn->dense;
  bool ok;
  PetscFunctionBegin;
  PetscCall(solve(gn, TRIAL_REACH_DAMPING, gn->step, &ok));
  if (ok && d->loss > 0.0)
    optimizer->measures[MEASURE_REACH] = fmin(-dot(d->n, gn->step, d->gradient) / (2.0 * d->loss), 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The step at the current damping, or the part of it that is taken, and the decrease of the loss that the model
   predicts for that. */
static PetscErrorCode solve_step(GaussNewton *gn, double *predicted, bool *ok)
{
  const Dense d = gn->dense;
  PetscFunctionBegin;
  PetscCall(solve(gn, gn->damping.lambda, gn->step, ok));
  const double slope = -dot(d->n, gn->step, d->gradient), norm2 = dot(d->n, gn->step, gn->step);
  const double t = DampingLength(&gn->damping, sqrt(fmax(slope, 0.0)));
  *predicted = t * slope - 0.5 * t * t * (slope - gn->damping.lambda * norm2);
  for (size_t k = 0; k < d->n && t < 1.0; k++) gn->step[k] *= t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step += a / 2 where that is small against v, *curved = true where it is not. */
static PetscErrorCode accelerate(Optimizer optimizer, Vec theta, bool *curved)
{
  GaussNewton *gn = optimizer->data;
  const Rows rows = optimizer->rows;
  const Dense d = gn->dense;
  double loss;
  bool ok;
  PetscFunctionBegin;
  *curved = true;
  PetscCall(DenseShift(d, gn->trial, theta, TRIAL_CURVATURE, gn->step));
  PetscCall(rows->ops->evaluate(rows->self, gn->trial, gn->r, &loss));
  if (!isfinite(loss)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseApply(d, gn->step, gn->Jv));
  TrialCurvature((size_t)rows->n_row, d->r, gn->Jv, gn->r);
  PetscCall(DenseSolveAgain(d, gn->damping.lambda, gn->r, gn->acceleration, &ok));
  const double a = sqrt(dot(d->n, gn->acceleration, gn->acceleration)), v = sqrt(dot(d->n, gn->step, gn->step));
  if (!ok || TrialIsCurved(a, v)) PetscFunctionReturn(PETSC_SUCCESS);
  *curved = false;
  for (size_t k = 0; k < d->n; k++) gn->step[k] += 0.5 * gn->acceleration[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One accepted step from theta, or *found = false where no damping gives a decrease above rounding. */
static PetscErrorCode gauss_newton_step(Optimizer optimizer, Vec theta, double *loss, bool *found)
{
  GaussNewton *gn = optimizer->data;
  const Rows rows = optimizer->rows;
  const Dense d = gn->dense;
  double trial = NAN, predicted = 0.0, *const lambda = &gn->damping.lambda;
  bool ok, curved = false;
  PetscFunctionBegin;
  (void)DampingBefore(&gn->damping, sqrt(dot(d->n, d->gradient, d->gradient)));
  for (*found = false;; *lambda = TrialRise(*lambda)) {
    PetscCall(solve_step(gn, &predicted, &ok));
    if (ok && gn->geodesic) PetscCall(accelerate(optimizer, theta, &curved));
    if (ok) {
      PetscCall(DenseShift(d, gn->trial, theta, 1.0, gn->step));
      PetscCall(rows->ops->evaluate(rows->self, gn->trial, NULL, &trial));
      *found = TrialTaken(d->loss, trial, predicted, curved);
    }
    if (*found || TrialIsVain(d->loss, predicted) || !isfinite(*lambda)) break;
  }
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(theta, gn->last));
  PetscCall(VecCopy(gn->trial, theta));
  if (DampingFollowsRatio(&gn->damping)) *lambda = TrialFall(*lambda);
  gn->renewed = 0.0;
  gn->slow = TrialCountSlow(gn->slow, d->loss, trial);
  *loss = trial;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* New rows, with the damping of the square of their residual: what suited the small residual of points that were fitted
   is too little where the new ones have a larger one (lambda of the order of |r|^2; Yamashita and Fukushima 2001). */
static PetscErrorCode take_new_rows(Optimizer optimizer, Vec theta, double *loss)
{
  GaussNewton *gn = optimizer->data;
  const Rows rows = optimizer->rows;
  const double before = *loss;
  PetscFunctionBegin;
  PetscCall(rows->ops->evaluate(rows->self, theta, NULL, loss));
  if (*loss > before && before > 0.0) {
    const double most = fmax(gn->damping.factor, gn->damping.lambda);
    gn->damping.lambda = fmin(gn->damping.lambda * *loss / before, most);
  }
  gn->slow = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_GaussNewton(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  GaussNewton *gn = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, gn->last));
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  for (;;) {
    PetscCall(OptimizerReport(optimizer, theta, loss, gn->damping.lambda, NAN, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(DenseAssemble(gn->dense, theta, TRIAL_EVENNESS, !uses_gram(gn)));
    if (!isfinite(dot(gn->dense->n, gn->dense->gradient, gn->dense->gradient))) {
      PetscCall(VecCopy(gn->last, theta));
      *reason = OPTIMIZER_DIVERGED;
      break;
    }
    found = changed = false;
    if (fmod(optimizer->iteration, TRIAL_REACH_EVERY) == 0.0) PetscCall(measure_reach(optimizer));
    if (gn->slow < TRIAL_MOST_SLOW) PetscCall(gauss_newton_step(optimizer, theta, &loss, &found));
    if (found) {
      optimizer->iteration += 1.0;
      PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    } else if (gn->renewed == 0.0) {
      PetscCall(OptimizerSkipToNewRows(optimizer, theta, &changed));
      gn->renewed = 1.0;
    }
    if (changed) PetscCall(take_new_rows(optimizer, theta, &loss));
    if (found || changed) continue;
    PetscCall(measure_reach(optimizer));
    *reason = OPTIMIZER_STALLED;
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_GaussNewton(Optimizer optimizer)
{
  GaussNewton *gn = optimizer->data;
  PetscFunctionBegin;
  PetscCall(DenseDestroy(&gn->dense));
  PetscCall(VecDestroy(&gn->trial));
  PetscCall(VecDestroy(&gn->last));
  PetscCall(PetscFree2(gn->step, gn->acceleration));
  PetscCall(PetscFree2(gn->r, gn->Jv));
  PetscCall(PetscFree(gn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_GaussNewton = {"damping", OptimizerSetUp_GaussNewton, OptimizerSolve_GaussNewton,
                                               OptimizerDestroy_GaussNewton, NULL};
