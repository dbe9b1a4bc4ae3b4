/* Hidden layers z <- a U + (1 - a) V, a = s(W z + b), with U and V = s(.) of the coordinates (Wang, Teng, Perdikaris
   2021, "Understanding and mitigating gradient flow pathologies", eq. 43). */
#include "network_impl.h"

PetscErrorCode NetworkGated(Network network, int activated, int difference, int second, int *node)
{
  int product;
  PetscFunctionBegin;
  PetscCall(NetworkMultiply(network, activated, difference, &product));
  PetscCall(NetworkAdd(network, product, 1.0, second, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkEqualWidths(const NetworkGroup *group, int *n, const PetscInt **widths)
{
  const char *key = GroupKey(group, "hidden");
  const PetscInt *hidden;
  PetscFunctionBegin;
  PetscCall(ConfigGetInts(group->config, key, n, widths));
  hidden = *widths;
  for (int l = 1; l < *n; l++)
    PinnUserCheck(hidden[l] == hidden[0], "%s: layers that are mixed with one another have one width, not %d and %d",
                  ConfigWhere(group->config, key), (int)hidden[0], (int)hidden[l]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkCreate_ModifiedMLP(Network network, const NetworkGroup *group)
{
  const PetscInt *hidden;
  int n, node, parts[3], u, difference;
  PetscFunctionBegin;
  PetscCall(NetworkNormalize(network, group));
  PetscCall(NetworkEqualWidths(group, &n, &hidden));
  const int width = (int)hidden[0];
  PetscCall(NetworkEmbeddedOnce(network, group, &node));
  PetscCall(NetworkHidden(network, group, node, 3 * width, &u)); /* U, V and the first layer, in one product */
  for (int k = 0; k < 3; k++) PetscCall(NetworkSlice(network, u, k * width, width, &parts[k]));
  PetscCall(NetworkAdd(network, parts[0], -1.0, parts[1], &difference));
  PetscCall(NetworkGated(network, parts[2], difference, parts[1], &node));
  for (int l = 1; l < n; l++) {
    PetscCall(NetworkHidden(network, group, node, width, &u));
    PetscCall(NetworkGated(network, u, difference, parts[1], &node));
  }
  PetscCall(NetworkOutputs(network, group, node));
  NetworkDescribeWidths(network, group, n, hidden);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkModifiedMLP = {NetworkCreate_ModifiedMLP, "network.hidden", true};
