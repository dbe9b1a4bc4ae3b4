/* Sources over `Real` are written once and compiled twice: X.c for double, and X_single.c, which defines PINN_SINGLE
   and includes X.c, for float. Names of public functions then end in _Single. */
#pragma once

#ifdef PINN_SINGLE
typedef float Real;
#define REAL(name) name##_Single
#else
typedef double Real;
#define REAL(name) name
#endif

/* A constant in Real: a bare literal would draw single-precision arithmetic into double. */
#define R(x) ((Real)(x))
