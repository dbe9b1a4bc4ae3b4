/* The resolved case: every setting in the order of the table, numbers with the digits that keep every bit. */
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

static void write_string(FILE *stream, const char *text)
{
  fputc('"', stream);
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\')
      fprintf(stream, "\\%c", *c);
    else if ((unsigned char)*c < ' ')
      fprintf(stream, "\\x%02x", (unsigned char)*c);
    else
      fputc(*c, stream);
  }
  fputc('"', stream);
}

static void write_element(FILE *stream, Item item, int k)
{
  char text[32];
  switch (item->key->type) {
  case CONFIG_INT:
  case CONFIG_INTS:
    fprintf(stream, "%" PetscInt_FMT, item->ints[k]);
    break;
  case CONFIG_REAL:
  case CONFIG_REALS:
    snprintf(text, sizeof(text), "%.17g", item->reals[k]);
    fprintf(stream, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
    break;
  case CONFIG_BOOL:
    fputs(item->number ? "true" : "false", stream);
    break;
  case CONFIG_DATA:
    if (item->strings)
      write_string(stream, item->strings[k]);
    else
      fprintf(stream, "%.17g", item->reals[k]);
    break;
  default:
    write_string(stream, item->strings[k]);
  }
}

void ConfigWriteValue(FILE *stream, Item item)
{
  if (item->n_value > 1) fputs("[ ", stream);
  for (int k = 0; k < item->n_value; k++) {
    if (k) fputs(", ", stream);
    write_element(stream, item, k);
  }
  if (item->n_value > 1) fputs(" ]", stream);
}

static void write_item(FILE *stream, Item item, int depth);

static void write_members(FILE *stream, Item group, int depth)
{
  char pattern[MAX_PATTERN];
  ItemPattern(group, pattern);
  const bool free_names = KeyChild(pattern, "*") != NULL;
  for (Item item = free_names ? group->first : NULL; item; item = item->next) write_item(stream, item, depth);
  for (const ConfigKey *key = ConfigKeys; key->path && !free_names; key++) {
    const char *name = KeyName(pattern, key);
    const Item item = name ? ItemFind(group, name) : NULL;
    if (item && item->key == key) write_item(stream, item, depth);
  }
}

static void write_item(FILE *stream, Item item, int depth)
{
  const int indent = 2 * depth;
  if (item->key->type == CONFIG_GROUP) {
    fprintf(stream, "%*s%s: {\n", indent, "", item->name);
    write_members(stream, item, depth + 1);
    fprintf(stream, "%*s};\n", indent, "");
    return;
  }
  fprintf(stream, "%*s%s = ", indent, "", item->name);
  if (item->key->type == CONFIG_LIST) {
    fputs("(", stream);
    for (Item element = item->first; element; element = element->next) {
      fprintf(stream, "%s\n%*s{\n", element->index ? "," : "", indent + 2, "");
      write_members(stream, element, depth + 2);
      fprintf(stream, "%*s}", indent + 2, "");
    }
    fputs(");\n", stream);
    return;
  }
  ConfigWriteValue(stream, item);
  fputs(";\n", stream);
}

PetscErrorCode ConfigWrite(Config config, FILE *stream)
{
  PetscFunctionBegin;
  fputs("# Every setting of the run, defaults included.\n", stream);
  write_members(stream, config->root, 0);
  PinnSystemCheck(!fflush(stream) && !ferror(stream), "cannot write the resolved case");
  PetscFunctionReturn(PETSC_SUCCESS);
}
