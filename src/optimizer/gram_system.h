/* Symmetric positive definite systems (K + shift) x = b whose rows are distributed over ranks, K = J J^T or J^T J: a
   Cholesky factorization of all ranks together, by ScaLAPACK through PETSc. */
#pragma once
#include <stdbool.h>
#include "pinn/error.h"

/* Orders from which the ranks together are faster than one of them alone; below, messages take longer than flops. */
#define GRAM_SYSTEM_LEAST 400

/* Is it the ranks of a communicator of this size that solve a system of this order? Cannot fail. */
static inline bool GramSystemPays(PetscInt order, PetscMPIInt size)
{
  return size > 1 && order >= GRAM_SYSTEM_LEAST;
}

typedef struct GramSystem_s *GramSystem;

/* n_row: rows of this rank, any number of them; equations are numbered rank by rank. Collective. */
PetscErrorCode GramSystemCreate(MPI_Comm comm, PetscInt n_row, GramSystem *system);
PetscErrorCode GramSystemDestroy(GramSystem *system);
/* Bytes a rank takes for an order and a number of ranks, K not counted. Cannot fail. */
double GramSystemBytes(double order, double size);
/* K [n_row][ld] local rows, ld >= order, only read. ok = false on all ranks: not positive definite to working
   precision. Collective.
   Cost: order^3 / 3 flops over the ranks; each sends its rows once. */
PetscErrorCode GramSystemFactor(GramSystem system, const double K[], size_t ld, double shift, bool *ok);
/* b [n_row] = (K + shift)^{-1} b; ok = false on all ranks, and b as it was: not finite. Collective. */
PetscErrorCode GramSystemSolve(GramSystem system, double b[], bool *ok);
