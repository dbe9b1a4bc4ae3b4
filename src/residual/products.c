/* Products of J with itself for rows that only know `jacobian`; and places of rows among ranks. */
#include <math.h>
#include "pinn/vector.h"
#include "products.h"
#include <petscblaslapack.h>

PetscErrorCode RowsPlacesCreate(Rows rows, RowsPlaces *places)
{
  PetscMPIInt n_row;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &places->rank));
  PetscCallMPI(MPI_Comm_size(rows->comm, &places->size));
  PetscCall(PetscMPIIntCast(rows->n_row, &n_row));
  PetscCall(PetscMalloc1(places->size + 1, &places->start));
  PetscCallMPI(MPI_Allgather(&n_row, 1, MPI_INT, places->start + 1, 1, MPI_INT, rows->comm));
  places->start[0] = 0;
  for (PetscMPIInt rank = 0; rank < places->size; rank++) places->start[rank + 1] += places->start[rank];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsPlacesDestroy(RowsPlaces *places)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(places->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductsAddGram(size_t m, size_t n, size_t k, const double A[], const double B[], double K[], size_t ld)
{
  const double one = 1.0;
  PetscBLASInt mm, nn, kk, ll;
  PetscFunctionBegin;
  if (!m || !n || !k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast((PetscInt)m, &mm));
  PetscCall(PetscBLASIntCast((PetscInt)n, &nn));
  PetscCall(PetscBLASIntCast((PetscInt)k, &kk));
  PetscCall(PetscBLASIntCast((PetscInt)ld, &ll));
  if (A == B)
    PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "T", &nn, &kk, &one, A, &kk, &one, K, &ll));
  else
    PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &nn, &mm, &kk, &one, B, &kk, A, &kk, &one, K, &ll));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ProductsMirror(size_t n, double K[], size_t ld)
{
  const size_t block = 32;
#pragma omp parallel for schedule(dynamic)
  for (size_t top = 0; top < n; top += block)
    for (size_t left = 0; left <= top; left += block)
      for (size_t i = top; i < PetscMin(top + block, n); i++)
        for (size_t j = left; j < PetscMin(left + block, i); j++) K[j * ld + i] = K[i * ld + j];
}

