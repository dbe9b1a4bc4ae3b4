/* Where the rows are: domains, their boundary pieces, samplers and point sets.

   A point set is the same on any number of ranks: its points are numbered 0..count-1, and each rank holds the range
   [first, first + n) of them. */
#pragma once
#include "pinn/config.h"
#include "pinn/formula.h"
#include "pinn/random.h"

typedef struct Domain_s *Domain;
/* A part of the domain or of its boundary that a condition's `on` selects: terms joined by & (all of them hold) and,
   less tightly, by | (any of them does).
     box   x = VALUE, a constant expression: a face where it is a bound to 1e-12, else a plane inside; x.lower, x.upper;
           "boundary" = all faces, those of time included; "walls" = the faces of space (all coordinates but `t`);
           "interior"
     ball  "boundary" or "sphere", "interior"
   "x = 0 & y = 0" is an edge, or a point. Pieces that lie in other pieces of the selection count once. */
typedef struct Region_s *Region;

/* The domain of the case over the formula's coordinates. formula is borrowed, for the constants in `on`; nothing of
   config is kept. Not collective. Errors: bounds that do not rise, or are not one for each coordinate or one for all.
   */
PetscErrorCode DomainCreate(Config config, Formula formula, Domain *domain);
PetscErrorCode DomainDestroy(Domain *domain);
int DomainDimension(Domain domain);
void DomainBounds(Domain domain, const double **lower, const double **upper); /* [dim] each, borrowed */
bool DomainContains(Domain domain, const double x[]);
const char *DomainDescribe(Domain domain); /* "box [0, 1] x [0, 1]"; owned by domain */

/* Parses a selection. domain is borrowed. Errors: unknown coordinate, word or face, a value outside the domain or a
   conjunction no point satisfies ("selects no points"). `where` starts these messages and those of PointSetSample. */
PetscErrorCode RegionCreate(Domain domain, const char *where, const char *on, Region *region);
PetscErrorCode RegionDestroy(Region *region);
/* What starts the messages of PointSetSample about the sampler and about the counts, where that is not `where`; copied.
   */
PetscErrorCode RegionSetPlaces(Region region, const char *sampler, const char *count);
bool RegionHasNormals(Region region);    /* every piece lies on one face of the boundary */
int RegionFreeDimensions(Region region); /* of its largest piece: 0 = single points */

typedef struct {
  const Choice *sampler; /* row of SamplerTable */
  int n_count;           /* 1: total number; else points per free coordinate (grid, chebyshev, gauss-legendre) */
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

/* Draws points in a region; a region of several pieces shares the count by measure, by largest remainders, each at
   least one point; pieces that are single points give one each whatever the count. With grid, chebyshev and
   gauss-legendre the count of a piece is the power n^dim nearest to its share (n > 1 where the share is). Grid points
   on a boundary face include its edges; interior grids leave the boundary out. Normals come where RegionHasNormals.
   sampling->key.block must be below 2^16: the piece's number takes the upper half.
   Every rank must call it, without communication. The caller frees with PointSetDestroy. Errors: PETSC_ERR_USER_INPUT
   for counts or dimensions that the sampler does not have. Cost: that of the local points; sobol and halton also run
   through those of the ranks before (14 and 100 ns a point in three dimensions). */
PetscErrorCode PointSetSample(MPI_Comm comm, Region region, const Sampling *sampling, PointSet *points);
/* A set of given points, [count][dim], the same on all ranks, copied. */
PetscErrorCode PointSetGiven(MPI_Comm comm, PetscInt count, int dim, const double x[], PointSet *points);
PetscErrorCode PointSetDestroy(PointSet *points);

/* A regular grid over the domain's bounding box, for output: n[dim] nodes a coordinate, first coordinate fastest.
   All ranks get the share of a PointSet. Nodes outside the domain (ball) are kept: ask DomainContains. */
PetscErrorCode PointSetGrid(MPI_Comm comm, Domain domain, const PetscInt n[], PointSet *points);
