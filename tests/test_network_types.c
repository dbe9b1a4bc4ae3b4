/* Architectures: jets against Cauchy's integral of the same function written down once more, initial parameters, and
   mistakes. */
#include "network_fixture.h"

enum { N = 3, MOST = 40 };

/* A function of complex coordinates, reading theta and the frozen weights from their beginnings. */
typedef struct {
  const double *theta, *frozen;
  int field;
} Reference;

static Complex normal(int i, Complex x)
{
  return (x - (0.5L + 0.1L * (i % 10))) * 2 / 3;
}

/* u = W z + b of the next weights. */
static void dense(const double **weights, int n_in, int n_out, bool biased, const Complex z[], Complex u[])
{
  Complex sum[MOST];
  for (int j = 0; j < n_out; j++) {
    sum[j] = biased ? (*weights)[n_in * n_out + j] : 0;
    for (int i = 0; i < n_in; i++) sum[j] += (*weights)[j * n_in + i] * z[i];
  }
  memcpy(u, sum, (size_t)n_out * sizeof(Complex));
  *weights += (n_in + biased) * n_out;
}

static void tanh_layer(const double **weights, int n_in, int n_out, const Complex z[], Complex v[])
{
  dense(weights, n_in, n_out, true, z, v);
  for (int j = 0; j < n_out; j++) v[j] = ctanhl(v[j]);
}

static void normal_inputs(int n, const Complex x[], Complex z[])
{
  for (int i = 0; i < n; i++) z[i] = normal(i, x[i]);
}

static Complex factorized(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  Complex z[MOST], u[2];
  int n_in = n;
  normal_inputs(n, x, z);
  for (int l = 0; l < 2; l++, n_in = 4) {
    dense(&w, n_in, 4, false, z, z);
    for (int j = 0; j < 4; j++) z[j] = ctanhl(w[j] * z[j] + w[4 + j]);
    w += 8;
  }
  dense(&w, 4, 2, true, z, u);
  return u[r->field];
}

/* The first coordinate as two waves. */
static Complex periodic(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  const Complex wave = 2 * acosl(-1) / 3 * (x[0] + 1);
  Complex z[MOST] = {ccosl(wave), csinl(wave), ccosl(2 * wave), csinl(2 * wave)}, u[2];
  for (int i = 1; i < n; i++) z[3 + i] = normal(i, x[i]);
  dense(&w, n + 3, 5, true, z, z);
  for (int j = 0; j < 5; j++) z[j] = csinl(z[j]);
  dense(&w, 5, 2, true, z, u);
  return u[r->field];
}

static void fourier_features(const double **B, int n, int count, const Complex x[], Complex z[])
{
  Complex in[MOST], u[MOST];
  normal_inputs(n, x, in);
  dense(B, n, count, false, in, u);
  for (int j = 0; j < count; j++) z[j] = ccosl(u[j]), z[count + j] = csinl(u[j]);
}

static Complex fourier(const Reference *r, const double *B, const double *w, int n, const Complex x[])
{
  Complex z[MOST], u[2];
  fourier_features(&B, n, 3, x, z);
  tanh_layer(&w, 6, 4, z, z);
  dense(&w, 4, 2, true, z, u);
  return u[r->field];
}

static Complex fourier_kept(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  return fourier(r, r->frozen, r->theta, n, x);
}

static Complex fourier_trained(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  return fourier(r, r->theta, r->theta + 3 * n, n, x);
}

static Complex siren(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  Complex z[MOST], u[2];
  int n_in = n;
  normal_inputs(n, x, z);
  for (int l = 0; l < 2; l++, n_in = 4) {
    dense(&w, n_in, 4, true, z, z);
    for (int j = 0; j < 4; j++) z[j] = csinl(2.5L * z[j]);
  }
  dense(&w, 4, 2, true, z, u);
  return u[r->field];
}

