/* Rows panel by panel: inputs and adjoints of each layer, of the stored sweeps or of sweeps tile by tile. */
#include <omp.h>
#include <string.h>
#include "linearization.h"

#define PLAIN_ROWS 64 /* of a panel of rows that only know `jacobian` */

typedef struct {
  Residual residual;
  int layer; /* -1 = all */
  RowsPanelFn fn;
  void *context;
} Visit;

/* Work space of the threads for all stores. */
typedef struct {
  size_t inputs, adjoints; /* numbers of a thread: inputs, work of the visitor and adjoints */
  double *all;
} Room;

static void room_for(NetworkStore store, Room *room)
{
  room->inputs = PetscMax(room->inputs, NetworkStoreInputsWork(store));
  room->adjoints = PetscMax(room->adjoints, NetworkStoreAdjointsWork(store));
}

static PetscErrorCode room_create(int n_thread, Room *room)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n_thread * (2 * room->inputs + room->adjoints), &room->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A thread's inputs, then the visitor's work, then adjoints. */
static double *room_of(const Room *room)
{
  return room->all + (size_t)omp_get_thread_num() * (2 * room->inputs + room->adjoints);
}

/* All layers of a store's panel, whose points begin at `begin` of the block. */
static void visit_panel(const Visit *visit, int block, NetworkStore store, int panel, int begin, const Room *room)
{
  double *z = room_of(room), *work = z + room->inputs, *adjoints = work + room->inputs;
  const RowBlock *b = &visit->residual->blocks[block];
  const int n_term = b->block->n_term;
  int first, end, at, n;
  NetworkTrainedLayers(visit->residual->network, &first, &end);
  NetworkStorePanel(store, panel, &at, &n);
  for (int l = first; l < end; l++) {
    const int number = NetworkLayerPlace(visit->residual->network, l);
    int n_column;
    if (visit->layer >= 0 && visit->layer != number) continue;
    const size_t n_out = (size_t)NetworkLayerOutputs(visit->residual->network, l);
    for (int e = 0; e < n_term; e++) {
      const double *g = NetworkStoreLayer(store, panel, l, e, z, adjoints, &n_column);
      const RowsPanel part = {.layer = number,
                              .term = b->term + e,
                              .interior = b->block->interior,
                              .row = (PetscInt)b->row + e * b->train.points.n + begin,
                              .n = n,
                              .n_column = n_column,
                              .n_in = (PetscInt)NetworkLayerColumns(visit->residual->network, l, 1),
                              .n_out = (PetscInt)n_out,
                              .z = z,
                              .g = g,
                              .work = work};
      visit->fn(visit->context, omp_get_thread_num(), &part);
    }
  }
}

