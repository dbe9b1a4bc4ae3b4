/* Primitives as functions, for hard_shape.c. x [dim] are nodes of the primitive's own coordinates; functions are in the
   domain's units, in which it is larger by place->scale. */
#pragma once
#include "hard_shape.h"

#define HARD_PATH 256

/* From own coordinates to the domain's: scale * turn * own + shift; no turn above three dimensions. */
typedef struct {
  double scale, turn[3][3], shift[HARD_DIM];
} Place;

typedef struct {
  Problem p;
  const char *where; /* starts messages */
  HardShapes *shapes;
  int dim;                /* of space */
  bool root;              /* the shape is the domain */
  char words[HARD_WORDS]; /* what selects the shape: names of all around it and its own */
  char own[64];           /* its name, or nothing */
} Hardener;

/* A selectable part of the group that is being built; face is its name within the shape, or NULL. */
PetscErrorCode HardAddPart(Hardener *h, const char *face, FormulaNode distance, FormulaNode carrier);
/* The bounds of the shapes grow around a ball in own coordinates. */
void HardBound(Hardener *h, const Place *place, const double center[], double radius);
/* a + b - sqrt(a^2 + b^2) */
PetscErrorCode HardAnd(Problem p, FormulaNode a, FormulaNode b, FormulaNode *both);
/* One number a coordinate, or one for all. */
PetscErrorCode HardReadVector(Hardener *h, const char *path, const char *key, double values[]);

PetscErrorCode HardCountBalls(Hardener *h, const char *path, int *n);
PetscErrorCode HardBall(Hardener *h, const char *path, int k, const FormulaNode x[], const Place *place,
                        FormulaNode *inside);
/* Positive inside, negative outside. Errors: a polygon with a corner that turns in. */
PetscErrorCode HardLeafSigned(Hardener *h, const char *type, const char *path, const FormulaNode x[],
                              const Place *place, FormulaNode *inside);
/* Adds the faces. holds: the domain lies inside, else outside.  whole [out]: of all faces together */
PetscErrorCode HardLeafAdd(Hardener *h, const char *type, const char *path, const FormulaNode x[], const Place *place,
                           bool holds, FormulaNode *whole);
