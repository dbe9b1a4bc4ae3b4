/* How derivatives of the network are made. */
#include <limits.h>
#include "residual_impl.h"

/* What a row of EstimatorTable points to: the groups of coordinates that fewer stand for. */
typedef struct {
  bool reduces;
  bool always; /* also where the first layer is wider than the group */
} Estimator;

static const Estimator estimator_auto = {true, false}, estimator_exact = {false, false},
                       estimator_compressed = {true, true};

static const Choice estimator_rows[] = {
    {"auto", "exact; compressed where the first layer is narrower than a laplacian has dimensions", &estimator_auto},
    {"exact", "every derivative by every coordinate", &estimator_exact},
    {"compressed", "exact; laplacians through as many coordinates as the first layer has neurons",
     &estimator_compressed},
    {NULL, NULL, NULL},
};
const ChoiceTable EstimatorTable = {"estimator", "how derivatives in many dimensions are made", estimator_rows};

PetscErrorCode EstimatorReducer(Config config, Network network, JetReducer *reducer)
{
  const int width = NetworkFirstWidth(network);
  const char *word;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "estimator.type", &word));
  const Estimator *estimator = ChoiceFind(&EstimatorTable, word)->data;
  *reducer = (JetReducer){width, !estimator->reduces ? INT_MAX : estimator->always ? 2 : PetscMax(width, 2) + 1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EstimatorCheck(Residual residual, Config config)
{
  const char *word;
  int n = 0;
  PetscFunctionBegin;
  PetscCall(ConfigGetString(config, "estimator.type", &word));
  const Estimator *estimator = ChoiceFind(&EstimatorTable, word)->data;
  for (int b = 0; b < residual->n_block; b++) n += residual->blocks[b].probe->compression != NULL;
  PinnUserCheck(!estimator->always || n,
                "%s: nothing can be compressed: no equation or condition has two coordinates that occur only in a "
                "laplacian (sum of second derivatives with fixed positive factors)",
                ConfigWhere(config, "estimator.type"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
