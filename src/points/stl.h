/* Closed surfaces of triangles, as STL files have them: reading, and a tree of boxes that finds the nearest facet and
   what a ray meets. */
#pragma once
#include "points_impl.h"

typedef struct {
  double lower[3], upper[3];
  int first, n; /* facets of a leaf in the tree's order; n = 0: the children are the next node and `right` */
  int right;
} SurfaceNode;

typedef struct {
  int n; /* facets */
  int n_vertex;
  double *x;      /* [n_vertex][3] */
  int *corner;    /* [n][3] vertices, counterclockwise from outside */
  int *face;      /* [n] number of the solid of the file that it belongs to */
  double *area;   /* [n] */
  double *normal; /* [n][3] outward unit vectors */
  int n_face;
  char (*name)[40]; /* [n_face] of the solids */
  double lower[3], upper[3], volume;
  int n_node;
  SurfaceNode *node; /* [n_node] depth first */
  int *order;        /* [n] facets as the leaves have them */
} Surface;

/* Reads text or binary STL. Its vertices are joined where they have the same coordinates. Every rank reads for itself.
   Errors, beginning with `where`: no such file, of another format or length, a corner that is not finite, a facet
   without area, an edge that does not join two facets of one orientation, no volume. A surface all of whose facets look
   inwards is turned. That it does not cut itself is not checked. */
PetscErrorCode SurfaceRead(const char *where, const char *file, Surface *surface);
PetscErrorCode SurfaceFree(Surface *surface);

/* Builds the tree. Cost: n log(n)^2. */
PetscErrorCode SurfaceIndex(Surface *surface);
/* The distance to the nearest facet, of one face (-1: of any); its number where facet is not NULL. Cost: log(n). */
double SurfaceDistance(const Surface *surface, int face, const double x[], int *facet);
/* How often the surface winds around x: 1 inside, 0 outside of one that does not cut itself. */
int SurfaceWinding(const Surface *surface, const double x[]);
