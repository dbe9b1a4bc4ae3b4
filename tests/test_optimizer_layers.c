/* Learning rate schedules, and the stages that see layers as matrices: SOAP and Shampoo. */
#include <stdlib.h>
#include "optimizer_rows.h"

START_TEST(schedules_follow_their_formulas)
{
  static const struct {
    const char *keys;
    double rates[6];
  } cases[] = {
      {"schedule = \"constant\";", {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}},
      {"", {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}},
      {"decay = 0.01;",
       {0.1, 0.1 / 2.5118864315095801, 0.1 / 6.3095734448019325, 0.1 / 15.848931924611135, 0.1 / 39.810717055349725,
        0.001}},
      {"schedule = \"linear\";", {0.1, 0.08, 0.06, 0.04, 0.02, 0.0}},
      {"schedule = \"linear\"; decay = 0.5;", {0.1, 0.09, 0.08, 0.07, 0.06, 0.05}},
      {"schedule = \"cosine\"; decay = 0.5; warmup = 1;",
       {0.1, 0.1, 0.05 + 0.025 * (1.0 + M_SQRT1_2), 0.075, 0.05 + 0.025 * (1.0 - M_SQRT1_2), 0.05}},
      {"schedule = \"linear\"; warmup = 3;", {0.1 / 3.0, 0.2 / 3.0, 0.1, 0.1, 0.05, 0.0}},
      {"warmup = 20;", {0.005, 0.01, 0.015, 0.02, 0.025, 0.03}},
  };
  const char *const stages[] = {"adam", "soap", "shampoo"};
  Trace *trace = calloc(1, sizeof(Trace));
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
    for (int s = 0; s < 3; s++) {
      TestRows t;
      char stage[192];
      double theta[2] = {-1.2, 1.0};
      test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
      snprintf(stage, sizeof(stage), "type = \"%s\"; iterations = 6; learning_rate = 0.1; %s", stages[s],
               cases[c].keys);
      ck_assert_int_eq(test_solve(&t, stage, theta, trace), OPTIMIZER_ITERATIONS);
      for (int k = 0; k < 6; k++) ck_near(trace->control[k], cases[c].rates[k], 1e-13, 1e-17);
    }
  free(trace);
}
END_TEST

START_TEST(schedules_that_contradict_themselves_are_refused)
{
  static const char *const cases[][2] = {
      {"type = \"adam\"; schedule = \"constant\"; decay = 0.1;",
       "test.cfg:3: solver[0].decay: a constant schedule has"},
      {"type = \"adam\"; decay = 0.0;", "test.cfg:3: solver[0].decay: an exponential schedule never reaches 0"},
  };
  for (size_t c = 0; c < 2; c++) {
    TestRows t;
    Config config = test_config(cases[c][0]);
    Optimizer optimizer;
    test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
    ck_petsc_fails(OptimizerCreate(config, 0, &t.rows, &optimizer), PETSC_ERR_USER_INPUT, cases[c][1]);
    ck_petsc(ConfigDestroy(&config));
  }
}
END_TEST

/* Defaults are those of each method's authors. */
START_TEST(defaults_differ_between_stages)
{
  Config config;
  double value;
  static const struct {
    const char *stage, *key;
    double value;
  } cases[] = {{"adam", "learning_rate", 1e-3}, {"soap", "learning_rate", 3e-3}, {"soap", "beta1", 0.95},
               {"soap", "beta2", 0.95},         {"shampoo", "beta2", 0.999},     {"adam", "beta1", 0.9},
               {"shampoo", "epsilon", 1e-12},   {"soap", "epsilon", 1e-8}};
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    char stage[64];
    snprintf(stage, sizeof(stage), "type = \"%s\";", cases[c].stage);
    config = test_config(stage);
    ck_petsc(ConfigGetReal(config, ConfigPath("solver[0].%s", cases[c].key), &value));
    ck_assert_double_eq(value, cases[c].value);
    ck_petsc(ConfigDestroy(&config));
  }
}
END_TEST

/* One layer: weights W [Q][P] and biases b [Q]; row i is y_i^T (U W + b) x_i - c_i plus a cubic term. */
enum { P = 3, Q = 4, N_PARAM = P * Q + Q, N_ROW = 40 };

static const ParameterBlock blocks[2] = {{0, Q, P}, {P * Q, Q, 0}};

