#include "../src/points/points_impl.h"
#include "points_fixture.h"

static const RandomKey key = {5, RANDOM_INTERIOR, 0, 0};

static Sampling sampling_of(const char *name, const PetscInt *count)
{
  const Sampling sampling = {ChoiceFind(&SamplerTable, name), 1, count, key};
  ck_assert_ptr_nonnull(sampling.sampler);
  return sampling;
}

/* Points [first, first + n) of `count` in the unit cube, with the block of the key. */
static void draw_block(const char *name, int dim, PetscInt count, uint32_t block, PetscInt first, int n, double unit[])
{
  const Sampling sampling = sampling_of(name, &count);
  Draw draw = {&sampling, key, dim, GRID_OPEN, count, first, n};
  draw.key.block = block;
  ck_petsc(SamplerDraw(&draw, unit));
}

START_TEST(ranges_join_to_the_whole)
{
  const int dims[] = {1, 2, 3, 5}, cuts[] = {0, 1, 2, 100, 101, 243};
  for (const Choice *row = SamplerTable.rows; row->name; row++) {
    for (int k = 0; k < 4; k++) {
      const int dim = dims[k], tensor = ((const SamplerOps *)row->data)->nodes != NULL;
      const PetscInt count = !tensor ? 243 : dim == 1 ? 243 : dim == 2 ? 225 : dim == 3 ? 216 : 243;
      double whole[243 * 5], part[243 * 5];
      draw_block(row->name, dim, count, 0, 0, (int)count, whole);
      for (int c = 0; c < 5; c++) {
        const int first = cuts[c], n = PetscMin(cuts[c + 1], (int)count) - first;
        draw_block(row->name, dim, count, 0, first, n, part);
        ck_assert_mem_eq(part, whole + first * dim, (size_t)(n * dim) * sizeof(double));
      }
      for (int i = 0; i < count * dim; i++) ck_assert(whole[i] > 0 && whole[i] < 1);
    }
  }
}
END_TEST

/* Samplers with chance move with the key; tensor products do not. */
START_TEST(keys_change_the_points)
{
  for (const Choice *row = SamplerTable.rows; row->name; row++) {
    double a[32], b[32];
    draw_block(row->name, 2, 16, 1, 0, 16, a);
    draw_block(row->name, 2, 16, 2, 0, 16, b);
    const bool tensor = ((const SamplerOps *)row->data)->nodes != NULL;
    for (int i = 0; i < 32; i++) ck_assert(tensor == (a[i] == b[i]));
  }
}
END_TEST

/* Without its shift, which is the point of number 0, a sequence is a set of dyadic fractions. */
static unsigned cell(double unit, double shift, unsigned cells)
{
  const double moved = unit - shift, raw = moved - floor(moved + 0x1p-40);
  return (unsigned)((raw + 0x1p-40) * cells);
}

/* The first two Sobol coordinates form a (0, m, 2)-net: every elementary box of volume 2^-m holds one of the 2^m first
   points; and every coordinate by itself is a (0, m, 1)-net. */
START_TEST(sobol_points_are_a_net)
{
  double u[256 * 40];
  draw_block("sobol", 40, 256, 0, 0, 256, u);
  for (int k = 0; k <= 8; k++) {
    int box[256] = {0};
    for (int i = 0; i < 256; i++)
      box[cell(u[40 * i], u[0], 1u << k) * (256u >> k) + cell(u[40 * i + 1], u[1], 256u >> k)]++;
    for (int b = 0; b < 256; b++) ck_assert_int_eq(box[b], 1);
  }
  for (int c = 0; c < 40; c++) {
    int slice[256] = {0};
    for (int i = 0; i < 256; i++) slice[cell(u[40 * i + c], u[c], 256)]++;
    for (int b = 0; b < 256; b++) ck_assert_int_eq(slice[b], 1);
  }
}
END_TEST

/* Radical inverse with the digits 1..b-1 in reverse order. */
static double reverse_radical_inverse(int i, int base)
{
  double value = 0, place = 1;
  for (; i; i /= base) {
    place /= base;
    value += place * (i % base ? base - i % base : 0);
  }
  return value;
}

START_TEST(halton_points_are_radical_inverses)
{
  const int prime[] = {2, 3, 5, 7, 11};
  double u[500 * 5];
  draw_block("halton", 5, 500, 0, 0, 500, u);
  for (int i = 0; i < 500; i++)
    for (int c = 0; c < 5; c++) {
      const double error = u[5 * i + c] - u[c] - reverse_radical_inverse(i, prime[c]);
      ck_near(error, round(error), 0, 1e-13);
    }
}
END_TEST

