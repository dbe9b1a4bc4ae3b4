/* Layers and parameters: what all architectures share. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "network_impl.h"

#define WIDE 4e6 /* weights: four times what caches hold */

static const Choice network_rows[] = {
    {"mlp", "dense layers, all trained", &NetworkMLP},
    {"random-features", "one hidden layer drawn at random and kept; its outer weights are found by least squares",
     &NetworkRandomFeatures},
    {NULL, NULL, NULL},
};
const ChoiceTable NetworkTable = {"network", "architectures of the trial function", network_rows};

static PetscErrorCode check_memory(Config config, const char *key, double doubles)
{
  const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
  const double needed = 4.0 * doubles * sizeof(double) / 1048576.0; /* theta, gradient and two directions */
  PetscReal limit = machine;
  PetscFunctionBegin;
  if (ConfigHas(config, "limits.memory")) PetscCall(ConfigGetReal(config, "limits.memory", &limit));
  PinnUserCheck(needed <= limit && doubles < PETSC_MAX_INT,
                "%s: %.3lg parameters need %.3lg MB of memory, there are %.3lg MB", ConfigWhere(config, key), doubles,
                needed, limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_layer(Network network, int l, Layer layer)
{
  size_t *end = layer.frozen ? &network->n_frozen : &network->n_param;
  layer.offset = *end;
  *end += LayerSize(&layer);
  network->layers[l] = layer;
}

PetscErrorCode NetworkSetLayers(Network network, Config config, const char *key, int n_hidden, const PetscInt hidden[],
                                bool frozen)
{
  double doubles = network->affine ? (double)network->n_coord * (double)network->n_field : 0.0;
  int n_in = network->n_input;
  PetscFunctionBegin;
  for (int l = 0; l <= n_hidden; l++) {
    const int n_out = l < n_hidden ? (int)hidden[l] : network->n_field;
    doubles += ((double)n_in + 1.0) * (double)n_out;
    n_in = n_out;
  }
  PetscCall(check_memory(config, key, doubles));
  network->n_layer = n_hidden + 1;
  PetscCall(PetscCalloc1(network->n_layer + network->affine, &network->layers));
  n_in = network->n_input;
  for (int l = 0; l < n_hidden; l++, n_in = (int)hidden[l - 1])
    add_layer(network, l, (Layer){.n_in = n_in, .n_out = (int)hidden[l], .frozen = frozen});
  network->layers[0].input_of = network->input_of;
  if (network->affine)
    add_layer(network, network->n_layer,
              (Layer){.n_in = network->n_coord, .n_out = network->n_field, .unbiased = true});
  add_layer(network, n_hidden, (Layer){.n_in = n_in, .n_out = network->n_field});
  PetscCall(PetscCalloc1(network->n_frozen, &network->frozen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkDrawGlorot(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const size_t n = (size_t)layer->n_in * (size_t)layer->n_out;
  const int fan_in = l ? layer->n_in : network->n_coord;
  const double deviation = sqrt(2.0 / ((double)fan_in + (double)layer->n_out));
  const RandomKey key = {network->seed, RANDOM_WEIGHTS, (uint32_t)l, 0};
  for (size_t k = 0; k < n; k++) weights[k] = deviation * RandomNormal(key, k);
  memset(weights + n, 0, (size_t)layer->n_out * sizeof(double));
}

static void describe(Network network, const char *type, const char *activation, const char *precision)
{
  const size_t size = sizeof(network->description);
  size_t used = (size_t)snprintf(network->description, size, "%s %d", type, network->n_coord);
  for (int l = 0; l < network->n_layer && used < size; l++)
    used += (size_t)snprintf(network->description + used, size - used, "-%d", network->layers[l].n_out);
  if (used < size) used += (size_t)snprintf(network->description + used, size - used, ", %s", activation);
  if (used < size && network->input_of)
    used += (size_t)snprintf(network->description + used, size - used, ", coordinates share %d columns of weights",
                             network->n_input);
  if (used < size && network->affine)
    used += (size_t)snprintf(network->description + used, size - used, ", an affine function beside it");
  if (used < size && network->precision->adjoint_single)
    snprintf(network->description + used, size - used, ", %s precision", precision);
}

/* Unknown coefficients of the case go where the network's parameters do. */
static PetscErrorCode read_extra(Network network, Config config)
{
  PetscFunctionBegin;
  network->n_extra = ConfigCount(config, "problem.unknowns");
  PetscCall(PetscMalloc1(network->n_extra, &network->extra));
  for (int k = 0; k < network->n_extra; k++) {
    PetscReal value;
    PetscCall(
        ConfigGetReal(config, ConfigPath("problem.unknowns.%s", ConfigMember(config, "problem.unknowns", k)), &value));
    network->extra[k] = value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkCreate(Config config, int n_coord, const char *const coordinates[], int n_field,
                             const double lower[], const double upper[], Network *network)
{
  const char *type, *activation, *precision;
  PetscInt seed;
  Network n;
  PetscFunctionBegin;
  PetscCall(PetscNew(&n));
  *network = n;
  n->n_coord = n->n_input = n_coord;
  n->n_field = n_field;
  PetscCall(PetscMalloc4(n_coord, &n->shift, n_coord, &n->stretch, n_coord, &n->lower, n_coord, &n->upper));
  for (int i = 0; i < n_coord; i++) {
    n->shift[i] = 0.0;
    n->stretch[i] = 1.0;
    n->lower[i] = lower[i];
    n->upper[i] = upper[i];
  }
  PetscCall(ConfigGetString(config, "network.type", &type));
  PetscCall(ConfigGetString(config, "network.activation", &activation));
  PetscCall(ConfigGetString(config, "precision", &precision));
  PetscCall(ConfigGetInt(config, "seed", &seed));
  n->seed = (uint32_t)seed;
  n->type = ChoiceFind(&NetworkTable, type)->data;
  n->activation = ChoiceFind(&ActivationTable, activation)->data;
  n->precision = ChoiceFind(&PrecisionTable, precision)->data;
  PetscCall(n->type->create(n, config, coordinates));
  PetscCall(read_extra(n, config));
  describe(n, type, activation, precision);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkDestroy(Network *network)
{
  Network n = *network;
  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4(n->shift, n->stretch, n->lower, n->upper));
  PetscCall(PetscFree(n->layers));
  PetscCall(PetscFree(n->input_of));
  PetscCall(PetscFree(n->frozen));
  PetscCall(PetscFree(n->scales));
  PetscCall(PetscFree(n->extra));
  PetscCall(PetscFree(n->periodic));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NetworkParameters(Network network)
{
  return network->n_param + (size_t)network->n_extra;
}

double NetworkWeightCount(Network network)
{
  double count = 0.0;
  for (int l = 0; l < network->n_layer + network->affine; l++)
    count += (double)network->layers[l].n_in * (double)network->layers[l].n_out;
  return count;
}

double NetworkInputWeights(Network network)
{
  const Layer *affine = NetworkAffine(network);
  return (double)network->n_input * (double)network->layers[0].n_out + (affine ? (double)LayerSize(affine) : 0.0);
}

bool NetworkIsWide(Network network)
{
  return NetworkInputWeights(network) >= (network->wide > 0.0 ? network->wide : WIDE);
}

void NetworkSetWide(Network network, double least)
{
  network->wide = least;
}

int NetworkFirstWidth(Network network)
{
  return network->layers[0].n_out + (network->affine ? network->n_field : 0);
}

int NetworkCompressedWidth(Network network)
{
  return network->n_layer == 2 ? 1 : NetworkFirstWidth(network);
}

void NetworkLastLayer(Network network, size_t *begin, int *n_feature)
{
  const Layer *last = &network->layers[network->n_layer - 1];
  *begin = network->affine ? NetworkAffine(network)->offset : last->offset;
  *n_feature = last->n_in + (network->affine ? network->n_coord : 0);
}

const char *NetworkDescribe(Network network)
{
  return network->description;
}

void NetworkInitialize(Network network, double theta[])
{
  network->type->initialize(network, theta);
  for (int k = 0; k < network->n_extra; k++) theta[network->n_param + (size_t)k] = network->extra[k];
}

double *NetworkFrozen(Network network, size_t *n)
{
  *n = network->n_frozen;
  return network->frozen;
}

PetscErrorCode NetworkGetScales(Network network, int *n, const double **scales)
{
  PetscFunctionBegin;
  *n = network->scales ? network->n_coord : 0;
  *scales = network->scales;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NetworkSearchesScales(Network network)
{
  return network->search_scales;
}
