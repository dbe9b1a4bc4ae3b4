/* Causal weights: their formula, the rows and products that carry them, and what a checkpoint keeps. */
#include <string.h>
#include "case_fixture.h"

#define CASE(CAUSAL)                                                                                                   \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];\n"                                                       \
  "  equations = ( { residual = \"u_t - u*u_xx\"; weight = 2.0; }, { residual = \"u_x - t\"; } );\n"                   \
  "  conditions = ( { on = \"t = -1\"; residual = \"u\"; } ); };\n"                                                    \
  "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                                            \
  "points: { interior = { count = 50; " CAUSAL " }; conditions = { count = 20; }; heldout = 30; };\n"                  \
  "network: { hidden = [5, 4]; };\n"
static const char causal[] = CASE("causal = [0.01, 0.3]; causal_slices = 4; causal_every = 5;");
#define M 120 /* rows: 50 points of two equations, 20 of the condition */

/* Interior points, drawn again as the residual draws them. */
static void points_of(const Case *c, double t[50])
{
  const PetscInt count = 50;
  const Sampling sampling = {ChoiceFind(&SamplerTable, "sobol"), 1, &count, {1, RANDOM_INTERIOR, 0, 0}};
  Region interior;
  PointSet points;
  ck_petsc(RegionCreate(c->domain, "test", "interior", &interior));
  ck_petsc(PointSetSample(PETSC_COMM_WORLD, interior, &sampling, &points));
  for (int i = 0; i < 50; i++) t[i] = points.x[2 * i + 1];
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(RegionDestroy(&interior));
}

/* w_i by slices, from the rows r of the same case without causal weights. */
static void weights_of(const double t[50], const double r[M], double epsilon, double w[50])
{
  double loss[4] = {0}, count[4] = {0};
  for (int i = 0; i < 50; i++) {
    const int k = (int)floor((t[i] + 1.0) / 3.0 * 4.0);
    count[k] += 1.0;
    loss[k] += 50.0 * (r[i] * r[i] + r[50 + i] * r[50 + i]);
  }
  for (int i = 0; i < 50; i++) {
    double before = 0.0;
    for (int k = 0; k < (int)floor((t[i] + 1.0) / 3.0 * 4.0); k++) before += loss[k] / count[k];
    w[i] = exp(-epsilon * before);
  }
}

static void update(Case *c, Vec theta, int iteration, bool expected)
{
  const Rows rows = ResidualRows(c->residual);
  bool changed;
  ck_petsc(rows->ops->update(rows->self, theta, iteration, &changed));
  ck_assert(changed == expected);
}

START_TEST(weights_follow_their_formula)
{
  Case c, plain;
  Vec theta;
  double t[50], w[50], r[M], weighted[M], loss, rms[3], plain_rms[3], epsilon, least, lowest = 1.0;
  ck_petsc(CaseCreate(causal, &c));
  ck_petsc(CaseCreate(CASE(""), &plain));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  const Rows rows = ResidualRows(c.residual), other = ResidualRows(plain.residual);
  ck_assert(ResidualCausal(c.residual, &epsilon, &least) && isnan(least) &&
            !ResidualCausal(plain.residual, &epsilon, &least));
  ck_petsc(other->ops->evaluate(other->self, theta, r, &loss));
  ck_petsc(ResidualTermRMS(plain.residual, theta, loss, plain_rms));
  ck_petsc(rows->ops->evaluate(rows->self, theta, weighted, &loss));
  for (int i = 0; i < M; i++) ck_assert(weighted[i] == r[i]); /* before the first step */
  update(&c, theta, 0, true);
  points_of(&c, t);
  weights_of(t, r, 0.01, w);
  ck_petsc(rows->ops->evaluate(rows->self, theta, weighted, &loss));
  for (int i = 0; i < M; i++) ck_near(weighted[i], r[i] * (i < 100 ? sqrt(w[i % 50]) : 1.0), 1e-13, 0);
  for (int i = 0; i < 50; i++) lowest = fmin(lowest, w[i]);
  ck_assert(ResidualCausal(c.residual, &epsilon, &least) && epsilon == 0.01);
  ck_near(least, lowest, 1e-13, 0);
  ck_assert(lowest < 0.999);
  /* what is reported has no weights in it */
  ck_petsc(ResidualTermRMS(c.residual, theta, loss, rms));
  for (int e = 0; e < 3; e++) ck_near(rms[e], plain_rms[e], 1e-13, 0);
  ck_petsc(ResidualStatistics(c.residual, theta, false, rms, NULL));
  for (int e = 0; e < 3; e++) ck_near(rms[e], plain_rms[e], 1e-13, 0);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
  ck_petsc(CaseDestroy(&plain));
}
END_TEST

