/* Sampled terms: averaged over the draws in which every term is there equally often, rows that are linear in the
   operator, J, J v and J^T w are those of exact derivatives; each draw is consistent in itself. */
#include <string.h>
#include "case_fixture.h"

typedef struct {
  Case c;
  Rows rows;
  Vec theta, v, g;
  double *w;
  double *r, *J, *Jv, *stored, *g_values, *diagonal; /* sums over draws */
} Products;

static Products create(const char *text, const char *estimator)
{
  char whole[8192];
  Products p = {0};
  snprintf(whole, sizeof(whole), "%s estimator: { %s };", text, estimator);
  ck_petsc(CaseCreate(whole, &p.c));
  p.rows = ResidualRows(p.c.residual);
  const size_t n_row = (size_t)p.rows->n_row, n = p.rows->n_param;
  ck_petsc(ResidualCreateTheta(p.c.residual, &p.theta));
  ck_petsc(VecDuplicate(p.theta, &p.v));
  ck_petsc(VecDuplicate(p.theta, &p.g));
  ck_petsc(PetscCalloc5(n_row, &p.r, n_row * n, &p.J, n_row, &p.Jv, n_row, &p.stored, n, &p.g_values));
  ck_petsc(PetscMalloc1(n_row, &p.w));
  CaseFillVec(0.3, 0.3, p.theta);
  CaseFillVec(1, 1, p.v);
  CaseFill(1, 2, n_row, p.w);
  return p;
}

static void destroy(Products *p)
{
  ck_petsc(VecDestroy(&p->theta));
  ck_petsc(VecDestroy(&p->v));
  ck_petsc(VecDestroy(&p->g));
  ck_petsc(PetscFree5(p->r, p->J, p->Jv, p->stored, p->g_values));
  ck_petsc(PetscFree(p->w));
  ck_petsc(CaseDestroy(&p->c));
}

static void expect_same(const char *what, size_t n, const double *a, const double *b)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(a[i]));
  ck_assert(largest > 0);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= 1e-11 * largest, "%s %zu: %.17g, but %.17g of at most %g", what, i, a[i], b[i],
                  largest);
}

static void add(size_t n, double scale, const double *x, double *y)
{
  for (size_t k = 0; k < n; k++) y[k] += scale * x[k];
}

/* Adds `scale` times everything of step k; products must fit the rows of J. */
static void add_step(Products *p, PetscInt k, double scale)
{
  const RowsOps *ops = p->rows->ops;
  const size_t n_row = (size_t)p->rows->n_row, n = p->rows->n_param;
  double *r, *J, *Jv, *stored, *expected, loss;
  const double *g, *v;
  bool changed;
  ck_petsc(PetscMalloc5(n_row, &r, n_row * n, &J, n_row, &Jv, n_row, &stored, PetscMax(n, n_row), &expected));
  ck_petsc(ops->update(p->rows->self, p->theta, k, &changed));
  ck_petsc(ops->jacobian(p->rows->self, p->theta, 0, n, r, J, n));
  ck_petsc(ops->apply(p->rows->self, p->theta, p->v, Jv));
  ck_petsc(ops->apply_transpose(p->rows->self, p->theta, p->w, p->g));
  ck_petsc(ops->linearize(p->rows->self, p->theta, NULL, &loss));
  ck_petsc(ops->apply(p->rows->self, p->theta, p->v, stored));
  ck_petsc(VecGetArrayRead(p->g, &g));
  ck_petsc(VecGetArrayRead(p->v, &v));
  memset(expected, 0, n * sizeof(double));
  for (size_t i = 0; i < n_row; i++) add(n, p->w[i], J + i * n, expected);
  expect_same("J^T w", n, expected, g);
  for (size_t i = 0; i < n_row; i++) {
    expected[i] = 0;
    for (size_t j = 0; j < n; j++) expected[i] += J[i * n + j] * v[j];
  }
  expect_same("J v", n_row, expected, Jv);
  expect_same("stored J v", n_row, expected, stored);
  add(n_row, scale, r, p->r);
  add(n_row * n, scale, J, p->J);
  add(n_row, scale, Jv, p->Jv);
  add(n, scale, g, p->g_values);
  ck_petsc(VecRestoreArrayRead(p->g, &g));
  ck_petsc(VecRestoreArrayRead(p->v, &v));
  ck_petsc(PetscFree5(r, J, Jv, stored, expected));
}

