/* Names of files, and of datasets in them. */
#include <stdio.h>
#include <string.h>
#include "pinn/file.h"

const char *PathBeside(const char *file, const char *name)
{
  static char paths[4][PETSC_MAX_PATH_LEN];
  static int next;
  const char *slash = strrchr(file, '/');
  if (name[0] == '/' || !slash) return name;
  char *path = paths[next++ % 4];
  snprintf(path, PETSC_MAX_PATH_LEN, "%.*s/%s", (int)(slash - file), file, name);
  return path;
}

bool FileSplitName(const char *text, char path[PETSC_MAX_PATH_LEN], const char **name)
{
  const char *colon = strstr(text, ":/");
  if (!colon || colon == text || !colon[2] || colon - text >= PETSC_MAX_PATH_LEN) return false;
  memcpy(path, text, (size_t)(colon - text));
  path[colon - text] = '\0';
  *name = colon + 1;
  return true;
}
