/* Slabs of time: which conditions hold in which slab, what is handed on, and rows of the jumps. */
#include <string.h>
#include "case_fixture.h"

#define WAVE                                                                                                           \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"p\"];\n"                                                \
  "  equations = ( { residual = \"u_tt - u*u_xx + p_xt\"; }, { residual = \"p - u_x\"; } );\n"                         \
  "  conditions = ( { name = \"start\"; on = \"t = 0\"; residual = \"u - sin(x)\"; weight = 7.0; count = 9; },\n"      \
  "                 { on = \"t = 0\"; residual = \"u_t + u\"; weight = 3.0; },\n"                                      \
  "                 { on = \"boundary\"; residual = \"p\"; },\n"                                                       \
  "                 { on = \"t = 1.5 | x = 0 & t = 0.25\"; residual = \"u\"; },\n"                                     \
  "                 { on = \"t.upper\"; residual = \"u\"; } ); };\n"                                                   \
  "domain: { type = \"box\"; lower = [0.0, 0.0]; upper = [1.0, 2.0]; };\n"                                             \
  "points: { interior = { count = 40; }; conditions = { count = 60; }; heldout = 30; };\n"                             \
  "network: { type = \"random-features\"; features = 11; activation = \"sin\"; };\n"
#define HEAT                                                                                                           \
  "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; equations = ( { residual = \"u_t - u*u_xx\"; } );\n"     \
  "  conditions = ( { on = \"t = 0\"; residual = \"u\"; } ); };\n"                                                     \
  "domain: {};\npoints: { interior = { count = 40; }; conditions = { count = 20; }; heldout = 30; };\n"                \
  "network: { hidden = [5, 4]; };\n"

typedef struct {
  Config config;
  Problem problem;
  Domain whole, domain[3];
  Network network[3];
  Residual residual[3];
  Vec theta;
} Slabbed;

static void create(const char *text, int n, const double ends[], Slabbed *s)
{
  const char *names[] = {"x", "t"};
  double from = 0.0;
  *s = (Slabbed){0};
  ck_petsc(ConfigLoadText("test.cfg", text, 0, NULL, &s->config));
  ck_petsc(ProblemCreate(s->config, &s->problem));
  ck_petsc(DomainCreate(s->config, ProblemFormula(s->problem), &s->whole));
  ck_petsc(SlabsAddJumps(s->config, s->problem, s->whole));
  for (int k = 0; k < n; from = ends[k++]) {
    const double *lower, *upper;
    ck_petsc(DomainCreateSlab(s->config, ProblemFormula(s->problem), (double[2]){from, ends[k]}, &s->domain[k]));
    DomainBounds(s->domain[k], &lower, &upper);
    ck_assert(lower[1] == from && upper[1] == ends[k]);
    ck_petsc(NetworkCreate(s->config, 2, names, ProblemFields(s->problem), lower, upper, &s->network[k]));
    ck_petsc(ResidualCreate(PETSC_COMM_WORLD, s->config, s->problem, s->domain[k], s->network[k], &s->residual[k]));
  }
  ck_petsc(ResidualCreateTheta(s->residual[0], &s->theta));
}

static void destroy(Slabbed *s)
{
  ck_petsc(VecDestroy(&s->theta));
  for (int k = 0; k < 3; k++) {
    ck_petsc(ResidualDestroy(&s->residual[k]));
    ck_petsc(NetworkDestroy(&s->network[k]));
    ck_petsc(DomainDestroy(&s->domain[k]));
  }
  ck_petsc(DomainDestroy(&s->whole));
  ck_petsc(ProblemDestroy(&s->problem));
  ck_petsc(ConfigDestroy(&s->config));
}

