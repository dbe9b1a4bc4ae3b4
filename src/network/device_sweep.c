/* The forward, reverse and tangent sweeps of sweep.c by operations of a device: arrays stay there, and the host only
   says what is next. */
#include "device_impl.h"
#include "../kernel/real.h"

#ifdef PINN_SINGLE
#define OPS(s) ((s)->device->in_single)
#else
#define OPS(s) ((s)->device->in_double)
#endif

static size_t column_size(const DeviceSweep s, size_t width)
{
  return (size_t)s->n * width;
}

/* y [n] (+)= factor x */
static void add(const DeviceSweep s, size_t n, Real factor, const Real *x, Real *y, int accumulate)
{
  const size_t step = 1;
  OPS(s)->kernel->combine(n, 1, &factor, &x, &step, y, accumulate);
}

/* The network's part of theta or of a direction as Real: itself, or narrowed into a buffer. */
static const Real *narrowed(const DeviceSweep s, const double *values, void *buffer)
{
#ifdef PINN_SINGLE
  OPS(s)->narrow(s->network->n_param, values, buffer);
  return buffer;
#else
  (void)s, (void)buffer;
  return values;
#endif
}

/* The same of theta, after the forward sweep. */
static const Real *weights_of(const DeviceSweep s, const double *theta)
{
#ifdef PINN_SINGLE
  (void)theta;
  return s->weights;
#else
  (void)s;
  return theta;
#endif
}

/* The weights of a layer in `theta`, as narrowed has left it, or the frozen ones. */
static const Real *layer_weights(const DeviceSweep s, const Layer *layer, const Real *theta)
{
#ifdef PINN_SINGLE
  const Real *frozen = s->frozen_weights;
#else
  const Real *frozen = s->frozen;
#endif
  return (layer->frozen ? frozen : theta) + layer->offset;
}

static const Real *inputs_of(const DeviceSweep s, const Layer *layer)
{
  return layer->input_of ? s->input : s->mapped;
}

/* u (+)= the pre-activations of a layer that reads the coordinates; `accumulate` for the affine part, whose product
   goes through the work space. */
static void input_layer(const DeviceSweep s, const Layer *layer, const DeviceInputs *inputs, const Real *weights,
                        bool accumulate, Real *u)
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, size = column_size(s, n_out);
  Real *product = accumulate ? s->scaled : u, *columns = s->columns;
  OPS(s)->kernel->gemm('N', 'T', (size_t)s->n, n_out, n_in, 1, inputs_of(s, layer), n_in, weights, n_in, 0, product,
                       n_out);
  if (accumulate) add(s, size, 1, product, u, 1);
  for (int c = 1; c < s->n_column && s->scales; c++)
    if (s->scale[c] != 0) add(s, size, (Real)s->scale[c], product, u + (size_t)c * size, accumulate);
  for (int c = 1; c < s->n_column && inputs->at_points; c++)
    if (inputs->at_points[c])
      OPS(s)->kernel->gemm('N', 'T', (size_t)s->n, n_out, n_in, 1, (Real *)inputs->at_points[c] + s->at * n_in, n_in,
                           weights, n_in, accumulate ? 1 : 0, u + (size_t)c * size, n_out);
  OPS(s)->gather_columns(&inputs->seeds, n_out, n_in, weights, columns);
  if (!layer->unbiased) add(s, n_out, 1, weights + n_in * n_out, columns, 0);
  OPS(s)->spread_columns((size_t)s->n_column, (size_t)s->n, n_out, inputs->mode, columns, u);
}

static void add_bias(const DeviceSweep s, const Layer *layer, const Real *weights, Real *u)
{
  const size_t n_out = (size_t)layer->n_out, n_weight = (size_t)layer->n_in * n_out;
  OPS(s)->spread_columns(1, (size_t)s->n, n_out, s->first.mode + s->n_column, weights + n_weight, u);
}

static void dense_layer(const DeviceSweep s, const Layer *layer, const Real *weights, const Real *z, Real beta, Real *u)
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  OPS(s)->kernel->gemm('N', 'T', (size_t)s->n_column * (size_t)s->n, n_out, n_in, 1, z, n_in, weights, n_in, beta, u,
                       n_out);
  add_bias(s, layer, weights, u);
}

