/* Selections: alternatives separated by |, each a conjunction of terms separated by &. A term is a word of the domain,
   a face x.lower or x.upper, or a plane x = value. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "points_impl.h"

#define MAX_NAMES 32 /* names listed in a message */

/* Cuts the text before `separator` off *rest, which becomes NULL after the last part, and trims it. */
static char *next_part(char **rest, char separator)
{
  char *part = *rest, *end = strchr(part, separator);
  *rest = end ? end + 1 : NULL;
  if (!end) end = part + strlen(part);
  while (isspace((unsigned char)*part)) part++;
  while (end > part && isspace((unsigned char)end[-1])) end--;
  *end = '\0';
  return part;
}

/* " (did you mean 'x'? known: x, y)" of the coordinates, or of the domain's words. */
static void suggest(Domain domain, bool words, const char *name, char text[], size_t size)
{
  Choice row[MAX_NAMES + 1] = {{NULL, NULL, NULL}};
  int n = 0;
  for (int c = 0; !words && c < domain->dim && n < MAX_NAMES; c++)
    row[n++].name = FormulaCoordinateName(domain->formula, c);
  for (int w = 0; words && domain->ops->words[w]; w++) row[n++].name = domain->ops->words[w];
  ChoiceSuggest(&(ChoiceTable){.rows = row}, name, text, size);
}

