/* Fewer coordinates for sums of squares. With s = W x of h components, a network g(W x + b) has
     S = sum_i c_i d_i^2 = sum_jk M_jk d_{s_j} d_{s_k},   M = W C W^T = T T^T,
   so that h coordinates q with s = T q give S = sum_k d_{q_k}^2 exactly, whatever the number d of coordinates x. Jets
   see T, the derivatives of s by q, and no q itself is needed: column 0 stays W x + b.

   T = V Lambda^(1/2) of M = V Lambda V^T. As results depend on T through M alone, they are the same for T R, R
   orthogonal, and with T^- = Lambda^(-1/2) V^T:
     adjoint  W_bar = T_bar T^- W C,   tangent  T_dot = W_dot C W^T (T^-)^T:
   those of T = W X with the directions X = C W^T (T^-)^T held fixed, orthonormal in C^-1, which is all that other
   estimators of S would have to choose.
   Each column of T and its adjoint has the size of its lambda_k^(1/2), which cancels; where lambda_k vanishes, so does
   row k of V^T W. Hence no rank has to be decided: lambda_k only must not be zero. Derived for this program.

   Cost of an update, a tangent or a reverse: 2 d h^2 operations, memory of the sums at most d h. */
#include <lapacke.h>
#include <math.h>
#include <omp.h>
#include <string.h>
#include "compress.h"

#define CHUNK       256 /* coordinates packed at a time */
#define MAX_PARTS   64 /* of a sum over coordinates: not the number of threads, so that results are independent of it */
#define SMALLEST    1e-20  /* of lambda_k / lambda_max */
#define SMALLEST_OF 1e-280 /* of lambda_k where W is zero */

typedef struct {
  int n, first, width; /* coordinates; columns of T */
  int *coord;          /* [n] */
  double *weight;      /* [n] C: coefficient in S times the square of the input's stretch */
} Group;

/* A sweep's share. */
typedef struct {
  double *bar; /* [n_seed][h] adjoint of T */
  double *scratch;
} Slot;

struct NetworkCompression_s {
  Network network;
  size_t h;
  int n_group, n_seed, n_part, n_slot, n_thread;
  Group *groups;
  double *seeds, *dots, *inverse; /* [n_seed][h] T, T_dot, and T^- by rows */
  double *W;                      /* [h][n_coord] of the last update */
  double *partial;                /* [n_part][h][h], the first is the sum */
  double *lambda, *work;          /* of the eigenvalue problem */
  lapack_int *iwork, n_work, n_iwork;
  double **scratch; /* [n_thread] */
  Slot *slots;
  bool updated;
};

/* Numbers of a scratch: a factor, and two packed chunks. */
static size_t scratch_size(size_t h)
{
  return h * (h + 2 * CHUNK);
}

