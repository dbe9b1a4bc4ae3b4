/* What a name means: a summation index, a symbol, `pi`, the normal, or a symbol with a subscript. */
#include <math.h>
#include <string.h>
#include "parser_impl.h"

#define MAX_WORDS  512
#define MAX_LISTED 24

static PetscErrorCode unknown_symbol(Parser *parser, const Token *token)
{
  const Formula formula = parser->formula;
  const char *words[MAX_WORDS];
  char name[FORMULA_NAME_MAX], known[256] = "";
  size_t n = 0;

  PetscFunctionBegin;
  snprintf(name, sizeof(name), "%.*s", (int)token->length, parser->text + token->at);
  for (int i = 0; i < parser->n_loop; i++) words[n++] = parser->loops[i].name;
  for (int i = 0; i < formula->n_symbol && n < MAX_WORDS; i++) words[n++] = formula->symbols[i].name;
  const size_t n_symbol = n;
  for (size_t i = 0; i < n && n <= MAX_LISTED; i++) {
    const size_t used = strlen(known);
    snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", words[i]);
  }
  for (const Choice *row = FunctionTable.rows; row->name && n < MAX_WORDS; row++) words[n++] = row->name;
  const char *near = ErrorNearestWord(name, n, words);
  ParserError(parser, token->at, "unknown symbol '%s' (%s%s%s%s%s)", name, near ? "did you mean '" : "",
              near ? near : "", near ? "'? " : "",
              known[0]   ? "known: "
              : n_symbol ? "many are known"
                         : "known: pi",
              known);
}

