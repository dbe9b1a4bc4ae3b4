/* Scaled rows: every product is that of J D^{-1/2}, and D is the evened diagonal where that is a product. */
#include "case_fixture.h"
#include "optimizer_rows.h"
#include "pinn/precond.h"
#include "pinn/scaled_rows.h"

#define EVENNESS 0.01

static const char flow[] = "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"
                           "  equations = ( { residual = \"laplacian(u) + v*u\"; }, { residual = \"u_x + v_y\"; } );\n"
                           "  conditions = ( { on = \"boundary\"; residual = \"u - v\"; weight = 10.0; } ); };\n"
                           "domain: { lower = [0.0, 0.0]; upper = [1.0, 2.0]; };\n"
                           "points: { interior = { count = 21; }; conditions = { count = 8; }; };\n"
                           "network: { hidden = [7, 5]; };\n";

/* J [n_row][n] of the scaled rows, from that of the others and the scaling. */
static double *scaled_jacobian(Rows rows, Rows scaled, Vec theta, double scaling[])
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  double *J = calloc(m * n + 1, sizeof(double)), *r = calloc(m + 1, sizeof(double));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(test_gather(ScaledRowsScaling(scaled), scaling));
  for (size_t i = 0; i < m; i++)
    for (size_t k = 0; k < n; k++) J[i * n + k] *= scaling[k];
  free(r);
  return J;
}

/* In each layer the best fit of logarithms leaves nothing in any row or column. */
static void check_fit(Rows rows, Vec theta, const double scaling[])
{
  double *d = calloc(rows->n_param, sizeof(double)), *D = calloc(rows->n_param, sizeof(double)), largest = 0.0;
  double *S = calloc(rows->n_param, sizeof(double));
  ck_petsc(RowsDiagonal(rows, theta, d));
  for (size_t k = 0; k < rows->n_param; k++) largest = fmax(largest, d[k]);
  for (size_t k = 0; k < rows->n_param; k++) d[k] += EVENNESS * largest;
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    RowsLayerGet(&layer, d, D);
    RowsLayerGet(&layer, scaling, S);
    for (PetscInt j = 0; j < layer.n_out; j++) {
      double rest = 0.0;
      for (PetscInt i = 0; i < layer.n_in; i++) rest += log(D[j * layer.n_in + i] * pow(S[j * layer.n_in + i], 2.0));
      ck_near(rest, 0.0, 0, 1e-11);
    }
    for (PetscInt i = 0; i < layer.n_in; i++) {
      double rest = 0.0;
      for (PetscInt j = 0; j < layer.n_out; j++) rest += log(D[j * layer.n_in + i] * pow(S[j * layer.n_in + i], 2.0));
      ck_near(rest, 0.0, 0, 1e-11);
    }
    for (PetscInt k = 0; k < layer.n_in; k++) /* a product: minors vanish */
      for (PetscInt j = 0; j < layer.n_out; j++)
        ck_near(S[j * layer.n_in + k] * S[0], S[j * layer.n_in] * S[k], 1e-12, 0);
  }
  free(d);
  free(D);
  free(S);
}

static void check_products(Rows scaled, Vec theta, const double J[])
{
  const size_t m = (size_t)scaled->n_row, n = scaled->n_param;
  double *v = calloc(n, sizeof(double)), *w = calloc(m + 1, sizeof(double)), *Jv = calloc(m + 1, sizeof(double));
  double *sums = calloc(2 * n, sizeof(double)), *d = calloc(n, sizeof(double)), *r = calloc(m + 1, sizeof(double));
  double loss, again;
  Vec x, y;
  for (size_t k = 0; k < n; k++) v[k] = test_number((int)k);
  x = test_theta(scaled, v);
  ck_petsc(VecDuplicate(x, &y));
  ck_petsc(scaled->ops->apply(scaled->self, theta, x, Jv));
  for (size_t i = 0; i < m; i++) {
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) sum += J[i * n + k] * v[k];
    ck_near(Jv[i], sum, 1e-10, 1e-11);
  }
  ck_petsc(RowsLinearize(scaled, theta, r, &loss));
  ck_petsc(scaled->ops->gradient(scaled->self, theta, &again, y));
  ck_near(again, loss, 1e-13, 0);
  for (size_t i = 0; i < m; i++)
    for (size_t k = 0; k < n; k++) {
      sums[k] += J[i * n + k] * r[i];
      sums[n + k] += J[i * n + k] * J[i * n + k];
    }
  MPI_Allreduce(MPI_IN_PLACE, sums, (int)(2 * n), MPI_DOUBLE, MPI_SUM, scaled->comm);
  ck_petsc(test_gather(y, d));
  for (size_t k = 0; k < n; k++) ck_near(d[k], sums[k], 1e-9, 1e-10);
  ck_petsc(scaled->ops->apply_transpose(scaled->self, theta, r, y));
  ck_petsc(test_gather(y, d));
  for (size_t k = 0; k < n; k++) ck_near(d[k], sums[k], 1e-9, 1e-10);
  ck_petsc(RowsDiagonal(scaled, theta, d));
  for (size_t k = 0; k < n; k++) ck_near(d[k], sums[n + k], 1e-9, 1e-12);
  free(v);
  free(w);
  free(Jv);
  free(sums);
  free(d);
  free(r);
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
}

