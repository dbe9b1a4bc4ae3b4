/* Sums of squares that operators know by their powers (compress.c), and what replaces them. */
#pragma once
#include "jet_impl.h"

typedef struct {
  int n_coord, n_op, n_group;
  const JetOperator *ops;
  int *member;  /* [n_coord] group, or a negative number */
  double *coef; /* [n_coord] c_i of members */
  int *size;    /* [n_group] */
} SquareSearch;

/* coef f d^index, where S of group g stands as twice the coordinate n_coord + g. */
typedef struct {
  JetIndex index;
  double coef;
  int factor;
  bool whole; /* all terms of the expansion are there, with coefficients that agree */
} SquareSkeleton;

/* Adds the skeleton with random directions in place of each S (project.c). */
PetscErrorCode SquaresAddDirections(const SquareSearch *s, const JetGroup groups[], const SquareSkeleton *skeleton,
                                    JetTerms *terms);
