/* Shampoo (Gupta, Koren and Singer 2018) with moving averages and Adam's step lengths (grafting: Anil, Gupta, Koren,
   Regan and Singer 2020; Shi et al. 2023): with L and R the averages of G G^T and G^T G and M that of G,

     N = L^{-1/4} M R^{-1/4},   W <- W - rate N |A| / |N|,   A Adam's step for this layer

   all averages bias-corrected. The roots are taken of L + epsilon |L| and R + epsilon |R| (2-norms), every `refresh`
   steps and at the first. Biases take Adam's steps. */
#include <math.h>
#include "lapack.h"
#include "layers.h"
#include <petscblaslapack.h>

#define ADAM_EPSILON 1e-8

/* root [n][n] = (A + epsilon |A| I)^{-1/4}; the identity where A = 0. */
static PetscErrorCode inverse_root(const Layers *layers, PetscBLASInt n, const double A[], double root[])
{
  double *U = layers->work[0], *scaled = layers->work[1], *w = layers->work[2];
  const double one = 1.0, zero = 0.0;
  const size_t order = (size_t)n;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(U, A, order * order));
  PetscCall(LapackEigen(n, U, w));
  const double top = w[n - 1];
  for (size_t j = 0; j < order; j++) {
    const double factor = top > 0.0 ? pow(fmax(w[j], 0.0) + layers->epsilon * top, -0.25) : 1.0;
    for (size_t i = 0; i < order; i++) scaled[j * order + i] = factor * U[j * order + i];
  }
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &n, &n, &n, &one, scaled, &n, U, &n, &zero, root, &n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double norm(size_t n, const double x[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += x[k] * x[k];
  return sqrt(sum);
}

/* Turns Adam's step of a weight matrix into Shampoo's. Constant factors, so those of bias corrections, cancel. */
static PetscErrorCode step_matrix(const Layers *layers, const LayerMatrix *layer)
{
  const size_t n = (size_t)layer->p * (size_t)layer->q;
  double *step = layers->step + layer->offset;
  const double length = norm(n, step);
  PetscFunctionBegin;
  PetscCall(LayersBothSides(layers, layer, false, layer->left_basis, layer->m, layer->right_basis, step));
  const double own = norm(n, step);
  for (size_t k = 0; k < n && own > 0.0; k++) step[k] *= length / own;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerStep_Shampoo(Optimizer optimizer, double rate, Vec theta)
{
  const Layers *layers = optimizer->data;
  const bool refresh = fmod(optimizer->iteration, (double)layers->refresh) == 0.0;
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&optimizer->full, layers->first.gradient, layers->gradient));
  for (int k = 0; k < layers->n_layer; k++) {
    const LayerMatrix *layer = &layers->layers[k];
    if (layer->owner != layers->rank) continue;
    LayersAdam(layers, layer, optimizer->iteration + 1.0, ADAM_EPSILON);
    if (!layer->q) continue;
    PetscCall(LayersAverage(layers, layer));
    if (refresh) PetscCall(inverse_root(layers, layer->p, layer->left, layer->left_basis));
    if (refresh) PetscCall(inverse_root(layers, layer->q, layer->right, layer->right_basis));
    PetscCall(step_matrix(layers, layer));
  }
  PetscCall(LayersMove(layers, rate, theta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Shampoo = {"rate", LayersSetUp, OptimizerSolve_FirstOrder, LayersDestroy,
                                           OptimizerStep_Shampoo};
