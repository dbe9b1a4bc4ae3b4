/* The dense least-squares system: reductions and damped solves against direct ones. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "dense_fixture.h"
#include "../src/optimizer/lapack.h"

#define N_ROW   24
#define N_PARAM 7

/* The unscaled step. */
static void solve(DenseFixture *f, DenseKind kind, double lambda, double step[])
{
  bool ok;
  ck_petsc(DenseReduce(f->dense, kind));
  ck_petsc(DenseSolve(f->dense, lambda, step, &ok));
  ck_assert(ok);
  for (size_t k = 0; k < f->dense->n; k++) step[k] *= f->dense->scaling[k];
}

static void fill(int n, double values[])
{
  for (int k = 0; k < n; k++) values[k] = test_number(k);
}

/* Gaussian elimination with pivoting in long double: (A^T A + lambda diag(D)) x = A^T b. */
static void reference(int n_row, int n, const double A[], const double b[], double lambda, const double D[], double x[])
{
  long double M[16][17];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= n; j++) {
      M[i][j] = i == j ? (long double)lambda * D[i] : 0.0L;
      for (int k = 0; k < n_row; k++) M[i][j] += (long double)A[k * n + i] * (j < n ? A[k * n + j] : b[k]);
    }
  }
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int i = c; i < n; i++)
      if (fabsl(M[i][c]) > fabsl(M[pivot][c])) pivot = i;
    for (int j = 0; j <= n; j++) {
      const long double swap = M[c][j];
      M[c][j] = M[pivot][j], M[pivot][j] = swap;
    }
    for (int i = 0; i < n; i++)
      for (int j = n; j >= c && i != c; j--) M[i][j] -= M[i][c] / M[c][c] * M[c][j];
  }
  for (int i = 0; i < n; i++) x[i] = (double)(M[i][n] / M[i][i]);
}

START_TEST(every_kind_and_form_solves_the_damped_problem)
{
  double A[N_ROW * N_PARAM], b[N_ROW], step[N_PARAM], expected[N_PARAM], D[N_PARAM], largest = 0.0;
  const double lambdas[] = {10.0, 1e-3, 1e-9};
  fill(N_ROW * N_PARAM, A);
  fill(N_ROW, b);
  for (int k = 0; k < N_PARAM; k++) {
    D[k] = 0.0;
    for (int i = 0; i < N_ROW; i++) A[i * N_PARAM + k] *= 1.0 + k;
    for (int i = 0; i < N_ROW; i++) D[k] += A[i * N_PARAM + k] * A[i * N_PARAM + k];
    largest = fmax(largest, D[k]);
  }
  for (int k = 0; k < N_PARAM; k++) D[k] += 0.1 * largest;
  for (int form = 0; form < 4; form++) { /* with and without rows of J at first */
    const bool wide = form & 1;
    DenseFixture f;
    dense_fixture(&f, PETSC_COMM_WORLD, &(Linear){N_ROW, N_PARAM, A, b}, wide, 0.1, form & 2);
    for (int kind = DENSE_GRAM; kind <= DENSE_SINGULAR; kind++) {
      for (int l = 0; l < 3; l++) {
        if (wide && lambdas[l] < 1e-6) continue; /* J J^T is singular here */
        solve(&f, (DenseKind)kind, lambdas[l], step);
        reference(N_ROW, N_PARAM, A, b, lambdas[l], D, expected);
        for (int k = 0; k < N_PARAM; k++) ck_near(step[k], expected[k], 1e-10, 1e-12);
      }
    }
    dense_fixture_free(&f);
  }
}
END_TEST

/* With fewer rows than parameters and hardly any damping: the shortest solution, A^T (A A^T)^{-1} b. */
START_TEST(wide_problems_get_the_shortest_solution)
{
  enum { M = 5, N = 12 };
  double A[M * N], b[M], x[N], y[M], expected[N], transposed[N * M];
  const double none[M] = {0.0};
  fill(M * N, A);
  fill(M, b);
  for (int i = 0; i < M; i++) {
    double norm = 0.0;
    for (int k = 0; k < N; k++) norm += A[i * N + k] * A[i * N + k];
    for (int k = 0; k < N; k++) A[i * N + k] /= sqrt(norm);
  }
  for (int i = 0; i < M; i++)
    for (int k = 0; k < N; k++) transposed[k * M + i] = A[i * N + k];
  /* y = (A A^T)^{-1} b minimizes |A^T y - z| for any z with A z = b; z by elimination on the first M columns */
  double square[M * M], z[N] = {0.0};
  for (int i = 0; i < M; i++)
    for (int k = 0; k < M; k++) square[i * M + k] = A[i * N + k];
  reference(M, M, square, b, 0.0, none, z);
  reference(N, M, transposed, z, 0.0, none, y);
  for (int k = 0; k < N; k++) {
    expected[k] = 0.0;
    for (int i = 0; i < M; i++) expected[k] += transposed[k * M + i] * y[i];
  }
  DenseFixture f;
  dense_fixture(&f, PETSC_COMM_WORLD, &(Linear){M, N, A, b}, true, 1e6,
                true); /* so even that D is a multiple of the identity */
  for (int kind = DENSE_GRAM; kind <= DENSE_SINGULAR; kind++) {
    solve(&f, (DenseKind)kind, 0.0, x);
    for (int k = 0; k < N; k++) ck_near(x[k], expected[k], 1e-6, 1e-8);
  }
  dense_fixture_free(&f);
}
END_TEST

