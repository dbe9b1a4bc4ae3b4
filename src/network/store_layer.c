/* Inputs and adjoints of one layer, as plain arrays. */
#include <string.h>
#include "store_impl.h"

size_t NetworkStoreInputsWork(NetworkStore s)
{
  size_t deep = 0;
  for (int l = s->first; l < s->network->n_layer + s->network->affine; l++) {
    const Layer *layer = &s->network->layers[l];
    deep = PetscMax(deep, (size_t)PetscMax(layer->n_in + 1, layer->n_out));
  }
  return (size_t)s->n_column * (size_t)s->panel * deep;
}

const double *NetworkStoreLayer(NetworkStore s, int panel, int layer, double z[], int *n_column)
{
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  const size_t n = (size_t)part.n, n_in = part.n_in, width = n_in + (part.layer->unbiased ? 0 : 1);
  for (size_t c = 0; c < part.n_column; c++) {
    const bool constant = c >= part.n_own;
    const double *from = constant ? part.seeds + (c - part.n_own) * n_in : part.z + c * n * n_in;
    for (size_t p = 0; p < n; p++, z += width) {
      memcpy(z, from + (constant ? 0 : p * n_in), n_in * sizeof(double));
      if (!part.layer->unbiased) z[n_in] = c == 0;
    }
  }
  *n_column = (int)part.n_column;
  return part.g;
}
