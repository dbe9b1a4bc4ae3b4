/* The device's operations against the CPU's, for all plans, functions and orders; and in single precision
   (test_kernel_single_cuda.c). */
#include <stdlib.h>
#include <string.h>
#include "device_fixture.h"
#include "pinn/series.h"
#include "../src/kernel/real.h"

#ifdef PINN_SINGLE
#define NEAR   1e-5
#define IN(d)  (d)->in_single
#define SUFFIX "_single"
#else
#define NEAR   1e-12
#define IN(d)  (d)->in_double
#define SUFFIX ""
#endif

enum { N = 333, LANES = 400 }; /* lanes, and how far columns lie apart */

static const REAL(KernelSeries) functions[] = {
#define FUNCTION(Name, call) REAL(Series##Name),
#include "../src/kernel/functions.h"
};
enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static Real *random_array(size_t n, uint64_t stream)
{
  Real *x = malloc(n * sizeof(Real));
  for (size_t k = 0; k < n; k++) x[k] = (Real)TestRandom(stream, k);
  return x;
}

/* Column by column, to the largest of it; NaN where the CPU has it. */
static void assert_same(size_t n_column, size_t n, size_t stride, const Real *a, const Real *b)
{
  for (size_t c = 0; c < n_column; c++) {
    double largest = 0;
    for (size_t l = 0; l < n; l++) largest = fmax(largest, fabs((double)b[c * stride + l]));
    for (size_t l = 0; l < n; l++) {
      const double x = (double)a[c * stride + l], y = (double)b[c * stride + l];
      if (isfinite(largest) && isfinite(y)) ck_near(x, y, 0, NEAR * largest);
      ck_assert(isnan(x) == isnan(y));
    }
  }
}

/* compose with f, f' and f'' of one function, at arguments near `center`. */
static void check_compose(const Device *device, const KernelTables *host, DeviceTables tables, size_t width,
                          REAL(KernelSeries) f, double center, int n_out)
{
  const size_t C = (size_t)host->product.n_column, bytes = C * LANES * sizeof(Real);
  Real *u = random_array(C * LANES, 1), *v[3], *w = malloc(bytes);
  void *k_u, *k_v[3] = {NULL, NULL, NULL};
  for (size_t l = 0; l < LANES; l++) u[l] = (Real)(center + 0.4 * u[l]);
  for (int m = 0; m < 3; m++) v[m] = malloc(bytes);
  k_u = OnDevice(device, bytes, u);
  k_v[0] = k_u; /* overwritten */
  for (int m = 1; m < n_out; m++) k_v[m] = OnDevice(device, bytes, NULL);
  REAL(KernelCPU).compose(host, f, 2.5, N, u, LANES, v[0], LANES, n_out > 1 ? v[1] : NULL, n_out > 2 ? v[2] : NULL,
                          LANES);
  IN(device)->kernel->compose(DeviceTablesAt(tables, width, 0), f, 2.5, N, k_u, LANES, k_v[0], LANES, k_v[1], k_v[2],
                              LANES);
  for (int m = 0; m < n_out; m++) {
    TakeBack(device, k_v[m], bytes, w);
    assert_same(C, N, LANES, w, v[m]);
  }
  for (int m = 0; m < 3; m++) free(v[m]);
  free(u), free(w);
}

static void check_products(const Device *device, const KernelTables *host, DeviceTables tables, size_t width)
{
  const size_t C = (size_t)host->product.n_column, bytes = C * LANES * sizeof(Real);
  Real *u = random_array(C * LANES, 2), *v = random_array(C * LANES, 3), *w = random_array(C * LANES, 4);
  Real *got = malloc(bytes);
  void *k_u = OnDevice(device, bytes, u), *k_v = OnDevice(device, bytes, v);
  for (int transposed = 0; transposed < 2; transposed++)
    for (int add = 0; add < 2; add++) {
      void *k_w = OnDevice(device, bytes, w);
      const KernelProduct *p = &host->product, *k_p = &DeviceTablesAt(tables, width, 0)->product;
      if (transposed) {
        REAL(KernelCPU).multiply_transpose(p, N, u, LANES, v, LANES, w, LANES, add);
        IN(device)->kernel->multiply_transpose(k_p, N, k_u, LANES, k_v, LANES, k_w, LANES, add);
      } else {
        REAL(KernelCPU).multiply(p, N, u, LANES, v, LANES, w, LANES, add);
        IN(device)->kernel->multiply(k_p, N, k_u, LANES, k_v, LANES, k_w, LANES, add);
      }
      TakeBack(device, k_w, bytes, got);
      assert_same(C, N, LANES, got, w);
    }
  Drop(device, k_u), Drop(device, k_v);
  free(u), free(v), free(w), free(got);
}

static void check_tables(const Device *device, const KernelTables *host, size_t n_point, size_t width)
{
  DeviceTables tables;
  ck_petsc(DeviceTablesCreate(device, host, n_point, &tables));
  for (int n_out = 1; n_out <= 3; n_out++)
    for (int f = 0; f < FUNCTIONS; f++) check_compose(device, host, tables, width, functions[f], 0.9, n_out);
  check_products(device, host, tables, width);
  ck_petsc(DeviceTablesDestroy(&tables));
}

