/* Which parts of theta are matrices: two blocks a trained layer, weights and biases, and the weights of the affine part
   and of the quadratic form. */
#include "network_impl.h"

static PetscInt blocks_of(const Layer *layer)
{
  return layer->frozen ? 0 : layer->unbiased ? 1 : 2;
}

/* The number of the layer at place k in the order of theta: what is beside the last layer comes before it. */
static int in_order(Network network, int k)
{
  const int last = network->n_layer - 1, beside = NetworkAllLayers(network) - network->n_layer;
  return !beside || k < last ? k : k < last + beside ? k + 1 : last;
}

int NetworkLayerPlace(Network network, int layer)
{
  int first, end, place = 0;
  NetworkTrainedLayers(network, &first, &end);
  while (in_order(network, place) != layer) place++;
  return place - first;
}

PetscInt NetworkParameterBlocks(Network network)
{
  PetscInt n = 0;
  for (int l = 0; l < NetworkAllLayers(network); l++) n += blocks_of(&network->layers[l]);
  return n + (network->n_extra > 0);
}

void NetworkParameterBlock(Network network, PetscInt k, size_t *offset, PetscInt *rows, PetscInt *columns)
{
  int l = 0;
  if (network->n_extra && k == NetworkParameterBlocks(network) - 1) {
    *offset = network->n_param, *rows = network->n_extra, *columns = 1;
    return;
  }
  for (; k >= blocks_of(&network->layers[in_order(network, l)]); l++)
    k -= blocks_of(&network->layers[in_order(network, l)]);
  const Layer *layer = &network->layers[in_order(network, l)];
  *rows = layer->n_out;
  *columns = k == 0 ? layer->n_in : 0;
  *offset = layer->offset + (k == 0 ? 0 : (size_t)layer->n_in * (size_t)layer->n_out);
}
