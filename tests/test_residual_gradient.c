/* Rows of the residual's gradient: its terms, their derivatives by theta, and who does not see them. */
#include <string.h>
#include "case_fixture.h"

#define REST                                                                                                           \
  "domain: { lower = [0.0, 0.0]; upper = [1.0, 0.5]; }; network: { hidden = [6, 5]; };"                                \
  "points: { interior = { sampler = \"uniform\"; count = 7; }; conditions = { count = 3; }; };"

/* The same rows as those of equations that are derived by hand, the symbol of the forcing included. */
START_TEST(rows_are_those_of_derived_equations)
{
  enum { N = 7, ROWS = 5 * N + 3 };
  static const char *const texts[] = {
      "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; exact: { u = \"sin(x - t)*x\"; };"
      "  equations = ( { name = \"kdv\"; residual = \"u_t + 6*u*u_x + u_xxx - f\";"
      "    manufactured = \"f\"; gradient_enhanced = 0.25; }, { residual = \"u_xx - exp(x*t)\"; weight = 3.0; } );"
      "  conditions = ( { on = \"t = 0\"; residual = \"u\"; } ); };" REST,
      "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];"
      "  define: { e = \"sin(x - t)*x\"; f = \"d(e,t) + 6*e*d(e,x) + d(e,x,3)\"; };"
      "  equations = ( { residual = \"u_t + 6*u*u_x + u_xxx - f\"; }, { residual = \"u_xx - exp(x*t)\"; weight = 3.0; "
      "},"
      "    { residual = \"u_xt + 6*u_x^2 + 6*u*u_xx + u_xxxx - d(f, x)\"; weight = 0.25; },"
      "    { residual = \"u_tt + 6*u_t*u_x + 6*u*u_xt + u_xxxt - d(f, t)\"; weight = 0.25; } );"
      "  conditions = ( { on = \"t = 0\"; residual = \"u\"; } ); };" REST};
  static const char *const names[] = {"kdv", "equation 2", "kdv dx", "kdv dt", "t = 0"};
  double r[2][ROWS], loss[2];
  Vec theta, g[2];
  for (int k = 0; k < 2; k++) {
    Case c;
    ck_petsc(CaseCreate(texts[k], &c));
    const Rows rows = ResidualRows(c.residual);
    ck_assert_int_eq(ResidualTerms(c.residual), 5);
    for (int e = 0; e < 5 && !k; e++) ck_assert_str_eq(ResidualTermName(c.residual, e), names[e]);
    ck_assert_int_eq(rows->n_row, 4 * N + 3);
    ck_petsc(ResidualCreateTheta(c.residual, &theta));
    ck_petsc(VecDuplicate(theta, &g[k]));
    CaseFillVec(0.8, 0.3, theta);
    ck_petsc(rows->ops->evaluate(rows->self, theta, r[k], &loss[k]));
    ck_petsc(rows->ops->gradient(rows->self, theta, &loss[k], g[k]));
    ck_petsc(VecDestroy(&theta));
    ck_petsc(CaseDestroy(&c));
  }
  for (int i = 0; i < 4 * N + 3; i++) ck_near(r[0][i], r[1][i], 1e-11, 1e-12);
  ck_near(loss[0], loss[1], 1e-12, 0);
  double size, difference;
  ck_petsc(VecNorm(g[0], NORM_2, &size));
  ck_petsc(VecAXPY(g[1], -1, g[0]));
  ck_petsc(VecNorm(g[1], NORM_2, &difference));
  ck_assert(difference <= 1e-12 * size);
  for (int k = 0; k < 2; k++) ck_petsc(VecDestroy(&g[k]));
}
END_TEST

/* Periodic conditions and jumps between slabs ask for the orders of the equations, not of their gradients. */
START_TEST(orders_are_those_of_the_equations)
{
  Case c;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; equations = ( { residual = "
                      "\"u_t - u_xx\"; gradient_enhanced = 1.0; } ); conditions = ( { periodic = \"x\"; } ); };" REST,
                      &c));
  ck_assert_int_eq(ResidualTerms(c.residual), 3 + 2);
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(too_many_coordinates_are_refused)
{
  Case c;
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; gradient_enhanced = 1.0; } ); };"
                            "domain: { upper = [1.0]; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "gradient_enhanced: there is a row for each coordinate, of which 9");
}
END_TEST

TEST_SUITE("residual gradient", rows_are_those_of_derived_equations, orders_are_those_of_the_equations,
           too_many_coordinates_are_refused)