START_TEST(orders_in_time_of_every_field)
{
  static const struct {
    const char *text;
    int order[2];
  } rows[] = {{"u_tt - u*u_xx + p_xt", {2, 1}}, {"p - u_x", {0, 0}},
              {"d(sin(u)*u_t, t)*x", {2, -1}},  {"if(t > 0.5, u_xxt, p)", {1, 0}},
              {"laplacian(u) + x*t", {0, -1}},  {"exp(d(p, t, 3) + d(x*x*t, t)*u)", {0, 3}}};
  Case c;
  ck_petsc(CaseCreate(WAVE, &c));
  for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
    for (int f = 0; f < 2; f++) {
      FormulaNode node;
      int order;
      ck_petsc(FormulaParse(ProblemFormula(c.problem), "test", rows[k].text, &node));
      ck_petsc(FormulaOrder(ProblemFormula(c.problem), node, f, 1, &order));
      ck_assert_msg(order == rows[k].order[f], "%s: order %d of field %d", rows[k].text, order, f);
    }
  ck_petsc(CaseDestroy(&c));
}
END_TEST

/* u_tt hands on u and u_t, p_xt hands on p; weights and points are those of the initial conditions. */
START_TEST(jumps_follow_from_the_equations)
{
  Slabbed s;
  create(WAVE, 3, (double[]){0.5, 1.5, 2.0}, &s);
  static const char *const names[] = {"jump u", "jump u_t", "jump p"};
  static const double weights[] = {7.0, 3.0, 1.0};
  ck_assert_int_eq(ProblemBlocks(s.problem), 9);
  for (int k = 0; k < 3; k++) {
    const Block *block = ProblemBlock(s.problem, 6 + k);
    ck_assert(block->jump);
    ck_assert_str_eq(block->terms[0].name, names[k]);
    ck_assert(block->terms[0].weight == weights[k]);
  }
  destroy(&s);
}
END_TEST

/* The points of each condition, by the text of ResidualDescribe. */
START_TEST(conditions_hold_where_their_times_are)
{
  static const char *const lines[3][8] = {
      {"start: 9 points", "t = 0: 60 points", "boundary: 60 points", "t = 1.5 | x = 0 & t = 0.25: 1 points",
       "t.upper: 0 points", "jump u: 0 points", "jump u_t: 0 points", "jump p: 0 points"},
      {"start: 0 points", "t = 0: 0 points", "boundary: 60 points", "t = 1.5 | x = 0 & t = 0.25: 60 points",
       "t.upper: 0 points", "jump u: 9 points", "jump u_t: 60 points", "jump p: 60 points"},
      {"start: 0 points", "t = 0: 0 points", "boundary: 60 points", "t = 1.5 | x = 0 & t = 0.25: 0 points",
       "t.upper: 60 points", "jump u: 9 points", "jump u_t: 60 points", "jump p: 60 points"}};
  Slabbed s;
  create(WAVE, 3, (double[]){0.5, 1.5, 2.0}, &s);
  for (int k = 0; k < 3; k++) {
    const char *text = ResidualDescribe(s.residual[k]);
    for (int l = 0; l < 8; l++)
      ck_assert_msg(strstr(text, lines[k][l]) != NULL, "slab %d: no '%s' in\n%s", k, lines[k][l], text);
  }
  destroy(&s);
}
END_TEST

/* The boundary of the middle slab is its walls; every time has one owner. */
START_TEST(a_slab_has_no_boundary_at_its_cuts)
{
  Slabbed s;
  Region region;
  PointSet points;
  const PetscInt count = 40;
  const Sampling sampling = {ChoiceFind(&SamplerTable, "uniform"), 1, &count, {1, RANDOM_CONDITION, 0, 0}};
  create(WAVE, 3, (double[]){0.5, 1.5, 2.0}, &s);
  for (int k = 0; k < 3; k++) {
    int first = 0, last = 0, cut = 0;
    const double *lower, *upper;
    DomainBounds(s.domain[k], &lower, &upper);
    ck_petsc(RegionCreate(s.domain[k], "test", "boundary", &region));
    ck_petsc(PointSetSample(PETSC_COMM_WORLD, region, &sampling, &points));
    for (int i = 0; i < points.n; i++) {
      const double *x = points.x + 2 * i;
      first += x[1] == 0.0;
      last += x[1] == 2.0;
      cut += (x[1] == lower[1] || x[1] == upper[1]) && x[1] > 0.0 && x[1] < 2.0;
      ck_assert(x[1] >= lower[1] && x[1] <= upper[1]);
    }
    ck_assert_int_eq(cut, 0);
    ck_assert((first > 0) == (k == 0) && (last > 0) == (k == 2));
    ck_petsc(PointSetDestroy(&points));
    ck_petsc(RegionDestroy(&region));
  }
  for (double t = -0.5; t <= 2.5; t += 0.25) {
    const double x[2] = {0.3, t};
    const int owner = t <= 0.5 ? 0 : t <= 1.5 ? 1 : 2;
    for (int k = 0; k < 3; k++) ck_assert(DomainOwns(s.domain[k], x) == (k == owner));
  }
  ck_assert(DomainOwns(s.whole, (double[]){0.0, -9.0}));
  destroy(&s);
}
END_TEST

