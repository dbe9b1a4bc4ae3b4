/* Kronecker factors, diagonals and inverses of a layer against the assembled block of J^T J. */
#include "harness.h"
#include "../src/precond/kronecker.h"

#define MOST_SIZE 128 /* parameters of a test layer */

/* A layer with rows from random jets: inputs end with the bias. */
typedef struct {
  size_t n, n_term, n_column, n_in, n_out;
  RowsPanel panels[2]; /* one a term */
  double z[4096], g[4096], work[65536];
} Layer;

static double next(unsigned long *state)
{
  *state = *state * 6364136223846793005ul + 1442695040888963407ul;
  return (double)(*state >> 11) / 4503599627370496.0 - 1.0;
}

static void make_layer(Layer *layer, unsigned long seed, size_t n, size_t n_term, size_t n_column, size_t n_in,
                       size_t n_out)
{
  layer->n = n, layer->n_term = n_term, layer->n_column = n_column, layer->n_in = n_in, layer->n_out = n_out;
  for (size_t e = 0; e < n_term; e++)
    layer->panels[e] = (RowsPanel){.n = (PetscInt)n,
                                   .n_column = (PetscInt)n_column,
                                   .n_in = (PetscInt)n_in,
                                   .n_out = (PetscInt)n_out,
                                   .z = layer->z,
                                   .g = layer->g + e * n_column * n * n_out};
  ck_assert_uint_le(n_in * n_out, MOST_SIZE);
  ck_assert_uint_le(KroneckerPanelWork(&layer->panels[0]), sizeof(layer->work) / sizeof(double));
  for (size_t k = 0; k < n_column * n * n_in; k++) layer->z[k] = next(&seed) * (1.0 + (double)(k % n_in));
  for (size_t c = 0; c < n_column; c++)
    for (size_t p = 0; p < n; p++) layer->z[(c * n + p) * n_in + n_in - 1] = c == 0;
  for (size_t k = 0; k < n_term * n_column * n * n_out; k++) layer->g[k] = next(&seed) / (1.0 + (double)(k % n_out));
}

/* J [n_out][n_in] of one row */
static void form_row(const Layer *s, size_t e, size_t p, double J[])
{
  for (size_t j = 0; j < s->n_out; j++)
    for (size_t i = 0; i < s->n_in; i++) {
      J[j * s->n_in + i] = 0.0;
      for (size_t c = 0; c < s->n_column; c++)
        J[j * s->n_in + i] +=
            s->g[((e * s->n_column + c) * s->n + p) * s->n_out + j] * s->z[(c * s->n + p) * s->n_in + i];
    }
}

/* H [size][size] += sum of J J^T over rows */
static void assemble(const Layer *s, double H[])
{
  const size_t size = s->n_in * s->n_out;
  double J[MOST_SIZE];
  for (size_t e = 0; e < s->n_term; e++)
    for (size_t p = 0; p < s->n; p++) {
      form_row(s, e, p, J);
      for (size_t k = 0; k < size; k++)
        for (size_t l = 0; l < size; l++) H[k * size + l] += J[k] * J[l];
    }
}

/* |H - factor A (x) B| in the Frobenius norm */
static double error_of(const Layer *s, const double H[], double factor, const double A[], const double B[])
{
  const size_t n = s->n_in, m = s->n_out;
  double sum = 0.0;
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++)
      for (size_t l = 0; l < m; l++)
        for (size_t k = 0; k < n; k++) {
          const double d = H[(j * n + i) * m * n + l * n + k] - factor * A[i * n + k] * B[j * m + l];
          sum += d * d;
        }
  return sqrt(sum);
}

static double square(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += A[k] * A[k];
  return sum;
}

static double trace(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += A[i * (n + 1)];
  return sum;
}

/* n_column against n_in, n_out decides between the two ways of sums J A J^T. */
static const size_t shapes[][5] = {
    {7, 1, 4, 9, 6}, {5, 2, 3, 8, 8}, {9, 2, 12, 4, 3}, {10, 1, 17, 3, 7}, {3, 1, 1, 5, 1}};
#define N_SHAPE ((int)(sizeof(shapes) / sizeof(shapes[0])))

