/* One layer: sums over rows, and inverses. Notation of pinn/kronecker.h. */
#pragma once
#include "pinn/kronecker.h"

/* Sums over the rows of a panel, added to what is there; each thread with its own work [KroneckerPanelWork]. Cannot
   fail.
     Inputs   A [n_in][n_in]    += z z^T over rows and columns
     Outputs  B [n_out][n_out]  += g g^T over rows and columns
     Right    B [n_out][n_out]  += J_n A J_n^T,  A [n_in][n_in] symmetric
     Left     A [n_in][n_in]    += J_n^T B J_n,  B [n_out][n_out] symmetric
     Squares  S [n_out][n_in]   += (K_B J_n K_A^T)^2, entry by entry, K_A [n_in][n_in], K_B [n_out][n_out]
   By Gram matrices over columns or by rows of J, whichever takes fewer operations; multiply-adds a row:
     Right    min(columns n_in^2 + columns^2 (n_in + n_out) + columns n_out^2, n_in n_out (columns + n_in + n_out))
     Squares  columns n_in n_out + min(columns (n_in^2 + n_out^2), n_in n_out (n_in + n_out)) */
size_t KroneckerPanelWork(const RowsPanel *panel);
void KroneckerAddInputs(const RowsPanel *panel, double A[]);
void KroneckerAddOutputs(const RowsPanel *panel, double B[]);
void KroneckerAddRight(const RowsPanel *panel, const double A[], double work[], double B[]);
void KroneckerAddLeft(const RowsPanel *panel, const double B[], double work[], double A[]);
void KroneckerAddSquares(const RowsPanel *panel, const double K_A[], const double K_B[], double work[], double S[]);

/* X -> K_B^T [ (K_B X K_A^T) / D ] K_A. */
typedef struct {
  size_t n_in, n_out;
  double *K_A, *K_B; /* [n_in][n_in], [n_out][n_out]; their rows are eigenvectors */
  double *D;         /* [n_out][n_in] positive */
} KroneckerInverse;

PetscErrorCode KroneckerInverseCreate(size_t n_in, size_t n_out, KroneckerInverse *inverse);
PetscErrorCode KroneckerInverseDestroy(KroneckerInverse *inverse);

/* (A (x) B + lambda)^{-1}.  a [n_in], b [n_out] [out]: the eigenvalues of A and B, not below zero; D stays to be set
   where lambda < 0. Cost: about 9 (n_in^3 + n_out^3) flops. */
PetscErrorCode KroneckerInvertProduct(KroneckerInverse *inverse, const double A[], const double B[], double lambda,
                                      double a[], double b[]);
/* ((A + pi sqrt(lambda)) (x) (B + sqrt(lambda) / pi) + A' (x) B')^{-1}, pi^2 = (tr A / n_in) / (tr B / n_out) (Martens
   and Grosse 2015): with K_A A K_A^T = 1 and K_A A' K_A^T = S_A diagonal, and likewise for B, D = 1 + S_B S_A^T.
   Where A or B is not positive definite in floating point, lambda is raised tenfold until it is; *used [out].
   Errors: PETSC_ERR_LIB where they are not finite. Cost: about 14 (n_in^3 + n_out^3) flops. */
PetscErrorCode KroneckerInvertSum(KroneckerInverse *inverse, const double A[], const double B[], const double A2[],
                                  const double B2[], double lambda, double *used);
/* Y [n_out][n_in] = K_B^T [ (K_B X K_A^T) / D ] K_A; Y may be X. work [2 n_out n_in]. Cost: 2 (n_in + n_out)
   multiply-adds an entry. */
void KroneckerInverseApply(const KroneckerInverse *inverse, const double X[], double work[], double Y[]);

/* Symmetric eigenproblems: rows of A [n][n] become eigenvectors, w [n] eigenvalues in rising order.
     Eigen   A = sum w_j v_j v_j^T
     Pencil  A v = w M v, v^T M v = 1; false where M [n][n], lost, is not positive definite; A is lost then */
PetscErrorCode KroneckerEigen(size_t n, double A[], double w[]);
PetscErrorCode KroneckerPencil(size_t n, double A[], double M[], double w[], bool *definite);
