#include <stdio.h>
#include <string.h>
#include "pinn/choice.h"
#include "pinn/error.h"

const Choice *ChoiceFind(const ChoiceTable *table, const char *name)
{
  for (const Choice *row = table->rows; row->name; row++)
    if (!strcmp(row->name, name)) return row;
  return NULL;
}

void ChoiceSuggest(const ChoiceTable *table, const char *name, char *text, size_t size)
{
  const char *words[256] = {NULL};
  size_t n = 0, used = 0;
  for (const Choice *row = table->rows; row->name && n < 256; row++) words[n++] = row->name;
  const char *near = ErrorNearestWord(name, n, words);
  used = (size_t)snprintf(text, size, near ? " (did you mean '%s'? known: " : "%s(known: ", near ? near : " ");
  for (size_t i = 0; i < n && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", words[i], i + 1 < n ? ", " : ")");
}
