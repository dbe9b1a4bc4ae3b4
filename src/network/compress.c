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

   An affine part A x beside the network adds its rows to W: the outputs are functions of s = (W x, A x).

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

/* Columns of W, or of W and A, with their C: one a coordinate, or one an input where only the first layer reads them
   and coordinates share inputs. */
typedef struct {
  int n, *input, *coord; /* [n]; coord: of A */
  double *weight;        /* [n] coefficient in S times the square of the input's stretch */
} Columns;

typedef struct {
  int first, width; /* columns of T */
  Columns each;     /* by coordinate */
  Columns merged;   /* by input; shows `each` where nothing is merged */
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
  double *W;                      /* weights of the last update, then those of the affine part */
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

/* Inputs are numbered in the order of their coordinates: those of one input follow each other. */
static PetscErrorCode merge_columns(const Columns *each, Columns *merged)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(each->n, &merged->input, each->n, &merged->weight));
  merged->coord = each->coord;
  merged->n = 0;
  for (int i = 0; i < each->n; i++) {
    if (i && each->input[i] == each->input[i - 1]) {
      merged->weight[merged->n - 1] += each->weight[i];
      continue;
    }
    merged->input[merged->n] = each->input[i];
    merged->weight[merged->n++] = each->weight[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_group(NetworkCompression c, const JetGroup *from, Group *group)
{
  const Network network = c->network;
  Columns *each = &group->each;
  PetscFunctionBegin;
  *group = (Group){.first = from->first - network->n_coord, .width = from->width, .each = {.n = from->n}};
  PetscCall(PetscMalloc3(from->n, &each->input, from->n, &each->coord, from->n, &each->weight));
  for (int i = 0; i < from->n; i++) {
    const double stretch = network->stretch[from->coord[i]];
    each->coord[i] = from->coord[i];
    each->input[i] = network->input_of ? network->input_of[from->coord[i]] : from->coord[i];
    each->weight[i] = from->coef[i] * stretch * stretch;
  }
  group->merged = *each;
  if (network->input_of && !network->affine) PetscCall(merge_columns(each, &group->merged));
  c->n_seed += from->width;
  c->n_part = PetscMax(c->n_part, PetscMin(MAX_PARTS, group->merged.n / (int)c->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode destroy_group(Group *group)
{
  PetscFunctionBegin;
  if (group->merged.input != group->each.input) PetscCall(PetscFree2(group->merged.input, group->merged.weight));
  PetscCall(PetscFree3(group->each.input, group->each.coord, group->each.weight));
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
  c->h = (size_t)NetworkFirstWidth(network);
  c->n_group = n_group;
  c->n_part = 1;
  c->n_thread = omp_get_max_threads();
  PetscCall(PetscCalloc1(n_group, &c->groups));
  for (int g = 0; g < n_group; g++) PetscCall(create_group(c, &groups[g], &c->groups[g]));
  const size_t size = (size_t)c->n_seed * c->h;
  PetscCall(PetscCalloc3(size, &c->seeds, size, &c->dots, size, &c->inverse));
  PetscCall(PetscCalloc1((size_t)NetworkInputWeights(network), &c->W));
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
  for (int g = 0; g < c->n_group; g++) PetscCall(destroy_group(&c->groups[g]));
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
  return h * (h * c->n_part + (3.0 + c->n_slot) * c->n_seed) + NetworkInputWeights(c->network) +
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

/* Row j of W or A within values laid out like theta, frozen weights aside. */
static const double *row_of(const NetworkCompression c, const double values[], size_t j, bool *affine)
{
  const Layer *layer = &c->network->layers[0];
  *affine = j >= (size_t)layer->n_out;
  if (!*affine) return (layer->frozen ? c->network->frozen : values) + layer->offset + j * (size_t)layer->n_in;
  const Layer *beside = NetworkAffine(c->network);
  return values + beside->offset + (j - (size_t)layer->n_out) * (size_t)beside->n_in;
}

/* packed [h][n] = columns [begin, begin + n) of W and A within `values`, times C where `weighted`. */
static void pack(const NetworkCompression c, const Columns *columns, const double values[], int begin, int n,
                 bool weighted, double packed[])
{
  const double *weight = columns->weight + begin;
  for (size_t j = 0; j < c->h; j++) {
    bool affine;
    const double *row = row_of(c, values, j, &affine);
    const int *at = (affine ? columns->coord : columns->input) + begin;
    for (int i = 0; i < n; i++) packed[j * (size_t)n + (size_t)i] = weighted ? weight[i] * row[at[i]] : row[at[i]];
  }
}

/* partial[0] [h][h] = A C B^T over the group's coordinates; A and B laid out like theta. */
static void multiply(NetworkCompression c, const Group *group, const double A[], const double B[])
{
  const Columns *columns = &group->merged;
  const size_t h = c->h, size = h * h;
  const int n_part = PetscMax(1, PetscMin(c->n_part, columns->n / (int)h));
#pragma omp parallel for schedule(static, 1) num_threads(c->n_thread)
  for (int k = 0; k < n_part; k++) {
    const int begin = (int)((long long)columns->n * k / n_part), end = (int)((long long)columns->n * (k + 1) / n_part);
    double *left = c->scratch[omp_get_thread_num()], *right = left + h * CHUNK, *sum = c->partial + (size_t)k * size;
    for (int i = begin; i < end; i += CHUNK) {
      const int n = PetscMin(CHUNK, end - i);
      pack(c, columns, A, i, n, true, left);
      pack(c, columns, B, i, n, false, right);
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

/* Notes the weights; were they those already? */
static bool same_weights(NetworkCompression c, const double theta[])
{
  const Layer *layer = &c->network->layers[0], *affine = NetworkAffine(c->network);
  const size_t n = (size_t)layer->n_in * (size_t)layer->n_out, n_affine = affine ? LayerSize(affine) : 0;
  const double *W = NetworkWeights(c->network, layer, theta), *A = affine ? theta + affine->offset : W;
  if (c->updated && !memcmp(c->W, W, n * sizeof(double)) && !memcmp(c->W + n, A, n_affine * sizeof(double)))
    return true;
  memcpy(c->W, W, n * sizeof(double));
  memcpy(c->W + n, A, n_affine * sizeof(double));
  c->updated = true;
  return false;
}

void NetworkCompressionUpdate(NetworkCompression c, const double theta[])
{
  if (same_weights(c, theta)) return;
  for (int g = 0; g < c->n_group; g++) {
    multiply(c, &c->groups[g], theta, theta);
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
    multiply(c, group, v, theta);
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

/* A layer's rows of A W C at the group's columns [begin, begin + n), n <= CHUNK, are added to its W_bar [n_out][n_in];
   packed [h][n]: W C there, with room for another chunk */
static void add_adjoint(const NetworkCompression c, const Columns *columns, const Layer *layer, const double A[],
                        int begin, int n, double packed[], double W_bar[])
{
  const bool affine = layer != c->network->layers;
  const size_t h = c->h, n_row = (size_t)layer->n_out, first = affine ? h - n_row : 0;
  const int *at = (affine ? columns->coord : columns->input) + begin;
  double *product = packed + h * CHUNK;
  KernelCPU.gemm('N', 'N', n_row, (size_t)n, h, 1.0, A + first * h, h, packed, (size_t)n, 0.0, product, (size_t)n);
  for (size_t j = 0; j < n_row; j++) {
    double *row = W_bar + j * (size_t)layer->n_in;
    for (int i = 0; i < n; i++) row[at[i]] += product[j * (size_t)n + (size_t)i];
  }
}

void CompressionAddRow(NetworkCompression c, int slot, const Layer *layer, const double theta[], double W_bar[])
{
  const size_t n_row = (size_t)layer->n_out, first = layer != c->network->layers ? c->h - n_row : 0;
  double *A = c->slots[slot].scratch, *bar = c->slots[slot].bar;
  for (int g = 0; g < c->n_group; g++) {
    const Columns *columns = &c->groups[g].merged;
    adjoint_factor(c, &c->groups[g], bar, A);
    for (int i = 0; i < columns->n; i += CHUNK) {
      const int n = PetscMin(CHUNK, columns->n - i);
      pack(c, columns, theta, i, n, true, A + c->h * c->h);
      add_adjoint(c, columns, layer, A, i, n, A + c->h * c->h, W_bar);
    }
  }
  for (size_t k = 0; k < (size_t)c->n_seed; k++) memset(bar + k * c->h + first, 0, n_row * sizeof(double));
}

void CompressionDirection(NetworkCompression c, const double theta[], int seed, double scale, double direction[])
{
  const double *t = c->inverse + (size_t)seed * c->h;
  const Group *group = c->groups;
  while (seed >= group->first + group->width) group++;
  const Columns *columns = &group->each;
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (int begin = 0; begin < columns->n; begin += CHUNK) {
    double sum[CHUNK] = {0.0};
    const int n = PetscMin(CHUNK, columns->n - begin);
    for (size_t j = 0; j < c->h; j++) {
      bool affine;
      const double *row = row_of(c, theta, j, &affine);
      const int *at = (affine ? columns->coord : columns->input) + begin;
      for (int i = 0; i < n; i++) sum[i] += t[j] * row[at[i]];
    }
    for (int i = 0; i < n; i++) direction[columns->coord[begin + i]] = scale * columns->weight[begin + i] * sum[i];
  }
}

static void reverse_group(NetworkCompression c, const Group *group, const double theta[], double gradient[])
{
  const Layer *layer = c->network->layers, *affine = NetworkAffine(c->network);
  const Columns *columns = &group->merged;
  const double *A = c->partial;
  /* two chunks may have parts of one input */
  const int n_thread = columns->input == group->each.input && c->network->input_of ? 1 : c->n_thread;
#pragma omp parallel for schedule(static) num_threads(n_thread)
  for (int i = 0; i < columns->n; i += CHUNK) {
    double *packed = c->scratch[omp_get_thread_num()];
    const int n = PetscMin(CHUNK, columns->n - i);
    pack(c, columns, theta, i, n, true, packed);
    add_adjoint(c, columns, layer, A, i, n, packed, gradient + layer->offset);
    if (affine) add_adjoint(c, columns, affine, A, i, n, packed, gradient + affine->offset);
  }
}

void NetworkCompressionReverse(NetworkCompression c, const double theta[], double gradient[])
{
  const size_t size = (size_t)c->n_seed * c->h;
  double *bar = c->slots[0].bar;
  if (c->network->layers[0].frozen) return;
  for (int k = 1; k < c->n_slot; k++) {
    for (size_t i = 0; i < size; i++) bar[i] += c->slots[k].bar[i];
    memset(c->slots[k].bar, 0, size * sizeof(double));
  }
  for (int g = 0; g < c->n_group; g++) {
    adjoint_factor(c, &c->groups[g], bar, c->partial);
    reverse_group(c, &c->groups[g], theta, gradient);
  }
  memset(bar, 0, size * sizeof(double));
}
