/* Adam (Kingma and Ba 2015, algorithm 1): moments of the gradient with bias correction. */
#include <math.h>
#include "first_order.h"

typedef struct {
  FirstOrder first;
  double beta1, beta2, epsilon;
  Vec m, v;
} Adam;

static PetscErrorCode OptimizerSetUp_Adam(Optimizer optimizer, Config config)
{
  Adam *adam;
  PetscFunctionBegin;
  PetscCall(PetscNew(&adam));
  optimizer->data = adam;
  PetscCall(FirstOrderCreate(optimizer, config, &adam->first));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &adam->beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &adam->beta2));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "epsilon"), &adam->epsilon));
  PetscCall(OptimizerCreateVec(optimizer, &adam->m));
  PetscCall(OptimizerCreateVec(optimizer, &adam->v));
  PetscCall(OptimizerAddVec(optimizer, "m", adam->m));
  PetscCall(OptimizerAddVec(optimizer, "v", adam->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass over memory: moments, step, and the point that is left. */
static PetscErrorCode OptimizerStep_Adam(Optimizer optimizer, double rate, Vec theta)
{
  const Adam *adam = optimizer->data;
  const double beta1 = adam->beta1, beta2 = adam->beta2, epsilon = adam->epsilon, count = optimizer->iteration + 1.0;
  const double correct1 = rate / (1.0 - pow(beta1, count)), correct2 = 1.0 / (1.0 - pow(beta2, count));
  const double *g;
  double *m, *v, *x, *last;
  PetscInt n;
  PetscFunctionBegin;
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
  PetscCall(PetscFree(adam));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Adam = {"rate", OptimizerSetUp_Adam, OptimizerSolve_FirstOrder, OptimizerDestroy_Adam,
                                        OptimizerStep_Adam};
