/* Hard conditions while the problem is created. */
#pragma once
#include "problem_impl.h"

#define HARD_BALL  (-1) /* in place of a coordinate: the sphere */
#define HARD_FACES 64

typedef struct {
  int coord; /* or HARD_BALL */
  bool upper;
} HardFace;

typedef struct {
  int number, field, n_face; /* number: in problem.conditions */
  HardFace faces[HARD_FACES];
  FormulaNode value, distance;
} Hard;

/* The setting of a condition, for messages. */
#define HardWhere(p, k, key) ConfigWhere((p)->config, ConfigPath("problem.conditions[%d].%s", k, key))
/* Entry of a setting of the domain for a coordinate of its shape. */
PetscErrorCode HardShapeValue(Problem p, const char *key, int coord, double *value);
/* Ends of a coordinate: of a box, or the times of the domain. */
PetscErrorCode HardEnds(Problem p, int k, int coord, double ends[2]);
/* Two conditions must not contradict each other where they meet. */
PetscErrorCode HardCheckPair(Problem p, const Hard *a, const Hard *b);
