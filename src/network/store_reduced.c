/* J J^T of a layer that reads the coordinates, through the constants S [k][n_in] among its inputs, as few as there are
   compressed coordinates. With a row's adjoints G [n_out][k] there and g_c in the columns c of inputs z_c of its own,

     J = sum_c g_c z_c^T + G S,
     <J, J'> = sum_{c,d} (g_c . g'_d) (z_c . z'_d) + <G, Q'> + <Q, G'>,   Q = sum_c g_c (S z_c)^T + 1/2 G (S S^T),

   two products of n_out k numbers a pair instead of k^2 n_out. Where each output has constants S_j of its own, row j of
   J ends in G_j S_j, and Q has the rows sum_c g_cj (S_j z_c)^T + 1/2 G_j (S_j S_j^T). Derived for this program. */
#include <string.h>
#include "store_impl.h"

int NetworkStoreConstants(NetworkStore s, int layer)
{
  return NetworkReadsInputs(s->network, layer) ? s->n_kept - s->n_own : 0;
}

size_t NetworkStoreConstantSets(NetworkStore s, int layer)
{
  return NetworkReadsInputs(s->network, layer) && s->apart[0] ? (size_t)s->network->layers[layer].n_out : 1;
}

double NetworkStoreReducedFlops(NetworkStore a, NetworkStore b, int layer)
{
  const Layer *l = &a->network->layers[layer];
  const double own = (double)a->n_own * b->n_own, terms = (double)a->n_term * b->n_term;
  return 2.0 * own * l->n_in + terms * (own * (2.0 * l->n_out + PAIR_COST) + 4.0 * l->n_out * (a->n_kept - a->n_own));
}

void NetworkStoreConstantProducts(NetworkStore s, int layer, double M[])
{
  const size_t k = (size_t)NetworkStoreConstants(s, layer), sets = NetworkStoreConstantSets(s, layer);
  const PanelLayer part = StorePanelLayer(s, 0, layer);
  for (size_t j = 0; j < sets; j++) {
    const double *S = part.seeds + j * part.n_in;
    const size_t ld = sets * part.n_in;
    KernelCPU.gemm('N', 'T', k, k, part.n_in, 1.0, S, ld, S, ld, 0.0, M + j * k * k, k);
  }
}

void NetworkStoreProject(NetworkStore s, int panel, int layer, double y[])
{
  const size_t k = (size_t)NetworkStoreConstants(s, layer) * NetworkStoreConstantSets(s, layer);
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  KernelCPU.gemm('N', 'T', part.n_own * (size_t)part.n, k, part.n_in, 1.0, part.z, part.n_in, part.seeds, part.n_in,
                 0.0, y, k);
}

void NetworkStoreReducedRows(NetworkStore s, int panel, int layer, int begin, int count, const double M[],
                             const double y[], double G[], double Q[], size_t stride)
{
  const PanelLayer part = StorePanelLayer(s, panel, layer);
  const size_t k = part.n_column - part.n_own, n = (size_t)part.n, n_out = part.n_out, m = (size_t)count,
               first = (size_t)begin, sets = NetworkStoreConstantSets(s, layer);
  for (size_t e = 0; e < (size_t)s->n_term; e++)
    for (size_t p = 0; p < n; p++) {
      const double *g = part.g + e * part.g_term + p * n_out + first;
      double *row = G + (e * stride + p) * m * k, *other = Q + (e * stride + p) * m * k;
      for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < k; i++) row[j * k + i] = g[(part.n_own + i) * n * n_out + j];
      for (size_t j = 0; j < m && part.apart; j++)
        KernelCPU.gemm('N', 'N', 1, k, k, 0.5, row + j * k, k, M + (first + j) * k * k, k, 0.0, other + j * k, k);
      if (!part.apart) KernelCPU.gemm('N', 'N', m, k, k, 0.5, row, k, M, k, 0.0, other, k);
      for (size_t c = 0; c < part.n_own; c++)
        for (size_t j = 0; j < m; j++) {
          const double *own = y + (c * n + p) * k * sets + (part.apart ? first + j : 0);
          for (size_t i = 0; i < k; i++) other[j * k + i] += g[c * n * n_out + j] * own[i * sets];
        }
    }
}