static PetscErrorCode find_coordinate(Domain domain, const char *where, const char *name, int *coord)
{
  char hint[512];

  PetscFunctionBegin;
  *coord = FormulaFindCoordinate(domain->formula, name);
  if (*coord < 0) {
    suggest(domain, false, name, hint, sizeof(hint));
    PinnUserError("%s: unknown coordinate '%s'%s", where, name, hint);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reads "x.lower" or "x.upper"; `dot` is the place of the dot, which is overwritten. */
static PetscErrorCode parse_face(Domain domain, char *term, char *dot, Selector *selector)
{
  const char *side = dot + 1;
  const bool upper = !strcmp(side, "upper");

  PetscFunctionBegin;
  *dot = '\0';
  PetscCall(find_coordinate(domain, selector->where, term, &selector->coord));
  PinnUserCheck(upper || !strcmp(side, "lower"), "%s: unknown face '%s.%s' (known: %s.lower, %s.upper)",
                selector->where, term, side, term, term);
  selector->value = (upper ? domain->upper : domain->lower)[selector->coord];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_word(Domain domain, const char *term, Selector *selector)
{
  char hint[512];

  PetscFunctionBegin;
  for (int w = 0; domain->ops->words[w] && !selector->word; w++)
    if (!strcmp(term, domain->ops->words[w])) selector->word = domain->ops->words[w];
  if (!selector->word) {
    PinnUserCheck(FormulaFindCoordinate(domain->formula, term) < 0,
                  "%s: '%s' names a coordinate without a value: write %s = VALUE, %s.lower or %s.upper",
                  selector->where, term, term, term, term);
    suggest(domain, true, term, hint, sizeof(hint));
    PinnUserError("%s: unknown selection '%s'%s", selector->where, term, hint);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode parse_term(Domain domain, const char *where, char *term, Selector *selector)
{
  char *equals = strchr(term, '='), *dot = strrchr(term, '.');

  PetscFunctionBegin;
  *selector = (Selector){.where = where};
  PinnUserCheck(*term, "%s: a selection is empty, or lacks a term beside '|' or '&'", where);
  if (equals) {
    const char *name = next_part(&term, '=');
    PetscCall(find_coordinate(domain, where, name, &selector->coord));
    PetscCall(FormulaParseConstant(domain->formula, where, term, &selector->value));
  } else if (dot) {
    PetscCall(parse_face(domain, term, dot, selector));
  } else {
    PetscCall(parse_word(domain, term, selector));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pairwise intersections of two lists; both are destroyed, the result is left in a. */
static PetscErrorCode intersect_lists(Domain domain, PieceList *a, PieceList *b)
{
  PieceList both = {0};

  PetscFunctionBegin;
  for (int i = 0; i < a->n; i++)
    for (int j = 0; j < b->n; j++) PetscCall(domain->ops->intersect(domain, &a->piece[i], &b->piece[j], &both));
  PetscCall(PieceListDestroy(a));
  PetscCall(PieceListDestroy(b));
  *a = both;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_conjunction(Region region, char *text, int *n_term)
{
  PieceList pieces = {0};
  char *shown;

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(text, &shown));
  for (int first = 1; text; first = 0, ++*n_term) {
    PieceList term = {0};
    Selector selector;
    PetscCall(parse_term(region->domain, region->where, next_part(&text, '&'), &selector));
    PetscCall(region->domain->ops->select(region->domain, &selector, &term));
    if (first)
      pieces = term;
    else
      PetscCall(intersect_lists(region->domain, &pieces, &term));
  }
  PinnUserCheck(pieces.n, "%s: selects no points: '%s' cannot hold together", region->where, shown);
  for (int p = 0; p < pieces.n; p++) PetscCall(PieceListAdd(&region->pieces, &pieces.piece[p]));
  PetscCall(PieceListDestroy(&pieces));
  PetscCall(PetscFree(shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RegionCreate(Domain domain, const char *where, const char *on, Region *region)
{
  Region r;
  char *text;
  int n_term = 0;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  PetscCall(PetscStrallocpy(where, &r->where));
  r->domain = domain;
  PetscCall(PetscStrallocpy(on, &text));
  for (char *rest = text; rest;) PetscCall(add_conjunction(r, next_part(&rest, '|'), &n_term));
  if (n_term > 1) PetscCall(PieceListRemoveContained(&r->pieces)); /* the pieces of one term are distinct */
  PetscCall(PetscFree(text));
  *region = r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RegionDestroy(Region *region)
{
  PetscFunctionBegin;
  if (!*region) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PieceListDestroy(&(*region)->pieces));
  PetscCall(PetscFree((*region)->where));
  PetscCall(PetscFree((*region)->sampler_where));
  PetscCall(PetscFree((*region)->count_where));
  PetscCall(PetscFree(*region));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RegionSetPlaces(Region region, const char *sampler, const char *count)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(region->sampler_where));
  PetscCall(PetscFree(region->count_where));
  PetscCall(PetscStrallocpy(sampler, &region->sampler_where));
  PetscCall(PetscStrallocpy(count, &region->count_where));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool RegionHasNormals(Region region)
{
  for (int p = 0; p < region->pieces.n; p++)
    if (region->pieces.piece[p].face < 0) return false;
  return true;
}

int RegionFreeDimensions(Region region)
{
  int dim = 0;
  for (int p = 0; p < region->pieces.n; p++) dim = PetscMax(dim, region->pieces.piece[p].dim);
  return dim;
}

/* Pieces too small for one point get one; the others share the rest in proportion, rounded down, and what the rounding
   leaves goes to the largest remainders. */
PetscErrorCode RegionShareCount(Region region, PetscInt count, PetscInt share[])
{
  const int n = region->pieces.n;
  double *weight, *remainder, largest = -INFINITY, total, left;
  PetscInt *order, spare = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n, &weight, n, &remainder, n, &order));
  for (int p = 0; p < n; p++) largest = fmax(largest, region->pieces.piece[p].log_measure);
  for (int p = 0; p < n; p++) {
    weight[p] = largest > -INFINITY ? exp(region->pieces.piece[p].log_measure - largest) : 0;
    share[p] = 0;
  }
  for (bool changed = true; changed;) {
    changed = false;
    total = 0, left = count;
    for (int p = 0; p < n; p++) {
      if (share[p])
        left--;
      else
        total += weight[p];
    }
    for (int p = 0; p < n; p++) {
      if (share[p] || (left * weight[p] >= total && total > 0)) continue;
      share[p] = 1;
      changed = true;
    }
  }
  spare = total > 0 ? (PetscInt)left : 0;
  for (int p = 0; p < n; p++) {
    const double quota = share[p] ? 0 : left * weight[p] / total;
    remainder[p] = quota - floor(quota);
    order[p] = p;
    spare -= (PetscInt)quota;
    if (!share[p]) share[p] = (PetscInt)quota;
  }
  PetscCall(PetscSortRealWithPermutation(n, remainder, order));
  for (int p = n - 1; p >= 0 && spare > 0; p--, spare--) share[order[p]]++;
  PetscCall(PetscFree3(weight, remainder, order));
  PetscFunctionReturn(PETSC_SUCCESS);
}
