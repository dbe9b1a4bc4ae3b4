/* pinn-solve: the pipeline from a case file to verified fields, top to bottom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pinn/run.h"

/* output.directory, else output/ and the case file's name without its ending. */
static PetscErrorCode choose_folder(const RunParts *parts, char *path, size_t size)
{
  const char *name = parts->cli->output;
  PetscFunctionBegin;
  if (!name && ConfigHas(parts->config, "output.directory"))
    PetscCall(ConfigGetString(parts->config, "output.directory", &name));
  if (name) {
    snprintf(path, size, "%s", name);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const char *file = strrchr(parts->cli->case_file, '/');
  file = file ? file + 1 : parts->cli->case_file;
  const char *end = strrchr(file, '.');
  snprintf(path, size, "output/%.*s", end ? (int)(end - file) : (int)strlen(file), file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build(RunParts *p)
{
  PetscFunctionBegin;
  PetscCall(ConfigLoad(p->comm, p->cli->case_file, p->cli->n_override, p->cli->overrides, &p->config));
  PetscCall(RunOpenDevice(p));
  PetscCall(ProblemCreate(p->config, &p->problem));
  PetscCall(DomainCreate(p->config, ProblemFormula(p->problem), &p->whole));
  PetscCall(RunCreateSlabs(p));
  PetscCall(RunBuildSlab(p, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy(RunParts *p)
{
  PetscFunctionBegin;
  PetscCall(ReportDestroy(&p->report));
  PetscCall(FolderDestroy(&p->folder));
  PetscCall(RunDestroySlabs(p));
  PetscCall(DomainDestroy(&p->whole));
  PetscCall(ProblemDestroy(&p->problem));
  PetscCall(ConfigDestroy(&p->config));
  PetscCall(RunCloseDevice(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A signal that came before there was anything to keep leaves the folder as it is. */
static PetscErrorCode stop_early(const RunParts *p, ExitStatus *status)
{
  const char *name;
  bool stop;
  PetscFunctionBegin;
  PetscCall(CliStopRequested(p->comm, &stop, &name));
  if (!stop) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFPrintf(p->comm, stderr, "pinn-solve: stopped by %s before anything was done\n", name));
  *status = EXIT_STOPPED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode train(RunParts *p, Vec theta, ExitStatus *status)
{
  RunResult result;
  PetscFunctionBegin;
  PetscCall(RunStages(p, theta, &result));
  PetscCall(RunFinish(p, theta, &result));
  *status = result.status;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode solve(RunParts *p, ExitStatus *status)
{
  const ReportOptions options = {.quiet = p->cli->quiet, .json = p->cli->json};
  const bool check = p->cli->action == CLI_CHECK, evaluate = p->cli->action == CLI_EVALUATE;
  const FolderUse use = evaluate || (p->cli->resume && p->cli->checkpoint) ? FOLDER_ADD
                        : p->cli->resume                                   ? FOLDER_RESUME
                        : p->cli->overwrite                                ? FOLDER_OVERWRITE
                                                                           : FOLDER_NEW;
  char folder[PETSC_MAX_PATH_LEN];
  Vec theta;
  PetscFunctionBegin;
  PetscCall(choose_folder(p, folder, sizeof(folder)));
  if (!check) PetscCall(FolderCreate(p->comm, folder, use, &p->folder));
  PetscCall(ReportCreate(p->comm, &options, evaluate ? NULL : p->folder, p->problem, p->residual, &p->report));
  if (!evaluate) PetscCall(RunHeader(p));
  if (check) {
    PetscCall(RunCheck(p));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ResidualCreateTheta(p->residual, &theta));
  const PetscErrorCode code = evaluate ? RunEvaluate(p, theta) : train(p, theta, status);
  PetscCall(VecDestroy(&theta));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_and_solve(RunParts *p, ExitStatus *status)
{
  PetscFunctionBegin;
  PetscCall(build(p));
  PetscCall(stop_early(p, status));
  if (*status == EXIT_DONE) PetscCall(solve(p, status));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error of this rank alone the others may be waiting, and would wait here, too. */
static bool others_wait(PetscErrorCode code)
{
  PetscMPIInt n_rank = 1;
  (void)MPI_Comm_size(PETSC_COMM_WORLD, &n_rank);
  return code && code != PETSC_ERR_USER_INPUT && n_rank > 1;
}

static PetscErrorCode run(const Cli *cli, ExitStatus *status)
{
  RunParts parts = {.comm = PETSC_COMM_WORLD, .cli = cli};
  PetscFunctionBegin;
  PetscCall(CliCatchSignals()); /* again: PETSc has taken SIGPIPE */
  const PetscErrorCode code = build_and_solve(&parts, status);
  if (ErrorIsBug(code) || others_wait(code)) PetscFunctionReturn(code);
  PetscCall(destroy(&parts));
  PetscFunctionReturn(code);
}

/* Without mpirun, Open MPI would start a daemon and look for networks first, which takes longer than many a case. */
static void start_alone(void)
{
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self", 0);
}

int main(int argc, char **argv)
{
  ExitStatus status = EXIT_DONE;
  PetscMPIInt rank;
  Cli cli;
  KernelChooseBLAS(argv);
  if (!CliParse(argc, argv, &cli)) return EXIT_USER;
  if (cli.action == CLI_INFORMATION) return EXIT_DONE;
  if (CliCatchSignals()) return EXIT_FAILED; /* MPI takes a while to start */
  if (!getenv("OMPI_COMM_WORLD_SIZE")) start_alone();
  if (PetscInitialize(&cli.petsc_argc, &cli.petsc_argv, NULL, NULL)) return EXIT_FAILED;
  if (ErrorPushHandler() || MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return EXIT_FAILED;
  const PetscErrorCode code = run(&cli, &status);
  if (code) {
    status = ErrorExitStatus(code);
    if (ErrorText()[0] && rank == 0) fprintf(stderr, "pinn-solve: %s\n", ErrorText());
  }
  CliDestroy(&cli);
  if (others_wait(code)) MPI_Abort(PETSC_COMM_WORLD, (int)status);
  if (PetscPopErrorHandler() || CliFinalize()) return EXIT_FAILED;
  return (int)status;
}
