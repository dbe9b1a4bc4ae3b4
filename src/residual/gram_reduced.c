/* The part of J J^T that comes from inputs of a layer which are the same at all points: between the rows of one block,
   K += G Q^T + Q G^T (network/store_reduced.c). */
#include <omp.h>
#include "linearization.h"
#include "products.h"

#define CHUNK_COLUMNS 4096 /* of G and Q, about, that are formed at once */

/* The rows of one side, and what they have projected on the constants. */
typedef struct {
  NetworkStore store;
  size_t rows, points, work; /* work: doubles of a panel's projections */
  double *y, *G, *Q;
} Reduced;

static int points_of(NetworkStore store)
{
  int begin, n;
  NetworkStorePanel(store, NetworkStorePanels(store) - 1, &begin, &n);
  return begin + n;
}

static PetscErrorCode reduced_create(Residual residual, NetworkStore store, int n_term, int layer, size_t width,
                                     Reduced *r)
{
  const int n_panel = NetworkStorePanels(store);
  PetscFunctionBegin;
  *r = (Reduced){.store = store, .points = n_panel ? (size_t)points_of(store) : 0, .work = NetworkStoreWork(store)};
  r->rows = r->points * (size_t)n_term;
  PetscCall(PetscMalloc3((size_t)n_panel * r->work, &r->y, r->rows * width, &r->G, r->rows * width, &r->Q));
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < n_panel; k++) NetworkStoreProject(store, k, layer, r->y + (size_t)k * r->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode reduced_destroy(Reduced *r)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(r->y, r->G, r->Q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form(Residual residual, const Reduced *r, int layer, int begin, int count, const double M[])
{
  const size_t width = (size_t)count * (size_t)NetworkStoreConstants(r->store, layer);
#pragma omp parallel for schedule(static, 1) num_threads(residual->n_thread)
  for (int k = 0; k < NetworkStorePanels(r->store); k++) {
    int first, n;
    NetworkStorePanel(r->store, k, &first, &n);
    NetworkStoreReducedRows(r->store, k, layer, begin, count, M, r->y + (size_t)k * r->work,
                            r->G + (size_t)first * width, r->Q + (size_t)first * width, r->points);
  }
}

PetscErrorCode GramAddReduced(Residual residual, NetworkStore a, NetworkStore b, int n_term, int layer, double K[],
                              size_t ld)
{
  const size_t k = (size_t)NetworkStoreConstants(a, layer);
  const int n_out = NetworkLayerOutputs(residual->network, layer);
  const int most = PetscMin(n_out, PetscMax(1, CHUNK_COLUMNS / (int)k));
  Reduced A, B;
  double *M;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(k * k * NetworkStoreConstantSets(a, layer), &M));
  NetworkStoreConstantProducts(a, layer, M);
  PetscCall(reduced_create(residual, a, n_term, layer, (size_t)most * k, &A));
  B = A;
  if (a != b) PetscCall(reduced_create(residual, b, n_term, layer, (size_t)most * k, &B));
  for (int begin = 0; begin < n_out; begin += most) {
    const int count = PetscMin(most, n_out - begin);
    const size_t width = (size_t)count * k;
    form(residual, &A, layer, begin, count, M);
    if (a != b) form(residual, &B, layer, begin, count, M);
    PetscCall(ProductsAddGram(A.rows, B.rows, width, A.G, B.Q, K, ld));
    PetscCall(ProductsAddGram(A.rows, B.rows, width, A.Q, B.G, K, ld));
  }
  if (a != b) PetscCall(reduced_destroy(&B));
  PetscCall(reduced_destroy(&A));
  PetscCall(PetscFree(M));
  PetscFunctionReturn(PETSC_SUCCESS);
}
