#include <math.h>
#include <string.h>
#include "optimizer_impl.h"

static const Choice stages[] = {
    {"adam", "first order with adaptive rates; to get near a solution", &OptimizerOps_Adam},
    {"lbfgs", "limited-memory quasi-Newton (PETSc MATLMVMBFGS, More-Thuente line search)", &OptimizerOps_LBFGS},
    {"ssbfgs", "self-scaled BFGS with the dense inverse Hessian; up to some thousand parameters", &OptimizerOps_SSBFGS},
    {"ssbroyden", "the same in the wider Broyden family", &OptimizerOps_SSBroyden},
    {"soap", "Adam in the eigenbases of Shampoo's factors, a pair for each layer", &OptimizerOps_SOAP},
    {"shampoo", "gradients of layers between inverse fourth roots of their second moments", &OptimizerOps_Shampoo},
    {"fosi", "Newton steps in the span of the largest eigenvectors of J^T J, another first-order stage elsewhere",
     &OptimizerOps_FOSI},
    {"mfac", "gradients times the inverse of the second moments of the last of them", &OptimizerOps_MFAC},
    {"gauss-newton", "damped Gauss-Newton with the dense Jacobian; rows or parameters up to some thousands",
     &OptimizerOps_GaussNewton},
    {"kfac", "gradients between inverse Kronecker factors of each layer, the step by a grid of 31 lengths",
     &OptimizerOps_KFAC},
    {"kfac-star", "the same, step and momentum by the exact quadratic model", &OptimizerOps_KFACStar},
    {"gauss-newton-krylov", "the same by preconditioned Krylov methods, without the Jacobian; any number of either",
     &OptimizerOps_NewtonKrylov},
    {"gauss-newton-sketched", "the same on random samples of rows and parameters, by radii; many rows",
     &OptimizerOps_Sketched},
    {"spring", "damped kernel steps that remember the last one; batches of up to some thousand rows, any network",
     &OptimizerOps_SPRING},
    {"least-squares", "the last layer by rank-revealing least squares; hidden layers stay", &OptimizerOps_LeastSquares},
    {NULL, NULL, NULL},
};
const ChoiceTable StageTable = {"stage", "solver stages", stages};

const char *OptimizerReasonText(OptimizerReason reason)
{
  switch (reason) {
  case OPTIMIZER_RUNNING:
    return "running";
  case OPTIMIZER_CONVERGED:
    return "converged: the loss is below the tolerance or at its minimum";
  case OPTIMIZER_STALLED:
    return "stalled: no step decreases the loss any more";
  case OPTIMIZER_ITERATIONS:
    return "all iterations done";
  case OPTIMIZER_STOPPED:
    return "stopped on request";
  case OPTIMIZER_DIVERGED:
    return "diverged: the loss or its gradient is not a finite number";
  }
  return "unknown";
}

const char *OptimizerKey(Optimizer optimizer, const char *key)
{
  return ConfigPath("solver[%d].%s", optimizer->index, key);
}

static bool takes_gradients(const OptimizerOps *ops)
{
  return ops == &OptimizerOps_Adam || ops == &OptimizerOps_SOAP || ops == &OptimizerOps_Shampoo;
}

