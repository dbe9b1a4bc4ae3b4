/* Vectors of numbers with a name, problem.data: listed in the case, read from a file, or drawn. What is drawn follows
   from the arguments alone, so that the same text means the same numbers in every case and on every rank. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "pinn/file.h"
#include "pinn/random.h"
#include "problem_impl.h"

#define MOST_NUMBERS   10000000
#define MOST_ARGUMENTS 4
#define MOST_TEXT      256 /* characters of an argument's formula */

typedef struct {
  const char *name;
  bool whole;
  double fallback; /* NAN = required */
  double least, most;
} Argument;

typedef struct {
  double (*draw)(RandomKey key, const double arguments[], uint64_t i);
  Argument arguments[MOST_ARGUMENTS]; /* the first two are seed and count; the last has no name */
} Distribution;

enum { SEED, COUNT, LOW, HIGH };

#define SEED_AND_COUNT                                                                                                 \
  {"seed", true, 1, 0, 2147483647},                                                                                    \
  {                                                                                                                    \
    "count", true, NAN, 1, MOST_NUMBERS                                                                                \
  }

static double draw_normal(RandomKey key, const double arguments[], uint64_t i)
{
  (void)arguments;
  return RandomNormal(key, i);
}

static double draw_uniform(RandomKey key, const double arguments[], uint64_t i)
{
  return arguments[LOW] + (arguments[HIGH] - arguments[LOW]) * RandomUniform(key, i);
}

static const Distribution normal = {draw_normal, {SEED_AND_COUNT}},
                          uniform = {draw_uniform,
                                     {SEED_AND_COUNT,
                                      {"low", false, 0, -INFINITY, INFINITY},
                                      {"high", false, 1, -INFINITY, INFINITY}}};

static const Choice rows[] = {
    {"normal", "normal(seed = 1, count = 9): standard normal numbers", &normal},
    {"uniform", "uniform(seed = 1, count = 9, low = 0, high = 1): numbers between two bounds", &uniform},
    {NULL, NULL, NULL},
};
const ChoiceTable DataTable = {"data", "numbers that are drawn for problem.data", rows};

/* Where in the case a text is, and what its formulas know. */
typedef struct {
  Formula formula;
  const char *where, *text;
} Source;

static const char *skip_blanks(const char *at)
{
  while (isspace((unsigned char)*at)) at++;
  return at;
}

/* Reads an identifier; *at stays where there is none. */
static void read_name(const char **at, char name[MOST_TEXT])
{
  size_t n = 0;
  const char *from = *at = skip_blanks(*at);
  while ((isalnum((unsigned char)from[n]) || from[n] == '_') && n + 1 < MOST_TEXT) n++;
  memcpy(name, from, n);
  name[n] = 0;
  *at = skip_blanks(from + n);
}

