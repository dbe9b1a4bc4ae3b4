/* Values of settings: numbers, constant formulas, words, ranges. */
#include <math.h>
#include <string.h>
#include "config_impl.h"

/* What was written, for sentences. */
static const char *describe(Item item, char text[64])
{
  switch (item->type) {
  case ITEM_GROUP:
    return "a group";
  case ITEM_LIST:
    return "an array";
  case ITEM_BOOL:
    return item->number ? "true" : "false";
  case ITEM_NUMBER:
    snprintf(text, 64, "%.17g", item->number);
    break;
  case ITEM_STRING:
    snprintf(text, 64, "\"%.40s\"", item->text);
    break;
  }
  return text;
}

static PetscErrorCode wrong_type(Config config, Item item, const ConfigKey *key)
{
  char text[64];
  PetscFunctionBegin;
  PinnUserError("%s: a value that is %s is wanted, not %s", ItemWhere(config, item), ConfigTypeName(key->type),
                describe(item, text));
}

static PetscErrorCode read_number(Config config, Item item, const ConfigKey *key, double *value)
{
  const bool whole = key->type == CONFIG_INT || key->type == CONFIG_INTS;
  char range[64];
  PetscFunctionBegin;
  if (item->type != ITEM_NUMBER && item->type != ITEM_STRING) PetscCall(wrong_type(config, item, key));
  *value = item->number;
  if (item->type == ITEM_STRING)
    PetscCall(FormulaParseConstant(config->formula, ItemWhere(config, item), item->text, value));
  PinnUserCheck(isfinite(*value), "%s: %.17lg is no finite number", ItemWhere(config, item), *value);
  PinnUserCheck(!whole || *value == floor(*value), "%s: a whole number is wanted, not %.17lg", ItemWhere(config, item),
                *value);
  ConfigKeyRange(key, range, sizeof(range));
  PinnUserCheck(*value >= key->min && *value <= key->max, "%s: %.17lg is out of range: it must be %s",
                ItemWhere(config, item), *value, range);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigCheckWord(Config config, Item item)
{
  char suggestion[1024];
  PetscFunctionBegin;
  if (item->type != ITEM_STRING) PetscCall(wrong_type(config, item, item->key));
  if (ChoiceFind(item->key->choices, item->text)) PetscFunctionReturn(PETSC_SUCCESS);
  ChoiceSuggest(item->key->choices, item->text, suggestion, sizeof(suggestion));
  PinnUserError("%s: unknown %s '%.60s'%s", ItemWhere(config, item), item->key->choices->kind, item->text, suggestion);
}

/* A scalar, or one element of an array. */
static PetscErrorCode read_element(Config config, Item setting, Item item, int k)
{
  const ConfigKey *key = setting->key;
  double value;
  PetscFunctionBegin;
  switch (key->type) {
  case CONFIG_INT:
  case CONFIG_INTS:
    PetscCall(read_number(config, item, key, &value));
    setting->ints[k] = (PetscInt)value;
    break;
  case CONFIG_REAL:
  case CONFIG_REALS:
    PetscCall(read_number(config, item, key, &value));
    setting->reals[k] = value;
    break;
  case CONFIG_BOOL:
    if (item->type != ITEM_BOOL) PetscCall(wrong_type(config, item, key));
    break;
  case CONFIG_DATA:
    if (setting->reals)
      PetscCall(read_number(config, item, key, &setting->reals[k]));
    else
      setting->strings[k] = item->text;
    break;
  default:
    if (!item->text) PetscCall(wrong_type(config, item, key));
    setting->strings[k] = item->text;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_setting(Config config, Item item)
{
  const ConfigType type = item->key->type;
  const bool numbers =
      type == CONFIG_REAL || type == CONFIG_REALS || (type == CONFIG_DATA && item->type != ITEM_STRING);
  const bool array = type == CONFIG_INTS || type == CONFIG_REALS || type == CONFIG_STRINGS || type == CONFIG_DATA;
  PetscFunctionBegin;
  item->n_value = array && item->type == ITEM_LIST ? item->n : 1;
  PinnUserCheck(item->n_value > 0, "%s: the array is empty: at least one value is wanted", ItemWhere(config, item));
  if (type == CONFIG_INT || type == CONFIG_INTS)
    PetscCall(ConfigAlloc(config, (size_t)item->n_value * sizeof(*item->ints), &item->ints));
  else if (numbers)
    PetscCall(ConfigAlloc(config, (size_t)item->n_value * sizeof(*item->reals), &item->reals));
  else
    PetscCall(ConfigAlloc(config, (size_t)item->n_value * sizeof(*item->strings), &item->strings));
  if (array && item->type == ITEM_LIST)
    for (Item element = item->first; element; element = element->next)
      PetscCall(read_element(config, item, element, element->index));
  else
    PetscCall(read_element(config, item, item, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_all(Config config, Item item)
{
  PetscFunctionBegin;
  if (item == config->root || item->key->type == CONFIG_GROUP || item->key->type == CONFIG_LIST)
    for (Item child = item->first; child; child = child->next) PetscCall(read_all(config, child));
  else if (!item->n_value)
    PetscCall(read_setting(config, item));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The constants come first: all other numbers may be formulas of them, and a constant one of those before it. */
static PetscErrorCode read_constants(Config config)
{
  const Item problem = ItemFind(config->root, "problem");
  const Item constants = problem ? ItemFind(problem, "constants") : NULL;
  PetscFunctionBegin;
  for (Item item = constants ? constants->first : NULL; item; item = item->next) {
    PetscCall(read_setting(config, item));
    PetscCall(FormulaAddConstant(config->formula, ItemWhere(config, item), item->name, item->reals[0]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigEvaluate(Config config)
{
  PetscFunctionBegin;
  PetscCall(FormulaCreate(&config->formula));
  PetscCall(read_constants(config));
  PetscCall(read_all(config, config->root));
  PetscCall(FormulaDestroy(&config->formula));
  PetscFunctionReturn(PETSC_SUCCESS);
}
