/* Every stage, preconditioner and rule for new points goes the same way on one, two and four ranks. Runs alone, and
   under mpirun with CK_FORK=no: the world is cut into groups of ranks, each of which solves the case by itself. */
#include "case_fixture.h"
#include "stages_fixture.h"

#define ITERATIONS 5
#define MOST_PARAM 256
#define AGREEMENT  1e-9

#define MLP    "hidden = [6, 5];"
#define SINES  STAGE_SINES
#define KRYLOV "dense = false; damping = 1e3; inner_iterations = 5; "

/* A rounding error grows with every iteration of cg once its largest Ritz values have converged (1e-16 after 5, 1e-4
   after 12, without a preconditioner), and the eigenbases of soap and shampoo have directions in which a gradient has
   nothing but rounding: few iterations here, and an epsilon above that. */
static const StageRow rows[] = {
    {"adam", "schedule = \"cosine\"; warmup = 3;", MLP, "", ""},
    {"lbfgs", "history = 3;", MLP, "", ""},
    {"ssbfgs", "", MLP, "", ""},
    {"ssbroyden", "", MLP, "", ""},
    {"soap", "refresh = 2; epsilon = 1e-4;", MLP, "", ""},
    {"shampoo", "refresh = 2; epsilon = 1e-6;", MLP, "", ""},
    {"fosi", "every = 3; eigenpairs = 3;", MLP, "", ""},
    {"fosi", "every = 3; eigenpairs = 3; base = \"soap\"; refresh = 2;", MLP, "", ""},
    {"fosi", "every = 3; eigenpairs = 3; base = \"shampoo\"; refresh = 2; epsilon = 1e-6;", MLP, "", ""},
    {"mfac", "history = 4;", MLP, "", ""},
    {"gauss-newton", "", MLP, "", ""},
    {"gauss-newton", "method = \"qr\";", MLP, "", ""},
    {"gauss-newton", "method = \"svd\";", MLP, "", ""},
    {"gauss-newton", "method = \"normal\";", MLP, "", ""},
    {"gauss-newton", "method = \"kernel\";", MLP, "", ""},
    {"gauss-newton", "damping_rule = \"gradient-normalized\"; length = \"damped-newton\"; geodesic = false;", MLP, "",
     ""},
    {"kfac", "refresh = 2;", MLP, "", ""},
    {"kfac-star", "refresh = 2; average = 0.5;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "momentum = 0.5;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"nystrom\"; rank = 6; krylov = \"lsqr\";", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"ekfac\";", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"kfac\"; refresh = 2;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"shampoo\";", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"layerwise\";", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"deflated\"; rank = 4;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"diagonal\"; deflate = 3;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"none\"; geodesic = false;", MLP, "", ""},
    {"gauss-newton-krylov", KRYLOV "precond = \"operator\";", SINES, "", ""},
    /* chosen by time, so that only what all of them come to can agree: solves to the last bit, which damping of 1e6
       gives all of them, and 1e4 all but kfac (5e-7) */
    {"gauss-newton-krylov", "dense = false; damping = 1e6; precond = \"auto\"; model_tolerance = 1e-30;", MLP, "", ""},
    {"gauss-newton-sketched", "sketch_columns = 20;", MLP, "", ""},
    {"spring", "", MLP, "", ""},
    {"least-squares", "", SINES, "", ""},
    {"least-squares", "", SINES " scale_search = true;", "", ""},
    {"lbfgs", "", MLP, "adapt = 2;", ""},
    {"spring", "", MLP, "sampler = \"uniform\"; resample = 2;", ""},
    {"gauss-newton", "", MLP, "causal = [0.1, 1.0]; causal_every = 2;", ""},
};
#define N_ROW (sizeof(rows) / sizeof(rows[0]))

/* What a group of ranks comes to. */
typedef struct {
  size_t n_param;
  int n_iteration;
  OptimizerReason reason;
  double theta[MOST_PARAM], loss[ITERATIONS + 1];
} Trace;

static PetscErrorCode record(Optimizer optimizer, const Progress *progress, Vec theta, void *context, bool *stop)
{
  Trace *trace = context;
  PetscFunctionBegin;
  (void)optimizer, (void)theta, (void)stop;
  trace->loss[trace->n_iteration++] = progress->loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void solve(MPI_Comm comm, const StageRow *row, Trace *trace)
{
  Case c;
  Optimizer optimizer;
  Vec theta;
  *trace = (Trace){0};
  ck_petsc(CaseCreateOn(comm, stage_text(row, ITERATIONS, 41, 9, ""), &c));
  trace->n_param = NetworkParameters(c.network);
  ck_assert_uint_le(trace->n_param, MOST_PARAM);
  NetworkInitialize(c.network, trace->theta);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(ResidualScatterTheta(c.residual, trace->theta, theta));
  ck_petsc(OptimizerCreate(c.config, 0, ResidualRows(c.residual), &optimizer));
  ck_petsc(OptimizerSetMonitor(optimizer, record, trace));
  ck_petsc(OptimizerSolve(optimizer, theta, &trace->reason));
  ck_petsc(ResidualGatherTheta(c.residual, theta, trace->theta));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(CaseDestroy(&c));
}

static double difference(size_t n, const double a[], const double b[])
{
  double apart = 0.0, length = 0.0;
  for (size_t k = 0; k < n; k++) apart += (a[k] - b[k]) * (a[k] - b[k]), length += b[k] * b[k];
  return sqrt(apart / length);
}

static void check_same(const StageRow *row, int n_rank, const Trace *a, const Trace *b)
{
  const char *keys = row->keys;
  ck_assert_msg(a->n_iteration == b->n_iteration && a->reason == b->reason,
                "%s { %s } on %d ranks: %d iterations, not %d", row->stage, keys, n_rank, a->n_iteration,
                b->n_iteration);
  const double theta = difference(a->n_param, a->theta, b->theta);
  ck_assert_msg(theta <= AGREEMENT, "%s { %s } on %d ranks: theta is %g apart", row->stage, keys, n_rank, theta);
  for (int k = 0; k < a->n_iteration; k++)
    ck_assert_msg(fabs(a->loss[k] - b->loss[k]) <= AGREEMENT * b->loss[k],
                  "%s { %s } on %d ranks, iteration %d: the loss is %.17g, not %.17g", row->stage, keys, n_rank, k,
                  a->loss[k], b->loss[k]);
}

START_TEST(ranks_agree)
{
  const StageRow *row = &rows[_i];
  PetscMPIInt size, rank;
  MPI_Comm group;
  Trace alone, shared;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  solve(PETSC_COMM_SELF, row, &alone);
  ck_assert_int_gt(alone.n_iteration, 1);
  ck_assert(alone.loss[alone.n_iteration - 1] != alone.loss[0]);
  for (int n_rank = 2; n_rank <= PetscMax(2, size); n_rank *= 2) {
    MPI_Comm_split(PETSC_COMM_WORLD, rank / n_rank, rank, &group);
    solve(group, row, &shared);
    MPI_Comm_free(&group);
    check_same(row, PetscMin(n_rank, size), &shared, &alone);
  }
}
END_TEST

START_TEST(no_choice_is_left_out)
{
  stage_check_rows(N_ROW, rows, (const char *const[]){NULL});
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("run ranks");
  TCase *tcase = tcase_create("ranks");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, ranks_agree, 0, (int)N_ROW);
  tcase_add_test(tcase, no_choice_is_left_out);
  suite_add_tcase(suite, tcase);
  return suite;
}
