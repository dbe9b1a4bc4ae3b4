#define PINN_SINGLE
#include "device_sweep.c"