/* Hilbert matrices: cond(A) about 1e13, so that A^T A has lost everything and R has not. */
START_TEST(triangle_survives_where_the_gram_matrix_has_lost_all_digits)
{
  enum { N = 10 };
  double A[N * N], b[N] = {0.0}, x[N];
  bool ok;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) {
      A[i * N + k] = 1.0 / (i + k + 1.0);
      b[i] += A[i * N + k];
    }
  DenseFixture f;
  double error[4] = {0.0};
  dense_fixture(&f, PETSC_COMM_WORLD, &(Linear){N, N, A, b}, false, 0.0, true);
  for (int kind = DENSE_GRAM; kind <= DENSE_SINGULAR; kind++) {
    ck_petsc(DenseReduce(f.dense, (DenseKind)kind));
    ck_petsc(DenseSolve(f.dense, 0.0, x, &ok));
    error[kind] = ok ? 0.0 : INFINITY;
    for (int k = 0; k < N && ok; k++) error[kind] = fmax(error[kind], fabs(x[k] * f.dense->scaling[k] - 1.0));
  }
  ck_assert_msg(error[DENSE_TRIANGLE] < 1e-2, "triangle: %g", error[DENSE_TRIANGLE]);
  ck_assert_msg(error[DENSE_SINGULAR] < 1e-2, "singular: %g", error[DENSE_SINGULAR]);
  ck_assert_msg(error[DENSE_GRAM] > 0.1, "gram: %g", error[DENSE_GRAM]);
  dense_fixture_free(&f);
}
END_TEST

START_TEST(second_solve_reuses_the_factor_for_another_right_hand_side)
{
  double A[N_ROW * N_PARAM], b[N_ROW], w[N_ROW], step[N_PARAM], expected[N_PARAM], D[N_PARAM], largest = 0.0;
  bool ok;
  fill(N_ROW * N_PARAM, A);
  fill(N_ROW, b);
  for (int i = 0; i < N_ROW; i++) w[i] = -test_number(1000 + i);
  for (int k = 0; k < N_PARAM; k++) {
    D[k] = 0.0;
    for (int i = 0; i < N_ROW; i++) D[k] += A[i * N_PARAM + k] * A[i * N_PARAM + k];
    largest = fmax(largest, D[k]);
  }
  for (int k = 0; k < N_PARAM; k++) D[k] += 0.5 * largest;
  double minus_w[N_ROW];
  for (int i = 0; i < N_ROW; i++) minus_w[i] = -w[i];
  reference(N_ROW, N_PARAM, A, minus_w, 1e-2, D, expected);
  for (int form = 0; form < 4; form++) {
    DenseFixture f;
    dense_fixture(&f, PETSC_COMM_WORLD, &(Linear){N_ROW, N_PARAM, A, b}, form & 1, 0.5, form & 2);
    for (int kind = DENSE_GRAM; kind <= DENSE_SINGULAR; kind++) {
      solve(&f, (DenseKind)kind, 1e-2, step);
      ck_petsc(DenseSolveAgain(f.dense, 1e-2, w, step, &ok));
      ck_assert(ok);
      for (int k = 0; k < N_PARAM; k++) ck_near(step[k] * f.dense->scaling[k], expected[k], 1e-10, 1e-12);
      ck_assert(f.dense->has_rows == (kind != DENSE_GRAM || (form & 2)));
    }
    dense_fixture_free(&f);
  }
}
END_TEST

