/* The gradients of the terms one by one, and what diagnostics leave as it was. */
#include "linearization.h"

/* w = r in the rows of one term, else 0. */
static PetscErrorCode take_term(const Residual residual, const RowBlock *block, int e, const double r[], double w[])
{
  const size_t n = (size_t)block->train.n_row, first = block->row + (size_t)e * n;
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(w, residual->rows.n_row));
  PetscCall(PetscArraycpy(w + first, r + first, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualTermGradients(Residual residual, Vec theta, Vec gradients[])
{
  const Rows rows = &residual->rows;
  double *r, *w, loss;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(rows->n_row, &r, rows->n_row, &w));
  PetscCall(rows->ops->evaluate(rows->self, theta, r, &loss));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    for (int e = 0; e < block->block->n_term; e++) {
      PetscCall(take_term(residual, block, e, r, w));
      PetscCall(rows->ops->apply_transpose(rows->self, theta, w, gradients[block->term + e]));
    }
  }
  PetscCall(PetscFree2(r, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualTermGradientNorms(Residual residual, Vec theta, double norms[])
{
  const PetscInt n_row = residual->rows.n_row;
  double *r, *w, loss;
  Vec gradient;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_row, &r, n_row, &w));
  PetscCall(ResidualCreateTheta(residual, &gradient));
  PetscCall(ResidualRowsOps.evaluate(residual, theta, r, &loss));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    for (int e = 0; e < block->block->n_term; e++) {
      PetscCall(take_term(residual, block, e, r, w));
      PetscCall(ResidualRowsOps.apply_transpose(residual, theta, w, gradient));
      PetscCall(VecNorm(gradient, NORM_2, &norms[block->term + e]));
    }
  }
  PetscCall(VecDestroy(&gradient));
  PetscCall(PetscFree2(r, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualLinearized(Residual residual, Vec theta, bool *linearized)
{
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  *linearized = LinearizationHolds(residual, values);
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ResidualForgetLinearization(Residual residual)
{
  LinearizationForget(residual);
}
