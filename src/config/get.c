/* Settings by their paths. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

/* The setting, or NULL. key [out]: its row in the table, or NULL where the table has no such path. */
static Item find(Config config, const char *path, const ConfigKey **key)
{
  char name[MAX_NAME + 1], pattern[MAX_PATTERN] = "";
  Item item = config->root;
  int index;
  *key = NULL;
  do {
    if (!PathStep(&path, name, &index)) return NULL;
    if (index >= 0) {
      if (!*key || (*key)->type != CONFIG_LIST) return NULL;
      snprintf(pattern, sizeof(pattern), "%s[]", (*key)->path);
      PatternFold(pattern);
      item = item ? ItemElement(item, index) : NULL;
    } else {
      *key = KeyChild(pattern, name);
      if (!*key) return NULL;
      snprintf(pattern, sizeof(pattern), "%s", (*key)->path);
      item = item ? ItemFind(item, name) : NULL;
    }
  } while (*path);
  return item;
}

Item ConfigFind(Config config, const char *path)
{
  const ConfigKey *key;
  return find(config, path, &key);
}

/* The setting of one of two types. Arrays and texts may be absent (*item = NULL), others must be there. */
static PetscErrorCode find_typed(Config config, const char *path, ConfigType type, ConfigType other, Item *item)
{
  const ConfigKey *key;
  PetscFunctionBegin;
  *item = find(config, path, &key);
  PetscCheck(key, PETSC_COMM_SELF, PETSC_ERR_PLIB, "the table of keys has no '%s'", path);
  PetscCheck(key->type == type || key->type == other, PETSC_COMM_SELF, PETSC_ERR_PLIB, "'%s' is %s", path,
             ConfigTypeName(key->type));
  const bool optional = type == CONFIG_STRING || type == CONFIG_INTS || type == CONFIG_REALS || type == CONFIG_STRINGS;
  PetscCheck(*item || optional, PETSC_COMM_SELF, PETSC_ERR_PLIB, "'%s' is absent", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ConfigHas(Config config, const char *path)
{
  return ConfigFind(config, path) != NULL;
}

PetscErrorCode ConfigGetInt(Config config, const char *path, PetscInt *value)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_INT, CONFIG_INT, &item));
  *value = item->ints[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetReal(Config config, const char *path, PetscReal *value)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_REAL, CONFIG_INT, &item));
  *value = item->reals ? item->reals[0] : (PetscReal)item->ints[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetBool(Config config, const char *path, bool *value)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_BOOL, CONFIG_BOOL, &item));
  *value = item->number != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetString(Config config, const char *path, const char **value)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_STRING, CONFIG_WORD, &item));
  *value = item ? item->strings[0] : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetInts(Config config, const char *path, int *n, const PetscInt **values)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_INTS, CONFIG_INT, &item));
  *n = item ? item->n_value : 0;
  *values = item ? item->ints : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetReals(Config config, const char *path, int *n, const PetscReal **values)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_REALS, CONFIG_REAL, &item));
  *n = item ? item->n_value : 0;
  *values = item ? item->reals : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetStrings(Config config, const char *path, int *n, const char *const **values)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_STRINGS, CONFIG_STRING, &item));
  *n = item ? item->n_value : 0;
  *values = item ? item->strings : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigGetData(Config config, const char *path, const char **text, int *n, const PetscReal **values)
{
  Item item;
  PetscFunctionBegin;
  PetscCall(find_typed(config, path, CONFIG_DATA, CONFIG_DATA, &item));
  *text = item->strings ? item->strings[0] : NULL;
  *n = item->strings ? 0 : item->n_value;
  *values = item->reals;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int ConfigCount(Config config, const char *path)
{
  const ConfigKey *key;
  const Item item = find(config, path, &key);
  return item ? item->n : 0;
}

const char *ConfigMember(Config config, const char *path, int k)
{
  const ConfigKey *key;
  const Item group = find(config, path, &key), member = group ? ItemElement(group, k) : NULL;
  return member ? member->name : NULL;
}

const char *ConfigWhere(Config config, const char *path)
{
  const ConfigKey *key;
  const Item item = find(config, path, &key);
  if (item) return ItemWhere(config, item);
  const size_t size = strlen(config->file.name) + strlen(path) + sizeof(": ");
  char *where;
  if (ConfigAlloc(config, size, &where)) return path;
  snprintf(where, size, "%s: %s", config->file.name, path);
  return where;
}

char *ConfigCutPart(char **rest, char separator)
{
  char *part = *rest, *end = strchr(part, separator);
  *rest = end ? end + 1 : NULL;
  if (!end) end = part + strlen(part);
  while (isspace((unsigned char)*part)) part++;
  while (end > part && isspace((unsigned char)end[-1])) end--;
  *end = '\0';
  return part;
}

const char *ConfigPath(const char *format, ...)
{
  static char paths[8][256];
  static int next;
  char *path = paths[next++ % 8];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(path, sizeof(paths[0]), format, arguments);
  va_end(arguments);
  return path;
}
