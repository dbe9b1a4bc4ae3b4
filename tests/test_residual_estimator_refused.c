/* What estimators do not serve. */
#include <string.h>
#include "case_fixture.h"
#include "pinn/optimizer.h"

#define POINTS "points: { interior = { sampler = \"uniform\"; count = 5; }; }; network: { hidden = [6, 5]; };"
#define BOX    "domain: { lower = [-0.3]; upper = [0.8]; };"

#define CURVED                                                                                                         \
  "problem: { coordinates = [\"x[8]\", \"t\"]; fields = [\"u\"]; transform: { u = \"(1 - norm2(x))*net\"; };"          \
  " equations = ( { residual = \"u_t - laplacian(u) + u^3 + x[0]*u_{x[1]}\"; } );"                                     \
  " conditions = ( { on = \"t = 0\"; residual = \"u - x[0]\"; } ); };" BOX                                             \
  "points: { interior = { sampler = \"uniform\"; count = 3; }; conditions = { count = 2; }; };"                        \
  "network: { hidden = [6, 5]; };"

START_TEST(stages_that_need_rows_are_refused)
{
  const char *const stages[] = {"adam", "soap", "shampoo", "lbfgs", "gauss-newton", "spring"};
  for (int k = 0; k < 6; k++) {
    char text[2048];
    Case c;
    Optimizer optimizer;
    snprintf(text, sizeof(text),
             CURVED
             "estimator: { type = \"stde\"; directions = 3; unbiased = true; }; solver = ( { type = \"%s\"; } );",
             stages[k]);
    ck_petsc(CaseCreate(text, &c));
    Vec theta;
    double r[64];
    ck_petsc(ResidualCreateTheta(c.residual, &theta));
    ck_petsc_fails(ResidualRows(c.residual)->ops->apply(c.residual, theta, theta, r), PETSC_ERR_SUP,
                   "estimator.unbiased = true offers the loss and its gradient alone");
    ck_petsc(VecDestroy(&theta));
    if (k < 3) {
      ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
      ck_petsc(OptimizerDestroy(&optimizer));
    } else
      ck_petsc_fails(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer), PETSC_ERR_USER_INPUT,
                     "needs rows r with the loss 1/2 |r|^2, which estimator.unbiased = true does not give; adam");
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

/* A residual that is not linear in what is estimated would be another one in the mean. */
START_TEST(nonlinear_residuals_are_refused)
{
  static const char *const wrong[] = {
      "sin(laplacian(u))",        "laplacian(u)^2 + u",         "u*laplacian(u)*u_{x[0]} + laplacian(u)*laplacian(v)",
      "v + 1/(3 + laplacian(u))", "if(laplacian(u) > 0, u, v)", "abs(u_{x[1]} + laplacian(v)) + u"};
  static const char *const right[] = {"sin(u)*laplacian(u) + laplacian(v)*v_{x[0]}", "if(u > 0, laplacian(u), v^2)",
                                      "sin(u)^2 + laplacian(u) - 1", "exp(x[2])*laplacian(u)*v/(1 + u^2)"};
  static const char *const types[] = {"stde", "sdgd", "hutchinson"};
  char text[2048];
  Case c;
  for (int k = 0; k < 6 + 4; k++)
    for (int type = 0; type < 3; type++) {
      snprintf(text, sizeof(text),
               "problem: { coordinates = [\"x[8]\"]; fields = [\"u\", \"v\"]; equations = ( { residual = \"u - v\"; }, "
               "{ residual = \"%s\"; } ); };" BOX POINTS "estimator: { type = \"%s\"; directions = 2; };",
               k < 6 ? wrong[k] : right[k - 6], types[type]);
      ck_petsc(ErrorPushHandler());
      const PetscErrorCode code = CaseCreate(text, &c);
      ck_petsc(PetscPopErrorHandler());
      ck_assert_int_eq(code, k < 6 ? PETSC_ERR_USER_INPUT : PETSC_SUCCESS);
      ck_assert(k >= 6 || strstr(ErrorText(), "problem.equations[1].residual: '"));
      ck_assert(k >= 6 || strstr(ErrorText(), "estimates derivatives that this is not linear in"));
      if (k >= 6) ck_petsc(CaseDestroy(&c));
    }
  ck_petsc(CaseCreate("problem: { coordinates = [\"x[8]\"]; fields = [\"u\"]; equations = ( { residual = "
                      "\"sin(laplacian(u))\"; } ); };" BOX POINTS "estimator: { type = \"stde\"; directions = 8; };",
                      &c)); /* nothing is left out: exact */
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(what_cannot_be_sampled_is_told)
{
  Case c;
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; } ); };" BOX "estimator: { type = \"stde\"; directions = 10; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "estimator.directions = 10 is more than the 9 terms");
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; estimator: { type = \"stde\"; directions = 11; }; } ); };" BOX,
                            &c),
                 PETSC_ERR_USER_INPUT, "problem.equations[0].estimator.directions = 11 is more than the 9 terms");
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; }, { residual = \"u\"; estimator: { type = \"exact\"; }; } ); };" BOX
                            "points: { interior = { adapt = 5; }; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "points.interior.adapt: does not go with equations that have an estimator");
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"norm2(grad(u)) - 1\"; } ); };" BOX "estimator: { type = \"stde\"; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "stde has nothing to sample from");
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[3]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"d(u, x[0], 3) + d(u, x[1], 3) + d(u, x[2], 3)\"; } ); };" BOX
                            "estimator: { type = \"hutchinson\"; directions = 2; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "stde serves other sums");
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; } ); };" BOX
                            "estimator: { type = \"stde\"; directions = 4; }; network: { quadratic = \"full\"; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "network.quadratic: a quadratic form has exact derivatives");
}
END_TEST

TEST_SUITE("residual estimator refused", stages_that_need_rows_are_refused, nonlinear_residuals_are_refused,
           what_cannot_be_sampled_is_told)
