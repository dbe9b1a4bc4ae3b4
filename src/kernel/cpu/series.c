/* The CPU's build of the pointwise series. */
#include "cpu_impl.h"
#include "pinn/series.h"
#include "../series.h"

#define SERIES(Name, call)                                                                                             \
  KERNEL_CLONES void REAL(Series##Name)(int order, size_t n, double parameter, const Real *x, Real *s)                 \
  {                                                                                                                    \
    (void)parameter;                                                                                                   \
    call;                                                                                                              \
  }

SERIES(Tanh, SeriesTanh_Pointwise(order, n, x, s))
SERIES(Sin, SeriesSinCos_Pointwise(order, n, 0, x, s))
SERIES(Cos, SeriesSinCos_Pointwise(order, n, 1, x, s))
SERIES(Tan, SeriesTan_Pointwise(order, n, x, s))
SERIES(Atan, SeriesAtan_Pointwise(order, n, x, s))
SERIES(Sinh, SeriesHyperbolic_Pointwise(order, n, 0, x, s))
SERIES(Cosh, SeriesHyperbolic_Pointwise(order, n, 1, x, s))
SERIES(Exp, SeriesExp_Pointwise(order, n, x, s))
SERIES(Log, SeriesLog_Pointwise(order, n, x, s))
SERIES(Sqrt, SeriesPow_Pointwise(order, n, 0.5, x, s))
SERIES(Pow, SeriesPow_Pointwise(order, n, parameter, x, s))
SERIES(Reciprocal, SeriesReciprocal_Pointwise(order, n, x, s))
SERIES(Logistic, SeriesLogistic_Pointwise(order, n, x, s))
SERIES(Swish, SeriesSwish_Pointwise(order, n, x, s))
SERIES(Softplus, SeriesSoftplus_Pointwise(order, n, x, s))
SERIES(Gaussian, SeriesBell_Pointwise(order, n, 1.0, x, s))
SERIES(Erf, SeriesErf_Pointwise(order, n, x, s))
SERIES(Abs, SeriesAbs_Pointwise(order, n, x, s))
SERIES(Step, SeriesStep_Pointwise(order, n, x, s))
