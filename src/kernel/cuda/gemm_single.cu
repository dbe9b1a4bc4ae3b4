#define PINN_SINGLE
#include "gemm.cu"
