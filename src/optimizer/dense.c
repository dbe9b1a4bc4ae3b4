#include <math.h>
#include "dense.h"

double DenseBytes(Dense d)
{
  const double n = (double)d->n, local = (double)d->rows->n_row, all = (double)d->rows->n_row_global;
  const double ld = (d->wide ? all : n) + 1.0, small = ld * ld;
  const bool shared = DenseIsShared(d), alone = !shared || !d->gram_only;
  double doubles = 4.0 * n;
  if (d->wide && d->size > 1) doubles += local * all;
  if (shared) doubles += (GramSystemBytes(ld, d->size) / sizeof(double)) + (d->wide ? 0.0 : n * n / d->size);
  if (!d->wide || (!d->rank && alone)) doubles += (alone ? d->rank ? 2.0 : 3.0 : 1.0) * small;
  if (!d->gram_only && !DenseTakesTriangle(d)) doubles += local * (n + 1.0);
  if (!d->gram_only && !d->wide && !DenseTakesTriangle(d)) doubles += local * (n + 1.0);
  if (!d->gram_only && d->wide && !d->rank) doubles += all * n * (d->size > 1 ? 2.0 : 1.0);
  return doubles * sizeof(double);
}

PetscErrorCode DenseCreate(Optimizer optimizer, Config config, Rows rows, size_t begin, size_t n, bool wide,
                           bool gram_only, Dense *dense)
{
  Dense d;
  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  *dense = d;
  d->rows = rows;
  d->begin = begin;
  d->n = n;
  d->wide = wide;
  d->gram_only = gram_only;
  PetscCallMPI(MPI_Comm_rank(d->rows->comm, &d->rank));
  PetscCallMPI(MPI_Comm_size(d->rows->comm, &d->size));
  PetscCall(PetscBLASIntCast(wide ? d->rows->n_row_global : (PetscInt)n, &d->k));
  d->ld = d->k + 1;
  if (optimizer && !gram_only && DenseTakesTriangle(d)) /* [J r] twice, and its triangle */
    PetscCall(OptimizerCheckDevice(optimizer,
                                   ((double)n + 1.0) * (2.0 * (double)rows->n_row + (double)n + 1.0) * sizeof(double),
                                   "fewer points, a smaller network, or lbfgs or adam"));
  if (optimizer)
    PetscCall(
        OptimizerCheckMemory(optimizer, config, DenseBytes(d), "fewer points, a smaller network, or lbfgs or adam"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseDestroy(Dense *dense)
{
  Dense d = *dense;
  PetscFunctionBegin;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseProductsDestroy(d));
  PetscCall(DenseSharedDestroy(d));
  if (d->J_all != d->J) PetscCall(PetscFree(d->J_all));
  if (d->r_all != d->r) PetscCall(PetscFree(d->r_all));
  PetscCall(PetscFree4(d->r, d->gradient, d->scaling, d->work));
  PetscCall(PetscFree2(d->c, d->s));
  PetscCall(PetscFree(d->J));
  PetscCall(PetscFree(d->copy));
  PetscCall(PetscFree(d->T));
  PetscCall(PetscFree(d->F));
  PetscCall(PetscFree(d->B));
  PetscCall(PetscFree(*dense));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode allocate(Dense d)
{
  const size_t n_row = (size_t)d->rows->n_row, k = (size_t)d->k, small = (size_t)d->ld * (size_t)d->ld;
  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n_row, &d->r, d->n, &d->gradient, d->n, &d->scaling, PetscMax(d->n, k) + 1, &d->work));
  PetscCall(PetscMalloc2(k, &d->c, k, &d->s));
  const bool alone = !DenseIsShared(d) || !d->gram_only;
  if (!d->wide || (!d->rank && alone)) PetscCall(PetscCalloc1(small, &d->T));
  if ((!d->wide || !d->rank) && alone) PetscCall(PetscCalloc1(small, &d->B));
  if (!d->rank && alone) PetscCall(PetscCalloc1(small, &d->F));
  if (d->wide && d->size == 1) d->r_all = d->r;
  if (d->wide && d->size > 1 && !d->rank) PetscCall(PetscMalloc1(d->rows->n_row_global, &d->r_all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sums[0..n) = J^T r, sums[n..2n) = diag J^T J of the local rows; threads share columns, so that the order is fixed. */
static void sum_columns(Dense d, double sums[])
{
  const size_t n = d->n, block = 128;
#pragma omp parallel for schedule(static)
  for (size_t first = 0; first < n; first += block) {
    const size_t last = PetscMin(first + block, n);
    for (size_t k = first; k < last; k++) sums[k] = sums[n + k] = 0.0;
    for (size_t i = 0; i < (size_t)d->rows->n_row; i++) {
      const double *row = d->J + i * n, r = d->r[i];
      for (size_t k = first; k < last; k++) {
        sums[k] += r * row[k];
        sums[n + k] += row[k] * row[k];
      }
    }
  }
}

static void scale_rows(Dense d)
{
  const size_t n = d->n;
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < d->rows->n_row; i++)
    for (size_t k = 0; k < n; k++) d->J[(size_t)i * n + k] *= d->scaling[k];
}

/* J unscaled, and r. */
static PetscErrorCode form_rows(Dense d)
{
  const Rows rows = d->rows;
  const size_t n_row = (size_t)rows->n_row;
  PetscFunctionBegin;
  if (!d->J) {
    PetscCall(PetscMalloc1(n_row * d->n, &d->J));
    if (d->wide && d->size == 1) d->J_all = d->J;
    if (d->wide && d->size > 1 && !d->rank) PetscCall(PetscMalloc1((size_t)rows->n_row_global * d->n, &d->J_all));
  }
  PetscCall(rows->ops->jacobian(rows->self, d->theta, d->begin, d->n, d->r, d->J, d->n));
  d->has_rows = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseFormRows(Dense d)
{
  PetscFunctionBegin;
  PetscCall(form_rows(d));
  scale_rows(d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* gradient and diag J^T J from rows of J. */
static PetscErrorCode assemble_rows(Dense d, double diagonal[])
{
  double *sums;
  PetscFunctionBegin;
  PetscCall(form_rows(d));
  PetscCall(PetscMalloc1(2 * d->n + 1, &sums));
  sum_columns(d, sums);
  sums[2 * d->n] = 0.0;
  for (PetscInt i = 0; i < d->rows->n_row; i++) sums[2 * d->n] += 0.5 * d->r[i] * d->r[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)(2 * d->n + 1), MPI_DOUBLE, MPI_SUM, d->rows->comm));
  PetscCall(PetscArraycpy(d->gradient, sums, d->n));
  PetscCall(PetscArraycpy(diagonal, sums + d->n, d->n));
  d->loss = sums[2 * d->n];
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same from the triangle T of [J r]: J^T r = R^T (Q^T r), and J's columns are as long as R's. */
static PetscErrorCode assemble_triangle(Dense d, double diagonal[])
{
  const size_t n = d->n, ld = (size_t)d->ld;
  PetscFunctionBegin;
  PetscCall(DenseProductsPrepare(d));
  PetscCall(d->rows->ops->triangle(d->rows->self, d->theta, d->begin, n, d->r, d->T, ld));
  const double *right = d->T + n * ld;
  for (size_t k = 0; k < n; k++) {
    const double *column = d->T + k * ld;
    d->gradient[k] = diagonal[k] = 0.0;
    for (size_t i = 0; i <= k; i++) {
      d->gradient[k] += column[i] * right[i];
      diagonal[k] += column[i] * column[i];
    }
  }
  d->loss = 0.0;
  for (size_t i = 0; i <= n; i++) d->loss += 0.5 * right[i] * right[i];
  d->has_triangle = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseAssemble(Dense d, Vec theta, double evenness, bool with_rows)
{
  double *diagonal;
  PetscFunctionBegin;
  if (!d->gradient) PetscCall(allocate(d));
  PetscCheck(with_rows || d->n == d->rows->n_param, d->rows->comm, PETSC_ERR_ARG_INCOMP, "products are of all columns");
  d->theta = theta;
  d->has_rows = d->has_r_all = d->has_triangle = d->has_normal = false;
  d->kind = DENSE_NONE;
  PetscCall(PetscMalloc1(d->n, &diagonal));
  const bool triangle = with_rows && DenseTakesTriangle(d);
  if (triangle)
    PetscCall(assemble_triangle(d, diagonal));
  else if (with_rows)
    PetscCall(assemble_rows(d, diagonal));
  else
    PetscCall(DenseProductsLinearize(d, theta, diagonal));
  RowsScaling(d->n, evenness, diagonal, d->scaling);
  for (size_t k = 0; k < d->n; k++) d->gradient[k] *= d->scaling[k];
  if (triangle) DenseScaleTriangle(d);
  if (with_rows && !triangle) scale_rows(d);
  PetscCall(PetscFree(diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseShift(Dense d, Vec x, Vec theta, double factor, const double step[])
{
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  if (x != theta) PetscCall(VecCopy(theta, x));
  PetscCall(VecGetOwnershipRange(x, &first, &last));
  PetscCall(VecGetArray(x, &local));
  for (PetscInt k = PetscMax(first, (PetscInt)d->begin); k < PetscMin(last, (PetscInt)(d->begin + d->n)); k++) {
    const size_t column = (size_t)k - d->begin;
    local[k - first] += factor * d->scaling[column] * step[column];
  }
  PetscCall(VecRestoreArray(x, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseApply(Dense d, const double v[], double Jv[])
{
  PetscBLASInt n, n_row;
  const PetscBLASInt one = 1;
  const double plus = 1.0, zero = 0.0;
  PetscFunctionBegin;
  if (!d->has_rows) {
    PetscCall(DenseProductsMultiply(d, v, Jv));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast((PetscInt)d->n, &n));
  PetscCall(PetscBLASIntCast(d->rows->n_row, &n_row));
  if (n_row) PetscCallBLAS("BLASgemv", BLASgemv_("T", &n, &n_row, &plus, d->J, &n, v, &one, &zero, Jv, &one));
  PetscFunctionReturn(PETSC_SUCCESS);
}
