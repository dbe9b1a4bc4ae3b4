/* Reading the term of a long sum once: the index stays a symbol, and coordinates and data become parts of the term.
   What the term must not have is seen before it is read: derivatives, fields, whole vectors, expressions of many
   coordinates. Then the sum is written out. */
#include <math.h>
#include <string.h>
#include "parser_impl.h"

static bool is_call(const Parser *parser, const Token *token)
{
  size_t at = token->at + token->length;
  while (at < parser->length && parser->text[at] == ' ') at++;
  return at < parser->length && parser->text[at] == '(';
}

/* May the name stand in a term, with what follows it? */
static bool fits_term(const Parser *parser, const Token *token)
{
  const Formula formula = parser->formula;
  const Symbol *symbol = FormulaFindSymbol(formula, token->length, parser->text + token->at);
  if (is_call(parser, token)) {
    char name[FORMULA_NAME_MAX];
    snprintf(name, sizeof(name), "%.*s", (int)PetscMin(token->length, FORMULA_NAME_MAX - 1), parser->text + token->at);
    const Choice *choice = ChoiceFind(&FunctionTable, name);
    return !choice || !FunctionDerives(choice->data);
  }
  if (!symbol) return !memchr(parser->text + token->at, '_', token->length) && parser->text[token->at] != 'n';
  if (symbol->kind == SYMBOL_VECTOR || symbol->kind == SYMBOL_DATA)
    return token->at + token->length < parser->length && parser->text[token->at + token->length] == '[';
  if (symbol->kind == SYMBOL_COORDINATE) return true;
  const Node *node = &formula->nodes[symbol->node];
  const Support *support = &formula->supports[node->support];
  return !node->network && !node->normal && !node->loop && !support->all && support->n <= LOOP_MAX_PARTS;
}