static PetscErrorCode visit_stored(const Visit *visit)
{
  const Residual residual = visit->residual;
  const Linearization l = residual->linearization;
  Room room = {0};
  PetscFunctionBegin;
  for (int b = 0; b < l->n_stored; b++) room_for(l->stores[b], &room);
  PetscCall(room_create(residual->n_thread, &room));
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < l->n_panel; k++)
    visit_panel(visit, l->panels[k].block, l->stores[l->panels[k].block], l->number[k], l->panels[k].begin, &room);
  PetscCall(PetscFree(room.all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void visit_tile(const Visit *visit, const double theta[], const TileRange *range, NetworkStore store,
                       const Room *room)
{
  LinearizationSweepTile(visit->residual, theta, range, store);
  for (int panel = 0; panel < NetworkStorePanels(store); panel++) {
    int begin, n;
    NetworkStorePanel(store, panel, &begin, &n);
    visit_panel(visit, range->block, store, panel, range->begin + begin, room);
  }
}

/* The unknown coefficients as one more layer, whose input is 1.  work [(1 + n_unknown) tile.n] */
static void visit_unknowns(const Visit *visit, const double theta[], const TileRange *range, double work[])
{
  const RowBlock *block = &visit->residual->blocks[range->block];
  const int number = RowsLayers(&visit->residual->rows) - 1, n_term = block->block->n_term, n = range->n;
  const Tile tile = RowSetTile(&block->train, block->train.points.dim, range->begin, n);
  ProbeThread *t = &block->probe->threads[omp_get_thread_num()];
  if (!block->probe->n_unknown || (visit->layer >= 0 && visit->layer != number)) return;
  for (int i = 0; i < n; i++) work[i] = 1.0;
  ProbeForward(block->probe, omp_get_thread_num(), theta, &tile, t->roots);
  memset(t->roots, 0, (size_t)n_term * (size_t)n * sizeof(double));
  for (int e = 0; e < n_term; e++) {
    for (int i = 0; i < n; i++) t->roots[e * n + i] = block->scale[e];
    ProbeAdjoint(block->probe, omp_get_thread_num(), t->roots);
    for (int i = 0; i < n; i++) t->roots[e * n + i] = 0.0;
    const RowsPanel part = {.layer = number,
                            .term = block->term + e,
                            .interior = block->block->interior,
                            .row = (PetscInt)block->row + e * block->train.points.n + range->begin,
                            .n = n,
                            .n_column = 1,
                            .n_in = 1,
                            .n_out = block->probe->n_unknown,
                            .z = work,
                            .g = t->unknown_bar,
                            .work = work + n};
    visit->fn(visit->context, omp_get_thread_num(), &part);
  }
}

/* A store of one tile a thread and block. */
static PetscErrorCode visit_swept(const Visit *visit, const double theta[])
{
  const Residual residual = visit->residual;
  const int n_block = residual->n_block, n_store = residual->n_thread * n_block;
  NetworkStore *stores;
  Room room = {0};
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n_store, &stores));
  for (int k = 0; k < n_store; k++) {
    const RowBlock *block = &residual->blocks[k % n_block];
    PetscCall(NetworkStoreCreate(residual->network, ProbePlan(block->probe), block->probe->compression,
                                 block->probe->tile, block->block->n_term, &stores[k]));
    NetworkStoreSetTheta(stores[k], theta);
    room_for(stores[k], &room);
    room.inputs = PetscMax(room.inputs, (size_t)block->probe->tile * (size_t)(1 + block->probe->n_unknown));
  }
  PetscCall(room_create(residual->n_thread, &room));
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < residual->n_tile; k++) {
    const TileRange *range = &residual->tiles[k];
    const size_t thread = (size_t)omp_get_thread_num();
    if (RowSetFolds(&residual->blocks[range->block].train)) continue; /* visitors do without */
    visit_tile(visit, theta, range, stores[thread * (size_t)n_block + (size_t)range->block], &room);
    visit_unknowns(visit, theta, range, room_of(&room));
  }
  residual->rows_evaluated += residual->rows.n_row;
  PetscCall(PetscFree(room.all));
  for (int k = 0; k < n_store; k++) PetscCall(NetworkStoreDestroy(&stores[k]));
  PetscCall(PetscFree(stores));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsVisit_Residual(void *self, Vec theta, int layer, RowsPanelFn fn, void *context)
{
  const Visit visit = {self, layer, fn, context};
  const Residual residual = self;
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  PetscCall(LinearizationSweep(residual, values));
  if (LinearizationHolds(residual, values))
    PetscCall(visit_stored(&visit));
  else
    PetscCall(visit_swept(&visit, values));
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All of theta as one layer of one output, whose input is the row of J itself. */
static PetscErrorCode visit_plain(Rows rows, Vec theta, RowsPanelFn fn, void *context)
{
  const size_t n_row = (size_t)rows->n_row, n = rows->n_param;
  double *J, *r, *work, ones[PLAIN_ROWS];
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n_row * n, &J, n_row, &r, PLAIN_ROWS * n, &work));
  PetscCall(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  for (int i = 0; i < PLAIN_ROWS; i++) ones[i] = 1.0;
  for (PetscInt row = 0; row < rows->n_row; row += PLAIN_ROWS) {
    const RowsPanel part = {.interior = true,
                            .row = row,
                            .n = PetscMin(PLAIN_ROWS, rows->n_row - row),
                            .n_column = 1,
                            .n_in = (PetscInt)n,
                            .n_out = 1,
                            .z = J + (size_t)row * n,
                            .g = ones,
                            .work = work};
    fn(context, 0, &part);
  }
  PetscCall(PetscFree3(J, r, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsVisit(Rows rows, Vec theta, int layer, RowsPanelFn fn, void *context)
{
  PetscFunctionBegin;
  if (rows->ops->visit)
    PetscCall(rows->ops->visit(rows->self, theta, layer, fn, context));
  else
    PetscCall(visit_plain(rows, theta, fn, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int RowsThreads(Rows rows)
{
  return rows->ops->visit ? PetscMax(rows->n_thread, 1) : 1;
}

int RowsLayers(Rows rows)
{
  int n = 0;
  if (!rows->ops->visit) return 1;
  for (PetscInt k = 0; k < rows->n_parameter_block; k++) n += rows->parameter_blocks[k].columns > 0;
  return n;
}

RowsLayer RowsLayerAt(Rows rows, int layer)
{
  if (!rows->ops->visit) return (RowsLayer){.n_out = 1, .n_in = (PetscInt)rows->n_param};
  const ParameterBlock *weights = rows->parameter_blocks, *end = weights + rows->n_parameter_block;
  for (;; weights++)
    if (weights->columns && layer-- == 0) break;
  const bool bias = weights + 1 < end && !weights[1].columns;
  return (RowsLayer){weights->offset, weights->rows, weights->columns + bias, bias};
}

void RowsLayerGet(const RowsLayer *layer, const double theta[], double V[])
{
  const size_t n_out = (size_t)layer->n_out, n_in = (size_t)layer->n_in, n = n_in - layer->bias;
  const double *W = theta + layer->offset;
  for (size_t j = 0; j < n_out; j++) {
    memcpy(V + j * n_in, W + j * n, n * sizeof(double));
    if (layer->bias) V[j * n_in + n] = W[n_out * n + j];
  }
}

void RowsLayerSet(const RowsLayer *layer, const double V[], double theta[])
{
  const size_t n_out = (size_t)layer->n_out, n_in = (size_t)layer->n_in, n = n_in - layer->bias;
  double *W = theta + layer->offset;
  for (size_t j = 0; j < n_out; j++) {
    memcpy(W + j * n, V + j * n_in, n * sizeof(double));
    if (layer->bias) W[n_out * n + j] = V[j * n_in + n];
  }
}
