/* Preconditioners kfac, ekfac and shampoo of whole networks against dense rows of J, on one rank and under mpirun with
   CK_FORK=no. */
#include <string.h>
#include "case_fixture.h"
#include "pinn/precond.h"
#include "../src/precond/kronecker_impl.h"

static const char poisson[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) + sin(x)\"; "
    "} "
    ");\n  conditions = ( { on = \"boundary\"; residual = \"u\"; weight = 100.0; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
    "points: { interior = { count = 61; }; conditions = { count = 30; }; }; network: { hidden = [8, 7, 6]; };";
/* No conditions, two equations a point, two outputs. */
static const char pair[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"
    "  equations = ( { residual = \"u_xx - v_y + u*v\"; }, { residual = \"u_y + v_x\"; weight = 3.0; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
    "points: { interior = { count = 53; }; }; network: { hidden = [9, 5]; };";
/* Parameters that multiply no neurons, gates, and one network a field. */
static const char types[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"
    "  equations = ( { residual = \"u_xx - v_y + u*v\"; }, { residual = \"u_y + v_x\"; weight = 3.0; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
    "points: { interior = { count = 53; }; };\n"
    "network: { type = \"fields\"; of = ( { hidden = [4]; factorize = [0.5, 0.1]; }, "
    "{ type = \"piratenet\"; hidden = [4]; } ); };";
static const char *const cases[] = {poisson, pair, types};

typedef struct {
  Case c;
  Residual alone; /* the same rows on this rank alone */
  Rows rows;
  Vec theta, x, y;
  size_t m, n;
  double *J; /* [m][n] all rows */
} Fixture;

static void set_up(Fixture *f, const char *text)
{
  Vec theta;
  double *r;
  ck_petsc(CaseCreate(text, &f->c));
  f->rows = ResidualRows(f->c.residual);
  ck_petsc(ResidualCreateTheta(f->c.residual, &f->theta));
  ck_petsc(VecDuplicate(f->theta, &f->x));
  ck_petsc(VecDuplicate(f->theta, &f->y));
  CaseFillVec(0.6, 0.0, f->theta);
  CaseFillVec(0.6, 1.0, f->x);
  ck_petsc(ResidualCreate(PETSC_COMM_SELF, f->c.config, f->c.problem, f->c.domain, f->c.network, &f->alone));
  const Rows rows = ResidualRows(f->alone);
  f->m = (size_t)rows->n_row, f->n = rows->n_param;
  ck_assert_int_eq(rows->n_row, f->rows->n_row_global);
  ck_petsc(PetscMalloc2(f->m * f->n, &f->J, f->m, &r));
  ck_petsc(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)f->n, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, f->n, r, f->J, f->n));
  ck_petsc(VecDestroy(&theta));
}

static void tear_down(Fixture *f)
{
  ck_petsc(PetscFree(f->J));
  ck_petsc(ResidualDestroy(&f->alone));
  ck_petsc(VecDestroy(&f->theta));
  ck_petsc(VecDestroy(&f->x));
  ck_petsc(VecDestroy(&f->y));
  ck_petsc(CaseDestroy(&f->c));
}

