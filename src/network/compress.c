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

struct Squares_s {
  int n_part;
  double *inverse;       /* [n_seed][h] T^- by rows */
  uint64_t weights;      /* of the last update, folded */
  double *partial;       /* [n_part][h][h], the first is the sum */
  double *lambda, *work; /* of the eigenvalue problem */
  lapack_int *iwork, n_work, n_iwork;
  double **scratch; /* [n_thread] */
  bool updated;
};

/* Numbers of a scratch: a factor, and two packed chunks. */
static size_t scratch_size(size_t h)
{
  return h * (h + 2 * CHUNK);
}

/* Inputs are numbered in the order of their coordinates: those of one input follow each other. */
static PetscErrorCode merge_columns(const SeedColumns *each, SeedColumns *merged)
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

static PetscErrorCode SeedCreate_Compress(NetworkCompression c, const JetGroup *from, SeedGroup *group)
{
  const Network network = c->network;
  SeedColumns *each = &group->each;
  PetscFunctionBegin;
  each->n = from->n;
  PetscCall(PetscMalloc3(from->n, &each->input, from->n, &each->coord, from->n, &each->weight));
  for (int i = 0; i < from->n; i++) {
    const double stretch = network->stretch[from->coord[i]];
    each->coord[i] = from->coord[i];
    each->input[i] = SeedInput(c, from->coord[i]);
    each->weight[i] = from->coef[i] * stretch * stretch;
  }
  group->merged = *each;
  if (network->input_of && !network->affine) PetscCall(merge_columns(each, &group->merged));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SeedDestroy_Compress(SeedGroup *group)
{
  PetscFunctionBegin;
  if (group->merged.input != group->each.input) PetscCall(PetscFree2(group->merged.input, group->merged.weight));
  PetscCall(PetscFree3(group->each.input, group->each.coord, group->each.weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SquaresCreate(NetworkCompression c)
{
  struct Squares_s *s;
  double n_work;
  int n_part = 0;
  PetscFunctionBegin;
  for (int g = 0; g < c->n_group; g++)
    if (c->groups[g].ops == &SeedCompress)
      n_part = PetscMax(PetscMax(1, n_part), PetscMin(MAX_PARTS, c->groups[g].merged.n / (int)c->h));
  if (!n_part) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&s));
  c->squares = s;
  s->n_part = n_part;
  PetscCall(PetscCalloc1((size_t)c->n_seed * c->h, &s->inverse));
  PetscCall(PetscMalloc1((size_t)n_part * c->h * c->h, &s->partial));
  LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)c->h, NULL, (lapack_int)c->h, NULL, &n_work, -1,
                      &s->n_iwork, -1);
  s->n_work = (lapack_int)n_work;
  PetscCall(PetscMalloc3(c->h, &s->lambda, s->n_work, &s->work, s->n_iwork, &s->iwork));
  PetscCall(PetscCalloc1(c->n_thread, &s->scratch));
  for (int t = 0; t < c->n_thread; t++) PetscCall(PetscMalloc1(scratch_size(c->h), &s->scratch[t]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SquaresDestroy(NetworkCompression c)
{
  struct Squares_s *s = c->squares;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int t = 0; t < c->n_thread; t++) PetscCall(PetscFree(s->scratch[t]));
  PetscCall(PetscFree3(s->lambda, s->work, s->iwork));
  PetscCall(PetscFree(s->inverse));
  PetscCall(PetscFree(s->partial));
  PetscCall(PetscFree(s->scratch));
  PetscCall(PetscFree(c->squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t SquaresScratch(const NetworkCompression c)
{
  return c->squares ? scratch_size(c->h) : 0;
}

double SquaresDoubles(const NetworkCompression c)
{
  const double h = (double)c->h;
  if (!c->squares) return 0.0;
  return h * (h * c->squares->n_part + c->n_seed) + c->n_thread * (double)scratch_size(c->h);
}

/* packed [h][n] = columns [begin, begin + n) of W and A within `values`, times C where `weighted`. */
static void pack(const NetworkCompression c, const SeedColumns *columns, const double values[], int begin, int n,
                 bool weighted, double packed[])
{
  const double *weight = columns->weight + begin;
  for (size_t j = 0; j < c->h; j++) {
    bool affine;
    const double *row = SeedRow(c, values, j, &affine);
    const int *at = (affine ? columns->coord : columns->input) + begin;
    for (int i = 0; i < n; i++) packed[j * (size_t)n + (size_t)i] = weighted ? weight[i] * row[at[i]] : row[at[i]];
  }
}

/* partial[0] [h][h] = A C B^T over the group's coordinates; A and B laid out like theta. */
static void multiply(NetworkCompression c, const SeedGroup *group, const double A[], const double B[])
{
  const SeedColumns *columns = &group->merged;
  const size_t h = c->h, size = h * h;
  const int n_part = PetscMax(1, PetscMin(c->squares->n_part, columns->n / (int)h));
#pragma omp parallel for schedule(static, 1) num_threads(c->n_thread)
  for (int k = 0; k < n_part; k++) {
    const int begin = (int)((long long)columns->n * k / n_part), end = (int)((long long)columns->n * (k + 1) / n_part);
    double *left = c->squares->scratch[omp_get_thread_num()], *right = left + h * CHUNK,
           *sum = c->squares->partial + (size_t)k * size;
    for (int i = begin; i < end; i += CHUNK) {
      const int n = PetscMin(CHUNK, end - i);
      pack(c, columns, A, i, n, true, left);
      pack(c, columns, B, i, n, false, right);
      KernelCPU.gemm('N', 'T', h, h, (size_t)n, 1.0, left, (size_t)n, right, (size_t)n, i > begin, sum, h);
    }
  }
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t i = 0; i < size; i++)
    for (int k = 1; k < n_part; k++) c->squares->partial[i] += c->squares->partial[(size_t)k * size + i];
}

/* T and T^- of M, which is in partial[0]; NaN where M is not finite. */
static void factor(NetworkCompression c, const SeedGroup *group)
{
  const size_t h = c->h;
  double sum = 0.0, *T = c->seeds + (size_t)group->first * h, *inverse = c->squares->inverse + (size_t)group->first * h;
  for (size_t i = 0; i < h * h; i++) sum += c->squares->partial[i];
  const bool solved =
      isfinite(sum) && !LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)h, c->squares->partial,
                                            (lapack_int)h, c->squares->lambda, c->squares->work, c->squares->n_work,
                                            c->squares->iwork, c->squares->n_iwork);
  for (size_t k = 0; k < (size_t)group->width; k++) {
    const double *v = c->squares->partial + (k < h ? h - 1 - k : 0) * h; /* eigenvalues ascend */
    const double smallest = fmax(SMALLEST * c->squares->lambda[h - 1], SMALLEST_OF);
    const double root = k < h ? sqrt(fmax(c->squares->lambda[h - 1 - k], smallest)) : 0.0;
    for (size_t j = 0; j < h; j++) {
      T[k * h + j] = solved ? root * v[j] : NAN;
      inverse[k * h + j] = !solved ? NAN : root > 0.0 ? v[j] / root : 0.0;
    }
  }
}

/* A number of 64 bits that differs where any of n values does, but by chance (multiply and fold, as wyhash does): a
   copy of the weights would be as large as they are. In parts, so that threads can share it. */
static uint64_t fold(size_t n, const double values[], uint64_t seed)
{
  const size_t part = 1 << 16, n_part = (n + part - 1) / part;
  uint64_t sum = seed;
#pragma omp parallel for schedule(static) reduction(+ : sum) if (n_part > 1)
  for (size_t k = 0; k < n_part; k++) {
    const size_t end = n < (k + 1) * part ? n : (k + 1) * part;
    uint64_t hash = seed + k * 0x9e3779b97f4a7c15u;
    for (size_t i = k * part; i < end; i++) {
      uint64_t word;
      memcpy(&word, &values[i], sizeof(word));
      const __uint128_t product = (__uint128_t)(word ^ hash) * 0xa0761d6478bd642fu;
      hash = (uint64_t)product ^ (uint64_t)(product >> 64) ^ (hash << 1);
    }
    sum += hash * (2 * k + 1);
  }
  return sum;
}

bool SquaresChanged(NetworkCompression c, const double theta[])
{
  struct Squares_s *s = c->squares;
  const Layer *layer = &c->network->layers[0], *affine = NetworkAffine(c->network);
  uint64_t now;
  if (!s) return false;
  now = fold((size_t)layer->n_in * (size_t)layer->n_out, NetworkWeights(c->network, layer, theta), 1);
  if (affine) now = fold(LayerSize(affine), theta + affine->offset, now);
  const bool changed = !s->updated || now != s->weights;
  s->weights = now;
  return s->updated = true, changed;
}

static void SeedUpdate_Compress(NetworkCompression c, const SeedGroup *group, const double theta[])
{
  multiply(c, group, theta, theta);
  factor(c, group);
}

static void SeedTangent_Compress(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[])
{
  const size_t at = (size_t)group->first * c->h;
  multiply(c, group, v, theta);
  KernelCPU.gemm('N', 'T', (size_t)group->width, c->h, c->h, 1.0, c->squares->inverse + at, c->h, c->squares->partial,
                 c->h, 0.0, c->dots + at, c->h);
}

/* A [h][h] = T_bar T^- */
static void adjoint_factor(const NetworkCompression c, const SeedGroup *group, const double bar[], double A[])
{
  const size_t at = (size_t)group->first * c->h;
  KernelCPU.gemm('T', 'N', c->h, c->h, (size_t)group->width, 1.0, bar + at, c->h, c->squares->inverse + at, c->h, 0.0,
                 A, c->h);
}

/* A layer's rows of A W C at the group's columns [begin, begin + n), n <= CHUNK, are added to its W_bar [n_out][n_in];
   packed [h][n]: W C there, with room for another chunk */
static void add_adjoint(const NetworkCompression c, const SeedColumns *columns, const Layer *layer, const double A[],
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

static void SeedAddRow_Compress(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                                const double bar[], double *scratch, double W_bar[])
{
  const SeedColumns *columns = &group->merged;
  adjoint_factor(c, group, bar, scratch);
  for (int i = 0; i < columns->n; i += CHUNK) {
    const int n = PetscMin(CHUNK, columns->n - i);
    pack(c, columns, theta, i, n, true, scratch + c->h * c->h);
    add_adjoint(c, columns, layer, scratch, i, n, scratch + c->h * c->h, W_bar);
  }
}

static void SeedDirections_Compress(NetworkCompression c, const SeedGroup *group, const double theta[], int seed, int n,
                                    const double factor[], double directions[])
{
  const double *t = c->squares->inverse + (size_t)seed * c->h;
  const SeedColumns *columns = &group->each;
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (int begin = 0; begin < columns->n; begin += CHUNK) {
    const int n_column = PetscMin(CHUNK, columns->n - begin);
    const size_t size = (size_t)n_column;
    double *packed = c->squares->scratch[omp_get_thread_num()], *product = packed + c->h * CHUNK;
    pack(c, columns, theta, begin, n_column, true, packed);
    KernelCPU.gemm('N', 'N', (size_t)n, size, c->h, 1.0, t, c->h, packed, size, 0.0, product, size); /* n <= h */
    for (int k = 0; k < n; k++) {
      double *direction = directions + (size_t)k * (size_t)c->network->n_coord;
      for (int i = 0; i < n_column; i++)
        direction[columns->coord[begin + i]] += factor[k] * product[(size_t)k * size + (size_t)i];
    }
  }
}

static void SeedReverse_Compress(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                                 double gradient[])
{
  const Layer *layer = c->network->layers, *affine = NetworkAffine(c->network);
  const SeedColumns *columns = &group->merged;
  double *A = c->squares->partial;
  adjoint_factor(c, group, bar, A);
  /* two chunks may have parts of one input */
  const int n_thread = columns->input == group->each.input && c->network->input_of ? 1 : c->n_thread;
#pragma omp parallel for schedule(static) num_threads(n_thread)
  for (int i = 0; i < columns->n; i += CHUNK) {
    double *packed = c->squares->scratch[omp_get_thread_num()];
    const int n = PetscMin(CHUNK, columns->n - i);
    pack(c, columns, theta, i, n, true, packed);
    add_adjoint(c, columns, layer, A, i, n, packed, gradient + layer->offset);
    if (affine) add_adjoint(c, columns, affine, A, i, n, packed, gradient + affine->offset);
  }
}

const SeedOps SeedCompress = {SeedCreate_Compress, SeedDestroy_Compress, SeedUpdate_Compress,    SeedTangent_Compress,
                              SeedAddRow_Compress, SeedReverse_Compress, SeedDirections_Compress};
