/* From the distributed rows of J to the small problem on rank 0. */
#include "dense.h"
#include "lapack.h"

/* [J r] of the local rows, transposed from row-major to column-major [n + 1][n_row]. */
static void transpose_rows(Dense d)
{
  const size_t n_row = (size_t)d->rows->n_row, n = d->n, block = 32;
#pragma omp parallel for schedule(static)
  for (size_t first = 0; first < n; first += block)
    for (size_t top = 0; top < n_row; top += block)
      for (size_t k = first; k < PetscMin(first + block, n); k++)
        for (size_t i = top; i < PetscMin(top + block, n_row); i++) d->copy[k * n_row + i] = d->J[i * n + k];
  for (size_t i = 0; i < n_row; i++) d->copy[n * n_row + i] = d->r[i];
}

/* T [order][order] = the upper triangle of a column-major factor with `rows` rows, zero below. */
static void take_triangle(Dense d, PetscBLASInt order, const double factor[], size_t rows)
{
  for (size_t j = 0; j < (size_t)order; j++)
    for (size_t i = 0; i < (size_t)order; i++)
      d->T[j * (size_t)d->ld + i] = i <= j && i < rows ? factor[j * rows + i] : 0.0;
}

/* Factors copy [columns][rows] and takes its triangle to T. */
static PetscErrorCode factor_copy(Dense d, size_t rows, PetscBLASInt columns)
{
  PetscBLASInt m;
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)rows, &m));
  PetscCall(LapackQR(m, columns, d->copy, m));
  take_triangle(d, columns, d->copy, rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool DenseTakesTriangle(Dense d)
{
  return !d->wide && d->size == 1 && d->rows->ops->triangle;
}

void DenseScaleTriangle(Dense d)
{
  for (size_t k = 0; k < d->n; k++)
    for (size_t i = 0; i <= k; i++) d->T[k * (size_t)d->ld + i] *= d->scaling[k];
}

static PetscErrorCode take_own_triangle(Dense d)
{
  PetscFunctionBegin;
  if (d->has_triangle) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(d->rows->ops->triangle(d->rows->self, d->theta, d->begin, d->n, d->r, d->T, (size_t)d->ld));
  DenseScaleTriangle(d);
  d->has_triangle = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseTriangle(Dense d)
{
  const size_t n_row = (size_t)d->rows->n_row;
  MPI_Comm comm = d->rows->comm;
  MPI_Datatype column;
  PetscFunctionBegin;
  if (DenseTakesTriangle(d)) {
    PetscCall(take_own_triangle(d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!d->copy) PetscCall(PetscMalloc1(n_row * (d->n + 1), &d->copy));
  transpose_rows(d);
  PetscCall(factor_copy(d, n_row, d->ld));
  PetscCallMPI(MPI_Type_contiguous(d->ld, MPI_DOUBLE, &column));
  PetscCallMPI(MPI_Type_commit(&column));
  for (PetscMPIInt stride = 1; stride < d->size; stride *= 2) {
    if (d->rank % (2 * stride)) {
      PetscCallMPI(MPI_Send(d->T, d->ld, column, d->rank - stride, 0, comm));
      break;
    }
    if (d->rank + stride >= d->size) continue;
    PetscCallMPI(MPI_Recv(d->B, d->ld, column, d->rank + stride, 0, comm, MPI_STATUS_IGNORE));
    PetscCall(LapackMerge(d->ld, d->ld, d->T, d->B, d->ld));
  }
  PetscCallMPI(MPI_Type_free(&column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseGather(Dense d, PetscMPIInt width, const double local[], double all[])
{
  PetscMPIInt n_row, *counts, *starts;
  MPI_Datatype row;
  PetscFunctionBegin;
  if (d->size == 1 && all == local) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(d->rows->n_row, &n_row));
  PetscCall(PetscMalloc2(d->size, &counts, d->size, &starts));
  PetscCallMPI(MPI_Gather(&n_row, 1, MPI_INT, counts, 1, MPI_INT, 0, d->rows->comm));
  if (!d->rank)
    for (PetscMPIInt rank = 0, start = 0; rank < d->size; start += counts[rank++]) starts[rank] = start;
  PetscCallMPI(MPI_Type_contiguous(width, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Gatherv(local, n_row, row, all, counts, starts, row, 0, d->rows->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode reduce_gram(Dense d)
{
  const double one = 1.0, zero = 0.0;
  PetscBLASInt n, n_row;
  PetscFunctionBegin;
  if (!d->has_rows) {
    if (!d->wide && !d->has_normal) PetscCall(RowsNormal(d->rows, d->theta, d->T, (size_t)d->ld, d->work));
    PetscCall(DenseProductsGram(d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast((PetscInt)d->n, &n));
  PetscCall(PetscBLASIntCast(d->rows->n_row, &n_row));
  if (d->wide) {
    if (!d->rank) PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "T", &d->k, &n, &one, d->J_all, &n, &zero, d->T, &d->ld));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "N", &n, &n_row, &one, d->J, &n, &zero, d->T, &d->ld));
  for (PetscBLASInt column = 0; column < n && d->size > 1; column++) {
    double *upper = d->T + (size_t)column * (size_t)d->ld;
    PetscCallMPI(MPI_Reduce(d->rank ? upper : MPI_IN_PLACE, upper, column + 1, MPI_DOUBLE, MPI_SUM, 0, d->rows->comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode reduce_triangle(Dense d)
{
  const size_t all = (size_t)d->rows->n_row_global * d->n;
  PetscFunctionBegin;
  if (!d->wide) {
    PetscCall(DenseTriangle(d));
  } else if (!d->rank) {
    if (!d->copy) PetscCall(PetscMalloc1(all, &d->copy));
    PetscCall(PetscArraycpy(d->copy, d->J_all, all));
    PetscCall(factor_copy(d, d->n, d->k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The triangle R = U S V^T on rank 0: T = U, F = V^T; where tall, c = U^T Q^T r. */
static PetscErrorCode reduce_singular(Dense d)
{
  const PetscBLASInt k = d->k, ld = d->ld, inc = 1;
  const double one = 1.0, zero = 0.0;
  PetscFunctionBegin;
  PetscCall(reduce_triangle(d));
  if (d->rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(d->B, d->T, (size_t)ld * (size_t)ld));
  PetscCall(PetscArraycpy(d->work, d->T + (size_t)ld * (size_t)k, k));
  PetscCall(LapackSVD(k, d->B, d->s, d->T, d->F, ld));
  if (!d->wide) PetscCallBLAS("BLASgemv", BLASgemv_("T", &k, &k, &one, d->T, &ld, d->work, &inc, &zero, d->c, &inc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseReduce(Dense d, DenseKind kind)
{
  PetscFunctionBegin;
  const bool needs_rows = kind == DENSE_TRIANGLE || kind == DENSE_SINGULAR;
  if (d->kind == kind) PetscFunctionReturn(PETSC_SUCCESS);
  const bool forms_rows = needs_rows && !d->has_rows && !DenseTakesTriangle(d);
  if (forms_rows) PetscCall(DenseFormRows(d));
  if (d->wide && d->has_rows && (forms_rows || d->kind == DENSE_NONE)) {
    PetscMPIInt n;
    PetscCall(PetscMPIIntCast((PetscInt)d->n, &n));
    PetscCall(DenseGather(d, n, d->J, d->J_all));
  }
  d->shared = kind == DENSE_GRAM && !d->has_rows && DenseIsShared(d);
  if (d->wide && !d->shared && !d->has_r_all) {
    PetscCall(DenseGather(d, 1, d->r, d->r_all));
    d->has_r_all = true;
  }
  switch (kind) {
  case DENSE_NONE:
    break;
  case DENSE_GRAM:
    PetscCall(d->shared ? DenseSharedReduce(d) : reduce_gram(d));
    break;
  case DENSE_TRIANGLE:
    PetscCall(reduce_triangle(d));
    break;
  case DENSE_SINGULAR:
    PetscCall(reduce_singular(d));
    break;
  }
  d->has_normal = false;
  d->has_triangle = d->has_triangle && kind == DENSE_TRIANGLE;
  d->kind = kind;
  PetscFunctionReturn(PETSC_SUCCESS);
}
