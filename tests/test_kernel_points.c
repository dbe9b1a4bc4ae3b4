/* Contractions of arrays of points against sums written out, in both floating-point types. */
#include "harness.h"
#include "pinn/kernel.h"

enum { C = 5, D = 2, N = 150, M = 7, WIDTH = 11, MOST = C * N * WIDTH * D * M };

static double number(size_t k)
{
  return sin(12.9898 * (double)k + 0.3);
}

/* The numbers begin at 0, 10^5 ... of the sequence, so that arrays differ. */
#define CHECK_POINTS(Real, kernel, tolerance)                                                                          \
  do {                                                                                                                 \
    static Real a[MOST], b[MOST], out[MOST];                                                                           \
    Real w[N], y[N];                                                                                                   \
    for (size_t k = 0; k < MOST; k++) a[k] = (Real)number(k), b[k] = (Real)number(100000 + k);                         \
    for (size_t p = 0; p < N; p++) w[p] = (Real)number(300000 + p), y[p] = 1;                                          \
    for (size_t width = 1; width <= WIDTH; width += WIDTH - 1) {                                                       \
      for (size_t p = 0; p < N; p++) y[p] = 1;                                                                         \
      (kernel).dot_points(C, N, width, a, b, y);                                                                       \
      for (size_t p = 0; p < N; p++) {                                                                                 \
        double sum = 1.0;                                                                                              \
        for (size_t c = 0; c < C; c++)                                                                                 \
          for (size_t j = 0; j < width; j++) sum += (double)a[(c * N + p) * width + j] * b[(c * N + p) * width + j];   \
        ck_near(y[p], sum, 0, 20.0 * (tolerance));                                                                     \
      }                                                                                                                \
    }                                                                                                                  \
    (kernel).scale_points(C, N, WIDTH, w, a, out, 0);                                                                  \
    (kernel).scale_points(C, N, WIDTH, w, b, out, 1);                                                                  \
    for (size_t k = 0; k < C * N * WIDTH; k++)                                                                         \
      ck_near(out[k], w[k / WIDTH % N] * ((double)a[k] + b[k]), 0, 4.0 * (tolerance));                                 \
    {                                                                                                                  \
      const Real coef[3] = {(Real)0.5, (Real)-2, (Real)3}, *x[3] = {a, b, a + 5};                                      \
      const size_t step[3] = {1, 3, 0};                                                                                \
      (kernel).combine(N, 3, coef, x, step, y, 0);                                                                     \
      (kernel).combine(N, 1, coef, x + 1, step + 1, y, 1);                                                             \
      for (size_t p = 0; p < N; p++) ck_near(y[p], 0.5 * a[p] - 1.5 * b[3 * p] + 3.0 * a[5], 0, 10.0 * (tolerance));   \
    }                                                                                                                  \
    for (size_t columns = 1; columns <= C; columns++) {                                                                \
      (kernel).outer_point(columns, M, WIDTH, a, 20, b, b + 50, 30, out);                                              \
      for (size_t k = 0; k < M * WIDTH; k++) {                                                                         \
        double sum = (double)a[k / WIDTH] * b[k % WIDTH];                                                              \
        for (size_t c = 1; c < columns; c++) sum += (double)a[c * 20 + k / WIDTH] * b[50 + (c - 1) * 30 + k % WIDTH];  \
        ck_near(out[k], sum, 0, 10.0 * (tolerance));                                                                   \
      }                                                                                                                \
    }                                                                                                                  \
    (kernel).pair_product(C, M, D, N, a, b, out, N + 3);                                                               \
    for (size_t p = 0; p < M; p++)                                                                                     \
      for (size_t q = 0; q < N; q++) {                                                                                 \
        double sum = 0.0;                                                                                              \
        for (size_t k = 0; k < C * D; k++) {                                                                           \
          const size_t at = (k / D * M + p) * D * N + k % D * N + q;                                                   \
          sum += (double)a[at] * b[at];                                                                                \
        }                                                                                                              \
        ck_near(out[p * (N + 3) + q], sum, 0, 20.0 * (tolerance));                                                     \
      }                                                                                                                \
  } while (0)

START_TEST(contractions_in_double)
{
  CHECK_POINTS(double, KernelCPU, 1e-15);
}
END_TEST

START_TEST(contractions_in_single)
{
  CHECK_POINTS(float, KernelCPU_Single, 1e-6);
}
END_TEST

START_TEST(sums_of_products_take_vectors_and_numbers)
{
  double a[N], b[N], y[N];
  for (size_t p = 0; p < N; p++) a[p] = number(p), b[p] = number(1000 + p), y[p] = 7.0;
  const KernelProductTerm terms[] = {{2.0, a, b}, {-3.0, b, NULL}, {0.5, NULL, NULL}, {1.5, b, b}};
  for (int first = 0; first < 4; first++) { /* each is once the one that is stored */
    KernelSumProducts(N, 4 - first, terms + first, y, 0);
    KernelSumProducts(N, first, terms, y, 1);
    for (size_t p = 0; p < N; p++) ck_near(y[p], 2.0 * a[p] * b[p] - 3.0 * b[p] + 0.5 + 1.5 * b[p] * b[p], 0, 1e-14);
  }
  KernelSumProducts(N, 0, NULL, y, 0);
  for (size_t p = 0; p < N; p++) ck_assert_double_eq(y[p], 0.0);
}
END_TEST

START_TEST(neighbours_of_unit_step_are_combined_like_others)
{
  double a[N], b[N], y[N];
  const double coef[] = {0.5, -2.0, 3.0, 4.0, 5.0}, *x[] = {a, b, a, b, b};
  const size_t step[] = {1, 1, 0, 1, 1};
  for (size_t p = 0; p < N; p++) a[p] = number(p), b[p] = number(1000 + p);
  for (int n = 1; n <= 5; n++)
    for (int add = 0; add < 2; add++) {
      for (size_t p = 0; p < N; p++) y[p] = 1.0;
      KernelCPU.combine(N, n, coef, x, step, y, add);
      for (size_t p = 0; p < N; p++) {
        double sum = add;
        for (int t = 0; t < n; t++) sum += coef[t] * x[t][p * step[t]];
        ck_near(y[p], sum, 0, 1e-14);
      }
    }
}
END_TEST

TEST_SUITE("kernel_points", sums_of_products_take_vectors_and_numbers, neighbours_of_unit_step_are_combined_like_others,
           contractions_in_double, contractions_in_single)
