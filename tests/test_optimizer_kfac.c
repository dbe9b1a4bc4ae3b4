/* The stages kfac and kfac-star against steps written out with dense matrices. Rows that tell nothing of layers are one
   layer of one output, whose Kronecker product is J^T J itself. */
#include <stdlib.h>
#include "optimizer_rows.h"

#define WIDTH 2
#define N     (3 * WIDTH)
#define M     12

static const Fit fit = {M, WIDTH};

typedef struct {
  double damping, momentum, average;
  bool normalized;
  int refresh, steps;
} Settings;

/* A x = b, no pivoting: A [n][n] is positive definite. */
static void eliminate(int n, double A[], double b[])
{
  for (int k = 0; k < n; k++)
    for (int i = k + 1; i < n; i++) {
      const double factor = A[i * n + k] / A[k * n + k];
      for (int j = k; j < n; j++) A[i * n + j] -= factor * A[k * n + j];
      b[i] -= factor * b[k];
    }
  for (int k = n - 1; k >= 0; k--) {
    for (int j = k + 1; j < n; j++) b[k] -= A[k * n + j] * b[j];
    b[k] /= A[k * n + k];
  }
}

/* Loss, and where wanted its gradient and J^T J. */
static double evaluate(const double theta[], double g[], double H[])
{
  double sum = 0.0, r, J[N];
  for (int k = 0; k < N && g; k++) g[k] = 0.0;
  for (int k = 0; k < N * N && H; k++) H[k] = 0.0;
  for (int i = 0; i < M; i++) {
    network_row(&fit, i, theta, &r, J);
    sum += 0.5 * r * r;
    for (int k = 0; k < N && g; k++) g[k] += r * J[k];
    for (int k = 0; k < N * N && H; k++) H[k] += J[k / N] * J[k % N];
  }
  return sum;
}

static double along(const double theta[], double t, const double step[], double trial[])
{
  for (int k = 0; k < N; k++) trial[k] = theta[k] + t * step[k];
  return evaluate(trial, NULL, NULL);
}

/* What both stages begin with: the averaged J^T J, and D = -(that + lambda)^{-1} g. Returns lambda. */
static double direction(const Settings *s, int step, const double g[], const double H[], double average[], double D[])
{
  double damped[N * N], norm = 0.0, weights = 0.0;
  for (int k = 0; k < step / s->refresh + 1; k++) weights += pow(s->average, k);
  for (int k = 0; k < N * N && step % s->refresh == 0; k++) average[k] += (H[k] - average[k]) / weights;
  for (int k = 0; k < N; k++) norm += g[k] * g[k];
  const double lambda = s->normalized ? s->damping * sqrt(norm) : s->damping;
  for (int k = 0; k < N * N; k++) damped[k] = average[k] + (k % (N + 1) ? 0.0 : lambda);
  for (int k = 0; k < N; k++) D[k] = -g[k];
  eliminate(N, damped, D);
  return lambda;
}

static double form(const double H[], double lambda, const double v[], const double w[])
{
  double sum = 0.0;
  for (int k = 0; k < N; k++)
    for (int l = 0; l < N; l++) sum += v[k] * (H[k * N + l] + (k == l ? lambda : 0.0)) * w[l];
  return sum;
}

static void star_step(const Settings *s, int step, double average[], double last[], double theta[])
{
  double g[N], H[N * N], D[N], small[4], c[2] = {0.0, 0.0}, trial[N], t = 1.0;
  const double loss = evaluate(theta, g, H), lambda = direction(s, step, g, H, average, D);
  small[0] = form(H, lambda, D, D);
  small[1] = small[2] = form(H, lambda, D, last);
  small[3] = form(H, lambda, last, last);
  for (int k = 0; k < N; k++) c[0] -= g[k] * D[k], c[1] -= g[k] * last[k];
  if (step)
    eliminate(2, small, c);
  else
    c[0] /= small[0], c[1] = 0.0;
  for (int k = 0; k < N; k++) last[k] = c[0] * D[k] + c[1] * last[k];
  while (!(along(theta, t, last, trial) < loss)) t *= 0.5;
  for (int k = 0; k < N; k++) {
    last[k] *= t;
    theta[k] += last[k];
  }
}

static double best_of_grid(const double theta[], double loss, const double step[])
{
  double trial[N], t = 0.0;
  for (int k = 0; k <= 30; k++) {
    const double found = along(theta, pow(2.0, -k), step, trial);
    if (found < loss) loss = found, t = pow(2.0, -k);
  }
  return t;
}

static void grid_step(const Settings *s, int step, double average[], double last[], double theta[])
{
  double g[N], H[N * N], D[N], t;
  const double loss = evaluate(theta, g, H);
  direction(s, step, g, H, average, D);
  for (int k = 0; k < N; k++) last[k] = s->momentum * last[k] + D[k];
  t = best_of_grid(theta, loss, last);
  if (t == 0.0) { /* momentum that leads upwards is forgotten */
    memcpy(last, D, sizeof(D));
    t = best_of_grid(theta, loss, last);
  }
  ck_assert(t > 0.0);
  for (int k = 0; k < N; k++) theta[k] += t * last[k];
}

