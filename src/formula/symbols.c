/* The formula object and its names. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "formula_impl.h"

PetscErrorCode FormulaCreate(Formula *formula)
{
  const JetIndex identity = {.order = 0};
  Formula f;
  int id;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  f->loop_least = LOOP_LEAST;
  f->most_terms = SUM_MOST_TERMS;
  f->n_support = 2; /* SUPPORT_NONE, SUPPORT_ALL */
  f->support_capacity = 16;
  PetscCall(PetscCalloc1(f->support_capacity, &f->supports));
  f->supports[SUPPORT_ALL].all = true;
  PetscCall(OperatorInternIndex(f, &identity, 1, &id));
  *formula = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaDestroy(Formula *formula)
{
  Formula f = *formula;

  PetscFunctionBegin;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < f->n_operator; i++) PetscCall(JetOperatorDestroy(&f->operators[i]));
  for (int i = 0; i < f->n_support; i++) PetscCall(PetscFree(f->supports[i].coord));
  for (int i = 0; i < f->n_coord; i++) PetscCall(PetscFree(f->names[i]));
  for (int i = 0; i < f->n_vector; i++) PetscCall(PetscFree(f->vectors[i]));
  PetscCall(PetscFree(f->vectors));
  PetscCall(PetscFree(f->loops));
  PetscCall(FormulaDestroy(&f->body));
  PetscCall(PetscFree(f->nodes));
  PetscCall(PetscFree(f->terms));
  PetscCall(PetscFree(f->operators));
  PetscCall(PetscFree(f->supports));
  PetscCall(PetscFree(f->coords));
  PetscCall(PetscFree(f->names));
  PetscCall(PetscFree(f->space));
  PetscCall(PetscFree(f->symbols));
  PetscCall(PetscFree(f->output_names));
  PetscCall(HashDestroy(&f->node_index));
  PetscCall(HashDestroy(&f->operator_index));
  PetscCall(PetscFree(*formula));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Symbol *FormulaFindSymbol(Formula formula, size_t length, const char *name)
{
  for (int i = 0; i < formula->n_symbol; i++) {
    const Symbol *symbol = &formula->symbols[i];
    if (!strncmp(symbol->name, name, length) && !symbol->name[length]) return symbol;
  }
  return NULL;
}

/* Length of the longest scalar coordinate name that begins `text`. */
static size_t match_coordinate(Formula formula, size_t length, const char *text, int *coord)
{
  size_t best = 0;
  for (int i = 0; i < formula->n_symbol; i++) {
    const Symbol *symbol = &formula->symbols[i];
    const size_t n = strlen(symbol->name);
    if (symbol->kind != SYMBOL_COORDINATE || n > length || n <= best || strncmp(symbol->name, text, n)) continue;
    best = n;
    *coord = symbol->first;
  }
  return best;
}

size_t SubscriptSplit(Formula formula, size_t length, const char *piece, int coords[], int *n)
{
  size_t at = 0;
  int coord = -1;
  while (at < length && *n <= KERNEL_MAX_ORDER) {
    const size_t step = match_coordinate(formula, length - at, piece + at, &coord);
    if (!step) break;
    at += step;
    coords[(*n)++] = coord;
  }
  return at;
}

/* Would `name` already be read as a derivative or a normal's component? */
static bool reads_as_subscript(Formula formula, const char *name)
{
  for (const char *bar = strchr(name, '_'); bar; bar = strchr(bar + 1, '_')) {
    int coords[KERNEL_MAX_ORDER + 1], n = 0;
    const size_t length = (size_t)(bar - name);
    const bool base = FormulaFindSymbol(formula, length, name) || (length == 1 && name[0] == 'n');
    if (base && SubscriptSplit(formula, strlen(bar + 1), bar + 1, coords, &n) == strlen(bar + 1)) return true;
  }
  return false;
}

