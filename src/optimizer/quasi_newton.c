/* SSBFGS and SSBroyden: steps -t H g with the inverse Hessian of inverse_hessian.c and a strong Wolfe line search.

   H begins as (ys / yy) I after a first step along the gradient (Nocedal and Wright 2006, eq. 6.20). A pair without
   positive curvature is left out. Where H gives no descent or the search finds no step, H is forgotten and a step along
   the gradient is tried; the stage has stalled where that fails too. New points keep H: they sample the same loss, and
   pairs are always taken on one set of points. A step costs one product H g, at the new point before the update: Hy is
   the difference of two such products, and the next direction follows from the formula of the update. */
#include <float.h>
#include <math.h>
#include "inverse_hessian.h"
#include "line_search.h"
#include "optimizer_impl.h"

#define LEAST_COSINE (8.0 * DBL_EPSILON) /* of y and s, for a pair to count */
#define COPIES       3.0                 /* of the matrix while a checkpoint is written */

typedef struct {
  ScalingFn scaling;
  InverseHessian H;
  double pairs; /* whole: steps since H was forgotten, from the first that it counts for */
  LineSearch line;
  Vec gradient, direction, s, y, Hy;
  double *s_all, *Hy_all, *work; /* [n_param] */
  double *product;               /* [n_param] H times gradient, where pairs > 0 */
} QuasiNewton;

static PetscErrorCode set_up(Optimizer optimizer, Config config, ScalingFn scaling)
{
  QuasiNewton *qn;
  const size_t n = optimizer->rows->n_param;
  PetscFunctionBegin;
  PetscCall(OptimizerCheckMemory(optimizer, config, COPIES * 4.0 * (double)n * ((double)n + 1.0),
                                 "a smaller network or lbfgs"));
  PetscCall(PetscNew(&qn));
  optimizer->data = qn;
  optimizer->one_loss = true;
  qn->scaling = scaling;
  PetscCall(InverseHessianCreate(n, &qn->H));
  PetscCall(LineSearchCreate(optimizer->rows, &qn->line));
  PetscCall(OptimizerCreateVec(optimizer, &qn->gradient));
  PetscCall(VecDuplicate(qn->gradient, &qn->direction));
  PetscCall(VecDuplicate(qn->gradient, &qn->s));
  PetscCall(VecDuplicate(qn->gradient, &qn->y));
  PetscCall(VecDuplicate(qn->gradient, &qn->Hy));
  PetscCall(PetscCalloc4(n, &qn->s_all, n, &qn->Hy_all, n, &qn->work, n, &qn->product));
  PetscCall(OptimizerAddValues(optimizer, "pairs", 1, &qn->pairs));
  PetscCall(OptimizerAddValues(optimizer, "scale", 1, &qn->H.scale));
  PetscCall(OptimizerAddValues(optimizer, "product", n, qn->product));
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

/* values [n_param] = H times the gradient */
static PetscErrorCode multiply(Optimizer optimizer, double values[])
{
  QuasiNewton *qn = optimizer->data;
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&optimizer->full, qn->gradient, qn->work));
  PetscCall(InverseHessianApply(&qn->H, qn->work, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scalar products of the step, of vectors shared out over the ranks, so that all ranks decide alike. *counts: is there
   curvature to learn from? A forgotten H begins anew. */
static PetscErrorCode measure_step(QuasiNewton *qn, double step, Vec theta, Curvature *c, bool *counts)
{
  double ss, yy, sg;
  PetscFunctionBegin;
  PetscCall(VecWAXPY(qn->s, -1.0, qn->line.start, theta));
  PetscCall(VecWAXPY(qn->y, -1.0, qn->line.start_gradient, qn->gradient));
  PetscCall(VecDot(qn->y, qn->s, &c->ys));
  PetscCall(VecDot(qn->s, qn->s, &ss));
  PetscCall(VecDot(qn->y, qn->y, &yy));
  PetscCall(VecDot(qn->s, qn->line.start_gradient, &sg));
  *counts = c->ys > LEAST_COSINE * sqrt(ss * yy);
  c->sBs = -step * sg;
  if (!*counts || qn->pairs > 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(InverseHessianReset(&qn->H, c->ys / yy));
  c->sBs = ss * yy / c->ys;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Updates H by the step that the line search took: `step` times direction, which is -H g where H counts. */
static PetscErrorCode learn(Optimizer optimizer, double step, Vec theta)
{
  QuasiNewton *qn = optimizer->data;
  const size_t n = optimizer->rows->n_param;
  Curvature c;
  double tau, phi, sx, Hyx;
  bool counts;
  PetscFunctionBegin;
  PetscCall(measure_step(qn, step, theta, &c, &counts));
  if (!counts && qn->pairs == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  if (qn->pairs == 0.0) {
    PetscCall(FullVecCopy(&optimizer->full, qn->line.start_gradient, qn->work));
    PetscCall(InverseHessianApply(&qn->H, qn->work, qn->product));
  }
  PetscCall(PetscArraycpy(qn->Hy_all, qn->product, n));
  PetscCall(multiply(optimizer, qn->product));
  if (!counts) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = 0; k < n; k++) qn->Hy_all[k] = qn->product[k] - qn->Hy_all[k];
  PetscCall(FullVecPut(qn->Hy_all, qn->Hy));
  PetscCall(VecDot(qn->y, qn->Hy, &c.yHy));
  PetscCall(VecDot(qn->s, qn->gradient, &sx));
  PetscCall(VecDot(qn->Hy, qn->gradient, &Hyx));
  qn->pairs += 1.0;
  if (!(c.sBs > 0.0 && c.yHy > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FullVecCopy(&optimizer->full, qn->s, qn->s_all));
  qn->scaling(&c, (double)n, &tau, &phi);
  PetscCall(InverseHessianUpdate(&qn->H, tau, phi, &c, qn->s_all, qn->Hy_all));
  InverseHessianUpdateProduct(n, tau, phi, &c, qn->s_all, qn->Hy_all, sx, Hyx, qn->product);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_step(Optimizer optimizer, Vec theta, double norm, double *loss, double *step, bool *found)
{
  QuasiNewton *qn = optimizer->data;
  double slope;
  PetscFunctionBegin;
  *found = false;
  if (qn->pairs > 0.0) {
    PetscCall(FullVecPut(qn->product, qn->direction));
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
    if (!changed) continue;
    PetscCall(rows->ops->gradient(rows->self, theta, &loss, qn->gradient));
    if (qn->pairs > 0.0) PetscCall(multiply(optimizer, qn->product));
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
  PetscCall(VecDestroy(&qn->Hy));
  PetscCall(PetscFree4(qn->s_all, qn->Hy_all, qn->work, qn->product));
  PetscCall(PetscFree(qn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_SSBFGS = {"step", OptimizerSetUp_SSBFGS, OptimizerSolve_QuasiNewton,
                                          OptimizerDestroy_QuasiNewton, NULL};
const OptimizerOps OptimizerOps_SSBroyden = {"step", OptimizerSetUp_SSBroyden, OptimizerSolve_QuasiNewton,
                                             OptimizerDestroy_QuasiNewton, NULL};
