#include "layers.h"
#include <math.h>
#include <petscblaslapack.h>

static double square(double x)
{
  return x * x;
}

/* Numbers that a layer's owner keeps. */
static double numbers(const LayerMatrix *layer)
{
  const double p = layer->p, q = layer->q;
  return q > 0.0 ? 2.0 * (p * q + square(p) + square(q)) : 2.0 * p;
}

/* The state of a layer, on its owner. */
static PetscErrorCode create_layer(Optimizer optimizer, int k, LayerMatrix *layer)
{
  static const char *const format[6] = {"m%d", "v%d", "left%d", "right%d", "left_basis%d", "right_basis%d"};
  double **arrays[6] = {&layer->m, &layer->v, &layer->left, &layer->right, &layer->left_basis, &layer->right_basis};
  const size_t p = (size_t)layer->p, q = (size_t)layer->q, moments = p * PetscMax(1, q);
  const size_t size[6] = {moments, moments, p * p, q * q, p * p, q * q};
  const Layers *layers = optimizer->data;
  PetscFunctionBegin;
  for (int i = 0; i < (q ? 6 : 2); i++) {
    if (layer->owner == layers->rank) PetscCall(PetscCalloc1(size[i], arrays[i]));
    PetscCall(PetscSNPrintf(layer->names[i], sizeof(layer->names[i]), format[i], k));
    PetscCall(OptimizerAddOwned(optimizer, layer->names[i], layer->owner, size[i], *arrays[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers' forms; *end: where they end in theta. */
static PetscErrorCode lay_out(Rows rows, Layers *layers, size_t *end)
{
  const ParameterBlock whole = {0, (PetscInt)rows->n_param, 0};
  const ParameterBlock *blocks = rows->n_parameter_block ? rows->parameter_blocks : &whole;
  PetscFunctionBegin;
  *end = 0;
  layers->n_layer = rows->n_parameter_block ? (int)rows->n_parameter_block : 1;
  PetscCall(PetscCalloc1(layers->n_layer, &layers->layers));
  for (int k = 0; k < layers->n_layer; k++) {
    const ParameterBlock *block = &blocks[k];
    LayerMatrix *layer = &layers->layers[k];
    PetscCheck(block->offset == *end, rows->comm, PETSC_ERR_PLIB, "parameter block %d begins at %zu, not at %zu", k,
               block->offset, *end);
    layer->offset = block->offset;
    PetscCall(PetscBLASIntCast(block->columns ? block->columns : block->rows, &layer->p));
    PetscCall(PetscBLASIntCast(block->columns ? block->rows : 0, &layer->q));
    *end += (size_t)layer->p * (size_t)PetscMax(1, layer->q);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By what a step takes, and every `refresh` steps a basis. */
static PetscErrorCode share_out(Rows rows, Layers *layers)
{
  const int n = layers->n_layer;
  PetscMPIInt size, *owner;
  double *cost;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &layers->rank));
  PetscCallMPI(MPI_Comm_size(rows->comm, &size));
  PetscCall(PetscMalloc2(n, &cost, n, &owner));
  for (int k = 0; k < n; k++) {
    const double p = layers->layers[k].p, q = layers->layers[k].q;
    cost[k] = p + 8.0 * p * q * (p + q) + (q > 0.0 ? 20.0 * (p * square(p) + q * square(q)) / layers->refresh : 0.0);
  }
  PetscCall(RowsShareOut(size, n, cost, owner));
  for (int k = 0; k < n; k++) layers->layers[k].owner = owner[k];
  PetscCall(PetscFree2(cost, owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_layers(Optimizer optimizer, Config config, Layers *layers)
{
  const Rows rows = optimizer->rows;
  double most = 0.0, kept = 0.0;
  size_t end;
  PetscFunctionBegin;
  PetscCall(lay_out(rows, layers, &end));
  PetscCheck(end == rows->n_param, rows->comm, PETSC_ERR_PLIB, "parameter blocks cover %zu of %zu parameters", end,
             rows->n_param);
  PetscCall(share_out(rows, layers));
  for (int k = 0; k < layers->n_layer; k++) {
    const LayerMatrix *layer = &layers->layers[k];
    if (layer->owner != layers->rank) continue;
    kept += numbers(layer);
    if (layer->q) most = PetscMax(most, square(PetscMax(layer->p, layer->q)));
  }
  PetscCall(OptimizerCheckMemory(optimizer, config, sizeof(double) * (kept + 3.0 * most + 2.0 * (double)rows->n_param),
                                 "narrower layers, adam or lbfgs"));
  PetscCall(
      PetscMalloc3((size_t)most, &layers->work[0], (size_t)most, &layers->work[1], (size_t)most, &layers->work[2]));
  for (int k = 0; k < layers->n_layer; k++) PetscCall(create_layer(optimizer, k, &layers->layers[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where theta lies, and this rank's share of a step. */
static PetscErrorCode create_step(Optimizer optimizer, Layers *layers)
{
  const size_t n = optimizer->rows->n_param;
  const PetscInt *ranges;
  PetscMPIInt size;
  PetscInt n_own;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(optimizer->rows->comm, &size));
  PetscCall(VecGetLocalSize(layers->first.gradient, &n_own));
  PetscCall(PetscCalloc4(n, &layers->gradient, n, &layers->step, n_own, &layers->own, size, &layers->counts));
  PetscCall(VecGetOwnershipRanges(layers->first.gradient, &ranges));
  for (PetscMPIInt k = 0; k < size; k++) PetscCall(PetscMPIIntCast(ranges[k + 1] - ranges[k], &layers->counts[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersSetUp(Optimizer optimizer, Config config)
{
  Layers *layers;
  PetscFunctionBegin;
  PetscCall(PetscNew(&layers));
  optimizer->data = layers;
  PetscCall(FirstOrderCreate(optimizer, config, &layers->first));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &layers->beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &layers->beta2));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "epsilon"), &layers->epsilon));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "refresh"), &layers->refresh));
  PetscCall(create_layers(optimizer, config, layers));
  PetscCall(create_step(optimizer, layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersDestroy(Optimizer optimizer)
{
  Layers *layers = optimizer->data;
  PetscFunctionBegin;
  PetscCall(FirstOrderDestroy(&layers->first));
  for (int k = 0; k < layers->n_layer; k++) {
    LayerMatrix *layer = &layers->layers[k];
    PetscCall(PetscFree(layer->m));
    PetscCall(PetscFree(layer->v));
    PetscCall(PetscFree(layer->left));
    PetscCall(PetscFree(layer->right));
    PetscCall(PetscFree(layer->left_basis));
    PetscCall(PetscFree(layer->right_basis));
  }
  PetscCall(PetscFree(layers->layers));
  PetscCall(PetscFree4(layers->gradient, layers->step, layers->own, layers->counts));
  PetscCall(PetscFree3(layers->work[0], layers->work[1], layers->work[2]));
  PetscCall(PetscFree(layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersAverage(const Layers *layers, const LayerMatrix *layer)
{
  const double *G = layers->gradient + layer->offset, keep = layers->beta2, share = 1.0 - layers->beta2;
  PetscFunctionBegin;
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &layer->p, &layer->p, &layer->q, &share, G, &layer->p, G, &layer->p,
                                      &keep, layer->left, &layer->p));
  PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &layer->q, &layer->q, &layer->p, &share, G, &layer->p, G, &layer->p,
                                      &keep, layer->right, &layer->q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersBothSides(const Layers *layers, const LayerMatrix *layer, bool inward, const double A[],
                               const double X[], const double B[], double out[])
{
  const double one = 1.0, zero = 0.0;
  const PetscBLASInt p = layer->p, q = layer->q;
  double *AX = layers->work[0];
  PetscFunctionBegin;
  PetscCallBLAS("BLASgemm", BLASgemm_(inward ? "T" : "N", "N", &p, &q, &p, &one, A, &p, X, &p, &zero, AX, &p));
  PetscCallBLAS("BLASgemm", BLASgemm_("N", inward ? "N" : "T", &p, &q, &q, &one, AX, &p, B, &q, &zero, out, &p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void LayersAdam(const Layers *layers, const LayerMatrix *layer, double count, double epsilon)
{
  const double beta1 = layers->beta1, beta2 = layers->beta2, *g = layers->gradient + layer->offset;
  const double correct1 = 1.0 / (1.0 - pow(beta1, count)), correct2 = 1.0 / (1.0 - pow(beta2, count));
  const size_t n = (size_t)layer->p * (size_t)PetscMax(1, layer->q);
  double *m = layer->m, *v = layer->v, *step = layers->step + layer->offset;
  for (size_t k = 0; k < n; k++) {
    m[k] = beta1 * m[k] + (1.0 - beta1) * g[k];
    v[k] = beta2 * v[k] + (1.0 - beta2) * g[k] * g[k];
    step[k] = correct1 * m[k] / (sqrt(correct2 * v[k]) + epsilon);
  }
}

PetscErrorCode LayersMove(const Layers *layers, double rate, Vec theta)
{
  double *x;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Reduce_scatter(layers->step, layers->own, layers->counts, MPI_DOUBLE, MPI_SUM,
                                  PetscObjectComm((PetscObject)theta)));
  PetscCall(VecCopy(theta, layers->first.last));
  PetscCall(VecGetArray(theta, &x));
  for (PetscMPIInt k = 0; k < layers->counts[layers->rank]; k++) x[k] -= rate * layers->own[k];
  PetscCall(VecRestoreArray(theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