/* The root mean square error over 32 keys of the mean of prod_c pi/2 sin(pi u_c), whose integral is 1 and whose
   variance is (pi^2/8)^dim - 1. */
static double integration_error(const char *name, int dim, int n)
{
  static double u[4096 * 5];
  double square = 0;
  for (uint32_t k = 0; k < 32; k++) {
    double mean = 0;
    draw_block(name, dim, n, k, 0, n, u);
    for (int i = 0; i < n; i++) {
      double f = 1;
      for (int c = 0; c < dim; c++) f *= PETSC_PI / 2 * sin(PETSC_PI * u[i * dim + c]);
      mean += f / n;
    }
    square += PetscSqr(mean - 1) / 32;
  }
  return sqrt(square);
}

START_TEST(low_discrepancy_integrates_better)
{
  for (int dim = 2; dim <= 5; dim++) {
    const double chance = sqrt((pow(PETSC_PI * PETSC_PI / 8, dim) - 1) / 4096);
    ck_near(integration_error("uniform", dim, 4096), chance, 0.4, 0);
    ck_assert_double_lt(integration_error("sobol", dim, 4096), chance / (dim == 2 ? 500 : 12));
    ck_assert_double_lt(integration_error("halton", dim, 4096), chance / 8);
    ck_assert_double_lt(integration_error("latin-hypercube", dim, 4096), chance);
  }
  ck_assert_double_lt(integration_error("latin-hypercube", 1, 4096), 1e-5);
}
END_TEST

/* Warnock's formula for the squared L2 star discrepancy; n random points have (2^-d - 3^-d) / n on average. */
static double discrepancy(const char *name, int n)
{
  double u[2 * 256], first = 0, second = 0;
  draw_block(name, 2, n, 0, 0, n, u);
  for (int i = 0; i < n; i++) {
    first += (1 - u[2 * i] * u[2 * i]) * (1 - u[2 * i + 1] * u[2 * i + 1]);
    for (int j = 0; j < n; j++) second += (1 - fmax(u[2 * i], u[2 * j])) * (1 - fmax(u[2 * i + 1], u[2 * j + 1]));
  }
  return 1.0 / 9 - first / (2 * n) + second / ((double)n * n);
}

START_TEST(low_discrepancy_is_low)
{
  const double chance = (1.0 / 4 - 1.0 / 9) / 256;
  ck_assert_double_lt(discrepancy("sobol", 256), chance / 20);
  ck_assert_double_lt(discrepancy("halton", 256), chance / 20);
  ck_assert_double_lt(discrepancy("latin-hypercube", 256), chance);
}
END_TEST

START_TEST(latin_hypercube_fills_every_slice_once)
{
  const int counts[] = {1, 2, 3, 7, 100, 1000};
  static double u[3000];
  for (int k = 0; k < 6; k++) {
    const int n = counts[k];
    draw_block("latin-hypercube", 3, n, 9, 0, n, u);
    for (int c = 0; c < 3; c++) {
      int slice[1000] = {0};
      for (int i = 0; i < n; i++) slice[(int)(n * u[3 * i + c])]++;
      for (int b = 0; b < n; b++) ck_assert_int_eq(slice[b], 1);
    }
  }
}
END_TEST

START_TEST(latin_hypercube_permutations_are_equally_likely)
{
  int orders[256] = {0}, packed[24], n = 0;
  int move[49] = {0}, pair[49] = {0};
  for (uint32_t k = 0; k < 24000; k++) {
    double u[14];
    draw_block("latin-hypercube", 1, 4, k, 0, 4, u);
    orders[((int)(4 * u[0]) * 4 + (int)(4 * u[1])) * 16 + (int)(4 * u[2]) * 4 + (int)(4 * u[3])]++;
    draw_block("latin-hypercube", 2, 7, k, 0, 7, u);
    const int i = (int)(k % 7);
    move[7 * i + (int)(7 * u[2 * i])]++;
    pair[7 * (int)(7 * u[2 * i]) + (int)(7 * u[2 * i + 1])]++;
  }
  for (int b = 0; b < 256; b++)
    if (orders[b]) packed[n++] = orders[b];
  ck_assert_int_eq(n, 24);
  ck_uniform(packed, 24);
  ck_uniform(move, 49);
  ck_uniform(pair, 49);
}
END_TEST

