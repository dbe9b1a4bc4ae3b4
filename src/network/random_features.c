/* u(x) = sum_k c_k s(w_k . x + b_k) with w_k, b_k drawn once: linear in the coefficients that are left.

   Frequencies are normal with one standard deviation a coordinate. Phases of periodic activations are uniform; others
   get their bend at a point drawn uniformly in the domain's bounding box, so that no feature is flat everywhere. */
#include <math.h>
#include <string.h>
#include "network_impl.h"

static PetscErrorCode read_scales(Network network, Config config)
{
  const PetscReal *values;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, "network.scale", &n, &values));
  PinnUserCheck(n == 1 || n == network->n_coord, "%s: %d scales for %d coordinates",
                ConfigWhere(config, "network.scale"), n, network->n_coord);
  PetscCall(PetscMalloc1(network->n_coord, &network->scales));
  for (int i = 0; i < network->n_coord; i++) network->scales[i] = values[n == 1 ? 0 : i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_periodic(Network network, Config config, const char *const coordinates[])
{
  const char *const *names, *where = ConfigWhere(config, "network.periodic");
  int n;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(network->n_coord, &network->periodic));
  if (!ConfigHas(config, "network.periodic")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ConfigGetStrings(config, "network.periodic", &n, &names));
  PinnUserCheck(!n || network->activation->periodic, "%s: periodic coordinates need network.activation = \"sin\"",
                where);
  for (int k = 0; k < n; k++) {
    int i = 0;
    while (i < network->n_coord && strcmp(coordinates[i], names[k])) i++;
    const char *near = ErrorNearestWord(names[k], (size_t)network->n_coord, coordinates);
    PinnUserCheck(i < network->n_coord, "%s: '%s' is not a coordinate%s%s%s", where, names[k],
                  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    PinnUserCheck(!network->periodic[i], "%s: '%s' is named twice", where, names[k]);
    network->periodic[i] = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void draw_features(Network network)
{
  const Layer *layer = &network->layers[0];
  const size_t n_in = (size_t)layer->n_in, n = n_in * (size_t)layer->n_out;
  const RandomKey weights = {network->seed, RANDOM_FEATURES, 0, 0}, biases = {network->seed, RANDOM_FEATURES, 1, 0};
  double *W = network->frozen + layer->offset, *b = W + n;
  for (size_t k = 0; k < n; k++) {
    const size_t i = k % n_in;
    const double whole = 2.0 * M_PI / (network->upper[i] - network->lower[i]); /* one wave over the domain */
    W[k] = network->scales[i] * RandomNormal(weights, k);
    if (network->periodic[i]) W[k] = whole * round(W[k] / whole);
  }
  for (int j = 0; j < layer->n_out; j++) {
    b[j] = 0.0;
    if (network->activation->periodic) {
      b[j] = 2.0 * M_PI * RandomUniform(biases, (uint64_t)j);
      continue;
    }
    for (size_t i = 0; i < n_in; i++) {
      const double t = RandomUniform(biases, (uint64_t)j * n_in + i);
      b[j] -= W[(size_t)j * n_in + i] * (network->lower[i] + t * (network->upper[i] - network->lower[i]));
    }
  }
}

static PetscErrorCode NetworkCreate_RandomFeatures(Network network, Config config, const char *const coordinates[])
{
  PetscInt features;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(config, "network.features", &features));
  PetscCall(ConfigGetBool(config, "network.scale_search", &network->search_scales));
  PetscCall(read_scales(network, config));
  PetscCall(read_periodic(network, config, coordinates));
  PetscCall(NetworkSetLayers(network, config, "network.features", 1, &features, true));
  draw_features(network);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void NetworkInitialize_RandomFeatures(Network network, double theta[])
{
  memset(theta, 0, network->n_param * sizeof(double));
}

const NetworkType NetworkRandomFeatures = {NetworkCreate_RandomFeatures, NetworkInitialize_RandomFeatures};

PetscErrorCode NetworkSetScales(Network network, const double scales[])
{
  PetscFunctionBegin;
  PetscCheck(network->scales, PETSC_COMM_SELF, PETSC_ERR_SUP, "this network has no feature scales");
  PetscCall(PetscArraycpy(network->scales, scales, network->n_coord));
  draw_features(network);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkShiftPhases(Network network, double by)
{
  PetscFunctionBegin;
  PinnUserCheck(network->scales && network->activation->periodic,
                "the symbol of the differential operator needs network.type = \"random-features\" with "
                "network.activation = \"sin\"");
  const Layer *layer = &network->layers[0];
  double *b = network->frozen + layer->offset + (size_t)layer->n_in * (size_t)layer->n_out;
  for (int j = 0; j < layer->n_out; j++) b[j] += by;
  PetscFunctionReturn(PETSC_SUCCESS);
}
