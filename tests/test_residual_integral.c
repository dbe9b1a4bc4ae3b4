/* Integral conditions: weights of points, one row, and a solution that only its integral makes unique. */
#include <string.h>
#include "case_fixture.h"
#include "pinn/optimizer.h"

#define CASE(CONDITION)                                                                                                \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"u_xx + u*u_y\"; } );\n"     \
  "  conditions = ( " CONDITION " ); };\n"                                                                             \
  "domain: { lower = [-1.0, 0.0]; upper = [2.0, 2.0]; };\n"                                                            \
  "points: { interior = { count = 20; }; conditions = { count = 100; }; };\nnetwork: { hidden = [5, 4]; };\n"

/* Simpson's rule on a fine grid, over x or over both coordinates at y0. */
static double simpson(Probe probe, const double theta[], bool area, double y0)
{
  enum { N = 120 };
  double sum = 0.0;
  for (int j = 0; j <= (area ? N : 0); j++)
    for (int i = 0; i <= N; i++) {
      const double x[2] = {-1.0 + 3.0 * i / N, area ? 2.0 * j / N : y0};
      const double wi = i % N ? (i % 2 ? 4.0 : 2.0) : 1.0, wj = j % N ? (j % 2 ? 4.0 : 2.0) : 1.0;
      double value;
      ck_petsc(ProbeEvaluate(probe, theta, 1, x, NULL, &value));
      sum += wi * 3.0 / N / 3.0 * (area ? wj * 2.0 / N / 3.0 : 1.0) * value;
    }
  return sum;
}

static void check_row(const char *text, const char *expression, bool area, double y0, double value, double tolerance)
{
  Case c;
  Vec theta, v, g;
  double r[21], Jv[21], *J, theta_values[200], loss, rms[2], ahead, behind, slope;
  const double *direction;
  FormulaNode node;
  Probe probe;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param;
  ck_assert_int_eq(rows->n_row, 21);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &g));
  CaseFillVec(0.3, 0.0, theta);
  CaseFillVec(0.3, 1.0, v);
  ck_petsc(ResidualGatherTheta(c.residual, theta, theta_values));
  ck_petsc(FormulaParse(ProblemFormula(c.problem), "test", expression, &node));
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &node, NULL, &probe));
  const double integral = simpson(probe, theta_values, area, y0);
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  ck_near(r[20], sqrt(5.0) * (integral - value), tolerance, tolerance);
  ck_petsc(ResidualTermRMS(c.residual, theta, loss, rms));
  ck_near(rms[1], fabs(integral - value), tolerance, tolerance);
  ck_petsc(ResidualStatistics(c.residual, theta, true, rms, NULL));
  ck_near(rms[1], fabs(integral - value), tolerance, tolerance);
  ck_petsc(PetscMalloc1(21 * n, &J));
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(VecGetArrayRead(v, &direction));
  double product = 0.0, sum = 0.0;
  for (size_t k = 0; k < n; k++) product += J[20 * n + k] * direction[k];
  for (int k = 0; k < 21; k++) sum += r[k] * Jv[k];
  ck_petsc(VecRestoreArrayRead(v, &direction));
  ck_near(product, Jv[20], 1e-11, 1e-13);
  ck_petsc(rows->ops->gradient(rows->self, theta, &loss, g));
  ck_petsc(VecDot(g, v, &slope));
  ck_near(slope, sum, 1e-11, 1e-13);
  ck_petsc(VecAXPY(theta, 1e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &ahead));
  ck_petsc(VecAXPY(theta, -2e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &behind));
  ck_near((ahead - behind) / 2e-5, slope, 1e-6, 1e-9);
  ck_petsc(PetscFree(J));
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  ck_petsc(CaseDestroy(&c));
}

START_TEST(a_row_is_an_integral)
{
  check_row(CASE("{ on = \"interior\"; residual = \"u*x + y\"; integral = 2.5; weight = 5.0; "
                 "sampler = \"gauss-legendre\"; count = [14, 12]; }"),
            "u*x + y", true, 0.0, 2.5, 1e-7);
  check_row(CASE("{ on = \"y = 2\"; residual = \"u^2\"; integral = -1.0; weight = 5.0; sampler = \"gauss-legendre\"; "
                 "count = 20; }"),
            "u^2", false, 2.0, -1.0, 1e-7);
  check_row(CASE("{ on = \"interior\"; residual = \"u\"; integral = 0.0; weight = 5.0; count = 4096; }"), "u", true,
            0.0, 0.0, 1e-2);
}
END_TEST

