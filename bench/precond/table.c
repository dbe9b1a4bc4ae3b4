/* table [--scaled] CASE.cfg LAMBDA [--set PATH=VALUE ...] [-- TYPE[ OPTION ...] ...]
   How many iterations of cg each preconditioner needs for the damped Gauss-Newton step (J^T J + lambda) x = J^T r of a
   case, at the end of its solver stages: until the decrease b.x - x.(J^T J + lambda) x / 2 of the model is within 10 %,
   1 % and 0.1 % of the largest. LAMBDA is relative to the largest eigenvalue of J^T J where it ends with "s". Each
   argument after -- is the value of -pc_type and options that go with it; times are of the processor, in products with
   J^T J. --scaled: for J D^{-1/2}, as gauss-newton-krylov does. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pinn/optimizer.h"
#include "pinn/precond.h"
#include "pinn/scaled_rows.h"
#include "../built.h"
#include "../../src/optimizer/lapack.h"

#define MOST_ITERATIONS 600
#define MOST_SETTINGS   64
#define N_MARK          3
#define EVENNESS        1e-2
#define TIMED           1 /* of the marks: the one whose time is shown */

static const double marks[N_MARK] = {0.1, 0.01, 0.001};

typedef struct {
  Built built;
  bool is_scaled;
  Rows scaled, rows; /* NULL, and what is solved for */
  Vec theta, b, x;
  Mat A;
  double lambda, largest; /* eigenvalue */
  double optimum;         /* of the model's decrease */
  double seconds;         /* of a product with A */
} Table;

