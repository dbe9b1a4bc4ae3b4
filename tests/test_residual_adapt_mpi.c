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
  double *before, *after; /* of ResidualGetPoints: [1 + 2 N], and of r3 the iteration */
} Moved;

static void move(MPI_Comm comm, const char *text, Moved *m)
{
  bool changed;
  size_t n;
  ck_petsc(CaseCreateOn(comm, text, &m->c));
  const Rows rows = ResidualRows(m->c.residual);
  ck_petsc(ResidualCreateTheta(m->c.residual, &m->theta));
  CaseFillVec(0.6, 0.0, m->theta);
  ck_petsc(ResidualGetPoints(m->c.residual, &n, &m->before));
  ck_assert_uint_eq(n, 1 + 2 * N + (strstr(text, "r3") != NULL));
  ck_petsc(rows->ops->update(rows->self, m->theta, 4, &changed));
  ck_assert(!changed);
  ck_petsc(rows->ops->update(rows->self, m->theta, 5, &changed));
  ck_assert(changed);
  ck_assert_int_eq(rows->n_row_global, N);
  ck_petsc(ResidualGetPoints(m->c.residual, &n, &m->after));
  ck_assert_uint_eq(n, 1 + 2 * N + (strstr(text, "r3") != NULL));
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

START_TEST(points_are_the_same_on_all_ranks)
{
  static const char *const texts[] = {CASE("count = 2000; adapt = 5; adapt_by = \"rad\";"),
                                      CASE("count = 2000; adapt = 5; adapt_by = \"r3\";")};
  for (int k = 0; k < 2; k++) {
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
           points_are_the_same_on_all_ranks, no_number_is_not_kept, mistakes_are_told)