static Real *output_begin(const DeviceSweep s, double *out)
{
#ifdef PINN_SINGLE
  (void)out;
  return s->output;
#else
  (void)s;
  return out;
#endif
}

static void output_end(const DeviceSweep s, double *out)
{
#ifdef PINN_SINGLE
  OPS(s)->widen((size_t)s->n_column * column_size(s, (size_t)s->network->n_field), s->output, out, 0);
#else
  (void)s, (void)out;
#endif
}

static void forward(DeviceSweep s, const double *theta, size_t first, int n, const double *x, double *out)
{
  const Network network = s->network;
  const int last = network->n_layer - 1;
  const size_t n_coord = (size_t)network->n_coord;
  const Real *weights = narrowed(s, theta, s->weights);
  Real *u = NULL;
  s->n = n;
  s->at = first;
  OPS(s)->map_points((size_t)n, n_coord, (size_t)network->n_input, s->input_of, x, s->shift, s->stretch, s->input);
  if (s->mapped != s->input) OPS(s)->map_points((size_t)n, n_coord, n_coord, NULL, x, s->shift, s->stretch, s->mapped);
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const size_t lanes = column_size(s, (size_t)layer->n_out);
    u = l < last ? s->d[l] : output_begin(s, out);
    if (l == 0)
      input_layer(s, layer, &s->first, layer_weights(s, layer, weights), false, u);
    else
      dense_layer(s, layer, layer_weights(s, layer, weights), s->z[l], 0, u);
    if (l < last)
      OPS(s)->kernel->compose(DeviceTablesAt(s->tables, (size_t)layer->n_out, s->at),
                              network->steps[2 * l + 1].activation->REAL(series), 0.0, lanes, u, lanes, s->z[l + 1],
                              lanes, layer->frozen ? NULL : s->d[l], NULL, lanes);
  }
  const Layer *affine = NetworkAffine(network);
  if (affine) input_layer(s, affine, &s->affine, layer_weights(s, affine, weights), true, u);
  output_end(s, out);
}

/* Where a layer's gradient is summed over the points, and its way into the sum, which is double. */
static Real *gradient_begin(const DeviceSweep s, const Layer *layer, double *gradient)
{
#ifdef PINN_SINGLE
  (void)gradient;
  s->device->clear(s->gradient, LayerSize(layer) * sizeof(Real));
  return s->gradient;
#else
  (void)s;
  return gradient + layer->offset;
#endif
}

static void gradient_end(const DeviceSweep s, const Layer *layer, double *gradient)
{
#ifdef PINN_SINGLE
  OPS(s)->widen(LayerSize(layer), s->gradient, gradient + layer->offset, 1);
#else
  (void)s, (void)layer, (void)gradient;
#endif
}

static void bias_gradient(const DeviceSweep s, const Layer *layer, const Real *sums, Real *g)
{
  const size_t n_out = (size_t)layer->n_out;
  if (!layer->unbiased) add(s, n_out, 1, sums, g + (size_t)layer->n_in * n_out, 1);
}

/* What meets the points themselves: the adjoint of the first column, and of those that are so many times the points. */
static const Real *scaled_adjoint(const DeviceSweep s, size_t size, const Real *u_bar)
{
  const Real *first = u_bar;
  for (int c = 1; c < s->n_column && s->scales; c++) {
    if (s->scale[c] == 0) continue;
    if (first == u_bar) add(s, size, 1, u_bar, s->scaled, 0);
    first = s->scaled;
    add(s, size, (Real)s->scale[c], u_bar + (size_t)c * size, s->scaled, 1);
  }
  return first;
}