START_TEST(jets_are_composed_and_multiplied_as_on_the_cpu)
{
  const Device *device = TestDevice();
  int n_coord;
  if (!device) return;
  for (PlanKind kind = 0; kind < PLANS; kind++) {
    JetPlan plan = CreatePlan(kind, &n_coord);
    check_tables(device, JetPlanTables(plan), 0, 1);
    ck_petsc(JetPlanDestroy(&plan));
  }
}
END_TEST

START_TEST(orders_that_need_scratch_memory)
{
  const Device *device = TestDevice();
  if (!device) return;
  for (int order = 5; order <= KERNEL_MAX_ORDER - 2; order++) {
    char digits[KERNEL_MAX_ORDER + 1] = "";
    JetOperator op[2];
    for (int k = 0; k < order; k++) digits[k] = '0';
    op[0] = OperatorOf(1, digits);
    op[1] = OperatorOf(1, "0001111");
    JetPlan plan = PlanOf(2, 2, op);
    DeviceTables tables;
    ck_petsc(DeviceTablesCreate(device, JetPlanTables(plan), 0, &tables));
    check_compose(device, JetPlanTables(plan), tables, 1, REAL(SeriesTanh), 0.3, 2);
    check_compose(device, JetPlanTables(plan), tables, 1, REAL(SeriesExp), 0.3, 2);
    check_products(device, JetPlanTables(plan), tables, 1);
    ck_petsc(DeviceTablesDestroy(&tables));
    ck_petsc(JetPlanDestroy(&plan));
  }
}
END_TEST

