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
     words   "interior"; "walls" = all faces of space; "boundary" = the walls and, with `t`, the first and last time
     names   of shapes and of all that is made of them, "hole"; one face of a shape, "outer.x.lower", "can.side"; one of
             equal balls, "disks[3]"; physical groups of a mesh. Without shapes around it, the face alone: "side".
     planes  x = VALUE, a constant expression: the flat faces there to 1e-12, else the plane inside; x.lower, x.upper
             for the bounds of the domain
   "x = 0 & y = 0" is an edge, or a point. Pieces that lie in other pieces of the selection count once. Curves in which
   a curved face meets a plane are not selected. */
typedef struct Region_s *Region;

/* The domain of the case over the formula's coordinates: a box in all of them, or a shape in space, which with a
   coordinate `t` is multiplied by the interval domain.time. formula is borrowed, for the constants in `on`; nothing of
   config is kept. Not collective. Errors: bounds that do not rise, or are not one for each coordinate or one for all;
   sizes that make no shape, a shape that does not exist in the dimension, a combination that is empty. */
PetscErrorCode DomainCreate(Config config, Formula formula, Domain *domain);
/* A slab of it, the times from times[0] to times[1]. Selections of the case that lie at other times, or at the first
   time of a slab that begins later than the case, give regions without points there. */
PetscErrorCode DomainCreateSlab(Config config, Formula formula, const double times[2], Domain *domain);
PetscErrorCode DomainDestroy(Domain *domain);
/* Is x at a time of this slab, rather than another's? Its last time is, and its first one if the case begins there;
   times outside of the case belong to the nearest slab. True for a domain that is no slab. */
bool DomainOwns(Domain domain, const double x[]);
int DomainDimension(Domain domain);
/* [dim] each, borrowed: they hold the domain, tightly where no shape is turned. */
void DomainBounds(Domain domain, const double **lower, const double **upper);
bool DomainContains(Domain domain, const double x[]);
/* A part of the interior by its name, a region of the case or a group of a mesh's cells: its number. Errors: no such
   name, or one of faces; they begin with `where`. And does it hold a point of the domain? */
PetscErrorCode DomainFindRegion(Domain domain, const char *where, const char *name, int *region);
bool DomainRegionContains(Domain domain, int region, const double x[]);
/* Signed distance in space to the boundary, negative inside; t is ignored. Exact for a box and a single shape. A
   combination has the right sign and at most the true size; exact outside of a union and inside of an intersection or
   difference of single shapes. */
double DomainDistance(Domain domain, const double x[]);
/* Volume, with t times its interval, and its standard error: 0 where it is a closed form. */
void DomainMeasure(Domain domain, double *measure, double *error);
const char *DomainDescribe(Domain domain); /* "box [0, 1] x [0, 1]"; owned by domain */

/* Parses a selection. domain is borrowed. Errors: unknown coordinate, word or face, a value outside the domain, a name
   no part of which is left, or a conjunction no point satisfies ("selects no points"). `where` starts these messages
   and those of PointSetSample. */
PetscErrorCode RegionCreate(Domain domain, const char *where, const char *on, Region *region);
/* The first time of a slab, where another one ends; without points where the domain begins with the case. */
PetscErrorCode RegionCreateStart(Domain domain, const char *where, Region *region);
PetscErrorCode RegionDestroy(Region *region);
/* What starts the messages of PointSetSample about the sampler and about the counts, where that is not `where`; copied.
   */
PetscErrorCode RegionSetPlaces(Region region, const char *sampler, const char *count);
bool RegionIsStart(Region region);       /* all of it lies at the first time */
bool RegionHasNormals(Region region);    /* every piece lies on one face of the boundary */
int RegionFreeDimensions(Region region); /* of its largest piece: 0 = single points */
/* Area of its pieces of that dimension (the number of single points), and its standard error. */
void RegionMeasure(Region region, double *measure, double *error);
/* The faces of space, and the first time, that lie in none of the n regions, as text: "hole2, t = 0"; empty where all
   are covered. Truncates to size. */