/* The mean over steps [0, n_step) against exact derivatives. `described` is said of the interior. */
static void compare(const char *text, const char *estimator, int n_step, const char *described)
{
  Products exact = create(text, "type = \"exact\";"), sampled = create(text, estimator);
  const size_t n_row = (size_t)exact.rows->n_row, n = exact.rows->n_param;
  ck_assert_msg(strstr(ResidualDescribe(sampled.c.residual), described) != NULL, "%s",
                ResidualDescribe(sampled.c.residual));
  add_step(&exact, 0, 1.0);
  for (int k = 0; k < n_step; k++) add_step(&sampled, k, 1.0 / n_step);
  expect_same("row", n_row, exact.r, sampled.r);
  expect_same("J v", n_row, exact.Jv, sampled.Jv);
  expect_same("J^T w", n, exact.g_values, sampled.g_values);
  for (size_t i = 0; i < n_row; i++) expect_same("J", n, exact.J + i * n, sampled.J + i * n);
  destroy(&exact);
  destroy(&sampled);
}

#define POINTS "points: { interior = { sampler = \"uniform\"; count = 5; }; }; network: { hidden = [6, 5]; };"
#define BOX    "domain: { lower = [-0.3]; upper = [0.8]; };"

START_TEST(laplacian)
{
  const char *text = "problem: { coordinates = [\"x[24]\"]; fields = [\"u\"];"
                     " equations = ( { residual = \"laplacian(u) + sin(u) + u*u_{x[3]}\"; } ); };" BOX POINTS;
  compare(text, "type = \"stde\"; directions = 4;", 6, "7 columns; stde: 4 of 24 second derivatives");
  compare(text, "type = \"stde\"; directions = 1;", 24, "stde: 1 of 24 second derivatives");
  compare(text, "type = \"stde\"; directions = 24;", 1, "stde: 24 of 24 second derivatives");
}
END_TEST

START_TEST(affine_parts_and_shared_inputs)
{
  const char *text = "problem: { coordinates = [\"x[24]\"]; fields = [\"u\", \"v\"];"
                     " equations = ( { residual = \"laplacian(u)*v + sin(u)\"; } ); };" BOX
                     "points: { interior = { sampler = \"uniform\"; count = 5; }; };"
                     "network: { hidden = [6, 5]; affine = true; block = 3; };";
  compare(text, "type = \"stde\"; directions = 4;", 6, "4 of 24 second derivatives");
}
END_TEST

START_TEST(hard_constraint_and_drift_stay_exact)
{
  compare("problem: { coordinates = [\"x[12]\", \"t\"]; fields = [\"u\"]; transform: { u = \"t*(1 - norm2(x))*net\"; };"
          "  equations = ( { residual = \"u_t - laplacian(u) - dot(x, grad(u)) + sin(u)\"; } ); };" BOX POINTS,
          "type = \"stde\"; directions = 3;", 4, "5 columns; stde: 3 of 12 second derivatives");
}
END_TEST

/* sum_i weight_i d_i^order u over `n` coordinates, with the equation's rest. */
static const char *diagonal_case(int n, int order, bool weighted, const char *rest)
{
  static char text[4096];
  size_t used = (size_t)snprintf(text, sizeof(text),
                                 "problem: { coordinates = [\"x[%d]\"]; fields = [\"u\", \"v\"];"
                                 " equations = ( { residual = \"",
                                 n);
  for (int i = 0; i < n; i++)
    used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%g*d(u, x[%d], %d)", i ? " + " : "",
                             weighted ? 0.5 + 0.25 * i : 1.0, i, order);
  snprintf(text + used, sizeof(text) - used, "%s\"; } ); };" BOX POINTS, rest);
  return text;
}

START_TEST(weighted_sums_and_higher_orders)
{
  compare(diagonal_case(12, 2, true, ""), "type = \"stde\"; directions = 4;", 3, "4 of 12 second derivatives");
  compare(diagonal_case(8, 3, true, " + u"), "type = \"stde\"; directions = 2;", 4, "2 of 8 third derivatives");
  compare(diagonal_case(8, 4, false, ""), "type = \"stde\"; directions = 4;", 2, "4 of 8 fourth derivatives");
}
END_TEST

