/* Waves of the periodic coordinates times functions of the coordinate that is left, usually time.

   The waves have whole numbers n_i of periods in an ellipsoid, sum (n_i / N_i)^2 <= 1, N_i what network.scale allows.
   All pairs n, -n have the same m frequencies of the other coordinate, evenly spaced, each with a sine and a cosine:
   the features of a wave span all products of its two functions with m functions of the other coordinate, and so all
   waves resolve the other coordinate equally well. The wave n = 0 is one function and gets m features. */
#include <math.h>
#include <string.h>
#include "network_impl.h"

#define MOST_WAVES 1e8 /* in the box about the ellipsoid */

static double whole_wave(Network network, int i)
{
  return 2.0 * M_PI / (network->upper[i] - network->lower[i]);
}

/* Largest number of periods of coordinate i; 0 where it is not periodic. */
static int most_periods(Network network, int i)
{
  return network->periodic[i] ? (int)fmin(floor(network->scales[i] / whole_wave(network, i) + 1e-9), MOST_WAVES) : 0;
}

static bool in_ellipsoid(Network network, const double n[])
{
  double sum = 0.0;
  for (int i = 0; i < network->n_coord; i++)
    if (n[i] != 0.0) sum += pow(n[i] / most_periods(network, i), 2.0);
  return sum <= 1.0 + 1e-12;
}

/* The wave behind this one, the first coordinate fastest; from n = 0 on one of each pair. False: there is none. */
static bool next_wave(Network network, double n[])
{
  do {
    int i = 0;
    while (i < network->n_coord && n[i] >= most_periods(network, i)) {
      n[i] = -most_periods(network, i);
      i++;
    }
    if (i == network->n_coord) return false;
    n[i] += 1.0;
  } while (!in_ellipsoid(network, n));
  return true;
}

/* Waves of the ellipsoid, both of each pair and n = 0. */
static int count_waves(Network network)
{
  int count = 1;
  memset(network->wave, 0, (size_t)network->n_coord * sizeof(double));
  while (next_wave(network, network->wave)) count += 2;
  return count;
}

static PetscErrorCode check_product(Network network, Config config, int features)
{
  double box = 1.0;
  int n_free = 0;
  PetscFunctionBegin;
  for (int i = 0; i < network->n_coord; i++) {
    n_free += !network->periodic[i];
    box *= 2.0 * most_periods(network, i) + 1.0;
  }
  PinnUserCheck(n_free == 1 && network->n_coord > 1,
                "%s: 'product' is for networks that are periodic in all coordinates but one; here %d of %d are not",
                ConfigWhere(config, "network.law"), n_free, network->n_coord);
  PinnUserCheck(!network->search_scales, "%s: law 'product' has a number of waves that follows from the scales",
                ConfigWhere(config, "network.scale_search"));
  PinnUserCheck(box <= MOST_WAVES, "%s: about %.2g waves, at most %.2g are possible",
                ConfigWhere(config, "network.scale"), box, MOST_WAVES);
  PetscCall(PetscMalloc1(network->n_coord, &network->wave));
  const int waves = count_waves(network);
  PinnUserCheck(features % waves == 0,
                "%s: %d features are no equal share for each of %d waves; the next number that is one is %d",
                ConfigWhere(config, "network.features"), features, waves, (features / waves + 1) * waves);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The m functions of the wave n = 0, one a frequency, or those of a pair of waves, two. */
static int add_wave(Network network, const double n[], int m, bool two, double W[], double b[])
{
  const int dim = network->n_coord;
  int count = 0;
  for (int k = 0; k < m; k++) {
    const double free = m > 1 ? 2.0 * k / (m - 1) - 1.0 : 0.0;
    for (int phase = 0; phase < 1 + two; phase++, count++) {
      for (int i = 0; i < dim; i++)
        W[(size_t)count * (size_t)dim + (size_t)i] =
            network->periodic[i] ? whole_wave(network, i) * n[i] : network->scales[i] * free;
      b[count] = (two ? phase : free >= 0.0) ? 0.5 * M_PI : 0.0;
    }
  }
  return count;
}

static void draw_product(Network network, int features, double W[], double b[])
{
  const size_t dim = (size_t)network->n_coord;
  const int m = features / count_waves(network);
  memset(network->wave, 0, dim * sizeof(double));
  size_t at = (size_t)add_wave(network, network->wave, m, false, W, b);
  while (next_wave(network, network->wave))
    at += (size_t)add_wave(network, network->wave, m, true, W + at * dim, b + at);
}

const FeatureLaw FeatureLaw_Product = {check_product, draw_product};
