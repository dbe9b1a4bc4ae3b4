/* The bash completion: options, case files, keys behind --set and their words behind "=". */
#include <string.h>
#include "cli_impl.h"

static void print_words(const ChoiceTable *table)
{
  for (const Choice *row = table->rows; row->name; row++) printf("%s%s", row == table->rows ? "" : " ", row->name);
}

/* Keys as --set writes them: the first element of a list; free names are left out. */
static void print_keys(void)
{
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    if (strchr(key->path, '*')) continue;
    for (const char *c = key->path; *c; c++) fputs(*c == '[' ? "[0" : (const char[]){*c, 0}, stdout);
    fputs(" ", stdout);
  }
}

/* What compgen shall offer for the argument of an option. */
static void print_argument(const Option *option)
{
  printf("    %s) ", option->name);
  if (strstr(option->argument, "FILE"))
    fputs("how=(-f)", stdout);
  else if (strstr(option->argument, "DIR"))
    fputs("how=(-d)", stdout);
  else if (strstr(option->argument, "PATH"))
    fputs("how=(-W \"$keys\" -S '='); compopt -o nospace", stdout);
  else if (strstr(option->argument, "KEY"))
    fputs("how=(-W \"$keys\")", stdout);
  else {
    fputs("how=(-W \"", stdout);
    if (strstr(option->argument, "KIND")) {
      fputs("keys", stdout);
      for (const ChoiceTable *const *table = ChoiceTables; *table; table++) printf(" %s", (*table)->kind);
    } else if (strstr(option->argument, "NAME"))
      print_words(&BackendTable);
    else
      fputs(option->argument, stdout);
    fputs("\")", stdout);
  }
  puts(" ;;");
}

/* Behind "=" bash sees words of their own: the key, "=" and what is typed so far. */
static void print_values(void)
{
  puts("  [[ $cur == = ]] && key=$prev && cur=''\n"
       "  [[ $prev == = ]] && key=${COMP_WORDS[COMP_CWORD-2]}\n"
       "  case ${key//[0-9]/} in\n"
       "    '' | -*) prev=${key:-$prev} key='' ;;");
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    if (!key->choices && key->type != CONFIG_BOOL) continue;
    printf("    '%s') words=\"", key->path);
    if (key->choices)
      print_words(key->choices);
    else
      fputs("true false", stdout);
    puts("\" ;;");
  }
  puts("  esac");
}

bool CliPrintCompletion(const char *shell)
{
  if (strcmp(shell, "bash")) return CliMistake("no completion for '%.60s' (known: bash)", shell);
  puts("# bash completion of pinn-solve\n"
       "_pinn_solve() {\n"
       "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} key='' words='' keys options how");
  fputs("  keys=\"", stdout);
  print_keys();
  fputs("\"\n  options=\"", stdout);
  for (int k = 0; k < N_OPTION; k++) printf("%s ", CliOptions[k].name);
  puts("\"");
  print_values();
  puts("  compopt -o filenames\n  case $prev in");
  for (int k = 0; k < N_OPTION; k++)
    if (CliOptions[k].argument) print_argument(&CliOptions[k]);
  puts("    *) how=(-f -o plusdirs -X '!*.cfg') ;;\n"
       "  esac\n"
       "  [[ $cur == -* ]] && how=(-W \"$options\")\n"
       "  [[ $key ]] && how=(-W \"$words\")\n"
       "  mapfile -t COMPREPLY < <(compgen \"${how[@]}\" -- \"$cur\")\n"
       "}\n"
       "complete -F _pinn_solve pinn-solve");
  return true;
}
