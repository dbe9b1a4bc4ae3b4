/* The case file: libconfig text checked against ONE table of keys (src/config/keys.c), with defaults filled in.

   A path names a setting: "network.hidden", "solver[1].iterations", "problem.constants.nu". In the table list elements
   are written "solver[].iterations" and free names "problem.constants.*". Asking for a path that the table does not
   have is a bug (PETSC_ERR_PLIB). A value given by a string where a number is wanted ("pi/4") is read as a constant
   formula of numbers, pi and problem.constants. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "pinn/choice.h"

typedef enum {
  CONFIG_GROUP,
  CONFIG_LIST,
  CONFIG_INT,
  CONFIG_REAL,
  CONFIG_BOOL,
  CONFIG_STRING,
  CONFIG_WORD,
  CONFIG_INTS,
  CONFIG_REALS,
  CONFIG_STRINGS,
  CONFIG_DATA /* numbers, or a text that says where they come from */
} ConfigType;

/* One row of the table. CONFIG_WORD is a string that must be in `choices`; an INTS, REALS or STRINGS setting may be
   written as a scalar. A key whose default depends on the type of its group has a row for each default; these rows
   differ in `fallback`, `only` and `help`. */
typedef struct {
  const char *path;
  ConfigType type;
  const char *fallback;       /* the default as it would be written in a case file; NULL = required, "" = absent */
  double min, max;            /* of every number; +-INFINITY = no limit */
  const ChoiceTable *choices; /* for CONFIG_WORD */
  const char *only;           /* NULL, or the types of the enclosing group the key belongs to: "adam lbfgs" */
  const char *help;           /* one line with the unit, or "dimensionless" left out; lower case */
} ConfigKey;

extern const ConfigKey ConfigKeys[]; /* ends with path == NULL */

/* "whole number", "list of groups" ... Cannot fail. */
const char *ConfigTypeName(ConfigType type);
/* "positive", "from 1 to 1000" ...; "" where a key has no limits. Cannot fail; truncates to size. */
void ConfigKeyRange(const ConfigKey *key, char *text, size_t size);

typedef struct Config_s *Config;

/* Reads a case file: rank 0 reads, all ranks get the text and the same outcome; `overrides` are the --set options, in
   order.
     overrides  [in]  [n] "PATH=VALUE", VALUE in libconfig syntax; what is no number, truth value, bracket or quote is
                      taken as text
     config     [out] to be freed with ConfigDestroy; NULL after an error
   Arrays may be written as lists and may mix whole numbers, reals and formulas; @include is refused.
   Errors: every one is a sentence that starts "file:line:" (or "--set PATH:"): unknown key with the nearest known one,
   wrong type, out of range, unknown word, missing required key, a key that does not belong to the chosen type.
   Collective on comm. */
PetscErrorCode ConfigLoad(MPI_Comm comm, const char *file, int n, const char *const overrides[], Config *config);
/* The same from text; `name` stands for the file in messages. Not collective. */
PetscErrorCode ConfigLoadText(const char *name, const char *text, int n, const char *const overrides[], Config *config);
PetscErrorCode ConfigDestroy(Config *config);

const char *ConfigFile(Config config); /* path of the case file as given; owned by config */
const char *ConfigText(Config config); /* its text as read; owned by config */

/* Is the path set by the file, an override, or a non-empty default? List elements and free names: do they exist? */
bool ConfigHas(Config config, const char *path);

/* Values, owned by config. Where the setting is absent, a string is NULL and an array has *n = 0; an absent number or
   truth value is a bug (ask ConfigHas). A number may be asked for as an array of one, a whole number as a real. */
PetscErrorCode ConfigGetInt(Config config, const char *path, PetscInt *value);
PetscErrorCode ConfigGetReal(Config config, const char *path, PetscReal *value);
PetscErrorCode ConfigGetBool(Config config, const char *path, bool *value);
PetscErrorCode ConfigGetString(Config config, const char *path, const char **value);
PetscErrorCode ConfigGetInts(Config config, const char *path, int *n, const PetscInt **values);
PetscErrorCode ConfigGetReals(Config config, const char *path, int *n, const PetscReal **values);
PetscErrorCode ConfigGetStrings(Config config, const char *path, int *n, const char *const **values);
/* Of a CONFIG_DATA setting its text, or NULL and its numbers. */
PetscErrorCode ConfigGetData(Config config, const char *path, const char **text, int *n, const PetscReal **values);
/* Number of elements of a list ("solver", "problem.equations") or members of a free group ("problem.constants"); the
   k-th member's name. 0 where absent. */
int ConfigCount(Config config, const char *path);
const char *ConfigMember(Config config, const char *path, int k);

/* "case.cfg:12: network.hidden" for messages about a setting ("--set network.hidden" for an override,
   "case.cfg: network.hidden" for a default or an absent one). Owned by config; stays valid. Cannot fail. */
const char *ConfigWhere(Config config, const char *path);
/* Cuts the text before `separator` off *rest, which becomes NULL after the last part, and trims it. */
char *ConfigCutPart(char **rest, char separator);
/* snprintf into one of 8 rotating buffers: ConfigGetReal(c, ConfigPath("solver[%d].tolerance", k), &tol). */
const char *ConfigPath(const char *format, ...);

/* The first setting at or below `path` that two cases resolve differently, in words: "network.activation is "tanh"
   there and "sin" here"; empty where there is none. The order of free names does not matter.
     except  [in]   names of settings passed over, separated by blanks, or NULL
     text    [out]  [size] */
PetscErrorCode ConfigCompare(Config here, Config there, const char *path, const char *except, char *text, size_t size);

/* Writes a case file that says the same with every key resolved. */
PetscErrorCode ConfigWrite(Config config, FILE *stream);
