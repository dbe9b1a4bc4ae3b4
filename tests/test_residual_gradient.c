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

/* In many coordinates: the point of the only row does not move, its directions v of entries +-1 do. */
#define MANY(equations)                                                                                                \
  "problem: { coordinates = [\"x[9]\", \"t\"]; fields = [\"u\"]; equations = ( " equations " ); };"                    \
  "domain: { lower = [-1.0]; upper = [1.5]; }; network: { hidden = [6, 5]; };"                                         \
  "points: { interior = { sampler = \"grid\"; count = 1; }; };"
#define CURVED "u_t - laplacian(u) + sin(u) - x[0]*x[3]*exp(t)"

enum { DIM = 10 };

static Vec create_theta(const Case *c)
{
  Vec theta;
  ck_petsc(ResidualCreateTheta(c->residual, &theta));
  CaseFillVec(0.8, 0.3, theta);
  return theta;
}

/* The residual's derivatives by each coordinate, and theirs by theta: g [DIM], J [DIM][*n_param], PetscFree. */
static void derive_by_hand(double g[], double **J, size_t *n_param)
{
  char equation[128], text[1024];
  for (int i = 0; i < DIM; i++) {
    Case c;
    snprintf(equation, sizeof(equation), i < 9 ? "{ residual = \"d(%s, x[%d])\"; }" : "{ residual = \"d(%s, t)\"; }",
             CURVED, i);
    snprintf(text, sizeof(text), MANY("%s"), equation);
    ck_petsc(CaseCreate(text, &c));
    Vec theta = create_theta(&c);
    const Rows rows = ResidualRows(c.residual);
    *n_param = rows->n_param;
    if (!i) ck_petsc(PetscMalloc1(DIM * *n_param, J));
    ck_petsc(rows->ops->jacobian(rows->self, theta, 0, *n_param, &g[i], *J + (size_t)i * *n_param, *n_param));
    ck_petsc(VecDestroy(&theta));
    ck_petsc(CaseDestroy(&c));
  }
}

/* The signs with which a row is v . g. */
static int find_signs(double row, const double g[], double *distance)
{
  int best = 0;
  *distance = INFINITY;
  for (int signs = 0; signs < 1 << DIM; signs++) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) sum += (signs >> i & 1) ? g[i] : -g[i];
    if (fabs(sum - row) >= *distance) continue;
    *distance = fabs(sum - row);
    best = signs;
  }
  return best;
}

START_TEST(slopes_are_derivatives_along_random_directions)
{
  enum { DRAWS = 4000 };
  const char *text = MANY("{ name = \"heat\"; residual = \"" CURVED "\"; gradient_enhanced = 4.0; }");
  double g[DIM], *J, *own, r[2], loss, distance, mean = 0, square = 0, size = 0, fourth = 0;
  size_t n;
  bool changed;
  Case c;
  derive_by_hand(g, &J, &n);
  for (int i = 0; i < DIM; i++) size += g[i] * g[i], fourth += pow(g[i], 4);
  ck_petsc(CaseCreate(text, &c));
  ck_assert_str_eq(ResidualTermName(c.residual, 1), "heat grad");
  ck_assert(strstr(ResidualDescribe(c.residual), "heat grad: 1 random directions at as many points"));
  Vec theta = create_theta(&c);
  const Rows rows = ResidualRows(c.residual);
  ck_assert_int_eq(rows->n_row, 2);
  ck_petsc(PetscMalloc1(2 * n, &own));
  for (PetscInt k = 0; k < DRAWS; k++) {
    ck_petsc(rows->ops->update(rows->self, theta, k, &changed));
    ck_assert(changed);
    ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
    ck_near(loss, 0.5 * (r[0] * r[0] + r[1] * r[1]), 1e-14, 0);
    mean += r[1] * r[1] / 4 / DRAWS;
    square += PetscSqr(r[1] * r[1] / 4 - size) / DRAWS;
    if (k >= 20) continue;
    const int signs = find_signs(r[1] / 2, g, &distance);
    ck_assert_msg(distance <= 1e-8 * sqrt(size), "%g of %g", distance, sqrt(size));
    ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, own, n));
    for (size_t j = 0; j < n; j++) {
      double sum = 0;
      for (size_t i = 0; i < DIM; i++) sum += (signs >> i & 1) ? J[i * n + j] : -J[i * n + j];
      ck_near(own[n + j] / 2, sum, 0, 1e-7);
    }
  }
  const double variance = 2 * (size * size - fourth);
  ck_near(mean, size, 0, 4 * sqrt(variance / DRAWS));
  ck_near(square, variance, 0.15, 0);
  ck_petsc(PetscFree(own));
  ck_petsc(PetscFree(J));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* Sobol points, several of them, and an estimator: products fit the rows of J, and follow from the step alone. */
START_TEST(slopes_follow_from_the_step)
{
  enum { N = 7 };
  const char *text =
      "problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) + "
      "u^3\"; gradient_enhanced = 0.5; } ); }; domain: { upper = [1.0]; }; network: { hidden = [6, 5]; };"
      "points: { interior = { count = 7; }; }; estimator: { type = \"stde\"; directions = 3; };";
  double r[2][2 * N], *J, loss, w[2 * N], Jv[2 * N];
  bool changed;
  Case c[2];
  Vec theta, v, g;
  for (int k = 0; k < 2; k++) ck_petsc(CaseCreate(text, &c[k]));
  theta = create_theta(&c[0]);
  const Rows rows = ResidualRows(c[0].residual), again = ResidualRows(c[1].residual);
  const size_t n = rows->n_param;
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &g));
  CaseFillVec(1, 1, v);
  CaseFill(1, 2, 2 * N, w);
  ck_petsc(PetscMalloc1(2 * N * n, &J));
  for (PetscInt k = 0; k <= 3; k++) ck_petsc(rows->ops->update(rows->self, theta, k, &changed));
  ck_petsc(again->ops->update(again->self, theta, 3, &changed));
  ck_petsc(rows->ops->evaluate(rows->self, theta, r[0], &loss));
  ck_petsc(again->ops->evaluate(again->self, theta, r[1], &loss));
  ck_assert(!memcmp(r[0], r[1], sizeof(r[0])));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r[1], J, n));
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(rows->ops->apply_transpose(rows->self, theta, w, g));
  const double *direction, *gradient;
  ck_petsc(VecGetArrayRead(v, &direction));
  ck_petsc(VecGetArrayRead(g, &gradient));
  for (size_t i = 0; i < 2 * N; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += J[i * n + j] * direction[j];
    ck_near(Jv[i], sum, 1e-8, 1e-8);
  }
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < 2 * N; i++) sum += w[i] * J[i * n + j];
    ck_near(gradient[j], sum, 1e-8, 1e-8);
  }
  ck_petsc(VecRestoreArrayRead(v, &direction));
  ck_petsc(VecRestoreArrayRead(g, &gradient));
  ck_petsc(PetscFree(J));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  for (int k = 0; k < 2; k++) ck_petsc(CaseDestroy(&c[k]));
}
END_TEST

START_TEST(two_draws_are_refused)
{
  Case c;
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[9]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"laplacian(u)\"; gradient_enhanced = 1.0; } ); }; domain: { upper = [1.0]; };"
                            "estimator: { type = \"stde\"; directions = 3; unbiased = true; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "gradient_enhanced: does not go with unbiased = true of estimator");
}
END_TEST

TEST_SUITE("residual gradient", rows_are_those_of_derived_equations, orders_are_those_of_the_equations,
           slopes_are_derivatives_along_random_directions, slopes_follow_from_the_step, two_draws_are_refused)
