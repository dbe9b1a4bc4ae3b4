/* Fourier features, z = (cos B x, sin B x) with normal frequencies B (Tancik et al. 2020), and an mlp of them. Those of
   periodic coordinates are whole waves over the domain. */
#include "pinn/series.h"
#include "network_impl.h"

static const Activation sine = {SeriesSin, SeriesSin_Single, true}, cosine = {SeriesCos, SeriesCos_Single, true};

static PetscErrorCode read_trained(Network network, const NetworkGroup *group, bool *trained)
{
  PetscFunctionBegin;
  PetscCall(ConfigGetBool(group->config, GroupKey(group, "train_features"), trained));
  for (int i = 0; i < network->n_coord && *trained; i++)
    PinnUserCheck(!network->periodic[i], "%s: frequencies that are trained do not stay whole, as those of '%s' must",
                  ConfigWhere(group->config, GroupKey(group, "train_features")), group->coordinates[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkFourierFeatures(Network network, const NetworkGroup *group, int count, int *node)
{
  const Activation *functions[2] = {&cosine, &sine};
  Layer layer = {.n_out = count, .unbiased = true, .draw = NetworkDrawFrequencies};
  bool trained;
  int from, u = -1;
  PetscFunctionBegin;
  PetscCall(read_trained(network, group, &trained));
  layer.frozen = !trained;
  PetscCall(NetworkReadScales(network, group, &layer.scales));
  PetscCall(NetworkPlainOnce(network, group, &from));
  PetscCall(NetworkDense(network, from, layer, &u));
  PetscCall(NetworkAddNode(network, 2 * count, node));
  for (int k = 0; k < 2; k++) {
    int part;
    PetscCall(NetworkActivate(network, u, 1.0, functions[k], &part));
    PetscCall(NetworkPlace(network, part, k * count, *node));
  }
  NetworkDescribeMore(network, trained ? ", %d trained frequencies" : ", %d frequencies", count);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkCreate_Fourier(Network network, const NetworkGroup *group)
{
  const PetscInt *hidden;
  PetscInt count;
  int n, node;
  PetscFunctionBegin;
  PetscCall(NetworkNormalize(network, group));
  PetscCall(ConfigGetInt(group->config, GroupKey(group, "features"), &count));
  PetscCall(ConfigGetInts(group->config, GroupKey(group, "hidden"), &n, &hidden));
  NetworkDescribeWidths(network, group, n, hidden);
  PetscCall(NetworkFourierFeatures(network, group, (int)count, &node));
  PetscCall(NetworkHiddenLayers(network, group, node, n, hidden, &node));
  PetscCall(NetworkOutputs(network, group, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkFourier = {NetworkCreate_Fourier, "network.hidden", true};
