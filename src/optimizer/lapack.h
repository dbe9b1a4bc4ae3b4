/* The LAPACK drivers used here; in a file of their own because lapacke.h and petscblaslapack.h exclude each other. All
   matrices are column-major. A numerical failure is `false`, not an error. */
#pragma once
#include <stdbool.h>
#include "pinn/error.h"

/* A [n][lda], m rows: R in its upper triangle. */
PetscErrorCode LapackQR(PetscBLASInt m, PetscBLASInt n, double A[], PetscBLASInt lda);
/* R [n][ld] = the triangle of R over B; of B [n][ld], the upper triangle of its first m rows counts, and is lost. */
PetscErrorCode LapackMerge(PetscBLASInt n, PetscBLASInt m, double R[], double B[], PetscBLASInt ld);
/* A [n][lda] = F^T F: F in its upper triangle; false where A is not positive definite. */
bool LapackCholesky(PetscBLASInt n, double A[], PetscBLASInt lda);
/* b [n] = (F^T F)^{-1} b; false where that is not finite. */
bool LapackSolveCholesky(PetscBLASInt n, const double F[], PetscBLASInt lda, double b[]);
/* b [n] = R^{-1} b; false where R is singular. */
bool LapackSolveTriangle(PetscBLASInt n, const double R[], PetscBLASInt lda, double b[]);
/* A [n][ld], lost, = U S V^T; U and VT [n][ld], s [n]. */
PetscErrorCode LapackSVD(PetscBLASInt n, double A[], double s[], double U[], double VT[], PetscBLASInt ld);
/* Each b [n_right][n] = the shortest x that minimizes |A x - b|, where singular values below cutoff times the largest
   count as zero (by a complete orthogonal factorization). A [n][lda] is lost. */
PetscErrorCode LapackLeastSquares(PetscBLASInt n, double A[], PetscBLASInt lda, PetscBLASInt n_right, double b[],
                                  double cutoff, PetscBLASInt *rank);
/* A [n][n], symmetric, its lower triangle given: columns become eigenvectors, w [n] eigenvalues in rising order. */
PetscErrorCode LapackEigen(PetscBLASInt n, double A[], double w[]);
/* A [n][n]: columns become orthonormal, the first k of them spanning what they did (QR). */
PetscErrorCode LapackOrthogonalize(PetscBLASInt n, double A[]);
