/* What all stages share, and Adam. */
#include <stdlib.h>
#include "optimizer_rows.h"

START_TEST(every_reason_has_its_own_words)
{
  for (int a = OPTIMIZER_RUNNING; a <= OPTIMIZER_DIVERGED; a++)
    for (int b = OPTIMIZER_RUNNING; b < a; b++)
      ck_assert_str_ne(OptimizerReasonText((OptimizerReason)a), OptimizerReasonText((OptimizerReason)b));
  ck_assert_ptr_nonnull(strstr(OptimizerReasonText(OPTIMIZER_DIVERGED), "diverged"));
}
END_TEST

START_TEST(table_names_the_stages)
{
  const char *names[] = {"adam",         "lbfgs",         "ssbfgs", "ssbroyden", "soap", "shampoo",
                         "gauss-newton", "least-squares", "spring", "fosi",      "mfac"};
  for (int k = 0; k < 11; k++) ck_assert_ptr_nonnull(ChoiceFind(&StageTable, names[k]));
  ck_assert_ptr_null(ChoiceFind(&StageTable, "newton"));
}
END_TEST

/* One step of Adam from the formula: m = 0.1 g, v = 0.001 g^2, both corrected to g and g^2. */
START_TEST(adam_steps_follow_the_formula)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0}, x[2] = {-1.2, 1.0}, m[2] = {0.0}, v[2] = {0.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_assert_int_eq(test_solve(&t, "type = \"adam\"; iterations = 3; learning_rate = 0.1; decay = 0.25;", theta, NULL),
                   OPTIMIZER_ITERATIONS);
  const double rates[3] = {0.1, 0.05, 0.025};
  for (int k = 1; k <= 3; k++) {
    const double f = 10.0 * (x[1] - x[0] * x[0]), g[2] = {-20.0 * x[0] * f - (1.0 - x[0]), 10.0 * f};
    for (int i = 0; i < 2; i++) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      x[i] -= rates[k - 1] * (m[i] / (1.0 - pow(0.9, k))) / (sqrt(v[i] / (1.0 - pow(0.999, k))) + 1e-8);
    }
  }
  ck_near(theta[0], x[0], 1e-13, 0.0);
  ck_near(theta[1], x[1], 1e-13, 0.0);
}
END_TEST

/* What single precision leaves of the steps, and that it is all that a stage needs to go on. */
START_TEST(adam_in_single_precision_takes_the_same_way)
{
  static const char *const single = "type = \"adam\"; iterations = 60; learning_rate = 0.05; single_state = true;";
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[3][2] = {{-1.2, 1.0}, {-1.2, 1.0}, {-1.2, 1.0}};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  test_solve(&t, "type = \"adam\"; iterations = 60; learning_rate = 0.05;", theta[0], NULL);
  test_solve(&t, single, theta[1], NULL);
  for (int i = 0; i < 2; i++) ck_near(theta[1][i], theta[0][i], 1e-5, 0.0);
  ck_assert(theta[1][0] != theta[0][0]);
  ck_assert_int_eq(test_solve_in_two(&t, single, 23, theta[2], trace), OPTIMIZER_ITERATIONS);
  for (int i = 0; i < 2; i++) ck_assert(theta[2][i] == theta[1][i]);
  t.nan_beyond = true;
  t.limit = 0.35;
  theta[0][0] = theta[0][1] = 0.0;
  ck_assert_int_eq(test_solve(&t, single, theta[0], trace), OPTIMIZER_DIVERGED);
  const double f = 10.0 * (theta[0][1] - theta[0][0] * theta[0][0]), g = 1.0 - theta[0][0];
  ck_near(trace->loss[trace->n - 2], 0.5 * (f * f + g * g), 1e-12, 0.0);
  Config config = test_config("type = \"adam\"; single_state = true; beta2 = 0.999999;");
  Optimizer optimizer;
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "moments in single precision stand still where beta1 or beta2 are above 0.99999");
  ck_petsc(ConfigDestroy(&config));
  free(trace);
}
END_TEST

START_TEST(adam_reaches_the_minimum_of_rosenbrock)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[2] = {-1.2, 1.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  const OptimizerReason reason =
      test_solve(&t, "type = \"adam\"; iterations = 4000; learning_rate = 0.05; tolerance = 1e-12;", theta, trace);
  ck_assert_int_eq(reason, OPTIMIZER_CONVERGED);
  ck_assert(trace->loss[trace->n - 1] <= 1e-12 && trace->loss[trace->n - 2] > 1e-12);
  ck_near(theta[0], 1.0, 0.0, 1e-4);
  ck_near(theta[1], 1.0, 0.0, 1e-4);
  free(trace);
}
END_TEST

START_TEST(monitor_sees_every_iteration_once_and_can_stop)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  const char *stages[] = {"adam", "lbfgs", "ssbfgs", "ssbroyden", "soap", "shampoo", "gauss-newton"};
  const char *names[] = {"rate", "step", "step", "step", "rate", "rate", "damping"};
  char text[64];
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  for (int s = 0; s < 7; s++) {
    double theta[2] = {-1.2, 1.0};
    snprintf(text, sizeof(text), "type = \"%s\"; iterations = 100;", stages[s]);
    trace->stop_at = 4;
    ck_assert_int_eq(test_solve(&t, text, theta, trace), OPTIMIZER_STOPPED);
    ck_assert_int_eq(trace->n, 5);
    for (int k = 0; k < 5; k++) ck_assert_int_eq(trace->iteration[k], k);
    ck_assert_str_eq(trace->control_name, names[s]);
    ck_near(trace->loss[0], 12.1, 1e-14, 0.0);
    const double f = 10.0 * (theta[1] - theta[0] * theta[0]), g = 1.0 - theta[0];
    ck_near(trace->loss[4], 0.5 * (f * f + g * g), 1e-14, 0.0);
    if (s < 6)
      ck_near(trace->gradient_norm[4], hypot(-20.0 * theta[0] * f - g, 10.0 * f), 1e-13, 0.0);
    else
      ck_assert(isnan(trace->gradient_norm[4]));
  }
  free(trace);
}
END_TEST

