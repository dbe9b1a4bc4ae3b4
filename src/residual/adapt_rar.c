/* Residual-based adaptive refinement (RAR; Lu, Meng, Mao, Karniadakis 2021), by exchange: rows stay as many as they
   are, which stages and memory are laid out for. The points with the largest |r| of a pool take the places of as many
   points that are picked at random; all others stay. */
#include <stdlib.h>
#include "adapt.h"

#define PART 20 /* one point of so many is exchanged */

typedef struct {
  double value;
  int number;
} Place;

static int falling(const void *a, const void *b)
{
  const Place *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? 1 : -1;
  return x->number - y->number;
}

static PetscErrorCode AdaptChoose_RAR(Residual residual, RowBlock *block, const double theta[], PetscInt iteration,
                                      double chosen[], double weight[])
{
  const PointSet *train = &block->train.points;
  const RandomKey key = {block->sampling.key.seed, RANDOM_ADAPTIVE, 1, (uint32_t)iteration};
  const int count = (int)train->count, n_new = (count + PART - 1) / PART, n_pool = ADAPT_POOL * count;
  AdaptPool pool;
  Place *out, *in; /* by chance, and by size */
  int *stays, *comes;
  PetscFunctionBegin;
  (void)weight;
  PetscCall(AdaptPoolCreate(residual, block, theta, iteration, &pool));
  PetscCall(PetscMalloc4(count, &out, n_pool, &in, count, &stays, n_pool, &comes));
  for (int i = 0; i < count; i++) out[i] = (Place){RandomUniform(key, (uint64_t)i), i}, stays[i] = i;
  for (int i = 0; i < n_pool; i++) in[i] = (Place){pool.size[i], i}, comes[i] = -1;
  qsort(out, (size_t)count, sizeof(Place), falling);
  qsort(in, (size_t)n_pool, sizeof(Place), falling);
  for (int k = 0; k < n_new; k++) {
    stays[out[k].number] = -1;
    comes[in[k].number] = out[k].number;
  }
  PetscCall(PetscArrayzero(chosen, (size_t)count * (size_t)train->dim));
  AdaptPlace(train, stays, NULL, chosen);
  AdaptPlace(&pool.points, comes, NULL, chosen);
  PetscCall(AdaptJoin(residual->rows.comm, train->count, train->dim, chosen));
  PetscCall(PetscFree4(out, in, stays, comes));
  PetscCall(AdaptPoolDestroy(&pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Adapt AdaptRAR = {AdaptChoose_RAR, true, false};