static Complex modified(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  Complex in[MOST], parts[MOST], z[MOST], u[2];
  normal_inputs(n, x, in);
  tanh_layer(&w, n, 12, in, parts); /* U, V, the first layer */
  for (int j = 0; j < 4; j++) z[j] = parts[8 + j] * parts[j] + (1 - parts[8 + j]) * parts[4 + j];
  tanh_layer(&w, 4, 4, z, z);
  for (int j = 0; j < 4; j++) z[j] = z[j] * parts[j] + (1 - z[j]) * parts[4 + j];
  dense(&w, 4, 2, true, z, u);
  return u[r->field];
}

static Complex pirate(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta, *B = r->frozen;
  Complex at[MOST], gates[MOST], z[MOST], u[2];
  fourier_features(&B, n, 2, x, at);
  tanh_layer(&w, 4, 8, at, gates);
  for (int block = 0; block < 2; block++) {
    memcpy(z, at, 4 * sizeof(Complex));
    for (int l = 0; l < 3; l++) {
      tanh_layer(&w, 4, 4, z, z);
      for (int j = 0; j < 4 && l < 2; j++) z[j] = z[j] * gates[j] + (1 - z[j]) * gates[4 + j];
    }
    for (int j = 0; j < 4; j++) at[j] = w[0] * z[j] + (1 - w[0]) * at[j];
    w++;
  }
  dense(&w, 4, 2, true, at, u);
  return u[r->field];
}

static Complex separable(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  Complex product[3] = {1, 1, 1}, z[MOST], u[2];
  for (int i = 0; i < n; i++) {
    z[0] = normal(i, x[i]);
    tanh_layer(&w, 1, 4, z, z);
    dense(&w, 4, 3, true, z, z);
    for (int k = 0; k < 3; k++) product[k] *= z[k];
  }
  dense(&w, 3, 2, true, product, u);
  return u[r->field];
}

/* An mlp and a network of sines; the two last layers follow all hidden ones. */
static Complex fields(int n, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *w = r->theta;
  Complex first[MOST], second[MOST], u;
  normal_inputs(n, x, first);
  normal_inputs(n, x, second);
  tanh_layer(&w, n, 4, first, first);
  dense(&w, n, 5, true, second, second);
  for (int j = 0; j < 5; j++) second[j] = csinl(1.5L * second[j]);
  if (r->field) w += 4 + 1;
  dense(&w, r->field ? 5 : 4, 1, true, r->field ? second : first, &u);
  return u;
}

static const struct {
  const char *settings, *description; /* with two coordinates */
  ComplexField reference;
} types[] = {
    {"hidden = [4, 4]; factorize = [0.5, 0.2];", "mlp 2-4-4-2, tanh, factorized", factorized},
    {"hidden = 5; activation = \"sin\"; periodic = \"a\"; harmonics = 2;", "mlp 2-5-2, sin, periodic in a", periodic},
    {"type = \"fourier\"; features = 3; hidden = 4; scale = 0.7;", "fourier 2-4-2, 3 frequencies, tanh", fourier_kept},
    {"type = \"fourier\"; features = 3; hidden = 4; scale = 0.7; train_features = true;",
     "fourier 2-4-2, 3 trained frequencies, tanh", fourier_trained},
    {"type = \"siren\"; hidden = [4, 4]; omega = 2.5;", "siren 2-4-4-2, omega 2.5", siren},
    {"type = \"modified-mlp\"; hidden = [4, 4];", "modified-mlp 2-4-4-2, tanh", modified},
    {"type = \"piratenet\"; hidden = [4, 4]; scale = 0.3;", "piratenet 2-4-4-2, 2 frequencies, tanh", pirate},
    {"type = \"separable\"; hidden = 4; rank = 3;", "separable 2-4-2, rank 3, tanh", separable},
    {"type = \"fields\"; of = ( { hidden = 4; }, { type = \"siren\"; hidden = 5; omega = 1.5; } );",
     "fields: mlp 2-4-1, tanh; siren 2-5-1, omega 1.5", fields},
};
#define N_TYPE (sizeof(types) / sizeof(types[0]))

