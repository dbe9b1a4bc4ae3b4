/* The approximation of all layers (pinn/kronecker.h): what its files share. */
#pragma once
#include "kronecker.h"

/* Groups of rows of kfac: points of the equations, and of conditions. */
#define INTERIOR 0
#define BOUNDARY 1
#define N_GROUP  2

typedef struct {
  RowsLayer shape;
  size_t n_in, n_out, pair; /* pair = n_in^2 + n_out^2 */
  size_t factors;           /* place of its factors: pairs A, B, one a group for kfac */
  size_t values;            /* place of its n_out n_in values among all parameters */
  PetscMPIInt owner;        /* the rank that inverts it and applies its inverse */
  KroneckerInverse inverse; /* K_A and K_B of ekfac are the same on all ranks; all else is the owner's */
  double *a, *b;            /* [n_in], [n_out] eigenvalues of products */
} KroneckerLayer;

struct Kronecker_s {
  Rows rows;
  KroneckerKind kind;
  PetscInt power_steps;
  double exponent;
  PetscMPIInt rank;
  int n_layer, n_group;
  KroneckerLayer *layers;
  size_t n_factor;
  double *factors; /* [n_factor] */
  double *squares; /* [n_param] ekfac: Lambda */
  bool solved;     /* eigenvectors are those of the factors */
  double *x, *y;   /* [n_param] in full */
  double *value;   /* [4 largest n_in n_out] of one layer: in, out, work */
  FullVec full;
};

/* Adds a panel's part to sums [n_sum]; work [KroneckerPanelWork]. */
typedef void (*KroneckerAddFn)(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[],
                               double sums[]);
/* sums [n_sum] [out]: over all rows of all ranks, in a fixed order. Collective. */
PetscErrorCode KroneckerSumRows(Kronecker kronecker, Vec theta, KroneckerAddFn add, const void *data, size_t n_sum,
                                double sums[]);

/* factors [n_factor] [out] at theta. Collective. */
PetscErrorCode KroneckerFactors(Kronecker kronecker, Vec theta, double factors[]);
