/* What a row is called, whatever rank owns it. */
#include "linearization.h"

/* Terms in their order, and the points of a term in theirs: ranks own consecutive ones. */
PetscErrorCode RowsNumbers_Residual(void *self, PetscInt64 numbers[])
{
  const Residual residual = self;
  PetscInt64 begin = 0;
  PetscFunctionBegin;
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const PetscInt64 mine = block->train.n_row;
    PetscInt64 first = 0;
    PetscCallMPI(MPI_Scan(&mine, &first, 1, MPIU_INT64, MPI_SUM, residual->rows.comm));
    first -= mine;
    for (int e = 0; e < block->block->n_term; e++, begin += block->train.count)
      for (PetscInt64 i = 0; i < mine; i++) numbers[(PetscInt64)block->row + e * mine + i] = begin + first + i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsNumbers(Rows rows, PetscInt64 numbers[])
{
  const PetscInt64 mine = rows->n_row;
  PetscInt64 first = 0;
  PetscFunctionBegin;
  if (rows->ops->numbers) {
    PetscCall(rows->ops->numbers(rows->self, numbers));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Scan(&mine, &first, 1, MPIU_INT64, MPI_SUM, rows->comm));
  for (PetscInt64 i = 0; i < mine; i++) numbers[i] = first - mine + i;
  PetscFunctionReturn(PETSC_SUCCESS);
}
