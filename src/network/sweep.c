/* Forward, reverse and tangent sweeps over jets. Arrays are [column][point][neuron], so that a layer is one matrix
   product over columns x points; activations compose jets lane by lane. What the forward sweep leaves is what the
   others need: the layers' inputs Z, and the jets D = s'(u) by which du becomes dv and v_bar becomes u_bar. */
#include <string.h>
#include <unistd.h>
#include "sweep_impl.h"

#define LINE 8 /* doubles of a cache line: unaligned vectors cost twice the time */

static size_t widest(Network network)
{
  int width = 0;
  for (int l = 0; l < network->n_layer; l++) width = PetscMax(width, network->layers[l].n_out);
  return (size_t)width;
}

/* Doubles a point and column: Z and D of hidden layers, and two adjoints. */
static size_t doubles_per_jet(Network network)
{
  size_t hidden = 0;
  for (int l = 0; l + 1 < network->n_layer; l++) hidden += (size_t)network->layers[l].n_out;
  return 2 * hidden + 2 * widest(network);
}

double NetworkSweepDoubles(Network network, JetPlan plan, int max_point)
{
  return (double)max_point * ((double)JetPlanColumns(plan) * (double)doubles_per_jet(network) + network->n_coord + 1);
}

int NetworkTilePoints(Network network, JetPlan plan)
{
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const double bytes = NetworkSweepDoubles(network, plan, 1) * sizeof(double);
  const double points = 0.5 * (double)(cache > 0 ? cache : 1 << 20) / bytes;
  return points < 8.0 ? 8 : points > 1024.0 ? 1024 : (int)points / 8 * 8;
}

