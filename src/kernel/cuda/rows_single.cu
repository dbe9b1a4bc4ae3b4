#define PINN_SINGLE
#include "rows.cu"
