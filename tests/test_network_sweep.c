/* Sweeps: jets of networks against Cauchy's integral, tangents and adjoints against each other and finite differences.
   */
#include "network_fixture.h"

/* An mlp of two hidden layers with the box of the fixture, evaluated at complex coordinates. */
typedef struct {
  const char *activation;
  const double *theta;
  int n_coord, hidden[2], n_field, field;
  int form; /* parameters of a quadratic form, of one field */
} Reference;

static Complex quadratic_form(int n_coord, int n, const double A[], const Complex z[])
{
  Complex sum = 0;
  for (int k = 0; k < n; k++) sum += A[k] * (n == n_coord ? z[k] * z[k] : z[k / n_coord] * z[k % n_coord]);
  return sum;
}

static Complex activate(const char *name, Complex z)
{
  if (!strcmp(name, "tanh")) return ctanhl(z);
  if (!strcmp(name, "sin")) return csinl(z);
  if (!strcmp(name, "logistic")) return 1 / (1 + cexpl(-z));
  if (!strcmp(name, "swish")) return z / (1 + cexpl(-z));
  if (!strcmp(name, "softplus")) return clogl(1 + cexpl(z));
  ck_assert_str_eq(name, "gaussian");
  return cexpl(-z * z);
}

static Complex reference(int n_coord, const Complex x[], const void *context)
{
  const Reference *r = context;
  const double *weights = r->theta;
  const int width[4] = {n_coord, r->hidden[0], r->hidden[1], r->n_field};
  Complex z[4][MOST_COORDINATES], beside = 0;
  for (int i = 0; i < n_coord; i++) z[0][i] = (x[i] - (0.5L + (-1 + 0.1 * (i % 10)) + 1)) * 2 / 3;
  for (int l = 0; l < 3; l++) {
    if (l == 2) {
      beside = quadratic_form(n_coord, r->form, weights + r->field * r->form, z[0]);
      weights += r->n_field * r->form;
    }
    for (int j = 0; j < width[l + 1]; j++) {
      z[l + 1][j] = weights[width[l] * width[l + 1] + j];
      for (int i = 0; i < width[l]; i++) z[l + 1][j] += weights[j * width[l] + i] * z[l][i];
      if (l < 2) z[l + 1][j] = activate(r->activation, z[l + 1][j]);
    }
    weights += (width[l] + 1) * width[l + 1];
  }
  return z[3][r->field] + beside;
}

/* A network of [7, 6] with two fields, its plan and a forward sweep at N points. */
enum { N = 4, FIELDS = 2 };

typedef struct {
  Network network;
  JetPlan plan;
  NetworkSweep sweep;
  int n_coord, n_column;
  size_t n_param, n_out;
  double *theta, *out, *out_bar, x[N * MOST_COORDINATES];
} Fixture;

static Fixture create(const char *settings, PlanKind kind)
{
  Fixture f;
  f.plan = CreatePlan(kind, &f.n_coord);
  f.network = NetworkOf(settings, f.n_coord, FIELDS);
  f.n_column = JetPlanColumns(f.plan);
  f.n_param = NetworkParameters(f.network);
  f.n_out = (size_t)f.n_column * N * FIELDS;
  f.theta = ThetaOf(f.network);
  ck_petsc(PetscMalloc2(f.n_out, &f.out, f.n_out, &f.out_bar));
  TestFill(f.n_out, f.out_bar, 13);
  PointsOf(N, f.n_coord, f.x);
  ck_petsc(NetworkSweepCreate(f.network, f.plan, NULL, N + 3, &f.sweep));
  NetworkForward(f.sweep, f.theta, N, f.x, f.out);
  return f;
}

static void destroy(Fixture *f)
{
  ck_petsc(NetworkSweepDestroy(&f->sweep));
  ck_petsc(NetworkDestroy(&f->network));
  ck_petsc(JetPlanDestroy(&f->plan));
  ck_petsc(PetscFree(f->theta));
  ck_petsc(PetscFree2(f->out, f->out_bar));
}

static void check_columns(const char *activation, const char *form, PlanKind kind)
{
  char settings[128];
  snprintf(settings, sizeof(settings), "hidden = [7, 6]; activation = \"%s\"; quadratic = \"%s\";", activation, form);
  Fixture f = create(settings, kind);
  const int n_form = !strcmp(form, "full") ? f.n_coord * f.n_coord : !strcmp(form, "diagonal") ? f.n_coord : 0;
  for (int c = 0; c < f.n_column; c++)
    for (int p = 0; p < N; p++)
      for (int field = 0; field < FIELDS; field++) {
        const Reference r = {activation, f.theta, f.n_coord, {7, 6}, FIELDS, field, n_form};
        double size;
        const double exact =
            CauchyOperator(reference, &r, f.n_coord, f.x + p * f.n_coord, JetPlanOperator(f.plan, c), 0.5L, &size);
        const double found = f.out[(c * N + p) * FIELDS + field];
        ck_assert_msg(fabs(found - exact) <= 1e-12 * size + 1e-14, "%s, plan %d, column %d: %.17g, not %.17g",
                      activation, kind, c, found, exact);
      }
  destroy(&f);
}

