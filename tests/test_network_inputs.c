/* What meets the coordinates: the affine part beside a network against its closed form, and shared inputs against the
   same network with equal weights. */
#include "network_fixture.h"

enum { N = 4, FIELDS = 2, MOST_OUT = 4096 };

typedef struct {
  Network network;
  NetworkSweep sweep;
  size_t n_param, n_out;
  double *theta, *v, *gradient, *J, out[MOST_OUT], dot[MOST_OUT];
} Swept;

static void create(const char *settings, JetPlan plan, int n_coord, Swept *s)
{
  s->network = NetworkOf(settings, n_coord, FIELDS);
  s->n_param = NetworkParameters(s->network);
  s->n_out = (size_t)JetPlanColumns(plan) * N * FIELDS;
  ck_assert_uint_le(s->n_out, MOST_OUT);
  ck_petsc(PetscCalloc4(s->n_param, &s->theta, s->n_param, &s->v, s->n_param, &s->gradient, N * s->n_param, &s->J));
  ck_petsc(NetworkSweepCreate(s->network, plan, NULL, N, &s->sweep));
}

static void sweep(Swept *s, const double x[], const double bar[])
{
  NetworkForward(s->sweep, s->theta, N, x, s->out);
  NetworkReverse(s->sweep, s->theta, bar, s->gradient);
  NetworkTangent(s->sweep, s->theta, s->v, s->dot);
  NetworkRows(s->sweep, s->theta, bar, 0, s->n_param, s->J, s->n_param);
}

static void destroy(Swept *s)
{
  ck_petsc(NetworkSweepDestroy(&s->sweep));
  ck_petsc(NetworkDestroy(&s->network));
  ck_petsc(PetscFree4(s->theta, s->v, s->gradient, s->J));
}

static void expect_near(const char *what, size_t n, const double a[], const double b[])
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(b[i]));
  ck_assert(largest > 0);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= 1e-13 * largest, "%s %zu: %.17g, not %.17g", what, i, a[i], b[i]);
}

/* d out / d A[.][i] in column c at x: the operator of the column applied to the mapped coordinate x_i. */
static double slope(JetPlan plan, int c, int i, const double x[])
{
  const JetOperator *op = JetPlanOperator(plan, c);
  double sum = 0;
  if (c == 0) return (x[i] - (0.5 - 1 + 0.1 * (i % 10) + 1)) * 2 / 3;
  for (int t = 0; t < op->n; t++)
    if (op->index[t].order == 1 && op->index[t].coord[0] == i) sum += op->coef[t] * 2 / 3;
  return sum;
}

/* Adds what A [FIELDS][n_coord] contributes to outputs. */
static void add_affine(JetPlan plan, int n_coord, const double x[], const double A[], double out[])
{
  for (int c = 0; c < JetPlanColumns(plan); c++)
    for (int p = 0; p < N; p++)
      for (int f = 0; f < FIELDS; f++)
        for (int i = 0; i < n_coord; i++)
          out[(c * N + p) * FIELDS + f] += A[f * n_coord + i] * slope(plan, c, i, x + p * n_coord);
}

/* Derivatives by A: of the row of point p, or of the sum of all where p = N. */
static void affine_row(JetPlan plan, int n_coord, const double x[], const double bar[], int p, double row[])
{
  memset(row, 0, sizeof(double) * (size_t)(FIELDS * n_coord));
  for (int c = 0; c < JetPlanColumns(plan); c++)
    for (int q = 0; q < N; q++)
      for (int f = 0; f < FIELDS && (p == N || p == q); f++)
        for (int i = 0; i < n_coord; i++)
          row[f * n_coord + i] += bar[(c * N + q) * FIELDS + f] * slope(plan, c, i, x + q * n_coord);
}

