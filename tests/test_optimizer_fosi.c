/* Singular values and vectors of matrices with known ones, and FOSI's steps on quadratics of known spectrum. */
#include <stdlib.h>
#include "optimizer_rows.h"
#include "../src/optimizer/spectrum.h"

enum { N = 12 };

/* A = U diag(s) V^T with the reflections U and V; columns of V are the right singular vectors. */
typedef struct {
  double A[N * N], V[N][N], s[N], b[N];
  Linear linear;
} Known;

static void reflection(int seed, double H[N][N])
{
  double w[N], norm = 0.0;
  for (int k = 0; k < N; k++) w[k] = test_number(seed + k), norm += w[k] * w[k];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) H[i][j] = (i == j) - 2.0 * w[i] * w[j] / norm;
}

static void known_matrix(const double s[N], Known *known)
{
  double U[N][N];
  reflection(10, U);
  reflection(50, known->V);
  for (int i = 0; i < N; i++) {
    known->s[i] = s[i];
    known->b[i] = test_number(90 + i);
    for (int j = 0; j < N; j++) {
      known->A[i * N + j] = 0.0;
      for (int k = 0; k < N; k++) known->A[i * N + j] += U[i][k] * s[k] * known->V[j][k];
    }
  }
  known->linear = (Linear){N, N, known->A, known->b};
}

static void find_spectrum(const Known *known, Vec scaling, Spectrum *s, TestRows *t)
{
  const double zero[N] = {0.0};
  test_rows(t, PETSC_COMM_WORLD, N, N, 0, linear_row, &known->linear);
  Vec theta = test_theta(&t->rows, zero);
  ck_petsc(SpectrumCreate(&t->rows, N, s));
  ck_petsc(SpectrumFind(&t->rows, theta, scaling, 1, 0, s));
  ck_petsc(VecDestroy(&theta));
}

START_TEST(singular_values_are_the_known_ones)
{
  const double graded[N] = {1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11};
  TestRows t;
  Spectrum s;
  Known known;
  Vec v;
  known_matrix(graded, &known);
  find_spectrum(&known, NULL, &s, &t);
  ck_petsc(VecDuplicate(s.scaled, &v));
  for (int k = 0; k < (int)s.n; k++) ck_near(s.values[k], graded[k], 0.0, 1e-14);
  ck_assert_int_ge(s.n, 8);
  for (int k = 0; k < 4; k++) {
    double x[N], cosine = 0.0;
    ck_petsc(SpectrumVector(&s, k, v));
    ck_petsc(test_gather(v, x));
    for (int i = 0; i < N; i++) cosine += x[i] * known.V[i][k];
    ck_near(fabs(cosine), 1.0, 0.0, 1e-12);
  }
  ck_petsc(VecDestroy(&v));
  ck_petsc(SpectrumDestroy(&s));
}
END_TEST

START_TEST(a_matrix_of_low_rank_ends_early)
{
  const double low[N] = {5.0, 3.0, 2.0};
  TestRows t;
  Spectrum s;
  Known known;
  known_matrix(low, &known);
  find_spectrum(&known, NULL, &s, &t);
  ck_assert_int_le(s.n, 4);
  for (int k = 0; k < (int)s.n; k++) ck_near(s.values[k], low[k], 0.0, 1e-13);
  ck_petsc(SpectrumDestroy(&s));
}
END_TEST

/* J S with S = diag(1, 2, ...): the sum of squares of its singular values is the sum of its entries' squares. */
START_TEST(scaled_columns_are_those_of_the_product)
{
  const double s_known[N] = {9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.25, 0.125};
  double scaling[N], squares = 0.0, sum = 0.0;
  TestRows t;
  Spectrum s;
  Known known;
  known_matrix(s_known, &known);
  for (int k = 0; k < N; k++) scaling[k] = k + 1.0;
  for (int k = 0; k < N * N; k++) squares += pow(known.A[k] * scaling[k % N], 2.0);
  test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, &known.linear);
  Vec S = test_theta(&t.rows, scaling);
  find_spectrum(&known, S, &s, &t);
  for (int k = 0; k < (int)s.n; k++) sum += s.values[k] * s.values[k];
  ck_assert_int_eq(s.n, N);
  ck_near(sum, squares, 1e-12, 0.0);
  ck_petsc(VecDestroy(&S));
  ck_petsc(SpectrumDestroy(&s));
}
END_TEST

static const double spectrum[N] = {30.0, 20.0, 12.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2};

/* The part of v along the k-th right singular vector. */
static double part(const Known *known, int k, const double v[N])
{
  double sum = 0.0;
  for (int i = 0; i < N; i++) sum += known->V[i][k] * v[i];
  return sum;
}

static void quadratic_gradient(const Known *known, const double theta[N], double g[N])
{
  for (int k = 0; k < N; k++) g[k] = 0.0;
  for (int i = 0; i < N; i++) {
    double r, J[N];
    linear_row(&known->linear, i, theta, &r, J);
    for (int k = 0; k < N; k++) g[k] += r * J[k];
  }
}