START_TEST(coefficients_may_depend_on_the_point)
{
  enum { WIDTH = 9, POINTS = (N + WIDTH - 1) / WIDTH };
  const Device *device = TestDevice();
  const JetIndex index[] = {{1, {1}}, {2, {0, 0}}, {2, {1, 1}}, {3, {0, 0, 1}}};
  const double coef[] = {0.5, 1.5, -2.0, 1.0};
  const int factor[] = {1, 0, -1, 1};
  double values[2 * POINTS];
  JetOperator op;
  JetTables at_points;
  JetPlan plan;
  if (!device) return;
  TestFill(2 * POINTS, values, 9);
  ck_petsc(JetOperatorCreateVariable(4, index, coef, factor, &op));
  plan = PlanOf(2, 1, &op);
  ck_petsc(JetTablesCreate(plan, POINTS, &at_points));
  JetTablesSet(at_points, POINTS, values, POINTS);
  check_tables(device, JetTablesAt(at_points, WIDTH), POINTS, WIDTH);
  ck_petsc(JetTablesDestroy(&at_points));
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(matrix_products_of_all_shapes)
{
  static const size_t sizes[][3] = {{1, 1, 1}, {7, 1, 5}, {1, 9, 4}, {40, 33, 20}, {3, 5, 70}};
  const Device *device = TestDevice();
  if (!device) return;
  for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
    for (int ops = 0; ops < 4; ops++) {
      const size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
      const char a = ops & 1 ? 'T' : 'N', b = ops & 2 ? 'T' : 'N';
      const size_t lda = (a == 'N' ? k : m) + 3, ldb = (b == 'N' ? n : k) + 2, ldc = n + 1;
      const size_t size_a = (a == 'N' ? m : k) * lda, size_b = (b == 'N' ? k : n) * ldb, size_c = m * ldc;
      Real *A = random_array(size_a, 5), *B = random_array(size_b, 6), *C = random_array(size_c, 7);
      Real *got = malloc(size_c * sizeof(Real));
      void *k_A = OnDevice(device, size_a * sizeof(Real), A), *k_B = OnDevice(device, size_b * sizeof(Real), B);
      void *k_C = OnDevice(device, size_c * sizeof(Real), C);
      const Real beta = (Real)(s % 2 ? 0.0 : 0.75);
      REAL(KernelCPU).gemm(a, b, m, n, k, (Real)1.25, A, lda, B, ldb, beta, C, ldc);
      IN(device)->kernel->gemm(a, b, m, n, k, (Real)1.25, k_A, lda, k_B, ldb, beta, k_C, ldc);
      TakeBack(device, k_C, size_c * sizeof(Real), got);
      for (size_t i = 0; i < size_c; i++) ck_near(got[i], C[i], 0, NEAR * 10);
      Drop(device, k_A), Drop(device, k_B);
      free(A), free(B), free(C), free(got);
    }
}
END_TEST

/* Factors of so many bits at least, and after that all of them again. */
START_TEST(products_with_rounded_factors)
{
  enum { SIDE = 64 };
  static const DeviceProducts kinds[] = {PRODUCTS_TF32, PRODUCTS_BF16, PRODUCTS_FULL};
  static const double near[] = {0x1p-10, 0x1p-7, 0};
  const Device *device = TestDevice();
  if (!device) return;
  Real *A = random_array(SIDE * SIDE, 5), *B = random_array(SIDE * SIDE, 6), *C = random_array(SIDE * SIDE, 7);
  Real *got = malloc(SIDE * SIDE * sizeof(Real));
  void *k_A = OnDevice(device, SIDE * SIDE * sizeof(Real), A), *k_B = OnDevice(device, SIDE * SIDE * sizeof(Real), B);
  REAL(KernelCPU).gemm('N', 'T', SIDE, SIDE, SIDE, 1, A, SIDE, B, SIDE, 0, C, SIDE);
  for (int k = 0; k < 3; k++) {
    void *k_C = OnDevice(device, SIDE * SIDE * sizeof(Real), NULL);
    device->set_products(kinds[k]);
    IN(device)->kernel->gemm('N', 'T', SIDE, SIDE, SIDE, 1, k_A, SIDE, k_B, SIDE, 0, k_C, SIDE);
    TakeBack(device, k_C, SIDE * SIDE * sizeof(Real), got);
    for (int i = 0; i < SIDE * SIDE; i++) ck_near(got[i], C[i], 0, NEAR * 30 + (NEAR > 1e-9 ? SIDE * near[k] : 0));
  }
  Drop(device, k_A), Drop(device, k_B);
  free(A), free(B), free(C), free(got);
}
END_TEST

START_TEST(combinations_of_many_vectors)
{
  enum { TERMS = 21 };
  const Device *device = TestDevice();
  const Real *x[TERMS], *k_x[TERMS];
  size_t step[TERMS];
  Real coef[TERMS], *all = random_array(3 * N * TERMS, 8), *y = random_array(N, 9), *got = malloc(N * sizeof(Real));
  if (!device) return;
  Real *k_all = OnDevice(device, sizeof(Real) * 3 * N * TERMS, all);
  for (int t = 0; t < TERMS; t++) {
    x[t] = all + 3 * N * t, k_x[t] = k_all + 3 * N * t;
    step[t] = (size_t)t % 4;
    coef[t] = (Real)TestRandom(10, (uint64_t)t);
  }
  for (int add = 0; add < 2; add++) {
    Real *k_y = OnDevice(device, N * sizeof(Real), y);
    REAL(KernelCPU).combine(N, TERMS, coef, x, step, y, add);
    IN(device)->kernel->combine(N, TERMS, coef, k_x, step, k_y, add);
    TakeBack(device, k_y, N * sizeof(Real), got);
    assert_same(1, N, N, got, y);
  }
  Drop(device, k_all);
  free(all), free(y), free(got);
}
END_TEST

START_TEST(contractions_over_points)
{
  enum { C = 3, P = 37, W = 11, COLUMNS_B = 2, POINTS_B = 13, SIZE = C * P * COLUMNS_B * POINTS_B, OUT = P * POINTS_B };
  const Device *device = TestDevice();
  Real *a = random_array(SIZE, 11), *b = random_array(SIZE, 12), *y = random_array(SIZE, 13);
  Real *got = malloc(SIZE * sizeof(Real));
  if (!device) return;
  Real *k_a = OnDevice(device, SIZE * sizeof(Real), a), *k_b = OnDevice(device, SIZE * sizeof(Real), b);
  const REAL(Kernel) *cpu = &REAL(KernelCPU), *kernel = IN(device)->kernel;
  for (int op = 0; op < 5; op++) {
    Real *k_y = OnDevice(device, SIZE * sizeof(Real), y);
    switch (op) {
    case 0:
      cpu->dot_points(C, P, W, a, b, y), kernel->dot_points(C, P, W, k_a, k_b, k_y);
      break;
    case 1:
    case 2:
      cpu->scale_points(C, P, W, a, b, y, op == 2), kernel->scale_points(C, P, W, k_a, k_b, k_y, op == 2);
      break;
    case 3:
      cpu->outer_point(C, 5, W, a, 17, b, b + 40, 19, y), kernel->outer_point(C, 5, W, k_a, 17, k_b, k_b + 40, 19, k_y);
      break;
    default:
      cpu->pair_product(C, P, COLUMNS_B, POINTS_B, a, b, y, POINTS_B + 1);
      kernel->pair_product(C, P, COLUMNS_B, POINTS_B, k_a, k_b, k_y, POINTS_B + 1);
    }
    TakeBack(device, k_y, SIZE * sizeof(Real), got);
    for (int i = 0; i < SIZE; i++) ck_near(got[i], y[i], 0, NEAR * 50);
  }
  Drop(device, k_a), Drop(device, k_b);
  free(a), free(b), free(y), free(got);
}
END_TEST

TEST_SUITE("kernel_cuda" SUFFIX, jets_are_composed_and_multiplied_as_on_the_cpu, orders_that_need_scratch_memory,
           coefficients_may_depend_on_the_point, matrix_products_of_all_shapes, products_with_rounded_factors,
           combinations_of_many_vectors, contractions_over_points)
