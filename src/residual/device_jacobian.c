/* Rows of J on a device, and their products with one another: some columns of J at a time, as many as there is room
   for. A column costs a sum over the jets' columns a row, so that forming J is a matter of writing it. */
#include "device.h"
#include "products.h"

#define SHARE 0.5 /* of the device's free memory that columns of J may fill */
#define ROUND 32  /* columns, where not all fit */

/* Columns of J that there is room for, of `count` that are wanted; the room is made. */
static PetscErrorCode make_room(Residual residual, size_t count, size_t *columns)
{
  const ResidualDevice d = residual->device;
  const size_t n_row = PetscMax((size_t)residual->rows.n_row, 1);
  PetscFunctionBegin;
  *columns = count;
  if (n_row * count > d->J.room) {
    const double most = (double)d->J.room + SHARE * (double)d->device->free_bytes() / sizeof(double);
    const size_t fit = (size_t)(most / (double)n_row);
    if (fit < count) *columns = fit > ROUND ? fit / ROUND * ROUND : PetscMax(fit, 1);
    PetscCall(ResidualDeviceTake(d, n_row * *columns, &d->J));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of one term at the points of a sweep: the derivative of those alone. */
static void form_term(Residual residual, int b, int e, const double *theta, const DevicePoints *points, int begin,
                      size_t first, size_t count, size_t ld)
{
  const ResidualDevice d = residual->device;
  const RowBlock *block = &residual->blocks[b];
  DeviceBlock *own = &d->blocks[b];
  const size_t n = (size_t)own->n, row = block->row + (size_t)begin;
  double *bar = d->rows_bar.values;
  d->device->clear(bar + block->row, n * (size_t)block->block->n_term * sizeof(double));
  d->device->copy(bar + row + (size_t)e * n, own->ones.values, points->n * sizeof(double));
  ProgramDeviceReverse(own->program, points, bar + row, own->net_bar.values);
  DeviceSweepRows(own->sweep, theta, own->net_bar.values, first, count, d->J.values + (row + (size_t)e * n) * ld, ld);
}

/* d->J [n_row][ld] = columns [first, first + count) of J, and the rows themselves. */
static PetscErrorCode form(Residual residual, const double *theta, size_t first, size_t count, size_t ld)
{
  const ResidualDevice d = residual->device;
  const size_t n_number = (size_t)residual->rows.n_row * ld;
  PetscFunctionBegin;
  if (n_number) d->device->clear(d->J.values, n_number * sizeof(double));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    DeviceBlock *own = &d->blocks[b];
    for (int begin = 0; begin < own->n; begin += own->most) {
      const DevicePoints points =
          ResidualDeviceTile(own, block->train.points.dim, begin, PetscMin(own->most, own->n - begin));
      if (own->sweep) DeviceSweepForward(own->sweep, theta, (size_t)begin, (int)points.n, points.x, own->net.values);
      ProgramDeviceEvaluate(own->program, &points, own->net.values, d->rows.values + block->row + (size_t)begin);
      for (int e = 0; e < block->block->n_term && own->sweep; e++)
        form_term(residual, b, e, theta, &points, begin, first, count, ld);
    }
  }
  residual->rows_evaluated += residual->rows.n_row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is done with some columns of J, scaled where that was asked for. */
typedef PetscErrorCode (*ColumnsFn)(Residual residual, size_t first, size_t count, void *context);

/* All columns [begin, begin + count), some at a time. */
static PetscErrorCode for_columns(Residual residual, Vec theta, size_t begin, size_t count, const double scaling[],
                                  ColumnsFn fn, void *context)
{
  const ResidualDevice d = residual->device;
  const size_t n_row = (size_t)residual->rows.n_row;
  const double *values;
  size_t most;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  PetscCall(make_room(residual, count, &most));
  if (scaling) {
    PetscCall(ResidualDeviceTake(d, residual->rows.n_param, &d->numbers));
    d->device->put(d->numbers.values, scaling, residual->rows.n_param * sizeof(double));
  }
  PetscCall(ResidualDeviceBorrow(residual, theta, &d->theta, &values));
  for (size_t first = begin; first < begin + count; first += most) {
    const size_t n = PetscMin(most, begin + count - first);
    PetscCall(form(residual, values, first, n, n));
    if (scaling)
      d->device->in_double->kernel->scale_points(n_row, n, 1, d->numbers.values + first, d->J.values, d->J.values, 0);
    PetscCall(fn(residual, first, n, context));
  }
  PetscCall(ResidualDeviceGiveBack(residual, theta, &values));
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix of the host with a leading dimension of its own. */
typedef struct {
  double *values;
  size_t ld, first; /* first: the column of J that comes first in it */
} HostMatrix;

static PetscErrorCode take_matrix(const Device *device, size_t m, size_t n, const double *from, double to[], size_t ld)
{
  double *packed = to;
  PetscFunctionBegin;
  if (!m || !n) PetscFunctionReturn(PETSC_SUCCESS);
  if (ld != n) PetscCall(PetscMalloc1(m * n, &packed));
  device->get(packed, from, m * n * sizeof(double));
  PetscCall(DeviceCheck(device));
  if (ld == n) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < m; i++) PetscCall(PetscArraycpy(to + i * ld, packed + i * n, n));
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_columns(Residual residual, size_t first, size_t count, void *context)
{
  const HostMatrix *J = context;
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  PetscCall(
      take_matrix(d->device, (size_t)residual->rows.n_row, count, d->J.values, J->values + (first - J->first), J->ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsJacobian_Device(void *self, Vec theta, size_t begin, size_t count, double r[], double J[], size_t ld)
{
  Residual residual = self;
  HostMatrix to = {J, ld, begin};
  PetscFunctionBegin;
  PetscCall(for_columns(residual, theta, begin, count, NULL, take_columns, &to));
  PetscCall(ResidualDeviceFinish(residual, r, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_gram(Residual residual, size_t first, size_t count, void *context)
{
  const ResidualDevice d = residual->device;
  const size_t n = (size_t)residual->rows.n_row;
  double *beta = context;
  PetscFunctionBegin;
  (void)first;
  d->device->in_double->kernel->gemm('N', 'T', n, n, count, 1.0, d->J.values, count, d->J.values, count, *beta,
                                     d->K.values, n);
  *beta = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d->K [n_row][n_row] of some columns of J. */
static PetscErrorCode gram(Residual residual, Vec theta, size_t begin, size_t count, const double scaling[])
{
  const size_t n = (size_t)residual->rows.n_row;
  double beta = 0.0;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceTake(residual->device, n * n, &residual->device->K));
  PetscCall(for_columns(residual, theta, begin, count, scaling, add_gram, &beta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGram_Device(void *self, Vec theta, const double scaling[], double K[], size_t ld)
{
  Residual residual = self;
  const size_t n = (size_t)residual->rows.n_row;
  PetscFunctionBegin;
  PetscCall(gram(residual, theta, 0, residual->rows.n_param, scaling));
  PetscCall(take_matrix(residual->device->device, n, n, residual->device->K.values, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGramLayer_Device(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld)
{
  Residual residual = self;
  const size_t n = (size_t)residual->rows.n_row;
  const RowsLayer l = RowsLayerAt(&residual->rows, layer);
  PetscFunctionBegin;
  PetscCall(gram(residual, theta, l.offset, (size_t)l.n_in * (size_t)l.n_out, scaling));
  PetscCall(take_matrix(residual->device->device, n, n, residual->device->K.values, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsKernel_Device(void *self, Vec theta, double *mean)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t n = (size_t)residual->rows.n_row, step = n + 1;
  const double one = 1.0, *K;
  double *diagonal;
  PetscFunctionBegin;
  PetscCall(gram(residual, theta, 0, residual->rows.n_param, NULL));
  *mean = 0.0;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  K = d->K.values;
  d->device->in_double->kernel->combine(n, 1, &one, &K, &step, d->rows_bar.values, 0);
  PetscCall(PetscMalloc1(n, &diagonal));
  d->device->get(diagonal, d->rows_bar.values, n * sizeof(double));
  for (size_t i = 0; i < n; i++) *mean += diagonal[i] / (double)n;
  PetscCall(PetscFree(diagonal));
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsKernelInverse_Device(void *self, double shift, double w[], bool *solved)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t n = (size_t)residual->rows.n_row;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceTake(d, n * n, &d->factor));
  if (n) d->device->copy(d->factor.values, d->K.values, n * n * sizeof(double));
  *solved = d->device->factor(n, d->factor.values, n, shift);
  if (*solved && n) {
    d->device->put(d->rows_bar.values, w, n * sizeof(double));
    d->device->solve(n, d->factor.values, n, d->rows_bar.values);
    d->device->get(w, d->rows_bar.values, n * sizeof(double));
  }
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsNormal_Device(void *self, Vec theta, double N[], size_t ld, double b[])
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t m = (size_t)residual->rows.n_row, n = residual->rows.n_param;
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  PetscCall(ResidualDeviceTake(d, n * n, &d->K));
  PetscCall(ResidualDeviceTake(d, n, &d->numbers));
  PetscCall(ResidualDeviceTake(d, m * n, &d->J));
  PetscCall(ResidualDeviceBorrow(residual, theta, &d->theta, &values));
  PetscCall(form(residual, values, 0, n, n));
  PetscCall(ResidualDeviceGiveBack(residual, theta, &values));
  const Kernel *kernel = d->device->in_double->kernel;
  kernel->gemm('T', 'N', n, n, m, 1.0, d->J.values, n, d->J.values, n, 0.0, d->K.values, n);
  kernel->gemm('T', 'N', n, 1, m, 1.0, d->J.values, n, d->rows.values, 1, 0.0, d->numbers.values, 1);
  PetscCall(take_matrix(d->device, n, n, d->K.values, N, ld));
  d->device->get(b, d->numbers.values, n * sizeof(double));
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsTriangle_Device(void *self, Vec theta, size_t begin, size_t count, double r[], double T[], size_t ld)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t m = (size_t)residual->rows.n_row, width = count + 1;
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  PetscCall(ResidualDeviceTake(d, m * width, &d->J));
  PetscCall(ResidualDeviceTake(d, m * width, &d->K)); /* the same by columns */
  PetscCall(ResidualDeviceTake(d, width * width, &d->factor));
  PetscCall(ResidualDeviceBorrow(residual, theta, &d->theta, &values));
  PetscCall(form(residual, values, begin, count, width));
  PetscCall(ResidualDeviceGiveBack(residual, theta, &values));
  /* r is the last column */
  d->device->in_double->outer_rows(1, m, 1, 1, 0, 1, d->rows.values, 0, NULL, 0, d->J.values + count, width, 0);
  d->device->triangle(m, width, d->J.values, width, d->K.values, d->factor.values);
  PetscCall(take_matrix(d->device, width, width, d->factor.values, T, ld));
  PetscCall(ResidualDeviceFinish(residual, r, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_squares(Residual residual, size_t first, size_t count, void *context)
{
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  (void)context;
  d->device->in_double->kernel->dot_points((size_t)residual->rows.n_row, count, 1, d->J.values, d->J.values,
                                           d->numbers.values + first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsDiagonal_Device(void *self, Vec theta, double diagonal[])
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t n = residual->rows.n_param;
  PetscFunctionBegin;
  PetscCall(ResidualDeviceTake(d, n, &d->numbers));
  d->device->clear(d->numbers.values, n * sizeof(double));
  PetscCall(for_columns(residual, theta, 0, n, NULL, add_squares, NULL));
  d->device->get(diagonal, d->numbers.values, n * sizeof(double));
  PetscCall(DeviceCheck(d->device));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, diagonal, (PetscMPIInt)n, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
