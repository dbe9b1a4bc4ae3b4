/* What stands at both ends of a run: the header, and verification with the files it leaves. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run_impl.h"

#define MOST_TEXT 4096

/* "burgers: u_t + u*u_x - nu*u_xx = 0", then conditions with their places, a line each. */
static void describe_terms(Problem problem, bool conditions, char text[MOST_TEXT])
{
  size_t used = 0;
  text[0] = 0;
  const int n_interior = ProblemInteriorBlocks(problem);
  for (int b = conditions ? n_interior : 0; b < (conditions ? ProblemBlocks(problem) : n_interior); b++) {
    const Block *block = ProblemBlock(problem, b);
    for (int e = 0; e < block->n_term && used < MOST_TEXT; e++)
      used +=
          (size_t)snprintf(text + used, MOST_TEXT - used, "%s%s: %s = 0%s%s", used ? "\n" : "", block->terms[e].name,
                           block->terms[e].text, conditions ? " on " : "", conditions ? block->on : "");
  }
}

/* Multiply-adds count two. An evaluation with its gradient is three sweeps. */
static double gigaflops(Residual residual)
{
  return 3.0 * ResidualSweepFlops(residual) * 1e-9;
}

/* The most that this rank has at a time, and how much of it the hungriest stage wants, or the verification, which
   keeps a copy of theta. Creating the stages also finds their mistakes. */
