/* The stage gauss-newton-krylov, on formulas and on a small equation. */
#include "case_fixture.h"
#include "optimizer_rows.h"
#include "pinn/precond.h"

#define STAGE "type = \"gauss-newton-krylov\"; "

/* A linear problem with columns of very different length, whose solution is known. */
enum { M = 40, N = 12 };
typedef struct {
  double A[M * N], b[M], solution[N];
  Linear linear;
  TestRows rows;
} Quadratic;

static void quadratic(Quadratic *q)
{
  for (int k = 0; k < N; k++) q->solution[k] = test_number(900 + k);
  for (int i = 0; i < M; i++) {
    q->b[i] = 0.0;
    for (int k = 0; k < N; k++) {
      q->A[i * N + k] = test_number(i * N + k) * pow(0.5, k);
      q->b[i] += q->A[i * N + k] * q->solution[k];
    }
  }
  q->linear = (Linear){M, N, q->A, q->b};
  test_rows(&q->rows, PETSC_COMM_WORLD, M, N, 0, linear_row, &q->linear);
}

static void check_quadratic(const char *keys)
{
  Quadratic q;
  char stage[512];
  double theta[N] = {0.0};
  static Trace trace;
  quadratic(&q);
  snprintf(stage, sizeof(stage), STAGE "iterations = 60; tolerance = 1e-22; %s", keys);
  const OptimizerReason reason = test_solve(&q.rows, stage, theta, &trace);
  ck_assert_msg(reason == OPTIMIZER_CONVERGED, "%s: %s, loss %g", keys, OptimizerReasonText(reason),
                trace.loss[trace.n - 1]);
  ck_assert_str_eq(trace.control_name, "damping");
  for (int k = 0; k < N; k++) ck_near(theta[k], q.solution[k], 0, 1e-6);
  for (int k = 1; k < trace.n; k++) ck_assert_double_lt(trace.loss[k], trace.loss[k - 1]);
}

START_TEST(a_quadratic_problem_by_every_method)
{
  char keys[128];
  for (const Choice *row = KrylovTable.rows; row->name; row++) {
    snprintf(keys, sizeof(keys), "krylov = \"%s\"; dense = false;", row->name);
    check_quadratic(keys);
  }
}
END_TEST

/* `operator` needs features of a network. */
START_TEST(a_quadratic_problem_by_every_preconditioner)
{
  char keys[128];
  for (const Choice *row = PrecondTable.rows; row->name; row++) {
    if (!strcmp(row->name, "operator")) continue;
    snprintf(keys, sizeof(keys), "precond = \"%s\"; %s", row->name, PrecondHasFactors(row->name) ? "refresh = 2;" : "");
    check_quadratic(keys);
  }
}
END_TEST

START_TEST(settings_of_a_quadratic_problem)
{
  check_quadratic("dense = true;");
  check_quadratic("dense = false; momentum = 0.0;");
  check_quadratic("dense = false; momentum = 0.0; krylov = \"lsqr\";");
  check_quadratic("dense = false; momentum = 0.9; rank = 3;");
  check_quadratic("dense = false; deflate = 4; precond = \"diagonal\"; model_tolerance = 1e-6;");
  check_quadratic("dense = false; inner_iterations = 2; precond = \"layerwise\";");
}
END_TEST

/* A solve that may take two iterations takes no more for each step, of which one is tried at least. */
START_TEST(iterations_and_the_choice_are_told)
{
  Quadratic q;
  static Trace trace;
  double theta[N] = {0.0};
  quadratic(&q);
  test_solve(&q.rows, STAGE "iterations = 3; inner_iterations = 2; geodesic = false; precond = \"none\";", theta,
             &trace);
  ck_assert(isnan(trace.inner[0]));
  for (int k = 1; k < trace.n; k++) {
    ck_assert_double_ge(trace.inner[k], 1.0);
    ck_assert_double_eq(fmod(trace.inner[k], 1.0), 0.0);
  }
  ck_assert_double_eq(trace.inner[1], 2.0);
  ck_assert_ptr_null(trace.choice);
  for (int k = 0; k < N; k++) theta[k] = 0.0;
  test_solve(&q.rows, STAGE "iterations = 2; precond = \"auto\";", theta, &trace);
  ck_assert_ptr_nonnull(trace.choice);
  ck_assert_ptr_nonnull(ChoiceFind(&PrecondTable, trace.choice));
}
END_TEST

START_TEST(rosenbrock_s_valley)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0};
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  t.rows.linear = false;
  ck_assert_int_eq(test_solve(&t, STAGE "iterations = 200; tolerance = 1e-20;", theta, NULL), OPTIMIZER_CONVERGED);
  ck_near(theta[0], 1.0, 1e-8, 0);
  ck_near(theta[1], 1.0, 1e-8, 0);
}
END_TEST

