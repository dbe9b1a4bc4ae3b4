#define PINN_SINGLE
#include "rows.c"