/* After a symbol or normal: x[3], or all components. */
static PetscErrorCode vector_symbol(Parser *parser, const Symbol *symbol, Value *value)
{
  Formula formula = parser->formula;
  const Symbol from = *symbol;
  int index = -1;

  PetscFunctionBegin;
  if (ParserIs(parser, '[')) PetscCall(ParserIndex(parser, from.length, &index));
  if (index < 0) PetscCall(ParserVector(parser, from.length, value));
  for (int i = PetscMax(index, 0); i < (index < 0 ? from.length : index + 1); i++) {
    FormulaNode *item = index < 0 ? &value->items[i] : &value->node;
    if (from.kind == SYMBOL_DATA)
      PetscCall(NodeConstant(formula, formula->vectors[from.vector][i], item));
    else
      *item = formula->coords[from.first + i].node;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode normal_vector(Parser *parser, Value *value)
{
  Formula formula = parser->formula;

  PetscFunctionBegin;
  PetscCall(ParserVector(parser, formula->n_space, value));
  for (int i = 0; i < formula->n_space; i++) PetscCall(FormulaNormal(formula, formula->space[i], &value->items[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinates of a subscript. */
typedef struct {
  const char *name; /* all of it, for messages */
  int length;
  int n, coords[KERNEL_MAX_ORDER + 1];
} Subscript;

static PetscErrorCode unknown_coordinate(Parser *parser, const Subscript *subscript, const char *at, size_t length)
{
  const Formula formula = parser->formula;
  char known[256] = "";
  const Symbol *symbol = FormulaFindSymbol(formula, length, at);

  PetscFunctionBegin;
  const size_t column = (size_t)(at - parser->text);
  ParserCheck(parser, !symbol || symbol->kind != SYMBOL_VECTOR, column,
              "'%.*s': '%s' is a vector, its derivatives are written u_{%s[0]}", subscript->length, subscript->name,
              symbol->name, symbol->name);
  for (int i = 0; i < formula->n_symbol; i++) {
    const size_t used = strlen(known);
    if (formula->symbols[i].kind > SYMBOL_VECTOR) continue;
    snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", formula->symbols[i].name);
  }
  ParserError(parser, column, "'%.*s': unknown coordinate '%.*s' (coordinates: %s)", subscript->length, subscript->name,
              (int)length, at, known);
}

static PetscErrorCode take_piece(Parser *parser, const char *piece, size_t length, Subscript *subscript)
{
  PetscFunctionBegin;
  const size_t known = SubscriptSplit(parser->formula, length, piece, subscript->coords, &subscript->n);
  ParserCheck(parser, subscript->n <= KERNEL_MAX_ORDER, (size_t)(subscript->name - parser->text),
              "'%.*s' is a derivative of order above %d", subscript->length, subscript->name, KERNEL_MAX_ORDER);
  if (known < length) PetscCall(unknown_coordinate(parser, subscript, piece + known, length - known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* {x[0]x[0]}, {x, y}, {xx}: names and components, commas optional. */
static PetscErrorCode take_braces(Parser *parser, Subscript *subscript)
{
  char text[48];
  int index;

  PetscFunctionBegin;
  PetscCall(ParserExpect(parser, '{', "before a subscript"));
  while (!ParserIs(parser, '}')) {
    const Token token = parser->token;
    ParserCheck(parser, token.kind == TOKEN_NAME, token.at, "expected a coordinate or '}', not %s",
                ParserTokenText(parser, &token, text));
    const Symbol *symbol = FormulaFindSymbol(parser->formula, token.length, parser->text + token.at);
    PetscCall(ParserAdvance(parser));
    if (symbol && symbol->kind == SYMBOL_VECTOR && ParserIs(parser, '[')) {
      PetscCall(ParserIndex(parser, symbol->length, &index));
      ParserCheck(parser, subscript->n < KERNEL_MAX_ORDER, token.at, "a derivative of order above %d",
                  KERNEL_MAX_ORDER);
      subscript->coords[subscript->n++] = symbol->first + index;
    } else
      PetscCall(take_piece(parser, parser->text + token.at, token.length, subscript));
    if (ParserIs(parser, ',')) PetscCall(ParserAdvance(parser));
  }
  PetscCall(ParserAdvance(parser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The longest part before an underscore that is a symbol or `n`: u of u_xx. 0 where there is none. */
static size_t subscript_base(Parser *parser, const Token *token, const Symbol **symbol)
{
  const char *name = parser->text + token->at;
  for (size_t length = token->length - 1; length > 0; length--) {
    if (name[length] != '_') continue;
    *symbol = FormulaFindSymbol(parser->formula, length, name);
    if (*symbol || (length == 1 && name[0] == 'n')) return length;
  }
  return 0;
}

static PetscErrorCode subscripted_name(Parser *parser, const Token *token, Value *value)
{
  Formula formula = parser->formula;
  const char *name = parser->text + token->at;
  const Symbol *symbol = NULL;
  Subscript subscript = {.name = name, .length = (int)token->length};
  FormulaNode node;

  PetscFunctionBegin;
  const size_t base = subscript_base(parser, token, &symbol);
  if (!base) PetscCall(unknown_symbol(parser, token));
  ParserCheck(parser, !symbol || symbol->kind == SYMBOL_NODE || symbol->kind == SYMBOL_COORDINATE, token->at,
              "'%.*s': a vector has no derivatives by subscript", (int)token->length, name);
  node = symbol && symbol->kind == SYMBOL_COORDINATE ? formula->coords[symbol->first].node : symbol ? symbol->node : -1;
  for (size_t at = base + 1, end; at < token->length; at = end + 1) {
    for (end = at; end < token->length && name[end] != '_';) end++;
    PetscCall(take_piece(parser, name + at, end - at, &subscript));
  }
  if (name[token->length - 1] == '_') PetscCall(take_braces(parser, &subscript));
  if (node >= 0)
    PetscCall(ParserDerive(parser, token->at, subscript.n, subscript.coords, node, &value->node));
  else {
    ParserCheck(parser, subscript.n == 1, token->at, "'%.*s': a component of the normal has one coordinate",
                (int)token->length, name);
    PetscCall(FormulaNormal(formula, subscript.coords[0], &value->node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool token_is(const Parser *parser, const Token *token, const char *name)
{
  return strlen(name) == token->length && !strncmp(parser->text + token->at, name, token->length);
}

int ParserFindLoop(const Parser *parser, const Token *token)
{
  int index = parser->n_loop - 1;
  while (index >= 0 && !token_is(parser, token, parser->loops[index].name)) index--;
  return index;
}

PetscErrorCode ParserLoopIndex(Parser *parser, int loop, FormulaNode *node)
{
  PetscFunctionBegin;
  parser->loops[loop].used = true;
  PetscCall(NodeConstant(parser->formula, parser->loops[loop].value, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserName(Parser *parser, Value *value)
{
  Formula formula = parser->formula;
  const Token token = parser->token;
  const Symbol *symbol = FormulaFindSymbol(formula, token.length, parser->text + token.at);
  const int loop = ParserFindLoop(parser, &token);

  PetscFunctionBegin;
  PetscCall(ParserAdvance(parser));
  if (ParserIs(parser, '('))
    PetscCall(ParserCall(parser, &token, value));
  else if (parser->outer)
    PetscCall(ParserLoopName(parser, &token, value));
  else if (loop >= 0)
    PetscCall(ParserLoopIndex(parser, loop, &value->node));
  else if (symbol && symbol->kind == SYMBOL_NODE)
    value->node = symbol->node;
  else if (symbol && symbol->kind == SYMBOL_COORDINATE)
    value->node = formula->coords[symbol->first].node;
  else if (symbol)
    PetscCall(vector_symbol(parser, symbol, value));
  else if (token_is(parser, &token, "pi"))
    PetscCall(NodeConstant(formula, M_PI, &value->node));
  else if (token_is(parser, &token, "n"))
    PetscCall(normal_vector(parser, value));
  else {
    for (const Choice *row = FunctionTable.rows; row->name; row++)
      ParserCheck(parser, !token_is(parser, &token, row->name), token.at, "'%s' is a function and needs its '('",
                  row->name);
    PetscCall(subscripted_name(parser, &token, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
