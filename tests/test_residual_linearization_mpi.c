/* Products from stored sweeps against sweeps and dense rows of J, on one rank and under mpirun with CK_FORK=no. */
#include <math.h>
#include <string.h>
#include "case_fixture.h"
#include "../src/residual/linearization.h"

#define FLOW                                                                                                           \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\", \"p\"]; constants: { re = 40.0; };\n"              \
  "  equations = ( { residual = \"u*u_x + v*u_y + p_x - laplacian(u)/re\"; },\n"                                       \
  "                { residual = \"u*v_x + v*v_y + p_y - laplacian(v)/re\"; weight = 2.0; },\n"                         \
  "                { residual = \"u_x + v_y\"; } );\n"                                                                 \
  "  conditions = ( { on = \"boundary\"; residual = \"u*v - sin(x)\"; weight = 3.0; },\n"                              \
  "                 { on = \"x = 1\"; residual = \"dn(u) + n_x*p\"; }, { on = \"x = 1 & y = 2\"; residual = \"p\"; } " \
  "); };\n"                                                                                                            \
  "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                            \
  "points: { interior = { count = 150; }; conditions = { count = 37; }; heldout = 100; };\n"
#define POISSON                                                                                                        \
  "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"]; equations = ( { residual = \"laplacian(u) + sin(x)\"; "  \
  "} );\n"                                                                                                             \
  "  conditions = ( { on = \"boundary\"; residual = \"u\"; weight = 100.0; } ); };\n"                                  \
  "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"                                            \
  "points: { interior = { count = 201; }; conditions = { count = 300; }; };\n"

static const char flow[] = FLOW "network: { hidden = [7, 9]; };";
static const char features[] = FLOW "network: { type = \"random-features\"; features = 15; };";
static const char poisson[] = POISSON "network: { hidden = [50, 45, 40]; };";
static const char fourth_order[] = "problem: { coordinates = [\"x\", \"y\", \"z\"]; fields = [\"u\"];\n"
                                   "  equations = ( { residual = \"biharmonic(u) + u*u_xyz\"; } ); };\n"
                                   "domain: { type = \"box\"; lower = [0.0, -1.0, 0.0]; upper = [1.0, 2.0, 1.0]; };\n"
                                   "points: { interior = { count = 40; }; };\n"
                                   "network: { hidden = [6, 5]; };";
/* Several equations a point in layers wide enough for products of Gram matrices, in several panels. */
static const char cauchy_riemann[] =
    "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"];\n"
    "  equations = ( { residual = \"u_x - v_y + u*v\"; }, { residual = \"u_y + v_x\"; weight = 3.0; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u - x*y\"; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
    "points: { interior = { count = 220; }; conditions = { count = 30; }; }; network: { hidden = [40, 40]; };";
/* More inputs than columns, so that the first layer goes that way too. */
static const char many_coordinates[] =
    "problem: { coordinates = [\"x[12]\"]; fields = [\"u\"];\n"
    "  equations = ( { residual = \"d(u, x[0]) + 2*d(u, x[7]) + u^2 - x[3]\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u\"; } ); };\n"
    "domain: { type = \"ball\"; radius = 1.0; };\n"
    "points: { interior = { count = 300; }; conditions = { count = 90; }; }; network: { hidden = [20, 12]; };";
/* Columns that collapse with coefficients of the point: the first layer's inputs are no constants. */
static const char transport[] =
    "problem: { coordinates = [\"x\", \"y\", \"z\", \"s\"]; fields = [\"u\"];\n"
    "  equations = ( { residual = \"(1 + y)*u_x + x*u_y + sin(z)*u_z - u*u\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u_x - u\"; } ); };\n"
    "domain: { type = \"box\"; lower = [0.0, -1.0, 0.0, 0.0]; upper = [1.0, 2.0, 1.0, 1.0]; };\n"
    "points: { interior = { count = 300; }; conditions = { count = 90; }; }; network: { hidden = [30, 20]; };";
/* The same with an affine part, and with coordinates that share inputs, some of which are constants. */
static const char transport_affine[] =
    "problem: { coordinates = [\"x[12]\", \"s\"]; fields = [\"u\", \"v\"];\n"
    "  equations = ( { residual = \"(1 + x[1])*d(u, x[0]) + x[0]*d(u, x[5]) + sin(s)*d(u, s) - u*v + "
    "d(v, x[2])*d(v, x[8])\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"d(u, x[0]) - v\"; } ); };\n"
    "domain: { type = \"box\"; lower = -1.0; upper = 1.5; };\n"
    "points: { interior = { count = 150; }; conditions = { count = 90; }; };\n"
    "network: { hidden = [20, 12]; affine = true; block = %d; };";
/* Many constant inputs, of compressed coordinates, in the interior alone; and others of the point beside them. */
static const char many_constants[] =
    "problem: { coordinates = [\"x[90]\"]; fields = [\"u\"]; transform: { u = \"%s\"; };\n"
    "  equations = ( { residual = \"laplacian(u) - u^3\"; }, { residual = \"laplacian(u)*u - x[3]\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u - x[3]\"; } ); };\n"
    "domain: { type = \"ball\"; radius = 1.0; };\n"
    "points: { interior = { sampler = \"uniform\"; count = 61; };\n"
    "  conditions = { sampler = \"uniform\"; count = 20; }; };\n"
    "network: { hidden = [18, 5]; affine = true; block = %d; };";
/* The same with one hidden layer, where each neuron has a direction of its own for the laplacian. */
static const char one_hidden_layer[] =
    "problem: { coordinates = [\"x[90]\", \"t\"]; fields = [\"u\"]; transform: { u = \"%s\"; };\n"
    "  equations = ( { residual = \"u_t - laplacian(u) - u^3\"; }, { residual = \"laplacian(u)*u - x[3]\"; } );\n"
    "  conditions = ( { on = \"t = 0\"; residual = \"u - laplacian(u)\"; } ); };\n"
    "domain: { lower = [-1.0]; upper = [1.0]; };\n"
    "points: { interior = { sampler = \"uniform\"; count = 61; };\n"
    "  conditions = { sampler = \"uniform\"; count = 20; }; };\n"
    "network: { hidden = [18]; affine = true; block = %d; };";
/* A quadratic form: with derivatives along constants and along the point, with coefficients of the point before second
   derivatives, of several fields; and compressed, with blocks of rows that have other derivatives. */
static const char form_of_fields[] =
    "problem: { coordinates = [\"x[5]\", \"s\"]; fields = [\"u\", \"v\"];\n"
    "  equations = ( { residual = \"(1 + x[1])*d(u, x[0], x[2]) + x[0]*d(u, x[3], x[3]) + sin(s)*d(u, s) - u*v + "
    "d(v, x[2])*d(v, x[4])\"; }, { residual = \"d(v, x[0]) + d(d(u, x[1]), s)\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"d(u, x[0]) - v\"; } ); };\n"
    "domain: { type = \"box\"; lower = -1.0; upper = 1.5; };\n"
    "points: { interior = { count = 150; }; conditions = { count = 90; }; };\n"
    "network: { hidden = [12]; affine = true; quadratic = \"%s\"; block = %d; };";
static const char form_compressed[] =
    "problem: { coordinates = [\"x[40]\"]; fields = [\"u\"]; transform: { u = \"%s\"; };\n"
    "  equations = ( { residual = \"laplacian(u) - u^3\"; }, { residual = \"laplacian(u)*u - x[3]\"; } );\n"
    "  conditions = ( { on = \"boundary\"; residual = \"u - x[3]*d(u, x[2])\"; } ); };\n"
    "domain: { type = \"ball\"; radius = 1.0; };\n"
    "points: { interior = { sampler = \"uniform\"; count = 61; };\n"
    "  conditions = { sampler = \"uniform\"; count = 20; }; };\n"
    "network: { hidden = [%s]; quadratic = \"%s\"; normalize = %s; };";
/* Points and sweeps fit, what would be stored does not. */
static const char short_of_memory[] = POISSON "network: { hidden = [50, 45, 40]; }; limits: { memory = %g; };";
static const char short_of_memory_flow[] = FLOW "network: { hidden = [7, 9]; }; limits: { memory = %g; };";

typedef struct {
  Case c;
  Rows rows;
  Vec theta, v, y;
  size_t m, n, all; /* local rows, parameters, all rows */
  int rank, size, start[9];
  double *w, *Jv, *r, *J, *J_all; /* by sweeping: r, J and J of all ranks */
} Fixture;

static double norm(size_t n, const double a[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += a[k] * a[k];
  return sqrt(sum);
}

/* Largest difference, relative to the largest number. */
static double difference(size_t n, const double a[], const double b[])
{
  double most = 0.0, large = 1e-300;
  for (size_t k = 0; k < n; k++) {
    most = fmax(most, fabs(a[k] - b[k]));
    large = fmax(large, fabs(b[k]));
  }
  return most / large;
}

static void set_up(Fixture *f, const char *text)
{
  int n_row, counts[8], starts[8];
  double loss;
  ck_petsc(CaseCreate(text, &f->c));
  f->rows = ResidualRows(f->c.residual);
  f->m = (size_t)f->rows->n_row, f->n = f->rows->n_param, f->all = (size_t)f->rows->n_row_global;
  ck_assert_uint_le(f->n, 20000);
  MPI_Comm_rank(PETSC_COMM_WORLD, &f->rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &f->size);
  ck_petsc(ResidualCreateTheta(f->c.residual, &f->theta));
  ck_petsc(VecDuplicate(f->theta, &f->v));
  ck_petsc(VecDuplicate(f->theta, &f->y));
  CaseFillVec(0.6, 0.0, f->theta);
  CaseFillVec(0.6, 1.0, f->v);
  ck_petsc(PetscMalloc5(f->m, &f->w, f->m, &f->Jv, f->m, &f->r, f->m * f->n, &f->J, f->all * f->n, &f->J_all));
  for (size_t k = 0; k < f->m; k++) f->w[k] = cos(7.7 * (double)k + f->rank);
  ck_petsc(f->rows->ops->jacobian(f->rows->self, f->theta, 0, f->n, f->r, f->J, f->n));
  ck_petsc(f->rows->ops->evaluate(f->rows->self, f->theta, f->r, &loss));
  n_row = (int)f->m;
  MPI_Allgather(&n_row, 1, MPI_INT, f->start + 1, 1, MPI_INT, PETSC_COMM_WORLD);
  f->start[0] = 0;
  for (int k = 0; k < f->size; k++) {
    f->start[k + 1] += f->start[k];
    counts[k] = (f->start[k + 1] - f->start[k]) * (int)f->n;
    starts[k] = f->start[k] * (int)f->n;
  }
  MPI_Allgatherv(f->J, (int)(f->m * f->n), MPI_DOUBLE, f->J_all, counts, starts, MPI_DOUBLE, PETSC_COMM_WORLD);
}

static void tear_down(Fixture *f)
{
  ck_petsc(PetscFree5(f->w, f->Jv, f->r, f->J, f->J_all));
  ck_petsc(VecDestroy(&f->theta));
  ck_petsc(VecDestroy(&f->v));
  ck_petsc(VecDestroy(&f->y));
  ck_petsc(CaseDestroy(&f->c));
}

/* r, J v, J^T w and J after linearize against those before it, without a sweep where stored. */
static void check_products(Fixture *f, bool stored)
{
  const RowsOps *ops = f->rows->ops;
  double *Jv, *y, *y2, *J, *r, loss, loss2, sums[2];
  ck_petsc(PetscMalloc5(f->m, &Jv, f->n, &y, f->n, &y2, f->m * f->n, &J, f->m, &r));
  ck_petsc(ops->apply(f->rows->self, f->theta, f->v, f->Jv));
  ck_petsc(ops->apply_transpose(f->rows->self, f->theta, f->w, f->y));
  ck_petsc(ResidualGatherTheta(f->c.residual, f->y, y));
  ck_petsc(ops->evaluate(f->rows->self, f->theta, NULL, &loss));
  ck_petsc(RowsLinearize(f->rows, f->theta, r, &loss2));
  ck_assert_int_eq(f->c.residual->linearization->fits, stored);
  ck_near(loss2, loss, 1e-14, 0);
  ck_assert_double_le(difference(f->m, r, f->r), 1e-14);
  const double evaluated = ResidualRowsEvaluated(f->c.residual);
  ck_petsc(ops->apply(f->rows->self, f->theta, f->v, Jv));
  ck_assert_double_le(difference(f->m, Jv, f->Jv), 1e-13);
  ck_petsc(ops->apply_transpose(f->rows->self, f->theta, f->w, f->y));
  ck_petsc(ResidualGatherTheta(f->c.residual, f->y, y2));
  ck_assert_double_le(difference(f->n, y2, y), 1e-13);
  ck_petsc(ops->jacobian(f->rows->self, f->theta, 0, f->n, r, J, f->n));
  ck_assert_double_le(difference(f->m * f->n, J, f->J), 1e-13);
  ck_assert_double_le(difference(f->m, r, f->r), 1e-14);
  const size_t count = f->n - f->rows->last_begin;
  ck_petsc(ops->jacobian(f->rows->self, f->theta, f->rows->last_begin, count, r, J, count));
  for (size_t i = 0; i < f->m; i++)
    ck_assert_double_le(difference(count, J + i * count, f->J + i * f->n + f->rows->last_begin), 1e-12);
  if (stored) ck_assert_double_eq(ResidualRowsEvaluated(f->c.residual), evaluated);

  ck_petsc(VecDot(f->y, f->v, &sums[0])); /* <J^T w, v> = <w, J v> */
  sums[1] = 0.0;
  for (size_t k = 0; k < f->m; k++) sums[1] += f->w[k] * Jv[k];
  MPI_Allreduce(MPI_IN_PLACE, &sums[1], 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  ck_near(sums[0], sums[1], 1e-13, 1e-12);
  ck_petsc(PetscFree5(Jv, y, y2, J, r));
}

/* J S^2 J^T twice: right, in some entries of each row where J is large, and the same bit for bit. */
static void check_gram(Fixture *f, const double scaling[])
{
  const size_t n = f->n, ld = f->all + 3, stride = n < 1000 ? 1 : 7;
  double *K, *again, *lengths;
  ck_petsc(PetscMalloc3(f->m * ld, &K, f->m * ld, &again, f->all, &lengths));
  memset(K, 0xff, f->m * ld * sizeof(double));
  memset(again, 0xff, f->m * ld * sizeof(double));
  ck_petsc(RowsGram(f->rows, f->theta, scaling, K, ld));
  ck_petsc(RowsGram(f->rows, f->theta, scaling, again, ld));
  double *S = scaling ? f->J_all : NULL;
  for (size_t i = 0; i < f->all; i++) lengths[i] = norm(n, f->J_all + i * n);
  for (size_t i = 0; i < f->m; i++) {
    const double *a = f->J + i * n;
    const size_t row = (size_t)f->start[f->rank] + i;
    for (size_t j = row % stride; j < f->all; j += stride) {
      const double *b = f->J_all + j * n;
      double sum = 0.0;
      for (size_t k = 0; k < n; k++) sum += a[k] * b[k] * (S ? scaling[k] * scaling[k] : 1.0);
      ck_near(K[i * ld + j], sum, 0, 1e-13 * lengths[row] * lengths[j]);
    }
    ck_assert(!memcmp(K + i * ld, again + i * ld, f->all * sizeof(double)));
    ck_assert(isnan(K[i * ld + f->all])); /* what lies between the rows stays as it was */
  }
  ck_petsc(PetscFree3(K, again, lengths));
}

/* J^T J, J^T r of the local rows, and the diagonal of all rows. */
static void check_normal(Fixture *f)
{
  const size_t n = f->n, ld = n + 1;
  double *N, *b, *d;
  ck_petsc(PetscMalloc3(n * ld, &N, n, &b, n, &d));
  ck_petsc(RowsNormal(f->rows, f->theta, N, ld, b));
  ck_petsc(RowsDiagonal(f->rows, f->theta, d));
  for (size_t k = 0; k < n; k++) {
    double sum = 0.0, right = 0.0, size = 0.0;
    for (size_t i = 0; i < f->all; i++) sum += f->J_all[i * n + k] * f->J_all[i * n + k];
    ck_near(d[k], sum, 1e-12, 1e-300);
    for (size_t i = 0; i < f->m; i++) {
      right += f->J[i * n + k] * f->r[i];
      size += fabs(f->J[i * n + k] * f->r[i]);
    }
    ck_near(b[k], right, 0, 1e-13 * size);
    for (size_t j = k % 7; j <= k; j += 7) {
      sum = size = 0.0;
      for (size_t i = 0; i < f->m; i++) {
        sum += f->J[i * n + k] * f->J[i * n + j];
        size += fabs(f->J[i * n + k] * f->J[i * n + j]);
      }
      ck_near(N[k * ld + j], sum, 0, 1e-13 * size);
    }
  }
  ck_petsc(PetscFree3(N, b, d));
}

static void check(const char *text, bool stored)
{
  Fixture f;
  double *scaling;
  set_up(&f, text);
  check_products(&f, stored);
  ck_petsc(PetscMalloc1(f.n, &scaling));
  for (size_t k = 0; k < f.n; k++) scaling[k] = 0.6 + 0.4 * sin(3.3 * (double)k);
  check_gram(&f, NULL);
  check_gram(&f, scaling);
  if (f.n < 1000) check_normal(&f);
  ck_petsc(PetscFree(scaling));
  tear_down(&f);
}

START_TEST(several_equations_fields_and_normals)
{
  check(flow, true);
}
END_TEST

/* Every type, with direct parameters, several networks, layers that are swept twice. */
static const char *const types[] = {
    "hidden = [7, 9]; factorize = [0.5, 0.2];",
    "type = \"fourier\"; features = 5; hidden = [7]; scale = 2.0;",
    "type = \"fourier\"; features = 5; hidden = [7]; scale = [1.0, 2.0]; train_features = true;",
    "type = \"siren\"; hidden = [7, 6]; omega = 3.0;",
    "type = \"modified-mlp\"; hidden = [6, 6]; periodic = \"y\"; harmonics = 2;",
    "type = \"piratenet\"; hidden = [6, 6]; factorize = [0.5, 0.2];",
    "type = \"separable\"; hidden = [5]; rank = 6;",
    "type = \"fields\"; of = ( { hidden = [5]; }, { type = \"siren\"; hidden = [6]; omega = 2.0; },\n"
    "  { type = \"piratenet\"; hidden = [4]; scale = 2.0; } );",
};

START_TEST(all_types)
{
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    char text[2048];
    snprintf(text, sizeof(text), FLOW "network: { %s };", types[k]);
    check(text, true);
  }
}
END_TEST

/* J^T J v, J^T r and the loss of all ranks together against those of this rank alone. */
static void check_alone(const char *text)
{
  Fixture f;
  Residual one;
  Vec theta, v, y;
  double loss[2], *r, *Jv, *all, *alone;
  set_up(&f, text);
  ck_petsc(ResidualCreate(PETSC_COMM_SELF, f.c.config, f.c.problem, f.c.domain, f.c.network, &one));
  const Rows rows = ResidualRows(one);
  ck_assert_int_eq(rows->n_row, f.rows->n_row_global);
  ck_petsc(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)f.n, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &y));
  CaseFillVec(0.6, 0.0, theta);
  CaseFillVec(0.6, 1.0, v);
  ck_petsc(PetscMalloc4(rows->n_row, &r, rows->n_row, &Jv, f.n, &all, f.n, &alone));
  ck_petsc(f.rows->ops->evaluate(f.rows->self, f.theta, f.r, &loss[0]));
  ck_petsc(rows->ops->evaluate(rows->self, theta, r, &loss[1]));
  ck_near(loss[0], loss[1], 1e-13, 0);
  ck_petsc(f.rows->ops->apply(f.rows->self, f.theta, f.v, f.Jv));
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  for (int gradient = 0; gradient < 2; gradient++) {
    ck_petsc(f.rows->ops->apply_transpose(f.rows->self, f.theta, gradient ? f.r : f.Jv, f.y));
    ck_petsc(rows->ops->apply_transpose(rows->self, theta, gradient ? r : Jv, y));
    ck_petsc(ResidualGatherTheta(f.c.residual, f.y, all));
    ck_petsc(ResidualGatherTheta(one, y, alone));
    ck_assert_double_le(difference(f.n, all, alone), 1e-12);
  }
  ck_petsc(PetscFree4(r, Jv, all, alone));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&y));
  ck_petsc(ResidualDestroy(&one));
  tear_down(&f);
}

