/* Orthonormal columns spread over ranks, and low-rank parts of J^T J from products with random vectors. */
#pragma once
#include "precond_impl.h"

/* Columns [have, have + add) of Q [column][n], n entries of each on this rank, are made orthonormal to one another and
   to those before them, by block Gram-Schmidt done twice. A column that depends on others to 1e-13 becomes zero.
     C  [out] may be NULL: [add][ld]: what they were is Q[0 .. have + add) C^T
   Collective. Cost: 8 n add (have + add) flops. */
PetscErrorCode BasisAppend(MPI_Comm comm, size_t n, PetscInt have, PetscInt add, double Q[], double C[], size_t ld);

/* J^T J is about U diag(values) U^T, never more than that: U^T J^T J U is diag(values) where U spans eigenvectors. */
typedef struct {
  size_t n;       /* local entries of a vector like theta */
  PetscInt rank;  /* pairs kept */
  double *U;      /* [rank][n] orthonormal */
  double *values; /* [rank] falling */
  double left;    /* estimate of what is left out, the trace of J^T J - U diag(values) U^T */
} LowRank;

#define LOW_RANK_BLOCK 16 /* random vectors between two looks at what is left */

typedef struct {
  PetscInt most;   /* products with random vectors at most */
  double enough;   /* the sketch ends when `left` is below; 0 = never */
  int powers;      /* rounds of subspace iteration */
  PetscInt keep;   /* largest pairs kept; 0 = all */
  PetscInt64 seed; /* of the random vectors */
} Sketch;

/* The Nystrom approximation of J^T J on a random subspace (Frangella, Tropp and Udell 2023), without forming squares:
   with Q an orthonormal basis of the range of J Omega it is (J^T Q) (J^T Q)^T, and a thin SVD of J^T Q gives U and the
   roots of values. Omega is Gaussian, the same on any number of ranks. Random vectors are taken by blocks until
   |J - Q Q^T J|_F^2, estimated from the last block, is below `enough`. low_rank is filled and owned by the caller.
   Collective. Cost: J v and J^T w, each for every random vector and (powers + 1) times. */
PetscErrorCode LowRankCreate(Precond p, const Sketch *sketch, LowRank *low_rank);
/* How many doubles a rank holds meanwhile, and after. Cannot fail. */
double LowRankNumbers(Rows rows, PetscInt most);
PetscErrorCode LowRankDestroy(LowRank *low_rank);
/* y += U f(values) U^T x on local arrays; f [rank]. Collective. */
PetscErrorCode LowRankAdd(const LowRank *low_rank, MPI_Comm comm, const double f[], const double x[], double y[]);