START_TEST(columns_are_derivatives_of_the_network)
{
  for (int kind = 0; kind < PLANS; kind++) check_columns("tanh", "none", kind);
}
END_TEST

START_TEST(columns_are_derivatives_with_a_quadratic_form)
{
  for (int kind = 0; kind < PLANS; kind++) {
    check_columns("tanh", "full", kind);
    check_columns("tanh", "diagonal", kind);
  }
}
END_TEST

START_TEST(every_activation_has_its_derivatives)
{
  for (const Choice *row = ActivationTable.rows; row->name; row++) {
    check_columns(row->name, "none", PLAN_LINE_8);
    check_columns(row->name, "none", PLAN_MIXED);
    check_columns(row->name, "none", PLAN_LAPLACE_3);
  }
}
END_TEST

START_TEST(a_collapsed_laplacian_is_the_sum_in_100_dimensions)
{
  enum { D = 100 };
  static double collapsed[(D + 2) * N], split[(2 * D + 1) * N], x[N * D];
  JetOperator laplacian = Laplacian(D), squares[D];
  for (int i = 0; i < D; i++) {
    const JetIndex index = {2, {i, i}};
    const double one = 1;
    ck_petsc(JetOperatorCreate(1, &index, &one, &squares[i]));
  }
  JetPlan plans[2] = {PlanOf(D, 1, &laplacian), PlanOf(D, D, squares)};
  Network network = NetworkOf("hidden = [20, 10]; activation = \"tanh\";", D, 1);
  double *theta = ThetaOf(network);
  PointsOf(N, D, x);
  for (int k = 0; k < 2; k++) {
    NetworkSweep sweep;
    ck_petsc(NetworkSweepCreate(network, plans[k], NULL, N, &sweep));
    NetworkForward(sweep, theta, N, x, k ? split : collapsed);
    ck_petsc(NetworkSweepDestroy(&sweep));
  }
  for (int p = 0; p < N; p++) {
    double sum = 0, size = 0;
    for (int c = 0; c <= 2 * D; c++) {
      if (JetOperatorOrder(JetPlanOperator(plans[1], c)) < 2) continue;
      sum += 2 * split[c * N + p];
      size += fabs(2 * split[c * N + p]);
    }
    ck_near(collapsed[(D + 1) * N + p], sum, 0, 1e-13 * size);
  }
  ck_petsc(JetPlanDestroy(&plans[0]));
  ck_petsc(JetPlanDestroy(&plans[1]));
  ck_petsc(NetworkDestroy(&network));
  ck_petsc(PetscFree(theta));
}
END_TEST

static const char *const settings_of_all[] = {
    "hidden = [7, 6]; activation = \"tanh\";",
    "hidden = [9]; activation = \"swish\"; normalize = false;",
    "hidden = [5, 8, 11, 4]; activation = \"sin\";",
    "hidden = [7, 6]; affine = true; quadratic = \"full\";",
    "hidden = [7]; quadratic = \"diagonal\"; normalize = false;",
    "type = \"random-features\"; features = 12; scale = 1.5; activation = \"sin\";",
    "type = \"random-features\"; features = 13; scale = 0.7; activation = \"gaussian\";",
    "hidden = [7, 6]; factorize = [0.5, 0.2];",
    "hidden = [6]; periodic = \"a\"; harmonics = 2;",
    "type = \"fourier\"; features = 3; hidden = [5]; scale = 0.8;",
    "type = \"fourier\"; features = 3; hidden = [5]; scale = 0.8; train_features = true;",
    "type = \"siren\"; hidden = [5, 6]; omega = 1.7;",
    "type = \"modified-mlp\"; hidden = [5, 5]; activation = \"swish\";",
    "type = \"piratenet\"; hidden = [6, 6]; scale = 0.8; train_features = true;",
    "type = \"separable\"; hidden = [4]; rank = 3;",
    "type = \"fields\"; of = ( { type = \"modified-mlp\"; hidden = [5, 5]; }, { type = \"siren\"; hidden = [4]; "
    "omega = 2.0; } );",
};
#define EACH_NETWORK(s) for (size_t s = 0; s < sizeof(settings_of_all) / sizeof(settings_of_all[0]); s++)

static double dot(size_t n, const double *a, const double *b, double *size)
{
  double sum = 0;
  *size = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i], *size += fabs(a[i] * b[i]);
  return sum;
}

