/* SSBFGS and SSBroyden: steps -t H g with the inverse Hessian of inverse_hessian.c and a strong Wolfe line search.

   H begins as (ys / yy) I after a first step along the gradient (Nocedal and Wright 2006, eq. 6.20). A pair without
   positive curvature is left out. Where H gives no descent or the search finds no step, H is forgotten and a step along
   the gradient is tried; the stage has stalled where that fails too. New points keep H: they sample the same loss, and
   pairs are always taken on one set of points. */
#include <float.h>
#include <math.h>
#include <unistd.h>
#include "inverse_hessian.h"
#include "line_search.h"
#include "optimizer_impl.h"

#define LEAST_COSINE (8.0 * DBL_EPSILON) /* of y and s, for a pair to count */
#define COPIES       3.0                 /* of the matrix while a checkpoint is written */
#define GIGA         1e9

typedef struct {
  ScalingFn scaling;
  InverseHessian H;
  double pairs; /* whole: updates since H was forgotten */
  LineSearch line;
  Vec gradient, direction, s, y;
  double *s_all, *y_all, *product; /* [n_param] */
} QuasiNewton;

static PetscErrorCode check_memory(Optimizer optimizer, Config config)
{
  const double n = (double)optimizer->rows->n_param, needed = COPIES * 4.0 * n * (n + 1.0) / GIGA;
  double have = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / GIGA;
  PetscFunctionBegin;
  if (ConfigHas(config, "limits.memory")) {
    PetscCall(ConfigGetReal(config, "limits.memory", &have));
    have *= 1e-3;
  }
  PinnUserCheck(needed <= have,
                "%s: %s needs %.3g GB a rank for the inverse Hessian of %zu parameters, there are %.3g GB; take lbfgs "
                "or a smaller network",
                ConfigWhere(config, OptimizerKey(optimizer, "type")), optimizer->name, needed, optimizer->rows->n_param,
                have);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_up(Optimizer optimizer, Config config, ScalingFn scaling)
{
  QuasiNewton *qn;
  const size_t n = optimizer->rows->n_param;
  PetscFunctionBegin;
  PetscCall(check_memory(optimizer, config));
  PetscCall(PetscNew(&qn));
  optimizer->data = qn;
  qn->scaling = scaling;
  PetscCall(InverseHessianCreate(n, &qn->H));
  PetscCall(LineSearchCreate(optimizer->rows, &qn->line));
  PetscCall(OptimizerCreateVec(optimizer, &qn->gradient));
  PetscCall(VecDuplicate(qn->gradient, &qn->direction));
  PetscCall(VecDuplicate(qn->gradient, &qn->s));
  PetscCall(VecDuplicate(qn->gradient, &qn->y));
  PetscCall(PetscMalloc3(n, &qn->s_all, n, &qn->y_all, n, &qn->product));
  PetscCall(OptimizerAddValues(optimizer, "pairs", 1, &qn->pairs));
  PetscCall(OptimizerAddValues(optimizer, "scale", 1, &qn->H.scale));
  PetscCall(OptimizerAddValues(optimizer, "inverse", qn->H.n_packed, qn->H.packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_SSBFGS(Optimizer optimizer, Config config)
{
  PetscFunctionBegin;
  PetscCall(set_up(optimizer, config, ScalingBFGS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_SSBroyden(Optimizer optimizer, Config config)
{
  PetscFunctionBegin;
  PetscCall(set_up(optimizer, config, ScalingBroyden));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Updates H by the step that the line search took: `step` times direction, which is -H g where H counts.
   Scalar products are those of vectors shared out over the ranks, so that all ranks decide alike. */
static PetscErrorCode learn(Optimizer optimizer, double step, Vec theta)
{
  QuasiNewton *qn = optimizer->data;
  Curvature c;
  double ss, yy, sg, tau, phi;
  PetscFunctionBegin;
  PetscCall(VecWAXPY(qn->s, -1.0, qn->line.start, theta));
  PetscCall(VecWAXPY(qn->y, -1.0, qn->line.start_gradient, qn->gradient));
  PetscCall(VecDot(qn->y, qn->s, &c.ys));
  PetscCall(VecDot(qn->s, qn->s, &ss));
  PetscCall(VecDot(qn->y, qn->y, &yy));
  PetscCall(VecDot(qn->s, qn->line.start_gradient, &sg));
  if (!(c.ys > LEAST_COSINE * sqrt(ss * yy))) PetscFunctionReturn(PETSC_SUCCESS);
  c.sBs = -step * sg;
  if (qn->pairs == 0.0) {
    PetscCall(InverseHessianReset(&qn->H, c.ys / yy));
    c.sBs = ss * yy / c.ys;
  }
  PetscCall(OptimizerGather(optimizer, qn->s, qn->s_all));
  PetscCall(OptimizerGather(optimizer, qn->y, qn->y_all));
  PetscCall(InverseHessianApply(&qn->H, qn->y_all, qn->product));
  PetscCall(OptimizerScatter(qn->product, qn->direction));
  PetscCall(VecDot(qn->y, qn->direction, &c.yHy));
  if (!(c.sBs > 0.0 && c.yHy > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  qn->scaling(&c, (double)qn->H.n, &tau, &phi);
  PetscCall(InverseHessianUpdate(&qn->H, tau, phi, &c, qn->s_all, qn->product));
  qn->pairs += 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_step(Optimizer optimizer, Vec theta, double norm, double *loss, double *step, bool *found)
{
  QuasiNewton *qn = optimizer->data;
  double slope;
  PetscFunctionBegin;
  *found = false;
  if (qn->pairs > 0.0) {
    PetscCall(OptimizerGather(optimizer, qn->gradient, qn->y_all));
    PetscCall(InverseHessianApply(&qn->H, qn->y_all, qn->product));
    PetscCall(OptimizerScatter(qn->product, qn->direction));
    PetscCall(VecScale(qn->direction, -1.0));
    PetscCall(VecDot(qn->direction, qn->gradient, &slope));
    if (slope < 0.0 && isfinite(slope))
      PetscCall(LineSearchRun(&qn->line, 1.0, qn->direction, theta, loss, qn->gradient, step, found));
  }
  if (!*found) {
    /* as long as would minimize a quadratic with minimum 0 along the gradient */
    qn->pairs = 0.0;
    PetscCall(VecCopy(qn->gradient, qn->direction));
    PetscCall(VecScale(qn->direction, -1.0));
    PetscCall(
        LineSearchRun(&qn->line, 2.0 * *loss / (norm * norm), qn->direction, theta, loss, qn->gradient, step, found));
  }
  if (*found) PetscCall(learn(optimizer, *step, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_QuasiNewton(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  QuasiNewton *qn = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, norm, step = 0.0;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->gradient(rows->self, theta, &loss, qn->gradient));
  for (;;) {
    PetscCall(VecNorm(qn->gradient, NORM_2, &norm));
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, step, norm, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    found = false;
    if (norm > 0.0) PetscCall(take_step(optimizer, theta, norm, &loss, &step, &found));
    if (!found) {
      *reason = OPTIMIZER_STALLED;
      break;
    }
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (changed) PetscCall(rows->ops->gradient(rows->self, theta, &loss, qn->gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_QuasiNewton(Optimizer optimizer)
{
  QuasiNewton *qn = optimizer->data;
  PetscFunctionBegin;
  PetscCall(InverseHessianDestroy(&qn->H));
  PetscCall(LineSearchDestroy(&qn->line));
  PetscCall(VecDestroy(&qn->gradient));
  PetscCall(VecDestroy(&qn->direction));
  PetscCall(VecDestroy(&qn->s));
  PetscCall(VecDestroy(&qn->y));
  PetscCall(PetscFree3(qn->s_all, qn->y_all, qn->product));
  PetscCall(PetscFree(qn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_SSBFGS = {"step", OptimizerSetUp_SSBFGS, OptimizerSolve_QuasiNewton,
                                          OptimizerDestroy_QuasiNewton};
const OptimizerOps OptimizerOps_SSBroyden = {"step", OptimizerSetUp_SSBroyden, OptimizerSolve_QuasiNewton,
                                             OptimizerDestroy_QuasiNewton};
