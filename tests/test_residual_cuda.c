/* Rows on the device against those of the CPU: values, gradients, products with J, for cases of many kinds; and what a
   device does not do. */
#include <stdlib.h>
#include <string.h>
#include "case_fixture.h"
#include "device_fixture.h"

#define NETWORK "network: { hidden = [ 9, 7 ]; };\n"

typedef struct {
  const char *name, *text;
  double near;
} Sample;

static const Sample samples[] = {
    {"poisson with forcing",
     "problem: { coordinates = [ \"x\", \"y\" ]; fields = [ \"u\" ];\n"
     "  equations = ( { residual = \"laplacian(u) + sin(3*x)*exp(y) - u^3\"; } );\n"
     "  conditions = ( { on = \"boundary\"; residual = \"u - x*y\"; weight = 7.0; } ); };\n"
     "domain: { type = \"box\"; lower = [ 0.0, -1.0 ]; upper = [ 1.0, 2.0 ]; };\n"
     "points: { interior = { count = 333; }; conditions = { count = 40; }; };\n" NETWORK,
     1e-11},
    {"burgers, nonlinear in two fields, with normals",
     "problem: { coordinates = [ \"x\", \"t\" ]; fields = [ \"u\", \"v\" ];\n"
     "  equations = ( { residual = \"u_t + u*u_x - 0.01*u_xx + tanh(u*v)/(2 + cos(v_x))\"; },\n"
     "                { residual = \"v_t - exp(-u^2)*v_xxx + sqrt(1 + u_x^2)\"; } );\n"
     "  conditions = ( { on = \"t = 0\"; residual = \"u + sin(pi*x)\"; }, { on = \"x = 1\"; residual = \"dn(v) - u\"; "
     "} ); };\n"
     "domain: { type = \"box\"; lower = [ -1.0, 0.0 ]; upper = [ 1.0, 1.0 ]; };\n"
     "points: { interior = { count = 200; }; conditions = { count = 30; }; };\n" NETWORK,
     1e-11},
    {"branches, comparisons and powers",
     "problem: { coordinates = [ \"x\", \"y\" ]; fields = [ \"u\" ];\n"
     "  equations = ( { residual = \"if(u > 0.1*x, u_xx*u^2.5, log(3 - u)*u_yy) + abs(u) + (u_x < u_y)\"; } );\n"
     "  conditions = ( { on = \"boundary\"; residual = \"max(u, x) + erf(u)\"; } ); };\n"
     "domain: { type = \"box\"; };\n"
     "points: { interior = { count = 150; }; conditions = { count = 30; }; };\n" NETWORK,
     1e-10},
    {"transform of a fourth-order operator",
     "problem: { coordinates = [ \"x\", \"y\" ]; fields = [ \"u\" ]; transform: { u = \"(1 - x^2)*(1 - y^2)*net\"; };\n"
     "  equations = ( { residual = \"biharmonic(u) + u*laplacian(u) - cos(x)\"; } ); };\n"
     "domain: { type = \"box\"; lower = [ -1.0, -1.0 ]; upper = [ 1.0, 1.0 ]; };\n"
     "points: { interior = { count = 100; }; };\n" NETWORK,
     1e-10},
    {"single precision",
     "problem: { coordinates = [ \"x\", \"y\" ]; fields = [ \"u\" ];\n"
     "  equations = ( { residual = \"laplacian(u) + u\"; } );\n"
     "  conditions = ( { on = \"boundary\"; residual = \"u\"; } ); };\n"
     "domain: { type = \"box\"; };\nprecision = \"single\";\n"
     "points: { interior = { count = 100; }; conditions = { count = 30; }; };\n" NETWORK,
     2e-5},
    {"sampled derivatives in many dimensions",
     "problem: { coordinates = [ \"x[40]\" ]; fields = [ \"u\" ];\n"
     "  equations = ( { residual = \"laplacian(u) + sin(u) - x[0]\"; } ); };\n"
     "domain: { type = \"ball\"; };\nestimator: { type = \"stde\"; directions = 8; };\n"
     "points: { interior = { count = 60; sampler = \"uniform\"; resample = 1; }; };\nnetwork: { hidden = [ 9, 7 ]; "
     "affine = true; };\n",
     1e-10},
    {"the same, times a factor that is zero on the boundary",
     "problem: { coordinates = [ \"x[40]\" ]; fields = [ \"u\" ]; transform: { u = \"(1 - norm2(x))*net\"; };\n"
     "  equations = ( { residual = \"laplacian(u) + sin(u) - x[0]\"; } ); };\n"
     "domain: { type = \"ball\"; };\nestimator: { type = \"stde\"; directions = 8; };\n"
     "points: { interior = { count = 60; sampler = \"uniform\"; resample = 1; }; };\n"
     "network: { hidden = [ 9, 7 ]; affine = true; };\n",
     1e-10},
    {"coefficients that depend on the point",
     "problem: { coordinates = [ \"x\", \"y\", \"z\" ]; fields = [ \"u\" ];\n"
     "  equations = ( { residual = \"(1 + x^2)*u_xx + exp(y)*u_yy + y*u_x + cos(z)*u_z - u*x\"; } ); };\n"
     "domain: { type = \"box\"; };\n"
     "points: { interior = { count = 100; }; };\n" NETWORK,
     1e-10},
};
enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void assert_near(const char *name, size_t n, const double *got, const double *want, double near)
{
  double size = 0;
  for (size_t k = 0; k < n; k++) size = fmax(size, fabs(want[k]));
  ck_assert_msg(isfinite(size) && size > 0, "%s: nothing to compare", name);
  for (size_t k = 0; k < n; k++)
    ck_assert_msg(fabs(got[k] - want[k]) <= near * size, "%s: %.17g, %.17g at %zu", name, got[k], want[k], k);
}

