/* A network of its own for each field. */
#include "network_impl.h"

static PetscErrorCode NetworkCreate_Fields(Network network, const NetworkGroup *group)
{
  const Config config = group->config;
  const int n = ConfigCount(config, "network.of");
  char name[32];
  PetscFunctionBegin;
  PinnUserCheck(n == group->n_field, "%s: %d networks for %d field%s", ConfigWhere(config, "network.of"), n,
                group->n_field, group->n_field == 1 ? "" : "s");
  PetscCall(NetworkNormalize(network, group));
  for (int k = 0; k < n; k++) {
    const NetworkGroup own = {config, name, group->coordinates, k, 1};
    const char *type;
    snprintf(name, sizeof(name), "network.of[%d]", k);
    PetscCall(ConfigGetString(config, ConfigPath("%s.type", name), &type));
    const NetworkType *row = ChoiceFind(&NetworkTable, type)->data;
    PinnUserCheck(row != &NetworkFields && row != &NetworkRandomFeatures,
                  "%s: a field's own network is of any type but fields and random-features, not %s",
                  ConfigWhere(config, ConfigPath("%s.type", name)), type);
    NetworkDescribeMore(network, k ? "; " : ": ");
    PetscCall(NetworkCreateGroup(network, &own));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NetworkType NetworkFields = {NetworkCreate_Fields, "network.of", false};
