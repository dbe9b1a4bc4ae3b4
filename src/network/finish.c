/* The network that has been built: the order of its parameters, and where sweeps keep what. */
#include <string.h>
#include <unistd.h>
#include "network_impl.h"

static PetscErrorCode check_memory(Network network, Config config, const char *key)
{
  const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
  double doubles = 0.0;
  PetscReal limit = machine;
  PetscFunctionBegin;
  for (int l = 0; l < network->n_layer; l++)
    doubles += ((double)network->layers[l].n_in + (network->layers[l].unbiased ? 0.0 : 1.0)) * network->layers[l].n_out;
  if (network->quadratic && (double)LayerSize(&network->layers[network->n_layer - 1]) > 0.5 * doubles)
    key = "network.quadratic";
  const double needed = 4.0 * doubles * sizeof(double) / 1048576.0; /* theta, gradient and two directions */
  if (ConfigHas(config, "limits.memory")) PetscCall(ConfigGetReal(config, "limits.memory", &limit));
  PinnUserCheck(needed <= limit && doubles < PETSC_MAX_INT,
                "%s: %.3lg parameters need %.3lg MB of memory, there are %.3lg MB", ConfigWhere(config, key), doubles,
                needed, limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { FROZEN, TRAINED, LAST, AFFINE, QUADRATIC, N_RANK };

/* Where a layer comes: frozen ones, trained ones, those that give outputs, the affine part and the quadratic form,
   which have been added last. */
static int rank_of(Network network, int l)
{
  const int form = network->quadratic != NULL;
  if (form && l == network->n_layer - 1) return QUADRATIC;
  if (network->affine && l == network->n_layer - 1 - form) return AFFINE;
  return network->layers[l].last ? LAST : network->layers[l].frozen ? FROZEN : TRAINED;
}

static PetscErrorCode order_layers(Network network)
{
  const int n = network->n_layer;
  Layer *sorted;
  int *place, next = 0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n, &sorted, n, &place));
  for (int rank = 0; rank < N_RANK; rank++)
    for (int l = 0; l < n; l++)
      if (rank_of(network, l) == rank) sorted[place[l] = next++] = network->layers[l];
  PetscCall(PetscArraycpy(network->layers, sorted, n));
  for (int l = 0; l < n; l++)
    if (network->layers[l].factors >= 0) network->layers[l].factors = place[network->layers[l].factors];
  for (int k = 0; k < network->n_step; k++)
    if (network->steps[k].layer >= 0) network->steps[k].layer = place[network->steps[k].layer];
  PetscCall(PetscFree2(sorted, place));
  network->n_layer -= network->affine + (network->quadratic != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void set_offset(Network network, Layer *layer)
{
  size_t *end = layer->frozen ? &network->n_frozen : &network->n_param;
  layer->offset = *end;
  *end += LayerSize(layer);
}

/* theta is the hidden layers, the affine part, the quadratic form, those that give the outputs. */
static void set_offsets(Network network)
{
  int l = 0;
  for (; l < network->n_layer && !network->layers[l].last; l++) set_offset(network, &network->layers[l]);
  for (int k = network->n_layer; k < NetworkAllLayers(network); k++) set_offset(network, &network->layers[k]);
  for (; l < network->n_layer; l++) set_offset(network, &network->layers[l]);
}

static bool trains(Network network, const Step *step)
{
  return step->layer >= 0 && !network->layers[step->layer].frozen;
}

static bool is_trained(Network network, int node)
{
  return node >= 0 && network->nodes[node].trained;
}

/* How often nodes are read, and what depends on theta. */
static PetscErrorCode find_uses(Network network)
{
  size_t reach = 0;
  int *reads;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(network->n_node, &reads));
  for (int k = 0; k < network->n_step; k++) {
    Step *step = &network->steps[k];
    Node *to = &network->nodes[step->to];
    if (step->from >= 0) reads[step->from]++;
    if (step->beside >= 0) reads[step->beside]++;
    if (trains(network, step)) {
      const Layer *layer = &network->layers[step->layer];
      reach = PetscMax(reach, layer->offset + LayerSize(layer));
    }
    step->reach = reach;
    step->first = true;
    for (int j = 0; j < k && step->first; j++) step->first = network->steps[j].to != step->to;
    to->trained =
        to->trained || trains(network, step) || is_trained(network, step->from) || is_trained(network, step->beside);
  }
  for (int n = 0; n < network->n_node; n++) network->nodes[n].stored = n > 0;
  for (int k = 0; k < network->n_step; k++) {
    Step *step = &network->steps[k];
    step->in_place = step->kind == STEP_ACTIVATE && reads[step->from] == 1;
    if (step->in_place) network->nodes[step->from].stored = false;
  }
  PetscCall(PetscFree(reads));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The lowest place that is free. */
static int take_slot(Network network, bool used[])
{
  int slot = 0;
  while (used[slot]) slot++;
  used[slot] = true;
  network->n_slot = PetscMax(network->n_slot, slot + 1);
  return slot;
}

/* A node's adjoint lives from the last step that reads the node to the first that writes it; that of the outputs is
   given from outside. */
static void place_adjoints(Network network, bool used[])
{
  for (int k = network->n_step - 1; k >= 0; k--) {
    Step *step = &network->steps[k];
    const int from[2] = {step->from, step->beside};
    for (int i = 0; i < 2; i++) {
      if (!is_trained(network, from[i])) continue;
      Node *node = &network->nodes[from[i]];
      step->joins[i] = node->adjoint >= 0;
      if (!step->joins[i]) node->adjoint = take_slot(network, used);
    }
    if (step->first && network->nodes[step->to].adjoint >= 0) used[network->nodes[step->to].adjoint] = false;
  }
}

/* A node's tangent lives from the first step that writes the node to the last that reads it. */
static void place_tangents(Network network, bool used[], int last_read[])
{
  for (int k = 0; k < network->n_step; k++) {
    const Step *step = &network->steps[k];
    if (step->from >= 0) last_read[step->from] = k;
    if (step->beside >= 0) last_read[step->beside] = k;
  }
  for (int k = 0; k < network->n_step; k++) {
    const Step *step = &network->steps[k];
    const int from[2] = {step->from, step->beside};
    Node *to = &network->nodes[step->to];
    if (to->trained && step->to && to->tangent < 0) to->tangent = take_slot(network, used);
    for (int i = 0; i < 2; i++)
      if (is_trained(network, from[i]) && last_read[from[i]] == k) used[network->nodes[from[i]].tangent] = false;
  }
}

PetscErrorCode NetworkFinish(Network network, Config config, const char *key)
{
  bool *used;
  int *last_read;
  PetscFunctionBegin;
  PetscCall(check_memory(network, config, key));
  PetscCall(order_layers(network));
  set_offsets(network);
  PetscCall(find_uses(network));
  network->n_slot = 2; /* the layers that read the coordinates want one beside their adjoint */
  PetscCall(PetscCalloc2(network->n_node + 1, &used, network->n_node, &last_read));
  place_adjoints(network, used);
  PetscCall(PetscArrayzero(used, network->n_node + 1));
  place_tangents(network, used, last_read);
  PetscCall(PetscFree2(used, last_read));
  PetscCall(PetscCalloc1(network->n_frozen, &network->frozen));
  for (int l = 0; l < network->n_layer; l++)
    if (network->layers[l].frozen) network->layers[l].draw(network, l, network->frozen + network->layers[l].offset);
  PetscFunctionReturn(PETSC_SUCCESS);
}
