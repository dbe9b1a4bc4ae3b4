/* Damped Gauss-Newton against known minima and published fits. */
#include <stdlib.h>
#include "optimizer_rows.h"

static const char *const methods[] = {"auto", "qr", "svd", "normal", "kernel"};

/* "type = gauss-newton; method = ..." with more settings behind. */
static const char *stage_text(const char *method, const char *more)
{
  static char text[256];
  snprintf(text, sizeof(text), "type = \"gauss-newton\"; method = \"%s\"; %s", method, more);
  return text;
}

START_TEST(every_method_reaches_the_minimum_of_rosenbrock)
{
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  for (int m = 0; m < 5; m++) {
    double theta[2] = {-1.2, 1.0};
    ck_assert_int_eq(test_solve(&t, stage_text(methods[m], "iterations = 50;"), theta, NULL), OPTIMIZER_CONVERGED);
    ck_near(theta[0], 1.0, 1e-13, 0.0);
    ck_near(theta[1], 1.0, 1e-13, 0.0);
  }
}
END_TEST

/* Undamped, with J = [[-20 x, 10], [-1, 0]] and r_vv = (-20 v_x^2, 0): v = -J^{-1} r, a = -J^{-1} r_vv by hand. */
START_TEST(geodesic_step_is_velocity_and_half_the_acceleration)
{
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  for (int m = 0; m < 5; m++) {
    double x[2] = {0.9, 0.85};
    const double r = 10.0 * (x[1] - x[0] * x[0]), v[2] = {1.0 - x[0], 2.0 * x[0] * (1.0 - x[0]) - 0.1 * r};
    const double expected[2] = {x[0] + v[0], x[1] + v[1] + 0.5 * 2.0 * v[0] * v[0]};
    test_solve(&t, stage_text(methods[m], "iterations = 1; damping = 0.0; geodesic = true; tolerance = 0.0;"), x, NULL);
    ck_near(x[0], expected[0], 1e-10, 0.0);
    ck_near(x[1], expected[1], 1e-10, 0.0);
  }
}
END_TEST

/* Powell's singular function: J is singular at the minimum, 0. */
static void powell(const void *data, int i, const double x[], double *r, double J[])
{
  (void)data;
  for (int k = 0; k < 4; k++) J[k] = 0.0;
  if (i == 0) *r = x[0] + 10.0 * x[1], J[0] = 1.0, J[1] = 10.0;
  if (i == 1) *r = sqrt(5.0) * (x[2] - x[3]), J[2] = sqrt(5.0), J[3] = -sqrt(5.0);
  if (i == 2) *r = pow(x[1] - 2.0 * x[2], 2.0), J[1] = 2.0 * (x[1] - 2.0 * x[2]), J[2] = -2.0 * J[1];
  if (i == 3) *r = sqrt(10.0) * pow(x[0] - x[3], 2.0), J[0] = 2.0 * sqrt(10.0) * (x[0] - x[3]), J[3] = -J[0];
}

START_TEST(every_method_reaches_a_singular_minimum)
{
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, 4, 4, 0, powell, NULL);
  for (int m = 0; m < 5; m++) {
    double theta[4] = {3.0, -1.0, 0.0, 1.0};
    const OptimizerReason reason = test_solve(&t, stage_text(methods[m], "iterations = 200;"), theta, NULL);
    ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
    for (int k = 0; k < 4; k++) ck_near(theta[k], 0.0, 0.0, 1e-6);
  }
}
END_TEST

/* NIST StRD nonlinear regression: Misra1a, b1 (1 - exp(-b2 x)), from both of its starting points. */
static void misra1a(const void *data, int i, const double b[], double *r, double J[])
{
  static const double y[14] = {10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
                               44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78};
  static const double x[14] = {77.6,  114.9, 141.1, 190.8, 239.9, 289.0, 332.8,
                               378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0};
  (void)data;
  const double e = exp(-b[1] * x[i]);
  *r = b[0] * (1.0 - e) - y[i];
  J[0] = 1.0 - e;
  J[1] = b[0] * x[i] * e;
}

