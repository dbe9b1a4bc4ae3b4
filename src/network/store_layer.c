/* Inputs and adjoints of one layer, as plain arrays. */
#include <string.h>
#include "store_impl.h"

/* Columns of a layer's arrays: constants that neurons have of their own take one each. */
static size_t columns_of(NetworkStore s, int l)
{
  const bool apart = NetworkReadsInputs(s->network, l) && s->apart[0];
  const size_t own = (size_t)s->n_own, constants = (size_t)(s->n_kept - s->n_own);
  return apart ? own + constants * (size_t)s->network->layers[l].n_out : (size_t)s->n_column;
}

size_t NetworkStoreInputsWork(NetworkStore s)
{
  size_t deep = 0;
  for (int l = s->first; l < s->network->n_layer + s->network->affine; l++) {
    const Layer *layer = &s->network->layers[l];
    deep = PetscMax(deep, columns_of(s, l) * (size_t)PetscMax(layer->n_in + 1, layer->n_out));
  }
  return (size_t)s->panel * deep;
}

size_t NetworkStoreAdjointsWork(NetworkStore s)
{
  return s->first == 0 && s->apart[0] ? (size_t)s->n_term * NetworkStoreInputsWork(s) : 0;
}

/* The adjoints of the columns of a neuron's own constants are those of this neuron alone. */
static void spread_adjoints(NetworkStore s, const PanelLayer *part, size_t n_column, double to[])
{
  const size_t n = (size_t)part->n, n_out = part->n_out, size = n * n_out, own = part->n_own;
  memset(to, 0, (size_t)s->n_term * n_column * size * sizeof(double));
  for (size_t e = 0; e < (size_t)s->n_term; e++, to += n_column * size) {
    const double *g = part->g + e * part->g_term;
    memcpy(to, g, own * size * sizeof(double));
    for (size_t c = own; c < n_column; c++) {
      const size_t k = (c - own) / n_out, j = (c - own) % n_out;
      for (size_t p = 0; p < n; p++) to[c * size + p * n_out + j] = g[(own + k) * size + p * n_out + j];
    }
  }
}

const double *NetworkStoreLayer(NetworkStore s, int panel, int layer, double z[], double g[], int *n_column)
{
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  const size_t n = (size_t)part.n, n_in = part.n_in, width = n_in + (part.layer->unbiased ? 0 : 1);
  const size_t columns = part.apart ? columns_of(s, layer) : part.n_column;
  for (size_t c = 0; c < columns; c++) {
    const bool constant = c >= part.n_own;
    const double *from = constant ? part.seeds + (c - part.n_own) * n_in : part.z + c * n * n_in;
    for (size_t p = 0; p < n; p++, z += width) {
      memcpy(z, from + (constant ? 0 : p * n_in), n_in * sizeof(double));
      if (!part.layer->unbiased) z[n_in] = c == 0;
    }
  }
  *n_column = (int)columns;
  if (!part.apart) return part.g;
  spread_adjoints(s, &part, columns, g);
  return g;
}
