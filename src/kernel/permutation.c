/* Permutations of any length without a table: a balanced Feistel network, whose rounds take random functions of half of
   the bits, permutes the next power of four; walking along its cycle until below n permutes n (Black and Rogaway 2002,
   "Ciphers with arbitrary finite domains"). */
#include "pinn/random.h"

#define ROUNDS 10 /* halves of a bit or two need more than the four of theory */

static uint64_t feistel(RandomKey key, int half, uint64_t i)
{
  const uint64_t mask = ((uint64_t)1 << half) - 1;
  uint64_t left = i >> half, right = i & mask;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    const uint64_t next = left ^ (RandomBits(key, round << 40 | right) & mask);
    left = right;
    right = next;
  }
  return left << half | right;
}

uint64_t RandomPermuted(RandomKey key, uint64_t n, uint64_t i)
{
  int half = 1;
  while ((uint64_t)1 << (2 * half) < n) half++;
  do i = feistel(key, half, i);
  while (i >= n);
  return i;
}
