/* Rows panel by panel against dense rows of J, on one rank and under mpirun with CK_FORK=no. */
#include <string.h>
#include "case_fixture.h"
#include "../src/residual/residual_impl.h"
#include "optimizer_rows.h"

#define DOMAIN2 "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"

static const char flow[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\", \"p\"]; constants: { re = 40.0; };\n"
    "  equations = ( { residual = \"u*u_x + v*u_y + p_x - laplacian(u)/re\"; },\n"
    "                { residual = \"u_x + v_y\"; weight = 2.0; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u*v - sin(x)\"; weight = 3.0; },\n"
    "                 { on = \"x = 1\"; residual = \"dn(u) + n_x*p\"; } ); };\n" DOMAIN2
    "points: { interior = { count = 150; }; conditions = { count = 37; }; heldout = 30; };\n";
static const char mlp[] = "network: { hidden = [7, 9]; };";
static const char features[] = "network: { type = \"random-features\"; features = 15; };";
/* The first layer's seeds depend on the point. */
static const char transport[] =
    "problem: { coordinates = [\"x\", \"y\", \"z\", \"s\"]; fields = [\"u\"];\n"
    "  equations = ( { residual = \"(1 + y)*u_x + x*u_y + sin(z)*u_z - u*u\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u_x - u\"; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0, 0.0, 0.0]; upper = [1.0, 2.0, 1.0, 1.0]; };\n"
    "points: { interior = { count = 300; }; conditions = { count = 90; }; heldout = 30; }; network: { hidden = [30, "
    "20]; };";
/* And on theta. */
#define BALL                                                                                                           \
  "problem: { coordinates = [\"x[30]\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) - u^3\"; } );\n"  \
  "  conditions = ( { on = \"boundary\"; residual = \"u - x[3]\"; } ); };\n"                                           \
  "domain: { type = \"ball\"; radius = 1.0; };\n"                                                                      \
  "points: { interior = { count = 70; }; conditions = { count = 30; }; heldout = 30; };\n"
static const char compressed[] = BALL "network: { hidden = [6, 5]; };";
/* One hidden layer, whose neurons have a direction of the laplacian each. */
static const char one_hidden_layer[] =
    "problem: { coordinates = [\"x[12]\"]; fields = [\"u\"];\n"
    "  equations = ( { residual = \"laplacian(u) - u^3\"; }, { residual = \"laplacian(u)*u - x[3]\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u - x[3]\"; } ); };\n"
    "domain: { type = \"ball\"; radius = 1.0; };\n"
    "points: { interior = { count = 61; }; conditions = { count = 40; }; heldout = 30; };\n"
    "network: { hidden = [7]; affine = true; };\n";
static const char compressed_affine[] = BALL "network: { hidden = [6, 5]; affine = true; block = 4; };";

typedef struct {
  const RowsLayer *layers;
  size_t n; /* parameters */
  double *J;
  int *seen; /* [n_row] layers */
  PetscInt n_row;
  bool wrong;
  size_t n_interior; /* local rows */
} Collected;

static void collect(void *context, int thread, const RowsPanel *panel)
{
  Collected *c = context;
  const RowsLayer *layer = &c->layers[panel->layer];
  const size_t n_in = (size_t)panel->n_in, n_out = (size_t)panel->n_out, n = (size_t)panel->n;
  double *V = calloc(n_in * n_out, sizeof(double));
  (void)thread;
  c->wrong = c->wrong || panel->n_in != layer->n_in || panel->n_out != layer->n_out || panel->row < 0 ||
             panel->row + panel->n > c->n_row;
  for (size_t i = 0; i < n && !c->wrong; i++) {
    const size_t row = (size_t)panel->row + i;
    memset(V, 0, n_in * n_out * sizeof(double));
    for (size_t col = 0; col < (size_t)panel->n_column; col++)
      for (size_t j = 0; j < n_out; j++)
        for (size_t k = 0; k < n_in; k++)
          V[j * n_in + k] += panel->g[(col * n + i) * n_out + j] * panel->z[(col * n + i) * n_in + k];
    RowsLayerSet(layer, V, c->J + row * c->n);
    c->seen[row]++;
    c->wrong = c->wrong || panel->interior != (row < c->n_interior) || (panel->interior && panel->term > 1);
  }
  free(V);
}

/* layer -1 = all */
static void check_visit(Rows rows, Vec theta, size_t n_interior, const double J[], int only)
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  const int n_layer = RowsLayers(rows);
  RowsLayer layers[32];
  size_t end = 0;
  Collected c = {layers, n, calloc(m * n, sizeof(double)), calloc(m, sizeof(int)), rows->n_row, false, n_interior};
  double most = 0.0;
  for (int l = 0; l < n_layer; l++) {
    layers[l] = RowsLayerAt(rows, l);
    ck_assert_uint_eq(layers[l].offset, end);
    end += (size_t)layers[l].n_in * (size_t)layers[l].n_out;
  }
  ck_assert_uint_eq(end, n);
  ck_petsc(RowsVisit(rows, theta, only, collect, &c));
  ck_assert(!c.wrong);
  for (size_t i = 0; i < m; i++) ck_assert_int_eq(c.seen[i], only < 0 ? n_layer : 1);
  for (size_t i = 0; i < m * n; i++) most = fmax(most, fabs(J[i]));
  for (int l = 0; l < n_layer; l++)
    for (size_t i = 0; i < m; i++)
      for (size_t k = layers[l].offset; k < layers[l].offset + (size_t)(layers[l].n_in * layers[l].n_out); k++)
        ck_near(c.J[i * n + k], only < 0 || only == l ? J[i * n + k] : 0.0, 0.0, 1e-13 * most);
  free(c.J);
  free(c.seen);
}

