#include "layers.h"
#include <math.h>
#include <petscblaslapack.h>

static PetscErrorCode create_layer(Optimizer optimizer, const ParameterBlock *block, int k, LayerMatrix *layer)
{
  static const char *const format[4] = {"left%d", "right%d", "left_basis%d", "right_basis%d"};
  double **arrays[4] = {&layer->left, &layer->right, &layer->left_basis, &layer->right_basis};
  PetscFunctionBegin;
  layer->offset = block->offset;
  PetscCall(PetscBLASIntCast(block->columns ? block->columns : block->rows, &layer->p));
  PetscCall(PetscBLASIntCast(block->columns ? block->rows : 0, &layer->q));
  for (int i = 0; i < 4 && layer->q; i++) {
    const size_t n = (size_t)(i % 2 ? layer->q : layer->p);
    PetscCall(PetscCalloc1(n * n, arrays[i]));
    PetscCall(PetscSNPrintf(layer->names[i], sizeof(layer->names[i]), format[i], k));
    PetscCall(OptimizerAddValues(optimizer, layer->names[i], n * n, *arrays[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_layers(Optimizer optimizer, Layers *layers)
{
  const Rows rows = optimizer->rows;
  const ParameterBlock whole = {0, (PetscInt)rows->n_param, 0};
  const ParameterBlock *blocks = rows->n_parameter_block ? rows->parameter_blocks : &whole;
  const int n_layer = rows->n_parameter_block ? (int)rows->n_parameter_block : 1;
  size_t most = 0, end = 0;
  PetscFunctionBegin;
  layers->n_layer = n_layer;
  PetscCall(PetscCalloc1(n_layer, &layers->layers));
  for (int k = 0; k < n_layer; k++) {
    const size_t p = (size_t)blocks[k].rows, q = (size_t)PetscMax(1, blocks[k].columns), side = PetscMax(p, q);
    PetscCheck(blocks[k].offset == end, rows->comm, PETSC_ERR_PLIB, "parameter block %d begins at %zu, not at %zu", k,
               blocks[k].offset, end);
    end += p * q;
    if (blocks[k].columns) most = PetscMax(most, side * side);
    PetscCall(create_layer(optimizer, &blocks[k], k, &layers->layers[k]));
  }
  PetscCheck(end == rows->n_param, rows->comm, PETSC_ERR_PLIB, "parameter blocks cover %zu of %zu parameters", end,
             rows->n_param);
  PetscCall(PetscMalloc3(most, &layers->work[0], most, &layers->work[1], most, &layers->work[2]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersSetUp(Optimizer optimizer, Config config)
{
  Layers *layers;
  const size_t n = optimizer->rows->n_param;
  PetscFunctionBegin;
  PetscCall(PetscNew(&layers));
  optimizer->data = layers;
  PetscCall(FirstOrderCreate(optimizer, config, &layers->first));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta1"), &layers->beta1));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "beta2"), &layers->beta2));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "epsilon"), &layers->epsilon));
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "refresh"), &layers->refresh));
  PetscCall(PetscCalloc4(n, &layers->gradient, n, &layers->m, n, &layers->v, n, &layers->step));
  PetscCall(OptimizerAddValues(optimizer, "m", n, layers->m));
  PetscCall(OptimizerAddValues(optimizer, "v", n, layers->v));
  PetscCall(create_layers(optimizer, layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayersDestroy(Optimizer optimizer)
{
  Layers *layers = optimizer->data;
  PetscFunctionBegin;
  PetscCall(FirstOrderDestroy(&layers->first));
  for (int k = 0; k < layers->n_layer; k++) {
    LayerMatrix *layer = &layers->layers[k];
    PetscCall(PetscFree(layer->left));
    PetscCall(PetscFree(layer->right));
    PetscCall(PetscFree(layer->left_basis));
    PetscCall(PetscFree(layer->right_basis));
  }
  PetscCall(PetscFree(layers->layers));
  PetscCall(PetscFree4(layers->gradient, layers->m, layers->v, layers->step));
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

void LayersAdam(const Layers *layers, double count, double epsilon, size_t n, const double g[], double m[], double v[],
                double step[])
{
  const double beta1 = layers->beta1, beta2 = layers->beta2;
  const double correct1 = 1.0 / (1.0 - pow(beta1, count)), correct2 = 1.0 / (1.0 - pow(beta2, count));
  for (size_t k = 0; k < n; k++) {
    m[k] = beta1 * m[k] + (1.0 - beta1) * g[k];
    v[k] = beta2 * v[k] + (1.0 - beta2) * g[k] * g[k];
    step[k] = correct1 * m[k] / (sqrt(correct2 * v[k]) + epsilon);
  }
}

PetscErrorCode LayersMove(const Layers *layers, double rate, Vec theta)
{
  PetscInt first, last;
  double *x;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, layers->first.last));
  PetscCall(VecGetOwnershipRange(theta, &first, &last));
  PetscCall(VecGetArray(theta, &x));
  for (PetscInt k = first; k < last; k++) x[k - first] -= rate * layers->step[k];
  PetscCall(VecRestoreArray(theta, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
