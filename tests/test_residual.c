/* Rows against each other and against hand-made truth: adjoints, differences, weights, points. */
#include <string.h>
#include "case_fixture.h"

#define NAVIER_STOKES                                                                                                  \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\", \"p\"]; constants: { re = 40.0; };\n"              \
  "  equations = ( { residual = \"u*u_x + v*u_y + p_x - laplacian(u)/re\"; },\n"                                       \
  "                { residual = \"u*v_x + v*v_y + p_y - laplacian(v)/re\"; weight = 2.0; },\n"                         \
  "                { residual = \"u_x + v_y\"; } );\n"                                                                 \
  "  conditions = ( { on = \"boundary\"; residual = \"u*v - sin(x)\"; weight = 3.0; },\n"                              \
  "                 { on = \"x = 1\"; residual = \"dn(u) + n_x*p\"; } ); };\n"                                         \
  "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                            \
  "points: { interior = { count = 150; }; conditions = { count = 37; }; heldout = 100; };\n"

static const char mlp[] = NAVIER_STOKES "network: { hidden = [7, 9]; };";
static const char features[] = NAVIER_STOKES "network: { type = \"random-features\"; features = 15; };";

/* Coefficients that depend on the point, with a transform; SPLIT asks for every derivative by itself beside them. */
#define VARIABLE(SPLIT)                                                                                                \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"                                                \
  "  transform: { v = \"x*y + x*(1 - x)*net\"; };\n"                                                                   \
  "  equations = ( { residual = \"u_y - div((1 + x*x)*u_x, exp(y)*u_y) + u*u_x\"; weight = 3.0; },\n"                  \
  "                { residual = \"v*(u_y - div((1 + x*x)*u_x, exp(y)*u_y)) - sin(u)\"; },\n"                           \
  "                { residual = \"y*v_xx + x*v_xy + (2 + x)*v_yy - u_x*v_y\"; }" SPLIT " );\n"                         \
  "  conditions = ( { on = \"boundary\"; residual = \"u*v - sin(x)\"; weight = 3.0; },\n"                              \
  "                 { on = \"x = 1\"; residual = \"dn(u) + n_x*v\"; } ); };\n"                                         \
  "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                            \
  "points: { interior = { count = 150; }; conditions = { count = 37; }; heldout = 100; };\n"

static const char variable[] = VARIABLE("") "network: { hidden = [7, 9]; };";
static const char split[] = VARIABLE(
    ", { residual = \"u_xx\"; }, { residual = \"u_xy\"; }, { residual = \"u_yy\"; }") "network: { hidden = [7, 9]; };";
static const char variable_features[] = VARIABLE("") "network: { type = \"random-features\"; features = 15; };";

static double dot(size_t n, const double a[], const double b[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

static void check_products(const char *text)
{
  Case c;
  Vec theta, v, g;
  double *w, *Jv, *J, *r, *r2, loss, rhs;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  ck_assert_int_eq(rows->n_row, 3 * 150 + 37 + 37);
  size_t end = 0;
  for (PetscInt k = 0; k < rows->n_parameter_block; k++) {
    const ParameterBlock *block = &rows->parameter_blocks[k];
    ck_assert_uint_eq(block->offset, end);
    end += (size_t)(block->rows * PetscMax(1, block->columns));
  }
  ck_assert_uint_eq(end, n);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &g));
  CaseFillVec(0.6, 0.0, theta);
  CaseFillVec(0.6, 1.0, v);
  ck_petsc(PetscMalloc5(m, &w, m, &Jv, m * n, &J, m, &r, m, &r2));
  for (size_t k = 0; k < m; k++) w[k] = cos(7.7 * (double)k);

  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(rows->ops->apply_transpose(rows->self, theta, w, g));
  ck_petsc(VecDot(g, v, &rhs));
  ck_near(dot(m, w, Jv), rhs, 1e-12, 1e-12);

  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  const double *values;
  ck_petsc(VecGetArrayRead(v, &values));
  for (size_t k = 0; k < m; k++) ck_near(dot(n, J + k * n, values), Jv[k], 1e-11, 1e-12);
  ck_petsc(VecRestoreArrayRead(v, &values));

  ck_petsc(rows->ops->evaluate(rows->self, theta, r2, &loss));
  for (size_t k = 0; k < m; k++) ck_near(r[k], r2[k], 1e-14, 0);
  ck_near(loss, 0.5 * dot(m, r, r), 1e-14, 0);
  ck_petsc(rows->ops->gradient(rows->self, theta, &loss, g));
  ck_petsc(VecDot(g, v, &rhs));
  ck_near(rhs, dot(m, r, Jv), 1e-12, 1e-12);

  /* the derivative itself, by a central difference of the loss along v */
  double ahead, behind;
  const double h = 1e-5;
  ck_petsc(VecAXPY(theta, h, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &ahead));
  ck_petsc(VecAXPY(theta, -2.0 * h, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &behind));
  ck_near((ahead - behind) / (2.0 * h), rhs, 1e-7, 1e-9);

  ck_petsc(PetscFree5(w, Jv, J, r, r2));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  ck_petsc(CaseDestroy(&c));
}

