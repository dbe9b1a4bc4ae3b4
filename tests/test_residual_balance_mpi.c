/* Weights that balance the terms: their formulas against dense J, what rows and products make of them, when they
   change, checkpoints, and the same numbers on all ranks; on one rank and under mpirun with CK_FORK=no. */
#include <string.h>
#include "case_fixture.h"

#define CASE(BALANCE)                                                                                                  \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];\n"                                                       \
  "  equations = ( { residual = \"u_t - u*u_xx + x\"; weight = 2.0; }, { residual = \"10*u_x - t\"; } );\n"            \
  "  conditions = ( { on = \"t = -1\"; residual = \"u - 0.3\"; weight = 3.0; }, { periodic = \"x\"; order = 0; } ); "  \
  "};\n"                                                                                                               \
  "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                                            \
  "points: { interior = { count = 50; }; conditions = { count = 20; }; heldout = 30; };\n"                             \
  "network: { hidden = [5, 4]; };\nbalance: { " BALANCE " };\n"

enum { TERMS = 4, M = 140 };                              /* rows: 50 points of two equations, 20 of each condition */
static const int first[TERMS + 1] = {0, 50, 100, 120, M}; /* on one rank */
static const double own[TERMS] = {2.0, 1.0, 3.0, 1.0};

typedef struct {
  Case c;
  Rows rows;
  Vec theta;
} Work;

static void begin(MPI_Comm comm, const char *text, Work *w)
{
  ck_petsc(CaseCreateOn(comm, text, &w->c));
  w->rows = ResidualRows(w->c.residual);
  ck_petsc(ResidualCreateTheta(w->c.residual, &w->theta));
  CaseFillVec(0.6, 0.0, w->theta);
}

static void finish(Work *w)
{
  ck_petsc(VecDestroy(&w->theta));
  ck_petsc(CaseDestroy(&w->c));
}

static void update(Work *w, int iteration, bool expected)
{
  bool changed;
  ck_petsc(w->rows->ops->update(w->rows->self, w->theta, iteration, &changed));
  ck_assert(changed == expected);
}

/* Values of the terms without any weights, and J of them, at theta of w. */
static void plain(const Work *w, double R[M], double *J)
{
  Work p;
  begin(PETSC_COMM_SELF, CASE("type = \"fixed\";"), &p);
  const size_t n = p.rows->n_param;
  ck_petsc(p.rows->ops->jacobian(p.rows->self, w->theta, 0, n, R, J, n));
  for (int e = 0; e < TERMS; e++)
    for (int i = first[e]; i < first[e + 1]; i++) {
      const double scale = sqrt(own[e] / (first[e + 1] - first[e]));
      R[i] /= scale;
      for (size_t k = 0; k < n; k++) J[(size_t)i * n + k] /= scale;
    }
  finish(&p);
}

/* |grad 1/2 mean R_e^2| or mean |d R_e|^2 */
static double measure(bool norm, int e, const double R[M], const double *J, size_t n)
{
  const double count = first[e + 1] - first[e];
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) {
    double g = 0.0, squares = 0.0;
    for (int i = first[e]; i < first[e + 1]; i++) {
      g += R[i] * J[(size_t)i * n + k] / count;
      squares += J[(size_t)i * n + k] * J[(size_t)i * n + k] / count;
    }
    sum += norm ? g * g : squares;
  }
  return norm ? sqrt(sum) : sum;
}

