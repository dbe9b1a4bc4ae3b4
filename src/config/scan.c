/* libconfig 1.5 turns 4000000000 into -294967296, refuses [1, 2.0], reads `.` as 0 and says only "syntax error".
   This pass over the tokens rewrites what can be meant only one way and puts the rest into words. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "config_impl.h"

#define DIGITS "0123456789"

typedef struct {
  const Source *source;
  const char *p; /* next character */
  char *out;
  int line, depth, n_name, n_value;
  char before; /* first character of the token before */
  struct {
    char close;
    int line;
  } open[MAX_DEPTH];
} Scanner;

static const char *place(const Scanner *s)
{
  return SourcePlace(s->source, s->line);
}

/* How many characters of a bad number a sentence shows. */
static int shown(const char *text)
{
  const size_t length = strcspn(text, " \t\r\n,;)]}");
  return length < 40 ? (int)length : 40;
}

static bool in_word(char c)
{
  return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Line ends of comments are kept, so that libconfig counts the same lines. */
static PetscErrorCode skip_comment(Scanner *s)
{
  PetscFunctionBegin;
  *s->out++ = ' ';
  if (s->p[0] != '/' || s->p[1] != '*') {
    s->p += strcspn(s->p, "\n");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const char *end = strstr(s->p + 2, "*/");
  PinnUserCheck(end, "%s: the comment that begins here is never closed", place(s));
  for (; s->p < end + 2; s->p++) {
    if (*s->p != '\n') continue;
    *s->out++ = '\n';
    s->line++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_string(Scanner *s)
{
  PetscFunctionBegin;
  do {
    const unsigned char c = (unsigned char)*s->p;
    PinnUserCheck(c != 0 && c != '\n', "%s: a quote is not closed on its line (long text goes on as \"...\" \"...\")",
                  place(s));
    PinnUserCheck(c >= ' ' || c == '\t' || c == '\r', "%s: byte 0x%02x is no text", place(s), c);
    if (c == '\\' && s->p[1] && s->p[1] != '\n') *s->out++ = *s->p++;
    *s->out++ = *s->p++;
  } while (*s->p != '"');
  *s->out++ = *s->p++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_hexadecimal(Scanner *s)
{
  char *end;
  PetscFunctionBegin;
  const unsigned long long value = strtoull(s->p, &end, 16);
  if (*end == 'L') end++;
  PinnUserCheck(end > s->p + 2 && value <= INT_MAX && !in_word(*end), "%s: '%.*s' is no number below 2^31", place(s),
                shown(s->p), s->p);
  s->out += sprintf(s->out, "%llu", value);
  s->p = end;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_number(Scanner *s)
{
  const char *const begin = s->p;
  const char *digits = begin + (*begin == '-' || *begin == '+');
  PetscFunctionBegin;
  if (digits == begin && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    PetscCall(scan_hexadecimal(s));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const size_t whole = strspn(digits, DIGITS), point = digits[whole] == '.';
  const size_t part = point ? strspn(digits + whole + 1, DIGITS) : 0;
  const char *end = digits + whole + point + part;
  PinnUserCheck(whole + part > 0, "%s: '%c' is out of place (formulas stand in quotes: \"2*pi\")", place(s), *begin);
  const bool power = *end == 'e' || *end == 'E';
  if (power) end += 1 + (end[1] == '-' || end[1] == '+');
  const size_t exponent = power ? strspn(end, DIGITS) : 0;
  end += exponent;
  memcpy(s->out, begin, (size_t)(end - begin));
  s->out += end - begin;
  if (!point && !power) {
    const long value = strtol(begin, NULL, 10);
    if (value < INT_MIN || value > INT_MAX) s->out += sprintf(s->out, ".0");
    end += strspn(end, "L");
  }
  PinnUserCheck((exponent > 0 || !power) && !in_word(*end) && *end != '.', "%s: '%.*s' is no number", place(s),
                shown(begin), begin);
  s->p = end;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_word(Scanner *s)
{
  int n = 0;
  PetscFunctionBegin;
  while (in_word(s->p[n])) n++;
  PinnUserCheck(n <= MAX_NAME, "%s: the name '%.20s...' is longer than %d characters", place(s), s->p, MAX_NAME);
  const bool value = strchr("=:([", s->before) || (s->before == ',' && s->depth && s->open[s->depth - 1].close != '}');
  const bool truth = (n == 4 && !strncasecmp(s->p, "true", 4)) || (n == 5 && !strncasecmp(s->p, "false", 5));
  PinnUserCheck(!value || truth, "%s: text stands in quotes: \"%.*s\"", place(s), n, s->p);
  memcpy(s->out, s->p, (size_t)n);
  s->out += n;
  s->p += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_bracket(Scanner *s)
{
  const char c = *s->p++;
  const char *pair = strchr("()[]{}", c);
  PetscFunctionBegin;
  if (strchr("([{", c)) {
    PinnUserCheck(s->depth < MAX_DEPTH, "%s: syntax error: brackets are nested deeper than %d", place(s), MAX_DEPTH);
    s->open[s->depth].close = pair[1];
    s->open[s->depth++].line = s->line;
  } else {
    PinnUserCheck(s->depth > 0, "%s: syntax error: '%c' closes nothing", place(s), c);
    s->depth--;
    PinnUserCheck(s->open[s->depth].close == c, "%s: syntax error: '%c' where '%c' must close what line %d opens",
                  place(s), c, s->open[s->depth].close, s->open[s->depth].line);
  }
  *s->out++ = c == '[' ? '(' : c == ']' ? ')' : c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_sign(Scanner *s)
{
  const unsigned char c = (unsigned char)*s->p;
  PetscFunctionBegin;
  PinnUserCheck(c != '@', "%s: @include is not supported: a case is one file", place(s));
  PinnUserCheck(c > ' ' && c < 0x7f, "%s: byte 0x%02x is out of place: is this a case file?", place(s), c);
  PinnUserCheck(strchr("=:;,", c), "%s: '%c' is out of place (formulas stand in quotes: \"2*pi\")", place(s), c);
  s->n_name += c == '=' || c == ':';
  s->n_value += c == ',';
  PinnUserCheck(s->n_name <= MAX_NAMES, "%s: more than %d settings", place(s), MAX_NAMES);
  PinnUserCheck(s->n_value <= MAX_VALUES, "%s: more than %d values: tables belong into an HDF5 file", place(s),
                MAX_VALUES);
  *s->out++ = *s->p++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_token(Scanner *s)
{
  const char c = *s->p;
  PetscFunctionBegin;
  if (c == '"')
    PetscCall(scan_string(s));
  else if (isdigit((unsigned char)c) || (c && strchr("+-.", c)))
    PetscCall(scan_number(s));
  else if (isalpha((unsigned char)c))
    PetscCall(scan_word(s));
  else if (strchr("()[]{}", c))
    PetscCall(scan_bracket(s));
  else
    PetscCall(scan_sign(s));
  s->before = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigScan(Config config, const Source *source, const char *text, char **scanned)
{
  Scanner s = {.source = source, .p = text, .line = 1, .before = ';'};
  PetscFunctionBegin;
  PetscCall(ConfigAlloc(config, 2 * strlen(text) + 1, scanned)); /* a number grows by two characters at most */
  s.out = *scanned;
  if (!strncmp(text, "\xef\xbb\xbf", 3)) s.p += 3; /* the byte order mark of some editors */
  while (*s.p) {
    if (isspace((unsigned char)*s.p)) {
      if (*s.p == '\n') s.line++;
      *s.out++ = *s.p++;
    } else if (*s.p == '#' || (s.p[0] == '/' && (s.p[1] == '/' || s.p[1] == '*'))) {
      PetscCall(skip_comment(&s));
    } else {
      PetscCall(scan_token(&s));
    }
  }
  PinnUserCheck(!s.depth, "%s: syntax error: the end is reached where '%c' must close what line %d opens", place(&s),
                s.open[s.depth - 1].close, s.open[s.depth - 1].line);
  PetscFunctionReturn(PETSC_SUCCESS);
}
