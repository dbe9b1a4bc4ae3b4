/* Where two cases differ: settings are compared by what the resolved cases would write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config_impl.h"

#define SHOWN 120 /* bytes of a value that a message shows */

/* A setting as a resolved case writes it, "given" for what has settings below it, or "absent". To be freed. */
static PetscErrorCode value_text(Item item, char **text)
{
  size_t size;
  FILE *stream = open_memstream(text, &size);
  PetscFunctionBegin;
  PetscCheck(stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  if (!item)
    fputs("absent", stream);
  else if (item->key->type == CONFIG_GROUP || item->key->type == CONFIG_LIST)
    fputs("given", stream);
  else
    ConfigWriteValue(stream, item);
  PetscCheck(!fclose(stream), PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode compare_values(Item here, Item there, const char *path, char *text, size_t size)
{
  char *mine, *other;
  PetscFunctionBegin;
  PetscCall(value_text(here, &mine));
  PetscCall(value_text(there, &other));
  if (strcmp(mine, other))
    snprintf(text, size, "%s is %.*s%s there and %.*s%s here", path, SHOWN, other, strlen(other) > SHOWN ? "..." : "",
             SHOWN, mine, strlen(mine) > SHOWN ? "..." : "");
  free(mine);
  free(other);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode compare_items(Item here, Item there, const char *path, const char *except, char *text,
                                    size_t size);

/* The members of both groups, or the elements of both lists, each once. */
static PetscErrorCode compare_below(Item here, Item there, const char *path, const char *except, char *text,
                                    size_t size)
{
  PetscFunctionBegin;
  for (int side = 0; side < 2; side++)
    for (Item item = side ? there->first : here->first; item && !text[0]; item = item->next) {
      const Item partner =
          item->name ? ItemFind(side ? here : there, item->name) : ItemElement(side ? here : there, item->index);
      char below[PETSC_MAX_PATH_LEN];
      if ((side && partner) || (item->name && WordAmong(except, item->name))) continue;
      if (item->name)
        snprintf(below, sizeof(below), "%s.%s", path, item->name);
      else
        snprintf(below, sizeof(below), "%s[%d]", path, item->index);
      PetscCall(compare_items(side ? partner : item, side ? item : partner, below, except, text, size));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode compare_items(Item here, Item there, const char *path, const char *except, char *text,
                                    size_t size)
{
  PetscFunctionBegin;
  PetscCall(compare_values(here, there, path, text, size));
  if (!text[0] && here && there && (here->key->type == CONFIG_GROUP || here->key->type == CONFIG_LIST))
    PetscCall(compare_below(here, there, path, except, text, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ConfigCompare(Config here, Config there, const char *path, const char *except, char *text, size_t size)
{
  PetscFunctionBegin;
  text[0] = 0;
  PetscCall(compare_items(ConfigFind(here, path), ConfigFind(there, path), path, except, text, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}
