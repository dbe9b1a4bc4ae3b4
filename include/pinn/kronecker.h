/* Kronecker-structured approximations of one layer's block of J^T J, and their inverses.

   A layer of n_out outputs and n_in inputs, its bias being one more input that is 1 in column 0, has the rows
       J_n = sum_c g_{n,c} z_{n,c}^T,   n_out x n_in,
   z the jets of its inputs and g the adjoints of its outputs, which carry the weights of rows. A (x) B below, A of the
   inputs and B of the outputs, maps X [n_out][n_in] to B X A. All matrices are row-major.

     kfac     sum over groups of rows (interior, boundary) of A_s (x) B_s, A_s the mean of z z^T and B_s the sum of
              g g^T over rows and columns: what J^T J would be were z and g independent (Dangel, Mueller and Zeinhofer
              2024). Two groups are diagonalized at once by two symmetric pencils.
     power    the nearest A (x) B to all of sum_n vec J_n vec J_n^T in the Frobenius norm, by alternating least squares
              B <- sum_n J_n A J_n^T / |A|^2 and A <- sum_n J_n^T B J_n / |B|^2 (power iteration of Van Loan and
              Pitsianis 1993): keeps the products of different columns, which kfac drops
     shampoo  L = sum_n J_n J_n^T, R = sum_n J_n^T J_n, R (x) L / tr L: one such step from the identity (Morwani et al.
              2024), up to the order of the updates
     ekfac    the exact diagonal of J^T J in the product of the eigenbases of a pair A, B: Lambda = sum_n (Q_B^T J_n
              Q_A)^2 (George et al. 2018)

   Whatever the factors, the inverse is  X -> K_B^T [ (K_B X K_A^T) / D ] K_A. */
#pragma once
#include <petscvec.h>
#include "pinn/choice.h"
#include "pinn/rows.h"

typedef struct Kronecker_s *Kronecker;

typedef enum { KRONECKER_KFAC, KRONECKER_EKFAC, KRONECKER_SHAMPOO } KroneckerKind;

#define KRONECKER_MOST_SIDE 2048 /* inputs, the bias among them, or outputs of a layer */

/* rows is borrowed. Errors: PETSC_ERR_USER_INPUT where a layer has more than KRONECKER_MOST_SIDE inputs or outputs.
   Memory: for each layer about 5 (n_in^2 + n_out^2), for ekfac 2 n_in n_out more, and sums of each thread.
   All functions are collective. */
PetscErrorCode KroneckerCreate(Rows rows, KroneckerKind kind, Kronecker *kronecker);
PetscErrorCode KroneckerDestroy(Kronecker *kronecker);
/* Alternating pairs of steps towards the nearest A (x) B for ekfac's bases, from kfac's factors; 0 = kfac's. */
PetscErrorCode KroneckerSetPowerSteps(Kronecker kronecker, PetscInt steps);
/* Shampoo's inverse is taken to this power: 1, or 0.5 as in the first-order method of that name. */
PetscErrorCode KroneckerSetExponent(Kronecker kronecker, double exponent);

/* Factors at theta, and for ekfac and shampoo their eigenbases: factors <- keep (what they were) + (1 - keep) (new).
   Cost: a pass over the rows, for power steps two each, and one rank's share of the layers' eigenproblems. */
PetscErrorCode KroneckerBuild(Kronecker kronecker, Vec theta, double keep);
/* ekfac: Lambda at theta in the bases of the last build. Cost: a pass over the rows. */
PetscErrorCode KroneckerUpdate(Kronecker kronecker, Vec theta);
/* With this lambda from now on. kfac with a boundary: two generalized eigenproblems a layer, shared out to ranks. */
PetscErrorCode KroneckerDamp(Kronecker kronecker, double lambda);
/* y = M^{-1} x; x and y differ. Cost: 2 (n_in + n_out) multiply-adds an entry, the layers shared out to ranks. */
PetscErrorCode KroneckerApply(Kronecker kronecker, Vec x, Vec y);

/* The factors of all layers, borrowed and writable, the same on all ranks: who saves them, and writes them back before
   KroneckerDamp, has kfac's state. */
PetscErrorCode KroneckerGetFactors(Kronecker kronecker, size_t *n, double **factors);