START_TEST(products_with_J_agree_for_a_trained_network)
{
  check_products(mlp);
}
END_TEST

START_TEST(products_with_J_agree_for_random_features)
{
  check_products(features);
}
END_TEST

START_TEST(products_with_J_agree_for_variable_coefficients)
{
  check_products(variable);
  check_products(variable_features);
}
END_TEST

START_TEST(variable_coefficients_take_one_column_and_change_no_value)
{
  const char *const texts[] = {variable, split};
  double *r[2], rms[2][8];
  for (int k = 0; k < 2; k++) {
    Case c;
    Vec theta;
    double loss;
    ck_petsc(CaseCreate(texts[k], &c));
    const Rows rows = ResidualRows(c.residual);
    ck_petsc(ResidualCreateTheta(c.residual, &theta));
    CaseFillVec(0.6, 0.0, theta);
    ck_petsc(PetscMalloc1(rows->n_row, &r[k]));
    ck_petsc(rows->ops->evaluate(rows->self, theta, r[k], &loss));
    ck_petsc(ResidualStatistics(c.residual, theta, true, rms[k], NULL));
    const char *text = ResidualDescribe(c.residual);
    const char *columns = k ? "jets 1, x, y, xx, xy, yy\n"
                            : "jets 1, x, y, (x^2 + 1)*xx+exp(y)*yy, "
                              "y*x*(-x + 1)*xx+x*x*(-x + 1)*xy+x*(-x + 1)*(x + 2)*yy\n";
    ck_assert_msg(strstr(text, columns) != NULL, "%s", text);
    ck_petsc(VecDestroy(&theta));
    ck_petsc(CaseDestroy(&c));
  }
  for (int i = 0; i < 3 * 150; i++) ck_near(r[0][i], r[1][i], 1e-12, 1e-13);
  for (int e = 0; e < 3; e++) ck_near(rms[0][e], rms[1][e], 1e-12, 0);
  for (int k = 0; k < 2; k++) ck_petsc(PetscFree(r[k]));
}
END_TEST

START_TEST(last_layer_columns_are_a_part_of_J)
{
  Case c;
  Vec theta;
  double *all, *last, *r;
  ck_petsc(CaseCreate(mlp, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t m = (size_t)rows->n_row, n = rows->n_param, begin = rows->last_begin, count = n - begin;
  ck_assert_uint_eq(count, 3 * (9 + 1));
  ck_assert(!rows->linear);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.3, theta);
  ck_petsc(PetscMalloc3(m * n, &all, m * count, &last, m, &r));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, all, n));
  ck_petsc(rows->ops->jacobian(rows->self, theta, begin, count, r, last, count));
  for (size_t k = 0; k < m; k++)
    for (size_t j = 0; j < count; j++) ck_near(last[k * count + j], all[k * n + begin + j], 1e-14, 1e-15);
  ck_petsc(PetscFree3(all, last, r));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* A transform that multiplies the network by zero leaves a residual known in closed form: x^2 has Laplacian 2. */
