/* Random maps to few rows and columns against what theory says of them, and the stage on them against exact steps. */
#include "case_fixture.h"
#include "optimizer_rows.h"
#include "../src/optimizer/sketch.h"

#define STAGE "type = \"gauss-newton-sketched\"; "

/* U [m][k], orthonormal columns. */
static void orthonormal(int m, int k, double U[])
{
  for (int i = 0; i < m * k; i++) U[i] = test_number(i);
  for (int j = 0; j < k; j++)
    for (int pass = 0; pass < 2; pass++) {
      double norm = 0.0;
      for (int l = 0; l < j; l++) {
        double c = 0.0;
        for (int i = 0; i < m; i++) c += U[i * k + l] * U[i * k + j];
        for (int i = 0; i < m; i++) U[i * k + j] -= c * U[i * k + l];
      }
      for (int i = 0; i < m; i++) norm += U[i * k + j] * U[i * k + j];
      for (int i = 0; i < m; i++) U[i * k + j] /= sqrt(norm);
    }
}

/* |A^T A - 1|_F^2, A [m][k] */
static double defect(int m, int k, const double A[])
{
  double sum = 0.0;
  for (int a = 0; a < k; a++)
    for (int b = 0; b < k; b++) {
      double c = -(a == b);
      for (int i = 0; i < m; i++) c += A[i * k + a] * A[i * k + b];
      sum += c * c;
    }
  return sum;
}

/* E |U^T S^T S U - 1|_F^2 <= 2 k^2 / rows (Woodruff 2014, theorem 2.8); it is (k^2 + k - 2 sum |U_i|^4) / rows. */
START_TEST(a_count_sketch_embeds_a_subspace)
{
  enum { m = 1000, k = 6, rows = 200, n_draw = 60 };
  static double U[m * k];
  static size_t bucket[m];
  static PetscInt64 numbers[m];
  static double sign[m], SU[rows * k];
  double mean = 0.0, expected = k * k + k;
  SketchMap sketch = {0};
  orthonormal(m, k, U);
  for (int i = 0; i < m; i++) {
    double square = 0.0;
    for (int j = 0; j < k; j++) square += U[i * k + j] * U[i * k + j];
    expected -= 2.0 * square * square;
    numbers[i] = i;
  }
  for (int draw = 0; draw < n_draw; draw++) {
    ck_petsc(SketchDraw(7, (uint32_t)draw, m, rows, k, k, &sketch));
    SketchRows(&sketch, m, numbers, bucket, sign);
    memset(SU, 0, sizeof(SU));
    SketchAddRows(m, bucket, sign, k, U, k, SU, k);
    mean += defect(rows, k, SU) / n_draw;
  }
  ck_assert_double_le(mean, 2.0 * k * k / rows);
  ck_near(mean, expected / rows, 0.2, 0.0);
  ck_petsc(SketchDestroy(&sketch));
}
END_TEST

START_TEST(columns_are_mixed_by_orthonormal_rows)
{
  enum { n = 64, columns = 20 };
  double Q[columns][n], work[n], x[n], y[columns], back[n], sum = 0.0, other = 0.0;
  SketchMap sketch = {0};
  ck_petsc(SketchDraw(3, 5, 100, 50, n, columns, &sketch));
  ck_assert_int_eq((int)sketch.order, n);
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < n; i++) x[i] = i == j;
    SketchColumns(&sketch, x, y, work);
    for (int k = 0; k < columns; k++) Q[k][j] = y[k];
  }
  for (int a = 0; a < columns; a++)
    for (int b = 0; b < columns; b++) {
      double c = 0.0;
      for (int j = 0; j < n; j++) c += Q[a][j] * Q[b][j];
      ck_near(c, a == b, 0.0, 1e-14);
      for (int j = 0; j < n; j++) ck_near(fabs(Q[a][j]), 1.0 / sqrt(n), 1e-14, 0.0);
    }
  ck_petsc(SketchDraw(3, 6, 100, 50, 50, columns, &sketch)); /* padded */
  for (int i = 0; i < 50; i++) x[i] = test_number(i);
  for (int k = 0; k < columns; k++) y[k] = test_number(100 + k);
  SketchExpand(&sketch, y, back, work);
  for (int i = 0; i < 50; i++) sum += back[i] * x[i];
  SketchColumns(&sketch, x, Q[0], work);
  for (int k = 0; k < columns; k++) other += Q[0][k] * y[k];
  ck_near(sum, other, 1e-13, 0.0);
  ck_petsc(SketchDestroy(&sketch));
}
END_TEST

/* Singular values of sqrt(N / columns) Q U are within (0.40, 1.48) (Tropp 2011, theorem 1.3): their squares' distance
   from 1 then. */