static void check_columns(size_t k, PlanKind kind)
{
  int n_coord;
  size_t n_frozen;
  double x[N * MOST_COORDINATES], *out;
  JetPlan plan = CreatePlan(kind, &n_coord);
  Network network = NetworkOf(types[k].settings, n_coord, 2);
  double *theta = ThetaOf(network);
  NetworkSweep sweep;
  const int n_column = JetPlanColumns(plan);
  ck_petsc(PetscMalloc1(n_column * N * 2, &out));
  PointsOf(N, n_coord, x);
  ck_petsc(NetworkSweepCreate(network, plan, NULL, N, &sweep));
  NetworkForward(sweep, theta, N, x, out);
  for (int c = 0; c < n_column; c++)
    for (int p = 0; p < N; p++)
      for (int field = 0; field < 2; field++) {
        const Reference r = {theta, NetworkFrozen(network, &n_frozen), field};
        const long double radius = types[k].reference == periodic ? 0.15L : types[k].reference == pirate ? 0.3L : 0.4L;
        double size;
        const double exact =
            CauchyOperator(types[k].reference, &r, n_coord, x + p * n_coord, JetPlanOperator(plan, c), radius, &size);
        const double found = out[(c * N + p) * 2 + field];
        ck_assert_msg(fabs(found - exact) <= 1e-12 * size + 1e-13, "%s, plan %d, column %d: %.17g, not %.17g",
                      types[k].settings, kind, c, found, exact);
      }
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(PetscFree(theta));
  ck_petsc(PetscFree(out));
}

START_TEST(columns_are_derivatives_of_the_function)
{
  static const PlanKind plans[] = {PLAN_VALUE, PLAN_LINE_8, PLAN_KDV, PLAN_LAPLACE_3, PLAN_HEAT, PLAN_MIXED};
  for (size_t k = 0; k < N_TYPE; k++)
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) check_columns(k, plans[i]);
}
END_TEST

START_TEST(descriptions_name_what_there_is)
{
  for (size_t k = 0; k < N_TYPE; k++) {
    Network network = NetworkOf(types[k].settings, 2, 2);
    ck_assert_str_eq(NetworkDescribe(network), types[k].description);
    ck_petsc(NetworkDestroy(&network));
  }
}
END_TEST

START_TEST(blocks_of_parameters_cover_theta)
{
  for (size_t k = 0; k < N_TYPE; k++) {
    Network network = NetworkOf(types[k].settings, 2, 2);
    size_t end = 0, offset, begin;
    PetscInt rows, columns;
    int n_feature;
    for (PetscInt b = 0; b < NetworkParameterBlocks(network); b++) {
      NetworkParameterBlock(network, b, &offset, &rows, &columns);
      ck_assert_uint_eq(offset, end);
      end += (size_t)rows * (size_t)(columns ? columns : 1);
    }
    ck_assert_uint_eq(end, NetworkParameters(network));
    NetworkLastLayer(network, &begin, &n_feature);
    ck_assert(begin < end && n_feature > 0);
    ck_petsc(NetworkDestroy(&network));
  }
}
END_TEST

/* The outputs, so many copies of the coordinates' box further on. */
static void values_at(const char *settings, double first, double *out)
{
  int n_coord;
  JetPlan plan = CreatePlan(PLAN_KDV, &n_coord);
  Network network = NetworkOf(settings, n_coord, 2);
  double *theta = ThetaOf(network);
  NetworkSweep sweep;
  ck_petsc(NetworkSweepCreate(network, plan, NULL, 1, &sweep));
  NetworkForward(sweep, theta, 1, (double[]){first, 0.3}, out);
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(PetscFree(theta));
}