/* There is no jump from a network to itself; from the network of the slab before, whose features count time from its
   own start, it is that of the fields. */
START_TEST(jumps_are_differences_of_fields)
{
  Slabbed s;
  double theta[24], past[24], r[400], loss;
  create(WAVE, 2, (double[]){0.5, 2.0}, &s);
  const Rows rows = ResidualRows(s.residual[1]);
  ck_assert_uint_eq(rows->n_param, 24);
  CaseFill(0.6, 0.0, 24, theta);
  CaseFill(0.6, 1.0, 24, past);
  ck_petsc(ResidualScatterTheta(s.residual[1], theta, s.theta));
  ck_petsc(ResidualSetPast(s.residual[1], s.network[1], theta));
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, r, &loss));
  const int n_jump = 9 + 60 + 60, begin = rows->n_row - n_jump;
  for (int k = 0; k < n_jump; k++) ck_near(r[begin + k], 0.0, 0, 1e-15);
  ck_petsc(ResidualSetPast(s.residual[1], s.network[0], past));
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, r, &loss));
  /* the first jump of u: its nine Sobol points by the fields of either theta */
  const FormulaNode u = ProblemField(s.problem, 0);
  Region start;
  PointSet points;
  Probe probe;
  double here[9], there[9];
  const PetscInt count = 9;
  const Sampling sampling = {ChoiceFind(&SamplerTable, "sobol"), 1, &count, {1, RANDOM_CONDITION, 6, 0}};
  ck_petsc(RegionCreateStart(s.domain[1], "test", &start));
  ck_petsc(PointSetSample(PETSC_COMM_WORLD, start, &sampling, &points));
  ck_petsc(ProbeCreate(s.problem, s.network[1], 1, &u, NULL, &probe));
  ck_petsc(ProbeEvaluate(probe, theta, 9, points.x, NULL, here));
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(ProbeCreate(s.problem, s.network[0], 1, &u, NULL, &probe));
  ck_petsc(ProbeEvaluate(probe, past, 9, points.x, NULL, there));
  for (int i = 0; i < 9; i++) {
    ck_assert(points.x[2 * i + 1] == 0.5);
    ck_near(r[begin + i], sqrt(7.0 / 9.0) * (here[i] - there[i]), 1e-13, 1e-15);
  }
  ck_petsc(ProbeDestroy(&probe));
  ck_petsc(PointSetDestroy(&points));
  ck_petsc(RegionDestroy(&start));
  destroy(&s);
}
END_TEST

