#pragma once
#include "pinn/problem.h"

struct Problem_s {
  Config config; /* borrowed while the problem is created */
  Formula formula;
  int n_field, n_unknown, n_block, n_interior;
  char **field_name, **field_region; /* [n_field]; region NULL = everywhere */
  FormulaNode *field, *exact;        /* [n_field] */
  char **unknown_name;               /* [n_unknown] */
  FormulaNode *unknown, *known;      /* [n_unknown] the coefficient, and its exact value or -1 */
  double *truth;                     /* [n_unknown] that value; NAN where none is known */
  Block *blocks;                     /* [n_block] */
};

/* Unknown coefficients (unknowns.c): their names, before any formula; their symbols, once the fields are there; their
   exact values; and what the symbols stand for. */
PetscErrorCode ProblemNameUnknowns(Problem problem);
PetscErrorCode ProblemCreateUnknowns(Problem problem);
PetscErrorCode ProblemReadKnown(Problem problem);
PetscErrorCode ProblemBindUnknowns(Problem problem, const FormulaNode nodes[]);
PetscErrorCode ProblemDestroyUnknowns(Problem problem);
int ProblemFindUnknown(Problem problem, const char *name); /* -1 = none */

/* Adds the vectors of problem.data to the formula, which has the constants. */
PetscErrorCode ProblemAddData(Config config, Formula formula);
/* Equations and conditions, once the fields stand for the network. */
PetscErrorCode ProblemCreateBlocks(Problem problem);
/* Fields take the values of the hard conditions (hard.c); after the exact solutions. any: there are some. */
PetscErrorCode ProblemHarden(Problem problem, bool *any);