PetscErrorCode DomainUncovered(Domain domain, int n, const Region regions[], char *text, size_t size);

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
   Where a piece has no map of its own (combinations), points of its bounding box are drawn and those outside left out,
   in an order that does not depend on the ranks; a grid then keeps the nodes inside, near to the count; chebyshev and
   gauss-legendre are refused.
   sampling->key.block must be below 2^16: the piece's number takes the upper half.
   Every rank must call it, without communication. The caller frees with PointSetDestroy. Errors: PETSC_ERR_USER_INPUT
   for counts or dimensions that the sampler does not have. Cost: that of the local points; sobol and halton also run
   through those of the ranks before (14 and 100 ns a point in three dimensions), and every rank runs through all
   candidates of pieces without a map. */
#define POINTS_DRAWN 16777216 /* numbers of unit-cube coordinates, or one point's, that it holds at a time: 128 MB */
PetscErrorCode PointSetSample(MPI_Comm comm, Region region, const Sampling *sampling, PointSet *points);
/* Weights of the points of that set, on all ranks together, in integrals over the region: those of Gauss-Legendre
   nodes, else each piece's measure shared equally; pieces of fewer dimensions than the largest get none.
     weights  [out]  [count]
   Errors: as of PointSetSample, and a sampler whose nodes have no weights. */
PetscErrorCode PointSetWeights(Region region, const Sampling *sampling, double weights[]);
/* A set of given points, [count][dim], the same on all ranks, copied. */
PetscErrorCode PointSetGiven(MPI_Comm comm, PetscInt count, int dim, const double x[], PointSet *points);
PetscErrorCode PointSetDestroy(PointSet *points);

/* Columns of numbers from a file: text with a line of names and one line a row, values separated by commas (lines that
   begin with # are skipped), or HDF5 with a dataset a column. */
typedef struct {
  PetscInt n;
  int n_column;
  double **columns;       /* [n_column][n] */
  int *place;             /* [n] line of the text, or row of the datasets, from 1 */
  const char *place_name; /* "line" or "row" */
} Columns;
/* Reads the named columns; rank 0 reads, all ranks get them and the same outcome. Errors, beginning with `where`: no
   such file or column, lines of another length, what is not a finite number, no rows. Collective. */
PetscErrorCode ColumnsRead(MPI_Comm comm, const char *where, const char *path, int n, const char *const names[],
                           Columns *columns);
PetscErrorCode ColumnsDestroy(Columns *columns);

/* A regular grid over the domain's bounding box, for output: n[dim] nodes a coordinate, first coordinate fastest.
   All ranks get the share of a PointSet. Nodes outside the domain are kept: ask DomainContains. */
PetscErrorCode PointSetGrid(MPI_Comm comm, Domain domain, const PetscInt n[], PointSet *points);

/* Cells that tile a domain, for output. The same on all ranks. */
typedef struct {
  int dim;
  PetscInt n_node, n_cell;
  double *x;           /* [n_node][dim] */
  unsigned char *type; /* [n_cell] as VTK numbers them: 3 line, 5 triangle, 9 quadrilateral, 10 tetrahedron,
                          12 hexahedron, 13 wedge, 14 pyramid */
  PetscInt *first;     /* [n_cell + 1] where the nodes of each begin */
  PetscInt *node;      /* [first[n_cell]] in VTK's order */
  int n_region;        /* the domain's own, and physical groups of a mesh's cells */
  const char **name;   /* [n_region] borrowed from the domain */
  int *region;         /* [n_cell] number of the one that has its center, -1 = none; NULL without regions */
} Tiling;
/* Is the domain more than a box? Else a regular grid tiles it, and TilingCreate does not serve it. */
bool DomainHasShape(Domain domain);
PetscInt DomainMeshVertices(Domain domain); /* of a mesh as the file has them; 0 for other domains */
/* own: the mesh as the file has it, else the cells of a regular grid over the bounding box, those on the boundary cut
   along it into simplices; regions are cut out each by itself and have their own nodes on surfaces between them. With a
   coordinate t either is multiplied by a grid of its interval. Parts thinner than the grid are missed; corners between
   its nodes are cut off.
     n  [in]  [dim] nodes a coordinate, at least 2; own: that of t alone counts
   Freed with TilingDestroy. Cost: one inside test a node and 48 an edge that is cut. */
PetscErrorCode TilingCreate(Domain domain, bool own, const PetscInt n[], Tiling *tiling);
PetscErrorCode TilingDestroy(Tiling *tiling);