/* K += J J^T for the local rows of J [n_row][count] and those of all ranks, which go round. */
static PetscErrorCode add_all_ranks(Rows rows, const RowsPlaces *places, size_t count, const double J[], double K[],
                                    size_t ld)
{
  const PetscMPIInt rank = places->rank, size = places->size;
  const size_t n_row = (size_t)rows->n_row;
  MPI_Datatype row;
  PetscMPIInt width;
  PetscFunctionBegin;
  PetscCall(ProductsAddGram(n_row, n_row, count, J, J, K + places->start[rank], ld));
  PetscCall(PetscMPIIntCast((PetscInt)count, &width));
  PetscCallMPI(MPI_Type_contiguous(width, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  for (PetscMPIInt d = 1; d < size; d++) {
    const PetscMPIInt to = (rank + d) % size, from = (rank + size - d) % size;
    const PetscMPIInt n_from = places->start[from + 1] - places->start[from];
    double *other;
    PetscCall(PetscMalloc1((size_t)n_from * count, &other));
    PetscCallMPI(
        MPI_Sendrecv(J, (PetscMPIInt)n_row, row, to, 0, other, n_from, row, from, 0, rows->comm, MPI_STATUS_IGNORE));
    PetscCall(ProductsAddGram(n_row, (size_t)n_from, count, J, other, K + places->start[from], ld));
    PetscCall(PetscFree(other));
  }
  PetscCallMPI(MPI_Type_free(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductsGramByColumns(Rows rows, Vec theta, const double scaling[], int n_part, const size_t begin[],
                                     double K[], size_t ld)
{
  const size_t n_row = (size_t)rows->n_row;
  RowsPlaces places;
  double *J, *r;
  PetscFunctionBegin;
  PetscCall(RowsPlacesCreate(rows, &places));
  for (size_t i = 0; i < n_row; i++) PetscCall(PetscArrayzero(K + i * ld, rows->n_row_global));
  for (int part = 0; part < n_part; part++) {
    const size_t count = begin[part + 1] - begin[part];
    PetscCall(PetscMalloc2(n_row * count, &J, n_row, &r));
    PetscCall(rows->ops->jacobian(rows->self, theta, begin[part], count, r, J, count));
    for (size_t i = 0; scaling && i < n_row; i++)
      for (size_t k = 0; k < count; k++) J[i * count + k] *= scaling[begin[part] + k];
    PetscCall(add_all_ranks(rows, &places, count, J, K, ld));
    PetscCall(PetscFree2(J, r));
  }
  ProductsMirror(n_row, K + places.start[places.rank], ld);
  PetscCall(RowsPlacesDestroy(&places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductsAddNormal(size_t m, size_t n, const double J[], const double r[], double N[], size_t ld,
                                 double b[])
{
  const double one = 1.0;
  const PetscBLASInt inc = 1;
  PetscBLASInt mm, nn, ll;
  PetscFunctionBegin;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast((PetscInt)m, &mm));
  PetscCall(PetscBLASIntCast((PetscInt)n, &nn));
  PetscCall(PetscBLASIntCast((PetscInt)ld, &ll));
  PetscCallBLAS("BLASsyrk", BLASsyrk_("U", "N", &nn, &mm, &one, J, &nn, &one, N, &ll));
  PetscCallBLAS("BLASgemv", BLASgemv_("N", &nn, &mm, &one, J, &nn, r, &inc, &one, b, &inc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsCreateVec(Rows rows, Vec *vec)
{
  PetscFunctionBegin;
  PetscCall(VectorCreate(rows->comm, rows->device, rows->n_param, vec));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsLinearize(Rows rows, Vec theta, double r[], double *loss)
{
  PetscFunctionBegin;
  PetscCall((rows->ops->linearize ? rows->ops->linearize : rows->ops->evaluate)(rows->self, theta, r, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGram(Rows rows, Vec theta, const double scaling[], double K[], size_t ld)
{
  const size_t whole[2] = {0, rows->n_param};
  PetscFunctionBegin;
  if (rows->ops->gram)
    PetscCall(rows->ops->gram(rows->self, theta, scaling, K, ld));
  else
    PetscCall(ProductsGramByColumns(rows, theta, scaling, 1, whole, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGramLayer(Rows rows, Vec theta, int layer, const double scaling[], double K[], size_t ld)
{
  const RowsLayer l = RowsLayerAt(rows, layer);
  const size_t part[2] = {l.offset, l.offset + (size_t)l.n_in * (size_t)l.n_out};
  PetscFunctionBegin;
  if (rows->ops->gram_layer)
    PetscCall(rows->ops->gram_layer(rows->self, theta, layer, scaling, K, ld));
  else
    PetscCall(ProductsGramByColumns(rows, theta, scaling, 1, part, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsNormal(Rows rows, Vec theta, double N[], size_t ld, double b[])
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  double *J, *r;
  PetscFunctionBegin;
  if (rows->ops->normal) {
    PetscCall(rows->ops->normal(rows->self, theta, N, ld, b));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc2(m * n, &J, m, &r));
  PetscCall(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  for (size_t k = 0; k < n; k++) PetscCall(PetscArrayzero(N + k * ld, n));
  PetscCall(PetscArrayzero(b, n));
  PetscCall(ProductsAddNormal(m, n, J, r, N, ld, b));
  PetscCall(PetscFree2(J, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsDiagonal(Rows rows, Vec theta, double d[])
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  double *J, *r;
  PetscFunctionBegin;
  if (rows->ops->diagonal) {
    PetscCall(rows->ops->diagonal(rows->self, theta, d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc2(m * n, &J, m, &r));
  PetscCall(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  PetscCall(PetscArrayzero(d, n));
  for (size_t i = 0; i < m; i++)
    for (size_t k = 0; k < n; k++) d[k] += J[i * n + k] * J[i * n + k];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d, (PetscMPIInt)n, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscCall(PetscFree2(J, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void RowsScaling(size_t n, double evenness, const double diagonal[], double scaling[])
{
  double largest = 0.0;
  for (size_t k = 0; k < n; k++) largest = fmax(largest, diagonal[k]);
  for (size_t k = 0; k < n; k++) {
    const double D = isinf(evenness) ? largest : diagonal[k] + evenness * largest;
    scaling[k] = D > 0.0 ? 1.0 / sqrt(D) : 1.0;
  }
}
