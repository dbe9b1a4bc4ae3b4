/* The small problem without rows of J: from the rows' own products at one theta. */
#include "dense.h"

PetscErrorCode DenseProductsPrepare(Dense d)
{
  PetscFunctionBegin;
  if (d->direction) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(d->theta, &d->direction));
  if (d->wide && d->size > 1) PetscCall(PetscMalloc1((size_t)d->rows->n_row * (size_t)d->k, &d->K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsDestroy(Dense d)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(d->K));
  PetscCall(VecDestroy(&d->direction));
  PetscCall(FullVecDestroy(&d->full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J^T w on all ranks, unscaled */
static PetscErrorCode transpose(Dense d, const double w[], double y[])
{
  PetscFunctionBegin;
  PetscCall(d->rows->ops->apply_transpose(d->rows->self, d->theta, w, d->direction));
  PetscCall(FullVecCopy(&d->full, d->direction, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsLinearize(Dense d, Vec theta, double diagonal[])
{
  const size_t n = d->n;
  PetscFunctionBegin;
  d->theta = theta;
  PetscCall(DenseProductsPrepare(d));
  PetscCall(RowsLinearize(d->rows, theta, d->r, &d->loss));
  if (d->wide) {
    PetscCall(transpose(d, d->r, d->gradient));
    PetscCall(RowsDiagonal(d->rows, theta, diagonal));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(RowsNormal(d->rows, theta, d->T, (size_t)d->ld, d->gradient));
  d->has_normal = true;
  for (size_t k = 0; k < n; k++) diagonal[k] = d->T[k * (size_t)d->ld + k];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->gradient, d->k, MPI_DOUBLE, MPI_SUM, d->rows->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, diagonal, d->k, MPI_DOUBLE, MPI_SUM, d->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Local rows K [n_row][k] to T [k][ld] on rank 0. */
static PetscErrorCode gather_rows(Dense d)
{
  PetscMPIInt n_row, *counts, *starts;
  MPI_Datatype row, spaced;
  PetscFunctionBegin;
  PetscCall(PetscMPIIntCast(d->rows->n_row, &n_row));
  PetscCall(PetscMalloc2(d->size, &counts, d->size, &starts));
  PetscCallMPI(MPI_Gather(&n_row, 1, MPI_INT, counts, 1, MPI_INT, 0, d->rows->comm));
  if (!d->rank)
    for (PetscMPIInt rank = 0, start = 0; rank < d->size; start += counts[rank++]) starts[rank] = start;
  PetscCallMPI(MPI_Type_contiguous(d->k, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_create_resized(row, 0, (MPI_Aint)((size_t)d->ld * sizeof(double)), &spaced));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Type_commit(&spaced));
  PetscCallMPI(MPI_Gatherv(d->K, n_row, row, d->T, counts, starts, spaced, 0, d->rows->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCallMPI(MPI_Type_free(&spaced));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsGram(Dense d)
{
  const size_t k = (size_t)d->k, ld = (size_t)d->ld;
  PetscFunctionBegin;
  if (d->wide && d->size == 1) {
    PetscCall(RowsGram(d->rows, d->theta, d->scaling, d->T, ld));
  } else if (d->wide) {
    PetscCall(RowsGram(d->rows, d->theta, d->scaling, d->K, k));
    PetscCall(gather_rows(d));
  } else {
    for (size_t i = 0; i < k; i++) {
      double *row = d->T + i * ld;
      if (d->size > 1)
        PetscCallMPI(
            MPI_Reduce(d->rank ? row : MPI_IN_PLACE, row, (PetscMPIInt)(i + 1), MPI_DOUBLE, MPI_SUM, 0, d->rows->comm));
      for (size_t j = 0; j <= i && !d->rank; j++) row[j] *= d->scaling[i] * d->scaling[j];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsMultiply(Dense d, const double v[], double Jv[])
{
  PetscFunctionBegin;
  PetscCall(VecZeroEntries(d->direction));
  PetscCall(DenseShift(d, d->direction, d->direction, 1.0, v));
  PetscCall(d->rows->ops->apply(d->rows->self, d->theta, d->direction, Jv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsTranspose(Dense d, const double w[], double y[])
{
  PetscFunctionBegin;
  PetscCall(transpose(d, w, y));
  for (size_t k = 0; k < d->n; k++) y[k] *= d->scaling[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseProductsScatter(Dense d, const double all[], double local[])
{
  PetscMPIInt n_row, *counts, *starts;
  PetscFunctionBegin;
  PetscCall(PetscMPIIntCast(d->rows->n_row, &n_row));
  PetscCall(PetscMalloc2(d->size, &counts, d->size, &starts));
  PetscCallMPI(MPI_Gather(&n_row, 1, MPI_INT, counts, 1, MPI_INT, 0, d->rows->comm));
  if (!d->rank)
    for (PetscMPIInt rank = 0, start = 0; rank < d->size; start += counts[rank++]) starts[rank] = start;
  PetscCallMPI(MPI_Scatterv(all, counts, starts, MPI_DOUBLE, local, n_row, MPI_DOUBLE, 0, d->rows->comm));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}
