/* The command line: what is understood, what is refused in which words, and the texts that come from the tables. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../src/cli/cli_impl.h"
#include "harness.h"

static char output[1 << 20], mistake[4096]; /* of the last parse */

static void read_back(FILE *file, char *text, size_t size)
{
  rewind(file);
  text[fread(text, 1, size - 1, file)] = 0;
  fclose(file);
}

/* CliParse of the words, with stdout and stderr caught. */
static bool parse(Cli *cli, int n, const char *const words[])
{
  static const char *argv[64];
  FILE *out = tmpfile(), *err = tmpfile();
  ck_assert(out && err && n < 62);
  argv[0] = "pinn-solve";
  for (int i = 0; i < n; i++) argv[i + 1] = words[i];
  argv[n + 1] = NULL;
  fflush(stdout);
  const int old_out = dup(1), old_err = dup(2);
  dup2(fileno(out), 1);
  dup2(fileno(err), 2);
  const bool good = CliParse(n + 1, (char **)argv, cli);
  fflush(stdout);
  dup2(old_out, 1);
  dup2(old_err, 2);
  close(old_out);
  close(old_err);
  read_back(out, output, sizeof(output));
  read_back(err, mistake, sizeof(mistake));
  return good;
}

#define WORDS(...)                                                                                                     \
  (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[])                                      \
  {                                                                                                                    \
    __VA_ARGS__                                                                                                        \
  }

#define ck_refused(sentence, ...)                                                                                      \
  do {                                                                                                                 \
    Cli cli_;                                                                                                          \
    ck_assert(!parse(&cli_, WORDS(__VA_ARGS__)));                                                                      \
    ck_assert_str_eq(mistake, "pinn-solve: " sentence "\n");                                                           \
    ck_assert_str_eq(output, "");                                                                                      \
  } while (0)

#define ck_told(...)                                                                                                   \
  do {                                                                                                                 \
    Cli cli_;                                                                                                          \
    ck_assert(parse(&cli_, WORDS(__VA_ARGS__)));                                                                       \
    ck_assert_int_eq(cli_.action, CLI_INFORMATION);                                                                    \
    ck_assert_str_eq(mistake, "");                                                                                     \
  } while (0)

#define ck_contains(text) ck_assert_msg(strstr(output, text) != NULL, "no '%s' in the output", text)

START_TEST(plain_run)
{
  Cli cli;
  ck_assert(parse(&cli, WORDS("a.cfg")));
  ck_assert_int_eq(cli.action, CLI_SOLVE);
  ck_assert_str_eq(cli.case_file, "a.cfg");
  ck_assert(!cli.resume && !cli.start_from && !cli.checkpoint && !cli.output && !cli.quiet && !cli.json);
  ck_assert(!cli.overwrite && !cli.backend && !cli.points && cli.n_override == 0);
  ck_assert_int_eq(cli.petsc_argc, 1);
  ck_assert_str_eq(cli.petsc_argv[0], "pinn-solve");
  CliDestroy(&cli);
}
END_TEST

START_TEST(all_options)
{
  Cli cli;
  ck_assert(
      parse(&cli, WORDS("--set", "seed=2", "--overwrite", "a.cfg", "--output=out", "--quiet", "--json", "--backend",
                        "cpu", "--start-from", "b.h5", "--set=solver[0].type=adam", "--", "-log_view", "--set")));
  ck_assert_int_eq(cli.n_override, 2);
  ck_assert_str_eq(cli.overrides[0], "seed=2");
  ck_assert_str_eq(cli.overrides[1], "solver[0].type=adam");
  ck_assert(cli.overwrite && cli.quiet && cli.json && cli.start_from && !cli.resume);
  ck_assert_str_eq(cli.output, "out");
  ck_assert_str_eq(cli.backend, "cpu");
  ck_assert_str_eq(cli.checkpoint, "b.h5");
  ck_assert_int_eq(cli.petsc_argc, 3);
  ck_assert_str_eq(cli.petsc_argv[0], "pinn-solve");
  ck_assert_str_eq(cli.petsc_argv[1], "-log_view");
  ck_assert_str_eq(cli.petsc_argv[2], "--set");
  ck_assert_ptr_null(cli.petsc_argv[3]);
  CliDestroy(&cli);
  ck_assert(parse(&cli, WORDS("--check", "a.cfg")));
  ck_assert_int_eq(cli.action, CLI_CHECK);
  CliDestroy(&cli);
  ck_assert(parse(&cli, WORDS("--evaluate", "c.h5", "--points", "p.h5", "a.cfg")));
  ck_assert_int_eq(cli.action, CLI_EVALUATE);
  ck_assert_str_eq(cli.checkpoint, "c.h5");
  ck_assert_str_eq(cli.points, "p.h5");
  CliDestroy(&cli);
}
END_TEST

