/* Which parts of theta are matrices: two blocks a trained layer, weights and biases. */
#include "network_impl.h"

PetscInt NetworkParameterBlocks(Network network)
{
  PetscInt n = 0;
  for (int l = 0; l < network->n_layer; l++) n += network->layers[l].frozen ? 0 : 2;
  return n;
}

void NetworkParameterBlock(Network network, PetscInt k, size_t *offset, PetscInt *rows, PetscInt *columns)
{
  const Layer *layer = network->layers;
  for (; layer->frozen || k >= 2; layer++) k -= layer->frozen ? 0 : 2;
  *rows = layer->n_out;
  *columns = k == 0 ? layer->n_in : 0;
  *offset = layer->offset + (k == 0 ? 0 : (size_t)layer->n_in * (size_t)layer->n_out);
}
