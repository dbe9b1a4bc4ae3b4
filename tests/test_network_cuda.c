/* Sweeps on the device against those of the CPU: all plans, kinds of layers and inputs, in both precisions. */
#include <stdlib.h>
#include <string.h>
#include "device_fixture.h"
#include "pinn/sweep.h"

enum { N = 37, SKIP = 4, FIELDS = 2 }; /* points, and those before them */

/* A CPU's sweep and its copy on the device. */
typedef struct {
  const Device *device;
  Network network;
  JetPlan plan;
  NetworkCompression compression;
  NetworkSweep sweep;
  DeviceSweep copy;
  size_t n_param, n_out;
  double near;
  double *theta, *k_theta, *k_x;
} Pair;

static double *random_array(size_t n, uint64_t stream)
{
  double *x = malloc(n * sizeof(double));
  TestFill(n, x, stream);
  return x;
}

static double largest(size_t n, const double *x)
{
  double most = 0;
  for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
  return most;
}

static void assert_same(const Pair *pair, size_t n, size_t part, const double *got, const double *want)
{
  for (size_t begin = 0; begin < n; begin += part) {
    const double size = largest(part, want + begin);
    for (size_t k = begin; k < begin + part; k++) ck_near(got[k], want[k], 0, pair->near * size);
  }
}

static void begin(const Device *device, const char *precision, const char *settings, int n_coord, int n_field,
                  JetPlan plan, Pair *pair)
{
  *pair = (Pair){.device = device, .plan = plan, .near = strcmp(precision, "single") ? 1e-11 : 2e-5};
  ck_petsc(TryNetworkIn(precision, settings, n_coord, n_field, &pair->network));
  pair->n_param = NetworkParameters(pair->network);
  pair->n_out = (size_t)JetPlanColumns(plan) * N * (size_t)n_field;
  pair->theta = ThetaOf(pair->network);
  pair->k_theta = OnDevice(device, pair->n_param * sizeof(double), pair->theta);
}

/* Twice the sum over the points of their rows is what was added up before, whatever ranges they are taken in. */
static void check_rows(Pair *pair, const double *k_bar, const double *gradient)
{
  const size_t n_param = pair->n_param, width = n_param / 3 + 1;
  double *rows = malloc(N * width * sizeof(double)), *sum = calloc(n_param, sizeof(double));
  for (size_t begin = 0; begin < n_param; begin += width) {
    const size_t count = begin + width < n_param ? width : n_param - begin;
    double *k_rows = OnDevice(pair->device, N * width * sizeof(double), NULL);
    DeviceSweepRows(pair->copy, pair->k_theta, k_bar, begin, count, k_rows, width);
    TakeBack(pair->device, k_rows, N * width * sizeof(double), rows);
    for (size_t p = 0; p < N; p++)
      for (size_t k = 0; k < count; k++) sum[begin + k] += 2.0 * rows[p * width + k];
  }
  assert_same(pair, n_param, n_param, sum, gradient);
  free(rows), free(sum);
}

