#pragma once
#include "pinn/problem.h"

struct Problem_s {
  Config config; /* borrowed while the problem is created */
  Formula formula;
  int n_field, n_block, n_interior;
  char **field_name;
  FormulaNode *field, *exact; /* [n_field] */
  Block *blocks;              /* [n_block] */
};

/* Adds the vectors of problem.data to the formula, which has the constants. */
PetscErrorCode ProblemAddData(Config config, Formula formula);
/* Equations and conditions, once the fields stand for the network. */
PetscErrorCode ProblemCreateBlocks(Problem problem);
