#define PINN_SINGLE
#include "sweep_inputs.c"