static double inner(size_t begin, size_t end, const double a[], const double b[])
{
  double sum = 0.0;
  for (size_t k = begin; k < end; k++) sum += a[k] * b[k];
  return sum;
}

/* J S S J^T of all layers and of each, with another scaling S or none, and J^T J. */
static void check_squares(Rows scaled, Vec theta, double J[], bool more)
{
  const size_t m = (size_t)scaled->n_row, n = scaled->n_param, all = (size_t)scaled->n_row_global;
  double *K = calloc(m * all + 1, sizeof(double)), *N = calloc(n * n, sizeof(double)), *b = calloc(n, sizeof(double));
  double *S = calloc(n, sizeof(double)), *SJ = calloc(m * n + 1, sizeof(double));
  int first = 0, n_row = (int)m;
  MPI_Exscan(&n_row, &first, 1, MPI_INT, MPI_SUM, scaled->comm);
  for (size_t k = 0; k < n; k++) S[k] = more ? 1.5 + test_number((int)k) : 1.0;
  for (size_t k = 0; k < m * n; k++) SJ[k] = J[k] * S[k % n];
  ck_petsc(RowsGram(scaled, theta, more ? S : NULL, K, all));
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++)
      ck_near(K[i * all + (size_t)first + j], inner(0, n, SJ + i * n, SJ + j * n), 1e-9, 1e-10);
  for (int l = 0; l < RowsLayers(scaled); l++) {
    const RowsLayer layer = RowsLayerAt(scaled, l);
    const size_t end = layer.offset + (size_t)(layer.n_in * layer.n_out);
    ck_petsc(RowsGramLayer(scaled, theta, l, more ? S : NULL, K, all));
    for (size_t i = 0; i < m; i++)
      for (size_t j = 0; j < m; j++)
        ck_near(K[i * all + (size_t)first + j], inner(layer.offset, end, SJ + i * n, SJ + j * n), 1e-9, 1e-10);
  }
  ck_petsc(RowsNormal(scaled, theta, N, n, b));
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k <= i; k++) {
      double sum = 0.0;
      for (size_t row = 0; row < m; row++) sum += J[row * n + i] * J[row * n + k];
      ck_near(N[i * n + k], sum, 1e-9, 1e-10);
    }
  free(K);
  free(N);
  free(b);
  free(S);
  free(SJ);
}

typedef struct {
  Rows rows;
  double *J; /* [n_row][n_param] */
} Collected;

static void collect(void *context, int thread, const RowsPanel *panel)
{
  Collected *c = context;
  const RowsLayer layer = RowsLayerAt(c->rows, panel->layer);
  const size_t n = (size_t)panel->n, n_in = (size_t)panel->n_in, n_out = (size_t)panel->n_out;
  double *V = malloc(n_in * n_out * sizeof(double));
  (void)thread;
  for (size_t i = 0; i < n; i++) {
    memset(V, 0, n_in * n_out * sizeof(double));
    for (size_t k = 0; k < (size_t)panel->n_column * n_in * n_out; k++) {
      const size_t col = k / (n_in * n_out), j = k / n_in % n_out, in = k % n_in;
      V[j * n_in + in] += panel->g[(col * n + i) * n_out + j] * panel->z[(col * n + i) * n_in + in];
    }
    RowsLayerSet(&layer, V, c->J + ((size_t)panel->row + i) * c->rows->n_param);
  }
  free(V);
}