static void assert_near_vec(const char *name, Vec got, Vec want, double near)
{
  const double *a, *b;
  PetscInt n;
  ck_petsc(VecGetLocalSize(got, &n));
  ck_petsc(VecGetArrayRead(got, &a));
  ck_petsc(VecGetArrayRead(want, &b));
  assert_near(name, (size_t)n, a, b, near);
  ck_petsc(VecRestoreArrayRead(got, &a));
  ck_petsc(VecRestoreArrayRead(want, &b));
}

/* T^T T = [J r]^T [J r] in the columns [begin, begin + count) of J [m][n]; T [count + 1][count + 2]. */
static void check_triangle(const Sample *sample, size_t m, size_t n, size_t begin, size_t count, const double J[],
                           const double r[], const double T[])
{
  const size_t ld = count + 2, order = count + 1;
  double *want = calloc(order * order, sizeof(double)), *got = calloc(order * order, sizeof(double));
  for (size_t i = 0; i < order; i++)
    for (size_t j = 0; j < order; j++) {
      for (size_t k = 0; k < m; k++)
        want[i * order + j] += (i < count ? J[k * n + begin + i] : r[k]) * (j < count ? J[k * n + begin + j] : r[k]);
      for (size_t k = 0; k < order; k++) got[i * order + j] += T[i * ld + k] * T[j * ld + k];
      if (i > j) ck_assert(T[j * ld + i] == 0.0);
    }
  assert_near(sample->name, order * order, got, want, 10 * sample->near);
  free(want), free(got);
}