/* J, J v, J^T w, stored or swept, and a difference of the loss between two steps: weights do not move with theta. */
START_TEST(products_carry_the_weights)
{
  Case c;
  Vec theta, v, g;
  double r[M], Jv[M], stored[M], *J, loss, slope, ahead, behind;
  const double *direction;
  ck_petsc(CaseCreate(causal, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param;
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &g));
  CaseFillVec(0.6, 2.0, v);
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(RowsLinearize(rows, theta, r, &loss)); /* stores that the weights must put out of date */
  update(&c, theta, 0, true);
  ck_petsc(PetscMalloc1(M * n, &J));
  ck_petsc(rows->ops->gradient(rows->self, theta, &loss, g));
  ck_petsc(VecDot(g, v, &slope));
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(RowsLinearize(rows, theta, r, &loss));
  ck_petsc(rows->ops->apply(rows->self, theta, v, stored));
  ck_petsc(VecGetArrayRead(v, &direction));
  double sum = 0.0;
  for (size_t k = 0; k < M; k++) {
    double product = 0.0;
    for (size_t j = 0; j < n; j++) product += J[k * n + j] * direction[j];
    ck_near(product, Jv[k], 1e-11, 1e-13);
    ck_near(stored[k], Jv[k], 1e-11, 1e-13);
    sum += r[k] * Jv[k];
  }
  ck_near(sum, slope, 1e-12, 1e-13);
  ck_petsc(VecRestoreArrayRead(v, &direction));
  ck_petsc(VecAXPY(theta, 1e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &ahead));
  ck_petsc(VecAXPY(theta, -2e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &behind));
  ck_near((ahead - behind) / 2e-5, slope, 1e-6, 1e-9);
  ck_petsc(PetscFree(J));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* New weights every fifth iteration, once; epsilon grows when all times count; a checkpoint gives all of it back. */
START_TEST(weights_change_when_they_are_due)
{
  Case c, again;
  Vec theta;
  double r[M], r2[M], loss, *state, epsilon, least;
  size_t n;
  ck_petsc(CaseCreate(causal, &c));
  ck_petsc(CaseCreate(causal, &again));
  const Rows rows = ResidualRows(c.residual);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  update(&c, theta, 0, true);
  update(&c, theta, 0, false);
  update(&c, theta, 4, false);
  ck_petsc(VecScale(theta, 1e-9)); /* u_x - t alone is left */
  update(&c, theta, 5, true);
  ck_assert(ResidualCausal(c.residual, &epsilon, &least) && epsilon == 0.01 && least < 0.99);
  ck_petsc(VecScale(theta, 1e9));
  update(&c, theta, 10, true);
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss));
  ck_petsc(ResidualGetPoints(c.residual, &n, &state));
  ck_assert_uint_eq(n, 6);
  ck_petsc(ResidualSetPoints(again.residual, n, state));
  update(&again, theta, 10, false);
  ck_petsc(ResidualRows(again.residual)->ops->evaluate(ResidualRows(again.residual)->self, theta, r2, &loss));
  for (int i = 0; i < M; i++) ck_assert(r[i] == r2[i]);
  state[1] = 7.0, state[2] = state[3] = state[4] = 0.0; /* nothing left to fit */
  ck_petsc(ResidualSetPoints(again.residual, n, state));
  ck_assert(ResidualCausal(again.residual, &epsilon, &least) && least == 1.0);
  ck_petsc(PetscFree(state));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
  ck_petsc(CaseDestroy(&again));
}
END_TEST

START_TEST(epsilon_rises_once_all_times_count)
{
  static const char exact[] = "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];\n"
                              "  equations = ( { residual = \"u_t - u*u_xx\"; } ); };\n"
                              "domain: {};\npoints: { interior = { count = 50; causal = [0.1, 1.0, 9.0]; }; };\n"
                              "network: { hidden = [4]; };\n";
  static const double epsilons[] = {1.0, 9.0, 9.0};
  Case c;
  Vec theta;
  ck_petsc(CaseCreate(exact, &c));
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecSet(theta, 0.0)); /* u = 0 is exact */
  for (int k = 0; k < 3; k++) {
    double epsilon, least;
    update(&c, theta, 10 * k, true);
    ck_assert(ResidualCausal(c.residual, &epsilon, &least) && least == 1.0 && epsilon == epsilons[k]);
  }
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}
END_TEST

START_TEST(mistakes)
{
  static const char no_time[] = "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n"
                                "  equations = ( { residual = \"u_x\"; } ); };\n"
                                "domain: {};\npoints: { interior = { causal = 1.0; }; };\n";
  Case c;
  ck_petsc_fails(CaseCreate(no_time, &c), PETSC_ERR_USER_INPUT,
                 "test.cfg:4: points.interior.causal: the coordinates have no t");
  ck_petsc_fails(CaseCreate(CASE("causal = [2.0, 1.0];"), &c), PETSC_ERR_USER_INPUT,
                 "points.interior.causal: the values must rise: 1 after 2");
}
END_TEST

TEST_SUITE("residual: causal", weights_follow_their_formula, products_carry_the_weights,
           weights_change_when_they_are_due, epsilon_rises_once_all_times_count, mistakes)
