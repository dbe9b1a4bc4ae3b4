/* Kronecker-structured preconditioning of all layers, shared out to ranks. */
#include <float.h>
#include <math.h>
#include "kronecker_impl.h"

static PetscErrorCode share_out(Kronecker kronecker)
{
  const int n = kronecker->n_layer;
  PetscMPIInt size, *owner;
  double *cost;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(kronecker->rows->comm, &size));
  PetscCall(PetscMalloc2(n, &cost, n, &owner));
  for (int k = 0; k < n; k++) cost[k] = pow((double)kronecker->layers[k].pair, 1.5);
  PetscCall(RowsShareOut(size, n, cost, owner));
  for (int k = 0; k < n; k++) kronecker->layers[k].owner = owner[k];
  PetscCall(PetscFree2(cost, owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_layer(Kronecker kronecker, int l)
{
  KroneckerLayer *layer = &kronecker->layers[l];
  PetscFunctionBegin;
  layer->shape = RowsLayerAt(kronecker->rows, l);
  const PetscInt side = PetscMax(layer->shape.n_in, layer->shape.n_out);
  PinnUserCheck(side <= KRONECKER_MOST_SIDE,
                "Kronecker factors of layer %d, %" PetscInt_FMT " inputs x %" PetscInt_FMT
                " outputs, would be too large (%d at most): take another preconditioner",
                l + 1, layer->shape.n_in, layer->shape.n_out, KRONECKER_MOST_SIDE);
  layer->n_in = (size_t)layer->shape.n_in;
  layer->n_out = (size_t)layer->shape.n_out;
  layer->pair = layer->n_in * layer->n_in + layer->n_out * layer->n_out;
  layer->factors = kronecker->n_factor;
  layer->values = l ? layer[-1].values + layer[-1].n_in * layer[-1].n_out : 0;
  kronecker->n_factor += (size_t)kronecker->n_group * layer->pair;
  PetscCall(KroneckerInverseCreate(layer->n_in, layer->n_out, &layer->inverse));
  PetscCall(PetscMalloc2(layer->n_in, &layer->a, layer->n_out, &layer->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerCreate(Rows rows, KroneckerKind kind, Kronecker *kronecker)
{
  Kronecker k;
  size_t most = 0;
  PetscFunctionBegin;
  PetscCall(PetscNew(&k));
  *kronecker = k;
  k->rows = rows;
  k->kind = kind;
  k->exponent = 1.0;
  k->n_group = kind == KRONECKER_KFAC ? N_GROUP : 1;
  k->n_layer = RowsLayers(rows);
  PetscCallMPI(MPI_Comm_rank(rows->comm, &k->rank));
  PetscCall(PetscCalloc1(k->n_layer, &k->layers));
  for (int l = 0; l < k->n_layer; l++) {
    PetscCall(create_layer(k, l));
    most = PetscMax(most, k->layers[l].n_in * k->layers[l].n_out);
  }
  PetscCall(share_out(k));
  PetscCall(PetscCalloc2(k->n_factor, &k->factors, kind == KRONECKER_EKFAC ? rows->n_param : 0, &k->squares));
  PetscCall(PetscMalloc3(rows->n_param, &k->x, rows->n_param, &k->y, 4 * most, &k->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerDestroy(Kronecker *kronecker)
{
  Kronecker k = *kronecker;
  PetscFunctionBegin;
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  for (int l = 0; l < k->n_layer; l++) {
    PetscCall(KroneckerInverseDestroy(&k->layers[l].inverse));
    PetscCall(PetscFree2(k->layers[l].a, k->layers[l].b));
  }
  PetscCall(PetscFree(k->layers));
  PetscCall(PetscFree2(k->factors, k->squares));
  PetscCall(PetscFree3(k->x, k->y, k->value));
  PetscCall(FullVecDestroy(&k->full));
  PetscCall(PetscFree(*kronecker));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerSetPowerSteps(Kronecker kronecker, PetscInt steps)
{
  PetscFunctionBegin;
  kronecker->power_steps = steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerSetExponent(Kronecker kronecker, double exponent)
{
  PetscFunctionBegin;
  kronecker->exponent = exponent;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double trace(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += A[i * (n + 1)];
  return sum;
}

/* A layer with rows of both groups: a sum of two products. */
static bool is_sum(Kronecker kronecker, const KroneckerLayer *layer)
{
  return kronecker->n_group == N_GROUP && trace(layer->n_in, kronecker->factors + layer->factors + layer->pair) > 0.0;
}

/* Eigenvectors of each layer's one product, by its owner; ekfac's on all ranks. */
static PetscErrorCode solve_products(Kronecker kronecker)
{
  PetscFunctionBegin;
  for (int l = 0; l < kronecker->n_layer; l++) {
    KroneckerLayer *layer = &kronecker->layers[l];
    const double *A = kronecker->factors + layer->factors, *B = A + layer->n_in * layer->n_in;
    if (layer->owner == kronecker->rank && !is_sum(kronecker, layer))
      PetscCall(KroneckerInvertProduct(&layer->inverse, A, B, -1.0, layer->a, layer->b));
  }
  for (int l = 0; l < kronecker->n_layer && kronecker->kind == KRONECKER_EKFAC; l++) {
    KroneckerLayer *layer = &kronecker->layers[l];
    const PetscMPIInt n_A = (PetscMPIInt)(layer->n_in * layer->n_in), n_B = (PetscMPIInt)(layer->n_out * layer->n_out);
    PetscCallMPI(MPI_Bcast(layer->inverse.K_A, n_A, MPI_DOUBLE, layer->owner, kronecker->rows->comm));
    PetscCallMPI(MPI_Bcast(layer->inverse.K_B, n_B, MPI_DOUBLE, layer->owner, kronecker->rows->comm));
  }
  kronecker->solved = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerBuild(Kronecker kronecker, Vec theta, double keep)
{
  double *factors;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(kronecker->n_factor, &factors));
  PetscCall(KroneckerFactors(kronecker, theta, factors));
  for (size_t k = 0; k < kronecker->n_factor; k++)
    PetscCheck(isfinite(factors[k]), PETSC_COMM_SELF, PETSC_ERR_FP, "Kronecker factors are not finite");
  for (size_t k = 0; k < kronecker->n_factor; k++)
    kronecker->factors[k] = keep > 0.0 ? keep * kronecker->factors[k] + (1.0 - keep) * factors[k] : factors[k];
  PetscCall(PetscFree(factors));
  kronecker->solved = false;
  if (kronecker->kind == KRONECKER_EKFAC) PetscCall(solve_products(kronecker));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_squares(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[], double sums[])
{
  const KroneckerLayer *layer = &kronecker->layers[panel->layer];
  (void)data;
  KroneckerAddSquares(panel, layer->inverse.K_A, layer->inverse.K_B, work, sums + layer->values);
}

PetscErrorCode KroneckerUpdate(Kronecker kronecker, Vec theta)
{
  PetscFunctionBegin;
  if (kronecker->kind == KRONECKER_EKFAC)
    PetscCall(KroneckerSumRows(kronecker, theta, add_squares, NULL, kronecker->rows->n_param, kronecker->squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D of a layer that has its eigenvectors; where J is zero and there is no damping, it is kept from zero. */
static void set_denominators(Kronecker kronecker, KroneckerLayer *layer, double lambda)
{
  const size_t n_in = layer->n_in, size = n_in * layer->n_out;
  const double *values = kronecker->squares + layer->values;
  double *D = layer->inverse.D, total = 1.0, most = 0.0;
  if (kronecker->kind == KRONECKER_SHAMPOO) total = trace(n_in, kronecker->factors + layer->factors);
  for (size_t k = 0; k < size; k++) {
    if (kronecker->kind == KRONECKER_EKFAC)
      D[k] = values[k] + lambda;
    else
      D[k] = (total > 0.0 ? layer->a[k % n_in] * layer->b[k / n_in] / total : 0.0) + lambda;
    if (kronecker->kind == KRONECKER_SHAMPOO) D[k] = pow(D[k], kronecker->exponent);
    most = fmax(most, D[k]);
  }
  const double least = most > 0.0 ? DBL_EPSILON * DBL_EPSILON * most : 1.0;
  for (size_t k = 0; k < size; k++) D[k] = fmax(D[k], least);
}

PetscErrorCode KroneckerDamp(Kronecker kronecker, double lambda)
{
  double used;
  PetscFunctionBegin;
  if (!kronecker->solved) PetscCall(solve_products(kronecker));
  for (int l = 0; l < kronecker->n_layer; l++) {
    KroneckerLayer *layer = &kronecker->layers[l];
    const double *A = kronecker->factors + layer->factors, *B = A + layer->n_in * layer->n_in, *A2 = A + layer->pair;
    if (layer->owner != kronecker->rank) continue;
    if (is_sum(kronecker, layer))
      PetscCall(KroneckerInvertSum(&layer->inverse, A, B, A2, A2 + layer->n_in * layer->n_in, lambda, &used));
    else
      set_denominators(kronecker, layer, lambda);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerApply(Kronecker kronecker, Vec x, Vec y)
{
  const size_t n = kronecker->rows->n_param;
  PetscMPIInt count;
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&kronecker->full, x, kronecker->x));
  PetscCall(PetscArrayzero(kronecker->y, n));
  for (int l = 0; l < kronecker->n_layer; l++) {
    const KroneckerLayer *layer = &kronecker->layers[l];
    double *in = kronecker->value, *out = in + layer->n_in * layer->n_out, *work = out + layer->n_in * layer->n_out;
    if (layer->owner != kronecker->rank) continue;
    RowsLayerGet(&layer->shape, kronecker->x, in);
    KroneckerInverseApply(&layer->inverse, in, work, out);
    RowsLayerSet(&layer->shape, out, kronecker->y);
  }
  PetscCall(PetscMPIIntCast((PetscInt)n, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, kronecker->y, count, MPI_DOUBLE, MPI_SUM, kronecker->rows->comm));
  PetscCall(FullVecPut(kronecker->y, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerGetFactors(Kronecker kronecker, size_t *n, double **factors)
{
  PetscFunctionBegin;
  *n = kronecker->n_factor;
  *factors = kronecker->factors;
  kronecker->solved = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}
