/* M-FAC's direction against the explicit inverse of the second moments. */
#include <stdlib.h>
#include "optimizer_rows.h"

enum { WIDTH = 4, N = 3 * WIDTH, POINTS = 21, STEPS = 9, HISTORY = 4 };
#define DAMPING 1e-3

static const Fit fit = {POINTS, WIDTH};

static void theta_after(int iterations, double theta[N])
{
  TestRows t;
  char stage[128];
  network_start(&fit, theta);
  test_rows(&t, PETSC_COMM_WORLD, POINTS, N, 2 * WIDTH, network_row, &fit);
  snprintf(stage, sizeof(stage), "type = \"mfac\"; history = %d; damping = %g; tolerance = 0.0; iterations = %d;",
           HISTORY, DAMPING, iterations);
  ck_assert_int_eq(test_solve(&t, stage, theta, NULL), OPTIMIZER_ITERATIONS);
}

static void gradient_at(const double theta[N], double g[N])
{
  for (int k = 0; k < N; k++) g[k] = 0.0;
  for (int i = 0; i < POINTS; i++) {
    double r, J[N];
    network_row(&fit, i, theta, &r, J);
    for (int k = 0; k < N; k++) g[k] += r * J[k];
  }
}

/* inverse [N][N] of a positive definite matrix, by Gauss-Jordan elimination */
static void invert(long double A[N][N], long double inverse[N][N])
{
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) inverse[i][j] = i == j;
  for (int k = 0; k < N; k++) {
    const long double pivot = A[k][k];
    for (int j = 0; j < N; j++) A[k][j] /= pivot, inverse[k][j] /= pivot;
    for (int i = 0; i < N; i++) {
      const long double factor = A[i][k];
      for (int j = 0; j < N && i != k; j++) A[i][j] -= factor * A[k][j], inverse[i][j] -= factor * inverse[k][j];
    }
  }
}

/* d = -F^{-1} g of the newest gradient, of length one */
static void explicit_direction(int count, double g[][N], double d[N])
{
  const int first = count > HISTORY ? count - HISTORY : 0, kept = count - first;
  long double F[N][N] = {{0.0L}}, inverse[N][N];
  double lambda = 0.0, norm = 0.0;
  for (int i = first; i < count; i++)
    for (int k = 0; k < N; k++) {
      lambda += DAMPING * g[i][k] * g[i][k] / kept;
      for (int l = 0; l < N; l++) F[k][l] += (long double)g[i][k] * g[i][l] / kept;
    }
  for (int k = 0; k < N; k++) F[k][k] += lambda;
  invert(F, inverse);
  for (int k = 0; k < N; k++) {
    long double sum = 0.0L;
    for (int l = 0; l < N; l++) sum -= inverse[k][l] * g[count - 1][l];
    d[k] = (double)sum;
    norm += d[k] * d[k];
  }
  for (int k = 0; k < N; k++) d[k] /= sqrt(norm);
}

START_TEST(directions_are_those_of_the_explicit_inverse)
{
  double theta[STEPS + 1][N], g[STEPS][N], d[N];
  for (int s = 0; s <= STEPS; s++) theta_after(s, theta[s]);
  for (int s = 0; s < STEPS; s++) gradient_at(theta[s], g[s]);
  for (int s = 0; s < STEPS; s++) {
    double step[N], norm = 0.0;
    explicit_direction(s + 1, g, d);
    for (int k = 0; k < N; k++) {
      step[k] = theta[s + 1][k] - theta[s][k];
      norm += step[k] * step[k];
    }
    ck_assert(norm > 1e-12);
    for (int k = 0; k < N; k++) ck_near(step[k] / sqrt(norm), d[k], 0.0, 1e-10);
  }
}
END_TEST

START_TEST(the_loss_falls_in_every_step)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[N];
  network_start(&fit, theta);
  test_rows(&t, PETSC_COMM_WORLD, POINTS, N, 2 * WIDTH, network_row, &fit);
  test_solve(&t, "type = \"mfac\"; iterations = 200; history = 20;", theta, trace);
  for (int k = 1; k < trace->n; k++) ck_assert(trace->loss[k] < trace->loss[k - 1]);
  ck_assert(trace->loss[trace->n - 1] < 1e-2 * trace->loss[0]);
  free(trace);
}
END_TEST

START_TEST(a_resumed_run_repeats_the_bits)
{
  const char *stage = "type = \"mfac\"; iterations = 12; history = 4; tolerance = 0.0;";
  for (PetscInt half = 1; half < 12; half += 3) {
    TestRows t;
    Trace *trace = calloc(1, sizeof(Trace));
    double straight[N], stopped[N];
    test_rows(&t, PETSC_COMM_WORLD, POINTS, N, 2 * WIDTH, network_row, &fit);
    network_start(&fit, straight);
    network_start(&fit, stopped);
    test_solve(&t, stage, straight, NULL);
    test_solve_in_two(&t, stage, half, stopped, trace);
    for (int k = 0; k < N; k++) ck_assert(straight[k] == stopped[k]);
    free(trace);
  }
}
END_TEST

TEST_SUITE("optimizer mfac", directions_are_those_of_the_explicit_inverse, the_loss_falls_in_every_step,
           a_resumed_run_repeats_the_bits)
