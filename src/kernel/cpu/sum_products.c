/* Sums of products of vectors. */
#include <string.h>
#include "cpu_impl.h"

KERNEL_INLINE void add_one(size_t n, KernelProductTerm s, double *restrict y, bool add)
{
  const double *restrict a = s.a, *restrict b = s.b;
  if (b)
    for (size_t l = 0; l < n; l++) y[l] = (add ? y[l] : 0.0) + s.coef * (a[l] * b[l]);
  else if (a)
    for (size_t l = 0; l < n; l++) y[l] = (add ? y[l] : 0.0) + s.coef * a[l];
  else
    for (size_t l = 0; l < n; l++) y[l] = (add ? y[l] : 0.0) + s.coef;
}

KERNEL_CLONES void KernelSumProducts(size_t n, int n_term, const KernelProductTerm terms[], double y[], int add)
{
  if (!n_term && !add) memset(y, 0, n * sizeof(double));
  for (int t = 0; t < n_term; t++)
    if (add || t)
      add_one(n, terms[t], y, true);
    else
      add_one(n, terms[t], y, false);
}
