/* The CPU's table of operations: identities between functions, adjoints, naive loops. Jets here are univariate,
   column k = d^k/dx^k / k!, whose product is the convolution. */
#include <string.h>
#include "jet_fixture.h"
#include "pinn/series.h"

#define COLUMNS (KERNEL_MAX_ORDER + 1)

/* A convolution table, or its restriction to h h^(k-1) for power k >= 2. */
typedef struct {
  int start[COLUMNS + 1], left[COLUMNS * COLUMNS], right[COLUMNS * COLUMNS];
  double coef[COLUMNS * COLUMNS];
} Convolution;

static KernelProduct convolution(int order, int power, Convolution *c)
{
  int n = 0;
  for (int a = 0; a <= order; a++) {
    c->start[a] = n;
    for (int b = power ? 1 : 0; b <= a; b++) {
      if (a - b < (power ? power - 1 : 0)) continue;
      c->left[n] = b;
      c->right[n] = a - b;
      c->coef[n++] = 1.0;
    }
  }
  c->start[order + 1] = n;
  return (KernelProduct){order + 1, c->start, c->left, c->right, c->coef, NULL, NULL};
}

/* v_bar -> u_bar of u -> d u: u_bar_j = sum over a >= j of d_{a-j} v_bar_a. */
static KernelProduct correlation(int order, Convolution *c)
{
  int n = 0;
  for (int j = 0; j <= order; j++) {
    c->start[j] = n;
    for (int a = j; a <= order; a++) {
      c->left[n] = a - j;
      c->right[n] = a;
      c->coef[n++] = 1.0;
    }
  }
  c->start[order + 1] = n;
  return (KernelProduct){order + 1, c->start, c->left, c->right, c->coef, NULL, NULL};
}

static const KernelTables *tables_of(int order)
{
  static Convolution full, transposed, powers[KERNEL_MAX_ORDER + 1];
  static KernelTables tables;
  static KernelProduct transpose;
  transpose = correlation(order, &transposed);
  tables = (KernelTables){.order = order, .n_lower = order > 1 ? order : 1, .product = convolution(order, 0, &full)};
  tables.product.transpose = &transpose;
  for (int k = 2; k <= order; k++) tables.power[k] = convolution(order, k, &powers[k]);
  return &tables;
}

enum { N = 700, SIZE = COLUMNS * N };

static void assert_same(int order, const double *a, const double *b, double rtol)
{
  for (int k = 0; k <= order; k++) {
    double largest = 0;
    for (int l = 0; l < N; l++) largest = fmax(largest, fabs(b[k * N + l]));
    for (int l = 0; l < N; l++) ck_near(a[k * N + l], b[k * N + l], 0, rtol * largest);
  }
}

START_TEST(compositions_solve_their_differential_equations)
{
  static double u[SIZE], v[SIZE], d[SIZE], e[SIZE], w[SIZE], s[SIZE];
  for (int order = 0; order <= KERNEL_MAX_ORDER; order++) {
    const KernelTables *tables = tables_of(order);
    TestFill(SIZE, u, 1);
    KernelCPU.compose(tables, SeriesExp, 0, N, u, N, v, N, d, e, N);
    assert_same(order, d, v, 1e-14);
    assert_same(order, e, v, 1e-14);
    for (int a = 1; a <= order; a++) /* a v_a = sum_b b u_b v_{a-b} */
      for (int l = 0; l < N; l++) {
        double sum = 0, size = 0;
        for (int b = 1; b <= a; b++) {
          sum += b * u[b * N + l] * v[(a - b) * N + l];
          size += fabs(b * u[b * N + l] * v[(a - b) * N + l]);
        }
        ck_near(a * v[a * N + l], sum, 0, 1e-14 * size);
      }
    KernelCPU.compose(tables, SeriesTanh, 0, N, u, N, v, N, d, e, N);
    KernelCPU.multiply(&tables->product, N, v, N, v, N, w, N, 0); /* d = 1 - v v, e = -2 v d */
    for (int i = 0; i < (order + 1) * N; i++) w[i] = (i < N) - w[i];
    assert_same(order, d, w, 2e-14);
    KernelCPU.multiply(&tables->product, N, v, N, d, N, w, N, 0);
    for (int i = 0; i < (order + 1) * N; i++) w[i] *= -2;
    assert_same(order, e, w, 2e-14);
    KernelCPU.compose(tables, SeriesSin, 0, N, u, N, s, N, d, e, N);
    KernelCPU.compose(tables, SeriesCos, 0, N, u, N, w, N, NULL, NULL, 0);
    assert_same(order, d, w, 1e-14);
    for (int i = 0; i < (order + 1) * N; i++) w[i] = -s[i];
    assert_same(order, e, w, 1e-14);
  }
}
END_TEST

