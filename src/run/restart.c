/* Between a run and its checkpoints. A checkpoint's state entries are those of the stage, and "points" for points that
   depend on the past. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pinn/file.h"
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

/* Appends "PATH=FILE" with the absolute path of a file that is named at `path`, if it is there; the name of a dataset
   may follow the file's. */
static PetscErrorCode add_file(Config config, const char *path, const char *file, int *n, char *settings[])
{
  char split[PETSC_MAX_PATH_LEN];
  const char *dataset = "";
  PetscFunctionBegin;
  if (!file || !file[0]) PetscFunctionReturn(PETSC_SUCCESS);
  const bool of_file = FileSplitName(file, split, &dataset);
  char *absolute = realpath(PathBeside(ConfigFile(config), of_file ? split : file), NULL);
  if (!absolute) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t size = strlen(path) + strlen(absolute) + strlen(dataset) + 3;
  PetscCall(PetscMalloc1(size, &settings[*n]));
  snprintf(settings[(*n)++], size, "%s=%s%s%s", path, absolute, of_file ? ":" : "", dataset);
  free(absolute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_text_file(Config config, const char *path, int *n, char *settings[])
{
  const char *file = NULL;
  PetscFunctionBegin;
  if (ConfigHas(config, path)) PetscCall(ConfigGetString(config, path, &file));
  PetscCall(add_file(config, path, file, n, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_data_file(Config config, int k, int *n, char *settings[])
{
  const char *path = ConfigPath("problem.data.%s", ConfigMember(config, "problem.data", k)), *text;
  const PetscReal *numbers;
  int count;
  PetscFunctionBegin;
  PetscCall(ConfigGetData(config, path, &text, &count, &numbers));
  PetscCall(add_file(config, path, text, n, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Files are looked for beside the case file, and this text will lie elsewhere: their paths become absolute. */
static PetscErrorCode resolved_text(Config config, char **text)
{
  const int n_measurement = ConfigCount(config, "problem.measurements"), n_data = ConfigCount(config, "problem.data");
  char **settings;
  Config moved;
  int n = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_measurement + n_data + 2, &settings));
  PetscCall(add_text_file(config, "verify.reference", &n, settings));
  PetscCall(add_text_file(config, "domain.file", &n, settings));
  for (int k = 0; k < n_measurement; k++)
    PetscCall(add_text_file(config, ConfigPath("problem.measurements[%d].file", k), &n, settings));
  for (int k = 0; k < n_data; k++) PetscCall(add_data_file(config, k, &n, settings));
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

static bool alone(const RunParts *parts)
{
  PetscMPIInt n_rank = 1;
  (void)MPI_Comm_size(parts->comm, &n_rank);
  return n_rank == 1;
}

/* All of a Vec like theta, borrowed where this is the only rank: one may fill most of the memory. */
static PetscErrorCode take_vec(const RunParts *parts, Vec vec, double **values)
{
  PetscFunctionBegin;
  if (alone(parts)) {
    PetscCall(VecGetArrayRead(vec, (const double **)values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(NetworkParameters(parts->network), values));
  PetscCall(ResidualGatherTheta(parts->residual, vec, *values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode return_vec(const RunParts *parts, Vec vec, double **values)
{
  PetscFunctionBegin;
  if (alone(parts))
    PetscCall(VecRestoreArrayRead(vec, (const double **)values));
  else
    PetscCall(PetscFree(*values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* part: this rank's numbers of an array laid out like theta; all [out] [n_param], owned by the caller. */
static PetscErrorCode gather_single(const RunParts *parts, const float part[], float **all)
{
  const size_t n_param = NetworkParameters(parts->network);
  const double *values;
  double *local;
  PetscInt n;
  Vec vec;
  PetscFunctionBegin;
  PetscCall(ResidualCreateTheta(parts->residual, &vec));
  PetscCall(VecGetLocalSize(vec, &n));
  PetscCall(VecGetArrayWrite(vec, &local));
  for (PetscInt k = 0; k < n; k++) local[k] = part[k];
  PetscCall(VecRestoreArrayWrite(vec, &local));
  PetscCall(PetscMalloc1(n_param, all));
  PetscCall(ResidualBorrowTheta(parts->residual, vec, &values));
  for (size_t k = 0; k < n_param; k++) (*all)[k] = (float)values[k];
  PetscCall(ResidualReturnTheta(parts->residual, vec, &values));
  PetscCall(VecDestroy(&vec));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of one rank to the first, which writes: values [out] are its own there, NULL on ranks without any. */
static PetscErrorCode send_owned(const RunParts *parts, const StateEntry *own, double **values)
{
  PetscMPIInt rank, n;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(parts->comm, &rank));
  PetscCall(PetscMPIIntCast((PetscInt)own->n, &n));
  *values = own->values;
  if (!own->owner) PetscFunctionReturn(PETSC_SUCCESS);
  if (rank == own->owner) PetscCallMPI(MPI_Send(own->values, n, MPI_DOUBLE, 0, 0, parts->comm));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(own->n, values));
  PetscCallMPI(MPI_Recv(*values, n, MPI_DOUBLE, own->owner, 0, parts->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An entry of a stage's state in full, on the first rank at least; give it back with return_entry. */
static PetscErrorCode take_entry(const RunParts *parts, const StateEntry *own, StateEntry *entry)
{
  PetscFunctionBegin;
  *entry = (StateEntry){.name = own->name, .n = own->n, .values = own->values};
  if (own->owned) PetscCall(send_owned(parts, own, &entry->values));
  if (own->owned || own->values) PetscFunctionReturn(PETSC_SUCCESS);
  if (own->vec || own->single) entry->n = NetworkParameters(parts->network);
  if (own->vec)
    PetscCall(take_vec(parts, own->vec, &entry->values));
  else if (own->single && alone(parts))
    entry->single = own->single;
  else if (own->single)
    PetscCall(gather_single(parts, own->single, &entry->single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode return_entry(const RunParts *parts, const StateEntry *own, StateEntry *entry)
{
  PetscFunctionBegin;
  if (own->vec) PetscCall(return_vec(parts, own->vec, &entry->values));
  if (own->owned && entry->values != own->values) PetscCall(PetscFree(entry->values));
  if (own->single && !alone(parts)) PetscCall(PetscFree(entry->single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Slabs, the stage's state, and the points: entries [*n]. */
static PetscErrorCode take_state(const RunParts *parts, Optimizer optimizer, int *n, StateEntry **entries)
{
  const StateEntry *state = NULL;
  int n_state = 0;
  const int n_slab = RunSlabEntries(parts);
  StateEntry points = {.name = POINTS};
  PetscFunctionBegin;
  if (optimizer) PetscCall(OptimizerGetState(optimizer, &n_state, &state));
  PetscCall(PetscMalloc1(n_state + n_slab + 1, entries));
  PetscCall(RunSlabState(parts, *entries));
  for (int k = 0; k < n_state; k++) PetscCall(take_entry(parts, &state[k], &(*entries)[n_slab + k]));
  PetscCall(ResidualGetPoints(parts->residual, &points.n, &points.values));
  *n = n_slab + n_state;
  if (points.n) (*entries)[(*n)++] = points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode return_state(const RunParts *parts, Optimizer optimizer, int n, StateEntry **entries)
{
  const StateEntry *state = NULL;
  int n_state = 0;
  const int n_slab = RunSlabEntries(parts);
  PetscFunctionBegin;
  if (optimizer) PetscCall(OptimizerGetState(optimizer, &n_state, &state));
  for (int k = 0; k < n_slab; k++) {
    PetscCall(PetscFree((*entries)[k].values));
    PetscCall(PetscFree((*entries)[k].name));
  }
  for (int k = 0; k < n_state; k++) PetscCall(return_entry(parts, &state[k], &(*entries)[n_slab + k]));
  if (n > n_slab + n_state) PetscCall(PetscFree((*entries)[n - 1].values));
  PetscCall(PetscFree(*entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunCheckpoint(const RunParts *parts, Optimizer optimizer, int stage, bool stage_done, Vec theta)
{
  Checkpoint c = {.number = ReportIteration(parts->report),
                  .stage = stage,
                  .stage_done = stage_done,
                  .seconds = ReportSeconds(parts->report)};
  PetscInt keep;
  PetscFunctionBegin;
  const PetscErrorCode recorded = ReportWriteHistory(parts->report);
  PetscCall(ConfigGetInt(parts->config, "output.keep", &keep));
  c.n_param = NetworkParameters(parts->network);
  PetscCall(take_vec(parts, theta, &c.theta));
  c.frozen = NetworkFrozen(parts->network, &c.n_frozen);
  PetscCall(NetworkGetScales(parts->network, &c.n_scale, (const double **)&c.scales));
  PetscCall(take_state(parts, optimizer, &c.n_state, &c.state));
  PetscCall(resolved_text(parts->config, &c.case_text));
  const PetscErrorCode written = CheckpointWrite(parts->comm, parts->folder, &c, (int)keep);
  PetscCall(return_state(parts, optimizer, c.n_state, &c.state));
  PetscCall(return_vec(parts, theta, &c.theta));
  free(c.case_text);
  PetscCall(written);
  PetscCall(recorded);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunReadCheckpoint(const RunParts *parts, const char *path, Checkpoint *checkpoint)
{
  size_t n_frozen;
  PetscFunctionBegin;
  (void)NetworkFrozen(parts->network, &n_frozen);
  PetscCall(CheckpointRead(parts->comm, parts->folder, path, NetworkParameters(parts->network), n_frozen, checkpoint));
  if (!path) path = FolderPath(parts->folder, ConfigPath("checkpoint-%" PetscInt_FMT ".h5", checkpoint->number));
  const PetscErrorCode code = RunCompareCase(parts, path, checkpoint);
  if (code) PetscCall(CheckpointDestroy(checkpoint));
  PetscCall(code);
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
