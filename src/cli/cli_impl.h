/* The command line as tables. Parsing, --help, the man page and the completion read them, so none can lag behind. */
#pragma once
#include <stdio.h>
#include "pinn/cli.h"
#include "pinn/config.h"

typedef enum {
  OPTION_CHECK,
  OPTION_SET,
  OPTION_RESUME,
  OPTION_START_FROM,
  OPTION_EVALUATE,
  OPTION_POINTS,
  OPTION_OUTPUT,
  OPTION_OVERWRITE,
  OPTION_BACKEND,
  OPTION_QUIET,
  OPTION_JSON,
  OPTION_LIST,
  OPTION_HELP,
  OPTION_MAN,
  OPTION_COMPLETION,
  OPTION_VERSION,
  N_OPTION
} OptionId;

typedef struct {
  const char *name;     /* "--set" */
  const char *argument; /* "PATH=VALUE"; "[FILE]" where it may be left out; NULL = none */
  const char *help;
} Option;

typedef struct {
  ExitStatus status;
  const char *help;
} StatusHelp;

extern const Option CliOptions[N_OPTION];
extern const StatusHelp CliStatuses[]; /* ends with help == NULL */
extern const char *const CliPurpose;
extern const char *const CliExamples[]; /* a command and what it does, in turn; ends with NULL */

/* Prints "pinn-solve: " and the sentence to stderr, once for all ranks; returns false. */
bool CliMistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print to stdout; false where the topic is unknown, which they say. */
bool CliPrintHelp(const char *key);  /* NULL = the command; else a key or the beginning of keys */
bool CliPrintList(const char *kind); /* NULL = all */
bool CliPrintCompletion(const char *shell);
void CliPrintMan(void);
void CliPrintVersion(void);

/* "whole number, at least 1; default 2048; for type mlp". */
void CliDescribeKey(const ConfigKey *key, char *text, size_t size);
