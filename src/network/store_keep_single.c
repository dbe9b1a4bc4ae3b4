#define PINN_SINGLE
#include "store_keep.c"
