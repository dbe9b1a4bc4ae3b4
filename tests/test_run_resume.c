/* Every stage, and all that changes the rows while it runs, goes on from each of its checkpoints with the same bits. */
#include <fcntl.h>
#include "harness.h"
#include "../src/output/output_impl.h"
#include "../src/run/run_impl.h"
#include "output_fixture.h"
#include "stages_fixture.h"

#define ITERATIONS 9

#define MLP   "hidden = [5];"
#define SINES STAGE_SINES

/* What a stage keeps must differ from what it begins with at some iteration below ITERATIONS. */
static const StageRow rows[] = {
    {"adam", "schedule = \"cosine\"; warmup = 3;", MLP, "", ""},
    {"adam", "single_state = true;", MLP, "", ""},
    {"lbfgs", "history = 3;", MLP, "", ""},
    {"ssbfgs", "", MLP, "", ""},
    {"ssbroyden", "", MLP, "", ""},
    {"soap", "refresh = 3;", MLP, "", ""},
    {"shampoo", "refresh = 3;", MLP, "", ""},
    {"fosi", "every = 4; eigenpairs = 3;", MLP, "", ""},
    {"fosi", "every = 4; eigenpairs = 3; single_state = true;", MLP, "", ""},
    {"fosi", "every = 4; eigenpairs = 3; base = \"soap\"; refresh = 3;", MLP, "", ""},
    {"fosi", "every = 4; eigenpairs = 3; base = \"shampoo\"; refresh = 3;", MLP, "", ""},
    {"mfac", "history = 4;", MLP, "", ""},
    {"gauss-newton", "", MLP, "", ""},
    {"gauss-newton", "damping_rule = \"gradient-normalized\"; length = \"damped-newton\"; geodesic = false;", MLP, "",
     ""},
    {"kfac", "refresh = 3;", MLP, "", ""},
    {"kfac-star", "refresh = 3; average = 0.5;", MLP, "", ""},
    {"gauss-newton-krylov", "refresh = 3; momentum = 0.5;", MLP, "", ""},
    {"gauss-newton-krylov", "refresh = 2; precond = \"ekfac\";", MLP, "", ""},
    {"gauss-newton-krylov", "refresh = 2; precond = \"kfac\";", MLP, "", ""},
    {"gauss-newton-krylov", "refresh = 2; precond = \"shampoo\";", MLP, "", ""},
    {"gauss-newton-krylov", "precond = \"layerwise\";", MLP, "", ""},
    {"gauss-newton-krylov", "refresh = 2; precond = \"deflated\"; rank = 4;", MLP, "", ""},
    {"gauss-newton-krylov", "precond = \"diagonal\"; deflate = 3;", MLP, "", ""},
    {"gauss-newton-krylov", "precond = \"none\"; geodesic = false;", MLP, "", ""},
    {"gauss-newton-krylov", "precond = \"operator\";", SINES, "", ""},
    {"gauss-newton-sketched", "sketch_columns = 20;", MLP, "", ""},
    {"spring", "", MLP, "", ""},
    {"least-squares", "", SINES, "", ""},
    {"least-squares", "", SINES " scale_search = true;", "", ""},
    {"lbfgs", "", MLP, "adapt = 4;", ""},
    {"lbfgs", "", MLP, "adapt = 4; adapt_by = \"r3\";", ""},
    {"adam", "", MLP, "adapt = 4; adapt_by = \"rar\";", ""},
    {"gauss-newton", "", MLP, "adapt = 4; adapt_by = \"importance\"; causal = [0.1, 1.0];", ""},
    {"adam", "", MLP, "sampler = \"uniform\"; resample = 4;", ""},
    {"spring", "", MLP, "sampler = \"uniform\"; resample = 2; adapt = 4;", ""},
    {"gauss-newton", "", MLP, "causal = [0.1, 1.0]; causal_every = 3;", ""},
    {"ssbroyden", "", MLP, "adapt = 4; causal = [0.1, 1.0]; causal_every = 3;", ""},
    {"adam", "", MLP, "adapt = 4;", "time: { slabs = 2; };"},
    {"gauss-newton", "", MLP, "causal = [0.1, 1.0]; causal_every = 2;",
     "time: { ends = [0.3, 1.0]; warm_start = false; };"},
    {"least-squares", "", SINES, "", "time: { slabs = 3; };"},
    {"adam", "", MLP, "adapt = 4;", "balance: { type = \"gradient-norm\"; every = 3; };"},
    {"gauss-newton", "", MLP, "", "balance: { type = \"gradient-norm\"; every = 3; };"},
    {"gauss-newton-krylov", "", MLP, "", "balance: { type = \"ntk-trace\"; every = 3; };"},
    {"ssbroyden", "", MLP, "", "balance: { type = \"ntk-trace\"; every = 3; };"},
    {"soap", "refresh = 3;", MLP, "", "balance: { type = \"relobralo\"; lookback = 0.5; };"},
    {"adam", "", MLP, "causal = [0.1, 1.0]; causal_every = 3;", "balance: { type = \"self-adaptive\"; };"},
    {"lbfgs", "", MLP, "", "balance: { type = \"self-adaptive\"; };"},
    {"adam", "", MLP, "", "diagnostics: { every = 3; spectrum = 4; };"},
    {"soap", "", MLP, "", "precision = \"single\";"},
    {"lbfgs", "", "hidden = [4]; factorize = [0.5, 0.1]; periodic = \"x\"; harmonics = 2;", "", ""},
    {"gauss-newton", "", "type = \"fourier\"; features = 3; hidden = [4];", "", ""},
    {"adam", "", "type = \"fourier\"; features = 3; hidden = [4]; train_features = true;", "", ""},
    {"soap", "refresh = 3;", "type = \"siren\"; hidden = [4]; omega = 2.0;", "", ""},
    {"kfac-star", "refresh = 3;", "type = \"modified-mlp\"; hidden = [3, 3];", "", ""},
    {"gauss-newton-krylov", "refresh = 2; precond = \"ekfac\";", "type = \"piratenet\"; hidden = [4];", "", ""},
    {"adam", "", "type = \"piratenet\"; hidden = [4];", "", "time: { slabs = 2; };"},
    {"ssbroyden", "", "type = \"separable\"; hidden = [3]; rank = 2;", "", ""},
    {"shampoo", "refresh = 3;", "type = \"fields\"; of = ( { type = \"siren\"; hidden = [3]; omega = 2.0; } );", "",
     ""},
    {"least-squares", "", SINES " law = \"even\"; periodic = \"x\";", "", "time: { slabs = 3; };"},
};
#define N_ROW (sizeof(rows) / sizeof(rows[0]))