/* The columns' adjoints meet the points, those that are the same at all points after their sum. */
static void input_gradient(const DeviceSweep s, const Layer *layer, const DeviceInputs *inputs, const Real *u_bar,
                           Real *g)
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, size = column_size(s, n_out);
  OPS(s)->kernel->gemm('T', 'N', n_out, n_in, (size_t)s->n, 1, scaled_adjoint(s, size, u_bar), n_out,
                       inputs_of(s, layer), n_in, 1, g, n_in);
  for (int c = 1; c < s->n_column && inputs->at_points; c++)
    if (inputs->at_points[c])
      OPS(s)->kernel->gemm('T', 'N', n_out, n_in, (size_t)s->n, 1, u_bar + (size_t)c * size, n_out,
                           (Real *)inputs->at_points[c] + s->at * n_in, n_in, 1, g, n_in);
  OPS(s)->sum_points((size_t)s->n_column, (size_t)s->n, n_out, u_bar, s->columns);
  OPS(s)->scatter_columns(&inputs->seeds, n_out, n_in, s->columns, g);
  bias_gradient(s, layer, s->columns, g);
}

static void layer_gradient(const DeviceSweep s, int l, const Real *u_bar, double *gradient)
{
  const Layer *layer = &s->network->layers[l];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, rows = (size_t)s->n_column * (size_t)s->n;
  Real *g = gradient_begin(s, layer, gradient);
  if (l == 0) {
    input_gradient(s, layer, &s->first, u_bar, g);
  } else {
    OPS(s)->kernel->gemm('T', 'N', n_out, n_in, rows, 1, u_bar, n_out, s->z[l], n_in, 1, g, n_in);
    OPS(s)->sum_points(1, (size_t)s->n, n_out, u_bar, s->columns);
    bias_gradient(s, layer, s->columns, g);
  }
  gradient_end(s, layer, gradient);
}

static const Real *outputs_adjoint(const DeviceSweep s, const double *out_bar)
{
#ifdef PINN_SINGLE
  OPS(s)->narrow((size_t)s->n_column * column_size(s, (size_t)s->network->n_field), out_bar, s->output);
  return s->output;
#else
  (void)s;
  return out_bar;
#endif
}

/* What is wanted of the adjoints that a reverse sweep finds: their sum over the points, or each point's part. */
typedef struct {
  double *gradient; /* NULL: rows [n][ld] of the parameters [begin, begin + count) */
  double *rows;
  size_t begin, count, ld;
} Wanted;

/* The part of [offset, offset + n) that is wanted: its first number, how many, and where they go. */
static size_t wanted_part(const Wanted *to, size_t offset, size_t n, size_t *first, double **rows)
{
  const size_t low = offset > to->begin ? offset : to->begin;
  const size_t end = offset + n < to->begin + to->count ? offset + n : to->begin + to->count;
  if (end <= low) return 0;
  *first = low - offset;
  *rows = to->rows + (low - to->begin);
  return end - low;
}

/* A layer's rows: of the weights, whose inputs z [column][n][n_in] are NULL where it reads the coordinates, and of the
   biases, which are inputs of 1 in the first column. */
static void layer_rows(const DeviceSweep s, const Layer *layer, const DeviceInputs *inputs, const Real *z,
                       const Real *u_bar, const Wanted *to)
{
  const size_t n = (size_t)s->n, n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, size = n * n_out;
  double *rows = NULL;
  size_t first = 0, count = wanted_part(to, layer->offset, n_in * n_out, &first, &rows);
  if (count && z) {
    OPS(s)->outer_rows((size_t)s->n_column, n, n_out, n_in, first, count, u_bar, size, z, n * n_in, rows, to->ld, 0);
  } else if (count) {
    OPS(s)->outer_rows(1, n, n_out, n_in, first, count, scaled_adjoint(s, size, u_bar), 0, inputs_of(s, layer), 0, rows,
                       to->ld, 0);
    for (int c = 1; c < s->n_column && inputs->at_points; c++)
      if (inputs->at_points[c])
        OPS(s)->outer_rows(1, n, n_out, n_in, first, count, u_bar + (size_t)c * size, 0,
                           (Real *)inputs->at_points[c] + s->at * n_in, 0, rows, to->ld, 1);
    OPS(s)->scatter_rows(&inputs->seeds, n, n_out, n_in, first, count, u_bar, rows, to->ld);
  }
  count = layer->unbiased ? 0 : wanted_part(to, layer->offset + n_in * n_out, n_out, &first, &rows);
  if (count) OPS(s)->outer_rows(1, n, n_out, 1, first, count, u_bar, 0, NULL, 0, rows, to->ld, 0);
}

