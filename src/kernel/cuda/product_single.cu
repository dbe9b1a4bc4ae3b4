#define PINN_SINGLE
#include "product.cu"
