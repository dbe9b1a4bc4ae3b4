/* Between a run and its checkpoints. A checkpoint's state entries are those of the stage, and "points" for points that
   depend on the past. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run_impl.h"

#define POINTS "points"

/* text [out] to be freed with free(). */
static PetscErrorCode write_text(Config config, char **text)
{
  size_t size;
  FILE *stream = open_memstream(text, &size);
  PetscFunctionBegin;
  PetscCheck(stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  PetscCall(ConfigWrite(config, stream));
  fclose(stream);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Appends "PATH=FILE" with the absolute path of a file that is named at `path`, if it is there. */
static PetscErrorCode add_file(Config config, const char *path, int *n, char *settings[])
{
  const char *file;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, path, &file));
  char *absolute = file && file[0] ? realpath(PathBeside(ConfigFile(config), file), NULL) : NULL;
  if (!absolute) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t size = strlen(path) + strlen(absolute) + 2;
  PetscCall(PetscMalloc1(size, &settings[*n]));
  snprintf(settings[(*n)++], size, "%s=%s", path, absolute);
  free(absolute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Files are looked for beside the case file, and this text will lie elsewhere: their paths become absolute. */
static PetscErrorCode resolved_text(Config config, char **text)
{
  const int n_measurement = ConfigCount(config, "problem.measurements");
  char **settings;
  Config moved;
  int n = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_measurement + 1, &settings));
  PetscCall(add_file(config, "verify.reference", &n, settings));
  for (int k = 0; k < n_measurement; k++)
    PetscCall(add_file(config, ConfigPath("problem.measurements[%d].file", k), &n, settings));
  PetscCall(write_text(config, text));
  if (n) {
    PetscCall(ConfigLoadText(ConfigFile(config), *text, n, (const char *const *)settings, &moved));
    free(*text);
    PetscCall(write_text(moved, text));
    PetscCall(ConfigDestroy(&moved));
  }
  for (int k = 0; k < n; k++) PetscCall(PetscFree(settings[k]));
  PetscCall(PetscFree(settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunWriteCase(const RunParts *parts)
{
  char *text;
  PetscFunctionBegin;
  PetscCall(resolved_text(parts->config, &text));
  PetscCall(FolderWriteText(parts->folder, "case.cfg", text));
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values [n_param]: this rank's part of each, in full. */
static PetscErrorCode gather_single(const RunParts *parts, const float single[], double values[])
{
  PetscInt n;
  double *local;
  Vec vec;
  PetscFunctionBegin;
  PetscCall(ResidualCreateTheta(parts->residual, &vec));
  PetscCall(VecGetLocalSize(vec, &n));
  PetscCall(VecGetArrayWrite(vec, &local));
  for (PetscInt k = 0; k < n; k++) local[k] = single[k];
  PetscCall(VecRestoreArrayWrite(vec, &local));
  PetscCall(ResidualGatherTheta(parts->residual, vec, values));
  PetscCall(VecDestroy(&vec));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The stage's state and the points with every Vec gathered: entries [*n], their values owned here. */
static PetscErrorCode gather_state(const RunParts *parts, Optimizer optimizer, int *n, StateEntry **entries)
{
  const StateEntry *state = NULL;
  int n_state = 0;
  const int n_slab = RunSlabEntries(parts);
  StateEntry points = {.name = POINTS};
  PetscFunctionBegin;
  if (optimizer) PetscCall(OptimizerGetState(optimizer, &n_state, &state));
  PetscCall(PetscMalloc1(n_state + n_slab + 1, entries));
  PetscCall(RunSlabState(parts, *entries)); /* first: their names are freed, too */
  for (int k = 0; k < n_state; k++) {
    StateEntry *entry = &(*entries)[n_slab + k];
    const bool like_theta = state[k].vec || state[k].single;
    *entry = (StateEntry){.name = state[k].name, .n = like_theta ? NetworkParameters(parts->network) : state[k].n};
    PetscCall(PetscMalloc1(entry->n, &entry->values));
    if (state[k].vec)
      PetscCall(ResidualGatherTheta(parts->residual, state[k].vec, entry->values));
    else if (state[k].single)
      PetscCall(gather_single(parts, state[k].single, entry->values));
    else
      PetscCall(PetscArraycpy(entry->values, state[k].values, entry->n));
  }
  PetscCall(ResidualGetPoints(parts->residual, &points.n, &points.values));
  *n = n_slab + n_state;
  if (points.n) (*entries)[(*n)++] = points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCheckpoint(const RunParts *parts, Optimizer optimizer, int stage, bool stage_done, Vec theta)
{
  Checkpoint c = {.number = ReportIteration(parts->report),
                  .stage = stage,
                  .stage_done = stage_done,
                  .seconds = ReportSeconds(parts->report)};
  PetscInt keep;
  PetscErrorCode written;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(parts->config, "output.keep", &keep));
  c.n_param = NetworkParameters(parts->network);
  PetscCall(PetscMalloc1(c.n_param, &c.theta));
  PetscCall(ResidualGatherTheta(parts->residual, theta, c.theta));
  c.frozen = NetworkFrozen(parts->network, &c.n_frozen);
  PetscCall(NetworkGetScales(parts->network, &c.n_scale, (const double **)&c.scales));
  PetscCall(gather_state(parts, optimizer, &c.n_state, &c.state));
  PetscCall(resolved_text(parts->config, &c.case_text));
  written = CheckpointWrite(parts->comm, parts->folder, &c, (int)keep);
  for (int k = 0; k < c.n_state; k++) PetscCall(PetscFree(c.state[k].values));
  for (int k = 0; k < RunSlabEntries(parts); k++) PetscCall(PetscFree(c.state[k].name));
  PetscCall(PetscFree(c.state));
  PetscCall(PetscFree(c.theta));
  free(c.case_text);
  PetscCall(written);
  PetscCall(ReportWriteHistory(parts->report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunReadCheckpoint(const RunParts *parts, const char *path, Checkpoint *checkpoint)
{
  size_t n_frozen;
  PetscFunctionBegin;
  (void)NetworkFrozen(parts->network, &n_frozen);
  PetscCall(CheckpointRead(parts->comm, parts->folder, path, NetworkParameters(parts->network), n_frozen, checkpoint));
  if (!path) path = FolderPath(parts->folder, ConfigPath("checkpoint-%" PetscInt_FMT ".h5", checkpoint->number));
  PetscCall(RunCompareCase(parts, path, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunRestore(RunParts *parts, const Checkpoint *checkpoint, Vec theta)
{
  const double *scales;
  double *frozen;
  size_t n_frozen;
  int n_scale;
  PetscFunctionBegin;
  if (!parts->cli->start_from) PetscCall(RunRestoreSlabs(parts, checkpoint));
  frozen = NetworkFrozen(parts->network, &n_frozen);
  PetscCall(NetworkGetScales(parts->network, &n_scale, &scales));
  PinnUserCheck(n_scale == checkpoint->n_scale, "the checkpoint has %d feature scales, this network %d",
                checkpoint->n_scale, n_scale);
  if (n_scale) PetscCall(NetworkSetScales(parts->network, checkpoint->scales));
  PetscCall(PetscArraycpy(frozen, checkpoint->frozen, n_frozen));
  PetscCall(ResidualScatterTheta(parts->residual, checkpoint->theta, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunRestoreStage(const RunParts *parts, const Checkpoint *checkpoint, Optimizer optimizer)
{
  StateEntry *state;
  int n = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(checkpoint->n_state, &state));
  for (int k = 0; k < checkpoint->n_state; k++) {
    const StateEntry *entry = &checkpoint->state[k];
    if (RunIsSlabEntry(entry)) continue;
    if (strcmp(entry->name, POINTS))
      state[n++] = *entry;
    else
      PetscCall(ResidualSetPoints(parts->residual, entry->n, entry->values));
  }
  if (optimizer) PetscCall(OptimizerSetState(optimizer, n, state));
  PetscCall(PetscFree(state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
