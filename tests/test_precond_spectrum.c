/* Low-rank preconditioners on matrices of known spectrum and layer blocks of networks, against dense algebra. */
#include <lapacke.h>
#include "case_fixture.h"
#include "optimizer_rows.h"
#include "pinn/precond.h"
#include "../src/precond/low_rank.h"

#define M 50
#define N 40

/* J = U diag(sigma) V^T with random orthonormal columns. */
typedef struct {
  double J[M * N], b[M], A[N * N], lambda; /* A = J^T J */
  double V[N * N];                         /* [j][k] right singular vectors */
  Linear linear;
  TestRows rows;
  Vec theta;
  Mat matrix;
} Spectrum;

static void orthonormal(int n, int k, int seed, double Q[])
{
  for (int j = 0; j < k; j++) {
    double *q = Q + j * n, sum = 0.0;
    for (int i = 0; i < n; i++) q[i] = test_number(seed + j * n + i);
    for (int pass = 0; pass < 2; pass++)
      for (int l = 0; l < j; l++) {
        double c = 0.0;
        for (int i = 0; i < n; i++) c += q[i] * Q[l * n + i];
        for (int i = 0; i < n; i++) q[i] -= c * Q[l * n + i];
      }
    for (int i = 0; i < n; i++) sum += q[i] * q[i];
    for (int i = 0; i < n; i++) q[i] /= sqrt(sum);
  }
}

static void spectrum(Spectrum *s, const double sigma[N], double lambda, int seed)
{
  static double U[N * M];
  const double zero[N] = {0.0};
  orthonormal(M, N, seed, U);
  orthonormal(N, N, seed + 5000, s->V);
  memset(s->J, 0, sizeof(s->J));
  memset(s->b, 0, sizeof(s->b));
  memset(s->A, 0, sizeof(s->A));
  for (int j = 0; j < N; j++)
    for (int k = 0; k < N; k++) {
      for (int i = 0; i < M; i++) s->J[i * N + k] += sigma[j] * U[j * M + i] * s->V[j * N + k];
      for (int l = 0; l < N; l++) s->A[k * N + l] += sigma[j] * sigma[j] * s->V[j * N + k] * s->V[j * N + l];
    }
  s->lambda = lambda;
  s->linear = (Linear){M, N, s->J, s->b};
  test_rows(&s->rows, PETSC_COMM_WORLD, M, N, 0, linear_row, &s->linear);
  s->theta = test_theta(&s->rows.rows, zero);
  ck_petsc(GaussNewtonCreate(&s->rows.rows, &s->matrix));
  ck_petsc(GaussNewtonSetPoint(s->matrix, s->theta, true));
  ck_petsc(GaussNewtonSetDamping(s->matrix, lambda));
}

static void spectrum_free(Spectrum *s)
{
  ck_petsc(MatDestroy(&s->matrix));
  ck_petsc(VecDestroy(&s->theta));
}

static PC make_pc(Mat matrix, const char *type, PetscInt rank, PetscInt seed)
{
  PC pc;
  ck_petsc(PCCreate(PETSC_COMM_WORLD, &pc));
  ck_petsc(PCSetOperators(pc, matrix, matrix));
  ck_petsc(PCSetType(pc, type));
  ck_petsc(PrecondSetRank(pc, rank));
  ck_petsc(PrecondSetSeed(pc, seed));
  return pc;
}

/* P [n][n] of what a preconditioner does. */
static void dense_of(PC pc, int n, double P[])
{
  Mat matrix;
  Vec x, y;
  double *column = calloc((size_t)n, sizeof(double));
  ck_petsc(PCSetUp(pc));
  ck_petsc(PCGetOperators(pc, NULL, &matrix));
  ck_petsc(MatCreateVecs(matrix, &x, &y));
  for (int k = 0; k < n; k++) {
    for (int i = 0; i < n; i++) column[i] = i == k;
    ck_petsc(test_scatter(column, x));
    ck_petsc(PCApply(pc, x, y));
    ck_petsc(test_gather(y, column));
    for (int i = 0; i < n; i++) P[i * n + k] = column[i];
  }
  free(column);
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
}

