/* The rows' operations: one parallel loop over tiles of points, with what is done to a tile as the variable part. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "linearization.h"

typedef struct {
  Residual residual;
  const double *theta; /* [n_param] in full */
  const double *v;     /* tangent: [n_param] in full */
  const double *w;     /* transpose: [n_row], NULL = the rows themselves (gradient of the loss) */
  double *r;           /* [n_row] */
  double *gradients;   /* [n_thread][n_param] */
  double *J;           /* [n_row][ld] */
  size_t begin, count, ld;
} Sweep;

/* One tile: its block, the place of its first row, and its rows scaled by the weights. */
typedef struct {
  const RowBlock *block;
  Tile tile;
  int thread;
  size_t row;    /* of the first term; the next term is `stride` rows on */
  size_t stride; /* points of the block */
  double *roots; /* [n_term][tile.n] */
  double *raw;   /* where points share rows: the place of the first one's values, else NULL */
  int begin;     /* of the tile in its block */
} TileWork;

typedef void (*TileTask)(const Sweep *sweep, const TileWork *work);

static void store_rows(const TileWork *work, double r[])
{
  const int n = work->tile.n;
  double *to = work->raw ? work->raw : r + work->row;
  for (int e = 0; e < work->block->block->n_term; e++)
    for (int i = 0; i < n; i++)
      to[(size_t)e * work->stride + (size_t)i] = work->block->scale[e] * work->roots[e * n + i];
}

/* What the row of the i-th point is multiplied by, times the point's share in it. */
static double row_factor(const TileWork *work, const double w[], int e, int i)
{
  const RowSet *set = &work->block->train;
  if (!work->raw) return w[work->row + (size_t)e * work->stride + (size_t)i];
  const size_t row = (size_t)e * (size_t)set->n_row + (size_t)set->row_of[work->begin + i];
  return set->factor[work->begin + i] * w[work->block->row + row];
}

/* Rows, and those of the second draw where a block has one. */
static void store_both(const Sweep *sweep, const TileWork *work)
{
  const Probe probe = work->block->probe;
  TileWork other = *work;
  store_rows(work, sweep->r);
  if (probe->n_draw == 1) return;
  other.roots = probe->threads[work->thread].other;
  ProbeRoots(probe, work->thread, 1, other.roots);
  store_rows(&other, sweep->residual->other);
}

static void evaluate_tile(const Sweep *sweep, const TileWork *work)
{
  store_both(sweep, work);
}

/* The gradient of 1/2 r r' by both draws: each meets half of the other's rows. */
static void reverse_both(const Sweep *sweep, const TileWork *work)
{
  const int n = work->tile.n;
  const Residual residual = sweep->residual;
  double *other = work->block->probe->threads[work->thread].other;
  for (int e = 0; e < work->block->block->n_term; e++)
    for (int i = 0; i < n; i++) {
      const size_t row = work->row + (size_t)e * work->stride + (size_t)i;
      work->roots[e * n + i] = 0.5 * work->block->scale[e] * residual->other[row];
      other[e * n + i] = 0.5 * work->block->scale[e] * sweep->r[row];
    }
  ProbeReverseBoth(work->block->probe, work->thread, sweep->theta, work->roots, other,
                   sweep->gradients + (size_t)work->thread * residual->rows.n_param);
}

static void reverse_tile(const Sweep *sweep, const TileWork *work)
{
  const int n = work->tile.n;
  const double *w = sweep->w;
  if (!w) { /* rows that points share are there already */
    if (!work->raw) store_both(sweep, work);
    w = sweep->r;
  }
  if (!sweep->w && work->block->probe->n_draw > 1) {
    reverse_both(sweep, work);
    return;
  }
  for (int e = 0; e < work->block->block->n_term; e++)
    for (int i = 0; i < n; i++) work->roots[e * n + i] = work->block->scale[e] * row_factor(work, w, e, i);
  ProbeReverse(work->block->probe, work->thread, sweep->theta, work->roots,
               sweep->gradients + (size_t)work->thread * sweep->residual->rows.n_param);
}

