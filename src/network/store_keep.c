/* From a sweep into a store, which is double. */
#include "store_impl.h"

static void widen(size_t n, const Real values[], double kept[])
{
  for (size_t k = 0; k < n; k++) kept[k] = values[k];
}

/* Inputs of a layer that reads the coordinates, in the columns that have some of their own. */
static void keep_inputs(NetworkStore store, const PanelLayer *part, int at, REAL(Sweep) * s)
{
  const size_t size = (size_t)s->n * part->n_in, stride = (size_t)part->n * part->n_in;
  double *to = part->z + (size_t)at * part->n_in;
  widen(size, SweepInputs(s, part->layer), to);
  for (size_t c = 1; c < part->n_own; c++)
    widen(size, REAL(SweepSeedsAtPoints)(s, part->layer, store->columns[c]), to + c * stride);
}

void REAL(StoreInputs)(NetworkStore store, int panel, int at, void *sweep)
{
  REAL(Sweep) *s = sweep;
  int first, n_layer;
  NetworkTrainedLayers(store->network, &first, &n_layer);
  for (int l = first; l < n_layer; l++) {
    const PanelLayer part = StorePanelLayer(store, panel, l);
    const size_t size = (size_t)s->n * part.n_in, stride = (size_t)part.n * part.n_in;
    if (NetworkIsQuadratic(store->network, l)) {
      if (store->network->input_of) widen(size, s->input, part.z + (size_t)at * part.n_in);
      continue;
    }
    if (NetworkReadsInputs(store->network, l)) {
      if (l == 0 || store->network->input_of) keep_inputs(store, &part, at, s);
      continue;
    }
    if (part.layer->direct) {
      for (size_t p = 0; p < (size_t)s->n; p++) part.z[(size_t)at + p] = 1.0;
      continue;
    }
    for (size_t c = 0; c < part.n_column; c++)
      widen(size, s->value[part.layer->from] + c * size, part.z + c * stride + (size_t)at * part.n_in);
  }
}

static void keep_adjoints(NetworkStore store, const PanelLayer *part, int at, int term, const REAL(Sweep) * s,
                          bool reads, const Real u_bar[])
{
  const size_t size = (size_t)s->n * part->n_out, stride = (size_t)part->n * part->n_out;
  double *to = part->g + (size_t)term * part->g_term + (size_t)at * part->n_out;
  for (size_t c = 0; c < part->n_column; c++)
    widen(size, u_bar + (reads ? (size_t)store->columns[c] : c) * size, to + c * stride);
}

typedef struct {
  NetworkStore store;
  int panel, at, term;
} Place;

static void keep_quadratic(const Place *place, REAL(Sweep) * s, const Real u_bar[])
{
  double *w = s->form_point[1], *b = s->form_point[2];
  for (int f = 0; f < s->network->n_field; f++)
    for (int p = 0; p < s->n; p++) {
      REAL(QuadraticAdjoint)(s, f, p, u_bar, w, b);
      StoreQuadraticKeep(place->store, place->panel, f, place->at + p, place->term, w, b);
    }
}

static void keep_layer(void *context, REAL(Sweep) * s, int l, const Real u_bar[])
{
  const Place *place = context;
  if (NetworkIsQuadratic(s->network, l)) {
    keep_quadratic(place, s, u_bar);
    return;
  }
  const PanelLayer part = StorePanelLayer(place->store, place->panel, l);
  keep_adjoints(place->store, &part, place->at, place->term, s, NetworkReadsInputs(s->network, l), u_bar);
}

void REAL(StoreAdjoints)(NetworkStore store, int panel, int at, int term, void *sweep, const double theta[],
                         const double out_bar[])
{
  Place place = {store, panel, at, term};
  REAL(SweepBackward)(sweep, theta, out_bar, 0, keep_layer, &place);
}