START_TEST(periodic_coordinates_are_periodic_in_every_type)
{
  static const char *const settings[] = {
      "hidden = [5]; periodic = \"a\"; harmonics = 3;",
      "hidden = [5]; periodic = \"a\"; normalize = false;",
      "type = \"siren\"; hidden = [5]; periodic = \"a\";",
      "type = \"fourier\"; hidden = [5]; periodic = \"a\"; features = 7;",
      "type = \"modified-mlp\"; hidden = [5]; periodic = \"a\";",
      "type = \"piratenet\"; hidden = [6]; periodic = \"a\";",
      "type = \"separable\"; hidden = [5]; rank = 3; periodic = \"a\";",
      "type = \"fields\"; of = ( { hidden = [5]; }, { type = \"fourier\"; hidden = [4]; features = 5; } ); "
      "periodic = \"a\";",
  };
  for (size_t k = 0; k < sizeof(settings) / sizeof(settings[0]); k++) {
    double left[10], right[10], other[10];
    values_at(settings[k], -1, left);
    values_at(settings[k], 2, right);
    values_at(settings[k], 0.5, other);
    for (int c = 0; c < 10; c++) ck_near(left[c], right[c], 1e-12, 1e-12);
    ck_assert_msg(fabs(left[0] - other[0]) > 1e-4, "%s", settings[k]);
  }
}
END_TEST

