#define PINN_SINGLE
#include "kernel.cu"
