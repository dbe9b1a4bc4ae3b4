/* Inputs: the coordinates, mapped to [-1, 1] where the case wants it. Periodic ones may come as cos and sin of whole
   waves over the domain. Of the first layer of an mlp also one for a block of components of a vector, which then share
   a column of weights: W[:, i] = V[:, block of i] makes W x = V (sum of x over each block). */
#include <math.h>
#include <string.h>
#include "network_impl.h"

/* Length of the vector's name in "x[3]"; 0 for a scalar. */
static size_t vector_name(const char *coordinate)
{
  const char *bracket = strchr(coordinate, '[');
  return bracket ? (size_t)(bracket - coordinate) : 0;
}

static bool same_vector(const char *a, const char *b)
{
  const size_t n = vector_name(a);
  return n && vector_name(b) == n && !strncmp(a, b, n);
}

PetscErrorCode NetworkShareInputs(Network network, const NetworkGroup *group)
{
  const Config config = group->config;
  const char *const *coordinates = group->coordinates;
  PetscInt block;
  int component = 0, longest = 0;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(config, "network.block", &block));
  if (block == 1) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < network->n_coord; i++)
    PinnUserCheck(!network->periodic[i], "%s: coordinates that share weights cannot be periodic, as '%s' is to be",
                  ConfigWhere(config, "network.block"), coordinates[i]);
  PetscCall(PetscMalloc1(network->n_coord, &network->input_of));
  network->n_input = 0;
  for (int i = 0; i < network->n_coord; i++) {
    component = i && same_vector(coordinates[i - 1], coordinates[i]) ? component + 1 : 0;
    if (vector_name(coordinates[i])) longest = PetscMax(longest, component + 1);
    network->input_of[i] = component % block ? network->n_input - 1 : network->n_input++;
  }
  PinnUserCheck(longest >= block, "%s: blocks of %d components need a vector coordinate as long; %s%d",
                ConfigWhere(config, "network.block"), (int)block,
                longest ? "the longest here has " : "this problem has no vectors, its coordinates are ",
                longest ? longest : network->n_coord);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkNormalize(Network network, const NetworkGroup *group)
{
  bool normalize;
  PetscFunctionBegin;
  if (!GroupIsWhole(group)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ConfigGetBool(group->config, "network.normalize", &normalize));
  for (int i = 0; i < network->n_coord && normalize; i++) {
    network->shift[i] = 0.5 * (network->lower[i] + network->upper[i]);
    network->stretch[i] = 2.0 / (network->upper[i] - network->lower[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkReadPeriodic(Network network, const NetworkGroup *group)
{
  const Config config = group->config;
  const char *const *names, *where = ConfigWhere(config, "network.periodic");
  PetscInt harmonics;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetInt(config, "network.harmonics", &harmonics));
  network->harmonics = (int)harmonics;
  PetscCall(PetscCalloc1(network->n_coord, &network->periodic));
  PetscCall(ConfigGetStrings(config, "network.periodic", &n, &names));
  for (int k = 0; k < n; k++) {
    int i = 0;
    while (i < network->n_coord && strcmp(group->coordinates[i], names[k])) i++;
    const char *near = ErrorNearestWord(names[k], (size_t)network->n_coord, group->coordinates);
    PinnUserCheck(i < network->n_coord, "%s: '%s' is not a coordinate%s%s%s", where, names[k],
                  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    PinnUserCheck(!network->periodic[i], "%s: '%s' is named twice", where, names[k]);
    network->periodic[i] = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkCheckHarmonics(Network network, Config config)
{
  bool periodic = false;
  PetscFunctionBegin;
  for (int i = 0; i < network->n_coord; i++) periodic = periodic || network->periodic[i];
  PinnUserCheck(network->harmonics == 1 || periodic, "%s: no coordinate is periodic, there are no waves to read",
                ConfigWhere(config, "network.harmonics"));
  PinnUserCheck(network->harmonics == 1 || network->embedded >= 0,
                "%s: a network with frequencies of its own takes whole ones, it reads no waves",
                ConfigWhere(config, "network.harmonics"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkReadScales(Network network, const NetworkGroup *group, double **scales)
{
  const char *key = GroupKey(group, "scale");
  const PetscReal *values;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(group->config, key, &n, &values));
  PinnUserCheck(n == 1 || n == network->n_coord, "%s: %d scales for %d coordinates", ConfigWhere(group->config, key), n,
                network->n_coord);
  PetscCall(PetscMalloc1(network->n_coord, scales));
  for (int i = 0; i < network->n_coord; i++) (*scales)[i] = values[n == 1 ? 0 : i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void draw_plain(Network network, int l, double weights[])
{
  const size_t n = (size_t)network->layers[l].n_in;
  memset(weights, 0, n * n * sizeof(double));
  for (size_t i = 0; i < n; i++) weights[i * n + i] = 1.0;
}

/* cos and sin of wave m = 1, 2 ... of each periodic coordinate as sines, cos(w) = sin(w + pi/2). */
static void draw_waves(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  const size_t n_in = (size_t)layer->n_in;
  double *row = weights, *bias = weights + n_in * (size_t)layer->n_out;
  memset(weights, 0, n_in * (size_t)layer->n_out * sizeof(double));
  for (int i = 0; i < network->n_coord; i++)
    for (int k = 0; k < 2 * network->harmonics && network->periodic[i]; k++, row += n_in) {
      const double wave = 2.0 * M_PI * (k / 2 + 1) / (network->upper[i] - network->lower[i]);
      row[i] = wave / network->stretch[i];
      *bias++ = wave * (network->shift[i] - network->lower[i]) + (k % 2 ? 0.0 : 0.5 * M_PI);
    }
}

PetscErrorCode NetworkPlain(Network network, int *node)
{
  const Layer layer = {.n_out = network->n_coord, .frozen = true, .unbiased = true, .draw = draw_plain};
  PetscFunctionBegin;
  if (network->plain < 0) PetscCall(NetworkDense(network, NETWORK_INPUTS, layer, &network->plain));
  *node = network->plain;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places of the coordinates among the embedded ones; their number, and that of waves. */
static int embedded_places(Network network, int begin[], int *n_wave)
{
  int end = 0;
  *n_wave = 0;
  for (int i = 0; i < network->n_coord; i++) {
    const int n = network->periodic[i] ? 2 * network->harmonics : 1;
    if (begin) begin[2 * i] = end, begin[2 * i + 1] = end + n;
    if (network->periodic[i]) *n_wave += n;
    end += n;
  }
  return end;
}

static PetscErrorCode embed(Network network, int width, int n_wave)
{
  const Activation *sine = ChoiceFind(&ActivationTable, "sin")->data;
  const Layer layer = {.n_out = n_wave, .frozen = true, .draw = draw_waves};
  int plain = -1, waves = -1, at = 0, from = 0, part;
  PetscFunctionBegin;
  PetscCall(NetworkPlain(network, &plain));
  PetscCall(NetworkDense(network, plain, layer, &waves));
  PetscCall(NetworkActivate(network, waves, 1.0, sine, &waves));
  PetscCall(NetworkAddNode(network, width, &network->embedded));
  for (int i = 0; i < network->n_coord; i++) {
    const int n = network->periodic[i] ? 2 * network->harmonics : 1;
    PetscCall(NetworkSlice(network, network->periodic[i] ? waves : plain, network->periodic[i] ? from : i, n, &part));
    PetscCall(NetworkPlace(network, part, at, network->embedded));
    at += n;
    if (network->periodic[i]) from += n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkEmbedded(Network network, int *node, int begin[])
{
  int n_wave;
  const int width = embedded_places(network, begin, &n_wave);
  PetscFunctionBegin;
  if (network->embedded < 0 && n_wave) PetscCall(embed(network, width, n_wave));
  if (!n_wave) PetscCall(NetworkPlain(network, &network->embedded));
  *node = network->embedded;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkPlainOnce(Network network, const NetworkGroup *group, int *node)
{
  PetscFunctionBegin;
  *node = NETWORK_INPUTS;
  if (!GroupIsWhole(group)) PetscCall(NetworkPlain(network, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkEmbeddedOnce(Network network, const NetworkGroup *group, int *node)
{
  bool periodic = false;
  PetscFunctionBegin;
  for (int i = 0; i < network->n_coord; i++) periodic = periodic || network->periodic[i];
  if (periodic)
    PetscCall(NetworkEmbedded(network, node, NULL));
  else
    PetscCall(NetworkPlainOnce(network, group, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
