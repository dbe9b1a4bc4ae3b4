/* Mean and variance of every estimator against closed forms. At x = 0 a layer of sines with the pre-activations b + W x
   is, up to the derivatives that are asked for, the polynomial
     u = sum_k a_k (sin b_k + cos b_k (w_k x) - sin b_k (w_k x)^2 / 2 - cos b_k (w_k x)^3 / 6 + sin b_k (w_k x)^4 / 24),
   with the Hessian H = -sum_k a_k sin b_k w_k w_k^T, and (v . grad)^4 u = sum_k a_k sin b_k (w_k v)^4. */
#include <string.h>
#include "case_fixture.h"

enum { D = 6, NEURONS = 5 };

typedef struct {
  double w[NEURONS][D], a[NEURONS]; /* a: a_k sin b_k */
} Form;

/* Mean and variance that some number of draws must have. */
typedef struct {
  double mean, variance;
} Moments;

#define CASE_AT_ZERO                                                                                                   \
  "problem: { coordinates = [\"x[6]\"]; fields = [\"u\"]; equations = ( { residual = \"%s\"; } ); };"                  \
  "domain: { lower = [-1.0]; upper = [1.0]; }; points: { interior = { sampler = \"grid\"; count = 1; }; };"            \
  "network: { hidden = [5]; activation = \"sin\"; normalize = false; }; estimator: { %s };"

static Form form_of(const double theta[])
{
  const double *b = theta + NEURONS * D, *a = b + NEURONS;
  Form form;
  memcpy(form.w, theta, sizeof(form.w));
  for (int k = 0; k < NEURONS; k++) form.a[k] = a[k] * sin(b[k]);
  return form;
}

static Vec create_theta(const Case *c)
{
  Vec theta;
  ck_petsc(ResidualCreateTheta(c->residual, &theta));
  CaseFillVec(1.0, 0.4, theta);
  return theta;
}

static double hessian(const Form *form, int i, int j)
{
  double sum = 0;
  for (int k = 0; k < NEURONS; k++) sum -= form->a[k] * form->w[k][i] * form->w[k][j];
  return sum;
}

static double inner(const double a[], const double b[])
{
  double sum = 0;
  for (int i = 0; i < D; i++) sum += a[i] * b[i];
  return sum;
}

/* Mean and variance of the row over independent draws, every `stride`-th step, against those of the form, within five
   standard errors, which must be small themselves. */
static void check(const char *residual, const char *estimator, int n_draw, int stride,
                  Moments (*expected_of)(const Form *form))
{
  char text[2048];
  double row, loss, square = 0, fourth = 0, mean = 0;
  const double *values;
  bool changed;
  Case c;
  snprintf(text, sizeof(text), CASE_AT_ZERO, residual, estimator);
  ck_petsc(CaseCreate(text, &c));
  Vec theta = create_theta(&c);
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(VecGetArrayRead(theta, &values));
  const Form form = form_of(values);
  ck_petsc(VecRestoreArrayRead(theta, &values));
  const Moments expected = expected_of(&form);
  for (int k = 0; k < n_draw; k++) {
    ck_petsc(rows->ops->update(rows->self, theta, (PetscInt)k * stride, &changed));
    ck_petsc(rows->ops->evaluate(rows->self, theta, &row, &loss));
    const double difference = row - expected.mean;
    mean += difference / n_draw;
    square += difference * difference / n_draw;
    fourth += difference * difference * difference * difference / n_draw;
  }
  const double error = sqrt((fourth - square * square) / n_draw);
  ck_assert_msg(error < 0.04 * expected.variance, "%s: too few draws: %g of %g", estimator, error, expected.variance);
  ck_assert_msg(fabs(mean) <= 4 * sqrt(expected.variance / n_draw), "%s: the mean is off %g by %g", estimator,
                expected.mean, mean);
  ck_assert_msg(fabs(square - expected.variance) <= 5 * error, "%s: variance %g +- %g, not %g", estimator, square,
                error, expected.variance);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}

/* m of n terms without replacement, times n / m. */
static Moments without_replacement(int n, const double terms[], int m)
{
  double sum = 0, square = 0;
  for (int i = 0; i < n; i++) sum += terms[i];
  for (int i = 0; i < n; i++) square += (terms[i] - sum / n) * (terms[i] - sum / n) / (n - 1);
  return (Moments){sum, (double)n * n / m * square * (1 - (double)m / n)};
}

