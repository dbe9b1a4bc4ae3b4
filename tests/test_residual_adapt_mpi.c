/* How interior points follow the residual: the law of each kind, on one rank and under mpirun with CK_FORK=no. */
#include <math.h>
#include <string.h>
#include "case_fixture.h"
#include "../src/residual/residual_impl.h"

/* A residual of 1 for x > 0.9, of 2 for x < 0.05 and of nearly 0 between them, whatever the parameters are. */
#define CASE(POINTS)                                                                                                   \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; transform: { u = \"1e-300*net\"; };\n"                   \
  "  equations = ( { residual = \"u + step(x - 0.9) + 2*step(0.05 - x)\"; } ); };\n"                                   \
  "domain: { lower = [0.0, 0.0]; upper = [1.0, 1.0]; };\npoints: { interior = { " POINTS " }; };\n"

enum { N = 2000 };

typedef struct {
  Case c;
  Vec theta;
  double *before, *after; /* of ResidualGetPoints: [1 + 2 N], and what each kind adds */
} Moved;

/* Of r3 and rar the iteration, of importance the weights. */
static size_t numbers(const char *text)
{
  return 1 + 2 * N + (strstr(text, "\"r3\"") || strstr(text, "\"rar\"") ? 1 : strstr(text, "importance") ? N : 0);
}

static void move(MPI_Comm comm, const char *text, Moved *m)
{
  bool changed;
  size_t n;
  ck_petsc(CaseCreateOn(comm, text, &m->c));
  const Rows rows = ResidualRows(m->c.residual);
  ck_petsc(ResidualCreateTheta(m->c.residual, &m->theta));
  CaseFillVec(0.6, 0.0, m->theta);
  ck_petsc(ResidualGetPoints(m->c.residual, &n, &m->before));
  ck_assert_uint_eq(n, numbers(text));
  ck_petsc(rows->ops->update(rows->self, m->theta, 4, &changed));
  ck_assert(!changed);
  ck_petsc(rows->ops->update(rows->self, m->theta, 5, &changed));
  ck_assert(changed);
  ck_assert_int_eq(rows->n_row_global, N);
  ck_petsc(ResidualGetPoints(m->c.residual, &n, &m->after));
  ck_assert_uint_eq(n, numbers(text));
}

static void finish(Moved *m)
{
  ck_petsc(PetscFree(m->before));
  ck_petsc(PetscFree(m->after));
  ck_petsc(VecDestroy(&m->theta));
  ck_petsc(CaseDestroy(&m->c));
}

/* The mean of the residuals is 0.2: those of both sides are above it, and all others are drawn anew. */
START_TEST(r3_keeps_what_is_above_the_mean)
{
  Moved m;
  int cells[4][4] = {{0}}, n_fresh = 0;
  double chi2 = 0.0;
  move(PETSC_COMM_WORLD, CASE("count = 2000; adapt = 5; adapt_by = \"r3\";"), &m);
  for (int i = 0; i < N; i++) {
    const double *old = m.before + 1 + 2 * i, *new = m.after + 1 + 2 * i;
    const bool above = old[0] > 0.9 || old[0] < 0.05, same = !memcmp(old, new, 2 * sizeof(double));
    ck_assert_int_eq(above, same);
    if (same) continue;
    n_fresh++;
    cells[(int)(4 * new[0])][(int)(4 * new[1])]++;
  }
  ck_near(n_fresh, 0.85 * N, 0.01, 0);
  for (int k = 0; k < 16; k++) chi2 += pow(cells[k / 4][k % 4] - n_fresh / 16.0, 2) / (n_fresh / 16.0);
  ck_assert_double_lt(chi2, 37.7); /* 15 degrees of freedom: 1 in 1,000 */
  finish(&m);
}
END_TEST

/* Weights 1 + |r|/mean|r| of 11, 6 and 1 on parts of 0.05, 0.1 and 0.85. Drawn without replacement from 8 N candidates,
   one of weight w is chosen with probability 1 - exp(-w s), where s makes N of them. */
