/* What a device keeps of the rows: points, and what does not depend on theta. */
#include "device.h"

#define SHARE 0.8 /* of the device's free memory that sweeps may fill */

/* What has no way to the device yet; one sentence each. */
static PetscErrorCode check(const Residual residual)
{
  PetscFunctionBegin;
  PinnUserCheck(!residual->adapt, "--backend cuda: points.interior.adapt is not there on a device");
  PinnUserCheck(!residual->causal, "--backend cuda: points.interior.causal is not there on a device");
  PinnUserCheck(!BalanceRows(residual->balance),
                "--backend cuda: a multiplier for each row (balance.type) is not there on a device");
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

/* At least n numbers, zero where they are new; *array is left alone where it has as many. */
static PetscErrorCode take(ResidualDevice d, size_t n, DeviceArray *array)
{
  void *memory;
  PetscFunctionBegin;
  if (n <= array->room) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ResidualDeviceDrop(d, array));
  PetscCall(DeviceAllocate(d->device, n * sizeof(double), NULL, &memory));
  *array = (DeviceArray){memory, n};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put(ResidualDevice d, size_t n, const double *from, DeviceArray *to)
{
  PetscFunctionBegin;
  PetscCall(take(d, n, to));
  if (n) d->device->put(to->values, from, n * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDeviceTake(ResidualDevice d, size_t n, DeviceArray *array)
{
  PetscFunctionBegin;
  PetscCall(take(d, n, array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDeviceDrop(ResidualDevice d, DeviceArray *array)
{
  void *memory = array->values;
  PetscFunctionBegin;
  PetscCall(DeviceFree(d->device, &memory));
  *array = (DeviceArray){NULL, 0};
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
PetscErrorCode ResidualDevicePoints(Residual residual)
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
  PetscCall(take(d, (size_t)residual->rows.n_row, &d->rows));
  PetscCall(take(d, (size_t)residual->rows.n_row, &d->rows_bar));
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
  double *ones;
  PetscFunctionBegin;
  to->most = points_at_once(residual, block, share);
  const size_t net = (size_t)JetPlanColumns(plan) * (size_t)to->most * (size_t)n_field;
  PetscCall(ProgramDeviceCreate(d->device, block->probe->program, n_field, to->most, &to->program));
  if (ProgramUsesNetwork(block->probe->program))
    PetscCall(DeviceSweepCreate(d->device, residual->network, plan, block->probe->compression, to->most, &to->sweep));
  PetscCall(take(d, net, &to->net));
  PetscCall(take(d, net, &to->net_bar));
  PetscCall(PetscMalloc1(to->most, &ones));
  for (int p = 0; p < to->most; p++) ones[p] = 1.0;
  PetscCall(put(d, (size_t)to->most, ones, &to->ones));
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetDevice(Residual residual, const Device *device)
{
  const size_t before = device->free_bytes();
  ResidualDevice d;
  PetscFunctionBegin;
  PetscCall(check(residual));
  PetscCall(PetscNew(&d));
  residual->device = d;
  d->device = device;
  d->stale = true;
  ResidualDeviceOps(residual->several, &d->ops);
  residual->rows.ops = &d->ops;
  residual->rows.device = device;
  residual->rows.search_scales = false;
  PetscCall(PetscCalloc1(residual->n_block, &d->blocks));
  PetscCall(PetscCalloc1(residual->n_term, &d->square));
  PetscCall(take(d, (size_t)residual->n_term, &d->squares));
  const double share = SHARE * (double)device->free_bytes() / residual->n_block;
  for (int b = 0; b < residual->n_block; b++)
    PetscCall(create_block(residual, &residual->blocks[b], share, &d->blocks[b]));
  PetscCall(ResidualDevicePoints(residual));
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
    DeviceArray *arrays[] = {&block->x,     &block->normal, &block->statics, &block->weight,
                             &block->scale, &block->net,    &block->net_bar, &block->ones};
    for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++) PetscCall(ResidualDeviceDrop(d, arrays[k]));
    PetscCall(DeviceSweepDestroy(&block->sweep));
    PetscCall(ProgramDeviceDestroy(&block->program));
  }
  DeviceArray *arrays[] = {&d->theta,   &d->direction, &d->gradient, &d->rows,   &d->rows_bar,
                           &d->squares, &d->J,         &d->K,        &d->factor, &d->numbers};
  for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++) PetscCall(ResidualDeviceDrop(d, arrays[k]));
  PetscCall(PetscFree(d->square));
  PetscCall(PetscFree(d->blocks));
  PetscCall(PetscFree(residual->device));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *ResidualDeviceSquares(Residual residual)
{
  return residual->device->square;
}

double ResidualDeviceMB(Residual residual)
{
  return residual->device ? residual->device->bytes / 1048576.0 : 0.0;
}
