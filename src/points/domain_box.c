/* The box: a piece holds some coordinates at a value and leaves the others free. Face 2 c is x_c = lower, 2 c + 1 is
   x_c = upper. */
#include <stdio.h>
#include <string.h>
#include "points_impl.h"

#define MAX_FACTOR 8 /* intervals written out in the description */

enum { WORD_INTERIOR, WORD_BOUNDARY, WORD_WALLS };
static const char *const box_words[] = {"interior", "boundary", "walls"};

static double tolerance(Domain domain, int c)
{
  return ROUNDING * fmax(fabs(domain->lower[c]), fabs(domain->upper[c]));
}

static PetscErrorCode describe(Domain domain)
{
  char text[512] = "box";
  bool same = domain->dim > 3;
  size_t used = strlen(text);

  PetscFunctionBegin;
  for (int c = 1; c < domain->dim; c++)
    same = same && domain->lower[c] == domain->lower[0] && domain->upper[c] == domain->upper[0];
  for (int c = 0; c < (same ? 1 : PetscMin(domain->dim, MAX_FACTOR)); c++)
    used += (size_t)snprintf(text + used, sizeof(text) - used, "%s[%lg, %lg]", c ? " x " : " ", domain->lower[c],
                             domain->upper[c]);
  if (same)
    snprintf(text + used, sizeof(text) - used, "^%d", domain->dim);
  else if (domain->dim > MAX_FACTOR)
    snprintf(text + used, sizeof(text) - used, " x ... (%d)", domain->dim);
  PetscCall(PetscStrallocpy(text, &domain->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One value a coordinate or one for all; with domain.time those of space only. */
static PetscErrorCode read_bounds(Domain domain, Config config, const char *path, bool product, double values[])
{
  const int wanted = domain->dim - product;
  const PetscReal *read;
  int n;

  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, path, &n, &read));
  PinnUserCheck(n == 1 || n == wanted, "%s: has %d values for %d coordinates%s: one for each or one for all",
                ConfigWhere(config, path), n, wanted, product ? " of space" : "");
  for (int c = 0, k = 0; c < domain->dim; c++) {
    if (product && c == domain->t) continue;
    values[c] = read[n == 1 ? 0 : k++];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode box_create(Domain domain, Config config)
{
  const bool product = ConfigHas(config, "domain.time");

  PetscFunctionBegin;
  if (product) PetscCall(DomainReadTime(domain, config));
  PetscCall(read_bounds(domain, config, "domain.lower", product, domain->lower));
  PetscCall(read_bounds(domain, config, "domain.upper", product, domain->upper));
  if (!product) DomainCutTime(domain);
  for (int w = 0; w < 3; w++) PetscCall(DomainAddWord(domain, "%s", box_words[w]));
  for (int c = 0; c < domain->dim; c++) {
    const double extent = domain->upper[c] - domain->lower[c];
    PinnUserCheck(extent > 4 * tolerance(domain, c) && extent < INFINITY,
                  "%s: the bounds of %s must rise from lower to upper, not from %lg to %lg",
                  ConfigWhere(config, "domain.upper"), FormulaCoordinateName(domain->formula, c), domain->lower[c],
                  domain->upper[c]);
    domain->log_measure += log(extent);
  }
  PetscCall(describe(domain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool box_contains(Domain domain, const double x[])
{
  for (int c = 0; c < domain->dim; c++) {
    const double slack = tolerance(domain, c);
    if (!(x[c] >= domain->lower[c] - slack && x[c] <= domain->upper[c] + slack)) return false;
  }
  return true;
}

static double box_distance(Domain domain, const double x[])
{
  double square = 0, nearest = -INFINITY;
  for (int c = 0; c < domain->dim; c++) {
    if (c == domain->t) continue;
    const double q = fmax(domain->lower[c] - x[c], x[c] - domain->upper[c]);
    nearest = fmax(nearest, q);
    square += q > 0 ? q * q : 0;
  }
  return nearest > 0 ? sqrt(square) : nearest;
}

static bool on_bound(Domain domain, int c, double value)
{
  return value == domain->lower[c] || value == domain->upper[c];
}

/* Appends the piece that holds the given coordinates. Values near a bound have been moved onto it. */
static PetscErrorCode add_piece(Domain domain, int n_held, int held[], double value[], PieceList *list)
{
  Piece piece = {.dim = domain->dim - n_held,
                 .n_cube = domain->dim - n_held,
                 .face = -1,
                 .part = DOMAIN_ALL,
                 .grid = n_held ? GRID_CLOSED : GRID_OPEN,
                 .log_measure = n_held < domain->dim ? domain->log_measure : -INFINITY,
                 .n_held = n_held,
                 .held = held,
                 .value = value};
  int n_face = 0;

  PetscFunctionBegin;
  for (int h = 0; h < n_held; h++) {
    const int c = held[h];
    piece.log_measure -= log(domain->upper[c] - domain->lower[c]);
    if (!on_bound(domain, c, value[h])) continue;
    n_face++;
    piece.face = 2 * c + (value[h] == domain->upper[c]);
  }
  if (n_face > 1) piece.face = -1;
  PetscCall(PieceListAdd(list, &piece));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode select_plane(Domain domain, const Selector *selector, PieceList *list)
{
  int c = selector->coord;
  double value = selector->value;

  PetscFunctionBegin;
  if (DomainLeavesPlane(domain, selector)) PetscFunctionReturn(PETSC_SUCCESS);
  if (fabs(value - domain->lower[c]) <= tolerance(domain, c)) value = domain->lower[c];
  if (fabs(value - domain->upper[c]) <= tolerance(domain, c)) value = domain->upper[c];
  PinnUserCheck(value >= domain->lower[c] && value <= domain->upper[c],
                "%s: selects no points: %s = %lg lies outside [%lg, %lg]", selector->where,
                FormulaCoordinateName(domain->formula, c), value, domain->lower[c], domain->upper[c]);
  PetscCall(add_piece(domain, 1, &c, &value, list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode box_select(Domain domain, const Selector *selector, PieceList *list)
{
  PetscFunctionBegin;
  if (selector->word < 0) {
    PetscCall(select_plane(domain, selector, list));
  } else if (selector->word == WORD_INTERIOR) {
    PetscCall(add_piece(domain, 0, NULL, NULL, list));
  } else {
    const int skip = selector->word == WORD_WALLS ? domain->t : -1;
    for (int c = 0; c < domain->dim; c++) {
      const Selector low = {.coord = c, .value = domain->lower[c]}, high = {.coord = c, .value = domain->upper[c]};
      const bool whole = c != domain->t || !domain->slab;
      if (c == skip) continue;
      if (whole || low.value == domain->whole[0]) PetscCall(select_plane(domain, &low, list));
      if (whole || high.value == domain->whole[1]) PetscCall(select_plane(domain, &high, list));
    }
    PinnUserCheck(list->n || domain->slab, "%s: selects no points: there are no walls, as t is the only coordinate",
                  selector->where);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool touches_boundary(Domain domain, const Piece *piece)
{
  for (int h = 0; h < piece->n_held; h++)
    if (on_bound(domain, piece->held[h], piece->value[h])) return true;
  return false;
}

/* Merges the held coordinates of both; empty where they hold one at two values, and where one is the open interior and
   the other on the boundary. */
static PetscErrorCode box_intersect(Domain domain, const Piece *a, const Piece *b, PieceList *list)
{
  int *held, n = 0;
  double *value;
  bool empty = (!a->n_held && touches_boundary(domain, b)) || (!b->n_held && touches_boundary(domain, a));

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(a->n_held + b->n_held, &held, a->n_held + b->n_held, &value));
  for (int i = 0, j = 0; i < a->n_held || j < b->n_held; n++) {
    const bool take_a = j == b->n_held || (i < a->n_held && a->held[i] <= b->held[j]);
    const bool both = i < a->n_held && j < b->n_held && a->held[i] == b->held[j];
    held[n] = take_a ? a->held[i] : b->held[j];
    value[n] = take_a ? a->value[i] : b->value[j];
    if (both && fabs(a->value[i] - b->value[j]) > tolerance(domain, held[n])) empty = true;
    i += take_a;
    j += both || !take_a;
  }
  if (!empty) PetscCall(add_piece(domain, n, held, value, list));
  PetscCall(PetscFree2(held, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void box_map(Domain domain, const Piece *piece, int n, const double unit[], double x[])
{
#pragma omp parallel for schedule(static) if ((size_t)n * (size_t)domain->dim > 65536)
  for (int p = 0; p < n; p++) {
    const double *u = unit + (size_t)p * (size_t)piece->n_cube;
    double *xp = x + (size_t)p * (size_t)domain->dim;
    for (int c = 0, h = 0, k = 0; c < domain->dim; c++) {
      const bool held = h < piece->n_held && piece->held[h] == c;
      xp[c] = held ? piece->value[h] : domain->lower[c] * (1 - u[k]) + domain->upper[c] * u[k];
      held ? h++ : k++;
    }
  }
}

static void box_normals(Domain domain, const Piece *piece, int n, const double x[], double normal[])
{
  (void)x;
  memset(normal, 0, (size_t)n * (size_t)domain->dim * sizeof(*normal));
  for (int p = 0; p < n; p++)
    normal[(size_t)p * (size_t)domain->dim + (size_t)(piece->face / 2)] = piece->face % 2 ? 1 : -1;
}

static void box_name(Domain domain, const Piece *piece, char *text, size_t size)
{
  snprintf(text, size, "%s = %lg", FormulaCoordinateName(domain->formula, piece->held[0]), piece->value[0]);
}

const DomainOps DomainOps_Box = {
    .create = box_create,
    .contains = box_contains,
    .distance = box_distance,
    .select = box_select,
    .intersect = box_intersect,
    .map = box_map,
    .normals = box_normals,
    .name = box_name,
};
