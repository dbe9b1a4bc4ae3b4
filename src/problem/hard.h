/* Hard conditions while the problem is created. */
#pragma once
#include "hard_shape.h"

#define HARD_SHAPE (-1) /* in place of a coordinate: a part of the shapes */
#define HARD_FACES 1024

typedef struct {
  int coord; /* or HARD_SHAPE */
  bool upper;
  int part; /* of the shapes */
} HardFace;

typedef struct {
  int number, field, n_face; /* number: in problem.conditions */
  HardFace *faces;           /* [n_face] of HARD_FACES */
  HardShapes *shapes;        /* borrowed, once a part of them was named */
  FormulaNode value, distance;
} Hard;

static inline bool HardSameFace(const HardFace *a, const HardFace *b)
{
  return a->coord == b->coord && a->upper == b->upper && a->part == b->part;
}

/* The setting of a condition, for messages. */
#define HardWhere(p, k, key) ConfigWhere((p)->config, ConfigPath("problem.conditions[%d].%s", k, key))
/* Ends of a coordinate: of a box, or the times of the domain. */
PetscErrorCode HardEnds(Problem p, int k, int coord, double ends[2]);
/* The distance to a face of a box or a time, in units of its length. */
PetscErrorCode HardPlane(Problem p, int k, const HardFace *face, FormulaNode *node);
/* Points where face a and face b meet, one of them at least of a shape: x [most][coordinates]; their number. */
PetscErrorCode HardMeet(Problem p, int k, const HardShapes *shapes, const HardFace *a, const HardFace *b, int most,
                        double x[], int *count);
/* Two conditions must not contradict each other where they meet. */
PetscErrorCode HardCheckPair(Problem p, const Hard *a, const Hard *b);