START_TEST(a_subsampled_transform_embeds_a_subspace)
{
  enum { n = 900, k = 4, order = 1024, columns = 800 };
  static double U[n * k], QU[columns * k], x[n], y[columns], work[order];
  orthonormal(n, k, U);
  for (int draw = 0; draw < 10; draw++) {
    SketchMap sketch = {0};
    ck_petsc(SketchDraw(1, (uint32_t)draw, 10, 10, n, columns, &sketch));
    for (int j = 0; j < k; j++) {
      for (int i = 0; i < n; i++) x[i] = U[i * k + j];
      SketchColumns(&sketch, x, y, work);
      for (int i = 0; i < columns; i++) QU[i * k + j] = y[i] * sqrt((double)order / columns);
    }
    const double norm = sqrt(defect(columns, k, QU)); /* not below the largest |sigma^2 - 1| */
    ck_assert_double_le(norm, 1.0 - 0.40 * 0.40);
    ck_assert_double_gt(norm, 1e-6);
    ck_petsc(SketchDestroy(&sketch));
  }
}
END_TEST

enum { M = 400, N = 6 };
typedef struct {
  double A[M * N], b[M];
  Linear linear;
  TestRows rows;
} TestProblem;

static void problem(TestProblem *p)
{
  for (int k = 0; k < M * N; k++) p->A[k] = test_number(k) * (1.0 + k % N);
  for (int i = 0; i < M; i++) p->b[i] = test_number(5000 + i);
  p->linear = (Linear){M, N, p->A, p->b};
  test_rows(&p->rows, PETSC_COMM_WORLD, M, N, 0, linear_row, &p->linear);
}

/* r and J^T r at theta. */
static double look(const TestProblem *p, const double theta[], double gradient[])
{
  double loss = 0.0;
  memset(gradient, 0, N * sizeof(double));
  for (int i = 0; i < M; i++) {
    double r, J[N];
    linear_row(&p->linear, i, theta, &r, J);
    loss += 0.5 * r * r;
    for (int k = 0; k < N; k++) gradient[k] += J[k] * r;
  }
  return loss;
}

/* The trust region's conditions in the scaled parameters: |z| = radius and a gradient that points along -z. */
START_TEST(a_sketch_of_everything_gives_the_exact_step)
{
  const double radius = 0.01;
  static TestProblem p;
  double theta[N] = {0.0}, gradient[N], D[N], most = 0.0, zz = 0.0, gg = 0.0, zg = 0.0;
  problem(&p);
  test_solve(&p.rows, STAGE "iterations = 1; radius = 0.01; sketch_rows = 400;", theta, NULL);
  look(&p, theta, gradient);
  for (int k = 0; k < N; k++) {
    D[k] = 0.0;
    for (int i = 0; i < M; i++) D[k] += p.A[i * N + k] * p.A[i * N + k];
    most = fmax(most, D[k]);
  }
  for (int k = 0; k < N; k++) {
    const double root = sqrt(D[k] + 1e-2 * most), z = root * theta[k], g = gradient[k] / root;
    zz += z * z;
    gg += g * g;
    zg += z * g;
  }
  ck_near(sqrt(zz), radius, 1e-10, 0.0);
  ck_near(zg, -sqrt(zz * gg), 1e-10, 0.0);
  test_solve(&p.rows, STAGE "iterations = 1; radius = 1e6; sketch_rows = 400;", theta, NULL);
  look(&p, theta, gradient);
  for (int k = 0; k < N; k++) ck_near(gradient[k], 0.0, 0.0, 1e-10);
}
END_TEST

/* A step from s sums of rows leaves a residual longer by n / s of its square in the mean. */
START_TEST(a_large_sketch_is_nearly_exact)
{
  static TestProblem p;
  double theta[N] = {0.0}, gradient[N];
  problem(&p);
  test_solve(&p.rows, STAGE "iterations = 1; radius = 1e6; sketch_rows = 400;", theta, NULL);
  const double least = look(&p, theta, gradient);
  memset(theta, 0, sizeof(theta));
  test_solve(&p.rows, STAGE "iterations = 1; radius = 1e6; sketch_rows = 200;", theta, NULL);
  const double sketched = look(&p, theta, gradient);
  ck_assert_double_gt(sketched, least * (1.0 + 1e-6));
  ck_assert_double_le(sketched, least * (1.0 + 4.0 * N / 200.0));
}
END_TEST

/* New maps in every iteration: a subspace of the parameters at a time leads to the minimum of all. */
START_TEST(many_sketches_reach_the_minimum)
{
  static TestProblem p;
  double theta[N] = {0.0}, gradient[N], exact[N] = {0.0};
  problem(&p);
  test_solve(&p.rows, STAGE "iterations = 1; radius = 1e6; sketch_rows = 400;", exact, NULL);
  test_solve(&p.rows, STAGE "iterations = 200; sketch_columns = 3; sketch_rows = 100;", theta, NULL);
  ck_near(look(&p, theta, gradient), look(&p, exact, gradient), 1e-3, 0.0);
}
END_TEST

