/* (diag J^T J + lambda)^{-1}, Jacobi's preconditioner; and for plane waves the same with the diagonal averaged over
   their phases: the inverse symbol of the differential operator (De Ryck, Bonnet, Mishra and de Bezenac 2024). */
#include "precond_impl.h"

typedef struct {
  double *d;   /* [n_param] diag J^T J */
  Vec inverse; /* of the damped diagonal */
} Diagonal;

static PetscErrorCode PrecondCreate_Diagonal(Precond p)
{
  Diagonal *diagonal;
  PetscFunctionBegin;
  PetscCall(PetscNew(&diagonal));
  p->data = diagonal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Diagonal(Precond p)
{
  Diagonal *diagonal = p->data;
  PetscFunctionBegin;
  PetscCall(PetscFree(diagonal->d));
  PetscCall(VecDestroy(&diagonal->inverse));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondUpdate_Diagonal(Precond p)
{
  Diagonal *diagonal = p->data;
  PetscFunctionBegin;
  if (!diagonal->d) {
    PetscCall(PetscMalloc1(p->rows->n_param, &diagonal->d));
    PetscCall(VecDuplicate(p->theta, &diagonal->inverse));
  }
  if (p->ops != &PrecondOps_Operator) {
    PetscCall(RowsDiagonal(p->rows, p->theta, diagonal->d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PinnUserCheck(p->rows->ops->symbol, "preconditioner operator: these rows know no symbol of a differential operator");
  PetscCall(p->rows->ops->symbol(p->rows->self, p->theta, diagonal->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where J has a column of zeros and there is no damping, the entry is 1. */
static PetscErrorCode PrecondDamp_Diagonal(Precond p)
{
  Diagonal *diagonal = p->data;
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(diagonal->inverse, &first, &last));
  PetscCall(VecGetArrayWrite(diagonal->inverse, &local));
  for (PetscInt k = first; k < last; k++) {
    const double d = diagonal->d[k] + p->lambda;
    local[k - first] = d > 0.0 ? 1.0 / d : 1.0;
  }
  PetscCall(VecRestoreArrayWrite(diagonal->inverse, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Diagonal(Precond p, Vec x, Vec y)
{
  Diagonal *diagonal = p->data;
  PetscFunctionBegin;
  PetscCall(VecPointwiseMult(y, diagonal->inverse, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Diagonal(Precond p, PetscViewer viewer)
{
  Diagonal *diagonal = p->data;
  double least = diagonal->d[0], most = diagonal->d[0];
  PetscFunctionBegin;
  for (size_t k = 1; k < p->rows->n_param; k++) {
    least = PetscMin(least, diagonal->d[k]);
    most = PetscMax(most, diagonal->d[k]);
  }
  PetscCall(PetscViewerASCIIPrintf(viewer, "  diagonal between %g and %g\n", least, most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const PrecondOps PrecondOps_Diagonal = {.create = PrecondCreate_Diagonal,
                                        .destroy = PrecondDestroy_Diagonal,
                                        .update = PrecondUpdate_Diagonal,
                                        .damp = PrecondDamp_Diagonal,
                                        .apply = PrecondApply_Diagonal,
                                        .view = PrecondView_Diagonal};

const PrecondOps PrecondOps_Operator = {.create = PrecondCreate_Diagonal,
                                        .destroy = PrecondDestroy_Diagonal,
                                        .update = PrecondUpdate_Diagonal,
                                        .damp = PrecondDamp_Diagonal,
                                        .apply = PrecondApply_Diagonal,
                                        .view = PrecondView_Diagonal};