PetscErrorCode NetworkSweepCreate(Network network, JetPlan plan, int max_point, NetworkSweep *sweep)
{
  const size_t jets = (size_t)JetPlanColumns(plan) * (size_t)max_point;
  NetworkSweep s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *sweep = s;
  s->network = network;
  s->plan = plan;
  s->n_column = JetPlanColumns(plan);
  s->max_point = max_point;
  PetscCall(PetscMalloc2(network->n_layer, &s->z, network->n_layer, &s->d));
  PetscCall(PetscMalloc3((size_t)max_point * (size_t)network->n_coord, &s->input, max_point, &s->ones,
                         jets * doubles_per_jet(network) + LINE, &s->storage));
  for (int p = 0; p < max_point; p++) s->ones[p] = 1.0;
  double *next = s->storage + LINE - (uintptr_t)s->storage / sizeof(double) % LINE;
  for (int l = 0; l + 1 < network->n_layer; l++) {
    const size_t size = jets * (size_t)network->layers[l].n_out;
    s->d[l] = next;
    s->z[l + 1] = next + size;
    next += 2 * size;
  }
  s->work[0] = next;
  s->work[1] = next + jets * widest(network);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkSweepDestroy(NetworkSweep *sweep)
{
  NetworkSweep s = *sweep;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(s->input, s->ones, s->storage));
  PetscCall(PetscFree2(s->z, s->d));
  PetscCall(PetscFree(*sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_bias(const Layer *layer, const double b[], int n, double u[])
{
  for (int p = 0; p < n; p++)
    for (int j = 0; j < layer->n_out; j++) u[(size_t)p * (size_t)layer->n_out + (size_t)j] += b[j];
}

/* u of the first layer: the inputs' jets are the points in column 0 and constants in the columns that they seed. */
static void first_layer(NetworkSweep s, const double weights[], double u[])
{
  const Network network = s->network;
  const Layer *layer = &network->layers[0];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  KernelCPU.gemm('N', 'T', n, n_out, n_in, 1.0, s->input, n_in, weights, n_in, 0.0, u, n_out);
  add_bias(layer, weights + n_in * n_out, s->n, u);
  for (int c = 1; c < s->n_column; c++) {
    double *column = u + (size_t)c * n * n_out;
    const Seeds seeds = SweepSeeds(s, c);
    memset(column, 0, n_out * sizeof(double));
    for (int k = 0; k < seeds.n; k++)
      for (size_t j = 0; j < n_out; j++)
        column[j] += seeds.factor[k] * network->stretch[seeds.coord[k]] * weights[j * n_in + (size_t)seeds.coord[k]];
    for (size_t p = 1; p < n; p++) memcpy(column + p * n_out, column, n_out * sizeof(double));
  }
}

static void dense_layer(NetworkSweep s, const Layer *layer, const double weights[], const double z[], double beta,
                        double u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  KernelCPU.gemm('N', 'T', rows, n_out, n_in, 1.0, z, n_in, weights, n_in, beta, u, n_out);
  add_bias(layer, weights + n_in * n_out, s->n, u);
}

void NetworkForward(NetworkSweep s, const double theta[], int n, const double x[], double out[])
{
  const Network network = s->network;
  const int last = network->n_layer - 1;
  s->n = n;
  for (int p = 0; p < n; p++)
    for (int i = 0; i < network->n_coord; i++)
      s->input[p * network->n_coord + i] = (x[p * network->n_coord + i] - network->shift[i]) * network->stretch[i];
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const double *weights = NetworkWeights(network, layer, theta);
    double *u = l < last ? s->d[l] : out;
    const size_t lanes = (size_t)n * (size_t)layer->n_out;
    if (l == 0)
      first_layer(s, weights, u);
    else
      dense_layer(s, layer, weights, s->z[l], 0.0, u);
    if (l < last)
      KernelCPU.compose(JetPlanTables(s->plan), network->activation->series, 0.0, lanes, u, lanes, s->z[l + 1], lanes,
                        layer->frozen ? NULL : s->d[l], NULL, lanes);
  }
}

const double *SweepLayerAdjoint(NetworkSweep s, const double theta[], const double out_bar[], int l,
                                const double above[])
{
  const Network network = s->network;
  if (l == network->n_layer - 1) return out_bar;
  const Layer *layer = &network->layers[l + 1];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  const size_t lanes = (size_t)s->n * n_in;
  double *z_bar = s->work[above == s->work[0]], *u_bar = s->work[above != s->work[0]];
  KernelCPU.gemm('N', 'N', rows, n_in, n_out, 1.0, above, n_out, NetworkWeights(network, layer, theta), n_in, 0.0,
                 z_bar, n_in);
  KernelCPU.multiply_transpose(&JetPlanTables(s->plan)->product, lanes, s->d[l], lanes, z_bar, lanes, u_bar, lanes, 0);
  return u_bar;
}

/* Adds the first layer's gradient: the columns' adjoints, summed over points, meet the seeds. */
static void first_gradient(NetworkSweep s, const double u_bar[], double gradient[])
{
  const Network network = s->network;
  const size_t n_in = (size_t)network->layers[0].n_in, n_out = (size_t)network->layers[0].n_out, n = (size_t)s->n;
  KernelCPU.gemm('T', 'N', n_out, n_in, n, 1.0, u_bar, n_out, s->input, n_in, 1.0, gradient, n_in);
  for (int c = 1; c < s->n_column; c++) {
    const Seeds seeds = SweepSeeds(s, c);
    for (int k = 0; k < seeds.n; k++) {
      const double factor = seeds.factor[k] * network->stretch[seeds.coord[k]];
      KernelCPU.gemm('T', 'N', n_out, 1, n, factor, u_bar + (size_t)c * n * n_out, n_out, s->ones, 1, 1.0,
                     gradient + seeds.coord[k], n_in);
    }
  }
}

void NetworkReverse(NetworkSweep s, const double theta[], const double out_bar[], double gradient[])
{
  const Network network = s->network;
  const double *u_bar = out_bar;
  for (int l = network->n_layer - 1; l >= 0; l--) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
    double *g = gradient + layer->offset;
    if (layer->frozen) return; /* frozen layers come first */
    u_bar = SweepLayerAdjoint(s, theta, out_bar, l, u_bar);
    if (l == 0)
      first_gradient(s, u_bar, g);
    else
      KernelCPU.gemm('T', 'N', n_out, n_in, rows, 1.0, u_bar, n_out, s->z[l], n_in, 1.0, g, n_in);
    for (int p = 0; p < s->n; p++)
      for (size_t j = 0; j < n_out; j++) g[n_in * n_out + j] += u_bar[(size_t)p * n_out + j];
  }
}

void NetworkTangent(NetworkSweep s, const double theta[], const double v[], double out_dot[])
{
  const Network network = s->network;
  const int last = network->n_layer - 1;
  const double *z_dot = NULL; /* NULL = zero, as it is above frozen layers */
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
    const size_t lanes = (size_t)s->n * n_out;
    double *u_dot = l == last ? out_dot : s->work[0];
    if (layer->frozen) continue;
    if (z_dot)
      KernelCPU.gemm('N', 'T', rows, n_out, n_in, 1.0, z_dot, n_in, NetworkWeights(network, layer, theta), n_in, 0.0,
                     u_dot, n_out);
    if (l == 0)
      first_layer(s, v + layer->offset, u_dot);
    else
      dense_layer(s, layer, v + layer->offset, s->z[l], z_dot ? 1.0 : 0.0, u_dot);
    if (l == last) return;
    KernelCPU.multiply(&JetPlanTables(s->plan)->product, lanes, s->d[l], lanes, u_dot, lanes, s->work[1], lanes, 0);
    z_dot = s->work[1];
  }
}
