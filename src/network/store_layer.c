/* Inputs and adjoints of one layer, as plain arrays. */
#include <string.h>
#include "store_impl.h"

/* Columns of a layer's arrays: constants that neurons have of their own take one each. Rows of a quadratic form are
   shown as they are: of a diagonal one each field's is a column, of a full one each column of the matrix that it is. */
static size_t columns_of(NetworkStore s, int l)
{
  if (NetworkIsQuadratic(s->network, l))
    return (size_t)(s->network->quadratic->full ? s->network->n_coord : s->network->n_field);
  const bool apart = NetworkReadsInputs(s->network, l) && s->apart[0];
  const size_t own = (size_t)s->n_own, constants = (size_t)(s->n_kept - s->n_own);
  return apart ? own + constants * (size_t)s->network->layers[l].n_out : (size_t)s->n_column;
}

size_t NetworkStoreInputsWork(NetworkStore s)
{
  size_t deep = 0;
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    const Layer *layer = &s->network->layers[l];
    deep = PetscMax(deep, columns_of(s, l) * (size_t)PetscMax(layer->n_in + 1, layer->n_out));
  }
  return (size_t)s->panel * deep;
}

size_t NetworkStoreAdjointsWork(NetworkStore s)
{
  return s->quadratic || (s->first == 0 && s->apart[0]) ? NetworkStoreInputsWork(s) : 0;
}

/* z of column c: the field's row of a diagonal form, or the unit vector c. */
static void form_inputs(const PanelLayer *part, int term, size_t n_column, double z[])
{
  const size_t n = (size_t)part->n, d = part->n_in;
  const bool full = part->form->network->quadratic->full;
  for (size_t c = 0; c < n_column; c++)
    for (size_t p = 0; p < n; p++, z += d) {
      if (!full) StoreQuadraticRow(part, term, p, c * d, d, z);
      for (size_t i = 0; i < d && full; i++) z[i] = i == c;
    }
}

/* g [n_column][n][n_out] of one term: the field's unit vector, or column c of the row. */
static void form_adjoints(const PanelLayer *part, int term, size_t n_column, double row[], double g[])
{
  const size_t n = (size_t)part->n, d = part->n_in, n_out = part->n_out;
  const bool full = part->form->network->quadratic->full;
  for (size_t p = 0; p < n; p++) {
    if (full) StoreQuadraticRow(part, term, p, 0, n_out * d, row);
    for (size_t c = 0; c < n_column; c++)
      for (size_t j = 0; j < n_out; j++) g[(c * n + p) * n_out + j] = full ? row[j * d + c] : (double)(j == c);
  }
}

/* The adjoints of the columns of a neuron's own constants are those of this neuron alone: g of one term. */
static void spread_adjoints(const PanelLayer *part, const double g[], size_t n_column, double to[])
{
  const size_t n = (size_t)part->n, n_out = part->n_out, size = n * n_out, own = part->n_own;
  memset(to, 0, n_column * size * sizeof(double));
  memcpy(to, g, own * size * sizeof(double));
  for (size_t c = own; c < n_column; c++) {
    const size_t k = (c - own) / n_out, j = (c - own) % n_out;
    for (size_t p = 0; p < n; p++) to[c * size + p * n_out + j] = g[(own + k) * size + p * n_out + j];
  }
}

const double *NetworkStoreLayer(NetworkStore s, int panel, int layer, int term, double z[], double g[], int *n_column)
{
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  const size_t n = (size_t)part.n, n_in = part.n_in, width = n_in + (part.layer->unbiased ? 0 : 1);
  const size_t columns = part.apart || part.form ? columns_of(s, layer) : part.n_column;
  const double *adjoints = part.g + (size_t)term * part.g_term;
  *n_column = (int)columns;
  if (part.form) {
    form_adjoints(&part, term, columns, z, g);
    form_inputs(&part, term, columns, z);
    return g;
  }
  for (size_t c = 0; c < columns; c++) {
    const bool constant = c >= part.n_own;
    const double *from = constant ? part.seeds + (c - part.n_own) * n_in : part.z + c * n * n_in;
    for (size_t p = 0; p < n; p++, z += width) {
      memcpy(z, from + (constant ? 0 : p * n_in), n_in * sizeof(double));
      if (!part.layer->unbiased) z[n_in] = c == 0;
    }
  }
  if (!part.apart) return adjoints;
  spread_adjoints(&part, adjoints, columns, g);
  return g;
}
