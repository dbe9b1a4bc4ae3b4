#define PINN_SINGLE
#include "gemm.c"
