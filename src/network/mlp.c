/* Dense layers on inputs mapped to [-1, 1], and an affine function beside them where the case wants one. */
#include "network_impl.h"

static PetscErrorCode add_affine(Network network, const NetworkGroup *group)
{
  const Layer layer = {.n_in = network->n_coord,
                       .n_out = network->n_field,
                       .unbiased = true,
                       .draw = NetworkDrawZero,
                       .factors = -1,
                       .from = -1};
  Step step = {.kind = STEP_AFFINE, .from = -1, .beside = -1};
  PetscFunctionBegin;
  PetscCall(ConfigGetBool(group->config, GroupKey(group, "affine"), &network->affine));
  if (!network->affine) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < network->n_coord; i++)
    PinnUserCheck(!network->periodic[i], "%s: an affine function is not periodic, as the network is to be in '%s'",
                  ConfigWhere(group->config, GroupKey(group, "affine")), group->coordinates[i]);
  PetscCall(NetworkAddLayer(network, layer, &step.layer));
  PetscCall(NetworkAddStep(network, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkCreate_MLP(Network network, const NetworkGroup *group)
{
  const PetscInt *hidden;
  int n, node;
  PetscFunctionBegin;
  if (GroupIsWhole(group)) PetscCall(NetworkShareInputs(network, group));
  PetscCall(NetworkNormalize(network, group));
  PetscCall(ConfigGetInts(group->config, GroupKey(group, "hidden"), &n, &hidden));
  PetscCall(NetworkEmbeddedOnce(network, group, &node));
  PetscCall(NetworkHiddenLayers(network, group, node, n, hidden, &node));
  PetscCall(NetworkOutputs(network, group, node));
  if (GroupIsWhole(group)) PetscCall(add_affine(network, group));
  NetworkDescribeWidths(network, group, n, hidden);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkMLP = {NetworkCreate_MLP, "network.hidden", true};