typedef struct {
  double left[Q][Q], right[Q][Q]; /* the layer sees left W right; of right, [P][P] is used */
} Frame;

static void layer_row(const void *data, int i, const double theta[], double *r, double J[])
{
  const Frame *frame = data;
  double x[P], y[Q], xr[P] = {0.0}, yl[Q] = {0.0}, sum = 0.0;
  for (int p = 0; p < P; p++) x[p] = test_number(100 * i + p);
  for (int q = 0; q < Q; q++) y[q] = test_number(100 * i + 50 + q);
  for (int p = 0; p < P; p++)
    for (int k = 0; k < P; k++) xr[p] += frame->right[p][k] * x[k];
  for (int q = 0; q < Q; q++)
    for (int k = 0; k < Q; k++) yl[q] += frame->left[k][q] * y[k];
  for (int q = 0; q < Q; q++) {
    sum += y[q] * theta[P * Q + q];
    for (int p = 0; p < P; p++) sum += yl[q] * theta[q * P + p] * xr[p];
  }
  const double slope = 1.0 + 0.3 * sum * sum;
  *r = sum + 0.1 * sum * sum * sum - test_number(7 * i);
  for (int q = 0; q < Q; q++) {
    J[P * Q + q] = slope * y[q];
    for (int p = 0; p < P; p++) J[q * P + p] = slope * yl[q] * xr[p];
  }
}

static void identity(Frame *frame)
{
  memset(frame, 0, sizeof(*frame));
  for (int q = 0; q < Q; q++) frame->left[q][q] = 1.0;
  for (int p = 0; p < P; p++) frame->right[p][p] = 1.0;
}

static void layer_rows(TestRows *t, const Frame *frame)
{
  test_rows(t, PETSC_COMM_WORLD, N_ROW, N_PARAM, 0, layer_row, frame);
  t->rows.n_parameter_block = 2;
  t->rows.parameter_blocks = blocks;
}

/* A rotation in the plane of two axes. */
static void rotate(int n, double A[Q][Q], int i, int j, double angle)
{
  for (int k = 0; k < n; k++) {
    const double a = A[k][i], b = A[k][j];
    A[k][i] = cos(angle) * a - sin(angle) * b;
    A[k][j] = sin(angle) * a + cos(angle) * b;
  }
}

/* SOAP knows no preferred axes of a layer's inputs and outputs, but for a slope in directions without a gradient: with
   left W right in place of W it walks the same way. Adam does not. */
START_TEST(steps_turn_with_the_layers_axes)
{
  static const struct {
    const char *stage;
    bool turns;
  } cases[] = {{"type = \"soap\"; iterations = 25; refresh = 4; learning_rate = 0.02;", true},
               {"type = \"soap\"; iterations = 25; refresh = 1; learning_rate = 0.02;", true},
               {"type = \"adam\"; iterations = 25; learning_rate = 0.02;", false}};
  Frame plain, turned;
  identity(&plain);
  identity(&turned);
  for (int k = 0; k < Q - 1; k++) rotate(Q, turned.left, k, k + 1, 0.5 + k);
  for (int k = 0; k < P - 1; k++) rotate(P, turned.right, k, k + 1, 1.1 - k);
  for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    TestRows t;
    double theta[N_PARAM], other[N_PARAM] = {0.0}, back[Q][P] = {{0.0}}, distance = 0.0;
    for (int k = 0; k < N_PARAM; k++) theta[k] = 0.5 * test_number(300 + k);
    for (int q = 0; q < Q; q++) /* other = left^T W right^T */
      for (int p = 0; p < P; p++)
        for (int k = 0; k < Q; k++)
          for (int l = 0; l < P; l++) other[q * P + p] += turned.left[k][q] * theta[k * P + l] * turned.right[p][l];
    for (int q = 0; q < Q; q++) other[P * Q + q] = theta[P * Q + q];
    layer_rows(&t, &plain);
    ck_assert_int_eq(test_solve(&t, cases[c].stage, theta, NULL), OPTIMIZER_ITERATIONS);
    layer_rows(&t, &turned);
    ck_assert_int_eq(test_solve(&t, cases[c].stage, other, NULL), OPTIMIZER_ITERATIONS);
    for (int q = 0; q < Q; q++)
      for (int p = 0; p < P; p++)
        for (int k = 0; k < Q; k++)
          for (int l = 0; l < P; l++) back[q][p] += turned.left[q][k] * other[k * P + l] * turned.right[l][p];
    for (int k = 0; k < P * Q; k++) distance = fmax(distance, fabs(theta[k] - back[k / P][k % P]));
    ck_assert_msg(cases[c].turns ? distance < 1e-5 : distance > 1e-1, "%s: %g", cases[c].stage, distance);
  }
}
END_TEST

