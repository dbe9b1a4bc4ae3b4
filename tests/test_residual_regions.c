/* Equations in regions, a field on each side, and what holds at their interface. */
#include <string.h>
#include "case_fixture.h"
#include "pinn/optimizer.h"

#define PLATE                                                                                                          \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"]; constants: { k = 5.0; };\n"                       \
  "  regions: { u = \"left\"; v = \"right\"; };\n"                                                                     \
  "  exact: { u = \"sin(2*x + y)\"; v = \"exp(x)*cos(y)\"; };\n"                                                       \
  "  equations = ( { region = \"left\"; residual = \"-div(k*grad(u)) - f\"; manufactured = \"f\"; },\n"                \
  "    { region = \"right\"; residual = \"v - laplacian(v) - g\"; manufactured = \"g\"; } );\n"                        \
  "  conditions = ( "
#define REST                                                                                                           \
  " ); };\nnetwork: { type = \"random-features\"; features = 120; activation = \"sin\"; scale = 2.5; };\n"             \
  "points: { interior = { count = 400; }; conditions = { count = 120; }; };\n"                                         \
  "solver = ( { type = \"least-squares\"; } );\n"
#define JUMPS(interface)                                                                                               \
  "{ on = \"" interface "\"; residual = \"u - v - exact_u + exact_v\"; weight = 100.0; },\n"                           \
  "  { on = \"" interface "\"; residual = \"k*dn(u) - dn(v) - k*dn(exact_u) + dn(exact_v)\"; weight = 10.0; }"

/* The largest error of both fields at points of their regions, after the case's stage. */
static double solve(const char *text)
{
  Case c;
  Vec theta;
  Optimizer optimizer;
  OptimizerReason reason;
  double *values, worst = 0.0;
  ck_petsc(CaseCreate(text, &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.0));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSolve(optimizer, theta, &reason));
  ck_petsc(PetscMalloc1(NetworkParameters(c.network), &values));
  ck_petsc(ResidualGatherTheta(c.residual, theta, values));
  for (int f = 0; f < 2; f++) {
    const FormulaNode nodes[] = {ProblemField(c.problem, f), ProblemExact(c.problem, f)};
    const PetscInt count = 200;
    const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {1, RANDOM_TEST, 0, 0}};
    double found[400];
    Region region;
    PointSet points;
    Probe probe;
    ck_petsc(RegionCreate(c.domain, "test", ProblemFieldRegion(c.problem, f), &region));
    ck_petsc(PointSetSample(PETSC_COMM_WORLD, region, &sampling, &points));
    ck_petsc(ProbeCreate(c.problem, c.network, 2, nodes, NULL, &probe));
    ck_petsc(ProbeEvaluate(probe, values, 200, points.x, NULL, found));
    for (int i = 0; i < 200; i++) worst = fmax(worst, fabs(found[i] - found[200 + i]));
    ck_petsc(ProbeDestroy(&probe));
    ck_petsc(PointSetDestroy(&points));
    ck_petsc(RegionDestroy(&region));
  }
  ck_petsc(PetscFree(values));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
  return worst;
}

START_TEST(a_disk_in_a_square)
{
  const double error =
      solve(PLATE "{ on = \"boundary\"; residual = \"v - exact_v\"; weight = 100.0; }, " JUMPS("left.surface") REST
            "domain: { type = \"box\"; lower = -1.0; upper = 1.0;\n"
            "  regions = ( { name = \"left\"; type = \"ball\"; center = [-0.3, 0.1]; radius = 0.5; },\n"
            "    { name = \"right\"; type = \"ball\"; radius = 9.0; } ); };\n");
  ck_assert_msg(error < 1e-6, "error %g", error);
}
END_TEST

START_TEST(two_groups_of_a_mesh)
{
  const double error = solve(PLATE "  { on = \"hole\"; residual = \"u - exact_u\"; weight = 100.0; },\n"
                                   "  { on = \"outer\"; residual = \"if(x < 0.5, u - exact_u, v - exact_v)\"; weight = "
                                   "100.0; },\n" JUMPS("interface") REST
                             "domain: { type = \"mesh\"; file = \"meshes/square_hole.msh\"; };\n");
  ck_assert_msg(error < 1e-6, "error %g", error);
}
END_TEST

/* Each region has a block of rows; what one misses is another's. */
START_TEST(equations_have_their_points)
{
  Case c;
  ck_petsc(CaseCreate(PLATE "{ on = \"boundary\"; residual = \"v\"; } " REST "domain: { type = \"box\";\n"
                            "  regions = ( { name = \"left\"; type = \"box\"; upper = [0.5, 1.0]; },\n"
                            "    { name = \"right\"; type = \"box\"; lower = [0.5, 0.0]; } ); };\n",
                      &c));
  ck_assert_int_eq(ProblemInteriorBlocks(c.problem), 2);
  ck_assert_str_eq(ProblemBlock(c.problem, 0)->on, "left");
  ck_assert_int_eq(ResidualRows(c.residual)->n_row, 2 * 400 + 120);
  ck_petsc(CaseDestroy(&c));
  ck_petsc_fails(
      CaseCreate(PLATE "{ on = \"boundary\"; residual = \"v\"; } " REST "domain: { type = \"box\"; };\n", &c),
      PETSC_ERR_USER_INPUT, "unknown selection 'left'");
}
END_TEST

TEST_SUITE("residual: regions", a_disk_in_a_square, two_groups_of_a_mesh, equations_have_their_points)
