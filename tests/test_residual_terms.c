/* The gradient of each term against finite differences of its part of the loss. */
#include "case_fixture.h"

enum { TERMS = 5 };
static const double weights[TERMS] = {1.0, 2.0, 1.0, 3.0, 1.0};
static const char text[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\", \"p\"]; constants: { re = 40.0; };\n"
    "  equations = ( { residual = \"u*u_x + v*u_y + p_x - laplacian(u)/re\"; },\n"
    "                { residual = \"u*v_x + v*v_y + p_y - laplacian(v)/re\"; weight = 2.0; },\n"
    "                { residual = \"u_x + v_y\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u*v - sin(x)\"; weight = 3.0; },\n"
    "                 { on = \"x = 1\"; residual = \"dn(u) + n_x*p\"; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
    "points: { interior = { count = 150; }; conditions = { count = 37; }; heldout = 100; };\n"
    "network: { hidden = [7, 9]; };";

/* The loss of each term at theta + h v. */
static void losses(Residual residual, Vec theta, double h, Vec v, double loss[TERMS])
{
  Vec x;
  double rms[TERMS];
  ck_petsc(VecDuplicate(theta, &x));
  ck_petsc(VecWAXPY(x, h, v, theta));
  ck_petsc(ResidualStatistics(residual, x, false, rms, NULL));
  for (int t = 0; t < TERMS; t++) loss[t] = 0.5 * weights[t] * rms[t] * rms[t];
  ck_petsc(VecDestroy(&x));
}

START_TEST(gradients_of_terms_are_those_of_their_losses)
{
  const double h = 1e-5;
  Case c;
  Vec theta, v, sum, *g;
  double loss, norm;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  ck_assert_int_eq(ResidualTerms(c.residual), TERMS);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &sum));
  ck_petsc(VecDuplicateVecs(theta, TERMS, &g));
  CaseFillVec(0.6, 0.3, theta);
  ck_petsc(ResidualTermGradients(c.residual, theta, g));
  for (int trial = 0; trial < 3; trial++) {
    double ahead[TERMS], behind[TERMS], slope;
    CaseFillVec(0.6, 1.0 + trial, v);
    losses(c.residual, theta, h, v, ahead);
    losses(c.residual, theta, -h, v, behind);
    for (int t = 0; t < TERMS; t++) {
      ck_petsc(VecDot(g[t], v, &slope));
      ck_near(slope, (ahead[t] - behind[t]) / (2.0 * h), 1e-6, 1e-8);
    }
  }
  ck_petsc(rows->ops->gradient(rows->self, theta, &loss, sum));
  for (int t = 0; t < TERMS; t++) ck_petsc(VecAXPY(sum, -1.0, g[t]));
  ck_petsc(VecNorm(sum, NORM_INFINITY, &norm));
  ck_assert(norm < 1e-12);
  ck_petsc(VecDestroyVecs(TERMS, &g));
  ck_petsc(VecDestroy(&sum));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(a_linearization_can_be_forgotten)
{
  Case c;
  Vec theta;
  double loss;
  bool linearized;
  ck_petsc(CaseCreate(text, &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.3, theta);
  ResidualForgetLinearization(c.residual);
  ck_petsc(ResidualLinearized(c.residual, theta, &linearized));
  ck_assert(!linearized);
  ck_petsc(RowsLinearize(ResidualRows(c.residual), theta, NULL, &loss));
  ck_petsc(ResidualLinearized(c.residual, theta, &linearized));
  ck_assert(linearized);
  ResidualForgetLinearization(c.residual);
  ck_petsc(ResidualLinearized(c.residual, theta, &linearized));
  ck_assert(!linearized);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

TEST_SUITE("residual terms", gradients_of_terms_are_those_of_their_losses, a_linearization_can_be_forgotten)
