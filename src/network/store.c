/* Stored sweeps: what is kept, and where. */
#include <string.h>
#include "store_impl.h"

#define RUN        128 /* directions made at once */
#define PANEL_JETS 256 /* points times columns: GEMMs of this order run at full speed, their result fits the cache */
#define LINE       8   /* doubles of a cache line: unaligned vectors cost twice the time */

/* The columns of layers that read the coordinates, those with inputs of their own first; columns may be NULL. */
static int seeded_columns(JetPlan plan, int columns[], int *n_own)
{
  int n = 1;
  *n_own = 1;
  if (columns) columns[0] = 0;
  for (int constant = 0; constant < 2; constant++) {
    for (int c = 1; c < JetPlanColumns(plan); c++) {
      Seeds seeds = {0, NULL, NULL};
      (void)JetPlanSeeds(plan, c, &seeds.n, &seeds.coord, &seeds.factor); /* cannot fail for a column it has */
      if (!seeds.n || JetPlanSeedsVary(plan, c) == (constant == 1)) continue;
      if (columns) columns[n] = c;
      n++;
    }
    if (!constant) *n_own = n;
  }
  return n;
}

/* values [n_coord]: the constant inputs of a column. Compressed coordinates get theirs with theta. */
static void set_constants(NetworkStore s, int column, double values[])
{
  const Network network = s->network;
  Seeds seeds = {0, NULL, NULL};
  (void)JetPlanSeeds(s->plan, column, &seeds.n, &seeds.coord, &seeds.factor);
  for (int k = 0; k < seeds.n; k++)
    if (seeds.coord[k] < network->n_coord) values[seeds.coord[k]] = seeds.factor[k] * network->stretch[seeds.coord[k]];
}

static void share_constants(NetworkStore s)
{
  const Network network = s->network;
  const size_t n_coord = (size_t)network->n_coord, n_input = (size_t)network->n_input;
  if (!network->input_of) return;
  memset(s->shared, 0, (size_t)(s->n_kept - s->n_own) * n_input * sizeof(double));
  for (size_t k = 0; k < (size_t)(s->n_kept - s->n_own); k++)
    for (size_t i = 0; i < n_coord; i++)
      s->shared[k * n_input + (size_t)network->input_of[i]] += s->seeds[k * n_coord + i];
}

/* Doubles a point: fills the layers' places, where wanted. */
static size_t lay_out(Network network, JetPlan plan, int n_term, size_t z_at[], size_t g_at[])
{
  const int C = JetPlanColumns(plan);
  size_t end = 0, inputs = 0;
  int first, n_layer, n_own;
  const int kept = seeded_columns(plan, NULL, &n_own);
  NetworkTrainedLayers(network, &first, &n_layer);
  for (int l = first; l < n_layer; l++) {
    const Layer *layer = &network->layers[l];
    const bool reads = NetworkReadsInputs(network, l), again = reads && l && !network->input_of;
    if (NetworkIsQuadratic(network, l)) {
      const bool own = network->input_of && !network->affine; /* nothing else has the coordinates one by one */
      if (z_at) z_at[l] = own ? end : network->input_of ? z_at[network->n_layer] : inputs;
      if (own) end += (size_t)network->n_coord;
      if (g_at) g_at[l] = end;
      end += (size_t)n_term * StoreQuadraticPoint(network, plan);
      continue;
    }
    if (z_at) z_at[l] = again ? inputs : end;
    if (!again) end += StoreColumns(network, l, n_own, C) * (size_t)layer->n_in;
    if (g_at) g_at[l] = end;
    end += (size_t)n_term * StoreColumns(network, l, kept, C) * (size_t)layer->n_out;
  }
  return end;
}

double NetworkStoreDoubles(Network network, JetPlan plan, double n_point, int n_term)
{
  return n_point * (double)lay_out(network, plan, n_term, NULL, NULL);
}

/* Products with the seeds are a panel's own work: it should have as much to do for its points. */
static int panel_points(Network network, NetworkCompression compression, int n_column, int n_point)
{
  const int quarter = (n_point + 3) / 4; /* there is something left to share among threads */
  const int amortized = compression ? PetscMin(quarter, network->n_coord / NetworkFirstWidth(network)) : 0;
  return PetscMax(8, PetscMax(PANEL_JETS / n_column, amortized) / 8 * 8);
}

/* The same constants for all neurons: X [n_kept - n_own][n_out][n_in]. */
static void repeat_constants(NetworkStore s, const Layer *layer, double X[])
{
  const double *from = layer->input_of ? s->shared : s->seeds;
  const size_t n_in = (size_t)layer->n_in, n_out = (size_t)layer->n_out;
  for (size_t k = 0; k < (size_t)(s->n_kept - s->n_own); k++)
    for (size_t j = 0; j < n_out; j++) memcpy(X + (k * n_out + j) * n_in, from + k * n_in, n_in * sizeof(double));
}

