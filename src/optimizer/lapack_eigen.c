#include "lapack.h"
#include <lapacke.h>

#define CallLapack(routine, ...)                                                                                       \
  do {                                                                                                                 \
    const lapack_int info_ = LAPACKE_##routine(LAPACK_COL_MAJOR, __VA_ARGS__);                                         \
    PetscCheck(info_ == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, #routine ": info %d", (int)info_);                          \
  } while (0)

PetscErrorCode LapackEigen(PetscBLASInt n, double A[], double w[])
{
  PetscFunctionBegin;
  CallLapack(dsyevd, 'V', 'L', n, A, n, w);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LapackOrthogonalize(PetscBLASInt n, double A[])
{
  double *tau;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &tau));
  CallLapack(dgeqrf, n, n, A, n, tau);
  CallLapack(dorgqr, n, n, n, A, n, tau);
  PetscCall(PetscFree(tau));
  PetscFunctionReturn(PETSC_SUCCESS);
}
