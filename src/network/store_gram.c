/* J J^T layer by layer from stored sweeps: products of two Gram matrices over columns x points. */
#include <math.h>
#include <string.h>
#include "store_impl.h"

size_t NetworkStoreGramWork(NetworkStore a, NetworkStore b)
{
  const size_t m = (size_t)a->panel, n = (size_t)b->panel;
  const size_t pairs = 2 * (size_t)a->n_column * m * (size_t)b->n_column * n + m * n;
  return a->quadratic ? PetscMax(pairs, StoreQuadraticGramWork(a, b)) : pairs;
}

static double kept_columns(NetworkStore s, int l)
{
  return (double)StoreColumns(s->network, l, s->n_kept, s->n_column);
}

double NetworkStoreGramFlops(NetworkStore a, NetworkStore b, int l)
{
  const Layer *layer = &a->network->layers[l];
  const double columns = kept_columns(a, l) * kept_columns(b, l), terms = (double)a->n_term * b->n_term;
  const double own = NetworkReadsInputs(a->network, l) ? (double)a->n_own * b->n_own : columns;
  const double inputs = 2.0 * own * layer->n_in;
  if (NetworkIsQuadratic(a->network, l)) return StoreQuadraticGramFlops(a, b);
  if (NetworkReadsInputs(a->network, l) && a->first == 0 && (a->apart[0] || b->apart[0])) return INFINITY;
  return inputs + terms * columns * (2.0 * layer->n_out + PAIR_COST);
}

double NetworkStoreDenseFlops(NetworkStore a, NetworkStore b, int l)
{
  const Layer *layer = &a->network->layers[l];
  return 2.0 * a->n_term * b->n_term * (double)LayerSize(layer);
}

/* X [(c, p)][(d, q)] of a layer that reads the coordinates: columns of constants have one product for all points, which
   is copied. */
static void constant_inputs(const PanelLayer *A, const PanelLayer *B, double X[])
{
  const size_t m = (size_t)A->n, n = (size_t)B->n, n_in = A->n_in, ld = B->n_column * n;
  for (size_t c = 0; c < A->n_column; c++)
    for (size_t d = 0; d < B->n_column; d++) {
      const bool one_p = c >= A->n_own, one_q = d >= B->n_own;
      const double *x = one_p ? A->seeds + (c - A->n_own) * n_in : A->z + c * m * n_in;
      const double *y = one_q ? B->seeds + (d - B->n_own) * n_in : B->z + d * n * n_in;
      double *block = X + c * m * ld + d * n;
      KernelCPU.gemm('N', 'T', one_p ? 1 : m, one_q ? 1 : n, n_in, 1.0, x, n_in, y, n_in, 0.0, block, ld);
      for (size_t p = 0; p < (one_p ? 1 : m) && one_q; p++)
        for (size_t q = 1; q < n; q++) block[p * ld + q] = block[p * ld];
      for (size_t p = 1; p < m && one_p; p++) memcpy(block + p * ld, block, n * sizeof(double));
    }
}

void StoreAddBlock(NetworkStore a, int panel_a, size_t e, NetworkStore b, int panel_b, size_t f, bool turned,
                   const double sums[], double K[], size_t ldk)
{
  const size_t row = e * (size_t)a->n_point + (size_t)(panel_a * a->panel);
  const size_t column = f * (size_t)b->n_point + (size_t)(panel_b * b->panel);
  double *to = turned ? K + column * ldk + row : K + row * ldk + column;
  int begin, m, n;
  NetworkStorePanel(a, panel_a, &begin, &m);
  NetworkStorePanel(b, panel_b, &begin, &n);
  for (size_t p = 0; p < (size_t)m; p++)
    for (size_t q = 0; q < (size_t)n; q++) to[turned ? q * ldk + p : p * ldk + q] += sums[p * (size_t)n + q];
}

void NetworkStoreGram(NetworkStore a, int panel_a, NetworkStore b, int panel_b, int l, bool own, bool lower,
                      double work[], double K[], size_t ldk)
{
  PanelLayer A = StorePanelLayer(a, panel_a, l), B = StorePanelLayer(b, panel_b, l);
  if (NetworkIsQuadratic(a->network, l)) {
    StoreQuadraticGram(a, panel_a, b, panel_b, lower, work, K, ldk);
    return;
  }
  if (own) A.n_column = A.n_own, B.n_column = B.n_own;
  const size_t m = (size_t)A.n, n = (size_t)B.n, rows = A.n_column * m, columns = B.n_column * n;
  double *X = work, *Y = X + rows * columns, *sums = Y + rows * columns;
  if (A.n_own < A.n_column || B.n_own < B.n_column)
    constant_inputs(&A, &B, X);
  else
    KernelCPU.gemm('N', 'T', rows, columns, A.n_in, 1.0, A.z, A.n_in, B.z, A.n_in, 0.0, X, columns);
  for (size_t p = 0; p < m && !A.layer->unbiased; p++) /* the bias is one more input, 1 in column 0 */
    for (size_t q = 0; q < n; q++) X[p * columns + q] += 1.0;
  for (size_t e = 0; e < (size_t)a->n_term; e++)
    for (size_t f = 0; f < (size_t)b->n_term; f++) {
      if (lower && e < f && panel_a == panel_b) continue;
      KernelCPU.gemm('N', 'T', rows, columns, A.n_out, 1.0, A.g + e * A.g_term, A.n_out, B.g + f * B.g_term, A.n_out,
                     0.0, Y, columns);
      KernelCPU.pair_product(A.n_column, m, B.n_column, n, X, Y, sums, n);
      StoreAddBlock(a, panel_a, e, b, panel_b, f, lower && e < f, sums, K, ldk);
    }
}