/* Forward, reverse and tangent of both. */
static void check(Pair *pair, int n_coord)
{
  const Device *device = pair->device;
  const size_t n_out = pair->n_out, n_param = pair->n_param, part = n_out / (size_t)JetPlanColumns(pair->plan);
  const int *names, n_factor = JetPlanFactors(pair->plan, &names);
  const size_t n_x = (size_t)(SKIP + N) * (size_t)n_coord;
  double *x = malloc(n_x * sizeof(double)), *got = malloc(sizeof(double) * (n_out + n_param));
  double *factors = random_array((size_t)n_factor * (SKIP + N), 5);
  double *out = random_array(n_out, 1), *bar = random_array(n_out, 2), *v = random_array(n_param, 3);
  double *gradient = calloc(n_param, sizeof(double));
  PointsOf(SKIP + N, n_coord, x);
  double *k_x = OnDevice(device, n_x * sizeof(double), x), *k_v = OnDevice(device, n_param * 8, v);
  double *k_out = OnDevice(device, n_out * 8, NULL), *k_bar = OnDevice(device, n_out * 8, bar);
  double *k_gradient = OnDevice(device, n_param * 8, NULL);
  ck_petsc(NetworkSweepCreate(pair->network, pair->plan, pair->compression, N, &pair->sweep));
  ck_petsc(DeviceSweepCreate(device, pair->network, pair->plan, pair->compression, N + 5, &pair->copy));
  ck_petsc(DeviceSweepSetPoints(pair->copy, SKIP + N, x, factors, SKIP + N));
  if (pair->compression) NetworkCompressionUpdate(pair->compression, pair->theta);
  NetworkSetFactors(pair->sweep, N, factors + SKIP, SKIP + N);
  NetworkForward(pair->sweep, pair->theta, N, x + SKIP * n_coord, out);
  DeviceSweepForward(pair->copy, pair->k_theta, SKIP, N, k_x + SKIP * n_coord, k_out);
  device->get(got, k_out, n_out * 8);
  assert_same(pair, n_out, part, got, out);
  if (pair->compression) NetworkCompressionTangent(pair->compression, pair->theta, v);
  NetworkTangent(pair->sweep, pair->theta, v, out);
  ck_petsc(DeviceSweepPrepareTangent(pair->copy));
  DeviceSweepTangent(pair->copy, pair->k_theta, k_v, k_out);
  device->get(got, k_out, n_out * 8);
  assert_same(pair, n_out, part, got, out);
  for (int twice = 0; twice < 2; twice++) { /* gradients are added to */
    NetworkReverse(pair->sweep, pair->theta, bar, gradient);
    DeviceSweepReverse(pair->copy, pair->k_theta, k_bar, k_gradient);
  }
  if (pair->compression) NetworkCompressionReverse(pair->compression, pair->theta, gradient);
  device->get(got, k_gradient, n_param * 8);
  assert_same(pair, n_param, n_param, got, gradient);
  check_rows(pair, k_bar, got);
  ck_petsc(DeviceCheck(device));
  Drop(device, k_x), Drop(device, k_v), Drop(device, k_out), Drop(device, k_bar), Drop(device, k_gradient);
  ck_petsc(NetworkSweepDestroy(&pair->sweep));
  ck_petsc(DeviceSweepDestroy(&pair->copy));
  free(x), free(factors), free(got), free(out), free(bar), free(v), free(gradient);
}

static void end(Pair *pair)
{
  Drop(pair->device, pair->k_theta);
  ck_petsc(PetscFree(pair->theta));
  ck_petsc(NetworkCompressionDestroy(&pair->compression));
  ck_petsc(NetworkDestroy(&pair->network));
  ck_petsc(JetPlanDestroy(&pair->plan));
}

START_TEST(all_plans_in_both_precisions)
{
  static const char *const precisions[] = {"double", "single"};
  const Device *device = TestDevice();
  Pair pair;
  int n_coord;
  for (int p = 0; device && p < 2; p++)
    for (PlanKind kind = 0; kind < PLANS; kind++) {
      if (p && kind == PLAN_LINE_8) continue; /* eighth derivatives have no digits left */
      JetPlan plan = CreatePlan(kind, &n_coord);
      begin(device, precisions[p], "hidden = [ 7, 6 ]", n_coord, FIELDS, plan, &pair);
      check(&pair, n_coord);
      end(&pair);
    }
}
END_TEST

