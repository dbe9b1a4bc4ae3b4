/* Self-scaled quasi-Newton stages and their inverse Hessian, against the same family written for B = H^{-1}. */
#include <stdlib.h>
#include "../src/optimizer/inverse_hessian.h"
#include "optimizer_rows.h"

#define N 6

static double dot(const double x[], const double y[])
{
  double sum = 0.0;
  for (int i = 0; i < N; i++) sum += x[i] * y[i];
  return sum;
}

static void times(const double A[N][N], const double x[], double y[])
{
  for (int i = 0; i < N; i++) y[i] = dot(A[i], x);
}

/* A symmetric positive definite matrix with eigenvalues from about 1 to `spread`. */
static void draw_matrix(int seed, double spread, double A[N][N])
{
  double M[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) M[i][j] = test_number(seed + N * i + j) * pow(spread, 0.5 * j / (N - 1));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) A[i][j] = dot(M[i], M[j]) + (i == j);
}

/* Gauss and Jordan; A is positive definite. */
static void invert(const double A[N][N], double inverse[N][N])
{
  double work[N][2 * N] = {{0.0}};
  for (int i = 0; i < N; i++) {
    memcpy(work[i], A[i], N * sizeof(double));
    work[i][N + i] = 1.0;
  }
  for (int k = 0; k < N; k++) {
    const double pivot = work[k][k];
    for (int j = 0; j < 2 * N; j++) work[k][j] /= pivot;
    for (int i = 0; i < N; i++) {
      const double factor = i == k ? 0.0 : work[i][k];
      for (int j = 0; j < 2 * N; j++) work[i][j] -= factor * work[k][j];
    }
  }
  for (int i = 0; i < N; i++) memcpy(inverse[i], work[i] + N, N * sizeof(double));
}

static void store(const double A[N][N], InverseHessian *H)
{
  double *packed = H->packed;
  for (int j = 0; j < N; j++)
    for (int i = j; i < N; i++) *packed++ = A[i][j] / H->scale;
}

static void load(const InverseHessian *H, double A[N][N])
{
  const double *packed = H->packed;
  for (int j = 0; j < N; j++)
    for (int i = j; i < N; i++) A[i][j] = A[j][i] = H->scale * *packed++;
}

/* tau [B - B s s^T B / sBs + theta w w^T] + y y^T / ys */
static void update_direct(double B[N][N], const double s[], const double y[], double tau, double theta)
{
  double Bs[N], w[N];
  times(B, s, Bs);
  const double sBs = dot(s, Bs), ys = dot(y, s);
  for (int i = 0; i < N; i++) w[i] = sqrt(sBs) * (y[i] / ys - Bs[i] / sBs);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      B[i][j] = tau * (B[i][j] - Bs[i] * Bs[j] / sBs + theta * w[i] * w[j]) + y[i] * y[j] / ys;
}

/* Al-Baali and Khalfan's factors, from B alone. */
static void scaling_direct(bool bfgs, const double B[N][N], const double s[], const double y[], double *tau,
                           double *theta)
{
  double Bs[N], inverse[N][N], Hy[N];
  times(B, s, Bs);
  invert(B, inverse);
  times(inverse, y, Hy);
  const double b = dot(s, Bs) / dot(y, s), h = dot(y, Hy) / dot(y, s), a = b * h - 1.0, c = sqrt(a / (a + 1.0));
  *tau = b > 1.0 ? 1.0 / b : 1.0;
  *theta = 0.0;
  if (bfgs) return;
  const double least = (fmin(1.0, h * (1.0 - c)) - 1.0) / a, most = 1.0 / fmin(1.0, h * (1.0 - c));
  *theta = (1.0 - b) / b;
  if (*theta > most) *theta = most;
  if (*theta < least) *theta = least;
  const double sigma = 1.0 + *theta * a, even = *tau * pow(sigma, -1.0 / (N - 1));
  *tau = *theta > 0.0 ? fmin(even, *tau / *theta) : fmin(even, sigma);
}

