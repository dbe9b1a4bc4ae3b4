/* Cells of a regular grid from the numbers of their nodes, and the share of a rank in those of a tiling. */
#include <string.h>
#include "cells.h"

typedef struct {
  const FieldsMesh *mesh;
  int corners;        /* 1, 2, 4 or 8 */
  unsigned char type; /* VTK's number */
  int64_t offset[8];  /* from the lowest node to each corner, in VTK's order */
} Grid;

/* A cell spans every coordinate that has more than one node. */
static void set_shape(Grid *grid)
{
  static const unsigned char types[] = {1, 3, 9, 12}; /* vertex, line, quadrilateral, hexahedron */
  int64_t stride = 1;
  int span = 0;

  grid->offset[0] = 0;
  for (int k = 0; k < grid->mesh->dim; stride *= grid->mesh->n[k++]) {
    if (grid->mesh->n[k] == 1) continue;
    const int half = 1 << span;
    /* VTK goes round a face; the second span mirrors the first, the third repeats the face below. */
    for (int c = 0; c < half; c++) grid->offset[half + c] = stride + grid->offset[span == 1 ? half - 1 - c : c];
    span++;
  }
  grid->corners = 1 << span;
  grid->type = types[span];
}

/* Is node the lowest corner of a cell whose corners are all in the domain?  inside [in] of all nodes, or NULL. */
static bool has_cell(const Grid *grid, const bool inside[], int64_t node)
{
  const FieldsMesh *mesh = grid->mesh;
  int64_t index = node;
  for (int k = 0; k < mesh->dim; index /= mesh->n[k++])
    if (mesh->n[k] > 1 && index % mesh->n[k] == mesh->n[k] - 1) return false;
  for (int c = 0; inside && c < grid->corners; c++)
    if (!inside[node + grid->offset[c]]) return false;
  return true;
}

PetscErrorCode CellsShareSizes(MPI_Comm comm, const PointSet *points, int width, PetscMPIInt count[],
                               PetscMPIInt first[])
{
  const PetscMPIInt mine[2] = {points->n * width, (PetscMPIInt)points->first * width};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allgather(&mine[0], 1, MPI_INT, count, 1, MPI_INT, comm));
  PetscCallMPI(MPI_Allgather(&mine[1], 1, MPI_INT, first, 1, MPI_INT, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CellsGatherInside(MPI_Comm comm, const FieldsMesh *mesh, const PointSet *points, bool **inside)
{
  PetscMPIInt n_rank, *count, *first;

  PetscFunctionBegin;
  *inside = NULL;
  if (!mesh->inside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  PetscCall(PetscMalloc2(n_rank, &count, n_rank, &first));
  PetscCall(PetscMalloc1(points->count, inside));
  PetscCall(CellsShareSizes(comm, points, 1, count, first));
  PetscCallMPI(MPI_Allgatherv(mesh->inside, points->n, MPI_C_BOOL, *inside, count, first, MPI_C_BOOL, comm));
  PetscCall(PetscFree2(count, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode allocate(Cells *cells)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(cells->n_id, &cells->connectivity, cells->n + 1, &cells->offsets, cells->n, &cells->types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode from_grid(MPI_Comm comm, const FieldsMesh *mesh, const PointSet *points, Cells *cells)
{
  Grid grid = {.mesh = mesh};
  uint64_t last, count, n = 0;
  bool *inside;

  PetscFunctionBegin;
  set_shape(&grid);
  PetscCall(CellsGatherInside(comm, mesh, points, &inside));
  for (int i = 0; i < points->n; i++) n += has_cell(&grid, inside, points->first + i);
  PetscCallMPI(MPI_Scan(&n, &last, 1, MPI_UINT64_T, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(&n, &count, 1, MPI_UINT64_T, MPI_SUM, comm));
  const hsize_t corners = (hsize_t)grid.corners;
  *cells = (Cells){last - n, n, count, (last - n) * corners, n * corners, count * corners, NULL, NULL, NULL};
  PetscCall(allocate(cells));
  int64_t *corner = cells->connectivity;
  for (int i = 0; i < points->n; i++) {
    const int64_t node = points->first + i;
    for (int c = 0; c < grid.corners && has_cell(&grid, inside, node); c++) *corner++ = node + grid.offset[c];
  }
  for (hsize_t i = 0; i <= n; i++) cells->offsets[i] = (int64_t)((cells->first + i) * corners);
  memset(cells->types, grid.type, n);
  PetscCall(PetscFree(inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode from_tiling(MPI_Comm comm, const Tiling *tiling, Cells *cells)
{
  PetscMPIInt rank, n_rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  const PetscInt count = tiling->n_cell;
  const PetscInt first = (PetscInt)((int64_t)count * rank / n_rank),
                 end = (PetscInt)((int64_t)count * (rank + 1) / n_rank);
  const PetscInt ids = count ? tiling->first[count] : 0, id = count ? tiling->first[first] : 0;
  *cells = (Cells){.first = (hsize_t)first, .n = (hsize_t)(end - first), .count = (hsize_t)count};
  cells->first_id = (hsize_t)id;
  cells->n_id = count ? (hsize_t)(tiling->first[end] - id) : 0;
  cells->count_id = (hsize_t)ids;
  PetscCall(allocate(cells));
  for (hsize_t i = 0; i < cells->n_id; i++) cells->connectivity[i] = tiling->node[(hsize_t)id + i];
  for (hsize_t k = 0; k <= cells->n; k++) cells->offsets[k] = count ? tiling->first[cells->first + k] : 0;
  PetscCall(PetscArraycpy(cells->types, tiling->type + first, cells->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CellsCreate(MPI_Comm comm, const FieldsMesh *mesh, const PointSet *points, Cells *cells)
{
  PetscFunctionBegin;
  if (mesh->tiling)
    PetscCall(from_tiling(comm, mesh->tiling, cells));
  else
    PetscCall(from_grid(comm, mesh, points, cells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CellsDestroy(Cells *cells)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(cells->connectivity, cells->offsets, cells->types));
  PetscFunctionReturn(PETSC_SUCCESS);
}
