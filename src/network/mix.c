/* Steps that mix nodes: products, sums, slices, and those with direct parameters. */
#include <string.h>
#include "sweep_impl.h"

static const Step *step_of(const REAL(Sweep) * s, int k)
{
  return &s->network->steps[k];
}

static size_t width_of(const REAL(Sweep) * s, int node)
{
  return (size_t)s->network->nodes[node].width;
}

/* y (+)= a x */
static void add_scaled(size_t n, Real a, const Real x[], bool add, Real y[])
{
  if (add)
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
  else
    for (size_t i = 0; i < n; i++) y[i] = a * x[i];
}

/* Parameters of a direct layer within theta, or a direction's. */
static const Real *direct_values(const REAL(Sweep) * s, const Step *step, const double values[], int buffer)
{
  const Layer *layer = &s->network->layers[step->layer];
  return SweepNarrow(values + layer->offset, LayerSize(layer), s->narrowed[buffer]);
}

static void multiply_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to), lanes = (size_t)s->n * width;
  (void)theta;
  REAL(KernelCPU).multiply(&SweepTables(s, width)->product, lanes, s->value[step->from], lanes, s->value[step->beside],
                           lanes, s->value[step->to], lanes, 0);
}

static void multiply_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                             void *context)
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to), lanes = (size_t)s->n * width;
  const int factors[2] = {step->from, step->beside};
  (void)theta, (void)visit, (void)context;
  for (int i = 0; i < 2 && deeper; i++)
    if (SweepTrains(s, factors[i]))
      REAL(KernelCPU).multiply_transpose(&SweepTables(s, width)->product, lanes, s->value[factors[1 - i]], lanes,
                                         s->bar[step->to], lanes, SweepBar(s, factors[i]), lanes, step->joins[i]);
}

static void multiply_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to), lanes = (size_t)s->n * width;
  const int factors[2] = {step->from, step->beside};
  int add = 0;
  (void)theta, (void)v;
  for (int i = 0; i < 2; i++) {
    if (!SweepTrains(s, factors[i])) continue;
    REAL(KernelCPU).multiply(&SweepTables(s, width)->product, lanes, s->value[factors[1 - i]], lanes,
                             s->dot[factors[i]], lanes, s->dot[step->to], lanes, add);
    add = 1;
  }
}

static void add_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const size_t size = SweepSize(s, step->to);
  (void)theta;
  add_scaled(size, 1, s->value[step->from], false, s->value[step->to]);
  add_scaled(size, (Real)step->factor, s->value[step->beside], true, s->value[step->to]);
}

static void add_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                        void *context)
{
  const Step *step = step_of(s, k);
  const size_t size = SweepSize(s, step->to);
  (void)theta, (void)visit, (void)context;
  if (deeper && SweepTrains(s, step->from))
    add_scaled(size, 1, s->bar[step->to], step->joins[0], SweepBar(s, step->from));
  if (deeper && SweepTrains(s, step->beside))
    add_scaled(size, (Real)step->factor, s->bar[step->to], step->joins[1], SweepBar(s, step->beside));
}

static void add_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t size = SweepSize(s, step->to);
  const bool moves = SweepTrains(s, step->from);
  (void)theta, (void)v;
  if (moves) add_scaled(size, 1, s->dot[step->from], false, s->dot[step->to]);
  if (SweepTrains(s, step->beside)) add_scaled(size, (Real)step->factor, s->dot[step->beside], moves, s->dot[step->to]);
}

/* to[..][at_to + i] (+)= from[..][at_from + i] for i < n, of neurons in the jets of two nodes. */
static void copy_neurons(const REAL(Sweep) * s, const Real from[], size_t width_from, size_t at_from, Real to[],
                         size_t width_to, size_t at_to, size_t n, bool add)
{
  const size_t rows = (size_t)s->n_column * (size_t)s->n;
  for (size_t r = 0; r < rows; r++) add_scaled(n, 1, from + r * width_from + at_from, add, to + r * width_to + at_to);
}

static void slice_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->to);
  (void)theta;
  copy_neurons(s, s->value[step->from], width_of(s, step->from), (size_t)step->at, s->value[step->to], n, 0, n, false);
}

static void slice_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                          void *context)
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->to);
  (void)theta, (void)visit, (void)context;
  if (!deeper || !SweepTrains(s, step->from)) return;
  if (!step->joins[0]) memset(SweepBar(s, step->from), 0, SweepSize(s, step->from) * sizeof(Real));
  copy_neurons(s, s->bar[step->to], n, 0, SweepBar(s, step->from), width_of(s, step->from), (size_t)step->at, n, true);
}

static void slice_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->to);
  (void)theta, (void)v;
  copy_neurons(s, s->dot[step->from], width_of(s, step->from), (size_t)step->at, s->dot[step->to], n, 0, n, false);
}

static void place_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->from);
  (void)theta;
  copy_neurons(s, s->value[step->from], n, 0, s->value[step->to], width_of(s, step->to), (size_t)step->at, n, false);
}

static void place_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                          void *context)
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->from);
  (void)theta, (void)visit, (void)context;
  if (deeper && SweepTrains(s, step->from))
    copy_neurons(s, s->bar[step->to], width_of(s, step->to), (size_t)step->at, SweepBar(s, step->from), n, 0, n,
                 step->joins[0]);
}

