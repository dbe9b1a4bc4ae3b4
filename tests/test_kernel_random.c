#include <gsl/gsl_cdf.h>
#include <stdbool.h>
#include <string.h>
#include "pinn/random.h"
#include "random_check.h"

#define SAMPLES 262144

static const RandomKey key = {7, RANDOM_TEST, 3, 11};

/* The known-answer vectors that Random123 publishes for philox4x32-10: counter[4] key[2] word[4]. */
static const uint32_t known[][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
     0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
     0x24126ea1},
};

static double fraction(uint32_t low, uint32_t high)
{
  return ldexp((double)(((uint64_t)high << 32 | low) >> 11 | 1), -53);
}

START_TEST(bits_match_known_answers)
{
  for (int k = 0; k < 3; k++) {
    const uint32_t *v = known[k];
    const RandomKey published = {v[4], v[5], v[2], v[3]};
    const uint64_t i = (uint64_t)v[1] << 32 | v[0];
    ck_assert_uint_eq(RandomBits(published, i), (uint64_t)v[7] << 32 | v[6]);
    ck_near(RandomUniform(published, i), fraction(v[6], v[7]), 0, 0);
  }
}
END_TEST

START_TEST(normals_are_box_muller_of_known_answers)
{
  for (int k = 0; k < 3; k++) {
    const uint32_t *v = known[k];
    const RandomKey flipped = {v[4], v[5] ^ RANDOM_NORMAL_FLAG, v[2], v[3]};
    const double u1 = fraction(v[6], v[7]), u2 = fraction(v[8], v[9]);
    ck_near(RandomNormal(flipped, (uint64_t)v[1] << 32 | v[0]), sqrt(-2 * log(u1)) * sin(PETSC_PI * (0.5 - 2 * u2)),
            1e-13, 1e-15);
  }
}
END_TEST

START_TEST(many_uniforms_are_those_one_by_one)
{
  double u[1000];
  const uint64_t first[] = {0, 7, 0xfffffe00u, 0xfffffffffffffe00u};
  for (int k = 0; k < 4; k++)
    for (size_t n = 1; n <= 1000; n = 3 * n + 1) {
      RandomUniforms(key, first[k], n, u);
      for (size_t i = 0; i < n; i++) ck_assert(u[i] == RandomUniform(key, first[k] + i));
    }
}
END_TEST

START_TEST(quantiles_of_many_are_those_of_gsl)
{
  static double u[SAMPLES + 4], z[SAMPLES + 4];
  RandomUniforms(key, 0, SAMPLES, u);
  u[SAMPLES] = 0.5, u[SAMPLES + 1] = 0x1p-53, u[SAMPLES + 2] = 0.075, u[SAMPLES + 3] = 1 - 0x1p-53;
  NormalQuantiles(SAMPLES + 4, u, z);
  for (int i = 0; i < SAMPLES + 4; i++) {
    ck_near(z[i], gsl_cdf_ugaussian_Pinv(u[i]), 2e-15, 0);
    ck_near(gsl_cdf_ugaussian_P(z[i]), u[i], 1e-13, 0);
  }
}
END_TEST

START_TEST(uniforms_are_equidistributed)
{
  static int bin[1024], pair[1024];
  double mean = 0;
  for (int i = 0; i < SAMPLES; i++) {
    const double u = RandomUniform(key, (uint64_t)i), next = RandomUniform(key, (uint64_t)i + 1);
    ck_assert(u > 0 && u < 1);
    bin[(int)(1024 * u)]++;
    if (i % 2 == 0) pair[32 * (int)(32 * u) + (int)(32 * next)]++;
    mean += u / SAMPLES;
  }
  ck_uniform(bin, 1024);
  ck_uniform(pair, 1024);
  ck_near(mean, 0.5, 0, 4 / sqrt(12.0 * SAMPLES));
}
END_TEST

START_TEST(every_bit_is_fair)
{
  int ones[64] = {0};
  for (uint64_t i = 0; i < SAMPLES; i++)
    for (int b = 0; b < 64; b++) ones[b] += (int)(RandomBits(key, i) >> b & 1);
  for (int b = 0; b < 64; b++) ck_near(ones[b], 0.5 * SAMPLES, 0, 4.5 * sqrt(0.25 * SAMPLES));
}
END_TEST