START_TEST(ranks_do_not_matter_to_any_type)
{
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    char text[2048];
    snprintf(text, sizeof(text), FLOW "network: { %s };", types[k]);
    check_alone(text);
  }
  check_alone(features);
}
END_TEST

START_TEST(a_frozen_layer)
{
  check(features, true);
}
END_TEST

START_TEST(collapsed_columns_and_wide_layers)
{
  check(poisson, true);
}
END_TEST

START_TEST(several_equations_in_wide_layers)
{
  check(cauchy_riemann, true);
}
END_TEST

START_TEST(more_inputs_than_columns)
{
  check(many_coordinates, true);
}
END_TEST

START_TEST(seeds_that_depend_on_the_point)
{
  Case c;
  bool vary = false;
  ck_petsc(CaseCreate(transport, &c));
  const JetPlan plan = ProbePlan(c.residual->blocks[0].probe);
  for (int k = 1; k < JetPlanColumns(plan); k++) vary = vary || JetPlanSeedsVary(plan, k);
  ck_assert(vary);
  ck_petsc(CaseDestroy(&c));
  check(transport, true);
}
END_TEST

START_TEST(an_affine_part_and_shared_inputs)
{
  for (int block = 1; block <= 5; block += 4) {
    char text[1024];
    snprintf(text, sizeof(text), transport_affine, block);
    check(text, true);
  }
}
END_TEST

