/* Formulas on the device: each thread takes one point through the tape of its program, forwards, backwards or along a
   tangent, in the way of src/formula/evaluate.c and sweep.c. Columns of the work space are [point]: neighbours read
   neighbours. */
#include "lane.h"

struct Task {
  const DeviceProgram &program;
  const DevicePoints &points;
  size_t p; /* this thread's point */
};

static __device__ __forceinline__ double number(const Task &t, const DeviceEntry &entry, const double *value)
{
  switch (entry.area) {
  case DEVICE_VALUE:
    return value[(size_t)entry.index * t.points.ld + t.p];
  case DEVICE_STATIC:
    return t.points.statics[(size_t)entry.index * t.points.stride + t.p];
  case DEVICE_X:
    return t.points.x[t.p * (size_t)t.program.n_coord + (size_t)entry.index];
  case DEVICE_NORMAL:
    return t.points.normal[t.p * (size_t)t.program.n_coord + (size_t)entry.index];
  default:
    return 1.0;
  }
}

/* Column k of an operand, with `value` in place of the values; without `constants` only these count. */
static __device__ double gather(const Task &t, const DeviceOperand &a, int k, const double *value, bool constants)
{
  const int *starts = t.program.starts + a.start;
  double sum = 0.0;
  for (int e = starts[k]; e < starts[k + 1]; e++) {
    const DeviceEntry entry = t.program.entries[e];
    if (constants || entry.area == DEVICE_VALUE) sum += entry.coef * number(t, entry, value);
  }
  return sum;
}

/* The operand as it was when the step was evaluated. */
static __device__ const double *stored(const Task &t, const DeviceOperand &a, size_t *stride)
{
  *stride = t.points.ld;
  if (!a.direct) return t.points.aux + (size_t)a.copy * t.points.ld + t.p;
  const DeviceEntry entry = t.program.entries[t.program.starts[a.start]];
  if (entry.area == DEVICE_STATIC) *stride = t.points.stride;
  return (entry.area == DEVICE_STATIC ? t.points.statics : t.points.value) + (size_t)entry.index * *stride + t.p;
}

static __device__ const double *operand(const Task &t, const DeviceOperand &a, size_t *stride)
{
  for (int k = 0; k < a.n_column && !a.direct; k++)
    t.points.aux[(size_t)(a.copy + k) * t.points.ld + t.p] = gather(t, a, k, t.points.value, true);
  return stored(t, a, stride);
}

static __device__ double relation(int which, double a, double b)
{
  bool holds = false;
  if (a != a || b != b) return NAN;
  switch (which) {
  case DEVICE_LT:
    holds = a < b;
    break;
  case DEVICE_LE:
    holds = a <= b;
    break;
  case DEVICE_GT:
    holds = a > b;
    break;
  case DEVICE_GE:
    holds = a >= b;
    break;
  case DEVICE_EQ:
    holds = a == b;
    break;
  default:
    holds = a != b;
  }
  return holds ? 1.0 : 0.0;
}

/* Where the network has column c of a LOAD, and its factor. */
static __device__ size_t net_place(const Task &t, const DeviceStep &step, int c, double *scale)
{
  const size_t column = (size_t)t.program.columns[step.column + c];
  *scale = t.program.scales[step.column + c];
  return (column * t.points.n + t.p) * (size_t)t.program.n_output + (size_t)step.output;
}

static __device__ void apply_function(const Task &t, const DeviceStep &step, double *value)
{
  const size_t ld = t.points.ld;
  const KernelTables &tables = t.program.tables[step.tables];
  Lane lane = {NULL, {value, t.points.aux + (size_t)step.slope * ld + t.p, NULL}, 0, ld, ld, t.points.power + t.p, ld};
  lane.u = operand(t, step.arg[0], &lane.stride_u);
  LaneCompose<0>(tables, tables.product.n_column, step.function, step.parameter, t.p, lane);
}

/* A condition that is NaN makes the result NaN. */
static __device__ void choose(const Task &t, const DeviceStep &step, double *value)
{
  size_t stride[3];
  const double *arg[3];
  for (int k = 0; k < 3; k++) arg[k] = operand(t, step.arg[k], &stride[k]);
  for (int c = 0; c < step.n_column; c++) {
    const double chosen = *arg[0] != 0.0 ? arg[1][(size_t)c * stride[1]] : arg[2][(size_t)c * stride[2]];
    value[(size_t)c * t.points.ld] = *arg[0] != *arg[0] ? NAN : chosen;
  }
}

