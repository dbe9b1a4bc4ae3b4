#define PINN_SINGLE
#include "mix.c"
