#include "factors.h"
#include <lapacke.h>
#include <stdlib.h>

bool FactorsCholesky(size_t k, double A[])
{
  return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)k, A, (lapack_int)k) == 0;
}

void FactorsSolve(size_t k, const double F[], double b[])
{
  (void)LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'U', (lapack_int)k, 1, F, (lapack_int)k, b, (lapack_int)k);
}

bool FactorsSVD(size_t m, size_t n, double A[], size_t ld, double s[], double U[], double VT[])
{
  const lapack_int least = (lapack_int)(m < n ? m : n);
  double unused[1], *superb = malloc((size_t)(least > 1 ? least : 1) * sizeof(double));
  if (!superb) return false;
  const lapack_int info =
      LAPACKE_dgesvd(LAPACK_COL_MAJOR, U ? 'S' : 'N', VT ? 'S' : 'N', (lapack_int)m, (lapack_int)n, A, (lapack_int)ld,
                     s, U ? U : unused, (lapack_int)m, VT ? VT : unused, VT ? least : 1, superb);
  free(superb);
  return info == 0;
}
