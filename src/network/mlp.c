/* Dense layers on inputs mapped to [-1, 1], and an affine function and a quadratic form beside them where the case
   wants them. */
#include "network_impl.h"

/* A layer that adds to the outputs what it makes of the coordinates. */
static PetscErrorCode add_beside(Network network, const NetworkGroup *group, const char *key, const char *what,
                                 StepKind kind, int n_out)
{
  const Layer layer = {
      .n_in = network->n_coord, .n_out = n_out, .unbiased = true, .draw = NetworkDrawZero, .factors = -1, .from = -1};
  Step step = {.kind = kind, .from = -1, .beside = -1};
  PetscFunctionBegin;
  for (int i = 0; i < network->n_coord; i++)
    PinnUserCheck(!network->periodic[i], "%s: %s is not periodic, as the network is to be in '%s'",
                  ConfigWhere(group->config, key), what, group->coordinates[i]);
  PetscCall(NetworkAddLayer(network, layer, &step.layer));
  PetscCall(NetworkAddStep(network, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_affine(Network network, const NetworkGroup *group)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetBool(group->config, "network.affine", &network->affine));
  if (network->affine)
    PetscCall(add_beside(network, group, "network.affine", "an affine function", STEP_AFFINE, network->n_field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_quadratic(Network network, const NetworkGroup *group)
{
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(group->config, "network.quadratic", &word));
  network->quadratic = ChoiceFind(&QuadraticTable, word)->data;
  if (!network->quadratic) PetscFunctionReturn(PETSC_SUCCESS);
  const double n_out = (double)network->n_field * (network->quadratic->full ? network->n_coord : 1);
  PinnUserCheck(n_out * network->n_coord < PETSC_MAX_INT,
                "%s: %.3lg parameters of a full quadratic form in %d coordinates are too many; a diagonal one has %d",
                ConfigWhere(group->config, "network.quadratic"), n_out * network->n_coord, network->n_coord,
                network->n_coord);
  PetscCall(add_beside(network, group, "network.quadratic", "a quadratic form", STEP_QUADRATIC, (int)n_out));
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
  if (GroupIsWhole(group)) PetscCall(add_quadratic(network, group));
  NetworkDescribeWidths(network, group, n, hidden);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkMLP = {NetworkCreate_MLP, "network.hidden", true};