START_TEST(a_quadratic_form_of_several_fields)
{
  for (int k = 0; k < 4; k++) {
    char text[1024];
    snprintf(text, sizeof(text), form_of_fields, k % 2 ? "full" : "diagonal", k < 2 ? 1 : 5);
    check(text, true);
    check_alone(text);
  }
}
END_TEST

START_TEST(a_quadratic_form_beside_compressed_coordinates)
{
  for (int k = 0; k < 8; k++) {
    char text[1024];
    snprintf(text, sizeof(text), form_compressed, k & 1 ? "(2 - norm2(x))*net" : "net", k & 2 ? "9, 5" : "9",
             k & 4 ? "full" : "diagonal", k & 1 ? "false" : "true");
    check(text, true);
    if (k % 3 == 0) check_alone(text);
  }
}
END_TEST

START_TEST(many_constant_inputs)
{
  for (int k = 0; k < 3; k++) {
    char text[1024];
    Case c;
    snprintf(text, sizeof(text), many_constants, k == 1 ? "(2 - norm2(x))*net" : "net", k == 2 ? 3 : 1);
    ck_petsc(CaseCreate(text, &c));
    ck_petsc(LinearizationPrepare(c.residual));
    const NetworkStore store = c.residual->linearization->stores[0];
    ck_assert_int_eq(NetworkStoreConstants(store, 0), 19);
    if (k < 2)
      ck_assert_double_le(NetworkStoreReducedFlops(store, store, 0),
                          fmin(NetworkStoreDenseFlops(store, store, 0), NetworkStoreGramFlops(store, store, 0)));
    ck_petsc(CaseDestroy(&c));
    check(text, true);
  }
}
END_TEST

