/* J J^T from stored sweeps, layer by layer. Between two blocks, a layer's part is taken in whichever way has fewer
   flops: products of two Gram matrices (of C columns each, for e and f terms, per pair of points)

       2 C_a C_b (n_in + e f n_out) + e f C_a C_b PAIR_COST,

   or rows of J, 2 e f (n_in + 1) n_out, or, between the rows of one block and where inputs are constants, rows in the
   coordinates of these (gram_reduced.c). Layers that read the coordinates share products of points, where they can and
   all are wanted (NetworkStoreGramTogether). Columns of J with a scaling of their own leave only rows of J. Ranks
   compute the lower triangle of their own rows and go round half the ring: rank k takes the pairs with rows of ranks k
   - 1, k - 2 ... and hands on their transposes. Where the ring is even, the ranks opposite each other share the layers.
   */
#include <math.h>
#include <omp.h>
#include "linearization.h"
#include "products.h"

#define CHUNK_COLUMNS 4096 /* of J, about, that are formed at once */

/* The stored rows of one rank. */
typedef struct {
  int n_block, n_panel;
  NetworkStore *stores; /* [n_block] */
  size_t *row;          /* [n_block + 1] */
  TileRange *panels;    /* block and, as `begin`, number of a panel */
} Side;

typedef struct {
  Residual residual;
  const double *scaling;
  int layer;    /* -1 = all */
  bool divided; /* some of the layers are another rank's */
  double *K;    /* corner of what is computed */
  size_t ld;
} Gram;

static PetscErrorCode side_create(int n_block, NetworkStore stores[], const int n_point[], const RowBlock blocks[],
                                  Side *side)
{
  PetscFunctionBegin;
  *side = (Side){.n_block = n_block, .stores = stores};
  for (int b = 0; b < n_block; b++) side->n_panel += NetworkStorePanels(stores[b]);
  PetscCall(PetscCalloc1(n_block + 1, &side->row));
  PetscCall(PetscMalloc1(side->n_panel, &side->panels));
  for (int b = 0, k = 0; b < n_block; b++) {
    side->row[b + 1] = side->row[b] + (size_t)n_point[b] * (size_t)blocks[b].block->n_term;
    for (int panel = 0; panel < NetworkStorePanels(stores[b]); panel++) side->panels[k++] = (TileRange){b, panel, 0};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode side_destroy(Side *side)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(side->row));
  PetscCall(PetscFree(side->panels));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How a layer's part between two blocks is computed. */
typedef enum { BY_ROWS, BY_PAIRS, REDUCED, TOGETHER } Way;

/* Is a layer with constants among its inputs best done in their coordinates? */
static bool reduces(NetworkStore x, NetworkStore y, int layer)
{
  return NetworkStoreConstants(x, layer) > 0 &&
         NetworkStoreReducedFlops(x, y, layer) <
             fmin(NetworkStoreDenseFlops(x, y, layer), NetworkStoreGramFlops(x, y, layer));
}

/* Do two blocks' layers that read the coordinates go together? */
static bool together(const Gram *gram, const Side *A, int a, const Side *B, int b)
{
  const NetworkStore x = A->stores[a], y = B->stores[b];
  if (gram->scaling || gram->layer >= 0 || gram->divided || !NetworkStoreShares(x, y)) return false;
  return a == b && NetworkStoreConstants(x, 0) > 0 ? reduces(x, y, 0)
                                                   : !NetworkStoreConstants(x, 0) && !NetworkStoreConstants(y, 0);
}

static Way way_of(const Gram *gram, const Side *A, int a, const Side *B, int b, int layer)
{
  const NetworkStore x = A->stores[a], y = B->stores[b];
  if (NetworkLayerShares(gram->residual->network, layer) && together(gram, A, a, B, b))
    return NetworkStoreConstants(x, layer) > 0 ? REDUCED : TOGETHER;
  const double rows = NetworkStoreDenseFlops(x, y, layer), pairs = NetworkStoreGramFlops(x, y, layer);
  if (gram->scaling) return BY_ROWS;
  if (a == b && reduces(x, y, layer)) return REDUCED;
  return rows <= pairs ? BY_ROWS : BY_PAIRS;
}

static bool by_rows(const Gram *gram, const Side *A, int a, const Side *B, int b, int layer)
{
  return way_of(gram, A, a, B, b, layer) == BY_ROWS;
}

/* Is it a layer's turn, or with layer < 0 that of those that go together, between two blocks? */
static bool by_pairs(const Gram *gram, const Side *A, int a, const Side *B, int b, int layer)
{
  const bool shares = together(gram, A, a, B, b);
  if (layer < 0) return shares;
  return !by_rows(gram, A, a, B, b, layer) && !(shares && NetworkLayerShares(gram->residual->network, layer));
}

/* All pairs of panels of blocks that do without rows of J; lower: A is B. Every entry of K is one pair's. */
static PetscErrorCode add_pairs(const Gram *gram, const Side *A, const Side *B, int layer)
{
  const bool lower = A == B;
  const int n_thread = gram->residual->n_thread;
  size_t n_work = 0;
  double *work;
  PetscFunctionBegin;
  for (int a = 0; a < A->n_block; a++)
    for (int b = 0; b < B->n_block; b++)
      if (by_pairs(gram, A, a, B, b, layer))
        n_work = PetscMax(n_work, layer < 0 ? NetworkStoreTogetherWork(A->stores[a], B->stores[b])
                                            : NetworkStoreGramWork(A->stores[a], B->stores[b]));
  if (!n_work) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)n_thread * n_work, &work));
