/* The kinds of steps that layers are made of: dense ones, activations, and the layers that read the coordinates. Others
   are in mix.c. A dense layer is one matrix product over columns x points; activations compose jets lane by lane. */
#include "sweep_impl.h"

static void add_bias(const Layer *layer, const Real b[], int n, Real u[])
{
  if (layer->unbiased) return;
  for (int p = 0; p < n; p++)
    for (int j = 0; j < layer->n_out; j++) u[(size_t)p * (size_t)layer->n_out + (size_t)j] += b[j];
}

static const Layer *layer_of(const REAL(Sweep) * s, int k)
{
  return &s->network->layers[s->network->steps[k].layer];
}

static void read_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Layer *layer = layer_of(s, k);
  REAL(SweepInputLayer)
  (s, layer, NetworkWeights(s->network, layer, theta), false, 0, s->value[s->network->steps[k].to]);
}

static void read_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                         void *context)
{
  (void)theta, (void)deeper;
  visit(context, s, s->network->steps[k].layer, s->bar[s->network->steps[k].to]);
}

static void read_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Layer *layer = layer_of(s, k);
  (void)theta;
  REAL(SweepInputLayer)(s, layer, v + layer->offset, true, 0, s->dot[s->network->steps[k].to]);
}

static const REAL(StepOps) step_read = {read_forward, read_reverse, read_tangent};

static void affine_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Layer *layer = layer_of(s, k);
  REAL(SweepInputLayer)
  (s, layer, NetworkWeights(s->network, layer, theta), false, 1, s->value[s->network->steps[k].to]);
}

static void affine_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Layer *layer = layer_of(s, k);
  (void)theta;
  REAL(SweepInputLayer)(s, layer, v + layer->offset, true, 1, s->dot[s->network->steps[k].to]);
}

static const REAL(StepOps) step_affine = {affine_forward, read_reverse, affine_tangent};

/* u (+)= W z + b */
static void dense_layer(REAL(Sweep) * s, const Layer *layer, const Real weights[], const Real z[], Real beta, Real u[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  REAL(KernelCPU).gemm('N', 'T', rows, n_out, n_in, 1, z, n_in, weights, n_in, beta, u, n_out);
  add_bias(layer, weights + n_in * n_out, s->n, u);
}

static void dense_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = &s->network->steps[k];
  const Layer *layer = layer_of(s, k);
  dense_layer(s, layer, SweepWeights(s, layer, theta), s->value[step->from], 0, s->value[step->to]);
}

static void dense_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                          void *context)
{
  const Step *step = &s->network->steps[k];
  const Layer *layer = layer_of(s, k);
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  const Real *u_bar = s->bar[step->to];
  if (!layer->frozen) visit(context, s, step->layer, u_bar);
  if (deeper && SweepTrains(s, step->from))
    REAL(KernelCPU).gemm('N', 'N', rows, n_in, n_out, 1, u_bar, n_out, SweepWeights(s, layer, theta), n_in,
                         step->joins[0], SweepBar(s, step->from), n_in);
}

static void dense_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = &s->network->steps[k];
  const Layer *layer = layer_of(s, k);
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  const bool moves = SweepTrains(s, step->from);
  Real *u_dot = s->dot[step->to];
  if (moves)
    REAL(KernelCPU).gemm('N', 'T', rows, n_out, n_in, 1, s->dot[step->from], n_in, SweepWeights(s, layer, theta), n_in,
                         0, u_dot, n_out);
  if (layer->frozen) return;
  dense_layer(s, layer, SweepNarrow(v + layer->offset, LayerSize(layer), s->narrowed[1]), s->value[step->from], moves,
              u_dot);
}

static const REAL(StepOps) step_dense = {dense_forward, dense_reverse, dense_tangent};

static void activate_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = &s->network->steps[k];
  const size_t width = (size_t)s->network->nodes[step->from].width, lanes = (size_t)s->n * width;
  const size_t size = SweepSize(s, step->from);
  const Real factor = (Real)step->factor, *u = s->value[step->from];
  Real *d = s->d[k];
  (void)theta;
  if (factor != 1) {
    for (size_t i = 0; i < size; i++) d[i] = factor * u[i];
    u = d;
  }
  const bool trained = SweepTrains(s, step->from);
  REAL(KernelCPU).compose(SweepTables(s, width), step->activation->REAL(series), 0.0, lanes, u, lanes,
                          s->value[step->to], lanes, trained ? d : NULL, NULL, lanes);
  for (size_t i = 0; i < size && trained && factor != 1; i++) d[i] *= factor;
}

static void activate_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                             void *context)
{
  const Step *step = &s->network->steps[k];
  const size_t width = (size_t)s->network->nodes[step->from].width, lanes = (size_t)s->n * width;
  (void)theta, (void)visit, (void)context;
  if (deeper && SweepTrains(s, step->from))
    REAL(KernelCPU).multiply_transpose(&SweepTables(s, width)->product, lanes, s->d[k], lanes, s->bar[step->to], lanes,
                                       SweepBar(s, step->from), lanes, step->joins[0]);
}

static void activate_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = &s->network->steps[k];
  const size_t width = (size_t)s->network->nodes[step->from].width, lanes = (size_t)s->n * width;
  (void)theta, (void)v;
  REAL(KernelCPU).multiply(&SweepTables(s, width)->product, lanes, s->d[k], lanes, s->dot[step->from], lanes,
                           s->dot[step->to], lanes, 0);
}

static const REAL(StepOps) step_activate = {activate_forward, activate_reverse, activate_tangent};

const REAL(StepOps) *const REAL(StepTable)[N_STEP] = {
    [STEP_READ] = &step_read,
    [STEP_DENSE] = &step_dense,
    [STEP_ACTIVATE] = &step_activate,
    [STEP_SCALE] = &REAL(StepScale),
    [STEP_SKIP] = &REAL(StepSkip),
    [STEP_MULTIPLY] = &REAL(StepMultiply),
    [STEP_ADD] = &REAL(StepAdd),
    [STEP_SLICE] = &REAL(StepSlice),
    [STEP_PLACE] = &REAL(StepPlace),
    [STEP_AFFINE] = &step_affine,
    [STEP_QUADRATIC] = &REAL(StepQuadratic),
};
