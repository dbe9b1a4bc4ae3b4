/* Measured values: columns of text, or datasets of HDF5. */
#include "fuzz.h"
#include "pinn/points.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const names[] = {"x", "t", "u"};
  Columns columns;
  if (FuzzPassed(ColumnsRead(PETSC_COMM_SELF, "fuzz", FuzzFile("csv", size, data), 3, names, &columns)))
    FuzzMust(ColumnsDestroy(&columns));
  FuzzNothingLeft();
  return 0;
}