static const char closed[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; transform: { u = \"x^2 + y^3 + 1e-300*net\"; };\n"
    "  equations = ( { name = \"e\"; residual = \"laplacian(u) - 3\"; weight = 4.0; } );\n"
    "  conditions = ( { name = \"c\"; on = \"y = 1\"; residual = \"dn(u) - 1\"; } ); };\n"
    "domain: { lower = [0.0, 0.0]; upper = [1.0, 1.0]; };\n"
    "points: { interior = { sampler = \"gauss-legendre\"; count = [8, 8]; }; conditions = { count = 9; }; };\n";

START_TEST(weights_and_statistics_of_a_known_residual)
{
  Case c;
  Vec theta;
  double loss, rms[2], max[2], last[2];
  ck_petsc(CaseCreate(closed, &c));
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &loss));
  ck_petsc(ResidualStatistics(c.residual, theta, false, rms, max));
  ck_petsc(ResidualTermRMS(c.residual, theta, loss, last));
  ck_assert_str_eq(ResidualTermName(c.residual, 0), "e");
  ck_assert_str_eq(ResidualTermName(c.residual, 1), "c");
  ck_near(rms[1], 2.0, 1e-12, 0); /* d/dy y^3 - 1 at y = 1 */
  ck_near(max[1], 2.0, 1e-12, 0);
  ck_near(last[0], rms[0], 1e-12, 0);
  ck_near(last[1], rms[1], 1e-12, 0);
  ck_near(loss, 0.5 * (4.0 * rms[0] * rms[0] + rms[1] * rms[1]), 1e-12, 0);
  ck_assert_double_lt(max[0], 5.0); /* |6 y - 1| */
  ck_assert_double_gt(max[0], 4.5);
  ck_petsc(ResidualStatistics(c.residual, theta, true, rms, NULL));
  ck_near(rms[0], sqrt(7.0), 0.05, 0); /* mean of (6 y - 1)^2 is 7 */
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* sqrt has no value around the middle, where only the fresh points lie. */
START_TEST(nan_at_fresh_points_shows_in_their_statistics)
{
  double rms[1], max[1];
  Case c;
  Vec theta;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"];\n"
                      "  equations = ( { residual = \"u_x + sqrt(abs(x - 0.5) - 0.1)\"; } ); };\n"
                      "domain: { lower = [0.0]; upper = [1.0]; };\n"
                      "points: { interior = { sampler = \"grid\"; count = 2; }; heldout = 100; };",
                      &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(ResidualStatistics(c.residual, theta, false, rms, max));
  ck_assert(isfinite(rms[0]) && isfinite(max[0]) && max[0] > 0.0);
  ck_petsc(ResidualStatistics(c.residual, theta, true, rms, max));
  ck_assert(!isfinite(rms[0]) && max[0] == INFINITY);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(nan_is_explained_by_equation_point_and_term)
{
  Case c;
  Vec theta;
  char text[512];
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"];\n"
                      "  equations = ( { name = \"bad\"; residual = \"u_x + log(x - 0.5)\"; } ); };\n"
                      "domain: { lower = [0.0]; upper = [1.0]; };\n"
                      "points: { interior = { sampler = \"grid\"; count = 9; }; };\n",
                      &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(ResidualExplain(c.residual, theta, text, sizeof(text)));
  ck_assert_msg(strstr(text, "equation 'bad' at x = 0.1: ") == text, "%s", text);
  ck_assert_msg(strstr(text, "log(") != NULL, "%s", text);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* RAD moves points to where the residual is: here it is 1 for x > 0.9 and 0 elsewhere, so that a tenth of the domain
   has density 11 against 1 and should get 11/20 of the points. */
START_TEST(adaptive_points_follow_the_residual)
{
  Case c;
  Vec theta;
  bool changed;
  double *points;
  size_t n, right = 0;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"]; transform: { u = \"1e-300*net\"; };\n"
                      "  equations = ( { residual = \"u + step(x - 0.9)\"; } ); };\n"
                      "domain: { lower = [0.0]; upper = [1.0]; };\n"
                      "points: { interior = { count = 1000; adapt = 5; }; };\n",
                      &c));
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(rows->ops->update(rows->self, theta, 4, &changed));
  ck_assert(!changed);
  ck_petsc(rows->ops->update(rows->self, theta, 5, &changed));
  ck_assert(changed);
  ck_assert_int_eq(rows->n_row, 1000);
  ck_petsc(ResidualGetPoints(c.residual, &n, &points));
  ck_assert_uint_eq(n, 1001);
  for (size_t k = 1; k < n; k++) right += points[k] > 0.9;
  ck_assert_uint_gt(right, 450);
  ck_assert_uint_lt(right, 620);
  ck_petsc(ResidualSetPoints(c.residual, n, points));
  ck_petsc_fails(ResidualSetPoints(c.residual, n - 1, points), PETSC_ERR_USER_INPUT, "points");
  ck_petsc(PetscFree(points));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes_are_told)
{
  Case c;
  ck_petsc_fails(
      CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"]; equations = ( { residual = \"u_x\"; } );\n"
                 "  conditions = ( { on = \"x = 0.5\"; residual = \"dn(u)\"; } ); };\n"
                 "domain: { lower = [0.0]; upper = [1.0]; };",
                 &c),
      PETSC_ERR_USER_INPUT, "not a part of the boundary");
  ck_petsc_fails(
      CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"]; equations = ( { residual = \"u_x\"; } ); };\n"
                 "domain: { lower = [0.0]; upper = [1.0]; };\n"
                 "points: { interior = { count = 2000000; }; }; limits: { memory = 10.0; };",
                 &c),
      PETSC_ERR_USER_INPUT, "MB");
  ck_petsc_fails(
      CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"]; equations = ( { residual = \"u_x\"; } ); };\n"
                 "domain: { lower = [0.0]; upper = [1.0]; };\n"
                 "points: { interior = { count = 20; }; heldout = 2000000; }; limits: { memory = 10.0; };",
                 &c),
      PETSC_ERR_USER_INPUT, "points.heldout: the held-out points need about 46 MB a rank beside");
  ck_petsc_fails(
      CaseCreate("problem: { coordinates = [\"x[30]\"]; fields = [\"u\"]; equations = ( { residual = \"u\"; } ); };\n"
                 "domain: { lower = [0.0]; upper = [1.0]; };\n"
                 "points: { interior = {\n count = [4, 4]; }; };",
                 &c),
      PETSC_ERR_USER_INPUT, ":4: points.interior.count: sampler 'sobol' takes one count");
  ck_petsc_fails(
      CaseCreate("problem: { coordinates = [\"x[90]\"]; fields = [\"u\"]; equations = ( { residual = \"u\"; },\n"
                 "  { residual = \"biharmonic(sin(norm2(x))*u)\"; } ); };\n"
                 "domain: { lower = [0.0]; upper = [1.0]; };",
                 &c),
      PETSC_ERR_USER_INPUT, ":2: problem.equations[1].residual: 'biharmonic(sin(norm2(x))*u)': ");
}
END_TEST

TEST_SUITE("residual", products_with_J_agree_for_a_trained_network, products_with_J_agree_for_random_features,
           products_with_J_agree_for_variable_coefficients, variable_coefficients_take_one_column_and_change_no_value,
           last_layer_columns_are_a_part_of_J, weights_and_statistics_of_a_known_residual,
           nan_at_fresh_points_shows_in_their_statistics, nan_is_explained_by_equation_point_and_term,
           adaptive_points_follow_the_residual, mistakes_are_told)
