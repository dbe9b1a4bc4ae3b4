/* Factors of matrices on a device against what they multiply to. */
#include <math.h>
#include <stdlib.h>
#include "device_fixture.h"

static double *random_matrix(size_t m, size_t n, uint32_t seed)
{
  double *a = malloc((m * n + 1) * sizeof(double));
  for (size_t k = 0; k < m * n; k++) a[k] = TestRandom(seed, k);
  return a;
}

static const size_t orders[] = {0, 1, 2, 31, 130};
enum { ORDERS = sizeof(orders) / sizeof(orders[0]), PAD = 3 };

/* A = M M^T of rank n - 1: positive definite with a shift alone. */
START_TEST(symmetric_systems)
{
  const size_t n = orders[_i], ld = n + PAD;
  const Device *device = TestDevice();
  double *M = random_matrix(n, n, 1), *A = calloc(n * ld + 1, sizeof(double)), *b = random_matrix(n, 1, 2);
  double *x = malloc((n + 1) * sizeof(double));
  if (!device) return;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      for (size_t k = 1; k < n; k++) A[i * ld + j] += M[i * n + k] * M[j * n + k];
  for (int turn = 0; turn < 2; turn++) {
    const double shift = turn ? -1.0 : 0.25;
    double *k_A = OnDevice(device, n * ld * sizeof(double), A), *k_b = OnDevice(device, n * sizeof(double), b);
    const bool positive = device->factor(n, k_A, ld, shift);
    ck_assert(positive == (!turn || n == 0));
    if (positive) device->solve(n, k_A, ld, k_b);
    TakeBack(device, k_b, n * sizeof(double), x);
    Drop(device, k_A);
    for (size_t i = 0; i < n && positive; i++) {
      double sum = shift * x[i];
      for (size_t j = 0; j < n; j++) sum += A[i * ld + j] * x[j];
      ck_near(sum, b[i], 0, 1e-11);
    }
  }
  free(M), free(A), free(b), free(x);
}
END_TEST

/* R^T R = A^T A, whatever the signs of its rows; zeros below, and in rows that A has not. */
START_TEST(triangles)
{
  static const size_t shapes[][2] = {{0, 3}, {1, 1}, {7, 4}, {4, 7}, {90, 33}, {5, 0}};
  const size_t m = shapes[_i][0], n = shapes[_i][1], lda = n + PAD;
  const Device *device = TestDevice();
  double *A = random_matrix(m, lda, 3), *R = malloc((n * n + 1) * sizeof(double));
  if (!device) return;
  double *k_A = OnDevice(device, m * lda * sizeof(double), A), *k_R = OnDevice(device, n * n * sizeof(double), NULL);
  double *k_work = OnDevice(device, m * n * sizeof(double), NULL);
  device->triangle(m, n, k_A, lda, k_work, k_R);
  TakeBack(device, k_R, n * n * sizeof(double), R);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      double want = 0.0, got = 0.0;
      for (size_t k = 0; k < m; k++) want += A[k * lda + i] * A[k * lda + j];
      for (size_t k = 0; k < n; k++) got += R[i * n + k] * R[j * n + k];
      ck_near(got, want, 0, 1e-12 * (double)(m + 1));
      if (i > j || i >= m) ck_assert(R[j * n + i] == 0.0);
    }
  Drop(device, k_A), Drop(device, k_work);
  free(A), free(R);
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("kernel_solve_cuda");
  TCase *tcase = tcase_create("kernel_solve_cuda");
  tcase_add_loop_test(tcase, symmetric_systems, 0, ORDERS);
  tcase_add_loop_test(tcase, triangles, 0, 6);
  suite_add_tcase(suite, tcase);
  return suite;
}