START_TEST(resume_tells_a_checkpoint_from_a_case)
{
  Cli cli;
  ck_assert(parse(&cli, WORDS("--resume", "a.cfg")));
  ck_assert(cli.resume && !cli.checkpoint);
  ck_assert_str_eq(cli.case_file, "a.cfg");
  CliDestroy(&cli);
  ck_assert(parse(&cli, WORDS("--resume", "c.h5", "a.cfg")));
  ck_assert_str_eq(cli.checkpoint, "c.h5");
  CliDestroy(&cli);
  ck_assert(parse(&cli, WORDS("a.cfg", "--resume=odd.name", "--quiet")));
  ck_assert_str_eq(cli.checkpoint, "odd.name");
  CliDestroy(&cli);
  ck_assert(parse(&cli, WORDS("a.cfg", "--resume")));
  ck_assert(cli.resume && !cli.checkpoint);
  CliDestroy(&cli);
}
END_TEST

START_TEST(mistakes_get_one_sentence)
{
  ck_refused("unknown option '--quite' (did you mean '--quiet'? see pinn-solve --help)", "--quite", "a.cfg");
  ck_refused("unknown option '-x' (see pinn-solve --help)", "-x");
  ck_refused("unknown option '--setup=3' (see pinn-solve --help)", "--setup=3");
  ck_refused("--set needs an argument: --set PATH=VALUE", "a.cfg", "--set");
  ck_refused("--set needs an argument: --set PATH=VALUE", "--set", "--", "a.cfg");
  ck_refused("--output needs an argument: --output DIR", "--output", "--json", "a.cfg");
  ck_refused("--output needs an argument: --output DIR", "--output=", "a.cfg");
  ck_refused("--quiet takes no argument, 'yes' was given", "--quiet=yes", "a.cfg");
  ck_refused("two case files: 'a.cfg' and 'b.cfg'", "a.cfg", "b.cfg");
  ck_refused("a case file is wanted: pinn-solve [options] CASE.cfg (see pinn-solve --help)", "--json");
  ck_refused("--resume and --start-from exclude each other", "--resume", "--start-from", "b.h5", "a.cfg");
  ck_refused("--resume and --overwrite exclude each other", "--overwrite", "--resume", "a.cfg");
  ck_refused("--check and --evaluate exclude each other", "--check", "--evaluate", "c.h5", "a.cfg");
  ck_refused("--points belongs to --evaluate FILE", "--points", "p.h5", "a.cfg");
  if (!ChoiceFind(&BackendTable, "cuda"))
    ck_refused("this build has no backend 'cuda', which make CUDA=1 brings (known: cpu)", "--backend", "cuda", "a.cfg");
  ck_refused("no completion for 'zsh' (known: bash)", "--completion", "zsh");
  ck_refused("no key 'netwrk.hidden' (did you mean 'network.hidden'? see pinn-solve --list keys)", "--help",
             "netwrk.hidden");
  ck_refused("no key 'quadrature' (see pinn-solve --list keys)", "--help", "quadrature");
  Cli cli;
  ck_assert(!parse(&cli, WORDS("--list", "activaton")));
  ck_assert_ptr_nonnull(strstr(mistake, "no kind 'activaton' (did you mean 'activation'? known: keys, "));
  ck_assert(!parse(&cli, 0, (const char *const[]){NULL}));
}
END_TEST

START_TEST(only_one_rank_speaks)
{
  Cli cli;
  setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  ck_assert(!parse(&cli, WORDS("--quite", "a.cfg")));
  ck_assert_str_eq(mistake, "");
  setenv("OMPI_COMM_WORLD_RANK", "0", 1);
  ck_refused("two case files: 'a' and 'b'", "a", "b");
}
END_TEST

