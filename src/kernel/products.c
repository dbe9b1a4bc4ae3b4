/* How a device may round the factors of matrix products. */
#include "pinn/choice.h"
#include "pinn/device.h"

static const DeviceProducts full = PRODUCTS_FULL, tf32 = PRODUCTS_TF32, bf16 = PRODUCTS_BF16;

static const Choice products_rows[] = {
    {"full", "factors of matrix products as they are", &full},
    {"tf32", "on a GPU, in single precision: factors rounded to 11 bits, sums in single precision", &tf32},
    {"bf16", "the same with factors of 8 bits", &bf16},
    {NULL, NULL, NULL},
};
const ChoiceTable ProductsTable = {"products", "how a GPU rounds the factors of matrix products", products_rows};
