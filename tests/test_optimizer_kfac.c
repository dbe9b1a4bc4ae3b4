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
  const char *rule;
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

static double damping(const Settings *s, const double g[])
{
  double norm = 0.0;
  for (int k = 0; k < N; k++) norm += g[k] * g[k];
  return !strcmp(s->rule, "gradient-normalized") ? s->damping * sqrt(norm) : s->damping;
}

/* The averaged J^T J, with weights average^k that sum to one. */
static void add_average(const Settings *s, int step, const double H[], double average[])
{
  double weights = 0.0;
  for (int k = 0; k < step / s->refresh + 1; k++) weights += pow(s->average, k);
  for (int k = 0; k < N * N && step % s->refresh == 0; k++) average[k] += (H[k] - average[k]) / weights;
}

/* D = -(average + lambda)^{-1} g */
static void direction(double lambda, const double g[], const double average[], double D[])
{
  double damped[N * N];
  for (int k = 0; k < N * N; k++) damped[k] = average[k] + (k % (N + 1) ? 0.0 : lambda);
  for (int k = 0; k < N; k++) D[k] = -g[k];
  eliminate(N, damped, D);
}

static double form(const double H[], double lambda, const double v[], const double w[])
{
  double sum = 0.0;
  for (int k = 0; k < N; k++)
    for (int l = 0; l < N; l++) sum += v[k] * (H[k * N + l] + (k == l ? lambda : 0.0)) * w[l];
  return sum;
}

/* next = the minimizer over the span of D and last; returns the model's decrease. */
static double minimize(const double g[], const double H[], double lambda, const double D[], const double last[],
                       double next[])
{
  double small[4], c[2] = {0.0, 0.0}, decrease = 0.0;
  small[0] = form(H, lambda, D, D);
  small[1] = small[2] = form(H, lambda, D, last);
  small[3] = form(H, lambda, last, last);
  for (int k = 0; k < N; k++) c[0] -= g[k] * D[k], c[1] -= g[k] * last[k];
  if (small[3] > 0.0)
    eliminate(2, small, c);
  else
    c[0] /= small[0];
  for (int k = 0; k < N; k++) next[k] = c[0] * D[k] + c[1] * last[k];
  for (int k = 0; k < N; k++) decrease -= g[k] * next[k];
  return decrease - 0.5 * form(H, lambda, next, next);
}

static void star_step(Settings *s, int step, double average[], double last[], double theta[])
{
  double g[N], H[N * N], D[N], next[N], trial[N], t = 1.0, most = -1.0, best = 0.0;
  const bool model = !strcmp(s->rule, "model");
  const double loss = evaluate(theta, g, H);
  add_average(s, step, H, average);
  for (int k = -1; k <= 1 && model && step % 5 == 0; k++) {
    direction(s->damping * pow(4.0, k), g, average, D);
    const double decrease = minimize(g, H, 0.0, D, last, next);
    if (decrease > most) most = decrease, best = s->damping * pow(4.0, k);
  }
  if (best > 0.0) s->damping = best;
  const double lambda = damping(s, g);
  direction(lambda, g, average, D);
  minimize(g, H, model ? 0.0 : lambda, D, last, next);
  memcpy(last, next, sizeof(next));
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

static void grid_step(Settings *s, int step, double average[], double last[], double theta[])
{
  double g[N], H[N * N], D[N], t;
  const double loss = evaluate(theta, g, H);
  add_average(s, step, H, average);
  direction(damping(s, g), g, average, D);
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
           star ? "kfac-star" : "kfac", s->steps, s->damping, s->average, s->refresh, s->rule, momentum);
}

static void check_steps(const Settings *settings, bool star)
{
  Settings copy = *settings, *s = &copy;
  TestRows t;
  char text[512];
  double theta[N], expected[N], average[N * N] = {0.0}, last[N] = {0.0};
  network_start(&fit, theta);
  memcpy(expected, theta, sizeof(theta));
  test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
  stage_text(s, star, text, sizeof(text));
  ck_assert_int_eq(test_solve(&t, text, theta, NULL), OPTIMIZER_ITERATIONS);
  for (int k = 0; k < s->steps; k++) (star ? star_step : grid_step)(s, k, average, last, expected);
  for (int k = 0; k < N; k++) ck_near(theta[k], expected[k], 1e-7, 1e-7);
  ck_assert_double_lt(evaluate(theta, NULL, NULL), 0.5);
}

START_TEST(steps_are_those_of_dense_matrices)
{
  const Settings settings[] = {{1e-2, 0.0, 0.0, "constant", 1, 5},
                               {1e-1, 0.7, 0.9, "constant", 1, 6},
                               {1e-2, 0.5, 0.0, "constant", 3, 5},
                               {1e-1, 0.3, 0.5, "gradient-normalized", 2, 6}};
  for (size_t k = 0; k < sizeof(settings) / sizeof(settings[0]); k++) {
    check_steps(&settings[k], true);
    check_steps(&settings[k], false);
  }
}
END_TEST

/* Of three dampings the best by the model, in steps as they are written out. */
START_TEST(damping_follows_the_model)
{
  const Settings settings[] = {{1e-3, 0.0, 0.9, "model", 1, 12}, {1e-3, 0.0, 0.0, "model", 50, 7}};
  static Trace trace;
  double first[2], last[2];
  for (int k = 0; k < 2; k++) {
    TestRows t;
    char text[512];
    double theta[N];
    check_steps(&settings[k], true);
    network_start(&fit, theta);
    test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
    stage_text(&settings[k], true, text, sizeof(text));
    (void)test_solve(&t, text, theta, &trace);
    ck_assert_str_eq(trace.control_name, "damping");
    first[k] = trace.control[1];
    last[k] = trace.control[trace.n - 1];
  }
  ck_assert(last[0] < 1e-3 && last[1] > first[1]);
}
END_TEST

START_TEST(goes_on_bit_for_bit)
{
  static Trace trace;
  for (int star = 0; star < 2; star++) {
    TestRows t;
    char text[512];
    const Settings settings = {1e-3, 0.6, 0.8, "constant", 3, 8};
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

START_TEST(kfac_has_no_model)
{
  TestRows t;
  Optimizer optimizer;
  Config config = test_config("type = \"kfac\"; damping_rule = \"model\";");
  test_rows(&t, PETSC_COMM_WORLD, M, N, 2 * WIDTH, network_row, &fit);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "kfac has a line search in place of a model");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer kfac", steps_are_those_of_dense_matrices, damping_follows_the_model, goes_on_bit_for_bit,
           a_loss_that_is_not_finite_is_no_step, kfac_has_no_model)