/* One accurate solve without damping worth mentioning is the least-squares solution. */
START_TEST(a_tight_tolerance_gives_the_exact_step)
{
  Quadratic q;
  double theta[N] = {0.0};
  quadratic(&q);
  test_solve(&q.rows, STAGE "iterations = 1; dense = false; damping = 1e-13; model_tolerance = 1e-14;", theta, NULL);
  for (int k = 0; k < N; k++) ck_near(theta[k], q.solution[k], 0, 1e-6);
}
END_TEST

static void check_resume(const char *keys)
{
  const Fit fit = {30, 5};
  static Trace whole, parts;
  char stage[512];
  double a[15], b[15];
  TestRows t;
  snprintf(stage, sizeof(stage), STAGE "iterations = 11; dense = false; %s", keys);
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  t.rows.linear = false;
  network_start(&fit, a);
  network_start(&fit, b);
  const OptimizerReason reason = test_solve(&t, stage, a, &whole);
  ck_assert_int_eq(test_solve_in_two(&t, stage, 5, b, &parts), reason);
  for (int k = 0; k < 15; k++) ck_assert_double_eq(a[k], b[k]);
  ck_assert_int_eq(whole.n, parts.n);
  for (int k = 0; k < whole.n; k++) ck_assert_double_eq(whole.loss[k], parts.loss[k]);
}

/* Steps that are solved to the end are the same by both ways, momentum and acceleration among them. */
static void check_dense(int n_point, const char *keys)
{
  const Fit fit = {n_point, 5};
  static Trace traces[2];
  char stage[512];
  double theta[15];
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  t.rows.linear = false;
  for (int dense = 0; dense < 2; dense++) {
    network_start(&fit, theta);
    snprintf(stage, sizeof(stage), STAGE "iterations = 4; model_tolerance = 1e-15; dense = %s; %s",
             dense ? "true" : "false", keys);
    test_solve(&t, stage, theta, &traces[dense]);
  }
  ck_assert_int_eq(traces[0].n, traces[1].n);
  for (int k = 0; k < traces[0].n; k++) ck_near(traces[1].loss[k], traces[0].loss[k], 1e-6, 0);
  ck_assert(isnan(traces[0].dense[0]));
  for (int k = 0; k < 2; k++) ck_assert_double_eq(traces[1].dense[k], 0.0);
  ck_assert_double_eq(traces[1].dense[2], 1.0); /* the second step is a dense one */
}

START_TEST(dense_steps_are_krylov_steps)
{
  const int n_points[] = {40, 12}; /* more rows than parameters, and fewer */
  for (int k = 0; k < 2; k++) {
    check_dense(n_points[k], "momentum = 0.0; geodesic = false;");
    check_dense(n_points[k], "momentum = 0.0;");
    check_dense(n_points[k], "momentum = 0.7; geodesic = false;");
    check_dense(n_points[k], "momentum = 0.7;");
  }
}
END_TEST

/* Its times are in the state: two runs from it go the same way, whatever the machine does meanwhile. */
START_TEST(the_choice_of_dense_steps_is_repeated)
{
  const Fit fit = {30, 5};
  Config config = test_config(STAGE "iterations = 12; dense = true;");
  double first[15], start[15], after[2][15];
  static Trace trace;
  OptimizerReason reason;
  Optimizer optimizer;
  Saved saved;
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  t.rows.linear = false;
  network_start(&fit, first);
  for (int part = 0; part < 3; part++) {
    Vec x = test_theta(&t.rows, part ? start : first);
    trace.n = 0;
    trace.stop_at = part ? 0 : 4;
    ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
    ck_petsc(OptimizerSetMonitor(optimizer, test_monitor, &trace));
    if (part) ck_petsc(OptimizerSetState(optimizer, saved.n, saved.entries));
    ck_petsc(OptimizerSolve(optimizer, x, &reason));
    if (!part) test_save_state(optimizer, &saved);
    ck_petsc(test_gather(x, part ? after[part - 1] : start));
    ck_petsc(OptimizerDestroy(&optimizer));
    ck_petsc(VecDestroy(&x));
  }
  for (int k = 0; k < 15; k++) ck_assert_double_eq(after[0][k], after[1][k]);
  test_free_state(&saved);
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

START_TEST(a_resumed_run_repeats_bit_for_bit)
{
  check_resume("refresh = 3; momentum = 0.5;");
  check_resume("momentum = 0.0; precond = \"none\";");
  check_resume("refresh = 4; precond = \"ekfac\";");
}
END_TEST

START_TEST(not_a_number_ends_it_at_the_last_point)
{
  const Fit fit = {30, 5};
  double theta[15];
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, theta);
  t.nan_beyond = true;
  t.limit = theta[0] - 1.0;
  ck_assert_int_eq(test_solve(&t, STAGE "iterations = 5;", theta, NULL), OPTIMIZER_DIVERGED);
  t.limit = theta[0] + 1e-6; /* trial points only */
  const OptimizerReason reason = test_solve(&t, STAGE "iterations = 5;", theta, NULL);
  ck_assert(reason == OPTIMIZER_ITERATIONS || reason == OPTIMIZER_STALLED);
  for (int k = 0; k < 15; k++) ck_assert(isfinite(theta[k]));
}
END_TEST

