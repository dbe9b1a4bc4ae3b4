/* Latin hypercube (McKay, Beckman, Conover 1979): coordinate c of point i lies at random in slice pi_c(i) of `count`
   equal slices. The permutations pi_c are Feistel networks on a x b >= count cells, so that any point is found without
   the others; a result outside 0..count-1 is sent through again (cycle walking), rarely, as a b < count + a. */
#include "points_impl.h"

#define ROUNDS      3
#define BELOW_ONE   (1 - 0x1p-53)
#define PERMUTATION (1ull << 63) /* the half of the stream that the jitter does not use */

typedef struct {
  RandomKey key;
  uint64_t count, a, b;
} Permutation;

/* Half-round r of coordinate c: moves x around 0..range-1 by a random step that depends on other < 2^16. */
static uint64_t mix(const Permutation *pi, int c, int r, uint64_t x, uint64_t other, uint64_t range)
{
  const uint64_t bits = RandomBits(pi->key, PERMUTATION | ((uint64_t)c * 2 * ROUNDS + (uint64_t)r) << 16 | other);
  x += ((bits >> 32) * range) >> 32;
  return x < range ? x : x - range;
}

static uint64_t permute(const Permutation *pi, int c, uint64_t i)
{
  do {
    uint64_t low = i % pi->a, high = i / pi->a;
    for (int r = 0; r < ROUNDS; r++) {
      low = mix(pi, c, 2 * r, low, high, pi->a);
      high = mix(pi, c, 2 * r + 1, high, low, pi->b);
    }
    i = high * pi->a + low;
  } while (i >= pi->count);
  return i;
}

static PetscErrorCode latin_hypercube_draw(const Draw *draw, double unit[])
{
  const uint64_t count = (uint64_t)draw->count, a = (uint64_t)ceil(sqrt((double)count));
  const Permutation pi = {draw->key, count, a, (count + a - 1) / a};
  const double width = 1 / (double)count;

  PetscFunctionBegin;
#pragma omp parallel for schedule(static) if ((size_t)draw->n * (size_t)draw->dim > 4096)
  for (int p = 0; p < draw->n; p++) {
    const uint64_t i = (uint64_t)(draw->first + p);
    for (int c = 0; c < draw->dim; c++) {
      const double jitter = RandomUniform(draw->key, i * (uint64_t)draw->dim + (uint64_t)c);
      unit[(size_t)p * (size_t)draw->dim + (size_t)c] = fmin(((double)permute(&pi, c, i) + jitter) * width, BELOW_ONE);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_LatinHypercube = {.draw = latin_hypercube_draw};
