/* A compressed first layer against the direct one: the same outputs, gradients, tangents and rows to rounding. */
#include "network_fixture.h"

enum { N = 3, MOST_OPS = 3 };

/* One set of operators, direct [0] and compressed [1]. */
typedef struct {
  Network network;
  int n_coord, n_op, n_group;
  JetOperator op[2][MOST_OPS];
  JetGroup *groups;
  JetPlan plan[2];
  NetworkCompression compression;
  NetworkSweep sweep[2];
  size_t n_param;
  double *theta, *x;
} Fixture;

typedef enum {
  LAPLACIAN,  /* and the value */
  HEAT,       /* u_t - sum c_i u_ii as one column, and sum c_i u_ii; t is the last coordinate */
  BIHARMONIC, /* and the laplacian */
  TWO_GROUPS, /* of half the coordinates each */
  OPERATORS
} Operators;

static JetOperator squares(int begin, int end, bool varied)
{
  JetOperator op;
  JetIndex index[MOST_COORDINATES];
  double coef[MOST_COORDINATES];
  for (int i = begin; i < end; i++) {
    index[i - begin] = (JetIndex){2, {i, i}};
    coef[i - begin] = varied ? 0.5 + (i % 7) / 3.0 : 1.0;
  }
  ck_petsc(JetOperatorCreate(end - begin, index, coef, &op));
  return op;
}

static void create_operators(Fixture *f, Operators kind)
{
  JetOperator *op = f->op[0], t = {0};
  const JetIndex time = {1, {f->n_coord - 1}};
  const double one = 1;
  f->n_op = 2;
  op[0] = squares(0, kind == TWO_GROUPS ? f->n_coord / 2 : f->n_coord - (kind == HEAT), kind == HEAT);
  switch (kind) {
  case HEAT:
    ck_petsc(JetOperatorCreate(1, &time, &one, &t));
    ck_petsc(JetOperatorAdd(1, &t, -0.7, &op[0], &op[1]));
    ck_petsc(JetOperatorDestroy(&t));
    break;
  case BIHARMONIC:
    ck_petsc(JetOperatorCompose(&op[0], &op[0], &op[1]));
    break;
  case TWO_GROUPS:
    op[1] = squares(f->n_coord / 2, f->n_coord, true);
    break;
  default:
    f->n_op = 1;
  }
}

static Fixture create(const char *settings, int n_coord, Operators kind)
{
  Fixture f = {.network = NetworkOf(settings, n_coord, 2), .n_coord = n_coord};
  const JetReducer reducer = {.width = NetworkFirstWidth(f.network), .least = 2};
  int n_new = n_coord;
  create_operators(&f, kind);
  ck_petsc(JetReduce(n_coord, &reducer, f.n_op, f.op[0], &f.n_group, &f.groups, f.op[1]));
  ck_assert_int_eq(f.n_group, kind == TWO_GROUPS ? 2 : 1);
  for (int g = 0; g < f.n_group; g++) n_new += f.groups[g].width;
  ck_petsc(NetworkCompressionCreate(f.network, f.n_group, f.groups, &f.compression));
  for (int k = 0; k < 2; k++) {
    ck_petsc(JetPlanCreate(k ? n_new : n_coord, f.n_op, f.op[k], &f.plan[k]));
    ck_petsc(NetworkSweepCreate(f.network, f.plan[k], k ? f.compression : NULL, N, &f.sweep[k]));
  }
  f.n_param = NetworkParameters(f.network);
  f.theta = ThetaOf(f.network);
  ck_petsc(PetscMalloc1(N * n_coord, &f.x));
  PointsOf(N, n_coord, f.x);
  return f;
}

static void destroy(Fixture *f)
{
  for (int k = 0; k < 2; k++) {
    ck_petsc(NetworkSweepDestroy(&f->sweep[k]));
    ck_petsc(JetPlanDestroy(&f->plan[k]));
    for (int o = 0; o < f->n_op; o++) ck_petsc(JetOperatorDestroy(&f->op[k][o]));
  }
  ck_petsc(NetworkCompressionDestroy(&f->compression));
  ck_petsc(JetGroupsDestroy(f->n_group, &f->groups));
  ck_petsc(NetworkDestroy(&f->network));
  ck_petsc(PetscFree(f->theta));
  ck_petsc(PetscFree(f->x));
}

/* Where the value (o = n_op) or operator o starts in jets of a plan. */
static size_t place(const Fixture *f, int k, int o)
{
  double factor = 1;
  const int column = o < f->n_op ? JetPlanFind(f->plan[k], &f->op[k][o], &factor) : 0;
  ck_assert(column >= 0 && factor == 1);
  return (size_t)column * N * 2;
}

static void expect_same(const char *what, size_t n, const double *a, const double *b)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(a[i]));
  ck_assert(largest > 0);
  for (size_t i = 0; i < n; i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= 1e-12 * largest, "%s %zu: %.17g, compressed %.17g of at most %g", what, i, a[i],
                  b[i], largest);
}

