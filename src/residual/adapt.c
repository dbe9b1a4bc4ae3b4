/* Interior points that follow the residual, and what a checkpoint holds of points. */
#include <math.h>
#include <string.h>
#include "adapt.h"

static const Choice adapt_rows[] = {
    {"rad", "all are drawn anew with density |r|/mean|r| + 1", &AdaptRAD},
    {"r3", "those with |r| above the mean stay, all others are drawn anew, uniformly", &AdaptR3},
    {"rar",
     "a twentieth, picked at random, is replaced by the points of largest |r| among 8 times as many as there are",
     &AdaptRAR},
    {"importance",
     "all are drawn anew with density |r|/mean|r| + 0.1, and weighed so that the loss is that of uniform points on "
     "average",
     &AdaptImportance},
    {NULL, NULL, NULL},
};
const ChoiceTable AdaptTable = {"adaptation", "how interior points follow the residual", adapt_rows};

PetscErrorCode ResidualReadAdapt(Residual residual, Config config)
{
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(config, "points.interior.adapt", &residual->adapt));
  PetscCall(ConfigGetString(config, "points.interior.adapt_by", &word));
  residual->updated = -1;
  residual->adapt_by = ChoiceFind(&AdaptTable, word)->data;
  PinnUserCheck(residual->adapt || residual->adapt_by == adapt_rows[0].data,
                "%s: does nothing without points.interior.adapt", ConfigWhere(config, "points.interior.adapt_by"));
  PinnUserCheck(!residual->adapt || !residual->resample || !residual->adapt_by->keeps,
                "%s: \"%s\" keeps points, which points.interior.resample draws anew",
                ConfigWhere(config, "points.interior.adapt_by"), word);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AdaptSizes(Residual residual, RowBlock *block, const PointSet *points, const double theta[],
                          double size[], double *mean)
{
  const int n_term = block->block->n_term, n = points->n;
  RowSet set = {.points = *points}; /* borrowed, by the probe that draws nothing */
  double *values, sum = 0.0;
  PetscFunctionBegin;
  PetscCall(RowSetPrepare(block->truth, &set));
  PetscCall(PetscMalloc1((size_t)n_term * (size_t)n, &values));
  PetscCall(RowBlockValues(block, &set, theta, values));
  for (int i = 0; i < n; i++) {
    double square = 0.0;
    for (int e = 0; e < n_term; e++) {
      const double r = values[(size_t)e * (size_t)n + (size_t)i];
      square += block->block->terms[e].weight * r * r;
    }
    size[i] = isfinite(square) ? sqrt(square) : 0.0;
    sum += size[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  *mean = sum / (double)points->count;
  PetscCall(PetscFree(values));
  PetscCall(PetscFree(set.statics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AdaptCandidates(Residual residual, const RowBlock *block, PetscInt count, PetscInt iteration,
                               PointSet *points)
{
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 0, (uint32_t)iteration};
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, key};
  PetscFunctionBegin;
  PetscCall(PointSetSample(residual->rows.comm, block->region, &sampling, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AdaptPoolCreate(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                               AdaptPool *pool)
{
  double mean;
  PetscFunctionBegin;
  PetscCall(AdaptCandidates(residual, block, ADAPT_POOL * block->train.points.count, iteration, &pool->points));
  const PetscInt first = pool->points.first, count = pool->points.count;
  PetscMPIInt n;
  PetscCall(PetscMPIIntCast(count, &n));
  PetscCall(PetscCalloc1(count, &pool->size));
  PetscCall(AdaptSizes(residual, block, &pool->points, theta, pool->size + first, &mean));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pool->size, n, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AdaptPoolDestroy(AdaptPool *pool)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pool->size));
  PetscCall(PointSetDestroy(&pool->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void AdaptPlace(const PointSet *points, const int place[], const int copies[], double chosen[])
{
  const size_t dim = (size_t)points->dim;
  for (int i = 0; i < points->n; i++) {
    const PetscInt number = points->first + i;
    if (place[number] < 0) continue;
    for (int k = 0; k < (copies ? copies[number] : 1); k++)
      memcpy(chosen + ((size_t)place[number] + (size_t)k) * dim, points->x + (size_t)i * dim, dim * sizeof(double));
  }
}

PetscErrorCode AdaptJoin(MPI_Comm comm, PetscInt count, int dim, double chosen[])
{
  PetscMPIInt n;
  PetscFunctionBegin;
  PetscCall(PetscMPIIntCast(count * dim, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, chosen, n, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes the points given, with the weight of each in the mean square. */
static PetscErrorCode set_points(Residual residual, RowBlock *block, PetscInt count, const double x[],
                                 const double weight[])
{
  RowSet *train = &block->train;
  const int dim = train->points.dim;
  PetscFunctionBegin;
  PetscCall(RowSetDestroy(train));
  PetscCall(PointSetGiven(residual->rows.comm, count, dim, x, &train->points));
  PetscCall(RowSetPrepare(block->probe, train));
  if (!residual->adapt_by->weighs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(train->points.n, &train->share));
  for (int i = 0; i < train->points.n; i++) train->share[i] = sqrt(weight[train->points.first + i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualAdapt(Residual residual, const double theta[], PetscInt iteration)
{
  RowBlock *block = &residual->blocks[0];
  const PetscInt count = block->train.points.count;
  const int dim = block->train.points.dim;
  double *chosen, *weight;
  PetscFunctionBegin;
  if (residual->adapt_by->keeps && residual->updated == iteration) PetscFunctionReturn(PETSC_SUCCESS); /* resumed */
  PetscCall(PetscMalloc2((size_t)count * (size_t)dim, &chosen, count, &weight));
  PetscCall(residual->adapt_by->choose(residual, block, theta, iteration, chosen, weight));
  PetscCall(set_points(residual, block, count, chosen, weight));
  PetscCall(PetscFree2(chosen, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of the points: the iteration of the last new draw, then, where points adapt, the interior points, their
   weights where they are weighed, and where some are kept the last iteration that began. */
static size_t point_numbers(Residual residual)
{
  const PointSet *points = &residual->blocks[0].train.points;
  const Adapt *by = residual->adapt_by;
  if (!residual->adapt && !residual->resample) return 0;
  return 1 + (residual->adapt ? (size_t)points->count * (size_t)(points->dim + by->weighs) + by->keeps : 0);
}

PetscErrorCode ResidualGetPoints(Residual residual, size_t *n, double **values)
{
  const RowSet *train = &residual->blocks[0].train;
  const PointSet *points = &train->points;
  const size_t n_point = point_numbers(residual);
  double *all;
  PetscFunctionBegin;
  *n = n_point + CausalNumbers(residual) + BalanceNumbers(residual);
  *values = NULL;
  if (!*n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(*n, &all));
  if (n_point > 1) PetscCall(PetscArraycpy(all + 1 + points->first * points->dim, points->x, points->n * points->dim));
  double *weight = all + 1 + points->count * points->dim + points->first;
  for (int i = 0; residual->adapt && residual->adapt_by->weighs && i < points->n; i++)
    weight[i] = train->share ? PetscSqr(train->share[i]) : 1.0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, all, (PetscMPIInt)n_point, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  if (n_point) all[0] = (double)residual->blocks[0].sampling.key.iteration;
  if (n_point && residual->adapt_by->keeps) all[n_point - 1] = (double)residual->updated;
  CausalGet(residual, all + n_point);
  PetscCall(BalanceGet(residual, all + n_point + CausalNumbers(residual)));
  *values = all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResidualSetPoints(Residual residual, size_t n, const double values[])
{
  RowBlock *block = &residual->blocks[0];
  const int dim = block->train.points.dim;
  const PetscInt count = block->train.points.count;
  const size_t n_point = point_numbers(residual), n_causal = CausalNumbers(residual);
  const size_t wanted = n_point + n_causal + BalanceNumbers(residual);
  PetscFunctionBegin;
  PinnUserCheck(n == wanted, "the checkpoint holds %zu numbers for the points, this case has %zu", n, wanted);
  for (int b = 0; b < residual->n_block && n_point; b++)
    PetscCall(RowBlockDraw(residual, &residual->blocks[b], (PetscInt)values[0]));
  if (residual->adapt) {
    PetscCall(set_points(residual, block, count, values + 1, values + 1 + count * dim));
    if (residual->adapt_by->keeps) residual->updated = (PetscInt)values[n_point - 1];
  }
  PetscCall(CausalSet(residual, values + n_point));
  PetscCall(BalanceSet(residual, values + n_point + n_causal));
  if (n) PetscCall(ResidualLayout(residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}
