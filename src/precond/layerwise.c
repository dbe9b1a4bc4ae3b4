/* The exact inverse of J^T J + lambda without the blocks between layers. A layer's block is inverted in the space of
   its parameters, or where rows are fewer in that of the rows (Woodbury),

     (J_l^T J_l + lambda)^{-1} = (1 - J_l^T (J_l J_l^T + lambda)^{-1} J_l) / lambda,

   by one Cholesky factor. Layers are shared out to ranks. */
#include <math.h>
#include <petscsys.h>
#include <petscblaslapack.h>
#include "factors.h"
#include "layer_products.h"
#include "precond_impl.h"

/* Of the largest diagonal entry: the least damping, so that rounding leaves an inverse. In row space the difference
   above is divided by it. */
#define LEAST_WIDE 1e-13
#define LEAST_TALL 1e-15

typedef struct {
  RowsLayer shape;
  bool wide;         /* in row space */
  PetscMPIInt owner; /* has what follows */
  PetscBLASInt k;
  double *matrix;   /* [k][k] column-major: below the diagonal the matrix, on and above it the factor */
  double *diagonal; /* [k] of the matrix */
  double *values;   /* [k] right-hand side and solution */
  double lambda;    /* as used; on all ranks */
} LayerBlock;

typedef struct {
  int n_layer;
  LayerBlock *layers;
  PetscMPIInt rank, size, *counts, *starts; /* rows of all ranks */
  bool any_wide, any_tall;
  double *x, *y, *tall; /* [n_param] */
  double *rows;         /* [n_layer][n_row] */
} Layerwise;