START_TEST(rosenbrock_is_minimized_also_past_points_that_are_not_finite)
{
  TestRows t;
  double theta[2] = {-1.2, 1.0};
  static Trace trace;
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  t.nan_beyond = true;
  t.limit = 1.05;
  ck_assert_int_eq(test_solve(&t, STAGE "iterations = 60; tolerance = 1e-20; radius = 100.0;", theta, &trace),
                   OPTIMIZER_CONVERGED);
  ck_assert_str_eq(trace.control_name, "radius");
  ck_near(theta[0], 1.0, 1e-8, 0.0);
  ck_near(theta[1], 1.0, 1e-8, 0.0);
}
END_TEST

START_TEST(a_resumed_run_is_the_same_bit_for_bit)
{
  const char *stage = STAGE "iterations = 9; sketch_columns = 7; sketch_rows = 20;";
  const Fit fit = {60, 5};
  double once[15], twice[15];
  static Trace trace;
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, once);
  network_start(&fit, twice);
  test_solve(&t, stage, once, NULL);
  test_solve_in_two(&t, stage, 4, twice, &trace);
  for (int k = 0; k < 15; k++) ck_assert_double_eq(once[k], twice[k]);
}
END_TEST

START_TEST(a_sketch_lower_than_wide_is_refused)
{
  static TestProblem p;
  Optimizer optimizer;
  problem(&p);
  Config config = test_config(STAGE "sketch_columns = 5; sketch_rows = 4;");
  ck_petsc_fails(OptimizerCreate(config, 0, &p.rows.rows, &optimizer), PETSC_ERR_USER_INPUT,
                 "sketch_rows: 4 rows are fewer than the 5 columns");
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

/* However few layers are held at a time, the sketch is that of J as a whole. */
START_TEST(a_networks_jacobian_is_sketched_by_layers)
{
  enum { m = 20 };
  SketchMap sketch = {0};
  double theta[200], r[58], Sr[m], expected_r[m] = {0};
  static double J[58 * 200], SJ[m * 200], expected[m * 200];
  size_t bucket[58];
  PetscInt64 numbers[58];
  double sign[58];
  Case c;
  Vec at;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; unknowns: { D = 0.5; };\n"
                      "  equations = ( { residual = \"u_t - D*u_xx + u^2\"; } );\n"
                      "  conditions = ( { on = \"t = 0\"; residual = \"u - x\"; } ); };\ndomain: {};\n"
                      "points: { interior = { count = 50; }; conditions = { count = 8; }; };\n"
                      "network: { hidden = [7, 5, 6]; };",
                      &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param;
  ck_assert(rows->n_row == 58 && n <= 200 && RowsLayers(rows) == 5);
  CaseFill(0.5, 0.3, n, theta);
  ck_petsc(ResidualCreateTheta(c.residual, &at));
  ck_petsc(ResidualScatterTheta(c.residual, theta, at));
  ck_petsc(SketchDraw(3, 1, 58, m, n, 10, &sketch));
  ck_petsc(RowsNumbers(rows, numbers));
  SketchRows(&sketch, 58, numbers, bucket, sign);
  ck_petsc(rows->ops->jacobian(rows->self, at, 0, n, r, J, n));
  SketchAddRows(58, bucket, sign, n, J, n, expected, n);
  SketchAddRows(58, bucket, sign, 1, r, 1, expected_r, 1);
  for (size_t entries = 1; entries <= 100000; entries *= 10) {
    for (size_t i = 0; i < m * n; i++) SJ[i] = NAN;
    ck_petsc(SketchJacobian(&sketch, rows, at, entries, SJ, Sr));
    ck_assert_uint_ge(SketchWidth(rows, m, entries), 40);
    for (size_t i = 0; i < m * n; i++) ck_near(SJ[i], expected[i], 1e-13, 1e-14);
    for (int i = 0; i < m; i++) ck_near(Sr[i], expected_r[i], 1e-13, 1e-14);
  }
  ck_assert(SketchWidth(rows, m, 1) < n && SketchWidth(rows, m, 100000) == n);
  ck_petsc(SketchDestroy(&sketch));
  ck_petsc(VecDestroy(&at));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

TEST_SUITE("optimizer_sketch", a_count_sketch_embeds_a_subspace, columns_are_mixed_by_orthonormal_rows,
           a_subsampled_transform_embeds_a_subspace, a_sketch_of_everything_gives_the_exact_step,
           a_large_sketch_is_nearly_exact, many_sketches_reach_the_minimum,
           rosenbrock_is_minimized_also_past_points_that_are_not_finite, a_resumed_run_is_the_same_bit_for_bit,
           a_networks_jacobian_is_sketched_by_layers, a_sketch_lower_than_wide_is_refused)