START_TEST(log_undoes_exp_and_powers_are_products)
{
  static double u[SIZE], v[SIZE], w[SIZE], z[SIZE];
  for (int order = 1; order <= KERNEL_MAX_ORDER; order++) {
    const KernelTables *tables = tables_of(order);
    TestFill(SIZE, u, 2);
    KernelCPU.compose(tables, SeriesExp, 0, N, u, N, v, N, NULL, NULL, 0);
    KernelCPU.compose(tables, SeriesLog, 0, N, v, N, w, N, NULL, NULL, 0);
    assert_same(order, w, u, 1e-11);
    KernelCPU.compose(tables, SeriesPow, 3, N, u, N, v, N, NULL, NULL, 0);
    KernelCPU.multiply(&tables->product, N, u, N, u, N, w, N, 0);
    KernelCPU.multiply(&tables->product, N, w, N, u, N, z, N, 0);
    assert_same(order, v, z, 1e-14);
  }
}
END_TEST

START_TEST(results_may_overwrite_their_argument)
{
  static double u[SIZE], v[SIZE], d[SIZE], e[SIZE], a[SIZE], b[SIZE], c[SIZE];
  for (int order = 0; order <= KERNEL_MAX_ORDER; order++) {
    const KernelTables *tables = tables_of(order);
    const size_t bytes = (size_t)(order + 1) * N * sizeof(double);
    TestFill(SIZE, u, 3);
    KernelCPU.compose(tables, SeriesTanh, 0, N, u, N, v, N, d, e, N);
    for (int which = 0; which < 3; which++) {
      double *out[3] = {a, b, c};
      memcpy(out[which], u, bytes);
      KernelCPU.compose(tables, SeriesTanh, 0, N, out[which], N, a, N, b, c, N);
      ck_assert(!memcmp(a, v, bytes) && !memcmp(b, d, bytes) && !memcmp(c, e, bytes));
    }
    memcpy(a, u, bytes);
    KernelCPU.compose(tables, SeriesTanh, 0, N, a, N, a, N, NULL, NULL, 0);
    assert_same(order, a, v, 1e-15);
  }
}
END_TEST

START_TEST(multiply_accumulates_and_its_transpose_is_its_adjoint)
{
  static double d[SIZE], u[SIZE], v[SIZE], v_bar[SIZE], u_bar[SIZE], twice[SIZE];
  for (int order = 0; order <= KERNEL_MAX_ORDER; order++) {
    const KernelProduct *product = &tables_of(order)->product;
    TestFill(SIZE, d, 4), TestFill(SIZE, u, 5), TestFill(SIZE, v_bar, 6);
    KernelCPU.multiply(product, N, d, N, u, N, v, N, 0);
    KernelCPU.multiply_transpose(product, N, d, N, v_bar, N, u_bar, N, 0);
    for (int l = 0; l < N; l++) {
      double forward = 0, reverse = 0;
      for (int k = 0; k <= order; k++) {
        forward += v[k * N + l] * v_bar[k * N + l];
        reverse += u[k * N + l] * u_bar[k * N + l];
      }
      ck_near(forward, reverse, 0, 1e-14);
    }
    for (int l = 0; l < N; l++) {
      double sum = 0;
      for (int b = 0; b <= order; b++) sum += d[b * N + l] * u[(order - b) * N + l];
      ck_near(v[order * N + l], sum, 0, 1e-14);
    }
    memcpy(twice, v, sizeof(twice));
    KernelCPU.multiply(product, N, d, N, u, N, twice, N, 1);
    for (int i = 0; i < (order + 1) * N; i++) ck_near(twice[i], 2 * v[i], 0, 1e-14);
    memcpy(twice, u_bar, sizeof(twice));
    KernelCPU.multiply_transpose(product, N, d, N, v_bar, N, twice, N, 1);
    for (int i = 0; i < (order + 1) * N; i++) ck_near(twice[i], 2 * u_bar[i], 0, 1e-14);
  }
}
END_TEST

