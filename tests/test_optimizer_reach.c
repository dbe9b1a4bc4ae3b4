/* What Gauss-Newton tells of its reach, its rules of damping and length, and rows that change. */
#include <stdlib.h>
#include "optimizer_rows.h"
#include "../src/optimizer/dense_steps.h"

enum { MOST = 8 };
static const char *const methods[] = {"auto", "qr", "svd", "normal", "kernel"};
static const char *const stages[] = {
    "type = \"gauss-newton\"; method = \"auto\";",
    "type = \"gauss-newton\"; method = \"qr\";",
    "type = \"gauss-newton\"; method = \"svd\";",
    "type = \"gauss-newton\"; method = \"normal\";",
    "type = \"gauss-newton\"; method = \"kernel\";",
    "type = \"gauss-newton-krylov\"; dense = false;",
    "type = \"gauss-newton-krylov\"; dense = false; krylov = \"lsqr\"; precond = \"diagonal\";",
    "type = \"gauss-newton-krylov\"; dense = false; krylov = \"minres\"; precond = \"layerwise\"; geodesic = false;",
    "type = \"spring\";",
};

/* |P r|^2 / |r|^2 with the projection P onto the columns of A [m][n], by Gram-Schmidt. */
static double projected(const Linear *p, const double theta[])
{
  double q[MOST][MOST], r[MOST], J[MOST], square = 0.0, inside = 0.0;
  int rank = 0;
  for (int i = 0; i < p->n_row; i++) {
    linear_row(p, i, theta, &r[i], J);
    square += r[i] * r[i];
  }
  for (int k = 0; k < p->n; k++) {
    double column[MOST], norm = 0.0, dot = 0.0;
    for (int i = 0; i < p->n_row; i++) column[i] = p->A[i * p->n + k];
    for (int pass = 0; pass < 2; pass++)
      for (int j = 0; j < rank; j++) {
        double part = 0.0;
        for (int i = 0; i < p->n_row; i++) part += q[j][i] * column[i];
        for (int i = 0; i < p->n_row; i++) column[i] -= part * q[j][i];
      }
    for (int i = 0; i < p->n_row; i++) norm += column[i] * column[i];
    if (norm < 1e-20) continue;
    for (int i = 0; i < p->n_row; i++) {
      q[rank][i] = column[i] / sqrt(norm);
      dot += q[rank][i] * r[i];
    }
    inside += dot * dot;
    rank++;
  }
  return inside / square;
}

/* m rows of n columns; with `low`, the last column is the sum of the first two. */
static void check_reach(int m, int n, bool low)
{
  double A[MOST * MOST], b[MOST], start[MOST];
  const Linear problem = {m, n, A, b};
  for (int i = 0; i < m; i++) {
    for (int k = 0; k < n; k++) A[i * n + k] = test_number(17 * i + k);
    if (low) A[i * n + n - 1] = A[i * n] + A[i * n + 1];
    b[i] = test_number(300 + i);
  }
  for (int k = 0; k < n; k++) start[k] = test_number(400 + k);
  for (size_t k = 0; k < sizeof(stages) / sizeof(stages[0]); k++) {
    TestRows t;
    Trace *trace = calloc(1, sizeof(Trace));
    char stage[256];
    double theta[MOST];
    memcpy(theta, start, sizeof(theta));
    test_rows(&t, PETSC_COMM_WORLD, m, n, 0, linear_row, &problem);
    snprintf(stage, sizeof(stage), "%s iterations = 1; tolerance = 0.0;", stages[k]);
    test_solve(&t, stage, theta, trace);
    ck_assert(isnan(trace->reach[0]));
    ck_near(trace->reach[1], projected(&problem, start), 0.0, 1e-6);
    free(trace);
  }
}

START_TEST(rho_is_that_of_the_dense_projection)
{
  check_reach(7, 3, false);
  check_reach(7, 3, true);
  check_reach(4, 6, false);
  check_reach(5, 2, false);
}
END_TEST

