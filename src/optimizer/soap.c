/* SOAP (Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade 2024, algorithm 3): Adam for the gradient G in
   the eigenbases Q_L, Q_R of the averages L of G G^T and R of G^T G,

     M <- beta1 M + (1 - beta1) G                              in the layer's own coordinates
     V <- beta2 V + (1 - beta2) (Q_L^T G Q_R)^2                in the eigenbases
     W <- W - rate Q_L [ Q_L^T M Q_R / (sqrt(V) + epsilon) ] Q_R^T    both moments bias-corrected

   Every `refresh` steps one power step follows, Q_L <- QR of L Q_L, with the columns sorted by falling eigenvalue first
   and V along with them. As in the authors' code the first iteration only fills L and R and finds their eigenbases by a
   full decomposition, and biases take plain Adam steps. */
#include <math.h>
#include "lapack.h"
#include "layers.h"
#include <petscblaslapack.h>

/* One gradient of a wide layer leaves most eigenvalues at zero, and their eigenvectors to rounding, which differs with
   the number of ranks. Among these the eigenvectors of diag(1, 2, ... n) / n are taken. */
#define NULL_LIMIT 1e-12 /* relative to the largest eigenvalue */
#define SHIFT      1e-8  /* of the power step, relative to the trace: keeps such columns above rounding */

static PetscErrorCode settle_null_space(const Layers *layers, PetscBLASInt n, PetscBLASInt n_null, double U[])
{
  const double one = 1.0, zero = 0.0;
  const size_t order = (size_t)n, k = (size_t)n_null;
  double *scaled = layers->work[1], *C = layers->work[2], *w;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_null, &w));
  for (size_t i = 0; i < k * order; i++) scaled[i] = U[i] * (double)(i % order + 1) / (double)n;
  PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &n_null, &n_null, &n, &one, U, &n, scaled, &n, &zero, C, &n_null));
  PetscCall(LapackEigen(n_null, C, w));
  PetscCall(PetscArraycpy(scaled, U, k * order));
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &n, &n_null, &n_null, &one, scaled, &n, C, &n_null, &zero, U, &n));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode first_basis(const Layers *layers, PetscBLASInt n, const double average[], double Q[])
{
  double *w = layers->work[0];
  PetscBLASInt n_null = 0;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(Q, average, (size_t)n * (size_t)n));
  PetscCall(LapackEigen(n, Q, w));
  while (n_null < n && w[n_null] <= NULL_LIMIT * w[n - 1]) n_null++;
  if (n_null > 1) PetscCall(settle_null_space(layers, n, n_null, Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* order [n]: columns of Q by falling q^T A q, equal ones as they were; AQ [n][n] = (A + shift) Q. */
static PetscErrorCode sort_columns(PetscBLASInt n, const double A[], const double Q[], double AQ[], PetscInt order[])
{
  const double one = 1.0, zero = 0.0;
  double *value, trace = 0.0;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &value));
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &n, &n, &n, &one, A, &n, Q, &n, &zero, AQ, &n));
  for (PetscBLASInt j = 0; j < n; j++) {
    value[j] = 0.0;
    trace += A[(size_t)j * ((size_t)n + 1)];
    for (PetscBLASInt i = 0; i < n; i++) value[j] += Q[(size_t)j * (size_t)n + i] * AQ[(size_t)j * (size_t)n + i];
  }
  for (PetscInt j = 0, i; j < n; j++) {
    for (i = j; i > 0 && value[order[i - 1]] < value[j]; i--) order[i] = order[i - 1];
    order[i] = j;
  }
  for (size_t k = 0; k < (size_t)n * (size_t)n; k++) AQ[k] += SHIFT * trace * Q[k];
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One power step on a basis; V [q][p] gets its rows (`rows`) or columns in the new order. */
static PetscErrorCode turn_basis(const Layers *layers, const LayerMatrix *layer, bool rows)
{
  const PetscBLASInt p = layer->p, q = layer->q, n = rows ? p : q;
  double *Q = rows ? layer->left_basis : layer->right_basis, *AQ = layers->work[0], *old = layers->work[1];
  double *V = layer->v;
  PetscInt *order;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &order));
  PetscCall(sort_columns(n, rows ? layer->left : layer->right, Q, AQ, order));
  for (PetscBLASInt j = 0; j < n; j++)
    PetscCall(PetscArraycpy(Q + (size_t)j * (size_t)n, AQ + (size_t)order[j] * (size_t)n, n));
  PetscCall(LapackOrthogonalize(n, Q));
  PetscCall(PetscArraycpy(old, V, (size_t)p * (size_t)q));
  for (PetscInt j = 0; j < q; j++)
    for (PetscInt i = 0; i < p; i++) V[j * p + i] = rows ? old[j * p + order[i]] : old[order[j] * p + i];
  PetscCall(PetscFree(order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moments and step of a weight matrix at step `count`. */
static PetscErrorCode step_matrix(const Layers *layers, const LayerMatrix *layer, double count)
{
  const size_t n = (size_t)layer->p * (size_t)layer->q;
  const double correct1 = 1.0 / (1.0 - pow(layers->beta1, count)), correct2 = 1.0 / (1.0 - pow(layers->beta2, count));
  const double *G = layers->gradient + layer->offset;
  double *M = layer->m, *V = layer->v, *step = layers->step + layer->offset;
  double *rotated = layers->work[1];
  PetscFunctionBegin;
  for (size_t k = 0; k < n; k++) M[k] = layers->beta1 * M[k] + (1.0 - layers->beta1) * G[k];
  PetscCall(LayersBothSides(layers, layer, true, layer->left_basis, G, layer->right_basis, rotated));
  for (size_t k = 0; k < n; k++) V[k] = layers->beta2 * V[k] + (1.0 - layers->beta2) * rotated[k] * rotated[k];
  PetscCall(LayersBothSides(layers, layer, true, layer->left_basis, M, layer->right_basis, rotated));
  for (size_t k = 0; k < n; k++) rotated[k] *= correct1 / (sqrt(correct2 * V[k]) + layers->epsilon);
  PetscCall(LayersBothSides(layers, layer, false, layer->left_basis, rotated, layer->right_basis, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerStep_SOAP(Optimizer optimizer, double rate, Vec theta)
{
  const Layers *layers = optimizer->data;
  const double count = optimizer->iteration;
  const bool refresh = count > 0.0 && fmod(count, (double)layers->refresh) == 0.0;
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&optimizer->full, layers->first.gradient, layers->gradient));
  for (int k = 0; k < layers->n_layer; k++) {
    const LayerMatrix *layer = &layers->layers[k];
    if (layer->owner != layers->rank) continue;
    if (!layer->q && count > 0.0) LayersAdam(layers, layer, count, layers->epsilon);
    if (!layer->q) continue;
    if (count > 0.0) PetscCall(step_matrix(layers, layer, count));
    PetscCall(LayersAverage(layers, layer));
    if (count == 0.0) {
      PetscCall(first_basis(layers, layer->p, layer->left, layer->left_basis));
      PetscCall(first_basis(layers, layer->q, layer->right, layer->right_basis));
    } else if (refresh) {
      PetscCall(turn_basis(layers, layer, true));
      PetscCall(turn_basis(layers, layer, false));
    }
  }
  PetscCall(LayersMove(layers, count > 0.0 ? rate : 0.0, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_SOAP = {"rate", LayersSetUp, OptimizerSolve_FirstOrder, LayersDestroy,
                                        OptimizerStep_SOAP};
