/* The stages of the solver list, one after the other, and what happens between their steps. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "run_impl.h"

typedef struct {
  RunParts *parts;
  RunResult *result;
  int stage, n_stage; /* of the slab at work */
  PetscInt every, error_every;
  double print_time; /* seconds of the last line */
  Clock clock;
  double *rms, *error; /* [n_term], [n_field] */
  Progress progress;   /* the last one of the stage */
  Diagnostics diagnostics;
} Loop;

static bool is_print_due(const Loop *loop, const Progress *progress)
{
  return ReportSeconds(loop->parts->report) - loop->print_time >= 1.0 || progress->iteration == 0 ||
         progress->iteration == progress->iterations || (loop->every && progress->iteration % loop->every == 0);
}

/* One that cannot be written is tried again when the next is due. */
static PetscErrorCode write_checkpoint(Loop *loop, Optimizer optimizer, bool stage_done, Vec theta)
{
  const double began = ClockSeconds();
  PetscFunctionBegin;
  const PetscErrorCode code = RunCheckpoint(loop->parts, optimizer, loop->stage, stage_done, theta);
  loop->result->missing = false;
  PetscCall(RunTolerate(loop->parts, code, &loop->result->missing));
  ClockWritten(&loop->clock, began);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode report_progress(Loop *loop, bool print, Vec theta)
{
  const RunParts *parts = loop->parts;
  const Progress *progress = &loop->progress;
  const bool error = VerifierHasTruth(parts->verifier) &&
                     (print || (loop->error_every && progress->iteration % loop->error_every == 0));
  PetscFunctionBegin;
  PetscCall(ResidualTermRMS(parts->residual, theta, progress->loss, loop->rms));
  if (error) PetscCall(VerifierErrors(parts->verifier, theta, loop->error));
  PetscCall(ReportProgress(parts->report, progress, loop->rms, error ? loop->error : NULL, print));
  if (print) loop->print_time = ReportSeconds(parts->report);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode monitor(Optimizer optimizer, const Progress *progress, Vec theta, void *context, bool *stop)
{
  Loop *loop = context;
  const char *signal;
  bool print = is_print_due(loop, progress), checkpoint;
  Limit limit;
  PetscFunctionBegin;
  loop->progress = *progress;
  loop->progress.stage_index += loop->parts->slab * loop->n_stage;
  loop->progress.slab = loop->parts->slabs.n > 1 ? loop->parts->slab + 1 : 0;
  loop->progress.causal = ResidualCausal(loop->parts->residual, &loop->progress.epsilon, &loop->progress.least_weight);
  loop->progress.weights = ResidualWeights(loop->parts->residual);
  PetscCall(ClockTick(&loop->clock, progress->iteration, &print, &limit, &checkpoint));
  PetscCall(CliStopRequested(loop->parts->comm, stop, &signal));
  PetscCall(report_progress(loop, print || *stop || limit, theta));
  PetscCall(DiagnosticsLook(loop->parts, loop->diagnostics, &loop->progress, theta));
  if (*stop)
    snprintf(loop->result->reason, sizeof(loop->result->reason), "stopped by %s", signal ? signal : "a signal");
  else if (limit)
    ClockExplain(&loop->clock, limit, loop->result->reason, sizeof(loop->result->reason));
  *stop = *stop || limit;
  /* A loss that is not finite ends the stage at an earlier theta. */
  if ((*stop || checkpoint) && isfinite(progress->loss)) PetscCall(write_checkpoint(loop, optimizer, false, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode explain_divergence(Loop *loop, Vec theta)
{
  char text[512];
  PetscFunctionBegin;
  PetscCall(ResidualExplain(loop->parts->residual, theta, text, sizeof(text)));
  snprintf(loop->result->reason, sizeof(loop->result->reason), "diverged: %s%.200s",
           text[0] ? "NaN or Inf in " : "NaN or Inf in a step", text);
  loop->result->status = EXIT_DIVERGED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_stage(Loop *loop, Checkpoint *from, Vec theta, bool *go_on)
{
  const RunParts *parts = loop->parts;
  Optimizer optimizer;
  OptimizerReason reason;
  PetscFunctionBegin;
  loop->progress = (Progress){0};
  ClockStage(&loop->clock);
  PetscCall(OptimizerCreate(parts->config, loop->stage, ResidualRows(parts->residual), &optimizer));
  PetscCall(OptimizerSetMonitor(optimizer, monitor, loop));
  if (from) {
    PetscCall(RunRestoreStage(parts, from, optimizer));
    PetscCall(CheckpointDestroy(from));
  }
  PetscCall(OptimizerSolve(optimizer, theta, &reason));
  PetscCall(ReportStageEnd(parts->report, &loop->progress, reason));
  if ((reason == OPTIMIZER_STALLED || reason == OPTIMIZER_ITERATIONS) &&
      OptimizerReach(optimizer) < OPTIMIZER_LEAST_REACH)
    PetscCall(ReportMessage(parts->report,
                            "rho = %.1e: what is left of the residual is out of the reach of these parameters; more "
                            "capacity or another stage will take it down, more iterations will not",
                            OptimizerReach(optimizer)));
  PetscCall(DiagnosticsTell(parts, loop->diagnostics, loop->progress.stage));
  *go_on = reason != OPTIMIZER_STOPPED && reason != OPTIMIZER_DIVERGED;
  if (reason == OPTIMIZER_DIVERGED)
    PetscCall(explain_divergence(loop, theta));
  else if (reason == OPTIMIZER_STOPPED)
    loop->result->status = EXIT_STOPPED;
  else
    snprintf(loop->result->reason, sizeof(loop->result->reason), "%s", OptimizerReasonText(reason));
  loop->result->iterations = ReportIteration(parts->report);
  /* With its state, a stage that did all its iterations can be given more of them. */
  if (*go_on) PetscCall(write_checkpoint(loop, reason == OPTIMIZER_ITERATIONS ? optimizer : NULL, true, theta));
  PetscCall(OptimizerDestroy(&optimizer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank draws all; where that is what it holds, in place. */
static PetscErrorCode draw_theta(const RunParts *parts, Vec theta)
{
  double *start;
  PetscInt n;
  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(theta, &n));
  if ((size_t)n == NetworkParameters(parts->network)) {
    PetscCall(VecGetArrayWrite(theta, &start));
    NetworkInitialize(parts->network, start);
    PetscCall(VecRestoreArrayWrite(theta, &start));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(NetworkParameters(parts->network), &start));
  NetworkInitialize(parts->network, start);
  PetscCall(ResidualScatterTheta(parts->residual, start, theta));
  PetscCall(PetscFree(start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets theta, and the loop to where it begins; from [out] holds the state of a stage to be gone on with. */
static PetscErrorCode begin(Loop *loop, Vec theta, Checkpoint *from, bool *mid_stage)
{
  RunParts *parts = loop->parts;
  PetscFunctionBegin;
  *mid_stage = false;
  if (!parts->cli->resume && !parts->cli->start_from) {
    PetscCall(draw_theta(parts, theta));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(RunReadCheckpoint(parts, parts->cli->checkpoint, from));
  PetscCall(RunRestore(parts, from, theta));
  PetscCall(PetscFree(from->theta));
  if (parts->cli->start_from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(RunStageGoesOn(parts->config, from, mid_stage));
  loop->stage = from->stage + (*mid_stage ? 0 : 1);
  ReportSetSeconds(parts->report, from->seconds);
  loop->print_time = from->seconds;
  PetscCall(ReportReadHistory(parts->report, from->number));
  if (!*mid_stage) PetscCall(RunRestoreStage(parts, from, NULL));
  PetscCall(ReportMessage(parts->report, "resuming at iteration %d", (int)from->number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCheck(const RunParts *parts)
{
  PetscFunctionBegin;
  PetscCall(SnapshotCheck(parts->comm, parts->config, parts->problem, parts->whole));
  PetscCall(SlicesCheck(parts->config, parts->problem, parts->whole));
  for (int k = 0; k < ConfigCount(parts->config, "solver"); k++) {
    Optimizer optimizer;
    PetscCall(OptimizerCreate(parts->config, k, ResidualRows(parts->residual), &optimizer));
    PetscCall(OptimizerDestroy(&optimizer));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The stages that are left of the slab at work. */
static PetscErrorCode run_slab(Loop *loop, Checkpoint *from, Vec theta, bool *go_on)
{
  RunParts *parts = loop->parts;
  PetscFunctionBegin;
  if (loop->stage < loop->n_stage) PetscCall(ReportSlab(parts->report, parts->slab, &parts->slabs, parts->first));
  for (*go_on = true; *go_on && loop->stage < loop->n_stage; loop->stage++, from = NULL)
    PetscCall(run_stage(loop, from, theta, go_on));
  if (*go_on) PetscCall(RunKeepSlab(parts, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Goes on to the next slab, from the parameters of this one or new ones. */
static PetscErrorCode next_slab(Loop *loop, Vec theta)
{
  RunParts *parts = loop->parts;
  bool warm;
  PetscFunctionBegin;
  PetscCall(RunBuildSlab(parts, parts->slab + 1));
  PetscCall(ConfigGetBool(parts->config, "time.warm_start", &warm));
  if (!warm) PetscCall(draw_theta(parts, theta));
  loop->stage = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode run_slabs(Loop *loop, Vec theta)
{
  RunParts *parts = loop->parts;
  Checkpoint from = {0};
  bool mid_stage, go_on;
  PetscFunctionBegin;
  PetscErrorCode code = begin(loop, theta, &from, &mid_stage);
  if (code || !mid_stage) PetscCall(CheckpointDestroy(&from));
  PetscCall(code);
  if (parts->cli->overwrite) PetscCall(FolderClear(parts->folder));
  PetscCall(RunWriteCase(parts));
  loop->result->iterations = ReportIteration(parts->report);
  code = run_slab(loop, mid_stage ? &from : NULL, theta, &go_on);
  PetscCall(CheckpointDestroy(&from));
  PetscCall(code);
  while (go_on && parts->slab + 1 < parts->slabs.n) {
    PetscCall(next_slab(loop, theta));
    PetscCall(run_slab(loop, NULL, theta, &go_on));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunStages(RunParts *parts, Vec theta, RunResult *result)
{
  Loop loop = {.parts = parts, .result = result, .print_time = -1.0, .n_stage = ConfigCount(parts->config, "solver")};
  PetscFunctionBegin;
  *result = (RunResult){.status = EXIT_DONE, .reason = "nothing left to do"};
  PetscCall(RunCheck(parts));
  PetscCall(ClockStart(parts, &loop.clock));
  PetscCall(ConfigGetInt(parts->config, "output.every", &loop.every));
  PetscCall(ConfigGetInt(parts->config, "output.error_every", &loop.error_every));
  PetscCall(DiagnosticsCreate(parts, &loop.diagnostics));
  PetscCall(PetscMalloc2(ResidualTerms(parts->residual), &loop.rms, ProblemFields(parts->problem), &loop.error));
  PetscErrorCode code = run_slabs(&loop, theta);
  if (!code) code = RunTolerate(parts, ReportWriteHistory(parts->report), &result->missing);
  PetscCall(DiagnosticsDestroy(&loop.diagnostics));
  PetscCall(PetscFree2(loop.rms, loop.error));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