START_TEST(constants_that_neurons_have_of_their_own)
{
  for (int k = 0; k < 4; k++) {
    char text[1024];
    Case c;
    snprintf(text, sizeof(text), one_hidden_layer, k % 2 ? "(2 - norm2(x))*net" : "net", k > 1 ? 3 : 1);
    ck_petsc(CaseCreate(text, &c));
    ck_petsc(LinearizationPrepare(c.residual));
    const NetworkStore store = c.residual->linearization->stores[0];
    ck_assert_uint_eq(NetworkStoreConstantSets(store, 0), 18);
    ck_assert_double_le(NetworkStoreReducedFlops(store, store, 0), NetworkStoreDenseFlops(store, store, 0));
    ck_petsc(CaseDestroy(&c));
    check(text, true);
  }
}
END_TEST

START_TEST(mixed_derivatives_of_fourth_order)
{
  check(fourth_order, true);
}
END_TEST

/* The limit lies between what points and sweeps need and that with what would be stored. */
static void check_short(const char *text)
{
  Case c;
  char limited[2048];
  snprintf(limited, sizeof(limited), text, 1e6);
  ck_petsc(CaseCreate(limited, &c));
  double need[2] = {ResidualMemoryMB(c.residual), ResidualLinearizationMB(c.residual)};
  MPI_Allreduce(MPI_IN_PLACE, need, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  ck_petsc(CaseDestroy(&c));
  snprintf(limited, sizeof(limited), text, need[0] + 0.5 * need[1]);
  check(limited, false);
}

START_TEST(short_memory_sweeps_again_with_the_same_results)
{
  check_short(short_of_memory);
  check_short(short_of_memory_flow);
}
END_TEST

/* Adjoints in single precision: what is stored has its rounding, products add none. */
START_TEST(single_precision_is_stored_as_it_is_swept)
{
  const char *const cases[] = {POISSON "network: { hidden = [50, 45, 40]; }; precision = \"single\";",
                               POISSON "network: { hidden = [50, 45, 40]; }; precision = \"mixed\";"};
  for (int k = 0; k < 2; k++) {
    Fixture f;
    double *Jv, *J, *r, *K, loss, sum = 0.0;
    set_up(&f, cases[k]);
    ck_petsc(PetscMalloc4(f.m, &Jv, f.m * f.n, &J, f.m, &r, f.m * f.all, &K));
    ck_petsc(f.rows->ops->apply(f.rows->self, f.theta, f.v, f.Jv));
    ck_petsc(RowsLinearize(f.rows, f.theta, r, &loss));
    ck_petsc(f.rows->ops->apply(f.rows->self, f.theta, f.v, Jv));
    ck_assert_double_le(difference(f.m, r, f.r), k ? 1e-14 : 1e-6);
    ck_assert_double_le(difference(f.m, Jv, f.Jv), 3e-6);
    ck_petsc(f.rows->ops->jacobian(f.rows->self, f.theta, 0, f.n, r, J, f.n));
    ck_assert_double_le(difference(f.m * f.n, J, f.J), 3e-6);
    ck_petsc(RowsGram(f.rows, f.theta, NULL, K, f.all));
    for (size_t j = 0; j < f.n; j++) sum += J[j] * J[j];
    ck_near(K[f.start[f.rank]], sum, 1e-13, 0);
    ck_petsc(PetscFree4(Jv, J, r, K));
    tear_down(&f);
  }
}
END_TEST

START_TEST(another_theta_or_other_points_are_not_mistaken)
{
  Fixture f;
  double *a, *b, loss;
  bool changed;
  set_up(&f, POISSON "network: { hidden = [8]; };");
  ck_petsc(PetscMalloc2(f.m, &a, f.m, &b));
  ck_petsc(VecShift(f.theta, 0.125));
  ck_petsc(f.rows->ops->apply(f.rows->self, f.theta, f.v, a));
  ck_petsc(VecShift(f.theta, -0.125));
  ck_petsc(RowsLinearize(f.rows, f.theta, NULL, &loss));
  ck_petsc(VecShift(f.theta, 0.125));
  ck_petsc(f.rows->ops->apply(f.rows->self, f.theta, f.v, b));
  ck_assert(!memcmp(a, b, f.m * sizeof(double)));
  ck_petsc(PetscFree2(a, b));
  tear_down(&f);
  set_up(&f, "problem: { coordinates = [\"x\"]; fields = [\"u\"]; equations = ( { residual = \"u_xx\"; } ); };\n"
             "domain: { lower = [0.0]; upper = [1.0]; };\n"
             "points: { interior = { count = 50; resample = 3; }; }; network: { hidden = [8]; };");
  ck_petsc(PetscMalloc2(f.m, &a, f.m, &b));
  ck_petsc(RowsLinearize(f.rows, f.theta, a, &loss));
  ck_petsc(f.rows->ops->update(f.rows->self, f.theta, 3, &changed));
  ck_assert(changed);
  ck_petsc(RowsLinearize(f.rows, f.theta, b, &loss));
  ck_assert(!f.m || memcmp(a, b, f.m * sizeof(double)));
  ck_petsc(f.rows->ops->evaluate(f.rows->self, f.theta, a, &loss));
  ck_assert_double_le(difference(f.m, b, a), 1e-14);
  ck_petsc(PetscFree2(a, b));
  tear_down(&f);
}
END_TEST

TEST_SUITE("residual_linearization", several_equations_fields_and_normals, all_types, ranks_do_not_matter_to_any_type,
           a_frozen_layer, collapsed_columns_and_wide_layers, several_equations_in_wide_layers,
           more_inputs_than_columns, seeds_that_depend_on_the_point, an_affine_part_and_shared_inputs,
           a_quadratic_form_of_several_fields, a_quadratic_form_beside_compressed_coordinates, many_constant_inputs,
           constants_that_neurons_have_of_their_own, mixed_derivatives_of_fourth_order,
           short_memory_sweeps_again_with_the_same_results, single_precision_is_stored_as_it_is_swept,
           another_theta_or_other_points_are_not_mistaken)
