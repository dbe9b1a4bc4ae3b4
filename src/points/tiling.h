/* Tilings while they grow: of the body in space first, then multiplied by time. */
#pragma once
#include "points_impl.h"

#define TILING_CORNERS 8 /* of a cell, at most */

typedef struct {
  Tiling tiling; /* of space */
  PetscInt node_room, cell_room, id_room;
} Tiler;

/* number [out], NULL = not wanted */
PetscErrorCode TilerAddNode(Tiler *tiler, const double x[], PetscInt *number);
PetscErrorCode TilerAddCell(Tiler *tiler, int type, int n, const PetscInt nodes[]);
/* Appends all of `from` to a tiler without anything. */
PetscErrorCode TilerCopy(const Tiler *from, Tiler *tiler);
/* The cells of a regular grid of n[dim] nodes from lower to upper, cut along the surface of what `contains` holds, a
   closed set. */
PetscErrorCode TilerCut(Tiler *tiler, const PetscInt n[], const double lower[], const double upper[],
                        bool (*contains)(void *, const double x[]), void *context);
