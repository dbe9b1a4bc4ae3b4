#define PINN_SINGLE
#include "test_kernel_cuda.c"