static double *get_all(Vec v)
{
  VecScatter scatter;
  Vec all;
  const double *values;
  double *copy;
  PetscInt n;
  ck_petsc(VecScatterCreateToAll(v, &scatter, &all));
  ck_petsc(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  ck_petsc(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  ck_petsc(VecGetSize(v, &n));
  ck_petsc(PetscMalloc1(n, &copy));
  ck_petsc(VecGetArrayRead(all, &values));
  ck_petsc(PetscArraycpy(copy, values, n));
  ck_petsc(VecRestoreArrayRead(all, &values));
  ck_petsc(VecScatterDestroy(&scatter));
  ck_petsc(VecDestroy(&all));
  return copy;
}

/* One layer's block H [size][size] of J^T J. */
static void layer_block(const Fixture *f, const RowsLayer *layer, double **H)
{
  const size_t size = (size_t)layer->n_in * (size_t)layer->n_out;
  double *V;
  ck_petsc(PetscCalloc1(size * size, H));
  ck_petsc(PetscMalloc1(size, &V));
  for (size_t row = 0; row < f->m; row++) {
    RowsLayerGet(layer, f->J + row * f->n, V);
    for (size_t k = 0; k < size; k++)
      for (size_t l = 0; l < size; l++) (*H)[k * size + l] += V[k] * V[l];
  }
  ck_petsc(PetscFree(V));
}

/* |H - sum of two products|; the second may be NULL. */
static double error_of(size_t n, size_t m, const double H[], double factor, const double A[], const double B[],
                       const double A2[], const double B2[])
{
  double sum = 0.0;
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++)
      for (size_t l = 0; l < m; l++)
        for (size_t k = 0; k < n; k++) {
          double d = H[(j * n + i) * m * n + l * n + k] - factor * A[i * n + k] * B[j * m + l];
          if (A2) d -= A2[i * n + k] * B2[j * m + l];
          sum += d * d;
        }
  return sqrt(sum);
}

static double trace(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += A[i * (n + 1)];
  return sum;
}

static Kronecker build(const Fixture *f, KroneckerKind kind, PetscInt steps, double **factors)
{
  Kronecker kronecker;
  size_t n;
  ck_petsc(KroneckerCreate(f->rows, kind, &kronecker));
  ck_petsc(KroneckerSetPowerSteps(kronecker, steps));
  ck_petsc(KroneckerBuild(kronecker, f->theta, 0.0));
  ck_petsc(KroneckerUpdate(kronecker, f->theta));
  if (factors) ck_petsc(KroneckerGetFactors(kronecker, &n, factors));
  return kronecker;
}

/* ekfac from the dense J: rotate every row, square, divide. */
START_TEST(ekfac_has_the_exact_diagonal)
{
  Fixture f;
  double *factors, *x, *y;
  const double lambda = 1e-3;
  set_up(&f, cases[_i / 2]);
  Kronecker kronecker = build(&f, KRONECKER_EKFAC, _i % 2 ? 2 : 0, &factors);
  ck_petsc(KroneckerDamp(kronecker, lambda));
  ck_petsc(KroneckerApply(kronecker, f.x, f.y));
  x = get_all(f.x), y = get_all(f.y);
  for (int l = 0; l < RowsLayers(f.rows); l++) {
    const RowsLayer layer = RowsLayerAt(f.rows, l);
    const size_t n = (size_t)layer.n_in, m = (size_t)layer.n_out, size = n * m;
    double K_A[256], K_B[256], w[16], S[256] = {0.0}, V[256], in[256], out[256] = {0.0}, expect[256];
    memcpy(K_A, factors, n * n * sizeof(double));
    memcpy(K_B, factors + n * n, m * m * sizeof(double));
    factors += n * n + m * m;
    ck_petsc(KroneckerEigen(n, K_A, w));
    ck_petsc(KroneckerEigen(m, K_B, w));
    RowsLayerGet(&layer, x, in);
    for (size_t j = 0; j < m; j++)
      for (size_t i = 0; i < n; i++) {
        double rotated = 0.0;
        for (size_t row = 0; row < f.m; row++) {
          double sum = 0.0;
          RowsLayerGet(&layer, f.J + row * f.n, V);
          for (size_t k = 0; k < size; k++) sum += K_B[j * m + k / n] * V[k] * K_A[i * n + k % n];
          S[j * n + i] += sum * sum;
        }
        for (size_t k = 0; k < size; k++) rotated += K_B[j * m + k / n] * in[k] * K_A[i * n + k % n];
        rotated /= S[j * n + i] + lambda;
        for (size_t k = 0; k < size; k++) out[k] += K_B[j * m + k / n] * rotated * K_A[i * n + k % n];
      }
    RowsLayerGet(&layer, y, expect);
    for (size_t k = 0; k < size; k++) ck_near(expect[k], out[k], 1e-9, 1e-9);
  }
  ck_petsc(PetscFree(x));
  ck_petsc(PetscFree(y));
  ck_petsc(KroneckerDestroy(&kronecker));
  tear_down(&f);
}
END_TEST

/* kfac: the assembled matrix of its factors, damped, times P x is x. With conditions it is a sum of two products. */
START_TEST(kfac_inverts_its_sum)
{
  Fixture f;
  double *factors, *x, *y;
  const double lambda = 1e-4;
  set_up(&f, cases[_i]);
  Kronecker kronecker = build(&f, KRONECKER_KFAC, 0, &factors);
  ck_petsc(KroneckerDamp(kronecker, lambda));
  ck_petsc(KroneckerApply(kronecker, f.x, f.y));
  x = get_all(f.x), y = get_all(f.y);
  for (int l = 0; l < RowsLayers(f.rows); l++) {
    const RowsLayer layer = RowsLayerAt(f.rows, l);
    const size_t n = (size_t)layer.n_in, m = (size_t)layer.n_out, pair_size = n * n + m * m;
    const double *A = factors, *B = A + n * n, *A2 = A + pair_size, *B2 = A2 + n * n;
    const double pi = sqrt(trace(n, A) / (double)n / (trace(m, B) / (double)m));
    const double shift_A = _i ? 0.0 : pi * sqrt(lambda), shift_B = _i ? 0.0 : sqrt(lambda) / pi;
    double in[256], out[256];
    RowsLayerGet(&layer, x, in);
    RowsLayerGet(&layer, y, out);
    ck_assert((trace(n, A2) > 0.0) == (_i == 0));
    for (size_t j = 0; j < m; j++)
      for (size_t i = 0; i < n; i++) {
        double sum = _i ? lambda * out[j * n + i] : 0.0;
        for (size_t p = 0; p < m; p++)
          for (size_t q = 0; q < n; q++)
            sum += ((A[i * n + q] + (i == q) * shift_A) * (B[j * m + p] + (j == p) * shift_B) +
                    A2[i * n + q] * B2[j * m + p]) *
                   out[p * n + q];
        ck_near(sum, in[j * n + i], 1e-9, 1e-9);
      }
    factors += 2 * pair_size;
  }
  ck_petsc(PetscFree(x));
  ck_petsc(PetscFree(y));
  ck_petsc(KroneckerDestroy(&kronecker));
  tear_down(&f);
}
END_TEST

/* Rows without derivatives have one column: the bias's part of J is g, and the layer's inputs are the quotients. */
START_TEST(kfac_factors_of_the_boundary)
{
  Fixture f;
  double *factors;
  set_up(&f, poisson);
  Kronecker kronecker = build(&f, KRONECKER_KFAC, 0, &factors);
  for (int l = 0; l < RowsLayers(f.rows); l++) {
    const RowsLayer layer = RowsLayerAt(f.rows, l);
    const size_t n = (size_t)layer.n_in, m = (size_t)layer.n_out;
    const double *A2 = factors + n * n + m * m, *B2 = A2 + n * n;
    double A[256] = {0.0}, B[256] = {0.0}, V[256];
    for (size_t row = 61; row < f.m; row++) {
      RowsLayerGet(&layer, f.J + row * f.n, V);
      for (size_t j = 0; j < m; j++)
        for (size_t k = 0; k < m; k++) B[j * m + k] += V[j * n + n - 1] * V[k * n + n - 1];
      for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) A[i * n + k] += V[i] / V[n - 1] * V[k] / V[n - 1] / 30.0;
    }
    for (size_t k = 0; k < n * n; k++) ck_near(A2[k], A[k], 1e-10, 1e-10);
    for (size_t k = 0; k < m * m; k++) ck_near(B2[k], B[k], 1e-10, 1e-10);
    factors += 2 * (n * n + m * m);
  }
  ck_petsc(KroneckerDestroy(&kronecker));
  tear_down(&f);
}
END_TEST