/* One update of H with the step s and y, as a stage does it. */
static void update(InverseHessian *H, ScalingFn scaling, const double s[], const double y[], double sBs)
{
  double Hy[N], tau, phi;
  ck_petsc(InverseHessianApply(H, y, Hy));
  const Curvature c = {dot(y, s), sBs, dot(y, Hy)};
  scaling(&c, N, &tau, &phi);
  ck_assert(tau > 0.0 && tau <= 1.0);
  double x[N], product[N], expected[N];
  for (int i = 0; i < N; i++) x[i] = 1.0 + 0.1 * i;
  ck_petsc(InverseHessianApply(H, x, product));
  ck_petsc(InverseHessianUpdate(H, tau, phi, &c, s, Hy));
  InverseHessianUpdateProduct(N, tau, phi, &c, s, Hy, dot(s, x), dot(Hy, x), product);
  ck_petsc(InverseHessianApply(H, x, expected));
  for (int i = 0; i < N; i++) ck_near(product[i], expected[i], 0.0, 1e-9 * sqrt(dot(expected, expected)));
}

START_TEST(update_is_the_inverse_of_the_direct_one)
{
  const ScalingFn scalings[] = {ScalingBFGS, ScalingBroyden};
  double B[N][N], A[N][N], H_full[N][N], expected[N][N], s[N], y[N], Bs[N], tau, theta, most = 0.0, least = 0.0;
  InverseHessian H;
  ck_petsc(InverseHessianCreate(N, &H));
  for (int trial = 0; trial < 200; trial++) {
    const bool bfgs = trial % 2 == 0;
    draw_matrix(1000 * trial, pow(10.0, trial % 5), B);
    draw_matrix(1000 * trial + 500, pow(10.0, (trial / 5) % 3), A);
    for (int i = 0; i < N; i++) s[i] = test_number(77 * trial + i);
    times(A, s, y); /* y . s > 0 */
    invert(B, H_full);
    H.scale = trial % 3 ? 1.0 : 1e3;
    store(H_full, &H);
    times(B, s, Bs);
    scaling_direct(bfgs, B, s, y, &tau, &theta);
    update(&H, scalings[trial % 2], s, y, dot(s, Bs));
    update_direct(B, s, y, tau, theta);
    invert(B, expected);
    load(&H, H_full);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        ck_near(H_full[i][j], expected[i][j], 0.0, 1e-8 * sqrt(expected[i][i] * expected[j][j]));
    most = fmax(most, theta);
    least = fmin(least, theta);
  }
  ck_assert(most > 0.0 && least < 0.0); /* both branches of tau were there */
  ck_petsc(InverseHessianDestroy(&H));
}
END_TEST

/* Steps that are conjugate to one another: the n-th update of BFGS is the inverse Hessian, and where B is nowhere too
   large, SSBFGS is BFGS. */
START_TEST(conjugate_steps_end_at_the_inverse_hessian)
{
  double A[N][N], H_full[N][N], expected[N][N], s[N][N], y[N], sBs;
  InverseHessian H;
  ck_petsc(InverseHessianCreate(N, &H));
  draw_matrix(42, 1e3, A);
  invert(A, expected);
  ck_petsc(InverseHessianReset(&H, 10.0));
  for (int k = 0; k < N; k++) {
    for (int i = 0; i < N; i++) s[k][i] = test_number(31 * k + i);
    for (int l = 0; l < k; l++) {
      times(A, s[l], y);
      const double factor = dot(y, s[k]) / dot(y, s[l]);
      for (int i = 0; i < N; i++) s[k][i] -= factor * s[l][i];
    }
    load(&H, H_full);
    double B[N][N], Bs[N];
    invert(H_full, B);
    times(B, s[k], Bs);
    sBs = dot(s[k], Bs);
    times(A, s[k], y);
    ck_assert(sBs <= dot(s[k], y));
    update(&H, ScalingBFGS, s[k], y, sBs);
  }
  load(&H, H_full);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      ck_near(H_full[i][j], expected[i][j], 0.0, 1e-10 * sqrt(expected[i][i] * expected[j][j]));
  ck_petsc(InverseHessianDestroy(&H));
}
END_TEST

/* Any steps that keep all directions in play lead there too, from too large and too small a start. */
START_TEST(many_steps_converge_to_the_inverse_hessian)
{
  const ScalingFn scalings[] = {ScalingBFGS, ScalingBroyden};
  for (int trial = 0; trial < 4; trial++) {
    double A[N][N], B[N][N], H_full[N][N], expected[N][N], s[N], y[N], Bs[N];
    InverseHessian H;
    ck_petsc(InverseHessianCreate(N, &H));
    ck_petsc(InverseHessianReset(&H, trial < 2 ? 1e-3 : 10.0));
    draw_matrix(7, 1e2, A);
    invert(A, expected);
    for (int k = 0; k < 2000; k++) {
      for (int i = 0; i < N; i++) s[i] = test_number(N * k + i);
      load(&H, H_full);
      invert(H_full, B);
      times(B, s, Bs);
      times(A, s, y);
      update(&H, scalings[trial % 2], s, y, dot(s, Bs));
    }
    load(&H, H_full);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        ck_near(H_full[i][j], expected[i][j], 0.0, 1e-6 * sqrt(expected[i][i] * expected[j][j]));
    ck_petsc(InverseHessianDestroy(&H));
  }
}
END_TEST

