/* Linear combinations of vectors. */
#include "cpu_impl.h"

KERNEL_INLINE void add_vector(size_t n, Real coef, const Real *restrict x, Real *restrict y, bool add)
{
  if (add)
    for (size_t l = 0; l < n; l++) y[l] += coef * x[l];
  else
    for (size_t l = 0; l < n; l++) y[l] = coef * x[l];
}

/* Two at once: the sum is loaded and stored once for both. */
KERNEL_INLINE void add_two(size_t n, const Real coef[], const Real *const *x, Real *restrict y, bool add)
{
  const Real *restrict first = x[0], *restrict second = x[1];
  if (add)
    for (size_t l = 0; l < n; l++) y[l] = (y[l] + coef[0] * first[l]) + coef[1] * second[l];
  else
    for (size_t l = 0; l < n; l++) y[l] = coef[0] * first[l] + coef[1] * second[l];
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
    if (t + 1 < n_term && step[t] == 1 && step[t + 1] == 1) {
      add_two(n, coef + t, x + t, y, add || t);
      t++;
    } else if (step[t] == 1)
      add_vector(n, coef[t], x[t], y, add || t);
    else
      add_steps(n, coef[t], x[t], step[t], y, add || t);
  }
}