/* With a base that hardly moves, one step ends at the minimum along the three largest, and nowhere else. */
START_TEST(a_newton_step_solves_in_the_span)
{
  TestRows t;
  Known known;
  double theta[N], start[N], g0[N], g[N];
  known_matrix(spectrum, &known);
  for (int k = 0; k < N; k++) theta[k] = start[k] = test_number(200 + k);
  quadratic_gradient(&known, start, g0);
  test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, &known.linear);
  test_solve(&t,
             "type = \"fosi\"; iterations = 1; eigenpairs = 3; newton_rate = 1.0; norm_constraint = 0.0; "
             "learning_rate = 1e-30; tolerance = 0.0;",
             theta, NULL);
  quadratic_gradient(&known, theta, g);
  for (int k = 0; k < 3; k++) ck_near(part(&known, k, g), 0.0, 0.0, 1e-10 * fabs(part(&known, k, g0)));
  for (int k = 3; k < N; k++) ck_near(part(&known, k, theta), part(&known, k, start), 0.0, 1e-12);
}
END_TEST

/* The base moves in the complement alone: with a Newton step of no length the span stays. */
START_TEST(the_base_stays_out_of_the_span)
{
  const char *bases[] = {"adam", "soap", "shampoo"};
  for (int b = 0; b < 3; b++) {
    TestRows t;
    Known known;
    char stage[256];
    double theta[N], start[N], moved = 0.0;
    known_matrix(spectrum, &known);
    for (int k = 0; k < N; k++) theta[k] = start[k] = test_number(200 + k);
    test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, &known.linear);
    snprintf(stage, sizeof(stage),
             "type = \"fosi\"; base = \"%s\"; iterations = 5; eigenpairs = 3; newton_rate = 1e-30; every = 2; "
             "learning_rate = 0.1; tolerance = 0.0;",
             bases[b]);
    test_solve(&t, stage, theta, NULL);
    for (int k = 0; k < 3; k++) ck_near(part(&known, k, theta), part(&known, k, start), 0.0, 1e-12);
    for (int k = 3; k < N; k++) moved = fmax(moved, fabs(part(&known, k, theta) - part(&known, k, start)));
    ck_assert(moved > 0.05);
  }
}
END_TEST

/* Eigenvalues that are a hundred times too small would throw the step far beyond the minimum. */
START_TEST(stale_eigenpairs_do_not_overshoot)
{
  const char *stage = "type = \"fosi\"; iterations = 2; eigenpairs = 3; newton_rate = 1.0; norm_constraint = 0.0; "
                      "learning_rate = 1e-30; tolerance = 0.0; every = 100;";
  TestRows t;
  Known known;
  Saved saved = {0, NULL, NULL};
  double theta[N];
  Trace trace = {.stop_at = 1};
  Optimizer optimizer;
  OptimizerReason reason;
  known_matrix(spectrum, &known);
  for (int k = 0; k < N; k++) theta[k] = test_number(200 + k);
  test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, &known.linear);
  Config config = test_config(stage);
  Vec x = test_theta(&t.rows, theta);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc(OptimizerSetMonitor(optimizer, test_monitor, &trace));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  test_save_state(optimizer, &saved);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(test_scatter(theta, x)); /* back at the start, with what was learned there */
  for (int k = 0; k < saved.n; k++)
    for (int i = 0; i < 3 && !strcmp(saved.names[k], "eigenvalues"); i++) saved.entries[k].values[i] *= 0.01;
  trace = (Trace){0};
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc(OptimizerSetState(optimizer, saved.n, saved.entries));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  ck_petsc(test_gather(x, theta));
  double g[N];
  quadratic_gradient(&known, theta, g);
  for (int k = 0; k < 3; k++) ck_near(part(&known, k, g), 0.0, 0.0, 1e-9);
  test_free_state(&saved);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&x));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

START_TEST(a_resumed_run_repeats_the_bits)
{
  const char *bases[] = {"adam", "soap"};
  enum { WIDTH = 4, N_PARAM = 3 * WIDTH };
  const Fit fit = {21, WIDTH};
  for (int b = 0; b < 2; b++)
    for (PetscInt half = 1; half < 20; half += 6) {
      TestRows t;
      Trace *trace = calloc(1, sizeof(Trace));
      char stage[256];
      double straight[N_PARAM], stopped[N_PARAM];
      snprintf(stage, sizeof(stage),
               "type = \"fosi\"; base = \"%s\"; iterations = 20; eigenpairs = 3; every = 4; tolerance = 0.0;",
               bases[b]);
      test_rows(&t, PETSC_COMM_WORLD, 21, N_PARAM, 2 * WIDTH, network_row, &fit);
      network_start(&fit, straight);
      network_start(&fit, stopped);
      test_solve(&t, stage, straight, NULL);
      test_solve_in_two(&t, stage, half, stopped, trace);
      for (int k = 0; k < N_PARAM; k++) ck_assert(straight[k] == stopped[k]);
      free(trace);
    }
}
END_TEST

TEST_SUITE("optimizer fosi", singular_values_are_the_known_ones, a_matrix_of_low_rank_ends_early,
           scaled_columns_are_those_of_the_product, a_newton_step_solves_in_the_span, the_base_stays_out_of_the_span,
           stale_eigenpairs_do_not_overshoot, a_resumed_run_repeats_the_bits)