/* By the dense factor of a Krylov stage, which decides by times when it uses it. */
START_TEST(dense_steps_know_rho)
{
  const int sizes[][2] = {{7, 3}, {4, 6}, {5, 5}};
  for (int k = 0; k < 3; k++) {
    const int m = sizes[k][0], n = sizes[k][1];
    double A[MOST * MOST], b[MOST], start[MOST], r[MOST], loss, rho;
    const Linear problem = {m, n, A, b};
    TestRows t;
    Optimizer optimizer;
    DenseSteps steps;
    Vec gradient;
    for (int i = 0; i < m * n; i++) A[i] = test_number(i);
    for (int i = 0; i < MOST; i++) b[i] = test_number(300 + i), start[i] = test_number(400 + i);
    test_rows(&t, PETSC_COMM_WORLD, m, n, 0, linear_row, &problem);
    Config config = test_config("type = \"gauss-newton-krylov\"; dense = true;");
    ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
    ck_petsc(DenseStepsCreate(optimizer, config, &t.rows, &steps));
    Vec theta = test_theta(&t.rows, start);
    ck_petsc(VecDuplicate(theta, &gradient));
    ck_petsc(t.ops.gradient(&t, theta, &loss, gradient));
    ck_petsc(t.ops.evaluate(&t, theta, r, &loss));
    Vec x = test_theta(&t.rows, start);
    ck_petsc(DenseStepsReach(&steps, theta, gradient, r, loss, x, &rho));
    ck_near(rho, projected(&problem, start), 0.0, 1e-6);
    ck_petsc(DenseStepsDestroy(&steps));
    ck_petsc(VecDestroy(&gradient));
    ck_petsc(VecDestroy(&theta));
    ck_petsc(VecDestroy(&x));
    ck_petsc(OptimizerDestroy(&optimizer));
    ck_petsc(ConfigDestroy(&config));
  }
}
END_TEST

/* At the minimum of a linear problem all that is left of the residual is out of reach. */
START_TEST(nothing_is_in_reach_at_a_minimum)
{
  double A[12], b[6], zero[2] = {0.0, 0.0};
  const Linear problem = {6, 2, A, b};
  TestRows t;
  Optimizer optimizer;
  OptimizerReason reason;
  for (int k = 0; k < 12; k++) A[k] = test_number(k);
  for (int k = 0; k < 6; k++) b[k] = test_number(50 + k);
  test_rows(&t, PETSC_COMM_WORLD, 6, 2, 0, linear_row, &problem);
  Config config = test_config("type = \"gauss-newton\"; tolerance = 0.0;");
  Vec x = test_theta(&t.rows, zero);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_assert(isnan(OptimizerReach(optimizer)));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  ck_assert_int_eq(reason, OPTIMIZER_STALLED);
  ck_assert(OptimizerReach(optimizer) < OPTIMIZER_LEAST_REACH);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&x));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

/* Rosenbrock's J^T J and J^T r at x, and d = -(J^T J + lambda D)^{-1} J^T r. */
static void damped_step(const double x[2], double c, double *lambda, double g[2], double d[2])
{
  double N[2][2] = {{0.0}}, r, J[2], D[2];
  g[0] = g[1] = 0.0;
  for (int i = 0; i < 2; i++) {
    rosenbrock(NULL, i, x, &r, J);
    for (int k = 0; k < 2; k++) {
      g[k] += J[k] * r;
      for (int l = 0; l < 2; l++) N[k][l] += J[k] * J[l];
    }
  }
  for (int k = 0; k < 2; k++) D[k] = N[k][k] + 1e-2 * fmax(N[0][0], N[1][1]);
  *lambda = c * sqrt(g[0] * g[0] / D[0] + g[1] * g[1] / D[1]);
  for (int k = 0; k < 2; k++) N[k][k] += *lambda * D[k];
  const double det = N[0][0] * N[1][1] - N[0][1] * N[1][0];
  d[0] = -(N[1][1] * g[0] - N[0][1] * g[1]) / det;
  d[1] = -(N[0][0] * g[1] - N[1][0] * g[0]) / det;
}

START_TEST(damping_can_follow_the_gradient)
{
  for (int k = 0; k < 5; k++) {
    TestRows t;
    Trace *trace = calloc(1, sizeof(Trace));
    char stage[256];
    double x[2] = {0.9, 0.85}, start[2] = {0.9, 0.85}, lambda, g[2], d[2];
    damped_step(x, 0.3, &lambda, g, d);
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
    snprintf(stage, sizeof(stage),
             "type = \"gauss-newton\"; method = \"%s\"; iterations = 1; tolerance = 0.0; geodesic = false; "
             "damping_rule = \"gradient-normalized\"; damping = 0.3;",
             methods[k]);
    test_solve(&t, stage, x, trace);
    ck_near(trace->control[1], lambda, 1e-12, 0.0);
    for (int i = 0; i < 2; i++) ck_near(x[i], start[i] + d[i], 1e-11, 0.0);
    free(trace);
  }
}
END_TEST

