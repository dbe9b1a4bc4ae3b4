/* A run: the stages one after the other, with progress, checkpoints, signals and limits between their steps. */
#pragma once
#include "pinn/cli.h"
#include "pinn/output.h"

/* What main has built; all borrowed. */
typedef struct {
  MPI_Comm comm;
  const Cli *cli;
  Config config;
  Problem problem;
  Domain domain;
  Network network;
  Residual residual;
  Verifier verifier;
  Folder folder;
  Report report;
} RunParts;

typedef struct {
  ExitStatus status;
  char reason[256];
  PetscInt iterations; /* over all stages */
} RunResult;

/* Prints the header of the case: equations, rows, parameters, jets, memory, ranks, threads, seed, version. */
PetscErrorCode RunHeader(const RunParts *parts);
/* Creates every stage once and looks at the output grid: mistakes there come before the first step. Collective. */
PetscErrorCode RunCheck(const RunParts *parts);
/* Sets theta to its start: drawn, from --start-from, or where --resume goes on; then runs all stages that are left,
   writes checkpoints and history. theta [inout]. Collective. */
PetscErrorCode RunStages(const RunParts *parts, Vec theta, RunResult *result);
/* Verification, fields and summary of the trained theta; settles result->status against verify.tolerance. */
PetscErrorCode RunFinish(const RunParts *parts, Vec theta, RunResult *result);
/* --evaluate: the fields of a checkpoint on the output grid or at the points of a file. */
PetscErrorCode RunEvaluate(const RunParts *parts, Vec theta);