START_TEST(test_sums)
{
  const size_t *s = shapes[_i];
  static Layer layer;
  static double H[MOST_SIZE * MOST_SIZE];
  double A[MOST_SIZE], B[MOST_SIZE], M[MOST_SIZE], W[MOST_SIZE], expect[MOST_SIZE], J[MOST_SIZE];
  make_layer(&layer, 11 + (unsigned long)_i, s[0], s[1], s[2], s[3], s[4]);

  const size_t n = s[3], m = s[4];
  unsigned long seed = 5;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k <= i; k++) M[i * n + k] = M[k * n + i] = next(&seed);
  for (size_t i = 0; i < m; i++)
    for (size_t k = 0; k <= i; k++) W[i * m + k] = W[k * m + i] = next(&seed);
  /* the blocks of H contracted with M or W */
  memset(H, 0, sizeof(H));
  assemble(&layer, H);
  memset(B, 0, sizeof(B));
  for (size_t e = 0; e < layer.n_term; e++) KroneckerAddRight(&layer.panels[e], M, layer.work, B);
  for (size_t j = 0; j < m; j++)
    for (size_t l = 0; l < m; l++) {
      double sum = 0.0;
      for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) sum += H[(j * n + i) * n * m + l * n + k] * M[i * n + k];
      ck_near(B[j * m + l], sum, 1e-12, 1e-11);
    }
  memset(A, 0, sizeof(A));
  for (size_t e = 0; e < layer.n_term; e++) KroneckerAddLeft(&layer.panels[e], W, layer.work, A);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++) {
      double sum = 0.0;
      for (size_t j = 0; j < m; j++)
        for (size_t l = 0; l < m; l++) sum += H[(j * n + i) * n * m + l * n + k] * W[j * m + l];
      ck_near(A[i * n + k], sum, 1e-12, 1e-11);
    }
  /* any matrices do as bases */
  memset(expect, 0, sizeof(expect));
  for (size_t e = 0; e < s[1]; e++)
    for (size_t p = 0; p < s[0]; p++) {
      form_row(&layer, e, p, J);
      for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < n; i++) {
          double sum = 0.0;
          for (size_t l = 0; l < m; l++)
            for (size_t k = 0; k < n; k++) sum += W[j * m + l] * J[l * n + k] * M[i * n + k];
          expect[j * n + i] += sum * sum;
        }
    }
  memset(A, 0, sizeof(A));
  for (size_t e = 0; e < layer.n_term; e++) KroneckerAddSquares(&layer.panels[e], M, W, layer.work, A);
  for (size_t k = 0; k < n * m; k++) ck_near(A[k], expect[k], 1e-12, 1e-13);
}
END_TEST

/* A [n][n] and B [m][m]: factors as kfac has them */
static void plain_factors(const Layer *s, double A[], double B[])
{
  memset(A, 0, s->n_in * s->n_in * sizeof(double));
  memset(B, 0, s->n_out * s->n_out * sizeof(double));
  for (size_t e = 0; e < s->n_term; e++) {
    KroneckerAddInputs(&s->panels[e], A);
    KroneckerAddOutputs(&s->panels[e], B);
  }
  for (size_t k = 0; k < s->n_in * s->n_in; k++) A[k] /= (double)(s->n_term * s->n * s->n_column);
}

/* Also with columns that are the same at all points: the second, then the first two. */
START_TEST(test_plain_factors)
{
  static Layer layer;
  double A[MOST_SIZE], B[MOST_SIZE];
  make_layer(&layer, 3, 6, 2, 3, 5, 4);
  for (size_t c = _i == 2 ? 0 : 1; _i && c < 2; c++)
    for (size_t p = 1; p < 6; p++) memcpy(layer.z + (c * 6 + p) * 5, layer.z + c * 6 * 5, 5 * sizeof(double));
  plain_factors(&layer, A, B);
  for (size_t i = 0; i < 5; i++)
    for (size_t k = 0; k < 5; k++) {
      double sum = 0.0;
      for (size_t p = 0; p < 18; p++) sum += layer.z[p * 5 + i] * layer.z[p * 5 + k] / 18.0;
      ck_near(A[i * 5 + k], sum, 1e-13, 1e-14);
    }
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < 4; k++) {
      double sum = 0.0;
      for (size_t p = 0; p < 36; p++) sum += layer.g[p * 4 + i] * layer.g[p * 4 + k];
      ck_near(B[i * 4 + k], sum, 1e-13, 1e-14);
    }
}
END_TEST

/* The assembled matrix times the inverse's columns is the identity: M [size][size]. */
static void check_inverse(const KroneckerInverse *inverse, const double M[], double tolerance)
{
  const size_t size = inverse->n_in * inverse->n_out;
  double x[MOST_SIZE], work[2 * MOST_SIZE];
  for (size_t k = 0; k < size; k++) {
    memset(x, 0, sizeof(x));
    x[k] = 1.0;
    KroneckerInverseApply(inverse, x, work, x);
    for (size_t l = 0; l < size; l++) {
      double sum = 0.0;
      for (size_t i = 0; i < size; i++) sum += M[l * size + i] * x[i];
      ck_near(sum, l == k, 0.0, tolerance);
    }
  }
}