START_TEST(operators_of_the_same_terms_share_slots)
{
  compare(
      "problem: { coordinates = [\"x[8]\"]; fields = [\"u\", \"v\"]; equations = ( { residual = \"laplacian(u) + v\";"
      " }, { residual = \"x[1]*laplacian(v) - 2*laplacian(u)\"; } ); };" BOX POINTS,
      "type = \"stde\"; directions = 2;", 4, "jets 4 columns; stde: 2 of 8 second derivatives");
}
END_TEST

START_TEST(signs_and_shapes_are_drawn_apart)
{
  compare("problem: { coordinates = [\"x[4]\", \"y[6]\"]; fields = [\"u\"]; equations = ( { residual = "
          "\"laplacian(u, x) - 2*laplacian(u, y)\"; } ); };" BOX POINTS,
          "type = \"stde\"; directions = 2;", 6, "stde: 2 of 6 second derivatives, 2 of 4 second derivatives");
  compare(
      "problem: { coordinates = [\"x[8]\"]; fields = [\"u\"]; equations = ( { residual = \"biharmonic(u)\"; } ); };" BOX
          POINTS,
      "type = \"stde\"; directions = 4;", 14, "4 of 28 mixed fourth derivatives, 4 of 8 fourth derivatives");
  compare("problem: { coordinates = [\"x[4]\", \"t\"]; fields = [\"u\"]; equations = ( { residual = "
          "\"d(laplacian(u), t) + u_{x[0]x[1]} + u_{x[0]x[2]} - 3*u_{x[1]x[3]}\"; } ); };" BOX POINTS,
          "type = \"stde\"; directions = 2;", 2, "2 of 4 third derivatives");
}
END_TEST

/* Factors of sampled terms alone are evaluated; among them constants, and the same function twice. */
START_TEST(coefficients_that_depend_on_the_point)
{
  const char *text = "problem: { coordinates = [\"x[6]\"]; fields = [\"u\"]; equations = ( { residual = \""
                     "(1 + x[0]^2)*u_{x[0]x[0]} + exp(x[2])*u_{x[1]x[1]} + 3*u_{x[2]x[2]} + sin(x[1])*u_{x[3]x[3]} + "
                     "exp(x[2])*u_{x[4]x[4]} + 0.5*u_{x[5]x[5]} + x[1]*u_{x[2]} + x[0]*u_{x[0]x[1]} + "
                     "x[3]*u_{x[2]x[4]} + x[5]*x[2]*u\"; } ); };" BOX POINTS;
  compare(text, "type = \"stde\"; directions = 2;", 3, "2 of 6 second derivatives");
  compare(text, "type = \"stde\"; directions = 1;", 6, "1 of 6 second derivatives");
}
END_TEST

/* Mixed second derivatives with a root, beside another operator: columns and terms are drawn. */
START_TEST(columns_of_a_root)
{
  const char *text =
      "problem: { coordinates = [\"x[4]\"]; fields = [\"u\", \"v\"]; equations = ( { residual = \"4*d(u, x[0], "
      "2) + 4*d(u, x[0], 1, x[1], 1) + 5*d(u, x[1], 2) + d(u, x[2], 2) + 2*d(u, x[3], 2) + u_{x[2]} + "
      "v*laplacian(v)\"; } ); };" BOX POINTS;
  compare(text, "type = \"stde\"; directions = 2;", 2, "2 of 4 columns of a root of the coefficients");
  compare(text, "type = \"stde\"; directions = 2;", 2, "2 of 4 second derivatives");
  compare(text, "type = \"stde\"; directions = 4;", 1, "4 of 4 columns of a root of the coefficients");
}
END_TEST

START_TEST(draws_follow_from_the_step_alone)
{
  const char *text = "problem: { coordinates = [\"x[50]\"]; fields = [\"u\"]; equations = ( { residual = "
                     "\"laplacian(u)\"; } ); };" BOX POINTS;
  Products a = create(text, "type = \"stde\";"), b = create(text, "type = \"stde\";");
  double first[5], again[5], loss;
  bool changed;
  for (int k = 0; k <= 7; k++) ck_petsc(a.rows->ops->update(a.rows->self, a.theta, k, &changed));
  ck_petsc(a.rows->ops->evaluate(a.rows->self, a.theta, first, &loss));
  ck_petsc(b.rows->ops->update(b.rows->self, b.theta, 7, &changed));
  ck_petsc(b.rows->ops->evaluate(b.rows->self, b.theta, again, &loss));
  ck_assert(changed && !memcmp(first, again, sizeof(first)));
  ck_petsc(b.rows->ops->update(b.rows->self, b.theta, 8, &changed));
  ck_petsc(b.rows->ops->evaluate(b.rows->self, b.theta, again, &loss));
  for (int i = 0; i < 5; i++) ck_assert(first[i] != again[i]);
  destroy(&a);
  destroy(&b);
}
END_TEST

