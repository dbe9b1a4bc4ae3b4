#define PINN_SINGLE
#include "product.c"
