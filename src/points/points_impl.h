/* Inside src/points: a region is a list of pieces, a piece is the image of a unit cube or the part of it that lies in
   the domain, a sampler fills the unit cube. So every sampler works on every piece of every domain. */
#pragma once
#include <math.h>
#include "pinn/error.h"
#include "pinn/points.h"

#define ROUNDING 1e-12 /* relative distance at which a point counts as on a boundary, a value as a bound */

/* Where a regular grid puts its n nodes on [0, 1]. */
typedef enum {
  GRID_OPEN,    /* i / (n + 1), i = 1..n: the ends belong to other pieces */
  GRID_CLOSED,  /* i / (n - 1), i = 0..n-1 */
  GRID_CENTERED /* (i + 1/2) / n: equal cells of a map that is periodic or singular at the ends */
} GridRule;

typedef struct {
  int dim;    /* free dimensions; 0 = a single point */
  int n_cube; /* coordinates of the unit cube that is mapped onto it */
  int face;   /* the one boundary face it lies on; -1 = none or several: no normals */
  GridRule grid;
  double log_measure; /* log of its volume, area, length; -inf for a point */
  double error;       /* standard error of the measure relative to it; 0 where it is exact */
  int part;           /* of the domain (product): DOMAIN_ALL, 0 = the interior, or a face or group */
  bool rejects;       /* only the points that ops->accept keeps belong to it */
  bool thinned;       /* a cube coordinate decides about rejection or chooses a cell: no tensor products */
  double fraction;    /* of points kept where it rejects, approximately */
  int n_held;         /* coordinates held at a value */
  int *held;          /* [n_held] ascending */
  double *value;      /* [n_held] */
} Piece;

#define DOMAIN_ALL (-1) /* the part of pieces that only hold coordinates */

typedef struct {
  int n, capacity;
  Piece *piece; /* [n] */
} PieceList;

/* Appends a copy. */
PetscErrorCode PieceListAdd(PieceList *list, const Piece *piece);
PetscErrorCode PieceListDestroy(PieceList *list);
/* Removes pieces that lie in another piece of the list, and repetitions. Cost: n^2. */
PetscErrorCode PieceListRemoveContained(PieceList *list);
/* Does small lie in big? The interior is open: it holds no piece but itself. */
bool PieceContains(const Piece *big, const Piece *small);

/* One term of a selection: a word, or the plane coordinate = value. */
typedef struct {
  const char *where; /* starts messages */
  int word;          /* number of the domain's word, or -1 */
  int coord;
  double value;
  bool cut; /* a first time where the domain was cut counts, too */
} Selector;

typedef struct {
  PetscErrorCode (*create)(Domain, Config);   /* fills lower, upper, text, measure, words, data */
  PetscErrorCode (*destroy)(Domain);          /* optional: data */
  bool (*contains)(Domain, const double x[]); /* closed, to rounding */
  double (*distance)(Domain, const double x[]);
  PetscErrorCode (*select)(Domain, const Selector *, PieceList *);
  PetscErrorCode (*intersect)(Domain, const Piece *, const Piece *, PieceList *); /* appends nothing where empty */
  PetscErrorCode (*finish)(Domain, PieceList *); /* optional: measures, removal of pieces without points */
  /* Unit-cube points [n][n_cube] to points [n][dim]; preserves measure up to a factor. */
  void (*map)(Domain, const Piece *, int n, const double unit[], double x[]);
  /* Which of them belong to a piece that rejects. */
  void (*accept)(Domain, const Piece *, int n, const double unit[], const double x[], bool keep[]);
  /* Outward unit normals [n][dim] of a piece with face >= 0. */
  void (*normals)(Domain, const Piece *, int n, const double x[], double normal[]);
  void (*name)(Domain, const Piece *, char *text, size_t size);           /* of one face, for messages */
  bool (*within)(Domain, int word, const double x[]);                     /* optional: is x in a region of that name? */
  PetscErrorCode (*tile)(Domain, bool own, const PetscInt n[], Tiling *); /* optional: TilingCreate */
} DomainOps;

struct Domain_s {
  const DomainOps *ops;
  Formula formula; /* borrowed */
  int dim;
  int t;                 /* the coordinate of time, or -1 */
  double *lower, *upper; /* [dim] bounding box */
  bool slab;             /* a part of the case's interval of time, which is whole */
  double whole[2];
  double log_measure, error;
  char *text;
  int n_word, word_capacity;
  char **word; /* [n_word] selections with a name */
  void *data;
};

/* Appends a word; printf. */
PetscErrorCode DomainAddWord(Domain domain, const char *format, ...);
/* Once the bounds of t are known: of a slab, they become its own. */
void DomainCutTime(Domain domain);
/* Is the plane in another slab? The first time of a slab belongs to the one before. */
bool DomainLeavesPlane(Domain domain, const Selector *plane);
/* Takes the bounds of t from domain.time. Errors: no such setting, or no such coordinate. */
PetscErrorCode DomainReadTime(Domain domain, Config config);

struct Region_s {
  Domain domain;                             /* borrowed */
  char *where, *sampler_where, *count_where; /* start messages */
  PieceList pieces;
};

/* The range [first, first + n) of `count` points in the unit cube. */
typedef struct {
  const Sampling *sampling;
  RandomKey key;
  int dim;
  GridRule grid;
  PetscInt count, first;
  int n;
} Draw;

/* Either draw or nodes is set. */
typedef struct {
  int max_dim;                                                       /* 0 = any */
  PetscInt max_count;                                                /* 0 = any */
  PetscErrorCode (*draw)(const Draw *, double unit[]);               /* [n][dim], in (0, 1) */
  PetscErrorCode (*nodes)(GridRule grid, PetscInt n, double node[]); /* tensor products of n nodes in [0, 1] */
  bool gaps;                                                         /* nodes may be left out */
  /* of integrals over [0, 1], at `n` nodes: [n]. Optional: draws weigh alike, and nodes then have none. */
  PetscErrorCode (*weights)(PetscInt n, double weight[]);
} SamplerOps;

/* How many points the sampler places on a piece whose share is `share`: tensor products have their own numbers, on a
   piece that rejects those of all nodes. Errors: more dimensions than the sampler has, nodes on a piece that they
   cannot fill (both begin with sampler_where), counts that do not fit the piece, too many points (count_where). */
PetscErrorCode SamplerCount(const Sampling *sampling, const char *sampler_where, const char *count_where,
                            const Piece *piece, PetscInt share, PetscInt *count);
/* Weights of the `count` points of a piece as parts of its measure, [count]: equal, or those of the nodes.
   Errors: nodes without weights. */
PetscErrorCode SamplerWeights(const Sampling *sampling, const char *where, const Piece *piece, PetscInt count,
                              double weights[]);
/* unit [n][dim] is output. Identical however the range is cut. */
PetscErrorCode SamplerDraw(const Draw *draw, double unit[]);

/* Shares count among pieces by measure with the largest remainders, each at least one. share [n] is output. */
PetscErrorCode RegionShareCount(Region region, PetscInt count, PetscInt share[]);
