/* Fits of constants and affine functions against dense normal equations in long double arithmetic. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "case_fixture.h"
#include "../src/output/baselines.h"

enum { MOST = 400, DIM = 5 };

typedef struct {
  PointSet points;
  double x[MOST * 60], w[MOST], y[MOST], center[60], size[60];
  Fit fit;
} Data;

static double number(int stream, int i)
{
  return sin(12.9898 * i + 78.233 * stream + 0.37 * sin(3.7 * i));
}

static void fill(Data *d, int n, int dim)
{
  d->points = (PointSet){.count = n, .n = n, .dim = dim, .x = d->x};
  for (int i = 0; i < n * dim; i++) d->x[i] = 3 + number(1, i) * (1 + i % dim);
  for (int i = 0; i < n; i++) {
    d->w[i] = 1.5 + number(2, i);
    d->y[i] = d->w[i] * (2 + 3 * d->x[i * dim] - d->x[i * dim + dim - 1]) + 0.3 * number(3, i);
  }
  for (int k = 0; k < dim; k++) d->center[k] = 2.5, d->size[k] = 1 + k;
  d->fit = (Fit){PETSC_COMM_SELF, &d->points, d->w, d->y, d->center, d->size};
}

/* |y - A v| of the least-squares solution, A [n][m] given column by column, by elimination in the normal equations. */
static double residual_of(int n, int m, double (*column)(const Data *, int k, int i), const Data *d)
{
  long double N[DIM + 1][DIM + 2] = {{0}}, v[DIM + 1], sum = 0;
  for (int a = 0; a < m; a++)
    for (int i = 0; i < n; i++) {
      for (int b = 0; b < m; b++) N[a][b] += (long double)column(d, a, i) * column(d, b, i);
      N[a][m] += (long double)column(d, a, i) * d->y[i];
    }
  for (int a = 0; a < m; a++)
    for (int b = a + 1; b < m; b++)
      for (int c = m; c >= a; c--) N[b][c] -= N[b][a] / N[a][a] * N[a][c];
  for (int a = m - 1; a >= 0; a--) {
    v[a] = N[a][m];
    for (int b = a + 1; b < m; b++) v[a] -= N[a][b] * v[b];
    v[a] /= N[a][a];
  }
  for (int i = 0; i < n; i++) {
    long double r = d->y[i];
    for (int a = 0; a < m; a++) r -= v[a] * column(d, a, i);
    sum += r * r;
  }
  return (double)sqrtl(sum);
}

static double affine_column(const Data *d, int k, int i)
{
  return d->w[i] * (k ? d->x[i * d->points.dim + k - 1] : 1.0);
}

static const double direction[DIM] = {1.0, -0.5, 2.0, 0.25, 3.0};
static double along_column(const Data *d, int k, int i)
{
  double sum = 0;
  for (int j = 0; j < DIM; j++) sum += direction[j] * (d->x[i * DIM + j] - d->center[j]);
  return d->w[i] * (k ? sum : 1.0);
}

START_TEST(fits_are_those_of_dense_algebra)
{
  static Data d;
  double norm;
  fill(&d, 300, DIM);
  ck_petsc(FitConstant(&d.fit, &norm));
  ck_near(norm, residual_of(300, 1, affine_column, &d), 1e-12, 0);
  ck_petsc(FitAffine(&d.fit, &norm));
  ck_near(norm, residual_of(300, DIM + 1, affine_column, &d) / sqrt(1 - (DIM + 1) / 300.0), 1e-11, 0);
  double along[300] = {0};
  for (int i = 0; i < 300; i++)
    for (int j = 0; j < DIM; j++) along[i] += direction[j] * (d.x[i * DIM + j] - d.center[j]);
  ck_petsc(FitAlong(&d.fit, along, &norm));
  ck_near(norm, residual_of(300, 2, along_column, &d), 1e-11, 0);
}
END_TEST

