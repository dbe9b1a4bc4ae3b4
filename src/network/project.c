/* Seeds of random directions v of a sum of squares S = sum_i c_i d_i^2: T = W C^(1/2) V / sqrt(m), V [n][m] with
   E v v^T = 1, so that E sum_k d_{q_k}^2 = S. Cost of an update, a tangent or a reverse: 2 d h m. */
#include <math.h>
#include <string.h>
#include "compress.h"

#define CHUNK 512 /* numbers of a row gathered at a time */

static PetscErrorCode SeedCreate_Project(NetworkCompression c, const JetGroup *from, SeedGroup *group)
{
  SeedColumns *each = &group->each;
  PetscFunctionBegin;
  each->n = from->n;
  PetscCall(PetscMalloc3(from->n, &each->input, from->n, &each->coord, from->n, &each->weight));
  PetscCall(PetscCalloc1((size_t)from->width * (size_t)from->n, &group->directions));
  for (int i = 0; i < from->n; i++) {
    each->coord[i] = from->coord[i];
    each->input[i] = SeedInput(c, from->coord[i]);
    each->weight[i] = sqrt(from->coef[i] / from->width) * c->network->stretch[from->coord[i]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SeedDestroy_Project(SeedGroup *group)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(group->each.input, group->each.coord, group->each.weight));
  PetscCall(PetscFree(group->directions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkCompressionAim(NetworkCompression c, int g, const double V[])
{
  SeedGroup *group = &c->groups[g];
  const size_t n = (size_t)group->each.n;
  for (size_t k = 0; k < (size_t)group->width; k++)
    for (size_t i = 0; i < n; i++) group->directions[k * n + i] = group->each.weight[i] * V[k * n + i];
}

/* Row j of the seeds. */
static void project_row(const NetworkCompression c, const SeedGroup *group, const double values[], size_t j,
                        double seeds[])
{
  const SeedColumns *columns = &group->each;
  double gathered[CHUNK];
  bool affine;
  const double *row = SeedRow(c, values, j, &affine);
  const int *at = affine ? columns->coord : columns->input;
  for (int k = 0; k < group->width; k++) seeds[(size_t)(group->first + k) * c->h + j] = 0.0;
  for (int begin = 0; begin < columns->n; begin += CHUNK) {
    const int n = PetscMin(CHUNK, columns->n - begin);
    for (int i = 0; i < n; i++) gathered[i] = row[at[begin + i]];
    for (int k = 0; k < group->width; k++) {
      const double *v = group->directions + (size_t)k * (size_t)columns->n + (size_t)begin;
      double sum = 0.0;
#pragma omp simd reduction(+ : sum)
      for (int i = 0; i < n; i++) sum += v[i] * gathered[i];
      seeds[(size_t)(group->first + k) * c->h + j] += sum;
    }
  }
}

static void project(const NetworkCompression c, const SeedGroup *group, const double values[], double seeds[])
{
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t j = 0; j < c->h; j++) project_row(c, group, values, j, seeds);
}

static void SeedUpdate_Project(NetworkCompression c, const SeedGroup *group, const double theta[])
{
  project(c, group, theta, c->seeds);
}

static void SeedTangent_Project(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[])
{
  (void)theta;
  project(c, group, v, c->dots);
}

/* W_bar's row of a layer, whose adjoint is bar [.. c->h] from its first row on. */
static void add_row(const NetworkCompression c, const SeedGroup *group, const int at[], const double bar[],
                    double W_bar[])
{
  const SeedColumns *columns = &group->each;
  double sum[CHUNK];
  for (int begin = 0; begin < columns->n; begin += CHUNK) {
    const int n = PetscMin(CHUNK, columns->n - begin);
    memset(sum, 0, sizeof(sum));
    for (int k = 0; k < group->width; k++) {
      const double *v = group->directions + (size_t)k * (size_t)columns->n + (size_t)begin;
      const double g = bar[(size_t)(group->first + k) * c->h];
#pragma omp simd
      for (int i = 0; i < n; i++) sum[i] += g * v[i];
    }
    for (int i = 0; i < n; i++) W_bar[at[begin + i]] += sum[i];
  }
}

static void SeedAddRow_Project(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                               const double bar[], double *scratch, double W_bar[])
{
  const bool affine = layer != c->network->layers;
  const size_t n_row = (size_t)layer->n_out, first = affine ? c->h - n_row : 0;
  const int *at = affine ? group->each.coord : group->each.input;
  (void)theta, (void)scratch;
  for (size_t j = 0; j < n_row; j++) add_row(c, group, at, bar + first + j, W_bar + j * (size_t)layer->n_in);
}

static void SeedReverse_Project(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                                double gradient[])
{
  const Layer *layer = c->network->layers, *affine = NetworkAffine(c->network);
  const size_t n_row = (size_t)layer->n_out;
#pragma omp parallel for schedule(static) num_threads(c->n_thread)
  for (size_t j = 0; j < n_row; j++)
    add_row(c, group, group->each.input, bar + j, gradient + layer->offset + j * (size_t)layer->n_in);
  if (affine) SeedAddRow_Project(c, group, affine, theta, bar, NULL, gradient + affine->offset);
}

static void SeedDirections_Project(NetworkCompression c, const SeedGroup *group, const double theta[], int seed, int n,
                                   const double factor[], double directions[])
{
  (void)theta;
  for (int k = 0; k < n; k++) {
    const double *v = group->directions + (size_t)(seed - group->first + k) * (size_t)group->each.n;
    double *direction = directions + (size_t)k * (size_t)c->network->n_coord;
    for (int i = 0; i < group->each.n; i++) direction[group->each.coord[i]] += factor[k] * v[i];
  }
}

const SeedOps SeedProject = {SeedCreate_Project, SeedDestroy_Project, SeedUpdate_Project,    SeedTangent_Project,
                             SeedAddRow_Project, SeedReverse_Project, SeedDirections_Project};
