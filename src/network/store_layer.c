/* Inputs and adjoints of one layer, as plain arrays. */
#include <string.h>
#include "store_impl.h"

size_t NetworkStoreInputsWork(NetworkStore s)
{
  size_t deep = 0;
  for (int l = s->first; l < s->network->n_layer; l++) deep = PetscMax(deep, (size_t)s->network->layers[l].n_in + 1);
  return (size_t)s->n_column * (size_t)s->panel * deep;
}

const double *NetworkStoreLayer(NetworkStore s, int panel, int layer, double z[], int *n_column)
{
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  const size_t n = (size_t)part.n, n_in = part.n_in;
  for (size_t c = 0; c < part.n_column; c++) {
    const bool constant = part.seeded && c > 0;
    const double *from = constant ? s->seeds + (c - 1) * n_in : part.z + c * n * n_in;
    for (size_t p = 0; p < n; p++, z += n_in + 1) {
      memcpy(z, from + (constant ? 0 : p * n_in), n_in * sizeof(double));
      z[n_in] = c == 0;
    }
  }
  *n_column = (int)part.n_column;
  return part.g;
}
