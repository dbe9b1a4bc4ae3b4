/* Layout, initial parameters, random features and settings of networks. */
#include "network_fixture.h"

START_TEST(layout_and_description)
{
  size_t begin, n_frozen;
  int n_feature, n_scale;
  const double *scales;
  Network network = NetworkOf("hidden = [7, 5]; activation = \"swish\";", 3, 2);
  ck_assert_uint_eq(NetworkParameters(network), (3 + 1) * 7 + (7 + 1) * 5 + (5 + 1) * 2);
  NetworkLastLayer(network, &begin, &n_feature);
  ck_assert_uint_eq(begin, (3 + 1) * 7 + (7 + 1) * 5);
  ck_assert_int_eq(n_feature, 5);
  ck_assert_str_eq(NetworkDescribe(network), "mlp 3-7-5-2, swish");
  NetworkFrozen(network, &n_frozen);
  ck_assert_uint_eq(n_frozen, 0);
  ck_petsc(NetworkGetScales(network, &n_scale, &scales));
  ck_assert_int_eq(n_scale, 0);
  ck_assert(!NetworkSearchesScales(network));
  ck_petsc_fails(NetworkSetScales(network, (double[]){1, 1, 1}), PETSC_ERR_SUP, "no feature scales");
  ck_petsc(NetworkDestroy(&network));
  ck_assert_ptr_null(network);
}
END_TEST

