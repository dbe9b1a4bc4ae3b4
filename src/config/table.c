/* Questions to the table of keys. */
#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config_impl.h"

const char *KeyName(const char *pattern, const ConfigKey *key)
{
  const size_t n = strlen(pattern);
  const char *name = key->path;
  if (n) {
    if (strncmp(name, pattern, n) || name[n] != '.') return NULL;
    name += n + 1;
  }
  return strpbrk(name, ".[") ? NULL : name;
}

bool WordAmong(const char *words, const char *word)
{
  const size_t n = strlen(word);
  for (const char *at = words ? strstr(words, word) : NULL; n && at; at = strstr(at + 1, word))
    if ((at == words || at[-1] == ' ') && (!at[n] || at[n] == ' ')) return true;
  return false;
}

const ConfigKey *KeyChild(const char *pattern, const char *name)
{
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    const char *known = KeyName(pattern, key);
    if (known && (!strcmp(known, name) || !strcmp(known, "*"))) return key;
  }
  return NULL;
}

PetscErrorCode KeyUnknown(const char *place, const char *pattern, const char *name)
{
  Choice rows[64];
  char suggestion[1024];
  int n = 0;
  PetscFunctionBegin;
  for (const ConfigKey *key = ConfigKeys; key->path && n < 63; key++)
    if (KeyName(pattern, key) && (!n || strcmp(rows[n - 1].name, KeyName(pattern, key))))
      rows[n++] = (Choice){KeyName(pattern, key), NULL, NULL};
  rows[n] = (Choice){NULL, NULL, NULL};
  PinnUserCheck(n > 0, "%s: '%s' is no group: give its whole value", place, pattern);
  ChoiceSuggest(&(ChoiceTable){"key", NULL, rows}, name, suggestion, sizeof(suggestion));
  PinnUserError("%s: unknown key '%s'%s%s%s", place, name, *pattern ? " in " : "", pattern, suggestion);
}

void PatternFold(char *pattern)
{
  char *const last = strrchr(pattern, '.');
  if (!last) return;
  const size_t n = strlen(last);
  if (last[n - 1] != ']' || (size_t)(last - pattern) < n || strncmp(last - n, last, n)) return;
  *last = 0;
}

bool PathStep(const char **path, char name[MAX_NAME + 1], int *index)
{
  const char *p = *path;
  char *end;
  name[0] = 0;
  *index = -1;
  if (*p == '[') {
    if (!isdigit((unsigned char)p[1])) return false;
    const long k = strtol(p + 1, &end, 10);
    if (*end != ']' || k > INT_MAX) return false;
    *index = (int)k;
    p = end + 1;
  } else {
    size_t n = strcspn(p, ".[");
    if (!n || n > MAX_NAME) return false;
    memcpy(name, p, n);
    name[n] = 0;
    p += n;
  }
  if (*p == '.' && p[1] != 0 && p[1] != '[')
    p++;
  else if (*p && *p != '[')
    return false;
  *path = p;
  return true;
}

const char *ConfigTypeName(ConfigType type)
{
  switch (type) {
  case CONFIG_GROUP:
    return "group";
  case CONFIG_LIST:
    return "list of groups";
  case CONFIG_INT:
    return "whole number";
  case CONFIG_REAL:
    return "number";
  case CONFIG_BOOL:
    return "true or false";
  case CONFIG_STRING:
    return "text";
  case CONFIG_WORD:
    return "word";
  case CONFIG_INTS:
    return "whole number or array of them";
  case CONFIG_REALS:
    return "number or array of them";
  case CONFIG_STRINGS:
    return "text or array of them";
  case CONFIG_DATA:
    return "text, number or array of numbers";
  }
  return "";
}

void ConfigKeyRange(const ConfigKey *key, char *text, size_t size)
{
  const bool top = key->max < INFINITY;
  text[0] = 0;
  if (key->type == CONFIG_WORD) return;
  if (top && key->min > -INFINITY)
    snprintf(text, size, "from %.10g to %.10g", key->min, key->max);
  else if (top)
    snprintf(text, size, "at most %.9g", key->max);
  else if (key->min == DBL_MIN)
    snprintf(text, size, "positive");
  else if (key->min == 0)
    snprintf(text, size, "not negative");
  else if (key->min > -INFINITY)
    snprintf(text, size, "at least %.9g", key->min);
}