/* Eigenvalues of P^{-1} (A + lambda), rising; P is given by its inverse. */
static void preconditioned(const double A[], double lambda, const double inverse[], double w[N])
{
  double B[N * N], C[N * N];
  memcpy(B, A, sizeof(B));
  memcpy(C, inverse, sizeof(C));
  for (int i = 0; i < N; i++) B[i * N + i] += lambda;
  ck_assert_int_eq(LAPACKE_dsygvd(LAPACK_ROW_MAJOR, 2, 'N', 'U', N, B, N, C, N, w), 0);
}

/* What is left of A after its Nystrom approximation: norm, and that nothing is negative. */
static double left_over(const Spectrum *s, const LowRank *low)
{
  double E[N * N], w[N];
  memcpy(E, s->A, sizeof(E));
  for (PetscInt j = 0; j < low->rank; j++)
    for (int k = 0; k < N; k++)
      for (int l = 0; l < N; l++) E[k * N + l] -= low->values[j] * low->U[j * N + k] * low->U[j * N + l];
  ck_assert_int_eq(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'U', N, E, N, w), 0);
  ck_assert_double_ge(w[0], -2e-14); /* eigenvalues are 1 at most */
  return w[N - 1];
}

static void falling(int kind, double sigma[N])
{
  for (int j = 0; j < N; j++)
    sigma[j] = kind == 0 ? pow(0.5, j) : kind == 1 ? 1.0 / (1.0 + j) : (j < 8 ? 1.0 : 1e-4) * (1.0 + 0.01 * j);
}

/* Frangella, Tropp and Udell 2023: the expected error (proposition 2.2) and the condition number (proposition 5.3). */
START_TEST(nystrom_keeps_its_bounds)
{
  const int rank = 16, n_seed = 6;
  for (int kind = 0; kind < 3; kind++) {
    static Spectrum s;
    double sigma[N], mean = 0.0, bound = INFINITY;
    const double lambda = kind == 0 ? 1e-9 : 1e-4;
    falling(kind, sigma);
    spectrum(&s, sigma, lambda, 77 * kind);
    for (int p = 2; p < rank; p++) {
      double tail = 0.0;
      const double next = sigma[rank - p] * sigma[rank - p];
      for (int j = rank - p; j < N; j++) tail += sigma[j] * sigma[j];
      bound = fmin(bound, (1.0 + 2.0 * (rank - p) / (p - 1.0)) * next + 2.0 * exp(2.0) * rank / (p * p - 1.0) * tail);
    }
    for (int seed = 1; seed <= n_seed; seed++) {
      double inverse[N * N], w[N];
      Precond precond;
      PC pc = make_pc(s.matrix, "nystrom", rank, seed);
      dense_of(pc, N, inverse);
      ck_petsc(PrecondGet(pc, &precond));
      const LowRank *low = precond->data; /* its first member */
      ck_assert_int_le(low->rank, rank);
      const double error = left_over(&s, low), least = low->values[low->rank - 1];
      const double last = sigma[N - 1] * sigma[N - 1];
      mean += error / n_seed;
      preconditioned(s.A, lambda, inverse, w);
      ck_assert_double_gt(w[0], 0.0);
      ck_assert_double_le(w[N - 1] / w[0],
                          (least + lambda + error) * 1.0001 *
                              fmin(1.0 / lambda, (least + last + 2.0 * lambda) / ((least + lambda) * (last + lambda))));
      ck_petsc(PCDestroy(&pc));
    }
    ck_assert_double_le(mean, bound);
    spectrum_free(&s);
  }
}
END_TEST