static double weight(int i)
{
  return 0.5 + 0.25 * i;
}

#define WEIGHTED_SQUARES                                                                                               \
  "0.5*d(u, x[0], 2) + 0.75*d(u, x[1], 2) + d(u, x[2], 2) + 1.25*d(u, x[3], 2) + 1.5*d(u, x[4], 2) + "                 \
  "1.75*d(u, x[5], 2)"
#define WEIGHTED_FOURTHS                                                                                               \
  "0.5*d(u, x[0], 4) + 0.75*d(u, x[1], 4) + d(u, x[2], 4) + 1.25*d(u, x[3], 4) + 1.5*d(u, x[4], 4) + "                 \
  "1.75*d(u, x[5], 4)"
#define PAIRS                                                                                                          \
  "d(u, x[0], 1, x[1], 1) + d(u, x[0], 1, x[2], 1) + d(u, x[0], 1, x[3], 1) + d(u, x[1], 1, x[2], 1) + "               \
  "d(u, x[1], 1, x[3], 1) + d(u, x[2], 1, x[3], 1)"

static Moments two_of_the_squares(const Form *form)
{
  double terms[D];
  for (int i = 0; i < D; i++) terms[i] = weight(i) * hessian(form, i, i);
  return without_replacement(D, terms, 2);
}

static Moments two_of_the_fourths(const Form *form)
{
  double terms[D] = {0};
  for (int i = 0; i < D; i++)
    for (int k = 0; k < NEURONS; k++) terms[i] += weight(i) * form->a[k] * pow(form->w[k][i], 4);
  return without_replacement(D, terms, 2);
}

static Moments two_of_the_pairs(const Form *form)
{
  double terms[6];
  int n = 0;
  for (int i = 0; i < 4; i++)
    for (int j = i + 1; j < 4; j++) terms[n++] = hessian(form, i, j);
  return without_replacement(n, terms, 2);
}

START_TEST(terms_without_replacement)
{
  const char *const settings[] = {"type = \"stde\"; directions = 2;", "type = \"sdgd\"; directions = 2;"};
  for (int k = 0; k < 2; k++) {
    check(WEIGHTED_SQUARES, settings[k], 8000, 3, two_of_the_squares);
    check(WEIGHTED_FOURTHS, settings[k], 8000, 3, two_of_the_fourths);
    check(PAIRS, settings[k], 8000, 3, two_of_the_pairs);
  }
}
END_TEST

/* Of v^T A v, A = C^(1/2) H C^(1/2), with entries +-1, and with normal ones; 3 directions. */
static Moments of_directions(const Form *form, bool normal)
{
  Moments moments = {0};
  for (int i = 0; i < D; i++) {
    moments.mean += weight(i) * hessian(form, i, i);
    for (int j = 0; j < D; j++) {
      const double h = hessian(form, i, j);
      if (i != j || normal) moments.variance += 2 * weight(i) * weight(j) * h * h / 3;
    }
  }
  return moments;
}

static Moments of_signs(const Form *form)
{
  return of_directions(form, false);
}

static Moments of_normals(const Form *form)
{
  return of_directions(form, true);
}

START_TEST(directions_on_quadratic_forms)
{
  check(WEIGHTED_SQUARES, "type = \"hutchinson\"; directions = 3;", 10000, 1, of_signs);
  check(WEIGHTED_SQUARES, "type = \"hutchinson\"; directions = 3; distribution = \"gaussian\";", 20000, 1, of_normals);
}
END_TEST

/* Sums of second derivatives tr(A H) of other kinds, A in four coordinates: with a root, A = L L^T, v^T L^T H L v; else
   v^T A H v, which is that of the symmetric part of A H. */
#define FOUR 4
static const double L[FOUR][FOUR] = {{2}, {1, 2}, {1, -1, 1}, {0, 0, 0, 1}},
                    signs[FOUR][FOUR] = {{1, 1.5, 0, 0}, {1.5, 0, 0, 0.5}, {0, 0, -2, 0}, {0, 0.5, 0, 0}},
                    at_zero[FOUR][FOUR] = {{1, 1, 0, 0}, {1, 1, -0.5, 0}, {0, -0.5, 3, 0}};

#define WITH_ROOT                                                                                                      \
  "4*d(u, x[0], 2) + 4*d(u, x[0], 1, x[1], 1) + 5*d(u, x[1], 2) + 4*d(u, x[0], 1, x[2], 1) - "                         \
  "2*d(u, x[1], 1, x[2], 1) + 3*d(u, x[2], 2) + d(u, x[3], 2)"