/* Two updates at different theta, with momentum; then the rows are the plain ones times the root of both weights. */
START_TEST(gradients_and_traces_meet)
{
  static const char *const texts[] = {CASE("type = \"ntk-trace\"; every = 3; momentum = 0.25;"),
                                      CASE("type = \"gradient-norm\"; every = 3; momentum = 0.25;")};
  Work w;
  double R[M], r[M], rms[TERMS], weight[TERMS] = {1.0, 1.0, 1.0, 1.0}, loss, *J;
  begin(PETSC_COMM_SELF, texts[_i], &w);
  const size_t n = w.rows->n_param;
  ck_petsc(PetscMalloc1(M * n, &J));
  for (int k = 0; k < 2; k++) {
    double found[TERMS], mean = 0.0;
    CaseFillVec(0.6, 0.7 * k, w.theta);
    ck_petsc(RowsLinearize(w.rows, w.theta, r, &loss)); /* out of date with the new weights */
    update(&w, 3 * k, true);
    plain(&w, R, J);
    for (int e = 0; e < TERMS; e++) mean += (found[e] = measure(_i, e, R, J, n)) / TERMS;
    for (int e = 0; e < TERMS; e++) {
      weight[e] = 0.25 * weight[e] + 0.75 * mean / (found[e] + 1e-5 * mean);
      ck_near(ResidualWeights(w.c.residual)[e], weight[e], 1e-11, 0);
    }
  }
  ck_petsc(RowsLinearize(w.rows, w.theta, r, &loss));
  for (int e = 0; e < TERMS; e++)
    for (int i = first[e]; i < first[e + 1]; i++)
      ck_near(r[i], R[i] * sqrt(own[e] * weight[e] / (first[e + 1] - first[e])), 1e-11, 1e-13);
  ck_petsc(ResidualTermRMS(w.c.residual, w.theta, loss, rms)); /* has no weights in it */
  for (int e = 0; e < TERMS; e++) {
    double sum = 0.0;
    for (int i = first[e]; i < first[e + 1]; i++) sum += R[i] * R[i];
    ck_near(rms[e], sqrt(sum / (first[e + 1] - first[e])), 1e-12, 0);
  }
  ck_petsc(PetscFree(J));
  finish(&w);
}
END_TEST

static void relative(const double now[TERMS], const double then[TERMS], double bal[TERMS])
{
  double sum = 0.0;
  for (int e = 0; e < TERMS; e++) sum += bal[e] = exp(now[e] / (0.5 * then[e]));
  for (int e = 0; e < TERMS; e++) bal[e] *= TERMS / sum;
}

#define RELATIVE "type = \"relobralo\"; momentum = 0.75; temperature = 0.5; "
START_TEST(relobralo_follows_relative_losses)
{
  static const char *const texts[] = {CASE(RELATIVE "lookback = 0.0;"), CASE(RELATIVE "lookback = 1.0;")};
  Work w;
  double R[M], loss[3][TERMS] = {{0}}, weight[TERMS] = {1.0, 1.0, 1.0, 1.0}, now[TERMS], back[TERMS], *J;
  begin(PETSC_COMM_SELF, texts[_i], &w);
  ck_petsc(PetscMalloc1(M * w.rows->n_param, &J));
  for (int k = 0; k < 3; k++) {
    CaseFillVec(0.6, 0.3 * k, w.theta);
    update(&w, k, true);
    plain(&w, R, J);
    for (int e = 0; e < TERMS; e++)
      for (int i = first[e]; i < first[e + 1]; i++) loss[k][e] += R[i] * R[i] / (first[e + 1] - first[e]);
    if (k) {
      relative(loss[k], loss[k - 1], now);
      relative(loss[k], loss[0], back);
      for (int e = 0; e < TERMS; e++) weight[e] = 0.75 * (_i ? weight[e] : back[e]) + 0.25 * now[e];
    }
    for (int e = 0; e < TERMS; e++) ck_near(ResidualWeights(w.c.residual)[e], weight[e], 1e-10, 0);
  }
  ck_petsc(PetscFree(J));
  finish(&w);
}
END_TEST

/* The multipliers ascend, each in its row; their mean rises by the rate. */
START_TEST(multipliers_follow_their_rows)
{
  Work w;
  double R[M], r[M], loss, lambda[M], *J;
  begin(PETSC_COMM_SELF, CASE("type = \"self-adaptive\"; rate = 0.2;"), &w);
  ck_petsc(PetscMalloc1(M * w.rows->n_param, &J));
  for (int i = 0; i < M; i++) lambda[i] = 1.0;
  for (int k = 0; k < 3; k++) {
    double g[M], mean = 0.0, all = 0.0;
    CaseFillVec(0.6, 0.3 * k, w.theta);
    update(&w, k, true);
    plain(&w, R, J);
    for (int e = 0; e < TERMS; e++)
      for (int i = first[e]; i < first[e + 1]; i++) mean += (g[i] = lambda[i] * own[e] * R[i] * R[i]) / M;
    for (int i = 0; i < M; i++) all += (lambda[i] += 0.2 * g[i] / mean) / M;
    ck_near(all, 1.2 + 0.2 * k, 1e-12, 0);
  }
  ck_petsc(w.rows->ops->evaluate(w.rows->self, w.theta, r, &loss));
  for (int e = 0; e < TERMS; e++) {
    double squares = 0.0;
    for (int i = first[e]; i < first[e + 1]; i++) {
      ck_near(r[i], lambda[i] * R[i] * sqrt(own[e] / (first[e + 1] - first[e])), 1e-10, 1e-12);
      squares += lambda[i] * lambda[i] / (first[e + 1] - first[e]);
    }
    ck_near(ResidualWeights(w.c.residual)[e], squares, 1e-10, 0);
  }
  ck_petsc(PetscFree(J));
  finish(&w);
}
END_TEST

