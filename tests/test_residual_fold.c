/* Rows that take two points each: periodic conditions, their products, and solutions found with them. */
#include <string.h>
#include "products_check.h"
#include "pinn/optimizer.h"

#define CASE(CONDITION)                                                                                                \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"                                                \
  "  equations = ( { residual = \"u_xx + u*v_y\"; weight = 2.0; }, { residual = \"v_xxx - u_y\"; } );\n"               \
  "  conditions = ( { on = \"y = 0\"; residual = \"u - v\"; }, " CONDITION " ); };\n"                                  \
  "domain: { lower = [-1.0, 0.0]; upper = [2.0, 1.0]; };\n"                                                            \
  "points: { interior = { count = 40; }; conditions = { count = 21; }; heldout = 30; };\n"                             \
  "network: { hidden = [5, 4]; };\n"
static const char wrapped[] = CASE("{ name = \"wrap\"; periodic = \"x\"; weight = 3.0; }");
#define BEFORE (2 * 40 + 21)
#define M      (BEFORE + 5 * 21) /* u, u_x; v, v_x, v_xx */

/* Every row is the difference of a term between the ends, at points that differ in x alone. */
START_TEST(rows_are_differences_between_the_ends)
{
  static const char *const texts[] = {"u", "u_x", "v", "v_x", "v_xx"};
  static const char *const names[] = {"wrap u", "wrap u, d", "wrap v", "wrap v, d", "wrap v, d2"};
  Case c;
  Vec theta;
  double r[M], theta_values[200], loss, rms[8];
  const PetscInt count = 21;
  const Sampling sampling = {ChoiceFind(&SamplerTable, "sobol"), 1, &count, {1, RANDOM_CONDITION, 2, 0}};
  Region face;
  PointSet points;
  ck_petsc(CaseCreate(wrapped, &c));
  const Rows rows = ResidualRows(c.residual);
  ck_assert_int_eq(rows->n_row, M);
  ck_assert_int_eq(ResidualTerms(c.residual), 8);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(ResidualGatherTheta(c.residual, theta, theta_values));
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  ck_petsc(ResidualTermRMS(c.residual, theta, loss, rms));
  ck_petsc(RegionCreate(c.domain, "test", "x.lower", &face));
  ck_petsc(PointSetSample(PETSC_COMM_WORLD, face, &sampling, &points));
  for (int e = 0; e < 5; e++) {
    FormulaNode node;
    Probe probe;
    double left[21], right[21], square = 0.0;
    ck_assert_str_eq(ResidualTermName(c.residual, 3 + e), names[e]);
    ck_petsc(FormulaParse(ProblemFormula(c.problem), "test", texts[e], &node));
    ck_petsc(ProbeCreate(c.problem, c.network, 1, &node, NULL, &probe));
    ck_petsc(ProbeEvaluate(probe, theta_values, 21, points.x, NULL, left));
    for (int i = 0; i < 21; i++) points.x[2 * i] = 2.0;
    ck_petsc(ProbeEvaluate(probe, theta_values, 21, points.x, NULL, right));
    for (int i = 0; i < 21; i++) points.x[2 * i] = -1.0;
    for (int i = 0; i < 21; i++) {
      ck_near(r[BEFORE + e * 21 + i], sqrt(3.0 / 21.0) * (right[i] - left[i]), 1e-12, 1e-14);
      square += (right[i] - left[i]) * (right[i] - left[i]);
    }
    ck_near(rms[3 + e], sqrt(square / 21.0), 1e-12, 0);
    ck_petsc(ProbeDestroy(&probe));
  }
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(RegionDestroy(&face));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(products_of_rows_that_points_share)
{
  check_products(wrapped, M);
}
END_TEST

START_TEST(order_and_residual_are_the_users)
{
  check_products(CASE("{ periodic = \"x\"; order = 0; }"), BEFORE + 2 * 21);
  check_products(CASE("{ periodic = \"x\"; residual = \"u*v_y\"; }"), BEFORE + 21);
  check_products(CASE("{ periodic = \"x\"; residual = \"u*v\"; order = 1; count = 9; }"), BEFORE + 2 * 9);
}
END_TEST

/* Points resampled, and a checkpoint of them. */
START_TEST(pairs_are_drawn_again)
{
  Case c, again;
  Vec theta;
  double r[M], r2[M], loss, *state;
  size_t n;
  bool changed;
  static const char text[] =
      "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"u_xx + u*u_y\"; } );\n"
      "  conditions = ( { periodic = \"x\"; } ); };\ndomain: {};\nnetwork: { hidden = [4]; };\n"
      "points: { interior = { count = 30; resample = 5; }; conditions = { sampler = \"uniform\"; count = 20; }; };\n";
  ck_petsc(CaseCreate(text, &c));
  ck_petsc(CaseCreate(text, &again));
  const Rows rows = ResidualRows(c.residual), other = ResidualRows(again.residual);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  ck_petsc(rows->ops->update(rows->self, theta, 5, &changed));
  ck_assert(changed && rows->n_row == 70);
  ck_petsc(rows->ops->evaluate(rows->self, theta, r2, &loss));
  ck_assert(r[40] != r2[40]);
  ck_petsc(ResidualGetPoints(c.residual, &n, &state));
  ck_petsc(ResidualSetPoints(again.residual, n, state));
  ck_petsc(other->ops->evaluate(other->self, theta, r, &loss));
  for (int k = 0; k < 70; k++) ck_assert(r[k] == r2[k]);
  ck_petsc(PetscFree(state));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
  ck_petsc(CaseDestroy(&again));
}
END_TEST

/* u'' - u = f with u = exp(sin(2 pi x)): periodicity alone makes it unique. */
START_TEST(a_periodic_problem_is_solved)
{
  static const char text[] =
      "problem: { coordinates = [\"x\"]; fields = [\"u\"]; exact: { u = \"exp(sin(2*pi*x))\"; };\n"
      "  equations = ( { residual = \"u_xx - u - f\"; manufactured = \"f\"; } );\n"
      "  conditions = ( { periodic = \"x\"; weight = 1e4; } ); };\ndomain: {};\n"
      "network: { type = \"random-features\"; features = 80; activation = \"sin\"; scale = 25.0; };\n"
      "points: { interior = { sampler = \"chebyshev\"; count = 120; }; };\n"
      "solver = ( { type = \"least-squares\"; } );\n";
  Case c;
  Vec theta;
  Optimizer optimizer;
  OptimizerReason reason;
  double *values, worst = 0.0;
  ck_petsc(CaseCreate(text, &c));
  const FormulaNode u = ProblemField(c.problem, 0);
  Probe probe;
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.0));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSolve(optimizer, theta, &reason));
  ck_petsc(PetscMalloc1(NetworkParameters(c.network), &values));
  ck_petsc(ResidualGatherTheta(c.residual, theta, values));
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &u, NULL, &probe));
  for (double x = 0.0; x <= 1.0; x += 1.0 / 64) {
    double found;
    ck_petsc(ProbeEvaluate(probe, values, 1, &x, NULL, &found));
    worst = fmax(worst, fabs(found - exp(sin(2.0 * M_PI * x))));
  }
  ck_assert_msg(worst < 1e-9, "error %g", worst);
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(PetscFree(values));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes)
{
  static const struct {
    const char *text, *message;
  } rows[] = {
      {CASE("{ periodic = \"z\"; }"), "test.cfg:3: problem.conditions[1].periodic: 'z' is not a coordinate"},
      {CASE("{ periodic = \"x\"; on = \"x = -1\"; }"), "`on` does not go with it"},
      {CASE("{ periodic = \"x\"; residual = \"dn(u)\"; }"), "'dn(u)' uses the outward normal"},
      {CASE("{ on = \"y = 1\"; residual = \"u\"; order = 1; }"),
       "problem.conditions[1].order: goes with `periodic` alone"},
      {CASE("{ residual = \"u\"; }"), "problem.conditions[1].on: is required"},
      {CASE("{ on = \"y = 1\"; }"), "problem.conditions[1].residual: is required"},
      {"problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"u_x\"; } );\n"
       "conditions = ( { periodic = \"x\"; } ); };\ndomain: { type = \"ball\"; };\n",
       "only a box has ends that are paired, not domain.type = \"ball\""},
  };
  for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
    Case c;
    ck_petsc_fails(CaseCreate(rows[k].text, &c), PETSC_ERR_USER_INPUT, rows[k].message);
  }
}
END_TEST

TEST_SUITE("residual: rows that points share", rows_are_differences_between_the_ends,
           products_of_rows_that_points_share, order_and_residual_are_the_users, pairs_are_drawn_again,
           a_periodic_problem_is_solved, mistakes)
