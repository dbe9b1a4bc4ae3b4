/* PETSc's More-Thuente search for a step with the strong Wolfe conditions (1e-4, 0.9). */
#pragma once
#include <petsctao.h>
#include "pinn/rows.h"

typedef struct {
  Rows rows;
  TaoLineSearch search;
  bool too_far;              /* a trial of the last search was not finite, or its loss very large */
  double loss;               /* where the last search began */
  Vec start, start_gradient; /* where the last search began */
} LineSearch;

/* *line must not move while it lives. */
PetscErrorCode LineSearchCreate(Rows rows, LineSearch *line);
PetscErrorCode LineSearchDestroy(LineSearch *line);

/* From theta along a direction of descent, with the first trial at `first` times it.
     theta, loss, gradient  [inout]  where it begins and ends
     step                   [out]    the factor of direction
     found                  [out]    false: no decrease; theta, loss and gradient are what they were
   Where a search fails whose trial points were not finite, or far above, it starts again with a shorter step.
   Collective. */
PetscErrorCode LineSearchRun(LineSearch *line, double first, Vec direction, Vec theta, double *loss, Vec gradient,
                             double *step, bool *found);