static PetscErrorCode PrecondCreate_Layerwise(Precond p)
{
  Layerwise *w;
  PetscFunctionBegin;
  PetscCall(PetscNew(&w));
  p->data = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode clear(Layerwise *w)
{
  PetscFunctionBegin;
  for (int l = 0; l < w->n_layer; l++)
    PetscCall(PetscFree3(w->layers[l].matrix, w->layers[l].diagonal, w->layers[l].values));
  PetscCall(PetscFree(w->layers));
  PetscCall(PetscFree2(w->counts, w->starts));
  PetscCall(PetscFree4(w->x, w->y, w->tall, w->rows));
  *w = (Layerwise){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDestroy_Layerwise(Precond p)
{
  PetscFunctionBegin;
  PetscCall(clear(p->data));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers' forms and owners. */
static PetscErrorCode lay_out(Layerwise *w, Rows rows)
{
  PetscMPIInt *owner;
  double *cost;
  PetscFunctionBegin;
  w->n_layer = RowsLayers(rows);
  PetscCall(PetscCalloc1(w->n_layer, &w->layers));
  PetscCall(PetscMalloc2(w->n_layer, &cost, w->n_layer, &owner));
  for (int l = 0; l < w->n_layer; l++) {
    LayerBlock *layer = &w->layers[l];
    layer->shape = RowsLayerAt(rows, l);
    const PetscInt n = layer->shape.n_in * layer->shape.n_out;
    layer->wide = n > rows->n_row_global;
    PetscCall(PetscBLASIntCast(layer->wide ? rows->n_row_global : n, &layer->k));
    cost[l] = (double)layer->k * layer->k * layer->k;
    w->any_wide = w->any_wide || layer->wide;
    w->any_tall = w->any_tall || !layer->wide;
  }
  PetscCall(RowsShareOut(w->size, w->n_layer, cost, owner));
  for (int l = 0; l < w->n_layer; l++) w->layers[l].owner = owner[l];
  PetscCall(PetscFree2(cost, owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode prepare(Precond p)
{
  Layerwise *w = p->data;
  const Rows rows = p->rows;
  PetscMPIInt n_row;
  PetscFunctionBegin;
  PetscCall(clear(w));
  PetscCallMPI(MPI_Comm_rank(rows->comm, &w->rank));
  PetscCallMPI(MPI_Comm_size(rows->comm, &w->size));
  PetscCall(PetscMPIIntCast(rows->n_row, &n_row));
  PetscCall(PetscMalloc2(w->size, &w->counts, w->size, &w->starts));
  PetscCallMPI(MPI_Allgather(&n_row, 1, MPI_INT, w->counts, 1, MPI_INT, rows->comm));
  for (PetscMPIInt rank = 0, start = 0; rank < w->size; start += w->counts[rank++]) w->starts[rank] = start;
  PetscCall(lay_out(w, rows));
  for (int l = 0; l < w->n_layer; l++) {
    LayerBlock *layer = &w->layers[l];
    const size_t k = w->rank == layer->owner ? (size_t)layer->k : 0;
    PetscCall(PetscMalloc3(k * k, &layer->matrix, k, &layer->diagonal, k, &layer->values));
  }
  PetscCall(PetscMalloc4(rows->n_param, &w->x, rows->n_param, &w->y, rows->n_param, &w->tall,
                         (size_t)w->n_layer * (size_t)rows->n_row, &w->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J_l J_l^T to its owner. */
static PetscErrorCode build_wide(Precond p, int l)
{
  Layerwise *w = p->data;
  LayerBlock *layer = &w->layers[l];
  const Rows rows = p->rows;
  const size_t all = (size_t)rows->n_row_global;
  MPI_Datatype row;
  double *K;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)rows->n_row * all, &K));
  PetscCall(RowsGramLayer(rows, p->theta, l, NULL, K, all));
  PetscCallMPI(MPI_Type_contiguous(layer->k, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(
      MPI_Gatherv(K, w->counts[w->rank], row, layer->matrix, w->counts, w->starts, row, layer->owner, rows->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree(K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J_l^T J_l to its owner. */
static PetscErrorCode build_tall(Precond p, int l)
{
  Layerwise *w = p->data;
  LayerBlock *layer = &w->layers[l];
  const Rows rows = p->rows;
  const size_t k = (size_t)layer->k, n_row = (size_t)rows->n_row;
  const double one = 1.0;
  double *J, *r, *N;
  PetscBLASInt m;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_row * k, &J, n_row, &r));
  PetscCall(PetscCalloc1(k * k, &N));
  PetscCall(rows->ops->jacobian(rows->self, p->theta, layer->shape.offset, k, r, J, k));
  PetscCall(PetscBLASIntCast(rows->n_row, &m));
  if (m) PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "N", &layer->k, &m, &one, J, &layer->k, &one, N, &layer->k));
  for (size_t j = 0; j < k; j++)
    PetscCallMPI(MPI_Reduce(N + j * k, w->rank == layer->owner ? layer->matrix + j * k : NULL, layer->k, MPI_DOUBLE,
                            MPI_SUM, layer->owner, rows->comm));
  PetscCall(PetscFree2(J, r));
  PetscCall(PetscFree(N));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At every point: J_l in the formula must be that of the factor. */
static PetscErrorCode PrecondUpdate_Layerwise(Precond p)
{
  Layerwise *w = p->data;
  bool over = false;
  PetscFunctionBegin;
  PetscCall(prepare(p));
  for (int l = 0; l < w->n_layer && !over; l++) {
    LayerBlock *layer = &w->layers[l];
    PetscCall(layer->wide ? build_wide(p, l) : build_tall(p, l));
    for (size_t i = 0, k = (size_t)layer->k; w->rank == layer->owner && i < k; i++)
      layer->diagonal[i] = layer->matrix[i * (k + 1)];
    PetscCall(PrecondIsOver(p, &over));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode factor(LayerBlock *layer, double lambda)
{
  const size_t k = (size_t)layer->k;
  double most = 0.0;
  bool factored = false;
  PetscFunctionBegin;
  for (size_t i = 0; i < k; i++) most = PetscMax(most, layer->diagonal[i]);
  PetscCheck(PetscIsNormalReal(most) || most == 0.0, PETSC_COMM_SELF, PETSC_ERR_FP, "J is not finite");
  layer->lambda = PetscMax(lambda, (layer->wide ? LEAST_WIDE : LEAST_TALL) * most);
  if (layer->lambda <= 0.0) layer->lambda = 1.0;
  for (int tries = 0; !factored && tries < 20; tries++) {
    if (tries) layer->lambda *= 10.0;
    for (size_t j = 0; j < k; j++) {
      for (size_t i = 0; i < j; i++) layer->matrix[j * k + i] = layer->matrix[i * k + j];
      layer->matrix[j * (k + 1)] = layer->diagonal[j] + layer->lambda;
    }
    factored = FactorsCholesky(k, layer->matrix);
  }
  PetscCheck(factored, PETSC_COMM_SELF, PETSC_ERR_LIB, "a layer's matrix has no Cholesky factor");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondDamp_Layerwise(Precond p)
{
  Layerwise *w = p->data;
  PetscFunctionBegin;
  for (int l = 0; l < w->n_layer; l++)
    if (w->layers[l].owner == w->rank) PetscCall(factor(&w->layers[l], p->lambda));
  for (int l = 0; l < w->n_layer; l++)
    PetscCallMPI(MPI_Bcast(&w->layers[l].lambda, 1, MPI_DOUBLE, w->layers[l].owner, p->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What each owner's systems give: w->rows of wide layers, w->tall of the others. */
static PetscErrorCode solve(Precond p)
{
  Layerwise *w = p->data;
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(w->tall, p->rows->n_param));
  for (int l = 0; l < w->n_layer; l++) {
    LayerBlock *layer = &w->layers[l];
    double *own = w->rows + (size_t)l * (size_t)p->rows->n_row;
    if (layer->wide)
      PetscCallMPI(MPI_Gatherv(own, w->counts[w->rank], MPI_DOUBLE, layer->values, w->counts, w->starts, MPI_DOUBLE,
                               layer->owner, p->rows->comm));
    else if (w->rank == layer->owner)
      PetscCall(PetscArraycpy(layer->values, w->x + layer->shape.offset, layer->k));
  }
  for (int l = 0; l < w->n_layer; l++) {
    LayerBlock *layer = &w->layers[l];
    if (w->rank != layer->owner) continue;
    FactorsSolve((size_t)layer->k, layer->matrix, layer->values);
    if (!layer->wide) PetscCall(PetscArraycpy(w->tall + layer->shape.offset, layer->values, layer->k));
  }
  for (int l = 0; l < w->n_layer; l++) {
    LayerBlock *layer = &w->layers[l];
    double *own = w->rows + (size_t)l * (size_t)p->rows->n_row;
    if (layer->wide)
      PetscCallMPI(MPI_Scatterv(layer->values, w->counts, w->starts, MPI_DOUBLE, own, w->counts[w->rank], MPI_DOUBLE,
                                layer->owner, p->rows->comm));
    else
      PetscCall(PetscArrayzero(own, p->rows->n_row));
  }
  if (w->any_tall)
    PetscCallMPI(
        MPI_Allreduce(MPI_IN_PLACE, w->tall, (PetscMPIInt)p->rows->n_param, MPI_DOUBLE, MPI_SUM, p->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondApply_Layerwise(Precond p, Vec x, Vec y)
{
  Layerwise *w = p->data;
  PetscFunctionBegin;
  PetscCall(FullVecCopy(&p->full, x, w->x));
  if (w->any_wide) PetscCall(LayerProductsApply(p->rows, p->theta, w->x, w->rows));
  PetscCall(solve(p));
  if (w->any_wide) PetscCall(LayerProductsTranspose(p->rows, p->theta, w->rows, w->y));
  for (int l = 0; l < w->n_layer; l++) {
    const LayerBlock *layer = &w->layers[l];
    const size_t first = layer->shape.offset, n = (size_t)(layer->shape.n_in * layer->shape.n_out);
    for (size_t k = first; k < first + n; k++) w->y[k] = layer->wide ? (w->x[k] - w->y[k]) / layer->lambda : w->tall[k];
  }
  PetscCall(FullVecPut(w->y, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrecondView_Layerwise(Precond p, PetscViewer viewer)
{
  const Layerwise *w = p->data;
  PetscFunctionBegin;
  for (int l = 0; l < w->n_layer; l++) {
    const LayerBlock *layer = &w->layers[l];
    PetscCall(PetscViewerASCIIPrintf(viewer, "  layer %d: order %d by its %s, damping %g, rank %d\n", l + 1,
                                     (int)layer->k, layer->wide ? "rows" : "parameters", layer->lambda,
                                     (int)layer->owner));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The factors of its layers, and what the largest one takes while it is built. */
static PetscErrorCode count(Rows rows, double *sum)
{
  const double m = (double)rows->n_row;
  double building = 0.0;
  Layerwise w = {0};
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &w.rank));
  PetscCallMPI(MPI_Comm_size(rows->comm, &w.size));
  PetscCall(lay_out(&w, rows));
  *sum = 3.0 * (double)rows->n_param + (double)w.n_layer * m;
  for (int l = 0; l < w.n_layer; l++) {
    const double k = (double)w.layers[l].k;
    if (w.layers[l].owner == w.rank) *sum += k * (k + 2.0);
    building = PetscMax(building, w.layers[l].wide ? m * k : k * (m + k));
  }
  *sum += building;
  PetscCall(PetscFree(w.layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Half of the products of all rows with one another, or of all columns, and of the Cholesky factors: there are faster
   ways to the former, and both run at a higher rate than products with vectors. */
static double least(Rows rows, double product)
{
  const double m = (double)rows->n_row_global;
  double sum = 0.0;
  (void)product;
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    const double n = (double)layer.n_in * (double)layer.n_out, k = fmin(n, m);
    sum += 0.5 * (m * n * k + k * k * k / 3.0);
  }
  return sum;
}

static double numbers(Rows rows, PetscInt rank)
{
  double sum = 0.0;
  (void)rank;
  return count(rows, &sum) ? 0.0 : sum;
}

const PrecondOps PrecondOps_Layerwise = {.create = PrecondCreate_Layerwise,
                                         .destroy = PrecondDestroy_Layerwise,
                                         .update = PrecondUpdate_Layerwise,
                                         .damp = PrecondDamp_Layerwise,
                                         .apply = PrecondApply_Layerwise,
                                         .view = PrecondView_Layerwise,
                                         .least = least,
                                         .numbers = numbers};
