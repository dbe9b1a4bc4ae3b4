/* Adam (Kingma and Ba 2015, algorithm 1): moments of the gradient with bias correction. */
#include <math.h>
#include "first_order.h"

#define MOST_BETA 0.99999 /* what is added to a moment must not be lost in its rounding */

typedef struct {
  FirstOrder first;
  AdamStep step; /* the last one; its correct1 and correct2 belong to that */
  bool single;   /* which of the two kinds of moments there are */
  Vec m, v;
  VectorSingle m_single, v_single; /* v_single: the root of v, whose square could underflow */
} Adam;

static PetscErrorCode undo_step(Optimizer optimizer, Vec theta)
{
  const Adam *adam = optimizer->data;
  double *x;
  PetscFunctionBegin;
  if (optimizer->iteration == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VectorGet(theta, VECTOR_BOTH, &x));
  VectorUpdates(theta)->adam_back(adam->m_single.n, &adam->step, adam->m_single.values, adam->v_single.values, x);
  PetscCall(VectorRestore(theta, VECTOR_BOTH, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moments in single precision, 8 bytes a parameter; without a copy of the last point, which the step gives back. */
static PetscErrorCode set_up_single(Optimizer optimizer, Config config, Adam *adam)
{
  AdamStep *step = &adam->step;
  PetscFunctionBegin;
  PinnUserCheck(
      step->beta1 <= MOST_BETA && step->beta2 <= MOST_BETA,
      "%s: moments in single precision stand still where beta1 or beta2 are above %g, here they are %g and %g",
      ConfigWhere(config, OptimizerKey(optimizer, "single_state")), MOST_BETA, step->beta1, step->beta2);
  PetscCall(VectorSingleCreate(adam->first.gradient, &adam->m_single));
  PetscCall(VectorSingleCreate(adam->first.gradient, &adam->v_single));
  PetscCall(OptimizerAddSingle(optimizer, "m", &adam->m_single));
  PetscCall(OptimizerAddSingle(optimizer, "v", &adam->v_single));
  PetscCall(OptimizerAddValues(optimizer, "correct1", 1, &step->correct1));
  PetscCall(OptimizerAddValues(optimizer, "correct2", 1, &step->correct2));
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
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &adam->step.beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &adam->step.beta2));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "epsilon"), &adam->step.epsilon));
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
static PetscErrorCode step_single(Adam *adam, double *g, Vec theta)
{
  double *x;
  PetscFunctionBegin;
  PetscCall(VectorGet(theta, VECTOR_BOTH, &x));
  VectorUpdates(theta)->adam_single(adam->m_single.n, &adam->step, g, adam->m_single.values, adam->v_single.values, x);
  PetscCall(VectorRestore(theta, VECTOR_BOTH, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same, and the point that is left. */
static PetscErrorCode step_double(Adam *adam, double *g, Vec theta)
{
  double *m, *v, *x, *last;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(theta, &n));
  PetscCall(VectorGet(adam->m, VECTOR_BOTH, &m));
  PetscCall(VectorGet(adam->v, VECTOR_BOTH, &v));
  PetscCall(VectorGet(theta, VECTOR_BOTH, &x));
  PetscCall(VectorGet(adam->first.last, VECTOR_WRITE, &last));
  VectorUpdates(theta)->adam((size_t)n, &adam->step, g, m, v, x, last);
  PetscCall(VectorRestore(adam->first.last, VECTOR_WRITE, &last));
  PetscCall(VectorRestore(theta, VECTOR_BOTH, &x));
  PetscCall(VectorRestore(adam->v, VECTOR_BOTH, &v));
  PetscCall(VectorRestore(adam->m, VECTOR_BOTH, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerStep_Adam(Optimizer optimizer, double rate, Vec theta)
{
  Adam *adam = optimizer->data;
  const double count = optimizer->iteration + 1.0;
  double *g;
  PetscFunctionBegin;
  PetscCheck(VectorDevice(theta) == VectorDevice(adam->first.gradient), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "theta and its gradient lie in different memories");
  adam->step.correct1 = rate / (1.0 - pow(adam->step.beta1, count));
  adam->step.correct2 = 1.0 / (1.0 - pow(adam->step.beta2, count));
  PetscCall(VectorGet(adam->first.gradient, VECTOR_READ, &g));
  PetscCall((adam->single ? step_single : step_double)(adam, g, theta));
  PetscCall(VectorRestore(adam->first.gradient, VECTOR_READ, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_Adam(Optimizer optimizer)
{
  Adam *adam = optimizer->data;
  PetscFunctionBegin;
  PetscCall(FirstOrderDestroy(&adam->first));
  PetscCall(VecDestroy(&adam->m));
  PetscCall(VecDestroy(&adam->v));
  PetscCall(VectorSingleDestroy(&adam->m_single));
  PetscCall(VectorSingleDestroy(&adam->v_single));
  PetscCall(PetscFree(adam));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Adam = {"rate", OptimizerSetUp_Adam, OptimizerSolve_FirstOrder, OptimizerDestroy_Adam,
                                        OptimizerStep_Adam};
