/* The cells of a file of fields that a rank writes: those of a regular grid whose lowest node is in its range of nodes,
   or a range of those of a tiling. */
#pragma once
#include "output_impl.h"

typedef struct {
  hsize_t first, n, count;          /* cells: global number of the first local one, local, global */
  hsize_t first_id, n_id, count_id; /* of their corners */
  int64_t *connectivity;            /* [n_id] */
  int64_t *offsets;                 /* [n + 1] */
  unsigned char *types;             /* [n] VTK's numbers */
} Cells;

/* Numbers of nodes of each rank and before it, times width. Collective. */
PetscErrorCode CellsShareSizes(MPI_Comm comm, const PointSet *points, int width, PetscMPIInt count[],
                               PetscMPIInt first[]);
/* mesh->inside of all nodes on all ranks, allocated; NULL where it is. Collective. */
PetscErrorCode CellsGatherInside(MPI_Comm comm, const FieldsMesh *mesh, const PointSet *points, bool **inside);
PetscErrorCode CellsCreate(MPI_Comm comm, const FieldsMesh *mesh, const PointSet *points, Cells *cells);
PetscErrorCode CellsDestroy(Cells *cells);
