/* Whole cases with compressed laplacians against the same cases with every derivative: rows, gradient, J v, J^T w,
   J, and what is kept of a sweep. */
#include <string.h>
#include "case_fixture.h"

typedef struct {
  Case c;
  Rows rows;
  Vec theta, v, g;
  double *r, *Jv, *w, *J, *K, *d, *stored, loss;
} Products;

static Products products_of(const char *text, const char *estimator)
{
  char whole[4096];
  Products p = {0};
  snprintf(whole, sizeof(whole), "%s estimator: { type = \"%s\"; };", text, estimator);
  ck_petsc(CaseCreate(whole, &p.c));
  p.rows = ResidualRows(p.c.residual);
  const size_t n_row = (size_t)p.rows->n_row, n = p.rows->n_param;
  ck_petsc(ResidualCreateTheta(p.c.residual, &p.theta));
  ck_petsc(VecDuplicate(p.theta, &p.v));
  ck_petsc(VecDuplicate(p.theta, &p.g));
  ck_petsc(PetscMalloc4(n_row, &p.r, n_row, &p.Jv, n_row, &p.w, n_row * n, &p.J));
  ck_petsc(PetscMalloc3(n_row * n_row, &p.K, n, &p.d, n_row, &p.stored));
  CaseFillVec(0.2, 0.3, p.theta);
  CaseFillVec(1, 1, p.v);
  CaseFill(1, 2, n_row, p.w);
  const RowsOps *ops = p.rows->ops;
  ck_petsc(ops->jacobian(p.rows->self, p.theta, 0, n, p.r, p.J, n));
  ck_petsc(ops->apply(p.rows->self, p.theta, p.v, p.Jv));
  ck_petsc(ops->apply_transpose(p.rows->self, p.theta, p.w, p.g));
  ck_petsc(ops->evaluate(p.rows->self, p.theta, p.w, &p.loss)); /* w becomes r */
  ck_petsc(ops->linearize(p.rows->self, p.theta, NULL, &p.loss));
  ck_petsc(ops->apply(p.rows->self, p.theta, p.v, p.stored));
  ck_petsc(ops->gram(p.rows->self, p.theta, NULL, p.K, n_row));
  ck_petsc(ops->diagonal(p.rows->self, p.theta, p.d));
  return p;
}

static void destroy(Products *p)
{
  ck_petsc(VecDestroy(&p->theta));
  ck_petsc(VecDestroy(&p->v));
  ck_petsc(VecDestroy(&p->g));
  ck_petsc(PetscFree4(p->r, p->Jv, p->w, p->J));
  ck_petsc(PetscFree3(p->K, p->d, p->stored));
  ck_petsc(CaseDestroy(&p->c));
}

static void expect_same(const char *what, size_t n, const double *a, const double *b)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(a[i]));
  ck_assert(largest > 0);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= 1e-12 * largest, "%s %zu: %.17g, compressed %.17g of at most %g", what, i, a[i],
                  b[i], largest);
}

/* `columns` begins what is said of the interior's jets. */
static void compare(const char *text, const char *estimator, const char *columns)
{
  Products exact = products_of(text, "exact"), compressed = products_of(text, estimator);
  const char *described = strstr(ResidualDescribe(compressed.c.residual), "jets ");
  const size_t n_row = (size_t)exact.rows->n_row, n = exact.rows->n_param;
  const double *a, *b;
  ck_assert_msg(!strncmp(described + 5, columns, strlen(columns)), "%s, not %s", described + 5, columns);
  expect_same("row", n_row, exact.r, compressed.r);
  expect_same("row", n_row, exact.w, compressed.w);
  expect_same("J v", n_row, exact.Jv, compressed.Jv);
  expect_same("stored J v", n_row, exact.Jv, compressed.stored);
  expect_same("J J^T", n_row * n_row, exact.K, compressed.K);
  expect_same("diagonal of J^T J", n, exact.d, compressed.d);
  for (size_t i = 0; i < n_row; i++) expect_same("J", n, exact.J + i * n, compressed.J + i * n);
  ck_petsc(VecGetArrayRead(exact.g, &a));
  ck_petsc(VecGetArrayRead(compressed.g, &b));
  expect_same("gradient", n, a, b);
  ck_petsc(VecRestoreArrayRead(exact.g, &a));
  ck_petsc(VecRestoreArrayRead(compressed.g, &b));
  destroy(&exact);
  destroy(&compressed);
}