START_TEST(chebyshev_nodes_are_the_zeros)
{
  for (int n = 1; n <= 40; n++) {
    double u[40];
    draw_block("chebyshev", 1, n, 0, 0, n, u);
    for (int i = 0; i < n; i++) ck_near(u[i], (1 - cos((2 * i + 1) * PETSC_PI / (2 * n))) / 2, 0, 1e-15);
    /* Gauss-Chebyshev quadrature, weights 1/n, is exact for T_k, k < 2 n: 1 for k = 0, else 0. */
    for (int k = 0; k < 2 * n; k++) {
      double mean = 0;
      for (int i = 0; i < n; i++) mean += cos(k * acos(2 * u[i] - 1)) / n;
      ck_near(mean, k == 0, 0, 1e-13);
    }
  }
}
END_TEST

/* P_n(x) and, where |x| < 1, its derivative. */
static double legendre(int n, double x, double *derivative)
{
  double p = 1, before = 0;
  for (int k = 0; k < n; k++) {
    const double next = ((2 * k + 1) * x * p - k * before) / (k + 1);
    before = p, p = next;
  }
  *derivative = n * (before - x * p) / (1 - x * x);
  return p;
}

START_TEST(gauss_nodes_are_the_zeros)
{
  const int counts[] = {1, 2, 3, 7, 16, 21, 33, 150, 200};
  for (int k = 0; k < 9; k++) {
    const int n = counts[k];
    double u[200], slope, integral[400] = {0};
    draw_block("gauss-legendre", 1, n, 0, 0, n, u);
    for (int i = 0; i < n; i++) {
      const double x = 2 * u[i] - 1, p = legendre(n, x, &slope);
      ck_near(p / slope, 0, 0, 2e-15);
      if (i) ck_assert_double_gt(u[i], u[i - 1]);
      for (int m = 0; m < 2 * n; m++) integral[m] += pow(u[i], m) / ((1 - x * x) * slope * slope);
    }
    for (int m = 0; m < 2 * n; m++) ck_near(integral[m], 1.0 / (m + 1), 1e-11, 0);
  }
}
END_TEST

/* Their mean is the integral of every wave below the n-th, whose values are then all the same. */
START_TEST(midpoints_integrate_waves)
{
  for (int n = 1; n <= 40; n++) {
    double u[40], weight[40];
    const PetscInt count = n;
    const Sampling sampling = sampling_of("midpoints", &count);
    const Piece piece = {.dim = 1, .n_cube = 1};
    draw_block("midpoints", 1, n, 0, 0, n, u);
    ck_petsc(SamplerWeights(&sampling, "case.cfg:3", &piece, n, weight));
    for (int k = 0; k <= n; k++) {
      double complex sum = 0;
      for (int i = 0; i < n; i++) sum += weight[i] * cexp(2 * I * PETSC_PI * k * u[i]);
      ck_near(cabs(sum), k % n == 0, 0, 1e-13);
    }
  }
}
END_TEST

START_TEST(grid_nodes_follow_their_rule)
{
  const PetscInt count = 5, one = 1;
  const Sampling five = sampling_of("grid", &count), single = sampling_of("grid", &one);
  const double expected[3][5] = {
      {1 / 6.0, 2 / 6.0, 3 / 6.0, 4 / 6.0, 5 / 6.0}, {0, 0.25, 0.5, 0.75, 1}, {0.1, 0.3, 0.5, 0.7, 0.9}};
  for (int rule = 0; rule < 3; rule++) {
    double u[5];
    ck_petsc(SamplerDraw(&(Draw){&five, key, 1, (GridRule)rule, 5, 0, 5}, u));
    for (int i = 0; i < 5; i++) ck_near(u[i], expected[rule][i], 1e-15, 0);
    ck_petsc(SamplerDraw(&(Draw){&single, key, 1, (GridRule)rule, 1, 0, 1}, u));
    ck_near(u[0], 0.5, 0, 0);
  }
}
END_TEST