START_TEST(tangent_and_reverse_are_adjoint)
{
  EACH_NETWORK(s)
  for (int kind = 0; kind < PLANS; kind++) {
    Fixture f = create(settings_of_all[s], kind);
    double *gradient, *v, *out_dot, size_out, size_theta;
    ck_petsc(PetscCalloc3(f.n_param, &gradient, f.n_param, &v, f.n_out, &out_dot));
    TestFill(f.n_param, v, 14);
    NetworkReverse(f.sweep, f.theta, f.out_bar, gradient);
    NetworkTangent(f.sweep, f.theta, v, out_dot);
    const double left = dot(f.n_out, f.out_bar, out_dot, &size_out);
    const double right = dot(f.n_param, gradient, v, &size_theta);
    ck_near(left, right, 0, 1e-13 * fmax(size_out, size_theta));
    for (size_t k = 0; k < f.n_param; k++) gradient[k] *= -1;
    NetworkReverse(f.sweep, f.theta, f.out_bar, gradient); /* adds */
    for (size_t k = 0; k < f.n_param; k++) ck_near(gradient[k], 0, 0, 1e-13 * size_theta);
    ck_petsc(PetscFree3(gradient, v, out_dot));
    destroy(&f);
  }
}
END_TEST

START_TEST(tangents_are_limits_of_differences)
{
  EACH_NETWORK(s)
  for (int kind = 0; kind < PLANS; kind++) {
    Fixture f = create(settings_of_all[s], kind);
    static const double step = 1e-3, coef[4] = {1. / 12, -8. / 12, 8. / 12, -1. / 12}, at[4] = {-2, -1, 1, 2};
    double *v, *out_dot, *moved, *difference, *theta;
    ck_petsc(PetscCalloc5(f.n_param, &v, f.n_out, &out_dot, f.n_out, &moved, f.n_out, &difference, f.n_param, &theta));
    TestFill(f.n_param, v, 15);
    NetworkTangent(f.sweep, f.theta, v, out_dot);
    for (int k = 0; k < 4; k++) {
      for (size_t i = 0; i < f.n_param; i++) theta[i] = f.theta[i] + at[k] * step * v[i];
      NetworkForward(f.sweep, theta, N, f.x, moved);
      for (size_t i = 0; i < f.n_out; i++) difference[i] += coef[k] / step * moved[i];
    }
    for (int c = 0; c < f.n_column; c++) {
      double largest = 0;
      for (int i = 0; i < N * FIELDS; i++) largest = fmax(largest, fabs(out_dot[c * N * FIELDS + i]));
      for (int i = 0; i < N * FIELDS; i++)
        ck_near(out_dot[c * N * FIELDS + i], difference[c * N * FIELDS + i], 0, 2e-7 * fmax(largest, 1e-3));
    }
    ck_petsc(PetscFree5(v, out_dot, moved, difference, theta));
    destroy(&f);
  }
}
END_TEST

START_TEST(rows_are_reverse_sweeps_of_single_points)
{
  EACH_NETWORK(s)
  for (int kind = 0; kind < PLANS; kind++) {
    Fixture f = create(settings_of_all[s], kind);
    const size_t ld = f.n_param + 5;
    size_t last;
    int n_feature;
    double *gradient, *J, *tail, *out_bar;
    NetworkLastLayer(f.network, &last, &n_feature);
    ck_petsc(PetscCalloc4(f.n_param, &gradient, N * ld, &J, N * ld, &tail, f.n_out, &out_bar));
    for (size_t i = 0; i < N * ld; i++) J[i] = tail[i] = 77;
    NetworkRows(f.sweep, f.theta, f.out_bar, 0, f.n_param, J, ld);
    NetworkRows(f.sweep, f.theta, f.out_bar, last, f.n_param - last, tail, ld);
    for (int p = 0; p < N; p++) {
      double largest = 0;
      for (int c = 0; c < f.n_column; c++)
        for (int i = 0; i < N * FIELDS; i++)
          out_bar[c * N * FIELDS + i] = i / FIELDS == p ? f.out_bar[c * N * FIELDS + i] : 0;
      memset(gradient, 0, f.n_param * sizeof(double));
      NetworkReverse(f.sweep, f.theta, out_bar, gradient);
      for (size_t k = 0; k < f.n_param; k++) largest = fmax(largest, fabs(gradient[k]));
      for (size_t k = 0; k < f.n_param; k++) ck_near(J[(size_t)p * ld + k], gradient[k], 0, 1e-14 * largest);
      for (size_t k = last; k < f.n_param; k++) ck_assert(tail[(size_t)p * ld + k - last] == J[(size_t)p * ld + k]);
      for (size_t k = f.n_param; k < ld; k++) ck_assert(J[(size_t)p * ld + k] == 77);
    }
    ck_petsc(PetscFree4(gradient, J, tail, out_bar));
    destroy(&f);
  }
}
END_TEST