static PetscErrorCode check_name(Formula formula, const char *where, const char *name)
{
  static const char *const kinds[] = {"a coordinate", "a vector of coordinates", "data",
                                      "a constant, field or definition"};
  const size_t length = strlen(name);
  bool good = isalpha((unsigned char)name[0]) && name[length - 1] != '_';

  PetscFunctionBegin;
  for (size_t i = 0; i < length; i++) good = good && (isalnum((unsigned char)name[i]) || name[i] == '_');
  PinnUserCheck(good, "%s: '%.*s' is not a name (a letter, then letters, digits and inner underscores)", where, 80,
                name);
  PinnUserCheck(length < FORMULA_NAME_MAX, "%s: the name '%.20s...' is longer than %d characters", where, name,
                FORMULA_NAME_MAX - 1);
  /* d, the usual name of a dimension, is the function only before a bracket */
  PinnUserCheck(!ChoiceFind(&FunctionTable, name) || !strcmp(name, "d"), "%s: '%s' is the name of a function", where,
                name);
  PinnUserCheck(strcmp(name, "pi"), "%s: 'pi' is the number 3.14159...", where);
  PinnUserCheck(strcmp(name, "n"), "%s: 'n' is the outward normal", where);
  const Symbol *taken = FormulaFindSymbol(formula, length, name);
  PinnUserCheck(!taken, "%s: '%s' is already the name of %s", where, name, kinds[taken->kind]);
  PinnUserCheck(!reads_as_subscript(formula, name), "%s: '%s' already reads as a derivative or normal component", where,
                name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_symbol(Formula formula, const char *where, const char *name, SymbolKind kind, Symbol **symbol)
{
  PetscFunctionBegin;
  PetscCall(check_name(formula, where, name));
  FormulaGrow(formula->symbols, formula->n_symbol, formula->symbol_capacity);
  *symbol = &formula->symbols[formula->n_symbol++];
  **symbol = (Symbol){.kind = kind, .node = -1};
  PetscCall(PetscStrncpy((*symbol)->name, name, sizeof((*symbol)->name)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaAddCoordinate(Formula formula, const char *where, const char *name, int length)
{
  Symbol *symbol = NULL;
  char text[FORMULA_NAME_MAX + 16];

  PetscFunctionBegin;
  PinnUserCheck(length >= 0, "%s: the vector '%s' cannot have %d components", where, name, length);
  PetscCall(add_symbol(formula, where, name, length ? SYMBOL_VECTOR : SYMBOL_COORDINATE, &symbol));
  symbol->first = formula->n_coord;
  symbol->length = PetscMax(length, 1);
  for (int i = 0; i < symbol->length; i++) {
    const int coord = formula->n_coord;
    Node node = {.kind = NODE_COORDINATE, .arg = {coord, -1, -1}};
    FormulaGrow(formula->coords, formula->n_coord, formula->coord_capacity);
    FormulaGrow(formula->names, formula->n_coord, formula->name_capacity);
    FormulaGrow(formula->space, formula->n_space, formula->space_capacity);
    formula->coords[coord].normal = -1;
    snprintf(text, sizeof(text), length ? "%s[%d]" : "%s", name, i);
    PetscCall(PetscStrallocpy(text, &formula->names[coord]));
    PetscCall(NodeIntern(formula, node, NULL, &formula->coords[coord].node));
    formula->n_coord++;
    if (strcmp(name, "t")) formula->space[formula->n_space++] = coord;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaAddConstant(Formula formula, const char *where, const char *name, double value)
{
  FormulaNode node;

  PetscFunctionBegin;
  PinnUserCheck(isfinite(value), "%s: the constant '%s' is not a finite number", where, name);
  PetscCall(NodeConstant(formula, value, &node));
  PetscCall(FormulaDefine(formula, where, name, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaAddData(Formula formula, const char *where, const char *name, int n, const double values[])
{
  Symbol *symbol = NULL;

  PetscFunctionBegin;
  PetscCall(add_symbol(formula, where, name, SYMBOL_DATA, &symbol));
  symbol->length = n;
  symbol->vector = formula->n_vector;
  FormulaGrow(formula->vectors, formula->n_vector, formula->vector_capacity);
  PetscCall(PetscMalloc1(n, &formula->vectors[formula->n_vector++]));
  PetscCall(PetscArraycpy(formula->vectors[symbol->vector], values, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaAddOutput(Formula formula, const char *where, const char *name, int output)
{
  FormulaNode node;

  PetscFunctionBegin;
  if (output >= formula->n_output) {
    PetscCall(PetscRealloc(sizeof(formula->output_names[0]) * (size_t)(output + 1), &formula->output_names));
    formula->n_output = output + 1;
  }
  PetscCall(NodeOutput(formula, output, &node));
  PetscCall(FormulaDefine(formula, where, name, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaDefine(Formula formula, const char *where, const char *name, FormulaNode node)
{
  Symbol *symbol = NULL;

  PetscFunctionBegin;
  PetscCall(add_symbol(formula, where, name, SYMBOL_NODE, &symbol));
  symbol->node = node;
  if (formula->nodes[node].kind == NODE_OUTPUT) {
    char *output = formula->output_names[formula->nodes[node].arg[0]];
    PetscCall(PetscStrncpy(output, name, FORMULA_NAME_MAX));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaUndefine(Formula formula, const char *name)
{
  const Symbol *symbol = FormulaFindSymbol(formula, strlen(name), name);

  PetscFunctionBegin;
  PetscCheck(symbol && (symbol->kind == SYMBOL_NODE || symbol->kind == SYMBOL_DATA), PETSC_COMM_SELF,
             PETSC_ERR_ARG_WRONG, "'%s' is not defined", name);
  const int at = (int)(symbol - formula->symbols);
  formula->n_symbol--;
  memmove(&formula->symbols[at], &formula->symbols[at + 1], sizeof(Symbol) * (size_t)(formula->n_symbol - at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaNormal(Formula formula, int coord, FormulaNode *node)
{
  const Node normal = {.kind = NODE_NORMAL, .arg = {coord, -1, -1}};

  PetscFunctionBegin;
  if (formula->coords[coord].normal < 0) PetscCall(NodeIntern(formula, normal, NULL, &formula->coords[coord].normal));
  *node = formula->coords[coord].normal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaSetLongSum(Formula formula, int n)
{
  PetscFunctionBegin;
  formula->loop_least = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int FormulaCoordinates(Formula formula)
{
  return formula->n_coord;
}

const char *FormulaCoordinateName(Formula formula, int coord)
{
  return formula->names[coord];
}

const char *const *FormulaCoordinateNames(Formula formula)
{
  return (const char *const *)formula->names;
}

int FormulaFindCoordinate(Formula formula, const char *name)
{
  const size_t stem = strcspn(name, "[");
  const Symbol *symbol = FormulaFindSymbol(formula, stem, name);
  if (!symbol || symbol->kind > SYMBOL_VECTOR) return -1;
  if (symbol->kind == SYMBOL_COORDINATE) return name[stem] ? -1 : symbol->first;
  if (!isdigit((unsigned char)name[stem + !!name[stem]])) return -1;
  char *end;
  const long i = strtol(name + stem + 1, &end, 10);
  return !strcmp(end, "]") && i < symbol->length ? symbol->first + (int)i : -1;
}

bool FormulaUsesNormal(Formula formula, FormulaNode node)
{
  return formula->nodes[node].normal;
}

bool FormulaUsesNetwork(Formula formula, FormulaNode node)
{
  return formula->nodes[node].network;
}
