/* Selections: alternatives separated by |, each a conjunction of terms separated by &. A term is a word of the domain,
   a face x.lower or x.upper, or a plane x = value. */
#include <stdio.h>
#include <string.h>
#include "points_impl.h"

#define MAX_NAMES 16 /* listed in a message */

/* " (did you mean 'x'? known: x, y)" of n names. */
static void suggest(int n, const char *const names[], const char *name, char text[], size_t size)
{
  const char *near = ErrorNearestWord(name, (size_t)n, names);
  size_t used = (size_t)snprintf(text, size, near ? " (did you mean '%s'? known: " : " (known: ", near);
  for (int k = 0; k < n && k < MAX_NAMES && used < size; k++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", names[k]);
  if (used < size) snprintf(text + used, size - used, n > MAX_NAMES ? " ...)" : ")");
}

static PetscErrorCode find_coordinate(Domain domain, const char *where, const char *name, int *coord)
{
  const int n = PetscMin(domain->dim, MAX_NAMES + 1);
  char hint[1024];

  PetscFunctionBegin;
  *coord = FormulaFindCoordinate(domain->formula, name);
  if (*coord < 0) {
    suggest(n, FormulaCoordinateNames(domain->formula), name, hint, sizeof(hint));
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
  if (domain->slab && selector->coord == domain->t) selector->value = domain->whole[upper];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int find_word(Domain domain, const char *term)
{
  int w = 0;
  while (w < domain->n_word && strcmp(domain->word[w], term)) w++;
  return w < domain->n_word ? w : -1;
}

static PetscErrorCode unknown_word(Domain domain, const char *where, const char *term)
{
  char hint[1024];

  PetscFunctionBegin;
  PinnUserCheck(FormulaFindCoordinate(domain->formula, term) < 0,
                "%s: '%s' names a coordinate without a value: write %s = VALUE, %s.lower or %s.upper", where, term,
                term, term, term);
  suggest(domain->n_word, (const char *const *)domain->word, term, hint, sizeof(hint));
  PinnUserError("%s: unknown selection '%s'%s", where, term, hint);
}

/* Does the text before the dot begin a word of the domain, "outer" of "outer.side"? */
static bool begins_word(Domain domain, const char *term, const char *dot)
{
  const size_t n = (size_t)(dot - term);
  for (int w = 0; w < domain->n_word; w++)
    if (!strncmp(domain->word[w], term, n) && (domain->word[w][n] == '.' || !domain->word[w][n])) return true;
  return false;
}

static PetscErrorCode parse_term(Domain domain, const char *where, char *term, Selector *selector)
{
  char *equals = strchr(term, '='), *dot = strrchr(term, '.');

  PetscFunctionBegin;
  *selector = (Selector){.where = where, .word = find_word(domain, term)};
  PinnUserCheck(*term, "%s: a selection is empty, or lacks a term beside '|' or '&'", where);
  if (selector->word >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (equals) {
    const char *name = ConfigCutPart(&term, '=');
    PetscCall(find_coordinate(domain, where, name, &selector->coord));
    PetscCall(FormulaParseConstant(domain->formula, where, term, &selector->value));
  } else if (dot && !begins_word(domain, term, strchr(term, '.'))) {
    PetscCall(parse_face(domain, term, dot, selector));
  } else {
    PetscCall(unknown_word(domain, where, term));
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

/* pieces [inout], the caller's also after an error; shown: text as it was */
static PetscErrorCode intersect_terms(Region region, char *text, const char *shown, int *n_term, PieceList *pieces)
{
  PetscFunctionBegin;
  for (int first = 1; text; first = 0, ++*n_term) {
    PieceList term = {0};
    Selector selector;
    PetscCall(parse_term(region->domain, region->where, ConfigCutPart(&text, '&'), &selector));
    PetscCall(region->domain->ops->select(region->domain, &selector, &term));
    if (first)
      *pieces = term;
    else
      PetscCall(intersect_lists(region->domain, pieces, &term));
  }
  if (region->domain->ops->finish) PetscCall(region->domain->ops->finish(region->domain, pieces));
  PinnUserCheck(pieces->n || region->domain->slab, "%s: selects no points: '%s' %s", region->where, shown,
                strchr(shown, '&') ? "cannot hold together" : "is not in the domain or on its boundary");
  for (int p = 0; p < pieces->n; p++) PetscCall(PieceListAdd(&region->pieces, &pieces->piece[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_conjunction(Region region, char *text, int *n_term)
{
  PieceList pieces = {0};
  char *shown;

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(text, &shown));
  const PetscErrorCode code = intersect_terms(region, text, shown, n_term, &pieces);
  PetscCall(PieceListDestroy(&pieces));
  PetscCall(PetscFree(shown));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RegionCreate(Domain domain, const char *where, const char *on, Region *region)
{
  Region r;
  char *text;
  int n_term = 0;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  *region = r;
  PetscCall(PetscStrallocpy(where, &r->where));
  r->domain = domain;
  PetscCall(PetscStrallocpy(on, &text));
  for (char *rest = text; rest && !code;) code = add_conjunction(r, ConfigCutPart(&rest, '|'), &n_term);
  PetscCall(PetscFree(text));
  PetscCall(code);
  if (n_term > 1) PetscCall(PieceListRemoveContained(&r->pieces)); /* the pieces of one term are distinct */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RegionCreateStart(Domain domain, const char *where, Region *region)
{
  Selector start = {.where = where, .word = -1, .coord = domain->t, .cut = true};
  Region r;

  PetscFunctionBegin;
  PetscCheck(domain->t >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "a first time without a coordinate t");
  start.value = domain->lower[domain->t];
  PetscCall(PetscNew(&r));
  *region = r;
  PetscCall(PetscStrallocpy(where, &r->where));
  r->domain = domain;
  if (domain->slab && start.value > domain->whole[0]) PetscCall(domain->ops->select(domain, &start, &r->pieces));
  if (domain->ops->finish) PetscCall(domain->ops->finish(domain, &r->pieces));
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

bool RegionIsStart(Region region)
{
  const Domain domain = region->domain;
  int n = 0;
  for (int p = 0; p < region->pieces.n; p++)
    for (int h = 0; h < region->pieces.piece[p].n_held; h++)
      n += region->pieces.piece[p].held[h] == domain->t && region->pieces.piece[p].value[h] == domain->lower[domain->t];
  return domain->t >= 0 && n == region->pieces.n;
}

bool RegionHasNormals(Region region)
{
  for (int p = 0; p < region->pieces.n; p++)
    if (region->pieces.piece[p].face < 0) return false;
  return true;
}

void RegionMeasure(Region region, double *measure, double *error)
{
  const int dim = RegionFreeDimensions(region);
  double square = 0;
  *measure = 0;
  for (int p = 0; p < region->pieces.n; p++) {
    const Piece *piece = &region->pieces.piece[p];
    if (piece->dim < dim) continue;
    const double part = dim ? exp(piece->log_measure) : 1;
    *measure += part;
    square += PetscSqr(part * piece->error);
  }
  *error = sqrt(square);
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
