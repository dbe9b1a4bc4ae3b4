#include <gsl/gsl_integration.h>
#include "points_impl.h"

static PetscErrorCode legendre(PetscInt n, double node[], double weights[])
{
  PetscFunctionBegin;
  gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc((size_t)n);
  PetscCheck(table, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %" PetscInt_FMT " Gauss-Legendre nodes", n);
  for (PetscInt i = 0; i < n; i++) {
    double x, weight;
    gsl_integration_glfixed_point(0, 1, (size_t)i, &x, &weight, table);
    if (node) node[i] = x;
    if (weights) weights[i] = weight;
  }
  gsl_integration_glfixed_table_free(table);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode legendre_nodes(GridRule grid, PetscInt n, double node[])
{
  (void)grid;
  PetscFunctionBegin;
  PetscCall(legendre(n, node, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode legendre_weights(PetscInt n, double weights[])
{
  PetscFunctionBegin;
  PetscCall(legendre(n, NULL, weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_GaussLegendre = {.nodes = legendre_nodes, .weights = legendre_weights};
