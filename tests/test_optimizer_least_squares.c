/* The least-squares stage: linear and nonlinear last layers, deficient ranks, the search for scales. */
#include <stdlib.h>
#include "optimizer_rows.h"

static const char *const stage = "type = \"least-squares\"; iterations = 100;";

/* Two hidden parameters that only sit there, then sum_k a_k phi_k(x_i) = target. */
typedef struct {
  int n_point, n;
  double (*feature)(int k, double x);
  double (*target)(double x);
  double cube; /* of the sum, added to it: nonlinear unless 0 */
} Expansion;

static double point(const Expansion *e, int i)
{
  return -1.0 + 2.0 * (i + 0.5) / e->n_point;
}

static void expansion_row(const void *data, int i, const double theta[], double *r, double J[])
{
  const Expansion *e = data;
  const double x = point(e, i);
  double u = 0.0;
  for (int k = 0; k < e->n; k++) {
    J[2 + k] = e->feature(k, x);
    u += theta[2 + k] * J[2 + k];
  }
  J[0] = J[1] = 1.0;
  for (int k = 0; k < e->n; k++) J[2 + k] *= 1.0 + 3.0 * e->cube * u * u;
  *r = u + e->cube * u * u * u - e->target(x);
}

static void expansion_rows(TestRows *t, const Expansion *e)
{
  test_rows(t, PETSC_COMM_WORLD, e->n_point, 2 + e->n, 2, expansion_row, e);
  t->rows.linear = e->cube == 0.0;
}

static double chebyshev(int k, double x)
{
  return cos(k * acos(x));
}

static double doubled(int k, double x)
{
  return chebyshev(k / 2, x);
}

static double wave(int k, double x)
{
  return sin(6.0 * test_number(2 * k) * x + 3.14 * test_number(2 * k + 1));
}

static double line(double x)
{
  return 2.0 - 3.0 * x;
}

static double steep(double x)
{
  return exp(2.0 * x);
}

static double cubic(double x)
{
  const double u = 1.0 + 2.0 * x;
  return u + u * u * u;
}

START_TEST(linear_problem_takes_one_solve_and_leaves_hidden_parameters)
{
  const Expansion e = {30, 5, chebyshev, line, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[7] = {0.25, -4.0, 1.0, 1.0, 1.0, 1.0, 1.0};
  expansion_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_CONVERGED);
  ck_assert_int_eq(trace->n, 2);
  ck_assert_str_eq(trace->control_name, "rank");
  ck_assert_double_eq(trace->control[1], 5.0);
  const double expected[7] = {0.25, -4.0, 2.0, -3.0, 0.0, 0.0, 0.0};
  for (int k = 0; k < 7; k++) ck_near(theta[k], expected[k], 1e-13, 1e-13);
  free(trace);
}
END_TEST

/* A residual that cannot vanish: the solution satisfies the normal equations. */
START_TEST(residual_is_orthogonal_to_the_columns)
{
  const Expansion e = {40, 4, chebyshev, steep, 0.0};
  TestRows t;
  double theta[6] = {0.0}, row[6], r, sum[4] = {0.0};
  expansion_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, stage, theta, NULL), OPTIMIZER_CONVERGED);
  for (int i = 0; i < e.n_point; i++) {
    expansion_row(&e, i, theta, &r, row);
    for (int k = 0; k < 4; k++) sum[k] += row[2 + k] * r;
  }
  for (int k = 0; k < 4; k++) ck_near(sum[k], 0.0, 0.0, 1e-12);
}
END_TEST

START_TEST(equal_columns_share_the_coefficient)
{
  const Expansion e = {30, 6, doubled, line, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[8] = {0.0};
  const double expected[6] = {1.0, 1.0, -1.5, -1.5, 0.0, 0.0};
  expansion_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_CONVERGED);
  ck_assert_double_eq(trace->control[trace->n - 1], 3.0);
  for (int k = 0; k < 6; k++) ck_near(theta[2 + k], expected[k], 1e-12, 1e-12);
  free(trace);
}
END_TEST