/* Some columns of J, J J^T and J^T J with and without scaling, and solves with the kernel, by both. */
static void compare_matrices(const Sample *sample, Rows cpu, Rows device, Vec theta)
{
  const Rows rows[2] = {cpu, device};
  const size_t m = (size_t)cpu->n_row, n = cpu->n_param, begin = n / 5, count = n / 2, most = (m > n ? m : n) + 3;
  double *r[2], *A[2], *b[2], *scaling, mean, trace = 0.0;
  bool solved;
  ck_petsc(PetscMalloc5(m, &r[0], m, &r[1], most * most, &A[0], most * most, &A[1], n, &scaling));
  ck_petsc(PetscMalloc2(n, &b[0], n, &b[1]));
  for (size_t k = 0; k < n; k++) scaling[k] = 1.0 + 0.5 * sin((double)k);
#define BOTH(...)                                                                                                      \
  for (int k = 0; k < 2; k++) {                                                                                        \
    memset(A[k], 0, most *most * sizeof(double));                                                                      \
    ck_petsc(__VA_ARGS__);                                                                                             \
  }                                                                                                                    \
  assert_near(sample->name, most *most, A[1], A[0], 10 * sample->near)
  const int last = RowsLayers(cpu) - 1;
  const RowsLayer layer = RowsLayerAt(cpu, last); /* the CPU has whole layers alone */
  BOTH(rows[k]->ops->jacobian(rows[k]->self, theta, 0, n, r[k], A[k], n + 2));
  assert_near(sample->name, m, r[1], r[0], sample->near);
  BOTH(rows[k]->ops->jacobian(rows[k]->self, theta, layer.offset, n - layer.offset, r[k], A[k], n - layer.offset));
  ck_petsc(cpu->ops->jacobian(cpu->self, theta, 0, n, r[0], A[0], n));
  ck_petsc(device->ops->jacobian(device->self, theta, begin, count, r[1], A[1], count));
  for (size_t i = 0; i < m; i++) memmove(A[0] + i * count, A[0] + i * n + begin, count * sizeof(double));
  assert_near(sample->name, m * count, A[1], A[0], 10 * sample->near);
  BOTH(RowsGram(rows[k], theta, NULL, A[k], m + 3));
  BOTH(RowsGramLayer(rows[k], theta, last, scaling, A[k], m));
  BOTH(RowsDiagonal(rows[k], theta, A[k]));
  ck_petsc(RowsNormal(cpu, theta, A[0], n + 1, b[0]));
  ck_petsc(RowsNormal(device, theta, A[1], n + 1, b[1]));
  assert_near(sample->name, n, b[1], b[0], 10 * sample->near);
  for (size_t i = 0; i < n; i++) /* lower triangles */
    for (int k = 0; k < 2; k++) memset(A[k] + i * (n + 1) + i + 1, 0, (n - i) * sizeof(double));
  assert_near(sample->name, n * (n + 1), A[1], A[0], 10 * sample->near);
  BOTH(RowsGram(rows[k], theta, scaling, A[k], m));
  ck_petsc(RowsGram(cpu, theta, NULL, A[0], m));
  for (size_t i = 0; i < m; i++) trace += A[0][i * (m + 1)];
  ck_petsc(device->ops->triangle(device->self, theta, begin, count, r[1], A[1], count + 2));
  ck_petsc(cpu->ops->jacobian(cpu->self, theta, 0, n, r[0], A[0], n));
  assert_near(sample->name, m, r[1], r[0], sample->near);
  check_triangle(sample, m, n, begin, count, A[0], r[0], A[1]);
  ck_petsc(RowsGram(cpu, theta, NULL, A[0], m));
  ck_petsc(device->ops->kernel(device->self, theta, &mean));
  ck_near(mean, trace / (double)m, 10 * sample->near, 0);
  CaseFill(1, 0.4, m, r[1]);
  ck_petsc(device->ops->kernel_inverse(device->self, 0.1 * mean, r[1], &solved));
  ck_assert(solved);
  for (size_t i = 0; i < m; i++) { /* (K + shift) x is what it was */
    r[0][i] = 0.1 * mean * r[1][i];
    for (size_t j = 0; j < m; j++) r[0][i] += A[0][i * m + j] * r[1][j];
  }
  CaseFill(1, 0.4, m, A[1]);
  assert_near(sample->name, m, r[0], A[1], 100 * sample->near);
  ck_petsc(device->ops->kernel_inverse(device->self, -2.0 * mean, r[1], &solved));
  ck_assert(!solved);
  ck_petsc(PetscFree5(r[0], r[1], A[0], A[1], scaling));
  ck_petsc(PetscFree2(b[0], b[1]));
}