static PetscErrorCode describe_memory(const RunParts *parts, char *text, size_t size)
{
  const double own =
      ResidualProcessMB(parts->residual) + ResidualMemoryMB(parts->residual) + VerifierMemoryMB(parts->verifier);
  double most = ResidualHeldoutMB(parts->residual) + (double)NetworkParameters(parts->network) * 8.0 / 1048576.0;
  const char *name = "the verification", *type;
  PetscFunctionBegin;
  for (int k = 0; k < ConfigCount(parts->config, "solver"); k++) {
    Optimizer optimizer;
    PetscCall(OptimizerCreate(parts->config, k, ResidualRows(parts->residual), &optimizer));
    PetscCall(ConfigGetString(parts->config, ConfigPath("solver[%d].type", k), &type));
    if (OptimizerMemoryMB(optimizer) > most) most = OptimizerMemoryMB(optimizer), name = type;
    PetscCall(OptimizerDestroy(&optimizer));
  }
  int used = snprintf(text, size, "%.0f MB a rank", ceil(own + most));
  if (most > 0.0)
    used += snprintf(text + used, size - (size_t)used, ", %.0f of them for the arrays of %s", ceil(most), name);
  snprintf(text + used, size - (size_t)used, ", %.0f more where sweeps are kept",
           ceil(ResidualLinearizationMB(parts->residual)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Faces that no condition reaches are often a mistake; where transforms or periodic features may serve them, or an
   equation needs none, nothing can be said. */
static PetscErrorCode warn_of_uncovered(const RunParts *parts)
{
  const int n_block = ProblemBlocks(parts->problem);
  int n = 0;
  char text[512];
  Region *regions;
  PetscFunctionBegin;
  if (ConfigCount(parts->config, "problem.transform") || ConfigHas(parts->config, "network.periodic"))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n_block, &regions));
  for (int b = ProblemInteriorBlocks(parts->problem); b < n_block; b++) {
    const Block *block = ProblemBlock(parts->problem, b);
    if (!block->jump && block->measured < 0)
      PetscCall(RegionCreate(parts->whole, ConfigWhere(parts->config, block->path), block->on, &regions[n++]));
  }
  PetscCall(DomainUncovered(parts->whole, n, regions, text, sizeof(text)));
  if (text[0]) PetscCall(ReportMessage(parts->report, "warning: no condition on %s", text));
  for (int b = 0; b < n; b++) PetscCall(RegionDestroy(&regions[b]));
  PetscCall(PetscFree(regions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void describe_device(const RunParts *parts, char *text, size_t size)
{
  if (parts->device)
    snprintf(text, size, "%s (%s; %.0f MB for rows and sweeps)", parts->cli->backend, parts->device_text,
             ResidualDeviceMB(parts->residual));
  else
    snprintf(text, size, "cpu");
}

PetscErrorCode RunHeader(const RunParts *parts)
{
  enum { LINES = 12 };
  static const char *const names[LINES] = {"case",    "equations", "conditions", "domain", "rows",    "points",
                                           "network", "memory",    "machine",    "seed",   "version", "time"};
  char equations[MOST_TEXT], conditions[MOST_TEXT], rows[256], balance[160], network[320], memory[256], stages[160],
      machine[320], seed[32], slabs[512], device[256];
  const Rows r = ResidualRows(parts->residual);
  const int n_thread = omp_get_max_threads();
  PetscMPIInt n_rank;
  PetscInt number;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(parts->comm, &n_rank));
  PetscCall(ConfigGetInt(parts->config, "seed", &number));
  describe_terms(parts->problem, false, equations);
  describe_terms(parts->problem, true, conditions);
  ResidualDescribeBalance(parts->residual, balance, sizeof(balance));
  snprintf(rows, sizeof(rows), "%d, %s in the last layer%s%s", (int)r->n_row_global, r->linear ? "linear" : "nonlinear",
           balance[0] ? "; balanced by " : "", balance);
  snprintf(network, sizeof(network), "%s, %zu parameters", NetworkDescribe(parts->network), r->n_param);
  PetscCall(describe_memory(parts, stages, sizeof(stages)));
  snprintf(memory, sizeof(memory), "%s; %.2g GFLOP an evaluation with gradient", stages, gigaflops(parts->residual));
  describe_device(parts, device, sizeof(device));
  snprintf(machine, sizeof(machine), "%s, %d rank%s of %d thread%s", device, n_rank, n_rank > 1 ? "s" : "", n_thread,
           n_thread > 1 ? "s" : "");
  PetscCall(RunDescribeSlabs(parts, slabs, sizeof(slabs)));
  snprintf(seed, sizeof(seed), "%d", (int)number);
  const char *const texts[LINES] = {ConfigFile(parts->config),
                                    equations,
                                    conditions[0] ? conditions : "none",
                                    DomainDescribe(parts->whole),
                                    rows,
                                    ResidualDescribe(parts->residual),
                                    network,
                                    memory,
                                    machine,
                                    seed,
                                    PinnVersion(),
                                    slabs};
  PetscCall(ReportHeader(parts->report, parts->slabs.n > 1 ? LINES : LINES - 1, names, texts));
  PetscCall(warn_of_uncovered(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is verify.tolerance met by every field with a truth? */
static PetscErrorCode judge(const RunParts *parts, const Verification *verification, RunResult *result)
{
  PetscReal tolerance;
  PetscFunctionBegin;
  if (!ConfigHas(parts->config, "verify.tolerance")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ConfigGetReal(parts->config, "verify.tolerance", &tolerance));
  for (int f = 0; f < verification->n_field; f++) {
    const double error = verification->l2_error[f];
    if (isnan(error) ? !verification->has_truth : error <= tolerance) continue;
    snprintf(result->reason, sizeof(result->reason), "the error of %s, %.2e, is above verify.tolerance = %g",
             ProblemFieldName(parts->problem, f), error, tolerance);
    result->status = EXIT_DIVERGED;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_snapshot(const RunParts *parts, const char *file)
{
  bool written;
  PetscFunctionBegin;
  PetscCall(SnapshotWrite(parts->comm, parts->config, parts->problem, parts->whole, &parts->slabs,
                          FolderPath(parts->folder, file), &written));
  if (!written && !ConfigCount(parts->config, "output.slices"))
    PetscCall(ReportMessage(parts->report, "no fields.vtkhdf: a grid serves at most 3 coordinates; output.slices takes "
                                           "lines and planes through them, --evaluate with --points values anywhere"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_slices(const RunParts *parts)
{
  PetscFunctionBegin;
  PetscCall(SlicesWrite(parts->comm, parts->config, parts->problem, parts->whole, &parts->slabs, parts->folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As a shell would read it back. */
static void put_word(FILE *stream, const char *word)
{
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
  fputc(' ', stream);
  if (word[0] && !word[strspn(word, plain)]) {
    fputs(word, stream);
    return;
  }
  fputc('\'', stream);
  for (; *word; word++)
    if (*word == '\'')
      fputs("'\\''", stream);
    else
      fputc(*word, stream);
  fputc('\'', stream);
}

/* The command that goes on with this run. */
static PetscErrorCode tell_resume(const RunParts *parts)
{
  const Cli *cli = parts->cli;
  size_t size;
  char *command;
  FILE *stream = open_memstream(&command, &size);
  PetscFunctionBegin;
  PetscCheck(stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  fputs("to go on:", stream);
  put_word(stream, cli->petsc_argv[0]);
  for (int k = 0; k < cli->n_override; k++) fputs(" --set", stream), put_word(stream, cli->overrides[k]);
  if (cli->backend) fputs(" --backend", stream), put_word(stream, cli->backend);
  fputs(" --output", stream), put_word(stream, FolderPath(parts->folder, ""));
  fputs(" --resume", stream), put_word(stream, ConfigFile(parts->config));
  if (cli->petsc_argc > 1) fputs(" --", stream);
  for (int k = 1; k < cli->petsc_argc; k++) put_word(stream, cli->petsc_argv[k]);
  PetscCheck(!fclose(stream), PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  PetscCall(ReportMessage(parts->report, "%s", command));
  free(command);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* That of all slabs, from the last one back: it is the one at work. */
static PetscErrorCode verify(RunParts *parts, Vec theta, Verification *whole)
{
  const int n = parts->slabs.n;
  Verification *slabs;
  double *ends;
  PetscFunctionBegin;
  if (n == 1) {
    PetscCall(VerifierRun(parts->verifier, theta, whole));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc2(n, &slabs, n, &ends));
  for (int k = n - 1; k >= 0; k--) {
    PetscCall(RunReturnToSlab(parts, k, theta));
    PetscCall(VerifierRun(parts->verifier, theta, &slabs[k]));
    ends[k] = parts->slabs.slab[k].end;
  }
  PetscCall(VerificationJoin(n, slabs, ends, whole));
  for (int k = 0; k < n; k++) PetscCall(VerificationDestroy(&slabs[k]));
  PetscCall(PetscFree2(slabs, ends));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunTolerate(const RunParts *parts, PetscErrorCode code, bool *missing)
{
  const bool file = code >= PETSC_ERR_FILE_OPEN && code <= PETSC_ERR_FILE_UNEXPECTED;
  PetscFunctionBegin;
  if (!code) PetscFunctionReturn(PETSC_SUCCESS);
  if (!file && code != PETSC_ERR_LIB) PetscCall(code);
  *missing = true;
  PetscCall(ReportMessage(parts->report, "%s", ErrorText()));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients that were unknown: the end of theta. */
static PetscErrorCode report_unknowns(const RunParts *parts, Vec theta, RunResult *result)
{
  const int n = ProblemUnknowns(parts->problem);
  const double *values;
  double *found, *deviations, *truths;
  const char **names;
  PetscReal tolerance = INFINITY;
  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc4(n, &found, n, &deviations, n, &truths, n, &names));
  PetscCall(ResidualBorrowTheta(parts->residual, theta, &values));
  PetscCall(PetscArraycpy(found, values + NetworkParameters(parts->network) - (size_t)n, n));
  PetscCall(ResidualReturnTheta(parts->residual, theta, &values));
  PetscCall(OptimizerUncertainty(parts->config, ResidualRows(parts->residual), theta, n, deviations));
  if (ConfigHas(parts->config, "verify.tolerance"))
    PetscCall(ConfigGetReal(parts->config, "verify.tolerance", &tolerance));
  for (int k = 0; k < n; k++) {
    names[k] = ProblemUnknownName(parts->problem, k);
    truths[k] = ProblemUnknownTruth(parts->problem, k);
    const double scale = truths[k] != 0.0 ? fabs(truths[k]) : 1.0;
    if (isnan(truths[k]) || fabs(found[k] - truths[k]) <= tolerance * scale) continue;
    snprintf(result->reason, sizeof(result->reason), "the error of %s, %.2e, is above verify.tolerance = %g", names[k],
             fabs(found[k] - truths[k]) / scale, tolerance);
    result->status = EXIT_DIVERGED;
  }
  PetscCall(ReportUnknowns(parts->report, n, names, found, deviations, truths));
  PetscCall(PetscFree4(found, deviations, truths, names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunFinish(RunParts *parts, Vec theta, RunResult *result)
{
  PetscFunctionBegin;
  if (result->status == EXIT_DONE) {
    Verification verification;
    PetscCall(verify(parts, theta, &verification));
    PetscCall(ReportVerification(parts->report, &verification));
    PetscCall(report_unknowns(parts, theta, result));
    PetscCall(judge(parts, &verification, result));
    PetscCall(VerificationDestroy(&verification));
    PetscCall(RunTolerate(parts, write_snapshot(parts, "fields.vtkhdf"), &result->missing));
    PetscCall(RunTolerate(parts, write_slices(parts), &result->missing));
  }
  if (result->status == EXIT_STOPPED) PetscCall(tell_resume(parts));
  if (result->missing) {
    char reason[sizeof(result->reason)];
    snprintf(reason, sizeof(reason), "%.200s; not all files could be written", result->reason);
    snprintf(result->reason, sizeof(result->reason), "%s", reason);
    result->status = EXIT_FAILED;
  }
  PetscCall(ReportEnd(parts->report, result->status, result->reason, result->iterations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunEvaluate(RunParts *parts, Vec theta)
{
  Checkpoint checkpoint = {0};
  PetscFunctionBegin;
  PetscCall(RunReadCheckpoint(parts, parts->cli->checkpoint, &checkpoint));
  const PetscErrorCode code = RunRestore(parts, &checkpoint, theta);
  PetscCall(CheckpointDestroy(&checkpoint));
  PetscCall(code);
  PetscCall(RunKeepSlab(parts, theta));
  if (parts->slab + 1 < parts->slabs.n)
    PetscCall(ReportMessage(parts->report, "%s holds no slabs after t = %g: NaN there", parts->cli->checkpoint,
                            parts->slabs.slab[parts->slab].end));
  if (parts->cli->points) {
    PetscCall(EvaluationWrite(parts->comm, parts->problem, parts->whole, &parts->slabs, parts->cli->points,
                              FolderPath(parts->folder, "evaluated.h5")));
    PetscCall(ReportMessage(parts->report, "wrote %s", FolderPath(parts->folder, "evaluated.h5")));
  } else {
    PetscCall(write_snapshot(parts, "evaluated.vtkhdf"));
    PetscCall(write_slices(parts));
    PetscCall(ReportMessage(parts->report, "wrote %s", FolderPath(parts->folder, "evaluated.vtkhdf")));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