START_TEST(a_large_scale_is_folded_into_the_matrix)
{
  InverseHessian H;
  double before[N][N], after[N][N], s[N] = {1.0}, y[N] = {1.0}, Hy[N];
  ck_petsc(InverseHessianCreate(N, &H));
  draw_matrix(3, 1.0, before);
  H.scale = 9e99;
  store(before, &H);
  ck_petsc(InverseHessianApply(&H, y, Hy));
  const Curvature c = {1.0, 1.0, dot(y, Hy)};
  ck_petsc(InverseHessianUpdate(&H, 0.5, 1.0, &c, s, Hy));
  ck_assert_double_eq(H.scale, 1.0);
  load(&H, after);
  ck_petsc(InverseHessianApply(&H, y, Hy));
  for (int i = 0; i < N; i++) ck_near(Hy[i], s[i], 0.0, 1e-13); /* the secant equation H y = s */
  ck_near(after[3][4],
          2.0 *
              (before[3][4] - before[3][0] * before[4][0] / before[0][0] + before[3][0] * before[4][0] / before[0][0]),
          1e-12, 0.0);
  ck_petsc(InverseHessianDestroy(&H));
}
END_TEST

static const char *const names[] = {"ssbfgs", "ssbroyden"};

/* Where a stage stands after some iterations: theta, and its H from the state. */
static void stand_after(int iterations, const char *name, const Linear *problem, double theta[N], double H_full[N][N])
{
  TestRows t;
  char stage[96];
  Optimizer optimizer;
  OptimizerReason reason;
  Saved saved = {0, NULL, NULL};
  InverseHessian H = {N, N * (N + 1) / 2, 1.0, NULL};
  memset(theta, 0, N * sizeof(double));
  test_rows(&t, PETSC_COMM_WORLD, N, N, 0, linear_row, problem);
  snprintf(stage, sizeof(stage), "type = \"%s\"; iterations = %d; tolerance = 1e-26;", name, iterations);
  Config config = test_config(stage);
  Vec x = test_theta(&t.rows, theta);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  ck_assert_int_eq(reason, iterations < 100 ? OPTIMIZER_ITERATIONS : OPTIMIZER_CONVERGED);
  ck_petsc(test_gather(x, theta));
  test_save_state(optimizer, &saved);
  for (int k = 0; k < saved.n; k++) {
    if (!strcmp(saved.entries[k].name, "inverse")) H.packed = saved.entries[k].values;
    if (!strcmp(saved.entries[k].name, "scale")) H.scale = saved.entries[k].values[0];
  }
  load(&H, H_full);
  test_free_state(&saved);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&x));
  ck_petsc(ConfigDestroy(&config));
}

/* On |A x - b|^2 / 2: every step of the stage changes H as the direct update of its inverse says. */
START_TEST(stage_learns_from_its_own_steps)
{
  for (int method = 0; method < 2; method++) {
    double A[N][N], gram[N][N], expected[N][N], H[2][N][N], B[N][N], b[N], theta[2][N], s[N], y[N], tau, theta_factor;
    draw_matrix(5, 10.0, A);
    for (int i = 0; i < N; i++) b[i] = test_number(900 + i);
    for (int i = 0; i < N; i++) times(A, A[i], gram[i]); /* A is symmetric */
    const Linear problem = {N, N, &A[0][0], b};
    stand_after(1, names[method], &problem, theta[1], H[1]);
    for (int k = 2; k < 12; k++) {
      memcpy(theta[0], theta[1], sizeof(theta[0]));
      memcpy(H[0], H[1], sizeof(H[0]));
      stand_after(k, names[method], &problem, theta[1], H[1]);
      for (int i = 0; i < N; i++) s[i] = theta[1][i] - theta[0][i];
      times(gram, s, y);
      invert(H[0], B);
      scaling_direct(method == 0, B, s, y, &tau, &theta_factor);
      update_direct(B, s, y, tau, theta_factor);
      invert(B, expected);
      for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
          ck_near(H[1][i][j], expected[i][j], 0.0, 1e-7 * sqrt(expected[i][i] * expected[j][j]));
    }
    stand_after(400, names[method], &problem, theta[1], H[1]);
    for (int i = 0; i < N; i++) ck_near(dot(A[i], theta[1]), b[i], 0.0, 1e-12);
  }
}
END_TEST

