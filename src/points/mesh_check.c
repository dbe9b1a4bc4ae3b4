/* Text files of Gmsh before DMPlex reads them: it takes nodes by their tags without looking whether there are such. */
#include <stdlib.h>
#include <string.h>
#include "mesh.h"

#define MOST_NUMBERS 64 /* of a line: more than any element has nodes */

/* The whole numbers at the beginning of the line at *at, which moves on to the next. */
static int read_line(const char **at, long numbers[MOST_NUMBERS])
{
  const char *stop = *at + strcspn(*at, "\n");
  int n = 0;
  for (const char *next = *at; next < stop && n < MOST_NUMBERS; n++) {
    char *after;
    numbers[n] = strtol(next, &after, 10);
    if (after == next || after > stop) break;
    next = after;
  }
  *at = *stop ? stop + 1 : stop;
  return n;
}

/* The first line of a section. */
static const char *section(const char *text, const char *name)
{
  const char *at = strstr(text, name);
  if (!at) return "";
  at += strcspn(at, "\n");
  return *at ? at + 1 : at;
}

static int compare_tags(const void *a, const void *b)
{
  const long left = *(const long *)a, right = *(const long *)b;
  return (left > right) - (left < right);
}

/* Tags of the nodes, ascending: format 2 has one a line; format 4 has blocks of a head, tags, and as many points. */
static size_t node_tags(const char *text, bool blocks, size_t most, long tags[])
{
  const char *at = section(text, "$Nodes");
  long numbers[MOST_NUMBERS];
  size_t n_tag = 0;
  (void)read_line(&at, numbers);
  while (*at && *at != '$' && n_tag < most) {
    const int n = read_line(&at, numbers);
    const long lines = !blocks ? 1 : n == 4 ? numbers[3] : 0;
    if (!blocks && n) tags[n_tag++] = numbers[0];
    for (long k = 0; blocks && k < lines && *at && n_tag < most; k++)
      if (read_line(&at, numbers) == 1) tags[n_tag++] = numbers[0];
    for (long k = 0; blocks && k < lines && *at; k++) (void)read_line(&at, numbers);
  }
  qsort(tags, n_tag, sizeof(*tags), compare_tags);
  return n_tag;
}

PetscErrorCode MeshCheckNodes(const char *where, const char *file, const char *text)
{
  const char *at = section(text, "$MeshFormat");
  const bool blocks = strtod(at, NULL) >= 4.0;
  long numbers[MOST_NUMBERS], *tags;
  size_t most = 1;
  PetscFunctionBegin;
  for (const char *c = section(text, "$Nodes"); *c && *c != '$'; c++) most += *c == '\n';
  PetscCall(PetscMalloc1(most, &tags));
  const size_t n_tag = node_tags(text, blocks, most, tags);
  at = section(text, "$Elements");
  (void)read_line(&at, numbers);
  for (long left = 0; *at && *at != '$';) {
    const int n = read_line(&at, numbers);
    if (blocks && !left) {
      left = n == 4 ? numbers[3] : 0;
      continue;
    }
    left -= blocks;
    for (int k = blocks ? 1 : n > 2 && numbers[2] >= 0 ? 3 + (int)PetscMin(numbers[2], n) : n; k < n; k++) {
      const bool known = bsearch(&numbers[k], tags, n_tag, sizeof(*tags), compare_tags);
      if (!known) PetscCall(PetscFree(tags));
      PinnUserCheck(known, "%s: cannot read mesh '%s': element %ld has node %ld, which there is not", where, file,
                    numbers[0], numbers[k]);
    }
  }
  PetscCall(PetscFree(tags));
  PetscFunctionReturn(PETSC_SUCCESS);
}