static void check_rows(bool wide, bool with_rows)
{
  double A[N_ROW * N_PARAM], b[N_ROW], v[N_PARAM], Jv[N_ROW];
  DenseFixture f;
  fill(N_ROW * N_PARAM, A);
  fill(N_ROW, b);
  fill(N_PARAM, v);
  for (int i = 0; i < N_ROW; i++) A[i * N_PARAM + 3] = 0.0;
  dense_fixture(&f, PETSC_COMM_WORLD, &(Linear){N_ROW, N_PARAM, A, b}, wide, 0.0, with_rows);
  for (int k = 0; k < N_PARAM; k++) {
    double square = 0.0, gradient = 0.0;
    for (int i = 0; i < N_ROW; i++) {
      square += A[i * N_PARAM + k] * A[i * N_PARAM + k];
      gradient -= A[i * N_PARAM + k] * b[i];
    }
    ck_near(f.dense->scaling[k], k == 3 ? 1.0 : 1.0 / sqrt(square), 1e-14, 0.0);
    ck_near(f.dense->gradient[k], gradient * f.dense->scaling[k], 1e-13, 1e-14);
  }
  ck_petsc(DenseApply(f.dense, v, Jv));
  for (int i = 0; i < N_ROW; i++) {
    double expected = 0.0;
    for (int k = 0; k < N_PARAM; k++) expected += A[i * N_PARAM + k] * v[k] * f.dense->scaling[k];
    ck_near(Jv[i], expected, 1e-13, 1e-14);
  }
  dense_fixture_free(&f);
}

START_TEST(gradient_scaling_and_products_belong_to_the_rows)
{
  for (int form = 0; form < 4; form++) check_rows(form & 1, form & 2);
}
END_TEST

/* max |X^T X - G| of the upper triangle X [n][ld], relative to max |G|. */
static double square_error(int n, const double X[], int ld, const double G[])
{
  double error = 0.0, largest = 0.0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0.0;
      for (int k = 0; k <= j; k++) sum += X[i * ld + k] * X[j * ld + k];
      error = fmax(error, fabs(sum - G[i * n + j]));
      largest = fmax(largest, fabs(G[i * n + j]));
    }
  return error / largest;
}

static void add_square(int m, int n, const double A[], int ld, double G[])
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int k = 0; k < m; k++) G[i * n + j] += A[i * ld + k] * A[j * ld + k];
}

/* Several blocks of columns, blocks that are cut short, fewer rows than columns; the same bits with any threads. */
START_TEST(blocks_of_columns_make_one_triangle)
{
  enum { MOST = 200 };
  const int sizes[][2] = {{200, 150}, {100, 150}, {64, 64}, {65, 130}, {129, 128}, {1, 70}, {200, 200}};
  static double A[MOST * MOST], R[2][MOST * MOST], B[2][MOST * MOST], triangle[MOST * MOST], G[MOST * MOST];
  for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
    const int m = sizes[s][0], n = sizes[s][1], threads = omp_get_max_threads();
    memset(G, 0, sizeof(G));
    fill(m * n, A);
    add_square(m, n, A, m, G);
    for (int t = 0; t < 2; t++) {
      omp_set_num_threads(t ? 3 : 1);
      memcpy(R[t], A, sizeof(A));
      ck_petsc(LapackQR(m, n, R[t], m));
    }
    ck_assert(!memcmp(R[0], R[1], sizeof(A)));
    memset(triangle, 0, sizeof(triangle));
    for (int j = 0; j < n; j++)
      for (int i = 0; i <= j && i < m; i++) triangle[j * MOST + i] = R[0][j * m + i];
    ck_assert_double_lt(square_error(n, triangle, MOST, G), 1e-14);
    const int rows = PetscMin(m, n);
    memset(A, 0, sizeof(A));
    for (int j = 0; j < n; j++)
      for (int i = 0; i <= j && i < rows; i++) A[j * MOST + i] = test_number(7 * i + j);
    add_square(rows, n, A, MOST, G);
    for (int t = 0; t < 2; t++) {
      omp_set_num_threads(t ? 3 : 1);
      memcpy(R[t], triangle, sizeof(triangle));
      memcpy(B[t], A, sizeof(A));
      ck_petsc(LapackMerge(n, rows, R[t], B[t], MOST));
    }
    omp_set_num_threads(threads);
    ck_assert(!memcmp(R[0], R[1], sizeof(triangle)));
    ck_assert_double_lt(square_error(n, R[0], MOST, G), 1e-14);
  }
}
END_TEST

TEST_SUITE("optimizer_dense", every_kind_and_form_solves_the_damped_problem, wide_problems_get_the_shortest_solution,
           triangle_survives_where_the_gram_matrix_has_lost_all_digits,
           second_solve_reuses_the_factor_for_another_right_hand_side, gradient_scaling_and_products_belong_to_the_rows,
           blocks_of_columns_make_one_triangle)
