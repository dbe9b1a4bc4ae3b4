/* The command line: options, help from the tables, signals. */
#pragma once
#include "pinn/choice.h"
#include "pinn/error.h"
#include <stdbool.h>

/* Where the arithmetic is done; a row's data is its Device (device.h), NULL for the processor. */
extern const ChoiceTable BackendTable;

typedef enum { CLI_SOLVE, CLI_CHECK, CLI_EVALUATE, CLI_INFORMATION } CliAction;

typedef struct {
  CliAction action;
  const char *case_file;
  int n_override;
  const char **overrides; /* --set PATH=VALUE */
  bool resume;
  const char *checkpoint; /* --resume FILE, --start-from FILE, --evaluate FILE; NULL = newest */
  bool start_from;
  const char *points;  /* --points FILE */
  const char *output;  /* --output DIR */
  const char *backend; /* of BackendTable; NULL = cpu */
  bool overwrite, quiet, json;
  int petsc_argc; /* what stands after --, with argv[0] */
  char **petsc_argv;
} Cli;

/* Parses argv before PETSc starts; cli borrows its words, and petsc_argv is its tail (the "--" becomes argv[0]).
   --help, --list, --man, --completion and --version print to stdout and set CLI_INFORMATION. A mistake prints one
   sentence with the nearest known option to stderr.
   cli is to be freed with CliDestroy after CLI_SOLVE, CLI_CHECK and CLI_EVALUATE; otherwise it owns nothing.
   Returns false where the process should end with EXIT_USER. */
bool CliParse(int argc, char **argv, Cli *cli);
void CliDestroy(Cli *cli);

/* "1.2-3-gabcdef": the commit this was built from. Cannot fail. */
const char *PinnVersion(void);

/* From now on SIGINT, SIGTERM, SIGUSR1, SIGUSR2 only set a flag; a second SIGINT ends the process at once.
   CliStopRequested: has any rank seen a signal? Collective on comm, cheap. name [out] "SIGTERM" or NULL. */
PetscErrorCode CliCatchSignals(void);
PetscErrorCode CliStopRequested(MPI_Comm comm, bool *stop, const char **name);
/* PetscFinalize, for the end of a process: what it has done keeps its exit status whatever signal comes. */
PetscErrorCode CliFinalize(void);
