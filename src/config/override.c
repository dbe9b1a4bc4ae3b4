/* --set PATH=VALUE. A value that begins with a bracket or a quote is read by libconfig, a number or a truth value by
   itself; everything else is text, so that a shell needs no second pair of quotes. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "config_impl.h"

static PetscErrorCode parse_value(Config config, const Source *source, const char *text, Item *value)
{
  char *end;
  PetscFunctionBegin;
  PetscCall(ItemCreate(config, source, ITEM_GROUP, value));
  if (*text && strchr("[({\"", *text)) {
    char *assignment;
    PetscCall(ConfigAlloc(config, strlen(text) + sizeof("value = ;"), &assignment));
    sprintf(assignment, "value = %s;", text);
    PetscCall(ItemParse(config, source, assignment, *value));
    PinnUserCheck((*value)->n == 1, "--set %s: one value is wanted, not '%.60s'", source->name, text);
    *value = (*value)->first;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const bool truth = !strcasecmp(text, "true");
  (*value)->text = text;
  (*value)->number = truth;
  (*value)->type = truth || !strcasecmp(text, "false") ? ITEM_BOOL : ITEM_STRING;
  if (!strchr("+-.0123456789", *text) || !*text) PetscFunctionReturn(PETSC_SUCCESS);
  const double number = strtod(text, &end);
  if (*end || end == text) PetscFunctionReturn(PETSC_SUCCESS);
  (*value)->type = ITEM_NUMBER;
  (*value)->number = number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step down from *item; creates what is absent. */
static PetscErrorCode descend(Config config, const Source *source, const char *name, int index, Item *item)
{
  char pattern[MAX_PATTERN];
  PetscFunctionBegin;
  ItemPattern(*item, pattern);
  if (index >= 0) {
    const Item list = *item;
    PinnUserCheck(list->key && list->key->type == CONFIG_LIST && list->type == ITEM_LIST,
                  "--set %s: '%s' is no list of groups, whose elements can be set one by one", source->name, pattern);
    *item = ItemElement(list, index);
    PinnUserCheck(*item, "--set %s: there is no element [%d]: the list has %d", source->name, index, list->n);
    (*item)->key = list->key;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const ConfigKey *key = KeyChild(pattern, name);
  if (!key) PetscCall(KeyUnknown(SourcePlace(source, 0), pattern, name));
  Item child = ItemFind(*item, name);
  if (!child) {
    PetscCall(ItemCreateDefault(config, key, &child));
    PetscCall(ConfigCopyText(config, name, strlen(name), &name));
    ItemAppend(*item, name, child);
  }
  child->key = key;
  *item = child;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigOverride(Config config, const char *text)
{
  const char *const equals = strchr(text, '='), *value, *path;
  char name[MAX_NAME + 1];
  Source *source;
  Item item = config->root, given;
  int index;
  PetscFunctionBegin;
  PinnUserCheck(equals && equals - text <= MAX_PATH,
                "--set %.60s: PATH=VALUE is wanted, as in --set network.hidden=[64,64]", text);
  size_t length = (size_t)(equals - text);
  while (length > 0 && isspace((unsigned char)text[length - 1])) length--;
  PetscCall(ConfigCopyText(config, text, length, &path));
  PetscCall(ConfigAlloc(config, sizeof(*source), &source));
  *source = (Source){FROM_OVERRIDE, path};
  value = equals + 1 + strspn(equals + 1, " \t");
  PetscCall(ConfigCopyText(config, value, strlen(value), &value));
  PetscCall(parse_value(config, source, value, &given));
  do {
    PinnUserCheck(PathStep(&path, name, &index), "--set %s: a path is written like solver[0].iterations", source->name);
    PetscCall(descend(config, source, name, index, &item));
  } while (*path);
  given->key = item->key;
  ItemAssign(item, given);
  PetscFunctionReturn(PETSC_SUCCESS);
}
