/* Least squares on the last layer, the tail of theta: one solve where the rows are linear in it, else Newton's method
   on the coefficients with a line search.

   Each solve is rank-revealing: the columns of J are scaled to length one, the triangle of [J r] is reduced over the
   ranks, and a complete orthogonal factorization (dgelsy) leaves out singular values below the cutoff. On the triangles
   of random-feature problems that is twice as fast as the SVD (dgelsd) and at least as accurate: dgelsd's errors grow
   once the cutoff is below 1e-14. The new coefficients, not the step, are made as short as they can be: early Newton
   iterates fit what cannot be fitted with huge coefficients in directions that J hardly sees, and carrying those on
   would leave their rounding errors in the solution.

   What the loss of a linear problem keeps above the minimum of the model is rounding error of the solve; a second solve
   for the remaining residual takes it away (iterative refinement). */
#include <math.h>
#include "lapack.h"
#include "least_squares.h"

#define MOST_HALVINGS 30
#define ENOUGH        1e-4 /* of the model's decrease must be reached by a step */
#define NEAR_FLOOR    1.02 /* loss / floor at which a linear problem needs no refinement */
#define SLOW_DECREASE 1e-4 /* of the loss, by a Newton step: the end */

static PetscErrorCode OptimizerSetUp_LeastSquares(Optimizer optimizer, Config config)
{
  LeastSquares *ls;
  const Rows rows = optimizer->rows;
  const size_t count = rows->n_param - rows->last_begin;
  PetscFunctionBegin;
  PetscCall(PetscNew(&ls));
  optimizer->data = ls;
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "cutoff"), &ls->cutoff));
  PetscCall(DenseCreate(optimizer, config, rows, rows->last_begin, count, false, false, &ls->dense));
  PetscCall(PetscMalloc2(count, &ls->step, count, &ls->coefficients));
  PetscCall(OptimizerCreateVec(optimizer, &ls->trial));
  PetscCall(OptimizerAddValues(optimizer, "solves", 1, &ls->solves));
  PetscCall(ScaleSearchSetUp(optimizer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last layer's part of theta, scaled like J, on all ranks. */
static PetscErrorCode get_coefficients(const Dense d, Vec theta, double c[])
{
  const PetscInt begin = (PetscInt)d->begin;
  const double *local;
  PetscInt first, last;
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(c, d->n));
  PetscCall(VecGetOwnershipRange(theta, &first, &last));
  PetscCall(VecGetArrayRead(theta, &local));
  for (PetscInt k = PetscMax(first, begin); k < last; k++) c[k - begin] = local[k - first] / d->scaling[k - begin];
  PetscCall(VecRestoreArrayRead(theta, &local));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c, d->k, MPI_DOUBLE, MPI_SUM, d->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On rank 0: step = argmin |J d + r| from the triangle T of [J r], *floor = 1/2 of that minimum squared, and the rank.
   Of all minimizers to working precision it is the one with the shortest new coefficients c + d. */
static PetscErrorCode solve_triangle(LeastSquares *ls, const double c[], double *floor)
{
  const Dense d = ls->dense;
  const PetscBLASInt k = d->k, inc = 1;
  const double *right = d->T + (size_t)d->ld * (size_t)k; /* Q^T r, and below it the part of r out of reach */
  double *A = d->F, *b = d->work;
  PetscBLASInt rank;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(A, d->T, (size_t)d->ld * (size_t)d->ld));
  PetscCall(PetscArraycpy(b, c, k));
  PetscCallBLAS("BLAStrmv", BLAStrmv_("U", "N", "N", &k, d->T, &d->ld, b, &inc));
  for (PetscBLASInt j = 0; j < k; j++) b[j] -= right[j];
  PetscCall(LapackLeastSquares(k, A, d->ld, 1, b, ls->cutoff, &rank));
  for (PetscBLASInt j = 0; j < k; j++) b[j] = ls->step[j] = b[j] - c[j];
  PetscCallBLAS("BLAStrmv", BLAStrmv_("U", "N", "N", &k, d->T, &d->ld, b, &inc));
  *floor = 0.5 * right[k] * right[k];
  for (PetscBLASInt j = 0; j < k; j++) *floor += 0.5 * (b[j] + right[j]) * (b[j] + right[j]);
  ls->rank = rank;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* step on all ranks. *floor is not finite where J or r are not. */
static PetscErrorCode full_step(LeastSquares *ls, Vec theta, double *floor)
{
  const Dense d = ls->dense;
  const bool refinement = d->rows->linear && ls->solves > 0.0;
  double shared[2] = {0.0, 0.0};
  PetscFunctionBegin;
  PetscCall(DenseAssemble(d, theta, 0.0, true));
  *floor = NAN;
  for (size_t k = 0; k < d->n; k++)
    if (!isfinite(d->gradient[k])) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseTriangle(d));
  PetscCall(PetscArrayzero(ls->coefficients, d->n));
  if (!refinement) PetscCall(get_coefficients(d, theta, ls->coefficients));
  if (!d->rank) PetscCall(solve_triangle(ls, ls->coefficients, &shared[0]));
  shared[1] = ls->rank;
  PetscCallMPI(MPI_Bcast(shared, 2, MPI_DOUBLE, 0, d->rows->comm));
  PetscCallMPI(MPI_Bcast(ls->step, d->k, MPI_DOUBLE, 0, d->rows->comm));
  *floor = shared[0];
  ls->rank = shared[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LeastSquaresStep(Optimizer optimizer, Vec theta, double *loss, double *floor, bool *found)
{
  LeastSquares *ls = optimizer->data;
  const Rows rows = optimizer->rows;
  double t = 1.0, trial;
  PetscFunctionBegin;
  *found = false;
  PetscCall(full_step(ls, theta, floor));
  if (!(*floor < *loss)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < (rows->linear ? 1 : MOST_HALVINGS) && !*found; k++, t *= 0.5) {
    PetscCall(DenseShift(ls->dense, ls->trial, theta, t, ls->step));
    PetscCall(rows->ops->evaluate(rows->self, ls->trial, NULL, &trial));
    *found = isfinite(trial) && trial < *loss && *loss - trial >= ENOUGH * t * (*loss - *floor);
  }
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(ls->trial, theta));
  *loss = trial;
  ls->solves += 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_LeastSquares(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  LeastSquares *ls = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, floor;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(ScaleSearchRun(optimizer, theta, reason));
  if (*reason != OPTIMIZER_RUNNING) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  PetscCall(OptimizerReport(optimizer, theta, loss, ls->rank, NAN, reason));
  while (*reason == OPTIMIZER_RUNNING) {
    const double before = loss;
    PetscCall(LeastSquaresStep(optimizer, theta, &loss, &floor, &found));
    if (isnan(floor))
      *reason = OPTIMIZER_DIVERGED;
    else if (!found)
      *reason = rows->linear ? OPTIMIZER_CONVERGED : OPTIMIZER_STALLED;
    if (*reason != OPTIMIZER_RUNNING) break;
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (changed) PetscCall(rows->ops->evaluate(rows->self, theta, NULL, &loss));
    PetscCall(OptimizerReport(optimizer, theta, loss, ls->rank, NAN, reason));
    if (*reason != OPTIMIZER_RUNNING || changed) continue;
    if (rows->linear && (ls->solves >= 2.0 || loss <= NEAR_FLOOR * floor)) *reason = OPTIMIZER_CONVERGED;
    if (!rows->linear && before - loss < SLOW_DECREASE * before) *reason = OPTIMIZER_STALLED;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_LeastSquares(Optimizer optimizer)
{
  LeastSquares *ls = optimizer->data;
  PetscFunctionBegin;
  PetscCall(ScaleSearchDestroy(optimizer));
  PetscCall(DenseDestroy(&ls->dense));
  PetscCall(VecDestroy(&ls->trial));
  PetscCall(PetscFree2(ls->step, ls->coefficients));
  PetscCall(PetscFree(ls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_LeastSquares = {"rank", OptimizerSetUp_LeastSquares, OptimizerSolve_LeastSquares,
                                                OptimizerDestroy_LeastSquares, NULL};