static __device__ void forward_step(const Task &t, const DeviceStep &step, const double *net)
{
  const size_t ld = t.points.ld;
  double *value = t.points.value + (size_t)step.value * ld + t.p, scale;
  const double *u, *v;
  size_t stride_u, stride_v;
  switch (step.kind) {
  case DEVICE_LOAD:
    for (int c = 0; c < step.n_column; c++) {
      const size_t at = net_place(t, step, c, &scale);
      value[(size_t)c * ld] = scale * net[at];
    }
    break;
  case DEVICE_COMBINE:
    for (int c = 0; c < step.n_column; c++) value[(size_t)c * ld] = gather(t, step.arg[0], c, t.points.value, true);
    break;
  case DEVICE_PRODUCT:
    u = operand(t, step.arg[0], &stride_u);
    v = operand(t, step.arg[1], &stride_v);
    for (int c = 0; c < step.n_column; c++)
      value[(size_t)c * ld] = LaneProduct(t.program.tables[step.tables].product, c, t.p, u, stride_u, v, stride_v);
    break;
  case DEVICE_FUNCTION:
    apply_function(t, step, value);
    break;
  case DEVICE_COMPARE:
    u = operand(t, step.arg[0], &stride_u);
    v = operand(t, step.arg[1], &stride_v);
    *value = relation(step.relation, *u, *v);
    break;
  case DEVICE_SELECT:
    choose(t, step, value);
    break;
  }
}

/* What a root is multiplied by to be a row. */
static __device__ double row_factor(const Task &t, int e)
{
  return t.points.scale[e] * (t.points.weight ? t.points.weight[t.p] : 1.0);
}

static __global__ void evaluate(CUDA_ARGUMENT(DeviceProgram) program, CUDA_ARGUMENT(DevicePoints) points,
                                const double *net, double *rows)
{
  const Task t = {program, points, CudaThread()};
  if (t.p >= t.points.n) return;
  for (int i = 0; i < t.program.n_step; i++) forward_step(t, t.program.steps[i], net);
  for (int e = 0; e < t.program.n_root; e++) {
    const double given = t.points.given ? t.points.given[(size_t)e * t.points.stride + t.p] : 0.0;
    rows[(size_t)e * t.points.row_stride + t.p] =
        row_factor(t, e) * (gather(t, t.program.results, e, t.points.value, true) - given);
  }
}

/* The transpose of gather on the values: bar of column k. */
static __device__ void scatter(const Task &t, const DeviceOperand &a, int k, double bar)
{
  const int *starts = t.program.starts + a.start;
  for (int e = starts[k]; e < starts[k + 1]; e++) {
    const DeviceEntry entry = t.program.entries[e];
    if (entry.area == DEVICE_VALUE) t.points.dual[(size_t)entry.index * t.points.ld + t.p] += entry.coef * bar;
  }
}

/* Where nothing came down to a step, nothing goes on: an Inf in the branch that was not taken must not leak. */
static __device__ bool is_idle(const Task &t, const DeviceStep &step, const double *value_bar)
{
  for (int c = 0; c < step.n_column; c++)
    if (value_bar[(size_t)c * t.points.ld] != 0.0) return false;
  return true;
}

/* Adjoint of operand k, whose jet is multiplied by the jet d. */
static __device__ void reverse_factor(const Task &t, const DeviceStep &step, int k, const double *d, size_t stride_d)
{
  const DeviceOperand &a = step.arg[k];
  const size_t ld = t.points.ld;
  const KernelProduct &transpose = *t.program.tables[step.tables].product.transpose;
  const double *value_bar = t.points.dual + (size_t)step.value * ld + t.p;
  double *bar = t.points.scratch + t.p;
  if (!a.varies || (t.program.selects && is_idle(t, step, value_bar))) return;
  for (int c = 0; c < a.n_column; c++) bar[(size_t)c * ld] = LaneProduct(transpose, c, t.p, d, stride_d, value_bar, ld);
  for (int c = 0; c < a.n_column; c++) scatter(t, a, c, bar[(size_t)c * ld]);
}

static __device__ void reverse_step(const Task &t, const DeviceStep &step, double *net_bar)
{
  const size_t ld = t.points.ld;
  const double *value_bar = t.points.dual + (size_t)step.value * ld + t.p, *other;
  double scale;
  size_t stride;
  switch (step.kind) {
  case DEVICE_LOAD:
    for (int c = 0; c < step.n_column; c++) {
      const size_t at = net_place(t, step, c, &scale);
      net_bar[at] += scale * value_bar[(size_t)c * ld];
    }
    break;
  case DEVICE_COMBINE:
    for (int c = 0; c < step.n_column; c++) scatter(t, step.arg[0], c, value_bar[(size_t)c * ld]);
    break;
  case DEVICE_PRODUCT:
    for (int k = 0; k < 2; k++) {
      other = stored(t, step.arg[1 - k], &stride);
      reverse_factor(t, step, k, other, stride);
    }
    break;
  case DEVICE_FUNCTION:
    reverse_factor(t, step, 0, t.points.aux + (size_t)step.slope * ld + t.p, ld);
    break;
  case DEVICE_SELECT:
    other = stored(t, step.arg[0], &stride);
    for (int c = 0; c < step.n_column; c++) scatter(t, step.arg[*other != 0.0 ? 1 : 2], c, value_bar[(size_t)c * ld]);
    break;
  }
}