#define POISSON(hidden)                                                                                                \
  "problem: { coordinates = [\"x[300]\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) + u^3\"; } );\n" \
  "  conditions = ( { on = \"boundary\"; residual = \"u - x[0]\"; } ); };\n"                                           \
  "domain: { type = \"ball\"; }; network: { hidden = [" hidden "]; };\n"                                               \
  "points: { interior = { sampler = \"uniform\"; count = 11; };\n"                                                     \
  "          conditions = { sampler = \"uniform\"; count = 4; }; };"
#define HEAT                                                                                                           \
  "problem: { coordinates = [\"t\", \"x[299]\"]; fields = [\"u\"];\n"                                                  \
  "  equations = ( { residual = \"u_t - 0.3*laplacian(u) + u*laplacian(u)\"; } ); };\n"                                \
  "domain: { lower = [-1.0]; upper = [2.0]; }; network: { hidden = [32, 9]; };\n"                                      \
  "points: { interior = { sampler = \"uniform\"; count = 11; }; };"
#define PLATE                                                                                                          \
  "problem: { coordinates = [\"x[9]\"]; fields = [\"u\", \"v\"];\n"                                                    \
  "  equations = ( { residual = \"biharmonic(u) - v*laplacian(v)\"; }, { residual = \"v - laplacian(u)\"; } ); };\n"   \
  "domain: { lower = [0.0]; upper = [0.5]; }; network: { hidden = [5, 6]; };\n"                                        \
  "points: { interior = { sampler = \"uniform\"; count = 7; }; };"

START_TEST(poisson_in_300_dimensions)
{
  compare(POISSON("32, 9"), "auto", "34 columns; laplacian over x[300] compressed to 32 coordinates\n");
  compare(POISSON("128, 5"), "auto", "130 columns; laplacian over x[300] compressed to 128 coordinates\n");
}
END_TEST

START_TEST(heat_in_299_dimensions)
{
  compare(HEAT, "auto", "35 columns; laplacian over x[299] compressed to 32 coordinates");
}
END_TEST

START_TEST(biharmonic_in_9_dimensions)
{
  compare(PLATE, "auto", "48 columns; laplacian over x[9] compressed to 5 coordinates");
}
END_TEST

/* Derivatives of first order with factors of the point, from the product rule and by hand, stay in the operator. */
START_TEST(hard_constraints_and_drift_are_compressed)
{
  compare("problem: { coordinates = [\"x[60]\", \"t\"]; fields = [\"u\"]; transform: { u = \"t*(1 - norm2(x))*net\"; };"
          "  equations = ( { residual = \"u_t - laplacian(u) - dot(x, grad(u)) + sin(u)\"; } ); };"
          "domain: { lower = [0.0]; upper = [0.4]; }; network: { hidden = [8, 6]; };"
          "points: { interior = { sampler = \"uniform\"; count = 9; }; };",
          "auto", "10 columns; laplacian over x[60] compressed to 8 coordinates");
}
END_TEST

START_TEST(random_features_are_compressed_too)
{
  compare(
      "problem: { coordinates = [\"x[40]\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) - 1\"; } ); };"
      "domain: { upper = [1.0]; }; network: { type = \"random-features\"; features = 12; };"
      "points: { interior = { sampler = \"uniform\"; count = 6; }; };",
      "auto", "4 columns");
}
END_TEST

/* The neurons of one hidden layer have a coordinate each that stands for all. */
START_TEST(one_hidden_layer_needs_one_coordinate)
{
  compare(POISSON("32"), "auto", "4 columns; laplacian over x[300] compressed to 2 coordinates\n");
  compare(
      "problem: { coordinates = [\"x[9]\"]; fields = [\"u\", \"v\"];\n"
      "  equations = ( { residual = \"biharmonic(u) - v*laplacian(v)\"; }, { residual = \"v - laplacian(u)\"; } ); };\n"
      "domain: { lower = [0.0]; upper = [0.5]; }; network: { hidden = [6]; affine = true; };\n"
      "points: { interior = { sampler = \"uniform\"; count = 7; }; };",
      "auto", "12 columns");
  compare("problem: { coordinates = [\"x[60]\", \"t\"]; fields = [\"u\"]; transform: { u = \"t*(1 - norm2(x))*net\"; };"
          "  equations = ( { residual = \"u_t - laplacian(u) - dot(x, grad(u)) + sin(u)\"; } ); };"
          "domain: { lower = [0.0]; upper = [0.4]; }; network: { hidden = [8]; affine = true; block = 3; };"
          "points: { interior = { sampler = \"uniform\"; count = 9; }; };",
          "auto", "4 columns");
  compare("problem: { coordinates = [\"x[30]\", \"y[20]\", \"t\"]; fields = [\"u\"];"
          "  equations = ( { residual = \"u_t - 2*laplacian(u, y) - laplacian(u, x)*(1 + x[0]) + u^2\"; } ); };"
          "domain: { lower = [0.0]; upper = [0.4]; }; network: { hidden = [8]; };"
          "points: { interior = { sampler = \"uniform\"; count = 9; }; };",
          "auto", "");
}
END_TEST