START_TEST(kinds_of_layers_and_inputs)
{
  static const char *const settings[] = {"hidden = [ 5 ]; activation = \"sin\"; normalize = false",
                                         "hidden = [ 33, 4, 9 ]; activation = \"swish\"",
                                         "hidden = [ 6, 5 ]; affine = true",
                                         "hidden = [ 6, 5 ]; block = 2",
                                         "hidden = [ 6, 5 ]; block = 2; affine = true; activation = \"softplus\"",
                                         "type = \"random-features\"; features = 12; activation = \"gaussian\"",
                                         "type = \"random-features\"; features = 12; activation = \"sin\""};
  const Device *device = TestDevice();
  Pair pair;
  int n_coord;
  for (size_t k = 0; device && k < sizeof(settings) / sizeof(settings[0]); k++) {
    JetPlan plan = CreatePlan(PLAN_HEAT, &n_coord);
    begin(device, k % 2 ? "single" : "double", settings[k], n_coord, FIELDS, plan, &pair);
    check(&pair, n_coord);
    end(&pair);
  }
}
END_TEST

/* x . grad u as a column of its own, with the Laplacian. */
static JetPlan scaled_plan(int n_coord)
{
  JetOperator op[2];
  JetIndex index[10];
  double coef[10];
  int factor[10];
  JetPlan plan;
  for (int i = 0; i < n_coord; i++) index[i] = (JetIndex){1, {i}}, coef[i] = 1.5, factor[i] = i;
  ck_petsc(JetOperatorCreateVariable(n_coord, index, coef, factor, &op[0]));
  op[1] = Laplacian(n_coord);
  plan = PlanOf(n_coord, 2, op);
  ck_petsc(JetPlanSetCoordinates(plan, factor));
  return plan;
}

START_TEST(columns_that_are_the_points_times_a_number)
{
  static const char *const settings[] = {"hidden = [ 6, 5 ]", "hidden = [ 6, 5 ]; normalize = false; affine = true"};
  const Device *device = TestDevice();
  Pair pair;
  for (int k = 0; device && k < 2; k++) {
    begin(device, "double", settings[k], 4, 1, scaled_plan(4), &pair);
    check(&pair, 4);
    end(&pair);
  }
}
END_TEST

START_TEST(sampled_derivatives_of_many_coordinates)
{
  enum { D = 60, SLOTS = 7 };
  const Device *device = TestDevice();
  const JetReducer reducer = {.reduction = JET_SAMPLE, .slots = SLOTS, .least = 2, .insist = true, .name = "stde"};
  for (int affine = 0; device && affine < 2; affine++) {
    JetOperator op = Laplacian(D), reduced = {0};
    JetGroup *groups;
    int n_group, terms[SLOTS];
    Pair pair;
    ck_petsc(JetReduce(D, &reducer, 1, &op, &n_group, &groups, &reduced));
    ck_assert_int_eq(n_group, 1);
    ck_petsc(JetOperatorDestroy(&op));
    JetPlan plan = PlanOf(D + groups[0].width, 1, &reduced);
    begin(device, "double", affine ? "hidden = [ 8, 5 ]; affine = true; block = 2" : "hidden = [ 8, 5 ]", D, 1, plan,
          &pair);
    ck_petsc(NetworkCompressionCreate(pair.network, n_group, groups, &pair.compression));
    for (int k = 0; k < SLOTS; k++) terms[k] = (8 * k + 3) % D;
    NetworkCompressionPick(pair.compression, 0, terms);
    check(&pair, D);
    end(&pair);
    ck_petsc(JetGroupsDestroy(n_group, &groups));
  }
}
END_TEST

/* f d_00 + 2 d_11 + x_1 d_1 + g d_2, and its parts. */
static JetPlan variable_plan(void)
{
  const JetIndex index[] = {{1, {1}}, {1, {2}}, {2, {0, 0}}, {2, {1, 1}}};
  const double coef[] = {1, 0.7, 1.5, 2};
  const int factor[] = {0, 1, 2, -1}, coordinate[] = {1, -1, -1};
  JetOperator op;
  JetPlan plan;
  ck_petsc(JetOperatorCreateVariable(4, index, coef, factor, &op));
  plan = PlanOf(3, 1, &op);
  ck_petsc(JetPlanSetCoordinates(plan, coordinate));
  return plan;
}