START_TEST(columns_without_terms_are_zero_and_strides_leave_gaps)
{
  const int start[4] = {0, 0, 2, 2}, left[2] = {2, 0}, right[2] = {1, 2};
  const double coef[2] = {3, -1};
  const KernelProduct product = {3, start, left, right, coef, NULL, NULL};
  const double u[3 * 4] = {1, 2, 99, 99, 3, 4, 99, 99, 5, 6}, v[3 * 3] = {7, 8, 99, 9, 10, 99, 11, 12};
  double w[3 * 5];
  for (int i = 0; i < 15; i++) w[i] = 42;
  KernelCPU.multiply(&product, 2, u, 4, v, 3, w, 5, 0);
  const double expected[15] = {0, 0, 42, 42, 42, 3 * 5 * 9 - 11, 3 * 6 * 10 - 2 * 12, 42, 42, 42, 0, 0, 42, 42, 42};
  for (int i = 0; i < 15; i++) ck_assert(w[i] == expected[i]);
}
END_TEST

START_TEST(nan_stays_in_its_lane)
{
  static double u[SIZE], v[SIZE], d[SIZE];
  const KernelTables *tables = tables_of(3);
  TestFill(SIZE, u, 8);
  u[100] = NAN;
  u[2 * N + 333] = INFINITY;
  KernelCPU.compose(tables, SeriesTanh, 0, N, u, N, v, N, d, NULL, N);
  for (int l = 0; l < N; l++) {
    ck_assert(isnan(v[l]) == (l == 100));
    ck_assert(isfinite(v[2 * N + l]) == (l != 100 && l != 333));
    ck_assert(isfinite(d[3 * N + l]) == (l != 100 && l != 333));
  }
}
END_TEST

enum { MATRIX = 700 * 70 };

static void check_gemm(size_t m, size_t n, size_t k, int variant)
{
  static double a[MATRIX], b[MATRIX], c[MATRIX], expected[MATRIX];
  const char op_a = variant & 1 ? 'T' : 'N', op_b = variant & 2 ? 'T' : 'N';
  const double alpha = 1.5, beta = variant & 8 ? -0.5 : 0;
  const size_t gap = variant & 4 ? 2 : 0, ldc = n + gap;
  const size_t lda = (op_a == 'N' ? k : m) + gap + 1, ldb = (op_b == 'N' ? n : k) + gap + 1;
  TestFill(MATRIX, a, 9), TestFill(MATRIX, b, 10), TestFill(MATRIX, c, 11);
  memcpy(expected, c, sizeof(c));
  for (size_t p = 0; p < m; p++)
    for (size_t q = 0; q < n; q++) {
      double sum = 0;
      for (size_t r = 0; r < k; r++)
        sum += (op_a == 'N' ? a[p * lda + r] : a[r * lda + p]) * (op_b == 'N' ? b[r * ldb + q] : b[q * ldb + r]);
      expected[p * ldc + q] = alpha * sum + beta * expected[p * ldc + q];
      if (beta == 0) c[p * ldc + q] = NAN; /* must not be read */
    }
  KernelCPU.gemm(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  for (size_t p = 0; p < MATRIX; p++) ck_near(c[p], expected[p], 0, 1e-12);
}

START_TEST(gemm_matches_loops)
{
  static const size_t sizes[][3] = {{1, 1, 1}, {3, 5, 4},    {7, 1, 6},     {1, 9, 5},     {8, 6, 1},    {33, 17, 20},
                                    {4, 3, 0}, {40, 33, 35}, {600, 64, 64}, {64, 60, 640}, {64, 600, 20}};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
    for (int variant = 0; variant < 16; variant++) check_gemm(sizes[i][0], sizes[i][1], sizes[i][2], variant);
}
END_TEST

START_TEST(threads_get_the_bits_of_one_thread)
{
  static double u[SIZE], v[SIZE], d[SIZE], w[16][SIZE];
  const KernelTables *tables = tables_of(KERNEL_MAX_ORDER);
  TestFill(SIZE, u, 12);
  KernelCPU.compose(tables, SeriesSwish, 0, N, u, N, v, N, d, NULL, N);
#pragma omp parallel for num_threads(4)
  for (int t = 0; t < 16; t++) {
    static _Thread_local double slope[SIZE];
    KernelCPU.compose(tables, SeriesSwish, 0, N, u, N, w[t], N, slope, NULL, N);
  }
  for (int t = 0; t < 16; t++) ck_assert(!memcmp(w[t], v, sizeof(v)));
}
END_TEST

TEST_SUITE("kernel", compositions_solve_their_differential_equations, log_undoes_exp_and_powers_are_products,
           results_may_overwrite_their_argument, multiply_accumulates_and_its_transpose_is_its_adjoint,
           columns_without_terms_are_zero_and_strides_leave_gaps, nan_stays_in_its_lane, gemm_matches_loops,
           threads_get_the_bits_of_one_thread)
