/* Meshes of Gmsh: the first byte says whether in two or three dimensions. */
#include "../../src/points/mesh.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Mesh mesh;
  if (!size) return 0;
  (void)FuzzPassed(MeshRead("fuzz", FuzzFile("msh", size - 1, data + 1), data[0] == '3' ? 3 : 2, &mesh));
  FuzzMust(MeshFree(&mesh));
  FuzzNothingLeft();
  return 0;
}
