/* Networks: what all architectures share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "network_impl.h"

#define WIDE 4e6 /* weights: four times what caches hold */

static const Choice network_rows[] = {
    {"mlp", "dense layers, all trained", &NetworkMLP},
    {"random-features", "one hidden layer drawn at random and kept; its outer weights are found by least squares",
     &NetworkRandomFeatures},
    {"fourier", "an mlp of cos and sin of random frequencies, kept or trained", &NetworkFourier},
    {"siren", "dense layers of sin(omega u) with first weights that keep their spread", &NetworkSiren},
    {"modified-mlp", "hidden layers that mix two functions of the coordinates by gates", &NetworkModifiedMLP},
    {"piratenet", "gated blocks beside skips that are all there is at first, over Fourier features", &NetworkPirate},
    {"separable", "sums of products of networks of one coordinate each", &NetworkSeparable},
    {"fields", "a network of its own for each field, network.of", &NetworkFields},
    {NULL, NULL, NULL},
};
const ChoiceTable NetworkTable = {"network", "architectures of the trial function", network_rows};

void NetworkDescribeMore(Network network, const char *format, ...)
{
  const size_t used = strlen(network->description);
  va_list values;
  va_start(values, format);
  vsnprintf(network->description + used, sizeof(network->description) - used, format, values);
  va_end(values);
}

void NetworkDescribeWidths(Network network, const NetworkGroup *group, int n, const PetscInt hidden[])
{
  NetworkDescribeMore(network, " %d", network->n_coord);
  for (int l = 0; l < n; l++) NetworkDescribeMore(network, "-%d", (int)hidden[l]);
  NetworkDescribeMore(network, "-%d", group->n_field);
}

