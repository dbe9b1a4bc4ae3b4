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
                        .all_rows = all_rows,
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
