/* Seeds of coordinates that stand for others, group by group (compress.h). Directions are held fixed, so that a seed is
   linear in W: adjoints of seeds, summed over points by each sweep in its slot, meet the weights once. */
#include <omp.h>
#include <string.h>
#include "compress.h"

/* Directions that the plan seeds by itself. */
static PetscErrorCode SeedCreate_None(NetworkCompression c, const JetGroup *from, SeedGroup *group)
{
  (void)c, (void)from, (void)group;
  return PETSC_SUCCESS;
}
static PetscErrorCode SeedDestroy_None(SeedGroup *group)
{
  (void)group;
  return PETSC_SUCCESS;
}
static void SeedUpdate_None(NetworkCompression c, const SeedGroup *group, const double theta[])
{
  (void)c, (void)group, (void)theta;
}
static void SeedTangent_None(NetworkCompression c, const SeedGroup *group, const double theta[], const double v[])
{
  (void)c, (void)group, (void)theta, (void)v;
}
static void SeedAddRow_None(NetworkCompression c, const SeedGroup *group, const Layer *layer, const double theta[],
                            const double bar[], double *scratch, double W_bar[])
{
  (void)c, (void)group, (void)layer, (void)theta, (void)bar, (void)scratch, (void)W_bar;
}
static void SeedReverse_None(NetworkCompression c, const SeedGroup *group, const double theta[], const double bar[],
                             double gradient[])
{
  (void)c, (void)group, (void)theta, (void)bar, (void)gradient;
}
static void SeedDirections_None(NetworkCompression c, const SeedGroup *group, const double theta[], int seed, int n,
                                const double factor[], double directions[])
{
  (void)c, (void)group, (void)theta, (void)seed, (void)n, (void)factor, (void)directions;
}
static const SeedOps SeedNone = {SeedCreate_None, SeedDestroy_None, SeedUpdate_None,    SeedTangent_None,
                                 SeedAddRow_None, SeedReverse_None, SeedDirections_None};

static const SeedOps *const kinds[] = {
    [JET_COMPRESS] = &SeedCompress, [JET_SAMPLE] = &SeedGather, [JET_PROJECT] = &SeedProject, [JET_DIRECT] = &SeedNone};

PetscErrorCode NetworkCompressionCreate(Network network, int n_group, const JetGroup groups[],
                                        NetworkCompression *compression)
{
  NetworkCompression c;
  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *compression = c;
  c->network = network;
  c->h = (size_t)NetworkFirstWidth(network);
  c->n_group = n_group;
  c->n_thread = omp_get_max_threads();
  PetscCall(PetscCalloc1(n_group, &c->groups));
  for (int g = 0; g < n_group; g++) {
    const bool apart = groups[g].reduction == JET_COMPRESS && NetworkCompressedWidth(network) == 1;
    c->groups[g] = (SeedGroup){.ops = apart ? &SeedApart : kinds[groups[g].reduction],
                               .reduction = groups[g].reduction,
                               .first = groups[g].first - network->n_coord,
                               .width = groups[g].width};
    c->n_pass_seed += groups[g].width;
    c->n_pass = groups[g].passes;
    PetscCall(c->groups[g].ops->create(c, &groups[g], &c->groups[g]));
  }
  c->n_seed = c->n_pass * c->n_pass_seed;
  PetscCall(PetscCalloc2((size_t)c->n_seed * c->h, &c->seeds, (size_t)c->n_seed * c->h, &c->dots));
  PetscCall(SquaresCreate(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NetworkCompressionDestroy(NetworkCompression *compression)
{
  NetworkCompression c = *compression;
  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SquaresDestroy(c));
  for (int g = 0; g < c->n_group; g++) PetscCall(c->groups[g].ops->destroy(&c->groups[g]));
  for (int k = 0; k < c->n_slot; k++) PetscCall(PetscFree2(c->slots[k].bar, c->slots[k].scratch));
  PetscCall(PetscFree2(c->seeds, c->dots));
  PetscCall(PetscFree(c->groups));
  PetscCall(PetscFree(c->slots));
  PetscCall(PetscFree(*compression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NetworkCompressionDoubles(NetworkCompression c)
{
  return (double)c->h * (2.0 + c->n_slot) * c->n_seed + c->n_slot * (double)SquaresScratch(c) + SquaresDoubles(c);
}

PetscErrorCode CompressionSlot(NetworkCompression c, int *slot, double **bar)
{
  SeedSlot *s;
  PetscFunctionBegin;
  PetscCall(PetscRealloc(sizeof(SeedSlot) * (size_t)(c->n_slot + 1), &c->slots));
  *slot = c->n_slot++;
  s = &c->slots[*slot];
  PetscCall(PetscCalloc2((size_t)c->n_seed * c->h, &s->bar, SquaresScratch(c), &s->scratch));
  *bar = s->bar;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *CompressionSeeds(NetworkCompression c, bool dots, int pass)
{
  return (dots ? c->dots : c->seeds) + CompressionPass(c, pass);
}

size_t CompressionPass(NetworkCompression c, int pass)
{
  return (size_t)pass * (size_t)c->n_pass_seed * c->h;
}

void NetworkCompressionUpdate(NetworkCompression c, const double theta[])
{
  const bool changed = SquaresChanged(c, theta);
  for (int g = 0; g < c->n_group; g++)
    if (changed || c->groups[g].ops != &SeedCompress) c->groups[g].ops->update(c, &c->groups[g], theta);
}

void NetworkCompressionTangent(NetworkCompression c, const double theta[], const double v[])
{
  if (c->network->layers[0].frozen) return;
  for (int g = 0; g < c->n_group; g++) c->groups[g].ops->tangent(c, &c->groups[g], theta, v);
}

void CompressionAddRow(NetworkCompression c, int slot, const Layer *layer, const double theta[], double W_bar[])
{
  const size_t n_row = (size_t)layer->n_out, first = layer != c->network->layers ? c->h - n_row : 0;
  const SeedSlot *s = &c->slots[slot];
  for (int g = 0; g < c->n_group; g++)
    c->groups[g].ops->add_row(c, &c->groups[g], layer, theta, s->bar, s->scratch, W_bar);
  for (size_t k = 0; k < (size_t)c->n_seed; k++) memset(s->bar + k * c->h + first, 0, n_row * sizeof(double));
}

void CompressionDirections(NetworkCompression c, const double theta[], int seed, int n, const double factor[],
                           double directions[])
{
  const size_t n_coord = (size_t)c->network->n_coord;
  memset(directions, 0, sizeof(double) * (size_t)n * n_coord);
  for (int g = 0; g < c->n_group; g++) {
    const SeedGroup *group = &c->groups[g];
    const int from = PetscMax(seed, group->first), to = PetscMin(seed + n, group->first + group->width);
    if (from >= to || !group->ops->directions) continue;
    const int skip = from - seed;
    group->ops->directions(c, group, theta, from, to - from, factor + skip, directions + (size_t)skip * n_coord);
  }
}

bool CompressionIsApart(const NetworkCompression c)
{
  for (int g = 0; g < c->n_group; g++)
    if (c->groups[g].ops == &SeedApart) return true;
  return false;
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
  for (int g = 0; g < c->n_group; g++) c->groups[g].ops->reverse(c, &c->groups[g], theta, bar, gradient);
  memset(bar, 0, size * sizeof(double));
}