static const char *case_text(const StageRow *row, int every)
{
  char output[128];
  snprintf(output, sizeof(output), "output: { grid = 3; error_every = 1; checkpoint_every = %d; keep = 1000; };",
           every);
  return stage_text(row, ITERATIONS, 40, 8, output);
}

static size_t n_param, n_frozen; /* of the last run */

/* One run of a case in a folder of its own, from `checkpoint` where it is not NULL. */
static void run_case(const StageRow *row, const char *directory, const char *checkpoint)
{
  const Cli cli = {.resume = checkpoint != NULL, .checkpoint = checkpoint};
  RunParts parts = {.comm = PETSC_COMM_WORLD, .cli = &cli};
  const ReportOptions options = {.quiet = true};
  RunResult result;
  Vec theta;
  ck_petsc(ConfigLoadText("test.cfg", case_text(row, checkpoint ? 0 : 1), 0, NULL, &parts.config));
  ck_petsc(ProblemCreate(parts.config, &parts.problem));
  ck_petsc(DomainCreate(parts.config, ProblemFormula(parts.problem), &parts.whole));
  ck_petsc(RunCreateSlabs(&parts));
  ck_petsc(RunBuildSlab(&parts, 0));
  ck_petsc(FolderCreate(parts.comm, directory, FOLDER_ADD, &parts.folder));
  ck_petsc(ReportCreate(parts.comm, &options, parts.folder, parts.problem, parts.residual, &parts.report));
  ck_petsc(ResidualCreateTheta(parts.residual, &theta));
  ck_petsc(RunStages(&parts, theta, &result));
  ck_assert_int_ne(result.status, EXIT_FAILED);
  n_param = NetworkParameters(parts.network);
  (void)NetworkFrozen(parts.network, &n_frozen);
  ck_petsc(VecDestroy(&theta));
  ck_petsc(ReportDestroy(&parts.report));
  ck_petsc(FolderDestroy(&parts.folder));
  ck_petsc(RunDestroySlabs(&parts));
  ck_petsc(DomainDestroy(&parts.whole));
  ck_petsc(ProblemDestroy(&parts.problem));
  ck_petsc(ConfigDestroy(&parts.config));
}

/* The checkpoints of a folder, newest first, as numbers. */
static int list_checkpoints(const char *directory, PetscInt **numbers)
{
  Folder folder;
  int n;
  ck_petsc(FolderCreate(PETSC_COMM_WORLD, directory, FOLDER_ADD, &folder));
  ck_petsc(FolderCheckpoints(folder, &n, numbers));
  ck_petsc(FolderDestroy(&folder));
  return n;
}

