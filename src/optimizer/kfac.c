/* KFAC for physics-informed networks (Dangel, Mueller and Zeinhofer 2024): the gradient g between inverse Kronecker
   factors of each layer's block of J^T J + lambda, D = -M^{-1} g, with moving averages of the factors.

     kfac       d <- momentum d + D, theta += t d, t the best of 2^0, 2^-1 ... 2^-30
     kfac-star  theta += d <- alpha D + beta d, alpha and beta the minimizers of
                |r + J s|^2 + lambda |s|^2 over s = alpha D + beta d: two products with J (Martens and Grosse 2015);
                without lambda where that follows the model

   Where the step does not decrease the loss, kfac forgets d once, and kfac-star halves the step. */
#include <float.h>
#include <math.h>
#include "damping.h"
#include "pinn/kronecker.h"

#define N_GRID         31
#define MOST_HALVINGS  30
#define DAMPING_FACTOR 4.0 /* between neighbours */
#define DAMPING_EVERY  5.0 /* iterations */
#define LEAST_DAMPING  1e-20
#define LEAST_ANGLE    1e-12 /* between D and the last step, squared, for both to be used */

typedef struct {
  Kronecker kronecker;
  Damping damping;
  double momentum, average;
  double step;           /* the last factor of last_step */
  const double *control; /* what the table shows */
  PetscInt refresh;
  Vec gradient, direction, last_step, trial, last;
  double *r, *Jd, *Jb; /* [n_row] */
  PetscInt n_row;      /* of those */
} KFAC;

/* One step from theta with the gradient there; *found = false: no decrease, theta is what it was. */
typedef PetscErrorCode (*StepFn)(Optimizer optimizer, Vec theta, double loss, bool *found);