static void place_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t n = width_of(s, step->from), width = width_of(s, step->to), at = (size_t)step->at;
  const size_t rows = (size_t)s->n_column * (size_t)s->n;
  (void)theta, (void)v;
  if (SweepTrains(s, step->from))
    copy_neurons(s, s->dot[step->from], n, 0, s->dot[step->to], width, at, n, false);
  else
    for (size_t r = 0; r < rows; r++) memset(s->dot[step->to] + r * width + at, 0, n * sizeof(Real));
}

/* y (+)= s x, neuron by neuron, and in column 0 + b */
static void scale_neurons(const REAL(Sweep) * s, size_t width, const Real factor[], const Real shift[], const Real x[],
                          bool add, Real y[])
{
  const size_t rows = (size_t)s->n_column * (size_t)s->n;
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < width; j++) {
      const Real scaled = factor[j] * x[r * width + j];
      y[r * width + j] = add ? y[r * width + j] + scaled : scaled;
    }
  for (size_t p = 0; p < (size_t)s->n && shift; p++)
    for (size_t j = 0; j < width; j++) y[p * width + j] += shift[j];
}

static void scale_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to);
  const Real *values = direct_values(s, step, theta, 0);
  scale_neurons(s, width, values, values + width, s->value[step->from], false, s->value[step->to]);
}

static void scale_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                          void *context)
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to), n = (size_t)s->n;
  const Real *u_bar = s->bar[step->to], *y = s->value[step->from];
  memset(s->direct, 0, n * 2 * width * sizeof(Real));
  for (size_t c = 0; c < (size_t)s->n_column; c++)
    for (size_t p = 0; p < n; p++)
      for (size_t j = 0; j < width; j++)
        s->direct[p * 2 * width + j] += u_bar[(c * n + p) * width + j] * y[(c * n + p) * width + j];
  for (size_t p = 0; p < n; p++) memcpy(s->direct + (2 * p + 1) * width, u_bar + p * width, width * sizeof(Real));
  visit(context, s, step->layer, s->direct);
  if (deeper && SweepTrains(s, step->from))
    scale_neurons(s, width, direct_values(s, step, theta, 0), NULL, u_bar, step->joins[0], SweepBar(s, step->from));
}

static void scale_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to);
  const Real *direction = direct_values(s, step, v, 1);
  scale_neurons(s, width, direction, direction + width, s->value[step->from], false, s->dot[step->to]);
  if (SweepTrains(s, step->from))
    scale_neurons(s, width, direct_values(s, step, theta, 0), NULL, s->dot[step->from], true, s->dot[step->to]);
}

const REAL(StepOps) REAL(StepScale) = {scale_forward, scale_reverse, scale_tangent};

static void skip_forward(REAL(Sweep) * s, int k, const double theta[])
{
  const Step *step = step_of(s, k);
  const Real a = *direct_values(s, step, theta, 0);
  add_scaled(SweepSize(s, step->to), a, s->value[step->from], false, s->value[step->to]);
  add_scaled(SweepSize(s, step->to), 1 - a, s->value[step->beside], true, s->value[step->to]);
}

static void skip_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                         void *context)
{
  const Step *step = step_of(s, k);
  const size_t width = width_of(s, step->to), n = (size_t)s->n, size = SweepSize(s, step->to);
  const Real a = *direct_values(s, step, theta, 0), *bar = s->bar[step->to];
  const Real *f = s->value[step->from], *x = s->value[step->beside];
  memset(s->direct, 0, n * sizeof(Real));
  REAL(KernelCPU).dot_points((size_t)s->n_column, n, width, bar, x, s->direct);
  for (size_t p = 0; p < n; p++) s->direct[p] = -s->direct[p];
  REAL(KernelCPU).dot_points((size_t)s->n_column, n, width, bar, f, s->direct);
  visit(context, s, step->layer, s->direct);
  if (deeper && SweepTrains(s, step->from)) add_scaled(size, a, bar, step->joins[0], SweepBar(s, step->from));
  if (deeper && SweepTrains(s, step->beside)) add_scaled(size, 1 - a, bar, step->joins[1], SweepBar(s, step->beside));
}

static void skip_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Step *step = step_of(s, k);
  const size_t size = SweepSize(s, step->to);
  const Real a = *direct_values(s, step, theta, 0), direction = *direct_values(s, step, v, 1);
  Real *dot = s->dot[step->to];
  add_scaled(size, direction, s->value[step->from], false, dot);
  add_scaled(size, -direction, s->value[step->beside], true, dot);
  if (SweepTrains(s, step->from)) add_scaled(size, a, s->dot[step->from], true, dot);
  if (SweepTrains(s, step->beside)) add_scaled(size, 1 - a, s->dot[step->beside], true, dot);
}

const REAL(StepOps) REAL(StepSkip) = {skip_forward, skip_reverse, skip_tangent};
const REAL(StepOps) REAL(StepMultiply) = {multiply_forward, multiply_reverse, multiply_tangent};
const REAL(StepOps) REAL(StepAdd) = {add_forward, add_reverse, add_tangent};
const REAL(StepOps) REAL(StepSlice) = {slice_forward, slice_reverse, slice_tangent};
const REAL(StepOps) REAL(StepPlace) = {place_forward, place_reverse, place_tangent};