/* Products with J do not know what is subtracted; stored sweeps hold the same rows. */
START_TEST(jumps_have_the_jacobian_of_the_fields)
{
  Slabbed s;
  Vec v, g;
  double theta[100], past[100], w[100], Jv[100], r[100], r2[100], loss, ahead, behind, slope;
  create(HEAT, 2, (double[]){0.5, 1.0}, &s);
  const Rows rows = ResidualRows(s.residual[1]);
  const int n = (int)rows->n_param;
  ck_assert(n <= 100 && rows->n_row == 60);
  CaseFill(0.6, 0.0, (size_t)n, theta);
  CaseFill(0.6, 2.0, (size_t)n, past);
  ck_petsc(VecDuplicate(s.theta, &v));
  ck_petsc(VecDuplicate(s.theta, &g));
  ck_petsc(ResidualSetPast(s.residual[1], s.network[0], past));
  CaseFill(0.6, 1.0, (size_t)n, w);
  ck_petsc(ResidualScatterTheta(s.residual[1], w, v));
  ck_petsc(ResidualScatterTheta(s.residual[1], theta, s.theta));
  ck_petsc(rows->ops->gradient(rows->self, s.theta, &loss, g));
  ck_petsc(VecDot(g, v, &slope));
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, r, &loss));
  ck_petsc(rows->ops->apply(rows->self, s.theta, v, Jv));
  double sum = 0.0;
  for (int k = 0; k < 60; k++) sum += r[k] * Jv[k];
  ck_near(sum, slope, 1e-12, 1e-13);
  ck_petsc(RowsLinearize(rows, s.theta, r2, &loss));
  for (int k = 0; k < 60; k++) ck_near(r[k], r2[k], 1e-14, 1e-16);
  ck_petsc(VecAXPY(s.theta, 1e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, NULL, &ahead));
  ck_petsc(VecAXPY(s.theta, -2e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, NULL, &behind));
  ck_near((ahead - behind) / 2e-5, slope, 1e-7, 1e-9);
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  destroy(&s);
}
END_TEST

/* Values by the slab that owns the time; NaN where it is not trained. */
START_TEST(fields_come_from_the_owner_of_a_time)
{
  Slabbed s;
  double theta[2][100], own[2];
  create(HEAT, 3, (double[]){0.25, 0.5, 1.0}, &s);
  const size_t n = NetworkParameters(s.network[0]);
  Slab list[3] = {{0.25, s.network[0], theta[0]}, {0.5, s.network[1], theta[1]}, {1.0, s.network[2], NULL}};
  const Slabs slabs = {3, 1, list};
  const FormulaNode u = ProblemField(s.problem, 0);
  const double x[] = {0.5, 0.6, 0.5, 0.25, 0.5, 0.3, 0.5, 0.0};
  double values[4];
  CaseFill(0.6, 0.0, n, theta[0]);
  CaseFill(0.6, 1.0, n, theta[1]);
  ck_petsc(SlabsEvaluate(s.problem, &slabs, 1, &u, 4, x, values));
  for (int k = 0; k < 2; k++) {
    Probe probe;
    ck_petsc(ProbeCreate(s.problem, s.network[k], 1, &u, NULL, &probe));
    ck_petsc(ProbeEvaluate(probe, theta[k], 1, k ? x + 4 : x + 2, NULL, &own[k]));
    ck_petsc(ProbeDestroy(&probe));
  }
  ck_assert(isnan(values[0]) && values[1] == own[0] && values[2] == own[1] && isfinite(values[3]));
  destroy(&s);
}
END_TEST

START_TEST(no_derivative_by_t_is_an_error)
{
  static const char text[] = "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"];\n"
                             "  equations = ( { residual = \"u_xx - t\"; } ); };\ndomain: {};\ntime: { slabs = 2; };";
  Config config;
  Problem problem;
  Domain domain;
  ck_petsc(ConfigLoadText("test.cfg", text, 0, NULL, &config));
  ck_petsc(ProblemCreate(config, &problem));
  ck_petsc(DomainCreate(config, ProblemFormula(problem), &domain));
  ck_petsc_fails(SlabsAddJumps(config, problem, domain), PETSC_ERR_USER_INPUT, "test.cfg:4: time: no equation has a");
  ck_petsc(DomainDestroy(&domain));
  ck_petsc(ProblemDestroy(&problem));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("residual: slabs", orders_in_time_of_every_field, jumps_follow_from_the_equations,
           conditions_hold_where_their_times_are, a_slab_has_no_boundary_at_its_cuts, jumps_are_differences_of_fields,
           jumps_have_the_jacobian_of_the_fields, fields_come_from_the_owner_of_a_time, no_derivative_by_t_is_an_error)