/* Weights add up to the measure, whatever the shape, the pieces and the sampler. */
START_TEST(weights_share_the_measure)
{
  static const struct {
    const char *domain, *on, *sampler;
    PetscInt count;
    double measure;
  } rows[] = {{"lower = [0.0, 0.0]; upper = [2.0, 3.0];", "boundary", "sobol", 37, 10.0},
              {"lower = [0.0, 0.0]; upper = [2.0, 3.0];", "boundary", "gauss-legendre", 40, 10.0},
              {"lower = [0.0, 0.0]; upper = [2.0, 3.0];", "interior", "latin-hypercube", 50, 6.0},
              {"lower = [0.0, 0.0]; upper = [2.0, 3.0];", "x = 0 | x = 1 & y = 1", "uniform", 20, 3.0},
              {"type = \"ball\"; radius = 2.0;", "interior", "gauss-legendre", 100, 4.0 * M_PI},
              {"type = \"ball\"; radius = 2.0;", "walls", "halton", 33, 4.0 * M_PI}};
  for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
    char text[1024];
    Case c = {0};
    Region region;
    PointSet points;
    double sum = 0.0;
    const Sampling sampling = {
        ChoiceFind(&SamplerTable, rows[k].sampler), 1, &rows[k].count, {1, RANDOM_CONDITION, 1, 0}};
    snprintf(text, sizeof(text),
             "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"u\"; } ); };\n"
             "domain: { %s };\n",
             rows[k].domain);
    ck_petsc(CaseCreate(text, &c));
    ck_petsc(RegionCreate(c.domain, "test", rows[k].on, &region));
    ck_petsc(PointSetSample(PETSC_COMM_SELF, region, &sampling, &points));
    double *weights;
    ck_petsc(PetscMalloc1(points.count, &weights));
    ck_petsc(PointSetWeights(region, &sampling, weights));
    for (PetscInt i = 0; i < points.count; i++) sum += weights[i];
    ck_near(sum, rows[k].measure, 1e-12, 0);
    ck_petsc(PetscFree(weights));
    ck_petsc(PointSetDestroy(&points));
    ck_petsc(RegionDestroy(&region));
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

/* u'' = -pi^2 cos(pi x) with zero slopes: u is known but for a constant, which its integral gives. */
START_TEST(an_integral_makes_a_solution_unique)
{
  static const char text[] =
      "problem: { coordinates = [\"x\"]; fields = [\"u\"]; exact: { u = \"cos(pi*x) + 0.75\"; };\n"
      "  equations = ( { residual = \"u_xx + pi^2*cos(pi*x)\"; } );\n"
      "  conditions = ( { on = \"x = 0 | x = 1\"; residual = \"u_x\"; weight = 100.0; },\n"
      "    { on = \"interior\"; residual = \"u\"; integral = 0.75; sampler = \"gauss-legendre\"; count = 20; } ); };\n"
      "domain: {};\nnetwork: { type = \"random-features\"; features = 60; activation = \"sin\"; scale = 8.0; };\n"
      "points: { interior = { sampler = \"chebyshev\"; count = 80; }; };\nsolver = ( { type = \"least-squares\"; } "
      ");\n";
  Case c;
  Vec theta;
  Optimizer optimizer;
  OptimizerReason reason;
  Probe probe;
  double values[61], found;
  ck_petsc(CaseCreate(text, &c));
  const FormulaNode u = ProblemField(c.problem, 0);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.0));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSolve(optimizer, theta, &reason));
  ck_assert_uint_eq(NetworkParameters(c.network), 61);
  ck_petsc(ResidualGatherTheta(c.residual, theta, values));
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &u, NULL, &probe));
  for (double x = 0.0; x <= 1.0; x += 0.0625) {
    ck_petsc(ProbeEvaluate(probe, values, 1, &x, NULL, &found));
    ck_near(found, cos(M_PI * x) + 0.75, 0, 1e-9);
  }
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes)
{
  Case c;
  ck_petsc_fails(
      CaseCreate(CASE("{ on = \"interior\"; residual = \"u\"; integral = 0.0; sampler = \"chebyshev\"; }"), &c),
      PETSC_ERR_USER_INPUT,
      "problem.conditions[0].sampler: the nodes of sampler 'chebyshev' have no weights for integrals");
  ck_petsc_fails(CaseCreate(CASE("{ periodic = \"x\"; integral = 0.0; }"), &c), PETSC_ERR_USER_INPUT,
                 "problem.conditions[0].integral: does not go with `periodic`");
}
END_TEST

TEST_SUITE("residual: integrals", a_row_is_an_integral, weights_share_the_measure, an_integral_makes_a_solution_unique,
           mistakes)