#pragma omp parallel for schedule(dynamic) collapse(2) num_threads(n_thread)
  for (int i = 0; i < A->n_panel; i++)
    for (int j = 0; j < B->n_panel; j++) {
      const TileRange *p = &A->panels[i], *q = &B->panels[j];
      if ((lower && j > i) || !by_pairs(gram, A, p->block, B, q->block, layer)) continue;
      const NetworkStore a = A->stores[p->block], b = B->stores[q->block];
      const bool triangle = lower && p->block == q->block;
      double *own = work + (size_t)omp_get_thread_num() * n_work;
      double *K = gram->K + A->row[p->block] * gram->ld + B->row[q->block];
      if (layer < 0)
        NetworkStoreGramTogether(a, p->begin, b, q->begin, triangle, own, K, gram->ld);
      else
        NetworkStoreGram(a, p->begin, b, q->begin, layer, way_of(gram, A, p->block, B, q->block, layer) == REDUCED,
                         triangle, own, K, gram->ld);
    }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form_rows(const Gram *gram, const Side *side, const bool wanted[], int layer, int begin, int count,
                      double J[], size_t ld)
{
#pragma omp parallel for schedule(static, 1) num_threads(gram->residual->n_thread)
  for (int k = 0; k < side->n_panel; k++) {
    const TileRange *range = &side->panels[k];
    const NetworkStore store = side->stores[range->block];
    const size_t rows = side->row[range->block + 1] - side->row[range->block];
    const size_t stride = rows / (size_t)gram->residual->blocks[range->block].block->n_term;
    int first, n;
    if (!wanted[range->block]) continue;
    NetworkStorePanel(store, range->begin, &first, &n);
    NetworkStoreLayerRows(store, range->begin, layer, begin, count, gram->scaling,
                          J + (side->row[range->block] + (size_t)first) * ld, stride, ld);
  }
}

