/* Every rank's rows are padded with rows of the identity to the longest share: equal blocks are what ScaLAPACK can take
   over as they are and deal out again, block by block over a grid of ranks. */
#include "gram_system.h"
#include <math.h>
#include <petscmat.h>

struct GramSystem_s {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  PetscInt n_row, share; /* of this rank; of every rank, padded */
  PetscInt *count;       /* [size] rows of each */
  Mat rows, factor;      /* dense by rows; its copy dealt out, which becomes the factor */
  Vec b, x;
};

double GramSystemBytes(double order, double size)
{
  return 2.0 * order * order / size * sizeof(double);
}

PetscErrorCode GramSystemCreate(MPI_Comm comm, PetscInt n_row, GramSystem *system)
{
  GramSystem s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *system = s;
  s->comm = comm;
  s->n_row = n_row;
  PetscCallMPI(MPI_Comm_rank(comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(comm, &s->size));
  PetscCall(PetscMalloc1(s->size, &s->count));
  PetscCallMPI(MPI_Allgather(&n_row, 1, MPIU_INT, s->count, 1, MPIU_INT, comm));
  for (PetscMPIInt k = 0; k < s->size; k++) s->share = PetscMax(s->share, s->count[k]);
  PetscCall(MatCreateDense(comm, s->share, s->share, PETSC_DETERMINE, PETSC_DETERMINE, NULL, &s->rows));
  PetscCall(VecCreateMPI(comm, s->share, PETSC_DETERMINE, &s->b));
  PetscCall(VecDuplicate(s->b, &s->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GramSystemDestroy(GramSystem *system)
{
  GramSystem s = *system;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDestroy(&s->rows));
  PetscCall(MatDestroy(&s->factor));
  PetscCall(VecDestroy(&s->b));
  PetscCall(VecDestroy(&s->x));
  PetscCall(PetscFree(s->count));
  PetscCall(PetscFree(*system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K + shift into the dense matrix, column-major. */
static PetscErrorCode put_rows(GramSystem s, const double K[], size_t ld, double shift)
{
  const size_t share = (size_t)s->share, own = (size_t)s->rank * share;
  double *A;
  PetscFunctionBegin;
  PetscCall(MatZeroEntries(s->rows));
  PetscCall(MatDenseGetArrayWrite(s->rows, &A));
  size_t column = 0;
  for (PetscMPIInt k = 0; k < s->size; k++)
    for (size_t j = 0; j < (size_t)s->count[k]; j++, column++)
      for (size_t i = 0; i < (size_t)s->n_row; i++) A[((size_t)k * share + j) * share + i] = K[i * ld + column];
  for (size_t i = 0; i < share; i++) A[(own + i) * share + i] += i < (size_t)s->n_row ? shift : 1.0;
  PetscCall(MatDenseRestoreArrayWrite(s->rows, &A));
  PetscCall(MatAssemblyBegin(s->rows, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->rows, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode agree(GramSystem s, bool *ok)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ok, 1, MPI_C_BOOL, MPI_LAND, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GramSystemFactor(GramSystem s, const double K[], size_t ld, double shift, bool *ok)
{
  PetscFunctionBegin;
  PetscCall(put_rows(s, K, ld, shift));
  PetscCall(MatDestroy(&s->factor));
  PetscCall(MatConvert(s->rows, MATSCALAPACK, MAT_INITIAL_MATRIX, &s->factor));
  PetscCall(MatSetOption(s->factor, MAT_SYMMETRIC, PETSC_TRUE));
  /* A pivot that is not positive is an error to PETSC, and an answer here. */
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  *ok = MatCholeskyFactor(s->factor, NULL, NULL) == PETSC_SUCCESS;
  PetscCall(PetscPopErrorHandler());
  PetscCall(agree(s, ok));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GramSystemSolve(GramSystem s, double b[], bool *ok)
{
  const double *x;
  double *padded;
  PetscFunctionBegin;
  PetscCall(VecGetArrayWrite(s->b, &padded));
  PetscCall(PetscArrayzero(padded, s->share));
  PetscCall(PetscArraycpy(padded, b, s->n_row));
  PetscCall(VecRestoreArrayWrite(s->b, &padded));
  PetscCall(MatSolve(s->factor, s->b, s->x));
  PetscCall(VecGetArrayRead(s->x, &x));
  *ok = true;
  for (PetscInt i = 0; i < s->n_row; i++) *ok = *ok && isfinite(x[i]);
  PetscCall(agree(s, ok));
  if (*ok) PetscCall(PetscArraycpy(b, x, s->n_row));
  PetscCall(VecRestoreArrayRead(s->x, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
