/* The kernel in single precision against the kernel in double at the same numbers. */
#include <string.h>
#include "jet_fixture.h"
#include "pinn/series.h"

enum { N = 517, ORDER = 5 };
static const double rounding = 0x1p-24;

#define SERIES(Name, from, to)                                                                                         \
  {                                                                                                                    \
#Name, Series##Name, Series##Name##_Single, from, to                                                               \
  }
static const struct {
  const char *name;
  KernelSeries series;
  KernelSeries_Single single;
  double from, to;
} functions[] = {
    SERIES(Tanh, -12, 12),    SERIES(Sin, -3000, 3000), SERIES(Cos, -3000, 3000), SERIES(Tan, -1.4, 1.4),
    SERIES(Atan, -9, 9),      SERIES(Sinh, -9, 9),      SERIES(Cosh, -9, 9),      SERIES(Exp, -80, 80),
    SERIES(Log, 0.01, 9),     SERIES(Sqrt, 0.01, 9),    SERIES(Pow, 0.1, 4),      SERIES(Reciprocal, 0.1, 9),
    SERIES(Logistic, -9, 20), SERIES(Swish, -9, 20),    SERIES(Softplus, -9, 20), SERIES(Gaussian, -4, 4),
    SERIES(Erf, -4, 4),       SERIES(Abs, -2, 2),       SERIES(Step, -2, 2),
};

/* Rounding errors of a coefficient are compared with the largest one of its lane and those below it. */
START_TEST(series_agree_with_double)
{
  static double x[N], s[(ORDER + 1) * N];
  static float y[N], t[(ORDER + 1) * N];
  for (size_t f = 0; f < sizeof(functions) / sizeof(functions[0]); f++) {
    const double middle = 0.5 * (functions[f].from + functions[f].to), half = middle - functions[f].from;
    for (size_t i = 0; i < N; i++) x[i] = y[i] = (float)(middle + half * TestRandom(f, i));
    functions[f].series(ORDER, N, 1.7, x, s);
    functions[f].single(ORDER, N, 1.7, y, t);
    for (size_t i = 0; i < N; i++) {
      double largest = 0;
      for (size_t k = 0; k <= ORDER; k++) {
        largest = fmax(largest, fabs(s[k * N + i]));
        ck_assert_msg(fabs(t[k * N + i] - s[k * N + i]) <= 40 * rounding * largest, "%s, order %d at %g: %g, not %g",
                      functions[f].name, (int)k, x[i], t[k * N + i], s[k * N + i]);
      }
    }
  }
}
END_TEST

START_TEST(overflow_underflow_and_nan)
{
  const float x[6] = {100, -120, NAN, INFINITY, -INFINITY, -95};
  float s[12];
  SeriesExp_Single(0, 6, 0, x, s);
  ck_assert(s[0] == INFINITY && s[1] == 0 && isnan(s[2]) && s[3] == INFINITY && s[4] == 0);
  ck_near(s[5], exp(-95.0), 1e-3, 0);
  SeriesTanh_Single(1, 6, 0, x, s);
  ck_assert(s[0] == 1 && s[1] == -1 && isnan(s[2]) && s[3] == 1 && s[4] == -1 && s[6] == 0 && isnan(s[8]));
  SeriesSin_Single(0, 3, 0, (float[3]){1e6f, -2e8f, NAN}, s);
  ck_near(s[0], sin(1e6), 1e-6, 0);
  ck_near(s[1], sin(-2e8), 1e-6, 0);
  ck_assert(isnan(s[2]));
}
END_TEST

START_TEST(products_of_matrices_agree_with_double)
{
  enum { M = 75, K = 33, L = 40 };
  static double a[M * M], b[M * M], c[M * M];
  static float p[M * M], q[M * M], r[M * M];
  static const char ops[2] = {'N', 'T'};
  for (int width = 1; width <= L; width += 13)
    for (int op = 0; op < 4; op++) {
      for (size_t i = 0; i < M * M; i++) {
        a[i] = p[i] = (float)TestRandom(1, i);
        b[i] = q[i] = (float)TestRandom(2, i);
        c[i] = r[i] = (float)TestRandom(3, i);
      }
      KernelCPU.gemm(ops[op % 2], ops[op / 2], M, (size_t)width, K, 0.5, a, M, b, M, 2, c, M);
      KernelCPU_Single.gemm(ops[op % 2], ops[op / 2], M, (size_t)width, K, 0.5f, p, M, q, M, 2, r, M);
      for (int i = 0; i < M * M; i++) ck_near(r[i], c[i], 0, K * rounding);
    }
}
END_TEST

START_TEST(jets_agree_with_double)
{
  for (int kind = 0; kind < PLANS; kind++) {
    int n_coord;
    JetPlan plan = CreatePlan(kind, &n_coord);
    const KernelTables *tables = JetPlanTables(plan);
    const size_t size = (size_t)JetPlanColumns(plan) * N;
    double *u, *v, *d, *w;
    float *p, *q, *e, *r;
    ck_petsc(PetscMalloc4(size, &u, size, &v, size, &d, size, &w));
    ck_petsc(PetscMalloc4(size, &p, size, &q, size, &e, size, &r));
    for (size_t i = 0; i < size; i++) u[i] = p[i] = (float)(0.5 * TestRandom(4, i));
    KernelCPU.compose(tables, SeriesTanh, 0, N, u, N, v, N, d, NULL, N);
    KernelCPU_Single.compose(tables, SeriesTanh_Single, 0, N, p, N, q, N, e, NULL, N);
    KernelCPU.multiply(&tables->product, N, v, N, d, N, w, N, 0);
    KernelCPU_Single.multiply(&tables->product, N, q, N, e, N, r, N, 0);
    for (size_t i = 0; i < size; i++) ck_near(r[i], w[i], 1e-5, 1e-5);
    KernelCPU.multiply_transpose(&tables->product, N, d, N, u, N, w, N, 0);
    KernelCPU_Single.multiply_transpose(&tables->product, N, e, N, p, N, r, N, 0);
    for (size_t i = 0; i < size; i++) ck_near(r[i], w[i], 1e-5, 1e-4);
    ck_petsc(PetscFree4(u, v, d, w));
    ck_petsc(PetscFree4(p, q, e, r));
    ck_petsc(JetPlanDestroy(&plan));
  }
}
END_TEST

TEST_SUITE("kernel in single precision", series_agree_with_double, overflow_underflow_and_nan,
           products_of_matrices_agree_with_double, jets_agree_with_double)
