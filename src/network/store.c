/* Stored sweeps: what is kept, and where. */
#include <string.h>
#include "store_impl.h"

#define PANEL_JETS 256 /* points times columns: GEMMs of this order run at full speed, their result fits the cache */
#define LINE       8   /* doubles of a cache line: unaligned vectors cost twice the time */

/* The jets of the first layer's inputs besides the points themselves: columns that are not zero and their constant
   values, [n_coord] each. columns and values may be NULL. Compressed coordinates get theirs with theta. */
static int seeded_columns(Network network, JetPlan plan, int columns[], double values[])
{
  int n_seeded = 0;
  for (int c = 1; c < JetPlanColumns(plan); c++) {
    Seeds seeds = {0, NULL, NULL};
    (void)JetPlanSeeds(plan, c, &seeds.n, &seeds.coord, &seeds.factor); /* cannot fail for a column it has */
    if (!seeds.n) continue;
    if (columns) columns[n_seeded] = c;
    for (int k = 0; values && k < seeds.n; k++)
      if (seeds.coord[k] < network->n_coord)
        values[n_seeded * network->n_coord + seeds.coord[k]] = seeds.factor[k] * network->stretch[seeds.coord[k]];
    n_seeded++;
  }
  return n_seeded;
}

static bool seeds_vary(JetPlan plan)
{
  for (int c = 1; c < JetPlanColumns(plan); c++)
    if (JetPlanSeedsVary(plan, c)) return true;
  return false;
}

/* Doubles a point: fills the layers' places, where wanted. */
static size_t lay_out(Network network, JetPlan plan, int n_term, size_t z_at[], size_t g_at[])
{
  const size_t C = (size_t)JetPlanColumns(plan), kept = 1 + (size_t)seeded_columns(network, plan, NULL, NULL);
  const size_t inputs = seeds_vary(plan) ? kept : 1;
  size_t end = 0;
  int first, n_layer;
  NetworkTrainedLayers(network, &first, &n_layer);
  for (int l = first; l < n_layer; l++) {
    const Layer *layer = &network->layers[l];
    if (z_at) z_at[l] = end;
    end += (l ? C : inputs) * (size_t)layer->n_in;
    if (g_at) g_at[l] = end;
    end += (size_t)n_term * (l ? C : kept) * (size_t)layer->n_out;
  }
  return end;
}

double NetworkStoreDoubles(Network network, JetPlan plan, double n_point, int n_term)
{
  return n_point * (double)lay_out(network, plan, n_term, NULL, NULL);
}

/* Products with the seeds are a panel's own work: it should have as much to do for its points. */
static int panel_points(Network network, NetworkCompression compression, int n_column)
{
  const int amortized = compression ? network->n_coord / network->layers[0].n_out : 0;
  return PetscMax(8, PetscMax(PANEL_JETS / n_column, amortized) / 8 * 8);
}

PetscErrorCode NetworkStoreCreate(Network network, JetPlan plan, NetworkCompression compression, int n_point,
                                  int n_term, NetworkStore *store)
{
  NetworkStore s;
  int n_layer;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *store = s;
  s->network = network;
  s->n_column = JetPlanColumns(plan);
  s->n_term = n_term;
  s->n_point = n_point;
  NetworkTrainedLayers(network, &s->first, &n_layer);
  s->plan = plan;
  s->compression = compression;
  s->panel = panel_points(network, compression, s->n_column);
  s->n_panel = (n_point + s->panel - 1) / s->panel;
  PetscCall(PetscMalloc2(network->n_layer, &s->z_at, network->n_layer, &s->g_at));
  s->point = lay_out(network, plan, n_term, s->z_at, s->g_at);
  PetscCall(PetscCalloc2(s->n_column, &s->columns, (size_t)s->n_column * (size_t)network->n_coord, &s->seeds));
  s->varies = seeds_vary(plan);
  if (s->first == 0) s->n_seeded = seeded_columns(network, plan, s->columns + 1, s->seeds);
  PetscCall(PetscMalloc1((size_t)n_point * s->point + LINE, &s->storage));
  s->data = s->storage + LINE - (uintptr_t)s->storage / sizeof(double) % LINE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkStoreSetTheta(NetworkStore s, const double theta[])
{
  const int n_coord = s->network->n_coord;
  if (!s->compression) return;
  for (int k = 0; k < s->n_seeded; k++) {
    Seeds seeds = {0, NULL, NULL};
    (void)JetPlanSeeds(s->plan, s->columns[k + 1], &seeds.n, &seeds.coord, &seeds.factor);
    if (seeds.n == 1 && seeds.coord[0] >= n_coord)
      CompressionDirection(s->compression, theta, seeds.coord[0] - n_coord, seeds.factor[0],
                           s->seeds + (size_t)k * (size_t)n_coord);
  }
}

PetscErrorCode NetworkStoreDestroy(NetworkStore *store)
{
  NetworkStore s = *store;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(s->z_at, s->g_at));
  PetscCall(PetscFree2(s->columns, s->seeds));
  PetscCall(PetscFree(s->storage));
  PetscCall(PetscFree(*store));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NetworkStoreResize(NetworkStore s, int n_point)
{
  s->n_point = n_point;
  s->n_panel = (n_point + s->panel - 1) / s->panel;
}

int NetworkStorePanels(NetworkStore s)
{
  return s->n_panel;
}

void NetworkStorePanel(NetworkStore s, int panel, int *begin, int *n)
{
  *begin = panel * s->panel;
  *n = PetscMin(s->panel, s->n_point - *begin);
}

double *NetworkStoreData(NetworkStore s, int panel, size_t *n)
{
  int begin, n_point;
  NetworkStorePanel(s, panel, &begin, &n_point);
  *n = (size_t)n_point * s->point;
  return s->data + (size_t)begin * s->point;
}

PanelLayer StorePanelLayer(NetworkStore s, int panel, int l)
{
  const Layer *layer = &s->network->layers[l];
  PanelLayer part = {
      .layer = layer, .n_in = (size_t)layer->n_in, .n_out = (size_t)layer->n_out, .seeded = l == 0 && !s->varies};
  int begin;
  NetworkStorePanel(s, panel, &begin, &part.n);
  double *data = s->data + (size_t)begin * s->point;
  part.n_column = l ? (size_t)s->n_column : 1 + (size_t)s->n_seeded;
  part.z = data + (size_t)part.n * s->z_at[l];
  part.g = data + (size_t)part.n * s->g_at[l];
  part.g_term = part.n_column * (size_t)part.n * part.n_out;
  return part;
}