START_TEST(help_names_all_options)
{
  ck_told("--help");
  for (int k = 0; k < N_OPTION; k++) {
    ck_assert_msg(CliOptions[k].help && CliOptions[k].help[0], "%s has no help", CliOptions[k].name);
    ck_contains(CliOptions[k].name);
  }
  for (const char *line = output; *line; line += strcspn(line, "\n") + 1)
    ck_assert_msg(strcspn(line, "\n") <= 80 || line == output, "too wide: %.90s", line);
  ck_assert_ptr_null(strstr(output, " \n"));
  ck_contains("usage: pinn-solve [options] CASE.cfg [-- PETSc options]");
  ck_contains("--resume [FILE]");
  ck_contains("\n  4   diverged, or finished without meeting verify.tolerance\n");
  static char same[sizeof(output)];
  strcpy(same, output);
  ck_told("-h");
  ck_assert_str_eq(output, same);
}
END_TEST

START_TEST(help_of_keys)
{
  ck_told("--help", "network.hidden");
  ck_assert_str_eq(output, "network.hidden\n"
                           "    whole number or array of them, from 1 to 1048576; default [32, 32]; only\n"
                           "    with type mlp fourier modified-mlp piratenet separable siren\n"
                           "    widths of the hidden layers, of piratenet of its blocks, of separable in\n"
                           "    each coordinate's network\n");
  ck_told("--help", "problem.coordinates");
  ck_contains("text or array of them; required\n");
  ck_told("--help=solver[1].type");
  ck_contains("solver[].type\n");
  ck_contains("gauss-newton");
  ck_assert_ptr_null(strstr(output, "learning_rate"));
  ck_told("--help", "solver");
  ck_contains("solver[].learning_rate\n    number, positive; default 1e-3; only with type adam shampoo\n"
              "    largest step size\n");
  ck_told("--help", "learning_rate");
  ck_contains("solver[].learning_rate\n");
  ck_told("--help", "points.interior");
  ck_contains("points.interior.count\n");
  ck_assert_ptr_null(strstr(output, "points.heldout"));
}
END_TEST

START_TEST(lists_show_tables)
{
  ck_told("--list");
  for (const ChoiceTable *const *table = ChoiceTables; *table; table++) {
    ck_contains((*table)->kind);
    for (const Choice *row = (*table)->rows; row->name; row++) ck_contains(row->name);
  }
  ck_told("--list", "activation");
  ck_contains("activation: ");
  ck_contains("tanh");
  ck_assert_ptr_null(strstr(output, "sobol"));
  ck_told("--list", "keys");
  for (const ConfigKey *key = ConfigKeys; key->path; key++) ck_contains(key->path);
}
END_TEST

/* Runs a shell command on what was printed last; its exit status, its words in `answer`. */
static int shell_on_output(const char *command, char *answer, size_t size)
{
  char name[] = "/tmp/pinn-cli-XXXXXX", line[1024];
  const int file = mkstemp(name);
  ck_assert_int_eq(write(file, output, strlen(output)), (ssize_t)strlen(output));
  close(file);
  snprintf(line, sizeof(line), "f=%s; %s", name, command);
  FILE *pipe = popen(line, "r");
  answer[fread(answer, 1, size - 1, pipe)] = 0;
  unlink(name);
  return WEXITSTATUS(pclose(pipe));
}

/* The output without troff's escapes of characters. */
static void undo_escapes(void)
{
  char *to = output;
  for (const char *from = output; *from; to++) {
    if (!strncmp(from, "\\-", 2))
      *to = '-', from += 2;
    else if (!strncmp(from, "\\(ha", 4))
      *to = '^', from += 4;
    else if (!strncmp(from, "\\(ga", 4))
      *to = '`', from += 4;
    else if (!strncmp(from, "\\(aq", 4))
      *to = '\'', from += 4;
    else
      *to = *from++;
  }
  *to = 0;
}

