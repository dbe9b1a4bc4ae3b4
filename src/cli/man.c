/* The manual page in troff's man macros. */
#include <string.h>
#include "cli_impl.h"

/* Text in which troff sees no request and no escape, and a hyphen that can be copied to a shell. */
static void put(const char *text)
{
  if (*text == '.' || *text == '\'') fputs("\\&", stdout);
  for (; *text; text++) {
    if (*text == '\\')
      fputs("\\e", stdout);
    else if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\'')
      fputs("\\(aq", stdout);
    else if (*text == '`')
      fputs("\\(ga", stdout);
    else if (*text == '^')
      fputs("\\(ha", stdout);
    else if (*text == '~')
      fputs("\\(ti", stdout);
    else
      fputc(*text, stdout);
  }
}

/* A paragraph with a tag: bold name, argument in italics. */
static void put_tag(const char *name, const char *argument)
{
  fputs(".TP\n\\fB", stdout);
  put(name);
  fputs("\\fR", stdout);
  if (argument) fputs(" \\fI", stdout), put(argument), fputs("\\fR", stdout);
  puts("");
}

static void put_line(const char *text)
{
  put(text);
  puts("");
}

static void put_options(void)
{
  puts(".SH OPTIONS");
  for (int k = 0; k < N_OPTION; k++) {
    put_tag(CliOptions[k].name, CliOptions[k].argument);
    put_line(CliOptions[k].help);
  }
  puts(".PP\nWhat follows");
  put_line("-- goes to PETSc.");
}

static void put_keys(void)
{
  char facts[512];
  puts(".SH CASE FILE");
  put_line(
      "Text in libconfig's syntax. A number may be written as a constant formula in quotes (\"2*pi\"), an array of one "
      "value as the value. A star stands for a name of your own, brackets for each element of a list.");
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    put_tag(key->path, NULL);
    put_line(key->help);
    puts(".br");
    CliDescribeKey(key, facts, sizeof(facts));
    put_line(facts);
    if (!key->choices) continue;
    puts(".br");
    for (const Choice *row = key->choices->rows; row->name; row++) {
      put(row->name);
      fputs(row[1].name ? ", " : "\n", stdout);
    }
  }
}

static void put_words(void)
{
  puts(".SH WORDS OF A CASE FILE");
  for (const ChoiceTable *const *table = ChoiceTables; *table; table++) {
    puts(".SS");
    put((*table)->kind);
    fputs(": ", stdout);
    put_line((*table)->help);
    for (const Choice *row = (*table)->rows; row->name; row++) {
      put_tag(row->name, NULL);
      put_line(row->help);
    }
  }
}

static void put_rest(void)
{
  puts(".SH EXIT STATUS");
  for (const StatusHelp *row = CliStatuses; row->help; row++) {
    printf(".TP\n%d\n", (int)row->status);
    put_line(row->help);
  }
  puts(".SH SIGNALS");
  put_line(
      "SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 end the run after the iteration at work, with a checkpoint and status 3. A "
      "second SIGINT ends it at once. Results that are being written are written in full.");
  puts(".SH ENVIRONMENT\n.TP\nOMP_NUM_THREADS");
  put_line("threads of each rank; by default all cores it owns");
  puts(".TP\nSLURM_JOB_END_TIME");
  put_line("when a Slurm job ends: limits.margin before, the run stops with a checkpoint");
  puts(".SH EXAMPLES");
  for (const char *const *example = CliExamples; *example; example += 2) {
    put_tag(example[0], NULL);
    put_line(example[1]);
  }
  puts(".SH SEE ALSO\n.BR mpirun (1)");
}

void CliPrintMan(void)
{
  fputs(".TH PINN\\-SOLVE 1 \"\" \"pinn\\-solve ", stdout);
  put(PinnVersion());
  puts("\" \"User Commands\"\n.SH NAME");
  fputs("pinn\\-solve \\- ", stdout);
  put_line(CliPurpose);
  puts(".SH SYNOPSIS\n.B pinn\\-solve\n[\\fIoptions\\fR] \\fICASE.cfg\\fR [\\-\\- \\fIPETSc options\\fR]\n.SH "
       "DESCRIPTION");
  put_line(
      "The case file names the equations, their domain, the network and the solver. The run leaves fields that "
      "ParaView "
      "opens, the history of its errors, checkpoints, and at its end a verification on points it was never trained "
      "on.");
  put_options();
  put_keys();
  put_words();
  put_rest();
}
