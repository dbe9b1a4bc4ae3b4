/* Stored sweeps of the training points and the products with J that need nothing else. */
#include <omp.h>
#include <string.h>
#include "linearization.h"

double ResidualLinearizationMB(Residual residual)
{
  double doubles = 0.0;
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    doubles += NetworkStoreDoubles(residual->network, ProbePlan(block->probe), (double)block->train.points.n,
                                   block->block->n_term);
  }
  return doubles * sizeof(double) / 1048576.0;
}

/* On several ranks a product of rows of two ranks needs the sweeps of both. Rows that points share are swept for every
   product, and so are all where coefficients are unknown, which stores know nothing of. */
static PetscErrorCode check_fit(Residual residual, bool *fits)
{
  PetscMPIInt size, all;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(residual->rows.comm, &size));
  const double stored = (size > 1 ? 2.0 : 1.0) * ResidualLinearizationMB(residual);
  all = !residual->n_raw && !ProblemUnknowns(residual->problem) &&
        ResidualMemoryMB(residual) + stored <= residual->memory_limit;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, residual->rows.comm));
  *fits = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_stores(Residual residual, Linearization l)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(residual->n_block, &l->stores));
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    PetscCall(NetworkStoreCreate(residual->network, ProbePlan(block->probe), block->probe->compression,
                                 block->train.points.n, block->block->n_term, &l->stores[b]));
    l->n_panel += NetworkStorePanels(l->stores[b]);
    l->n_work = PetscMax(l->n_work, NetworkStoreWork(l->stores[b]));
  }
  PetscCall(PetscMalloc2(l->n_panel, &l->panels, l->n_panel, &l->number));
  PetscCall(PetscMalloc2(residual->rows.n_param, &l->theta, residual->rows.n_row, &l->r));
  PetscCall(PetscMalloc1((size_t)residual->n_thread * l->n_work, &l->work));
  for (int b = 0, k = 0; b < residual->n_block; b++)
    for (int panel = 0; panel < NetworkStorePanels(l->stores[b]); panel++, k++) {
      l->panels[k].block = b;
      l->number[k] = panel;
      NetworkStorePanel(l->stores[b], panel, &l->panels[k].begin, &l->panels[k].n);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearizationPrepare(Residual residual)
{
  Linearization l;
  PetscFunctionBegin;
  PetscCall(ResidualCheckRows(residual));
  if (residual->linearization) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&l));
  l->n_stored = residual->n_block;
  residual->linearization = l;
  PetscCall(check_fit(residual, &l->fits));
  if (l->fits) PetscCall(create_stores(residual, l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LinearizationDestroy(Linearization *linearization)
{
  Linearization l = *linearization;
  PetscFunctionBegin;
  if (!l) PetscFunctionReturn(PETSC_SUCCESS);
  for (int b = 0; l->stores && b < l->n_stored; b++) PetscCall(NetworkStoreDestroy(&l->stores[b]));
  PetscCall(PetscFree(l->stores));
  PetscCall(PetscFree2(l->panels, l->number));
  PetscCall(PetscFree2(l->theta, l->r));
  PetscCall(PetscFree(l->work));
  PetscCall(PetscFree(*linearization));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One panel of points [first, first + n) of a block, by tiles that fit the thread's sweep. r may be NULL. */
static void sweep_panel(const RowBlock *block, const double theta[], int first, int n_point, NetworkStore store,
                        int panel, double r[])
{
  const size_t stride = (size_t)block->train.points.n;
  const int thread = omp_get_thread_num(), n_term = block->block->n_term;
  ProbeThread *t = &block->probe->threads[thread];
  for (int at = 0; at < n_point; at += block->probe->tile) {
    const int n = PetscMin(block->probe->tile, n_point - at);
    const Tile tile = RowSetTile(&block->train, block->train.points.dim, first + at, n);
    ProbeForward(block->probe, thread, theta, &tile, t->roots);
    for (int e = 0; r && e < n_term; e++)
      for (int i = 0; i < n; i++)
        r[block->row + (size_t)e * stride + (size_t)(first + at + i)] = block->scale[e] * t->roots[e * n + i];
    NetworkStoreInputs(store, panel, at, t->sweep);
    memset(t->roots, 0, (size_t)n_term * (size_t)n * sizeof(double));
    for (int e = 0; e < n_term; e++) {
      for (int i = 0; i < n; i++) t->roots[e * n + i] = block->scale[e];
      ProbeAdjoint(block->probe, thread, t->roots);
      NetworkStoreAdjoints(store, panel, at, e, t->sweep, theta, t->net_bar);
      for (int i = 0; i < n; i++) t->roots[e * n + i] = 0.0;
    }
  }
}

void LinearizationSweepTile(Residual residual, const double theta[], const TileRange *range, NetworkStore store)
{
  NetworkStoreResize(store, range->n);
  for (int panel = 0; panel < NetworkStorePanels(store); panel++) {
    int begin, n;
    NetworkStorePanel(store, panel, &begin, &n);
    sweep_panel(&residual->blocks[range->block], theta, range->begin + begin, n, store, panel, NULL);
  }
}

void LinearizationForget(Residual residual)
{
  if (residual->linearization) residual->linearization->holds = false;
}

bool LinearizationHolds(Residual residual, const double theta[])
{
  const Linearization l = residual->linearization;
  return l && l->holds && !memcmp(l->theta, theta, residual->rows.n_param * sizeof(double));
}

PetscErrorCode LinearizationSweep(Residual residual, const double theta[])
{
  PetscFunctionBegin;
  PetscCall(LinearizationPrepare(residual));
  const Linearization l = residual->linearization;
  if (!l->fits || LinearizationHolds(residual, theta)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int b = 0; b < l->n_stored; b++) NetworkStoreSetTheta(l->stores[b], theta);
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < l->n_panel; k++) {
    const TileRange *range = &l->panels[k];
    sweep_panel(&residual->blocks[range->block], theta, range->begin, range->n, l->stores[range->block], l->number[k],
                l->r);
  }
  PetscCall(PetscArraycpy(l->theta, theta, residual->rows.n_param));
  l->holds = true;
  residual->rows_evaluated += residual->rows.n_row;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A panel's first row. */
static size_t first_row(const Residual residual, const TileRange *range)
{
  return residual->blocks[range->block].row + (size_t)range->begin;
}

void LinearizationApply(Residual residual, const double v[], double Jv[])
{
  const Linearization l = residual->linearization;
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < l->n_panel; k++)
    NetworkStoreApply(l->stores[l->panels[k].block], l->number[k], v,
                      l->work + (size_t)omp_get_thread_num() * l->n_work, Jv + first_row(residual, &l->panels[k]),
                      (size_t)residual->blocks[l->panels[k].block].train.points.n);
}

void LinearizationApplyTranspose(Residual residual, const double w[], double gradients[])
{
  const Linearization l = residual->linearization;
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < l->n_panel; k++) {
    const size_t thread = (size_t)omp_get_thread_num();
    NetworkStoreApplyTranspose(l->stores[l->panels[k].block], l->number[k], w + first_row(residual, &l->panels[k]),
                               (size_t)residual->blocks[l->panels[k].block].train.points.n,
                               l->work + thread * l->n_work, gradients + thread * residual->rows.n_param);
  }
}

void LinearizationJacobian(Residual residual, size_t begin, size_t count, double r[], double J[], size_t ld)
{
  const Linearization l = residual->linearization;
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < l->n_panel; k++)
    NetworkStoreRows(l->stores[l->panels[k].block], l->number[k], begin, count,
                     J + first_row(residual, &l->panels[k]) * ld,
                     (size_t)residual->blocks[l->panels[k].block].train.points.n, ld);
  memcpy(r, l->r, (size_t)residual->rows.n_row * sizeof(double));
}

PetscErrorCode RowsLinearize_Residual(void *self, Vec theta, double r[], double *loss)
{
  Residual residual = self;
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  PetscCall(LinearizationSweep(residual, values));
  const bool holds = LinearizationHolds(residual, values);
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  if (!holds) {
    PetscCall(residual->rows.ops->evaluate(residual, theta, r, loss));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArraycpy(residual->last, residual->linearization->r, residual->rows.n_row));
  if (r) PetscCall(PetscArraycpy(r, residual->last, residual->rows.n_row));
  PetscCall(ResidualFinishLoss(residual, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}