/* Rows of a step against those of single terms: mean and variance over 2,000 permutations as drawing m of K without
   replacement gives them. */
START_TEST(mean_and_variance_are_those_without_replacement)
{
  enum { K = 12, M = 3, N = 5, DRAWS = 8000 };
  const char *text = diagonal_case(K, 2, true, " + v");
  Products all = create(text, "type = \"exact\";"), single = create(text, "type = \"stde\"; directions = 1;");
  Products drawn = create(text, "type = \"stde\"; directions = 3;");
  double exact[N], one[N], square[N] = {0}, mean[N] = {0}, variance[N] = {0}, loss;
  bool changed;
  ck_petsc(all.rows->ops->evaluate(all.rows->self, all.theta, exact, &loss));
  for (int k = 0; k < K; k++) { /* K terms + rest: each is K c_k d_k^2 u + rest */
    ck_petsc(single.rows->ops->update(single.rows->self, single.theta, k, &changed));
    ck_petsc(single.rows->ops->evaluate(single.rows->self, single.theta, one, &loss));
    for (int i = 0; i < N; i++) square[i] += (one[i] - exact[i]) * (one[i] - exact[i]) / (K - 1);
  }
  for (int k = 0; k < DRAWS; k++) { /* one a permutation: those are independent */
    ck_petsc(drawn.rows->ops->update(drawn.rows->self, drawn.theta, k * (K / M), &changed));
    ck_petsc(drawn.rows->ops->evaluate(drawn.rows->self, drawn.theta, one, &loss));
    for (int i = 0; i < N; i++) {
      mean[i] += (one[i] - exact[i]) / DRAWS;
      variance[i] += (one[i] - exact[i]) * (one[i] - exact[i]) / DRAWS;
    }
  }
  for (int i = 0; i < N; i++) {
    const double expected = square[i] / M * (1.0 - (double)M / K);
    ck_near(variance[i], expected, 0.08, 0); /* five standard errors of a normal variate's */
    ck_near(mean[i], 0, 0, 4 * sqrt(expected / DRAWS));
  }
  destroy(&all);
  destroy(&single);
  destroy(&drawn);
}
END_TEST

/* With directions, averages are only close: mean and variance against closed forms. For S = tr H of the diagonal scaled
   by c, H = C^(1/2) Hess C^(1/2) at the point: variance 2 (sum of H_ij^2, i != j) / m for entries +-1, 2 |H|_F^2 / m
   for normal ones. The Hessian comes from exact mixed derivatives. */
