/* From a sweep into a store, which is double. */
#include "store_impl.h"

static void widen(size_t n, const Real values[], double kept[])
{
  for (size_t k = 0; k < n; k++) kept[k] = values[k];
}

/* Columns of the first layer where seeds depend on the point. */
static void keep_seeds(NetworkStore store, const PanelLayer *part, int at, REAL(Sweep) * s)
{
  const size_t n_in = part->n_in, size = (size_t)s->n * n_in;
  for (size_t c = 1; c < part->n_column; c++) {
    double *to = part->z + (c * (size_t)part->n + (size_t)at) * n_in;
    if (JetPlanSeedsVary(s->plan, store->columns[c]))
      widen(size, REAL(SweepSeedsAtPoints)(s, store->columns[c]), to);
    else
      for (size_t k = 0; k < size; k++) to[k] = store->seeds[(c - 1) * n_in + k % n_in];
  }
}

void REAL(StoreInputs)(NetworkStore store, int panel, int at, void *sweep)
{
  REAL(Sweep) *s = sweep;
  for (int l = store->first; l < store->network->n_layer; l++) {
    const PanelLayer part = StorePanelLayer(store, panel, l);
    const size_t size = (size_t)s->n * part.n_in, stride = (size_t)part.n * part.n_in;
    const Real *from = l ? s->z[l] : s->input;
    for (size_t c = 0; c < (l ? part.n_column : 1); c++)
      widen(size, from + c * size, part.z + c * stride + (size_t)at * part.n_in);
    if (l == 0 && !part.seeded) keep_seeds(store, &part, at, s);
  }
}

void REAL(StoreAdjoints)(NetworkStore store, int panel, int at, int term, void *sweep, const double theta[],
                         const double out_bar[])
{
  REAL(Sweep) *s = sweep;
  const Real *top = REAL(SweepOutputAdjoint)(s, out_bar), *u_bar = top;
  for (int l = store->network->n_layer - 1; l >= store->first; l--) {
    const PanelLayer part = StorePanelLayer(store, panel, l);
    const size_t size = (size_t)s->n * part.n_out, stride = (size_t)part.n * part.n_out;
    double *to = part.g + (size_t)term * part.g_term + (size_t)at * part.n_out;
    u_bar = REAL(SweepLayerAdjoint)(s, theta, top, l, u_bar);
    for (size_t c = 0; c < part.n_column; c++)
      widen(size, u_bar + (l ? c : (size_t)store->columns[c]) * size, to + c * stride);
  }
}
