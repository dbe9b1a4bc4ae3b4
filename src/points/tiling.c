/* Tilings of bodies in space, their product with an interval of time, and the regions of their cells. */
#include <string.h>
#include "product.h"
#include "tiling.h"

PetscErrorCode TilerAddNode(Tiler *tiler, const double x[], PetscInt *number)
{
  Tiling *t = &tiler->tiling;
  const size_t dim = (size_t)t->dim;
  PetscFunctionBegin;
  PetscCheck(t->n_node < PETSC_MAX_INT / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "too many nodes of a tiling");
  if (t->n_node == tiler->node_room) {
    tiler->node_room = 2 * tiler->node_room + 64;
    PetscCall(PetscRealloc((size_t)tiler->node_room * dim * sizeof(double), &t->x));
  }
  memcpy(t->x + (size_t)t->n_node * dim, x, dim * sizeof(double));
  if (number) *number = t->n_node;
  t->n_node++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TilerAddCell(Tiler *tiler, int type, int n, const PetscInt nodes[])
{
  Tiling *t = &tiler->tiling;
  PetscFunctionBegin;
  if (t->n_cell + 1 >= tiler->cell_room) {
    tiler->cell_room = 2 * tiler->cell_room + 64;
    PetscCall(PetscRealloc((size_t)tiler->cell_room, &t->type));
    PetscCall(PetscRealloc((size_t)tiler->cell_room * sizeof(PetscInt), &t->first));
    if (!t->n_cell) t->first[0] = 0;
  }
  const PetscInt first = t->first[t->n_cell];
  PetscCheck(first < PETSC_MAX_INT / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "too many cells of a tiling");
  if (first + n > tiler->id_room) {
    tiler->id_room = 2 * tiler->id_room + 512;
    PetscCall(PetscRealloc((size_t)tiler->id_room * sizeof(PetscInt), &t->node));
  }
  PetscCall(PetscArraycpy(t->node + first, nodes, n));
  t->type[t->n_cell++] = (unsigned char)type;
  t->first[t->n_cell] = first + n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TilerCopy(const Tiler *from, Tiler *tiler)
{
  const Tiling *t = &from->tiling;
  PetscFunctionBegin;
  for (PetscInt i = 0; i < t->n_node; i++) PetscCall(TilerAddNode(tiler, t->x + i * t->dim, NULL));
  for (PetscInt k = 0; k < t->n_cell; k++)
    PetscCall(TilerAddCell(tiler, t->type[k], (int)(t->first[k + 1] - t->first[k]), t->node + t->first[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TilingDestroy(Tiling *tiling)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(tiling->x));
  PetscCall(PetscFree(tiling->type));
  PetscCall(PetscFree(tiling->first));
  PetscCall(PetscFree(tiling->node));
  PetscCall(PetscFree(tiling->name));
  PetscCall(PetscFree(tiling->region));
  *tiling = (Tiling){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A cell between two copies of one of space; nodes of the later copy are `stride` further. */
static PetscErrorCode add_product(Tiler *tiler, int type, int n, const PetscInt nodes[], PetscInt stride)
{
  PetscInt corner[TILING_CORNERS];
  PetscFunctionBegin;
  for (int i = 0; i < n; i++) {
    corner[i] = nodes[i];
    corner[n + i] = nodes[type == 3 ? n - 1 - i : i] + stride;
  }
  PetscCall(TilerAddCell(tiler, type == 3 ? 9 : type == 5 ? 13 : 12, 2 * n, corner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode multiply_by_time(Domain domain, PetscInt n, const Tiling *space, Tiler *whole)
{
  const Product p = domain->data;
  double x[3];
  PetscFunctionBegin;
  for (PetscInt level = 0; level < n; level++) {
    const double unit = (double)level / (double)(n - 1);
    x[domain->t] = domain->lower[domain->t] * (1 - unit) + domain->upper[domain->t] * unit;
    for (PetscInt i = 0; i < space->n_node; i++) {
      memcpy(x + p->first, space->x + i * space->dim, (size_t)space->dim * sizeof(double));
      PetscCall(TilerAddNode(whole, x, NULL));
    }
  }
  for (PetscInt level = 0; level + 1 < n; level++)
    for (PetscInt k = 0; k < space->n_cell; k++) {
      const int corners = (int)(space->first[k + 1] - space->first[k]);
      PetscInt nodes[TILING_CORNERS];
      for (int i = 0; i < corners; i++) nodes[i] = space->node[space->first[k] + i] + level * space->n_node;
      PetscCall(add_product(whole, space->type[k], corners, nodes, space->n_node));
    }
  if (space->n_region) PetscCall(PetscMalloc1(whole->tiling.n_cell, &whole->tiling.region));
  for (PetscInt k = 0; k < whole->tiling.n_cell && space->n_region; k++)
    whole->tiling.region[k] = space->region[k % space->n_cell];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parts of the interior with a name. */
static PetscErrorCode list_regions(const Product p, int *n, int **part)
{
  PetscFunctionBegin;
  *n = 0;
  PetscCall(PetscMalloc1(p->n_part, part));
  for (int k = 1; k < p->n_part; k++)
    if (p->part[k].dim == p->n_space) (*part)[(*n)++] = k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a point of the body: the number among the n parts, or -1. */
static int region_at(const Product p, int n, const int part[], const double x[])
{
  for (int r = 0; r < n; r++)
    if (p->ops->within(p->body, part[r], x)) return r;
  return -1;
}

typedef struct {
  Product product;
  int n, r;
  const int *part; /* [n] */
} Selected;

static bool is_selected(void *context, const double x[])
{
  const Selected *s = context;
  const Product p = s->product;
  if (!p->ops->contains(p->body, x)) return false;
  return s->r < 0 ? region_at(p, s->n, s->part, x) < 0 : p->ops->within(p->body, s->part[s->r], x);
}

/* Each region by itself, so that cells end at its surface and both sides have their own nodes there. */
static PetscErrorCode cut_regions(Domain domain, const PetscInt n[], int n_region, const int part[], Tiler *space)
{
  const Product p = domain->data;
  Selected selected = {p, n_region, -1, part};
  PetscFunctionBegin;
  for (; selected.r < n_region; selected.r++) {
    const PetscInt first = space->tiling.n_cell;
    PetscCall(
        TilerCut(space, n + p->first, domain->lower + p->first, domain->upper + p->first, is_selected, &selected));
    if (!n_region) break;
    PetscCall(PetscRealloc((size_t)space->tiling.n_cell * sizeof(int), &space->tiling.region));
    for (PetscInt k = first; k < space->tiling.n_cell; k++) space->tiling.region[k] = selected.r;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The body's own mesh; of each cell the region that has its center. */
static PetscErrorCode take_mesh(const Product p, int n_region, const int part[], Tiler *space)
{
  Tiling *t = &space->tiling;
  PetscFunctionBegin;
  PetscCall(p->ops->tile(p->body, space));
  if (n_region) PetscCall(PetscMalloc1(t->n_cell, &t->region));
  for (PetscInt k = 0; k < t->n_cell && n_region; k++) {
    const PetscInt corners = t->first[k + 1] - t->first[k];
    double center[3] = {0};
    for (PetscInt i = 0; i < corners; i++)
      for (int c = 0; c < t->dim; c++) center[c] += t->x[t->node[t->first[k] + i] * t->dim + c] / (double)corners;
    t->region[k] = region_at(p, n_region, part, center);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductTile(Domain domain, bool own, const PetscInt n[], Tiling *tiling)
{
  const Product p = domain->data;
  Tiler space = {.tiling.dim = p->n_space}, whole = {.tiling.dim = domain->dim};
  int *part, n_region;
  PetscFunctionBegin;
  PetscCheck(domain->dim <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "cells of dimension %d", domain->dim);
  PetscCall(list_regions(p, &n_region, &part));
  if (own)
    PetscCall(take_mesh(p, n_region, part, &space));
  else
    PetscCall(cut_regions(domain, n, n_region, part, &space));
  space.tiling.n_region = n_region;
  if (domain->t < 0) {
    *tiling = space.tiling;
  } else {
    PetscCall(multiply_by_time(domain, n[domain->t], &space.tiling, &whole));
    PetscCall(TilingDestroy(&space.tiling));
    *tiling = whole.tiling;
  }
  tiling->n_region = n_region;
  if (n_region) PetscCall(PetscMalloc1(n_region, &tiling->name));
  for (int r = 0; r < n_region; r++) tiling->name[r] = p->part[part[r]].name;
  PetscCall(PetscFree(part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool DomainHasShape(Domain domain)
{
  return domain->ops->tile != NULL;
}

PetscInt DomainMeshVertices(Domain domain)
{
  if (!domain->ops->tile) return 0;
  const Product p = domain->data;
  return p->ops->vertices ? p->ops->vertices(p->body) : 0;
}

PetscErrorCode TilingCreate(Domain domain, bool own, const PetscInt n[], Tiling *tiling)
{
  PetscFunctionBegin;
  PetscCheck(domain->ops->tile && (!own || DomainMeshVertices(domain)), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "a domain without a tiling of its own");
  PetscCall(domain->ops->tile(domain, own, n, tiling));
  PetscFunctionReturn(PETSC_SUCCESS);
}
