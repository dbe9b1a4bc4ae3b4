/* Creation of a device's sweep: what it keeps there, and what it cannot do. */
#include <string.h>
#include "device_impl.h"

#define ALIGN 256 /* bytes */

/* Seeds of a layer that reads the coordinates, as lists of inputs; a seed of a sampled term is a coordinate's. */
typedef struct {
  int *start, *input, n, capacity;
  double *factor;
} SeedList;

static PetscErrorCode add_seed(SeedList *list, size_t input, double factor)
{
  PetscFunctionBegin;
  if (list->n == list->capacity) {
    list->capacity = 2 * list->capacity + 64;
    PetscCall(PetscRealloc(sizeof(int) * (size_t)list->capacity, &list->input));
    PetscCall(PetscRealloc(sizeof(double) * (size_t)list->capacity, &list->factor));
  }
  list->input[list->n] = (int)input;
  list->factor[list->n++] = factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t input_of(const Layer *layer, int coord)
{
  return (size_t)(layer->input_of ? layer->input_of[coord] : coord);
}

/* The place and factor of a sampled coordinate. */
static void find_sample(const DeviceSweep s, int coord, int *place, double *scale)
{
  const NetworkCompression compression = s->compression;
  const int seed = coord - s->network->n_coord;
  for (int g = 0; g < compression->n_group; g++) {
    const SeedGroup *group = &compression->groups[g];
    if (seed < group->first || seed >= group->first + group->width) continue;
    *place = group->place[seed - group->first];
    *scale = group->scale[seed - group->first];
  }
}

/* Column c is `scale` times the product with the inputs but for where these are 0: that is the same at all points. */
static PetscErrorCode add_origin(const DeviceSweep s, const Layer *layer, double scale, SeedList *list)
{
  const Network network = s->network;
  PetscFunctionBegin;
  for (int i = 0; i < network->n_coord; i++)
    if (network->shift[i] != 0.0)
      PetscCall(add_seed(list, input_of(layer, i), scale * network->shift[i] * network->stretch[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode list_seeds(const DeviceSweep s, const Layer *layer, SeedList *list)
{
  const Network network = s->network;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->n_column + 1, &list->start));
  for (int c = 0; c <= s->n_column; c++) {
    const int *coord;
    const double *factor;
    int n;
    list->start[c] = list->n;
    if (c == 0 || c == s->n_column) continue;
    if (s->scale[c] != 0.0) {
      PetscCall(add_origin(s, layer, s->scale[c], list));
      continue;
    }
    PetscCall(JetPlanSeeds(s->plan, c, &n, &coord, &factor));
    for (int k = 0; k < n && !JetPlanSeedsVary(s->plan, c); k++) {
      int place = coord[k];
      double scale = place < network->n_coord ? network->stretch[place] : 0.0;
      if (place >= network->n_coord) find_sample(s, coord[k], &place, &scale);
      PetscCall(add_seed(list, input_of(layer, place), factor[k] * scale));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode inputs_create(const DeviceSweep s, const Layer *layer, bool accumulate, DeviceInputs *inputs)
{
  const size_t n_column = (size_t)s->n_column;
  SeedList list = {0};
  PetscFunctionBegin;
  PetscCall(list_seeds(s, layer, &list));
  const size_t n_seed = (size_t)list.n, bytes = n_seed * sizeof(double) + (2 * (n_column + 1) + n_seed) * sizeof(int);
  double *packed;
  PetscCall(PetscMalloc1(bytes / sizeof(double) + 2, &packed));
  int *start = (int *)(packed + n_seed), *input = start + n_column + 1, *mode = input + n_seed;
  PetscCall(PetscArraycpy(packed, list.factor, n_seed));
  PetscCall(PetscArraycpy(start, list.start, n_column + 1));
  PetscCall(PetscArraycpy(input, list.input, n_seed));
  for (int c = 0; c < s->n_column; c++) {
    const bool product = accumulate || s->scale[c] != 0.0; /* it is there already */
    mode[c] = c == 0 ? (layer->unbiased ? SPREAD_LEAVE : SPREAD_ADD) : product ? SPREAD_ADD : SPREAD_SET;
    if (c && s->scale[c] == 0.0 && JetPlanSeedsVary(s->plan, c)) mode[c] = SPREAD_LEAVE;
  }
  mode[n_column] = SPREAD_ADD; /* of biases alone */
  PetscCall(DeviceRenew(s->device, bytes, packed, &inputs->memory, &inputs->room));
  double *factor = inputs->memory;
  int *integers = (int *)(factor + n_seed);
  inputs->seeds = (DeviceSeeds){s->n_column, integers, integers + n_column + 1, factor};
  inputs->mode = integers + n_column + 1 + n_seed;
  PetscCall(PetscFree(packed));
  PetscCall(PetscFree(list.start));
  PetscCall(PetscFree(list.input));
  PetscCall(PetscFree(list.factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceSweepRenew(DeviceSweep s)
{
  const Network network = s->network;
  const Layer *affine = NetworkAffine(network);
  PetscFunctionBegin;
  if (network->n_frozen) s->device->put(s->frozen, network->frozen, network->n_frozen * sizeof(double));
  if (s->single) s->device->in_single->narrow(network->n_frozen, s->frozen, s->frozen_weights);
  PetscCall(inputs_create(s, &network->layers[0], false, &s->first));
  if (affine) PetscCall(inputs_create(s, affine, true, &s->affine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check(const DeviceSweep s)
{
  const Precision *precision = s->network->precision;
  PetscFunctionBegin;
  PinnUserCheck(NetworkIsChain(s->network),
                "a device has networks of plain dense layers, mlp and random-features, not '%s'",
                NetworkDescribe(s->network));
  PinnUserCheck(!s->network->quadratic, "network.quadratic is not there on a device");
  PinnUserCheck(precision->forward_single == precision->adjoint_single,
                "precision = \"mixed\" is not there on a device: double or single");
  for (int g = 0; s->compression && g < s->compression->n_group; g++)
    PinnUserCheck(s->compression->groups[g].reduction == JET_SAMPLE && s->compression->n_pass == 1,
                  "a device has derivatives in many dimensions by estimator.type = \"stde\" alone");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode find_scales(DeviceSweep s)
{
  const int *factors;
  double scale;
  PetscFunctionBegin;
  s->varies = JetPlanFactors(s->plan, &factors) > 0;
  PetscCall(PetscCalloc1(s->n_column, &s->scale));
  for (int c = 1; c < s->n_column; c++) {
    if (JetPlanSeedsScale(s->plan, c, s->network->n_coord, &scale)) s->scale[c] = scale, s->scales = true;
    s->varies |= s->scale[c] == 0.0 && JetPlanSeedsVary(s->plan, c);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All arrays of numbers from one piece of memory: sizes first, then pointers. */
typedef struct {
  char *memory;
  size_t used;
} Places;

static void *place(Places *places, size_t bytes)
{
  const size_t at = places->used;
  places->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
  return places->memory ? places->memory + at : NULL;
}

static size_t largest_layer(Network network)
{
  size_t largest = 0;
  for (int l = 0; l < NetworkAllLayers(network); l++) largest = PetscMax(largest, LayerSize(&network->layers[l]));
  return largest;
}

static void place_arrays(DeviceSweep s, Places *places)
{
  const Network network = s->network;
  const size_t size = s->single ? sizeof(float) : sizeof(double), n = (size_t)s->max_point;
  const size_t jets = (size_t)s->n_column * n * size, widest = (size_t)NetworkWidest(network);
  s->input = place(places, n * (size_t)network->n_input * size);
  s->mapped = network->input_of && network->affine ? place(places, n * (size_t)network->n_coord * size) : s->input;
  for (int l = 0; l + 1 < network->n_layer; l++) {
    void *d = place(places, jets * (size_t)network->layers[l].n_out);
    void *z = place(places, jets * (size_t)network->layers[l].n_out);
    if (places->memory) s->d[l] = d, s->z[l + 1] = z;
  }
  for (int k = 0; k < 2; k++) s->work[k] = place(places, jets * widest);
  s->columns = place(places, (size_t)s->n_column * widest * size);
  s->scaled = s->scales || network->affine ? place(places, n * widest * size) : NULL;
  if (!s->single) return;
  s->output = place(places, jets * (size_t)network->n_field);
  s->weights = place(places, network->n_param * size);
  s->frozen_weights = place(places, network->n_frozen * size);
  s->gradient = place(places, largest_layer(network) * size);
}

static PetscErrorCode put_network(DeviceSweep s)
{
  const Network network = s->network;
  const size_t n_coord = (size_t)network->n_coord;
  void *memory;
  PetscFunctionBegin;
  PetscCall(DeviceAllocate(s->device, n_coord * sizeof(double), network->shift, &memory));
  s->shift = memory;
  PetscCall(DeviceAllocate(s->device, n_coord * sizeof(double), network->stretch, &memory));
  s->stretch = memory;
  if (network->input_of) {
    PetscCall(DeviceAllocate(s->device, n_coord * sizeof(int), network->input_of, &memory));
    s->input_of = memory;
  }
  PetscCall(DeviceAllocate(s->device, network->n_frozen * sizeof(double), NULL, &memory));
  s->frozen = memory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double DeviceSweepBytes(Network network, JetPlan plan, NetworkCompression compression, int max_point)
{
  struct DeviceSweep_s s = {.network = network, .plan = plan, .compression = compression, .max_point = max_point};
  Places places = {NULL, 0};
  s.single = network->precision->forward_single;
  s.n_column = JetPlanColumns(plan);
  s.scales = true;
  place_arrays(&s, &places);
  return (double)places.used;
}

PetscErrorCode DeviceSweepCreate(const Device *device, Network network, JetPlan plan, NetworkCompression compression,
                                 int max_point, DeviceSweep *sweep)
{
  Places places = {NULL, 0};
  DeviceSweep s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *sweep = s;
  s->device = device;
  s->network = network;
  s->plan = plan;
  s->compression = compression;
  s->single = network->precision->forward_single;
  s->n_column = JetPlanColumns(plan);
  s->max_point = max_point;
  PetscCall(check(s));
  PetscCall(find_scales(s));
  PetscCall(PetscCalloc2(network->n_layer, &s->z, network->n_layer, &s->d));
  place_arrays(s, &places);
  PetscCall(DeviceAllocate(device, places.used, NULL, &s->memory));
  places = (Places){s->memory, 0};
  place_arrays(s, &places);
  if (!s->varies) PetscCall(DeviceTablesCreate(device, JetPlanTables(plan), 0, &s->tables));
  PetscCall(put_network(s));
  PetscCall(DeviceSweepRenew(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The jets of a layer's inputs in one column, [n][n_in], where its seeds depend on the point. */
static PetscErrorCode put_seeds(DeviceSweep s, const Layer *layer, int c, JetTables tables, int n, const double x[],
                                DeviceInputs *inputs)
{
  const size_t n_in = (size_t)layer->n_in, n_coord = (size_t)s->network->n_coord, size = (size_t)n * n_in;
  const bool *own = JetPlanSeedsOwn(s->plan, c);
  const int *coord;
  const double *constant;
  double *seeds;
  int n_seed;
  PetscFunctionBegin;
  PetscCall(JetPlanSeeds(s->plan, c, &n_seed, &coord, &constant));
  PetscCall(PetscCalloc1(size, &seeds));
  for (int p = 0; p < n; p++) {
    const double *factor = tables ? JetTablesSeeds(tables, c, p) : constant;
    for (int k = 0; k < n_seed; k++)
      seeds[(size_t)p * n_in + input_of(layer, coord[k])] +=
          factor[k] * s->network->stretch[coord[k]] * (own[k] ? x[(size_t)p * n_coord + (size_t)coord[k]] : 1.0);
  }
  for (size_t k = 0; s->single && k < size; k++) { /* from the front: no float reaches a double that is still to come */
    const float value = (float)seeds[k];
    memcpy((char *)seeds + k * sizeof(float), &value, sizeof(float));
  }
  PetscCall(DeviceRenew(s->device, size * (s->single ? sizeof(float) : sizeof(double)), seeds, &inputs->at_points[c],
                        &inputs->at_room[c]));
  PetscCall(PetscFree(seeds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceSweepPrepareTangent(DeviceSweep s)
{
  PetscFunctionBegin;
  if (!s->single || s->direction) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DeviceAllocate(s->device, s->network->n_param * sizeof(float), NULL, &s->direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode drop_points(DeviceSweep s, DeviceInputs *inputs)
{
  PetscFunctionBegin;
  for (int c = 0; inputs->at_points && c < s->n_column; c++) PetscCall(DeviceFree(s->device, &inputs->at_points[c]));
  PetscCall(PetscFree2(inputs->at_points, inputs->at_room));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceSweepSetPoints(DeviceSweep s, int n, const double x[], const double factors[], size_t stride)
{
  const Layer *layers[] = {&s->network->layers[0], NetworkAffine(s->network)};
  DeviceInputs *inputs[] = {&s->first, &s->affine};
  const int *names;
  JetTables tables = NULL;
  PetscFunctionBegin;
  if (!s->varies) PetscFunctionReturn(PETSC_SUCCESS);
  if (JetPlanFactors(s->plan, &names)) {
    PetscCall(JetTablesCreate(s->plan, n, &tables));
    JetTablesSet(tables, n, factors, stride);
  }
  PetscCall(
      DeviceTablesRenew(s->device, tables ? JetTablesAt(tables, 1) : JetPlanTables(s->plan), (size_t)n, &s->tables));
  for (int k = 0; k < 2 && layers[k]; k++) {
    if (!inputs[k]->at_points)
      PetscCall(PetscCalloc2(s->n_column, &inputs[k]->at_points, s->n_column, &inputs[k]->at_room));
    for (int c = 1; c < s->n_column; c++)
      if (s->scale[c] == 0.0 && JetPlanSeedsVary(s->plan, c))
        PetscCall(put_seeds(s, layers[k], c, tables, n, x, inputs[k]));
  }
  PetscCall(JetTablesDestroy(&tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeviceSweepDestroy(DeviceSweep *sweep)
{
  DeviceSweep s = *sweep;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  void *memory[] = {s->memory, s->shift,        s->stretch,       s->input_of,
                    s->frozen, s->first.memory, s->affine.memory, s->direction};
  for (size_t k = 0; k < sizeof(memory) / sizeof(memory[0]); k++) PetscCall(DeviceFree(s->device, &memory[k]));
  PetscCall(drop_points(s, &s->first));
  PetscCall(drop_points(s, &s->affine));
  PetscCall(DeviceTablesDestroy(&s->tables));
  PetscCall(PetscFree2(s->z, s->d));
  PetscCall(PetscFree(s->scale));
  PetscCall(PetscFree(*sweep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const DeviceSweepOps *ops_of(const DeviceSweep s)
{
  return s->single ? &DeviceSweepIn_Single : &DeviceSweepIn;
}

void DeviceSweepForward(DeviceSweep s, const double *theta, size_t first, int n, const double *x, double *out)
{
  ops_of(s)->forward(s, theta, first, n, x, out);
}

void DeviceSweepReverse(DeviceSweep s, const double *theta, const double *out_bar, double *gradient)
{
  ops_of(s)->reverse(s, theta, out_bar, gradient);
}

void DeviceSweepRows(DeviceSweep s, const double *theta, const double *out_bar, size_t begin, size_t count,
                     double *rows, size_t ld)
{
  ops_of(s)->rows(s, theta, out_bar, begin, count, rows, ld);
}

void DeviceSweepTangent(DeviceSweep s, const double *theta, const double *v, double *out_dot)
{
  ops_of(s)->tangent(s, theta, v, out_dot);
}
