#define PINN_SINGLE
#include "compose.c"
