#define PINN_SINGLE
#include "quadratic_sweep.c"
