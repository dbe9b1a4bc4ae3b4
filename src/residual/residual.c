/* Creation of the rows from the case, and what is asked of them between steps. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "linearization.h"

#define HELDOUT         4096    /* points, */
#define HELDOUT_NUMBERS 4000000 /* but no more coordinates of them all, */
#define HELDOUT_FEWEST  100     /* above the fewest */
#define STEP            1e-5    /* length of a difference as a part of the domain's least extent */
#define MOST_EXACT      256e6   /* bytes a thread may take for exact derivatives that only reports need, */
#define EXACT_SHARE     0.25    /* and what all may take of limits.memory */

/* Sampler and count of a block: points.interior, or points.conditions unless the condition has its own. */
static PetscErrorCode read_sampling(Config config, const RowBlock *block, uint32_t number, Sampling *sampling)
{
  const bool interior = block->block->interior || block->block->slope;
  const char *group = interior ? "points.interior" : "points.conditions", *path, *word, *where;
  PetscInt seed;
  PetscFunctionBegin;
  path = ConfigPath("%s.sampler", interior ? group : block->block->path);
  if (interior || !ConfigHas(config, path)) path = ConfigPath("%s.sampler", group);
  PetscCall(ConfigGetString(config, path, &word));
  sampling->sampler = ChoiceFind(&SamplerTable, word);
  where = ConfigWhere(config, path);
  path = ConfigPath("%s.count", interior ? group : block->block->path);
  if (interior || !ConfigHas(config, path)) path = ConfigPath("%s.count", group);
  PetscCall(ConfigGetInts(config, path, &sampling->n_count, &sampling->count));
  PetscCall(RegionSetPlaces(block->region, where, ConfigWhere(config, path)));
  PetscCall(ConfigGetInt(config, "seed", &seed));
  sampling->key = (RandomKey){(uint32_t)seed, interior ? RANDOM_INTERIOR : RANDOM_CONDITION, number, 0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_normals(Config config, Problem problem, const RowBlock *block)
{
  PetscFunctionBegin;
  for (int e = 0; e < block->block->n_term; e++) {
    const Term *term = &block->block->terms[e];
    PinnUserCheck(!FormulaUsesNormal(ProblemFormula(problem), term->node) || RegionHasNormals(block->region),
                  "%s: '%s' uses the outward normal, but '%s' is not a part of the boundary",
                  ConfigWhere(config, block->block->path), term->text, block->block->on);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The setting that a mistake in the formulas of a block belongs to: the first term that fails by itself. */
static PetscErrorCode blame_formula(Config config, Problem problem, const Block *block, const JetReducer *reducer)
{
  char text[512];
  PetscFunctionBegin;
  PetscCall(PetscStrncpy(text, ErrorText(), sizeof(text)));
  for (int e = 0; e < block->n_term; e++) {
    const Term *term = &block->terms[e];
    const char *path = strchr(block->path, '[') ? ConfigPath("%s.residual", block->path)
                                                : ConfigPath("%s[%d].%s", block->path, term->number,
                                                             term->gradient ? "gradient_enhanced" : "residual");
    Program program;
    if (block->n_term > 1 && !ProgramCreate(ProblemFormula(problem), 1, &term->node, reducer, &program)) {
      PetscCall(ProgramDestroy(&program));
      continue;
    }
    PinnUserError("%s: '%.200s': %s", ConfigWhere(config, path), term->text, text);
  }
  PinnUserError("%s: %s", ConfigWhere(config, block->path), text);
}

static PetscErrorCode create_region(Residual residual, const char *where, Domain domain, RowBlock *block)
{
  const Formula formula = ProblemFormula(residual->problem);
  const int c = block->block->periodic;
  const double *lower, *upper;
  PetscFunctionBegin;
  DomainBounds(domain, &lower, &upper);
  block->step = INFINITY;
  for (int i = 0; i < DomainDimension(domain); i++) block->step = fmin(block->step, STEP * (upper[i] - lower[i]));
  block->step /= sqrt(DomainDimension(domain));
  if (block->block->jump)
    PetscCall(RegionCreateStart(domain, where, &block->region));
  else if (c < 0)
    PetscCall(RegionCreate(domain, where, block->block->on, &block->region));
  else {
    PetscCall(RegionCreate(domain, where, ConfigPath("%s.lower", FormulaCoordinateName(formula, c)), &block->region));
    block->far_end = upper[c];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowBlockProbe(Residual residual, const Block *block, const JetReducer *reducer, double most,
                             Probe *probe)
{
  FormulaNode *roots;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(block->n_term, &roots));
  for (int e = 0; e < block->n_term; e++) roots[e] = block->terms[e].node;
  const PetscErrorCode code =
      ProbeCreateWithin(residual->problem, residual->network, block->n_term, roots, reducer, most, probe);
  PetscCall(PetscFree(roots));
  if (code == PETSC_ERR_USER_INPUT) PetscFunctionReturn(code);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What evaluates a block: for training, and for reports. */
static PetscErrorCode create_probes(Residual residual, Config config, RowBlock *block)
{
  const JetReducer reducer = EstimatorReducer(&block->estimator, residual->network);
  const JetReducer exact = EstimatorReducer(NULL, residual->network);
  double most = MOST_EXACT;
  PetscReal limit;
  PetscFunctionBegin;
  if (ConfigHas(config, "limits.memory")) {
    PetscCall(ConfigGetReal(config, "limits.memory", &limit));
    most = PetscMin(most, EXACT_SHARE * limit * 1048576.0 / residual->n_thread);
  }
  const PetscErrorCode code = RowBlockProbe(residual, block->block, &reducer, 0.0, &block->probe);
  if (code == PETSC_ERR_USER_INPUT) PetscCall(blame_formula(config, residual->problem, block->block, &reducer));
  PetscCall(code);
  if (EstimatorDraws(&block->estimator) && block->probe->compression)
    PetscCall(RowBlockProbe(residual, block->block, &exact, most, &block->truth));
  if (!block->truth) block->truth = block->probe;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_block(Residual residual, Config config, Domain domain, int b, RowBlock *block)
{
  PetscFunctionBegin;
  block->block = ProblemBlock(residual->problem, b);
  const int n_term = block->block->n_term;
  block->term = residual->n_term;
  residual->n_term += n_term;
  const char *where = ConfigWhere(config, block->block->path);
  if (block->block->measured >= 0) {
    PetscCall(MeasuredCreate(residual->rows.comm, config, ProblemFormula(residual->problem), domain, block));
  } else {
    PetscCall(create_region(residual, where, domain, block));
    PetscCall(check_normals(config, residual->problem, block));
    PetscCall(read_sampling(config, block, (uint32_t)PetscMax(0, b - residual->n_interior + 1), &block->sampling));
  }
  PetscCall(EstimatorRead(config, block->block->estimator, &block->estimator));
  if (block->block->periodic >= 0 && EstimatorDraws(&block->estimator)) EstimatorExact(&block->estimator);
  PinnUserCheck(!block->block->slope || !block->estimator.unbiased,
                "%s: does not go with unbiased = true of %s in more than 8 coordinates",
                ConfigWhere(config, ConfigPath("%s.gradient_enhanced", block->block->path)), block->block->estimator);
  PetscCall(create_probes(residual, config, block));
  PetscCall(PetscMalloc1(n_term, &block->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tiles small enough that every thread gets some. */
static int tile_points(const Residual residual, const RowBlock *block)
{
  const int share = (block->train.points.n + residual->n_thread - 1) / residual->n_thread;
  return PetscMax(1, PetscMin(block->probe->tile, share));
}

static void cut_tiles(Residual residual)
{
  TileRange *tile = residual->tiles, *piece = residual->pieces;
  for (int b = 0; b < residual->n_block; b++) {
    const RowSet *train = &residual->blocks[b].train;
    const int n = train->points.n, size = tile_points(residual, &residual->blocks[b]);
    for (int begin = 0; begin < n; begin += size) {
      *tile = (TileRange){b, begin, PetscMin(size, n - begin)};
      if (!RowSetFolds(train)) *piece++ = *tile;
      tile++;
    }
    if (RowSetFolds(train) && n) *piece++ = (TileRange){b, 0, train->n_row};
  }
  residual->n_piece = (int)(piece - residual->pieces);
}

PetscErrorCode ResidualLayout(Residual residual)
{
  Rows rows = &residual->rows;
  PetscFunctionBegin;
  PetscCall(LinearizationDestroy(&residual->linearization));
  rows->n_row = rows->n_row_global = 0;
  residual->n_tile = 0;
  residual->n_raw = 0;
  for (int b = 0; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    const int n_term = block->block->n_term, tile = tile_points(residual, block);
    block->row = (size_t)rows->n_row;
    rows->n_row += n_term * block->train.n_row;
    rows->n_row_global += n_term * block->train.count;
    block->raw = residual->n_raw;
    if (RowSetFolds(&block->train)) residual->n_raw += (size_t)n_term * (size_t)block->train.points.n;
    residual->n_tile += (block->train.points.n + tile - 1) / tile;
    PetscCall(RowBlockWeigh(residual, block));
  }
  PetscCall(PetscFree4(residual->tiles, residual->pieces, residual->last, residual->raw));
  PetscCall(PetscMalloc4(residual->n_tile, &residual->tiles, residual->n_tile, &residual->pieces, rows->n_row,
                         &residual->last, residual->n_raw, &residual->raw));
  if (residual->n_draw > 1) {
    PetscCall(PetscFree(residual->other));
    PetscCall(PetscMalloc1(rows->n_row, &residual->other));
  }
  cut_tiles(residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_parameter_blocks(Residual residual)
{
  Rows rows = &residual->rows;
  PetscFunctionBegin;
  rows->n_parameter_block = NetworkParameterBlocks(residual->network);
  PetscCall(PetscMalloc1(rows->n_parameter_block, &residual->parameter_blocks));
  for (PetscInt k = 0; k < rows->n_parameter_block; k++) {
    ParameterBlock *block = &residual->parameter_blocks[k];
    NetworkParameterBlock(residual->network, k, &block->offset, &block->rows, &block->columns);
  }
  rows->parameter_blocks = residual->parameter_blocks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualCreate(MPI_Comm comm, Config config, Problem problem, Domain domain, Network network,
                              Residual *residual)
{
  Residual r;
  int n_feature;
  PetscMPIInt size;
  bool drawn;
  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  *residual = r;
  r->problem = problem;
  r->network = network;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  r->several = size > 1;
  r->n_thread = NetworkIsWide(network) ? 1 : omp_get_max_threads();
  r->n_block = ProblemBlocks(problem);
  r->n_interior = ProblemInteriorBlocks(problem);
  r->rows = (struct Rows_s){.comm = comm,
                            .ops = &ResidualRowsOps,
                            .self = r,
                            .n_param = NetworkParameters(network),
                            .n_thread = r->n_thread,
                            .linear = true,
                            .search_scales = NetworkSearchesScales(network)};
  NetworkLastLayer(network, &r->rows.last_begin, &n_feature);
  PetscCall(create_parameter_blocks(r));
  PetscCall(ConfigGetInt(config, "points.interior.resample", &r->resample));
  PetscCall(ResidualReadAdapt(r, config));
  r->n_heldout = PetscMax(HELDOUT_FEWEST, PetscMin(HELDOUT, HELDOUT_NUMBERS / DomainDimension(domain)));
  if (ConfigHas(config, "points.heldout")) PetscCall(ConfigGetInt(config, "points.heldout", &r->n_heldout));
  PinnUserCheck(r->n_interior == 1 || (!r->adapt && !ConfigHas(config, "points.interior.causal")),
                "%s: does not go with equations that have an estimator or a region of their own",
                ConfigWhere(config, r->adapt ? "points.interior.adapt" : "points.interior.causal"));
  PetscCall(PetscCalloc1(r->n_block, &r->blocks));
  for (int b = 0; b < r->n_block; b++) {
    PetscCall(create_block(r, config, domain, b, &r->blocks[b]));
    r->rows.linear = r->rows.linear && ProgramIsLinear(r->blocks[b].probe->program);
  }
  PetscCall(EstimatorCheck(r, config));
  PetscCall(ResidualCheckMemory(r, config));
  for (int b = 0; b < r->n_block; b++) PetscCall(RowBlockDraw(r, &r->blocks[b], 0));
  PetscCall(CausalCreate(r, config, domain));
  PetscCall(ResidualLayout(r));
  PetscCall(EstimatorDraw(r, 0, &drawn));
  PetscCall(BalanceCreate(r, config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualDestroy(Residual *residual)
{
  Residual r = *residual;
  PetscFunctionBegin;
  if (!r) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ResidualDropDevice(r));
  for (int b = 0; b < r->n_block; b++) {
    RowBlock *block = &r->blocks[b];
    PetscCall(RowSetDestroy(&block->train));
    PetscCall(RowSetDestroy(&block->validation));
    if (block->truth != block->probe) PetscCall(ProbeDestroy(&block->truth));
    PetscCall(ProbeDestroy(&block->probe));
    PetscCall(RowBlockForgetPast(block));
    PetscCall(MeasuredDestroy(&block->data));
    PetscCall(RegionDestroy(&block->region));
    PetscCall(PetscFree(block->scale));
  }
  PetscCall(CausalDestroy(&r->causal));
  PetscCall(BalanceDestroy(&r->balance));
  PetscCall(LinearizationDestroy(&r->linearization));
  PetscCall(PetscFree4(r->tiles, r->pieces, r->last, r->raw));
  PetscCall(PetscFree(r->other));
  PetscCall(PetscFree(r->blocks));
  PetscCall(PetscFree(r->parameter_blocks));
  PetscCall(PetscFree(r->gradients));
  PetscCall(PetscFree(r->description));
  PetscCall(FullVecDestroy(&r->full));
  PetscCall(FullVecDestroy(&r->direction));
  PetscCall(PetscFree(*residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

Rows ResidualRows(Residual residual)
{
  return &residual->rows;
}

PetscErrorCode ResidualCreateTheta(Residual residual, Vec *theta)
{
  PetscFunctionBegin;
  PetscCall(RowsCreateVec(&residual->rows, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualBorrowTheta(Residual residual, Vec theta, const double **values)
{
  PetscFunctionBegin;
  PetscCall(FullVecGet(&residual->full, theta, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualThetaGet(Residual residual, Vec theta, const double **values)
{
  PetscFunctionBegin;
  PetscCall(ResidualBorrowTheta(residual, theta, values));
  for (int b = 0; b < residual->n_block; b++) ProbeUpdate(residual->blocks[b].probe, *values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualThetaRestore(Residual residual, Vec theta, const double **values)
{
  PetscFunctionBegin;
  PetscCall(FullVecRestore(&residual->full, theta, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualReturnTheta(Residual residual, Vec theta, const double **values)
{
  PetscFunctionBegin;
  PetscCall(ResidualThetaRestore(residual, theta, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualGatherTheta(Residual residual, Vec theta, double values[])
{
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&residual->full, theta, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualScatterTheta(Residual residual, const double values[], Vec theta)
{
  PetscFunctionBegin;
  (void)residual;
  PetscCall(FullVecPut(values, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int ResidualTerms(Residual residual)
{
  return residual->n_term;
}

static const RowBlock *block_of(const Residual residual, int term)
{
  int b = residual->n_block - 1;
  while (residual->blocks[b].term > term) b--;
  return &residual->blocks[b];
}

const char *ResidualTermName(Residual residual, int term)
{
  const RowBlock *block = block_of(residual, term);
  return block->block->terms[term - block->term].name;
}

bool ResidualTermEstimated(Residual residual, int term)
{
  const RowBlock *block = block_of(residual, term);
  return EstimatorDraws(&block->estimator) && block->probe->compression && block->truth == block->probe;
}

PetscErrorCode ResidualStatistics(Residual residual, Vec theta, bool heldout, double rms[], double max[])
{
  const double *values;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  for (int b = 0; b < residual->n_block; b++) {
    RowBlock *block = &residual->blocks[b];
    const bool estimated = block->train.probe != block->truth;
    RowSet fresh = {.statics = NULL}, trained = block->train;
    trained.statics = NULL, trained.probe = block->truth;
    if (heldout) PetscCall(RowBlockHeldout(residual, block, 1, &fresh));
    PetscCall(RowBlockStatistics(residual->rows.comm, block,
                                 heldout     ? &fresh
                                 : estimated ? &trained
                                             : &block->train,
                                 values, rms + block->term, max ? max + block->term : NULL));
    PetscCall(RowSetDestroy(&fresh));
  }
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualTermRMS(Residual residual, Vec theta, double loss, double rms[])
{
  PetscFunctionBegin;
  if (loss != residual->last_loss) PetscCall(residual->rows.ops->evaluate(residual, theta, NULL, &loss));
  const double *squares = residual->device ? ResidualDeviceSquares(residual) : NULL;
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    const size_t n = (size_t)block->train.n_row;
    for (int e = 0; e < block->block->n_term; e++) {
      const double *weight =
          block->train.weight ? block->train.weight + (size_t)e * (size_t)block->train.points.n : NULL;
      const double *r = residual->last + block->row + (size_t)e * n;
      double sum = squares ? squares[block->term + e] : 0.0;
      for (size_t i = 0; i < n && !squares; i++) sum += weight ? PetscSqr(r[i] / weight[i]) : r[i] * r[i];
      rms[block->term + e] = block->train.count ? sum / (PetscSqr(block->scale[e]) * (double)block->train.count) : NAN;
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, rms, residual->n_term, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  for (int e = 0; e < residual->n_term; e++) rms[e] = sqrt(rms[e]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double ResidualRowsEvaluated(Residual residual)
{
  return residual->rows_evaluated;
}
