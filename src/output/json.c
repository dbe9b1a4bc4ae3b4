/* JSON by hand: one object a line, always valid whatever the names and numbers are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report_impl.h"

/* Length of the well-formed UTF-8 sequence at s, 0 where there is none (RFC 3629). */
static int sequence_length(const unsigned char *s)
{
  static const struct {
    unsigned char first, last, low, high; /* lead byte; range of the second */
    int n;
  } forms[] = {{0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
               {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
               {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
  for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
    if (s[0] < forms[i].first || s[0] > forms[i].last) continue;
    if (forms[i].n > 1 && (s[1] < forms[i].low || s[1] > forms[i].high)) return 0;
    for (int k = 2; k < forms[i].n; k++)
      if ((s[k] & 0xC0) != 0x80) return 0;
    return forms[i].n;
  }
  return 0;
}

static void put_string(FILE *stream, const char *text)
{
  fputc('"', stream);
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    const int n = sequence_length(c);
    if (n == 0)
      fputs("\\ufffd", stream);
    else if (*c == '"' || *c == '\\')
      fprintf(stream, "\\%c", *c);
    else if (*c == '\n')
      fputs("\\n", stream);
    else if (*c < 0x20 || *c == 0x7F)
      fprintf(stream, "\\u%04x", *c);
    else
      fwrite(c, 1, (size_t)n, stream);
    c += n ? n : 1;
  }
  fputc('"', stream);
}

static void put_key(Json *json, const char *key)
{
  if (json->comma) fputs(", ", json->stream);
  json->comma = true;
  if (!key) return;
  put_string(json->stream, key);
  fputs(": ", json->stream);
}

PetscErrorCode JsonBegin(Json *json)
{
  PetscFunctionBegin;
  *json = (Json){0};
  json->stream = open_memstream(&json->text, &json->size);
  PetscCheck(json->stream != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a line of output");
  fputc('{', json->stream);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JsonEnd(Json *json, char **text)
{
  PetscFunctionBegin;
  fputc('}', json->stream);
  const bool failed = ferror(json->stream);
  PetscCheck(fclose(json->stream) == 0 && !failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a line of output");
  *text = json->text;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void JsonNumber(Json *json, const char *key, double value)
{
  put_key(json, key);
  if (isfinite(value))
    fprintf(json->stream, "%.17g", value);
  else
    fputs("null", json->stream);
}

void JsonInteger(Json *json, const char *key, long long value)
{
  put_key(json, key);
  fprintf(json->stream, "%lld", value);
}

void JsonText(Json *json, const char *key, const char *value)
{
  put_key(json, key);
  if (value)
    put_string(json->stream, value);
  else
    fputs("null", json->stream);
}

void JsonRaw(Json *json, const char *key, const char *value)
{
  put_key(json, key);
  fputs(value ? value : "null", json->stream);
}

void JsonOpen(Json *json, const char *key, char bracket)
{
  put_key(json, key);
  fputc(bracket, json->stream);
  json->comma = false;
}

void JsonClose(Json *json, char bracket)
{
  fputc(bracket, json->stream);
  json->comma = true;
}