START_TEST(directions_have_the_variance_of_the_trace)
{
  enum { D = 6, N = 5, DRAWS = 6000, M = 3 };
  const char *text =
      "problem: { coordinates = [\"x[6]\"]; fields = [\"u\"]; equations = ( { residual = \"%s\"; } ); };" BOX POINTS;
  char whole[4096];
  double H[N][D][D], loss, exact[N], one[N];
  bool changed;
  for (int i = 0; i < D; i++)
    for (int j = 0; j < D; j++) {
      char term[64];
      double r[N];
      snprintf(term, sizeof(term), "d(u, x[%d], 1, x[%d], 1)", i, j);
      snprintf(whole, sizeof(whole), text, term);
      Products p = create(whole, "type = \"exact\";");
      ck_petsc(p.rows->ops->evaluate(p.rows->self, p.theta, r, &loss));
      for (int k = 0; k < N; k++) H[k][i][j] = r[k] * sqrt((1 + 0.5 * i) * (1 + 0.5 * j));
      destroy(&p);
    }
  snprintf(whole, sizeof(whole), text,
           "d(u, x[0], 2) + 1.5*d(u, x[1], 2) + 2*d(u, x[2], 2) + 2.5*d(u, x[3], 2) + 3*d(u, x[4], 2) + "
           "3.5*d(u, x[5], 2) + u^2");
  for (int law = 0; law < 2; law++) {
    double mean[N] = {0}, variance[N] = {0};
    Products p = create(whole, law ? "type = \"hutchinson\"; directions = 3; distribution = \"gaussian\";"
                                   : "type = \"hutchinson\"; directions = 3;");
    Products all = create(whole, "type = \"exact\";");
    ck_petsc(all.rows->ops->evaluate(all.rows->self, all.theta, exact, &loss));
    for (int k = 0; k < DRAWS; k++) {
      ck_petsc(p.rows->ops->update(p.rows->self, p.theta, k, &changed));
      ck_petsc(p.rows->ops->evaluate(p.rows->self, p.theta, one, &loss));
      for (int i = 0; i < N; i++) {
        mean[i] += (one[i] - exact[i]) / DRAWS;
        variance[i] += (one[i] - exact[i]) * (one[i] - exact[i]) / DRAWS;
      }
    }
    for (int k = 0; k < N; k++) {
      double expected = 0;
      for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
          if (law || i != j) expected += 2 * H[k][i][j] * H[k][i][j] / M;
      ck_near(variance[k], expected, 0.1, 0);
      ck_near(mean[k], 0, 0, 4 * sqrt(expected / DRAWS));
    }
    add_step(&p, 7, 1.0); /* products fit the rows of J */
    destroy(&p);
    destroy(&all);
  }
}
END_TEST

/* Mean over draws of rows that are linear in the operator, within standard errors; products fit the rows of J. */
static void compare_directions(const char *residual, const char *network, const char *described)
{
  enum { N = 5, DRAWS = 4000 };
  char text[4096];
  double exact[N], one[N], mean[N] = {0}, square[N] = {0}, loss;
  bool changed;
  snprintf(
      text, sizeof(text),
      "problem: { coordinates = [\"x[6]\"]; fields = [\"u\", \"v\"]; equations = ( { residual = \"%s\"; } ); };" BOX
      "points: { interior = { sampler = \"uniform\"; count = 5; }; }; network: { hidden = [6, 5]; %s };",
      residual, network);
  Products all = create(text, "type = \"exact\";"), p = create(text, "type = \"hutchinson\"; directions = 3;");
  ck_assert_msg(strstr(ResidualDescribe(p.c.residual), described), "%s", ResidualDescribe(p.c.residual));
  ck_petsc(all.rows->ops->evaluate(all.rows->self, all.theta, exact, &loss));
  for (int k = 0; k < DRAWS; k++) {
    ck_petsc(p.rows->ops->update(p.rows->self, p.theta, k, &changed));
    ck_petsc(p.rows->ops->evaluate(p.rows->self, p.theta, one, &loss));
    for (int i = 0; i < N; i++) {
      mean[i] += (one[i] - exact[i]) / DRAWS;
      square[i] += (one[i] - exact[i]) * (one[i] - exact[i]) / DRAWS;
    }
  }
  for (int i = 0; i < N; i++) {
    ck_assert(square[i] > 0 && square[i] < exact[i] * exact[i]); /* so that a wrong factor would be seen */
    ck_near(mean[i], 0, 0, 4 * sqrt(square[i] / DRAWS));
  }
  for (int k = 0; k < 3; k++) add_step(&p, 7 + k, 1.0);
  destroy(&all);
  destroy(&p);
}

START_TEST(directions_serve_all_second_derivatives)
{
  static const char constant[] = "4*d(u, x[0], 2) + 4*d(u, x[0], 1, x[1], 1) + 5*d(u, x[1], 2) + 2*d(u, x[2], 2) + "
                                 "u_{x[4]} + 10*(1 + u^2)";
  static const char varying[] =
      "exp(x[3])*d(u, x[0], 2) + (2 + x[0])*d(u, x[0], 1, x[1], 1) + x[2]*d(u, x[1], 2) + x[5]*u_{x[0]} + "
      "(x[1] - 1)*d(u, x[1], 1, x[2], 1) - 3*d(u, x[4], 2) + 10*(1 + v^2)";
  static const char *const networks[] = {"", "affine = true;", "affine = true; block = 3;"};
  for (int k = 0; k < 3; k++) {
    compare_directions(constant, networks[k], "3 directions for 3 dimensions, by a root of the coefficients");
    compare_directions(varying, networks[k], "3 directions for 4 dimensions, in pairs");
  }
}
END_TEST

