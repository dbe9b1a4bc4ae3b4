#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli_impl.h"

/* What the loop over argv remembers besides Cli. */
typedef struct {
  int argc, next;
  char **argv;
  bool seen[N_OPTION];
} Words;

bool CliMistake(const char *format, ...)
{
  /* MPI does not run yet; its launchers say in the environment which rank this is. */
  static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};
  for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
    const char *rank = getenv(ranks[i]);
    if (rank && strcmp(rank, "0")) return false;
  }
  va_list arguments;
  va_start(arguments, format);
  fputs("pinn-solve: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("\n", stderr);
  va_end(arguments);
  return false;
}

static bool unknown_option(const char *word)
{
  const char *names[N_OPTION], *near;
  for (int k = 0; k < N_OPTION; k++) names[k] = CliOptions[k].name;
  near = ErrorNearestWord(word, N_OPTION, names);
  if (near) return CliMistake("unknown option '%.60s' (did you mean '%s'? see pinn-solve --help)", word, near);
  return CliMistake("unknown option '%.60s' (see pinn-solve --help)", word);
}

/* The option a word names, with "=ARGUMENT" or without; N_OPTION where there is none. */
static OptionId find_option(const char *word, const char **argument)
{
  const char *equals = strchr(word, '=');
  const size_t length = equals ? (size_t)(equals - word) : strlen(word);
  *argument = equals ? equals + 1 : NULL;
  if (!strcmp(word, "-h")) return OPTION_HELP;
  OptionId k = 0;
  while (k < N_OPTION && (strlen(CliOptions[k].name) != length || strncmp(CliOptions[k].name, word, length))) k++;
  return k;
}

/* Is `word` the argument of an option that may stand without one? What follows --resume may be the case. */
static bool takes_optional(OptionId option, const char *word)
{
  const char *end = strrchr(word, '.');
  return option == OPTION_RESUME ? end && !strcmp(end, ".h5") : word[0] != '-';
}

/* The option's argument, from its own word or the next one; NULL where it may be missing and is. */
static bool find_argument(Words *words, OptionId option, const char **argument)
{
  const char *wanted = CliOptions[option].argument, *name = CliOptions[option].name;
  const char *next = words->next < words->argc ? words->argv[words->next] : NULL;
  if (!wanted) return !*argument || CliMistake("%s takes no argument, '%.60s' was given", name, *argument);
  if (!*argument && next && strcmp(next, "--") && (wanted[0] != '[' || takes_optional(option, next))) {
    *argument = next;
    words->next++;
  }
  const bool missing = *argument ? !**argument || !strncmp(*argument, "--", 2) : wanted[0] != '[';
  return !missing || CliMistake("%s needs an argument: %s %s", name, name, wanted);
}

static bool apply(OptionId option, const char *argument, Cli *cli)
{
  switch (option) {
  case OPTION_CHECK:
    cli->action = CLI_CHECK;
    break;
  case OPTION_SET:
    cli->overrides[cli->n_override++] = argument;
    break;
  case OPTION_RESUME:
    cli->resume = true, cli->checkpoint = argument;
    break;
  case OPTION_START_FROM:
    cli->start_from = true, cli->checkpoint = argument;
    break;
  case OPTION_EVALUATE:
    cli->action = CLI_EVALUATE, cli->checkpoint = argument;
    break;
  case OPTION_POINTS:
    cli->points = argument;
    break;
  case OPTION_OUTPUT:
    cli->output = argument;
    break;
  case OPTION_OVERWRITE:
    cli->overwrite = true;
    break;
  case OPTION_QUIET:
    cli->quiet = true;
    break;
  case OPTION_JSON:
    cli->json = true;
    break;
  case OPTION_BACKEND:
    if (!ChoiceFind(&BackendTable, argument)) {
      char known[256];
      ChoiceSuggest(&BackendTable, argument, known, sizeof(known));
      return CliMistake("this build has no backend '%.60s'%s%s", argument,
                        strcmp(argument, "cuda") ? "" : ", which make CUDA=1 brings", known);
    }
    cli->backend = argument;
    break;
  default:
    cli->action = CLI_INFORMATION;
    if (option == OPTION_HELP) return CliPrintHelp(argument);
    if (option == OPTION_LIST) return CliPrintList(argument);
    if (option == OPTION_COMPLETION) return CliPrintCompletion(argument);
    if (option == OPTION_MAN)
      CliPrintMan();
    else
      CliPrintVersion();
  }
  return true;
}

static bool is_consistent(const Words *words, const Cli *cli)
{
  static const OptionId apart[][2] = {{OPTION_CHECK, OPTION_RESUME},       {OPTION_CHECK, OPTION_START_FROM},
                                      {OPTION_CHECK, OPTION_EVALUATE},     {OPTION_RESUME, OPTION_START_FROM},
                                      {OPTION_RESUME, OPTION_EVALUATE},    {OPTION_RESUME, OPTION_OVERWRITE},
                                      {OPTION_START_FROM, OPTION_EVALUATE}};
  for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++)
    if (words->seen[apart[i][0]] && words->seen[apart[i][1]])
      return CliMistake("%s and %s exclude each other", CliOptions[apart[i][0]].name, CliOptions[apart[i][1]].name);
  if (cli->points && cli->action != CLI_EVALUATE) return CliMistake("--points belongs to --evaluate FILE");
  return cli->case_file || CliMistake("a case file is wanted: pinn-solve [options] CASE.cfg (see pinn-solve --help)");
}

/* Options and the case file; ends at "--" or at a request for information. */
static bool parse_words(Words *words, Cli *cli)
{
  while (words->next < words->argc) {
    const char *word = words->argv[words->next++], *argument;
    if (!strcmp(word, "--")) {
      cli->petsc_argv = words->argv + words->next - 1;
      cli->petsc_argv[0] = words->argv[0];
      cli->petsc_argc = words->argc - words->next + 1;
      break;
    }
    if (word[0] != '-') {
      if (cli->case_file) return CliMistake("two case files: '%.60s' and '%.60s'", cli->case_file, word);
      cli->case_file = word;
      continue;
    }
    const OptionId option = find_option(word, &argument);
    if (option == N_OPTION) return unknown_option(word);
    if (!find_argument(words, option, &argument) || !apply(option, argument, cli)) return false;
    if (cli->action == CLI_INFORMATION) return true;
    words->seen[option] = true;
  }
  return is_consistent(words, cli);
}

bool CliParse(int argc, char **argv, Cli *cli)
{
  Words words = {.argc = argc, .next = 1, .argv = argv};
  *cli = (Cli){.petsc_argc = 1, .petsc_argv = argv};
  cli->overrides = calloc((size_t)argc, sizeof(*cli->overrides));
  if (!cli->overrides) return CliMistake("no memory for the command line");
  const bool good = parse_words(&words, cli);
  if (!good || cli->action == CLI_INFORMATION) CliDestroy(cli);
  return good;
}

void CliDestroy(Cli *cli)
{
  free(cli->overrides);
  cli->overrides = NULL;
  cli->n_override = 0;
}
