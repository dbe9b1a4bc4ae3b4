#define PINN_SINGLE
#include "inputs.cu"