START_TEST(mistakes_are_sentences)
{
  Quadratic q;
  Optimizer optimizer = NULL;
  quadratic(&q);
  Config config = test_config(STAGE "precond = \"diagonal\"; rank = 7;");
  ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "precond = \"diagonal\" has no rank");
  ck_petsc(ConfigDestroy(&config));
  config = test_config(STAGE "precond = \"auto\"; deflate = 3;");
  ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT, "there is no deflate");
  ck_petsc(ConfigDestroy(&config));
  config = test_config(STAGE "precond = \"layerwise\"; refresh = 3;");
  ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "precond = \"layerwise\" has no factors that would be kept, there is no refresh beside it");
  ck_petsc(ConfigDestroy(&config));
  const char *const large[] = {"precond = \"layerwise\";", "precond = \"nystrom\";", "precond = \"auto\";",
                               "precond = \"none\"; deflate = 4;"};
  for (int k = 0; k < 4; k++) {
    char stage[128];
    snprintf(stage, sizeof(stage), STAGE "%s", large[k]);
    config = test_config_with(stage, "limits: { memory = 1e-3; };");
    ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT,
                   "limits.memory has 0.001 MB; take a smaller rank, another precond or fewer points");
    ck_petsc(ConfigDestroy(&config));
  }
  config = test_config(STAGE);
  ck_petsc(PetscOptionsSetValue(NULL, "-krylov_pc_type", "nystrm"));
  ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "nothing is called 'nystrm' (did you mean 'nystrom'?");
  ck_petsc(PetscOptionsClearValue(NULL, "-krylov_pc_type"));
  ck_petsc(PetscOptionsSetValue(NULL, "-krylov_ksp_type", "lsqrr"));
  ck_petsc_fails(OptimizerCreate(config, 0, &q.rows.rows, &optimizer), PETSC_ERR_USER_INPUT, "did you mean 'lsqr'?");
  ck_petsc(PetscOptionsClearValue(NULL, "-krylov_ksp_type"));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

/* One layer of 3,000 inputs: refused by name, and no candidate of auto. */
START_TEST(layers_too_wide_for_kronecker_factors)
{
  const char *const types[] = {"kfac", "ekfac", "shampoo"};
  Optimizer optimizer;
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, 4, 3000, 0, linear_row, NULL);
  for (int k = 0; k < 3; k++) {
    char stage[128];
    snprintf(stage, sizeof(stage), STAGE "precond = \"%s\";", types[k]);
    Config config = test_config(stage);
    ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                   "2048 a side at most, and a layer is wider: take layerwise, nystrom or auto");
    ck_petsc(ConfigDestroy(&config));
    ck_assert(isinf(PrecondBytes(&t.rows, types[k], 0)));
  }
  ck_assert_double_gt(PrecondBytes(&t.rows, "auto", 0), 0.0);
  ck_assert_double_lt(PrecondBytes(&t.rows, "auto", 0), 1e9);
}
END_TEST

START_TEST(poisson_s_equation)
{
  Case c;
  Optimizer optimizer;
  OptimizerReason reason;
  Vec theta;
  double *start, first, last;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n"
                      "  equations = ( { residual = \"laplacian(u) + 2*pi^2*sin(pi*x)*sin(pi*y)\"; } );\n"
                      "  conditions = ( { on = \"boundary\"; residual = \"u\"; weight = 100.0; } ); };\n"
                      "domain: { lower = [0.0, 0.0]; upper = [1.0, 1.0]; };\n"
                      "points: { interior = { count = 120; }; conditions = { count = 40; }; };\n"
                      "network: { hidden = [12, 12]; };\n"
                      "solver = ( { type = \"gauss-newton-krylov\"; iterations = 30; dense = false; } );",
                      &c));
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(PetscMalloc1(rows->n_param, &start));
  NetworkInitialize(c.network, start);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(ResidualScatterTheta(c.residual, start, theta));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &first));
  ck_petsc(OptimizerCreate(c.config, 0, rows, &optimizer));
  ck_petsc(OptimizerSolve(optimizer, theta, &reason));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &last));
  ck_assert_double_lt(last, 1e-5 * first);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(PetscFree(start));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

TEST_SUITE("optimizer_krylov", a_quadratic_problem_by_every_method, a_quadratic_problem_by_every_preconditioner,
           settings_of_a_quadratic_problem, iterations_and_the_choice_are_told, rosenbrock_s_valley,
           a_tight_tolerance_gives_the_exact_step, dense_steps_are_krylov_steps, the_choice_of_dense_steps_is_repeated,
           a_resumed_run_repeats_bit_for_bit, not_a_number_ends_it_at_the_last_point, mistakes_are_sentences,
           layers_too_wide_for_kronecker_factors, poisson_s_equation)
