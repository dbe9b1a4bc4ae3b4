/* L-BFGS from TAO's parts: PETSc's limited-memory matrix gives the direction, the More-Thuente line search the step.

   TaoSolve() itself is not used: points may change between iterations, and a checkpoint needs what the matrix was fed
   with. The last history + 1 points and gradients are kept; fed again in order, and with the inverse Hessian's scale
   taken from the newest pair alone, they give the same matrix bit for bit. */
#include <math.h>
#include "line_search.h"
#include "optimizer_impl.h"

typedef struct {
  Mat hessian;
  LineSearch line;
  Vec gradient, direction;
  PetscInt n_slot;
  Vec *x, *g;          /* [n_slot], a ring */
  double next, n_kept; /* whole: the slot to be written, slots in use */
  char (*names)[2][16];
} LBFGS;

static PetscErrorCode create_ring(Optimizer optimizer, LBFGS *lbfgs)
{
  PetscFunctionBegin;
  PetscCall(VecDuplicateVecs(lbfgs->gradient, lbfgs->n_slot, &lbfgs->x));
  PetscCall(VecDuplicateVecs(lbfgs->gradient, lbfgs->n_slot, &lbfgs->g));
  PetscCall(PetscMalloc1(lbfgs->n_slot, &lbfgs->names));
  PetscCall(OptimizerAddValues(optimizer, "next", 1, &lbfgs->next));
  PetscCall(OptimizerAddValues(optimizer, "kept", 1, &lbfgs->n_kept));
  for (PetscInt k = 0; k < lbfgs->n_slot; k++) {
    PetscCall(PetscSNPrintf(lbfgs->names[k][0], sizeof(lbfgs->names[k][0]), "x%" PetscInt_FMT, k));
    PetscCall(PetscSNPrintf(lbfgs->names[k][1], sizeof(lbfgs->names[k][1]), "g%" PetscInt_FMT, k));
    PetscCall(OptimizerAddVec(optimizer, lbfgs->names[k][0], lbfgs->x[k]));
    PetscCall(OptimizerAddVec(optimizer, lbfgs->names[k][1], lbfgs->g[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_LBFGS(Optimizer optimizer, Config config)
{
  LBFGS *lbfgs;
  PetscInt n_local, history;
  PetscFunctionBegin;
  PetscCall(PetscNew(&lbfgs));
  optimizer->data = lbfgs;
  optimizer->one_loss = true;
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "history"), &history));
  lbfgs->n_slot = history + 1;
  PetscCall(OptimizerCreateVec(optimizer, &lbfgs->gradient));
  PetscCall(VecDuplicate(lbfgs->gradient, &lbfgs->direction));
  PetscCall(create_ring(optimizer, lbfgs));
  PetscCall(VecGetLocalSize(lbfgs->gradient, &n_local));
  /* Not MatCreateLMVMBFGS(): it allocates, and changing the history of an allocated matrix crashes in PETSc 3.18. */
  PetscCall(KSPInitializePackage()); /* it registers the matrix type */
  PetscCall(MatCreate(optimizer->rows->comm, &lbfgs->hessian));
  PetscCall(MatSetSizes(lbfgs->hessian, n_local, n_local, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(lbfgs->hessian, MATLMVMBFGS));
  PetscCall(MatLMVMSetHistorySize(lbfgs->hessian, history));
  PetscCall(MatLMVMSymBroydenSetScaleType(lbfgs->hessian, MAT_LMVM_SYMBROYDEN_SCALE_SCALAR));
  PetscCall(MatLMVMAllocate(lbfgs->hessian, lbfgs->gradient, lbfgs->gradient));
  PetscCall(LineSearchCreate(optimizer->rows, &lbfgs->line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode forget(LBFGS *lbfgs)
{
  PetscFunctionBegin;
  lbfgs->next = lbfgs->n_kept = 0.0;
  PetscCall(MatLMVMReset(lbfgs->hessian, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Feeds the matrix with the kept points, oldest first: after a resume it is empty. */
static PetscErrorCode replay(LBFGS *lbfgs)
{
  const PetscInt n_kept = (PetscInt)lbfgs->n_kept, oldest = (PetscInt)lbfgs->next + lbfgs->n_slot - n_kept;
  PetscFunctionBegin;
  PetscCall(MatLMVMReset(lbfgs->hessian, PETSC_FALSE));
  for (PetscInt k = 0; k < n_kept; k++) {
    const PetscInt slot = (oldest + k) % lbfgs->n_slot;
    PetscCall(MatLMVMUpdate(lbfgs->hessian, lbfgs->x[slot], lbfgs->g[slot]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode remember(LBFGS *lbfgs, Vec theta)
{
  const PetscInt slot = (PetscInt)lbfgs->next;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, lbfgs->x[slot]));
  PetscCall(VecCopy(lbfgs->gradient, lbfgs->g[slot]));
  PetscCall(MatLMVMUpdate(lbfgs->hessian, theta, lbfgs->gradient));
  lbfgs->next = (double)((slot + 1) % lbfgs->n_slot);
  lbfgs->n_kept = fmin(lbfgs->n_kept + 1.0, (double)lbfgs->n_slot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode line_search(LBFGS *lbfgs, double first, Vec theta, double *loss, double *step, bool *found)
{
  PetscFunctionBegin;
  PetscCall(VecScale(lbfgs->direction, -1.0));
  PetscCall(LineSearchRun(&lbfgs->line, first, lbfgs->direction, theta, loss, lbfgs->gradient, step, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient, scaled so that a quadratic with minimum 0 would be minimized along it. */
static PetscErrorCode steepest_step(LBFGS *lbfgs, Vec theta, double norm, double *loss, double *step, bool *found)
{
  PetscFunctionBegin;
  PetscCall(forget(lbfgs));
  PetscCall(remember(lbfgs, theta));
  PetscCall(VecCopy(lbfgs->gradient, lbfgs->direction));
  PetscCall(line_search(lbfgs, 2.0 * *loss / (norm * norm), theta, loss, step, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode lbfgs_step(LBFGS *lbfgs, Vec theta, double norm, double *loss, double *step, bool *found)
{
  double slope;
  PetscFunctionBegin;
  *found = false;
  if (lbfgs->n_kept > 0.0) {
    PetscCall(remember(lbfgs, theta));
    PetscCall(MatSolve(lbfgs->hessian, lbfgs->gradient, lbfgs->direction));
    PetscCall(VecDot(lbfgs->direction, lbfgs->gradient, &slope));
    if (slope > 0.0 && isfinite(slope)) PetscCall(line_search(lbfgs, 1.0, theta, loss, step, found));
  }
  if (!*found) PetscCall(steepest_step(lbfgs, theta, norm, loss, step, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_LBFGS(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  LBFGS *lbfgs = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, norm, step = 0.0;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->gradient(rows->self, theta, &loss, lbfgs->gradient));
  PetscCall(replay(lbfgs));
  for (;;) {
    PetscCall(VecNorm(lbfgs->gradient, NORM_2, &norm));
    PetscCall(OptimizerReport(optimizer, theta, isfinite(norm) ? loss : norm, step, norm, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    found = false;
    if (norm > 0.0) PetscCall(lbfgs_step(lbfgs, theta, norm, &loss, &step, &found));
    if (!found) {
      *reason = OPTIMIZER_STALLED;
      break;
    }
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (!changed) continue;
    PetscCall(forget(lbfgs));
    PetscCall(rows->ops->gradient(rows->self, theta, &loss, lbfgs->gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_LBFGS(Optimizer optimizer)
{
  LBFGS *lbfgs = optimizer->data;
  PetscFunctionBegin;
  PetscCall(MatDestroy(&lbfgs->hessian));
  PetscCall(LineSearchDestroy(&lbfgs->line));
  PetscCall(VecDestroy(&lbfgs->gradient));
  PetscCall(VecDestroy(&lbfgs->direction));
  PetscCall(VecDestroyVecs(lbfgs->n_slot, &lbfgs->x));
  PetscCall(VecDestroyVecs(lbfgs->n_slot, &lbfgs->g));
  PetscCall(PetscFree(lbfgs->names));
  PetscCall(PetscFree(lbfgs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_LBFGS = {"step", OptimizerSetUp_LBFGS, OptimizerSolve_LBFGS, OptimizerDestroy_LBFGS,
                                         NULL};