#define OF_BOTH_SIGNS "d(u, x[0], 2) + 3*d(u, x[0], 1, x[1], 1) - 2*d(u, x[2], 2) + d(u, x[1], 1, x[3], 1)"
#define AT_POINTS                                                                                                      \
  "exp(x[3])*d(u, x[0], 2) + (2 + x[0])*d(u, x[0], 1, x[1], 1) + cos(x[2])*d(u, x[1], 2) + "                           \
  "(x[1] - 1)*d(u, x[1], 1, x[2], 1) + 3*d(u, x[2], 2)"

/* Of v^T S v with 2 directions, S the symmetric part of B. */
static Moments of_form(double B[FOUR][FOUR], bool normal)
{
  Moments moments = {0};
  for (int i = 0; i < FOUR; i++) {
    moments.mean += B[i][i];
    for (int j = 0; j < FOUR; j++) {
      const double s = 0.5 * (B[i][j] + B[j][i]);
      if (i != j || normal) moments.variance += 2 * s * s / 2;
    }
  }
  return moments;
}

static Moments of_root(const Form *form)
{
  double B[FOUR][FOUR] = {{0}};
  for (int i = 0; i < FOUR; i++)
    for (int j = 0; j < FOUR; j++)
      for (int k = 0; k < FOUR * FOUR; k++)
        B[i][j] += L[k / FOUR][i] * hessian(form, k / FOUR, k % FOUR) * L[k % FOUR][j];
  return of_form(B, false);
}

static Moments of_matrix(const Form *form, const double A[FOUR][FOUR], bool normal)
{
  double B[FOUR][FOUR] = {{0}};
  for (int i = 0; i < FOUR; i++)
    for (int j = 0; j < FOUR; j++)
      for (int k = 0; k < FOUR; k++) B[i][j] += A[i][k] * hessian(form, k, j);
  return of_form(B, normal);
}

static Moments of_signs_matrix(const Form *form)
{
  return of_matrix(form, signs, true);
}

static Moments of_points_matrix(const Form *form)
{
  return of_matrix(form, at_zero, false);
}

/* 2 of the columns of L */
static Moments of_columns(const Form *form)
{
  double terms[FOUR] = {0};
  for (int j = 0; j < FOUR; j++)
    for (int k = 0; k < FOUR * FOUR; k++)
      terms[j] += L[k / FOUR][j] * hessian(form, k / FOUR, k % FOUR) * L[k % FOUR][j];
  return without_replacement(FOUR, terms, 2);
}

START_TEST(directions_on_any_second_derivatives)
{
  check(WITH_ROOT, "type = \"stde\"; directions = 2;", 8000, 2, of_columns);
  check(WITH_ROOT, "type = \"hutchinson\"; directions = 2;", 20000, 1, of_root);
  check(OF_BOTH_SIGNS, "type = \"hutchinson\"; directions = 2; distribution = \"gaussian\";", 20000, 1,
        of_signs_matrix);
  check(AT_POINTS, "type = \"hutchinson\"; directions = 2;", 20000, 1, of_points_matrix);
}
END_TEST

/* With p = w_k v, q = w_l v jointly normal, of variances s, t and covariance c,
     E p^4 = 3 s^2,   E p^4 q^4 - 9 s^2 t^2 = 72 s t c^2 + 24 c^4   (Isserlis 1918). */
static Moments of_fourth_powers(const Form *form)
{
  const int m = 4;
  Moments moments = {0};
  for (int k = 0; k < NEURONS; k++) {
    const double s = inner(form->w[k], form->w[k]);
    moments.mean += form->a[k] * s * s;
    for (int l = 0; l < NEURONS; l++) {
      const double t = inner(form->w[l], form->w[l]), c = inner(form->w[k], form->w[l]);
      moments.variance += form->a[k] * form->a[l] * (72 * s * t * c * c + 24 * c * c * c * c) / (9 * m);
    }
  }
  return moments;
}

START_TEST(normal_directions_on_quartic_forms)
{
  check("biharmonic(u)", "type = \"hutchinson\"; directions = 4; distribution = \"gaussian\";", 60000, 1,
        of_fourth_powers);
}
END_TEST

TEST_SUITE("residual estimator moments", terms_without_replacement, directions_on_quadratic_forms,
           directions_on_any_second_derivatives, normal_directions_on_quartic_forms)
