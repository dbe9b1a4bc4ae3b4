/* Sweeps in single and mixed precision against double, up to order 4. */
#include "network_fixture.h"

enum { N = 37, FIELDS = 2 };
static const PlanKind kinds[] = {PLAN_VALUE,      PLAN_FULL_4, PLAN_KDV,  PLAN_LAPLACE_3,
                                 PLAN_BIHARMONIC, PLAN_HEAT,   PLAN_MIXED};

typedef struct {
  double *out, *gradient, *tangent, *rows;
} Sweeps;

static const char *const architectures[] = {
    "hidden = [16, 12]; activation = \"tanh\";",
    "hidden = [16, 12, 9]; activation = \"swish\";",
    "hidden = [16, 12]; affine = true;",
    "hidden = [16, 12]; block = 2;",
    "type = \"random-features\"; features = 20; scale = 0.8; activation = \"sin\";",
};

static Sweeps sweep_in(const char *precision, const char *settings, JetPlan plan, int n_coord)
{
  NetworkSweep sweep;
  Network network;
  Sweeps s;
  ck_petsc(TryNetworkIn(precision, settings, n_coord, FIELDS, &network));
  const size_t n_param = NetworkParameters(network), n_out = (size_t)JetPlanColumns(plan) * N * FIELDS;
  double *theta = ThetaOf(network), *out_bar, *v, x[N * MOST_COORDINATES];
  ck_petsc(PetscMalloc2(n_out, &out_bar, n_param, &v));
  ck_petsc(PetscCalloc4(n_out, &s.out, n_param, &s.gradient, n_out, &s.tangent, N * n_param, &s.rows));
  TestFill(n_out, out_bar, 21);
  TestFill(n_param, v, 22);
  PointsOf(N, n_coord, x);
  ck_petsc(NetworkSweepCreate(network, plan, NULL, N + 1, &sweep));
  NetworkForward(sweep, theta, N, x, s.out);
  NetworkReverse(sweep, theta, out_bar, s.gradient);
  NetworkReverse(sweep, theta, out_bar, s.gradient); /* adds */
  NetworkTangent(sweep, theta, v, s.tangent);
  NetworkRows(sweep, theta, out_bar, 0, n_param, s.rows, n_param);
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(PetscFree2(out_bar, v));
  ck_petsc(PetscFree(theta));
  return s;
}

static void destroy(Sweeps *s)
{
  ck_petsc(PetscFree4(s->out, s->gradient, s->tangent, s->rows));
}

/* |a - b| / |b| in the largest norm; nonzero, or the sweep in single did not happen. */
static void assert_close(const char *what, size_t n, const double *a, const double *b)
{
  double error = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    error = fmax(error, fabs(a[i] - b[i]));
    size = fmax(size, fabs(b[i]));
  }
  ck_assert_msg(error > 0 && error <= 1e-5 * size, "%s: error %.2e of %.2e", what, error, size);
}

static void compare(const char *settings, PlanKind kind)
{
  int n_coord;
  JetPlan plan = CreatePlan(kind, &n_coord);
  Network network = NetworkOf(settings, n_coord, FIELDS);
  const size_t n_param = NetworkParameters(network), n_out = (size_t)N * FIELDS;
  Sweeps exact = sweep_in("double", settings, plan, n_coord), single = sweep_in("single", settings, plan, n_coord);
  Sweeps mixed = sweep_in("mixed", settings, plan, n_coord);
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    const size_t at = (size_t)c * n_out;
    assert_close("column", n_out, single.out + at, exact.out + at);
    assert_close("tangent", n_out, single.tangent + at, exact.tangent + at);
    assert_close("mixed tangent", n_out, mixed.tangent + at, exact.tangent + at);
  }
  ck_assert(!memcmp(mixed.out, exact.out, (size_t)JetPlanColumns(plan) * n_out * sizeof(double)));
  assert_close("gradient", n_param, single.gradient, exact.gradient);
  assert_close("rows", N * n_param, single.rows, exact.rows);
  assert_close("mixed gradient", n_param, mixed.gradient, exact.gradient);
  assert_close("mixed rows", N * n_param, mixed.rows, exact.rows);
  destroy(&exact);
  destroy(&single);
  destroy(&mixed);
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(JetPlanDestroy(&plan));
}

START_TEST(single_and_mixed_are_double_to_five_digits)
{
  for (size_t a = 0; a < sizeof(architectures) / sizeof(architectures[0]); a++)
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) compare(architectures[a], kinds[k]);
}
END_TEST

START_TEST(tiles_hold_more_points_in_single)
{
  int n_coord;
  JetPlan plan = CreatePlan(PLAN_LAPLACE_2, &n_coord);
  Network network[3];
  static const char *const precision[3] = {"mixed", "double", "single"};
  for (int k = 0; k < 3; k++) {
    ck_petsc(TryNetworkIn(precision[k], "hidden = [64, 64];", n_coord, 1, &network[k]));
    if (k) ck_assert(NetworkTilePoints(network[k], plan) > NetworkTilePoints(network[k - 1], plan));
    if (k) ck_assert(NetworkSweepDoubles(network[k], plan, 8) < NetworkSweepDoubles(network[k - 1], plan, 8));
  }
  ck_assert_str_eq(NetworkDescribe(network[2]), "mlp 2-64-64-1, tanh, single precision");
  for (int k = 0; k < 3; k++) ck_petsc(NetworkDestroy(&network[k]));
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

TEST_SUITE("network precision", single_and_mixed_are_double_to_five_digits, tiles_hold_more_points_in_single)
