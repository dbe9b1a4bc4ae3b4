/* Rows and their products with J on a device. */
#include "device.h"

#define SHARE 0.8 /* of the device's free memory that sweeps may fill */

typedef struct ResidualDevice_s *ResidualDevice;

/* What has no way to the device yet; one sentence each. */
static PetscErrorCode check(const Residual residual)
{
  PetscFunctionBegin;
  PinnUserCheck(!residual->adapt, "--backend cuda: points.interior.adapt is not there on a device");
  PinnUserCheck(!residual->causal, "--backend cuda: points.interior.causal is not there on a device");
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    PinnUserCheck(
        !RowSetFolds(&block->train),
        "--backend cuda: '%s' has rows that points share (periodic conditions, integrals), which a device has "
        "not",
        block->block->terms[0].name);
    PinnUserCheck(!block->block->jump, "--backend cuda: slabs of time are not there on a device");
    PinnUserCheck(!block->probe->n_unknown, "--backend cuda: unknown coefficients are not there on a device");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put(ResidualDevice d, size_t n, const double *from, double **to)
{
  void *memory = *to;
  PetscFunctionBegin;
  PetscCall(DeviceFree(d->device, &memory));
  *to = NULL;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DeviceAllocate(d->device, n * sizeof(double), from, &memory));
  *to = memory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode drop(ResidualDevice d, double **array)
{
  PetscFunctionBegin;
  PetscCall(put(d, 0, NULL, array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Statics of points that serve one step are not kept by the host. */
static PetscErrorCode put_statics(ResidualDevice d, RowBlock *block, DeviceBlock *to)
{
  RowSet *set = &block->train;
  const size_t n = (size_t)ProgramStatics(block->probe->program) * (size_t)set->points.n;
  const bool kept = set->statics != NULL;
  PetscFunctionBegin;
  if (n && !kept) PetscCall(RowSetPrepare(block->probe, set));
  PetscCall(put(d, n, set->statics, &to->statics));
  if (to->sweep)
    PetscCall(DeviceSweepSetPoints(to->sweep, set->points.n, set->points.x, set->statics, (size_t)set->points.n));
  if (!kept) PetscCall(PetscFree(set->statics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points with what belongs to them, and what depends on a draw of terms. */
static PetscErrorCode put_points(const Residual residual)
{
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  for (int b = 0; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    DeviceBlock *to = &d->blocks[b];
    const PointSet *points = &block->train.points;
    const size_t n = (size_t)points->n, n_x = n * (size_t)points->dim;
    to->n = points->n;
    PetscCall(put(d, n_x, points->x, &to->x));
    PetscCall(put(d, points->normal ? n_x : 0, points->normal, &to->normal));
    PetscCall(put_statics(d, block, to));
    PetscCall(put(d, block->train.weight ? n : 0, block->train.weight, &to->weight));
    PetscCall(put(d, (size_t)block->block->n_term, block->scale, &to->scale));
    if (to->sweep) PetscCall(DeviceSweepRenew(to->sweep));
  }
  if (d->n_row != (size_t)residual->rows.n_row) {
    d->n_row = (size_t)residual->rows.n_row;
    PetscCall(put(d, d->n_row, NULL, &d->rows));
    PetscCall(put(d, d->n_row, NULL, &d->rows_bar));
  }
  d->stale = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Device memory of a block's sweeps at n points. */
static double sweep_bytes(const Residual residual, const RowBlock *block, int n)
{
  const JetPlan plan = ProbePlan(block->probe);
  const double net = 2.0 * JetPlanColumns(plan) * (double)n * block->probe->n_field * sizeof(double);
  return net + ProgramDeviceBytes(block->probe->program, n) +
         (ProgramUsesNetwork(block->probe->program)
              ? DeviceSweepBytes(residual->network, plan, block->probe->compression, n)
              : 0.0);
}

/* As many points at once as there are, or as fit in the block's share of the memory. */
static int points_at_once(const Residual residual, const RowBlock *block, double share)
{
  int n = PetscMax(1, block->train.points.n);
  while (n > 1 && sweep_bytes(residual, block, n) > share) n = (n + 1) / 2;
  return n;
}

static PetscErrorCode create_block(const Residual residual, const RowBlock *block, double share, DeviceBlock *to)
{
  const ResidualDevice d = residual->device;
  const JetPlan plan = ProbePlan(block->probe);
  const int n_field = block->probe->n_field;
  PetscFunctionBegin;
  to->most = points_at_once(residual, block, share);
  const size_t net = (size_t)JetPlanColumns(plan) * (size_t)to->most * (size_t)n_field;
  PetscCall(ProgramDeviceCreate(d->device, block->probe->program, n_field, to->most, &to->program));
  if (ProgramUsesNetwork(block->probe->program))
    PetscCall(DeviceSweepCreate(d->device, residual->network, plan, block->probe->compression, to->most, &to->sweep));
  PetscCall(put(d, net, NULL, &to->net));
  PetscCall(put(d, net, NULL, &to->net_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The points [begin, begin + n) of a block. */
static DevicePoints points_of(const DeviceBlock *block, int dim, int begin, int n)
{
  const size_t at = (size_t)begin * (size_t)dim;
  return (DevicePoints){.n = (size_t)n,
                        .stride = (size_t)block->n,
                        .row_stride = (size_t)block->n,
                        .x = block->x + at,
                        .normal = block->normal ? block->normal + at : NULL,
                        .statics = block->statics ? block->statics + begin : NULL,
                        .weight = block->weight ? block->weight + begin : NULL,
                        .scale = block->scale};
}

/* What is done at the points of a sweep whose rows begin at `row`. */
typedef void (*DeviceTask)(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, size_t row);

static void evaluate_points(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  ProgramDeviceEvaluate(block->program, points, block->net, d->rows + row);
}

static void reverse_points(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, const double *bar)
{
  ProgramDeviceReverse(block->program, points, bar, block->net_bar);
  if (block->sweep) DeviceSweepReverse(block->sweep, d->theta, block->net_bar, d->gradient);
}

static void gradient_points(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(d, block, points, row);
  reverse_points(d, block, points, d->rows + row);
}

static void transpose_points(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(d, block, points, row); /* what its adjoint needs */
  reverse_points(d, block, points, d->rows_bar + row);
}

static void tangent_points(ResidualDevice d, DeviceBlock *block, const DevicePoints *points, size_t row)
{
  evaluate_points(d, block, points, row);
  if (block->sweep) DeviceSweepTangent(block->sweep, d->theta, d->direction, block->net_bar);
  ProgramDeviceTangent(block->program, points, block->net_bar, d->rows_bar + row);
}

/* theta goes there, and all points are swept. */
static PetscErrorCode sweep(const Residual residual, Vec theta, DeviceTask task)
{
  const ResidualDevice d = residual->device;
  const double *values;
  PetscFunctionBegin;
  if (d->stale) PetscCall(put_points(residual));
  PetscCall(ResidualBorrowTheta(residual, theta, &values));
  d->device->put(d->theta, values, residual->rows.n_param * sizeof(double));
  PetscCall(ResidualReturnTheta(residual, theta, &values));
  for (int b = 0; b < residual->n_block; b++) {
    DeviceBlock *block = &d->blocks[b];
    for (int begin = 0; begin < block->n; begin += block->most) {
      const DevicePoints points =
          points_of(block, residual->blocks[b].train.points.dim, begin, PetscMin(block->most, block->n - begin));
      if (block->sweep) DeviceSweepForward(block->sweep, d->theta, (size_t)begin, (int)points.n, points.x, block->net);
      task(d, block, &points, residual->blocks[b].row + (size_t)begin);
    }
  }
  residual->rows_evaluated += residual->rows.n_row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient comes back, summed over ranks. */
static PetscErrorCode take_gradient(const Residual residual, Vec gradient)
{
  const ResidualDevice d = residual->device;
  const size_t bytes = residual->rows.n_param * sizeof(double);
  double *values;
  PetscFunctionBegin;
  if (residual->several) {
    PetscCall(ResidualZeroGradients(residual));
    d->device->get(residual->gradients, d->gradient, bytes);
    PetscCall(ResidualSumGradients(residual, NULL));
    PetscCall(ResidualScatterTheta(residual, residual->gradients, gradient));
  } else {
    PetscCall(VecGetArrayWrite(gradient, &values));
    d->device->get(values, d->gradient, bytes);
    PetscCall(VecRestoreArrayWrite(gradient, &values));
  }
  PetscCall(DeviceCheck(d->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_rows(const Residual residual, const double *from, double rows[])
{
  PetscFunctionBegin;
  residual->device->device->get(rows, from, (size_t)residual->rows.n_row * sizeof(double));
  PetscCall(DeviceCheck(residual->device->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsEvaluate_Device(void *self, Vec theta, double r[], double *loss)
{
  Residual residual = self;
  PetscFunctionBegin;
  PetscCall(sweep(residual, theta, evaluate_points));
  PetscCall(take_rows(residual, residual->device->rows, residual->last));
  if (r) PetscCall(PetscArraycpy(r, residual->last, residual->rows.n_row));
  PetscCall(ResidualFinishLoss(residual, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsGradient_Device(void *self, Vec theta, double *loss, Vec gradient)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  d->device->clear(d->gradient, residual->rows.n_param * sizeof(double));
  PetscCall(sweep(residual, theta, gradient_points));
  PetscCall(take_rows(residual, d->rows, residual->last));
  PetscCall(ResidualFinishLoss(residual, loss));
  PetscCall(take_gradient(residual, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApply_Device(void *self, Vec theta, Vec v, double Jv[])
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualBorrowTheta(residual, v, &values));
  d->device->put(d->direction, values, residual->rows.n_param * sizeof(double));
  PetscCall(ResidualReturnTheta(residual, v, &values));
  PetscCall(sweep(residual, theta, tangent_points));
  PetscCall(take_rows(residual, d->rows_bar, Jv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApplyTranspose_Device(void *self, Vec theta, const double w[], Vec y)
{
  Residual residual = self;
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  if (d->stale) PetscCall(put_points(residual)); /* the room for w, too */
  if (d->n_row) d->device->put(d->rows_bar, w, d->n_row * sizeof(double));
  d->device->clear(d->gradient, residual->rows.n_param * sizeof(double));
  PetscCall(sweep(residual, theta, transpose_points));
  PetscCall(take_gradient(residual, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsJacobian_Device(void *self, Vec theta, size_t begin, size_t count, double r[], double J[],
                                          size_t ld)
{
  PetscFunctionBegin;
  (void)self, (void)theta, (void)begin, (void)count, (void)r, (void)J, (void)ld;
  PinnUserError(
      "--backend cuda: this stage needs the rows of J one by one, which are not there on a device; stages that "
      "need the gradient alone, like adam and lbfgs, run there");
}

static PetscErrorCode RowsUpdate_Device(void *self, Vec theta, PetscInt iteration, bool *changed)
{
  Residual residual = self;
  PetscFunctionBegin;
  PetscCall(ResidualRowsOps.update(self, theta, iteration, changed));
  residual->device->stale |= *changed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetDevice(Residual residual, const Device *device)
{
  const size_t n_param = residual->rows.n_param, before = device->free_bytes();
  ResidualDevice d;
  PetscFunctionBegin;
  PetscCall(check(residual));
  PetscCall(PetscNew(&d));
  residual->device = d;
  d->device = device;
  d->stale = true;
  d->ops = (RowsOps){.evaluate = RowsEvaluate_Device,
                     .gradient = RowsGradient_Device,
                     .apply = RowsApply_Device,
                     .apply_transpose = RowsApplyTranspose_Device,
                     .jacobian = RowsJacobian_Device,
                     .update = RowsUpdate_Device,
                     .next_update = ResidualRowsOps.next_update,
                     .heldout = ResidualRowsOps.heldout};
  residual->rows.ops = &d->ops;
  residual->rows.search_scales = false;
  PetscCall(PetscCalloc1(residual->n_block, &d->blocks));
  PetscCall(put(d, n_param, NULL, &d->theta));
  PetscCall(put(d, n_param, NULL, &d->direction));
  PetscCall(put(d, n_param, NULL, &d->gradient));
  const double share = SHARE * (double)device->free_bytes() / residual->n_block;
  for (int b = 0; b < residual->n_block; b++)
    PetscCall(create_block(residual, &residual->blocks[b], share, &d->blocks[b]));
  PetscCall(put_points(residual));
  PetscCall(DeviceCheck(device));
  d->bytes = (double)before - (double)device->free_bytes();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDropDevice(Residual residual)
{
  const ResidualDevice d = residual->device;
  PetscFunctionBegin;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  for (int b = 0; b < residual->n_block; b++) {
    DeviceBlock *block = &d->blocks[b];
    double **arrays[] = {&block->x,     &block->normal, &block->statics, &block->weight,
                         &block->scale, &block->net,    &block->net_bar};
    for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++) PetscCall(drop(d, arrays[k]));
    PetscCall(DeviceSweepDestroy(&block->sweep));
    PetscCall(ProgramDeviceDestroy(&block->program));
  }
  double **arrays[] = {&d->theta, &d->direction, &d->gradient, &d->rows, &d->rows_bar};
  for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++) PetscCall(drop(d, arrays[k]));
  PetscCall(PetscFree(d->blocks));
  PetscCall(PetscFree(residual->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double ResidualDeviceMB(Residual residual)
{
  return residual->device ? residual->device->bytes / 1048576.0 : 0.0;
}
