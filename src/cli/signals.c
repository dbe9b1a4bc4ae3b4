#include <signal.h>
#include "pinn/cli.h"

static volatile sig_atomic_t caught;

static void remember(int signal)
{
  caught = signal;
}

static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

PetscErrorCode CliCatchSignals(void)
{
  PetscFunctionBegin;
  /* Neither a reader that went away nor a file that may not grow ends a run: the write tells. */
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  PetscCheck(!sigaction(SIGPIPE, &ignore, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS, "cannot ignore SIGPIPE");
  PetscCheck(!sigaction(SIGXFSZ, &ignore, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS, "cannot ignore SIGXFSZ");
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    /* The first SIGINT restores the default action, with which the second one ends the process. */
    struct sigaction action = {.sa_handler = remember,
                               .sa_flags = SA_RESTART | (signals[i] == SIGINT ? (int)SA_RESETHAND : 0)};
    PetscCheck(!sigaction(signals[i], &action, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS, "cannot catch signal %d",
               signals[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CliFinalize(void)
{
  PetscErrorCode code = PetscPopSignalHandler(); /* gives SIGTERM its default action: not in PetscFinalize, then */
  if (!code) code = CliCatchSignals();
  return code ? code : PetscFinalize();
}

static const char *signal_name(int signal)
{
  switch (signal) {
  case SIGINT:
    return "SIGINT";
  case SIGTERM:
    return "SIGTERM";
  case SIGUSR1:
    return "SIGUSR1";
  case SIGUSR2:
    return "SIGUSR2";
  }
  return NULL;
}

PetscErrorCode CliStopRequested(MPI_Comm comm, bool *stop, const char **name)
{
  int mine = caught, any;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm));
  *stop = any != 0;
  *name = signal_name(any);
  PetscFunctionReturn(PETSC_SUCCESS);
}
