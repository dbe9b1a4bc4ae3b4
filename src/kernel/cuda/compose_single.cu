#define PINN_SINGLE
#include "compose.cu"
