/* The error handler records one sentence for a user's mistake or the environment and leaves printing to main, once all
   ranks agree; bugs are traced at once by PETSc. */
#include <stdio.h>
#include <string.h>
#include "pinn/error.h"

static char error_text[2048];

static bool is_environment(PetscErrorCode code)
{
  return code == PETSC_ERR_MEM || code == PETSC_ERR_LIB ||
         (code >= PETSC_ERR_FILE_OPEN && code <= PETSC_ERR_FILE_UNEXPECTED);
}

bool ErrorIsBug(PetscErrorCode code)
{
  return code && code != PETSC_ERR_USER_INPUT && !is_environment(code);
}

static PetscErrorCode record_error(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                   PetscErrorType type, const char *text, void *context)
{
  if (ErrorIsBug(code)) return PetscTraceBackErrorHandler(comm, line, function, file, code, type, text, context);
  if (type == PETSC_ERROR_INITIAL) snprintf(error_text, sizeof(error_text), "%s", text ? text : "unknown error");
  return code;
}

PetscErrorCode ErrorPushHandler(void)
{
  return PetscPushErrorHandler(record_error, NULL);
}

ExitStatus ErrorExitStatus(PetscErrorCode code)
{
  return code == PETSC_ERR_USER_INPUT ? EXIT_USER : EXIT_FAILED;
}

const char *ErrorText(void)
{
  return error_text;
}

PetscErrorCode ErrorAgree(MPI_Comm comm, PetscErrorCode code)
{
  struct {
    int code, rank;
  } mine = {(int)code, 0}, worst;
  if (MPI_Comm_rank(comm, &mine.rank)) return PETSC_ERR_MPI;
  if (MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm)) return PETSC_ERR_MPI;
  if (worst.code && MPI_Bcast(error_text, sizeof(error_text), MPI_CHAR, worst.rank, comm)) return PETSC_ERR_MPI;
  return (PetscErrorCode)worst.code;
}

PetscErrorCode ErrorCapture(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                            PetscErrorType type, const char *text, void *context)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL) snprintf(context, PINN_ERROR_SIZE, "%s", text ? text : "unknown error");
  return code;
}
