/* Function calls and the table of functions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parser_impl.h"

static PetscErrorCode build_elementary(Parser *parser, const Call *call, Value *value)
{
  FormulaNode a;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &a));
  PetscCall(NodeFunction(parser->formula, call->row->elementary, call->row->parameter, a, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_pow(Parser *parser, const Call *call, Value *value)
{
  FormulaNode a, b;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &a));
  PetscCall(ParserScalar(parser, &call->args[1], &b));
  PetscCall(NodePower(parser->formula, a, b, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode compare_zero(Formula formula, Relation relation, FormulaNode a, FormulaNode *node)
{
  FormulaNode zero;

  PetscFunctionBegin;
  PetscCall(NodeConstant(formula, 0, &zero));
  PetscCall(NodeCompare(formula, relation, a, zero, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_step(Parser *parser, const Call *call, Value *value)
{
  FormulaNode a;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &a));
  PetscCall(compare_zero(parser->formula, RELATION_GE, a, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_sign(Parser *parser, const Call *call, Value *value)
{
  FormulaNode a, above, below;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &a));
  PetscCall(compare_zero(parser->formula, RELATION_GT, a, &above));
  PetscCall(compare_zero(parser->formula, RELATION_LT, a, &below));
  PetscCall(NodeAdd(parser->formula, 1, above, -1, below, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_extreme(Parser *parser, const Call *call, Value *value)
{
  const Relation relation = !strcmp(call->name, "min") ? RELATION_LE : RELATION_GE;
  FormulaNode next, better;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &value->node));
  for (int i = 1; i < call->n; i++) {
    PetscCall(ParserScalar(parser, &call->args[i], &next));
    PetscCall(NodeCompare(parser->formula, relation, value->node, next, &better));
    PetscCall(NodeIf(parser->formula, better, value->node, next, &value->node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_if(Parser *parser, const Call *call, Value *value)
{
  FormulaNode node[3];

  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) PetscCall(ParserScalar(parser, &call->args[i], &node[i]));
  PetscCall(NodeIf(parser->formula, node[0], node[1], node[2], &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* scale atan(a / b) + shift */