START_TEST(coefficients_that_depend_on_the_point)
{
  static const char *const settings[] = {"hidden = [ 6, 5 ]", "hidden = [ 6, 5 ]; affine = true",
                                         "hidden = [ 6, 5 ]; affine = true; block = 2"};
  const Device *device = TestDevice();
  Pair pair;
  for (int k = 0; device && k < 6; k++) {
    begin(device, k % 2 ? "single" : "double", settings[k / 2], 3, FIELDS, variable_plan(), &pair);
    check(&pair, 3);
    end(&pair);
  }
}
END_TEST

/* Parameters of others behind the network's in theta are not the sweep's: the network's 64 fill their array. */
START_TEST(what_follows_the_network_in_theta_stays_out_of_its_arrays)
{
  const Device *device = TestDevice();
  const char *const settings = "type = \"random-features\"; features = 31; activation = \"sin\"";
  double x[N * MOST_COORDINATES], *k_x, *k_out, *k_v, *v, *before, *after;
  DeviceSweep sweep;
  Pair pair;
  int n_coord;
  if (!device) return;
  JetPlan plan = CreatePlan(PLAN_HEAT, &n_coord);
  begin(device, "single", settings, n_coord, FIELDS, plan, &pair);
  ck_petsc(PetscFree(pair.theta));
  Drop(device, pair.k_theta);
  ck_petsc(NetworkDestroy(&pair.network));
  ck_petsc(
      TryNetworkOf("unknowns: { a = 1.0; b = 2.0; c = 3.0; };", "single", settings, n_coord, FIELDS, &pair.network));
  const size_t bytes = pair.n_out * sizeof(double), n_param = NetworkParameters(pair.network);
  ck_assert_uint_eq(n_param, 64 + 3);
  pair.theta = ThetaOf(pair.network);
  pair.k_theta = OnDevice(device, n_param * sizeof(double), pair.theta);
  PointsOf(N, n_coord, x);
  v = random_array(n_param, 3), before = malloc(bytes), after = malloc(bytes);
  k_x = OnDevice(device, (size_t)(N * n_coord) * sizeof(double), x);
  k_v = OnDevice(device, n_param * sizeof(double), v), k_out = OnDevice(device, bytes, NULL);
  ck_petsc(DeviceSweepCreate(device, pair.network, plan, NULL, N, &sweep));
  ck_petsc(DeviceSweepSetPoints(sweep, N, x, NULL, N));
  ck_petsc(DeviceSweepPrepareTangent(sweep));
  for (int again = 0; again < 2; again++) {
    DeviceSweepForward(sweep, pair.k_theta, 0, N, k_x, k_out);
    device->get(again ? after : before, k_out, bytes);
    DeviceSweepTangent(sweep, pair.k_theta, k_v, k_out);
  }
  ck_petsc(DeviceCheck(device));
  ck_assert(!memcmp(before, after, bytes));
  ck_petsc(DeviceSweepDestroy(&sweep));
  Drop(device, k_x), Drop(device, k_v), Drop(device, k_out);
  free(v), free(before), free(after);
  end(&pair);
}
END_TEST

START_TEST(what_a_device_does_not_do_is_said)
{
  const Device *device = TestDevice();
  Pair pair;
  int n_coord;
  if (!device) return;
  JetPlan plan = CreatePlan(PLAN_VALUE, &n_coord);
  begin(device, "mixed", "hidden = [ 4 ]", n_coord, 1, plan, &pair);
  ck_petsc_fails(DeviceSweepCreate(device, pair.network, pair.plan, NULL, N, &pair.copy), PETSC_ERR_USER_INPUT,
                 "double or single");
  ck_petsc(DeviceSweepDestroy(&pair.copy));
  end(&pair);
}
END_TEST

TEST_SUITE("network_cuda", all_plans_in_both_precisions, kinds_of_layers_and_inputs,
           columns_that_are_the_points_times_a_number, coefficients_that_depend_on_the_point,
           sampled_derivatives_of_many_coordinates, what_follows_the_network_in_theta_stays_out_of_its_arrays,
           what_a_device_does_not_do_is_said)
