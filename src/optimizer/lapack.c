#include "lapack.h"
#include <lapacke.h>

#define CallLapack(routine, ...)                                                                                       \
  do {                                                                                                                 \
    const lapack_int info_ = LAPACKE_##routine(LAPACK_COL_MAJOR, __VA_ARGS__);                                         \
    PetscCheck(info_ == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, #routine ": info %d", (int)info_);                          \
  } while (0)

bool LapackCholesky(PetscBLASInt n, double A[], PetscBLASInt lda)
{
  return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, A, lda) == 0;
}

bool LapackSolveCholesky(PetscBLASInt n, const double F[], PetscBLASInt lda, double b[])
{
  return LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'U', n, 1, F, lda, b, n) == 0;
}

bool LapackSolveTriangle(PetscBLASInt n, const double R[], PetscBLASInt lda, double b[])
{
  return LAPACKE_dtrtrs_work(LAPACK_COL_MAJOR, 'U', 'N', 'N', n, 1, R, lda, b, n) == 0;
}

PetscErrorCode LapackSVD(PetscBLASInt n, double A[], double s[], double U[], double VT[], PetscBLASInt ld)
{
  PetscFunctionBegin;
  CallLapack(dgesdd, 'A', n, n, A, ld, s, U, ld, VT, ld);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LapackLeastSquares(PetscBLASInt n, double A[], PetscBLASInt lda, PetscBLASInt n_right, double b[],
                                  double cutoff, PetscBLASInt *rank)
{
  PetscBLASInt *pivots;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, &pivots));
  CallLapack(dgelsy, n, n, n_right, A, lda, b, n, pivots, cutoff, rank);
  PetscCall(PetscFree(pivots));
  PetscFunctionReturn(PETSC_SUCCESS);
}
