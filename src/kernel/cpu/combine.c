/* Linear combinations of vectors. */
#include "cpu_impl.h"

KERNEL_INLINE void add_vector(size_t n, Real coef, const Real *restrict x, Real *restrict y, bool add)
{
  if (add)
    for (size_t l = 0; l < n; l++) y[l] += coef * x[l];
  else
    for (size_t l = 0; l < n; l++) y[l] = coef * x[l];
}

KERNEL_INLINE void add_steps(size_t n, Real coef, const Real *restrict x, size_t step, Real *restrict y, bool add)
{
  if (add)
    for (size_t l = 0; l < n; l++) y[l] += coef * x[l * step];
  else
    for (size_t l = 0; l < n; l++) y[l] = coef * x[l * step];
}

KERNEL_CLONES void REAL(KernelCombine_CPU)(size_t n, int n_term, const Real *coef, const Real *const *x,
                                           const size_t *step, Real *y, int add)
{
  for (int t = 0; t < n_term; t++) {
    if (step[t] == 1)
      add_vector(n, coef[t], x[t], y, add || t);
    else
      add_steps(n, coef[t], x[t], step[t], y, add || t);
  }
}