START_TEST(steps_can_be_those_of_the_damped_newton_method)
{
  const double smoothness[] = {1.0, 5.0};
  for (int k = 0; k < 2; k++) {
    TestRows t;
    char stage[256];
    double x[2] = {0.9, 0.85}, start[2] = {0.9, 0.85}, lambda, g[2], d[2];
    damped_step(x, 0.0, &lambda, g, d);
    const double decrement = sqrt(-g[0] * d[0] - g[1] * d[1]);
    const double length = 1.0 / (1.0 + pow(9.0 * smoothness[k], 1.0 / 3.0) * pow(decrement, 2.0 / 3.0));
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
    snprintf(stage, sizeof(stage),
             "type = \"gauss-newton\"; iterations = 1; tolerance = 0.0; geodesic = false; damping = 0.0; "
             "damping_rule = \"constant\"; length = \"damped-newton\"; smoothness = %g;",
             smoothness[k]);
    test_solve(&t, stage, x, NULL);
    for (int i = 0; i < 2; i++) ck_near(x[i], start[i] + length * d[i], 1e-10, 0.0);
  }
}
END_TEST

START_TEST(a_full_step_has_no_smoothness)
{
  TestRows t;
  Optimizer optimizer;
  Config config = test_config("type = \"gauss-newton\"; smoothness = 2.0;");
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "test.cfg:3: solver[0].smoothness: a full step has no smoothness");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

/* Rows whose right-hand side changes every seven iterations. */
enum { EVERY = 7 };
static double moving_b[6];
static bool moves;

static PetscErrorCode move_rows(void *self, Vec theta, PetscInt iteration, bool *changed)
{
  PetscFunctionBegin;
  (void)self, (void)theta;
  *changed = iteration && iteration % EVERY == 0;
  for (int i = 0; i < 6 && *changed && moves; i++) moving_b[i] = test_number(60 + (int)iteration + i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode next_move(void *self, PetscInt iteration, PetscInt *next)
{
  PetscFunctionBegin;
  (void)self;
  *next = (iteration / EVERY + 1) * EVERY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(a_stall_waits_for_new_rows)
{
  double A[12], expected[2], theta[2];
  const Linear problem = {6, 2, A, moving_b};
  for (int k = 0; k < 12; k++) A[k] = test_number(k);
  for (moves = false;; moves = true) {
    TestRows t;
    Trace *trace = calloc(1, sizeof(Trace));
    bool seen[4] = {false};
    for (int i = 0; i < 6; i++) moving_b[i] = test_number(60 + i);
    theta[0] = theta[1] = 0.0;
    test_rows(&t, PETSC_COMM_WORLD, 6, 2, 0, linear_row, &problem);
    t.ops.update = move_rows;
    t.ops.next_update = next_move;
    const OptimizerReason reason =
        test_solve(&t, "type = \"gauss-newton\"; iterations = 20; tolerance = 0.0;", theta, trace);
    for (int k = 0; k < trace->n; k++)
      if (trace->iteration[k] % EVERY == 0) seen[trace->iteration[k] / EVERY] = true;
    ck_assert_int_eq(reason, OPTIMIZER_STALLED);
    ck_assert(seen[1] && seen[2] == moves);
    double N[3] = {0.0}, c[2] = {0.0};
    for (int i = 0; i < 6; i++) {
      N[0] += A[2 * i] * A[2 * i], N[1] += A[2 * i] * A[2 * i + 1], N[2] += A[2 * i + 1] * A[2 * i + 1];
      for (int k = 0; k < 2; k++) c[k] += A[2 * i + k] * moving_b[i];
    }
    const double det = N[0] * N[2] - N[1] * N[1];
    expected[0] = (N[2] * c[0] - N[1] * c[1]) / det;
    expected[1] = (N[0] * c[1] - N[1] * c[0]) / det;
    for (int k = 0; k < 2; k++) ck_near(theta[k], expected[k], 1e-6, 1e-6);
    free(trace);
    if (moves) break;
  }
}
END_TEST

TEST_SUITE("optimizer_reach", rho_is_that_of_the_dense_projection, dense_steps_know_rho,
           nothing_is_in_reach_at_a_minimum, damping_can_follow_the_gradient,
           steps_can_be_those_of_the_damped_newton_method, a_full_step_has_no_smoothness, a_stall_waits_for_new_rows)
