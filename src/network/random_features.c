/* u(x) = sum_k c_k s(w_k . x + b_k) with w_k, b_k drawn once: linear in the coefficients that are left.

   Frequencies follow one of two laws, with one scale a coordinate. Phases of periodic activations are uniform; others
   get their bend at a point drawn uniformly in the domain's bounding box, so that no feature is flat everywhere. Time
   counts from the box's first: the same coefficients in the next slab of time repeat the field of this one. */
#include <math.h>
#include <string.h>
#include "network_impl.h"

typedef enum { LAW_NORMAL, LAW_EVEN } Law;
static const Law law_normal = LAW_NORMAL, law_even = LAW_EVEN;

static const Choice law_rows[] = {
    {"normal", "normal, of standard deviation network.scale", &law_normal},
    {"even",
     "a low-discrepancy sequence between -network.scale and network.scale: with whole frequencies of a periodic "
     "coordinate the same number of features for each",
     &law_even},
    {NULL, NULL, NULL},
};
const ChoiceTable FeatureLawTable = {"law", "distributions of random features' frequencies", law_rows};

/* A low-discrepancy sequence in [0, 1)^n, number d of element j: multiples of the powers of 1/g, g the root of
   g^(n + 1) = g + 1 (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences"), shifted at random. */
static double even_root(size_t n)
{
  double g = 1.0;
  for (int k = 0; k < 64; k++) g = pow(1.0 + g, 1.0 / ((double)n + 1.0));
  return g;
}

static double even_number(RandomKey key, double g, size_t d, int j)
{
  double whole;
  return modf(RandomUniform(key, d) + (j + 1) * pow(g, -(double)(d + 1)), &whole);
}

static void draw_features(Network network)
{
  const Layer *layer = &network->layers[0];
  const size_t n_in = (size_t)layer->n_in, n = n_in * (size_t)layer->n_out;
  const bool even = network->even;
  const double g = even_root(n_in + 1);
  const RandomKey weights = {network->seed, RANDOM_FEATURES, 0, 0}, biases = {network->seed, RANDOM_FEATURES, 1, 0};
  double *W = network->frozen + layer->offset, *b = W + n;
  for (size_t k = 0; k < n; k++) {
    const size_t i = k % n_in;
    const double whole = 2.0 * M_PI / (network->upper[i] - network->lower[i]); /* one wave over the domain */
    const int j = (int)(k / n_in);
    W[k] = network->scales[i] * (even ? 2.0 * even_number(weights, g, i, j) - 1.0 : RandomNormal(weights, k));
    if (network->periodic[i]) W[k] = whole * round(W[k] / whole);
  }
  for (int j = 0; j < layer->n_out; j++) {
    b[j] = 0.0;
    if (network->activation->periodic) {
      b[j] = 2.0 * M_PI * (even ? even_number(weights, g, n_in, j) : RandomUniform(biases, (uint64_t)j));
      continue;
    }
    for (size_t i = 0; i < n_in; i++) {
      const double t = RandomUniform(biases, (uint64_t)j * n_in + i);
      const double bend = network->lower[i] - network->shift[i] + t * (network->upper[i] - network->lower[i]);
      b[j] -= W[(size_t)j * n_in + i] * bend;
    }
  }
}

static void draw(Network network, int l, double weights[])
{
  (void)l, (void)weights;
  draw_features(network);
}

static PetscErrorCode NetworkCreate_RandomFeatures(Network network, const NetworkGroup *group)
{
  const Config config = group->config;
  const char *law, *activation;
  PetscInt features;
  int node = -1;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "network.activation", &activation));
  network->activation = ChoiceFind(&ActivationTable, activation)->data;
  PetscCall(ConfigGetString(config, "network.law", &law));
  network->even = *(const Law *)ChoiceFind(&FeatureLawTable, law)->data == LAW_EVEN;
  for (int i = 0; i < network->n_coord; i++) {
    if (!strcmp(group->coordinates[i], "t")) network->shift[i] = network->lower[i];
    PinnUserCheck(!network->periodic[i] || network->activation->periodic,
                  "%s: periodic coordinates need network.activation = \"sin\"",
                  ConfigWhere(config, "network.periodic"));
  }
  PetscCall(ConfigGetInt(config, "network.features", &features));
  PetscCall(ConfigGetBool(config, "network.scale_search", &network->search_scales));
  PetscCall(NetworkReadScales(network, group, &network->scales));
  network->draws_again = true;
  PetscCall(
      NetworkDense(network, NETWORK_INPUTS, (Layer){.n_out = (int)features, .frozen = true, .draw = draw}, &node));
  PetscCall(NetworkActivate(network, node, 1.0, network->activation, &node));
  PetscCall(NetworkOutputs(network, group, node));
  network->layers[1].draw = NetworkDrawZero;
  NetworkDescribeWidths(network, group, 1, &features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkRandomFeatures = {NetworkCreate_RandomFeatures, "network.features", true};

PetscErrorCode NetworkSetScales(Network network, const double scales[])
{
  PetscFunctionBegin;
  PetscCheck(network->draws_again, PETSC_COMM_SELF, PETSC_ERR_SUP, "this network has no feature scales");
  PetscCall(PetscArraycpy(network->scales, scales, network->n_coord));
  draw_features(network);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkShiftPhases(Network network, double by)
{
  PetscFunctionBegin;
  PinnUserCheck(network->draws_again && network->activation->periodic,
                "the symbol of the differential operator needs network.type = \"random-features\" with "
                "network.activation = \"sin\"");
  const Layer *layer = &network->layers[0];
  double *b = network->frozen + layer->offset + (size_t)layer->n_in * (size_t)layer->n_out;
  for (int j = 0; j < layer->n_out; j++) b[j] += by;
  PetscFunctionReturn(PETSC_SUCCESS);
}
