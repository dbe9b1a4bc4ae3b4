#define PINN_SINGLE
#include "steps.c"
