/* Blocks of rows: their points, and values at training and held-out points. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "residual_impl.h"

#define MOST_STATICS      16777216.0 /* numbers that are kept of points which serve one step: 128 MB */
#define HELDOUT_CONDITION 1024       /* conditions live on fewer dimensions than the interior */

PetscErrorCode RowSetBind(Probe probe, RowSet *set)
{
  PetscFunctionBegin;
  set->probe = probe;
  if (!RowSetFolds(set)) set->n_row = set->points.n, set->count = set->points.count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowSetPrepare(Probe probe, RowSet *set)
{
  const int n = set->points.n, dim = set->points.dim, n_tile = (n + probe->tile - 1) / probe->tile;
  const size_t stride = (size_t)n;
  PetscFunctionBegin;
  PetscCall(RowSetBind(probe, set));
  PetscCall(PetscMalloc1((size_t)ProgramStatics(probe->program) * stride, &set->statics));
#pragma omp parallel for schedule(static, 1) num_threads(probe->n_thread)
  for (int k = 0; k < n_tile; k++) {
    const int begin = k * probe->tile;
    const size_t shift = (size_t)begin * (size_t)dim;
    ProgramEvaluateStatics(probe->program, probe->threads[omp_get_thread_num()].work, PetscMin(probe->tile, n - begin),
                           set->points.x + shift, set->points.normal ? set->points.normal + shift : NULL,
                           set->statics + begin, stride);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void RowSetRenewSlots(RowSet *set)
{
  const Probe probe = set->probe;
  const int n = set->points.n, dim = set->points.dim, n_tile = (n + probe->tile - 1) / probe->tile;
  if (!set->statics) return;
#pragma omp parallel for schedule(static, 1) num_threads(probe->n_thread)
  for (int k = 0; k < n_tile; k++) {
    const int begin = k * probe->tile;
    const size_t shift = (size_t)begin * (size_t)dim;
    ProgramEvaluateSlots(probe->program, probe->threads[omp_get_thread_num()].work, PetscMin(probe->tile, n - begin),
                         set->points.x + shift, set->points.normal ? set->points.normal + shift : NULL,
                         set->statics + begin, (size_t)n);
  }
}

PetscErrorCode RowSetDestroy(RowSet *set)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(set->statics));
  PetscCall(PetscFree(set->given));
  PetscCall(PetscFree(set->share));
  PetscCall(PetscFree(set->weight));
  PetscCall(PetscFree(set->row_of));
  PetscCall(PetscFree(set->factor));
  PetscCall(PointSetDestroy(&set->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode place_points(MPI_Comm comm, const RowBlock *block, const Sampling *sampling, RowSet *set)
{
  PetscFunctionBegin;
  if (block->block->integral) {
    PetscCall(RowSetIntegral(comm, block, set)); /* where its quadrature is: fresh points would be another one */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PointSetSample(comm, block->region, sampling, &set->points));
  if (block->block->slope) PetscCall(RowSetStep(set, block->step, sampling->key));
  if (block->block->periodic >= 0) PetscCall(RowSetPair(set, block->block->periodic, block->far_end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool RowBlockKeepsStatics(Residual residual, const RowBlock *block, double n)
{
  return residual->resample != 1 || n * ProgramStatics(block->probe->program) <= MOST_STATICS;
}

PetscErrorCode RowBlockDraw(Residual residual, RowBlock *block, PetscInt iteration)
{
  PetscFunctionBegin;
  PetscCall(RowSetDestroy(&block->train));
  if (block->data) {
    PetscCall(MeasuredDraw(residual, block, block->probe, &block->train));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  block->sampling.key.iteration = (uint32_t)iteration;
  PetscCall(place_points(residual->rows.comm, block, &block->sampling, &block->train));
  if (RowBlockKeepsStatics(residual, block, block->train.points.n))
    PetscCall(RowSetPrepare(block->probe, &block->train));
  else
    PetscCall(RowSetBind(block->probe, &block->train));
  PetscCall(RowBlockGive(block, &block->train));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockHeldout(Residual residual, RowBlock *block, PetscInt draw, RowSet *set)
{
  const bool interior = block->block->interior || block->block->slope;
  const PetscInt count = interior ? residual->n_heldout : PetscMin(residual->n_heldout, HELDOUT_CONDITION);
  Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, block->sampling.key};
  PetscFunctionBegin;
  if (block->data) { /* nothing else was measured */
    PetscCall(MeasuredDraw(residual, block, block->truth, set));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  sampling.key.stream = RANDOM_HELDOUT;
  sampling.key.iteration = (uint32_t)draw;
  PetscCall(place_points(residual->rows.comm, block, &sampling, set));
  if (draw) /* looked at once */
    PetscCall(RowSetBind(block->truth, set));
  else
    PetscCall(RowSetPrepare(block->truth, set));
  PetscCall(RowBlockGive(block, set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockValues(RowBlock *block, const RowSet *set, const double theta[], double values[])
{
  Probe probe = set->probe;
  const int n = set->points.n, dim = set->points.dim, n_tile = (n + probe->tile - 1) / probe->tile;
  PetscFunctionBegin;
  if (probe != block->probe) ProbeUpdate(probe, theta);
#pragma omp parallel for schedule(static, 1) num_threads(probe->n_thread)
  for (int k = 0; k < n_tile; k++) {
    const int begin = k * probe->tile, thread = omp_get_thread_num();
    Tile tile = RowSetTile(set, dim, begin, PetscMin(probe->tile, n - begin));
    double *roots = probe->threads[thread].roots;
    tile.weight = NULL;
    ProbeForward(probe, thread, theta, &tile, roots);
    for (int e = 0; e < probe->n_root; e++)
      memcpy(values + (size_t)e * (size_t)n + begin, roots + (size_t)e * (size_t)tile.n,
             (size_t)tile.n * sizeof(double));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockStatistics(MPI_Comm comm, RowBlock *block, const RowSet *set, const double theta[], double rms[],
                                  double max[])
{
  const int n_term = block->block->n_term, n = set->n_row;
  double *values, *rows;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)n_term * (size_t)set->points.n, &values, (size_t)n_term * (size_t)n, &rows));
  PetscCall(RowBlockValues(block, set, theta, values));
  RowSetFold(set, n_term, values, rows);
  for (int e = 0; e < n_term; e++) {
    const double *value = rows + (size_t)e * (size_t)n;
    double sum = 0.0, most = 0.0;
    for (int i = 0; i < n; i++) sum += value[i] * value[i];
    for (int i = 0; i < n; i++)
      most = isfinite(value[i]) ? fmax(most, fabs(value[i])) : INFINITY; /* MPI_MAX loses NaN */
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, comm));
    rms[e] = sqrt(sum / (double)set->count);
    if (max) max[e] = most;
  }
  PetscCall(PetscFree2(values, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}