static PetscErrorCode check_layers(Optimizer optimizer, Config config)
{
  const Rows rows = optimizer->rows;
  double numbers = 0.0;
  PetscFunctionBegin;
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    const double n_in = (double)layer.n_in, n_out = (double)layer.n_out;
    PinnUserCheck(PetscMax(layer.n_in, layer.n_out) <= KRONECKER_MOST_SIDE,
                  "%s: %s needs square matrices of each layer's inputs and outputs, %d a side at most; layer %d has "
                  "%" PetscInt_FMT " x %" PetscInt_FMT ": take spring or lbfgs",
                  ConfigWhere(config, OptimizerKey(optimizer, "type")), optimizer->name, KRONECKER_MOST_SIDE, l + 1,
                  layer.n_in, layer.n_out);
    numbers += (4.0 + 2.0 * RowsThreads(rows)) * (n_in * n_in + n_out * n_out) + 6.0 * n_in * n_out;
  }
  PetscCall(OptimizerCheckMemory(optimizer, config, numbers * sizeof(double), "narrower layers, spring or lbfgs"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_KFACStar(Optimizer optimizer, Config config)
{
  KFAC *kfac;
  size_t n;
  double *factors;
  PetscFunctionBegin;
  PetscCall(PetscNew(&kfac));
  optimizer->data = kfac;
  PetscCall(check_layers(optimizer, config));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "average"), &kfac->average));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "refresh"), &kfac->refresh));
  PetscCall(KroneckerCreate(optimizer->rows, KRONECKER_KFAC, &kfac->kronecker));
  PetscCall(OptimizerCreateVec(optimizer, &kfac->gradient));
  PetscCall(OptimizerCreateVec(optimizer, &kfac->direction));
  PetscCall(OptimizerCreateVec(optimizer, &kfac->last_step));
  PetscCall(OptimizerCreateVec(optimizer, &kfac->trial));
  PetscCall(OptimizerCreateVec(optimizer, &kfac->last));
  PetscCall(KroneckerGetFactors(kfac->kronecker, &n, &factors));
  PetscCall(OptimizerAddValues(optimizer, "factors", n, factors));
  PetscCall(OptimizerAddVec(optimizer, "last_step", kfac->last_step));
  PetscCall(DampingRead(optimizer, config, &kfac->damping));
  PinnUserCheck(!DampingFollowsRatio(&kfac->damping), "%s: %s takes every step, and has no ratio to follow",
                ConfigWhere(config, OptimizerKey(optimizer, "damping_rule")), optimizer->name);
  kfac->control = &kfac->damping.lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_KFAC(Optimizer optimizer, Config config)
{
  KFAC *kfac;
  PetscFunctionBegin;
  PetscCall(OptimizerSetUp_KFACStar(optimizer, config));
  kfac = optimizer->data;
  kfac->control = &kfac->step;
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "momentum"), &kfac->momentum));
  PinnUserCheck(!DampingFollowsModel(&kfac->damping),
                "%s: kfac has a line search in place of a model; take constant or gradient-normalized, or kfac-star",
                ConfigWhere(config, OptimizerKey(optimizer, "damping_rule")));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double dot(PetscInt n, const double a[], const double b[])
{
  double sum = 0.0;
  for (PetscInt k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* A step alpha direction + beta last_step. */
typedef struct {
  double alpha, beta, predicted; /* the decrease of the model */
} Combination;

/* H [3] = v.Cv, v.Cw and w.Cw for the direction v and the last step w, C = J^T J + lambda; a damping that follows the
   model must not change it: there C = J^T J. */
static PetscErrorCode curvatures(Optimizer optimizer, Vec theta, double H[])
{
  KFAC *kfac = optimizer->data;
  const Rows rows = optimizer->rows;
  const PetscInt n = rows->n_row;
  const Vec v = kfac->direction, w = kfac->last_step;
  double lengths[3];
  PetscFunctionBegin;
  PetscCall(rows->ops->apply(rows->self, theta, v, kfac->Jd));
  PetscCall(rows->ops->apply(rows->self, theta, w, kfac->Jb));
  H[0] = dot(n, kfac->Jd, kfac->Jd);
  H[1] = dot(n, kfac->Jd, kfac->Jb);
  H[2] = dot(n, kfac->Jb, kfac->Jb);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, H, 3, MPI_DOUBLE, MPI_SUM, rows->comm));
  if (DampingFollowsModel(&kfac->damping)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDot(v, v, &lengths[0]));
  PetscCall(VecDot(v, w, &lengths[1]));
  PetscCall(VecDot(w, w, &lengths[2]));
  for (int k = 0; k < 3; k++) H[k] += kfac->damping.lambda * lengths[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The minimizer of the model over the span of direction and last step. */
static PetscErrorCode combine(Optimizer optimizer, Vec theta, Combination *c)
{
  KFAC *kfac = optimizer->data;
  double H[3], slope_d, slope_b;
  PetscFunctionBegin;
  PetscCall(curvatures(optimizer, theta, H));
  PetscCall(VecDot(kfac->gradient, kfac->direction, &slope_d));
  PetscCall(VecDot(kfac->gradient, kfac->last_step, &slope_b));
  const double determinant = H[0] * H[2] - H[1] * H[1];
  *c = (Combination){.alpha = H[0] > 0.0 ? -slope_d / H[0] : 0.0};
  if (determinant > LEAST_ANGLE * H[0] * H[2]) {
    c->alpha = (H[1] * slope_b - H[2] * slope_d) / determinant;
    c->beta = (H[1] * slope_d - H[0] * slope_b) / determinant;
  }
  c->predicted = -0.5 * (c->alpha * slope_d + c->beta * slope_b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* direction = -M^{-1} gradient with this lambda. */
static PetscErrorCode damped_direction(KFAC *kfac, double lambda)
{
  PetscFunctionBegin;
  PetscCall(KroneckerDamp(kfac->kronecker, lambda));
  PetscCall(KroneckerApply(kfac->kronecker, kfac->gradient, kfac->direction));
  PetscCall(VecScale(kfac->direction, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As Martens and Grosse choose theirs: of three neighbours the lambda whose step makes the model fall most. The
   direction is then that of the last one tried. */
static PetscErrorCode choose_damping(Optimizer optimizer, Vec theta)
{
  KFAC *kfac = optimizer->data;
  const double middle = kfac->damping.lambda;
  double most = -INFINITY;
  PetscFunctionBegin;
  for (int k = -1; k <= 1; k++) {
    const double lambda = fmax(middle * pow(DAMPING_FACTOR, k), LEAST_DAMPING);
    Combination c;
    PetscCall(damped_direction(kfac, lambda));
    PetscCall(combine(optimizer, theta, &c));
    if (!(c.predicted > most)) continue;
    most = c.predicted;
    kfac->damping.lambda = lambda;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode star_step(Optimizer optimizer, Vec theta, double loss, bool *found)
{
  KFAC *kfac = optimizer->data;
  const Rows rows = optimizer->rows;
  Combination c;
  double trial, t = 1.0;
  PetscFunctionBegin;
  if (DampingFollowsModel(&kfac->damping) && fmod(optimizer->iteration, DAMPING_EVERY) == 0.0) {
    PetscCall(choose_damping(optimizer, theta));
    PetscCall(damped_direction(kfac, kfac->damping.lambda));
  }
  PetscCall(combine(optimizer, theta, &c));
  PetscCall(VecAXPBY(kfac->last_step, c.alpha, c.beta, kfac->direction));
  for (int k = 0; k < MOST_HALVINGS && !*found; k++, t *= 0.5) {
    PetscCall(VecWAXPY(kfac->trial, t, kfac->last_step, theta));
    PetscCall(rows->ops->evaluate(rows->self, kfac->trial, NULL, &trial));
    *found = trial < loss;
    if (*found) PetscCall(VecScale(kfac->last_step, t));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best point along last_step to trial. */
static PetscErrorCode search_grid(Optimizer optimizer, Vec theta, double loss, bool *found)
{
  KFAC *kfac = optimizer->data;
  const Rows rows = optimizer->rows;
  double best = loss, trial;
  PetscFunctionBegin;
  for (int k = 0; k < N_GRID; k++) {
    PetscCall(VecWAXPY(kfac->trial, ldexp(1.0, -k), kfac->last_step, theta));
    PetscCall(rows->ops->evaluate(rows->self, kfac->trial, NULL, &trial));
    if (!(trial < best)) continue;
    best = trial;
    kfac->step = ldexp(1.0, -k);
    *found = true;
  }
  if (*found) PetscCall(VecWAXPY(kfac->trial, kfac->step, kfac->last_step, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode grid_step(Optimizer optimizer, Vec theta, double loss, bool *found)
{
  KFAC *kfac = optimizer->data;
  PetscFunctionBegin;
  PetscCall(VecAYPX(kfac->last_step, kfac->momentum, kfac->direction));
  PetscCall(search_grid(optimizer, theta, loss, found));
  if (*found || kfac->momentum == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(kfac->direction, kfac->last_step));
  PetscCall(search_grid(optimizer, theta, loss, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows, loss and gradient at theta from one sweep, which products with J then use too. */
static PetscErrorCode linearize(Optimizer optimizer, Vec theta, double *loss, double *norm)
{
  KFAC *kfac = optimizer->data;
  const Rows rows = optimizer->rows;
  PetscFunctionBegin;
  if (!kfac->r || kfac->n_row != rows->n_row) {
    PetscCall(PetscFree3(kfac->r, kfac->Jd, kfac->Jb));
    PetscCall(PetscMalloc3(rows->n_row, &kfac->r, rows->n_row, &kfac->Jd, rows->n_row, &kfac->Jb));
    kfac->n_row = rows->n_row;
  }
  PetscCall(RowsLinearize(rows, theta, kfac->r, loss));
  PetscCall(rows->ops->apply_transpose(rows->self, theta, kfac->r, kfac->gradient));
  PetscCall(VecNorm(kfac->gradient, NORM_2, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* direction = -M^{-1} gradient. Averages are corrected for their beginning: the n-th factors count as much as if all
   weights summed to 1. */
static PetscErrorCode find_direction(Optimizer optimizer, Vec theta, double norm)
{
  KFAC *kfac = optimizer->data;
  const double number = optimizer->iteration / (double)kfac->refresh, beta = kfac->average;
  const double kept = beta > 0.0 ? beta * (1.0 - pow(beta, number)) / (1.0 - pow(beta, number + 1.0)) : 0.0;
  PetscFunctionBegin;
  if (number == floor(number)) PetscCall(KroneckerBuild(kfac->kronecker, theta, kept));
  PetscCall(damped_direction(kfac, DampingBefore(&kfac->damping, norm)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode solve(Optimizer optimizer, Vec theta, StepFn step, OptimizerReason *reason)
{
  KFAC *kfac = optimizer->data;
  double loss, norm, *factors;
  size_t n;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(KroneckerGetFactors(kfac->kronecker, &n, &factors)); /* a checkpoint may have filled them */
  PetscCall(VecCopy(theta, kfac->last));
  for (;;) {
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    PetscCall(linearize(optimizer, theta, &loss, &norm));
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, *kfac->control, norm, reason));
    if (*reason == OPTIMIZER_DIVERGED) PetscCall(VecCopy(kfac->last, theta));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(find_direction(optimizer, theta, norm));
    found = false;
    PetscCall(step(optimizer, theta, loss, &found));
    if (!found) {
      *reason = OPTIMIZER_STALLED;
      break;
    }
    PetscCall(VecCopy(theta, kfac->last));
    PetscCall(VecCopy(kfac->trial, theta));
    optimizer->iteration += 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_KFAC(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  PetscFunctionBegin;
  PetscCall(solve(optimizer, theta, grid_step, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_KFACStar(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  PetscFunctionBegin;
  PetscCall(solve(optimizer, theta, star_step, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_KFAC(Optimizer optimizer)
{
  KFAC *kfac = optimizer->data;
  PetscFunctionBegin;
  PetscCall(KroneckerDestroy(&kfac->kronecker));
  PetscCall(VecDestroy(&kfac->gradient));
  PetscCall(VecDestroy(&kfac->direction));
  PetscCall(VecDestroy(&kfac->last_step));
  PetscCall(VecDestroy(&kfac->trial));
  PetscCall(VecDestroy(&kfac->last));
  PetscCall(PetscFree3(kfac->r, kfac->Jd, kfac->Jb));
  PetscCall(PetscFree(kfac));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_KFAC = {.control_name = "step",
                                        .setup = OptimizerSetUp_KFAC,
                                        .solve = OptimizerSolve_KFAC,
                                        .destroy = OptimizerDestroy_KFAC};
const OptimizerOps OptimizerOps_KFACStar = {.control_name = "damping",
                                            .setup = OptimizerSetUp_KFACStar,
                                            .solve = OptimizerSolve_KFACStar,
                                            .destroy = OptimizerDestroy_KFAC};