static void check(Fixture *f)
{
  const size_t n = f->n_param;
  double *out[2], *dot[2], *bar[2], *gradient[2], *J[2], *v;
  ck_petsc(PetscMalloc1(n, &v));
  TestFill(n, v, 21);
  NetworkCompressionUpdate(f->compression, f->theta);
  NetworkCompressionTangent(f->compression, f->theta, v);
  for (int k = 0; k < 2; k++) {
    const size_t size = (size_t)JetPlanColumns(f->plan[k]) * N * 2;
    ck_petsc(PetscCalloc5(size, &out[k], size, &dot[k], size, &bar[k], n, &gradient[k], N * n, &J[k]));
    for (int o = 0; o <= f->n_op; o++) TestFill(N * 2, bar[k] + place(f, k, o), 22 + (uint64_t)o);
    NetworkForward(f->sweep[k], f->theta, N, f->x, out[k]);
    NetworkReverse(f->sweep[k], f->theta, bar[k], gradient[k]);
    if (k) NetworkCompressionReverse(f->compression, f->theta, gradient[k]);
    NetworkTangent(f->sweep[k], f->theta, v, dot[k]);
    NetworkRows(f->sweep[k], f->theta, bar[k], 0, n, J[k], n);
  }
  for (int o = 0; o <= f->n_op; o++) {
    expect_same("output", N * 2, out[0] + place(f, 0, o), out[1] + place(f, 1, o));
    expect_same("tangent", N * 2, dot[0] + place(f, 0, o), dot[1] + place(f, 1, o));
  }
  expect_same("gradient", n, gradient[0], gradient[1]);
  for (size_t p = 0; p < N; p++) expect_same("row", n, J[0] + p * n, J[1] + p * n);
  for (int k = 0; k < 2; k++) ck_petsc(PetscFree5(out[k], dot[k], bar[k], gradient[k], J[k]));
  ck_petsc(PetscFree(v));
}

START_TEST(compressed_is_direct)
{
  static const char *const settings[] = {"hidden = [32, 8]; activation = \"tanh\";",
                                         "hidden = [128]; activation = \"sin\";"};
  for (int s = 0; s < 2; s++)
    for (Operators kind = 0; kind < OPERATORS; kind++) {
      const int n_coord = kind == BIHARMONIC ? 9 : 300;
      Fixture f = create(kind == BIHARMONIC ? "hidden = [6, 5]; activation = \"tanh\";" : settings[s], n_coord, kind);
      check(&f);
      destroy(&f);
    }
}
END_TEST

/* A form's own second derivatives are sums over all coordinates. */
START_TEST(quadratic_forms_are_compressed)
{
  static const char *const settings[] = {"hidden = [9, 8]; affine = true; quadratic = \"full\";",
                                         "hidden = [9]; quadratic = \"full\"; block = 7;",
                                         "hidden = [9]; affine = true; quadratic = \"diagonal\"; block = 7;"};
  for (int s = 0; s < 3; s++)
    for (Operators kind = 0; kind < OPERATORS; kind++) {
      Fixture f = create(settings[s], kind == BIHARMONIC ? 20 : 60, kind);
      check(&f);
      destroy(&f);
    }
}
END_TEST

/* The outputs are functions of the affine part, too: beside laplacians, their squares by first derivatives count. */
START_TEST(affine_parts_and_shared_inputs_are_compressed)
{
  static const char *const settings[] = {"hidden = [9, 8]; activation = \"tanh\"; affine = true;",
                                         "hidden = [9, 8]; activation = \"tanh\"; block = 7;",
                                         "hidden = [9, 8]; activation = \"tanh\"; block = 7; affine = true;"};
  for (int s = 0; s < 3; s++)
    for (Operators kind = 0; kind < OPERATORS; kind++) {
      Fixture f = create(settings[s], kind == BIHARMONIC ? 20 : 300, kind);
      ck_assert_int_eq(f.groups[0].width, s == 1 ? 9 : 11);
      check(&f);
      destroy(&f);
    }
}
END_TEST

START_TEST(few_coordinates_are_compressed_too)
{
  Fixture f = create("hidden = [20, 8]; activation = \"tanh\";", 7, LAPLACIAN);
  ck_assert_int_eq(f.groups[0].width, 7);
  check(&f);
  destroy(&f);
  f = create("hidden = [1]; activation = \"tanh\";", 7, LAPLACIAN);
  ck_assert_int_eq(f.groups[0].width, 2);
  check(&f);
  destroy(&f);
}
END_TEST

/* Neurons that are dead, equal, nearly equal or much larger than others make M singular. */
START_TEST(dependent_neurons_do_no_harm)
{
  enum { D = 60 };
  for (int kind = 0; kind < 5; kind++) {
    Fixture f = create("hidden = [12, 8]; activation = \"tanh\";", D, LAPLACIAN);
    for (int i = 0; i < D; i++) {
      double *w = f.theta + i;
      if (kind == 0) w[3 * D] = 0;
      if (kind == 1) w[3 * D] = w[5 * D], w[7 * D] = -2 * w[5 * D];
      if (kind == 2) w[3 * D] = w[5 * D] * (1 + 1e-9 * sin(i));
      if (kind == 3) w[3 * D] *= 1e-12;
      for (int j = 0; kind == 4 && j < 12; j++) w[j * D] = i == 2 ? 0.1 * (j + 1) : 0;
    }
    check(&f);
    destroy(&f);
  }
}
END_TEST

