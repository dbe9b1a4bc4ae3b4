/* The case's `problem` group as expression nodes.

   Fields mean two things: expressions of the network outputs (what rows are made of) and, while forcings are
   manufactured, the exact solution. The symbols are bound to one or the other, and the definitions that use fields are
   parsed again under each binding; equal subexpressions stay one node. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "problem_impl.h"

#define MOST_COORDINATES 1000000 /* of a vector */

/* Does the formula mention the identifier, alone or with a subscript? */
static bool text_mentions(const char *text, const char *name)
{
  const size_t length = strlen(name);
  for (const char *p = strstr(text, name); p; p = strstr(p + 1, name)) {
    const bool begins = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
    if (begins && !isalnum((unsigned char)p[length])) return true;
  }
  return false;
}

/* The length in "x[5]" or "x[d]", a constant formula; 0 without brackets. */
static PetscErrorCode vector_length(Problem p, const char *name, const char *bracket, int *length)
{
  const char *where = ConfigWhere(p->config, "problem.coordinates");
  char text[64];
  double value;
  PetscFunctionBegin;
  *length = 0;
  if (!bracket) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = strlen(bracket);
  PinnUserCheck(n > 2 && n < sizeof(text) && strcspn(bracket + 1, "[]") == n - 2 && bracket[n - 1] == ']',
                "%s: a vector of coordinates is written x[5], or x[d] with a constant d, not '%.80s'", where, name);
  memcpy(text, bracket + 1, n - 2);
  text[n - 2] = 0;
  PetscCall(FormulaParseConstant(p->formula, where, text, &value));
  PinnUserCheck(value == floor(value) && value >= 1 && value <= MOST_COORDINATES,
                "%s: a vector of coordinates x[5] has a whole length from 1 to %d, not %.10lg as '%s'", where,
                MOST_COORDINATES, value, name);
  *length = (int)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_coordinates(Problem p)
{
  const char *path = "problem.coordinates", *const * names;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(p->config, path, &n, &names));
  for (int i = 0; i < n; i++) {
    char name[64];
    int length;
    const char *bracket = strchr(names[i], '[');
    const size_t stem = bracket ? (size_t)(bracket - names[i]) : strlen(names[i]);
    PinnUserCheck(stem < sizeof(name), "%s: the name '%.20s...' is too long", ConfigWhere(p->config, path), names[i]);
    memcpy(name, names[i], stem);
    name[stem] = 0;
    PetscCall(vector_length(p, names[i], bracket, &length));
    PetscCall(FormulaAddCoordinate(p->formula, ConfigWhere(p->config, path), name, length));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_constants(Problem p)
{
  PetscFunctionBegin;
  for (int k = 0; k < ConfigCount(p->config, "problem.constants"); k++) {
    const char *name = ConfigMember(p->config, "problem.constants", k);
    const char *path = ConfigPath("problem.constants.%s", name);
    PetscReal value;
    PetscCall(ConfigGetReal(p->config, path, &value));
    PetscCall(FormulaAddConstant(p->formula, ConfigWhere(p->config, path), name, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is definition k bound to fields, directly or through definitions before it? */
static PetscErrorCode definition_uses_fields(Problem p, int k, bool *uses)
{
  const char *text;
  PetscFunctionBegin;
  PetscCall(
      ConfigGetString(p->config, ConfigPath("problem.define.%s", ConfigMember(p->config, "problem.define", k)), &text));
  *uses = false;
  for (int f = 0; f < p->n_field && !*uses; f++) *uses = text_mentions(text, p->field_name[f]);
  for (int j = 0; j < p->n_unknown && !*uses; j++) *uses = text_mentions(text, p->unknown_name[j]);
  for (int j = 0; j < k && !*uses; j++) {
    if (!text_mentions(text, ConfigMember(p->config, "problem.define", j))) continue;
    PetscCall(definition_uses_fields(p, j, uses));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parses the definitions that do (or do not) use fields; `again` takes their last meaning away first. */
static PetscErrorCode add_definitions(Problem p, bool of_fields, bool again)
{
  PetscFunctionBegin;
  for (int k = 0; k < ConfigCount(p->config, "problem.define"); k++) {
    const char *name = ConfigMember(p->config, "problem.define", k), *text;
    const char *path = ConfigPath("problem.define.%s", name);
    FormulaNode node;
    bool uses;
    PetscCall(definition_uses_fields(p, k, &uses));
    if (uses != of_fields) continue;
    if (again) PetscCall(FormulaUndefine(p->formula, name));
    PetscCall(ConfigGetString(p->config, path, &text));
    PetscCall(FormulaParse(p->formula, ConfigWhere(p->config, path), text, &node));
    PetscCall(FormulaDefine(p->formula, ConfigWhere(p->config, path), name, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fields and the definitions that use them stand for `nodes` from now on. */
static PetscErrorCode bind_fields(Problem p, const FormulaNode nodes[], bool again)
{
  const char *where = ConfigWhere(p->config, "problem.fields");
  PetscFunctionBegin;
  for (int f = 0; f < p->n_field; f++) {
    if (again) PetscCall(FormulaUndefine(p->formula, p->field_name[f]));
    PetscCall(FormulaDefine(p->formula, where, p->field_name[f], nodes[f]));
  }
  PetscCall(add_definitions(p, true, again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int find_field(Problem p, const char *name)
{
  for (int f = 0; f < p->n_field; f++)
    if (!strcmp(p->field_name[f], name)) return f;
  return -1;
}

/* Members of `group` must be fields, or unknown coefficients where those have one. */
static PetscErrorCode check_members(Problem p, const char *group, bool unknowns)
{
  PetscFunctionBegin;
  for (int k = 0; k < ConfigCount(p->config, group); k++) {
    const char *name = ConfigMember(p->config, group, k);
    PinnUserCheck(find_field(p, name) >= 0 || (unknowns && ProblemFindUnknown(p, name) >= 0),
                  "%s: '%s' is not a field (problem.fields names %s%s)",
                  ConfigWhere(p->config, ConfigPath("%s.%s", group, name)), name, p->field_name[0],
                  p->n_field > 1 ? ", ..." : "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Field f as an expression of network output f: the output itself or its transform. */
static PetscErrorCode create_field(Problem p, int f)
{
  const char *path = ConfigPath("problem.transform.%s", p->field_name[f]), *text = "net";
  PetscFunctionBegin;
  if (ConfigHas(p->config, path)) PetscCall(ConfigGetString(p->config, path, &text));
  PetscCall(FormulaAddOutput(p->formula, ConfigWhere(p->config, "problem.fields"), "net", f));
  PetscCall(FormulaParse(p->formula, ConfigWhere(p->config, path), text, &p->field[f]));
  PetscCall(FormulaUndefine(p->formula, "net"));
  PinnUserCheck(FormulaUsesNetwork(p->formula, p->field[f]), "%s: the transform does not contain `net`",
                ConfigWhere(p->config, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_fields(Problem p)
{
  const char *const *names;
  PetscFunctionBegin;
  PetscCall(ConfigGetStrings(p->config, "problem.fields", &p->n_field, &names));
  PetscCall(PetscCalloc4(p->n_field, &p->field_name, p->n_field, &p->field_region, p->n_field, &p->field, p->n_field,
                         &p->exact));
  for (int f = 0; f < p->n_field; f++) {
    const char *path = ConfigPath("problem.regions.%s", names[f]), *region = NULL;
    PetscCall(PetscStrallocpy(names[f], &p->field_name[f]));
    if (ConfigHas(p->config, path)) PetscCall(ConfigGetString(p->config, path, &region));
    PetscCall(PetscStrallocpy(region, &p->field_region[f]));
  }
  PetscCall(ProblemNameUnknowns(p));
  PetscCall(check_members(p, "problem.transform", false));
  PetscCall(check_members(p, "problem.regions", false));
  PetscCall(check_members(p, "problem.exact", true));
  PetscCall(add_definitions(p, false, false));
  for (int f = 0; f < p->n_field; f++) PetscCall(create_field(p, f));
  PetscCall(ProblemCreateUnknowns(p));
  PetscCall(bind_fields(p, p->field, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exact solutions, known to formulas as exact_u. */
static PetscErrorCode create_exact(Problem p)
{
  PetscFunctionBegin;
  for (int f = 0; f < p->n_field; f++) {
    const char *path = ConfigPath("problem.exact.%s", p->field_name[f]), *text;
    p->exact[f] = -1;
    if (!ConfigHas(p->config, path)) continue;
    PetscCall(ConfigGetString(p->config, path, &text));
    PetscCall(FormulaParse(p->formula, ConfigWhere(p->config, path), text, &p->exact[f]));
    PinnUserCheck(!FormulaUsesNetwork(p->formula, p->exact[f]), "%s: an exact solution cannot depend on a field",
                  ConfigWhere(p->config, path));
  }
  PetscCall(ProblemReadKnown(p));
  for (int f = 0; f < p->n_field; f++) {
    if (p->exact[f] < 0) continue;
    const char *path = ConfigPath("problem.exact.%s", p->field_name[f]);
    PetscCall(
        FormulaDefine(p->formula, ConfigWhere(p->config, path), ConfigPath("exact_%s", p->field_name[f]), p->exact[f]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The residual is R0 + forcing (R1 - R0): parsed with the symbol at 0, 1 and 2, which also shows that it is affine.
   Equal expressions are one node. */
static PetscErrorCode manufacture(Problem p, int equation, const char *symbol, FormulaNode *forcing)
{
  Formula formula = p->formula;
  const char *path = ConfigPath("problem.equations[%d].residual", equation), *text;
  const char *where = ConfigWhere(p->config, path);
  static const char *const names[] = {"manufactured0", "manufactured1", "manufactured2"};
  FormulaNode residual[3], bend, zero;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(p->config, path, &text));
  for (int k = 0; k < 3; k++) {
    PetscCall(FormulaAddConstant(formula, where, symbol, (double)k));
    PetscCall(FormulaParse(formula, where, text, &residual[k]));
    PetscCall(FormulaUndefine(formula, symbol));
    PetscCall(FormulaDefine(formula, where, names[k], residual[k]));
  }
  PinnUserCheck(residual[0] != residual[1],
                "%s: the residual '%s' does not depend on '%s', the symbol of its manufactured forcing: subtract the "
                "symbol from it, or leave `manufactured` out",
                where, text, symbol);
  PetscCall(FormulaParse(formula, where, "0", &zero));
  PetscCall(FormulaParse(formula, where, "(manufactured2 - manufactured1) - (manufactured1 - manufactured0)", &bend));
  PinnUserCheck(bend == zero, "%s: the manufactured symbol '%s' must enter the residual linearly", where, symbol);
  PetscCall(FormulaParse(formula, where, "manufactured0 / (manufactured0 - manufactured1)", forcing));
  for (int k = 0; k < 3; k++) PetscCall(FormulaUndefine(formula, names[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forcings of all equations that ask for one, with the fields bound to the exact solution. */
static PetscErrorCode define_forcings(Problem p, int n, FormulaNode forcing[])
{
  bool any = false;
  PetscFunctionBegin;
  for (int e = 0; e < n; e++) any |= ConfigHas(p->config, ConfigPath("problem.equations[%d].manufactured", e));
  for (int f = 0; f < p->n_field; f++)
    PinnUserCheck(!any || p->exact[f] >= 0, "%s: a manufactured forcing needs problem.exact.%s",
                  ConfigWhere(p->config, "problem.equations"), p->field_name[f]);
  for (int k = 0; k < p->n_unknown; k++)
    PinnUserCheck(!any || p->known[k] >= 0, "%s: a manufactured forcing needs problem.exact.%s",
                  ConfigWhere(p->config, "problem.equations"), p->unknown_name[k]);
  if (any) PetscCall(ProblemBindUnknowns(p, p->known));
  if (any) PetscCall(bind_fields(p, p->exact, true));
  for (int e = 0; e < n; e++) {
    const char *symbol, *path = ConfigPath("problem.equations[%d].manufactured", e);
    if (!ConfigHas(p->config, path)) continue;
    PetscCall(ConfigGetString(p->config, path, &symbol));
    PetscCall(manufacture(p, e, symbol, &forcing[e]));
  }
  if (any) PetscCall(ProblemBindUnknowns(p, p->unknown));
  if (any) PetscCall(bind_fields(p, p->field, true));
  for (int e = 0; e < n; e++) {
    const char *symbol, *path = ConfigPath("problem.equations[%d].manufactured", e);
    if (!ConfigHas(p->config, path)) continue;
    PetscCall(ConfigGetString(p->config, path, &symbol));
    PetscCall(FormulaDefine(p->formula, ConfigWhere(p->config, path), symbol, forcing[e]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_forcings(Problem p)
{
  const int n = ConfigCount(p->config, "problem.equations");
  FormulaNode *forcing;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &forcing));
  const PetscErrorCode code = define_forcings(p, n, forcing);
  PetscCall(PetscFree(forcing));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemCreate(Config config, Problem *problem)
{
  Problem p;
  bool hard;
  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  *problem = p;
  p->config = config;
  PetscCall(FormulaCreate(&p->formula));
  PetscCall(add_constants(p));
  PetscCall(add_coordinates(p));
  PetscCall(ProblemAddData(config, p->formula));
  PetscCall(create_fields(p));
  PetscCall(create_exact(p));
  PetscCall(ProblemHarden(p, &hard));
  if (hard) PetscCall(bind_fields(p, p->field, true));
  PetscCall(create_forcings(p));
  PetscCall(ProblemCreateBlocks(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProblemDestroy(Problem *problem)
{
  Problem p = *problem;
  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  for (int b = 0; b < p->n_block && p->blocks; b++) {
    Block *block = &p->blocks[b];
    for (int e = 0; e < block->n_term && block->terms; e++) {
      PetscCall(PetscFree(block->terms[e].name));
      PetscCall(PetscFree(block->terms[e].text));
    }
    PetscCall(PetscFree(block->terms));
    PetscCall(PetscFree(block->on));
    PetscCall(PetscFree(block->path));
    PetscCall(PetscFree(block->estimator));
  }
  for (int f = 0; f < p->n_field && p->field_name; f++) PetscCall(PetscFree(p->field_name[f]));
  for (int f = 0; f < p->n_field && p->field_region; f++) PetscCall(PetscFree(p->field_region[f]));
  PetscCall(PetscFree4(p->field_name, p->field_region, p->field, p->exact));
  PetscCall(ProblemDestroyUnknowns(p));
  PetscCall(PetscFree(p->blocks));
  PetscCall(FormulaDestroy(&p->formula));
  PetscCall(PetscFree(*problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

Formula ProblemFormula(Problem p)
{
  return p->formula;
}

int ProblemFields(Problem p)
{
  return p->n_field;
}

const char *ProblemFieldName(Problem p, int field)
{
  return p->field_name[field];
}

const char *ProblemFieldRegion(Problem p, int field)
{
  return p->field_region[field];
}

FormulaNode ProblemField(Problem p, int field)
{
  return p->field[field];
}

FormulaNode ProblemExact(Problem p, int field)
{
  return p->exact[field];
}

int ProblemBlocks(Problem p)
{
  return p->n_block;
}

int ProblemInteriorBlocks(Problem p)
{
  return p->n_interior;
}

int ProblemInteriorTerms(Problem p)
{
  int n = 0;
  for (int b = 0; b < p->n_interior; b++) n += p->blocks[b].n_term;
  return n;
}

const Block *ProblemBlock(Problem p, int block)
{
  return &p->blocks[block];
}