/* The rank stops growing once the rest of the trace is below the damping. */
START_TEST(nystrom_takes_the_rank_it_needs)
{
  static Spectrum s;
  double sigma[N], inverse[N * N], w[N];
  falling(0, sigma);
  spectrum(&s, sigma, 1e-6, 3);
  PC pc = make_pc(s.matrix, "nystrom", N, 1);
  dense_of(pc, N, inverse);
  Precond precond;
  ck_petsc(PrecondGet(pc, &precond));
  const LowRank *low = precond->data;
  ck_assert_int_lt(low->rank, N);
  ck_assert_int_ge(low->rank, 10);
  preconditioned(s.A, 1e-6, inverse, w);
  ck_assert_double_le(w[N - 1] / w[0], 2.0);
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

START_TEST(all_random_vectors_give_the_matrix_itself)
{
  static Spectrum s;
  double sigma[N], inverse[N * N], w[N];
  falling(1, sigma);
  spectrum(&s, sigma, 1e-7, 11);
  PC pc = make_pc(s.matrix, "nystrom", N, 1);
  dense_of(pc, N, inverse);
  preconditioned(s.A, 1e-7, inverse, w);
  for (int k = 0; k < N; k++) ck_near(w[k], 1.0, 1e-9, 0);
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

START_TEST(deflation_is_exact_for_a_matrix_of_its_rank)
{
  static Spectrum s;
  const int rank = 7;
  double sigma[N] = {0.0}, P[N * N];
  for (int j = 0; j < rank; j++) sigma[j] = pow(10.0, -0.5 * j);
  spectrum(&s, sigma, 1e-6, 21);
  PC pc = make_pc(s.matrix, "deflated", rank, 1);
  dense_of(pc, N, P);
  Precond precond;
  ck_petsc(PrecondGet(pc, &precond));
  const LowRank *low = precond->data;
  ck_assert_int_eq(low->rank, rank);
  for (int j = 0; j < rank; j++) ck_near(low->values[j], sigma[j] * sigma[j], 1e-12, 1e-15);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) { /* 1 outside */
      double expected = i == k;
      for (int j = 0; j < rank; j++)
        expected += s.V[j * N + i] * s.V[j * N + k] * (1.0 / (sigma[j] * sigma[j] + 1e-6) - 1.0);
      ck_near(P[i * N + k], expected, 1e-7, 1e-7);
    }
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

START_TEST(deflation_composes_with_another_type)
{
  static Spectrum s;
  double sigma[N], inner[N * N], both[N * N], w[N], plain[N];
  falling(2, sigma);
  spectrum(&s, sigma, 1e-9, 31);
  PC pc = make_pc(s.matrix, "diagonal", 0, 1);
  dense_of(pc, N, inner);
  preconditioned(s.A, 1e-9, inner, plain);
  ck_petsc(PCDestroy(&pc));
  pc = make_pc(s.matrix, "deflated", 8, 1);
  ck_petsc(PrecondDeflatedSetInner(pc, "diagonal", 0));
  dense_of(pc, N, both);
  preconditioned(s.A, 1e-9, both, w);
  ck_assert_double_gt(w[0], 0.0);
  ck_near(w[N - 1], 1.0, 1e-6, 0); /* the deflated ones, the others are below */
  ck_assert_double_gt(plain[N - 1] / plain[0], 1e6);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) ck_near(both[i * N + k], both[k * N + i], 1e-9, 1e-9 * fabs(both[0]));
  ck_petsc_fails(PrecondDeflatedSetInner(pc, "diagnal", 0), PETSC_ERR_USER_INPUT, "did you mean 'diagonal'?");
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

/* linear_row, with work that makes products the whole cost of everything. */
static void costly_row(const void *data, int i, const double theta[], double *r, double J[])
{
  volatile double sum = 0.0;
  for (int k = 0; k < 20000; k++) sum = sum + sqrt((double)k);
  linear_row(data, i, theta, r, J);
}

static const char *chosen(Spectrum *s)
{
  PetscInt choice, kept;
  double P[N * N];
  s->rows.row = costly_row;
  PC pc = make_pc(s->matrix, "auto", 0, 1);
  ck_petsc(PrecondGetChoice(pc, &choice));
  ck_assert_int_eq(choice, -1);
  ck_petsc(PCSetUp(pc));
  ck_petsc(PrecondGetChoice(pc, &choice));
  s->rows.row = linear_row;
  ck_petsc(GaussNewtonSetPoint(s->matrix, s->theta, true));
  dense_of(pc, N, P);
  ck_petsc(PrecondGetChoice(pc, &kept));
  ck_assert_int_eq(choice, kept);
  ck_petsc(PCDestroy(&pc));
  return PrecondTable.rows[choice].name;
}

/* J^T J = 1 needs nothing; orthogonal columns of lengths from 1 to 1e-4 a diagonal, or more than that. */
START_TEST(auto_takes_what_costs_least)
{
  static Spectrum s;
  double sigma[N];
  for (int j = 0; j < N; j++) sigma[j] = 1.0;
  spectrum(&s, sigma, 1e-3, 41);
  for (int k = 0; k < M; k++) s.b[k] = test_number(k);
  ck_petsc(GaussNewtonSetPoint(s.matrix, s.theta, true));
  ck_assert_str_eq(chosen(&s), "none");
  for (int j = 0; j < N; j++) sigma[j] = pow(10.0, -4.0 * j / N);
  spectrum_free(&s);
  spectrum(&s, sigma, 1e-12, 41);
  double rotated[M * N] = {0.0};
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++) rotated[i * N + j] += s.J[i * N + k] * s.V[j * N + k];
  memcpy(s.J, rotated, sizeof(s.J));
  for (int i = 0; i < M; i++) /* every direction counts */
    for (int j = 0; j < N; j++) s.b[i] += rotated[i * N + j] / (sigma[j] * sigma[j]);
  ck_petsc(GaussNewtonSetPoint(s.matrix, s.theta, true));
  const char *name = chosen(&s);
  ck_assert_msg(strcmp(name, "none") && strcmp(name, "nystrom"), "%s", name);
  spectrum_free(&s);
}
END_TEST

/* A choice that was made is kept. */
START_TEST(auto_does_as_it_is_told)
{
  static Spectrum s;
  double sigma[N], P[N * N], expected[N * N];
  falling(1, sigma);
  spectrum(&s, sigma, 1e-8, 41);
  PC pc = make_pc(s.matrix, "auto", 0, 1), layerwise = make_pc(s.matrix, "layerwise", 0, 1);
  ck_petsc(PrecondSetChoice(pc, ChoiceFind(&PrecondTable, "layerwise") - PrecondTable.rows));
  dense_of(pc, N, P);
  dense_of(layerwise, N, expected);
  for (int k = 0; k < N * N; k++) ck_assert_double_eq(P[k], expected[k]);
  ck_petsc(PCDestroy(&layerwise));
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

/* Columns that depend on others vanish, the others are orthonormal, and the coefficients give back what they were. */
START_TEST(a_basis_of_dependent_columns)
{
  enum { n = 30, k = 9 };
  double X[k * n], Q[k * n], C[k * k] = {0.0};
  for (int j = 0; j < k; j++)
    for (int i = 0; i < n; i++) X[j * n + i] = test_number(j * n + i) * pow(10.0, -j);
  for (int i = 0; i < n; i++) X[4 * n + i] = 2.0 * X[i] - X[n + i]; /* depends on those before the block */
  for (int i = 0; i < n; i++) X[7 * n + i] = X[5 * n + i] + X[6 * n + i];
  memcpy(Q, X, sizeof(Q));
  ck_petsc(BasisAppend(PETSC_COMM_SELF, n, 0, 4, Q, C, k));
  ck_petsc(BasisAppend(PETSC_COMM_SELF, n, 4, 5, Q, C + 4 * k, k));
  for (int a = 0; a < k; a++)
    for (int b = 0; b < k; b++) {
      double sum = 0.0;
      for (int i = 0; i < n; i++) sum += Q[a * n + i] * Q[b * n + i];
      ck_near(sum, a == b && a != 4 && a != 7 ? 1.0 : 0.0, 0, 1e-14);
    }
  for (int j = 0; j < k; j++)
    for (int i = 0; i < n; i++) {
      double sum = 0.0;
      for (int l = 0; l < k; l++) sum += C[j * k + l] * Q[l * n + i];
      ck_near(sum, X[j * n + i], 0, 1e-13 * fabs(X[j * n]) + 1e-15);
    }
}
END_TEST

static void check_layerwise(const char *text, double lambda)
{
  Case c;
  Mat matrix;
  Vec theta;
  double *J, *r, *start;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  ck_petsc(PetscMalloc3(m * n, &J, m, &r, n, &start));
  NetworkInitialize(c.network, start);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(ResidualScatterTheta(c.residual, start, theta));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(GaussNewtonCreate(rows, &matrix));
  ck_petsc(GaussNewtonSetPoint(matrix, theta, true));
  ck_petsc(GaussNewtonSetDamping(matrix, lambda));
  PC pc = make_pc(matrix, "layerwise", 0, 1);
  double *P = calloc(n * n, sizeof(double));
  dense_of(pc, (int)n, P);
  int wide = 0;
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    const size_t k = (size_t)(layer.n_in * layer.n_out), at = layer.offset;
    double *block = calloc(k * k, sizeof(double));
    wide += k > m;
    for (size_t a = 0; a < k; a++)
      for (size_t b = 0; b < k; b++) { /* (J_l^T J_l + lambda) P_l = 1 */
        double sum = lambda * P[(at + a) * n + at + b];
        for (size_t d = 0; d < k; d++) {
          if (!b) /* once a row */
            for (size_t i = 0; i < m; i++) block[a * k + d] += J[i * n + at + a] * J[i * n + at + d];
          sum += block[a * k + d] * P[(at + d) * n + at + b];
        }
        ck_near(sum, a == b ? 1.0 : 0.0, 0, 1e-9);
      }
    for (size_t a = at; a < at + k; a++)
      for (size_t b = 0; b < n; b++)
        if (b < at || b >= at + k) ck_assert_double_eq(P[a * n + b], 0.0);
    free(block);
  }
  ck_assert_int_gt(wide, 0);
  ck_assert_int_lt(wide, RowsLayers(rows));
  free(P);
  ck_petsc(PCDestroy(&pc));
  ck_petsc(MatDestroy(&matrix));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(PetscFree3(J, r, start));
  ck_petsc(CaseDestroy(&c));
}

/* Some layers have more parameters than there are rows, some fewer. */
START_TEST(layerwise_is_the_inverse_of_each_block)
{
  check_layerwise(
      "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n"
      "  equations = ( { residual = \"laplacian(u) + sin(x)\"; } );\n"
      "  conditions = ( { on = \"boundary\"; residual = \"u\"; weight = 10.0; } ); };\n"
      "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
      "points: { interior = { count = 25; }; conditions = { count = 9; }; }; network: { hidden = [8, 7]; };",
      1e-2);
}
END_TEST

/* laplacian of sin(w x + b): the mean over phases is |w|^4 / 2 at every point, the constant has none. */
START_TEST(operator_is_the_inverse_symbol)
{
  Case c;
  Vec theta, x, y;
  Mat matrix;
  size_t n;
  double values[9], ones[9], loss, after;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n"
                      "  equations = ( { residual = \"laplacian(u) + sin(x)\"; } ); };\n"
                      "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; }; points: { interior = { count = 33; }; };\n"
                      "network: { type = \"random-features\"; features = 8; activation = \"sin\"; };",
                      &c));
  const Rows rows = ResidualRows(c.residual);
  const double *W = NetworkFrozen(c.network, &n);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.5));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  ck_petsc(GaussNewtonCreate(rows, &matrix));
  ck_petsc(GaussNewtonSetPoint(matrix, theta, true));
  ck_petsc(GaussNewtonSetDamping(matrix, 1e-3));
  PC pc = make_pc(matrix, "operator", 0, 1);
  ck_petsc(MatCreateVecs(matrix, &x, &y));
  for (int k = 0; k < 9; k++) ones[k] = 1.0;
  ck_petsc(test_scatter(ones, x));
  ck_petsc(PCSetUp(pc));
  ck_petsc(PCApply(pc, x, y));
  ck_petsc(test_gather(y, values));
  for (int k = 0; k < 8; k++) {
    const double square = W[2 * k] * W[2 * k] + W[2 * k + 1] * W[2 * k + 1];
    ck_near(values[k], 1.0 / (0.5 * square * square + 1e-3), 1e-10, 0);
  }
  ck_near(values[8], 1e3, 1e-12, 0);
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &after));
  ck_assert_double_eq(loss, after);
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(PCDestroy(&pc));
  ck_petsc(MatDestroy(&matrix));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(operator_refuses_other_networks)
{
  static Spectrum s;
  double sigma[N];
  falling(0, sigma);
  spectrum(&s, sigma, 1e-6, 3);
  PC pc = make_pc(s.matrix, "operator", 0, 1);
  ck_petsc_fails(PCSetUp(pc), PETSC_ERR_USER_INPUT, "know no symbol");
  ck_petsc(PCDestroy(&pc));
  spectrum_free(&s);
}
END_TEST

TEST_SUITE("precond_spectrum", operator_is_the_inverse_symbol, operator_refuses_other_networks,
           nystrom_keeps_its_bounds, nystrom_takes_the_rank_it_needs, all_random_vectors_give_the_matrix_itself,
           deflation_is_exact_for_a_matrix_of_its_rank, deflation_composes_with_another_type,
           auto_takes_what_costs_least, auto_does_as_it_is_told, a_basis_of_dependent_columns,
           layerwise_is_the_inverse_of_each_block)
