/* Unknown coefficients and regions on all ranks against the same case on one, under mpirun with CK_FORK=no: the rows'
   loss, products and statistics to rounding, and what stages find. */
#include <string.h>
#include "case_fixture.h"
#include "pinn/optimizer.h"

#define UNKNOWN                                                                                                        \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"v\"]; unknowns: { D = 0.7; k = -0.2; };\n"              \
  "  define: { flux = \"-D*u_x + k*u*v\"; };\n"                                                                        \
  "  equations = ( { residual = \"u_t + d(flux, x)\"; weight = 2.0; }, { residual = \"v_xx - D^2*u_t*k\"; } );\n"      \
  "  conditions = ( { on = \"t = 0\"; residual = \"u - k\"; }, { periodic = \"x\"; residual = \"D*v\"; },\n"           \
  "    { on = \"interior\"; integral = 0.3; residual = \"k*v\"; } ); };\ndomain: {};\n"                                \
  "points: { interior = { count = 41; }; conditions = { count = 21; }; heldout = 33; };\n"
#define REGIONS                                                                                                        \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"]; unknowns: { k = 4.0; };\n"                        \
  "  regions: { u = \"disk\"; v = \"rest\"; };\n"                                                                      \
  "  exact: { u = \"sin(2*x + y)\"; v = \"exp(x)*cos(y)\"; k = \"5\"; };\n"                                            \
  "  equations = ( { region = \"disk\"; residual = \"-div(k*grad(u)) - f\"; manufactured = \"f\"; },\n"                \
  "    { region = \"rest\"; residual = \"v - laplacian(v) - g\"; manufactured = \"g\"; } );\n"                         \
  "  conditions = ( { on = \"boundary\"; residual = \"v - exact_v\"; weight = 100.0; },\n"                             \
  "    { on = \"disk.surface\"; residual = \"u - v - exact_u + exact_v\"; weight = 100.0; },\n"                        \
  "    { on = \"disk.surface\"; residual = \"dn(u) - dn(exact_u)\"; weight = 10.0; },\n"                               \
  "    { on = \"disk\"; residual = \"u - exact_u\"; weight = 100.0; } ); };\n"                                         \
  "domain: { type = \"box\"; lower = -1.0; upper = 1.0;\n"                                                             \
  "  regions = ( { name = \"disk\"; type = \"ball\"; center = [-0.3, 0.1]; radius = 0.5; } ); };\n"
#define FEW "points: { interior = { count = 61; }; conditions = { count = 23; }; heldout = 41; };\n"

typedef struct {
  Case c;
  Vec theta, g;
  size_t n;
  double loss, *values, rms[16]; /* [n] */
} Side;

static void set_up(MPI_Comm comm, const char *text, Side *side)
{
  ck_petsc(CaseCreateOn(comm, text, &side->c));
  side->n = NetworkParameters(side->c.network);
  ck_petsc(ResidualCreateTheta(side->c.residual, &side->theta));
  ck_petsc(VecDuplicate(side->theta, &side->g));
  ck_petsc(PetscMalloc1(side->n, &side->values));
}

static void tear_down(Side *side)
{
  ck_petsc(PetscFree(side->values));
  ck_petsc(VecDestroy(&side->theta));
  ck_petsc(VecDestroy(&side->g));
  ck_petsc(CaseDestroy(&side->c));
}

static void assert_close(size_t n, const double a[], const double b[], double tolerance)
{
  double size = 0.0;
  for (size_t k = 0; k < n; k++) size = fmax(size, fabs(b[k]));
  ck_assert_double_gt(size, 0.0);
  for (size_t k = 0; k < n; k++) ck_near(a[k], b[k], 0, tolerance * size);
}

static void gradient(Side *side)
{
  const Rows rows = ResidualRows(side->c.residual);
  ck_petsc(rows->ops->gradient(rows->self, side->theta, &side->loss, side->g));
  ck_petsc(ResidualGatherTheta(side->c.residual, side->g, side->values));
}

/* J^T J v */
static void squared(Side *side)
{
  const Rows rows = ResidualRows(side->c.residual);
  Vec v;
  double *Jv;
  ck_petsc(VecDuplicate(side->theta, &v));
  CaseFillVec(0.6, 2.0, v);
  ck_petsc(PetscMalloc1(rows->n_row, &Jv));
  ck_petsc(rows->ops->apply(rows->self, side->theta, v, Jv));
  ck_petsc(rows->ops->apply_transpose(rows->self, side->theta, Jv, side->g));
  ck_petsc(ResidualGatherTheta(side->c.residual, side->g, side->values));
  ck_petsc(PetscFree(Jv));
  ck_petsc(VecDestroy(&v));
}

static void diagonal(Side *side)
{
  ck_petsc(RowsDiagonal(ResidualRows(side->c.residual), side->theta, side->values));
}

/* The last row of J^T J and J^T r, which RowsNormal has of each rank's rows. */
static void normal(Side *side)
{
  const Rows rows = ResidualRows(side->c.residual);
  const size_t n = side->n;
  double *N, *b;
  ck_petsc(PetscCalloc2(n * n, &N, n, &b));
  ck_petsc(RowsNormal(rows, side->theta, N, n, b));
  for (size_t k = 0; k < n; k++) side->values[k] = N[(n - 1) * n + k] + b[k];
  MPI_Allreduce(MPI_IN_PLACE, side->values, (int)n, MPI_DOUBLE, MPI_SUM, rows->comm);
  ck_petsc(PetscFree2(N, b));
}