static void take_layer(const DeviceSweep s, int l, const Real *u_bar, const Wanted *to)
{
  const Layer *layer = &s->network->layers[l];
  if (to->gradient)
    layer_gradient(s, l, u_bar, to->gradient);
  else
    layer_rows(s, layer, &s->first, l ? s->z[l] : NULL, u_bar, to);
}

static void take_affine(const DeviceSweep s, const Layer *affine, const Real *top, const Wanted *to)
{
  if (!to->gradient) {
    layer_rows(s, affine, &s->affine, NULL, top, to);
    return;
  }
  Real *g = gradient_begin(s, affine, to->gradient);
  input_gradient(s, affine, &s->affine, top, g);
  gradient_end(s, affine, to->gradient);
}

static void sweep_back(DeviceSweep s, const double *theta, const double *out_bar, const Wanted *to)
{
  const Network network = s->network;
  const Real *weights = weights_of(s, theta), *top = outputs_adjoint(s, out_bar), *u_bar = top;
  const Layer *affine = NetworkAffine(network);
  const size_t rows = (size_t)s->n_column * (size_t)s->n;
  if (affine) take_affine(s, affine, top, to);
  for (int l = network->n_layer - 1; l >= 0; l--) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, lanes = column_size(s, n_in);
    if (layer->frozen) return; /* frozen layers come first */
    take_layer(s, l, u_bar, to);
    if (l == 0 || network->layers[l - 1].frozen) return;
    OPS(s)->kernel->gemm('N', 'N', rows, n_in, n_out, 1, u_bar, n_out, layer_weights(s, layer, weights), n_in, 0,
                         s->work[1], n_in);
    OPS(s)->kernel->multiply_transpose(&DeviceTablesAt(s->tables, n_in, s->at)->product, lanes, s->d[l - 1], lanes,
                                       s->work[1], lanes, s->work[0], lanes, 0);
    u_bar = s->work[0];
  }
}

static void reverse(DeviceSweep s, const double *theta, const double *out_bar, double *gradient)
{
  sweep_back(s, theta, out_bar, &(Wanted){.gradient = gradient});
}

static void rows_of_points(DeviceSweep s, const double *theta, const double *out_bar, size_t begin, size_t count,
                           double *rows, size_t ld)
{
  sweep_back(s, theta, out_bar, &(Wanted){.rows = rows, .begin = begin, .count = count, .ld = ld});
}

static void tangent(DeviceSweep s, const double *theta, const double *v, double *out_dot)
{
  const Network network = s->network;
  const int last = network->n_layer - 1;
  const Real *weights = weights_of(s, theta), *direction = narrowed(s, v, s->direction);
  const Real *z_dot = NULL; /* NULL = zero, as it is above frozen layers */
  Real *u_dot = NULL;
  for (int l = 0; l <= last; l++) {
    const Layer *layer = &network->layers[l];
    const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out, lanes = column_size(s, n_out);
    if (layer->frozen) continue;
    u_dot = l == last ? output_begin(s, out_dot) : s->work[0];
    if (z_dot)
      OPS(s)->kernel->gemm('N', 'T', (size_t)s->n_column * (size_t)s->n, n_out, n_in, 1, z_dot, n_in,
                           layer_weights(s, layer, weights), n_in, 0, u_dot, n_out);
    if (l == 0)
      input_layer(s, layer, &s->first, direction + layer->offset, false, u_dot);
    else
      dense_layer(s, layer, direction + layer->offset, s->z[l], z_dot ? 1 : 0, u_dot);
    if (l == last) break;
    OPS(s)->kernel->multiply(&DeviceTablesAt(s->tables, n_out, s->at)->product, lanes, s->d[l], lanes, u_dot, lanes,
                             s->work[1], lanes, 0);
    z_dot = s->work[1];
  }
  const Layer *affine = NetworkAffine(network);
  if (affine) input_layer(s, affine, &s->affine, direction + affine->offset, true, u_dot);
  output_end(s, out_dot);
}

const DeviceSweepOps REAL(DeviceSweepIn) = {forward, reverse, tangent, rows_of_points};
