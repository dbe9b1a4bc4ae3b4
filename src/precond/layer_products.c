#include "layer_products.h"
#include "pinn/kernel.h"

/* Panels are those of the unscaled rows: a vector is scaled for less than they are. */
typedef struct {
  size_t n_row, n_param;
  const size_t *offset; /* [n_layer] of V in arrays like theta */
  const double *V;      /* [n_param] each layer's V, one after the other */
  const double *w;      /* [n_layer][n_row] */
  double *Jv;           /* [n_layer][n_row] */
  double *sums;         /* [n_thread][n_param] like V */
} Products;

static void apply_panel(void *context, int thread, const RowsPanel *panel)
{
  const Products *products = context;
  const size_t n = (size_t)panel->n, C = (size_t)panel->n_column, n_in = (size_t)panel->n_in;
  const size_t n_out = (size_t)panel->n_out;
  double *Jv = products->Jv + (size_t)panel->layer * products->n_row + (size_t)panel->row;
  (void)thread;
  KernelCPU.gemm('N', 'T', C * n, n_out, n_in, 1.0, panel->z, n_in, products->V + products->offset[panel->layer], n_in,
                 0.0, panel->work, n_out);
  for (size_t i = 0; i < n; i++) Jv[i] = 0.0;
  KernelCPU.dot_points(C, n, n_out, panel->work, panel->g, Jv);
}

static void transpose_panel(void *context, int thread, const RowsPanel *panel)
{
  const Products *products = context;
  const size_t n = (size_t)panel->n, C = (size_t)panel->n_column, n_in = (size_t)panel->n_in;
  const size_t n_out = (size_t)panel->n_out;
  double *sums = products->sums + (size_t)thread * products->n_param + products->offset[panel->layer];
  KernelCPU.scale_points(C, n, n_out, products->w + (size_t)panel->layer * products->n_row + (size_t)panel->row,
                         panel->g, panel->work, 0);
  KernelCPU.gemm('T', 'N', n_out, n_in, C * n, 1.0, panel->work, n_out, panel->z, n_in, 1.0, sums, n_in);
}

static PetscErrorCode offsets(Rows rows, size_t **offset)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(RowsLayers(rows), offset));
  for (int l = 0; l < RowsLayers(rows); l++) (*offset)[l] = RowsLayerAt(rows, l).offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayerProductsApply(Rows rows, Vec theta, const double v[], double Jv[])
{
  const Rows inner = rows->unscaled ? rows->unscaled : rows;
  Products products = {.n_row = (size_t)rows->n_row, .n_param = rows->n_param, .Jv = Jv};
  size_t *offset;
  double *V, *scaled;
  PetscFunctionBegin;
  PetscCall(offsets(rows, &offset));
  PetscCall(PetscMalloc2(rows->n_param, &V, rows->n_param, &scaled));
  for (size_t k = 0; k < rows->n_param; k++) scaled[k] = rows->unscaled ? rows->scaling[k] * v[k] : v[k];
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    RowsLayerGet(&layer, scaled, V + offset[l]);
  }
  products.V = V;
  products.offset = offset;
  PetscCall(RowsVisit(inner, theta, -1, apply_panel, &products));
  PetscCall(PetscFree2(V, scaled));
  PetscCall(PetscFree(offset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LayerProductsTranspose(Rows rows, Vec theta, const double w[], double y[])
{
  const size_t n = rows->n_param, n_thread = (size_t)RowsThreads(rows);
  const Rows inner = rows->unscaled ? rows->unscaled : rows;
  Products products = {.n_row = (size_t)rows->n_row, .n_param = n, .w = w};
  size_t *offset;
  PetscFunctionBegin;
  PetscCall(offsets(rows, &offset));
  PetscCall(PetscCalloc1(n_thread * n, &products.sums));
  products.offset = offset;
  PetscCall(RowsVisit(inner, theta, -1, transpose_panel, &products));
  for (size_t t = 1; t < n_thread; t++)
    for (size_t k = 0; k < n; k++) products.sums[k] += products.sums[t * n + k];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, products.sums, (PetscMPIInt)n, MPI_DOUBLE, MPI_SUM, rows->comm));
  for (int l = 0; l < RowsLayers(rows); l++) {
    const RowsLayer layer = RowsLayerAt(rows, l);
    RowsLayerSet(&layer, products.sums + offset[l], y);
  }
  for (size_t k = 0; k < n && rows->unscaled; k++) y[k] *= rows->scaling[k];
  PetscCall(PetscFree(products.sums));
  PetscCall(PetscFree(offset));
  PetscFunctionReturn(PETSC_SUCCESS);
}