static PetscErrorCode atan_branch(Formula formula, FormulaNode a, FormulaNode b, double scale, FormulaNode shift,
                                  FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(NodeFunction(formula, ELEMENTARY_POW, -1, b, node));
  PetscCall(NodeProduct(formula, a, *node, node));
  PetscCall(NodeFunction(formula, ELEMENTARY_ATAN, 0, *node, node));
  PetscCall(NodeAdd(formula, scale, *node, 1, shift, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value where y has the sign asked for, -value elsewhere */
static PetscErrorCode signed_constant(Formula formula, Relation relation, FormulaNode y, double value,
                                      FormulaNode *node)
{
  FormulaNode plus, minus, positive;

  PetscFunctionBegin;
  PetscCall(NodeConstant(formula, value, &plus));
  PetscCall(NodeConstant(formula, -value, &minus));
  PetscCall(compare_zero(formula, relation, y, &positive));
  PetscCall(NodeIf(formula, positive, plus, minus, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Branches in which the quotient is at most 1, so that values and derivatives are smooth off the negative x axis. */
static PetscErrorCode build_atan2(Parser *parser, const Call *call, Value *value)
{
  Formula formula = parser->formula;
  FormulaNode y, x, abs_y, right, left, zero, half_turn, quarter_turn, near_right, near_left, steep;
  double a, b;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &y));
  PetscCall(ParserScalar(parser, &call->args[1], &x));
  if (NodeIsConstant(formula, y, &a) && NodeIsConstant(formula, x, &b)) {
    PetscCall(NodeConstant(formula, atan2(a, b), &value->node));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodeFunction(formula, ELEMENTARY_ABS, 0, y, &abs_y));
  PetscCall(NodeCompare(formula, RELATION_GE, x, abs_y, &right));
  PetscCall(NodeScale(formula, -1, abs_y, &abs_y));
  PetscCall(NodeCompare(formula, RELATION_LE, x, abs_y, &left));
  PetscCall(NodeConstant(formula, 0, &zero));
  PetscCall(signed_constant(formula, RELATION_GE, y, M_PI, &half_turn));
  PetscCall(signed_constant(formula, RELATION_GT, y, M_PI_2, &quarter_turn));
  PetscCall(atan_branch(formula, y, x, 1, zero, &near_right));
  PetscCall(atan_branch(formula, y, x, 1, half_turn, &near_left));
  PetscCall(atan_branch(formula, x, y, -1, quarter_turn, &steep));
  PetscCall(NodeIf(formula, left, near_left, steep, &value->node));
  PetscCall(NodeIf(formula, right, near_right, value->node, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The range `first, last,` of a sum, with its index as the newest loop. */
static PetscErrorCode open_sum(Parser *parser, int *first, int *last)
{
  const Token name = parser->token;
  char text[48];

  PetscFunctionBegin;
  ParserCheck(parser, name.kind == TOKEN_NAME, name.at, "expected the name of an index, not %s",
              ParserTokenText(parser, &name, text));
  ParserCheck(parser, parser->n_loop < PARSER_MAX_LOOPS, name.at, "more than %d nested sums", PARSER_MAX_LOOPS);
  snprintf(text, sizeof(text), "%.*s", (int)PetscMin(name.length, 40), parser->text + name.at);
  ParserCheck(parser, !FormulaFindSymbol(ParserSymbols(parser), name.length, parser->text + name.at), name.at,
              "the index '%s' is already a symbol", text);
  PetscCall(ParserAdvance(parser));
  PetscCall(ParserExpect(parser, ',', "after the index of a sum"));
  PetscCall(ParserWhole(parser, "the first index of a sum", first));
  PetscCall(ParserExpect(parser, ',', "after the first index of a sum"));
  PetscCall(ParserWhole(parser, "the last index of a sum", last));
  ParserCheck(parser, ParserIs(parser, ','), parser->token.at, "expected ',' after the last index of a sum");
  snprintf(parser->loops[parser->n_loop++].name, FORMULA_NAME_MAX, "%.*s", (int)name.length, parser->text + name.at);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms of the newest loop, which its ',' is before, each with its own index; without an index in it, one term as
   many times. Read once also where the sum is empty: to find its end. */
static PetscErrorCode push_terms(Parser *parser, size_t at, int first, int last, Value *value)
{
  const int loop = parser->n_loop - 1, most = parser->formula->most_terms;
  const size_t body = parser->token.at + 1;
  bool again = true;

  PetscFunctionBegin;
  parser->loops[loop].used = false;
  for (int i = first; again; i++) {
    ParserCheck(parser, ++parser->n_term <= most, at, "the sums of this formula have more than %d terms", most);
    parser->loops[loop].value = i;
    PetscCall(ParserSeek(parser, body));
    PetscCall(ParserExpression(parser, value));
    again = i < last && parser->loops[loop].used && ParserIs(parser, ')');
    if (i == first && last > first && !parser->loops[loop].used)
      PetscCall(ParserScale(parser, (double)last - first + 1, -1, value));
    PetscCall(ParserPush(parser, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum(i, first, last, e), unrolled where it cannot be a loop. */
static PetscErrorCode parse_indexed_sum(Parser *parser, size_t at, Value *value)
{
  const int base = parser->n_stack;
  int first, last;
  bool done = false;

  PetscFunctionBegin;
  PetscCall(open_sum(parser, &first, &last));
  ParserCheck(parser, last >= first - 1, at, "this sum runs backwards, from %d to %d", first, last);
  ParserCheck(parser, (double)last - first < parser->formula->most_terms, at,
              "this sum has %.0f terms, more than the %d that the sums of a formula may have", (double)last - first + 1,
              parser->formula->most_terms);
  if (!parser->outer && (double)last - first + 1 > parser->formula->loop_least)
    PetscCall(ParserLoop(parser, first, last, value, &done));
  if (!done) PetscCall(push_terms(parser, at, first, last, value));
  parser->n_loop--;
  PetscCall(ParserExpect(parser, ')', "that closes the sum"));
  if (!done) *value = (Value){.node = -1};
  if (done)
    parser->n_stack = base;
  else if (last < first)
    PetscCall(NodeConstant(parser->formula, 0, &value->node));
  else
    PetscCall(ParserAddOperands(parser, base, value));
  parser->n_stack = base;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define ELEMENTARY(name, kind, help)                                                                                   \
  {                                                                                                                    \
    name, help, &(const FunctionRow)                                                                                   \
    {                                                                                                                  \
      1, 1, build_elementary, kind, 0                                                                                  \
    }                                                                                                                  \
  }
#define BUILT(name, least, most, build, help)                                                                          \
  {                                                                                                                    \
    name, help, &(const FunctionRow)                                                                                   \
    {                                                                                                                  \
      least, most, build, ELEMENTARY_POW, 0                                                                            \
    }                                                                                                                  \
  }

static const Choice rows[] = {
    ELEMENTARY("sin", ELEMENTARY_SIN, "sine"),
    ELEMENTARY("cos", ELEMENTARY_COS, "cosine"),
    ELEMENTARY("tan", ELEMENTARY_TAN, "tangent"),
    ELEMENTARY("asin", ELEMENTARY_ASIN, "inverse sine"),
    ELEMENTARY("acos", ELEMENTARY_ACOS, "inverse cosine"),
    ELEMENTARY("atan", ELEMENTARY_ATAN, "inverse tangent"),
    BUILT("atan2", 2, 2, build_atan2, "angle of the point (x, y), called atan2(y, x); not at (0, 0)"),
    ELEMENTARY("sinh", ELEMENTARY_SINH, "hyperbolic sine"),
    ELEMENTARY("cosh", ELEMENTARY_COSH, "hyperbolic cosine"),
    ELEMENTARY("tanh", ELEMENTARY_TANH, "hyperbolic tangent"),
    ELEMENTARY("exp", ELEMENTARY_EXP, "exponential"),
    ELEMENTARY("log", ELEMENTARY_LOG, "natural logarithm"),
    {"sqrt", "square root", &(const FunctionRow){1, 1, build_elementary, ELEMENTARY_POW, 0.5}},
    BUILT("pow", 2, 2, build_pow, "pow(x, y) is x^y"),
    ELEMENTARY("erf", ELEMENTARY_ERF, "error function"),
    ELEMENTARY("sigmoid", ELEMENTARY_SIGMOID, "1/(1 + exp(-x))"),
    ELEMENTARY("softplus", ELEMENTARY_SOFTPLUS, "log(1 + exp(x))"),
    ELEMENTARY("abs", ELEMENTARY_ABS, "absolute value"),
    BUILT("sign", 1, 1, build_sign, "-1, 0 or 1; its derivatives are 0"),
    BUILT("step", 1, 1, build_step, "1 where x >= 0, else 0; its derivatives are 0"),
    BUILT("min", 2, 0, build_extreme, "smallest of its arguments"),
    BUILT("max", 2, 0, build_extreme, "largest of its arguments"),
    BUILT("if", 3, 3, build_if, "if(c, a, b) is a where c is not 0, else b"),
    BUILT("d", 2, 0, BuildCall_D, "derivative: d(u, x), d(u, x, 4), d(u, x, 2, y)"),
    BUILT("grad", 1, 0, BuildCall_Grad, "gradient in space (all coordinates but t), or grad(u, x, y)"),
    BUILT("div", 1, 0, BuildCall_Div, "divergence in space: div(v), div(a, b)"),
    BUILT("laplacian", 1, 0, BuildCall_Laplacian, "sum of second derivatives in space, or laplacian(u, x, y)"),
    BUILT("biharmonic", 1, 0, BuildCall_Laplacian, "laplacian of the laplacian"),
    BUILT("dn", 1, 1, BuildCall_Dn, "outward normal derivative in space; the normal is held fixed by derivatives"),
    BUILT("dot", 2, 2, BuildCall_Dot, "inner product of two vectors"),
    BUILT("norm2", 1, 1, BuildCall_Dot, "sum of squares of a vector"),
    BUILT("sum", 4, 4, NULL, "sum(i, first, last, e) with i in e"),
    {NULL, NULL, NULL},
};

const ChoiceTable FunctionTable = {"function", "functions of formulas", rows};

bool FunctionDerives(const FunctionRow *row)
{
  return row->build == BuildCall_D || row->build == BuildCall_Grad || row->build == BuildCall_Div ||
         row->build == BuildCall_Laplacian || row->build == BuildCall_Dn || row->build == BuildCall_Dot;
}

static PetscErrorCode find_function(Parser *parser, const Token *token, char name[FORMULA_NAME_MAX],
                                    const FunctionRow **row)
{
  char near[512];

  PetscFunctionBegin;
  snprintf(name, FORMULA_NAME_MAX, "%.*s", (int)token->length, parser->text + token->at);
  const Choice *choice = ChoiceFind(&FunctionTable, name);
  if (!choice) {
    ParserCheck(parser, !FormulaFindSymbol(ParserSymbols(parser), token->length, name), token->at,
                "'%s' is not a function (a product needs its '*')", name);
    ChoiceSuggest(&FunctionTable, name, near, sizeof(near));
    ParserError(parser, token->at, "unknown function '%s'%s", name, near);
  }
  *row = choice->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_arguments(Parser *parser)
{
  Value value;

  PetscFunctionBegin;
  while (!ParserIs(parser, ')')) {
    PetscCall(ParserExpression(parser, &value));
    PetscCall(ParserPush(parser, &value));
    if (ParserIs(parser, ')')) break;
    PetscCall(ParserExpect(parser, ',', "or ')' after an argument"));
  }
  PetscCall(ParserAdvance(parser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserCall(Parser *parser, const Token *token, Value *value)
{
  const int base = parser->n_stack;
  char name[FORMULA_NAME_MAX];
  const FunctionRow *row;
  bool done = false;

  PetscFunctionBegin;
  PetscCall(find_function(parser, token, name, &row));
  PetscCall(ParserAdvance(parser));
  if (!strcmp(name, "dot") || !strcmp(name, "norm2")) PetscCall(ParserLoopDot(parser, name, value, &done));
  if (!row->build)
    PetscCall(parse_indexed_sum(parser, token->at, value));
  else if (!done) {
    PetscCall(read_arguments(parser));
    const int n = parser->n_stack - base;
    ParserCheck(parser, n >= row->least && (!row->most || n <= row->most), token->at,
                "%s takes %s%d argument%s, not %d", name, row->most ? "" : "at least ", row->least,
                row->least == 1 ? "" : "s", n);
    const Call call = {name, row, token->at, n, parser->stack + base};
    PetscCall(row->build(parser, &call, value));
    parser->n_stack = base;
  }
  if (!value->items) PetscCall(ParserFinite(parser, token->at, value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
