/* A validator of JSON (RFC 8259), and a look-up of members in text that is valid. */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline const char *json_skip(const char *s)
{
  return s + strspn(s, " \t\r\n");
}

static inline const char *json_string(const char *s)
{
  if (*s++ != '"') return NULL;
  for (; *s != '"'; s++) {
    if ((unsigned char)*s < 0x20) return NULL;
    if (*s != '\\') continue;
    s++;
    if (*s == 'u') {
      if (strspn(s + 1, "0123456789abcdefABCDEF") < 4) return NULL;
      s += 4;
    } else if (!*s || !strchr("\"\\/bfnrt", *s))
      return NULL;
  }
  return s + 1;
}

static inline const char *json_number(const char *s)
{
  const char *digits = "0123456789";
  size_t n;
  if (*s == '-') s++;
  n = strspn(s, digits);
  if (n == 0 || (n > 1 && *s == '0')) return NULL;
  s += n;
  if (*s == '.') {
    if ((n = strspn(++s, digits)) == 0) return NULL;
    s += n;
  }
  if (*s == 'e' || *s == 'E') {
    s++;
    if (*s == '+' || *s == '-') s++;
    if ((n = strspn(s, digits)) == 0) return NULL;
    s += n;
  }
  return s;
}

/* The end of the value that begins at s, or NULL where there is none. */
static inline const char *json_value(const char *s)
{
  if (*s == '"') return json_string(s);
  if (strncmp(s, "null", 4) == 0 || strncmp(s, "true", 4) == 0) return s + 4;
  if (strncmp(s, "false", 5) == 0) return s + 5;
  if (*s != '{' && *s != '[') return json_number(s);
  const bool object = *s == '{';
  const char end = object ? '}' : ']';
  s = json_skip(s + 1);
  if (*s == end) return s + 1;
  for (;; s = json_skip(s + 1)) {
    if (object) {
      if (!(s = json_string(s))) return NULL;
      s = json_skip(s);
      if (*s != ':') return NULL;
      s = json_skip(s + 1);
    }
    if (!(s = json_value(s))) return NULL;
    s = json_skip(s);
    if (*s == end) return s + 1;
    if (*s != ',') return NULL;
  }
}

/* Is text one value, and nothing after it? */
static inline bool json_valid(const char *text)
{
  const char *end = json_value(json_skip(text));
  return end && *json_skip(end) == '\0';
}

/* The value of a member of the object that begins at s, or NULL. */
static inline const char *json_member(const char *s, const char *key)
{
  if (!s || *(s = json_skip(s)) != '{') return NULL;
  for (s = json_skip(s + 1); *s == '"'; s = json_skip(s + 1)) {
    const char *name = s + 1;
    s = json_string(s);
    const bool found = (size_t)(s - name - 1) == strlen(key) && strncmp(name, key, strlen(key)) == 0;
    s = json_skip(json_skip(s) + 1);
    if (found) return s;
    s = json_skip(json_value(s));
    if (*s != ',') return NULL;
  }
  return NULL;
}

/* The number of a member, NaN where it is null or absent. */
static inline double json_real(const char *object, const char *key)
{
  const char *value = json_member(object, key);
  return value && strncmp(value, "null", 4) != 0 ? strtod(value, NULL) : NAN;
}
