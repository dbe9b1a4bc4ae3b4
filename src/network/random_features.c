/* u(x) = sum_k c_k s(w_k . x + b_k) with w_k, b_k drawn once: linear in the coefficients that are left.

   Their frequencies follow one of the laws of feature_laws.c. Time counts from the box's first: the same coefficients
   in the next slab of time repeat the field of this one. */
#include <math.h>
#include <string.h>
#include "network_impl.h"

static void draw(Network network, int l, double weights[])
{
  const Layer *layer = &network->layers[l];
  NetworkDrawFeatures(network, layer->n_out, weights, weights + (size_t)layer->n_in * (size_t)layer->n_out);
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
  network->law = ChoiceFind(&FeatureLawTable, law)->data;
  for (int i = 0; i < network->n_coord; i++) {
    if (!strcmp(group->coordinates[i], "t")) network->shift[i] = network->lower[i];
    PinnUserCheck(!network->periodic[i] || network->activation->periodic,
                  "%s: periodic coordinates need network.activation = \"sin\"",
                  ConfigWhere(config, "network.periodic"));
  }
  PetscCall(ConfigGetInt(config, "network.features", &features));
  PetscCall(ConfigGetBool(config, "network.scale_search", &network->search_scales));
  PetscCall(NetworkReadScales(network, group, &network->scales));
  if (network->law->check) PetscCall(network->law->check(network, config, (int)features));
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
  draw(network, 0, network->frozen + network->layers[0].offset);
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
