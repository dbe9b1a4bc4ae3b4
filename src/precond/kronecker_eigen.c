/* Symmetric eigenproblems by LAPACK, apart from the rest because lapacke.h and petscblaslapack.h exclude each other.
   A symmetric matrix is the same by rows and by columns; LAPACK's columns of eigenvectors are our rows. */
#include "kronecker.h"
#include <lapacke.h>

PetscErrorCode KroneckerEigen(size_t n, double A[], double w[])
{
  PetscFunctionBegin;
  const lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, A, (lapack_int)n, w);
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd: info %d", (int)info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerPencil(size_t n, double A[], double M[], double w[], bool *definite)
{
  const lapack_int order = (lapack_int)n;
  PetscFunctionBegin;
  const lapack_int info = LAPACKE_dsygvd(LAPACK_COL_MAJOR, 1, 'V', 'L', order, A, order, M, order, w);
  PetscCheck(info == 0 || info > order, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsygvd: info %d", (int)info);
  *definite = info == 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