static void check_affine(PlanKind kind)
{
  int n_coord, n_feature;
  size_t begin;
  JetPlan plan = CreatePlan(kind, &n_coord);
  double x[N * MOST_COORDINATES], bar[MOST_OUT], row[FIELDS * MOST_COORDINATES];
  Swept plain = {0}, affine = {0};
  create("hidden = [7, 6]; activation = \"tanh\";", plan, n_coord, &plain);
  create("hidden = [7, 6]; activation = \"tanh\"; affine = true;", plan, n_coord, &affine);
  const size_t n_affine = (size_t)(FIELDS * n_coord), tail = 7 * FIELDS, head = plain.n_param - tail;
  NetworkLastLayer(affine.network, &begin, &n_feature);
  ck_assert_uint_eq(begin, head);
  ck_assert_int_eq(n_feature, 6 + n_coord);
  ck_assert_uint_eq(affine.n_param, plain.n_param + n_affine);
  TestFill(affine.n_param, affine.theta, 31);
  TestFill(affine.n_param, affine.v, 32);
  TestFill(affine.n_out, bar, 33);
  for (size_t k = 0; k < plain.n_param; k++) {
    const size_t from = k < head ? k : k + n_affine;
    plain.theta[k] = affine.theta[from];
    plain.v[k] = affine.v[from];
  }
  PointsOf(N, n_coord, x);
  sweep(&plain, x, bar);
  sweep(&affine, x, bar);
  add_affine(plan, n_coord, x, affine.theta + head, plain.out);
  add_affine(plan, n_coord, x, affine.v + head, plain.dot);
  expect_near("output", plain.n_out, affine.out, plain.out);
  expect_near("tangent", plain.n_out, affine.dot, plain.dot);
  for (int p = 0; p <= N; p++) {
    const double *found = p < N ? affine.J + (size_t)p * affine.n_param : affine.gradient;
    const double *expected = p < N ? plain.J + (size_t)p * plain.n_param : plain.gradient;
    affine_row(plan, n_coord, x, bar, p, row);
    expect_near("derivatives by hidden layers", head, found, expected);
    expect_near("derivatives by the affine part", n_affine, found + head, row);
    expect_near("derivatives by the last layer", tail, found + head + n_affine, expected + head);
  }
  destroy(&plain);
  destroy(&affine);
  ck_petsc(JetPlanDestroy(&plan));
}

START_TEST(an_affine_part_is_added_to_the_outputs)
{
  for (int kind = 0; kind < PLANS; kind++) check_affine(kind);
}
END_TEST