static PetscErrorCode create_group(NetworkCompression c, const JetGroup *from, Group *group)
{
  const Network network = c->network;
  PetscFunctionBegin;
  *group = (Group){.n = from->n, .first = from->first - network->n_coord, .width = from->width};
  PetscCall(PetscMalloc2(from->n, &group->coord, from->n, &group->weight));
  for (int i = 0; i < from->n; i++) {
    const double stretch = network->stretch[from->coord[i]];
    group->coord[i] = from->coord[i];
    group->weight[i] = from->coef[i] * stretch * stretch;
  }
  c->n_seed += from->width;
  c->n_part = PetscMax(c->n_part, PetscMin(MAX_PARTS, from->n / (int)c->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkCompressionCreate(Network network, int n_group, const JetGroup groups[],
                                        NetworkCompression *compression)
{
  NetworkCompression c;
  double n_work;
  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *compression = c;
  c->network = network;
  c->h = (size_t)network->layers[0].n_out;
  c->n_group = n_group;
  c->n_part = 1;
  c->n_thread = omp_get_max_threads();
  PetscCall(PetscCalloc1(n_group, &c->groups));
  for (int g = 0; g < n_group; g++) PetscCall(create_group(c, &groups[g], &c->groups[g]));
  const size_t size = (size_t)c->n_seed * c->h;
  PetscCall(PetscCalloc3(size, &c->seeds, size, &c->dots, size, &c->inverse));
  PetscCall(PetscCalloc1(c->h * (size_t)network->n_coord, &c->W));
  PetscCall(PetscMalloc1((size_t)c->n_part * c->h * c->h, &c->partial));
  LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)c->h, NULL, (lapack_int)c->h, NULL, &n_work, -1,
                      &c->n_iwork, -1);
  c->n_work = (lapack_int)n_work;
  PetscCall(PetscMalloc3(c->h, &c->lambda, c->n_work, &c->work, c->n_iwork, &c->iwork));
  PetscCall(PetscCalloc1(c->n_thread, &c->scratch));
  for (int t = 0; t < c->n_thread; t++) PetscCall(PetscMalloc1(scratch_size(c->h), &c->scratch[t]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkCompressionDestroy(NetworkCompression *compression)
{
  NetworkCompression c = *compression;
  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  for (int g = 0; g < c->n_group; g++) PetscCall(PetscFree2(c->groups[g].coord, c->groups[g].weight));
  for (int t = 0; t < c->n_thread; t++) PetscCall(PetscFree(c->scratch[t]));
  for (int k = 0; k < c->n_slot; k++) PetscCall(PetscFree2(c->slots[k].bar, c->slots[k].scratch));
  PetscCall(PetscFree3(c->seeds, c->dots, c->inverse));
  PetscCall(PetscFree3(c->lambda, c->work, c->iwork));
  PetscCall(PetscFree(c->groups));
  PetscCall(PetscFree(c->W));
  PetscCall(PetscFree(c->partial));
  PetscCall(PetscFree(c->scratch));
  PetscCall(PetscFree(c->slots));
  PetscCall(PetscFree(*compression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NetworkCompressionDoubles(NetworkCompression c)
{
  const double h = (double)c->h;
  return h * (h * c->n_part + c->network->n_coord + (3.0 + c->n_slot) * c->n_seed) +
         (c->n_thread + c->n_slot) * (double)scratch_size(c->h);
}

PetscErrorCode CompressionSlot(NetworkCompression c, int *slot, double **bar)
{
  Slot *s;
  PetscFunctionBegin;
  PetscCall(PetscRealloc(sizeof(Slot) * (size_t)(c->n_slot + 1), &c->slots));
  *slot = c->n_slot++;
  s = &c->slots[*slot];
  PetscCall(PetscCalloc2((size_t)c->n_seed * c->h, &s->bar, scratch_size(c->h), &s->scratch));
  *bar = s->bar;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *CompressionSeeds(NetworkCompression c, bool dots)
{
  return dots ? c->dots : c->seeds;
}

/* packed [h][n] = the group's columns [begin, begin + n) of W [h][n_coord], times C where `weighted`. */
static void pack(const NetworkCompression c, const Group *group, const double W[], int begin, int n, bool weighted,
                 double packed[])
{
  const int *coord = group->coord + begin;
  const double *weight = group->weight + begin;
  for (size_t j = 0; j < c->h; j++) {
    const double *row = W + j * (size_t)c->network->n_coord;
    for (int i = 0; i < n; i++)
      packed[j * (size_t)n + (size_t)i] = weighted ? weight[i] * row[coord[i]] : row[coord[i]];
  }
}

/* partial[0] [h][h] = A C B^T over the group's coordinates. */
static void multiply(NetworkCompression c, const Group *group, const double A[], const double B[])
{
  const size_t h = c->h, size = h * h;
  const int n_part = PetscMax(1, PetscMin(c->n_part, group->n / (int)h));
#pragma omp parallel for schedule(static, 1) num_threads(c->n_thread)
  for (int k = 0; k < n_part; k++) {
    const int begin = (int)((long long)group->n * k / n_part), end = (int)((long long)group->n * (k + 1) / n_part);
    double *left = c->scratch[omp_get_thread_num()], *right = left + h * CHUNK, *sum = c->partial + (size_t)k * size;
    for (int i = begin; i < end; i += CHUNK) {
      const int n = PetscMin(CHUNK, end - i);
      pack(c, group, A, i, n, true, left);
      pack(c, group, B, i, n, false, right);
      KernelCPU.gemm('N', 'T', h, h, (size_t)n, 1.0, left, (size_t)n, right, (size_t)n, i > begin, sum, h);
    }
  }
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t i = 0; i < size; i++)
    for (int k = 1; k < n_part; k++) c->partial[i] += c->partial[(size_t)k * size + i];
}

/* T and T^- of M, which is in partial[0]; NaN where M is not finite. */
static void factor(NetworkCompression c, const Group *group)
{
  const size_t h = c->h;
  double sum = 0.0, *T = c->seeds + (size_t)group->first * h, *inverse = c->inverse + (size_t)group->first * h;
  for (size_t i = 0; i < h * h; i++) sum += c->partial[i];
  const bool solved =
      isfinite(sum) && !LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)h, c->partial, (lapack_int)h,
                                            c->lambda, c->work, c->n_work, c->iwork, c->n_iwork);
  for (size_t k = 0; k < (size_t)group->width; k++) {
    const double *v = c->partial + (k < h ? h - 1 - k : 0) * h; /* eigenvalues ascend */
    const double smallest = fmax(SMALLEST * c->lambda[h - 1], SMALLEST_OF);
    const double root = k < h ? sqrt(fmax(c->lambda[h - 1 - k], smallest)) : 0.0;
    for (size_t j = 0; j < h; j++) {
      T[k * h + j] = solved ? root * v[j] : NAN;
      inverse[k * h + j] = !solved ? NAN : root > 0.0 ? v[j] / root : 0.0;
    }
  }
}

void NetworkCompressionUpdate(NetworkCompression c, const double theta[])
{
  const double *W = NetworkWeights(c->network, &c->network->layers[0], theta);
  const size_t size = sizeof(double) * c->h * (size_t)c->network->n_coord;
  if (c->updated && !memcmp(c->W, W, size)) return;
  memcpy(c->W, W, size);
  c->updated = true;
  for (int g = 0; g < c->n_group; g++) {
    multiply(c, &c->groups[g], W, W);
    factor(c, &c->groups[g]);
  }
}

void NetworkCompressionTangent(NetworkCompression c, const double theta[], const double v[])
{
  const Layer *layer = &c->network->layers[0];
  if (layer->frozen) return;
  for (int g = 0; g < c->n_group; g++) {
    const Group *group = &c->groups[g];
    const size_t at = (size_t)group->first * c->h;
    multiply(c, group, v + layer->offset, NetworkWeights(c->network, layer, theta));
    KernelCPU.gemm('N', 'T', (size_t)group->width, c->h, c->h, 1.0, c->inverse + at, c->h, c->partial, c->h, 0.0,
                   c->dots + at, c->h);
  }
}

/* A [h][h] = T_bar T^- */
static void adjoint_factor(const NetworkCompression c, const Group *group, const double bar[], double A[])
{
  const size_t at = (size_t)group->first * c->h;
  KernelCPU.gemm('T', 'N', c->h, c->h, (size_t)group->width, 1.0, bar + at, c->h, c->inverse + at, c->h, 0.0, A, c->h);
}

/* W_bar += A W C at the group's coordinates [begin, begin + n), n <= CHUNK; packed: room for two chunks */
static void add_adjoint(const NetworkCompression c, const Group *group, const double A[], const double W[], int begin,
                        int n, double packed[], double W_bar[])
{
  const size_t h = c->h;
  double *product = packed + h * CHUNK;
  pack(c, group, W, begin, n, true, packed);
  KernelCPU.gemm('N', 'N', h, (size_t)n, h, 1.0, A, h, packed, (size_t)n, 0.0, product, (size_t)n);
  for (size_t j = 0; j < h; j++) {
    double *row = W_bar + j * (size_t)c->network->n_coord;
    for (int i = 0; i < n; i++) row[group->coord[begin + i]] += product[j * (size_t)n + (size_t)i];
  }
}

void CompressionAddRow(NetworkCompression c, int slot, const double theta[], double W_bar[])
{
  const double *W = NetworkWeights(c->network, &c->network->layers[0], theta);
  double *A = c->slots[slot].scratch, *bar = c->slots[slot].bar;
  for (int g = 0; g < c->n_group; g++) {
    const Group *group = &c->groups[g];
    adjoint_factor(c, group, bar, A);
    for (int i = 0; i < group->n; i += CHUNK)
      add_adjoint(c, group, A, W, i, PetscMin(CHUNK, group->n - i), A + c->h * c->h, W_bar);
  }
  memset(bar, 0, sizeof(double) * (size_t)c->n_seed * c->h);
}

void CompressionDirection(NetworkCompression c, const double theta[], int seed, double scale, double direction[])
{
  const double *W = NetworkWeights(c->network, &c->network->layers[0], theta), *t = c->inverse + (size_t)seed * c->h;
  const Group *group = c->groups;
  while (seed >= group->first + group->width) group++;
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (int begin = 0; begin < group->n; begin += CHUNK) {
    double sum[CHUNK] = {0.0};
    const int n = PetscMin(CHUNK, group->n - begin);
    for (size_t j = 0; j < c->h; j++) {
      const double *row = W + j * (size_t)c->network->n_coord;
      for (int i = 0; i < n; i++) sum[i] += t[j] * row[group->coord[begin + i]];
    }
    for (int i = 0; i < n; i++) direction[group->coord[begin + i]] = scale * group->weight[begin + i] * sum[i];
  }
}

void NetworkCompressionReverse(NetworkCompression c, const double theta[], double gradient[])
{
  const Layer *layer = &c->network->layers[0];
  const double *W = NetworkWeights(c->network, layer, theta);
  const size_t size = (size_t)c->n_seed * c->h;
  double *bar = c->slots[0].bar;
  if (layer->frozen) return;
  for (int k = 1; k < c->n_slot; k++) {
    for (size_t i = 0; i < size; i++) bar[i] += c->slots[k].bar[i];
    memset(c->slots[k].bar, 0, size * sizeof(double));
  }
  for (int g = 0; g < c->n_group; g++) {
    const Group *group = &c->groups[g];
    double *A = c->partial;
    adjoint_factor(c, group, bar, A);
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
    for (int i = 0; i < group->n; i += CHUNK)
      add_adjoint(c, group, A, W, i, PetscMin(CHUNK, group->n - i), c->scratch[omp_get_thread_num()],
                  gradient + layer->offset);
  }
  memset(bar, 0, size * sizeof(double));
}