START_TEST(zero_weights_and_nan_come_out_as_they_are)
{
  Fixture f = create("hidden = [6, 8]; activation = \"tanh\";", 40, LAPLACIAN);
  const size_t size = (size_t)JetPlanColumns(f.plan[1]) * N * 2;
  double *out, *gradient;
  ck_petsc(PetscMalloc2(size, &out, f.n_param, &gradient));
  for (int k = 0; k < 6 * 40; k++) f.theta[k] = 0;
  NetworkCompressionUpdate(f.compression, f.theta);
  NetworkForward(f.sweep[1], f.theta, N, f.x, out);
  memset(gradient, 0, f.n_param * sizeof(double));
  NetworkReverse(f.sweep[1], f.theta, out, gradient);
  NetworkCompressionReverse(f.compression, f.theta, gradient);
  for (size_t i = 0; i < N * 2; i++) ck_near(out[place(&f, 1, 0) + i], 0, 0, 1e-200);
  for (size_t i = 0; i < f.n_param; i++) ck_assert(isfinite(gradient[i]));
  f.theta[7] = NAN;
  NetworkCompressionUpdate(f.compression, f.theta);
  NetworkForward(f.sweep[1], f.theta, N, f.x, out);
  for (size_t i = 0; i < N * 2; i++) ck_assert(isnan(out[place(&f, 1, 0) + i]));
  ck_petsc(PetscFree2(out, gradient));
  destroy(&f);
}
END_TEST

/* Neither the adjoints of one evaluation nor the number of tiles leave traces in the next. */
START_TEST(gradients_add_up_over_sweeps)
{
  Fixture f = create("hidden = [16, 8]; activation = \"tanh\";", 50, HEAT);
  const size_t size = (size_t)JetPlanColumns(f.plan[1]) * N * 2;
  NetworkSweep second;
  double *out, *bar, *one, *both;
  ck_petsc(NetworkSweepCreate(f.network, f.plan[1], f.compression, N, &second));
  ck_petsc(PetscCalloc4(size, &out, size, &bar, f.n_param, &one, f.n_param, &both));
  TestFill(size, bar, 5);
  NetworkCompressionUpdate(f.compression, f.theta);
  for (int time = 0; time < 3; time++) {
    memset(one, 0, f.n_param * sizeof(double));
    NetworkForward(f.sweep[1], f.theta, N, f.x, out);
    NetworkReverse(f.sweep[1], f.theta, bar, one);
    NetworkCompressionReverse(f.compression, f.theta, one);
  }
  for (int k = 0; k < 2; k++) {
    NetworkSweep sweep = k ? second : f.sweep[1];
    NetworkForward(sweep, f.theta, N, f.x, out);
    NetworkReverse(sweep, f.theta, bar, both);
  }
  NetworkCompressionReverse(f.compression, f.theta, both);
  for (size_t k = 0; k < f.n_param; k++) one[k] *= 2;
  expect_same("gradient", f.n_param, one, both);
  ck_petsc(PetscFree4(out, bar, one, both));
  ck_petsc(NetworkSweepDestroy(&second));
  destroy(&f);
}
END_TEST

START_TEST(single_precision_stays_single_precision)
{
  Fixture f[2];
  double *out[2];
  for (int k = 0; k < 2; k++) {
    f[k] = create("hidden = [16, 8]; activation = \"tanh\";", 100, LAPLACIAN);
    ck_petsc(PetscMalloc1(JetPlanColumns(f[k].plan[1]) * N * 2, &out[k]));
  }
  ck_petsc(NetworkSweepDestroy(&f[1].sweep[1]));
  Network single;
  ck_petsc(TryNetworkIn("single", "hidden = [16, 8]; activation = \"tanh\";", 100, 2, &single));
  ck_petsc(NetworkSweepCreate(single, f[1].plan[1], f[1].compression, N, &f[1].sweep[1]));
  for (int k = 0; k < 2; k++) {
    NetworkCompressionUpdate(f[k].compression, f[k].theta);
    NetworkForward(f[k].sweep[1], f[k].theta, N, f[k].x, out[k]);
  }
  for (size_t i = 0; i < N * 2; i++) ck_near(out[0][place(&f[0], 1, 0) + i], out[1][place(&f[1], 1, 0) + i], 1e-4, 0);
  for (int k = 0; k < 2; k++) {
    ck_petsc(PetscFree(out[k]));
    destroy(&f[k]);
  }
  ck_petsc(NetworkDestroy(&single));
}
END_TEST

TEST_SUITE("network compress", compressed_is_direct, affine_parts_and_shared_inputs_are_compressed,
           quadratic_forms_are_compressed, few_coordinates_are_compressed_too, dependent_neurons_do_no_harm,
           zero_weights_and_nan_come_out_as_they_are, gradients_add_up_over_sweeps,
           single_precision_stays_single_precision)
