/* Formula text to nodes by recursive descent. */
#pragma once
#include "formula_impl.h"

#define PARSER_MAX_DEPTH 200 /* nested brackets, signs and powers */
#define PARSER_MAX_LOOPS 8   /* nested sums */

typedef enum {
  TOKEN_END,
  TOKEN_NUMBER,
  TOKEN_NAME,
  TOKEN_RELATION,
  TOKEN_PUNCTUATION /* one of + - * / ^ ( ) [ ] { } , */
} TokenKind;

typedef struct {
  TokenKind kind;
  size_t at, length; /* in the text */
  char punctuation;
  Relation relation;
  double value;
} Token;

/* A number-valued expression (items == NULL) or a vector of them. */
typedef struct {
  FormulaNode node;
  int n;
  FormulaNode *items; /* owned by the parser */
  size_t at;          /* where it begins in the text */
} Value;

typedef struct ParserBlock_s *ParserBlock;

typedef struct {
  Formula formula;
  const char *where, *text;
  size_t length;
  Token token; /* the next one, not yet consumed */
  int depth, n_term;
  int n_loop;
  struct {
    char name[FORMULA_NAME_MAX];
    int value;
    bool used; /* in the term that was read last */
  } loops[PARSER_MAX_LOOPS];
  /* While the term of a loop is read, `formula` is the formula of terms: */
  Formula outer; /* the formula itself, which has the symbols */
  Loop *term;
  int term_loop; /* in loops: its index is no number, but a part of the term */
  bool unfit;    /* the term turned out to be none: what has been read of it is void */
  int n_stack, stack_capacity;
  Value *stack;       /* operands of the chains and calls being read */
  ParserBlock blocks; /* memory of vectors, freed when parsing ends */
} Parser;

/* The meaning of a call name(args) with as many arguments as FunctionTable allows. */
typedef struct FunctionRow_s FunctionRow;
typedef struct {
  const char *name;
  const FunctionRow *row;
  size_t at;
  int n;
  const Value *args;
} Call;

struct FunctionRow_s {
  int least, most; /* arguments; most = 0: any number */
  PetscErrorCode (*build)(Parser *parser, const Call *call, Value *value);
  Elementary elementary; /* and its parameter, of functions that have a series */
  double parameter;
};

/* Has a term of a loop no use for the function: it derives, or takes vectors? (calls.c) */
bool FunctionDerives(const FunctionRow *row);

/* Returns with "<where>: column N: ..." and, where the text is short enough, the text and a caret. */
void ParserFail(const Parser *parser, size_t position, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define ParserError(...) return (ParserFail(__VA_ARGS__), PETSC_ERR_USER_INPUT)
#define ParserCheck(parser, condition, ...)                                                                            \
  do {                                                                                                                 \
    if (PetscUnlikely(!(condition))) ParserError(parser, __VA_ARGS__);                                                 \
  } while (0)

/* The formula that has the symbols. */
static inline Formula ParserSymbols(const Parser *parser)
{
  return parser->outer ? parser->outer : parser->formula;
}

PetscErrorCode ParserAdvance(Parser *parser); /* reads the next token (lexer.c) */
PetscErrorCode ParserSeek(Parser *parser, size_t at);
bool ParserIs(const Parser *parser, char punctuation);
PetscErrorCode ParserExpect(Parser *parser, char punctuation, const char *why);
/* The text of a token for messages, at most 40 characters. */
const char *ParserTokenText(const Parser *parser, const Token *token, char text[48]);

PetscErrorCode ParserExpression(Parser *parser, Value *value);
PetscErrorCode ParserPush(Parser *parser, const Value *value);
/* value = sum of the operands stack[base ..), numbers or vectors of one length. */
PetscErrorCode ParserAddOperands(Parser *parser, int base, Value *value);
/* value times a factor, and a node (-1: none). */
PetscErrorCode ParserScale(Parser *parser, double factor, FormulaNode node, Value *value);
/* A whole constant such as a vector index. */
PetscErrorCode ParserWhole(Parser *parser, const char *what, int *whole);
/* The component [i] of a vector symbol or value of `n` components; reads the brackets. */
PetscErrorCode ParserIndex(Parser *parser, int n, int *index);
/* Symbol, subscript or call, beginning with a name (names.c, calls.c). */
PetscErrorCode ParserName(Parser *parser, Value *value);
PetscErrorCode ParserCall(Parser *parser, const Token *name, Value *value);
/* The innermost loop of that name; -1 where none is. */
int ParserFindLoop(const Parser *parser, const Token *token);
/* The number that its index now stands for. */
PetscErrorCode ParserLoopIndex(Parser *parser, int loop, FormulaNode *node);

/* Loops (loop_parse.c). The term of a sum, whose index is the newest of parser->loops, and its ')'; done = false where
   it must be written out, and the next token is where it was. `dot(x, c)` and `norm2(x)` of whole vectors, likewise. */
PetscErrorCode ParserLoop(Parser *parser, int first, int last, Value *value, bool *done);
PetscErrorCode ParserLoopDot(Parser *parser, const char *name, Value *value, bool *done);
PetscErrorCode ParserLoopName(Parser *parser, const Token *token, Value *value);

PetscErrorCode ParserVector(Parser *parser, int n, Value *value); /* room for n items */
PetscErrorCode ParserScalar(Parser *parser, const Value *value, FormulaNode *node);
/* An error where a constant is not finite. */
PetscErrorCode ParserFinite(Parser *parser, size_t at, FormulaNode node);
/* The operator, or d^coords (in any order), of e, checked against KERNEL_MAX_ORDER. */
PetscErrorCode ParserApply(Parser *parser, size_t at, int op, FormulaNode e, FormulaNode *node);
PetscErrorCode ParserDerive(Parser *parser, size_t at, int order, const int coords[], FormulaNode e, FormulaNode *node);

/* Calls of calculus.c. */
PetscErrorCode BuildCall_D(Parser *parser, const Call *call, Value *value);
PetscErrorCode BuildCall_Grad(Parser *parser, const Call *call, Value *value);
PetscErrorCode BuildCall_Div(Parser *parser, const Call *call, Value *value);
PetscErrorCode BuildCall_Laplacian(Parser *parser, const Call *call, Value *value); /* and biharmonic */
PetscErrorCode BuildCall_Dn(Parser *parser, const Call *call, Value *value);
PetscErrorCode BuildCall_Dot(Parser *parser, const Call *call, Value *value); /* and norm2 */
