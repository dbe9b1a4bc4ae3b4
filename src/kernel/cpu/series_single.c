#define PINN_SINGLE
#include "series.c"