START_TEST(rad_draws_by_its_density)
{
  static const double weight[3] = {11.0, 6.0, 1.0}, part[3] = {0.05, 0.1, 0.85};
  Moved m;
  double low = 0.0, high = 1.0, wanted[3];
  int found[3] = {0};
  for (int k = 0; k < 60; k++) {
    const double s = 0.5 * (low + high);
    double sum = 0.0;
    for (int j = 0; j < 3; j++) sum += wanted[j] = 8.0 * N * part[j] * (1.0 - exp(-weight[j] * s));
    if (sum < N)
      low = s;
    else
      high = s;
  }
  move(PETSC_COMM_WORLD, CASE("count = 2000; adapt = 5; adapt_by = \"rad\";"), &m);
  for (int i = 0; i < N; i++) found[m.after[1 + 2 * i] < 0.05 ? 0 : m.after[1 + 2 * i] > 0.9 ? 1 : 2]++;
  for (int j = 0; j < 3; j++) ck_near(found[j], wanted[j], 0, 4.0 * sqrt(wanted[j]));
  finish(&m);
}
END_TEST

/* All exchanged points come from where the residual is largest; those that go are picked uniformly. */
START_TEST(rar_exchanges_a_twentieth)
{
  Moved m;
  int cells[2][2] = {{0}}, n_new = 0;
  double chi2 = 0.0;
  move(PETSC_COMM_WORLD, CASE("count = 2000; adapt = 5; adapt_by = \"rar\";"), &m);
  for (int i = 0; i < N; i++) {
    const double *old = m.before + 1 + 2 * i, *new = m.after + 1 + 2 * i;
    if (!memcmp(old, new, 2 * sizeof(double))) continue;
    n_new++;
    ck_assert_double_lt(new[0], 0.05);
    cells[old[0] > 0.5][old[1] > 0.5]++;
  }
  ck_assert_int_eq(n_new, N / 20);
  for (int k = 0; k < 4; k++) chi2 += pow(cells[k / 2][k % 2] - n_new / 4.0, 2) / (n_new / 4.0);
  ck_assert_double_lt(chi2, 16.3); /* 3 degrees of freedom: 1 in 1,000 */
  finish(&m);
}
END_TEST

/* Densities |r|/mean|r| + 0.1 of 10.1, 5.1 and 0.1, uniform in y; weights are their inverses. */
START_TEST(importance_draws_by_its_density)
{
  static const double density[3] = {10.1, 5.1, 0.1}, part[3] = {0.05, 0.1, 0.85};
  Moved m;
  int found[3] = {0}, cells[10] = {0};
  double chi2 = 0.0;
  move(PETSC_COMM_WORLD, CASE("count = 2000; adapt = 5; adapt_by = \"importance\";"), &m);
  for (int i = 0; i < N; i++) {
    const double *x = m.after + 1 + 2 * i;
    const int j = x[0] < 0.05 ? 0 : x[0] > 0.9 ? 1 : 2;
    found[j]++;
    cells[(int)(10 * x[1])] += j == 1;                         /* none of them can be there twice */
    ck_near(m.after[1 + 2 * N + i], 1.1 / density[j], 0.1, 0); /* the mean is that of the candidates */
    ck_assert(m.before[1 + 2 * N + i] == 1.0);
  }
  for (int j = 0; j < 3; j++) {
    const double wanted = N * part[j] * density[j] / 1.1;
    ck_near(found[j], wanted, 0, 4.0 * sqrt(wanted));
  }
  for (int k = 0; k < 10; k++) chi2 += pow(cells[k] - found[1] / 10.0, 2) / (found[1] / 10.0);
  ck_assert_double_lt(chi2, 27.9); /* 9 degrees of freedom: 1 in 1,000 */
  finish(&m);
}
END_TEST

/* The mean square of x^3 is 1/7; where points are drawn with the density it is 0.377. */
START_TEST(importance_leaves_the_loss_on_average)
{
  Case c;
  Vec theta;
  double sum = 0.0, loss;
  bool changed;
  ck_petsc(CaseCreate("problem: { coordinates = [\"x\"]; fields = [\"u\"]; transform: { u = \"1e-300*net\"; };\n"
                      "  equations = ( { residual = \"u + x^3\"; weight = 2.0; } ); };\ndomain: {};\n"
                      "points: { interior = { count = 200; adapt = 1; adapt_by = \"importance\"; }; };\n",
                      &c));
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  for (int k = 1; k <= 100; k++) {
    ck_petsc(rows->ops->update(rows->self, theta, k, &changed));
    ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &loss));
    sum += loss / 100.0;
  }
  ck_near(sum, 1.0 / 7.0, 0.015, 0);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* What a checkpoint holds gives the same rows, bit for bit, and the same points at the next change. */