/* The stage's gradient at theta, by the layer's rows. */
static void gradient_at(const Frame *frame, const double theta[], double g[])
{
  double J[N_PARAM], r;
  memset(g, 0, N_PARAM * sizeof(double));
  for (int i = 0; i < N_ROW; i++) {
    layer_row(frame, i, theta, &r, J);
    for (int k = 0; k < N_PARAM; k++) g[k] += r * J[k];
  }
}

/* Columns of E become eigenvectors of the symmetric A, unsorted (cyclic Jacobi); A becomes diagonal. */
static void jacobi(int n, double A[Q][Q], double E[Q][Q])
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) E[i][j] = i == j;
  for (int sweep = 0; sweep < 30; sweep++)
    for (int i = 0; i < n; i++)
      for (int j = i + 1; j < n; j++) {
        if (A[i][j] == 0.0) continue;
        const double angle = -0.5 * atan2(2.0 * A[i][j], A[j][j] - A[i][i]);
        double transposed[Q][Q];
        rotate(n, A, i, j, -angle);
        for (int k = 0; k < n; k++)
          for (int l = 0; l < n; l++) transposed[k][l] = A[l][k];
        rotate(n, transposed, i, j, -angle);
        memcpy(A, transposed, sizeof(transposed));
        rotate(n, E, i, j, -angle);
      }
}

/* (A + epsilon |A|)^{-1/4} */
static void inverse_root(int n, double A[Q][Q], double epsilon, double root[Q][Q])
{
  double E[Q][Q], top = 0.0;
  jacobi(n, A, E);
  for (int k = 0; k < n; k++) top = fmax(top, A[k][k]);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      root[i][j] = 0.0;
      for (int k = 0; k < n; k++) root[i][j] += E[i][k] * pow(A[k][k] + epsilon * top, -0.25) * E[j][k];
    }
}

/* Adam in the axes E_left, E_right of the first gradient's factors: SOAP without a refresh. */
static void soap_direct(int n_step, double rate, double theta[])
{
  Frame frame;
  double g[N_PARAM], m[N_PARAM] = {0.0}, v[N_PARAM] = {0.0}, left[Q][Q] = {{0.0}}, right[Q][Q] = {{0.0}}, E[Q][Q],
                     F[Q][Q];
  identity(&frame);
  gradient_at(&frame, theta, g);
  for (int q = 0; q < Q; q++)
    for (int p = 0; p < P; p++) {
      for (int k = 0; k < Q; k++) left[q][k] += g[q * P + p] * g[k * P + p];
      for (int k = 0; k < P; k++) right[p][k] += g[q * P + p] * g[q * P + k];
    }
  jacobi(Q, left, E);
  jacobi(P, right, F);
  for (int step = 1; step <= n_step; step++) {
    double turned[N_PARAM] = {0.0}, move[N_PARAM] = {0.0};
    gradient_at(&frame, theta, g);
    memcpy(turned + P * Q, g + P * Q, Q * sizeof(double));
    for (int k = 0; k < P * Q; k++)
      for (int l = 0; l < P * Q; l++) turned[k] += E[l / P][k / P] * g[l] * F[l % P][k % P];
    for (int k = 0; k < N_PARAM; k++) {
      m[k] = 0.9 * m[k] + 0.1 * turned[k]; /* with fixed axes it may be kept in them */
      v[k] = 0.99 * v[k] + 0.01 * turned[k] * turned[k];
      turned[k] = m[k] / (1.0 - pow(0.9, step)) / (sqrt(v[k] / (1.0 - pow(0.99, step))) + 1e-8);
    }
    memcpy(move + P * Q, turned + P * Q, Q * sizeof(double));
    for (int k = 0; k < P * Q; k++)
      for (int l = 0; l < P * Q; l++) move[k] += E[k / P][l / P] * turned[l] * F[k % P][l % P];
    for (int k = 0; k < N_PARAM; k++) theta[k] -= rate * move[k];
  }
}