static void stage_text(const Settings *s, bool star, char text[], size_t size)
{
  char momentum[64] = "";
  if (!star) snprintf(momentum, sizeof(momentum), "momentum = %.17g;", s->momentum);
  snprintf(text, size,
           "type = \"%s\"; iterations = %d; tolerance = 0.0; damping = %.17g; average = %.17g; refresh = %d; "
           "damping_rule = \"%s\"; %s",
           star ? "kfac-star" : "kfac", s->steps, s->damping, s->average, s->refresh,
           s->normalized ? "gradient-normalized" : "constant", momentum);
}

static void check_steps(const Settings *s, bool star)
{
  TestRows t;
  char text[512];
  double theta[N], expected[N], average[N * N] = {0.0}, last[N] = {0.0};
  network_start(&fit, theta);
  memcpy(expected, theta, sizeof(theta));
  test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
  stage_text(s, star, text, sizeof(text));
  ck_assert_int_eq(test_solve(&t, text, theta, NULL), OPTIMIZER_ITERATIONS);
  for (int k = 0; k < s->steps; k++) (star ? star_step : grid_step)(s, k, average, last, expected);
  for (int k = 0; k < N; k++) ck_near(theta[k], expected[k], 1e-8, 1e-8);
  ck_assert_double_lt(evaluate(theta, NULL, NULL), 0.5);
}

START_TEST(steps_are_those_of_dense_matrices)
{
  const Settings settings[] = {{1e-2, 0.0, 0.0, false, 1, 5},
                               {1e-1, 0.7, 0.9, false, 1, 6},
                               {1e-2, 0.5, 0.0, false, 3, 5},
                               {1e-1, 0.3, 0.5, true, 2, 6}};
  for (size_t k = 0; k < sizeof(settings) / sizeof(settings[0]); k++) {
    check_steps(&settings[k], true);
    check_steps(&settings[k], false);
  }
}
END_TEST

/* lambda falls where the model is right, and a step that is too long makes it rise. */
START_TEST(trust_region_moves_the_damping)
{
  TestRows t;
  double A[M * N], b[M], linear[N] = {0.0}, curved[2] = {-1.2, 1.0};
  const Linear problem = {M, N, A, b};
  static Trace trace;
  for (int k = 0; k < M * N; k++) A[k] = test_number(k);
  for (int k = 0; k < M; k++) b[k] = test_number(100 + k);
  test_rows(&t, PETSC_COMM_WORLD, M, N, 0, linear_row, &problem);
  (void)test_solve(
      &t, "type = \"kfac-star\"; iterations = 4; damping = 0.5; average = 0.0; damping_rule = \"trust-region\";",
      linear, &trace);
  ck_assert_str_eq(trace.control_name, "damping");
  for (int k = 1; k < trace.n; k++) ck_near(trace.control[k], 0.5 * trace.control[k - 1], 1e-14, 0.0);
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_assert_int_eq(test_solve(&t,
                              "type = \"kfac-star\"; iterations = 300; damping = 1e-6; average = 0.0; tolerance = "
                              "1e-20; damping_rule = \"trust-region\";",
                              curved, &trace),
                   OPTIMIZER_CONVERGED);
  ck_near(trace.control[1], 4e-6, 1e-14, 0.0);
  ck_near(curved[0], 1.0, 0.0, 1e-8);
}
END_TEST

START_TEST(goes_on_bit_for_bit)
{
  static Trace trace;
  for (int star = 0; star < 2; star++) {
    TestRows t;
    char text[512];
    const Settings settings = {1e-3, 0.6, 0.8, false, 3, 8};
    double whole[N], parts[N];
    network_start(&fit, whole);
    network_start(&fit, parts);
    test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
    stage_text(&settings, star, text, sizeof(text));
    ck_assert_int_eq(test_solve(&t, text, whole, NULL), OPTIMIZER_ITERATIONS);
    ck_assert_int_eq(test_solve_in_two(&t, text, 4, parts, &trace), OPTIMIZER_ITERATIONS);
    for (int k = 0; k < N; k++) ck_assert_double_eq(parts[k], whole[k]);
  }
}
END_TEST

START_TEST(a_loss_that_is_not_finite_is_no_step)
{
  for (int star = 0; star < 2; star++) {
    TestRows t;
    double theta[2] = {-1.2, 1.0};
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
    t.nan_beyond = true;
    t.limit = -1.0;
    (void)test_solve(&t, star ? "type = \"kfac-star\"; iterations = 50;" : "type = \"kfac\"; iterations = 50;", theta,
                     NULL);
    ck_assert(theta[0] <= t.limit && theta[0] > -1.2 && t.n_nan > 0);
  }
}
END_TEST

START_TEST(kfac_has_no_trust_region)
{
  TestRows t;
  Optimizer optimizer;
  Config config = test_config("type = \"kfac\"; damping_rule = \"trust-region\";");
  test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "kfac's line search has no predicted decrease");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer kfac", steps_are_those_of_dense_matrices, trust_region_moves_the_damping, goes_on_bit_for_bit,
           a_loss_that_is_not_finite_is_no_step, kfac_has_no_trust_region)
