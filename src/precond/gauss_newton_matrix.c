/* The damped Gauss-Newton matrix, by products with the linearized rows. */
#include <petsc/private/petscimpl.h>
#include "pinn/precond.h"

typedef struct {
  GaussNewtonSystem system;
  double *r, *Jv; /* [n_row] as it was at the last point */
} Context;

static PetscErrorCode multiply(Mat A, Vec v, Vec y)
{
  Context *c;
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &c));
  const Rows rows = c->system.rows;
  PetscCall(rows->ops->apply(rows->self, c->system.theta, v, c->Jv));
  PetscCall(rows->ops->apply_transpose(rows->self, c->system.theta, c->Jv, y));
  PetscCall(VecAXPY(y, c->system.lambda, v));
  c->system.products += 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode get_diagonal(Mat A, Vec diagonal)
{
  Context *c;
  PetscInt first, last;
  double *d, *local;
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(PetscMalloc1(c->system.rows->n_param, &d));
  PetscCall(RowsDiagonal(c->system.rows, c->system.theta, d));
  PetscCall(VecGetOwnershipRange(diagonal, &first, &last));
  PetscCall(VecGetArrayWrite(diagonal, &local));
  for (PetscInt k = first; k < last; k++) local[k - first] = d[k] + c->system.lambda;
  PetscCall(VecRestoreArrayWrite(diagonal, &local));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy(Mat A)
{
  Context *c;
  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &c));
  PetscCall(VecDestroy(&c->system.theta));
  PetscCall(PetscFree2(c->r, c->Jv));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussNewtonCreate(Rows rows, Mat *A)
{
  const PetscInt n = (PetscInt)rows->n_param;
  Context *c;
  PetscFunctionBegin;
  PetscCall(PrecondRegisterAll());
  PetscCall(PetscNew(&c));
  c->system = (GaussNewtonSystem){.rows = rows};
  PetscCall(RowsCreateVec(rows, &c->system.theta));
  PetscCall(MatCreateShell(rows->comm, PETSC_DECIDE, PETSC_DECIDE, n, n, c, A));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT, (void (*)(void))multiply));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT_TRANSPOSE, (void (*)(void))multiply));
  PetscCall(MatShellSetOperation(*A, MATOP_GET_DIAGONAL, (void (*)(void))get_diagonal));
  PetscCall(MatShellSetOperation(*A, MATOP_DESTROY, (void (*)(void))destroy));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode get_context(Mat A, Context **c)
{
  void (*own)(void) = NULL;
  PetscBool shell = PETSC_FALSE;
  PetscFunctionBegin;
  if (A) PetscCall(PetscObjectTypeCompare((PetscObject)A, MATSHELL, &shell));
  if (shell) PetscCall(MatShellGetOperation(A, MATOP_MULT, &own));
  PinnUserCheck(own == (void (*)(void))multiply,
                "the preconditioners of pinn-solve need the Gauss-Newton matrix of a stage that has one");
  PetscCall(MatShellGetContext(A, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussNewtonSetPoint(Mat A, Vec theta, bool fresh)
{
  Context *c;
  PetscFunctionBegin;
  PetscCall(get_context(A, &c));
  const Rows rows = c->system.rows;
  PetscCall(VecCopy(theta, c->system.theta));
  PetscCall(PetscFree2(c->r, c->Jv));
  PetscCall(PetscMalloc2(rows->n_row, &c->r, rows->n_row, &c->Jv));
  PetscCall(RowsLinearize(rows, c->system.theta, c->r, &c->system.loss));
  c->system.r = c->r;
  c->system.generation += fresh || !c->system.point;
  c->system.point++;
  PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussNewtonSetDamping(Mat A, double lambda)
{
  Context *c;
  PetscFunctionBegin;
  PetscCall(get_context(A, &c));
  c->system.lambda = lambda;
  PetscCall(PetscObjectStateIncrease((PetscObject)A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GaussNewtonGetSystem(Mat A, const GaussNewtonSystem **system)
{
  Context *c;
  PetscFunctionBegin;
  PetscCall(get_context(A, &c));
  PetscCheck(c->system.point, PETSC_COMM_SELF, PETSC_ERR_ORDER, "GaussNewtonSetPoint() comes first");
  *system = &c->system;
  PetscFunctionReturn(PETSC_SUCCESS);
}
