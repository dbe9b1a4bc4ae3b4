/* The LAPACK drivers used here; lapacke.h and petscblaslapack.h exclude each other. Matrices are column-major. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* A [k][k] = F^T F: F in its upper triangle, the rest stays; false where A is not positive definite. */
bool FactorsCholesky(size_t k, double A[]);
/* b [k] = (F^T F)^{-1} b */
void FactorsSolve(size_t k, const double F[], double b[]);
/* A [n][ld] of m rows, lost, = U S V^T: U [min(m, n)][m] and VT [n][min(m, n)], where not NULL; s falling. False where
   it does not converge. */
bool FactorsSVD(size_t m, size_t n, double A[], size_t ld, double s[], double U[], double VT[]);