static void tangent_tile(const Sweep *sweep, const TileWork *work)
{
  ProbeTangent(work->block->probe, work->thread, sweep->theta, sweep->v, work->roots);
  store_rows(work, sweep->r);
}

static void jacobian_tile(const Sweep *sweep, const TileWork *work)
{
  const int n = work->tile.n, n_term = work->block->block->n_term;
  store_rows(work, sweep->r);
  memset(work->roots, 0, (size_t)n_term * (size_t)n * sizeof(double));
  for (int e = 0; e < n_term; e++) {
    for (int i = 0; i < n; i++) work->roots[e * n + i] = work->block->scale[e];
    ProbeRows(work->block->probe, work->thread, sweep->theta, work->roots, sweep->begin, sweep->count,
              sweep->J + (work->row + (size_t)e * work->stride) * sweep->ld, sweep->ld);
    for (int i = 0; i < n; i++) work->roots[e * n + i] = 0.0;
  }
}

static TileWork tile_work(const Residual residual, const TileRange *range)
{
  const RowBlock *block = &residual->blocks[range->block];
  const int thread = omp_get_thread_num();
  return (TileWork){block,
                    RowSetTile(&block->train, block->train.points.dim, range->begin, range->n),
                    thread,
                    block->row + (size_t)range->begin,
                    (size_t)block->train.points.n,
                    block->probe->threads[thread].roots,
                    RowSetFolds(&block->train) ? residual->raw + block->raw + range->begin : NULL,
                    range->begin};
}

/* Tiles are dealt to threads in turn: which thread adds what does not change from run to run. shared: only those whose
   points share rows. */
static void for_tiles(const Sweep *sweep, bool shared, TileTask task)
{
  const Residual residual = sweep->residual;
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < residual->n_tile; k++) {
    const TileWork work = tile_work(residual, &residual->tiles[k]);
    if (shared && !work.raw) continue;
    ProbeForward(work.block->probe, work.thread, sweep->theta, &work.tile, work.roots);
    task(sweep, &work);
  }
  if (!shared) residual->rows_evaluated += residual->rows.n_row;
}

/* Rows of J piece by piece; of a block whose points share rows, one thread makes all.  work [n_thread][n_work] */
static void for_pieces(const Sweep *sweep, double work[], size_t n_work)
{
  const Residual residual = sweep->residual;
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < residual->n_piece; k++) {
    const TileWork tile = tile_work(residual, &residual->pieces[k]);
    const RowBlock *block = tile.block;
    if (tile.raw) {
      RowBlockFoldRows(block, tile.thread, sweep->theta, sweep->begin, sweep->count,
                       work + (size_t)tile.thread * n_work, sweep->r + block->row, sweep->J + block->row * sweep->ld,
                       sweep->ld);
      continue;
    }
    ProbeForward(block->probe, tile.thread, sweep->theta, &tile.tile, tile.roots);
    jacobian_tile(sweep, &tile);
  }
  residual->rows_evaluated += residual->rows.n_row;
}

/* Reverse sweeps over all tiles, with what the probes kept in the first thread's share. */
static void reverse_tiles(const Sweep *sweep)
{
  const Residual residual = sweep->residual;
  if (!sweep->w && residual->n_raw) {
    for_tiles(sweep, true, evaluate_tile);
    ResidualFold(residual, sweep->r);
  }
  for_tiles(sweep, false, reverse_tile);
  for (int b = 0; b < residual->n_block; b++)
    ProbeReverseEnd(residual->blocks[b].probe, sweep->theta, sweep->gradients);
}