START_TEST(normals_have_the_moments_of_the_normal_law)
{
  static int bin[512];
  double moment[5] = {0};
  for (int i = 0; i < SAMPLES; i++) {
    const double z = RandomNormal(key, (uint64_t)i);
    for (int m = 1; m <= 4; m++) moment[m] += pow(z, m) / SAMPLES;
    bin[(int)(512 * gsl_cdf_ugaussian_P(z))]++;
  }
  /* Standard deviations of the sample moments: sqrt(E z^2m - (E z^m)^2) = 1, sqrt 2, sqrt 15, sqrt 96. */
  ck_near(moment[1], 0, 0, 4 * sqrt(1.0 / SAMPLES));
  ck_near(moment[2], 1, 0, 4 * sqrt(2.0 / SAMPLES));
  ck_near(moment[3], 0, 0, 4 * sqrt(15.0 / SAMPLES));
  ck_near(moment[4], 3, 0, 4 * sqrt(96.0 / SAMPLES));
  ck_uniform(bin, 512);
}
END_TEST

/* Pairs of numbers with the same index from two keys fill the square evenly. */
START_TEST(streams_are_independent)
{
  const RandomKey others[] = {{8, RANDOM_TEST, 3, 11}, {7, RANDOM_INTERIOR, 3, 11}, {7, RANDOM_TEST, 4, 11},
                              {7, RANDOM_TEST, 3, 12}, {3, RANDOM_TEST, 7, 11},     {7, RANDOM_TEST, 11, 3}};
  for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
    int pair[1024] = {0};
    for (uint64_t i = 0; i < SAMPLES / 4; i++)
      pair[32 * (int)(32 * RandomUniform(key, i)) + (int)(32 * RandomUniform(others[k], i))]++;
    ck_uniform(pair, 1024);
  }
}
END_TEST

START_TEST(normals_and_uniforms_of_a_key_are_independent)
{
  int pair[1024] = {0};
  for (uint64_t i = 0; i < SAMPLES / 4; i++)
    pair[32 * (int)(32 * RandomUniform(key, i)) + (int)(32 * gsl_cdf_ugaussian_P(RandomNormal(key, i)))]++;
  ck_uniform(pair, 1024);
}
END_TEST

START_TEST(index_uses_all_64_bits)
{
  ck_assert_uint_ne(RandomBits(key, 5), RandomBits(key, 5 + (1ull << 32)));
  ck_assert_uint_ne(RandomBits(key, 5), RandomBits(key, 5 + (1ull << 63)));
}
END_TEST

START_TEST(permutations_are_permutations)
{
  const uint64_t lengths[] = {1, 2, 3, 4, 5, 16, 17, 100, 1000, 65537};
  for (int k = 0; k < 10; k++)
    for (uint32_t which = 0; which < 3; which++) {
      const RandomKey one = {7, RANDOM_TEST, which, 11};
      bool *seen;
      ck_petsc(PetscCalloc1(lengths[k], &seen));
      for (uint64_t i = 0; i < lengths[k]; i++) {
        const uint64_t at = RandomPermuted(one, lengths[k], i);
        ck_assert(at < lengths[k] && !seen[at]);
        seen[at] = true;
      }
      ck_petsc(PetscFree(seen));
    }
}
END_TEST

/* Of pairs of places and pairs of values: every one as often as the other, to five standard errors. */
START_TEST(permutations_are_uniform_in_pairs)
{
  enum { TRIALS = 20000 };
  for (int n = 2; n <= 9; n++) {
    static int count[9][9];
    const double expected = TRIALS / (double)(n * (n - 1));
    memset(count, 0, sizeof(count));
    for (uint32_t k = 0; k < TRIALS; k++) {
      const RandomKey one = {7, RANDOM_TEST, 5, k};
      count[RandomPermuted(one, (uint64_t)n, 0)][RandomPermuted(one, (uint64_t)n, (uint64_t)n - 1)]++;
    }
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) ck_near(count[i][j], i == j ? 0 : expected, 0, 5 * sqrt(expected));
  }
}
END_TEST

TEST_SUITE("kernel random", bits_match_known_answers, normals_are_box_muller_of_known_answers,
           many_uniforms_are_those_one_by_one, quantiles_of_many_are_those_of_gsl, uniforms_are_equidistributed,
           every_bit_is_fair, normals_have_the_moments_of_the_normal_law, streams_are_independent,
           normals_and_uniforms_of_a_key_are_independent, index_uses_all_64_bits, permutations_are_permutations,
           permutations_are_uniform_in_pairs)
