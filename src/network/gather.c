/* Seeds of sampled terms: columns of W and A, each times the factor of its term, as many as a draw has coordinates.
   Nothing here costs more than they. */
#include "compress.h"

static PetscErrorCode SeedCreate_Gather(NetworkCompression c, const JetGroup *from, SeedGroup *group)
{
  const size_t n = (size_t)from->n, arity = (size_t)from->arity;
  PetscFunctionBegin;
  (void)c;
  group->n = from->n;
  group->arity = from->arity;
  PetscCall(PetscMalloc2(n * arity, &group->coord, n, &group->coef));
  PetscCall(PetscArraycpy(group->coord, from->coord, n * arity));
  PetscCall(PetscArraycpy(group->coef, from->coef, n));
  PetscCall(PetscCalloc2(from->passes * from->width, &group->place, from->passes * from->width, &group->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SeedDestroy_Gather(SeedGroup *group)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(group->coord, group->coef));
  PetscCall(PetscFree2(group->place, group->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkCompressionPick(NetworkCompression c, int g, const int terms[])
{
  SeedGroup *group = &c->groups[g];
  for (int k = 0; k < c->n_pass * group->width; k++) {
    const int term = terms[k / group->arity];
    group->place[k] = group->coord[term * group->arity + k % group->arity];
    group->scale[k] = group->coef[term] * c->network->stretch[group->place[k]];
  }
}

/* Where the numbers of a seed begin among all of a pass-by-pass array [n_seed][h]. */
static size_t seed_begin(const NetworkCompression c, const SeedGroup *group, int k)
{
  return (size_t)(k / group->width * c->n_pass_seed + group->first + k % group->width) * c->h;
}

static void gather(const NetworkCompression c, const SeedGroup *group, const double values[], double seeds[])
{
  for (int k = 0; k < c->n_pass * group->width; k++)
    for (size_t j = 0; j < c->h; j++) {
      bool affine;
      const double *row = SeedRow(c, values, j, &affine);
      const int at = affine ? group->place[k] : SeedInput(c, group->place[k]);
      seeds[seed_begin(c, group, k) + j] = group->scale[k] * row[at];
    }
}

static void SeedUpdate_Gather(NetworkCompression c, const SeedGroup *group, const double theta[])
{
  gather(c, group, theta, c->seeds);
}

static void SeedTangent_Gather(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[])
{
  (void)theta;
  gather(c, group, v, c->dots);
}

static void SeedAddRow_Gather(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                              const double bar[], double *scratch, double W_bar[])
{
  const bool affine = layer != c->network->layers;
  const size_t n_row = (size_t)layer->n_out, first = affine ? c->h - n_row : 0;
  (void)theta, (void)scratch;
  for (int k = 0; k < c->n_pass * group->width; k++) {
    const double *seed = bar + seed_begin(c, group, k) + first;
    double *column = W_bar + (affine ? group->place[k] : SeedInput(c, group->place[k]));
    for (size_t j = 0; j < n_row; j++) column[j * (size_t)layer->n_in] += group->scale[k] * seed[j];
  }
}

static void SeedReverse_Gather(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                               double gradient[])
{
  const Layer *layer = c->network->layers, *affine = NetworkAffine(c->network);
  SeedAddRow_Gather(c, group, layer, theta, bar, NULL, gradient + layer->offset);
  if (affine) SeedAddRow_Gather(c, group, affine, theta, bar, NULL, gradient + affine->offset);
}

static void SeedDirections_Gather(NetworkCompression c, const SeedGroup *group, const double theta[], int seed, int n,
                                  const double factor[], double directions[])
{
  const int first = seed - group->first;
  (void)theta;
  for (int k = 0; k < n; k++)
    directions[(size_t)k * (size_t)c->network->n_coord + (size_t)group->place[first + k]] +=
        factor[k] * group->scale[first + k];
}

const SeedOps SeedGather = {SeedCreate_Gather, SeedDestroy_Gather, SeedUpdate_Gather,    SeedTangent_Gather,
                            SeedAddRow_Gather, SeedReverse_Gather, SeedDirections_Gather};
