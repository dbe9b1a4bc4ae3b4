/* Gram matrices that all ranks factor together give what one rank alone gives. Runs alone, and under mpirun with
   CK_FORK=no. */
#include "dense_fixture.h"
#include "../src/optimizer/lapack.h"

/* Rows of this rank out of n: the last rank has none, the others uneven shares. */
static PetscInt uneven_share(PetscInt n, PetscInt *first)
{
  PetscMPIInt rank, size;
  ck_petsc(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  ck_petsc(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  const PetscInt parts = size > 1 ? size - 1 : 1, sum = parts * (parts + 1) / 2;
  const PetscInt begin = n * (rank * (rank + 1) / 2) / sum, end = n * ((rank + 1) * (rank + 2) / 2) / sum;
  *first = PetscMin(begin, n);
  return rank < parts ? end - begin : 0;
}

/* Symmetric and, with the diagonal 2, positive definite: off the diagonal its rows sum to less than one. */
static double entry(PetscInt i, PetscInt j)
{
  return i == j ? 2.0 : sin(0.1 * (double)(i + j)) / (2.0 + (double)((i - j) * (i - j)));
}

static void solve_shared(PetscInt n, double shift, bool expected)
{
  PetscInt first;
  const PetscInt n_row = uneven_share(n, &first);
  double *K, *b, *full, *x;
  GramSystem system;
  bool ok, alone = true;
  ck_petsc(PetscMalloc4(n_row * (n + 3), &K, n_row, &b, n * n, &full, n, &x));
  for (PetscInt i = 0; i < n_row; i++)
    for (PetscInt j = 0; j < n; j++) K[i * (n + 3) + j] = entry(first + i, j);
  for (PetscInt i = 0; i < n_row; i++) b[i] = test_number((int)(first + i));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) full[i * n + j] = entry(i, j) + (i == j ? shift : 0.0);
  for (PetscInt i = 0; i < n; i++) x[i] = test_number((int)i);
  ck_petsc(GramSystemCreate(PETSC_COMM_WORLD, n_row, &system));
  ck_petsc(GramSystemFactor(system, K, (size_t)(n + 3), shift, &ok));
  alone = LapackCholesky((PetscBLASInt)n, full, (PetscBLASInt)n);
  ck_assert_int_eq(alone, expected);
  ck_assert_int_eq(ok, expected);
  if (expected) {
    ck_petsc(GramSystemSolve(system, b, &ok));
    ck_assert(ok && LapackSolveCholesky((PetscBLASInt)n, full, (PetscBLASInt)n, x));
    for (PetscInt i = 0; i < n_row; i++) ck_near(b[i], x[first + i], 1e-12, 1e-13);
  }
  ck_petsc(GramSystemDestroy(&system));
  ck_petsc(PetscFree4(K, b, full, x));
}

START_TEST(uneven_rows_are_solved_like_one_block)
{
  solve_shared(1, 0.0, true);
  solve_shared(7, 0.5, true);
  solve_shared(150, 1e-3, true);
  solve_shared(333, 0.0, true);
}
END_TEST

START_TEST(what_is_not_positive_definite_is_no_error)
{
  solve_shared(40, -2.5, false);
  solve_shared(300, -2.0, false);
  solve_shared(40, 0.1, true);
}
END_TEST

START_TEST(solutions_that_are_not_finite_are_told)
{
  PetscInt first;
  const PetscInt n = 90, n_row = uneven_share(n, &first);
  double *K, *b;
  GramSystem system;
  bool ok;
  ck_petsc(PetscMalloc2(n_row * n, &K, n_row, &b));
  for (PetscInt i = 0; i < n_row; i++)
    for (PetscInt j = 0; j < n; j++) K[i * n + j] = entry(first + i, j);
  for (PetscInt i = 0; i < n_row; i++) b[i] = first + i == 3 ? INFINITY : 1.0;
  ck_petsc(GramSystemCreate(PETSC_COMM_WORLD, n_row, &system));
  ck_petsc(GramSystemFactor(system, K, (size_t)n, 0.0, &ok));
  ck_assert(ok);
  ck_petsc(GramSystemSolve(system, b, &ok));
  ck_assert(!ok);
  for (PetscInt i = 0; i < n_row; i++) ck_assert(b[i] == (first + i == 3 ? INFINITY : 1.0));
  ck_petsc(GramSystemDestroy(&system));
  ck_petsc(PetscFree2(K, b));
}
END_TEST

static void compare_steps(int n, const double a[], const double b[])
{
  double largest = 0.0;
  for (int k = 0; k < n; k++) largest = fmax(largest, fabs(b[k]));
  for (int k = 0; k < n; k++) ck_near(a[k], b[k], 0.0, 1e-10 * largest);
}

/* Steps by all ranks, by one, and by all again after a kind that rank 0 solves. */
static void compare_forms(int n_row, int n, bool wide)
{
  double *A, *b, a[MOST_PARAMETERS], c[MOST_PARAMETERS], w[2 * MOST_PARAMETERS];
  DenseFixture all, one;
  bool ok;
  ck_petsc(PetscMalloc2(n_row * n, &A, n_row, &b));
  for (int k = 0; k < n_row * n; k++) A[k] = test_number(k);
  for (int k = 0; k < n_row; k++) b[k] = test_number(k + 1);
  const Linear problem = {n_row, n, A, b};
  dense_fixture(&all, PETSC_COMM_WORLD, &problem, wide, 0.1, false);
  dense_fixture(&one, PETSC_COMM_SELF, &problem, wide, 0.1, false);
  const DenseKind kinds[] = {DENSE_GRAM, DENSE_TRIANGLE, DENSE_GRAM};
  for (int k = 0; k < 3; k++)
    for (double lambda = 1.0; lambda > 1e-4; lambda *= 1e-2) {
      ck_petsc(DenseReduce(all.dense, kinds[k]));
      ck_petsc(DenseReduce(one.dense, kinds[k]));
      ck_assert_int_eq(all.dense->shared, !k && all.dense->size > 1);
      ck_petsc(DenseSolve(all.dense, lambda, a, &ok));
      ck_assert(ok);
      ck_petsc(DenseSolve(one.dense, lambda, c, &ok));
      compare_steps(n, a, c);
      for (int i = 0; i < n_row; i++) w[i] = test_number(3 * i);
      ck_petsc(DenseSolveAgain(all.dense, lambda, w + all.rows.first, a, &ok));
      ck_assert(ok);
      ck_petsc(DenseSolveAgain(one.dense, lambda, w, c, &ok));
      compare_steps(n, a, c);
    }
  dense_fixture_free(&all);
  dense_fixture_free(&one);
  ck_petsc(PetscFree2(A, b));
}

START_TEST(large_gram_matrices_are_solved_by_all_ranks)
{
  compare_forms(450, GRAM_SYSTEM_LEAST + 3, false);
  compare_forms(GRAM_SYSTEM_LEAST + 5, 430, true);
}
END_TEST

/* J J^T - 2 trace is not positive definite: the damping is negative here, which no stage asks for. */
START_TEST(a_damping_that_does_not_do_is_told)
{
  const int n = GRAM_SYSTEM_LEAST + 1;
  double *A, *b, step[MOST_PARAMETERS];
  DenseFixture f;
  bool ok;
  ck_petsc(PetscMalloc2(n * n, &A, n, &b));
  for (int k = 0; k < n * n; k++) A[k] = test_number(k);
  for (int k = 0; k < n; k++) b[k] = test_number(k + 1);
  const Linear problem = {n, n, A, b};
  dense_fixture(&f, PETSC_COMM_WORLD, &problem, false, 0.1, false);
  ck_petsc(DenseReduce(f.dense, DENSE_GRAM));
  ck_petsc(DenseSolve(f.dense, -1.0, step, &ok));
  ck_assert(!ok);
  ck_assert(isnan(step[0]));
  ck_petsc(DenseSolve(f.dense, 1.0, step, &ok));
  ck_assert(ok);
  dense_fixture_free(&f);
  ck_petsc(PetscFree2(A, b));
}
END_TEST

TEST_SUITE("optimizer_gram_mpi", uneven_rows_are_solved_like_one_block, what_is_not_positive_definite_is_no_error,
           solutions_that_are_not_finite_are_told, large_gram_matrices_are_solved_by_all_ranks,
           a_damping_that_does_not_do_is_told)