START_TEST(normal_directions_give_the_biharmonic)
{
  enum { N = 5, DRAWS = 20000 };
  const char *text = "problem: { coordinates = [\"x[4]\", \"t\"]; fields = [\"u\"]; equations = ( { residual = "
                     "\"d(biharmonic(u), t) - 3*laplacian(u) + u_t\"; } ); };" BOX POINTS;
  double exact[N], one[N], mean[N] = {0}, square[N] = {0}, loss;
  bool changed;
  Case c;
  Products all = create(text, "type = \"exact\";");
  Products p = create(text, "type = \"hutchinson\"; directions = 4; distribution = \"gaussian\";");
  ck_petsc(all.rows->ops->evaluate(all.rows->self, all.theta, exact, &loss));
  for (int k = 0; k < DRAWS; k++) {
    ck_petsc(p.rows->ops->update(p.rows->self, p.theta, k, &changed));
    ck_petsc(p.rows->ops->evaluate(p.rows->self, p.theta, one, &loss));
    for (int i = 0; i < N; i++) {
      mean[i] += (one[i] - exact[i]) / DRAWS;
      square[i] += (one[i] - exact[i]) * (one[i] - exact[i]) / DRAWS;
    }
  }
  for (int i = 0; i < N; i++) {
    ck_near(mean[i], 0, 0, 4 * sqrt(square[i] / DRAWS));
    ck_assert(sqrt(square[i] / DRAWS) < 0.02 * fabs(exact[i])); /* so that a wrong factor would be seen */
  }
  add_step(&p, 7, 1.0);
  destroy(&all);
  destroy(&p);
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x[20]\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"biharmonic(u)\"; } ); };" BOX "estimator: { type = \"hutchinson\"; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "'rademacher' serves second derivatives");
}
END_TEST

/* Loss and gradient at a step; g [n_param]. */
static double gradient_at(Products *p, PetscInt k, double *g)
{
  const double *values;
  double loss, again;
  bool changed;
  ck_petsc(p->rows->ops->update(p->rows->self, p->theta, k, &changed));
  ck_petsc(p->rows->ops->evaluate(p->rows->self, p->theta, NULL, &again));
  ck_petsc(p->rows->ops->gradient(p->rows->self, p->theta, &loss, p->g));
  ck_near(again, loss, 1e-14, 0);
  ck_petsc(VecGetArrayRead(p->g, &values));
  memcpy(g, values, p->rows->n_param * sizeof(double));
  ck_petsc(VecRestoreArrayRead(p->g, &values));
  return loss;
}

#define CURVED                                                                                                         \
  "problem: { coordinates = [\"x[8]\", \"t\"]; fields = [\"u\"]; transform: { u = \"(1 - norm2(x))*net\"; };"          \
  " equations = ( { residual = \"u_t - laplacian(u) + u^3 + x[0]*u_{x[1]}\"; } );"                                     \
  " conditions = ( { on = \"t = 0\"; residual = \"u - x[0]\"; } ); };" BOX                                             \
  "points: { interior = { sampler = \"uniform\"; count = 3; }; conditions = { count = 2; }; };"                        \
  "network: { hidden = [6, 5]; };"

START_TEST(one_sweep_a_dimension_gives_the_same_numbers)
{
  for (int unbiased = 0; unbiased < 2; unbiased++) {
    char settings[2][128];
    for (int k = 0; k < 2; k++)
      snprintf(settings[k], sizeof(settings[k]), "type = \"%s\"; directions = 3; unbiased = %s;", k ? "sdgd" : "stde",
               unbiased ? "true" : "false");
    Products stde = create(CURVED, settings[0]), sdgd = create(CURVED, settings[1]);
    const size_t n = stde.rows->n_param;
    double *g[2], r[2][5], loss;
    ck_petsc(PetscMalloc2(n, &g[0], n, &g[1]));
    ck_assert(strstr(ResidualDescribe(sdgd.c.residual), "sdgd: 3 of 8 second derivatives") != NULL);
    for (PetscInt k = 0; k < 5; k++) {
      ck_near(gradient_at(&stde, k, g[0]), gradient_at(&sdgd, k, g[1]), 1e-12, 0);
      expect_same("gradient", n, g[0], g[1]);
      ck_petsc(stde.rows->ops->evaluate(stde.rows->self, stde.theta, r[0], &loss));
      ck_petsc(sdgd.rows->ops->evaluate(sdgd.rows->self, sdgd.theta, r[1], &loss));
      expect_same("row", 5, r[0], r[1]);
    }
    ck_petsc(PetscFree2(g[0], g[1]));
    destroy(&stde);
    destroy(&sdgd);
  }
}
END_TEST

