/* Text files of Gmsh before DMPlex reads them: it believes their counts, and takes nodes and entities by their tags
   without looking whether there are such. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "mesh.h"

#define MOST_TAGS   16      /* of an element or an entity */
#define MOST_NAME   100     /* characters of a physical group's */
#define SPARSE_TAGS 64      /* tags of nodes may be spread over so many times their number, */
#define FEW_TAGS    1000000 /* and over this many in any case */

typedef struct {
  const char *where, *file;
  const char *at;  /* next character */
  const char *end; /* of the text */
  bool blocks;     /* format 4 */
  size_t n_node, n_entity[4];
  long *node;      /* [n_node] tags, ascending */
  long *entity[4]; /* [n_entity] tags by dimension, ascending */
} Scan;

#define BadMesh(s, ...)                                                                                                \
  do {                                                                                                                 \
    char bad_[128];                                                                                                    \
    snprintf(bad_, sizeof(bad_), __VA_ARGS__);                                                                         \
    PinnUserError("%s: cannot read mesh '%s': %s", (s)->where, (s)->file, bad_);                                       \
  } while (0)

static bool next_whole(Scan *s, long *value)
{
  char *after;
  errno = 0;
  *value = strtol(s->at, &after, 10);
  if (after == s->at || errno || *value < INT_MIN || *value > INT_MAX || (*after && !isspace((unsigned char)*after)))
    return false;
  s->at = after;
  return true;
}

static bool next_real(Scan *s)
{
  char *after;
  (void)strtod(s->at, &after);
  if (after == s->at || (*after && !isspace((unsigned char)*after))) return false;
  s->at = after;
  return true;
}

static bool next_reals(Scan *s, int n)
{
  for (int k = 0; k < n; k++)
    if (!next_real(s)) return false;
  return true;
}

/* A number of things, each of which takes two characters at least. */
static bool next_count(Scan *s, long *n)
{
  return next_whole(s, n) && *n >= 0 && *n <= (s->end - s->at) / 2;
}

static bool skip_whole(Scan *s, long n)
{
  long ignored;
  for (long k = 0; k < n; k++)
    if (!next_whole(s, &ignored)) return false;
  return true;
}

/* Is `word` next, alone? */
static bool next_word(Scan *s, const char *word)
{
  const size_t n = strlen(word);
  while (isspace((unsigned char)*s->at)) s->at++;
  if (strncmp(s->at, word, n) || (s->at[n] && !isspace((unsigned char)s->at[n]))) return false;
  s->at += n;
  return true;
}

static int compare_tags(const void *a, const void *b)
{
  const long left = *(const long *)a, right = *(const long *)b;
  return (left > right) - (left < right);
}

static bool has_tag(size_t n, const long tags[], long tag)
{
  return n && bsearch(&tag, tags, n, sizeof(*tags), compare_tags);
}

/* dimension, tag and a name in quotes a line */
static bool scan_names(Scan *s)
{
  long n;
  if (!next_count(s, &n)) return false;
  for (long k = 0; k < n; k++) {
    if (!skip_whole(s, 2)) return false;
    const size_t line = strcspn(s->at, "\n");
    const char *open = memchr(s->at, '"', line);
    const char *close = open ? memchr(open + 1, '"', line - (size_t)(open + 1 - s->at)) : NULL;
    if (!close || close - open > MOST_NAME || (size_t)(close + 1 - s->at) + strspn(close + 1, " \t\r") != line)
      return false;
    s->at += line;
  }
  return next_word(s, "$EndPhysicalNames");
}

/* tags of physical groups, or of what bounds an entity */
static bool scan_tags(Scan *s, long most)
{
  long n;
  return next_count(s, &n) && n <= most && skip_whole(s, n);
}

