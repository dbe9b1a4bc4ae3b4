/* Pieces of a product: a part of the body, or planes through it, times the interval of time or one time. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "product.h"

#define SHIFTS 16
#define POINTS 1024 /* of each shift, four times that inside: measures come with the scatter of the shifts */

PetscErrorCode ProductCreate(Domain domain, Config config, Product *product)
{
  Product p;

  PetscFunctionBegin;
  PetscCall(PetscNew(product));
  domain->data = p = *product;
  PetscCall(DomainReadTime(domain, config));
  p->first = domain->t == 0;
  p->n_space = domain->dim - (domain->t >= 0);
  PinnUserCheck(domain->t <= 0 || domain->t == domain->dim - 1,
                "%s: t is neither the first nor the last coordinate, as this domain needs",
                ConfigWhere(config, "problem.coordinates"));
  PinnUserCheck(p->n_space > 0, "%s: t is the only coordinate: a shape lies in space",
                ConfigWhere(config, "problem.coordinates"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductDestroy(Domain domain)
{
  Product p = domain->data;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  if (p->body) PetscCall(p->ops->destroy(p->body));
  for (int k = 0; k < p->n_part; k++) PetscCall(PetscFree(p->part[k].name));
  PetscCall(PetscFree(p->part));
  for (int w = 0; w < domain->n_word && p->chosen; w++) PetscCall(PetscFree(p->chosen[w]));
  PetscCall(PetscFree(p->chosen));
  PetscCall(PetscFree(p->n_chosen));
  PetscCall(PetscFree(domain->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductAddWord(Domain domain, const char *where, const char *word, int n, const int parts[])
{
  Product p = domain->data;
  const int w = domain->n_word;

  PetscFunctionBegin;
  for (int k = 0; k < w; k++)
    PinnUserCheck(strcmp(domain->word[k], word), "%s: the name '%s' is taken: names are for one shape or group each",
                  where, word);
  PetscCall(DomainAddWord(domain, "%s", word));
  PetscCall(PetscRealloc((size_t)(w + 1) * sizeof(int), &p->n_chosen));
  PetscCall(PetscRealloc((size_t)(w + 1) * sizeof(int *), &p->chosen));
  p->n_chosen[w] = n;
  PetscCall(PetscMalloc1(n, &p->chosen[w]));
  PetscCall(PetscArraycpy(p->chosen[w], parts, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { WORD_INTERIOR, WORD_BOUNDARY, WORD_WALLS };

PetscErrorCode ProductAddBasicWords(Domain domain)
{
  Product p = domain->data;
  int *faces, n = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(p->n_part, &faces));
  for (int k = 0; k < p->n_part; k++)
    if (p->part[k].face) faces[n++] = k;
  PetscCall(ProductAddWord(domain, "", "interior", 1, (int[]){0}));
  PetscCall(ProductAddWord(domain, "", "boundary", n, faces));
  PetscCall(ProductAddWord(domain, "", "walls", n, faces));
  PetscCall(PetscFree(faces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ProductContains(Domain domain, const double x[])
{
  const Product p = domain->data;
  if (domain->t >= 0) {
    const double low = domain->lower[domain->t], high = domain->upper[domain->t], t = x[domain->t];
    const double slack = ROUNDING * fmax(fabs(low), fabs(high));
    if (!(t >= low - slack && t <= high + slack)) return false;
  }
  return p->ops->contains(p->body, x + p->first);
}

double ProductDistance(Domain domain, const double x[])
{
  const Product p = domain->data;
  return p->ops->distance(p->body, x + p->first);
}

static bool is_space(const Product p, int coord)
{
  return coord >= p->first && coord < p->first + p->n_space;
}

static int space_held(const Product p, const Piece *piece)
{
  int n = 0;
  for (int h = 0; h < piece->n_held; h++) n += is_space(p, piece->held[h]);
  return n;
}

/* The place among the held coordinates of time, or -1. */
static int time_held(Domain domain, const Piece *piece)
{
  for (int h = 0; h < piece->n_held; h++)
    if (piece->held[h] == domain->t) return h;
  return -1;
}

static bool at_time_bound(Domain domain, const Piece *piece)
{
  const int h = time_held(domain, piece);
  return h >= 0 && (piece->value[h] == domain->lower[domain->t] || piece->value[h] == domain->upper[domain->t]);
}

void ProductMap(Domain domain, const Piece *piece, int n, const double unit[], double x[])
{
  const Product p = domain->data;
  const size_t ld = (size_t)domain->dim, ld_unit = (size_t)piece->n_cube;
  const bool section = space_held(p, piece) > 0;

  if (!section) p->ops->map(p->body, PetscMax(piece->part, 0), n, unit, ld_unit, x + p->first, ld);
  for (int i = 0; i < n; i++) {
    const double *u = unit + (size_t)i * ld_unit;
    double *xi = x + (size_t)i * ld;
    for (int c = 0, h = 0, k = 0; c < domain->dim; c++) {
      const bool held = h < piece->n_held && piece->held[h] == c, time = c == domain->t;
      const double part = held ? 0 : time ? u[piece->n_cube - 1] : section ? u[k++] : 0;
      if (held)
        xi[c] = piece->value[h++];
      else if (time || section)
        xi[c] = domain->lower[c] * (1 - part) + domain->upper[c] * part;
    }
  }
}

void ProductAccept(Domain domain, const Piece *piece, int n, const double unit[], const double x[], bool keep[])
{
  const Product p = domain->data;
  const size_t ld = (size_t)domain->dim;
  if (space_held(p, piece) == 0)
    p->ops->accept(p->body, PetscMax(piece->part, 0), n, unit, (size_t)piece->n_cube, x + p->first, ld, keep);
  else
    for (int i = 0; i < n; i++) keep[i] = p->ops->contains(p->body, x + (size_t)i * ld + p->first);
}

void ProductNormals(Domain domain, const Piece *piece, int n, const double x[], double normal[])
{
  const Product p = domain->data;
  const size_t ld = (size_t)domain->dim;
  for (int i = 0; i < n; i++) {
    double *ni = normal + (size_t)i * ld;
    memset(ni, 0, ld * sizeof(double));
    if (piece->face < p->n_part)
      p->ops->normal(p->body, piece->face, x + (size_t)i * ld + p->first, ni + p->first);
    else
      ni[domain->t] = piece->face == p->n_part ? -1 : 1;
  }
}

/* The share of the mapped points that is kept, with its standard error, by randomly shifted Sobol points. */
static PetscErrorCode estimate(Domain domain, const Piece *piece, uint32_t block, double *fraction, double *error)
{
  const Sampling sampling = {.sampler = ChoiceFind(&SamplerTable, piece->n_cube > 40 ? "uniform" : "sobol")};
  const int n = block ? POINTS : 4 * POINTS;
  double *unit, *x, sum = 0, square = 0;
  bool *keep;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)n * (size_t)piece->n_cube, &unit, (size_t)n * (size_t)domain->dim, &x, n, &keep));
  for (uint32_t shift = 0; shift < SHIFTS; shift++) {
    const Draw draw = {
        .sampling = &sampling, .key = {0, RANDOM_MEASURE, block, shift}, .dim = piece->n_cube, .count = n, .n = n};
    int kept = 0;
    PetscCall(SamplerDraw(&draw, unit));
    ProductMap(domain, piece, n, unit, x);
    ProductAccept(domain, piece, n, unit, x, keep);
    for (int i = 0; i < n; i++) kept += keep[i];
    sum += (double)kept / n;
    square += PetscSqr((double)kept / n);
  }
  PetscCall(PetscFree3(unit, x, keep));
  *fraction = sum / SHIFTS;
  *error = sqrt(fmax(square / SHIFTS - PetscSqr(*fraction), 0) / (SHIFTS - 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Space without time, so that no cube coordinate is spent on it. */
static PetscErrorCode estimate_space(Domain domain, Piece piece, uint32_t block, double *fraction, double *error)
{
  int held[2];
  double value[2];

  PetscFunctionBegin;
  if (domain->t >= 0 && !piece.n_held) {
    held[0] = domain->t;
    value[0] = domain->lower[domain->t];
    piece.n_held = 1, piece.held = held, piece.value = value;
  }
  PetscCall(estimate(domain, &piece, block, fraction, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Measures a part when it is first asked for. */
static PetscErrorCode settle_part(Domain domain, int k)
{
  Product p = domain->data;
  Part *part = &p->part[k];
  const Piece piece = {.n_cube = part->n_cube, .part = k};

  PetscFunctionBegin;
  if (part->settled) PetscFunctionReturn(PETSC_SUCCESS);
  part->settled = true;
  part->fraction = 1;
  if (part->rejects) {
    double error = 0;
    PetscCall(estimate_space(domain, piece, (uint32_t)k, &part->fraction, &error));
    if (isnan(part->log_measure)) {
      part->error = part->fraction > 0 ? error / part->fraction : 0;
      part->log_measure = part->log_proposal + log(part->fraction);
    }
  } else {
    part->log_measure = part->log_proposal;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductFinish(Domain domain, const char *where)
{
  Product p = domain->data;

  PetscFunctionBegin;
  for (int c = p->first; c < p->first + p->n_space; c++)
    PinnUserCheck(domain->lower[c] < domain->upper[c], "%s: the domain is empty", where);
  PetscCall(settle_part(domain, 0));
  PinnUserCheck(p->part[0].fraction > 0, "%s: the domain is empty: none of %d points of its bounding box lies in it",
                where, SHIFTS * 4 * POINTS);
  domain->log_measure = p->part[0].log_measure;
  domain->error = p->part[0].error;
  if (domain->t >= 0) domain->log_measure += log(domain->upper[domain->t] - domain->lower[domain->t]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_time(Domain domain, double value, PieceList *list)
{
  const Piece piece = {.part = DOMAIN_ALL, .face = -1, .n_held = 1, .held = &domain->t, .value = &value};

  PetscFunctionBegin;
  PetscCall(PieceListAdd(list, &piece));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode select_plane(Domain domain, const Selector *selector, PieceList *list)
{
  const Product p = domain->data;
  const char *name = FormulaCoordinateName(domain->formula, selector->coord);
  int c = selector->coord;
  double value = selector->value;
  const double slack = ROUNDING * fmax(fabs(domain->lower[c]), fabs(domain->upper[c]));
  const Piece plane = {.part = DOMAIN_ALL, .face = -1, .n_held = 1, .held = &c, .value = &value};

  PetscFunctionBegin;
  if (DomainLeavesPlane(domain, selector)) PetscFunctionReturn(PETSC_SUCCESS);
  if (fabs(value - domain->lower[c]) <= slack) value = domain->lower[c];
  if (fabs(value - domain->upper[c]) <= slack) value = domain->upper[c];
  PinnUserCheck(value >= domain->lower[c] && value <= domain->upper[c],
                "%s: selects no points: %s = %lg lies outside [%lg, %lg]", selector->where, name, value,
                domain->lower[c], domain->upper[c]);
  for (int k = 1; k < p->n_part && c != domain->t; k++) {
    const Piece face = {.part = k, .face = -1};
    if (p->part[k].plane != c - p->first || fabs(p->part[k].value - value) > slack) continue;
    PetscCall(settle_part(domain, k));
    if (p->part[k].fraction > 0) PetscCall(PieceListAdd(list, &face));
  }
  PetscCall(PieceListAdd(list, &plane));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductSelect(Domain domain, const Selector *selector, PieceList *list)
{
  const Product p = domain->data;
  const int w = selector->word;

  PetscFunctionBegin;
  if (w < 0) {
    PetscCall(select_plane(domain, selector, list));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int k = 0; k < p->n_chosen[w]; k++) {
    const Piece piece = {.part = p->chosen[w][k], .face = -1};
    PetscCall(PieceListAdd(list, &piece));
  }
  if (w == WORD_BOUNDARY && domain->t >= 0) {
    const double first = domain->lower[domain->t], last = domain->upper[domain->t];
    if (!domain->slab || first == domain->whole[0]) PetscCall(add_time(domain, first, list));
    if (!domain->slab || last == domain->whole[1]) PetscCall(add_time(domain, last, list));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Merges what both hold; empty where they hold a coordinate at two values, where one is the open interior and the other
   on the boundary, where two parts differ, and where a face meets a plane other than its own. */
PetscErrorCode ProductIntersect(Domain domain, const Piece *a, const Piece *b, PieceList *list)
{
  const Product p = domain->data;
  const Part *face;
  Piece both = {.part = PetscMax(a->part, b->part), .face = -1};
  bool empty = a->part > 0 && b->part > 0 && a->part != b->part;

  PetscFunctionBegin;
  for (int side = 0; side < 2; side++) {
    const Piece *open = side ? a : b, *other = side ? b : a;
    if (open->part == 0 && !open->n_held)
      empty = empty || (other->part > 0 && p->part[other->part].face) || at_time_bound(domain, other);
  }
  if (both.part == 0 && (a->n_held || b->n_held)) both.part = DOMAIN_ALL;
  face = both.part > 0 ? &p->part[both.part] : NULL;
  PetscCall(PetscMalloc2(a->n_held + b->n_held, &both.held, a->n_held + b->n_held, &both.value));
  for (int c = 0; c < domain->dim && !empty; c++) {
    for (int side = 0; side < 2; side++) {
      const Piece *from = side ? b : a;
      for (int h = 0; h < from->n_held; h++) {
        const double value = from->value[h];
        const double slack = ROUNDING * fmax(fabs(domain->lower[c]), fabs(domain->upper[c]));
        if (from->held[h] != c) continue;
        if (face && c != domain->t) {
          empty = empty || face->plane != c - p->first || fabs(face->value - value) > slack;
        } else if (both.n_held && both.held[both.n_held - 1] == c) {
          empty = empty || fabs(both.value[both.n_held - 1] - value) > slack;
        } else {
          both.held[both.n_held] = c;
          both.value[both.n_held++] = value;
        }
      }
    }
  }
  if (!empty) PetscCall(PieceListAdd(list, &both));
  PetscCall(PetscFree2(both.held, both.value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A plane that is a flat face has been selected as that face. */
static bool is_flat_face(Domain domain, const Piece *piece)
{
  const Product p = domain->data;
  if (space_held(p, piece) != 1) return false;
  for (int h = 0; h < piece->n_held; h++) {
    if (!is_space(p, piece->held[h])) continue;
    const double slack = ROUNDING * fmax(fabs(domain->lower[piece->held[h]]), fabs(domain->upper[piece->held[h]]));
    for (int k = 1; k < p->n_part; k++)
      if (p->part[k].face && p->part[k].plane == piece->held[h] - p->first && p->part[k].settled &&
          p->part[k].fraction > 0 && fabs(p->part[k].value - piece->value[h]) <= slack)
        return true;
  }
  return false;
}

static PetscErrorCode finish_section(Domain domain, Piece *piece, bool *empty)
{
  const Product p = domain->data;
  double fraction = 0, error = 0, x[64] = {0};

  PetscFunctionBegin;
  PetscCheck(p->n_space <= 64, PETSC_COMM_SELF, PETSC_ERR_PLIB, "planes in %d dimensions", p->n_space);
  piece->grid = GRID_CLOSED;
  piece->log_measure = 0;
  for (int c = p->first; c < p->first + p->n_space; c++) piece->log_measure += log(domain->upper[c] - domain->lower[c]);
  for (int h = 0; h < piece->n_held; h++) {
    const int c = piece->held[h];
    if (!is_space(p, c)) continue;
    piece->log_measure -= log(domain->upper[c] - domain->lower[c]);
    x[c - p->first] = piece->value[h];
  }
  piece->dim = piece->n_cube = p->n_space - space_held(p, piece);
  if (!piece->dim) {
    *empty = !p->ops->contains(p->body, x);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Piece space = *piece;
  const int t = time_held(domain, piece);
  if (domain->t >= 0 && t < 0) space.n_cube++;
  PetscCall(estimate(domain, &space, 0xffff, &fraction, &error));
  piece->rejects = fraction < 1;
  piece->fraction = fraction;
  piece->log_measure += log(fraction);
  piece->error = fraction > 0 ? error / fraction : 0;
  *empty = fraction == 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode finish_part(Domain domain, Piece *piece, bool *empty)
{
  const Product p = domain->data;
  const int k = PetscMax(piece->part, 0);
  const Part *part = &p->part[k];

  PetscFunctionBegin;
  PetscCall(settle_part(domain, k));
  piece->dim = part->dim;
  piece->n_cube = part->n_cube;
  piece->grid = part->grid;
  piece->log_measure = part->log_measure;
  piece->error = part->error;
  piece->rejects = part->rejects;
  piece->thinned = part->thinned;
  piece->fraction = part->fraction;
  if (part->face || part->cut) piece->face = at_time_bound(domain, piece) ? -1 : k;
  *empty = part->fraction == 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductFinishPieces(Domain domain, PieceList *list)
{
  const Product p = domain->data;
  int kept = 0;

  PetscFunctionBegin;
  for (int i = 0; i < list->n; i++) {
    Piece *piece = &list->piece[i];
    bool empty = is_flat_face(domain, piece);
    if (!empty && space_held(p, piece))
      PetscCall(finish_section(domain, piece, &empty));
    else if (!empty)
      PetscCall(finish_part(domain, piece, &empty));
    if (empty) {
      PetscCall(PetscFree2(piece->held, piece->value));
      continue;
    }
    const int t = time_held(domain, piece);
    if (t >= 0 && at_time_bound(domain, piece) && !space_held(p, piece) && piece->part <= 0)
      piece->face = p->n_part + (piece->value[t] == domain->upper[domain->t]);
    if (domain->t >= 0 && t < 0) {
      piece->dim++;
      piece->n_cube++;
      if (piece->dim == 1) piece->log_measure = 0;
      piece->log_measure += log(domain->upper[domain->t] - domain->lower[domain->t]);
      if (piece->dim == 1) piece->grid = GRID_CLOSED;
    }
    if (!piece->dim) piece->log_measure = -INFINITY;
    list->piece[kept++] = *piece;
  }
  list->n = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ProductName(Domain domain, const Piece *piece, char *text, size_t size)
{
  const Product p = domain->data;
  if (piece->part > 0)
    snprintf(text, size, "%s", p->part[piece->part].name);
  else
    snprintf(text, size, "t = %lg", piece->n_held ? piece->value[0] : NAN);
}

bool ProductWithin(Domain domain, int word, const double x[])
{
  const Product p = domain->data;
  for (int k = 0; k < p->n_chosen[word]; k++) {
    const int part = p->chosen[word][k];
    if (p->part[part].dim == p->n_space && (!p->ops->within || p->ops->within(p->body, part, x + p->first)))
      return true;
  }
  return false;
}