START_TEST(certified_values_of_misra1a_are_met)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  const double starts[2][2] = {{500.0, 0.0001}, {250.0, 0.0005}};
  test_rows(&t, PETSC_COMM_WORLD, 14, 2, 0, misra1a, NULL);
  for (int m = 0; m < 4; m++)
    for (int s = 0; s < 2; s++) {
      double b[2] = {starts[s][0], starts[s][1]};
      ck_assert_int_eq(test_solve(&t, stage_text(methods[m], "iterations = 500;"), b, trace), OPTIMIZER_STALLED);
      ck_near(b[0], 2.3894212918e+02, 1e-8, 0.0);
      ck_near(b[1], 5.5015643181e-04, 1e-8, 0.0);
      ck_near(trace->loss[trace->n - 1], 0.5 * 1.2455138894e-01, 1e-10, 0.0);
    }
  free(trace);
}
END_TEST

/* Where the residual vanishes at the minimum and J is regular, errors are squared: loss_{k+1} ~ C loss_k^2. */
START_TEST(convergence_is_quadratic_with_zero_residual)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[2] = {1.3, 1.2};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_assert_int_eq(test_solve(&t, stage_text("qr", "damping = 0.0; tolerance = 1e-31;"), theta, trace),
                   OPTIMIZER_CONVERGED);
  ck_assert_int_le(trace->n, 6);
  free(trace);
}
END_TEST

START_TEST(loss_never_rises_and_nan_is_a_rejected_step)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  const Fit fit = {60, 5};
  double theta[15];
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, theta);
  t.nan_beyond = true;
  t.limit = theta[0] + 0.05;
  const OptimizerReason reason = test_solve(&t, stage_text("auto", "iterations = 60; damping = 1e-8;"), theta, trace);
  ck_assert(reason == OPTIMIZER_ITERATIONS || reason == OPTIMIZER_STALLED);
  ck_assert_int_ge(t.n_nan, 3);
  for (int k = 1; k < trace->n; k++) ck_assert(trace->loss[k] < trace->loss[k - 1]);
  ck_assert_int_ge(trace->n, 3);
  ck_assert(theta[0] <= t.limit);
  free(trace);
}
END_TEST

START_TEST(every_method_fits_a_network_with_more_parameters_than_rows)
{
  TestRows t;
  const Fit fit = {20, 10};
  for (int m = 0; m < 5; m++) {
    Trace *trace = calloc(1, sizeof(Trace));
    double theta[30];
    test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 30, 20, network_row, &fit);
    network_start(&fit, theta);
    const OptimizerReason reason =
        test_solve(&t, stage_text(methods[m], "iterations = 400; tolerance = 1e-10;"), theta, trace);
    ck_assert_msg(reason == OPTIMIZER_CONVERGED, "%s: %s, loss %g after %d", methods[m], OptimizerReasonText(reason),
                  trace->loss[trace->n - 1], trace->n);
    free(trace);
  }
}
END_TEST

START_TEST(jacobian_that_does_not_fit_is_refused_beforehand)
{
  TestRows t;
  Config config = test_config("type = \"gauss-newton\";");
  Optimizer optimizer;
  test_rows(&t, PETSC_COMM_WORLD, 100000000, 2000000, 0, rosenbrock, NULL);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "gauss-newton would need 3.14e+09 MB for 100000000 rows x 2000000 parameters, this machine has");
  ck_petsc(ConfigDestroy(&config));
  config = test_config_with("type = \"gauss-newton\";", "limits: { memory = 245.0; };");
  test_rows(&t, PETSC_COMM_WORLD, 5000, 2000, 0, rosenbrock, NULL);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_near(OptimizerMemoryMB(optimizer), 244.2, 1e-3, 0); /* J and its factored copy, three squares of order 2001 */
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(ConfigDestroy(&config));
  config = test_config_with("type = \"gauss-newton\";", "limits: { memory = 100.0; };");
  test_rows(&t, PETSC_COMM_WORLD, 5000, 2000, 0, rosenbrock, NULL);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "test.cfg:3: solver[0].type: gauss-newton would need 244 MB for 5000 rows x 2000 parameters, "
                 "limits.memory has 100 MB; take fewer points, a smaller network, or lbfgs or adam");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer_gauss_newton", every_method_reaches_the_minimum_of_rosenbrock,
           geodesic_step_is_velocity_and_half_the_acceleration, every_method_reaches_a_singular_minimum,
           certified_values_of_misra1a_are_met, convergence_is_quadratic_with_zero_residual,
           loss_never_rises_and_nan_is_a_rejected_step, every_method_fits_a_network_with_more_parameters_than_rows,
           jacobian_that_does_not_fit_is_refused_beforehand)