START_TEST(test_sum_inverse)
{
  static Layer interior, boundary;
  static double M[MOST_SIZE * MOST_SIZE];
  double A[MOST_SIZE], B[MOST_SIZE], A2[MOST_SIZE], B2[MOST_SIZE], used;
  const double lambda = _i ? 1e-2 : 0.0; /* of 40 rows x columns both factors are definite without */
  const size_t n = 7, m = 5, size = n * m;
  KroneckerInverse inverse;
  make_layer(&interior, 21, 20, 1, 4, n, m);
  make_layer(&boundary, 22, 3, 1, 1, n, m); /* of low rank */
  plain_factors(&interior, A, B);
  plain_factors(&boundary, A2, B2);
  ck_petsc(KroneckerInverseCreate(n, m, &inverse));
  ck_petsc(KroneckerInvertSum(&inverse, A, B, A2, B2, lambda, &used));
  ck_near(used, lambda, 0.0, 0.0);
  const double pi = sqrt(trace(n, A) / (double)n / (trace(m, B) / (double)m));
  for (size_t i = 0; i < n; i++) A[i * (n + 1)] += pi * sqrt(lambda);
  for (size_t j = 0; j < m; j++) B[j * (m + 1)] += sqrt(lambda) / pi;
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++)
      for (size_t l = 0; l < m; l++)
        for (size_t k = 0; k < n; k++)
          M[(j * n + i) * size + l * n + k] = A[i * n + k] * B[j * m + l] + A2[i * n + k] * B2[j * m + l];
  check_inverse(&inverse, M, 1e-10);
  ck_petsc(KroneckerInverseDestroy(&inverse));
}
END_TEST

START_TEST(test_product_inverse)
{
  static Layer layer;
  static double M[MOST_SIZE * MOST_SIZE];
  double A[MOST_SIZE], B[MOST_SIZE], a[16], b[16];
  const double lambda = 1e-3;
  const size_t n = 9, m = 6, size = n * m;
  KroneckerInverse inverse;
  make_layer(&layer, 8, 2, 1, 4, n, m); /* A is singular */
  plain_factors(&layer, A, B);
  ck_petsc(KroneckerInverseCreate(n, m, &inverse));
  ck_petsc(KroneckerInvertProduct(&inverse, A, B, lambda, a, b));
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++)
      for (size_t l = 0; l < m; l++)
        for (size_t k = 0; k < n; k++)
          M[(j * n + i) * size + l * n + k] = A[i * n + k] * B[j * m + l] + (i == k && j == l ? lambda : 0.0);
  check_inverse(&inverse, M, 1e-10);
  ck_near(trace(n, A), a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7] + a[8], 1e-12, 0.0);
  ck_petsc(KroneckerInverseDestroy(&inverse));
}
END_TEST

/* A singular first factor without damping: some is added, and told. */
START_TEST(test_sum_raises_damping)
{
  static Layer interior, boundary;
  double A[MOST_SIZE], B[MOST_SIZE], A2[MOST_SIZE], B2[MOST_SIZE], used, x[MOST_SIZE], work[2 * MOST_SIZE];
  KroneckerInverse inverse;
  make_layer(&interior, 21, 1, 1, 2, 7, 5);
  make_layer(&boundary, 22, 3, 1, 1, 7, 5);
  plain_factors(&interior, A, B);
  plain_factors(&boundary, A2, B2);
  ck_petsc(KroneckerInverseCreate(7, 5, &inverse));
  ck_petsc(KroneckerInvertSum(&inverse, A, B, A2, B2, 0.0, &used));
  ck_assert(used > 0.0 && used < 1e-8 * trace(7, A) * trace(5, B));
  for (size_t k = 0; k < 35; k++) x[k] = 1.0;
  KroneckerInverseApply(&inverse, x, work, x);
  for (size_t k = 0; k < 35; k++) ck_assert(isfinite(x[k]));
  A[0] = NAN;
  ck_petsc_fails(KroneckerInvertSum(&inverse, A, B, A2, B2, 0.0, &used), PETSC_ERR_FP, "not finite");
  ck_petsc(KroneckerInverseDestroy(&inverse));
}
END_TEST

