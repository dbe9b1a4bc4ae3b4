/* The CPU's build of the pointwise series. */
#include "cpu_impl.h"
#include "pinn/series.h"
#include "../series.h"

#define FUNCTION(Name, call)                                                                                           \
  KERNEL_CLONES void REAL(Series##Name)(int order, size_t n, double parameter, const Real *x, Real *s)                 \
  {                                                                                                                    \
    (void)parameter;                                                                                                   \
    call;                                                                                                              \
  }
#include "../functions.h"
