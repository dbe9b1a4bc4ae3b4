/* Rows and their products with J on a device: all points are swept there, and what comes to the host are the rows when
   they are asked for, and a sum of squares a term. Vectors that lie on the device are read and written in place. */
#include "device.h"

DevicePoints ResidualDeviceTile(const DeviceBlock *block, int dim, int begin, int n)
{
  const size_t at = (size_t)begin * (size_t)dim;
  return (DevicePoints){.n = (size_t)n,
                        .stride = (size_t)block->n,
                        .row_stride = (size_t)block->n,
                        .x = block->x.values + at,
                        .normal = block->normal.values ? block->normal.values + at : NULL,
                        .statics = block->statics.values ? block->statics.values + begin : NULL,
                        .weight = block->weight.values ? block->weight.values + begin : NULL,
                        .scale = block->scale.values};
}

/* An evaluation: what is read and written where, all on the device. */
typedef struct {
  ResidualDevice d;
  const double *theta, *direction; /* [n_param] */
  double *gradient;                /* [n_param] */
  double *rows, *other;            /* [n_row] the rows; those of J v, or w */
} Sweep;

/* What is done at the points of a sweep whose rows begin at `row`. */
typedef void (*DeviceTask)(const Sweep *s, DeviceBlock *block, const DevicePoints *points, size_t row);

static void evaluate_points(const Sweep *s, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  ProgramDeviceEvaluate(block->program, points, block->net.values, s->rows + row);
}

static void reverse_points(const Sweep *s, DeviceBlock *block, const DevicePoints *points, const double *bar)
{
  ProgramDeviceReverse(block->program, points, bar, block->net_bar.values);
  if (block->sweep) DeviceSweepReverse(block->sweep, s->theta, block->net_bar.values, s->gradient);
}

static void gradient_points(const Sweep *s, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(s, block, points, row);
  reverse_points(s, block, points, s->rows + row);
}

static void transpose_points(const Sweep *s, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(s, block, points, row); /* what its adjoint needs */
  reverse_points(s, block, points, s->other + row);
}

static void tangent_points(const Sweep *s, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(s, block, points, row);
  if (block->sweep) DeviceSweepTangent(block->sweep, s->theta, s->direction, block->net_bar.values);
  ProgramDeviceTangent(block->program, points, block->net_bar.values, s->other + row);
}