/* Looks through the tokens up to the ')' that closes the sum. */
static PetscErrorCode term_fits(Parser *parser, bool *fits)
{
  int depth = 0;

  PetscFunctionBegin;
  *fits = true;
  while (parser->token.kind != TOKEN_END && *fits && !(ParserIs(parser, ')') && !depth)) {
    depth += ParserIs(parser, '(') - ParserIs(parser, ')');
    if (parser->token.kind == TOKEN_NAME && ParserFindLoop(parser, &parser->token) < 0)
      *fits = fits_term(parser, &parser->token);
    PetscCall(ParserAdvance(parser));
  }
  *fits = *fits && ParserIs(parser, ')');
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode number_node(Parser *parser, LoopNumber number, FormulaNode *node)
{
  int k = LoopAddNumber(parser->term, number);

  PetscFunctionBegin;
  parser->unfit |= k < 0;
  *node = parser->formula->coords[PetscMax(k, 0)].normal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode slot_node(Parser *parser, LoopIndex slot, FormulaNode *node)
{
  const int s = LoopAddSlot(parser->term, slot);

  PetscFunctionBegin;
  parser->unfit |= s < 0;
  *node = parser->formula->coords[PetscMax(s, 0)].node;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* node = first + step i with whole numbers; false where it is something else. */
static bool read_affine(const Parser *parser, FormulaNode node, LoopIndex *at)
{
  const Formula body = parser->formula;
  const LoopNumber index = {-1, {0, 1}};
  double constant = 0, coef = 1;
  if (NodeIsConstant(body, node, &constant))
    coef = 0;
  else {
    const Node *sum = &body->nodes[node];
    if (sum->kind == NODE_SUM && sum->n_term == 1) {
      constant = sum->value;
      coef = body->terms[sum->first].coef;
      node = body->terms[sum->first].node;
    }
    const Node *leaf = &body->nodes[node];
    if (leaf->kind != NODE_NORMAL || memcmp(&parser->term->number[leaf->arg[0]], &index, sizeof(index))) return false;
  }
  if (constant != floor(constant) || coef != floor(coef) || fabs(constant) + fabs(coef) > 1e8) return false;
  *at = (LoopIndex){(int)constant, (int)coef};
  return true;
}

/* [index] after a vector of `length` components */
static PetscErrorCode read_index(Parser *parser, int length, LoopIndex *at)
{
  const int ends[2] = {parser->term->first, parser->term->last};
  Value value;
  FormulaNode node;

  PetscFunctionBegin;
  PetscCall(ParserExpect(parser, '[', "before an index"));
  const size_t column = parser->token.at;
  PetscCall(ParserExpression(parser, &value));
  PetscCall(ParserScalar(parser, &value, &node));
  PetscCall(ParserExpect(parser, ']', "after an index"));
  if (!read_affine(parser, node, at)) {
    parser->unfit = true;
    *at = (LoopIndex){0, 0};
  }
  for (int k = 0; k < 2; k++) {
    const double index = at->first + (double)at->step * ends[k];
    ParserCheck(parser, index >= 0 && index < length, column,
                "index %.0f at %s = %d is outside 0 .. %d: there are %d components", index,
                parser->loops[parser->term_loop].name, ends[k], length - 1, length);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode map_symbol(void *context, const Node *leaf, FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(slot_node(context, (LoopIndex){leaf->arg[0], 0}, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode vector_name(Parser *parser, const Symbol *symbol, FormulaNode *node)
{
  const int first = symbol->first, vector = symbol->vector;
  const bool data = symbol->kind == SYMBOL_DATA;
  LoopIndex at = {0, 0};

  PetscFunctionBegin;
  PetscCall(read_index(parser, symbol->length, &at));
  if (!data)
    PetscCall(slot_node(parser, (LoopIndex){first + at.first, at.step}, node));
  else if (at.step)
    PetscCall(number_node(parser, (LoopNumber){vector, at}, node));
  else
    PetscCall(NodeConstant(parser->formula, parser->outer->vectors[vector][at.first], node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserLoopName(Parser *parser, const Token *token, Value *value)
{
  const Symbol *symbol = FormulaFindSymbol(parser->outer, token->length, parser->text + token->at);
  const int loop = ParserFindLoop(parser, token);
  FormulaNode *node = &value->node;

  PetscFunctionBegin;
  if (loop == parser->term_loop)
    PetscCall(number_node(parser, (LoopNumber){-1, {0, 1}}, node));
  else if (loop >= 0)
    PetscCall(ParserLoopIndex(parser, loop, node));
  else if (symbol && symbol->kind == SYMBOL_COORDINATE)
    PetscCall(slot_node(parser, (LoopIndex){symbol->first, 0}, node));
  else if (symbol && symbol->kind == SYMBOL_NODE)
    PetscCall(NodeCopy(parser->outer, symbol->node, parser->formula, map_symbol, parser, node));
  else if (symbol)
    PetscCall(vector_name(parser, symbol, node));
  else if (token->length == 2 && !strncmp(parser->text + token->at, "pi", 2))
    PetscCall(NodeConstant(parser->formula, M_PI, node));
  else { /* unknown: the sum that is written out tells */
    parser->unfit = true;
    PetscCall(number_node(parser, (LoopNumber){-1, {0, 1}}, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sum as loops between the indices at which two slots meet, and its terms there. */
static PetscErrorCode split_loop(Formula formula, const Loop *loop, FormulaNode *node)
{
  FormulaNode part;
  Loop low = *loop, high = *loop;
  int i;

  PetscFunctionBegin;
  if (!LoopMeets(loop, &i)) {
    PetscCall(NodeLoop(formula, loop, node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  low.last = i - 1;
  high.first = i + 1;
  PetscCall(NodeLoopTerm(formula, loop, i, node));
  PetscCall(split_loop(formula, &low, &part));
  PetscCall(NodeAdd(formula, 1, *node, 1, part, node));
  PetscCall(split_loop(formula, &high, &part));
  PetscCall(NodeAdd(formula, 1, *node, 1, part, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserLoop(Parser *parser, int first, int last, Value *value, bool *done)
{
  Formula formula = parser->formula, body;
  const size_t at = parser->token.at;
  const int base = parser->n_stack, n_term = parser->n_term;
  Loop loop;

  PetscFunctionBegin;
  memset(&loop, 0, sizeof(loop));
  loop.first = first;
  loop.last = last;
  PetscCall(ParserAdvance(parser));
  const size_t begin = parser->token.at;
  PetscCall(term_fits(parser, done));
  if (*done) {
    PetscCall(LoopBody(formula, &body));
    parser->outer = formula;
    parser->formula = body;
    parser->term = &loop;
    parser->term_loop = parser->n_loop - 1;
    parser->unfit = false;
    PetscCall(ParserSeek(parser, begin));
    PetscCall(ParserExpression(parser, value));
    parser->formula = formula;
    parser->outer = NULL;
    parser->n_stack = base;
    parser->n_term = n_term;
    *done = !parser->unfit && !value->items && ParserIs(parser, ')');
    loop.term = value->node;
  }
  if (*done)
    PetscCall(split_loop(formula, &loop, &value->node));
  else
    PetscCall(ParserSeek(parser, at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The vector or data that the token names as a whole, NULL where it does not. */
static const Symbol *whole_vector(const Parser *parser)
{
  const Token *token = &parser->token;
  const Symbol *symbol =
      token->kind == TOKEN_NAME ? FormulaFindSymbol(parser->formula, token->length, parser->text + token->at) : NULL;
  const bool vector = symbol && (symbol->kind == SYMBOL_VECTOR || symbol->kind == SYMBOL_DATA);
  return vector && symbol->length > parser->formula->loop_least ? symbol : NULL;
}

static PetscErrorCode dot_factor(Formula formula, const Symbol *symbol, Loop *loop, FormulaNode *node)
{
  Formula body;

  PetscFunctionBegin;
  PetscCall(LoopBody(formula, &body));
  if (symbol->kind == SYMBOL_VECTOR)
    *node = body->coords[LoopAddSlot(loop, (LoopIndex){symbol->first, 1})].node;
  else
    *node = body->coords[LoopAddNumber(loop, (LoopNumber){symbol->vector, {0, 1}})].normal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserLoopDot(Parser *parser, const char *name, Value *value, bool *done)
{
  const size_t at = parser->token.at;
  FormulaNode a, b;
  Loop loop;

  PetscFunctionBegin;
  *done = false;
  if (parser->outer) PetscFunctionReturn(PETSC_SUCCESS);
  const Symbol *left = whole_vector(parser), *right = left;
  if (left) PetscCall(ParserAdvance(parser));
  if (left && !strcmp(name, "dot")) {
    right = NULL;
    if (ParserIs(parser, ',')) {
      PetscCall(ParserAdvance(parser));
      right = whole_vector(parser);
      if (right) PetscCall(ParserAdvance(parser));
    }
  }
  *done = left && right && left->length == right->length && ParserIs(parser, ')');
  if (!*done) {
    PetscCall(ParserSeek(parser, at));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ParserAdvance(parser));
  memset(&loop, 0, sizeof(loop));
  loop.last = left->length - 1;
  PetscCall(dot_factor(parser->formula, left, &loop, &a));
  PetscCall(dot_factor(parser->formula, right, &loop, &b));
  PetscCall(NodeProduct(parser->formula->body, a, b, &loop.term));
  PetscCall(NodeLoop(parser->formula, &loop, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
