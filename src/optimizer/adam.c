/* Adam (Kingma and Ba 2015, algorithm 1): moments of the gradient with bias correction. */
#include <math.h>
#include "first_order.h"

#define MOST_BETA 0.99999 /* what is added to a moment must not be lost in its rounding */

typedef struct {
  FirstOrder first;
  double beta1, beta2, epsilon;
  bool single; /* which of the two kinds of moments there are */
  Vec m, v;
  float *m_single, *v_single; /* [local size of theta] v_single: the root of v, whose square could underflow */
  double correct1, correct2;  /* of the last step */
} Adam;

static PetscErrorCode undo_step(Optimizer optimizer, Vec theta)
{
  const Adam *adam = optimizer->data;
  const double correct1 = adam->correct1, correct2 = sqrt(adam->correct2);
  double *x;
  PetscInt n;
  PetscFunctionBegin;
  if (optimizer->iteration == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetArray(theta, &x));
  for (PetscInt k = 0; k < n; k++)
    x[k] += correct1 * adam->m_single[k] / (correct2 * adam->v_single[k] + adam->epsilon);
  PetscCall(VecRestoreArray(theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moments in single precision, 8 bytes a parameter; without a copy of the last point, which the step gives back. */
static PetscErrorCode set_up_single(Optimizer optimizer, Config config, Adam *adam)
{
  PetscInt n;
  PetscFunctionBegin;
  PinnUserCheck(
      adam->beta1 <= MOST_BETA && adam->beta2 <= MOST_BETA,
      "%s: moments in single precision stand still where beta1 or beta2 are above %g, here they are %g and %g",
      ConfigWhere(config, OptimizerKey(optimizer, "single_state")), MOST_BETA, adam->beta1, adam->beta2);
  PetscCall(VecGetLocalSize(adam->first.gradient, &n));
  PetscCall(PetscCalloc2(n, &adam->m_single, n, &adam->v_single));
  PetscCall(OptimizerAddSingle(optimizer, "m", adam->m_single));
  PetscCall(OptimizerAddSingle(optimizer, "v", adam->v_single));
  PetscCall(OptimizerAddValues(optimizer, "correct1", 1, &adam->correct1));
  PetscCall(OptimizerAddValues(optimizer, "correct2", 1, &adam->correct2));
  PetscCall(VecDestroy(&adam->first.last));
  adam->first.undo = undo_step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_Adam(Optimizer optimizer, Config config)
{
  Adam *adam;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(PetscNew(&adam));
  optimizer->data = adam;
  PetscCall(FirstOrderCreate(optimizer, config, &adam->first));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &adam->beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &adam->beta2));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "epsilon"), &adam->epsilon));
  PetscCall(VecGetLocalSize(adam->first.gradient, &n));
  if (ConfigHas(config, OptimizerKey(optimizer, "single_state")))
    PetscCall(ConfigGetBool(config, OptimizerKey(optimizer, "single_state"), &adam->single));
  /* gradient and two moments, and the last point or nothing */
  optimizer->bytes = (double)n * (adam->single ? 16.0 : 32.0);
  if (adam->single) {
    PetscCall(set_up_single(optimizer, config, adam));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(OptimizerCreateVec(optimizer, &adam->m));
  PetscCall(OptimizerCreateVec(optimizer, &adam->v));
  PetscCall(OptimizerAddVec(optimizer, "m", adam->m));
  PetscCall(OptimizerAddVec(optimizer, "v", adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over memory: moments and step. */
static PetscErrorCode step_single(Adam *adam, Vec theta)
{
  const double beta1 = adam->beta1, beta2 = adam->beta2, epsilon = adam->epsilon;
  const double correct1 = adam->correct1, correct2 = sqrt(adam->correct2);
  float *m = adam->m_single, *v = adam->v_single;
  const double *g;
  double *x;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetArrayRead(adam->first.gradient, &g));
  PetscCall(VecGetArray(theta, &x));
#pragma omp parallel for simd schedule(static) if (n > 100000)
  for (PetscInt k = 0; k < n; k++) {
    m[k] = (float)(beta1 * m[k] + (1.0 - beta1) * g[k]);
    v[k] = (float)sqrt(beta2 * ((double)v[k] * v[k]) + (1.0 - beta2) * g[k] * g[k]);
    x[k] -= correct1 * m[k] / (correct2 * v[k] + epsilon);
  }
  PetscCall(VecRestoreArray(theta, &x));
  PetscCall(VecRestoreArrayRead(adam->first.gradient, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over memory: moments, step, and the point that is left. */
static PetscErrorCode OptimizerStep_Adam(Optimizer optimizer, double rate, Vec theta)
{
  Adam *adam = optimizer->data;
  const double beta1 = adam->beta1, beta2 = adam->beta2, epsilon = adam->epsilon, count = optimizer->iteration + 1.0;
  const double correct1 = rate / (1.0 - pow(beta1, count)), correct2 = 1.0 / (1.0 - pow(beta2, count));
  const double *g;
  double *m, *v, *x, *last;
  PetscInt n;
  PetscFunctionBegin;
  adam->correct1 = correct1;
  adam->correct2 = correct2;
  if (adam->single) {
    PetscCall(step_single(adam, theta));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VecGetArrayRead(adam->first.gradient, &g));
  PetscCall(VecGetArray(adam->m, &m));
  PetscCall(VecGetArray(adam->v, &v));
  PetscCall(VecGetArray(theta, &x));
  PetscCall(VecGetArrayWrite(adam->first.last, &last));
#pragma omp parallel for simd schedule(static) if (n > 100000)
  for (PetscInt k = 0; k < n; k++) {
    m[k] = beta1 * m[k] + (1.0 - beta1) * g[k];
    v[k] = beta2 * v[k] + (1.0 - beta2) * g[k] * g[k];
    last[k] = x[k];
    x[k] -= correct1 * m[k] / (sqrt(correct2 * v[k]) + epsilon);
  }
  PetscCall(VecRestoreArrayWrite(adam->first.last, &last));
  PetscCall(VecRestoreArray(theta, &x));
  PetscCall(VecRestoreArray(adam->v, &v));
  PetscCall(VecRestoreArray(adam->m, &m));
  PetscCall(VecRestoreArrayRead(adam->first.gradient, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_Adam(Optimizer optimizer)
{
  Adam *adam = optimizer->data;
  PetscFunctionBegin;
  PetscCall(FirstOrderDestroy(&adam->first));
  PetscCall(VecDestroy(&adam->m));
  PetscCall(VecDestroy(&adam->v));
  PetscCall(PetscFree2(adam->m_single, adam->v_single));
  PetscCall(PetscFree(adam));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Adam = {"rate", OptimizerSetUp_Adam, OptimizerSolve_FirstOrder, OptimizerDestroy_Adam,
                                        OptimizerStep_Adam};
