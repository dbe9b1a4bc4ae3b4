/* u(x) = sum_r c_r prod_i f_ir(x_i) + b, with one network of `rank` outputs for each coordinate (Cho et al. 2023,
   "Separable physics-informed neural networks", eq. 4). */
#include "network_impl.h"

/* The factors of one coordinate, [rank], from its neurons [begin, end) of a node. */
static PetscErrorCode add_factors(Network network, const NetworkGroup *group, int from, int begin, int end, int rank,
                                  int *node)
{
  const PetscInt *hidden;
  int n, part, u = -1;
  PetscFunctionBegin;
  PetscCall(ConfigGetInts(group->config, GroupKey(group, "hidden"), &n, &hidden));
  PetscCall(NetworkSlice(network, from, begin, end - begin, &part));
  PetscCall(NetworkHiddenLayers(network, group, part, n, hidden, &part));
  PetscCall(NetworkDense(network, part, (Layer){.n_out = rank, .draw = NetworkDrawGlorot}, &u));
  *node = u;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkCreate_Separable(Network network, const NetworkGroup *group)
{
  const PetscInt *hidden;
  PetscInt rank;
  int n, *begin, node, product = -1, factors = -1;
  PetscFunctionBegin;
  PetscCall(NetworkNormalize(network, group));
  PetscCall(ConfigGetInt(group->config, GroupKey(group, "rank"), &rank));
  PetscCall(ConfigGetInts(group->config, GroupKey(group, "hidden"), &n, &hidden));
  PetscCall(PetscMalloc1(2 * network->n_coord, &begin));
  PetscCall(NetworkEmbedded(network, &node, begin));
  for (int i = 0; i < network->n_coord; i++) {
    PetscCall(add_factors(network, group, node, begin[2 * i], begin[2 * i + 1], (int)rank, &factors));
    if (i)
      PetscCall(NetworkMultiply(network, product, factors, &product));
    else
      product = factors;
  }
  PetscCall(PetscFree(begin));
  PetscCall(NetworkOutputs(network, group, product));
  NetworkDescribeWidths(network, group, n, hidden);
  NetworkDescribeMore(network, ", rank %d", (int)rank);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkSeparable = {NetworkCreate_Separable, "network.rank", true};
