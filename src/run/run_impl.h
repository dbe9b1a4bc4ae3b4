#pragma once
#include "pinn/run.h"

/* case.cfg in the run folder: every key resolved. */
PetscErrorCode RunWriteCase(const RunParts *parts);
/* Takes theta, frozen weights and scales from a checkpoint. */
PetscErrorCode RunRestore(const RunParts *parts, const Checkpoint *checkpoint, Vec theta);
/* Writes one. optimizer may be NULL where no stage is under way. Collective. */
PetscErrorCode RunCheckpoint(const RunParts *parts, Optimizer optimizer, int stage, bool stage_done, Vec theta);
/* Gives a stage back the state that a checkpoint held. */
PetscErrorCode RunRestoreStage(const RunParts *parts, const Checkpoint *checkpoint, Optimizer optimizer);
PetscErrorCode RunReadCheckpoint(const RunParts *parts, const char *path, Checkpoint *checkpoint);