/* The layers' parts of J J^T are those of J's columns, J given as it is scaled. */
static void check_gram(Rows rows, Vec theta, const double scaling[], const double J[])
{
  const size_t m = (size_t)rows->n_row, n = rows->n_param, all = (size_t)rows->n_row_global;
  int first = 0, n_row = (int)m;
  double *K = calloc(m * all + 1, sizeof(double));
  MPI_Exscan(&n_row, &first, 1, MPI_INT, MPI_SUM, rows->comm);
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    double most = 0.0;
    ck_petsc(RowsGramLayer(rows, theta, l, scaling, K, all));
    for (size_t i = 0; i < m; i++) most = fmax(most, K[i * all + (size_t)first + i]);
    for (size_t i = 0; i < m; i++)
      for (size_t j = 0; j < m; j++) {
        double sum = 0.0;
        for (size_t k = layer.offset; k < layer.offset + (size_t)(layer.n_in * layer.n_out); k++)
          sum += J[i * n + k] * J[j * n + k];
        ck_near(K[i * all + (size_t)first + j], sum, 0, 1e-13 * most);
      }
  }
  free(K);
}

static void check(const char *text, const char *network, double memory)
{
  char whole[4096];
  double *J, *r, *scaling;
  Vec theta;
  Case c;
  snprintf(whole, sizeof(whole), "%s%s\nlimits: { memory = %.9g; };", text, network, memory);
  ck_petsc(CaseCreate(whole, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t m = (size_t)rows->n_row, n = rows->n_param;
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  CaseFillVec(0.6, 0.0, theta);
  ck_petsc(PetscMalloc3(m * n, &J, m, &r, n, &scaling));
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  size_t n_interior = 0;
  for (int b = 0; b < 1; b++) n_interior += (size_t)c.residual->blocks[b].train.points.n;
  n_interior *= (size_t)c.residual->blocks[0].block->n_term;
  const double evaluated = ResidualRowsEvaluated(c.residual);
  check_visit(rows, theta, n_interior, J, -1);
  check_visit(rows, theta, n_interior, J, RowsLayers(rows) - 1);
  check_visit(rows, theta, n_interior, J, 0);
  const double sweeps = (ResidualRowsEvaluated(c.residual) - evaluated) / (double)m; /* kept: one for all */
  check_gram(rows, theta, NULL, J);
  for (size_t k = 0; k < n; k++) scaling[k] = 1.5 + sin(7.31 * (double)k);
  for (size_t k = 0; k < m * n; k++) J[k] *= scaling[k % n];
  check_gram(rows, theta, scaling, J);
  if (m) ck_near(sweeps, memory < 1e6 ? 3.0 : 1.0, 1e-12, 0);
  ck_petsc(PetscFree3(J, r, scaling));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}

/* With memory for points and sweeps, but not for what would be kept. */
static void check_both(const char *text, const char *network)
{
  char whole[4096];
  Case c;
  snprintf(whole, sizeof(whole), "%s%s", text, network);
  ck_petsc(CaseCreate(whole, &c));
  double need[2] = {ResidualMemoryMB(c.residual), ResidualLinearizationMB(c.residual)};
  MPI_Allreduce(MPI_IN_PLACE, need, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  ck_petsc(CaseDestroy(&c));
  check(text, network, 1e6);
  check(text, network, need[0] + 0.5 * need[1]);
}

START_TEST(several_equations_and_fields)
{
  check_both(flow, mlp);
}
END_TEST

START_TEST(frozen_layers_are_not_shown)
{
  check_both(flow, features);
}
END_TEST

START_TEST(seeds_that_depend_on_the_point)
{
  check_both(transport, "");
}
END_TEST

START_TEST(seeds_that_depend_on_theta)
{
  check_both(compressed, "");
  check_both(one_hidden_layer, "");
}
END_TEST

START_TEST(the_affine_part_is_a_layer_without_bias)
{
  check_both(flow, "network: { hidden = [7, 9]; affine = true; };");
  check_both(flow, "network: { hidden = [7, 9]; affine = true; quadratic = \"full\"; };");
  check_both(flow, "network: { hidden = [7]; quadratic = \"diagonal\"; };");
  check_both(compressed_affine, "");
}
END_TEST

START_TEST(direct_parameters_are_a_layer_of_one_input)
{
  check_both(flow, "network: { type = \"piratenet\"; hidden = [6, 6]; factorize = [0.5, 0.2]; };");
  check_both(flow, "network: { type = \"separable\"; hidden = [5]; rank = 6; };");
}
END_TEST

START_TEST(plain_rows_are_one_layer)
{
  const Fit fit = {150, 5};
  double values[15], *J, *r;
  TestRows t;
  test_rows(&t, PETSC_COMM_WORLD, fit.n_point, 15, 10, network_row, &fit);
  network_start(&fit, values);
  Vec theta = test_theta(&t.rows, values);
  ck_assert_int_eq(RowsLayers(&t.rows), 1);
  ck_assert_int_eq(RowsThreads(&t.rows), 1);
  ck_petsc(PetscMalloc2((size_t)t.rows.n_row * 15, &J, t.rows.n_row, &r));
  ck_petsc(t.ops.jacobian(&t, theta, 0, 15, r, J, 15));
  check_visit(&t.rows, theta, (size_t)t.rows.n_row, J, -1);
  ck_petsc(PetscFree2(J, r));
  ck_petsc(VecDestroy(&theta));
}
END_TEST

START_TEST(a_layer_comes_out_of_theta_and_goes_back)
{
  const RowsLayer layer = {2, 2, 4, true}, plain = {1, 1, 3, false};
  const double theta[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, V[] = {2, 3, 4, 8, 5, 6, 7, 9};
  double out[8], back[11] = {0, 1};
  RowsLayerGet(&layer, theta, out);
  for (int k = 0; k < 8; k++) ck_assert_double_eq(out[k], V[k]);
  RowsLayerSet(&layer, V, back);
  for (int k = 0; k < 10; k++) ck_assert_double_eq(back[k], theta[k]);
  ck_assert_double_eq(back[10], 0.0);
  RowsLayerGet(&plain, theta, out);
  for (int k = 0; k < 3; k++) ck_assert_double_eq(out[k], theta[k + 1]);
}
END_TEST

TEST_SUITE("residual_visit", several_equations_and_fields, frozen_layers_are_not_shown, seeds_that_depend_on_the_point,
           seeds_that_depend_on_theta, the_affine_part_is_a_layer_without_bias,
           direct_parameters_are_a_layer_of_one_input, plain_rows_are_one_layer,
           a_layer_comes_out_of_theta_and_goes_back)