START_TEST(points_are_resumed)
{
  static const char *const texts[] = {CASE("count = 2000; adapt = 5; adapt_by = \"rar\";"),
                                      CASE("count = 2000; adapt = 5; adapt_by = \"importance\";")};
  for (int k = 0; k < 2; k++) {
    Moved m, again;
    double *r, *s, loss;
    bool changed;
    move(PETSC_COMM_WORLD, texts[k], &m);
    ck_petsc(CaseCreate(texts[k], &again.c));
    const Rows rows = ResidualRows(m.c.residual), other = ResidualRows(again.c.residual);
    ck_petsc(ResidualSetPoints(again.c.residual, numbers(texts[k]), m.after));
    ck_petsc(other->ops->update(other->self, m.theta, 5, &changed)); /* as a resumed stage does */
    ck_petsc(PetscMalloc2(rows->n_row, &r, rows->n_row, &s));
    for (int iteration = 5; iteration <= 10; iteration += 5) {
      if (iteration > 5) {
        ck_petsc(rows->ops->update(rows->self, m.theta, iteration, &changed));
        ck_petsc(other->ops->update(other->self, m.theta, iteration, &changed));
      }
      ck_petsc(rows->ops->evaluate(rows->self, m.theta, r, &loss));
      ck_petsc(other->ops->evaluate(other->self, m.theta, s, &loss));
      ck_assert(!memcmp(r, s, (size_t)rows->n_row * sizeof(double)));
    }
    ck_petsc(PetscFree2(r, s));
    ck_petsc(CaseDestroy(&again.c));
    finish(&m);
  }
}
END_TEST

START_TEST(points_are_the_same_on_all_ranks)
{
  static const char *const texts[] = {CASE("count = 2000; adapt = 5; adapt_by = \"rad\";"),
                                      CASE("count = 2000; adapt = 5; adapt_by = \"r3\";"),
                                      CASE("count = 2000; adapt = 5; adapt_by = \"rar\";"),
                                      CASE("count = 2000; adapt = 5; adapt_by = \"importance\";")};
  for (int k = 0; k < 4; k++) {
    Moved one, all;
    move(PETSC_COMM_SELF, texts[k], &one);
    move(PETSC_COMM_WORLD, texts[k], &all);
    double a = 0.0, b = 0.0; /* rad's order is that of the ranks' candidates */
    for (int i = 1; i <= 2 * N; i++) a += sin(9.0 * one.after[i]), b += sin(9.0 * all.after[i]);
    ck_near(a, b, 1e-12, 1e-12);
    if (k) ck_assert(!memcmp(one.after, all.after, (1 + 2 * N) * sizeof(double)));
    finish(&one);
    finish(&all);
  }
}
END_TEST

START_TEST(no_number_is_not_kept)
{
  Moved m;
  move(PETSC_COMM_WORLD,
       "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; transform: { u = \"1e-300*net\"; };\n"
       "  equations = ( { residual = \"u + 1e-200*log(x - 0.5) + step(0.7 - x)\"; } ); };\n"
       "domain: {};\npoints: { interior = { count = 2000; adapt = 5; adapt_by = \"r3\"; }; };\n",
       &m);
  for (int i = 0; i < N; i++) {
    const double *old = m.before + 1 + 2 * i;
    ck_assert_int_eq(old[0] > 0.5 && old[0] < 0.7, !memcmp(old, m.after + 1 + 2 * i, 2 * sizeof(double)));
  }
  finish(&m);
}
END_TEST

START_TEST(mistakes_are_told)
{
  Case c;
  ck_petsc_fails(CaseCreate(CASE("sampler = \"uniform\"; adapt = 4; resample = 2; adapt_by = \"r3\";"), &c),
                 PETSC_ERR_USER_INPUT, "\"r3\" keeps points, which points.interior.resample draws anew");
  ck_petsc_fails(CaseCreate(CASE("adapt_by = \"r3\";"), &c), PETSC_ERR_USER_INPUT,
                 "does nothing without points.interior.adapt");
  ck_petsc_fails(CaseCreate(CASE("adapt = 4; adapt_by = \"r4\";"), &c), PETSC_ERR_USER_INPUT, "r3");
}
END_TEST

TEST_SUITE("residual: adaptive points", r3_keeps_what_is_above_the_mean, rad_draws_by_its_density,
           rar_exchanges_a_twentieth, importance_draws_by_its_density, importance_leaves_the_loss_on_average,
           points_are_resumed, points_are_the_same_on_all_ranks, no_number_is_not_kept, mistakes_are_told)
