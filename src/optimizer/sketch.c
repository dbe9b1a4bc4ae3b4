#include "sketch.h"
#include <math.h>
#include <string.h>
#include "pinn/random.h"

#define BLOCK 64 /* columns that a thread has */

PetscErrorCode SketchDraw(uint32_t seed, uint32_t draw, size_t all_rows, size_t rows, size_t n, size_t columns,
                          SketchMap *sketch)
{
  const RandomKey picks = {seed, RANDOM_COLUMNS, 0, draw}, signs = {seed, RANDOM_COLUMNS, 1, draw};
  PetscFunctionBegin;
  PetscCall(SketchDestroy(sketch));
  *sketch = (SketchMap){.seed = seed,
                        .draw = draw,
                        .rows = PetscMin(rows, all_rows),
                        .n = n,
                        .columns = PetscMin(columns, n),
                        .every_row = rows >= all_rows,
                        .every_column = columns >= n};
  if (sketch->every_column) PetscFunctionReturn(PETSC_SUCCESS);
  for (sketch->order = 1; sketch->order < n;) sketch->order *= 2;
  PetscCall(PetscMalloc2(columns, &sketch->picked, n, &sketch->signs));
  for (size_t k = 0; k < columns; k++) sketch->picked[k] = (size_t)RandomPermuted(picks, sketch->order, k);
  for (size_t k = 0; k < n; k++)
    sketch->signs[k] = (RandomBits(signs, k) & 1 ? 1.0 : -1.0) / sqrt((double)sketch->order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SketchDestroy(SketchMap *sketch)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(sketch->picked, sketch->signs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void SketchRows(const SketchMap *sketch, size_t n_row, const PetscInt64 numbers[], size_t bucket[], double sign[])
{
  const RandomKey key = {sketch->seed, RANDOM_ROWS, 0, sketch->draw};
  for (size_t i = 0; i < n_row; i++) {
    const uint64_t bits = RandomBits(key, (uint64_t)numbers[i]);
    bucket[i] = sketch->every_row ? (size_t)numbers[i] : (size_t)((bits >> 1) % sketch->rows);
    sign[i] = sketch->every_row || bits & 1 ? 1.0 : -1.0;
  }
}

/* Threads share columns, so that the order of sums is that of the rows. */
void SketchAddRows(size_t n_row, const size_t bucket[], const double sign[], size_t count, const double A[],
                   size_t ld_A, double out[], size_t ld)
{
#pragma omp parallel for schedule(static)
  for (size_t first = 0; first < count; first += BLOCK) {
    const size_t width = PetscMin(BLOCK, count - first);
    for (size_t i = 0; i < n_row; i++) {
      double *to = out + bucket[i] * ld + first;
      const double *from = A + i * ld_A + first;
      for (size_t k = 0; k < width; k++) to[k] += sign[i] * from[k];
    }
  }
}

/* The layers from `layer` on whose columns are held together, and the number of those columns. */
static int take_layers(Rows rows, int layer, size_t most, size_t *count)
{
  const int n_layer = RowsLayers(rows);
  int n = 0;
  for (*count = 0; layer + n < n_layer; n++) {
    const RowsLayer shape = RowsLayerAt(rows, layer + n);
    const size_t columns = (size_t)shape.n_out * (size_t)shape.n_in;
    if (n && *count + columns > most) break;
    *count += columns;
  }
  return n;
}

static size_t widest(Rows rows, size_t most)
{
  size_t width = 0, count;
  for (int layer = 0; layer < RowsLayers(rows);) {
    layer += take_layers(rows, layer, most, &count);
    width = PetscMax(width, count);
  }
  return width;
}

static size_t most_columns(Rows rows, size_t sketch_rows, size_t entries)
{
  return entries / PetscMax(PetscMax((size_t)rows->n_row, sketch_rows), 1);
}

size_t SketchWidth(Rows rows, size_t sketch_rows, size_t entries)
{
  return widest(rows, most_columns(rows, sketch_rows, entries));
}

/* sum [n_row][n] over ranks, to rank 0 */
static PetscErrorCode sum_rows(MPI_Comm comm, PetscMPIInt rank, size_t n_row, size_t n, double sum[])
{
  const size_t most = PetscMax(1, PETSC_MPI_INT_MAX / n);
  PetscFunctionBegin;
  for (size_t i = 0; i < n_row; i += most) {
    double *part = sum + i * n;
    PetscMPIInt count;
    PetscCall(PetscMPIIntCast((PetscInt)(PetscMin(most, n_row - i) * n), &count));
    PetscCallMPI(MPI_Reduce(rank ? part : MPI_IN_PLACE, part, count, MPI_DOUBLE, MPI_SUM, 0, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SketchJacobian(const SketchMap *sketch, Rows rows, Vec theta, size_t entries, double SJ[], double Sr[])
{
  const size_t n = rows->n_param, n_row = (size_t)rows->n_row, m = sketch->rows;
  size_t most = most_columns(rows, m, entries), count, *bucket;
  double *r, *J, *part, *sign;
  PetscInt64 *numbers;
  PetscMPIInt rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_UNSIGNED_LONG, MPI_MIN, rows->comm));
  const size_t width = widest(rows, most);
  PetscCall(PetscMalloc3(n_row, &numbers, n_row, &bucket, n_row, &sign));
  PetscCall(PetscMalloc3(n_row, &r, n_row * width, &J, m * width, &part));
  PetscCall(RowsNumbers(rows, numbers));
  SketchRows(sketch, n_row, numbers, bucket, sign);
  for (int layer = 0; layer < RowsLayers(rows);) {
    const size_t first = (size_t)RowsLayerAt(rows, layer).offset;
    layer += take_layers(rows, layer, most, &count);
    PetscCall(rows->ops->jacobian(rows->self, theta, first, count, r, J, count));
    PetscCall(PetscArrayzero(part, m * count));
    SketchAddRows(n_row, bucket, sign, count, J, count, part, count);
    PetscCall(sum_rows(rows->comm, rank, m, count, part));
    for (size_t i = 0; i < m && !rank; i++) PetscCall(PetscArraycpy(SJ + i * n + first, part + i * count, count));
  }
  PetscCall(PetscArrayzero(part, m));
  SketchAddRows(n_row, bucket, sign, 1, r, 1, part, 1);
  PetscCall(sum_rows(rows->comm, rank, m, 1, part));
  if (!rank) PetscCall(PetscArraycpy(Sr, part, m));
  PetscCall(PetscFree3(r, J, part));
  PetscCall(PetscFree3(numbers, bucket, sign));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x [order] = sqrt(order) H x */
static void hadamard(size_t order, double x[])
{
  for (size_t half = 1; half < order; half *= 2)
    for (size_t at = 0; at < order; at += 2 * half)
      for (size_t k = at; k < at + half; k++) {
        const double a = x[k], b = x[k + half];
        x[k] = a + b;
        x[k + half] = a - b;
      }
}

void SketchColumns(const SketchMap *sketch, const double x[], double y[], double work[])
{
  if (sketch->every_column) {
    memcpy(y, x, sketch->n * sizeof(double));
    return;
  }
  for (size_t k = 0; k < sketch->n; k++) work[k] = sketch->signs[k] * x[k];
  for (size_t k = sketch->n; k < sketch->order; k++) work[k] = 0.0;
  hadamard(sketch->order, work);
  for (size_t k = 0; k < sketch->columns; k++) y[k] = work[sketch->picked[k]];
}

void SketchExpand(const SketchMap *sketch, const double y[], double x[], double work[])
{
  if (sketch->every_column) {
    memcpy(x, y, sketch->n * sizeof(double));
    return;
  }
  memset(work, 0, sketch->order * sizeof(double));
  for (size_t k = 0; k < sketch->columns; k++) work[sketch->picked[k]] = y[k];
  hadamard(sketch->order, work);
  for (size_t k = 0; k < sketch->n; k++) x[k] = sketch->signs[k] * work[k];
}
