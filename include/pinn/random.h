/* Counter-based random numbers: Philox 4x32-10 of Random123, keyed by what is drawn, not by when. The same numbers on
   any number of ranks and threads, and on a GPU. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* What is drawn; part of the key, so that no two uses share a stream. */
typedef enum {
  RANDOM_WEIGHTS = 1,
  RANDOM_FEATURES,
  RANDOM_INTERIOR,
  RANDOM_CONDITION,
  RANDOM_HELDOUT,
  RANDOM_ADAPTIVE,
  RANDOM_SHUFFLE,
  RANDOM_MEASURE,
  RANDOM_TEST,
  RANDOM_DATA,
  RANDOM_SKETCH,
  RANDOM_DRAW,
  RANDOM_SPECTRUM,
  RANDOM_ROWS,
  RANDOM_COLUMNS,
  RANDOM_BALANCE
} RandomStream;

/* Flips a bit of the stream for normals, so that they are independent of the uniforms of the same key. */
#define RANDOM_NORMAL_FLAG 0x80000000u

typedef struct {
  uint32_t seed;
  uint32_t stream;    /* a RandomStream */
  uint32_t block;     /* which condition, layer ... */
  uint32_t iteration; /* of resampling */
} RandomKey;

/* The i-th number of the stream: uniform in (0, 1), an odd multiple of 2^-53 and so never 0 or 1; standard normal
   (Box-Muller on the four words of counter i, |z| < 8.6); 64 random bits. RandomUniform and RandomBits of the same key
   and i share their bits. Cannot fail. */
double RandomUniform(RandomKey key, uint64_t i);
double RandomNormal(RandomKey key, uint64_t i);
uint64_t RandomBits(RandomKey key, uint64_t i);
/* u[k] = RandomUniform(key, first + k), the same bits at a fraction of the cost; z[k] = Phi^-1(u[k]), 0 < u[k] < 1, to
   rounding. */
void RandomUniforms(RandomKey key, uint64_t first, size_t n, double u[]);
void NormalQuantiles(size_t n, const double u[], double z[]);

/* Entry i < n of a random permutation of 0 .. n - 1, without the others. Cannot fail. Cost: some tens of draws. */
uint64_t RandomPermuted(RandomKey key, uint64_t n, uint64_t i);