START_TEST(an_affine_part_begins_at_zero_and_is_described)
{
  Network network = NetworkOf("hidden = [5]; activation = \"tanh\"; affine = true;", 3, 2);
  double theta[64];
  size_t offset;
  PetscInt rows, columns;
  ck_assert_str_eq(NetworkDescribe(network), "mlp 3-5-2, tanh, an affine function beside it");
  ck_assert_int_eq(NetworkParameterBlocks(network), 5);
  NetworkParameterBlock(network, 2, &offset, &rows, &columns);
  ck_assert(offset == 20 && rows == 2 && columns == 3);
  NetworkParameterBlock(network, 3, &offset, &rows, &columns);
  ck_assert(offset == 26 && rows == 2 && columns == 5);
  NetworkParameterBlock(network, 4, &offset, &rows, &columns);
  ck_assert(offset == 36 && rows == 2 && columns == 0);
  ck_assert_uint_eq(NetworkParameters(network), 38);
  NetworkInitialize(network, theta);
  for (int k = 0; k < 6; k++) ck_assert(theta[20 + k] == 0);
  ck_assert(theta[26] != 0);
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

/* A network with shared columns V and the plain one with W[:, i] = V[:, i / block]. */
static void check_block(int block, const char *rest)
{
  enum { D = 10, H = 7 };
  const int n_input = (D + block - 1) / block;
  JetOperator laplacian = Laplacian(D);
  JetPlan plan = PlanOf(D, 1, &laplacian);
  double x[N * D], bar[MOST_OUT];
  char settings[128];
  Swept plain = {0}, shared = {0};
  snprintf(settings, sizeof(settings), "hidden = [7, 6]; activation = \"tanh\";%s", rest);
  create(settings, plan, D, &plain);
  snprintf(settings, sizeof(settings), "hidden = [7, 6]; activation = \"tanh\"; block = %d;%s", block, rest);
  create(settings, plan, D, &shared);
  ck_assert_uint_eq(plain.n_param - shared.n_param, (size_t)(H * (D - n_input)));
  TestFill(shared.n_param, shared.theta, 41);
  TestFill(shared.n_param, shared.v, 42);
  TestFill(shared.n_out, bar, 43);
  for (size_t k = 0; k < plain.n_param; k++) {
    const size_t from =
        k < H * D ? k / D * (size_t)n_input + k % D / (size_t)block : k - (plain.n_param - shared.n_param);
    plain.theta[k] = shared.theta[from];
    plain.v[k] = shared.v[from];
  }
  PointsOf(N, D, x);
  sweep(&plain, x, bar);
  sweep(&shared, x, bar);
  expect_near("output", plain.n_out, shared.out, plain.out);
  expect_near("tangent", plain.n_out, shared.dot, plain.dot);
  for (int p = 0; p <= N; p++) {
    double *sums, *found = p < N ? shared.J + (size_t)p * shared.n_param : shared.gradient;
    const double *all = p < N ? plain.J + (size_t)p * plain.n_param : plain.gradient;
    ck_petsc(PetscCalloc1(shared.n_param, &sums));
    for (size_t k = 0; k < plain.n_param; k++)
      sums[k < H * D ? k / D * (size_t)n_input + k % D / (size_t)block : k - (plain.n_param - shared.n_param)] +=
          all[k];
    expect_near("derivatives", shared.n_param, found, sums);
    ck_petsc(PetscFree(sums));
  }
  destroy(&plain);
  destroy(&shared);
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(JetOperatorDestroy(&laplacian));
}

START_TEST(shared_inputs_are_tied_weights)
{
  for (int block = 2; block <= 10; block += 1 + block % 3) {
    check_block(block, "");
    check_block(block, " affine = true;");
  }
}
END_TEST

START_TEST(blocks_stay_within_a_vector)
{
  static const char text[] =
      "problem: { coordinates = [ \"a\" ]; fields = [ \"u\" ]; equations = ( { residual = \"u\"; } ); };\n"
      "domain: { };\nnetwork: { hidden = [ 4 ]; block = 3; };\n";
  static const char *const names[] = {"x[0]", "x[1]", "x[2]", "x[3]", "y[0]", "y[1]", "t"};
  const double lower[7] = {0}, upper[7] = {1, 1, 1, 1, 1, 1, 1};
  Config config;
  Network network;
  ck_petsc(ConfigLoadText("a.cfg", text, 0, NULL, &config));
  ck_petsc(NetworkCreate(config, 7, names, 1, lower, upper, &network));
  ck_assert_uint_eq(NetworkParameters(network), 4 * 5 + 5); /* x0 x1 x2 | x3 | y0 y1 | t */
  ck_assert_str_eq(NetworkDescribe(network), "mlp 7-4-1, tanh, coordinates share 4 columns of weights");
  ck_petsc(NetworkDestroy(&network));
  ck_petsc_fails(
      NetworkCreate(config, 3, names + 3, 1, lower, upper, &network), PETSC_ERR_USER_INPUT,
      "a.cfg:3: network.block: blocks of 3 components need a vector coordinate as long; the longest here has 2");
  ck_petsc(NetworkDestroy(&network));
  ck_petsc_fails(NetworkCreate(config, 1, names + 6, 1, lower, upper, &network), PETSC_ERR_USER_INPUT,
                 "a.cfg:3: network.block: blocks of 3 components need a vector coordinate as long; this problem has no "
                 "vectors, its coordinates are 1");
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

TEST_SUITE("network inputs", an_affine_part_is_added_to_the_outputs, an_affine_part_begins_at_zero_and_is_described,
           shared_inputs_are_tied_weights, blocks_stay_within_a_vector)