static void (*const products[])(Side *) = {gradient, squared, diagonal, normal};

static void check_rows(const char *text)
{
  Side one, all;
  set_up(PETSC_COMM_SELF, text, &one);
  set_up(PETSC_COMM_WORLD, text, &all);
  ck_assert_int_eq(ResidualRows(all.c.residual)->n_row_global, ResidualRows(one.c.residual)->n_row);
  CaseFillVec(0.6, 0.0, one.theta);
  CaseFillVec(0.6, 0.0, all.theta);
  for (size_t k = 0; k < sizeof(products) / sizeof(products[0]); k++) {
    products[k](&one), products[k](&all);
    assert_close(one.n, all.values, one.values, 1e-12);
  }
  ck_near(all.loss, one.loss, 1e-13, 0);
  for (int heldout = 0; heldout < 2; heldout++) {
    const int n = ResidualTerms(one.c.residual);
    ck_petsc(ResidualStatistics(one.c.residual, one.theta, heldout, one.rms, NULL));
    ck_petsc(ResidualStatistics(all.c.residual, all.theta, heldout, all.rms, NULL));
    for (int e = 0; e < n; e++) ck_near(all.rms[e], one.rms[e], 1e-12, 0);
  }
  tear_down(&one);
  tear_down(&all);
}

START_TEST(rows_are_the_same)
{
  check_rows(UNKNOWN "network: { hidden = [5, 4]; };\n");
  check_rows(UNKNOWN "network: { type = \"random-features\"; features = 9; };\n");
  check_rows(REGIONS FEW "network: { hidden = [6]; };\n");
  check_rows(REGIONS FEW "network: { type = \"random-features\"; features = 12; };\n");
}
END_TEST

/* The loss after a stage from the case's own start, and the coefficients, with their deviations, as values[0 .. ]. */
static void solve(Side *side, int n_unknown)
{
  const Rows rows = ResidualRows(side->c.residual);
  double deviation[4];
  Optimizer optimizer;
  OptimizerReason reason;
  NetworkInitialize(side->c.network, side->values);
  ck_petsc(ResidualScatterTheta(side->c.residual, side->values, side->theta));
  ck_petsc(OptimizerCreate(side->c.config, 0, rows, &optimizer));
  ck_petsc(OptimizerSolve(optimizer, side->theta, &reason));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(rows->ops->evaluate(rows->self, side->theta, NULL, &side->loss));
  ck_petsc(ResidualGatherTheta(side->c.residual, side->theta, side->values));
  ck_petsc(OptimizerUncertainty(side->c.config, rows, side->theta, n_unknown, deviation));
  for (int k = 0; k < n_unknown; k++) {
    side->values[k] = side->values[side->n - (size_t)(n_unknown - k)];
    side->values[n_unknown + k] = deviation[k];
  }
}

static void check_stage(const char *text, const char *network, const char *stage, int n_unknown, double tolerance)
{
  char whole[4096];
  Side one, all;
  snprintf(whole, sizeof(whole), "%snetwork: { %s };\nsolver = ( { type = %s } );\n", text, network, stage);
  set_up(PETSC_COMM_SELF, whole, &one);
  set_up(PETSC_COMM_WORLD, whole, &all);
  solve(&one, n_unknown);
  solve(&all, n_unknown);
  ck_near(all.loss, one.loss, tolerance, 0);
  for (int k = 0; k < 2 * n_unknown; k++) ck_near(all.values[k], one.values[k], tolerance, 0);
  tear_down(&one);
  tear_down(&all);
}

START_TEST(stages_find_the_same)
{
  static const char *const stages[] = {
      "\"gauss-newton\"; iterations = 3;",
      "\"gauss-newton-krylov\"; iterations = 2; inner_iterations = 8; precond = \"kfac\";", "\"soap\"; iterations = 6;",
      "\"lbfgs\"; iterations = 6;", "\"kfac\"; iterations = 4;"};
  for (size_t k = 0; k < sizeof(stages) / sizeof(stages[0]); k++) {
    check_stage(UNKNOWN, "hidden = [5];", stages[k], 2, 1e-7);
    check_stage(REGIONS FEW, "hidden = [6];", stages[k], 1, 1e-7);
  }
}
END_TEST

/* Found to the end: a coefficient that makes the problem bilinear, from values of the field in its region. */
START_TEST(least_squares_find_the_coefficient)
{
  Side all;
  static const char points[] = "points: { interior = { count = 401; }; conditions = { count = 121; }; };\n";
  static const char network[] = "type = \"random-features\"; features = 120; activation = \"sin\"; scale = 2.5;";
  char text[4096];
  snprintf(text, sizeof(text), "%s%snetwork: { %s };\nsolver = ( { type = \"least-squares\"; } );\n", REGIONS, points,
           network);
  set_up(PETSC_COMM_WORLD, text, &all);
  solve(&all, 1);
  ck_near(all.values[0], 5.0, 1e-6, 0);
  ck_assert(all.values[1] > 0.0 && all.values[1] < 1e-6);
  tear_down(&all);
}
END_TEST

TEST_SUITE("residual on ranks", rows_are_the_same, stages_find_the_same, least_squares_find_the_coefficient)