static PetscErrorCode scan_entities(Scan *s, bool *good)
{
  long n[4];
  PetscFunctionBegin;
  *good = true;
  for (int d = 0; d < 4; d++) *good = *good && next_count(s, &n[d]);
  for (int d = 0; d < 4 && *good; d++) {
    PetscCall(PetscMalloc1((size_t)n[d], &s->entity[d]));
    for (long k = 0; k < n[d] && *good; k++)
      *good = next_whole(s, &s->entity[d][s->n_entity[d]++]) && next_reals(s, d ? 6 : 3) && scan_tags(s, MOST_TAGS) &&
              (d == 0 || scan_tags(s, INT_MAX));
    if (s->n_entity[d]) qsort(s->entity[d], s->n_entity[d], sizeof(long), compare_tags);
  }
  *good = *good && next_word(s, "$EndEntities");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Format 4: a head, tags, and as many points. */
static bool scan_node_block(Scan *s, size_t most)
{
  long dimension, tag, parametric, n;
  if (!next_whole(s, &dimension) || dimension < 0 || dimension > 3 || !next_whole(s, &tag)) return false;
  if (!next_whole(s, &parametric) || parametric || !next_count(s, &n) || (size_t)n > most - s->n_node) return false;
  for (long k = 0; k < n; k++)
    if (!next_whole(s, &s->node[s->n_node++])) return false;
  for (long k = 0; k < n; k++)
    if (!next_reals(s, 3)) return false;
  return true;
}

static PetscErrorCode scan_nodes(Scan *s, bool *good)
{
  long n_block = 0, n = 0;
  PetscFunctionBegin;
  *good = (!s->blocks || next_count(s, &n_block)) && next_count(s, &n) && n > 0 && (!s->blocks || skip_whole(s, 2));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)n, &s->node));
  for (long b = 0; b < n_block && *good; b++) *good = scan_node_block(s, (size_t)n);
  for (long k = 0; k < n && *good && !s->blocks; k++) *good = next_whole(s, &s->node[s->n_node++]) && next_reals(s, 3);
  *good = *good && s->n_node == (size_t)n && next_word(s, "$EndNodes");
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  qsort(s->node, s->n_node, sizeof(long), compare_tags);
  for (size_t k = 1; k < s->n_node; k++)
    if (s->node[k] == s->node[k - 1]) BadMesh(s, "there are two nodes %ld", s->node[k]);
  if (s->node[0] < 1 || s->node[n - 1] - s->node[0] > SPARSE_TAGS * n + FEW_TAGS)
    BadMesh(s, "its %ld nodes are numbered from %ld to %ld", n, s->node[0], s->node[n - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes of an element of this type; 0 where it is not known here. */
static int nodes_of(long type)
{
  static const int nodes[] = {0, 2, 3, 4, 4, 8, 6, 5, 3, 6, 9, 10, 27, 18, 14, 1, 8, 20, 15, 13};
  return type > 0 && type < (long)(sizeof(nodes) / sizeof(nodes[0])) ? nodes[type] : 0;
}

static PetscErrorCode scan_element(Scan *s, long number, long type, bool *good)
{
  long node;
  PetscFunctionBegin;
  if (!nodes_of(type)) BadMesh(s, "element %ld is of the type %ld, which is not supported", number, type);
  for (int k = 0; k < nodes_of(type) && *good; k++) {
    *good = next_whole(s, &node);
    if (*good && !has_tag(s->n_node, s->node, node))
      BadMesh(s, "element %ld has node %ld, which there is not", number, node);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_element_block(Scan *s, long *left, bool *good)
{
  long dimension, tag, type, n, number;
  PetscFunctionBegin;
  *good = next_whole(s, &dimension) && dimension >= 0 && dimension <= 3 && next_whole(s, &tag) &&
          next_whole(s, &type) && next_count(s, &n) && n <= *left;
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  if (!has_tag(s->n_entity[dimension], s->entity[dimension], tag))
    BadMesh(s, "elements belong to entity %ld of dimension %ld, which there is not", tag, dimension);
  *left -= n;
  for (long k = 0; k < n && *good; k++) {
    *good = next_whole(s, &number);
    if (*good) PetscCall(scan_element(s, number, type, good));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan_elements(Scan *s, bool *good)
{
  long n_block = 0, n = 0, number, type;
  PetscFunctionBegin;
  *good = (!s->blocks || next_count(s, &n_block)) && next_count(s, &n) && (!s->blocks || skip_whole(s, 2));
  for (long b = 0; b < n_block && *good; b++) PetscCall(scan_element_block(s, &n, good));
  for (; n > 0 && *good && !s->blocks; n--) {
    *good = next_whole(s, &number) && next_whole(s, &type) && scan_tags(s, MOST_TAGS);
    if (*good) PetscCall(scan_element(s, number, type, good));
  }
  *good = *good && n == 0 && next_word(s, "$EndElements");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode scan(Scan *s)
{
  bool good = true;
  PetscFunctionBegin;
  const char *format = s->at + strspn(s->at, " \t\r\n");
  s->blocks = !strncmp(format, "4.1 0 8", 7);
  if (!s->blocks && strncmp(format, "2.2 0 8", 7))
    BadMesh(s, "it is of format %.*s; known are 2.2 and 4.1", (int)PetscMin(strcspn(format, "\n"), 20), format);
  s->at = format + 7;
  if (!next_word(s, "$EndMeshFormat")) BadMesh(s, "$MeshFormat has more than a version, 0 and 8");
  if (next_word(s, "$PhysicalNames") && !scan_names(s)) BadMesh(s, "$PhysicalNames is not as the format says");
  if (s->blocks && next_word(s, "$Entities")) PetscCall(scan_entities(s, &good));
  if (!good) BadMesh(s, "$Entities is not as the format says");
  if (!next_word(s, "$Nodes")) BadMesh(s, "$Nodes does not come where it must");
  PetscCall(scan_nodes(s, &good));
  if (!good) BadMesh(s, "$Nodes is not as the format says");
  if (!next_word(s, "$Elements")) BadMesh(s, "$Elements does not come where it must");
  PetscCall(scan_elements(s, &good));
  if (!good) BadMesh(s, "$Elements is not as the format says");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeshCheckText(const char *where, const char *file, const char *text)
{
  Scan s = {.where = where, .file = file, .at = text + strlen("$MeshFormat"), .end = text + strlen(text)};
  PetscFunctionBegin;
  const PetscErrorCode code = scan(&s);
  PetscCall(PetscFree(s.node));
  for (int d = 0; d < 4; d++) PetscCall(PetscFree(s.entity[d]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
