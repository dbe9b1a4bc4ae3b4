#pragma once
#include "pinn/run.h"

/* A file that cannot be written does not end a run that can still write others, now or later: says so, sets *missing,
   and returns 0. Other errors come back. code is the same on all ranks. */
PetscErrorCode RunTolerate(const RunParts *parts, PetscErrorCode code, bool *missing);
/* case.cfg in the run folder: every key resolved, the reference's path absolute, so that it runs from anywhere. */
PetscErrorCode RunWriteCase(const RunParts *parts);
/* When a checkpoint is due, and when a run must end (clock.c). */
typedef enum { LIMIT_NONE, LIMIT_WALL_TIME, LIMIT_JOB } Limit;
typedef struct {
  const RunParts *parts;
  PetscInt every;                 /* output.checkpoint_every */
  double interval, wall_time;     /* s, 0 = no limit: output.checkpoint_seconds, limits.wall_time */
  double margin, job_end;         /* limits.margin, and when Slurm ends the job */
  double begin, step, checkpoint; /* of this process, of the iteration at work, of the last checkpoint */
  double longest, cost;           /* s of an iteration of this stage; of writing the last checkpoint */
} Clock;
double ClockSeconds(void);
/* From here on time counts, a limit being one of this process. Collective. */
PetscErrorCode ClockStart(const RunParts *parts, Clock *clock);
void ClockStage(Clock *clock); /* a stage begins */
/* After an iteration of the stage: what is due now, rank 0's answer on all ranks; print [in/out] is the caller's.
   Collective. */
PetscErrorCode ClockTick(Clock *clock, PetscInt iteration, bool *print, Limit *limit, bool *checkpoint);
void ClockWritten(Clock *clock, double began); /* a checkpoint was written, or its file could not be */
/* "stopped at limits.wall_time = 60 s" */
void ClockExplain(const Clock *clock, Limit limit, char *text, size_t size);
/* Takes theta, frozen weights and scales from a checkpoint. */
PetscErrorCode RunRestore(RunParts *parts, const Checkpoint *checkpoint, Vec theta);
/* Writes one, after the history up to it: a run that is killed in between goes on from the one before, whose rows are
   there, too. optimizer may be NULL where no stage is under way. Collective. */
PetscErrorCode RunCheckpoint(const RunParts *parts, Optimizer optimizer, int stage, bool stage_done, Vec theta);
/* The network of slab k, created where it is not there; borrowed. */
PetscErrorCode RunSlabNetwork(RunParts *parts, int k, Network *network);
/* Keeps what is needed of the slab at work, with its parameters. Collective. */
PetscErrorCode RunKeepSlab(RunParts *parts, Vec theta);
/* Builds a slab that is done as it was, and sets theta. Collective. */
PetscErrorCode RunReturnToSlab(RunParts *parts, int k, Vec theta);
/* "2 slabs, to t = 0.5, 1" */
PetscErrorCode RunDescribeSlabs(const RunParts *parts, char *text, size_t size);
/* Entries of a checkpoint about slabs: how many, their values (names and values for the caller to free), and back: the
   slabs that are done, and the one at work built. */
int RunSlabEntries(const RunParts *parts);
PetscErrorCode RunSlabState(const RunParts *parts, StateEntry entries[]);
bool RunIsSlabEntry(const StateEntry *entry);
PetscErrorCode RunRestoreSlabs(RunParts *parts, const Checkpoint *checkpoint);
/* Looks at the optimization problem that the case asks for (diagnostics.c): *diagnostics is NULL where it asks for
   none, and then the others do nothing. Look does something where it is time; Tell says the last look in words.
   Collective. */
typedef struct Diagnostics_s *Diagnostics;
PetscErrorCode DiagnosticsCreate(const RunParts *parts, Diagnostics *diagnostics);
PetscErrorCode DiagnosticsDestroy(Diagnostics *diagnostics);
PetscErrorCode DiagnosticsLook(const RunParts *parts, Diagnostics diagnostics, const Progress *progress, Vec theta);
PetscErrorCode DiagnosticsTell(const RunParts *parts, Diagnostics diagnostics, const char *stage);
/* Gives a stage back the state that a checkpoint held. */
PetscErrorCode RunRestoreStage(const RunParts *parts, const Checkpoint *checkpoint, Optimizer optimizer);
/* path NULL: the folder's newest. Errors: CheckpointRead's and RunCompareCase's. Collective. */
PetscErrorCode RunReadCheckpoint(const RunParts *parts, const char *path, Checkpoint *checkpoint);
/* Is the checkpoint of a stage under way, or of one that did all its iterations and has got more of them since? */
PetscErrorCode RunStageGoesOn(Config config, const Checkpoint *checkpoint, bool *goes_on);
/* Errors: the checkpoint's case differs in what a resumed run must keep (--resume), or in what its parameters mean. */
PetscErrorCode RunCompareCase(const RunParts *parts, const char *path, const Checkpoint *checkpoint);
