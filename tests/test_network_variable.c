/* Sweeps over columns whose coefficients depend on the point, against sweeps with a column for each derivative. */
#include "network_fixture.h"

enum { N = 13, FIELDS = 2, MOST_TERMS = 55 };

typedef struct {
  const char *name;
  int n_coord;
  const char *terms; /* derivatives as digits; a "." before: its coefficient is constant */
  bool own;          /* those of first order have their coordinate as factor, and one number for all */
} Operator;

static const Operator operators[] = {
    {"advection", 2, "0 1", false},
    {"anisotropic", 2, "00 11", false},
    {"general", 3, "00 01 02 11 12 22", false},
    {"parabolic", 3, ".2 00 11 0", false},
    {"third order", 2, "000 011 1", false},
    {"fourth order", 2, ".0000 0011 1111", false},
    {"ten dimensions", 10, NULL, false},
    {"along the point", 3, "0 1 2", true},
    {"and more", 3, "0 1 2 00 .12", true},
    {"not all", 3, "0 2 .11", true},
};
enum { OPERATORS = sizeof(operators) / sizeof(operators[0]) };

/* One plan of the operator as a whole, and one of its derivatives, with the coefficients at the points. */
typedef struct {
  int n_coord, n;
  JetPlan whole, split;
  int column; /* of the operator in `whole` */
  double coef[MOST_TERMS][N], factors[MOST_TERMS * N];
  int columns[MOST_TERMS];      /* of the derivatives in `split`, */
  double factorial[MOST_TERMS]; /* and what takes them to true derivatives */
  int base[1024];               /* columns of `split` that `whole` has, too: [column of whole] */
} Plans;

/* What the factor of term k is at the points, but where the plan knows: [n_factor][N]. */
static void set_factors(Plans *s, const Operator *o, const JetIndex index[])
{
  int list[MOST_TERMS], coordinate[MOST_TERMS];
  double x[N * 10], values[MOST_TERMS][N];
  const int *factors, n_factor = JetPlanFactors(s->whole, &factors);
  PointsOf(N, s->n_coord, x);
  for (int f = 0; f < n_factor; f++) {
    const int k = list[f] = factors[f];
    coordinate[f] = o->own && index[k].order == 1 ? index[k].coord[0] : -1;
    for (int p = 0; p < N; p++) {
      values[k][p] =
          coordinate[f] < 0 ? 0.5 + TestRandom(31 + (uint64_t)f, (uint64_t)p) : x[p * s->n_coord + coordinate[f]];
      s->coef[k][p] *= values[k][p];
    }
  }
  if (o->own) ck_petsc(JetPlanSetCoordinates(s->whole, coordinate));
  const int n_left = JetPlanFactors(s->whole, &factors);
  ck_assert(o->own == (n_left < n_factor));
  for (int f = 0; f < n_left; f++)
    for (int p = 0; p < N; p++) s->factors[f * N + p] = values[factors[f]][p];
}

static Plans plans_of(const Operator *o)
{
  Plans s = {.n_coord = o->n_coord};
  JetOperator single[MOST_TERMS], op;
  JetIndex index[MOST_TERMS];
  double coef[MOST_TERMS];
  int factor[MOST_TERMS];
  char text[256] = "", *save = NULL;
  if (o->terms) snprintf(text, sizeof(text), "%s", o->terms);
  for (int i = 0; i < 10 && !o->terms; i++)
    for (int j = i; j < 10; j++) snprintf(text + strlen(text), 256 - strlen(text), "%d%d ", i, j);
  for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save), s.n++) {
    const bool constant = *word == '.';
    single[s.n] = OperatorOf(1, word + constant);
    index[s.n] = single[s.n].index[0];
    coef[s.n] = o->own && index[s.n].order == 1 ? -1.5 : 1 + 0.1 * s.n;
    factor[s.n] = constant ? -1 : s.n;
    for (int p = 0; p < N; p++) s.coef[s.n][p] = coef[s.n];
  }
  ck_petsc(JetOperatorCreateVariable(s.n, index, coef, factor, &op));
  s.split = PlanOf(s.n_coord, s.n, single);
  s.whole = PlanOf(s.n_coord, 1, &op);
  s.column = JetPlanColumns(s.whole) - 1;
  set_factors(&s, o, index);
  for (int k = 0; k < s.n; k++) {
    const double one = 1;
    JetOperator term;
    ck_petsc(JetOperatorCreate(1, &index[k], &one, &term));
    s.columns[k] = JetPlanFind(s.split, &term, &s.factorial[k]);
    ck_petsc(JetOperatorDestroy(&term));
  }
  for (int c = 0; c < s.column; c++) {
    double factorial;
    s.base[c] = JetPlanFind(s.split, JetPlanOperator(s.whole, c), &factorial);
    ck_assert_int_ge(s.base[c], 0);
  }
  return s;
}