/* In the eigenbases D is the exact diagonal of the assembled matrix. */
START_TEST(test_diagonal_in_basis)
{
  static Layer layer;
  static double H[MOST_SIZE * MOST_SIZE];
  double A[MOST_SIZE], B[MOST_SIZE], S[MOST_SIZE] = {0.0}, a[16], b[16], v[MOST_SIZE];
  const size_t *s = shapes[_i], n = s[3], m = s[4], size = n * m;
  KroneckerInverse inverse;
  make_layer(&layer, 31, s[0], s[1], s[2], n, m);
  plain_factors(&layer, A, B);
  memset(H, 0, sizeof(H));
  assemble(&layer, H);
  ck_petsc(KroneckerInverseCreate(n, m, &inverse));
  ck_petsc(KroneckerInvertProduct(&inverse, A, B, -1.0, a, b));
  for (size_t e = 0; e < layer.n_term; e++)
    KroneckerAddSquares(&layer.panels[e], inverse.K_A, inverse.K_B, layer.work, S);
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++) {
      double sum = 0.0;
      for (size_t l = 0; l < m; l++)
        for (size_t k = 0; k < n; k++) v[l * n + k] = inverse.K_B[j * m + l] * inverse.K_A[i * n + k];
      for (size_t k = 0; k < size; k++)
        for (size_t l = 0; l < size; l++) sum += v[k] * H[k * size + l] * v[l];
      ck_near(S[j * n + i], sum, 1e-10, 1e-11);
    }
  ck_petsc(KroneckerInverseDestroy(&inverse));
}
END_TEST

/* Alternating steps from kfac's A: the error falls at every half step, so it is never above kfac's. */
START_TEST(test_power_error)
{
  static Layer layer;
  static double H[MOST_SIZE * MOST_SIZE];
  double A[MOST_SIZE], B[MOST_SIZE], last;
  const size_t *s = shapes[_i % N_SHAPE], n = s[3], m = s[4];
  make_layer(&layer, 100 + (unsigned long)_i, s[0], s[1], s[2], n, m);
  plain_factors(&layer, A, B);
  memset(H, 0, sizeof(H));
  assemble(&layer, H);
  const double norm = sqrt(square(n * m * n * m, H)), kfac = last = error_of(&layer, H, 1.0, A, B);
  for (int k = 0; k < 12; k++) {
    double *const target = k % 2 ? A : B;
    const size_t length = k % 2 ? n * n : m * m;
    const double scale = k % 2 ? square(m * m, B) : square(n * n, A);
    memset(target, 0, length * sizeof(double));
    if (k % 2)
      for (size_t e = 0; e < layer.n_term; e++) KroneckerAddLeft(&layer.panels[e], B, layer.work, A);
    else
      for (size_t e = 0; e < layer.n_term; e++) KroneckerAddRight(&layer.panels[e], A, layer.work, B);
    for (size_t i = 0; i < length; i++) target[i] /= scale;
    const double error = error_of(&layer, H, 1.0, A, B);
    ck_assert_double_le(error, last * (1.0 + 1e-12) + 1e-12 * norm);
    last = error;
  }
  ck_assert_double_le(last, kfac + 1e-12 * norm);
}
END_TEST

/* <x, P y> = <P x, y>, whatever the factors. */
START_TEST(test_symmetry)
{
  static Layer interior, boundary;
  double A[MOST_SIZE], B[MOST_SIZE], A2[MOST_SIZE], B2[MOST_SIZE], used;
  double x[MOST_SIZE], y[MOST_SIZE], Px[MOST_SIZE], Py[MOST_SIZE], work[2 * MOST_SIZE], left = 0.0, right = 0.0;
  unsigned long seed = 77;
  KroneckerInverse inverse;
  make_layer(&interior, 41, 20, 2, 4, 6, 8);
  make_layer(&boundary, 42, 9, 1, 1, 6, 8);
  plain_factors(&interior, A, B);
  plain_factors(&boundary, A2, B2);
  ck_petsc(KroneckerInverseCreate(6, 8, &inverse));
  ck_petsc(KroneckerInvertSum(&inverse, A, B, A2, B2, 1e-6, &used));
  for (size_t k = 0; k < 48; k++) x[k] = next(&seed), y[k] = next(&seed);
  KroneckerInverseApply(&inverse, x, work, Px);
  KroneckerInverseApply(&inverse, y, work, Py);
  for (size_t k = 0; k < 48; k++) left += x[k] * Py[k], right += Px[k] * y[k];
  ck_near(left, right, 1e-12, 0.0);
  ck_petsc(KroneckerInverseDestroy(&inverse));
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("kronecker");
  TCase *tests = tcase_create("kronecker");
  tcase_add_loop_test(tests, test_sums, 0, N_SHAPE);
  tcase_add_loop_test(tests, test_plain_factors, 0, 3);
  tcase_add_loop_test(tests, test_sum_inverse, 0, 2);
  tcase_add_test(tests, test_product_inverse);
  tcase_add_test(tests, test_sum_raises_damping);
  tcase_add_loop_test(tests, test_diagonal_in_basis, 0, N_SHAPE);
  tcase_add_loop_test(tests, test_power_error, 0, 3 * N_SHAPE);
  tcase_add_test(tests, test_symmetry);
  suite_add_tcase(suite, tests);
  return suite;
}