/* In the Frobenius norm: power steps never lose against kfac's pair; shampoo is one power step from the identity. */
START_TEST(errors_of_factors)
{
  Fixture f;
  double *plain, *power, *shampoo, *H;
  set_up(&f, cases[_i]);
  Kronecker one = build(&f, KRONECKER_EKFAC, 0, &plain), two = build(&f, KRONECKER_EKFAC, 3, &power);
  Kronecker three = build(&f, KRONECKER_SHAMPOO, 0, &shampoo);
  for (int l = 0; l < RowsLayers(f.rows); l++) {
    const RowsLayer layer = RowsLayerAt(f.rows, l);
    const size_t n = (size_t)layer.n_in, m = (size_t)layer.n_out, n_A = n * n, size = n * m;
    double A[256] = {0.0}, B[256] = {0.0}, norm = 0.0;
    layer_block(&f, &layer, &H);
    const double error_plain = error_of(n, m, H, 1.0, plain, plain + n_A, NULL, NULL);
    const double error_power = error_of(n, m, H, 1.0, power, power + n_A, NULL, NULL);
    ck_assert_double_le(error_power, error_plain * (1.0 + 1e-12));
    for (size_t k = 0; k < size; k++)
      for (size_t p = 0; p < size; p++)
        if (k % n == p % n) B[k / n * m + p / n] += H[k * size + p] / (double)n;
    for (size_t k = 0; k < m * m; k++) norm += B[k] * B[k];
    for (size_t k = 0; k < size; k++)
      for (size_t p = 0; p < size; p++) A[k % n * n + p % n] += H[k * size + p] * B[k / n * m + p / n] / norm;
    const double error_step = error_of(n, m, H, 1.0, A, B, NULL, NULL);
    const double error_shampoo = error_of(n, m, H, 1.0 / trace(n, shampoo), shampoo, shampoo + n_A, NULL, NULL);
    /* 1.008 at most of networks of one output, 1.03 in the last layer of the pair */
    ck_assert_double_le(error_shampoo, (_i ? 1.05 : 1.02) * error_step + 1e-12 * trace(n, shampoo));
    plain += n_A + m * m, power += n_A + m * m, shampoo += n_A + m * m;
    ck_petsc(PetscFree(H));
  }
  ck_petsc(KroneckerDestroy(&one));
  ck_petsc(KroneckerDestroy(&two));
  ck_petsc(KroneckerDestroy(&three));
  tear_down(&f);
}
END_TEST

