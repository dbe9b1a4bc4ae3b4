/* Shapes in space: primitives that are moved, and combinations of them. A primitive knows its distance, its faces and
   maps of unit cubes onto them in its own coordinates; everything outside this header is in those of the domain,
   x = scale * rotation * own + shift, with the placements of all enclosing combinations composed.

   Signed distance, negative inside: exact for primitives. Of a combination it has the right sign everywhere and never
   exceeds the true distance in size; a union of primitives is exact outside, an intersection or difference inside. */
#pragma once
#include "points_impl.h"

#define MAX_TREE_DIM 64 /* coordinates of moved shapes and of combinations */

typedef struct Shape_s *Shape;

typedef struct {
  char name[48];       /* "x.lower", "side" */
  int n_cube;          /* coordinates of its map, without the one that thins */
  GridRule grid;       /* of nodes on it */
  bool thinned;        /* its map is not uniform: a point stays with probability ops->density */
  bool chosen;         /* a coordinate of its map chooses a facet: no tensor products of nodes */
  double log_measure;  /* of its area */
  double log_proposal; /* of area / mean density, for thinned faces */
} ShapeFace;

/* Own coordinates throughout; x has the row stride ld, unit the row stride ld_unit. */
typedef struct {
  int min_dim, max_dim; /* of space; 0 = any */
  /* Fills data, lower, upper, log_measure, what fills it, the faces (ShapeSetFaces), and radius where the ball around
     its box is too large. path is that of its group in the case. */
  PetscErrorCode (*create)(Shape, Config, const char *path);
  PetscErrorCode (*destroy)(Shape); /* optional: data */
  double (*distance)(Shape, const double x[]);
  void (*normal)(Shape, int face, const double x[], double normal[]);
  double (*density)(Shape, int face, const double x[]); /* in (0, 1]; for thinned faces */
  void (*map)(Shape, int n, const double unit[], size_t ld_unit, double x[], size_t ld); /* where fill_cube > 0 */
  void (*map_face)(Shape, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld);
  bool (*flat)(Shape, int face); /* optional: does the face lie in a plane? */
} ShapeOps;

typedef enum { COMBINE_NONE, COMBINE_UNION, COMBINE_INTERSECTION, COMBINE_DIFFERENCE } Combination;

struct Shape_s {
  const ShapeOps *ops; /* NULL for combinations */
  Combination combination;
  Formula formula; /* borrowed, for names of coordinates */
  int dim, first;  /* coordinates: formula's first .. first + dim - 1 */
  char *name;      /* what the case calls it, or NULL */
  char *where;     /* starts messages */
  int n_child;
  Shape *child; /* [n_child] */
  bool placed;
  double scale, shift[MAX_TREE_DIM], rotation[3][3]; /* rotation is the identity above three dimensions */
  double *lower, *upper;                             /* [dim] bounding box */
  double *center, radius;                            /* [dim] bounding ball */
  double sign;                                       /* -1 where the tree takes it away */
  double log_measure;
  int fill_cube; /* coordinates of the unit cube that ops->map fills it from; 0 = none: by rejection */
  GridRule fill_grid;
  int n_face, first_face; /* faces; number of the first one in the tree */
  ShapeFace *face;        /* [n_face] */
  void *data;
};

/* A row of DomainTable: what serves it as a domain, and as a part of a combination. With both a shape and a combination
   it combines copies of the shape. */
typedef struct {
  const DomainOps *domain;
  const ShapeOps *shape;
  Combination combination;
} DomainType;

extern const ShapeOps ShapeOps_Ball;
/* What its create does, for a ball that the case does not describe by itself. */
PetscErrorCode ShapeCreateBall(Shape shape, const double center[], double radius);

/* Reads the shape at path ("domain", "domain.of[2]") with all its parts. formula is borrowed. Errors: a shape that does
   not exist in this dimension, bad sizes, no parts, a combination of a type that is no shape. */
PetscErrorCode ShapeCreate(Config config, const char *path, Formula formula, int first, int dim, Shape *shape);
PetscErrorCode ShapeDestroy(Shape *shape);

/* For create: the faces, all with n_cube coordinates and the rule GRID_CENTERED. */
PetscErrorCode ShapeSetFaces(Shape shape, int n_face, int n_cube);
/* One value a coordinate, or one for all. */
PetscErrorCode ShapeReadVector(Shape shape, Config config, const char *path, const char *key, double values[]);
PetscErrorCode ShapeReadReal(Config config, const char *path, const char *key, double *value);

double ShapeDistance(Shape shape, const double x[]);
/* Of a primitive: maps to points [n] with row stride ld, outward unit normals of its own. */
void ShapeMap(Shape leaf, int n, const double unit[], size_t ld_unit, double x[], size_t ld);
void ShapeMapFace(Shape leaf, int face, int n, const double unit[], size_t ld_unit, double x[], size_t ld);
void ShapeNormal(Shape leaf, int face, const double x[], double normal[]);
double ShapeDensity(Shape leaf, int face, const double x[]);

/* log of the volume in closed form, where there is one: primitives, and combinations of shapes whose bounding balls
   show that they are apart or one inside another. */
bool ShapeLogMeasure(Shape shape, double *log_measure);
/* Is a ball apart from the surface of the shape? Conservative. */
bool ShapeClearsBall(Shape shape, const double center[], double radius);

/* Unit vectors from unit-cube coordinates, uniform on the sphere: DirectionCube(dim) coordinates each. */
int DirectionCube(int dim);
void DirectionMap(int dim, const double unit[], double e[]);
double BallLogMeasure(int dim, double radius);
/* An orthonormal right-handed frame, in rows, whose last row has the direction of axis; false where it has none. */
bool FrameAround(const double axis[3], double frame[3][3]);
