/* Forward, reverse and tangent sweeps over jets. Arrays are [column][point][neuron], so that a layer is one matrix
   product over columns x points; activations compose jets lane by lane. What the forward sweep leaves is what the
   others need: the layers' inputs Z, and the jets D = s'(u) by which du becomes dv and v_bar becomes u_bar. */
#include <string.h>
#include "store_impl.h"

#define LINE (64 / sizeof(Real)) /* numbers of a cache line: unaligned vectors cost twice the time */

static size_t align(size_t n)
{
  return (n + LINE - 1) / LINE * LINE;
}

static bool has_seeds_at_points(JetPlan plan)
{
  for (int c = 1; c < JetPlanColumns(plan); c++)
    if (JetPlanSeedsVary(plan, c)) return true;
  return false;
}

/* Columns that are a multiple of the first but for where the inputs are 0: u = scale (W z + W origin). */
static PetscErrorCode find_scaled_columns(REAL(Sweep) * s)
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

static PetscErrorCode sweep_create(Network network, JetPlan plan, JetTables tables, NetworkCompression compression,
                                   int max_point, void **sweep)
{
  const size_t jets = (size_t)JetPlanColumns(plan) * (size_t)max_point, widest = (size_t)NetworkWidest(network);
  size_t largest = 0;
  REAL(Sweep) * s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *sweep = s;
  s->network = network;
  s->plan = plan;
  s->tables = tables;
  s->n_column = JetPlanColumns(plan);
  s->compression = compression;
  if (compression) PetscCall(CompressionSlot(compression, &s->slot, &s->seed_bars));
  s->seed_bar = s->seed_bars;
  for (int l = 0; l < network->n_layer + network->affine; l++)
    largest = PetscMax(largest, LayerSize(&network->layers[l]));
  PetscCall(PetscMalloc2(network->n_layer, &s->z, network->n_layer, &s->d));
  PetscCall(PetscMalloc3((size_t)max_point * (size_t)network->n_coord, &s->input, max_point, &s->ones,
                         jets * NetworkJetNumbers(network) + (2 * (size_t)network->n_layer + 2) * LINE, &s->storage));
  if (has_seeds_at_points(plan)) PetscCall(PetscMalloc1((size_t)max_point * (size_t)network->n_coord, &s->seeds));
  if (network->input_of) PetscCall(PetscMalloc1((size_t)max_point * (size_t)network->n_input, &s->shared));
  PetscCall(PetscMalloc1(widest, &s->column));
  PetscCall(find_scaled_columns(s));
  for (int p = 0; p < max_point; p++) s->ones[p] = 1;
  Real *next = s->storage + LINE - (uintptr_t)s->storage / sizeof(Real) % LINE;
  for (int l = 0; l + 1 < network->n_layer; l++) {
    const size_t size = align(jets * (size_t)network->layers[l].n_out);
    s->d[l] = next;
    s->z[l + 1] = next + size;
    next += 2 * size;
  }
  s->work[0] = next;
  s->work[1] = next + align(jets * widest);
#ifdef PINN_SINGLE
  PetscCall(
      PetscMalloc3(jets * (size_t)network->n_field, &s->output, largest, &s->narrowed[0], largest, &s->narrowed[1]));
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sweep_destroy(void **sweep)
{
  REAL(Sweep) *s = *sweep;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(s->output, s->narrowed[0], s->narrowed[1]));
  PetscCall(PetscFree(s->seeds));
  PetscCall(PetscFree(s->shared));
  PetscCall(PetscFree(s->column));
  PetscCall(PetscFree(s->scale));
  PetscCall(PetscFree(s->origin));
  PetscCall(PetscFree3(s->input, s->ones, s->storage));
  PetscCall(PetscFree2(s->z, s->d));
  PetscCall(PetscFree(*sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_bias(const Layer *layer, const Real b[], int n, Real u[])
{
  for (int p = 0; p < n; p++)
    for (int j = 0; j < layer->n_out; j++) u[(size_t)p * (size_t)layer->n_out + (size_t)j] += b[j];
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
static void seeded_column(const REAL(Sweep) * s, const Layer *layer, const Real weights[], const double compressed[],
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
    const Real factor = (Real)(seeds.factor[k] * network->stretch[i]), *weight = weights + SweepInputOf(layer, (int)i);
    for (size_t j = 0; j < n_out; j++) column[j] += factor * weight[j * n_in];
  }
}

/* Of the first layer, which has u = W z without biases in column 0. */
static bool is_scaled(const REAL(Sweep) * s, const Layer *layer, int column)
{
  return layer == s->network->layers && s->scale[column] != 0;
}

static void scaled_column(REAL(Sweep) * s, const Layer *layer, const Real weights[], const Real u[], int c, Real at[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  const Real scale = s->scale[c];
  for (size_t k = 0; k < n * n_out; k++) at[k] = scale * u[k];
  if (!s->origin) return;
  REAL(KernelCPU).gemm('N', 'T', 1, n_out, n_in, scale, s->origin, n_in, weights, n_in, 0, s->column, n_out);
  for (size_t p = 0; p < n; p++)
    for (size_t j = 0; j < n_out; j++) at[p * n_out + j] += s->column[j];
}

/* u, or what is added to u where beta is 1, of a layer that reads the coordinates: their jets are the points in column
   0 and, mostly, constants in the columns that they seed. */
static void input_layer(REAL(Sweep) * s, const Layer *layer, const Real weights[], const double compressed[],
                        size_t width, Real beta, Real u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  REAL(KernelCPU).gemm('N', 'T', n, n_out, n_in, 1, SweepInputs(s, layer), n_in, weights, n_in, beta, u, n_out);
  for (int c = 1; c < s->n_column; c++) {
    Real *at = u + (size_t)c * n * n_out;
    if (is_scaled(s, layer, c)) {
      scaled_column(s, layer, weights, u, c, at);
      continue;
    }
    if (JetPlanSeedsVary(s->plan, c)) {
      REAL(KernelCPU).gemm('N', 'T', n, n_out, n_in, 1, REAL(SweepSeedsAtPoints)(s, layer, c), n_in, weights, n_in,
                           beta, at, n_out);
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

/* The layers that read the coordinates: the first, which gives u, and the affine part, which is added to u. */
static void first_layer(REAL(Sweep) * s, const Real weights[], const double compressed[], Real u[])
{
  input_layer(s, &s->network->layers[0], weights, compressed, (size_t)NetworkFirstWidth(s->network), 0, u);
}

static void affine_layer(REAL(Sweep) * s, const Real weights[], const double compressed[], Real u[])
{
  const size_t first = (size_t)s->network->layers[0].n_out;
  input_layer(s, NetworkAffine(s->network), weights, compressed ? compressed + first : NULL,
              (size_t)NetworkFirstWidth(s->network), 1, u);
}

static void sweep_set_pass(void *sweep, int pass)
{
  REAL(Sweep) *s = sweep;
  s->pass = pass;
  s->seed_bar = s->seed_bars + CompressionPass(s->compression, pass);
}

static const double *compressed_seeds(const REAL(Sweep) * s, bool dots)
{
  return s->compression ? CompressionSeeds(s->compression, dots, s->pass) : NULL;
}

static void dense_layer(REAL(Sweep) * s, const Layer *layer, const Real weights[], const Real z[], Real beta, Real u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  REAL(KernelCPU).gemm('N', 'T', rows, n_out, n_in, 1, z, n_in, weights, n_in, beta, u, n_out);
  add_bias(layer, weights + n_in * n_out, s->n, u);
}

/* Where the last layer writes, and its way out as double. */
static Real *output_begin(REAL(Sweep) * s, double out[])
{
#ifdef PINN_SINGLE
  (void)out;
  return s->output;
#else
  (void)s;
  return out;
#endif
}

static void output_end(REAL(Sweep) * s, double out[])
{
#ifdef PINN_SINGLE
  const size_t size = (size_t)s->n_column * (size_t)s->n * (size_t)s->network->n_field;
  for (size_t k = 0; k < size; k++) out[k] = s->output[k];
#else
  (void)s, (void)out;
#endif
}

static void share_inputs(REAL(Sweep) * s)
{
  const Network network = s->network;
  if (!network->input_of) return;
  memset(s->shared, 0, (size_t)s->n * (size_t)network->n_input * sizeof(Real));
  for (int p = 0; p < s->n; p++)
    for (int i = 0; i < network->n_coord; i++)
      s->shared[p * network->n_input + network->input_of[i]] += s->input[p * network->n_coord + i];
}

static void sweep_forward(void *sweep, const double theta[], int n, const double x[], double out[])
{
  REAL(Sweep) *s = sweep;
  const Network network = s->network;
  const int last = network->n_layer - 1;
  s->n = n;
  for (int p = 0; p < n; p++)
    for (int i = 0; i < network->n_coord; i++)
      s->input[p * network->n_coord + i] =
          (Real)((x[p * network->n_coord + i] - network->shift[i]) * network->stretch[i]);
  share_inputs(s);
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const Real *weights = SweepWeights(s, layer, theta);
    const size_t lanes = (size_t)n * (size_t)layer->n_out;
    Real *u = l < last ? s->d[l] : output_begin(s, out);
    if (l == 0)
      first_layer(s, weights, compressed_seeds(s, false), u);
    else
      dense_layer(s, layer, weights, s->z[l], 0, u);
    if (l < last)
      REAL(KernelCPU).compose(SweepTables(s, (size_t)layer->n_out), network->activation->REAL(series), 0.0, lanes, u,
                              lanes, s->z[l + 1], lanes, layer->frozen ? NULL : s->d[l], NULL, lanes);
  }
  const Layer *affine = NetworkAffine(network);
  if (affine) affine_layer(s, SweepWeights(s, affine, theta), compressed_seeds(s, false), output_begin(s, out));
  output_end(s, out);
}

const Real *REAL(SweepOutputAdjoint)(REAL(Sweep) * s, const double out_bar[])
{
  return SweepNarrow(out_bar, (size_t)s->n_column * (size_t)s->n * (size_t)s->network->n_field, s->output);
}

const Real *REAL(SweepLayerAdjoint)(REAL(Sweep) * s, const double theta[], const Real out_bar[], int l,
                                    const Real above[])
{
  const Network network = s->network;
  if (l == network->n_layer - 1) return out_bar;
  const Layer *layer = &network->layers[l + 1];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  const size_t lanes = (size_t)s->n * n_in;
  Real *z_bar = s->work[above == s->work[0]], *u_bar = s->work[above != s->work[0]];
  REAL(KernelCPU).gemm('N', 'N', rows, n_in, n_out, 1, above, n_out, SweepWeights(s, layer, theta), n_in, 0, z_bar,
                       n_in);
  REAL(KernelCPU).multiply_transpose(&SweepTables(s, n_in)->product, lanes, s->d[l], lanes, z_bar, lanes, u_bar, lanes,
                                     0);
  return u_bar;
}

/* Where a layer's gradient is summed over the tile, and its way into the sum over tiles, which is double. */
static Real *gradient_begin(REAL(Sweep) * s, const Layer *layer, double gradient[])
{
#ifdef PINN_SINGLE
  (void)gradient;
  memset(s->narrowed[1], 0, LayerSize(layer) * sizeof(Real));
  return s->narrowed[1];
#else
  (void)s, (void)layer;
  return gradient;
#endif
}

static void gradient_end(REAL(Sweep) * s, const Layer *layer, double gradient[])
{
#ifdef PINN_SINGLE
  for (size_t k = 0; k < LayerSize(layer); k++) gradient[k] += s->narrowed[1][k];
#else
  (void)s, (void)layer, (void)gradient;
#endif
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
static void add_origin(REAL(Sweep) * s, const Layer *layer, const Real column[], Real scale, Real gradient[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  if (!s->origin) return;
  REAL(KernelCPU).gemm('T', 'N', n_out, 1, (size_t)s->n, scale, column, n_out, s->ones, 1, 0, s->column, 1);
  for (size_t j = 0; j < n_out; j++)
    for (size_t i = 0; i < n_in; i++) gradient[j * n_in + i] += s->column[j] * s->origin[i];
}

/* The adjoint that meets the inputs: of column 0, and of the columns that are multiples of it. */
static const Real *scaled_adjoint(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], Real gradient[])
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
static void input_gradient(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], Real gradient[])
{
  const Network network = s->network;
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, n = (size_t)s->n;
  const Real *first = scaled_adjoint(s, layer, u_bar, gradient);
  REAL(KernelCPU).gemm('T', 'N', n_out, n_in, n, 1, first, n_out, SweepInputs(s, layer), n_in, 1, gradient, n_in);
  for (int c = 1; c < s->n_column; c++) {
    const Real *column = u_bar + (size_t)c * n * n_out;
    if (is_scaled(s, layer, c)) continue;
    if (JetPlanSeedsVary(s->plan, c)) {
      REAL(KernelCPU).gemm('T', 'N', n_out, n_in, n, 1, column, n_out, REAL(SweepSeedsAtPoints)(s, layer, c), n_in, 1,
                           gradient, n_in);
      continue;
    }
    const Seeds seeds = SweepSeeds(s, c);
    for (int k = 0; k < seeds.n; k++) {
      if (seeds.coord[k] >= network->n_coord) {
        REAL(SweepSeedAdjoint)(s, layer, seeds.coord[k], seeds.factor[k], s->n, column);
        continue;
      }
      const Real factor = (Real)(seeds.factor[k] * network->stretch[seeds.coord[k]]);
      REAL(KernelCPU).gemm('T', 'N', n_out, 1, n, factor, column, n_out, s->ones, 1, 1,
                           gradient + SweepInputOf(layer, seeds.coord[k]), n_in);
    }
  }
}

static void sweep_reverse(void *sweep, const double theta[], const double out_bar[], double gradient[])
{
  REAL(Sweep) *s = sweep;
  const Network network = s->network;
  const Real *top = REAL(SweepOutputAdjoint)(s, out_bar), *u_bar = top;
  const Layer *affine = NetworkAffine(network);
  if (affine) {
    Real *g = gradient_begin(s, affine, gradient + affine->offset);
    input_gradient(s, affine, top, g);
    gradient_end(s, affine, gradient + affine->offset);
  }
  for (int l = network->n_layer - 1; l >= 0; l--) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
    if (layer->frozen) return; /* frozen layers come first */
    u_bar = REAL(SweepLayerAdjoint)(s, theta, top, l, u_bar);
    Real *g = gradient_begin(s, layer, gradient + layer->offset);
    if (l == 0)
      input_gradient(s, layer, u_bar, g);
    else
      REAL(KernelCPU).gemm('T', 'N', n_out, n_in, rows, 1, u_bar, n_out, s->z[l], n_in, 1, g, n_in);
    for (int p = 0; p < s->n; p++)
      for (size_t j = 0; j < n_out; j++) g[n_in * n_out + j] += u_bar[(size_t)p * n_out + j];
    gradient_end(s, layer, gradient + layer->offset);
  }
}

static void sweep_tangent(void *sweep, const double theta[], const double v[], double out_dot[])
{
  REAL(Sweep) *s = sweep;
  const Network network = s->network;
  const int last = network->n_layer - 1;
  const Real *z_dot = NULL; /* NULL = zero, as it is above frozen layers */
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
    const size_t lanes = (size_t)s->n * n_out;
    Real *u_dot = l == last ? output_begin(s, out_dot) : s->work[0];
    if (layer->frozen) continue;
    const Real *direction = SweepNarrow(v + layer->offset, LayerSize(layer), s->narrowed[1]);
    if (z_dot)
      REAL(KernelCPU).gemm('N', 'T', rows, n_out, n_in, 1, z_dot, n_in, SweepWeights(s, layer, theta), n_in, 0, u_dot,
                           n_out);
    if (l == 0)
      first_layer(s, direction, compressed_seeds(s, true), u_dot);
    else
      dense_layer(s, layer, direction, s->z[l], z_dot ? 1 : 0, u_dot);
    if (l == last) break;
    REAL(KernelCPU).multiply(&SweepTables(s, n_out)->product, lanes, s->d[l], lanes, u_dot, lanes, s->work[1], lanes,
                             0);
    z_dot = s->work[1];
  }
  const Layer *affine = NetworkAffine(network);
  if (affine)
    affine_layer(s, SweepNarrow(v + affine->offset, LayerSize(affine), s->narrowed[1]), compressed_seeds(s, true),
                 output_begin(s, out_dot));
  output_end(s, out_dot);
}

#ifdef PINN_SINGLE
void SweepTake_Single(void *sweep, int n, const double input[], double *const z[], double *const d[])
{
  Sweep_Single *s = sweep;
  const Network network = s->network;
  s->n = n;
  SweepNarrow(input, (size_t)n * (size_t)network->n_coord, s->input);
  share_inputs(s);
  for (int l = 0; l + 1 < network->n_layer; l++) {
    const size_t size = (size_t)s->n_column * (size_t)n * (size_t)network->layers[l].n_out;
    if (!network->layers[l].frozen) SweepNarrow(d[l], size, s->d[l]);
    SweepNarrow(z[l + 1], size, s->z[l + 1]);
  }
}
#endif

const SweepOps REAL(SweepInReal) = {.create = sweep_create,
                                    .destroy = sweep_destroy,
                                    .set_pass = sweep_set_pass,
                                    .forward = sweep_forward,
                                    .reverse = sweep_reverse,
                                    .tangent = sweep_tangent,
                                    .rows = REAL(SweepRows),
                                    .store_inputs = REAL(StoreInputs),
                                    .store_adjoints = REAL(StoreAdjoints)};
