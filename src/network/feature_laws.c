/* Laws of random features' frequencies, with one scale a coordinate. Phases of periodic activations are uniform; others
   get their bend at a point drawn uniformly in the domain's bounding box, so that no feature is flat everywhere. */
#include <math.h>
#include "network_impl.h"

extern const FeatureLaw FeatureLaw_Product;

static void draw_normal(Network network, int features, double W[], double b[])
{
  const size_t n_in = (size_t)network->n_coord, n = n_in * (size_t)features;
  const RandomKey weights = {network->seed, RANDOM_FEATURES, 0, 0}, biases = {network->seed, RANDOM_FEATURES, 1, 0};
  for (size_t k = 0; k < n; k++) W[k] = network->scales[k % n_in] * RandomNormal(weights, k);
  for (int j = 0; network->activation->periodic && j < features; j++)
    b[j] = 2.0 * M_PI * RandomUniform(biases, (uint64_t)j);
}

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

static void draw_even(Network network, int features, double W[], double b[])
{
  const size_t n_in = (size_t)network->n_coord, n = n_in * (size_t)features;
  const RandomKey key = {network->seed, RANDOM_FEATURES, 0, 0};
  const double g = even_root(n_in + 1);
  for (size_t k = 0; k < n; k++)
    W[k] = network->scales[k % n_in] * (2.0 * even_number(key, g, k % n_in, (int)(k / n_in)) - 1.0);
  for (int j = 0; network->activation->periodic && j < features; j++) b[j] = 2.0 * M_PI * even_number(key, g, n_in, j);
}

void NetworkDrawFeatures(Network network, int features, double W[], double b[])
{
  const size_t n_in = (size_t)network->n_coord;
  const RandomKey biases = {network->seed, RANDOM_FEATURES, 1, 0};
  network->law->draw(network, features, W, b);
  for (size_t k = 0; k < n_in * (size_t)features; k++) {
    const size_t i = k % n_in;
    const double whole = 2.0 * M_PI / (network->upper[i] - network->lower[i]); /* one wave over the domain */
    if (network->periodic[i]) W[k] = whole * round(W[k] / whole);
  }
  for (int j = 0; !network->activation->periodic && j < features; j++) {
    b[j] = 0.0;
    for (size_t i = 0; i < n_in; i++) {
      const double t = RandomUniform(biases, (uint64_t)j * n_in + i);
      const double bend = network->lower[i] - network->shift[i] + t * (network->upper[i] - network->lower[i]);
      b[j] -= W[(size_t)j * n_in + i] * bend;
    }
  }
}

static const FeatureLaw law_normal = {NULL, draw_normal}, law_even = {NULL, draw_even};

static const Choice law_rows[] = {
    {"normal", "normal, of standard deviation network.scale", &law_normal},
    {"even",
     "a low-discrepancy sequence between -network.scale and network.scale: with whole frequencies of a periodic "
     "coordinate about the same number of features for each",
     &law_even},
    {"product",
     "every wave of the periodic coordinates up to network.scale with the same frequencies of the one that is not, "
     "evenly spaced between -network.scale and network.scale: nothing is drawn",
     &FeatureLaw_Product},
    {NULL, NULL, NULL},
};
const ChoiceTable FeatureLawTable = {"law", "distributions of random features' frequencies", law_rows};
