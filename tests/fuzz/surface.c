/* Surfaces of STL files, binary and text, and the inside of what is taken. */
#include "../../src/points/stl.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Surface surface;
  if (FuzzPassed(SurfaceRead("fuzz", FuzzFile("stl", size, data), &surface))) {
    FuzzMust(SurfaceIndex(&surface));
    const double x[3] = {0.5 * (surface.lower[0] + surface.upper[0]), 0.5 * (surface.lower[1] + surface.upper[1]),
                         0.5 * (surface.lower[2] + surface.upper[2])};
    (void)SurfaceDistance(&surface, -1, x, NULL);
    (void)SurfaceWinding(&surface, x);
  }
  FuzzMust(SurfaceFree(&surface));
  FuzzNothingLeft();
  return 0;
}