/* Noise that no affine function knows: what is told is its size, however few the points. */
START_TEST(few_points_are_no_better_fit)
{
  static Data d;
  double norm, noise = 0, sum = 0;
  for (int time = 0; time < 60; time++) {
    fill(&d, 150, 50);
    for (int i = 0; i < 150 * 50; i++) d.x[i] = RandomNormal((RandomKey){1, 2, (uint32_t)time, 0}, (uint64_t)i);
    for (int i = 0; i < 150; i++) {
      d.w[i] = 1;
      d.y[i] = RandomNormal((RandomKey){1, 3, (uint32_t)time, 0}, (uint64_t)i);
      noise += d.y[i] * d.y[i];
    }
    ck_petsc(FitAffine(&d.fit, &norm));
    sum += norm * norm;
  }
  ck_near(sum, noise, 0.05, 0);
  d.points.n = d.points.count = 102;
  ck_petsc(FitAffine(&d.fit, &norm));
  ck_assert(isnan(norm));
}
END_TEST

START_TEST(gradients_are_those_of_the_exact_solution)
{
  static const char text[] =
      "problem: { coordinates = [\"x[4]\", \"t\"]; fields = [\"u\"];\n"
      "  exact: { u = \"(1 - norm2(x))*(sin(x[0] + 2*x[1]) + x[2]*x[3]) + exp(t)*x[0]\"; };\n"
      "  transform: { u = \"x[1]*t + (1 - norm2(x))*net\"; };\n"
      "  equations = ( { residual = \"laplacian(u)\"; } ); };\n"
      "domain: { lower = -1.0; upper = 1.5; }; points: { interior = { count = 8; }; }; network: { hidden = [3]; };";
  const double x[5] = {0.3, -0.2, 0.7, 0.4, 0.1}, n2 = 0.09 + 0.04 + 0.49 + 0.16, a = 0.3 - 0.4, s = sin(a) + 0.28;
  const double exact[5] = {-0.6 * s + (1 - n2) * cos(a) + exp(0.1), 0.4 * s + 2 * (1 - n2) * cos(a),
                           -1.4 * s + (1 - n2) * 0.4, -0.8 * s + (1 - n2) * 0.7, 0.3 * exp(0.1)};
  const double one = 1, zero = 0;
  double along[3], to[15], value[2];
  const PointSet points = {.count = 3, .n = 3, .dim = 5, .x = to};
  Case c;
  Probe probe;
  ck_petsc(CaseCreate(text, &c));
  const FormulaNode solution = ProblemExact(c.problem, 0);
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &solution, NULL, &probe));
  for (int i = 0; i < 15; i++) to[i] = x[i % 5] + number(4, i);
  ck_petsc(BaselineAlong(probe, x, &points, along));
  for (int i = 0; i < 3; i++) {
    double sum = 0;
    for (int k = 0; k < 5; k++) sum += exact[k] * (to[5 * i + k] - x[k]);
    ck_near(along[i], sum, 1e-10, 1e-10);
  }
  ck_petsc(ProbeDestroy(&probe));
  const FormulaNode field = ProblemField(c.problem, 0), equation = ProblemBlock(c.problem, 0)->terms[0].node;
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &field, NULL, &probe));
  ck_assert(ProbeIsAffine(probe));
  ck_petsc(ProbeEvaluateConstant(probe, &zero, 1, x, &value[0]));
  ck_petsc(ProbeEvaluateConstant(probe, &one, 1, x, &value[1]));
  ck_near(value[0], -0.02, 1e-14, 0);
  ck_near(value[1], -0.02 + 1 - n2, 1e-14, 0);
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(ProbeCreate(c.problem, c.network, 1, &equation, NULL, &probe));
  ck_assert(!ProbeIsAffine(probe));
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* Verification, in a ball, of the network 2 + slope x[1]. */
static Verification verify(const char *settings, const char *exact, double slope)
{
  char text[2048];
  Verifier verifier;
  Verification v;
  double *values;
  Vec theta;
  Case c;
  snprintf(text, sizeof(text),
           "problem: { coordinates = [\"x[6]\"]; fields = [\"u\"]; exact: { u = \"%s\"; };\n"
           "  transform: { u = \"(1 - norm2(x))*net\"; }; equations = ( { residual = \"laplacian(u)\"; } ); };\n"
           "domain: { type = \"ball\"; }; points: { interior = { count = 8; }; heldout = 10; };\n"
           "network: { hidden = [3]; affine = true; }; %s",
           exact, settings);
  ck_petsc(CaseCreate(text, &c));
  ck_petsc(VerifierCreate(PETSC_COMM_WORLD, c.config, c.problem, c.domain, c.domain, c.network, c.residual, &verifier));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(PetscCalloc1(NetworkParameters(c.network), &values));
  values[NetworkParameters(c.network) - 1] = 2.0;
  values[NetworkParameters(c.network) - 9] = slope; /* 6 slopes, 3 weights, a bias */
  ck_petsc(ResidualScatterTheta(c.residual, values, theta));
  ck_petsc(VerifierRun(verifier, theta, &v));
  v.truth = NULL; /* goes with the verifier */
  ck_petsc(PetscFree(values));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VerifierDestroy(&verifier));
  ck_petsc(CaseDestroy(&c));
  return v;
}

