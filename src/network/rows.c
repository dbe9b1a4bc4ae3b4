/* Rows of J: for each point the sum over columns of outer products of a layer's output adjoint and its input. */
#include "quadratic.h"

/* row[n] = values[n] */
static void widen(size_t n, const Real values[], double row[])
{
  for (size_t k = 0; k < n; k++) row[k] = values[k];
}

static void dense_rows(REAL(Sweep) * s, int l, const Real u_bar[], double J[], size_t ld)
{
  const Layer *layer = &s->network->layers[l];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n, C = (size_t)s->n_column;
  for (size_t p = 0; p < n; p++) {
#ifdef PINN_SINGLE
    Real *row = s->narrowed[1];
#else
    Real *row = J + p * ld;
#endif
    REAL(KernelCPU).gemm('T', 'N', n_out, n_in, C, 1, u_bar + p * n_out, n * n_out, s->value[layer->from] + p * n_in,
                         n * n_in, 0, row, n_in);
#ifdef PINN_SINGLE
    widen(n_in * n_out, row, J + p * ld);
#endif
  }
}

/* A layer that reads the coordinates: its inputs are the point in column 0 and the seeds in the others. */
static void input_rows(REAL(Sweep) * s, const Layer *layer, const double theta[], const Real u_bar[], double J[],
                       size_t ld)
{
  const Network network = s->network;
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  for (size_t p = 0; p < n; p++, J += ld) {
    const Real *input = SweepInputs(s, layer) + p * n_in;
    for (size_t j = 0; j < n_out; j++)
      for (size_t i = 0; i < n_in; i++) J[j * n_in + i] = u_bar[p * n_out + j] * input[i];
    for (int c = 1; c < s->n_column; c++) {
      const Seeds seeds = SweepSeeds(s, c);
      const double *at_point = SweepSeedFactors(s, &seeds, c, (int)p);
      const bool *own = JetPlanSeedsOwn(s->plan, c);
      const Real *g = u_bar + ((size_t)c * n + p) * n_out;
      for (int k = 0; k < seeds.n; k++) {
        if (seeds.coord[k] >= network->n_coord) {
          REAL(SweepSeedAdjoint)(s, layer, seeds.coord[k], seeds.factor[k], 1, g);
          continue;
        }
        const double factor = SweepSeed(s, seeds.coord[k], at_point[k], own[k], (int)p);
        const size_t at = SweepInputOf(layer, seeds.coord[k]);
        for (size_t j = 0; j < n_out; j++) J[j * n_in + at] += factor * g[j];
      }
    }
    if (s->compression) CompressionAddRow(s->compression, s->slot, layer, theta, J);
  }
}

typedef struct {
  const double *theta;
  size_t begin, count, ld;
  double *J;
} Rows;

static void add_rows(void *context, REAL(Sweep) * s, int l, const Real u_bar[])
{
  const Rows *rows = context;
  const Layer *layer = &s->network->layers[l];
  const size_t n_weight = (size_t)layer->n_in * (size_t)layer->n_out, n_out = (size_t)layer->n_out;
  if (layer->offset < rows->begin || layer->offset >= rows->begin + rows->count) return;
  double *at = rows->J + (layer->offset - rows->begin), *bias = layer->direct ? at : at + n_weight;
  if (NetworkIsQuadratic(s->network, l))
    REAL(QuadraticRows)(s, u_bar, at, rows->ld);
  else if (NetworkReadsInputs(s->network, l))
    input_rows(s, layer, rows->theta, u_bar, at, rows->ld);
  else if (!layer->direct)
    dense_rows(s, l, u_bar, at, rows->ld);
  if (layer->unbiased && !layer->direct) return;
  for (size_t p = 0; p < (size_t)s->n; p++) widen(n_out, u_bar + p * n_out, bias + p * rows->ld);
}

void REAL(SweepRows)(void *sweep, const double theta[], const double out_bar[], size_t begin, size_t count, double J[],
                     size_t ld)
{
  Rows rows = {theta, begin, count, ld, J};
  REAL(SweepBackward)(sweep, theta, out_bar, begin, add_rows, &rows);
}
