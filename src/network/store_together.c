/* J J^T of all layers that read the coordinates at once. Where the inputs of all columns that have some of their own
   are multiples of the points, z_c = s_c z, a layer's part there is

     sum_{c,d} (g_c . g'_d) (z_c . z'_d) = (z . z') (sum_c s_c g_c) . (sum_d s_d g'_d),

   and with the quadratic form's (store_quadratic.c) all of them have the same products z . z' of two points. */
#include <string.h>
#include "store_impl.h"

#define LEAST 16 /* coordinates for which these products are worth sharing */

static PetscErrorCode find_scales(NetworkStore s, double scales[], bool *found)
{
  PetscFunctionBegin;
  *found = true;
  for (int i = 0; i < s->network->n_coord && s->n_own > 1; i++) *found = *found && s->network->shift[i] == 0.0;
  scales[0] = 1.0;
  for (int c = 1; c < s->n_own && *found; c++)
    *found = JetPlanSeedsScale(s->plan, s->columns[c], s->network->n_coord, &scales[c]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StoreFindScales(NetworkStore s)
{
  bool found = s->network->n_coord >= LEAST && !s->network->input_of && (!s->quadratic || s->quadratic->aligned);
  PetscFunctionBegin;
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(s->n_own, &s->scales));
  PetscCall(find_scales(s, s->scales, &found));
  if (!found) PetscCall(PetscFree(s->scales));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NetworkStoreShares(NetworkStore a, NetworkStore b)
{
  return a->scales && b->scales;
}

bool NetworkLayerShares(Network network, int layer)
{
  return NetworkReadsInputs(network, layer) || NetworkIsQuadratic(network, layer);
}

static size_t widest_reader(Network network)
{
  const Layer *affine = NetworkAffine(network);
  return (size_t)PetscMax(network->layers[0].n_out, affine ? affine->n_out : 0);
}

size_t NetworkStoreTogetherWork(NetworkStore a, NetworkStore b)
{
  const size_t m = (size_t)a->panel, n = (size_t)b->panel;
  const size_t adjoints = m * n + (m + n) * widest_reader(a->network);
  return 2 * m * n + PetscMax(adjoints, a->quadratic ? StoreQuadraticGramWork(a, b) : 0);
}

/* to [n][n_out] = sum_c s_c g_c of a term */
static void merge(const PanelLayer *part, size_t term, const double scales[], double to[])
{
  const size_t size = (size_t)part->n * part->n_out;
  const double *g = part->g + term * part->g_term;
  memcpy(to, g, size * sizeof(double));
  for (size_t c = 1; c < part->n_own; c++)
    for (size_t k = 0; k < size; k++) to[k] += scales[c] * g[c * size + k];
}

/* sums [m][n] += a layer's part; S [m][n] products of points */
static void add_layer(NetworkStore a, const PanelLayer *A, size_t e, NetworkStore b, const PanelLayer *B, size_t f,
                      const double S[], double work[], double sums[])
{
  const size_t m = (size_t)A->n, n = (size_t)B->n, n_out = A->n_out;
  double *Y = work, *left = Y + m * n, *right = left + m * n_out;
  merge(A, e, a->scales, left);
  merge(B, f, b->scales, right);
  KernelCPU.gemm('N', 'T', m, n, n_out, 1.0, left, n_out, right, n_out, 0.0, Y, n);
  for (size_t k = 0; k < m * n; k++) sums[k] += S[k] * Y[k];
  if (!A->layer->unbiased)
    KernelCPU.gemm('N', 'T', m, n, n_out, 1.0, A->g + e * A->g_term, n_out, B->g + f * B->g_term, n_out, 1.0, sums, n);
}

void NetworkStoreGramTogether(NetworkStore a, int panel_a, NetworkStore b, int panel_b, bool lower, double work[],
                              double K[], size_t ldk)
{
  const Network network = a->network;
  const PanelLayer first = StorePanelLayer(a, panel_a, 0), other = StorePanelLayer(b, panel_b, 0);
  const size_t m = (size_t)first.n, n = (size_t)other.n, d = first.n_in;
  double *S = work, *sums = S + m * n, *rest = sums + m * n;
  KernelCPU.gemm('N', 'T', m, n, d, 1.0, first.z, d, other.z, d, 0.0, S, n);
  for (size_t e = 0; e < (size_t)a->n_term; e++)
    for (size_t f = 0; f < (size_t)b->n_term; f++) {
      if (lower && e < f && panel_a == panel_b) continue;
      memset(sums, 0, m * n * sizeof(double));
      for (int l = 0; l < NetworkAllLayers(network); l++) {
        if (!NetworkReadsInputs(network, l)) continue;
        const PanelLayer A = StorePanelLayer(a, panel_a, l), B = StorePanelLayer(b, panel_b, l);
        add_layer(a, &A, e, b, &B, f, S, rest, sums);
      }
      if (network->quadratic) StoreQuadraticPairs(a, panel_a, e, b, panel_b, f, S, rest, sums);
      StoreAddBlock(a, panel_a, e, b, panel_b, f, lower && e < f, sums, K, ldk);
    }
}