/* 1/2 |r|^2 of the local rows; of two draws, half their product. */
static double local_loss(const Residual residual)
{
  double sum = 0.0;
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const double *r = residual->last + block->row;
    const double *other = block->probe->n_draw > 1 ? residual->other + block->row : r;
    const size_t n = (size_t)block->block->n_term * (size_t)block->train.n_row;
    for (size_t k = 0; k < n; k++) sum += r[k] * other[k];
  }
  return 0.5 * sum;
}

static PetscErrorCode sum_over_ranks(Residual residual, size_t n, double values[])
{
  PetscMPIInt count;
  PetscFunctionBegin;
  PetscCall(PetscMPIIntCast((PetscInt)n, &count));
  PetscCall(PetscLogEventBegin(RowsLogEvent(ROWS_REDUCE), 0, 0, 0, 0));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscCall(PetscLogEventEnd(RowsLogEvent(ROWS_REDUCE), 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetLoss(Residual residual, double local, double *loss)
{
  PetscFunctionBegin;
  residual->last_loss = local;
  if (residual->several) PetscCall(sum_over_ranks(residual, 1, &residual->last_loss));
  if (loss) *loss = residual->last_loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualFinishLoss(Residual residual, double *loss)
{
  PetscFunctionBegin;
  PetscCall(ResidualSetLoss(residual, local_loss(residual), loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSumGradients(Residual residual, double *extra)
{
  const size_t n = residual->rows.n_param;
  double *g = residual->gradients;
  PetscFunctionBegin;
#pragma omp parallel for schedule(static) num_threads(residual->n_thread)
  for (size_t k = 0; k < n; k++)
    for (int t = 1; t < residual->n_thread; t++) g[k] += g[(size_t)t * n + k];
  if (!residual->several) PetscFunctionReturn(PETSC_SUCCESS);
  if (extra) g[n] = *extra; /* shares of other threads are summed by now */
  PetscCall(sum_over_ranks(residual, n + (extra != NULL), g));
  if (extra) *extra = g[n];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualZeroGradients(Residual residual)
{
  const size_t n = residual->rows.n_param;
  PetscFunctionBegin;
  if (!residual->gradients) PetscCall(PetscMalloc1((size_t)residual->n_thread * n + 1, &residual->gradients));
#pragma omp parallel num_threads(residual->n_thread)
  memset(residual->gradients + (size_t)omp_get_thread_num() * n, 0, n * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where threads' shares of a gradient are summed: zero. With one share on one rank, the vector itself. */
static PetscErrorCode gradient_begin(Residual residual, Vec gradient, double **shares)
{
  const size_t n = residual->rows.n_param;
  PetscFunctionBegin;
  if (residual->n_thread > 1 || residual->several) {
    PetscCall(ResidualZeroGradients(residual));
    *shares = residual->gradients;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecGetArrayWrite(gradient, shares));
#pragma omp parallel for simd schedule(static) if (n > 100000)
  for (size_t k = 0; k < n; k++) (*shares)[k] = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gradient_end(Residual residual, Vec gradient, double **shares, double *extra)
{
  PetscFunctionBegin;
  if (residual->n_thread > 1 || residual->several) {
    PetscCall(ResidualSumGradients(residual, extra));
    PetscCall(ResidualScatterTheta(residual, residual->gradients, gradient));
  } else {
    PetscCall(VecRestoreArrayWrite(gradient, shares));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsEvaluate_Residual(void *self, Vec theta, double r[], double *loss)
{
  Residual residual = self;
  Sweep sweep = {.residual = residual, .r = residual->last};
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &sweep.theta));
  for_tiles(&sweep, false, evaluate_tile);
  ResidualFold(residual, residual->last);
  PetscCall(ResidualThetaRestore(residual, theta, &sweep.theta));
  if (r) PetscCall(PetscArraycpy(r, residual->last, residual->rows.n_row));
  PetscCall(ResidualFinishLoss(residual, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsGradient_Residual(void *self, Vec theta, double *loss, Vec gradient)
{
  Residual residual = self;
  Sweep sweep = {.residual = residual, .r = residual->last};
  PetscFunctionBegin;
  PetscCall(gradient_begin(residual, gradient, &sweep.gradients));
  PetscCall(ResidualThetaGet(residual, theta, &sweep.theta));
  reverse_tiles(&sweep);
  PetscCall(ResidualThetaRestore(residual, theta, &sweep.theta));
  residual->last_loss = local_loss(residual);
  PetscCall(gradient_end(residual, gradient, &sweep.gradients, &residual->last_loss));
  if (loss) *loss = residual->last_loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualCheckRows(Residual residual)
{
  PetscFunctionBegin;
  PetscCheck(!residual->rows.gradient_only, PETSC_COMM_SELF, PETSC_ERR_SUP,
             "rows and their derivatives were asked for, but %s offers the loss and its gradient alone",
             residual->rows.gradient_only);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApply_Residual(void *self, Vec theta, Vec v, double Jv[])
{
  Residual residual = self;
  Sweep sweep = {.residual = residual, .r = Jv};
  PetscFunctionBegin;
  PetscCall(ResidualCheckRows(residual));
  PetscCall(FullVecGet(&residual->direction, v, &sweep.v));
  PetscCall(ResidualThetaGet(residual, theta, &sweep.theta));
  if (LinearizationHolds(residual, sweep.theta)) {
    LinearizationApply(residual, sweep.v, Jv);
  } else {
    for (int b = 0; b < residual->n_block; b++) ProbeUpdateTangent(residual->blocks[b].probe, sweep.theta, sweep.v);
    for_tiles(&sweep, false, tangent_tile);
    ResidualFold(residual, Jv);
  }
  PetscCall(ResidualThetaRestore(residual, theta, &sweep.theta));
  PetscCall(FullVecRestore(&residual->direction, v, &sweep.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsApplyTranspose_Residual(void *self, Vec theta, const double w[], Vec y)
{
  Residual residual = self;
  Sweep sweep = {.residual = residual, .w = w};
  PetscFunctionBegin;
  PetscCall(ResidualCheckRows(residual));
  PetscCall(gradient_begin(residual, y, &sweep.gradients));
  PetscCall(ResidualThetaGet(residual, theta, &sweep.theta));
  if (LinearizationHolds(residual, sweep.theta))
    LinearizationApplyTranspose(residual, w, sweep.gradients);
  else
    reverse_tiles(&sweep);
  PetscCall(ResidualThetaRestore(residual, theta, &sweep.theta));
  PetscCall(gradient_end(residual, y, &sweep.gradients, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsJacobian_Residual(void *self, Vec theta, size_t begin, size_t count, double r[], double J[],
                                            size_t ld)
{
  Residual residual = self;
  Sweep sweep = {.residual = residual, .r = residual->last, .J = J, .begin = begin, .count = count, .ld = ld};
  const size_t n_work = ResidualFoldWork(residual, count);
  double *work;
  PetscFunctionBegin;
  PetscCall(ResidualCheckRows(residual));
  PetscCall(PetscMalloc1((size_t)residual->n_thread * n_work, &work));
  PetscCall(ResidualThetaGet(residual, theta, &sweep.theta));
  if (LinearizationHolds(residual, sweep.theta))
    LinearizationJacobian(residual, begin, count, residual->last, J, ld);
  else
    for_pieces(&sweep, work, n_work);
  PetscCall(PetscFree(work));
  PetscCall(ResidualThetaRestore(residual, theta, &sweep.theta));
  PetscCall(PetscArraycpy(r, residual->last, residual->rows.n_row));
  PetscCall(ResidualFinishLoss(residual, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsUpdate_Residual(void *self, Vec theta, PetscInt iteration, bool *changed)
{
  Residual residual = self;
  const bool adapt = residual->adapt && iteration && iteration % residual->adapt == 0;
  const bool resample = residual->resample && iteration && iteration % residual->resample == 0;
  bool drawn;
  PetscFunctionBegin;
  PetscCall(EstimatorDraw(residual, iteration, &drawn));
  *changed = adapt || resample || drawn;
  for (int b = 0; b < residual->n_block; b++) {
    const bool slope = residual->blocks[b].block->slope;
    if (resample || slope) PetscCall(RowBlockDraw(residual, &residual->blocks[b], iteration));
    *changed = *changed || slope;
  }
  if (*changed) LinearizationForget(residual);
  if (adapt) {
    const double *values;
    PetscCall(ResidualThetaGet(residual, theta, &values));
    PetscCall(ResidualAdapt(residual, values, iteration));
    PetscCall(ResidualThetaRestore(residual, theta, &values));
  }
  residual->updated = iteration;
  if (adapt || resample) PetscCall(ResidualLayout(residual));
  if (residual->causal) {
    const double *values;
    PetscCall(ResidualThetaGet(residual, theta, &values));
    PetscCall(CausalUpdate(residual, values, iteration, changed));
    PetscCall(ResidualThetaRestore(residual, theta, &values));
  }
  PetscCall(BalanceUpdate(residual, theta, iteration, changed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsNextUpdate_Residual(void *self, PetscInt iteration, PetscInt *next)
{
  const Residual residual = self;
  PetscInt every[] = {residual->adapt, residual->resample, 0};
  PetscFunctionBegin;
  for (int b = 0; b < residual->n_block; b++) every[2] |= residual->blocks[b].block->slope;
  *next = 0;
  for (int k = 0; k < 3; k++) {
    const PetscInt multiple = every[k] ? (iteration / every[k] + 1) * every[k] : 0;
    if (multiple && (!*next || multiple < *next)) *next = multiple;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsHeldout_Residual(void *self, Vec theta, double *rms)
{
  Residual residual = self;
  const double *values;
  double *terms, sum = 0.0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(residual->n_term, &terms));
  PetscCall(ResidualThetaGet(residual, theta, &values));
  for (int b = 0; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    if (!block->validation.points.x) PetscCall(RowBlockHeldout(residual, block, 0, &block->validation));
    if (!block->validation.count) continue; /* nothing of it in this slab */
    PetscCall(RowBlockStatistics(residual->rows.comm, block, &block->validation, values, terms, NULL));
    for (int e = 0; e < block->block->n_term; e++) sum += block->block->terms[e].weight * terms[e] * terms[e];
  }
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  *rms = sqrt(sum);
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsGetScales_Residual(void *self, int *n, double scales[])
{
  Residual residual = self;
  const double *values;
  PetscFunctionBegin;
  PetscCall(NetworkGetScales(residual->network, n, &values));
  if (scales) PetscCall(PetscArraycpy(scales, values, *n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsSetScales_Residual(void *self, int n, const double scales[])
{
  Residual residual = self;
  PetscFunctionBegin;
  (void)n;
  PetscCall(NetworkSetScales(residual->network, scales));
  PetscCall(LinearizationDestroy(&residual->linearization));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const RowsOps ResidualRowsOps = {
    .evaluate = RowsEvaluate_Residual,
    .gradient = RowsGradient_Residual,
    .apply = RowsApply_Residual,
    .apply_transpose = RowsApplyTranspose_Residual,
    .jacobian = RowsJacobian_Residual,
    .linearize = RowsLinearize_Residual,
    .gram = RowsGram_Residual,
    .gram_layer = RowsGramLayer_Residual,
    .normal = RowsNormal_Residual,
    .diagonal = RowsDiagonal_Residual,
    .symbol = RowsSymbol_Residual,
    .numbers = RowsNumbers_Residual,
    .visit = RowsVisit_Residual,
    .update = RowsUpdate_Residual,
    .next_update = RowsNextUpdate_Residual,
    .heldout = RowsHeldout_Residual,
    .get_scales = RowsGetScales_Residual,
    .set_scales = RowsSetScales_Residual,
};