START_TEST(man_page_has_everything)
{
  char answer[4096];
  ck_told("--man");
  if (!system("command -v groff >/dev/null")) {
    ck_assert_int_eq(shell_on_output("groff -man -ww -Tutf8 $f 2>&1 >/dev/null", answer, sizeof(answer)), 0);
    ck_assert_str_eq(answer, "");
  }
  undo_escapes();
  for (int k = 0; k < N_OPTION; k++) ck_contains(CliOptions[k].name), ck_contains(CliOptions[k].help);
  for (const ConfigKey *key = ConfigKeys; key->path; key++) ck_contains(key->path), ck_contains(key->help);
  for (const ChoiceTable *const *table = ChoiceTables; *table; table++)
    for (const Choice *row = (*table)->rows; row->name; row++) ck_contains(row->name), ck_contains(row->help);
  for (const StatusHelp *row = CliStatuses; row->help; row++) ck_contains(row->help);
}
END_TEST

/* What bash offers after the words of a command line. */
static void ck_offers(const char *words, const char *part)
{
  char command[512], answer[8192];
  snprintf(command, sizeof(command),
           "exec bash -c 'compopt() { :; }; . \"$0\"; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
           "_pinn_solve; echo \" ${COMPREPLY[*]} \"' $f",
           words);
  ck_told("--completion", "bash");
  ck_assert_int_eq(shell_on_output(command, answer, sizeof(answer)), 0);
  ck_assert_msg(strstr(answer, part) != NULL, "after %s: '%s' has no '%s'", words, answer, part);
}

START_TEST(completion_offers_everything)
{
  char answer[1024];
  ck_told("--completion", "bash");
  ck_assert_int_eq(shell_on_output("bash -n $f 2>&1", answer, sizeof(answer)), 0);
  ck_assert_str_eq(answer, "");
  for (int k = 0; k < N_OPTION; k++) ck_contains(CliOptions[k].name);
  for (const ConfigKey *key = ConfigKeys; key->path; key++)
    if (!strpbrk(key->path, "*[")) ck_contains(key->path);
  ck_contains("solver[0].learning_rate");
  ck_offers("pinn-solve --st", " --start-from ");
  ck_offers("pinn-solve --set network.hid", " network.hidden= ");
  ck_offers("pinn-solve --set network.activation =", " tanh ");
  ck_offers("pinn-solve --set solver[0].type = gau", " gauss-newton ");
  ck_offers("pinn-solve --set network.normalize = f", " false ");
  ck_offers("pinn-solve --help = outp", " output.directory ");
  ck_offers("pinn-solve --list samp", " sampler ");
  ck_offers("pinn-solve --output /us", " /usr ");
  ck_offers("pinn-solve --backend \"\"", " cpu ");
  ck_offers("pinn-solve /us", " /usr ");
}
END_TEST

START_TEST(version_names_the_libraries)
{
  char petsc[32];
  ck_told("--version");
  ck_assert_int_eq(strncmp(output, "pinn-solve ", 11), 0);
  snprintf(petsc, sizeof(petsc), "PETSc %d.%d.%d\n", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR);
  ck_contains(petsc);
  ck_contains(PinnVersion());
  ck_contains("HDF5 1.");
  ck_contains("libconfig ");
}
END_TEST

START_TEST(signals_only_set_a_flag)
{
  static const struct {
    int number;
    const char *name;
  } signals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}};
  const char *name;
  bool stop;
  ck_petsc(CliCatchSignals());
  ck_petsc(CliStopRequested(PETSC_COMM_SELF, &stop, &name));
  ck_assert(!stop && !name);
  for (int i = 0; i < 4; i++) {
    raise(signals[i].number);
    ck_petsc(CliStopRequested(PETSC_COMM_SELF, &stop, &name));
    ck_assert(stop);
    ck_assert_str_eq(name, signals[i].name);
  }
}
END_TEST

START_TEST(second_interrupt_ends_the_process)
{
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (!child) {
    if (CliCatchSignals()) _exit(1);
    raise(SIGINT);
    raise(SIGTERM);
    raise(SIGTERM);
    raise(SIGINT);
    _exit(2);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}
END_TEST

TEST_SUITE("cli", plain_run, all_options, resume_tells_a_checkpoint_from_a_case, mistakes_get_one_sentence,
           only_one_rank_speaks, help_names_all_options, help_of_keys, lists_show_tables, man_page_has_everything,
           completion_offers_everything, version_names_the_libraries, signals_only_set_a_flag,
           second_interrupt_ends_the_process)
