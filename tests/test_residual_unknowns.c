/* Unknown coefficients: rows and their products, what they begin with, stages that find them, and how well they are
   determined. */
#include <string.h>
#include "pinn/optimizer.h"
#include "products_check.h"

#define UNKNOWN                                                                                                        \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"v\"]; unknowns: { D = 0.7; k = -0.2; };\n"              \
  "  define: { flux = \"-D*u_x + k*u*v\"; };\n"                                                                        \
  "  equations = ( { residual = \"u_t + d(flux, x)\"; weight = 2.0; }, { residual = \"v_xx - D^2*u_t*k\"; } );\n"

static const char plain[] = UNKNOWN "  conditions = ( { on = \"t = 0\"; residual = \"u - k\"; } ); };\ndomain: {};\n"
                                    "points: { interior = { count = 40; }; conditions = { count = 21; }; };\n"
                                    "network: { hidden = [5, 4]; };\n";

START_TEST(products_know_of_coefficients)
{
  check_products(plain, 2 * 40 + 21);
  check_products(UNKNOWN
                 "  conditions = ( { periodic = \"x\"; residual = \"D*u\"; }, { on = \"interior\"; integral = 0.3; "
                 "residual = \"k*v\"; } ); };\ndomain: {};\npoints: { interior = { count = 30; }; conditions = { count "
                 "= 11; }; };\nnetwork: { type = \"random-features\"; features = 9; };\n",
                 2 * 30 + 11 + 1);
}
END_TEST

/* The rows follow the formula with the numbers put in. */
START_TEST(rows_are_those_of_constants)
{
  static const char constants[] =
      "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"v\"]; constants: { D = 0.7; k = -0.2; };\n"
      "  define: { flux = \"-D*u_x + k*u*v\"; };\n"
      "  equations = ( { residual = \"u_t + d(flux, x)\"; weight = 2.0; }, { residual = \"v_xx - D^2*u_t*k\"; } );\n"
      "  conditions = ( { on = \"t = 0\"; residual = \"u - k\"; } ); };\ndomain: {};\n"
      "points: { interior = { count = 40; }; conditions = { count = 21; }; };\nnetwork: { hidden = [5, 4]; };\n";
  Case a, b;
  Vec theta[2];
  double r[2][101], loss[2], *start;
  ck_petsc(CaseCreate(plain, &a));
  ck_petsc(CaseCreate(constants, &b));
  const size_t n = NetworkParameters(a.network);
  ck_assert_uint_eq(n, NetworkParameters(b.network) + 2);
  ck_petsc(PetscMalloc1(n, &start));
  NetworkInitialize(a.network, start);
  ck_assert(start[n - 2] == 0.7 && start[n - 1] == -0.2);
  for (int k = 0; k < 2; k++) {
    const Residual residual = k ? b.residual : a.residual;
    ck_petsc(ResidualCreateTheta(residual, &theta[k]));
    ck_petsc(ResidualScatterTheta(residual, start, theta[k]));
    ck_petsc(ResidualRows(residual)->ops->evaluate(residual, theta[k], r[k], &loss[k]));
    ck_petsc(VecDestroy(&theta[k]));
  }
  for (int i = 0; i < 101; i++) ck_near(r[0][i], r[1][i], 1e-13, 1e-15);
  ck_petsc(PetscFree(start));
  ck_petsc(CaseDestroy(&a));
  ck_petsc(CaseDestroy(&b));
}
END_TEST

typedef struct {
  double *J; /* [n_row][n_unknown] */
  int layer, n_unknown;
} Seen;

static void take_panel(void *context, int thread, const RowsPanel *panel)
{
  Seen *columns = context;
  (void)thread;
  if (panel->layer != columns->layer) return;
  for (PetscInt i = 0; i < panel->n; i++)
    for (PetscInt c = 0; c < panel->n_column; c++)
      for (PetscInt k = 0; k < panel->n_out; k++)
        columns->J[(panel->row + i) * columns->n_unknown + k] +=
            panel->g[(c * panel->n + i) * panel->n_out + k] * panel->z[c * panel->n + i];
}

