/* Dense layers on inputs mapped to [-1, 1], and an affine function beside them where the case wants one. */
#include <string.h>
#include "network_impl.h"

static PetscErrorCode NetworkCreate_MLP(Network network, Config config, const char *const coordinates[])
{
  const PetscInt *hidden;
  bool normalize;
  int n;
  PetscFunctionBegin;
  PetscCall(NetworkShareInputs(network, config, coordinates));
  PetscCall(ConfigGetBool(config, "network.affine", &network->affine));
  PetscCall(ConfigGetInts(config, "network.hidden", &n, &hidden));
  PetscCall(ConfigGetBool(config, "network.normalize", &normalize));
  PetscCall(NetworkSetLayers(network, config, "network.hidden", n, hidden, false));
  for (int i = 0; i < network->n_coord && normalize; i++) {
    network->shift[i] = 0.5 * (network->lower[i] + network->upper[i]);
    network->stretch[i] = 2.0 / (network->upper[i] - network->lower[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void NetworkInitialize_MLP(Network network, double theta[])
{
  const Layer *affine = NetworkAffine(network);
  for (int l = 0; l < network->n_layer; l++) NetworkDrawGlorot(network, l, theta + network->layers[l].offset);
  if (affine) memset(theta + affine->offset, 0, LayerSize(affine) * sizeof(double));
}

const NetworkType NetworkMLP = {NetworkCreate_MLP, NetworkInitialize_MLP};
