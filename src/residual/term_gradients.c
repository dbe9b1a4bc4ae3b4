/* The gradients of the terms one by one, and what diagnostics leave as it was. */
#include "linearization.h"

PetscErrorCode ResidualTermGradients(Residual residual, Vec theta, Vec gradients[])
{
  const Rows rows = &residual->rows;
  double *r, *w, loss;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(rows->n_row, &r, rows->n_row, &w));
  PetscCall(rows->ops->evaluate(rows->self, theta, r, &loss));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const int n_term = block->block->n_term;
    const size_t end = b + 1 < residual->n_block ? residual->blocks[b + 1].row : (size_t)rows->n_row;
    const size_t n = (end - block->row) / (size_t)n_term;
    for (int e = 0; e < n_term; e++) {
      const size_t first = block->row + (size_t)e * n;
      PetscCall(PetscArrayzero(w, rows->n_row));
      PetscCall(PetscArraycpy(w + first, r + first, n));
      PetscCall(rows->ops->apply_transpose(rows->self, theta, w, gradients[block->term + e]));
    }
  }
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
