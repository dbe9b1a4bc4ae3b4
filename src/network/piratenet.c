/* Blocks of three layers, the first two gated by functions U, V of the features, beside skips:
     f = s(W1 x + b1), z = f U + (1 - f) V,  g = s(W2 z + b2), z' = g U + (1 - g) V,  h = s(W3 z' + b3),
     x <- a h + (1 - a) x,  a = 0 at first,
   so that the network begins as a linear function of its Fourier features (Wang, Li, Chen, Perdikaris 2024,
   "PirateNets", eqs. 4.1-4.6). */
#include "network_impl.h"

typedef struct {
  int width, difference, second; /* U - V, V */
} Gates;

static PetscErrorCode add_gates(Network network, const NetworkGroup *group, int features, Gates *gates)
{
  int u, first;
  PetscFunctionBegin;
  PetscCall(NetworkHidden(network, group, features, 2 * gates->width, &u));
  PetscCall(NetworkSlice(network, u, 0, gates->width, &first));
  PetscCall(NetworkSlice(network, u, gates->width, gates->width, &gates->second));
  PetscCall(NetworkAdd(network, first, -1.0, gates->second, &gates->difference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_block(Network network, const NetworkGroup *group, const Gates *gates, int *x)
{
  int z = *x, h;
  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    PetscCall(NetworkHidden(network, group, z, gates->width, &h));
    PetscCall(NetworkGated(network, h, gates->difference, gates->second, &z));
  }
  PetscCall(NetworkHidden(network, group, z, gates->width, &h));
  PetscCall(NetworkSkip(network, h, *x, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkCreate_Pirate(Network network, const NetworkGroup *group)
{
  const PetscInt *hidden;
  Gates gates;
  int n, x;
  PetscFunctionBegin;
  PetscCall(NetworkNormalize(network, group));
  PetscCall(NetworkEqualWidths(group, &n, &hidden));
  gates.width = (int)hidden[0];
  PinnUserCheck(gates.width % 2 == 0, "%s: as wide as the cos and sin of its frequencies, an even number, not %d",
                ConfigWhere(group->config, GroupKey(group, "hidden")), gates.width);
  NetworkDescribeWidths(network, group, n, hidden);
  PetscCall(NetworkFourierFeatures(network, group, gates.width / 2, &x));
  PetscCall(add_gates(network, group, x, &gates));
  for (int k = 0; k < n; k++) PetscCall(add_block(network, group, &gates, &x));
  PetscCall(NetworkOutputs(network, group, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkPirate = {NetworkCreate_Pirate, "network.hidden", true};
