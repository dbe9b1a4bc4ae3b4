/* Dense layers on inputs mapped to [-1, 1]. */
#include "network_impl.h"

static PetscErrorCode NetworkCreate_MLP(Network network, Config config, const char *const coordinates[])
{
  const PetscInt *hidden;
  bool normalize;
  int n;
  PetscFunctionBegin;
  (void)coordinates;
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
  for (int l = 0; l < network->n_layer; l++) NetworkDrawGlorot(network, l, theta + network->layers[l].offset);
}

const NetworkType NetworkMLP = {NetworkCreate_MLP, NetworkInitialize_MLP};
