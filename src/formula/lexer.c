#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "parser_impl.h"

#define MAX_SHOWN 160 /* characters of a formula shown above a caret */

static void append_place(const Parser *parser, size_t position, size_t size, char text[])
{
  if (parser->length > MAX_SHOWN || position > parser->length) return;
  for (size_t i = 0; i < parser->length; i++)
    if (!isprint((unsigned char)parser->text[i])) return;
  snprintf(text, size, "\n  %s\n  %*s^", parser->text, (int)position, "");
}

void ParserFail(const Parser *parser, size_t position, const char *format, ...)
{
  char text[1536];
  va_list args;

  va_start(args, format);
  vsnprintf(text, sizeof(text) - 2 * MAX_SHOWN - 16, format, args);
  va_end(args);
  const size_t used = strlen(text);
  append_place(parser, position, sizeof(text) - used, text + used);
  (void)PetscError(PETSC_COMM_SELF, __LINE__, PETSC_FUNCTION_NAME, __FILE__, PETSC_ERR_USER_INPUT, PETSC_ERROR_INITIAL,
                   "%s: column %zu: %s", parser->where, position + 1, text);
}

static bool name_character(char c)
{
  return isalnum((unsigned char)c) || c == '_';
}

static PetscErrorCode read_number(Parser *parser)
{
  Token *token = &parser->token;
  const char *begin = parser->text + token->at, *at = begin;
  char digits[64], *end;

  PetscFunctionBegin;
  while (isdigit((unsigned char)*at)) at++;
  if (*at == '.') at++;
  while (isdigit((unsigned char)*at)) at++;
  const char *exponent = at + 1 + (at[0] && (at[1] == '+' || at[1] == '-'));
  if ((*at == 'e' || *at == 'E') && isdigit((unsigned char)*exponent))
    for (at = exponent; isdigit((unsigned char)*at);) at++;
  token->kind = TOKEN_NUMBER;
  token->length = (size_t)(at - begin);
  ParserCheck(parser, token->length < sizeof(digits), token->at, "a number of %zu characters is too long",
              token->length);
  memcpy(digits, begin, token->length);
  digits[token->length] = 0;
  token->value = strtod(digits, &end);
  ParserCheck(parser, !*end, token->at, "'%s' is not a number", digits);
  ParserCheck(parser, isfinite(token->value), token->at, "the number %s is too large (at most 1.79e308)", digits);
  ParserCheck(parser, token->value != 0 || strcspn(digits, "123456789") >= strcspn(digits, "eE"), token->at,
              "the number %s is too small (at least 4.95e-324)", digits);
  ParserCheck(parser, !isalpha((unsigned char)*at) && *at != '_' && *at != '.', token->at + token->length,
              "expected an operator after the number %s, not '%c'%s", digits, *at,
              *at == '.' ? "" : " (a product needs its '*')");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_name(Parser *parser)
{
  Token *token = &parser->token;

  PetscFunctionBegin;
  token->kind = TOKEN_NAME;
  while (name_character(parser->text[token->at + token->length])) token->length++;
  ParserCheck(parser, token->length < FORMULA_NAME_MAX, token->at, "the name '%.20s...' is longer than %d characters",
              parser->text + token->at, FORMULA_NAME_MAX - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `<` `<=` `>` `>=` `==` `!=`, and words about near misses. */
static PetscErrorCode read_operator(Parser *parser)
{
  static const char *const relations[] = {"<=", ">=", "==", "!=", "<", ">"};
  static const Relation values[] = {RELATION_LE, RELATION_GE, RELATION_EQ, RELATION_NE, RELATION_LT, RELATION_GT};
  Token *token = &parser->token;
  const char *at = parser->text + token->at;

  PetscFunctionBegin;
  for (int i = 0; i < 6; i++) {
    if (strncmp(at, relations[i], strlen(relations[i]))) continue;
    token->kind = TOKEN_RELATION;
    token->relation = values[i];
    token->length = strlen(relations[i]);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  ParserCheck(parser, *at != '=', token->at,
              "unexpected '=': write the residual as left side minus right side ('==' compares)");
  ParserCheck(parser, strncmp(at, "**", 2), token->at, "unexpected '**': powers are written x^2");
  ParserCheck(parser, isprint((unsigned char)*at), token->at, "unexpected byte 0x%02x (formulas are plain ASCII text)",
              (unsigned char)*at);
  ParserCheck(parser, strchr("+-*/^()[]{},", *at), token->at, "unexpected '%c'", *at);
  token->kind = TOKEN_PUNCTUATION;
  token->punctuation = *at;
  token->length = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserSeek(Parser *parser, size_t at)
{
  PetscFunctionBegin;
  while (isspace((unsigned char)parser->text[at])) at++;
  parser->token = (Token){.kind = TOKEN_END, .at = at};
  const char c = parser->text[at];
  if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)parser->text[at + 1])))
    PetscCall(read_number(parser));
  else if (isalpha((unsigned char)c))
    PetscCall(read_name(parser));
  else if (c)
    PetscCall(read_operator(parser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParserAdvance(Parser *parser)
{
  PetscFunctionBegin;
  PetscCall(ParserSeek(parser, parser->token.at + parser->token.length));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ParserIs(const Parser *parser, char punctuation)
{
  return parser->token.kind == TOKEN_PUNCTUATION && parser->token.punctuation == punctuation;
}

const char *ParserTokenText(const Parser *parser, const Token *token, char text[48])
{
  if (token->kind == TOKEN_END) return "the end";
  snprintf(text, 48, "'%.*s'", (int)PetscMin(token->length, 40), parser->text + token->at);
  return text;
}

PetscErrorCode ParserExpect(Parser *parser, char punctuation, const char *why)
{
  char text[48];

  PetscFunctionBegin;
  ParserCheck(parser, ParserIs(parser, punctuation), parser->token.at, "expected '%c' %s, not %s", punctuation, why,
              ParserTokenText(parser, &parser->token, text));
  PetscCall(ParserAdvance(parser));
  PetscFunctionReturn(PETSC_SUCCESS);
}