/* Mean of loss and of some components of the gradient over independent draws, less the exact ones, in standard errors
   of the mean: the largest. */
static double deviation(const char *estimator)
{
  enum { DRAWS = 10000, STRIDE = 4, TESTED = 7 };
  const char *text = "problem: { coordinates = [\"x[8]\"]; fields = [\"u\"]; equations = ( { residual = "
                     "\"laplacian(u) + u^3 - 1\"; } ); };" BOX POINTS;
  Products exact = create(text, "type = \"exact\";"), drawn = create(text, estimator);
  const size_t n = exact.rows->n_param;
  double *g, *truth, mean[TESTED + 1] = {0}, square[TESTED + 1] = {0}, largest = 0;
  ck_petsc(PetscMalloc2(n, &g, n, &truth));
  ck_petsc(VecScale(exact.theta, 4));
  ck_petsc(VecScale(drawn.theta, 4));
  const double loss = gradient_at(&exact, 0, truth);
  for (PetscInt k = 0; k < DRAWS; k++) {
    const double of_draw = gradient_at(&drawn, k * STRIDE, g); /* one a permutation of 8 terms, 2 at a time */
    for (int j = 0; j <= TESTED; j++) {
      const size_t at = (size_t)j * (n - 1) / TESTED;
      const double difference = j < TESTED ? g[at] - truth[at] : of_draw - loss;
      mean[j] += difference / DRAWS;
      square[j] += difference * difference / DRAWS;
    }
  }
  for (int j = 0; j <= TESTED; j++)
    largest = fmax(largest, fabs(mean[j]) / sqrt((square[j] - mean[j] * mean[j]) / DRAWS));
  ck_petsc(PetscFree2(g, truth));
  destroy(&exact);
  destroy(&drawn);
  return largest;
}

START_TEST(two_draws_are_unbiased_and_one_is_not)
{
  const double both = deviation("type = \"stde\"; directions = 2; unbiased = true;");
  const double one = deviation("type = \"stde\"; directions = 2;");
  ck_assert_msg(both < 3, "%g standard errors", both);
  ck_assert_msg(one > 10, "%g standard errors", one);
}
END_TEST

START_TEST(reports_are_exact)
{
  Products exact = create(CURVED, "type = \"exact\";"), drawn = create(CURVED, "type = \"stde\"; directions = 3;");
  double rms[2][2], max[2][2], heldout[2];
  for (int fresh = 0; fresh < 2; fresh++) {
    ck_petsc(ResidualStatistics(exact.c.residual, exact.theta, fresh, rms[0], max[0]));
    ck_petsc(ResidualStatistics(drawn.c.residual, drawn.theta, fresh, rms[1], max[1]));
    expect_same("RMS", 2, rms[0], rms[1]);
    expect_same("maximum", 2, max[0], max[1]);
  }
  ck_petsc(exact.rows->ops->heldout(exact.rows->self, exact.theta, &heldout[0]));
  ck_petsc(drawn.rows->ops->heldout(drawn.rows->self, drawn.theta, &heldout[1]));
  ck_near(heldout[0], heldout[1], 1e-12, 0);
  destroy(&exact);
  destroy(&drawn);
}
END_TEST

