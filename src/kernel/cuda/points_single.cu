#define PINN_SINGLE
#include "points.cu"
