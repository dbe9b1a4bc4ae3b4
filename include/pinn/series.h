/* Taylor coefficients of the functions that networks and formulas are made of; each is a KernelSeries (kernel.h) and,
   with _Single, a KernelSeries_Single, for any order >= 0. NaN in, NaN out; poles and branch points give Inf or NaN as
   the function itself does. `parameter` is read by SeriesPow alone: the exponent, any real number (whole ones are right
   at x <= 0, too). */
#pragma once
#include "pinn/kernel.h"

#define PINN_SERIES(Name)                                                                                              \
  void Series##Name(int order, size_t n, double parameter, const double *x, double *s);                                \
  void Series##Name##_Single(int order, size_t n, double parameter, const float *x, float *s);

PINN_SERIES(Tanh)
PINN_SERIES(Sin)
PINN_SERIES(Cos)
PINN_SERIES(Tan)
PINN_SERIES(Atan)
PINN_SERIES(Sinh)
PINN_SERIES(Cosh)
PINN_SERIES(Exp)
PINN_SERIES(Log)
PINN_SERIES(Sqrt)
PINN_SERIES(Pow)
PINN_SERIES(Reciprocal) /* 1 / x */
PINN_SERIES(Logistic)   /* 1 / (1 + exp(-x)) */
PINN_SERIES(Swish)      /* x / (1 + exp(-x)) */
PINN_SERIES(Softplus)   /* log(1 + exp(x)) */
PINN_SERIES(Gaussian)   /* exp(-x^2) */
PINN_SERIES(Erf)
PINN_SERIES(Abs)  /* slope 0 at 0 */
PINN_SERIES(Step) /* 1 for x >= 0, else 0 */

/* The place of a function in the list that all backends share (src/kernel/functions.h); -1 where it is not there. */
int SeriesNumber(KernelSeries series);
