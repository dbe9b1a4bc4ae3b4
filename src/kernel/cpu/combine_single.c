#define PINN_SINGLE
#include "combine.c"
