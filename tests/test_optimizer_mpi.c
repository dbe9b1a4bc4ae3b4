/* Rows shared out over the ranks of the world give what one rank alone gives. Runs alone, and under mpirun with
   CK_FORK=no. */
#include <stdlib.h>
#include "optimizer_rows.h"

#define WIDTH   5
#define N_PARAM (3 * WIDTH)

static const ParameterBlock blocks[] = {{0, WIDTH, 2}, {2 * WIDTH, WIDTH, 0}};

/* The stage on all ranks together, and on every rank by itself. */
static void compare(const char *stage, int n_point, double tolerance)
{
  const Fit fit = {n_point, WIDTH};
  TestRows shared, alone;
  double a[N_PARAM], b[N_PARAM];
  Trace *trace_a = calloc(1, sizeof(Trace)), *trace_b = calloc(1, sizeof(Trace));
  test_rows(&shared, PETSC_COMM_WORLD, n_point, N_PARAM, 2 * WIDTH, network_row, &fit);
  test_rows(&alone, PETSC_COMM_SELF, n_point, N_PARAM, 2 * WIDTH, network_row, &fit);
  shared.rows.n_parameter_block = alone.rows.n_parameter_block = 2;
  shared.rows.parameter_blocks = alone.rows.parameter_blocks = blocks;
  network_start(&fit, a);
  network_start(&fit, b);
  ck_assert_int_eq(test_solve(&shared, stage, a, trace_a), test_solve(&alone, stage, b, trace_b));
  ck_assert_int_eq(trace_a->n, trace_b->n);
  for (int k = 0; k < trace_a->n; k++)
    ck_near(sqrt(trace_a->loss[k]), sqrt(trace_b->loss[k]), 0.0, tolerance * sqrt(trace_b->loss[0]));
  for (int k = 0; k < N_PARAM; k++) ck_near(a[k], b[k], tolerance, tolerance);
  free(trace_a);
  free(trace_b);
}

START_TEST(adam_is_the_same_on_all_ranks)
{
  compare("type = \"adam\"; iterations = 20; learning_rate = 1e-2;", 33, 1e-12);
}
END_TEST

START_TEST(lbfgs_is_the_same_on_all_ranks)
{
  compare("type = \"lbfgs\"; iterations = 10;", 33, 1e-9);
}
END_TEST

START_TEST(quasi_newton_is_the_same_on_all_ranks)
{
  compare("type = \"ssbfgs\"; iterations = 10;", 33, 1e-9);
  compare("type = \"ssbroyden\"; iterations = 10;", 33, 1e-9);
}
END_TEST

START_TEST(layers_are_the_same_on_all_ranks)
{
  compare("type = \"soap\"; iterations = 20; refresh = 3;", 33, 1e-8);
  /* rounding in directions without a gradient, times epsilon^{-1/4} */
  compare("type = \"shampoo\"; iterations = 20; refresh = 3;", 33, 1e-6);
  compare("type = \"spring\"; iterations = 10; learning_rate = 0.3;", 33, 1e-9);
  compare("type = \"kfac\"; iterations = 5; damping = 1e-4;", 33, 1e-9);
  compare("type = \"kfac-star\"; iterations = 5; damping = 1e-4;", 33, 1e-9);
  compare("type = \"fosi\"; iterations = 20; eigenpairs = 3; every = 6;", 33, 1e-9);
  compare("type = \"mfac\"; iterations = 10; history = 4;", 33, 1e-9);
}
END_TEST

/* Enough points for all ranks to solve the kernel. */
START_TEST(large_kernels_are_the_same_on_all_ranks)
{
  compare("type = \"spring\"; iterations = 4; learning_rate = 0.3;", 420, 1e-9);
  compare("type = \"gauss-newton\"; iterations = 3; damping = 1e-2; method = \"kernel\";", 420, 1e-9);
  compare("type = \"gauss-newton\"; iterations = 3; damping = 1e-2; method = \"kernel\"; geodesic = false;", 420, 1e-9);
}
END_TEST

START_TEST(gauss_newton_is_the_same_on_all_ranks)
{
  const char *methods[] = {"auto", "qr", "svd", "normal", "kernel"};
  const int n_points[] = {37, 9, 2}; /* more rows than parameters, fewer, and ranks without any */
  char stage[128];
  for (int m = 0; m < 5; m++)
    for (int geodesic = 0; geodesic < 2; geodesic++)
      for (int p = 0; p < 3; p++) {
        snprintf(stage, sizeof(stage),
                 "type = \"gauss-newton\"; iterations = 6; damping = 1e-2; method = \"%s\"; geodesic = %s;", methods[m],
                 geodesic ? "true" : "false");
        compare(stage, n_points[p], 1e-7);
      }
}
END_TEST

/* Many iterations would make more of rounding: without a good preconditioner the damping begins high. */
START_TEST(krylov_steps_are_the_same_on_all_ranks)
{
  const char *const keys[] = {"precond = \"nystrom\"; rank = 6;",
                              "precond = \"none\"; damping = 100.0; inner_iterations = 4;", "precond = \"layerwise\";",
                              "krylov = \"lsqr\"; damping = 100.0; deflate = 3; precond = \"diagonal\";"};
  char stage[256];
  for (int k = 0; k < 4; k++) {
    snprintf(stage, sizeof(stage), "type = \"gauss-newton-krylov\"; iterations = 5; dense = false; %s", keys[k]);
    compare(stage, 37, 1e-9);
    compare(stage, 9, 1e-9);
  }
}
END_TEST

START_TEST(sketched_steps_are_the_same_on_all_ranks)
{
  compare("type = \"gauss-newton-sketched\"; iterations = 5; sketch_columns = 6; sketch_rows = 18;", 37, 1e-9);
  compare("type = \"gauss-newton-sketched\"; iterations = 5;", 19, 1e-9);
}
END_TEST

START_TEST(least_squares_is_the_same_on_all_ranks)
{
  compare("type = \"least-squares\";", 37, 1e-9);
  compare("type = \"least-squares\"; tolerance = 1e-24;", 3, 1e-9);
}
END_TEST

TEST_SUITE("optimizer_mpi", adam_is_the_same_on_all_ranks, lbfgs_is_the_same_on_all_ranks,
           quasi_newton_is_the_same_on_all_ranks, layers_are_the_same_on_all_ranks,
           large_kernels_are_the_same_on_all_ranks, gauss_newton_is_the_same_on_all_ranks,
           krylov_steps_are_the_same_on_all_ranks, sketched_steps_are_the_same_on_all_ranks,
           least_squares_is_the_same_on_all_ranks)
