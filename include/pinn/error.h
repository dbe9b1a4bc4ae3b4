/* Errors of three kinds, told apart by their PETSc code:
     a user's mistake   PETSC_ERR_USER_INPUT   one sentence "file:line: what was read, what is allowed", exit status 2
     the environment    PETSC_ERR_FILE_*, _MEM, _LIB   one sentence with the cause, exit status 1
     a bug              anything else           PETSc's full trace, exit status 1
   A numerical outcome (divergence, NaN in a run) is no error: see OptimizerReason. */
#pragma once
#include <petscsys.h>
#include <stdbool.h>

#ifndef PETSC_SUCCESS /* PETSc before 3.19 */
#define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

typedef enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USER = 2, EXIT_STOPPED = 3, EXIT_DIVERGED = 4 } ExitStatus;

/* Returns from the calling function with a user's mistake. The text is lower case without a final period. */
#define PinnUserError(...) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, __VA_ARGS__)
#define PinnUserCheck(condition, ...)                                                                                  \
  do {                                                                                                                 \
    if (PetscUnlikely(!(condition))) PinnUserError(__VA_ARGS__);                                                       \
  } while (0)
/* The same for the environment: a file that cannot be written, memory that is not there. */
#define PinnSystemCheck(condition, ...)                                                                                \
  do {                                                                                                                 \
    if (PetscUnlikely(!(condition))) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, __VA_ARGS__);                       \
  } while (0)

/* Installs the handler that records the sentence of a user's mistake or of the environment (ErrorText; main prints it)
   and prints PETSc's trace for a bug. Remove with PetscPopErrorHandler(). Not collective. */
PetscErrorCode ErrorPushHandler(void);

/* A handler for PetscPushErrorHandler that prints nothing and keeps the first text in its context,
   char[PINN_ERROR_SIZE]: for errors that are answered or told in other words. */
#define PINN_ERROR_SIZE 1024
PetscErrorCode ErrorCapture(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                            PetscErrorType type, const char *text, void *context);

/* The exit status that belongs to an error code: 2 for PETSC_ERR_USER_INPUT, 1 for any other. Cannot fail. */
ExitStatus ErrorExitStatus(PetscErrorCode code);

/* Neither a user's mistake nor the environment. Cannot fail. */
bool ErrorIsBug(PetscErrorCode code);

/* Text of the last user or environment error, without the "pinn-solve: " prefix; "" if there was none.
   Owned by the handler, valid until the next error. */
const char *ErrorText(void);

/* Makes all ranks return the same outcome of work that only some ranks did (files on rank 0): the largest code wins
   and all ranks get its text. Collective on comm. Returns that code. */
PetscErrorCode ErrorAgree(MPI_Comm comm, PetscErrorCode code);

/* The word nearest to `word` by edit distance (transpositions count one), or NULL where none is within a third of its
   length. Nothing is near a single letter.
     word   [in]  what was read
     words  [in]  [n] what is known; NULL entries are skipped
   The result is an entry of words. Cannot fail. Cost: n * |word|^2. */
const char *ErrorNearestWord(const char *word, size_t n, const char *const words[]);
