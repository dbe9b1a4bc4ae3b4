/* Reference files: HDF5 with points and fields. */
#include "fuzz.h"
#include "pinn/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const coordinates[] = {"x", "t"}, *const fields[] = {"u", "w"};
  Reference reference;
  if (FuzzPassed(
          ReferenceRead(PETSC_COMM_SELF, "fuzz", FuzzFile("h5", size, data), 2, coordinates, 2, fields, &reference)))
    FuzzMust(ReferenceDestroy(&reference, 2));
  FuzzNothingLeft();
  return 0;
}