START_TEST(tensor_products_run_first_coordinate_fastest)
{
  const PetscInt count[] = {2, 3};
  const Sampling sampling = {ChoiceFind(&SamplerTable, "grid"), 2, count, key};
  const double expected[6][2] = {{0, 0}, {1, 0}, {0, 0.5}, {1, 0.5}, {0, 1}, {1, 1}};
  double u[6][2];
  ck_petsc(SamplerDraw(&(Draw){&sampling, key, 2, GRID_CLOSED, 6, 0, 6}, &u[0][0]));
  for (int i = 0; i < 6; i++)
    for (int c = 0; c < 2; c++) ck_near(u[i][c], expected[i][c], 0, 0);
}
END_TEST

START_TEST(tensor_counts_are_the_nearest_power)
{
  const PetscInt cases[][3] = {{2, 10, 9}, {2, 13, 16}, {3, 2048, 2197}, {1, 17, 17},     {2, 1, 1},
                               {2, 2, 4},  {3, 4, 8},   {26, 1, 1},      {5, 4096, 3125}, {2, 1000000, 1000000}};
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    const Piece piece = {.dim = (int)cases[k][0], .n_cube = (int)cases[k][0]};
    const Sampling sampling = sampling_of("grid", &cases[k][1]);
    PetscInt count;
    ck_petsc(SamplerCount(&sampling, "case.cfg:3", "case.cfg:4", &piece, cases[k][1], &count));
    ck_assert_int_eq(count, cases[k][2]);
  }
}
END_TEST

static PetscErrorCode count_of(const char *name, int dim, int n_count, const PetscInt count[], PetscInt *placed)
{
  const Piece piece = {.dim = dim, .n_cube = dim};
  const Sampling sampling = {ChoiceFind(&SamplerTable, name), n_count, count, key};
  return SamplerCount(&sampling, "case.cfg:3: points.interior.sampler", "case.cfg:4: points.interior.count", &piece,
                      count[0], placed);
}

START_TEST(impossible_counts_are_explained)
{
  const PetscInt many[] = {2048, 2048, 2048};
  PetscInt n;
  ck_petsc(count_of("sobol", 40, 1, many, &n));
  ck_assert_int_eq(n, 2048);
  ck_petsc_fails(
      count_of("sobol", 41, 1, many, &n), PETSC_ERR_USER_INPUT,
      "case.cfg:3: points.interior.sampler: sampler 'sobol' fills at most 40 coordinates, here there are 41; use one "
      "of halton, latin-hypercube, uniform");
  ck_petsc_fails(count_of("sobol", 2, 1, (PetscInt[]){1073741825}, &n), PETSC_ERR_USER_INPUT,
                 "case.cfg:4: points.interior.count: sampler 'sobol' has 1073741824 points, not 1073741825");
  ck_petsc_fails(count_of("halton", 2000, 1, many, &n), PETSC_ERR_USER_INPUT, "use one of latin-hypercube, uniform");
  ck_petsc_fails(count_of("uniform", 3, 3, many, &n), PETSC_ERR_USER_INPUT,
                 "case.cfg:4: points.interior.count: sampler 'uniform' takes one count, not one for each coordinate");
  ck_petsc_fails(
      count_of("grid", 2, 3, many, &n), PETSC_ERR_USER_INPUT,
      "case.cfg:4: points.interior.count: 3 counts where 2 coordinates are free: give one in all or one for each");
  ck_petsc_fails(count_of("grid", 1, 3, many, &n), PETSC_ERR_USER_INPUT, ": 3 counts where 1 coordinate is free");
  ck_petsc_fails(
      count_of("chebyshev", 3, 3, many, &n), PETSC_ERR_USER_INPUT,
      "sampler 'chebyshev' would place 8.58993e+09 points, at most 100000000 are possible; use one of sobol");
  ck_petsc_fails(count_of("grid", 100, 1, many, &n), PETSC_ERR_USER_INPUT,
                 "sampler 'grid' needs at least 2^100 = 1.26765e+30 points, far more than 2048; "
                 "use one of halton, latin-hypercube, uniform");
}
END_TEST

TEST_SUITE("points samplers", ranges_join_to_the_whole, keys_change_the_points, sobol_points_are_a_net,
           halton_points_are_radical_inverses, low_discrepancy_integrates_better, low_discrepancy_is_low,
           latin_hypercube_fills_every_slice_once, latin_hypercube_permutations_are_equally_likely,
           chebyshev_nodes_are_the_zeros, gauss_nodes_are_the_zeros, midpoints_integrate_waves,
           grid_nodes_follow_their_rule, tensor_products_run_first_coordinate_fastest,
           tensor_counts_are_the_nearest_power, impossible_counts_are_explained)