static void check(Rows rows, Vec theta)
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  double *scaling = calloc(n, sizeof(double)), *own = calloc(m * n + 1, sizeof(double)), *r = calloc(m + 1, 8);
  Rows scaled;
  ck_petsc(ScaledRowsCreate(rows, &scaled));
  ck_petsc(ScaledRowsSetPoint(scaled, theta, EVENNESS));
  double *J = scaled_jacobian(rows, scaled, theta, scaling);
  Collected c = {scaled, own};
  check_fit(rows, theta, scaling);
  check_products(scaled, theta, J);
  check_squares(scaled, theta, J, false);
  check_squares(scaled, theta, J, true);
  ck_petsc(RowsVisit(scaled, theta, -1, collect, &c));
  for (size_t k = 0; k < m * n; k++) ck_near(own[k], J[k], 1e-10, 1e-11);
  ck_petsc(scaled->ops->jacobian(scaled->self, theta, 0, n, r, own, n));
  for (size_t k = 0; k < m * n; k++) ck_near(own[k], J[k], 1e-14, 0);
  free(J);
  free(own);
  free(r);
  free(scaling);
  ck_petsc(ScaledRowsDestroy(&scaled));
}

START_TEST(rows_of_a_network)
{
  Vec theta;
  Case c;
  ck_petsc(CaseCreate(flow, &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  check(ResidualRows(c.residual), theta);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* One layer of one output: D is the evened diagonal itself. */
START_TEST(plain_rows)
{
  const Fit fit = {60, 5};
  double start[15];
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, start);
  Vec theta = test_theta(&t.rows, start);
  check(&t.rows, theta);
  ck_petsc(VecDestroy(&theta));
}
END_TEST

/* The damped system of scaled rows solves that of J^T J + lambda D. */
START_TEST(a_system_with_marquardt_s_damping)
{
  const Fit fit = {60, 5};
  const double lambda = 1e-3;
  double start[15], d[15], largest = 0.0, in[15], out[15], product[15], scaling[15];
  TestRows t;
  Rows scaled;
  Mat A, plain;
  Vec theta, x, y, v;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, start);
  theta = test_theta(&t.rows, start);
  ck_petsc(ScaledRowsCreate(&t.rows, &scaled));
  ck_petsc(ScaledRowsSetPoint(scaled, theta, EVENNESS));
  ck_petsc(GaussNewtonCreate(scaled, &A));
  ck_petsc(GaussNewtonCreate(&t.rows, &plain));
  ck_petsc(GaussNewtonSetPoint(A, theta, true));
  ck_petsc(GaussNewtonSetPoint(plain, theta, true));
  ck_petsc(GaussNewtonSetDamping(A, lambda));
  for (int k = 0; k < 15; k++) in[k] = test_number(70 + k);
  ck_petsc(test_gather(ScaledRowsScaling(scaled), scaling));
  ck_petsc(RowsDiagonal(&t.rows, theta, d));
  for (int k = 0; k < 15; k++) largest = fmax(largest, d[k]);
  x = test_theta(&t.rows, in);
  ck_petsc(VecDuplicate(x, &y));
  ck_petsc(VecDuplicate(x, &v));
  ck_petsc(MatMult(plain, x, y));
  ck_petsc(test_gather(y, product));
  for (int k = 0; k < 15; k++) product[k] += lambda * (d[k] + EVENNESS * largest) * in[k];
  ck_petsc(VecPointwiseDivide(v, x, ScaledRowsScaling(scaled)));
  ck_petsc(MatMult(A, v, y));
  ck_petsc(test_gather(y, out));
  for (int k = 0; k < 15; k++) ck_near(out[k] / scaling[k], product[k], 1e-10, 1e-12);
  ck_petsc(MatDestroy(&A));
  ck_petsc(MatDestroy(&plain));
  ck_petsc(ScaledRowsDestroy(&scaled));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
  ck_petsc(VecDestroy(&v));
}
END_TEST

TEST_SUITE("precond_scaled", rows_of_a_network, plain_rows, a_system_with_marquardt_s_damping)
