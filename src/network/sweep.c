/* Forward, reverse and tangent sweeps over jets: the steps of the network one after the other. Arrays are
   [column][point][neuron]. What the forward sweep leaves is what the others need: the nodes, and the jets D = f'(u) by
   which du becomes dv and v_bar becomes u_bar. */
#include <string.h>
#include "quadratic.h"
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

/* Arrays of nodes, derivatives and work space within the storage. */
static void place_arrays(REAL(Sweep) * s, size_t jets)
{
  const Network network = s->network;
  Real *next = s->storage + LINE - (uintptr_t)s->storage / sizeof(Real) % LINE;
  for (int k = 0; k < network->n_step; k++) {
    const Step *step = &network->steps[k];
    if (step->kind == STEP_ACTIVATE) {
      s->d[k] = next;
      next += align(jets * (size_t)network->nodes[step->from].width);
      if (step->in_place) s->value[step->from] = s->d[k];
    }
  }
  for (int n = 0; n < network->n_node; n++) {
    if (!network->nodes[n].stored) continue;
    s->value[n] = next;
    next += align(jets * (size_t)network->nodes[n].width);
  }
  for (int k = 0; k < network->n_slot; k++, next += align(jets * (size_t)NetworkWidest(network))) s->work[k] = next;
  for (int n = 0; n < network->n_node; n++) {
    const Node *node = &network->nodes[n];
    s->bar[n] = node->adjoint < 0 ? NULL : s->work[node->adjoint];
    s->dot[n] = node->tangent < 0 ? NULL : s->work[node->tangent];
  }
}

