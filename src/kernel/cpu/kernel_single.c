#define PINN_SINGLE
#include "kernel.c"
