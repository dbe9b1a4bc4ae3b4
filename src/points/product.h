/* Domains that are a body in space, or its product with an interval of time. The body is a list of parts with maps from
   unit cubes: part 0 is the interior, the others are faces and groups of cells or facets. What selections, time, planes
   and measures need is done once, in domain_product.c, for solids (solid.c) and meshes (mesh.c). */
#pragma once
#include "points_impl.h"
#include "tiling.h"

typedef struct {
  char *name; /* for messages */
  int dim;    /* of the body or one less */
  bool face;  /* on the boundary, with outward normals */
  bool cut;   /* an interface inside, with normals out of its region */
  int n_cube;
  GridRule grid;
  bool rejects, thinned;
  double log_proposal; /* log of the measure of what the map fills, points that are rejected included */
  double log_measure;  /* NAN until it has been estimated, where it has no closed form */
  bool settled;        /* the rest is known */
  double error, fraction;
  int plane; /* coordinate of space that is constant on a flat face, or -1 */
  double value;
} Part;

typedef struct Product_s *Product;

/* x is a point of space, [n] of them have row stride ld. */
typedef struct {
  PetscErrorCode (*destroy)(void *body);
  bool (*contains)(void *body, const double x[]); /* closed, to rounding */
  double (*distance)(void *body, const double x[]);
  void (*map)(void *body, int part, int n, const double unit[], size_t ld_unit, double x[], size_t ld);
  void (*accept)(void *body, int part, int n, const double unit[], size_t ld_unit, const double x[], size_t ld,
                 bool keep[]);
  void (*normal)(void *body, int part, const double x[], double normal[]);
  bool (*within)(void *body, int part, const double x[]); /* does a part of the interior hold a point of it? */
  PetscInt (*vertices)(void *body);                       /* optional: of its mesh */
  PetscErrorCode (*tile)(void *body, Tiler *tiler);       /* with vertices: nodes and cells of the mesh */
} BodyOps;

struct Product_s {
  const BodyOps *ops;
  void *body;
  int first, n_space; /* coordinates of space: first .. first + n_space - 1 */
  int n_part;
  Part *part;    /* [n_part] */
  int *n_chosen; /* [n_word] parts of each word */
  int **chosen;
};

extern const DomainOps DomainOps_Solid, DomainOps_Mesh;

/* For create: the product with its coordinates of space and the bounds of time. domain->data is set. Errors: t is not
   the first or last coordinate, no domain.time. */
PetscErrorCode ProductCreate(Domain domain, Config config, Product *product);
/* Once the parts are there: adds "interior", "boundary", "walls", a word of the space's faces. */
PetscErrorCode ProductAddBasicWords(Domain domain);
/* A word for parts. Errors: the word is taken. where starts the message. */
PetscErrorCode ProductAddWord(Domain domain, const char *where, const char *word, int n, const int parts[]);
/* Sets the measure of the domain from part 0. Errors: it is empty. */
PetscErrorCode ProductFinish(Domain domain, const char *where);

PetscErrorCode ProductDestroy(Domain domain);
bool ProductContains(Domain domain, const double x[]);
double ProductDistance(Domain domain, const double x[]);
PetscErrorCode ProductSelect(Domain domain, const Selector *selector, PieceList *list);
PetscErrorCode ProductIntersect(Domain domain, const Piece *a, const Piece *b, PieceList *list);
PetscErrorCode ProductFinishPieces(Domain domain, PieceList *list);
void ProductMap(Domain domain, const Piece *piece, int n, const double unit[], double x[]);
void ProductAccept(Domain domain, const Piece *piece, int n, const double unit[], const double x[], bool keep[]);
void ProductNormals(Domain domain, const Piece *piece, int n, const double x[], double normal[]);
PetscErrorCode ProductTile(Domain domain, bool own, const PetscInt n[], Tiling *tiling);
bool ProductWithin(Domain domain, int word, const double x[]);
void ProductName(Domain domain, const Piece *piece, char *text, size_t size);

#define PRODUCT_OPS(create_domain)                                                                                     \
  {                                                                                                                    \
    .create = (create_domain), .destroy = ProductDestroy, .contains = ProductContains, .distance = ProductDistance,    \
    .select = ProductSelect, .intersect = ProductIntersect, .finish = ProductFinishPieces, .map = ProductMap,          \
    .accept = ProductAccept, .normals = ProductNormals, .name = ProductName, .within = ProductWithin,                  \
    .tile = ProductTile                                                                                                \
  }