START_TEST(first_weights_follow_their_laws)
{
  /* W = diag(s) V has the variance of an mlp's, s is about e^mean; biases, the last of (s, b), are zero */
  Network network = NetworkOf("hidden = [120, 120]; factorize = [1.0, 0.1];", 2, 1);
  const size_t n = NetworkParameters(network), V = 120 * (2 + 2), s = V + 120 * 120;
  double *theta, sum = 0, square = 0, mean = 0;
  ck_petsc(PetscMalloc1(n, &theta));
  NetworkInitialize(network, theta);
  for (size_t k = 0; k < 120 * 120; k++) square += pow(theta[V + k] * theta[s + k / 120], 2);
  for (size_t j = 0; j < 120; j++) mean += log(theta[s + j]) / 120, sum += fabs(theta[s + 120 + j]);
  ck_near(square / (120 * 120), 1.0 / 120, 0.05, 0);
  ck_near(mean, 1.0, 0, 4 * 0.1 / sqrt(120));
  ck_assert(sum == 0);
  ck_petsc(PetscFree(theta));
  ck_petsc(NetworkDestroy(&network));
  /* a network of sines: uniform in +-1/n_in, then +-sqrt(6/n_in)/omega */
  network = NetworkOf("type = \"siren\"; hidden = [100, 100]; omega = 10.0;", 2, 1);
  double most[2] = {0, 0};
  ck_petsc(PetscMalloc1(NetworkParameters(network), &theta));
  NetworkInitialize(network, theta);
  for (size_t k = 0; k < 200; k++) most[0] = fmax(most[0], fabs(theta[k]));
  for (size_t k = 300; k < 300 + 10000; k++) most[1] = fmax(most[1], fabs(theta[k]));
  ck_assert(most[0] <= 0.5 && most[0] > 0.48);
  ck_assert(most[1] <= sqrt(0.06) / 10 && most[1] > 0.99 * sqrt(0.06) / 10);
  ck_petsc(PetscFree(theta));
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

/* Skips are all there is: a linear function of the features. */
START_TEST(a_piratenet_begins_linear_in_its_features)
{
  int n_coord;
  size_t n_frozen, begin;
  int n_feature;
  double out[2];
  const double x[2] = {0.7, 0.2};
  JetPlan plan = CreatePlan(PLAN_VALUE, &n_coord);
  Network network = NetworkOf("type = \"piratenet\"; hidden = [4, 4, 4];", 2, 2);
  double *theta;
  NetworkSweep sweep;
  ck_petsc(PetscMalloc1(NetworkParameters(network), &theta));
  NetworkInitialize(network, theta);
  ck_petsc(NetworkSweepCreate(network, plan, NULL, 1, &sweep));
  NetworkForward(sweep, theta, 1, x, out);
  NetworkLastLayer(network, &begin, &n_feature);
  ck_assert_int_eq(n_feature, 4);
  for (int f = 0; f < 2; f++) {
    double sum = theta[begin + 8 + (size_t)f];
    for (int j = 0; j < 2; j++) {
      const double *B = NetworkFrozen(network, &n_frozen) + 2 * j;
      const double u = B[0] * (double)creall(normal(0, x[0])) + B[1] * (double)creall(normal(1, x[1]));
      sum += theta[begin + (size_t)(4 * f + j)] * cos(u) + theta[begin + (size_t)(4 * f + 2 + j)] * sin(u);
    }
    ck_near(out[f], sum, 1e-14, 1e-14);
  }
  ck_petsc(NetworkSweepDestroy(&sweep));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(JetPlanDestroy(&plan));
  ck_petsc(PetscFree(theta));
}
END_TEST

START_TEST(even_features_cover_all_frequencies)
{
  enum { FEATURES = 1260, WAVES = 10 };
  size_t n;
  int count[2 * WAVES + 1] = {0};
  Network network = NetworkOf("type = \"random-features\"; features = 1260; activation = \"sin\"; law = \"even\"; "
                              "scale = [21.9, 5.0]; periodic = \"a\";",
                              2, 1); /* 21.9 is 10.46 waves over the box of length 3 */
  const double *W = NetworkFrozen(network, &n), whole = 2 * M_PI / 3;
  double most = 0, mean = 0;
  for (int j = 0; j < FEATURES; j++) {
    const double wave = W[2 * j] / whole;
    ck_near(wave, round(wave), 0, 1e-12);
    ck_assert(fabs(wave) < WAVES + 0.5);
    count[(int)lround(wave) + WAVES]++;
    most = fmax(most, fabs(W[2 * j + 1]));
    mean += W[2 * j + 1] / FEATURES;
  }
  for (int k = 0; k <= 2 * WAVES; k++) ck_assert_msg(abs(count[k] - FEATURES / (2 * WAVES + 1)) <= 4, "%d", count[k]);
  ck_assert(most <= 5 && most > 4.98);
  ck_near(mean, 0, 0, 0.05);
  ck_petsc(NetworkDestroy(&network));
}
END_TEST

/* Frequencies of a product in units of one period and of the spacing in the coordinate that is not periodic. */
static void ck_product(const char *settings, int dim, int free, int features, int waves, double spacing)
{
  size_t n;
  const int share = features / waves;
  Network network = NetworkOf(settings, dim, 1);
  const double *W = NetworkFrozen(network, &n), *b = W + dim * features, whole = 2 * M_PI / 3;
  ck_assert_uint_eq(n, (size_t)((dim + 1) * features));
  for (int j = 0; j < features; j++) {
    int same[3] = {0}; /* features of this wave or its opposite: all, of this frequency, and with this phase, too */
    double zero = 0;
    for (int i = 0; i < dim; i++) {
      const double w = W[dim * j + i] / (i == free ? spacing : whole);
      ck_near(w, i == free && share % 2 == 0 ? floor(w) + 0.5 : round(w), 0, 1e-9);
      zero += i == free ? 0 : fabs(w);
    }
    for (int k = 0; k < features; k++) {
      double apart = 0, sum = 0;
      for (int i = 0; i < dim; i++) apart += i == free ? 0 : fabs(W[dim * j + i] - W[dim * k + i]);
      for (int i = 0; i < dim; i++) sum += i == free ? 0 : fabs(W[dim * j + i] + W[dim * k + i]);
      const bool equal = fabs(W[dim * j + free] - W[dim * k + free]) < 1e-9;
      same[0] += apart < 1e-9 || sum < 1e-9;
      same[1] += apart < 1e-9 && equal;
      same[2] += apart < 1e-9 && equal && fabs(b[j] - b[k]) < 1e-9;
    }
    ck_assert(b[j] == 0 || b[j] == M_PI / 2);
    ck_assert_int_eq(same[0], zero > 0 ? 2 * share : share);
    ck_assert_int_eq(same[1], zero > 0 ? 2 : 1);
    ck_assert_int_eq(same[2], 1);
    ck_assert(zero > 0 || (W[dim * j + free] >= 0) == (b[j] > 0));
  }
  ck_petsc(NetworkDestroy(&network));
}

START_TEST(products_give_all_waves_the_same_functions)
{
  int waves = 0;
  ck_product("type = \"random-features\"; features = 105; activation = \"sin\"; law = \"product\"; "
             "scale = [21.9, 6.0]; periodic = \"a\";",
             2, 1, 105, 21, 3); /* 21.9 is 10.46 waves over the box of length 3 */
  for (int k = -5; k <= 5; k++)
    for (int l = -3; l <= 3; l++) waves += k * k / 25.0 + l * l / 9.0 <= 1;
  ck_product("type = \"random-features\"; features = 180; activation = \"sin\"; law = \"product\"; "
             "scale = [10.5, 6.0, 6.3]; periodic = [ \"a\", \"c\" ];",
             3, 1, 180, waves, 4);
}
END_TEST

#define PRODUCT "type = \"random-features\"; activation = \"sin\"; law = \"product\"; "

START_TEST(mistakes_are_told_with_their_place)
{
  static const struct {
    const char *settings, *text;
  } cases[] = {
      {"type = \"modified-mlp\"; hidden = [4, 5];",
       "a.cfg:4: network.hidden: layers that are mixed with one another have one width, not 4 and 5"},
      {"type = \"piratenet\"; hidden = [5];",
       "a.cfg:4: network.hidden: as wide as the cos and sin of its frequencies, an even number, not 5"},
      {"factorize = [0.5];",
       "a.cfg:4: network.factorize: mean and deviation of the factors' logarithms, two numbers, not 1"},
      {"factorize = [1.0, -0.1];",
       "a.cfg:4: network.factorize: a mean from -50 to 50 and a deviation from 0 to 50, not 1 and -0.1"},
      {"factorize = [800.0, 0.1];", "not 800 and 0.1"},
      {"harmonics = 2;", "a.cfg:4: network.harmonics: no coordinate is periodic, there are no waves to read"},
      {"type = \"fourier\"; periodic = \"b\"; harmonics = 2;",
       "a.cfg:4: network.harmonics: a network with frequencies of its own takes whole ones, it reads no waves"},
      {"type = \"fourier\"; train_features = true; periodic = \"b\";",
       "a.cfg:4: network.train_features: frequencies that are trained do not stay whole, as those of 'b' must"},
      {"affine = true; periodic = \"b\";",
       "a.cfg:4: network.affine: an affine function is not periodic, as the network is to be in 'b'"},
      {"type = \"fields\"; of = ( { hidden = [4]; } );", "a.cfg:4: network.of: 1 networks for 2 fields"},
      {"type = \"fields\"; of = ( { hidden = [4]; }, { type = \"random-features\"; } );",
       "a field's own network is of any type but fields and random-features, not random-features"},
      {"type = \"siren\"; activation = \"tanh\";", "'activation' does not belong to network type 'siren'"},
      {PRODUCT "features = 100; periodic = [ \"a\", \"b\" ];",
       "a.cfg:4: network.law: 'product' is for networks that are periodic in all coordinates but one; here 0 of 2 are "
       "not"},
      {PRODUCT "features = 100; periodic = \"a\"; scale = [21.9, 1.0];",
       "a.cfg:4: network.features: 100 features are no equal share for each of 21 waves; the next number that is one "
       "is "
       "105"},
      {PRODUCT "features = 21; periodic = \"a\"; scale = [21.9, 1.0]; scale_search = true;",
       "a.cfg:4: network.scale_search: law 'product' has a number of waves that follows from the scales"},
      {PRODUCT "features = 21; periodic = \"a\"; scale = 1e9;", "a.cfg:4: network.scale: about 2e+08 waves, at most"},
      {"omega = 3.0;", "'omega' does not belong to network type 'mlp'"},
      {"type = \"fourier\"; scale = [1.0, 2.0, 3.0];", "a.cfg:4: network.scale: 3 scales for 2 coordinates"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    Network network;
    ck_petsc_fails(TryNetwork(cases[i].settings, 2, 2, &network), PETSC_ERR_USER_INPUT, cases[i].text);
  }
}
END_TEST

TEST_SUITE("network types", columns_are_derivatives_of_the_function, descriptions_name_what_there_is,
           blocks_of_parameters_cover_theta, periodic_coordinates_are_periodic_in_every_type,
           first_weights_follow_their_laws, a_piratenet_begins_linear_in_its_features,
           even_features_cover_all_frequencies, products_give_all_waves_the_same_functions,
           mistakes_are_told_with_their_place)