/* All ranks together against this one alone. */
START_TEST(ranks_do_not_matter)
{
  Fixture f;
  Kronecker together, alone;
  Vec theta, x, y;
  const double *values;
  const KroneckerKind kind = (KroneckerKind)(_i % 3);
  set_up(&f, cases[_i / 3]);
  together = build(&f, kind, 2, NULL);
  ck_petsc(KroneckerDamp(together, 1e-3));
  ck_petsc(KroneckerApply(together, f.x, f.y));
  double *all = get_all(f.y), most = 0.0;
  ck_petsc(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)f.n, &theta));
  ck_petsc(VecDuplicate(theta, &x));
  ck_petsc(VecDuplicate(theta, &y));
  CaseFillVec(0.6, 0.0, theta);
  CaseFillVec(0.6, 1.0, x);
  ck_petsc(KroneckerCreate(ResidualRows(f.alone), kind, &alone));
  ck_petsc(KroneckerSetPowerSteps(alone, 2));
  ck_petsc(KroneckerBuild(alone, theta, 0.0));
  ck_petsc(KroneckerUpdate(alone, theta));
  ck_petsc(KroneckerDamp(alone, 1e-3));
  ck_petsc(KroneckerApply(alone, x, y));
  ck_petsc(VecGetArrayRead(y, &values));
  for (size_t k = 0; k < f.n; k++) most = fmax(most, fabs(values[k]));
  for (size_t k = 0; k < f.n; k++) ck_near(values[k], all[k], 0.0, 1e-9 * most);
  ck_petsc(VecRestoreArrayRead(y, &values));
  ck_petsc(PetscFree(all));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
  ck_petsc(KroneckerDestroy(&together));
  ck_petsc(KroneckerDestroy(&alone));
  tear_down(&f);
}
END_TEST

/* <x, P y> = <P x, y> and <x, P x> > 0. */
START_TEST(symmetric)
{
  Fixture f;
  Vec z, w;
  double left, right, square;
  set_up(&f, cases[_i / 3]);
  Kronecker kronecker = build(&f, (KroneckerKind)(_i % 3), 1, NULL);
  ck_petsc(KroneckerSetExponent(kronecker, 0.5));
  ck_petsc(KroneckerDamp(kronecker, 1e-3));
  ck_petsc(VecDuplicate(f.x, &z));
  ck_petsc(VecDuplicate(f.x, &w));
  CaseFillVec(0.6, 2.0, z);
  ck_petsc(KroneckerApply(kronecker, f.x, f.y));
  ck_petsc(KroneckerApply(kronecker, z, w));
  ck_petsc(VecDot(f.y, z, &left));
  ck_petsc(VecDot(f.x, w, &right));
  ck_petsc(VecDot(f.x, f.y, &square));
  ck_near(left, right, 1e-10, 0.0);
  ck_assert(square > 0.0);
  ck_petsc(VecDestroy(&z));
  ck_petsc(VecDestroy(&w));
  ck_petsc(KroneckerDestroy(&kronecker));
  tear_down(&f);
}
END_TEST

