/* First layers that threads share, against the same case swept by each thread for itself: rows and gradients to
   rounding, whatever the number of threads, on one rank and under mpirun with CK_FORK=no. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include "case_fixture.h"

enum { D = 40, H = 12 };

typedef struct {
  Case c;
  Vec theta, gradient;
  double loss, *r, *g; /* g in full */
  size_t n_param;
} Swept;

/* On one rank or all; wide: the least input weights that make the first layer a wide one. */
static Swept sweep(MPI_Comm comm, const char *text, const char *estimator, double wide, int threads)
{
  const double *lower, *upper;
  const char *names[D];
  char whole[2048];
  Swept s = {0};
  Case *c = &s.c;
  omp_set_num_threads(threads);
  snprintf(whole, sizeof(whole), "%s estimator: { %s };", text, estimator);
  ck_petsc(ConfigLoadText("test.cfg", whole, 0, NULL, &c->config));
  ck_petsc(ProblemCreate(c->config, &c->problem));
  for (int i = 0; i < D; i++) names[i] = FormulaCoordinateName(ProblemFormula(c->problem), i);
  ck_petsc(DomainCreate(c->config, ProblemFormula(c->problem), &c->domain));
  DomainBounds(c->domain, &lower, &upper);
  ck_petsc(NetworkCreate(c->config, D, names, 1, lower, upper, &c->network));
  NetworkSetWide(c->network, wide);
  ck_petsc(ResidualCreate(comm, c->config, c->problem, c->domain, c->network, &c->residual));
  const Rows rows = ResidualRows(c->residual);
  s.n_param = rows->n_param;
  ck_assert_int_eq(NetworkIsWide(c->network), wide < 1e3);
  ck_assert_int_eq(rows->n_thread, wide < 1e3 ? 1 : threads);
  ck_petsc(ResidualCreateTheta(c->residual, &s.theta));
  ck_petsc(VecDuplicate(s.theta, &s.gradient));
  CaseFillVec(0.2, 0.3, s.theta);
  s.r = calloc((size_t)rows->n_row + 1, sizeof(double));
  s.g = calloc(s.n_param, sizeof(double));
  ck_petsc(rows->ops->gradient(rows->self, s.theta, &s.loss, s.gradient));
  ck_petsc(ResidualGatherTheta(c->residual, s.gradient, s.g));
  double loss;
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, s.r, &loss));
  ck_near(loss, s.loss, 1e-13, 0);
  omp_set_num_threads(1);
  return s;
}

static void destroy(Swept *s)
{
  free(s->r);
  free(s->g);
  ck_petsc(VecDestroy(&s->theta));
  ck_petsc(VecDestroy(&s->gradient));
  ck_petsc(CaseDestroy(&s->c));
}

static void assert_close(size_t n, const double a[], const double b[], double tolerance)
{
  double difference = 0, size = 0;
  for (size_t k = 0; k < n; k++) difference = fmax(difference, fabs(a[k] - b[k])), size = fmax(size, fabs(b[k]));
  ck_assert_double_gt(size, 0);
  ck_assert_double_le(difference, tolerance * size);
}

#define BALL                                                                                                           \
  "problem: { coordinates = [\"x[40]\"]; fields = [\"u\"]; exact: { u = \"(1 - norm2(x))*sin(x[0])\"; };\n"            \
  "  transform: { u = \"(1 - norm2(x))*net\"; };\n"                                                                    \
  "  equations = ( { residual = \"laplacian(u) + u - u^3 - f\"; manufactured = \"f\"; } ); };\n"                       \
  "domain: { type = \"ball\"; }; points: { interior = { sampler = \"uniform\"; count = 75; }; heldout = 10; };\n"

static const char *const estimators[] = {"type = \"exact\";", "type = \"auto\";", "type = \"stde\"; directions = 16;",
                                         "type = \"stde\"; directions = 16; unbiased = true;"};
static const char *const networks[] = {"network: { hidden = [12, 9]; normalize = false; };",
                                       "network: { hidden = [12, 9]; affine = true; };"};

START_TEST(shared_layers_are_swept_like_others)
{
  for (int k = 0; k < 8; k++) {
    char text[2048];
    snprintf(text, sizeof(text), "%s%s", BALL, networks[k / 4]);
    Swept narrow = sweep(PETSC_COMM_SELF, text, estimators[k % 4], 1e6, 1);
    Swept wide = sweep(PETSC_COMM_SELF, text, estimators[k % 4], 400, 1);
    Swept threads = sweep(PETSC_COMM_SELF, text, estimators[k % 4], 400, 3);
    Swept ranks = sweep(PETSC_COMM_WORLD, text, estimators[k % 4], 400, 1);
    ck_near(wide.loss, narrow.loss, 1e-12, 0);
    ck_near(ranks.loss, wide.loss, 1e-13, 0);
    assert_close(75, wide.r, narrow.r, 1e-12);
    assert_close(wide.n_param, wide.g, narrow.g, 1e-12);
    assert_close(wide.n_param, ranks.g, wide.g, 1e-12);
    assert_close(75, threads.r, wide.r, 1e-13);
    assert_close(wide.n_param, threads.g, wide.g, 1e-13);
    destroy(&narrow), destroy(&wide), destroy(&threads), destroy(&ranks);
  }
}
END_TEST

/* At the origin the values of the network need no column of W, so that what is read and written there are the columns
   of the directions. */
START_TEST(a_draw_touches_its_columns_alone)
{
  static const char text[] = "problem: { coordinates = [\"x[40]\"]; fields = [\"u\"];\n"
                             "  equations = ( { residual = \"laplacian(u) + u\"; } ); };\n"
                             "domain: { lower = -1.0; upper = 1.0; };\n"
                             "points: { interior = { sampler = \"grid\"; count = 1; }; heldout = 10; };\n"
                             "network: { hidden = [12, 9]; normalize = false; };";
  Swept s = sweep(PETSC_COMM_SELF, text, estimators[2], 400, 1);
  const Rows rows = ResidualRows(s.c.residual);
  int n_touched = 0;
  double *values, loss;
  ck_assert_int_eq(rows->n_row, 1);
  ck_petsc(VecGetArray(s.theta, &values));
  for (int i = 0; i < D; i++) {
    bool touched = false;
    for (int j = 0; j < H; j++) touched |= s.g[j * D + i] != 0;
    n_touched += touched;
    for (int j = 0; j < H && !touched; j++) values[j * D + i] += 1e3 + i;
  }
  ck_petsc(VecRestoreArray(s.theta, &values));
  ck_assert_int_eq(n_touched, 16);
  ck_petsc(rows->ops->evaluate(rows->self, s.theta, NULL, &loss));
  ck_assert(loss == s.loss);
  destroy(&s);
}
END_TEST

TEST_SUITE("residual wide", shared_layers_are_swept_like_others, a_draw_touches_its_columns_alone)
