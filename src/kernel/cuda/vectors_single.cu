#define PINN_SINGLE
#include "vectors.cu"
