/* L-BFGS, and what a checkpoint brings back, for every stage. */
#include <stdlib.h>
#include "optimizer_rows.h"

START_TEST(lbfgs_minimizes_a_quadratic_in_few_steps)
{
  TestRows t;
  enum { N = 10 };
  double A[N * N] = {0.0}, b[N], theta[N] = {0.0};
  Trace *trace = calloc(1, sizeof(Trace));
  for (int k = 0; k < N; k++) {
    A[k * N + k] = 1.0 + k;
    b[k] = (1.0 + k) * (k - 3.0);
  }
  const Linear problem = {N, N, A, b};
  test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, &problem);
  const OptimizerReason reason = test_solve(&t, "type = \"lbfgs\"; iterations = 100; tolerance = 1e-24;", theta, trace);
  ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
  ck_assert_int_le(trace->n, 40);
  for (int k = 0; k < N; k++) ck_near(theta[k], k - 3.0, 0.0, 1e-11);
  for (int k = 1; k < trace->n; k++) ck_assert(trace->loss[k] < trace->loss[k - 1]);
  free(trace);
}
END_TEST

START_TEST(lbfgs_reaches_the_minimum_of_rosenbrock)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  const OptimizerReason reason = test_solve(&t, "type = \"lbfgs\"; iterations = 100; tolerance = 1e-22;", theta, NULL);
  ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
  ck_near(theta[0], 1.0, 1e-9, 0.0);
  ck_near(theta[1], 1.0, 1e-9, 0.0);
}
END_TEST

/* With a residual that cannot vanish the loss stops falling at rounding level. */
START_TEST(lbfgs_stalls_at_rounding_level)
{
  TestRows t;
  const double A[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.5}, b[3] = {1.0, -1.0, 2.0};
  const Linear problem = {3, 2, A, b};
  double theta[2] = {0.0, 0.0};
  test_rows(&t, PETSC_COMM_WORLD, 3, 2, 0, linear_row, &problem);
  ck_assert_int_eq(test_solve(&t, "type = \"lbfgs\"; iterations = 1000;", theta, NULL), OPTIMIZER_STALLED);
  double gradient[2] = {0.0, 0.0}, row[2], r;
  for (int i = 0; i < 3; i++) {
    linear_row(&problem, i, theta, &r, row);
    for (int k = 0; k < 2; k++) gradient[k] += row[k] * r;
  }
  ck_near(gradient[0], 0.0, 0.0, 1e-6);
  ck_near(gradient[1], 0.0, 0.0, 1e-6);
}
END_TEST

START_TEST(lbfgs_steps_back_from_where_the_loss_is_not_finite)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  t.nan_beyond = true;
  t.limit = 1.05;
  const OptimizerReason reason = test_solve(&t, "type = \"lbfgs\"; iterations = 200; tolerance = 1e-18;", theta, NULL);
  ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
  ck_near(theta[0], 1.0, 1e-7, 0.0);
}
END_TEST

START_TEST(a_resumed_run_is_the_same_bit_for_bit)
{
  static const char *stages[] = {
      "type = \"adam\"; iterations = 20; learning_rate = 1e-2; decay = 0.1; tolerance = 0.0;",
      "type = \"lbfgs\"; iterations = 20; history = 5; tolerance = 0.0;",
      "type = \"lbfgs\"; iterations = 20; history = 50; tolerance = 0.0;",
      "type = \"ssbfgs\"; iterations = 20; tolerance = 0.0;",
      "type = \"ssbroyden\"; iterations = 20; tolerance = 0.0;",
      "type = \"soap\"; iterations = 20; refresh = 3; schedule = \"cosine\"; warmup = 12; tolerance = 0.0;",
      "type = \"shampoo\"; iterations = 20; refresh = 7; tolerance = 0.0;",
      "type = \"spring\"; iterations = 20; learning_rate = 0.3; tolerance = 0.0;",
      "type = \"gauss-newton\"; iterations = 20; method = \"qr\"; tolerance = 0.0;",
      "type = \"gauss-newton\"; iterations = 20; geodesic = true; tolerance = 0.0;",
  };
  static const ParameterBlock blocks[] = {{0, 6, 2}, {12, 6, 0}};
  const Fit fit = {40, 6};
  Trace *whole = calloc(1, sizeof(Trace)), *halves = calloc(1, sizeof(Trace));
  TestRows t;
  for (size_t s = 0; s < sizeof(stages) / sizeof(stages[0]); s++) {
    double once[18], twice[18];
    test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 3 * fit.width, 2 * fit.width, network_row, &fit);
    t.rows.n_parameter_block = 2;
    t.rows.parameter_blocks = blocks;
    network_start(&fit, once);
    network_start(&fit, twice);
    whole->stop_at = 0;
    ck_assert_int_eq(test_solve(&t, stages[s], once, whole), OPTIMIZER_ITERATIONS);
    ck_assert_int_eq(test_solve_in_two(&t, stages[s], 10, twice, halves), OPTIMIZER_ITERATIONS);
    ck_assert_int_eq(whole->n, 21);
    ck_assert_int_eq(halves->n, 21);
    for (int k = 0; k < 21; k++) {
      ck_assert_int_eq(halves->iteration[k], k);
      ck_assert_msg(whole->loss[k] == halves->loss[k], "%s: iteration %d: %.17g, resumed %.17g", stages[s], k,
                    whole->loss[k], halves->loss[k]);
      ck_assert(whole->control[k] == halves->control[k]);
    }
    for (int k = 0; k < 18; k++) ck_assert(once[k] == twice[k]);
  }
  free(whole);
  free(halves);
}
END_TEST

START_TEST(state_of_another_stage_is_refused)
{
  TestRows t;
  Config config = test_config("type = \"adam\";");
  Optimizer optimizer;
  double iteration = 3.0, m[2] = {1.0, 2.0};
  StateEntry entries[3] = {{.name = "iteration", .n = 1, .values = &iteration},
                           {.name = "m", .n = 2, .values = m},
                           {.name = "w", .n = 2, .values = m}};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc_fails(OptimizerSetState(optimizer, 2, entries), PETSC_ERR_USER_INPUT,
                 "the checkpoint is of another stage: it holds 2 arrays, solver[0] (adam) has 3");
  ck_petsc_fails(OptimizerSetState(optimizer, 3, entries), PETSC_ERR_USER_INPUT,
                 "the checkpoint is of another stage: it has no 'v' of 2 numbers, which solver[0] (adam) needs");
  entries[2].name = "v";
  entries[2].n = 1;
  ck_petsc_fails(OptimizerSetState(optimizer, 3, entries), PETSC_ERR_USER_INPUT, "no 'v' of 2 numbers");
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer_lbfgs", lbfgs_minimizes_a_quadratic_in_few_steps, lbfgs_reaches_the_minimum_of_rosenbrock,
           lbfgs_stalls_at_rounding_level, lbfgs_steps_back_from_where_the_loss_is_not_finite,
           a_resumed_run_is_the_same_bit_for_bit, state_of_another_stage_is_refused)