START_TEST(parameter_blocks_are_the_layers_weights_and_biases)
{
  static const PetscInt expected[6][3] = {{0, 7, 3}, {21, 7, 0}, {28, 5, 7}, {63, 5, 0}, {68, 2, 5}, {78, 2, 0}};
  size_t offset, begin;
  int n_feature;
  PetscInt rows, columns;
  Network network = NetworkOf("hidden = [7, 5]; activation = \"tanh\";", 3, 2);
  ck_assert_int_eq(NetworkParameterBlocks(network), 6);
  for (PetscInt k = 0; k < 6; k++) {
    NetworkParameterBlock(network, k, &offset, &rows, &columns);
    ck_assert_uint_eq(offset, expected[k][0]);
    ck_assert_int_eq(rows, expected[k][1]);
    ck_assert_int_eq(columns, expected[k][2]);
  }
  ck_petsc(NetworkDestroy(&network));
  network = NetworkOf("type = \"random-features\"; features = 9; activation = \"sin\";", 2, 3);
  NetworkLastLayer(network, &begin, &n_feature);
  ck_assert_int_eq(NetworkParameterBlocks(network), 2); /* hidden weights are not trained */
  NetworkParameterBlock(network, 0, &offset, &rows, &columns);
  ck_assert(offset == begin && rows == 3 && columns == 9);
  NetworkParameterBlock(network, 1, &offset, &rows, &columns);
  ck_assert(offset == 27 && rows == 3 && columns == 0);
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

START_TEST(initial_weights_have_glorots_variance_and_repeat)
{
  enum { IN = 2, WIDTH = 120 };
  Network network = NetworkOf("hidden = [120, 120]; activation = \"tanh\";", IN, 1);
  const size_t n = NetworkParameters(network), second = (IN + 1) * WIDTH;
  double *theta, *again, mean = 0, square = 0;
  ck_petsc(PetscMalloc2(n, &theta, n, &again));
  NetworkInitialize(network, theta);
  for (size_t k = 0; k < WIDTH * WIDTH; k++) mean += theta[second + k], square += pow(theta[second + k], 2);
  ck_near(mean / (WIDTH * WIDTH), 0, 0, 4 * sqrt(1.0 / WIDTH) / WIDTH);
  ck_near(square / (WIDTH * WIDTH), 1.0 / WIDTH, 0.05, 0);
  NetworkInitialize(network, again);
  ck_assert(!memcmp(theta, again, n * sizeof(double)));
  ck_petsc(NetworkDestroy(&network));
  network = NetworkOf("hidden = [120, 120]; activation = \"sin\";", IN, 1); /* the same seed: the same weights */
  NetworkInitialize(network, again);
  ck_assert(!memcmp(theta + second, again + second, WIDTH * WIDTH * sizeof(double)));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(PetscFree2(theta, again));
}
END_TEST

START_TEST(features_have_their_scales_and_can_be_drawn_again)
{
  enum { FEATURES = 4000 };
  size_t n, begin;
  int n_scale, n_feature;
  const double *scales;
  double square[2] = {0}, *theta;
  Network network = NetworkOf("type = \"random-features\"; features = 4000; scale = [2.0, 5.0]; activation = \"sin\";"
                              "scale_search = true;",
                              2, 1);
  double *frozen = NetworkFrozen(network, &n), first[4];
  ck_assert_str_eq(NetworkDescribe(network), "random-features 2-4000-1, sin");
  ck_assert(NetworkSearchesScales(network));
  ck_assert_uint_eq(n, 3 * FEATURES);
  NetworkLastLayer(network, &begin, &n_feature);
  ck_assert(begin == 0 && n_feature == FEATURES && NetworkParameters(network) == FEATURES + 1);
  for (int j = 0; j < FEATURES; j++) {
    for (int i = 0; i < 2; i++) square[i] += frozen[2 * j + i] * frozen[2 * j + i] / FEATURES;
    ck_assert(frozen[2 * FEATURES + j] > 0 && frozen[2 * FEATURES + j] < 2 * M_PI);
  }
  ck_near(sqrt(square[0]), 2, 0.05, 0);
  ck_near(sqrt(square[1]), 5, 0.05, 0);
  ck_petsc(NetworkGetScales(network, &n_scale, &scales));
  ck_assert(n_scale == 2 && scales[0] == 2 && scales[1] == 5);
  memcpy(first, frozen, sizeof(first));
  ck_petsc(NetworkSetScales(network, (double[]){4, 0.5}));
  for (int i = 0; i < 4; i++) ck_near(frozen[i], first[i] * (i % 2 ? 0.1 : 2), 1e-15, 0);
  ck_petsc(NetworkGetScales(network, &n_scale, &scales));
  ck_assert(scales[0] == 4 && scales[1] == 0.5);
  ck_petsc(PetscMalloc1(FEATURES + 1, &theta));
  NetworkInitialize(network, theta);
  for (int k = 0; k <= FEATURES; k++) ck_assert(theta[k] == 0);
  ck_petsc(PetscFree(theta));
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

START_TEST(other_features_bend_inside_the_box)
{
  size_t n;
  Network network = NetworkOf("type = \"random-features\"; features = 500; scale = 3.0; activation = \"tanh\";", 1, 1);
  const double *frozen = NetworkFrozen(network, &n);
  double lowest = 9, highest = -9;
  for (int j = 0; j < 500; j++) {
    const double zero = -frozen[500 + j] / frozen[j];
    lowest = fmin(lowest, zero), highest = fmax(highest, zero);
  }
  ck_assert(lowest > -1 && lowest < -0.95 && highest < 2 && highest > 1.95);
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

START_TEST(periodic_coordinates_are_periodic_with_all_derivatives)
{
  enum { COLUMNS = 15 };
  int n_coord;
  double out[COLUMNS * 3], *theta;
  JetPlan plan = CreatePlan(PLAN_FULL_4, &n_coord);
  Network network = NetworkOf("type = \"random-features\"; features = 50; scale = 4.0; activation = \"sin\"; "
                              "periodic = [ \"b\" ];",
                              2, 1);
  NetworkSweep sweep;
  const double x[3][2] = {{0.3, -0.9}, {0.3, 2.1}, {3.3, -0.9}}; /* the box of b is [-0.9, 2.1] */
  theta = ThetaOf(network);
  ck_petsc(NetworkSweepCreate(network, plan, NULL, 3, &sweep));
  NetworkForward(sweep, theta, 3, x[0], out);
  for (int c = 0; c < COLUMNS; c++) ck_near(out[3 * c], out[3 * c + 1], 1e-10, 1e-12);
  ck_assert(fabs(out[0] - out[2]) > 1e-3);
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(PetscFree(theta));
}
END_TEST

START_TEST(inputs_are_mapped_to_the_unit_box_where_asked)
{
  int n_coord;
  JetPlan plan = CreatePlan(PLAN_VALUE, &n_coord);
  const double x[2] = {1.7, -0.3};
  for (int normalize = 0; normalize < 2; normalize++) {
    Network network = NetworkOf(normalize ? "hidden = [1];" : "hidden = [1]; normalize = false;", 2, 1);
    const double theta[5] = {0.4, 0.9, 0.1, 1, 0};
    const double a = normalize ? (x[0] - 0.5) / 1.5 : x[0], b = normalize ? (x[1] - 0.6) / 1.5 : x[1];
    double out;
    NetworkSweep sweep;
    ck_petsc(NetworkSweepCreate(network, plan, NULL, 1, &sweep));
    NetworkForward(sweep, theta, 1, x, &out);
    ck_near(out, tanh(0.4 * a + 0.9 * b + 0.1), 1e-14, 0);
    ck_petsc(NetworkSweepDestroy(&sweep));
    ck_petsc(NetworkDestroy(&network));
  }
  ck_petsc(JetPlanDestroy(&plan));
}
END_TEST

START_TEST(mistakes_are_told_with_their_place)
{
  static const struct {
    const char *settings, *text;
  } cases[] = {
      {"type = \"random-features\"; activation = \"tanh\"; periodic = [ \"a\" ];",
       "a.cfg:4: network.periodic: periodic coordinates need network.activation = \"sin\""},
      {"type = \"random-features\"; activation = \"sin\"; periodic = [ \"a\", \"bb\" ];",
       "a.cfg:4: network.periodic: 'bb' is not a coordinate"},
      {"type = \"random-features\"; activation = \"sin\"; periodic = [ \"a\", \"a\" ];",
       "a.cfg:4: network.periodic: 'a' is named twice"},
      {"type = \"random-features\"; scale = [ 1.0, 2.0, 3.0 ];", "a.cfg:4: network.scale: 3 scales for 2 coordinates"},
      {"hidden = [ 1000000, 1000000 ];", "a.cfg:4: network.hidden: 1e+12 parameters need 3.05e+07 MB of memory"},
      {"activation = \"tahn\";", "did you mean 'tanh'?"},
      {"type = \"mpl\";", "did you mean 'mlp'?"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    Network network;
    ck_petsc_fails(TryNetwork(cases[i].settings, 2, 1, &network), PETSC_ERR_USER_INPUT, cases[i].text);
  }
}
END_TEST

TEST_SUITE("network", layout_and_description, parameter_blocks_are_the_layers_weights_and_biases,
           initial_weights_have_glorots_variance_and_repeat, features_have_their_scales_and_can_be_drawn_again,
           other_features_bend_inside_the_box, periodic_coordinates_are_periodic_with_all_derivatives,
           inputs_are_mapped_to_the_unit_box_where_asked, mistakes_are_told_with_their_place)
