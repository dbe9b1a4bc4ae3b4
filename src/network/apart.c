/* Fewer coordinates for sums of squares, of networks with one hidden layer. Its neurons do not meet: of
   S = sum_i c_i d_i^2 each knows its own

     S^p s(w_j . x + b_j) = T_j^(2p) s^(2p)(w_j . x + b_j),   T_j^2 = sum_i c_i w_ji^2,

   so that one coordinate q with the seeds T_j = du_j / dq stands for all of x; a second one, which keeps S a sum, has
   the seeds 0. Each neuron has a direction of its own for it, X_j = C w_j / T_j, and with these held fixed
   T_j = w_j . X_j has all first derivatives by W. The affine part has no second derivatives, and no seeds. Derived for
   this program.

   Cost of an update, a tangent or a reverse: 2 d h operations. */
#include <math.h>
#include <string.h>
#include "compress.h"

#define SMALLEST 1e-280 /* of T_j^2 where w_j is zero */

static PetscErrorCode SeedCreate_Apart(NetworkCompression c, const JetGroup *from, SeedGroup *group)
{
  SeedColumns *each = &group->each;
  PetscFunctionBegin;
  each->n = from->n;
  PetscCall(PetscMalloc3(from->n, &each->input, from->n, &each->coord, from->n, &each->weight));
  for (int i = 0; i < from->n; i++) {
    const double stretch = c->network->stretch[from->coord[i]];
    each->coord[i] = from->coord[i];
    each->input[i] = SeedInput(c, from->coord[i]);
    each->weight[i] = from->coef[i] * stretch * stretch;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SeedDestroy_Apart(SeedGroup *group)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(group->each.input, group->each.coord, group->each.weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_i a_i c_i b_i of neuron j */
static double product(const NetworkCompression c, const SeedColumns *columns, const double a[], const double b[],
                      size_t j)
{
  bool affine;
  const double *left = SeedRow(c, a, j, &affine), *right = SeedRow(c, b, j, &affine), *weight = columns->weight;
  const int *at = columns->input;
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < columns->n; i++) sum += weight[i] * left[at[i]] * right[at[i]];
  return sum;
}

static void SeedUpdate_Apart(NetworkCompression c, const SeedGroup *group, const double theta[])
{
  const size_t n_neuron = (size_t)c->network->layers[0].n_out;
  double *T = c->seeds + (size_t)group->first * c->h;
  memset(T, 0, (size_t)group->width * c->h * sizeof(double));
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t j = 0; j < n_neuron; j++) {
    const double square = product(c, &group->each, theta, theta, j);
    T[j] = square < SMALLEST ? sqrt(SMALLEST) : sqrt(square);
  }
}

static void SeedTangent_Apart(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[])
{
  const size_t n_neuron = (size_t)c->network->layers[0].n_out, at = (size_t)group->first * c->h;
  memset(c->dots + at, 0, (size_t)group->width * c->h * sizeof(double));
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t j = 0; j < n_neuron; j++) c->dots[at + j] = product(c, &group->each, theta, v, j) / c->seeds[at + j];
}

/* x [n_in] += factor X_j */
static void add_direction(const NetworkCompression c, const SeedGroup *group, const double theta[], size_t j,
                          double factor, double x[])
{
  const SeedColumns *columns = &group->each;
  bool affine;
  const double *row = SeedRow(c, theta, j, &affine);
  factor /= c->seeds[(size_t)group->first * c->h + j];
  for (int i = 0; i < columns->n; i++) x[columns->input[i]] += factor * columns->weight[i] * row[columns->input[i]];
}

static void SeedAddRow_Apart(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                             const double bar[], double *scratch, double W_bar[])
{
  const double *own = bar + (size_t)group->first * c->h;
  (void)scratch;
  if (layer != c->network->layers) return;
  for (size_t j = 0; j < (size_t)layer->n_out; j++)
    add_direction(c, group, theta, j, own[j], W_bar + j * (size_t)layer->n_in);
}

static void SeedReverse_Apart(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                              double gradient[])
{
  const Layer *layer = c->network->layers;
  const double *own = bar + (size_t)group->first * c->h;
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t j = 0; j < (size_t)layer->n_out; j++)
    add_direction(c, group, theta, j, own[j], gradient + layer->offset + j * (size_t)layer->n_in);
}

void CompressionDirectionsApart(NetworkCompression c, const double theta[], int seed, double factor, double X[])
{
  const Layer *layer = c->network->layers;
  memset(X, 0, (size_t)layer->n_out * (size_t)layer->n_in * sizeof(double));
  for (int g = 0; g < c->n_group; g++) {
    if (c->groups[g].first != seed) continue; /* the group's other seeds are 0 */
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
    for (size_t j = 0; j < (size_t)layer->n_out; j++)
      add_direction(c, &c->groups[g], theta, j, factor, X + j * (size_t)layer->n_in);
  }
}

const SeedOps SeedApart = {SeedCreate_Apart,
                           SeedDestroy_Apart,
                           SeedUpdate_Apart,
                           SeedTangent_Apart,
                           SeedAddRow_Apart,
                           SeedReverse_Apart,
                           NULL};