START_TEST(soap_is_adam_in_the_eigenbases)
{
  TestRows t;
  Frame frame;
  double theta[N_PARAM], expected[N_PARAM];
  for (int k = 0; k < N_PARAM; k++) theta[k] = expected[k] = 0.5 * test_number(300 + k);
  identity(&frame);
  layer_rows(&t, &frame);
  soap_direct(12, 0.03, expected); /* the stage's first iteration finds the bases only */
  ck_assert_int_eq(test_solve(&t,
                              "type = \"soap\"; iterations = 13; refresh = 100; learning_rate = 0.03; beta1 = 0.9;"
                              "beta2 = 0.99;",
                              theta, NULL),
                   OPTIMIZER_ITERATIONS);
  for (int k = 0; k < N_PARAM; k++) ck_near(theta[k], expected[k], 0.0, 1e-7);
}
END_TEST

/* The bases of a stage whose factors have settled are the factors' eigenvectors, largest eigenvalue first. */
START_TEST(soap_turns_its_bases_into_eigenvectors)
{
  TestRows t;
  Frame frame;
  Saved saved = {0, NULL, NULL};
  Optimizer optimizer;
  OptimizerReason reason;
  double theta[N_PARAM], values[Q];
  const double *left = NULL, *basis = NULL;
  identity(&frame);
  layer_rows(&t, &frame);
  for (int k = 0; k < N_PARAM; k++) theta[k] = 0.5 * test_number(300 + k);
  Config config = test_config("type = \"soap\"; iterations = 400; refresh = 1; learning_rate = 1e-12; beta2 = 0.5;");
  Vec x = test_theta(&t.rows, theta);
  ck_petsc(OptimizerCreate(config, 0, &t.rows, &optimizer));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  test_save_state(optimizer, &saved);
  for (int k = 0; k < saved.n; k++) {
    if (!strcmp(saved.entries[k].name, "right0")) left = saved.entries[k].values;
    if (!strcmp(saved.entries[k].name, "right_basis0")) basis = saved.entries[k].values;
  }
  for (int i = 0; i < Q; i++) { /* Rayleigh quotients, and what of A q is not along q */
    double Aq[Q] = {0.0}, rest = 0.0;
    values[i] = 0.0;
    for (int j = 0; j < Q; j++)
      for (int k = 0; k < Q; k++) Aq[j] += left[j * Q + k] * basis[i * Q + k];
    for (int j = 0; j < Q; j++) values[i] += basis[i * Q + j] * Aq[j];
    for (int j = 0; j < Q; j++) rest += pow(Aq[j] - values[i] * basis[i * Q + j], 2.0);
    ck_near(sqrt(rest), 0.0, 0.0, 1e-9 * values[0]);
    if (i) ck_assert(values[i] <= values[i - 1]);
  }
  test_free_state(&saved);
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&x));
  ck_petsc(ConfigDestroy(&config));
}
END_TEST

START_TEST(soap_on_vectors_is_adam_one_iteration_late)
{
  TestRows t;
  double adam[2] = {-1.2, 1.0}, soap[2] = {-1.2, 1.0};
  const char *keys = "learning_rate = 0.05; beta1 = 0.8; beta2 = 0.9; tolerance = 0.0;";
  char stage[192];
  test_rows(&t, PETSC_COMM_WORLD, 2, 2, 0, rosenbrock, NULL);
  snprintf(stage, sizeof(stage), "type = \"adam\"; iterations = 30; %s", keys);
  test_solve(&t, stage, adam, NULL);
  snprintf(stage, sizeof(stage), "type = \"soap\"; iterations = 31; %s", keys);
  test_solve(&t, stage, soap, NULL);
  ck_near(soap[0], adam[0], 1e-13, 0.0);
  ck_near(soap[1], adam[1], 1e-13, 0.0);
}
END_TEST