START_TEST(more_unknowns_than_rows_are_solved_to_rounding)
{
  const Expansion e = {6, 15, chebyshev, steep, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[17] = {0.0};
  expansion_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_CONVERGED);
  ck_assert(trace->loss[trace->n - 1] < 1e-26);
  ck_assert_double_eq(trace->control[trace->n - 1], 6.0);
  free(trace);
}
END_TEST

/* Random features are nearly dependent, yet the residual must come down to rounding. */
START_TEST(random_features_reach_rounding_level)
{
  const Expansion e = {200, 60, wave, steep, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[62] = {0.0};
  expansion_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, "type = \"least-squares\"; cutoff = 1e-15;", theta, trace), OPTIMIZER_CONVERGED);
  const double relative = sqrt(trace->loss[trace->n - 1] / trace->loss[0]);
  ck_assert_msg(relative < 1e-13, "relative residual %g, rank %g", relative, trace->control[trace->n - 1]);
  ck_assert(trace->control[trace->n - 1] < 60.0);
  for (int k = 1; k < trace->n; k++) ck_assert(trace->loss[k] < trace->loss[k - 1]);
  free(trace);
}
END_TEST

START_TEST(nonlinear_problem_converges_quadratically)
{
  const Expansion e = {50, 6, chebyshev, cubic, 1.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[8] = {0.0};
  expansion_rows(&t, &e);
  const OptimizerReason reason = test_solve(&t, stage, theta, trace);
  ck_assert(reason == OPTIMIZER_CONVERGED || reason == OPTIMIZER_STALLED);
  ck_near(theta[2], 1.0, 1e-12, 0.0);
  ck_near(theta[3], 2.0, 1e-12, 0.0);
  int quadratic = 0;
  for (int k = 1; k < trace->n; k++)
    if (trace->loss[k - 1] < 1e-1 && trace->loss[k] > 1e-27) quadratic += trace->loss[k] < pow(trace->loss[k - 1], 1.5);
  ck_assert_int_ge(quadratic, 1);
  ck_assert_int_le(trace->n, 20);
  free(trace);
}
END_TEST

/* Newton's method for atan(5 (a - 1)) = 0 from a = 3 diverges without a line search. */
static void arc_row(const void *data, int i, const double theta[], double *r, double J[])
{
  const double s = 5.0 * (theta[0] - 1.0);
  (void)data, (void)i;
  *r = atan(s);
  J[0] = 5.0 / (1.0 + s * s);
}

START_TEST(line_search_makes_newton_safe)
{
  TestRows t;
  double theta[1] = {3.0};
  test_rows(&t, PETSC_COMM_WORLD, 1, 1, 0, arc_row, NULL);
  t.rows.linear = false;
  ck_assert_int_eq(test_solve(&t, stage, theta, NULL), OPTIMIZER_CONVERGED);
  ck_near(theta[0], 1.0, 1e-12, 0.0);
}
END_TEST

/* A search whose held-out residual is known: least at scales (6, 0.3). The feature is sin(scale_0 x). */
typedef struct {
  double scales[2], rms[64], seen[64][2];
  int n_trial;
} Scales;

static Scales scales;

static double scaled_wave(int k, double x)
{
  return sin(scales.scales[0] * x + k);
}

static PetscErrorCode get_scales(void *self, int *n, double values[])
{
  PetscFunctionBegin;
  (void)self;
  *n = 2;
  for (int k = 0; k < 2 && values; k++) values[k] = scales.scales[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_scales(void *self, int n, const double values[])
{
  PetscFunctionBegin;
  (void)self;
  for (int k = 0; k < n; k++) scales.scales[k] = values[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode heldout(void *self, Vec theta, double *rms)
{
  PetscFunctionBegin;
  (void)self, (void)theta;
  *rms = exp(8.0 * (pow(log(scales.scales[0] / 6.0), 2.0) + pow(log(scales.scales[1] / 0.3), 2.0)));
  for (int k = 0; k < 2; k++) scales.seen[scales.n_trial][k] = scales.scales[k];
  scales.rms[scales.n_trial++] = *rms;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void search_rows(TestRows *t, const Expansion *e)
{
  scales = (Scales){.scales = {1.0, 1.0}};
  expansion_rows(t, e);
  t->rows.search_scales = true;
  t->ops.get_scales = get_scales;
  t->ops.set_scales = set_scales;
  t->ops.heldout = heldout;
}

START_TEST(scale_search_finds_the_least_heldout_residual)
{
  const Expansion e = {30, 4, scaled_wave, steep, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[6] = {0.0}, row[6], r, loss = 0.0, least = INFINITY;
  search_rows(&t, &e);
  ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_CONVERGED);
  ck_assert(fabs(log2(scales.scales[0] / 6.0)) <= 0.5 && fabs(log2(scales.scales[1] / 0.3)) <= 0.5);
  for (int k = 0; k < scales.n_trial; k++) least = fmin(least, scales.rms[k]);
  const double last = exp(8.0 * (pow(log(scales.scales[0] / 6.0), 2.0) + pow(log(scales.scales[1] / 0.3), 2.0)));
  ck_assert(last == least);
  ck_assert_int_ge(trace->n, scales.n_trial + 2);
  for (int k = 0; k < trace->n; k++) ck_assert_int_eq(trace->iteration[k], k);
  for (int i = 0; i < e.n_point; i++) {
    expansion_row(&e, i, theta, &r, row);
    loss += 0.5 * r * r;
  }
  ck_near(trace->loss[trace->n - 1], loss, 1e-12, 0.0);
  ck_assert_str_eq(trace->control_name, "rank");
  free(trace);
}
END_TEST

START_TEST(stopped_search_keeps_the_best_so_far)
{
  const Expansion e = {30, 4, scaled_wave, steep, 0.0};
  TestRows t;
  Trace *trace = calloc(1, sizeof(Trace));
  double theta[6] = {0.0};
  search_rows(&t, &e);
  trace->stop_at = 5;
  ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_STOPPED);
  ck_assert_int_eq(scales.n_trial, 5);
  int best = 0;
  for (int k = 1; k < 5; k++)
    if (scales.rms[k] < scales.rms[best]) best = k;
  ck_assert(scales.scales[0] == scales.seen[best][0] && scales.scales[1] == scales.seen[best][1]);
  free(trace);
}
END_TEST

START_TEST(resumed_search_makes_the_same_trials)
{
  const Expansion e = {30, 4, scaled_wave, steep, 0.0};
  TestRows t;
  Trace *whole = calloc(1, sizeof(Trace)), *halves = calloc(1, sizeof(Trace));
  for (PetscInt half = 1; half <= 9; half += 2) {
    double once[6] = {0.0}, twice[6] = {0.0};
    search_rows(&t, &e);
    ck_assert_int_eq(test_solve(&t, stage, once, whole), OPTIMIZER_CONVERGED);
    search_rows(&t, &e);
    ck_assert_int_eq(test_solve_in_two(&t, stage, half, twice, halves), OPTIMIZER_CONVERGED);
    ck_assert_int_eq(whole->n, halves->n);
    for (int k = 0; k < whole->n; k++) {
      ck_assert_int_eq(halves->iteration[k], k);
      ck_assert(whole->loss[k] == halves->loss[k] && whole->control[k] == halves->control[k]);
    }
    for (int k = 0; k < 6; k++) ck_assert(once[k] == twice[k]);
  }
  free(whole);
  free(halves);
}
END_TEST

TEST_SUITE("optimizer_least_squares", linear_problem_takes_one_solve_and_leaves_hidden_parameters,
           residual_is_orthogonal_to_the_columns, equal_columns_share_the_coefficient,
           more_unknowns_than_rows_are_solved_to_rounding, random_features_reach_rounding_level,
           nonlinear_problem_converges_quadratically, line_search_makes_newton_safe,
           scale_search_finds_the_least_heldout_residual, stopped_search_keeps_the_best_so_far,
           resumed_search_makes_the_same_trials)