static const char *const schemes[] = {CASE("type = \"gradient-norm\"; every = 5;"),
                                      CASE("type = \"ntk-trace\"; every = 5;"),
                                      CASE("type = \"relobralo\"; every = 5; temperature = 1.0; momentum = 0.5;"),
                                      CASE("type = \"self-adaptive\"; every = 5; rate = 0.3;")};

/* Gradient, J v, J^T w and J belong to one loss, which a difference quotient sees. */
START_TEST(products_carry_the_weights)
{
  Work w;
  Vec v, g, y;
  double r[M], Jv[M], *J, loss, slope, ahead, behind, sum = 0.0;
  const double *direction;
  begin(PETSC_COMM_SELF, schemes[_i], &w);
  const size_t n = w.rows->n_param;
  ck_petsc(VecDuplicate(w.theta, &v));
  ck_petsc(VecDuplicate(w.theta, &g));
  ck_petsc(VecDuplicate(w.theta, &y));
  ck_petsc(PetscMalloc1(M * n, &J));
  CaseFillVec(0.6, 2.0, v);
  update(&w, 0, true);
  CaseFillVec(0.6, 0.4, w.theta);
  update(&w, 5, true);
  ck_petsc(w.rows->ops->gradient(w.rows->self, w.theta, &loss, g));
  ck_petsc(VecDot(g, v, &slope));
  ck_petsc(w.rows->ops->apply(w.rows->self, w.theta, v, Jv));
  ck_petsc(w.rows->ops->jacobian(w.rows->self, w.theta, 0, n, r, J, n));
  ck_petsc(w.rows->ops->apply_transpose(w.rows->self, w.theta, r, y));
  ck_petsc(VecGetArrayRead(v, &direction));
  for (size_t k = 0; k < M; k++) {
    double product = 0.0;
    for (size_t j = 0; j < n; j++) product += J[k * n + j] * direction[j];
    ck_near(product, Jv[k], 1e-11, 1e-12);
    sum += r[k] * Jv[k];
  }
  ck_petsc(VecRestoreArrayRead(v, &direction));
  ck_near(sum, slope, 1e-11, 1e-12);
  ck_petsc(VecAXPY(y, -1.0, g));
  ck_petsc(VecNorm(y, NORM_INFINITY, &sum));
  ck_petsc(VecNorm(g, NORM_INFINITY, &slope));
  ck_assert_double_le(sum, 1e-12 * slope);
  ck_petsc(VecDot(g, v, &slope));
  ck_petsc(VecAXPY(w.theta, 1e-5, v));
  ck_petsc(w.rows->ops->evaluate(w.rows->self, w.theta, NULL, &ahead));
  ck_petsc(VecAXPY(w.theta, -2e-5, v));
  ck_petsc(w.rows->ops->evaluate(w.rows->self, w.theta, NULL, &behind));
  ck_near((ahead - behind) / 2e-5, slope, 1e-6, 1e-9);
  ck_petsc(PetscFree(J));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  ck_petsc(VecDestroy(&y));
  finish(&w);
}
END_TEST