static PetscErrorCode create_constants(NetworkStore s)
{
  const size_t n_coord = (size_t)s->network->n_coord;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->n_column, &s->columns));
  s->n_kept = seeded_columns(s->plan, s->columns, &s->n_own);
  const size_t n = (size_t)(s->n_kept - s->n_own);
  PetscCall(PetscCalloc1(n * n_coord, &s->seeds));
  for (size_t k = 0; k < n; k++) set_constants(s, s->columns[s->n_own + (int)k], s->seeds + k * n_coord);
  s->shared = s->seeds;
  if (s->network->input_of) PetscCall(PetscMalloc1(n * (size_t)s->network->n_input, &s->shared));
  share_constants(s);
  for (int k = 0; k < 2 && s->compression && CompressionIsApart(s->compression); k++) {
    const Layer *layer = k ? NetworkAffine(s->network) : s->network->layers;
    if (layer) PetscCall(PetscMalloc1(n * (size_t)layer->n_out * (size_t)layer->n_in, &s->apart[k]));
    if (layer) repeat_constants(s, layer, s->apart[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
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
  s->panel = panel_points(network, compression, s->n_column, n_point);
  s->n_panel = (n_point + s->panel - 1) / s->panel;
  PetscCall(PetscMalloc2(n_layer, &s->z_at, n_layer, &s->g_at));
  s->point = lay_out(network, plan, n_term, s->z_at, s->g_at);
  if (s->first == 0) PetscCall(create_constants(s));
  if (network->quadratic) PetscCall(QuadraticJetsCreate(network, plan, compression, &s->quadratic));
  if (s->first == 0) PetscCall(StoreFindScales(s));
  PetscCall(PetscMalloc1((size_t)n_point * s->point + LINE, &s->storage));
  s->data = s->storage + LINE - (uintptr_t)s->storage / sizeof(double) % LINE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The seed of a compressed coordinate that a kept column is, counted from 0, and its factor; or -1. */
static int compressed_seed(NetworkStore s, int column, double *factor)
{
  const int n_coord = s->network->n_coord;
  Seeds seeds = {0, NULL, NULL};
  (void)JetPlanSeeds(s->plan, s->columns[column], &seeds.n, &seeds.coord, &seeds.factor);
  if (seeds.n != 1 || seeds.coord[0] < n_coord) return -1;
  *factor = seeds.factor[0];
  return seeds.coord[0] - n_coord;
}

void NetworkStoreSetTheta(NetworkStore s, const double theta[])
{
  const size_t n_coord = (size_t)s->network->n_coord;
  const Layer *layer = s->network->layers;
  double factors[RUN];
  if (!s->compression) return;
  for (int k = s->n_own, n = 1; k < s->n_kept; k += n, n = 1) {
    const int first = compressed_seed(s, k, factors);
    if (first < 0) continue;
    if (s->apart[0]) {
      const size_t size = (size_t)layer->n_out * (size_t)layer->n_in;
      CompressionDirectionsApart(s->compression, theta, first, factors[0], s->apart[0] + (size_t)(k - s->n_own) * size);
      continue;
    }
    while (n < RUN && k + n < s->n_kept && compressed_seed(s, k + n, factors + n) == first + n) n++;
    CompressionDirections(s->compression, theta, first, n, factors, s->seeds + (size_t)(k - s->n_own) * n_coord);
  }
  share_constants(s);
}

PetscErrorCode NetworkStoreDestroy(NetworkStore *store)
{
  NetworkStore s = *store;
  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(s->z_at, s->g_at));
  if (s->shared != s->seeds) PetscCall(PetscFree(s->shared));
  PetscCall(PetscFree(s->seeds));
  PetscCall(PetscFree(s->apart[0]));
  PetscCall(PetscFree(s->apart[1]));
  PetscCall(PetscFree(s->columns));
  PetscCall(QuadraticJetsDestroy(&s->quadratic));
  PetscCall(PetscFree(s->scales));
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
  PanelLayer part = {.layer = layer, .n_in = (size_t)layer->n_in, .n_out = (size_t)layer->n_out};
  int begin;
  NetworkStorePanel(s, panel, &begin, &part.n);
  double *data = s->data + (size_t)begin * s->point;
  part.n_column = StoreColumns(s->network, l, s->n_kept, s->n_column);
  part.n_own = StoreColumns(s->network, l, s->n_own, s->n_column);
  part.apart = NetworkReadsInputs(s->network, l) && s->apart[0];
  part.seeds = part.apart ? s->apart[l > 0] : layer->input_of ? s->shared : s->seeds;
  part.z = data + (size_t)part.n * s->z_at[l];
  part.g = data + (size_t)part.n * s->g_at[l];
  part.g_term = part.n_column * (size_t)part.n * part.n_out;
  if (NetworkIsQuadratic(s->network, l)) {
    part.form = s->quadratic;
    part.g_term = (size_t)part.n * StoreQuadraticPoint(s->network, s->plan);
  }
  return part;
}
