/* Surfaces of shapes for hard conditions: what may be selected, and a function of each that vanishes there and nowhere
   else in the closed domain, to first order like the distance, positive in the domain. */
#pragma once
#include "problem_impl.h"

#define HARD_WORDS 512
#define HARD_DIM   1024

typedef struct {
  char words[HARD_WORDS]; /* names that select it, each between bars: "|walls|outer|outer.x.lower|" */
  int group;              /* primitive, or combination that is taken as a whole */
  FormulaNode distance;   /* -1: none is known */
  FormulaNode carrier;    /* a smooth function that vanishes there, and perhaps elsewhere */
} HardPart;

typedef struct {
  int n, capacity;
  HardPart *part;
  int n_group, group_capacity;
  FormulaNode *whole;                      /* [n_group] of all parts of a group together */
  int *size;                               /* [n_group] parts */
  int n_bound;                             /* coordinates of space, once something is bounded */
  double lower[HARD_DIM], upper[HARD_DIM]; /* [n_bound] a box that holds all shapes */
} HardShapes;

/* Of a domain that is no box. Errors: in a union, an STL surface or a polygon with a corner that turns in. where starts
   the messages. */
PetscErrorCode HardShapesCreate(Problem p, const char *where, HardShapes *shapes);
PetscErrorCode HardShapesDestroy(HardShapes *shapes);

/* node = printf text, in which hard_0 .. stand for n nodes. */
PetscErrorCode HardSay(Problem p, FormulaNode *node, int n, const FormulaNode nodes[], const char *format, ...);