/* Seconds of the processor so far. */
static double busy(void)
{
  struct timespec t;
  return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) ? NAN : (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static PetscErrorCode build_case(Table *t, const char *file, int n_setting, const char *const settings[])
{
  Config config;
  PetscMPIInt size;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCheck(size == 1, PETSC_COMM_WORLD, PETSC_ERR_SUP, "one rank, please");
  PetscCall(ConfigLoad(PETSC_COMM_SELF, file, n_setting, settings, &config));
  PetscCall(BuiltCreate(PETSC_COMM_SELF, config, &t->built));
  t->rows = ResidualRows(t->built.residual);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_stages(Table *t)
{
  PetscFunctionBegin;
  PetscCall(BuiltTheta(&t->built, &t->theta));
  for (int k = 0; k < ConfigCount(t->built.config, "solver"); k++) {
    Optimizer optimizer;
    OptimizerReason reason;
    PetscCall(OptimizerCreate(t->built.config, k, t->rows, &optimizer));
    PetscCall(OptimizerSolve(optimizer, t->theta, &reason));
    PetscCall(OptimizerDestroy(&optimizer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The spectrum of J J^T and the part of r in each eigenvector give lambda, where it is relative, and the optimum
   1/2 sum_i c_i^2 s_i / (s_i + lambda). Prints how many singular values count. */
static PetscErrorCode find_optimum(Table *t, const char *lambda)
{
  const size_t n = (size_t)t->rows->n_row;
  const GaussNewtonSystem *system;
  double *K, *s, optimum = 0.0;
  int above = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n * n, &K, n, &s));
  PetscCall(RowsGram(t->rows, t->theta, NULL, K, n));
  PetscCall(GaussNewtonGetSystem(t->A, &system));
  PetscCall(LapackEigen((PetscBLASInt)n, K, s));
  t->largest = s[n - 1];
  t->lambda = atof(lambda) * (strchr(lambda, 's') ? t->largest : 1.0);
  for (size_t i = 0; i < n; i++) {
    double c = 0.0;
    for (size_t k = 0; k < n; k++) c += K[i * n + k] * system->r[k];
    optimum += 0.5 * c * c * fmax(s[i], 0.0) / (fmax(s[i], 0.0) + t->lambda);
    above += s[i] > 1e-10 * t->largest;
  }
  t->optimum = optimum;
  printf("loss %.3g, %zu rows, %zu parameters, lambda %.3g, %d singular values of J above 1e-5 of the largest\n",
         system->loss, n, t->rows->n_param, t->lambda, above);
  PetscCall(PetscFree2(K, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode prepare(Table *t, const char *lambda)
{
  const GaussNewtonSystem *system;
  double start, end;
  PetscFunctionBegin;
  if (t->is_scaled) {
    PetscCall(ScaledRowsCreate(t->rows, &t->scaled));
    PetscCall(ScaledRowsSetPoint(t->scaled, t->theta, EVENNESS));
    t->rows = t->scaled;
  }
  PetscCall(GaussNewtonCreate(t->rows, &t->A));
  PetscCall(GaussNewtonSetPoint(t->A, t->theta, true));
  PetscCall(MatCreateVecs(t->A, &t->x, &t->b));
  PetscCall(find_optimum(t, lambda));
  PetscCall(GaussNewtonSetDamping(t->A, t->lambda));
  PetscCall(GaussNewtonGetSystem(t->A, &system));
  PetscCall(t->rows->ops->apply_transpose(t->rows->self, t->theta, system->r, t->b));
  PetscCall(MatMult(t->A, t->b, t->x));
  start = busy();
  for (int k = 0; k < 5; k++) PetscCall(MatMult(t->A, t->b, t->x));
  end = busy();
  t->seconds = (end - start) / 5.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const Table *table;
  PetscInt reached[N_MARK]; /* -1: not yet */
} Test;

/* At cg's iterates, which minimize the model over a space, the decrease is b.x / 2. */
static PetscErrorCode test_decrease(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason *reason, void *data)
{
  Test *test = data;
  Vec x;
  double product;
  PetscFunctionBegin;
  (void)norm;
  *reason = KSP_CONVERGED_ITERATING;
  if (!iteration) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPBuildSolution(ksp, NULL, &x));
  PetscCall(VecDot(test->table->b, x, &product));
  for (int k = 0; k < N_MARK; k++)
    if (test->reached[k] < 0 && 0.5 * product >= (1.0 - marks[k]) * test->table->optimum) test->reached[k] = iteration;
  if (test->reached[N_MARK - 1] >= 0) *reason = KSP_CONVERGED_RTOL;
  if (iteration >= MOST_ITERATIONS) *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line: the type and its options, iterations to the marks; in products, the time before the first iteration, of
   each, and of set-up and iterations to 1 %; and what `auto` chose. */
static PetscErrorCode print_type(const Table *t, const char *words)
{
  Test test = {t, {-1, -1, -1}};
  double start, ready, end;
  PetscInt iterations, choice;
  char options[512];
  PC pc;
  KSP ksp;
  PetscFunctionBegin;
  snprintf(options, sizeof(options), "-pc_type %s", words);
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsertString(NULL, options));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(KSPSetOperators(ksp, t->A, t->A));
  PetscCall(KSPSetTolerances(ksp, 0.0, 0.0, PETSC_DEFAULT, MOST_ITERATIONS + 1));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSetConvergenceTest(ksp, test_decrease, &test, NULL));
  start = busy();
  PetscCall(KSPSetUp(ksp));
  ready = busy();
  PetscCall(KSPSolve(ksp, t->b, t->x));
  end = busy();
  PetscCall(KSPGetIterationNumber(ksp, &iterations));
  printf("%-44s", words);
  for (int k = 0; k < N_MARK; k++)
    if (test.reached[k] < 0)
      printf(" %6s", ">600");
    else
      printf(" %6d", (int)test.reached[k]);
  const double setup = (ready - start) / t->seconds, each = (end - ready) / t->seconds / PetscMax(iterations, 1);
  printf(" %9.2f %9.2f", setup, each);
  if (test.reached[TIMED] < 0)
    printf(" %9s", "-");
  else
    printf(" %9.2f", setup + (double)test.reached[TIMED] * each);
  PetscCall(PrecondGetChoice(pc, &choice));
  printf(choice < 0 ? "\n" : " %s\n", PrecondTable.rows[PetscMax(choice, 0)].name);
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run(int argc, char **argv)
{
  const char *settings[MOST_SETTINGS];
  Table t = {0};
  int n_setting = 0, k = 3;
  PetscFunctionBegin;
  t.is_scaled = argc > 3 && !strcmp(argv[1], "--scaled");
  argc -= t.is_scaled, argv += t.is_scaled;
  for (; k + 1 < argc && !strcmp(argv[k], "--set") && n_setting < MOST_SETTINGS; k += 2)
    settings[n_setting++] = argv[k + 1];
  PetscCall(build_case(&t, argv[1], n_setting, settings));
  PetscCall(run_stages(&t));
  PetscCall(prepare(&t, argv[2]));
  printf("%-44s %6s %6s %6s %9s %9s %9s\n", "preconditioner", "10 %", "1 %", "0.1 %", "set-up", "iteration", "to 1 %");
  for (k += k < argc && !strcmp(argv[k], "--"); k < argc; k++) PetscCall(print_type(&t, argv[k]));
  PetscCall(MatDestroy(&t.A));
  PetscCall(ScaledRowsDestroy(&t.scaled));
  PetscCall(VecDestroy(&t.theta));
  PetscCall(VecDestroy(&t.b));
  PetscCall(VecDestroy(&t.x));
  PetscCall(BuiltDestroy(&t.built));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int none = 1;
  if (argc < 3) {
    fprintf(stderr, "usage: table [--scaled] CASE.cfg LAMBDA [--set PATH=VALUE ...] [-- TYPE[ OPTION ...] ...]\n");
    return 2;
  }
  if (PetscInitialize(&none, &argv, NULL, NULL)) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  const PetscErrorCode code = run(argc, argv);
  if (PetscFinalize()) return 1;
  return code ? 1 : 0;
}