PetscErrorCode NetworkCreateGroup(Network network, const NetworkGroup *group)
{
  const char *type, *activation;
  const PetscReal *law;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(group->config, GroupKey(group, "type"), &type));
  PetscCall(ConfigGetString(group->config, GroupKey(group, "activation"), &activation));
  NetworkDescribeMore(network, "%s", type);
  const NetworkType *row = ChoiceFind(&NetworkTable, type)->data;
  PetscCall(row->create(network, group));
  if (!row->names_activation) PetscFunctionReturn(PETSC_SUCCESS);
  NetworkDescribeMore(network, ", %s", activation);
  PetscCall(ConfigGetReals(group->config, GroupKey(group, "factorize"), &n, &law));
  if (n) NetworkDescribeMore(network, ", factorized");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void describe_rest(Network network, const char *const coordinates[], const char *precision)
{
  for (int i = 0; i < network->n_coord; i++)
    if (network->periodic[i]) NetworkDescribeMore(network, ", periodic in %s", coordinates[i]);
  if (network->input_of) NetworkDescribeMore(network, ", coordinates share %d columns of weights", network->n_input);
  if (network->affine) NetworkDescribeMore(network, ", an affine function beside it");
  if (network->quadratic)
    NetworkDescribeMore(network, ", a%s quadratic form beside it", network->quadratic->full ? "" : " diagonal");
  if (network->precision->adjoint_single) NetworkDescribeMore(network, ", %s precision", precision);
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
  const char *precision, *type;
  const NetworkGroup group = {config, "network", coordinates, 0, n_field};
  PetscInt seed;
  Network n;
  int output;
  PetscFunctionBegin;
  PetscCall(PetscNew(&n));
  *network = n;
  n->n_coord = n->n_input = n_coord;
  n->n_field = n_field;
  n->plain = n->embedded = -1;
  PetscCall(PetscMalloc4(n_coord, &n->shift, n_coord, &n->stretch, n_coord, &n->lower, n_coord, &n->upper));
  for (int i = 0; i < n_coord; i++) {
    n->shift[i] = 0.0;
    n->stretch[i] = 1.0;
    n->lower[i] = lower[i];
    n->upper[i] = upper[i];
  }
  PetscCall(ConfigGetString(config, "network.type", &type));
  PetscCall(ConfigGetString(config, "precision", &precision));
  PetscCall(ConfigGetInt(config, "seed", &seed));
  n->seed = (uint32_t)seed;
  n->type = ChoiceFind(&NetworkTable, type)->data;
  n->precision = ChoiceFind(&PrecisionTable, precision)->data;
  PetscCall(NetworkReadPeriodic(n, &group));
  PetscCall(NetworkAddNode(n, n_field, &output));
  PetscCall(NetworkCreateGroup(n, &group));
  PetscCall(NetworkCheckHarmonics(n, config));
  PetscCall(NetworkFinish(n, config, n->type->size_key));
  PetscCall(read_extra(n, config));
  describe_rest(n, coordinates, precision);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkDestroy(Network *network)
{
  Network n = *network;
  PetscFunctionBegin;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4(n->shift, n->stretch, n->lower, n->upper));
  for (int l = 0; l < NetworkAllLayers(n); l++) PetscCall(PetscFree(n->layers[l].scales));
  PetscCall(PetscFree(n->layers));
  PetscCall(PetscFree(n->nodes));
  PetscCall(PetscFree(n->steps));
  PetscCall(PetscFree(n->input_of));
  PetscCall(PetscFree(n->frozen));
  PetscCall(PetscFree(n->scales));
  PetscCall(PetscFree(n->wave));
  PetscCall(PetscFree(n->extra));
  PetscCall(PetscFree(n->periodic));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NetworkParameters(Network network)
{
  return network->n_param + (size_t)network->n_extra;
}

bool NetworkIsChain(Network network)
{
  for (int k = 0; k < network->n_step; k++) {
    const Step *step = &network->steps[k];
    const StepKind kind = k == 0 ? STEP_READ : k % 2 ? STEP_ACTIVATE : STEP_DENSE;
    if (step->kind == STEP_AFFINE || step->kind == STEP_QUADRATIC) continue;
    if (step->kind != kind || (k && step->from != network->steps[k - 1].to)) return false;
    if (kind == STEP_ACTIVATE && step->factor != 1.0) return false;
    if (step->layer >= 0 && (step->layer != k / 2 || network->layers[k / 2].unbiased)) return false;
  }
  return true;
}

double NetworkWeightCount(Network network)
{
  double count = 0.0;
  for (int l = 0; l < NetworkAllLayers(network); l++)
    count += (double)network->layers[l].n_in * (double)network->layers[l].n_out;
  return count;
}

double NetworkInputWeights(Network network)
{
  double beside = 0.0;
  for (int l = network->n_layer; l < NetworkAllLayers(network); l++) beside += (double)LayerSize(&network->layers[l]);
  return (double)network->n_input * (double)network->layers[0].n_out + beside;
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
  return network->n_layer == 2 && NetworkIsChain(network) ? 1 : NetworkFirstWidth(network);
}

void NetworkLastLayer(Network network, size_t *begin, int *n_feature)
{
  *n_feature = 0;
  *begin = network->n_param;
  for (int l = network->n_layer; l < NetworkAllLayers(network); l++) {
    *n_feature += (int)(LayerSize(&network->layers[l]) / (size_t)network->n_field);
    *begin = PetscMin(*begin, network->layers[l].offset);
  }
  for (int l = 0; l < network->n_layer; l++) {
    if (!network->layers[l].last) continue;
    *n_feature += network->layers[l].n_in;
    *begin = PetscMin(*begin, network->layers[l].offset);
  }
}

const char *NetworkDescribe(Network network)
{
  return network->description;
}

double *NetworkFrozen(Network network, size_t *n)
{
  *n = network->n_frozen;
  return network->frozen;
}

PetscErrorCode NetworkGetScales(Network network, int *n, const double **scales)
{
  PetscFunctionBegin;
  *n = network->draws_again ? network->n_coord : 0;
  *scales = network->draws_again ? network->scales : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NetworkSearchesScales(Network network)
{
  return network->search_scales;
}