/* Jets with the columns of `whole` from jets with the columns of `split`, and the transpose. */
static void collapse(const Plans *s, const double *split, double *whole)
{
  const size_t n = N * FIELDS;
  for (int c = 0; c < s->column; c++)
    memcpy(whole + c * N * FIELDS, split + s->base[c] * N * FIELDS, n * sizeof(double));
  for (int i = 0; i < N * FIELDS; i++) {
    double sum = 0;
    for (int k = 0; k < s->n; k++)
      sum += s->coef[k][i / FIELDS] * s->factorial[k] * split[s->columns[k] * N * FIELDS + i];
    whole[s->column * N * FIELDS + i] = sum;
  }
}

static void expand(const Plans *s, const double *whole, double *split)
{
  memset(split, 0, (size_t)JetPlanColumns(s->split) * N * FIELDS * sizeof(double));
  for (int i = 0; i < N * FIELDS; i++) {
    for (int c = 0; c < s->column; c++) split[s->base[c] * N * FIELDS + i] += whole[c * N * FIELDS + i];
    for (int k = 0; k < s->n; k++)
      split[s->columns[k] * N * FIELDS + i] +=
          s->coef[k][i / FIELDS] * s->factorial[k] * whole[s->column * N * FIELDS + i];
  }
}

typedef struct {
  size_t n_param, n_out;
  double *out, *gradient, *tangent, *rows;
} Sweeps;

static double *numbers(size_t n, uint64_t stream)
{
  double *values;
  ck_petsc(PetscCalloc1(n, &values));
  if (stream) TestFill(n, values, stream);
  return values;
}

static Sweeps sweep(const char *precision, const char *settings, const Plans *plans, JetPlan plan,
                    const double *out_bar)
{
  NetworkSweep sweep;
  Network network;
  double x[N * 10];
  ck_petsc(TryNetworkIn(precision, settings, plans->n_coord, FIELDS, &network));
  Sweeps s = {NetworkParameters(network), (size_t)JetPlanColumns(plan) * N * FIELDS, NULL, NULL, NULL, NULL};
  double *theta = ThetaOf(network), *v = numbers(s.n_param, 22);
  s.out = numbers(s.n_out, 0), s.tangent = numbers(s.n_out, 0);
  s.gradient = numbers(s.n_param, 0), s.rows = numbers(N * s.n_param, 0);
  PointsOf(N, plans->n_coord, x);
  ck_petsc(NetworkSweepCreate(network, plan, NULL, N + 1, &sweep));
  NetworkSetFactors(sweep, N, plans->factors, N);
  NetworkForward(sweep, theta, N, x, s.out);
  NetworkReverse(sweep, theta, out_bar, s.gradient);
  NetworkTangent(sweep, theta, v, s.tangent);
  NetworkRows(sweep, theta, out_bar, 0, s.n_param, s.rows, s.n_param);
  double left = 0, right = 0, size = 0;
  for (size_t i = 0; i < s.n_out; i++) left += out_bar[i] * s.tangent[i], size += fabs(out_bar[i] * s.tangent[i]);
  for (size_t i = 0; i < s.n_param; i++) right += s.gradient[i] * v[i];
  if (!strcmp(precision, "double")) ck_near(left, right, 0, 1e-13 * size);
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(PetscFree(theta));
  ck_petsc(PetscFree(v));
  return s;
}