PetscErrorCode ResidualDeviceBorrow(Residual residual, Vec vec, DeviceArray *own, const double **values)
{
  const ResidualDevice d = residual->device;
  const double *all;
  double *there;
  PetscFunctionBegin;
  if (VectorDevice(vec) == d->device) {
    PetscCall(VectorGet(vec, VECTOR_READ, &there));
    *values = there;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ResidualDeviceTake(d, residual->rows.n_param, own));
  PetscCall(ResidualBorrowTheta(residual, vec, &all));
  d->device->put(own->values, all, residual->rows.n_param * sizeof(double));
  PetscCall(ResidualReturnTheta(residual, vec, &all));
  *values = own->values;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDeviceGiveBack(Residual residual, Vec vec, const double **values)
{
  double *there = NULL;
  PetscFunctionBegin;
  if (VectorDevice(vec) == residual->device->device) PetscCall(VectorRestore(vec, VECTOR_READ, &there));
  *values = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the gradient of all points is summed: zero. */
static PetscErrorCode gradient_begin(Residual residual, Vec gradient, double **sum)
{
  const ResidualDevice d = residual->device;
  const size_t n = residual->rows.n_param;
  PetscFunctionBegin;
  if (VectorDevice(gradient) == d->device) {
    PetscCall(VectorGet(gradient, VECTOR_WRITE, sum));
  } else {
    PetscCall(ResidualDeviceTake(d, n, &d->gradient));
    *sum = d->gradient.values;
  }
  d->device->clear(*sum, n * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gradient_end(Residual residual, Vec gradient, double **sum)
{
  const ResidualDevice d = residual->device;
  const size_t bytes = residual->rows.n_param * sizeof(double);
  double *values;
  PetscFunctionBegin;
  if (VectorDevice(gradient) == d->device) {
    PetscCall(VectorRestore(gradient, VECTOR_WRITE, sum));
  } else if (residual->several) {
    PetscCall(ResidualZeroGradients(residual));
    d->device->get(residual->gradients, *sum, bytes);
    PetscCall(ResidualSumGradients(residual, NULL));
    PetscCall(ResidualScatterTheta(residual, residual->gradients, gradient));
  } else {
    PetscCall(VecGetArrayWrite(gradient, &values));
    d->device->get(values, *sum, bytes);
    PetscCall(VecRestoreArrayWrite(gradient, &values));
  }
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All points are swept at theta. */
static PetscErrorCode sweep(const Residual residual, Vec theta, DeviceTask task, Sweep *s)
{
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  s->d = d;
  PetscCall(ResidualDeviceBorrow(residual, theta, &d->theta, &s->theta));
  s->rows = d->rows.values;
  s->other = d->rows_bar.values;
  for (int b = 0; b < residual->n_block; b++) {
    DeviceBlock *block = &d->blocks[b];
    for (int begin = 0; begin < block->n; begin += block->most) {
      const DevicePoints points = ResidualDeviceTile(block, residual->blocks[b].train.points.dim, begin,
                                                     PetscMin(block->most, block->n - begin));
      if (block->sweep)
        DeviceSweepForward(block->sweep, s->theta, (size_t)begin, (int)points.n, points.x, block->net.values);
      task(s, block, &points, residual->blocks[b].row + (size_t)begin);
    }
  }
  PetscCall(ResidualDeviceGiveBack(residual, theta, &s->theta));
  residual->rows_evaluated += residual->rows.n_row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_rows(const Residual residual, const double *from, double rows[])
{
  const Device *device = residual->device->device;
  PetscFunctionBegin;
  if (residual->rows.n_row) device->get(rows, from, (size_t)residual->rows.n_row * sizeof(double));
  PetscCall(DeviceCheck(device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDeviceFinish(const Residual residual, double r[], double *loss)
{
  const ResidualDevice d = residual->device;
  double sum = 0.0;
  PetscFunctionBegin;
  if (r) PetscCall(take_rows(residual, d->rows.values, r));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const size_t n = (size_t)block->train.n_row;
    for (int e = 0; e < block->block->n_term; e++) {
      const double *rows = d->rows.values + block->row + (size_t)e * n;
      d->device->dot(n, rows, rows, d->squares.values + block->term + e);
    }
  }
  d->device->get(d->square, d->squares.values, (size_t)residual->n_term * sizeof(double));
  PetscCall(DeviceCheck(d->device));
  for (int e = 0; e < residual->n_term; e++) sum += d->square[e];
  PetscCall(ResidualSetLoss(residual, 0.5 * sum, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDeviceRenew(Residual residual)
{
  PetscFunctionBegin;
  if (residual->device->stale) PetscCall(ResidualDevicePoints(residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsEvaluate_Device(void *self, Vec theta, double r[], double *loss)
{
  Residual residual = self;
  Sweep s = {NULL};
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  PetscCall(sweep(residual, theta, evaluate_points, &s));
  PetscCall(ResidualDeviceFinish(residual, r, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsGradient_Device(void *self, Vec theta, double *loss, Vec gradient)
{
  Residual residual = self;
  Sweep s = {NULL};
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  PetscCall(gradient_begin(residual, gradient, &s.gradient));
  PetscCall(sweep(residual, theta, gradient_points, &s));
  PetscCall(ResidualDeviceFinish(residual, NULL, loss));
  PetscCall(gradient_end(residual, gradient, &s.gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApply_Device(void *self, Vec theta, Vec v, double Jv[])
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  Sweep s = {NULL};
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  for (int b = 0; b < residual->n_block; b++)
    if (d->blocks[b].sweep) PetscCall(DeviceSweepPrepareTangent(d->blocks[b].sweep));
  PetscCall(ResidualDeviceBorrow(residual, v, &d->direction, &s.direction));
  PetscCall(sweep(residual, theta, tangent_points, &s));
  PetscCall(take_rows(residual, d->rows_bar.values, Jv));
  PetscCall(ResidualDeviceGiveBack(residual, v, &s.direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApplyTranspose_Device(void *self, Vec theta, const double w[], Vec y)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const size_t n_row = (size_t)residual->rows.n_row;
  Sweep s = {NULL};
  PetscFunctionBegin;
  PetscCall(ResidualDeviceRenew(residual));
  if (n_row) d->device->put(d->rows_bar.values, w, n_row * sizeof(double));
  PetscCall(gradient_begin(residual, y, &s.gradient));
  PetscCall(sweep(residual, theta, transpose_points, &s));
  PetscCall(gradient_end(residual, y, &s.gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsUpdate_Device(void *self, Vec theta, PetscInt iteration, bool *changed)
{
  Residual residual = self;
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.update(self, theta, iteration, changed));
  residual->device->stale |= *changed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsNextUpdate_Device(void *self, PetscInt iteration, PetscInt *next)
{
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.next_update(self, iteration, next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsHeldout_Device(void *self, Vec theta, double *rms)
{
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.heldout(self, theta, rms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsVisit_Device(void *self, Vec theta, int layer, RowsPanelFn fn, void *context)
{
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.visit(self, theta, layer, fn, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsNumbers_Device(void *self, PetscInt64 numbers[])
{
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.numbers(self, numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsSymbol_Device(void *self, Vec theta, double d[])
{
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.symbol(self, theta, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ResidualDeviceOps(bool several, RowsOps *ops)
{
  *ops = (RowsOps){.evaluate = RowsEvaluate_Device,
                   .gradient = RowsGradient_Device,
                   .apply = RowsApply_Device,
                   .apply_transpose = RowsApplyTranspose_Device,
                   .jacobian = RowsJacobian_Device,
                   .gram = RowsGram_Device,
                   .gram_layer = RowsGramLayer_Device,
                   .normal = RowsNormal_Device,
                   .diagonal = RowsDiagonal_Device,
                   .visit = RowsVisit_Device,
                   .numbers = RowsNumbers_Device,
                   .symbol = RowsSymbol_Device,
                   .update = RowsUpdate_Device,
                   .next_update = RowsNextUpdate_Device,
                   .heldout = RowsHeldout_Device};
  if (several) { /* rows of other ranks are on other devices: their products meet on the host */
    ops->gram = NULL;
    ops->gram_layer = NULL;
    return;
  }
  ops->triangle = RowsTriangle_Device;
  ops->kernel = RowsKernel_Device;
  ops->kernel_inverse = RowsKernelInverse_Device;
}
