/* The mesh as its file has it: what DMPlex calls cells, in the order of their vertices that VTK wants. */
#include "mesh.h"

static int vtk_type(DMPolytopeType type)
{
  switch (type) {
  case DM_POLYTOPE_TRIANGLE:
    return 5;
  case DM_POLYTOPE_QUADRILATERAL:
    return 9;
  case DM_POLYTOPE_TETRAHEDRON:
    return 10;
  case DM_POLYTOPE_HEXAHEDRON:
    return 12;
  case DM_POLYTOPE_TRI_PRISM:
    return 13;
  default:
    return 14; /* pyramid: MeshRead takes no other */
  }
}

static PetscErrorCode keep_cell(DM dm, PetscInt cell, PetscInt v0, PetscInt v1, Tiler *whole)
{
  PetscInt n_closure, *closure = NULL, node[TILING_CORNERS], n = 0;
  DMPolytopeType type;

  PetscFunctionBegin;
  PetscCall(DMPlexGetCellType(dm, cell, &type));
  PetscCall(DMPlexGetTransitiveClosure(dm, cell, PETSC_TRUE, &n_closure, &closure));
  for (PetscInt k = 0; k < n_closure; k++)
    if (closure[2 * k] >= v0 && closure[2 * k] < v1) node[n++] = closure[2 * k] - v0;
  PetscCall(DMPlexRestoreTransitiveClosure(dm, cell, PETSC_TRUE, &n_closure, &closure));
  PetscCall(DMPlexReorderCell(dm, cell, node));
  PetscCall(TilerAddCell(whole, vtk_type(type), (int)n, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeshKeepCells(DM dm, Mesh *mesh)
{
  PetscInt c0, c1, v0, v1;

  PetscFunctionBegin;
  mesh->whole.tiling.dim = mesh->dim;
  PetscCall(DMPlexGetHeightStratum(dm, 0, &c0, &c1));
  PetscCall(DMPlexGetDepthStratum(dm, 0, &v0, &v1));
  for (PetscInt v = 0; v < v1 - v0; v++) PetscCall(TilerAddNode(&mesh->whole, mesh->x + v * mesh->dim, NULL));
  for (PetscInt c = c0; c < c1; c++) PetscCall(keep_cell(dm, c, v0, v1, &mesh->whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}