/* Every fifth iteration, once; at the start of each stage, and then no more where the stage needs one loss. */
START_TEST(weights_change_when_they_are_due)
{
  Work w, again;
  double *values, r[M], s[M], loss;
  size_t n;
  begin(PETSC_COMM_SELF, schemes[_i], &w);
  begin(PETSC_COMM_SELF, schemes[_i], &again);
  update(&w, 0, true);
  update(&w, 0, false);
  update(&w, 4, false);
  CaseFillVec(0.6, 0.4, w.theta);
  update(&w, 5, true);
  w.rows->stage = 1;
  w.rows->keeps_weights = true;
  update(&w, 0, true);
  update(&w, 5, false);
  ck_petsc(ResidualGetPoints(w.c.residual, &n, &values));
  ck_petsc(ResidualSetPoints(again.c.residual, n, values));
  ck_petsc(PetscFree(values));
  again.rows->stage = 1;
  for (int k = 0; k < 2; k++) { /* as restored, and after the same change */
    ck_petsc(w.rows->ops->evaluate(w.rows->self, w.theta, r, &loss));
    ck_petsc(again.rows->ops->evaluate(again.rows->self, w.theta, s, &loss));
    ck_assert(!memcmp(r, s, sizeof(r)));
    w.rows->keeps_weights = false;
    CaseFillVec(0.6, 0.8, w.theta);
    CaseFillVec(0.6, 0.8, again.theta);
    if (k) break;
    update(&again, 0, false);
    update(&w, 5, true);
    update(&again, 5, true);
  }
  ck_petsc_fails(ResidualSetPoints(again.c.residual, 1, r), PETSC_ERR_USER_INPUT, "the checkpoint holds 1 numbers");
  finish(&w);
  finish(&again);
}
END_TEST

START_TEST(weights_are_the_same_on_all_ranks)
{
  Work one, all;
  double *a, *b;
  size_t n, m;
  begin(PETSC_COMM_SELF, schemes[_i], &one);
  begin(PETSC_COMM_WORLD, schemes[_i], &all);
  for (int k = 0; k < 2; k++) {
    CaseFillVec(0.6, 0.4 * k, one.theta);
    CaseFillVec(0.6, 0.4 * k, all.theta);
    update(&one, 5 * k, true);
    update(&all, 5 * k, true);
  }
  ck_petsc(ResidualGetPoints(one.c.residual, &n, &a));
  ck_petsc(ResidualGetPoints(all.c.residual, &m, &b));
  ck_assert_uint_eq(n, m);
  for (size_t k = 0; k < n; k++) ck_near(a[k], b[k], 1e-11, 0);
  ck_petsc(PetscFree(a));
  ck_petsc(PetscFree(b));
  finish(&one);
  finish(&all);
}
END_TEST

START_TEST(mistakes_are_told)
{
#define LINE                                                                                                           \
  "problem: { coordinates = [\"x\"]; fields = [\"u\"];\n  equations = ( { residual = \"u_xx\"; } ); };\ndomain: {};\n"
  static const char alone[] = LINE "balance: { type = \"gradient-norm\"; };\n";
  static const char moving[] =
      LINE "points: { interior = { adapt = 10; }; };\nbalance: { type = \"self-adaptive\"; };\n";
  static const char biased[] =
      "problem: { coordinates = [\"x[4]\"]; fields = [\"u\"];\n"
      "  equations = ( { residual = \"laplacian(u)\"; }, { residual = \"u\"; } ); };\ndomain: {};\n"
      "estimator: { type = \"stde\"; directions = 2; unbiased = true; };\nbalance: { type = \"relobralo\"; };\n";
  Case c;
  ck_petsc_fails(CaseCreate(alone, &c), PETSC_ERR_USER_INPUT,
                 "test.cfg:4: balance.type: \"gradient-norm\" has nothing to balance: there is one term");
  ck_petsc_fails(CaseCreate(moving, &c), PETSC_ERR_USER_INPUT,
                 "gives every point a multiplier of its own, but points.interior.adapt brings new points");
  ck_petsc_fails(CaseCreate(biased, &c), PETSC_ERR_USER_INPUT,
                 "looks at rows r with the loss 1/2 |r|^2, which estimator.unbiased = true does not give");
  ck_petsc_fails(CaseCreate(CASE("type = \"ntk\";"), &c), PETSC_ERR_USER_INPUT, "ntk-trace");
  ck_petsc_fails(CaseCreate(CASE("every = 3;"), &c), PETSC_ERR_USER_INPUT,
                 "'every' does not belong to balance type 'fixed'");
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("residual: balance of the terms");
  TCase *tcase = tcase_create("balance");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, gradients_and_traces_meet, 0, 2);
  tcase_add_loop_test(tcase, relobralo_follows_relative_losses, 0, 2);
  tcase_add_test(tcase, multipliers_follow_their_rows);
  tcase_add_loop_test(tcase, products_carry_the_weights, 0, 4);
  tcase_add_loop_test(tcase, weights_change_when_they_are_due, 0, 4);
  tcase_add_loop_test(tcase, weights_are_the_same_on_all_ranks, 0, 4);
  tcase_add_test(tcase, mistakes_are_told);
  suite_add_tcase(suite, tcase);
  return suite;
}