PetscErrorCode OptimizerCreate(Config config, int index, Rows rows, Optimizer *optimizer)
{
  const char *type;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, ConfigPath("solver[%d].type", index), &type));
  const Choice *stage = ChoiceFind(&StageTable, type);
  PetscCheck(stage, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no stage '%s'", type);
  PinnUserCheck(
      !rows->gradient_only || takes_gradients(stage->data),
      "%s: the stage '%s' needs rows r with the loss 1/2 |r|^2, which %s does not give; adam, soap and shampoo "
      "do with the loss and its gradient",
      ConfigWhere(config, ConfigPath("solver[%d].type", index)), type, rows->gradient_only);
  PetscCall(OptimizerCreateStage(config, index, rows, stage, optimizer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerCreateStage(Config config, int index, Rows rows, const Choice *stage, Optimizer *optimizer)
{
  Optimizer o;
  PetscFunctionBegin;
  PetscCall(PetscNew(&o));
  o->index = index;
  o->rows = rows;
  o->reported = -1.0;
  for (int k = 0; k < N_MEASURE; k++) o->measures[k] = NAN;
  PetscCall(ConfigGetInt(config, OptimizerKey(o, "iterations"), &o->iterations));
  PetscCall(ConfigGetReal(config, OptimizerKey(o, "tolerance"), &o->tolerance));
  o->name = stage->name;
  o->ops = stage->data;
  o->control_name = o->ops->control_name;
  PetscCall(OptimizerAddValues(o, "iteration", 1, &o->iteration));
  *optimizer = o;
  const PetscErrorCode code = o->ops->setup(o, config);
  if (code) PetscCall(OptimizerDestroy(optimizer));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double OptimizerMemoryMB(Optimizer optimizer)
{
  return optimizer->bytes / 1048576.0;
}

PetscErrorCode OptimizerDestroy(Optimizer *optimizer)
{
  PetscFunctionBegin;
  if (!*optimizer) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*optimizer)->data) PetscCall((*optimizer)->ops->destroy(*optimizer));
  PetscCall(FullVecDestroy(&(*optimizer)->full));
  PetscCall(PetscFree((*optimizer)->state));
  PetscCall(PetscFree(*optimizer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSetMonitor(Optimizer optimizer, OptimizerMonitorFn monitor, void *context)
{
  PetscFunctionBegin;
  optimizer->monitor = monitor;
  optimizer->monitor_context = context;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSolve(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetSize(theta, &n));
  PetscCheck((size_t)n == optimizer->rows->n_param, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "theta has %" PetscInt_FMT " entries, the rows have %zu parameters", n, optimizer->rows->n_param);
  *reason = OPTIMIZER_RUNNING;
  optimizer->rows->stage = optimizer->index;
  optimizer->rows->keeps_weights = optimizer->one_loss;
  PetscCall(optimizer->ops->solve(optimizer, theta, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerUpdateRows(Optimizer optimizer, Vec theta, bool *changed)
{
  const Rows rows = optimizer->rows;
  PetscFunctionBegin;
  *changed = false;
  if (rows->ops->update) PetscCall(rows->ops->update(rows->self, theta, (PetscInt)optimizer->iteration, changed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSkipToNewRows(Optimizer optimizer, Vec theta, bool *changed)
{
  const Rows rows = optimizer->rows;
  PetscInt next = 0;
  PetscFunctionBegin;
  *changed = false;
  if (rows->ops->next_update) PetscCall(rows->ops->next_update(rows->self, (PetscInt)optimizer->iteration, &next));
  if (!next || next >= optimizer->iterations) PetscFunctionReturn(PETSC_SUCCESS);
  optimizer->iteration = (double)next;
  PetscCall(OptimizerUpdateRows(optimizer, theta, changed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *OptimizerMeasureName(OptimizerMeasure measure)
{
  static const char *const names[N_MEASURE] = {"rho", "inner", "dense"};
  return names[measure];
}

double OptimizerReach(Optimizer optimizer)
{
  return optimizer->measures[MEASURE_REACH];
}

PetscErrorCode OptimizerReport(Optimizer optimizer, Vec theta, double loss, double control, double gradient_norm,
                               OptimizerReason *reason)
{
  Progress progress = {.stage = optimizer->name,
                       .stage_index = optimizer->index,
                       .iteration = (PetscInt)optimizer->iteration,
                       .iterations = optimizer->iterations,
                       .loss = loss,
                       .control_name = optimizer->control_name,
                       .control = control,
                       .gradient_norm = gradient_norm,
                       .chooses = optimizer->chooses,
                       .choice = optimizer->choice};
  bool stop = false;
  PetscFunctionBegin;
  for (int k = 0; k < N_MEASURE; k++) {
    progress.has[k] = optimizer->has[k];
    progress.measures[k] = optimizer->measures[k];
  }
  if (optimizer->monitor && optimizer->reported < optimizer->iteration)
    PetscCall(optimizer->monitor(optimizer, &progress, theta, optimizer->monitor_context, &stop));
  optimizer->reported = optimizer->iteration;
  if (!isfinite(loss))
    *reason = OPTIMIZER_DIVERGED;
  else if (!optimizer->rows->gradient_only && loss <= optimizer->tolerance)
    *reason = OPTIMIZER_CONVERGED;
  else if (stop)
    *reason = OPTIMIZER_STOPPED;
  else if (progress.iteration >= optimizer->iterations)
    *reason = OPTIMIZER_ITERATIONS;
  PetscFunctionReturn(PETSC_SUCCESS);
}