/* To what walks through layers, they are one more. */
START_TEST(coefficients_are_a_layer)
{
  Case c;
  Vec theta;
  double *J, r[101], K[101 * 101], seen[202] = {0.0};
  ck_petsc(CaseCreate(plain, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param;
  Seen columns = {seen, RowsLayers(rows) - 1, 2};
  const RowsLayer layer = RowsLayerAt(rows, columns.layer);
  ck_assert(columns.layer == 3 && layer.offset == n - 2 && layer.n_out == 2 && layer.n_in == 1 && !layer.bias);
  ck_assert(RowsLayerAt(rows, 2).bias);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(PetscMalloc1(101 * n, &J));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(RowsVisit(rows, theta, -1, take_panel, &columns));
  for (size_t i = 0; i < 101; i++)
    for (size_t k = 0; k < 2; k++) ck_near(seen[2 * i + k], J[i * n + n - 2 + k], 1e-12, 1e-14);
  ck_petsc(RowsGramLayer(rows, theta, columns.layer, NULL, K, 101));
  for (size_t i = 0; i < 101; i++)
    for (size_t j = 0; j < 101; j++)
      ck_near(K[i * 101 + j], dot(2, J + i * n + n - 2, J + j * n + n - 2), 1e-12, 1e-14);
  ck_petsc(PetscFree(J));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* Decay u' = -k u and growth of its integral, seen at points: both rates and the source are found. */
START_TEST(coefficients_are_found)
{
  static const char text[] =
      "problem: { coordinates = [\"t\"]; fields = [\"u\", \"v\"]; unknowns: { k = 1.0; s = 0.0; };\n"
      "  exact: { u = \"exp(-2*t)\"; v = \"1 - exp(-2*t) + t/2\"; k = \"2\"; s = \"1/2\"; };\n"
      "  equations = ( { residual = \"u_t + k*u\"; }, { residual = \"v_t - k*u - s\"; } );\n"
      "  conditions = ( { on = \"interior\"; residual = \"u - exact_u\"; weight = 100.0; },\n"
      "    { on = \"interior\"; residual = \"v - exact_v\"; weight = 100.0; } ); };\ndomain: {};\n"
      "network: { type = \"random-features\"; features = 30; activation = \"sin\"; scale = 3.0; };\n"
      "points: { interior = { count = 80; }; conditions = { count = 40; }; };\n"
      "solver = ( { type = \"least-squares\"; } );\n";
  Case c;
  Vec theta;
  Optimizer optimizer;
  OptimizerReason reason;
  double *values, deviation[2];
  ck_petsc(CaseCreate(text, &c));
  const size_t n = NetworkParameters(c.network);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(PetscMalloc1(n, &values));
  NetworkInitialize(c.network, values);
  ck_petsc(ResidualScatterTheta(c.residual, values, theta));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSolve(optimizer, theta, &reason));
  ck_petsc(ResidualGatherTheta(c.residual, theta, values));
  ck_near(values[n - 2], ProblemUnknownTruth(c.problem, 0), 1e-9, 0);
  ck_near(values[n - 1], ProblemUnknownTruth(c.problem, 1), 1e-9, 0);
  ck_petsc(OptimizerUncertainty(c.config, ResidualRows(c.residual), theta, 2, deviation));
  for (int k = 0; k < 2; k++) ck_assert(deviation[k] > 0.0 && deviation[k] < 1e-9);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(PetscFree(values));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* Deviations against the inverse of J^T J by elimination; a row that is missing leaves one undetermined. */
static void invert(size_t n, double A[], double inverse[])
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) inverse[i * n + j] = i == j;
  for (size_t c = 0; c < n; c++) {
    const double pivot = A[c * n + c];
    for (size_t j = 0; j < n; j++) A[c * n + j] /= pivot, inverse[c * n + j] /= pivot;
    for (size_t i = 0; i < n; i++) {
      const double factor = A[i * n + c];
      for (size_t j = 0; j < n && i != c; j++)
        A[i * n + j] -= factor * A[c * n + j], inverse[i * n + j] -= factor * inverse[c * n + j];
    }
  }
}

START_TEST(deviations_are_those_of_the_gauss_newton_matrix)
{
  static const char text[] = "problem: { coordinates = [\"x\"]; fields = [\"u\"]; unknowns: { a = 0.3; b = 2.0; };\n"
                             "  equations = ( { residual = \"u_xx - a*u + b\"; } );\n"
                             "  conditions = ( { on = \"boundary\"; residual = \"u - a*b\"; } ); };\ndomain: {};\n"
                             "network: { hidden = [2]; };\npoints: { interior = { count = 60; }; };\n";
  Case c;
  Config small;
  Vec theta;
  double *J, *N, *inverse, *r, loss, deviation[2];
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param, m = (size_t)rows->n_row;
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(1.5, 0.3, theta);
  ck_petsc(PetscMalloc4(m * n, &J, n * n, &N, n * n, &inverse, m, &r));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      N[i * n + j] = 0.0;
      for (size_t k = 0; k < m; k++) N[i * n + j] += J[k * n + i] * J[k * n + j];
    }
  invert(n, N, inverse);
  ck_petsc(OptimizerUncertainty(c.config, rows, theta, 2, deviation));
  for (size_t k = 0; k < 2; k++) {
    const size_t i = n - 2 + k;
    ck_near(deviation[k], sqrt(2.0 * loss / (double)(m - n) * inverse[i * n + i]), 1e-5, 0);
  }
  ck_petsc(ConfigLoadText("test.cfg", text, 1, (const char *const[]){"limits.memory=0.001"}, &small));
  ck_petsc(OptimizerUncertainty(small, rows, theta, 2, deviation)); /* J does not fit: no numbers, and no failure */
  ck_assert(isnan(deviation[0]) && isnan(deviation[1]));
  ck_petsc(ConfigDestroy(&small));
  ck_petsc(PetscFree4(J, N, inverse, r));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

static void check_refused(const char *text, const char *message)
{
  Case c;
  ck_petsc_fails(CaseCreate(text, &c), PETSC_ERR_USER_INPUT, message);
}

/* A constant in the network's place is the same at all points; the coefficients beside it are none of its outputs. */
START_TEST(constants_take_the_networks_place_alone)
{
  const double outputs[2] = {1.25, -3.0}, x[6] = {0.1, 0.2, 0.5, 0.4, 0.9, 0.6};
  double values[2][3];
  Case c;
  Probe probe;
  ck_petsc(CaseCreate(plain, &c));
  const FormulaNode fields[2] = {ProblemField(c.problem, 0), ProblemField(c.problem, 1)};
  ck_petsc(ProbeCreate(c.problem, c.network, 2, fields, NULL, &probe));
  ck_petsc(ProbeEvaluateConstant(probe, outputs, 3, x, values[0]));
  for (int f = 0; f < 2; f++)
    for (int i = 0; i < 3; i++) ck_assert(values[f][i] == outputs[f]);
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes_are_told)
{
  check_refused("problem: { coordinates = [\"x\"]; fields = [\"u\"]; unknowns: { u = 1.0; };\n"
                "  equations = ( { residual = \"u_xx\"; } ); };\ndomain: {};\n",
                "u");
  check_refused("problem: { coordinates = [\"x\"]; fields = [\"u\"]; unknowns: { D = 1.0; }; exact: { u = \"x\"; };\n"
                "  equations = ( { residual = \"D*u_xx - f\"; manufactured = \"f\"; } ); };\ndomain: {};\n",
                "a manufactured forcing needs problem.exact.D");
  check_refused("problem: { coordinates = [\"x\"]; fields = [\"u\"]; unknowns: { D = 1.0; }; exact: { D = \"x\"; };\n"
                "  equations = ( { residual = \"D*u_xx\"; } ); };\ndomain: {};\n",
                "constant");
}
END_TEST

TEST_SUITE("residual: unknown coefficients", products_know_of_coefficients, rows_are_those_of_constants,
           coefficients_are_a_layer, coefficients_are_found, deviations_are_those_of_the_gauss_newton_matrix,
           constants_take_the_networks_place_alone, mistakes_are_told)
