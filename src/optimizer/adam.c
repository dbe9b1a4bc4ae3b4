/* Adam (Kingma and Ba 2015, algorithm 1): moments of the gradient with bias correction; the rate decays exponentially.
   */
#include <math.h>
#include "optimizer_impl.h"

#define EPSILON 1e-8

typedef struct {
  double rate, decay, beta1, beta2;
  Vec gradient, m, v;
  Vec last; /* the point before theta: where to go back to when theta turns out not to be finite */
} Adam;

static PetscErrorCode OptimizerSetUp_Adam(Optimizer optimizer, Config config)
{
  Adam *adam;
  PetscFunctionBegin;
  PetscCall(PetscNew(&adam));
  optimizer->data = adam;
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "learning_rate"), &adam->rate));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "decay"), &adam->decay));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &adam->beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &adam->beta2));
  PetscCall(OptimizerCreateVec(optimizer, &adam->gradient));
  PetscCall(OptimizerCreateVec(optimizer, &adam->m));
  PetscCall(OptimizerCreateVec(optimizer, &adam->v));
  PetscCall(OptimizerCreateVec(optimizer, &adam->last));
  PetscCall(OptimizerAddVec(optimizer, "m", adam->m));
  PetscCall(OptimizerAddVec(optimizer, "v", adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rate of the step after `done` steps. */
static double rate_after(const Adam *adam, double done, PetscInt iterations)
{
  return adam->rate * pow(adam->decay, fmin(done / PetscMax(iterations - 1, 1), 1.0));
}

/* One pass over memory: moments, step, and the point that is left. */
static PetscErrorCode adam_step(const Adam *adam, double rate, double count, Vec theta)
{
  const double beta1 = adam->beta1, beta2 = adam->beta2;
  const double correct1 = rate / (1.0 - pow(beta1, count)), correct2 = 1.0 / (1.0 - pow(beta2, count));
  const double *g;
  double *m, *v, *x, *last;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetArrayRead(adam->gradient, &g));
  PetscCall(VecGetArray(adam->m, &m));
  PetscCall(VecGetArray(adam->v, &v));
  PetscCall(VecGetArray(theta, &x));
  PetscCall(VecGetArrayWrite(adam->last, &last));
#pragma omp parallel for simd schedule(static) if (n > 100000)
  for (PetscInt k = 0; k < n; k++) {
    m[k] = beta1 * m[k] + (1.0 - beta1) * g[k];
    v[k] = beta2 * v[k] + (1.0 - beta2) * g[k] * g[k];
    last[k] = x[k];
    x[k] -= correct1 * m[k] / (sqrt(correct2 * v[k]) + EPSILON);
  }
  PetscCall(VecRestoreArrayWrite(adam->last, &last));
  PetscCall(VecRestoreArray(theta, &x));
  PetscCall(VecRestoreArray(adam->v, &v));
  PetscCall(VecRestoreArray(adam->m, &m));
  PetscCall(VecRestoreArrayRead(adam->gradient, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_Adam(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  Adam *adam = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, norm;
  bool changed;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, adam->last));
  for (;;) {
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    PetscCall(rows->ops->gradient(rows->self, theta, &loss, adam->gradient));
    PetscCall(VecNorm(adam->gradient, NORM_2, &norm));
    const double rate = rate_after(adam, optimizer->iteration, optimizer->iterations);
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, rate, norm, reason));
    if (*reason == OPTIMIZER_DIVERGED) PetscCall(VecCopy(adam->last, theta));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(adam_step(adam, rate, optimizer->iteration + 1.0, theta));
    optimizer->iteration += 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_Adam(Optimizer optimizer)
{
  Adam *adam = optimizer->data;
  PetscFunctionBegin;
  PetscCall(VecDestroy(&adam->gradient));
  PetscCall(VecDestroy(&adam->m));
  PetscCall(VecDestroy(&adam->v));
  PetscCall(VecDestroy(&adam->last));
  PetscCall(PetscFree(adam));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Adam = {"rate", OptimizerSetUp_Adam, OptimizerSolve_Adam, OptimizerDestroy_Adam};
