/* The tree against the table: every setting gets its row, every row its setting or its default. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

static const char *place(Item item)
{
  return SourcePlace(item->source, item->line);
}

static bool is_identifier(const char *name)
{
  if (!isalpha((unsigned char)*name)) return false;
  while (isalnum((unsigned char)*name) || *name == '_') name++;
  return !*name;
}

/* What decides which keys a group has: its type, and the base where it builds on another type. */
typedef struct {
  const char *type, *base;
} Kind;

static const char *word(Item group, const char *name)
{
  const Item item = ItemFind(group, name);
  return item && item->type == ITEM_STRING ? item->text : "";
}

static bool belongs(const ConfigKey *key, Kind kind)
{
  return !key->only || WordAmong(key->only, kind.type) || WordAmong(key->only, kind.base);
}

static PetscErrorCode misplaced_key(Item item, Kind kind)
{
  char pattern[MAX_PATTERN], known[1024] = "";
  size_t used = 0;
  PetscFunctionBegin;
  ItemPattern(item->parent, pattern);
  for (const ConfigKey *key = ConfigKeys; key->path; key++)
    if (KeyName(pattern, key) && belongs(key, kind) && used < sizeof(known))
      used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", KeyName(pattern, key));
  PinnUserError("%s: '%s' does not belong to %.*s type '%s' (known: %s)", place(item), item->name,
                (int)strcspn(pattern, "["), pattern, kind.type, known);
}

/* Does a row of the table have the key for this type? A key with several defaults has a row for each. */
static bool belongs_somewhere(const char *path, Kind kind)
{
  for (const ConfigKey *key = ConfigKeys; key->path; key++)
    if (!strcmp(key->path, path) && belongs(key, kind)) return true;
  return false;
}

/* The setting of a row in its group: found, made from the default, or absent. */
static PetscErrorCode settle_key(Config config, Item group, const ConfigKey *key, const char *name)
{
  const Kind kind = {word(group, "type"), word(group, "base")};
  Item item = ItemFind(group, name);
  PetscFunctionBegin;
  if (!belongs(key, kind)) {
    if (item && !belongs_somewhere(key->path, kind)) PetscCall(misplaced_key(item, kind));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!item && !key->fallback && group == config->root)
    PinnUserError("%s: the required %s '%s' is missing", config->file.name, ConfigTypeName(key->type), name);
  PinnUserCheck(item || key->fallback, "%s: the required key '%s' is missing", ItemWhere(config, group), name);
  if (!item && *key->fallback) {
    PetscCall(ItemCreateDefault(config, key, &item));
    ItemAppend(group, name, item);
  }
  if (item) item->key = key;
  if (item && key->type == CONFIG_WORD) PetscCall(ConfigCheckWord(config, item));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigCheck(Config config, Item group)
{
  char pattern[MAX_PATTERN];
  PetscFunctionBegin;
  PinnUserCheck(group->type == ITEM_GROUP, "%s: a group { ... } is wanted", ItemWhere(config, group));
  ItemPattern(group, pattern);
  for (Item item = group->first; item; item = item->next) {
    item->key = KeyChild(pattern, item->name);
    if (!item->key) PetscCall(KeyUnknown(place(item), pattern, item->name));
    PinnUserCheck(is_identifier(item->name), "%s: '%s' is no name: letters, digits and _ make one", place(item),
                  item->name);
  }
  for (const ConfigKey *key = ConfigKeys; key->path; key++) {
    const char *name = KeyName(pattern, key);
    if (name && strcmp(name, "*")) PetscCall(settle_key(config, group, key, name));
  }
  for (Item item = group->first; item; item = item->next) {
    if (item->key->type == CONFIG_GROUP) PetscCall(ConfigCheck(config, item));
    if (item->key->type != CONFIG_LIST) continue;
    PinnUserCheck(item->type == ITEM_LIST, "%s: a list of groups ( { ... }, { ... } ) is wanted",
                  ItemWhere(config, item));
    PinnUserCheck(item->n > 0 || (item->key->fallback && !*item->key->fallback), "%s: the list is empty",
                  ItemWhere(config, item));
    for (Item element = item->first; element; element = element->next) {
      element->key = item->key;
      PetscCall(ConfigCheck(config, element));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
