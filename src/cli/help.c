#include <string.h>
#include "cli_impl.h"

#define COLUMNS 80

/* The text in lines that begin at column `indent`; the first one is already begun. */
static void print_wrapped(int indent, const char *text)
{
  for (int column = indent; *text; text += strspn(text, " ")) {
    const int length = (int)strcspn(text, " ");
    const bool first = column == indent;
    if (!first && column + 1 + length > COLUMNS)
      column = printf("\n%*s%.*s", indent, "", length, text) - 1;
    else
      column += printf("%s%.*s", first ? "" : " ", length, text);
    text += length;
  }
  puts("");
}

/* A name at column 2 and what it means from column `indent` on. */
static void print_entry(int indent, const char *name, const char *help)
{
  if ((int)strlen(name) + 3 < indent)
    printf("  %-*s", indent - 2, name);
  else
    printf("  %s\n%*s", name, indent, "");
  print_wrapped(indent, help);
}

static bool print_command(void)
{
  printf("pinn-solve: %s\n\nusage: pinn-solve [options] CASE.cfg [-- PETSc options]\n\n", CliPurpose);
  for (int k = 0; k < N_OPTION; k++) {
    char name[64];
    const char *argument = CliOptions[k].argument;
    snprintf(name, sizeof(name), "%s %s", CliOptions[k].name, argument ? argument : "");
    print_entry(24, name, CliOptions[k].help);
  }
  puts("\nexit status:");
  for (const StatusHelp *row = CliStatuses; row->help; row++) {
    char status[8];
    snprintf(status, sizeof(status), "%d", (int)row->status);
    print_entry(6, status, row->help);
  }
  puts("\nexamples:");
  for (const char *const *example = CliExamples; *example; example += 2)
    printf("  %s\n      %s\n", example[0], example[1]);
  return true;
}

void CliDescribeKey(const ConfigKey *key, char *text, size_t size)
{
  char range[64];
  const bool group = key->type == CONFIG_GROUP, member = strstr(key->path, ".*") != NULL;
  ConfigKeyRange(key, range, sizeof(range));
  size_t used = (size_t)snprintf(text, size, "%s%s%s", ConfigTypeName(key->type), range[0] ? ", " : "", range);
  if (used < size && !key->fallback && !member)
    used += (size_t)snprintf(text + used, size - used, "; required");
  else if (used < size && key->fallback && key->fallback[0] && !group)
    used += (size_t)snprintf(text + used, size - used, "; default %s", key->fallback);
  if (used < size && key->only) snprintf(text + used, size - used, "; only with type %s", key->only);
}

static void print_choices(const ChoiceTable *table)
{
  for (const Choice *row = table->rows; row->name; row++) print_entry(20, row->name, row->help);
}

static void print_key(const ConfigKey *key, bool words)
{
  char facts[512];
  CliDescribeKey(key, facts, sizeof(facts));
  printf("%s\n    ", key->path);
  print_wrapped(4, facts);
  fputs("    ", stdout);
  print_wrapped(4, key->help);
  if (words && key->choices) print_choices(key->choices);
}

/* The path without indices and their brackets, as people write it: "solver.type". */
static void plain_path(const char *path, char *plain, size_t size)
{
  size_t n = 0;
  for (bool inside = false; *path && n + 1 < size; path++) {
    inside = (inside || *path == '[') && *path != ']';
    if (!inside && *path != ']') plain[n++] = *path;
  }
  plain[n] = 0;
}

/* Is the row what the path names, or below it? Or, where `last`, does the row's name alone fit? */
static bool matches(const ConfigKey *key, const char *plain, bool last)
{
  char path[128];
  const size_t n = strlen(plain);
  plain_path(key->path, path, sizeof(path));
  const char *name = strrchr(path, '.');
  if (last) return name && !strcmp(name + 1, plain);
  return !strncmp(path, plain, n) && (path[n] == 0 || path[n] == '.');
}

static bool unknown_key(const char *word)
{
  char paths[256][64];
  const char *words[256];
  size_t n = 0;
  for (const ConfigKey *key = ConfigKeys; key->path && n < 256; key++, n++) {
    plain_path(key->path, paths[n], sizeof(paths[n]));
    words[n] = paths[n];
  }
  const char *near = ErrorNearestWord(word, n, words);
  if (near) return CliMistake("no key '%.60s' (did you mean '%s'? see pinn-solve --list keys)", word, near);
  return CliMistake("no key '%.60s' (see pinn-solve --list keys)", word);
}

bool CliPrintHelp(const char *word)
{
  char plain[128];
  int n = 0;
  if (!word) return print_command();
  plain_path(word, plain, sizeof(plain));
  for (int last = 0; last < 2 && !n; last++)
    for (const ConfigKey *key = ConfigKeys; key->path; key++)
      if (matches(key, plain, last)) print_key(key, true), n++;
  return n > 0 || unknown_key(plain);
}

bool CliPrintList(const char *kind)
{
  const char *kinds[32] = {"keys"};
  size_t n = 1;
  if (kind && !strcmp(kind, "keys")) {
    for (const ConfigKey *key = ConfigKeys; key->path; key++) print_key(key, false);
    return true;
  }
  for (const ChoiceTable *const *table = ChoiceTables; *table; table++) {
    if (n < 32) kinds[n++] = (*table)->kind;
    if (kind && strcmp((*table)->kind, kind)) continue;
    printf("%s: %s\n", (*table)->kind, (*table)->help);
    print_choices(*table);
    if (kind) return true;
  }
  if (!kind) return true;
  Choice rows[33] = {{NULL, NULL, NULL}};
  char known[512];
  for (size_t i = 0; i < n; i++) rows[i].name = kinds[i];
  ChoiceSuggest(&(ChoiceTable){"kind", NULL, rows}, kind, known, sizeof(known));
  return CliMistake("no kind '%.60s'%s", kind, known);
}