START_TEST(rosenbrock_is_minimized_also_past_points_that_are_not_finite)
{
  for (int k = 0; k < 4; k++) {
    TestRows t;
    char stage[96];
    double theta[2] = {-1.2, 1.0};
    Trace *trace = calloc(1, sizeof(Trace));
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
    t.nan_beyond = k >= 2;
    t.limit = 1.05;
    snprintf(stage, sizeof(stage), "type = \"%s\"; iterations = 200; tolerance = 1e-20;", names[k % 2]);
    ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_CONVERGED);
    ck_assert_int_le(trace->n, 80);
    for (int i = 1; i < trace->n; i++) ck_assert(trace->loss[i] < trace->loss[i - 1]);
    ck_near(theta[0], 1.0, 1e-8, 0.0);
    ck_near(theta[1], 1.0, 1e-8, 0.0);
    free(trace);
  }
}
END_TEST

/* r = 1 - x / 100 + 1e9 y / (1 + y), y = x^12: flat at 0, where the first trial is 100, on a high plain. */
static void plateau(const void *data, int i, const double theta[], double *r, double gradient[])
{
  const double x = theta[0], y = pow(x, 12.0);
  (void)data, (void)i;
  *r = 1.0 - 0.01 * x + 1e9 * y / (1.0 + y);
  gradient[0] = -0.01 + 1.2e10 * pow(x, 11.0) / ((1.0 + y) * (1.0 + y));
}

START_TEST(a_plateau_beside_a_wall_is_left)
{
  for (int k = 0; k < 2; k++) {
    TestRows t;
    char stage[64];
    double theta[1] = {0.0};
    const double least = pow(0.01 / 1.2e10, 1.0 / 11.0);
    test_rows(&t, PETSC_COMM_WORLD, 1, 1, 0, plateau, NULL);
    snprintf(stage, sizeof(stage), "type = \"%s\"; iterations = 100;", names[k]);
    (void)test_solve(&t, stage, theta, NULL);
    ck_near(theta[0], least, 1e-5, 0.0);
  }
}
END_TEST

START_TEST(stages_stall_at_rounding_level)
{
  const double A[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.5}, b[3] = {1.0, -1.0, 2.0};
  const Linear problem = {3, 2, A, b};
  for (int k = 0; k < 2; k++) {
    TestRows t;
    char stage[64];
    double theta[2] = {0.0, 0.0}, gradient[2] = {0.0, 0.0}, row[2], r;
    test_rows(&t, PETSC_COMM_WORLD, 3, 2, 0, linear_row, &problem);
    snprintf(stage, sizeof(stage), "type = \"%s\"; iterations = 1000;", names[k]);
    ck_assert_int_eq(test_solve(&t, stage, theta, NULL), OPTIMIZER_STALLED);
    for (int i = 0; i < 3; i++) {
      linear_row(&problem, i, theta, &r, row);
      for (int l = 0; l < 2; l++) gradient[l] += row[l] * r;
    }
    ck_near(gradient[0], 0.0, 0.0, 1e-6);
    ck_near(gradient[1], 0.0, 0.0, 1e-6);
  }
}
END_TEST

START_TEST(a_matrix_beyond_memory_is_refused_in_a_sentence)
{
  TestRows t;
  Config config = test_config_with("type = \"ssbroyden\";", "limits: { memory = 1e-3; };");
  Optimizer optimizer;
  const Fit fit = {40, 6};
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 3 * fit.width, 2 * fit.width, network_row, &fit);
  ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "ssbroyden would need 0.00391 MB for 40 rows x 18 parameters, limits.memory has 0.001 MB; take ");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("optimizer_quasi_newton", update_is_the_inverse_of_the_direct_one,
           conjugate_steps_end_at_the_inverse_hessian, many_steps_converge_to_the_inverse_hessian,
           a_large_scale_is_folded_into_the_matrix, stage_learns_from_its_own_steps,
           rosenbrock_is_minimized_also_past_points_that_are_not_finite, a_plateau_beside_a_wall_is_left,
           stages_stall_at_rounding_level, a_matrix_beyond_memory_is_refused_in_a_sentence)
