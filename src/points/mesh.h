/* Meshes as simplices: tensor cells are cut into triangles or tetrahedra, which is exact for straight faces. */
#pragma once
#include <petscdmplex.h>
#include "points_impl.h"
#include "tiling.h"

typedef struct {
  char *name;
  bool cells; /* of cells, else of facets */
  int tag;
} MeshGroup;

/* Simplices of one kind: n with `corners` vertices each. */
typedef struct {
  int n, capacity, corners;
  int *vertex;     /* [n][corners] */
  int *group;      /* [n] number in groups, -1 = none */
  double *measure; /* [n] */
  double *normal;  /* [n][dim] outward where outer, out of the group with the smaller number where apart; facets only */
  bool *outer;     /* [n] on the boundary, facets only */
  bool *apart;     /* [n] between cells of two groups, facets only */
} Simplices;

typedef struct {
  int dim, n_cell; /* n_cell as the file has them */
  double *x;       /* [vertices][dim] */
  Simplices cells, facets;
  int n_group;
  MeshGroup *group;
  double lower[3], upper[3];
  int n_bucket[3]; /* of a regular grid of the bounding box */
  int *first;      /* [buckets + 1] */
  int *member;     /* cells whose box overlaps the bucket */
  Tiler whole;     /* vertices and cells as the file has them */
} Mesh;

/* Reads file, in the formats of DMPlex, into mesh. where starts the messages. Every rank reads for itself. Errors: no
   such file, a format or content that cannot be read, another dimension than dim, physical groups without a name, cells
   that are inverted or have no volume. */
PetscErrorCode MeshRead(const char *where, const char *file, int dim, Mesh *mesh);
PetscErrorCode MeshFree(Mesh *mesh);
/* Returns a user's mistake where the text of a Gmsh file, of format 2.2 or 4.1, is not as the format says. */
PetscErrorCode MeshCheckText(const char *where, const char *file, const char *text);

/* Fills `whole` from dm, whose vertices mesh->x has. */
PetscErrorCode MeshKeepCells(DM dm, Mesh *mesh);

/* Builds the buckets. */
PetscErrorCode MeshIndex(Mesh *mesh);
/* Is x in a cell of this group, to rounding (-1: of any)? Cost: the cells of one bucket. */
bool MeshContains(const Mesh *mesh, int group, const double x[]);
/* To the nearest outer facet, without sign. Cost: all of them. */
double MeshDistance(const Mesh *mesh, const double x[]);
/* Which of n facets is nearest to x. */
int MeshNearestFacet(const Mesh *mesh, int n, const int facets[], const double x[]);