START_TEST(wide_layers_are_compressed_on_demand)
{
  compare(POISSON("301, 3"), "auto", "302 columns: 1, x[0], x[1]");
  compare(POISSON("301, 3"), "compressed", "302 columns; laplacian over x[300] compressed to 300 coordinates\n");
}
END_TEST

/* Where the layer is as wide as the laplacian no column is saved, and a hard constraint brings first derivatives. */
START_TEST(demands_hold_beside_hard_constraints)
{
  const char *text = "problem: { coordinates = [\"x[7]\", \"t\"]; fields = [\"u\"];"
                     "  transform: { u = \"t*(1 - norm2(x))*net\"; };"
                     "  equations = ( { residual = \"u_t - laplacian(u) - dot(x, grad(u)) + sin(u)\"; } ); };"
                     "domain: { lower = [-0.2]; upper = [0.3]; }; network: { hidden = [9, 4]; };"
                     "points: { interior = { sampler = \"uniform\"; count = 6; }; };";
  compare(text, "compressed", "9 columns; laplacian over x[7] compressed to 7 coordinates");
  compare(text, "auto", "1, x[0], x[1], x[2]");
}
END_TEST

/* One hidden layer has a laplacian in closed form: sum_k a_k tanh''(z_k) |w_k|^2. */
START_TEST(ten_thousand_dimensions_are_exact_and_cheap)
{
  enum { D = 10000, H = 12, N = 9 };
  Case c;
  Vec theta;
  Rows rows;
  PointSet points;
  Region interior;
  const double *w, *lower, *upper;
  double r[N], loss, squares[H] = {0};
  const PetscInt count = N;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x[10000]\"]; fields = [\"u\"];"
                      "  equations = ( { residual = \"laplacian(u)\"; } ); };"
                      "domain: { type = \"ball\"; }; network: { hidden = [12]; }; seed = 5;"
                      "points: { interior = { sampler = \"uniform\"; count = 9; }; };",
                      &c));
  rows = ResidualRows(c.residual);
  ck_assert_double_lt(ResidualMemoryMB(c.residual), 20.0); /* ten of D x H numbers, not one of D x D */
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.3, 0.4, theta);
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {5, RANDOM_INTERIOR, 0, 0}};
  ck_petsc(RegionCreate(c.domain, "test", "interior", &interior));
  ck_petsc(PointSetSample(PETSC_COMM_WORLD, interior, &sampling, &points)); /* the points of the rows */
  DomainBounds(c.domain, &lower, &upper);
  ck_assert(lower[0] == -1 && upper[D - 1] == 1); /* inputs are the coordinates */
  ck_petsc(VecGetArrayRead(theta, &w));
  for (int j = 0; j < H; j++)
    for (int i = 0; i < D; i++) squares[j] += w[j * D + i] * w[j * D + i];
  for (int p = 0; p < N; p++) {
    double laplacian = 0, size = 0;
    for (int j = 0; j < H; j++) {
      double z = w[H * D + j];
      for (int i = 0; i < D; i++) z += w[j * D + i] * points.x[p * D + i];
      const double term = w[H * D + H + j] * -2 * tanh(z) / (cosh(z) * cosh(z)) * squares[j];
      laplacian += term;
      size += fabs(term);
    }
    ck_near(r[p], laplacian / sqrt(N), 0, 1e-12 * size);
  }
  ck_petsc(VecRestoreArrayRead(theta, &w));
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(RegionDestroy(&interior));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(what_cannot_be_compressed_is_told)
{
  Case c;
  ck_petsc_fails(CaseCreate("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = "
                            "\"u_x + u_yy\"; } ); };"
                            "domain: { upper = [1.0]; }; estimator: { type = \"compressed\"; };",
                            &c),
                 PETSC_ERR_USER_INPUT, "estimator.type: nothing can be compressed");
}
END_TEST

TEST_SUITE("residual compress", poisson_in_300_dimensions, heat_in_299_dimensions, biharmonic_in_9_dimensions,
           hard_constraints_and_drift_are_compressed, random_features_are_compressed_too,
           one_hidden_layer_needs_one_coordinate, wide_layers_are_compressed_on_demand,
           demands_hold_beside_hard_constraints, ten_thousand_dimensions_are_exact_and_cheap,
           what_cannot_be_compressed_is_told)
