#include <math.h>
#include <string.h>
#include "parser_impl.h"

#define WHOLE_MAX 1000000000 /* in size, of indices and orders */

struct ParserBlock_s {
  ParserBlock next;
  FormulaNode items[];
};

PetscErrorCode ParserVector(Parser *parser, int n, Value *value)
{
  ParserBlock block;

  PetscFunctionBegin;
  PetscCall(PetscMalloc(sizeof(*block) + sizeof(FormulaNode) * (size_t)n, &block));
  block->next = parser->blocks;
  parser->blocks = block;
  *value = (Value){.node = -1, .n = n, .items = block->items};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserPush(Parser *parser, const Value *value)
{
  const Value pushed = *value; /* may lie in the stack itself */

  PetscFunctionBegin;
  FormulaGrow(parser->stack, parser->n_stack, parser->stack_capacity);
  parser->stack[parser->n_stack++] = pushed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserScalar(Parser *parser, const Value *value, FormulaNode *node)
{
  PetscFunctionBegin;
  ParserCheck(parser, !value->items, value->at, "a vector of %d components where a number is wanted", value->n);
  *node = value->node;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserFinite(Parser *parser, size_t at, FormulaNode node)
{
  const Node *from = &parser->formula->nodes[node];
  bool finite = isfinite(from->value);

  PetscFunctionBegin;
  if (from->kind == NODE_SUM && from->n_term == 1) finite &= isfinite(parser->formula->terms[from->first].coef);
  ParserCheck(parser, finite, at, "the value of this constant is not finite");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserWhole(Parser *parser, const char *what, int *whole)
{
  const size_t at = parser->token.at;
  Value value;
  FormulaNode node;
  double number;

  PetscFunctionBegin;
  PetscCall(ParserExpression(parser, &value));
  PetscCall(ParserScalar(parser, &value, &node));
  const bool constant = NodeIsConstant(parser->formula, node, &number);
  ParserCheck(parser, constant || parser->outer, at, "%s must be a constant", what);
  if (!constant) {
    parser->unfit = true;
    number = 0;
  }
  ParserCheck(parser, number == floor(number) && fabs(number) <= WHOLE_MAX, at,
              "%s must be a whole number from -%d to %d, not %.10lg", what, WHOLE_MAX, WHOLE_MAX, number);
  *whole = (int)number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserIndex(Parser *parser, int n, int *index)
{
  PetscFunctionBegin;
  PetscCall(ParserExpect(parser, '[', "before an index"));
  const size_t at = parser->token.at;
  PetscCall(ParserWhole(parser, "an index", index));
  ParserCheck(parser, *index >= 0 && *index < n, at, "index %d is outside 0 .. %d: there are %d components", *index,
              n - 1, n);
  PetscCall(ParserExpect(parser, ']', "after an index"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserApply(Parser *parser, size_t at, int op, FormulaNode e, FormulaNode *node)
{
  Formula formula = parser->formula;
  int order;

  PetscFunctionBegin;
  PetscCall(NodeDeriveOrder(formula, op, e, &order));
  ParserCheck(parser, order <= KERNEL_MAX_ORDER, at, "a derivative of order %d (the highest is %d)", order,
              KERNEL_MAX_ORDER);
  snprintf(formula->place, sizeof(formula->place), "%.200s: column %zu: ", parser->where, at + 1);
  PetscCall(NodeDerive(formula, op, e, node));
  formula->place[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserDerive(Parser *parser, size_t at, int order, const int coords[], FormulaNode e, FormulaNode *node)
{
  JetIndex index = {.order = order};
  int op;

  PetscFunctionBegin;
  ParserCheck(parser, order <= KERNEL_MAX_ORDER, at, "a derivative of order above %d", KERNEL_MAX_ORDER);
  for (int i = 0; i < order; i++) index.coord[i] = coords[i];
  PetscCall(PetscSortInt(order, index.coord));
  PetscCall(OperatorInternIndex(parser->formula, &index, 1, &op));
  PetscCall(ParserApply(parser, at, op, e, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (a) is a, (a, b) a vector. */
static PetscErrorCode parse_brackets(Parser *parser, Value *value)
{
  const int base = parser->n_stack;

  PetscFunctionBegin;
  do {
    PetscCall(ParserAdvance(parser));
    PetscCall(ParserExpression(parser, value));
    PetscCall(ParserPush(parser, value));
  } while (ParserIs(parser, ','));
  PetscCall(ParserExpect(parser, ')', "that closes a bracket"));
  const int n = parser->n_stack - base;
  if (n > 1) PetscCall(ParserVector(parser, n, value));
  for (int i = 0; i < n && n > 1; i++) PetscCall(ParserScalar(parser, &parser->stack[base + i], &value->items[i]));
  parser->n_stack = base;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_primary(Parser *parser, Value *value)
{
  const Token token = parser->token;
  char text[48];
  int index;

  PetscFunctionBegin;
  *value = (Value){.node = -1};
  if (token.kind == TOKEN_NUMBER) {
    PetscCall(NodeConstant(parser->formula, token.value, &value->node));
    PetscCall(ParserAdvance(parser));
  } else if (token.kind == TOKEN_NAME)
    PetscCall(ParserName(parser, value));
  else if (ParserIs(parser, '('))
    PetscCall(parse_brackets(parser, value));
  else
    ParserError(parser, token.at, "expected a number, a name or '(', not %s", ParserTokenText(parser, &token, text));
  if (ParserIs(parser, '[')) {
    ParserCheck(parser, value->items, parser->token.at, "only a vector has components");
    PetscCall(ParserIndex(parser, value->n, &index));
    *value = (Value){.node = value->items[index]};
  }
  value->at = token.at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_unary(Parser *parser, Value *value);

static PetscErrorCode parse_power(Parser *parser, Value *value)
{
  const size_t at = parser->token.at;
  Value exponent;
  FormulaNode base, power;

  PetscFunctionBegin;
  PetscCall(parse_primary(parser, value));
  if (!ParserIs(parser, '^')) PetscFunctionReturn(PETSC_SUCCESS);
  ParserCheck(parser, !value->items, at, "a vector has no power (norm2 is its sum of squares)");
  base = value->node;
  PetscCall(ParserAdvance(parser));
  PetscCall(parse_unary(parser, &exponent));
  PetscCall(ParserScalar(parser, &exponent, &power));
  PetscCall(NodePower(parser->formula, base, power, &value->node));
  PetscCall(ParserFinite(parser, at, value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserScale(Parser *parser, double factor, FormulaNode node, Value *value)
{
  Formula formula = parser->formula;

  PetscFunctionBegin;
  FormulaNode *items = value->items ? value->items : &value->node;
  const int n = value->items ? value->n : 1;
  const Value old = *value;
  if (old.items) {
    PetscCall(ParserVector(parser, n, value)); /* the old items may belong to another value */
    value->at = old.at;
    items = value->items;
  }
  for (int i = 0; i < n; i++) {
    items[i] = old.items ? old.items[i] : old.node;
    if (node >= 0) PetscCall(NodeProduct(formula, node, items[i], &items[i]));
    if (factor != 1) PetscCall(NodeScale(formula, factor, items[i], &items[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_unary(Parser *parser, Value *value)
{
  const size_t at = parser->token.at;
  bool negative = false;

  PetscFunctionBegin;
  ParserCheck(parser, ++parser->depth <= PARSER_MAX_DEPTH, at, "nested more than %d levels deep", PARSER_MAX_DEPTH);
  while (ParserIs(parser, '-') || ParserIs(parser, '+')) {
    negative ^= ParserIs(parser, '-');
    PetscCall(ParserAdvance(parser));
  }
  PetscCall(parse_power(parser, value));
  if (negative) PetscCall(ParserScale(parser, -1, -1, value));
  value->at = at;
  parser->depth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A product being read. Factors without network come first, so that a program keeps their product as one static row. */
typedef struct {
  double factor;
  FormulaNode fixed, varying;
  Value vector;
} Factors;

static PetscErrorCode multiply_into(Formula formula, FormulaNode *product, FormulaNode node)
{
  PetscFunctionBegin;
  if (*product < 0)
    *product = node;
  else
    PetscCall(NodeProduct(formula, *product, node, product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode take_factor(Parser *parser, bool divide, const Value *value, Factors *factors)
{
  Formula formula = parser->formula;
  FormulaNode node = value->node;
  double constant;

  PetscFunctionBegin;
  if (value->items) {
    ParserCheck(parser, !divide, value->at, "cannot divide by a vector");
    ParserCheck(parser, !factors->vector.items, value->at, "two vectors are multiplied by dot(a, b)");
    factors->vector = *value;
  } else if (NodeIsConstant(formula, node, &constant)) {
    ParserCheck(parser, !divide || constant != 0, value->at, "division by zero");
    factors->factor = divide ? factors->factor / constant : factors->factor * constant;
  } else {
    if (divide) PetscCall(NodeFunction(formula, ELEMENTARY_POW, -1, node, &node));
    PetscCall(multiply_into(formula, formula->nodes[node].network ? &factors->varying : &factors->fixed, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_product(Parser *parser, Value *value)
{
  const size_t at = parser->token.at;
  Factors factors = {1, -1, -1, {.node = -1}};
  bool divide = false;

  PetscFunctionBegin;
  PetscCall(parse_unary(parser, value));
  if (!ParserIs(parser, '*') && !ParserIs(parser, '/')) PetscFunctionReturn(PETSC_SUCCESS);
  for (;;) {
    PetscCall(take_factor(parser, divide, value, &factors));
    ParserCheck(parser, isfinite(factors.factor), at, "the value of this constant is not finite");
    divide = ParserIs(parser, '/');
    if (!divide && !ParserIs(parser, '*')) break;
    PetscCall(ParserAdvance(parser));
    PetscCall(parse_unary(parser, value));
  }
  if (factors.varying >= 0 && factors.fixed >= 0)
    PetscCall(NodeProduct(parser->formula, factors.fixed, factors.varying, &factors.varying));
  else if (factors.fixed >= 0)
    factors.varying = factors.fixed;
  if (factors.vector.items) {
    *value = factors.vector;
    PetscCall(ParserScale(parser, factors.factor, factors.varying, value));
  } else {
    *value = (Value){.node = factors.varying};
    if (factors.varying < 0)
      PetscCall(NodeConstant(parser->formula, factors.factor, &value->node));
    else
      PetscCall(ParserScale(parser, factors.factor, -1, value));
    PetscCall(ParserFinite(parser, at, value->node));
  }
  value->at = at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserAddOperands(Parser *parser, int base, Value *value)
{
  const int n = parser->n_stack - base;
  const Value *operands = parser->stack + base;
  const int size = operands[0].items ? operands[0].n : 0;
  SumTerm *terms;

  PetscFunctionBegin;
  for (int k = 1; k < n; k++) {
    const int other = operands[k].items ? operands[k].n : 0;
    ParserCheck(parser, !size == !other, operands[k].at, "a vector and a number cannot be added");
    ParserCheck(parser, size == other, operands[k].at, "vectors of %d and %d components cannot be added", size, other);
  }
  if (size) PetscCall(ParserVector(parser, size, value));
  PetscCall(PetscMalloc1(n, &terms));
  for (int i = 0; i < PetscMax(size, 1); i++) {
    for (int k = 0; k < n; k++) terms[k] = (SumTerm){size ? operands[k].items[i] : operands[k].node, 1};
    PetscCall(NodeSum(parser->formula, 0, n, terms, size ? &value->items[i] : &value->node));
  }
  PetscCall(PetscFree(terms));
  value->at = operands[0].at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_sum(Parser *parser, Value *value)
{
  const int base = parser->n_stack;

  PetscFunctionBegin;
  PetscCall(parse_product(parser, value));
  if (!ParserIs(parser, '+') && !ParserIs(parser, '-')) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ParserPush(parser, value));
  while (ParserIs(parser, '+') || ParserIs(parser, '-')) {
    const bool negative = ParserIs(parser, '-');
    PetscCall(ParserAdvance(parser));
    PetscCall(parse_product(parser, value));
    if (negative) PetscCall(ParserScale(parser, -1, -1, value));
    PetscCall(ParserPush(parser, value));
  }
  PetscCall(ParserAddOperands(parser, base, value));
  if (!value->items) PetscCall(ParserFinite(parser, value->at, value->node));
  parser->n_stack = base;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserExpression(Parser *parser, Value *value)
{
  Value right;
  FormulaNode a, b;

  PetscFunctionBegin;
  PetscCall(parse_sum(parser, value));
  if (parser->token.kind != TOKEN_RELATION) PetscFunctionReturn(PETSC_SUCCESS);
  const Relation relation = parser->token.relation;
  PetscCall(ParserAdvance(parser));
  PetscCall(parse_sum(parser, &right));
  ParserCheck(parser, parser->token.kind != TOKEN_RELATION, parser->token.at,
              "comparisons cannot be chained (a < b and b < c is (a < b)*(b < c))");
  PetscCall(ParserScalar(parser, value, &a));
  PetscCall(ParserScalar(parser, &right, &b));
  PetscCall(NodeCompare(parser->formula, relation, a, b, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_formula(Parser *parser, FormulaNode *node)
{
  Value value;
  char text[48];

  PetscFunctionBegin;
  PetscCall(ParserSeek(parser, 0));
  ParserCheck(parser, parser->token.kind != TOKEN_END, parser->token.at, "the formula is empty");
  PetscCall(ParserExpression(parser, &value));
  ParserCheck(parser, parser->token.kind == TOKEN_END, parser->token.at, "expected an operator or the end, not %s",
              ParserTokenText(parser, &parser->token, text));
  PetscCall(ParserScalar(parser, &value, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaParse(Formula formula, const char *where, const char *text, FormulaNode *node)
{
  Parser parser = {.formula = formula, .where = where, .text = text, .length = strlen(text)};

  PetscFunctionBegin;
  const PetscErrorCode failed = parse_formula(&parser, node);
  for (ParserBlock block = parser.blocks, next; block; block = next) {
    next = block->next;
    PetscCall(PetscFree(block));
  }
  PetscCall(PetscFree(parser.stack));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FormulaParseConstant(Formula formula, const char *where, const char *text, double *value)
{
  FormulaNode node;
  char shown[128];

  PetscFunctionBegin;
  PetscCall(FormulaParse(formula, where, text, &node));
  if (!NodeIsConstant(formula, node, value)) {
    FormulaPrint(formula, node, shown, sizeof(shown));
    PinnUserError("%s: '%s' is not a constant", where, shown);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
