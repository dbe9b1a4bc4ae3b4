#define PINN_SINGLE
#include "sweep.c"
