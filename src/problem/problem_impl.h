#pragma once
#include "pinn/problem.h"

/* Adds the vectors of problem.data to the formula, which has the constants. */
PetscErrorCode ProblemAddData(Config config, Formula formula);
