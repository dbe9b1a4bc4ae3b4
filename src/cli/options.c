#include "cli_impl.h"

const char *const CliPurpose =
    "solve the partial differential equations written in a text file by physics-informed networks";

const Option CliOptions[N_OPTION] = {
    [OPTION_CHECK] = {"--check", NULL,
                      "read and check the case; print its equations, rows, parameters, derivatives and memory; solve "
                      "nothing"},
    [OPTION_SET] = {"--set", "PATH=VALUE",
                    "override a key of the case (repeatable); text needs no quotes: --set solver[0].type=adam"},
    [OPTION_RESUME] = {"--resume", "[FILE]",
                       "go on with the same run from its newest checkpoint, or from FILE, whose name ends in .h5"},
    [OPTION_START_FROM] = {"--start-from", "FILE", "begin a new run with the parameters of a checkpoint"},
    [OPTION_EVALUATE] = {"--evaluate", "FILE",
                         "train nothing: write the fields of a checkpoint on the output grid, or at --points"},
    [OPTION_POINTS] = {"--points", "FILE",
                       "HDF5 file with /points [n][coordinates] at which --evaluate takes the fields"},
    [OPTION_OUTPUT] = {"--output", "DIR", "folder of the results, instead of output.directory"},
    [OPTION_OVERWRITE] = {"--overwrite", NULL, "let the results in the output folder be replaced"},
    [OPTION_BACKEND] = {"--backend", "NAME", "where the arithmetic is done (--list backend)"},
    [OPTION_QUIET] = {"--quiet", NULL, "print warnings and errors only"},
    [OPTION_JSON] = {"--json", NULL,
                     "print one JSON object a line instead of the table: start, progress, "
                     "verification, end"},
    [OPTION_LIST] = {"--list", "[KIND]",
                     "print the words a case may use, all or of one kind; KIND keys prints every key"},
    [OPTION_HELP] = {"--help", "[KEY]",
                     "print this help, or that of a key of the case file (network.hidden) or group (network)"},
    [OPTION_MAN] = {"--man", NULL, "print the manual page: pinn-solve --man | man -l -"},
    [OPTION_COMPLETION] = {"--completion", "bash",
                           "print the completion script: eval \"$(pinn-solve --completion bash)\""},
    [OPTION_VERSION] = {"--version", NULL, "print the version of the program and its libraries"},
};

const StatusHelp CliStatuses[] = {
    {EXIT_DONE, "done; verify.tolerance, where given, was met"},
    {EXIT_FAILED, "the run failed: a file, memory, or a fault of the program"},
    {EXIT_USER, "the case file or the command line is wrong"},
    {EXIT_STOPPED,
     "stopped by a signal, limits.wall_time or the end of a Slurm job; a checkpoint is written, --resume goes on"},
    {EXIT_DIVERGED, "diverged, or finished without meeting verify.tolerance"},
    {0, NULL},
};

const char *const CliExamples[] = {"pinn-solve --check case.cfg",
                                   "is the case sound, and how large is it?",
                                   "pinn-solve --set 'network.hidden=[64,64]' --set seed=2 case.cfg",
                                   "a variation of it",
                                   "mpirun -n 4 pinn-solve --resume case.cfg",
                                   "go on where it was stopped, on four ranks",
                                   "pinn-solve case.cfg -- -log_view",
                                   "with PETSc's timing",
                                   NULL};
