/* Inputs of the first layer: one a coordinate, or one for a block of components of a vector, which then share a column
   of weights. The tied weights W[:, i] = V[:, block of i] make W x = V (sum of x over each block). */
#include <string.h>
#include "network_impl.h"

/* Length of the vector's name in "x[3]"; 0 for a scalar. */
static size_t vector_name(const char *coordinate)
{
  const char *bracket = strchr(coordinate, '[');
  return bracket ? (size_t)(bracket - coordinate) : 0;
}

static bool same_vector(const char *a, const char *b)
{
  const size_t n = vector_name(a);
  return n && vector_name(b) == n && !strncmp(a, b, n);
}

PetscErrorCode NetworkShareInputs(Network network, Config config, const char *const coordinates[])
{
  PetscInt block;
  int component = 0, longest = 0;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(config, "network.block", &block));
  if (block == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(network->n_coord, &network->input_of));
  network->n_input = 0;
  for (int i = 0; i < network->n_coord; i++) {
    component = i && same_vector(coordinates[i - 1], coordinates[i]) ? component + 1 : 0;
    if (vector_name(coordinates[i])) longest = PetscMax(longest, component + 1);
    network->input_of[i] = component % block ? network->n_input - 1 : network->n_input++;
  }
  PinnUserCheck(longest >= block, "%s: blocks of %d components need a vector coordinate as long; %s%d",
                ConfigWhere(config, "network.block"), (int)block,
                longest ? "the longest here has " : "this problem has no vectors, its coordinates are ",
                longest ? longest : network->n_coord);
  PetscFunctionReturn(PETSC_SUCCESS);
}