/* The formula up to the next comma or closing bracket outside brackets. */
static PetscErrorCode read_formula(const Source *source, const char **at, double *value)
{
  char formula[MOST_TEXT];
  size_t n = 0;
  int depth = 0;

  PetscFunctionBegin;
  for (; (*at)[n] && (depth || ((*at)[n] != ',' && (*at)[n] != ')')); n++)
    depth += ((*at)[n] == '(') - ((*at)[n] == ')');
  PinnUserCheck(n < sizeof(formula), "%s: '%.40s...' is too long", source->where, *at);
  memcpy(formula, *at, n);
  formula[n] = 0;
  *at += n;
  PetscCall(FormulaParseConstant(source->formula, source->where, formula, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode find_argument(const Source *source, const char *kind, const Distribution *distribution,
                                    const char *name, int *k)
{
  char known[128] = "";

  PetscFunctionBegin;
  for (*k = 0; *k < MOST_ARGUMENTS && distribution->arguments[*k].name; ++*k) {
    const size_t used = strlen(known);
    if (!strcmp(distribution->arguments[*k].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
    snprintf(known + used, sizeof(known) - used, "%s%s", *k ? ", " : "", distribution->arguments[*k].name);
  }
  PinnUserError("%s: %s has no argument '%.40s' (known: %s)", source->where, kind, name, known);
}

static PetscErrorCode read_argument(const Source *source, const char *kind, const Distribution *distribution,
                                    const char **at, double values[], bool given[])
{
  char name[MOST_TEXT];
  int k;

  PetscFunctionBegin;
  read_name(at, name);
  PinnUserCheck(name[0] && **at == '=', "%s: the arguments of %s are written %s(seed = 1, count = 9), not '%.60s'",
                source->where, kind, kind, source->text);
  PetscCall(find_argument(source, kind, distribution, name, &k));
  PinnUserCheck(!given[k], "%s: %s is given '%s' twice", source->where, kind, name);
  given[k] = true;
  ++*at;
  PetscCall(read_formula(source, at, &values[k]));
  const Argument *argument = &distribution->arguments[k];
  PinnUserCheck(isfinite(values[k]) && (!argument->whole || values[k] == floor(values[k])),
                "%s: '%s' must be a %s number, not %.10lg", source->where, name, argument->whole ? "whole" : "finite",
                values[k]);
  PinnUserCheck(values[k] >= argument->least && values[k] <= argument->most,
                "%s: '%s' must be from %.10lg to %.10lg, not %.10lg", source->where, name, argument->least,
                argument->most, values[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* kind(name = formula, ...) */
static PetscErrorCode read_call(const Source *source, const Distribution **distribution, double values[])
{
  const char *at = source->text;
  bool given[MOST_ARGUMENTS] = {false};
  char kind[MOST_TEXT], known[256] = "";

  PetscFunctionBegin;
  read_name(&at, kind);
  const Choice *choice = ChoiceFind(&DataTable, kind);
  if (!choice) ChoiceSuggest(&DataTable, kind, known, sizeof(known));
  PinnUserCheck(choice && *at == '(',
                "%s: data is an array of numbers, a dataset \"file.h5:/name\", or drawn, \"normal(seed = 1, count = "
                "9)\", not \"%.60s\"%s",
                source->where, source->text, known);
  *distribution = choice->data;
  for (int k = 0; k < MOST_ARGUMENTS; k++) values[k] = (*distribution)->arguments[k].fallback;
  for (bool more = *(at = skip_blanks(at + 1)) != ')'; more;) {
    PetscCall(read_argument(source, kind, *distribution, &at, values, given));
    PinnUserCheck(*at == ')' || *at == ',', "%s: the ')' of \"%.60s\" is missing", source->where, source->text);
    more = *at == ',';
    at += more;
  }
  PinnUserCheck(!*skip_blanks(at + 1), "%s: '%.40s' after the ')' of %s", source->where, skip_blanks(at + 1), kind);
  PinnUserCheck(given[COUNT], "%s: %s needs 'count', how many numbers there are", source->where, kind);
  PinnUserCheck(!(*distribution)->arguments[LOW].name || values[LOW] < values[HIGH],
                "%s: 'low' = %lg is not below 'high' = %lg", source->where, values[LOW], values[HIGH]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_drawn(const Source *source, const char *name)
{
  const Distribution *distribution;
  double arguments[MOST_ARGUMENTS], *numbers;

  PetscFunctionBegin;
  PetscCall(read_call(source, &distribution, arguments));
  const int n = (int)arguments[COUNT];
  const RandomKey key = {(uint32_t)arguments[SEED], RANDOM_DATA, 0, 0};
  PetscCall(PetscMalloc1(n, &numbers));
  for (int i = 0; i < n; i++) numbers[i] = distribution->draw(key, arguments, (uint64_t)i);
  PetscCall(FormulaAddData(source->formula, source->where, name, n, numbers));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dataset of several dimensions is the vector of its numbers row by row: c[i*n + j]. */
static PetscErrorCode add_read(const Source *source, const char *name, const char *path, const char *dataset)
{
  hsize_t dims[FILE_MAX_RANK];
  double *numbers, n = 1;
  int rank;

  PetscFunctionBegin;
  PetscCall(FileReadNumbers(source->where, path, dataset, &rank, dims, &numbers));
  for (int k = 0; k < rank; k++) n *= (double)dims[k];
  PinnUserCheck(n <= MOST_NUMBERS, "%s: %s: '%s' has %.0f numbers; a vector has at most %d", source->where, path,
                dataset, n, MOST_NUMBERS);
  PetscCall(FormulaAddData(source->formula, source->where, name, (int)n, numbers));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemAddData(Config config, Formula formula)
{
  PetscFunctionBegin;
  for (int k = 0; k < ConfigCount(config, "problem.data"); k++) {
    const char *name = ConfigMember(config, "problem.data", k), *path = ConfigPath("problem.data.%s", name), *text;
    char file[PETSC_MAX_PATH_LEN];
    const PetscReal *numbers;
    const char *dataset;
    int n;
    PetscCall(ConfigGetData(config, path, &text, &n, &numbers));
    const Source source = {formula, ConfigWhere(config, path), text};
    if (text && FileSplitName(text, file, &dataset))
      PetscCall(add_read(&source, name, PathBeside(ConfigFile(config), file), dataset));
    else if (text)
      PetscCall(add_drawn(&source, name));
    else
      PetscCall(FormulaAddData(formula, source.where, name, n, numbers));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
