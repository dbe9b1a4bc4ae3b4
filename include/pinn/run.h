/* A run: the stages one after the other, with progress, checkpoints, signals and limits between their steps. */
#pragma once
#include "pinn/cli.h"
#include "pinn/output.h"

/* What main has built: all of the case, and the slab of time that is at work (the only one where there are none). */
typedef struct {
  MPI_Comm comm;
  const Cli *cli;
  Config config;
  Problem problem;
  Domain whole;          /* of all slabs */
  const Device *device;  /* NULL: the processor */
  char device_text[160]; /* what it is */
  Folder folder;
  Report report;

  Slabs slabs;      /* their networks, and the parameters of those that are done */
  double first;     /* time */
  double **points;  /* [slabs.n] training points of those that are done, where they depend on the past */
  size_t *n_points; /* [slabs.n] */
  int slab;         /* the one at work */
  Domain domain;    /* its own, or `whole` */
  Network network;  /* that of slabs */
  Residual residual;
  Verifier verifier;
} RunParts;

typedef struct {
  ExitStatus status;
  char reason[256];
  PetscInt iterations; /* over all stages */
  bool missing;        /* a file could not be written: the last checkpoint, the history or a result */
} RunResult;

/* The slabs of the case, from `whole`, with their jumps added to the problem. Collective. Errors: no time to cut, ends
   that do not rise to the last time. */
PetscErrorCode RunCreateSlabs(RunParts *parts);
/* Opens the device that --backend names, one a rank of a node; nothing to do for the processor and for --evaluate.
   Collective. Errors: PETSC_ERR_USER_INPUT where none answers. */
PetscErrorCode RunOpenDevice(RunParts *parts);
PetscErrorCode RunCloseDevice(RunParts *parts);
/* Builds what belongs to slab k, in place of the one at work. Its jumps are taken from the slab before, if that is
   done. Collective. */
PetscErrorCode RunBuildSlab(RunParts *parts, int k);
PetscErrorCode RunDestroySlabs(RunParts *parts);
/* Prints the header of the case: equations, rows, parameters, jets, memory, ranks, threads, seed, version. */
PetscErrorCode RunHeader(const RunParts *parts);
/* Creates every stage once and looks at the output grid: mistakes there come before the first step. Collective. */
PetscErrorCode RunCheck(const RunParts *parts);
/* Sets theta to its start: drawn, from --start-from, or where --resume goes on; then runs all stages that are left,
   writes checkpoints and history. theta [inout]. Collective. */
PetscErrorCode RunStages(RunParts *parts, Vec theta, RunResult *result);
/* Verification, fields and summary of the trained theta; settles result->status against verify.tolerance and against
   files that could not be written. */
PetscErrorCode RunFinish(RunParts *parts, Vec theta, RunResult *result);
/* --evaluate: the fields of a checkpoint on the output grid or at the points of a file. */
PetscErrorCode RunEvaluate(RunParts *parts, Vec theta);
