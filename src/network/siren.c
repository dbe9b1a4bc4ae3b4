/* sin(omega (W z + b)) with weights uniform in +-sqrt(6 / n_in) / omega, in the first layer +-1 / n_in, so that all
   layers' arguments are spread alike (Sitzmann et al. 2020, section 3.2). */
#include <math.h>
#include "network_impl.h"

static PetscErrorCode NetworkCreate_Siren(Network network, const NetworkGroup *group)
{
  const Activation *sine = ChoiceFind(&ActivationTable, "sin")->data;
  const PetscInt *hidden;
  PetscReal omega;
  int n, node;
  PetscFunctionBegin;
  PetscCall(NetworkNormalize(network, group));
  PetscCall(ConfigGetInts(group->config, GroupKey(group, "hidden"), &n, &hidden));
  PetscCall(ConfigGetReal(group->config, GroupKey(group, "omega"), &omega));
  PetscCall(NetworkEmbeddedOnce(network, group, &node));
  for (int l = 0; l < n; l++) {
    const double n_in = node == NETWORK_INPUTS ? network->n_input : network->nodes[node].width;
    const double bound = l ? sqrt(6.0 / n_in) / omega : 1.0 / n_in;
    int u = -1;
    PetscCall(
        NetworkDense(network, node, (Layer){.n_out = (int)hidden[l], .draw = NetworkDrawUniform, .law = {bound}}, &u));
    PetscCall(NetworkActivate(network, u, omega, sine, &node));
  }
  PetscCall(NetworkOutputs(network, group, node));
  NetworkDescribeWidths(network, group, n, hidden);
  NetworkDescribeMore(network, ", omega %lg", omega);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkSiren = {NetworkCreate_Siren, "network.hidden", false};
