/* Where the rows are: domains, their boundary pieces, samplers and point sets.

   A point set is the same on any number of ranks: its points are numbered 0..count-1, and each rank holds the range
   [first, first + n) of them. */
#pragma once
#include "pinn/config.h"
#include "pinn/formula.h"
#include "pinn/random.h"

typedef struct Domain_s *Domain;
/* A part of the domain or of its boundary that a condition's `on` selects: "x = -1 | x = 1", "t = 0", "boundary",
   "x.lower", "x = 0 & y = 0" (an edge or a point), "interior". */
typedef struct Region_s *Region;

/* The domain of the case. Constants in `on` and in bounds are read through formula. Not collective. */
PetscErrorCode DomainCreate(Config config, Formula formula, Domain *domain);
PetscErrorCode DomainDestroy(Domain *domain);
int DomainDimension(Domain domain);
void DomainBounds(Domain domain, const double **lower, const double **upper); /* [dim] each, borrowed */
bool DomainContains(Domain domain, const double x[]);
const char *DomainDescribe(Domain domain); /* "box [0, 1] x [0, 1]"; owned by domain */

/* Parses a selection. Errors: unknown coordinate or face, a value outside the domain ("selects no points"), a
   conjunction no point satisfies. `where` starts the message. */
PetscErrorCode RegionCreate(Domain domain, const char *where, const char *on, Region *region);
PetscErrorCode RegionDestroy(Region *region);
bool RegionHasNormals(Region region);    /* every piece lies on one face of the boundary */
int RegionFreeDimensions(Region region); /* of its largest piece: 0 = single points */

typedef struct {
  const Choice *sampler; /* row of SamplerTable */
  int n_count;           /* 1: total number; dim: points per coordinate (grid, chebyshev) */
  const PetscInt *count;
  RandomKey key;
} Sampling;

/* One set of points. */
typedef struct {
  PetscInt count; /* on all ranks */
  PetscInt first; /* global number of the first local one */
  int n;          /* local */
  int dim;
  double *x;      /* [n][dim] */
  double *normal; /* [n][dim] outward unit normals, or NULL */
} PointSet;

/* Draws points in a region; a region of several pieces shares the count by measure (each at least one point). With grid
   and chebyshev samplers the count is the nearest product. Grid points on a boundary face include its edges; interior
   grids leave the boundary out.
   Collective on comm only in that every rank must call it. The caller frees with PointSetDestroy. */
PetscErrorCode PointSetSample(MPI_Comm comm, Region region, const Sampling *sampling, PointSet *points);
/* A set of given points, [count][dim], the same on all ranks, copied. */
PetscErrorCode PointSetGiven(MPI_Comm comm, PetscInt count, int dim, const double x[], PointSet *points);
PetscErrorCode PointSetDestroy(PointSet *points);

/* A regular grid over the domain's bounding box, for output: n[dim] nodes a coordinate, first coordinate fastest.
   All ranks get the share of a PointSet. Nodes outside the domain (ball) are kept: ask DomainContains. */
PetscErrorCode PointSetGrid(MPI_Comm comm, Domain domain, const PetscInt n[], PointSet *points);