static PetscErrorCode create_buffers(REAL(Sweep) * s, int max_point)
{
  const Network network = s->network;
  const size_t points = (size_t)max_point, jets = (size_t)s->n_column * points;
  size_t largest = 0, direct = 0;
  PetscFunctionBegin;
  for (int l = 0; l < NetworkAllLayers(network); l++) {
    const Layer *layer = &network->layers[l];
    largest = PetscMax(largest, NetworkReadsInputs(network, l) ? SweepNarrowed(layer) : LayerSize(layer));
    if (layer->direct) direct = PetscMax(direct, (size_t)layer->n_out);
  }
  PetscCall(PetscCalloc5(network->n_node, &s->value, network->n_step, &s->d, network->n_node, &s->dot, network->n_node,
                         &s->bar, network->n_slot, &s->work));
  PetscCall(PetscMalloc4(points * (size_t)network->n_coord, &s->input, points, &s->ones, points * direct, &s->direct,
                         jets * NetworkJetNumbers(network) +
                             (size_t)(network->n_step + network->n_node + network->n_slot + 1) * LINE,
                         &s->storage));
  if (has_seeds_at_points(s->plan)) PetscCall(PetscMalloc1(points * (size_t)network->n_coord, &s->seeds));
  if (network->input_of) PetscCall(PetscMalloc1(points * (size_t)network->n_input, &s->shared));
  PetscCall(PetscMalloc1(PetscMax(NetworkWidest(network), 1), &s->column));
  for (size_t p = 0; p < points; p++) s->ones[p] = 1;
  place_arrays(s, jets);
#ifdef PINN_SINGLE
  PetscCall(
      PetscMalloc3(jets * (size_t)network->n_field, &s->output, largest, &s->narrowed[0], largest, &s->narrowed[1]));
#else
  (void)largest;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_quadratic(REAL(Sweep) * s, int max_point)
{
  const size_t n_coord = (size_t)s->network->n_coord;
  PetscFunctionBegin;
  if (!s->network->quadratic) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(QuadraticJetsCreate(s->network, s->plan, s->compression, &s->quadratic));
  PetscCall(PetscMalloc4((size_t)max_point * n_coord, &s->form, n_coord, &s->form_point[0], n_coord, &s->form_point[1],
                         s->quadratic->n_second, &s->form_point[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sweep_create(Network network, JetPlan plan, JetTables tables, NetworkCompression compression,
                                   int max_point, void **sweep)
{
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
  PetscCall(create_buffers(s, max_point));
  PetscCall(REAL(SweepFindScaled)(s));
  PetscCall(create_quadratic(s, max_point));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode sweep_destroy(void **sweep)
{
  REAL(Sweep) *s = *sweep;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(s->output, s->narrowed[0], s->narrowed[1]));
  PetscCall(PetscFree4(s->form, s->form_point[0], s->form_point[1], s->form_point[2]));
  PetscCall(QuadraticJetsDestroy(&s->quadratic));
  PetscCall(PetscFree(s->seeds));
  PetscCall(PetscFree(s->shared));
  PetscCall(PetscFree(s->column));
  PetscCall(PetscFree(s->scale));
  PetscCall(PetscFree(s->origin));
  PetscCall(PetscFree4(s->input, s->ones, s->direct, s->storage));
  PetscCall(PetscFree5(s->value, s->d, s->dot, s->bar, s->work));
  PetscCall(PetscFree(*sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void sweep_set_pass(void *sweep, int pass)
{
  REAL(Sweep) *s = sweep;
  s->pass = pass;
  s->seed_bar = s->seed_bars + CompressionPass(s->compression, pass);
}

/* Where the outputs are written, and their way out as double. */
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
  const size_t size = SweepSize(s, 0);
  for (size_t k = 0; k < size; k++) out[k] = s->output[k];
#else
  (void)s, (void)out;
#endif
}

static void sweep_forward(void *sweep, const double theta[], int n, const double x[], double out[])
{
  REAL(Sweep) *s = sweep;
  REAL(SweepSetInputs)(s, n, x);
  s->value[0] = output_begin(s, out);
  for (int k = 0; k < s->network->n_step; k++) REAL(StepTable)[s->network->steps[k].kind]->forward(s, k, theta);
  output_end(s, out);
}

void REAL(SweepBackward)(REAL(Sweep) * s, const double theta[], const double out_bar[], size_t begin,
                         REAL(LayerVisit) visit, void *context)
{
  const Step *steps = s->network->steps;
  s->bar[0] = SweepNarrow(out_bar, SweepSize(s, 0), s->output);
  for (int k = s->network->n_step - 1; k >= 0 && steps[k].reach > begin; k--)
    if (SweepTrains(s, steps[k].to))
      REAL(StepTable)[steps[k].kind]->reverse(s, k, theta, k && steps[k - 1].reach > begin, visit, context);
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

/* Of a layer that reads the coordinates, straight into the sum. */
static void add_input_gradient(REAL(Sweep) * s, const Layer *layer, const Real u_bar[], double gradient[])
{
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  REAL(SweepInputGradient)(s, layer, u_bar, gradient);
  for (size_t j = 0; j < n_out && !layer->unbiased; j++) {
    Real sum = 0;
    for (size_t p = 0; p < (size_t)s->n; p++) sum += u_bar[p * n_out + j];
    gradient[n_in * n_out + j] += sum;
  }
}

static void add_gradient(void *context, REAL(Sweep) * s, int l, const Real u_bar[])
{
  const Layer *layer = &s->network->layers[l];
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  const size_t n_bias = layer->unbiased && !layer->direct ? 0 : n_out;
  double *gradient = (double *)context + layer->offset;
  if (NetworkReadsInputs(s->network, l)) {
    add_input_gradient(s, layer, u_bar, gradient);
    return;
  }
  Real *g = gradient_begin(s, layer, gradient), *bias = layer->direct ? g : g + n_in * n_out;
  if (NetworkIsQuadratic(s->network, l))
    REAL(QuadraticGradient)(s, u_bar, g);
  else if (!layer->direct)
    REAL(KernelCPU).gemm('T', 'N', n_out, n_in, (size_t)s->n_column * (size_t)s->n, 1, u_bar, n_out,
                         s->value[layer->from], n_in, 1, g, n_in);
  for (int p = 0; p < s->n; p++)
    for (size_t j = 0; j < n_bias; j++) bias[j] += u_bar[(size_t)p * n_out + j];
  gradient_end(s, layer, gradient);
}

static void sweep_reverse(void *sweep, const double theta[], const double out_bar[], double gradient[])
{
  REAL(SweepBackward)(sweep, theta, out_bar, 0, add_gradient, gradient);
}

static void sweep_tangent(void *sweep, const double theta[], const double v[], double out_dot[])
{
  REAL(Sweep) *s = sweep;
  const Step *steps = s->network->steps;
  s->dot[0] = output_begin(s, out_dot);
  for (int k = 0; k < s->network->n_step; k++)
    if (SweepTrains(s, steps[k].to)) REAL(StepTable)[steps[k].kind]->tangent(s, k, theta, v);
  output_end(s, out_dot);
}

#ifdef PINN_SINGLE
void SweepTake_Single(void *sweep, int n, const double input[], double *const value[], double *const derivative[])
{
  Sweep_Single *s = sweep;
  const Network network = s->network;
  s->n = n;
  SweepNarrow(input, (size_t)n * (size_t)network->n_coord, s->input);
  SweepShareInputs_Single(s);
  for (int k = 0; k < network->n_node; k++)
    if (network->nodes[k].stored) SweepNarrow(value[k], SweepSize(s, k), s->value[k]);
  for (int k = 0; k < network->n_step; k++)
    if (s->d[k] && SweepTrains(s, network->steps[k].from))
      SweepNarrow(derivative[k], SweepSize(s, network->steps[k].from), s->d[k]);
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