/* r, loss, gradient, J v and J^T w at theta by both. */
static void compare(const Sample *sample, Rows cpu, Rows device, Vec theta)
{
  const size_t n_row = (size_t)cpu->n_row;
  double *r[2], *w, loss[2];
  Vec g[2], v;
  Rows rows[2] = {cpu, device};
  ck_assert_int_eq(cpu->n_row, device->n_row);
  ck_petsc(PetscMalloc3(n_row, &r[0], n_row, &r[1], n_row, &w));
  ck_petsc(VecDuplicate(theta, &g[0]));
  ck_petsc(VecDuplicate(theta, &g[1]));
  ck_petsc(VecDuplicate(theta, &v));
  CaseFill(1, 0.3, n_row, w);
  CaseFillVec(1, 0.7, v);
  for (int k = 0; k < 2; k++) ck_petsc(rows[k]->ops->evaluate(rows[k]->self, theta, r[k], &loss[k]));
  assert_near(sample->name, n_row, r[1], r[0], sample->near);
  ck_near(loss[1], loss[0], sample->near, 0);
  for (int k = 0; k < 2; k++) ck_petsc(rows[k]->ops->gradient(rows[k]->self, theta, &loss[k], g[k]));
  ck_near(loss[1], loss[0], sample->near, 0);
  assert_near_vec(sample->name, g[1], g[0], sample->near);
  for (int k = 0; k < 2; k++) ck_petsc(rows[k]->ops->apply(rows[k]->self, theta, v, r[k]));
  assert_near(sample->name, n_row, r[1], r[0], sample->near);
  for (int k = 0; k < 2; k++) ck_petsc(rows[k]->ops->apply_transpose(rows[k]->self, theta, w, g[k]));
  assert_near_vec(sample->name, g[1], g[0], sample->near);
  compare_matrices(sample, cpu, device, theta);
  ck_petsc(VecDestroy(&g[0]));
  ck_petsc(VecDestroy(&g[1]));
  ck_petsc(VecDestroy(&v));
  ck_petsc(PetscFree3(r[0], r[1], w));
}

static size_t little(void)
{
  return 200000;
}

/* Twice: where memory is plenty, and where points must go through it in pieces. */
START_TEST(rows_and_their_products)
{
  static Device small;
  const Device *device = TestDevice();
  const Sample *sample = &samples[_i / 2];
  Case cpu, other;
  Vec theta;
  double *start;
  bool changed[2];
  if (!device) return;
  small = *device;
  if (_i % 2) small.free_bytes = little;
  ck_petsc(CaseCreate(sample->text, &cpu));
  ck_petsc(CaseCreate(sample->text, &other));
  ck_petsc(ResidualSetDevice(other.residual, &small));
  ck_petsc(ResidualCreateTheta(cpu.residual, &theta));
  ck_petsc(VecGetArray(theta, &start));
  NetworkInitialize(cpu.network, start);
  for (size_t k = 0; k < NetworkParameters(cpu.network); k++) start[k] += 0.1 * TestRandom(4, k);
  ck_petsc(VecRestoreArray(theta, &start));
  const Rows a = ResidualRows(cpu.residual), b = ResidualRows(other.residual);
  compare(sample, a, b, theta);
  for (PetscInt iteration = 1; iteration < 3; iteration++) { /* another draw, where there is one */
    ck_petsc(a->ops->update(a->self, theta, iteration, &changed[0]));
    ck_petsc(b->ops->update(b->self, theta, iteration, &changed[1]));
    ck_assert(changed[0] == changed[1]);
  }
  compare(sample, a, b, theta);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&cpu));
  ck_petsc(CaseDestroy(&other));
}
END_TEST

START_TEST(what_a_device_does_not_do_is_one_sentence)
{
  static const char *const lines[][2] = {
      {"points: { interior = { count = 50; causal = 1.0; }; };\n", "points.interior.causal"},
      {"points: { interior = { count = 50; adapt = 5; }; };\n", "points.interior.adapt"},
      {"points: { interior = { count = 50; }; };\nprecision = \"mixed\";\n", "double or single"}};
  const Device *device = TestDevice();
  for (size_t k = 0; device && k < sizeof(lines) / sizeof(lines[0]); k++) {
    char text[1024];
    Case c;
    snprintf(text, sizeof(text),
             "problem: { coordinates = [ \"x\", \"t\" ]; fields = [ \"u\" ];\n"
             "  equations = ( { residual = \"u_t - u_xx\"; } ); };\ndomain: { type = \"box\"; };\n%s" NETWORK,
             lines[k][0]);
    ck_petsc(CaseCreate(text, &c));
    ck_petsc_fails(ResidualSetDevice(c.residual, device), PETSC_ERR_USER_INPUT, lines[k][1]);
    ck_petsc(CaseDestroy(&c));
  }
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("residual_cuda");
  TCase *tcase = tcase_create("residual_cuda");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, rows_and_their_products, 0, 2 * SAMPLES);
  tcase_add_test(tcase, what_a_device_does_not_do_is_one_sentence);
  suite_add_tcase(suite, tcase);
  return suite;
}