START_TEST(shampoo_steps_follow_the_formula)
{
  TestRows t;
  Frame frame;
  double theta[N_PARAM], x[N_PARAM], g[N_PARAM], m[N_PARAM] = {0.0}, v[N_PARAM] = {0.0}, left[Q][Q] = {{0.0}},
                                                 right[Q][Q] = {{0.0}}, L[Q][Q], R[Q][Q], A[Q][Q], B[Q][Q];
  identity(&frame);
  layer_rows(&t, &frame);
  for (int k = 0; k < N_PARAM; k++) theta[k] = x[k] = 0.5 * test_number(300 + k);
  ck_assert_int_eq(test_solve(&t,
                              "type = \"shampoo\"; iterations = 9; refresh = 3; learning_rate = 0.03; beta1 = 0.8;"
                              "beta2 = 0.9; epsilon = 1e-6;",
                              theta, NULL),
                   OPTIMIZER_ITERATIONS);
  for (int step = 0; step < 9; step++) {
    double adam[N_PARAM], own[N_PARAM] = {0.0}, adam_norm = 0.0, own_norm = 0.0;
    gradient_at(&frame, x, g);
    for (int k = 0; k < N_PARAM; k++) {
      m[k] = 0.8 * m[k] + 0.2 * g[k];
      v[k] = 0.9 * v[k] + 0.1 * g[k] * g[k];
      adam[k] = m[k] / (1.0 - pow(0.8, step + 1)) / (sqrt(v[k] / (1.0 - pow(0.9, step + 1))) + 1e-8);
    }
    for (int q = 0; q < Q; q++)
      for (int k = 0; k < Q; k++) {
        left[q][k] *= 0.9;
        for (int p = 0; p < P; p++) left[q][k] += 0.1 * g[q * P + p] * g[k * P + p];
      }
    for (int p = 0; p < P; p++)
      for (int k = 0; k < P; k++) {
        right[p][k] *= 0.9;
        for (int q = 0; q < Q; q++) right[p][k] += 0.1 * g[q * P + p] * g[q * P + k];
      }
    if (step % 3 == 0) {
      memcpy(A, left, sizeof(A)), memcpy(B, right, sizeof(B));
      inverse_root(Q, A, 1e-6, L), inverse_root(P, B, 1e-6, R);
    }
    for (int k = 0; k < P * Q; k++) {
      for (int l = 0; l < P * Q; l++) own[k] += L[k / P][l / P] * m[l] * R[l % P][k % P];
      own_norm += own[k] * own[k];
      adam_norm += adam[k] * adam[k];
    }
    for (int k = 0; k < N_PARAM; k++) x[k] -= 0.03 * (k < P * Q ? own[k] * sqrt(adam_norm / own_norm) : adam[k]);
  }
  for (int k = 0; k < N_PARAM; k++) ck_near(theta[k], x[k], 0.0, 1e-10);
}
END_TEST

/* With one square gradient of full rank L^{-1/4} G R^{-1/4} is its orthogonal polar factor: all singular values are
   alike. */
static void square_row(const void *data, int i, const double theta[], double *r, double J[])
{
  (void)data;
  memset(J, 0, 9 * sizeof(double));
  J[i] = 1.0;
  *r = theta[i] - 3.0 * test_number(i);
}

START_TEST(shampoo_steps_first_along_the_polar_factor)
{
  static const ParameterBlock square = {0, 3, 3};
  TestRows t;
  double theta[9] = {0.0}, gram;
  test_rows(&t, PETSC_COMM_WORLD, 9, 9, 0, square_row, NULL);
  t.rows.n_parameter_block = 1;
  t.rows.parameter_blocks = &square;
  ck_assert_int_eq(test_solve(&t, "type = \"shampoo\"; iterations = 1; learning_rate = 0.1;", theta, NULL),
                   OPTIMIZER_ITERATIONS);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      gram = 0.0;
      for (int k = 0; k < 3; k++) gram += theta[3 * i + k] * theta[3 * j + k];
      ck_near(gram, i == j ? 0.01 * 9.0 / 3.0 : 0.0, 0.0, 1e-8); /* as long as Adam's step: 0.1 in each of 9 entries */
    }
}
END_TEST

TEST_SUITE("optimizer_layers", schedules_follow_their_formulas, schedules_that_contradict_themselves_are_refused,
           defaults_differ_between_stages, steps_turn_with_the_layers_axes, soap_is_adam_in_the_eigenbases,
           soap_turns_its_bases_into_eigenvectors, soap_on_vectors_is_adam_one_iteration_late,
           shampoo_steps_follow_the_formula, shampoo_steps_first_along_the_polar_factor)