static void destroy(Sweeps *s)
{
  ck_petsc(PetscFree(s->out));
  ck_petsc(PetscFree(s->gradient));
  ck_petsc(PetscFree(s->tangent));
  ck_petsc(PetscFree(s->rows));
}

static void check_close(const char *what, const char *name, size_t n, const double *a, const double *b, double rtol)
{
  double size = 0;
  for (size_t i = 0; i < n; i++) size = fmax(size, fabs(b[i]));
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= rtol * size, "%s of %s: %.17g, not %.17g", what, name, a[i], b[i]);
}

static void compare(const char *precision, const char *settings, const Operator *o, double rtol)
{
  Plans plans = plans_of(o);
  const size_t n_whole = (size_t)JetPlanColumns(plans.whole) * N * FIELDS;
  const size_t n_split = (size_t)JetPlanColumns(plans.split) * N * FIELDS;
  double *whole_bar = numbers(n_whole, 21), *split_bar = numbers(n_split, 0), *expected = numbers(n_whole, 0);
  expand(&plans, whole_bar, split_bar);
  Sweeps whole = sweep(precision, settings, &plans, plans.whole, whole_bar);
  Sweeps split = sweep("double", settings, &plans, plans.split, split_bar);
  const size_t column = (size_t)plans.column * N * FIELDS, n = (size_t)N * FIELDS;
  collapse(&plans, split.out, expected);
  check_close("columns", o->name, column, whole.out, expected, rtol);
  check_close("the column", o->name, n, whole.out + column, expected + column, rtol);
  collapse(&plans, split.tangent, expected);
  check_close("tangent", o->name, n, whole.tangent + column, expected + column, rtol);
  check_close("gradient", o->name, whole.n_param, whole.gradient, split.gradient, rtol);
  check_close("rows", o->name, N * whole.n_param, whole.rows, split.rows, rtol);
  destroy(&whole);
  destroy(&split);
  ck_petsc(PetscFree(whole_bar));
  ck_petsc(PetscFree(split_bar));
  ck_petsc(PetscFree(expected));
  ck_petsc(JetPlanDestroy(&plans.whole));
  ck_petsc(JetPlanDestroy(&plans.split));
}

static const char *const architectures[] = {
    "hidden = [7, 23, 70]; activation = \"tanh\";",
    "hidden = [64]; activation = \"swish\";",
    "type = \"random-features\"; features = 40; scale = 0.8; activation = \"sin\";",
};

START_TEST(sweeps_are_those_of_split_derivatives)
{
  for (int a = 0; a < 3; a++)
    for (int o = 0; o < OPERATORS; o++) compare("double", architectures[a], &operators[o], 1e-13);
}
END_TEST

START_TEST(single_and_mixed_precision)
{
  for (int o = 0; o < OPERATORS; o++) {
    compare("single", architectures[0], &operators[o], 1e-5);
    compare("mixed", architectures[0], &operators[o], 1e-5);
  }
}
END_TEST

START_TEST(sweeps_repeat_bit_for_bit)
{
  Plans plans = plans_of(&operators[2]);
  double *bar = numbers((size_t)JetPlanColumns(plans.whole) * N * FIELDS, 21);
  Sweeps a = sweep("double", architectures[0], &plans, plans.whole, bar);
  Sweeps b = sweep("double", architectures[0], &plans, plans.whole, bar);
  ck_assert(!memcmp(a.out, b.out, a.n_out * sizeof(double)));
  ck_assert(!memcmp(a.tangent, b.tangent, a.n_out * sizeof(double)));
  ck_assert(!memcmp(a.gradient, b.gradient, a.n_param * sizeof(double)));
  ck_assert(!memcmp(a.rows, b.rows, N * a.n_param * sizeof(double)));
  destroy(&a);
  destroy(&b);
  ck_petsc(PetscFree(bar));
  ck_petsc(JetPlanDestroy(&plans.whole));
  ck_petsc(JetPlanDestroy(&plans.split));
}
END_TEST

TEST_SUITE("network variable", sweeps_are_those_of_split_derivatives, single_and_mixed_precision,
           sweeps_repeat_bit_for_bit)