/* keep: a moving average of factors. */
START_TEST(factors_are_averaged)
{
  Fixture f;
  size_t n;
  double *factors, *first, *second;
  set_up(&f, poisson);
  Kronecker kronecker = build(&f, KRONECKER_KFAC, 0, &factors);
  ck_petsc(KroneckerGetFactors(kronecker, &n, &factors));
  ck_petsc(PetscMalloc2(n, &first, n, &second));
  ck_petsc(PetscArraycpy(first, factors, n));
  CaseFillVec(0.6, 0.1, f.theta);
  ck_petsc(KroneckerBuild(kronecker, f.theta, 0.0));
  ck_petsc(PetscArraycpy(second, factors, n));
  ck_petsc(PetscArraycpy(factors, first, n));
  ck_petsc(KroneckerBuild(kronecker, f.theta, 0.75));
  for (size_t k = 0; k < n; k++) ck_near(factors[k], 0.75 * first[k] + 0.25 * second[k], 1e-14, 1e-14);
  ck_petsc(PetscFree2(first, second));
  ck_petsc(KroneckerDestroy(&kronecker));
  tear_down(&f);
}
END_TEST

/* As PETSc's own: by option, with a prefix, in cg and inside a composite. */
START_TEST(used_through_petsc)
{
  static const char *const options[] = {"-k_pc_type kfac", "-k_pc_type ekfac -k_pc_ekfac_power_steps 1",
                                        "-k_pc_type shampoo -k_pc_shampoo_exponent 0.5",
                                        "-k_pc_type composite -k_pc_composite_pcs kfac,ekfac"};
  Fixture f;
  Mat A;
  KSP ksp;
  Vec residual;
  KSPConvergedReason reason;
  double norm, start;
  set_up(&f, poisson);
  ck_petsc(GaussNewtonCreate(f.rows, &A));
  ck_petsc(GaussNewtonSetPoint(A, f.theta, true));
  ck_petsc(GaussNewtonSetDamping(A, 1e-3));
  ck_petsc(PetscOptionsInsertString(NULL, options[_i]));
  ck_petsc(KSPCreate(PETSC_COMM_WORLD, &ksp));
  ck_petsc(KSPSetType(ksp, KSPCG));
  ck_petsc(KSPSetOptionsPrefix(ksp, "k_"));
  ck_petsc(KSPSetTolerances(ksp, 1e-11, 1e-50, 1e9, 3000));
  ck_petsc(KSPSetFromOptions(ksp));
  ck_petsc(KSPSetOperators(ksp, A, A));
  ck_petsc(KSPSolve(ksp, f.x, f.y));
  ck_petsc(KSPGetConvergedReason(ksp, &reason));
  ck_assert_int_gt(reason, 0);
  ck_petsc(VecDuplicate(f.x, &residual));
  ck_petsc(MatMult(A, f.y, residual));
  ck_petsc(VecAXPY(residual, -1.0, f.x));
  ck_petsc(VecNorm(residual, NORM_2, &norm));
  ck_petsc(VecNorm(f.x, NORM_2, &start));
  ck_assert_double_le(norm, 1e-6 * start);
  ck_petsc(PetscOptionsClear(NULL));
  ck_petsc(VecDestroy(&residual));
  ck_petsc(KSPDestroy(&ksp));
  ck_petsc(MatDestroy(&A));
  tear_down(&f);
}
END_TEST

START_TEST(too_wide)
{
  static const char wide[] = "problem: { coordinates = [\"x[2048]\"]; fields = [\"u\"]; equations = ( { residual = "
                             "\"u - x[0]\"; } ); };\ndomain: { type = \"ball\"; };\npoints: { interior = { count = 8; "
                             "sampler = \"uniform\"; }; };\n"
                             "network: { hidden = [2]; };";
  Case c;
  Kronecker kronecker = NULL;
  ck_petsc(CaseCreate(wide, &c));
  ck_petsc_fails(KroneckerCreate(ResidualRows(c.residual), KRONECKER_KFAC, &kronecker), PETSC_ERR_USER_INPUT,
                 "layer 1, 2049 inputs x 2 outputs, would be too large (2048 at most)");
  ck_petsc(CaseDestroy(&c));
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("kronecker of networks");
  TCase *tests = tcase_create("kronecker of networks");
  tcase_add_loop_test(tests, ekfac_has_the_exact_diagonal, 0, 6);
  tcase_add_loop_test(tests, kfac_inverts_its_sum, 0, 2);
  tcase_add_test(tests, kfac_factors_of_the_boundary);
  tcase_add_loop_test(tests, errors_of_factors, 0, 2);
  tcase_add_loop_test(tests, ranks_do_not_matter, 0, 6);
  tcase_add_loop_test(tests, symmetric, 0, 6);
  tcase_add_test(tests, factors_are_averaged);
  tcase_add_loop_test(tests, used_through_petsc, 0, 4);
  tcase_add_test(tests, too_wide);
  suite_add_tcase(suite, tests);
  return suite;
}