START_TEST(rows_of_a_layer_in_between)
{
  Fixture f = create("hidden = [5, 8, 11, 4]; activation = \"tanh\";", PLAN_LAPLACE_2);
  const size_t begin = 3 * 5, count = 6 * 8 + 9 * 11; /* the second and the third layer */
  double *J, *part;
  ck_petsc(PetscMalloc2(N * f.n_param, &J, N * count, &part));
  NetworkRows(f.sweep, f.theta, f.out_bar, 0, f.n_param, J, f.n_param);
  NetworkRows(f.sweep, f.theta, f.out_bar, begin, count, part, count);
  for (size_t p = 0; p < N; p++)
    ck_assert(!memcmp(part + p * count, J + p * f.n_param + begin, count * sizeof(double)));
  ck_petsc(PetscFree2(J, part));
  destroy(&f);
}
END_TEST

START_TEST(points_do_not_see_one_another)
{
  for (int kind = 0; kind < PLANS; kind++) {
    Fixture f = create(settings_of_all[0], kind);
    double *one;
    ck_petsc(PetscMalloc1(f.n_out, &one));
    for (int p = 0; p < N; p++) {
      NetworkForward(f.sweep, f.theta, 1, f.x + p * f.n_coord, one);
      for (int c = 0; c < f.n_column; c++)
        for (int i = 0; i < FIELDS; i++) {
          const double together = f.out[(c * N + p) * FIELDS + i];
          ck_near(one[c * FIELDS + i], together, 1e-12, 1e-13);
        }
    }
    ck_petsc(PetscFree(one));
    destroy(&f);
  }
}
END_TEST

START_TEST(threads_repeat_one_another_bit_for_bit)
{
  enum { TASKS = 12 };
  Fixture f = create(settings_of_all[2], PLAN_FULL_4);
  double *out[TASKS], *gradient[TASKS];
  NetworkSweep sweep[TASKS];
  for (int t = 0; t < TASKS; t++) {
    ck_petsc(PetscCalloc2(f.n_out, &out[t], f.n_param, &gradient[t]));
    ck_petsc(NetworkSweepCreate(f.network, f.plan, NULL, N, &sweep[t]));
  }
#pragma omp parallel for num_threads(4) schedule(dynamic)
  for (int t = 0; t < TASKS; t++) {
    NetworkForward(sweep[t], f.theta, N, f.x, out[t]);
    NetworkReverse(sweep[t], f.theta, f.out_bar, gradient[t]);
  }
  for (int t = 0; t < TASKS; t++) {
    ck_assert(!memcmp(out[t], out[0], f.n_out * sizeof(double)));
    ck_assert(!memcmp(gradient[t], gradient[0], f.n_param * sizeof(double)));
  }
  for (int t = 0; t < TASKS; t++) {
    ck_petsc(PetscFree2(out[t], gradient[t]));
    ck_petsc(NetworkSweepDestroy(&sweep[t]));
  }
  destroy(&f);
}
END_TEST

START_TEST(a_nan_parameter_shows_in_every_output)
{
  Fixture f = create(settings_of_all[0], PLAN_LAPLACE_2);
  f.theta[0] = NAN;
  NetworkForward(f.sweep, f.theta, N, f.x, f.out);
  for (size_t i = 0; i < f.n_out; i++) ck_assert(isnan(f.out[i]));
  destroy(&f);
}
END_TEST

START_TEST(tiles_and_sizes_are_sensible)
{
  Fixture f = create(settings_of_all[0], PLAN_LAPLACE_2);
  const int tile = NetworkTilePoints(f.network, f.plan);
  ck_assert(tile >= 8 && tile <= 4096);
  ck_assert(NetworkSweepDoubles(f.network, f.plan, 100) >= 100.0 * 4 * 2 * (7 + 6));
  ck_assert(NetworkSweepDoubles(f.network, f.plan, 200) == 2 * NetworkSweepDoubles(f.network, f.plan, 100));
  destroy(&f);
}
END_TEST

TEST_SUITE("network sweep", columns_are_derivatives_of_the_network, columns_are_derivatives_with_a_quadratic_form,
           every_activation_has_its_derivatives, a_collapsed_laplacian_is_the_sum_in_100_dimensions,
           tangent_and_reverse_are_adjoint, tangents_are_limits_of_differences,
           rows_are_reverse_sweeps_of_single_points, rows_of_a_layer_in_between, points_do_not_see_one_another,
           threads_repeat_one_another_bit_for_bit, a_nan_parameter_shows_in_every_output, tiles_and_sizes_are_sensible)
