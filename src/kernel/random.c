/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The 128-bit counter
   holds the index, the block and the iteration; the 64-bit key holds the seed and the stream. */
#include <math.h>
#include <Random123/philox.h>
#include "pinn/random.h"

#define TWO_PI 6.28318530717958647692

static philox4x32_ctr_t draw(RandomKey key, uint64_t i)
{
  const philox4x32_ctr_t counter = {{(uint32_t)i, (uint32_t)(i >> 32), key.block, key.iteration}};
  const philox4x32_key_t seed = {{key.seed, key.stream}};
  return philox4x32(counter, seed);
}

static uint64_t join(uint32_t low, uint32_t high)
{
  return (uint64_t)high << 32 | low;
}

/* An odd multiple of 2^-53: symmetric about 1/2, and neither end can occur. */
static double open_unit(uint64_t bits)
{
  return (double)(bits >> 11 | 1) * 0x1p-53;
}

uint64_t RandomBits(RandomKey key, uint64_t i)
{
  const philox4x32_ctr_t word = draw(key, i);
  return join(word.v[0], word.v[1]);
}

double RandomUniform(RandomKey key, uint64_t i)
{
  return open_unit(RandomBits(key, i));
}

double RandomNormal(RandomKey key, uint64_t i)
{
  key.stream ^= RANDOM_NORMAL_FLAG;
  const philox4x32_ctr_t word = draw(key, i);
  const double radius = sqrt(-2 * log(open_unit(join(word.v[0], word.v[1]))));
  return radius * cos(TWO_PI * open_unit(join(word.v[2], word.v[3])));
}
