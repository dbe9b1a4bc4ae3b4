/* The tree of settings: libconfig's, copied so that defaults and overrides can stand in it with their own origin. */
#include <libconfig.h>
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

PetscErrorCode ItemCreate(Config config, const Source *source, ItemType type, Item *item)
{
  PetscFunctionBegin;
  PetscCall(ConfigAlloc(config, sizeof(**item), item));
  (*item)->source = source;
  (*item)->type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ItemAppend(Item parent, const char *name, Item child)
{
  child->name = name;
  child->parent = parent;
  child->index = parent->n++;
  if (parent->last)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
}

void ItemAssign(Item item, Item from)
{
  const struct Item_s old = *item;
  *item = *from;
  item->name = old.name;
  item->parent = old.parent;
  item->next = old.next;
  item->index = old.index;
  for (Item child = item->first; child; child = child->next) child->parent = item;
}

Item ItemFind(Item group, const char *name)
{
  Item item = group->first;
  while (item && !(item->name && !strcmp(item->name, name))) item = item->next;
  return item;
}

Item ItemElement(Item list, int k)
{
  Item item = k < 0 ? NULL : list->first;
  while (item && item->index != k) item = item->next;
  return item;
}

void ItemPattern(Item item, char pattern[MAX_PATTERN])
{
  const bool element = item->key && !item->name;
  snprintf(pattern, MAX_PATTERN, "%s%s", item->key ? item->key->path : "", element ? "[]" : "");
  PatternFold(pattern);
}

static PetscErrorCode copy_setting(Config config, const Source *source, config_setting_t *setting, Item item)
{
  PetscFunctionBegin;
  item->line = (int)config_setting_source_line(setting);
  switch (config_setting_type(setting)) {
  case CONFIG_TYPE_INT:
    item->number = config_setting_get_int(setting);
    break;
  case CONFIG_TYPE_FLOAT:
    item->number = config_setting_get_float(setting);
    break;
  case CONFIG_TYPE_BOOL:
    item->type = ITEM_BOOL;
    item->number = config_setting_get_bool(setting);
    break;
  case CONFIG_TYPE_STRING:
    item->type = ITEM_STRING;
    item->text = config_setting_get_string(setting);
    PetscCall(ConfigCopyText(config, item->text, strlen(item->text), &item->text));
    break;
  default:
    item->type = config_setting_is_group(setting) ? ITEM_GROUP : ITEM_LIST;
    for (int i = 0; i < config_setting_length(setting); i++) {
      config_setting_t *element = config_setting_get_elem(setting, (unsigned int)i);
      const char *name = config_setting_name(element);
      Item child;
      PetscCall(ItemCreate(config, source, ITEM_NUMBER, &child));
      if (name) PetscCall(ConfigCopyText(config, name, strlen(name), &name));
      ItemAppend(item, name, child);
      PetscCall(copy_setting(config, source, element, child));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode syntax_error(const Source *source, const char *text, int line, const char *what)
{
  PetscFunctionBegin;
  for (int i = 1; i < line && strchr(text, '\n'); i++) text = strchr(text, '\n') + 1;
  text += strspn(text, " \t\r\n");
  const int length = (int)strcspn(text, "\r\n");
  PinnUserCheck(!length, "%s: %s in or before '%.*s'", SourcePlace(source, line), what, length < 60 ? length : 60,
                text);
  PinnUserError("%s: %s before the end", SourcePlace(source, line), what);
}

PetscErrorCode ItemParse(Config config, const Source *source, const char *text, Item root)
{
  config_t tree;
  char *scanned;
  PetscFunctionBegin;
  PetscCall(ConfigScan(config, source, text, &scanned));
  config_init(&tree);
  PetscErrorCode code = config_read_string(&tree, scanned)
                            ? copy_setting(config, source, config_root_setting(&tree), root)
                            : syntax_error(source, text, config_error_line(&tree), config_error_text(&tree));
  config_destroy(&tree);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ItemCreateDefault(Config config, const ConfigKey *key, Item *item)
{
  PetscFunctionBegin;
  PetscCall(ItemCreate(config, &config->fallback, key->type == CONFIG_LIST ? ITEM_LIST : ITEM_GROUP, item));
  if (key->fallback && key->fallback[0]) {
    char text[512];
    snprintf(text, sizeof(text), "value = %s;", key->fallback);
    Item root;
    PetscCall(ItemCreate(config, &config->fallback, ITEM_GROUP, &root));
    PetscCall(ItemParse(config, &config->fallback, text, root));
    *item = root->first;
    (*item)->parent = NULL;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *SourcePlace(const Source *source, int line)
{
  static char places[4][PETSC_MAX_PATH_LEN];
  static int next;
  char *place = places[next++ % 4];
  if (source->kind == FROM_FILE)
    snprintf(place, PETSC_MAX_PATH_LEN, "%s:%d", source->name, line);
  else
    snprintf(place, PETSC_MAX_PATH_LEN, "%s%s", source->kind == FROM_OVERRIDE ? "--set " : "", source->name);
  return place;
}

static size_t print_path(Item item, char *text, size_t size)
{
  if (!item->parent) return 0;
  size_t used = print_path(item->parent, text, size);
  if (used >= size) return used;
  if (!item->name) return used + (size_t)snprintf(text + used, size - used, "[%d]", item->index);
  return used + (size_t)snprintf(text + used, size - used, "%s%s", used ? "." : "", item->name);
}

const char *ItemWhere(Config config, Item item)
{
  char path[PETSC_MAX_PATH_LEN] = "", where[2 * PETSC_MAX_PATH_LEN + 2];
  if (item->where) return item->where;
  print_path(item, path, sizeof(path));
  if (!path[0])
    snprintf(where, sizeof(where), "%s", config->file.name);
  else if (item->source->kind == FROM_OVERRIDE)
    snprintf(where, sizeof(where), "--set %s", path);
  else
    snprintf(where, sizeof(where), "%s: %s", SourcePlace(item->source, item->line), path);
  return ConfigCopyText(config, where, strlen(where), &item->where) ? "" : item->where;
}