static __global__ void reverse(CUDA_ARGUMENT(DeviceProgram) program, CUDA_ARGUMENT(DevicePoints) points,
                               const double *rows_bar, double *net_bar)
{
  const Task t = {program, points, CudaThread()};
  if (t.p >= t.points.n) return;
  const size_t n_output = (size_t)t.program.n_output;
  for (int i = 0; i < t.program.n_value; i++) t.points.dual[(size_t)i * t.points.ld + t.p] = 0.0;
  for (int c = 0; c < t.program.n_net_column; c++)
    for (size_t o = 0; o < n_output; o++) net_bar[((size_t)c * t.points.n + t.p) * n_output + o] = 0.0;
  for (int e = 0; e < t.program.n_root; e++)
    scatter(t, t.program.results, e, row_factor(t, e) * rows_bar[(size_t)e * t.points.row_stride + t.p]);
  for (int i = t.program.n_step - 1; i >= 0; i--) reverse_step(t, t.program.steps[i], net_bar);
}

/* The tangent of an operand into room [n_column]. */
static __device__ const double *operand_dot(const Task &t, const DeviceOperand &a)
{
  double *room = t.points.scratch + t.p;
  for (int k = 0; k < a.n_column; k++) room[(size_t)k * t.points.ld] = gather(t, a, k, t.points.dual, false);
  return room;
}

static __device__ void tangent_factor(const Task &t, const DeviceStep &step, int k, const double *d, size_t stride_d,
                                      double *value_dot)
{
  const size_t ld = t.points.ld;
  const KernelProduct &product = t.program.tables[step.tables].product;
  if (!step.arg[k].varies) return;
  const double *dot = operand_dot(t, step.arg[k]);
  for (int c = 0; c < step.n_column; c++)
    value_dot[(size_t)c * ld] += LaneProduct(product, c, t.p, d, stride_d, dot, ld);
}

static __device__ void tangent_step(const Task &t, const DeviceStep &step, const double *net_dot)
{
  const size_t ld = t.points.ld;
  double *value_dot = t.points.dual + (size_t)step.value * ld + t.p, scale;
  const double *other;
  size_t stride;
  for (int c = 0; c < step.n_column; c++) value_dot[(size_t)c * ld] = 0.0;
  switch (step.kind) {
  case DEVICE_LOAD:
    for (int c = 0; c < step.n_column; c++) {
      const size_t at = net_place(t, step, c, &scale);
      value_dot[(size_t)c * ld] = scale * net_dot[at];
    }
    break;
  case DEVICE_COMBINE:
    for (int c = 0; c < step.n_column; c++) value_dot[(size_t)c * ld] = gather(t, step.arg[0], c, t.points.dual, false);
    break;
  case DEVICE_PRODUCT:
    for (int k = 0; k < 2; k++) {
      other = stored(t, step.arg[1 - k], &stride);
      tangent_factor(t, step, k, other, stride, value_dot);
    }
    break;
  case DEVICE_FUNCTION:
    tangent_factor(t, step, 0, t.points.aux + (size_t)step.slope * ld + t.p, ld, value_dot);
    break;
  case DEVICE_SELECT:
    other = stored(t, step.arg[0], &stride);
    for (int c = 0; c < step.n_column; c++)
      value_dot[(size_t)c * ld] = gather(t, step.arg[*other != 0.0 ? 1 : 2], c, t.points.dual, false);
    break;
  }
}

static __global__ void tangent(CUDA_ARGUMENT(DeviceProgram) program, CUDA_ARGUMENT(DevicePoints) points,
                               const double *net_dot, double *rows_dot)
{
  const Task t = {program, points, CudaThread()};
  if (t.p >= t.points.n) return;
  for (int i = 0; i < t.program.n_step; i++) tangent_step(t, t.program.steps[i], net_dot);
  for (int e = 0; e < t.program.n_root; e++)
    rows_dot[(size_t)e * t.points.row_stride + t.p] =
        row_factor(t, e) * gather(t, t.program.results, e, t.points.dual, false);
}

void DeviceEvaluate_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *net, double *rows)
{
  if (points->n) CUDA_LAUNCH(evaluate, CudaBlocks(points->n), 0, *program, *points, net, rows);
}

void DeviceReverse_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *rows_bar,
                        double *net_bar)
{
  if (points->n) CUDA_LAUNCH(reverse, CudaBlocks(points->n), 0, *program, *points, rows_bar, net_bar);
}

void DeviceTangent_CUDA(const DeviceProgram *program, const DevicePoints *points, const double *net_dot,
                        double *rows_dot)
{
  if (points->n) CUDA_LAUNCH(tangent, CudaBlocks(points->n), 0, *program, *points, net_dot, rows_dot);
}