static const char *checkpoint_name(const char *directory, PetscInt number)
{
  char name[64];
  snprintf(name, sizeof(name), "checkpoint-%" PetscInt_FMT ".h5", number);
  return fixture_path(directory, name);
}

static void read_checkpoint(const char *path, Checkpoint *checkpoint)
{
  Folder folder;
  const char *base = fixture_directory();
  ck_petsc(FolderCreate(PETSC_COMM_WORLD, base, FOLDER_NEW, &folder));
  ck_petsc(CheckpointRead(PETSC_COMM_WORLD, folder, path, n_param, n_frozen, checkpoint));
  ck_petsc(FolderDestroy(&folder));
  fixture_remove(base);
}

static bool same_entry(const StateEntry *a, const StateEntry *b)
{
  if (strcmp(a->name, b->name) || a->n != b->n || !a->single != !b->single) return false;
  if (a->single) return !memcmp(a->single, b->single, a->n * sizeof(float));
  return !memcmp(a->values, b->values, a->n * sizeof(double));
}

/* All of them but the seconds. */
static const char *find_difference(const Checkpoint *a, const Checkpoint *b)
{
  if (a->number != b->number || a->stage != b->stage || a->stage_done != b->stage_done) return "the place";
  if (a->n_param != b->n_param || memcmp(a->theta, b->theta, a->n_param * sizeof(double))) return "theta";
  if (a->n_frozen != b->n_frozen || memcmp(a->frozen, b->frozen, a->n_frozen * sizeof(double))) return "frozen";
  if (a->n_scale != b->n_scale || memcmp(a->scales, b->scales, (size_t)a->n_scale * sizeof(double))) return "scales";
  if (a->n_state != b->n_state) return "the number of arrays";
  for (int k = 0; k < a->n_state; k++)
    if (!same_entry(&a->state[k], &b->state[k])) return a->state[k].name;
  return NULL;
}

static void check_same(const StageRow *row, const char *a, const char *b, PetscInt number, PetscInt from)
{
  Checkpoint whole, again;
  read_checkpoint(checkpoint_name(a, number), &whole);
  read_checkpoint(checkpoint_name(b, number), &again);
  const char *difference = find_difference(&whole, &again);
  ck_assert_msg(!difference, "%s { %s } %s %s: resumed at %d, iteration %d has another '%s'", row->stage, row->keys,
                row->points, row->rest, (int)from, (int)number, difference);
  ck_petsc(CheckpointDestroy(&whole));
  ck_petsc(CheckpointDestroy(&again));
}

static void be_silent(void)
{
  const int null = open("/dev/null", O_WRONLY);
  fflush(stderr);
  dup2(null, STDERR_FILENO);
  close(null);
}

START_TEST(a_stage_goes_on_with_the_same_bits)
{
  const StageRow *row = &rows[_i];
  if (!access("/dev/shm", W_OK)) setenv("TMPDIR", "/dev/shm", 0); /* where nothing waits for a disk */
  const char *base = fixture_directory();
  const char *whole = strdup(fixture_path(base, "whole")), *again = strdup(fixture_path(base, "again"));
  PetscInt *numbers;
  be_silent();
  run_case(row, whole, NULL);
  const int n = list_checkpoints(whole, &numbers);
  ck_assert_msg(n > (strcmp(row->stage, "least-squares") ? 5 : 0), "%s: %d checkpoints", row->stage, n);
  for (int k = n - 1; k > 0; k--) {
    run_case(row, again, checkpoint_name(whole, numbers[k]));
    check_same(row, whole, again, numbers[0], numbers[k]);
    fixture_remove(again);
  }
  ck_petsc(PetscFree(numbers));
  free((char *)whole);
  free((char *)again);
  fixture_remove(base);
}
END_TEST

/* nystrom is the default, and auto chooses by time. */
START_TEST(no_stage_is_left_out)
{
  stage_check_rows(N_ROW, rows, (const char *const[]){"nystrom", "auto", NULL});
}
END_TEST

Suite *TestSuite(void)
{
  Suite *suite = suite_create("run resume");
  TCase *tcase = tcase_create("resume");
  tcase_set_timeout(tcase, 120.0);
  tcase_add_loop_test(tcase, a_stage_goes_on_with_the_same_bits, 0, (int)N_ROW);
  tcase_add_test(tcase, no_stage_is_left_out);
  suite_add_tcase(suite, tcase);
  return suite;
}