/* The pairs of blocks that go by rows of J. */
static PetscErrorCode add_rows(const Gram *gram, const Side *A, const Side *B, int layer)
{
  const Network network = gram->residual->network;
  const bool lower = A == B;
  const int n_out = NetworkLayerOutputs(network, layer);
  const int most = PetscMax(1, CHUNK_COLUMNS / (int)NetworkLayerColumns(network, layer, 1));
  bool *wanted_a, *wanted_b, any = false;
  double *J_a, *J_b;
  PetscFunctionBegin;
  PetscCall(PetscCalloc2(A->n_block, &wanted_a, B->n_block, &wanted_b));
  for (int a = 0; a < A->n_block; a++)
    for (int b = 0; b < (lower ? a + 1 : B->n_block); b++)
      if (by_rows(gram, A, a, B, b, layer)) wanted_a[a] = wanted_b[b] = any = true;
  for (int a = 0; lower && a < A->n_block; a++) wanted_a[a] = wanted_a[a] || wanted_b[a];
  const size_t width = any ? NetworkLayerColumns(network, layer, PetscMin(most, n_out)) : 0;
  PetscCall(PetscMalloc1(A->row[A->n_block] * width, &J_a));
  J_b = J_a;
  if (!lower) PetscCall(PetscMalloc1(B->row[B->n_block] * width, &J_b));
  for (int begin = 0; any && begin < n_out; begin += most) {
    const int count = PetscMin(most, n_out - begin);
    const size_t ld = NetworkLayerColumns(network, layer, count);
    form_rows(gram, A, wanted_a, layer, begin, count, J_a, ld);
    if (!lower) form_rows(gram, B, wanted_b, layer, begin, count, J_b, ld);
    for (int a = 0; a < A->n_block; a++)
      for (int b = 0; b < (lower ? a + 1 : B->n_block); b++)
        if (by_rows(gram, A, a, B, b, layer))
          PetscCall(ProductsAddGram(A->row[a + 1] - A->row[a], B->row[b + 1] - B->row[b], ld, J_a + A->row[a] * ld,
                                    J_b + B->row[b] * ld, gram->K + A->row[a] * gram->ld + B->row[b], gram->ld));
  }
  if (!lower) PetscCall(PetscFree(J_b));
  PetscCall(PetscFree(J_a));
  PetscCall(PetscFree2(wanted_a, wanted_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* share: -1 all layers; 0 or 1: about half of the weights, the same layers on all ranks. */
static PetscErrorCode add_layers(Gram *gram, const Side *A, const Side *B, int share)
{
  double load[2] = {0.0, 0.0};
  int first, end;
  PetscFunctionBegin;
  gram->divided = share >= 0;
  PetscCall(add_pairs(gram, A, B, -1));
  NetworkTrainedLayers(gram->residual->network, &first, &end);
  for (int l = first; l < end; l++) {
    const int owner = load[0] > load[1];
    load[owner] +=
        (double)NetworkLayerColumns(gram->residual->network, l, NetworkLayerOutputs(gram->residual->network, l));
    if ((share >= 0 && share != owner) ||
        (gram->layer >= 0 && gram->layer != NetworkLayerPlace(gram->residual->network, l)))
      continue;
    PetscCall(add_rows(gram, A, B, l));
    PetscCall(add_pairs(gram, A, B, l));
    for (int b = 0; b < A->n_block; b++)
      if (way_of(gram, A, b, B, b, l) == REDUCED)
        PetscCall(GramAddReduced(gram->residual, A->stores[b], B->stores[b], gram->residual->blocks[b].block->n_term, l,
                                 gram->K + A->row[b] * gram->ld + B->row[b], gram->ld));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Panels to rank `to`, those of rank `from` into new stores [n_block]. */
static PetscErrorCode exchange_stores(Residual residual, const Side *own, PetscMPIInt to, PetscMPIInt from,
                                      const int n_point[], NetworkStore stores[])
{
  MPI_Request *requests;
  int n_request = 0, n_most = own->n_panel;
  PetscFunctionBegin;
  for (int b = 0; b < residual->n_block; b++) {
    const RowBlock *block = &residual->blocks[b];
    PetscCall(NetworkStoreCreate(residual->network, ProbePlan(block->probe), block->probe->compression, n_point[b],
                                 block->block->n_term, &stores[b]));
    NetworkStoreSetTheta(stores[b], residual->linearization->theta);
    n_most += NetworkStorePanels(stores[b]);
  }
  PetscCall(PetscMalloc1(n_most, &requests));
  for (int side = 0; side < 2; side++)
    for (int b = 0; b < residual->n_block; b++) {
      const NetworkStore store = side ? own->stores[b] : stores[b];
      for (int panel = 0; panel < NetworkStorePanels(store); panel++) {
        size_t n;
        PetscMPIInt count;
        double *data = NetworkStoreData(store, panel, &n);
        PetscCall(PetscMPIIntCast((PetscInt)n, &count));
        if (side)
          PetscCallMPI(MPI_Isend(data, count, MPI_DOUBLE, to, b, residual->rows.comm, &requests[n_request++]));
        else
          PetscCallMPI(MPI_Irecv(data, count, MPI_DOUBLE, from, b, residual->rows.comm, &requests[n_request++]));
      }
    }
  PetscCallMPI(MPI_Waitall(n_request, requests, MPI_STATUSES_IGNORE));
  PetscCall(PetscFree(requests));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transposed block of K, [n_row][n_from] to rank `from`; what comes from `to` is added to its block. */
static PetscErrorCode exchange_blocks(Residual residual, const RowsPlaces *places, PetscMPIInt to, PetscMPIInt from,
                                      double K[], size_t ld)
{
  const size_t n_row = (size_t)residual->rows.n_row;
  const PetscMPIInt n_from = places->start[from + 1] - places->start[from];
  const PetscMPIInt n_to = places->start[to + 1] - places->start[to], n = (PetscMPIInt)n_row;
  double *turned, *other;
  MPI_Datatype row;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(n_row * (size_t)n_from, &turned, n_row * (size_t)n_to, &other));
  for (size_t i = 0; i < n_row; i++)
    for (size_t j = 0; j < (size_t)n_from; j++) turned[j * n_row + i] = K[i * ld + (size_t)places->start[from] + j];
  /* by columns of one row length each side: counts stay below 2^31 */
  PetscCallMPI(MPI_Type_contiguous(n ? n : 1, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  MPI_Datatype other_row;
  PetscCallMPI(MPI_Type_contiguous(n_to ? n_to : 1, MPI_DOUBLE, &other_row));
  PetscCallMPI(MPI_Type_commit(&other_row));
  PetscCallMPI(MPI_Sendrecv(turned, n ? n_from : 0, row, from, 0, other, n_to ? n : 0, other_row, to, 0,
                            residual->rows.comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCallMPI(MPI_Type_free(&other_row));
  for (size_t i = 0; i < n_row; i++)
    for (size_t j = 0; j < (size_t)n_to; j++) K[i * ld + (size_t)places->start[to] + j] += other[i * (size_t)n_to + j];
  PetscCall(PetscFree2(turned, other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode go_round(Gram *gram, const Side *own, const RowsPlaces *places, const int n_point[], double K[])
{
  const Residual residual = gram->residual;
  const PetscMPIInt rank = places->rank, size = places->size;
  const int n_block = residual->n_block;
  NetworkStore *stores;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n_block, &stores));
  for (PetscMPIInt d = 1; 2 * d <= size; d++) {
    const PetscMPIInt to = (rank + d) % size, from = (rank + size - d) % size;
    const int *n_from = n_point + (size_t)from * (size_t)n_block;
    Side other;
    PetscCall(exchange_stores(residual, own, to, from, n_from, stores));
    PetscCall(side_create(n_block, stores, n_from, residual->blocks, &other));
    gram->K = K + places->start[from];
    PetscCall(add_layers(gram, own, &other, 2 * d < size ? -1 : rank > from));
    PetscCall(exchange_blocks(residual, places, to, from, K, gram->ld));
    PetscCall(side_destroy(&other));
    for (int b = 0; b < n_block; b++) PetscCall(NetworkStoreDestroy(&stores[b]));
  }
  PetscCall(PetscFree(stores));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gram_stored(Residual residual, const double scaling[], int layer, double K[], size_t ld)
{
  const int n_block = residual->n_block;
  Gram gram = {residual, scaling, layer, false, K, ld};
  RowsPlaces places;
  Side own;
  int *n_point;
  PetscFunctionBegin;
  PetscCall(RowsPlacesCreate(&residual->rows, &places));
  PetscCall(PetscMalloc1((size_t)n_block * (size_t)(places.size + 1), &n_point));
  int *mine = n_point + (size_t)n_block * (size_t)places.size;
  for (int b = 0; b < n_block; b++) mine[b] = residual->blocks[b].train.points.n;
  PetscCallMPI(MPI_Allgather(mine, n_block, MPI_INT, n_point, n_block, MPI_INT, residual->rows.comm));
  for (size_t i = 0; i < (size_t)residual->rows.n_row; i++)
    PetscCall(PetscArrayzero(K + i * ld, residual->rows.n_row_global));
  PetscCall(side_create(n_block, residual->linearization->stores, mine, residual->blocks, &own));
  gram.K = K + places.start[places.rank];
  PetscCall(add_layers(&gram, &own, &own, -1));
  ProductsMirror((size_t)residual->rows.n_row, gram.K, ld);
  PetscCall(go_round(&gram, &own, &places, n_point, K));
  PetscCall(side_destroy(&own));
  PetscCall(PetscFree(n_point));
  PetscCall(RowsPlacesDestroy(&places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gram_of_layers(Residual residual, Vec theta, const double scaling[], int layer, double K[],
                                     size_t ld)
{
  const double *values;
  size_t *begin;
  int n_part = 0;
  PetscFunctionBegin;
  PetscCall(ResidualThetaGet(residual, theta, &values));
  PetscCall(LinearizationSweep(residual, values));
  const bool holds = LinearizationHolds(residual, values);
  PetscCall(ResidualThetaRestore(residual, theta, &values));
  if (holds) {
    PetscCall(gram_stored(residual, scaling, layer, K, ld));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscCalloc1(residual->rows.n_parameter_block + 1, &begin));
  for (PetscInt k = 0; k < residual->rows.n_parameter_block; k++) /* weights begin a layer */
    if (residual->parameter_blocks[k].columns) begin[n_part++] = residual->parameter_blocks[k].offset;
  begin[n_part] = residual->rows.n_param;
  PetscCall(ProductsGramByColumns(&residual->rows, theta, scaling, layer < 0 ? n_part : 1, begin + PetscMax(layer, 0),
                                  K, ld));
  PetscCall(PetscFree(begin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGram_Residual(void *self, Vec theta, const double scaling[], double K[], size_t ld)
{
  PetscFunctionBegin;
  PetscCall(gram_of_layers(self, theta, scaling, -1, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RowsGramLayer_Residual(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld)
{
  PetscFunctionBegin;
  PetscCall(gram_of_layers(self, theta, scaling, layer, K, ld));
  PetscFunctionReturn(PETSC_SUCCESS);
}
