/* First weights: each layer's by its law, independent of ranks and threads. */
#include <math.h>
#include <string.h>
#include "network_impl.h"

static RandomKey key_of(Network network, int l)
{
  const RandomKey key = {network->seed, RANDOM_WEIGHTS, (uint32_t)l, 0};
  return key;
}

static size_t weights_of(const Layer *layer)
{
  return (size_t)layer->n_in * (size_t)layer->n_out;
}

void NetworkDrawGlorot(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const size_t n = weights_of(layer);
  const int fan_in = l ? layer->n_in : network->n_coord;
  const double deviation = sqrt(2.0 / ((double)fan_in + (double)layer->n_out));
  const RandomKey key = key_of(network, l);
  for (size_t k = 0; k < n; k++) weights[k] = deviation * RandomNormal(key, k);
  memset(weights + n, 0, (LayerSize(layer) - n) * sizeof(double));
}

void NetworkDrawZero(Network network, int l, double weights[])
{
  memset(weights, 0, LayerSize(&network->layers[l]) * sizeof(double));
}

void NetworkDrawUniform(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const size_t n = weights_of(layer);
  const RandomKey key = key_of(network, l);
  for (size_t k = 0; k < LayerSize(layer); k++)
    weights[k] = (2.0 * RandomUniform(key, k) - 1.0) * (k < n ? layer->law[0] : 1.0 / sqrt((double)layer->n_in));
}

void NetworkDrawFactors(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const int n = layer->n_out / 2;
  const RandomKey key = key_of(network, l);
  for (int k = 0; k < n; k++) weights[k] = exp(layer->law[0] + layer->law[1] * RandomNormal(key, (uint64_t)k));
  memset(weights + n, 0, (size_t)n * sizeof(double));
}

void NetworkDrawFrequencies(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const size_t n_in = (size_t)layer->n_in;
  const RandomKey key = key_of(network, l);
  for (size_t k = 0; k < weights_of(layer); k++) {
    const size_t i = k % n_in;
    const double whole = 2.0 * M_PI / (network->upper[i] - network->lower[i]); /* one wave over the domain */
    weights[k] = layer->scales[i] * RandomNormal(key, k);
    if (network->periodic[i]) weights[k] = whole * round(weights[k] / whole);
    weights[k] /= network->stretch[i]; /* of the input, not the coordinate */
  }
}

/* W = diag(s) V: the rows of V are those that were drawn for W, divided by the factors. */
static void divide_rows(const Layer *layer, const double factors[], double V[])
{
  for (size_t k = 0; k < weights_of(layer); k++) V[k] /= factors[k / (size_t)layer->n_in];
}

void NetworkInitialize(Network network, double theta[])
{
  for (int l = 0; l < NetworkAllLayers(network); l++) {
    const Layer *layer = &network->layers[l];
    if (!layer->frozen) layer->draw(network, l, theta + layer->offset);
  }
  for (int l = 0; l < network->n_layer; l++) {
    const Layer *layer = &network->layers[l];
    if (layer->factors >= 0) divide_rows(layer, theta + network->layers[layer->factors].offset, theta + layer->offset);
  }
  for (int k = 0; k < network->n_extra; k++) theta[network->n_param + (size_t)k] = network->extra[k];
}
