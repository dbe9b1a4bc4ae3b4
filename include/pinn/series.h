/* Taylor coefficients of the functions that networks and formulas are made of; each is a KernelSeries (kernel.h) for
   any order >= 0. NaN in, NaN out; poles and branch points give Inf or NaN as the function itself does. `parameter` is
   read by SeriesPow alone: the exponent, any real number (whole ones are right at x <= 0, too). */
#pragma once
#include "pinn/kernel.h"

void SeriesTanh(int order, size_t n, double parameter, const double *x, double *s);
void SeriesSin(int order, size_t n, double parameter, const double *x, double *s);
void SeriesCos(int order, size_t n, double parameter, const double *x, double *s);
void SeriesTan(int order, size_t n, double parameter, const double *x, double *s);
void SeriesAtan(int order, size_t n, double parameter, const double *x, double *s);
void SeriesSinh(int order, size_t n, double parameter, const double *x, double *s);
void SeriesCosh(int order, size_t n, double parameter, const double *x, double *s);
void SeriesExp(int order, size_t n, double parameter, const double *x, double *s);
void SeriesLog(int order, size_t n, double parameter, const double *x, double *s);
void SeriesSqrt(int order, size_t n, double parameter, const double *x, double *s);
void SeriesPow(int order, size_t n, double parameter, const double *x, double *s);
void SeriesReciprocal(int order, size_t n, double parameter, const double *x, double *s); /* 1 / x */
void SeriesLogistic(int order, size_t n, double parameter, const double *x, double *s);   /* 1 / (1 + exp(-x)) */
void SeriesSwish(int order, size_t n, double parameter, const double *x, double *s);      /* x / (1 + exp(-x)) */
void SeriesSoftplus(int order, size_t n, double parameter, const double *x, double *s);   /* log(1 + exp(x)) */
void SeriesGaussian(int order, size_t n, double parameter, const double *x, double *s);   /* exp(-x^2) */
void SeriesErf(int order, size_t n, double parameter, const double *x, double *s);
void SeriesAbs(int order, size_t n, double parameter, const double *x, double *s);  /* slope 0 at 0 */
void SeriesStep(int order, size_t n, double parameter, const double *x, double *s); /* 1 for x >= 0, else 0 */
