/* Importance sampling (Nabian, Gladstone, Meidani 2021): of a pool of M uniform points, point j is drawn with
   probability q_j ~ |r_j|/mean|r| + c and counts with 1/(M q_j) in the mean square, whose expectation is that over the
   pool. The c keeps weights below (1 + c)/c.

   N points are drawn with replacement, at equal distances in the sum of the q_j from a random start (systematic
   sampling): each is there N q_j times on average, and never more or less often than the two whole numbers beside. */
#include <math.h>
#include "adapt.h"

#define LEAST 0.1 /* c */

/* The chosen ones' places and copies, and the weight at each place. */
static void draw(const AdaptPool *pool, double start, int count, int place[], int copies[], double weight[])
{
  const PetscInt n = pool->points.count;
  double mean = 0.0, before = 0.0;
  int at = 0;
  for (PetscInt j = 0; j < n; j++) mean += pool->size[j] / (double)n;
  for (PetscInt j = 0; j < n; j++) {
    const double density = ((mean > 0.0 ? pool->size[j] / mean : 1.0) + LEAST) / (1.0 + LEAST); /* n q_j */
    before += density;
    place[j] = -1, copies[j] = 0;
    /* the last point takes what rounding has left */
    for (; at < count && (j == n - 1 || (at + start) / count < before / (double)n); at++) {
      if (!copies[j]++) place[j] = at;
      weight[at] = 1.0 / density;
    }
  }
}

static PetscErrorCode AdaptChoose_Importance(Residual residual, RowBlock *block, const double theta[],
                                             PetscInt iteration, double chosen[], double weight[])
{
  const PointSet *train = &block->train.points;
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 1, (uint32_t)iteration};
  AdaptPool pool;
  int *place, *copies;
  PetscFunctionBegin;
  PetscCall(AdaptPoolCreate(residual, block, theta, iteration, &pool));
  PetscCall(PetscMalloc2(pool.points.count, &place, pool.points.count, &copies));
  draw(&pool, RandomUniform(key, 0), (int)train->count, place, copies, weight);
  PetscCall(PetscArrayzero(chosen, train->count * train->dim));
  AdaptPlace(&pool.points, place, copies, chosen);
  PetscCall(AdaptJoin(residual->rows.comm, train->count, train->dim, chosen));
  PetscCall(PetscFree2(place, copies));
  PetscCall(AdaptPoolDestroy(&pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Adapt AdaptImportance = {AdaptChoose_Importance, false, true};
