/* SPRING against its primal form, (J^T J + lambda) phi = J^T r + lambda momentum phi_last, by elimination. */
#include <stdlib.h>
#include "optimizer_rows.h"

enum { M = 4, N = 6 };

/* A x = b, no pivoting: A is positive definite. */
static void eliminate(double A[N][N], double b[N])
{
  for (int k = 0; k < N; k++)
    for (int i = k + 1; i < N; i++) {
      const double factor = A[i][k] / A[k][k];
      for (int j = k; j < N; j++) A[i][j] -= factor * A[k][j];
      b[i] -= factor * b[k];
    }
  for (int k = N - 1; k >= 0; k--) {
    for (int j = k + 1; j < N; j++) b[k] -= A[k][j] * b[j];
    b[k] /= A[k][k];
  }
}

typedef struct {
  double damping, momentum, constraint, rate;
} Settings;

static void primal_step(const Linear *problem, const Settings *s, double phi[N], double theta[N])
{
  double normal[N][N] = {{0.0}}, b[N] = {0.0}, trace = 0.0, norm = 0.0;
  for (int i = 0; i < M; i++) {
    double r, J[N];
    linear_row(problem, i, theta, &r, J);
    for (int k = 0; k < N; k++) {
      for (int l = 0; l < N; l++) normal[k][l] += J[k] * J[l];
      b[k] += J[k] * r;
      trace += J[k] * J[k];
    }
  }
  const double lambda = s->damping * trace / M;
  for (int k = 0; k < N; k++) {
    normal[k][k] += lambda;
    b[k] += lambda * s->momentum * phi[k];
  }
  eliminate(normal, b);
  for (int k = 0; k < N; k++) norm += b[k] * b[k];
  const double rate = s->constraint > 0.0 ? fmin(s->rate, sqrt(s->constraint / norm)) : s->rate;
  for (int k = 0; k < N; k++) {
    phi[k] = b[k];
    theta[k] -= rate * b[k];
  }
}

static void check_steps(const Settings *s)
{
  enum { STEPS = 5 };
  TestRows t;
  char stage[256];
  double A[M * N], b[M], theta[N], expected[N], phi[N] = {0.0};
  const Linear problem = {M, N, A, b};
  for (int k = 0; k < M * N; k++) A[k] = test_number(k);
  for (int k = 0; k < M; k++) b[k] = test_number(100 + k);
  for (int k = 0; k < N; k++) theta[k] = expected[k] = test_number(200 + k);
  test_rows(&t, PETSC_COMM_WORLD, M, N, 0, linear_row, &problem);
  snprintf(stage, sizeof(stage),
           "type = \"spring\"; iterations = %d; tolerance = 0.0; damping = %.17g; momentum = %.17g; "
           "norm_constraint = %.17g; learning_rate = %.17g; schedule = \"constant\";",
           STEPS, s->damping, s->momentum, s->constraint, s->rate);
  ck_assert_int_eq(test_solve(&t, stage, theta, NULL), OPTIMIZER_ITERATIONS);
  for (int k = 0; k < STEPS; k++) primal_step(&problem, s, phi, expected);
  for (int k = 0; k < N; k++) ck_near(theta[k], expected[k], 0.0, 1e-11);
}

START_TEST(steps_are_those_of_the_primal_form)
{
  const Settings settings[] = {{1e-2, 0.9, 0.0, 0.3}, {0.5, 0.5, 1e-3, 1.0}, {1e-3, 0.0, 0.0, 1.0}};
  for (size_t k = 0; k < sizeof(settings) / sizeof(settings[0]); k++) check_steps(&settings[k]);
}
END_TEST

/* Rows that repeat make the kernel singular: the damping grows until it can be factored. */
START_TEST(a_singular_kernel_is_damped)
{
  TestRows t;
  double A[M * N], b[M], theta[N] = {0.0};
  const Linear problem = {M, N, A, b};
  for (int k = 0; k < M * N; k++) A[k] = test_number(k % N);
  for (int k = 0; k < M; k++) b[k] = 1.0;
  test_rows(&t, PETSC_COMM_WORLD, M, N, 0, linear_row, &problem);
  const OptimizerReason reason = test_solve(&t,
                                            "type = \"spring\"; iterations = 60; damping = 1e-300; tolerance = 1e-20; "
                                            "learning_rate = 1.0; schedule = \"constant\"; norm_constraint = 0.0;",
                                            theta, NULL);
  ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
}
END_TEST

START_TEST(a_loss_that_is_not_finite_ends_at_the_last_good_point)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  t.nan_beyond = true;
  t.limit = -1.0;
  const OptimizerReason reason = test_solve(&t,
                                            "type = \"spring\"; iterations = 100; learning_rate = 1.0; "
                                            "schedule = \"constant\"; norm_constraint = 1e-2; tolerance = 0.0;",
                                            theta, NULL);
  ck_assert_int_eq(reason, OPTIMIZER_DIVERGED);
  ck_assert(theta[0] <= t.limit && theta[0] > -1.2);
}
END_TEST

TEST_SUITE("optimizer spring", steps_are_those_of_the_primal_form, a_singular_kernel_is_damped,
           a_loss_that_is_not_finite_ends_at_the_last_good_point)