/* Exact derivatives that reports alone need are left out where they would take more than a share of the memory. */
START_TEST(reports_are_estimated_where_memory_is_short)
{
  const char *text =
      "problem: { coordinates = [\"x[30]\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) + "
      "u^3\"; } ); conditions = ( { on = \"boundary\"; residual = \"u\"; } ); };" BOX
      "points: { interior = { count = 3; }; conditions = { count = 2; }; heldout = 5; };"
      "network: { hidden = [40, 40]; };";
  char limited[2048];
  Products drawn = create(text, "type = \"stde\"; directions = 9;");
  snprintf(limited, sizeof(limited), "%s limits: { memory = %g; };", text, 0.8 * ResidualMemoryMB(drawn.c.residual));
  Products poor = create(limited, "type = \"stde\"; directions = 9;");
  ck_assert(!ResidualTermEstimated(drawn.c.residual, 0) && !ResidualTermEstimated(drawn.c.residual, 1));
  ck_assert(ResidualTermEstimated(poor.c.residual, 0) && !ResidualTermEstimated(poor.c.residual, 1));
  destroy(&drawn);
  destroy(&poor);
}
END_TEST

/* Equations with derivatives of their own stand at the same points, and each is what its estimator makes it alone. */
START_TEST(equations_choose_their_own)
{
  const char *format =
      "problem: { coordinates = [\"x[8]\"]; fields = [\"u\"]; equations = ( %s ); conditions = ( { on = "
      "\"x[0] = -0.3\"; residual = \"u + laplacian(u)\"; %s } ); };" BOX
      "points: { interior = { sampler = \"uniform\"; count = 5; }; conditions = { count = 4; }; };"
      "network: { hidden = [6, 5]; };";
  const char *a = "{ residual = \"sin(laplacian(u))\"; %s }",
             *b = "{ name = \"b\"; residual = \"laplacian(u) - u^3\"; %s }";
  const char *own = "estimator: { type = \"stde\"; directions = 2; unbiased = false; };";
  char equations[1024], first[256], second[256], text[4096];
  double exact[14], both[14], loss;
  bool changed;
  snprintf(first, sizeof(first), a, "");
  snprintf(second, sizeof(second), b, "");
  snprintf(equations, sizeof(equations), "%s, %s", first, second);
  snprintf(text, sizeof(text), format, equations, "");
  Products all = create(text, "type = \"exact\";");
  snprintf(second, sizeof(second), b, own);
  snprintf(equations, sizeof(equations), "%s, %s", second, first);
  snprintf(text, sizeof(text), format, equations, own);
  Products mixed = create(text, "type = \"auto\";");
  ck_assert_int_eq(mixed.rows->n_row, 14);
  ck_assert_str_eq(ResidualTermName(mixed.c.residual, 0), "equation 2");
  ck_assert_str_eq(ResidualTermName(mixed.c.residual, 1), "b");
  const char *described = ResidualDescribe(mixed.c.residual);
  const char *of_b =
      strstr(described, "\ninterior: 5 points, 1 equation; jets 4 columns; stde: 2 of 8 second derivatives");
  ck_assert_msg(of_b && strstr(of_b + 1, "4 points on x[0] = -0.3; jets 4 columns; stde"), "%s", described);
  ck_petsc(all.rows->ops->evaluate(all.rows->self, all.theta, exact, &loss));
  double mean[14] = {0};
  for (int k = 0; k < 4; k++) { /* every term once */
    ck_petsc(mixed.rows->ops->update(mixed.rows->self, mixed.theta, k, &changed));
    ck_petsc(mixed.rows->ops->evaluate(mixed.rows->self, mixed.theta, both, &loss));
    for (int i = 0; i < 5; i++) ck_near(both[i], exact[i], 1e-12, 0);
    ck_assert(both[5] != exact[5] && both[10] != exact[10]);
    add(14, 0.25, both, mean);
  }
  expect_same("row", 14, exact, mean);
  add_step(&mixed, 3, 1.0);
  destroy(&all);
  destroy(&mixed);
}
END_TEST

TEST_SUITE("residual estimator", laplacian, affine_parts_and_shared_inputs, hard_constraint_and_drift_stay_exact,
           weighted_sums_and_higher_orders, operators_of_the_same_terms_share_slots, signs_and_shapes_are_drawn_apart,
           coefficients_that_depend_on_the_point, columns_of_a_root, draws_follow_from_the_step_alone,
           mean_and_variance_are_those_without_replacement, directions_have_the_variance_of_the_trace,
           directions_serve_all_second_derivatives, normal_directions_give_the_biharmonic,
           one_sweep_a_dimension_gives_the_same_numbers, two_draws_are_unbiased_and_one_is_not, reports_are_exact,
           reports_are_estimated_where_memory_is_short, equations_choose_their_own)