START_TEST(verification_tells_what_constants_and_affine_functions_score)
{
  Verification v = verify("", "(1 - norm2(x))*2", 0.0);
  ck_assert_double_le(v.l2_error[0], 1e-14);
  ck_assert_double_le(v.constant_error[0], 1e-14);
  ck_petsc(VerificationDestroy(&v));
  v = verify("", "(1 - norm2(x))*(2 + x[1] - 3*x[4])", 0.0);
  ck_near(v.constant_error[0], v.l2_error[0], 1e-2, 0);
  ck_assert_double_le(v.affine_error[0], 1e-12);
  ck_assert(v.has_baselines && v.n_warning >= 1);
  ck_petsc(VerificationDestroy(&v));
  v = verify("", "(1 - norm2(x))*(2 + 0.01*x[1] + x[2]*x[3])", 0.0);
  ck_near(v.nonaffine_error[0], v.l2_error[0] / v.affine_error[0], 1e-14, 0);
  ck_near(v.nonaffine_error[0], 1.0, 0.05, 0);
  ck_petsc(VerificationDestroy(&v));
  v = verify("verify: { baselines = false; };", "(1 - norm2(x))*(2 + x[1])", 0.0);
  ck_assert(!v.has_baselines && isnan(v.affine_error[0]) && !isnan(v.constant_error[0]));
  ck_petsc(VerificationDestroy(&v));
}
END_TEST

static bool warns(const Verification *v, const char *words)
{
  bool found = false;
  for (int k = 0; k < v->n_warning; k++) found = found || strstr(v->warning[k], words);
  return found;
}

/* Of solutions of which the network has the constant part, and part of the slope. */
START_TEST(a_network_no_better_than_an_affine_function_is_told)
{
  Verification v = verify("", "(1 - norm2(x))*(2 + 0.1*x[1])", 0.0);
  ck_assert(warns(&v, "a constant would have scored as well"));
  ck_petsc(VerificationDestroy(&v));
  v = verify("", "(1 - norm2(x))*(2 + x[1] + 0.01*x[2]*x[3])", 0.9);
  ck_assert(!warns(&v, "a constant") && warns(&v, "the network is no better than an affine function"));
  ck_petsc(VerificationDestroy(&v));
  v = verify("", "(1 - norm2(x))*(2 + x[1] + 0.01*x[2]*x[3])", 1.0);
  ck_near(v.nonaffine_error[0], 1.0, 0.02, 0);
  ck_petsc(VerificationDestroy(&v));
  v = verify("", "(1 - norm2(x))*(2 + x[1])", 1.0);
  ck_assert_double_le(v.l2_error[0], 1e-14);
  ck_petsc(VerificationDestroy(&v));
}
END_TEST

TEST_SUITE("output baselines", fits_are_those_of_dense_algebra, few_points_are_no_better_fit,
           gradients_are_those_of_the_exact_solution, verification_tells_what_constants_and_affine_functions_score,
           a_network_no_better_than_an_affine_function_is_told)