START_TEST(no_iterations_leave_theta_alone)
{
  TestRows t;
  const char *stages[] = {"adam", "lbfgs", "ssbfgs", "ssbroyden", "soap", "shampoo", "gauss-newton", "least-squares"};
  char text[64];
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 1, rosenbrock, NULL);
  for (int s = 0; s < 8; s++) {
    double theta[2] = {-1.2, 1.0};
    snprintf(text, sizeof(text), "type = \"%s\"; iterations = 0;", stages[s]);
    ck_assert_int_eq(test_solve(&t, text, theta, NULL), OPTIMIZER_ITERATIONS);
    ck_assert_double_eq(theta[0], -1.2);
    ck_assert_double_eq(theta[1], 1.0);
  }
}
END_TEST

START_TEST(start_that_is_not_finite_diverges_and_stays)
{
  TestRows t;
  const char *stages[] = {"adam", "lbfgs", "ssbfgs", "ssbroyden", "soap", "shampoo", "gauss-newton", "least-squares"};
  char text[64];
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 1, rosenbrock, NULL);
  t.nan_beyond = true;
  t.limit = -2.0;
  for (int s = 0; s < 8; s++) {
    double theta[2] = {-1.2, 1.0};
    snprintf(text, sizeof(text), "type = \"%s\"; iterations = 10;", stages[s]);
    ck_assert_int_eq(test_solve(&t, text, theta, NULL), OPTIMIZER_DIVERGED);
    ck_assert_double_eq(theta[0], -1.2);
    ck_assert_double_eq(theta[1], 1.0);
  }
}
END_TEST

START_TEST(adam_goes_back_to_the_last_finite_point)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[2] = {0.0, 0.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  t.nan_beyond = true;
  t.limit = 0.35;
  ck_assert_int_eq(test_solve(&t, "type = \"adam\"; iterations = 50; learning_rate = 0.1;", theta, trace),
                   OPTIMIZER_DIVERGED);
  ck_assert(theta[0] <= 0.35 && theta[0] > 0.2);
  const double f = 10.0 * (theta[1] - theta[0] * theta[0]), g = 1.0 - theta[0];
  ck_near(trace->loss[trace->n - 2], 0.5 * (f * f + g * g), 1e-14, 0.0);
  ck_assert(!isfinite(trace->loss[trace->n - 1]));
  free(trace);
}
END_TEST

/* Points that change: the stage must go on with the new rows, from the iteration that asked for them. */
static PetscErrorCode shift_target(void *self, Vec theta, PetscInt iteration, bool *changed)
{
  TestRows *t = self;
  double *target = (double *)t->data;
  PetscFunctionBegin;
  (void)theta;
  *changed = iteration == 5;
  if (*changed) *target = 2.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void shifted_rosenbrock(const void *data, int i, const double x[], double *r, double J[])
{
  rosenbrock(NULL, i, x, r, J);
  if (i) *r += *(const double *)data - 1.0;
}

START_TEST(new_points_are_followed)
{
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  const char *stages[] = {"lbfgs", "gauss-newton", "ssbfgs", "ssbroyden", "adam", "soap", "shampoo"};
  char text[128];
  for (int s = 0; s < 7; s++) {
    double theta[2] = {-1.2, 1.0}, target = 1.0;
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, shifted_rosenbrock, &target);
    t.ops.update = shift_target;
    snprintf(text, sizeof(text), "type = \"%s\"; iterations = 5;", stages[s]);
    ck_assert_int_eq(test_solve(&t, text, theta, trace), OPTIMIZER_ITERATIONS);
    ck_assert_double_eq(target, 2.0);
    ck_near(trace->loss[5], 50.0 * pow(theta[1] - theta[0] * theta[0], 2.0) + 0.5 * pow(2.0 - theta[0], 2.0), 1e-13,
            0.0);
    if (s > 3) continue;
    target = 1.0;
    snprintf(text, sizeof(text), "type = \"%s\"; iterations = 100; tolerance = 1e-20;", stages[s]);
    ck_assert_int_eq(test_solve(&t, text, theta, trace), OPTIMIZER_CONVERGED);
    ck_near(theta[0], 2.0, 1e-8, 0.0);
    ck_near(theta[1], 4.0, 1e-8, 0.0);
  }
  free(trace);
}
END_TEST

START_TEST(wrong_size_of_theta_is_an_error)
{
  TestRows t;
  Config config = test_config("type = \"adam\";");
  Optimizer optimizer;
  OptimizerReason reason;
  Vec theta;
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 3, &theta));
  ck_petsc_fails(OptimizerSolve(optimizer, theta, &reason), PETSC_ERR_ARG_SIZ, "3 entries, the rows have 2");
  ck_petsc(VecDestroy(&theta));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer", every_reason_has_its_own_words, table_names_the_stages, adam_steps_follow_the_formula,
           adam_in_single_precision_takes_the_same_way, adam_reaches_the_minimum_of_rosenbrock,
           monitor_sees_every_iteration_once_and_can_stop, no_iterations_leave_theta_alone,
           start_that_is_not_finite_diverges_and_stays, adam_goes_back_to_the_last_finite_point,
           new_points_are_followed, wrong_size_of_theta_is_an_error)
