#include <stdlib.h>
#include <string.h>
#include "harness.h"
#include "pinn/kernel.h"

static char error_text[2048];

PetscErrorCode TestSilentHandler(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                 PetscErrorType type, const char *text, void *context)
{
  (void)comm, (void)line, (void)function, (void)file, (void)context;
  if (type == PETSC_ERROR_INITIAL) snprintf(error_text, sizeof(error_text), "%s", text ? text : "");
  return code;
}

const char *TestErrorText(void)
{
  return error_text;
}

Suite *TestSuiteOf(const char *name, size_t n, const TTest *const tests[], double timeout)
{
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create(name);
  tcase_set_timeout(tcase, timeout);
  for (size_t i = 0; i < n; i++) tcase_add_test(tcase, tests[i]);
  suite_add_tcase(suite, tcase);
  return suite;
}

int main(int argc, char **argv)
{
  KernelChooseBLAS(argv);
  /* PETSc's signal handler would turn a crash in a forked test into MPI_Abort and a time-out. */
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return EXIT_FAILURE;
  if (PetscOptionsSetValue(NULL, "-no_signal_handler", "")) return EXIT_FAILURE;
  if (PetscPopSignalHandler()) return EXIT_FAILURE;
  SRunner *runner = srunner_create(TestSuite());
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  if (PetscFinalize()) return EXIT_FAILURE;
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
