/* Layers that read the coordinates: their jets are the points in column 0 and, mostly, constants in the columns that
   they seed. */
#include <string.h>
#include "sweep_impl.h"

#define LEAST_SHARED 100000 /* numbers that threads share */

/* Columns that are a multiple of the first but for where the inputs are 0: u = scale (W z + W origin). */
PetscErrorCode REAL(SweepFindScaled)(REAL(Sweep) * s)
{
  const Network network = s->network;
  bool any = false;
  double scale;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(s->n_column, &s->scale));
  for (int c = 1; c < s->n_column; c++) {
    if (!JetPlanSeedsScale(s->plan, c, network->n_coord, &scale)) continue;
    s->scale[c] = (Real)scale;
    for (int i = 0; i < network->n_coord; i++) any |= network->shift[i] != 0;
  }
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(network->n_input, &s->origin));
  for (int i = 0; i < network->n_coord; i++)
    s->origin[SweepInputOf(&network->layers[0], i)] += (Real)(network->shift[i] * network->stretch[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u [n][n_out] = x W^T + beta u for x [n][n_in]. */
static void multiply_inputs(REAL(Sweep) * s, const Layer *layer, const double W[], size_t n, const Real x[], Real beta,
                            Real u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
#ifdef PINN_SINGLE
  const size_t most = SweepNarrowed(layer) / n_out;
  for (size_t i = 0; i < n_in; i += most) {
    const size_t part = n_in - i < most ? n_in - i : most;
    Real *narrowed = s->narrowed[0];
#pragma omp parallel for schedule(static) if (part * n_out > LEAST_SHARED)
    for (size_t j = 0; j < n_out; j++)
      for (size_t k = 0; k < part; k++) narrowed[j * part + k] = (Real)W[j * n_in + i + k];
    REAL(KernelCPU).gemm('N', 'T', n, n_out, part, 1, x + i, n_in, narrowed, part, i ? 1 : beta, u, n_out);
  }
#else
  (void)s;
  REAL(KernelCPU).gemm('N', 'T', n, n_out, n_in, 1, x, n_in, W, n_in, beta, u, n_out);
#endif
}

/* W_bar [n_out][n_in] += u_bar^T x of all points. */
static void add_input_products(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], const Real x[], double W_bar[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
#ifdef PINN_SINGLE
  const size_t most = SweepNarrowed(layer) / n_out;
  for (size_t i = 0; i < n_in; i += most) {
    const size_t part = n_in - i < most ? n_in - i : most;
    Real *narrowed = s->narrowed[1];
    REAL(KernelCPU).gemm('T', 'N', n_out, part, n, 1, u_bar, n_out, x + i, n_in, 0, narrowed, part);
#pragma omp parallel for schedule(static) if (part * n_out > LEAST_SHARED)
    for (size_t j = 0; j < n_out; j++)
      for (size_t k = 0; k < part; k++) W_bar[j * n_in + i + k] += narrowed[j * part + k];
  }
#else
  REAL(KernelCPU).gemm('T', 'N', n_out, n_in, n, 1, u_bar, n_out, x, n_in, 1, W_bar, n_in);
#endif
}

static void add_bias(const Layer *layer, const double b[], int n, Real u[])
{
  for (int p = 0; p < n; p++)
    for (int j = 0; j < layer->n_out; j++) u[(size_t)p * (size_t)layer->n_out + (size_t)j] += (Real)b[j];
}

const Real *REAL(SweepSeedsAtPoints)(REAL(Sweep) * s, const Layer *layer, int column)
{
  const Seeds seeds = SweepSeeds(s, column);
  const bool *own = JetPlanSeedsOwn(s->plan, column);
  const size_t n_in = (size_t)layer->n_in;
  memset(s->seeds, 0, (size_t)s->n * n_in * sizeof(Real));
  for (int p = 0; p < s->n; p++) {
    const double *factor = SweepSeedFactors(s, &seeds, column, p);
    Real *at = s->seeds + (size_t)p * n_in;
    for (int k = 0; k < seeds.n; k++)
      at[SweepInputOf(layer, seeds.coord[k])] += (Real)SweepSeed(s, seeds.coord[k], factor[k], own[k], p);
  }
  return s->seeds;
}

/* Of a layer that reads the coordinates, the column of u that constant seeds give: column [n_out]. Coordinates from
   n_coord on bring theirs themselves: compressed [n_seed][width]. */
static void seeded_column(const REAL(Sweep) * s, const Layer *layer, const double weights[], const double compressed[],
                          size_t width, int c, Real column[])
{
  const Network network = s->network;
  const Seeds seeds = SweepSeeds(s, c);
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n_coord = (size_t)network->n_coord;
  memset(column, 0, n_out * sizeof(Real));
  for (int k = 0; k < seeds.n; k++) {
    const size_t i = (size_t)seeds.coord[k];
    if (i >= n_coord) {
      for (size_t j = 0; j < n_out; j++) column[j] += (Real)(seeds.factor[k] * compressed[(i - n_coord) * width + j]);
      continue;
    }
    const Real factor = (Real)(seeds.factor[k] * network->stretch[i]);
    const double *weight = weights + SweepInputOf(layer, (int)i);
    for (size_t j = 0; j < n_out; j++) column[j] += factor * (Real)weight[j * n_in];
  }
}

/* Of the first layer, which has u = W z without biases in column 0. */
static bool is_scaled(const REAL(Sweep) * s, const Layer *layer, int column)
{
  return layer == s->network->layers && s->scale[column] != 0;
}

static void scaled_column(REAL(Sweep) * s, const Layer *layer, const double weights[], const Real u[], int c, Real at[])
{
  const size_t n_out = (size_t)layer->n_out, n = (size_t)s->n;
  const Real scale = s->scale[c];
  for (size_t k = 0; k < n * n_out; k++) at[k] = scale * u[k];
  if (!s->origin) return;
  multiply_inputs(s, layer, weights, 1, s->origin, 0, s->column);
  for (size_t p = 0; p < n; p++)
    for (size_t j = 0; j < n_out; j++) at[p * n_out + j] += scale * s->column[j];
}

/* u, or what is added to u where beta is 1, of a layer that reads the coordinates: their jets are the points in column
   0 and, mostly, constants in the columns that they seed. */
static void input_layer(REAL(Sweep) * s, const Layer *layer, const double weights[], const double compressed[],
                        size_t width, Real beta, Real u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  multiply_inputs(s, layer, weights, n, SweepInputs(s, layer), beta, u);
  for (int c = 1; c < s->n_column; c++) {
    Real *at = u + (size_t)c * n * n_out;
    if (is_scaled(s, layer, c)) {
      scaled_column(s, layer, weights, u, c, at);
      continue;
    }
    if (JetPlanSeedsVary(s->plan, c)) {
      multiply_inputs(s, layer, weights, n, REAL(SweepSeedsAtPoints)(s, layer, c), beta, at);
      continue;
    }
    seeded_column(s, layer, weights, compressed, width, c, s->column);
    if (beta == 0)
      for (size_t p = 0; p < n; p++) memcpy(at + p * n_out, s->column, n_out * sizeof(Real));
    else
      for (size_t k = 0; k < n * n_out; k++) at[k] += s->column[k % n_out];
  }
  if (!layer->unbiased) add_bias(layer, weights + n_in * n_out, s->n, u);
}

void REAL(SweepInputLayer)(REAL(Sweep) * s, const Layer *layer, const double weights[], bool tangent, Real beta,
                           Real u[])
{
  const Network network = s->network;
  const double *compressed = s->compression ? CompressionSeeds(s->compression, tangent, s->pass) : NULL;
  if (compressed && layer != network->layers) compressed += network->layers[0].n_out;
  input_layer(s, layer, weights, compressed, (size_t)NetworkFirstWidth(network), beta, u);
}

void REAL(SweepShareInputs)(REAL(Sweep) * s)
{
  const Network network = s->network;
  if (!network->input_of) return;
  memset(s->shared, 0, (size_t)s->n * (size_t)network->n_input * sizeof(Real));
  for (int p = 0; p < s->n; p++)
    for (int i = 0; i < network->n_coord; i++)
      s->shared[p * network->n_input + network->input_of[i]] += s->input[p * network->n_coord + i];
}

void REAL(SweepSetInputs)(REAL(Sweep) * s, int n, const double x[])
{
  const Network network = s->network;
  s->n = n;
  for (int p = 0; p < n; p++)
    for (int i = 0; i < network->n_coord; i++)
      s->input[p * network->n_coord + i] =
          (Real)((x[p * network->n_coord + i] - network->shift[i]) * network->stretch[i]);
  REAL(SweepShareInputs)(s);
}

void REAL(SweepSeedAdjoint)(REAL(Sweep) * s, const Layer *layer, int coord, double factor, int n, const Real u_bar[])
{
  const Network network = s->network;
  const size_t n_out = (size_t)layer->n_out, first = layer == network->layers ? 0 : (size_t)network->layers[0].n_out;
  double *bar = s->seed_bar + (size_t)(coord - network->n_coord) * (size_t)NetworkFirstWidth(network) + first;
  for (int p = 0; p < n; p++)
    for (size_t j = 0; j < n_out; j++) bar[j] += factor * u_bar[(size_t)p * n_out + j];
}

/* gradient += scale (sum of a column's adjoint over points) origin^T */
static void add_origin(REAL(Sweep) * s, const Layer *layer, const Real column[], Real scale, double gradient[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  if (!s->origin) return;
  REAL(KernelCPU).gemm('T', 'N', n_out, 1, (size_t)s->n, scale, column, n_out, s->ones, 1, 0, s->column, 1);
  for (size_t j = 0; j < n_out; j++)
    for (size_t i = 0; i < n_in; i++) gradient[j * n_in + i] += s->column[j] * s->origin[i];
}

/* The adjoint that meets the inputs: of column 0, and of the columns that are multiples of it. */
static const Real *scaled_adjoint(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], double gradient[])
{
  const size_t size = (size_t)s->n * (size_t)layer->n_out;
  const Real *sum = u_bar;
  for (int c = 1; c < s->n_column; c++) {
    if (!is_scaled(s, layer, c)) continue;
    const Real *column = u_bar + (size_t)c * size, scale = s->scale[c];
    Real *to = s->work[u_bar == s->work[0]];
    for (size_t k = 0; k < size; k++) to[k] = sum[k] + scale * column[k];
    sum = to;
    add_origin(s, layer, column, scale, gradient);
  }
  return sum;
}

/* Adds the gradient of a layer that reads the coordinates: the columns' adjoints, summed over points, meet the seeds.
 */
void REAL(SweepInputGradient)(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], double gradient[])
{
  const Network network = s->network;
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  const Real *first = scaled_adjoint(s, layer, u_bar, gradient);
  add_input_products(s, layer, first, SweepInputs(s, layer), gradient);
  for (int c = 1; c < s->n_column; c++) {
    const Real *column = u_bar + (size_t)c * n * n_out;
    if (is_scaled(s, layer, c)) continue;
    if (JetPlanSeedsVary(s->plan, c)) {
      add_input_products(s, layer, column, REAL(SweepSeedsAtPoints)(s, layer, c), gradient);
      continue;
    }
    const Seeds seeds = SweepSeeds(s, c);
    for (int k = 0; k < seeds.n; k++) {
      if (seeds.coord[k] >= network->n_coord) {
        REAL(SweepSeedAdjoint)(s, layer, seeds.coord[k], seeds.factor[k], s->n, column);
        continue;
      }
      const Real factor = (Real)(seeds.factor[k] * network->stretch[seeds.coord[k]]);
      double *to = gradient + SweepInputOf(layer, seeds.coord[k]);
      REAL(KernelCPU).gemm('T', 'N', n_out, 1, n, factor, column, n_out, s->ones, 1, 0, s->column, 1);
      for (size_t j = 0; j < n_out; j++) to[j * n_in] += s->column[j];
    }
  }
}
