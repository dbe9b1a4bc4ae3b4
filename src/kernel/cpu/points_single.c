#define PINN_SINGLE
#include "points.c"
