/* Products with the rows of a panel, J[p] = sum_c g_{c,p} z_{c,p}^T a layer. */
#include <string.h>
#include "store_impl.h"

#define SQUARE_COLUMNS 4096 /* of J, about, that are formed at once where only their squares are wanted */

size_t NetworkStoreWork(NetworkStore s)
{
  size_t wide = 0, deep = 0;
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    deep = PetscMax(deep, (size_t)s->network->layers[l].n_in + 1);
    if (NetworkIsQuadratic(s->network, l)) continue;
    wide = PetscMax(wide, (size_t)s->network->layers[l].n_out);
  }
  const size_t products = ((size_t)s->n_column * (size_t)s->panel + (size_t)s->n_kept) * wide;
  const size_t projections =
      (size_t)s->n_own * (size_t)s->panel * (size_t)(s->n_kept - s->n_own) * (s->apart[0] ? wide : 1);
  const size_t form = s->quadratic ? StoreQuadraticWork(s) : 0;
  return PetscMax(PetscMax(products, projections), PetscMax(form, deep + SQUARE_COLUMNS));
}

static void add_bias(const PanelLayer *part, const double bias[], double a[])
{
  if (part->layer->unbiased) return;
  for (size_t p = 0; p < (size_t)part->n; p++)
    for (size_t j = 0; j < part->n_out; j++) a[p * part->n_out + j] += bias[j];
}

/* constant [rest][n_out] = V X^T */
static void apply_constants(const PanelLayer *part, const double V[], double constant[])
{
  const size_t n_in = part->n_in, n_out = part->n_out, rest = part->n_column - part->n_own;
  if (!part->apart) {
    KernelCPU.gemm('N', 'T', rest, n_out, n_in, 1.0, part->seeds, n_in, V, n_in, 0.0, constant, n_out);
    return;
  }
  for (size_t k = 0; k < rest * n_out; k++) {
    const double *x = part->seeds + k * n_in, *v = V + k % n_out * n_in;
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n_in; i++) sum += x[i] * v[i];
    constant[k] = sum;
  }
}

/* rows [count][n_in] += sum over k of g[k ld + j] x_k, in outputs j of [begin, begin + count) */
static void add_constants(const PanelLayer *part, size_t begin, size_t count, const double g[], size_t ld,
                          double rows[])
{
  const size_t n_in = part->n_in, n_out = part->n_out, rest = part->n_column - part->n_own;
  if (!part->apart) {
    KernelCPU.gemm('T', 'N', count, n_in, rest, 1.0, g, ld, part->seeds, n_in, 1.0, rows, n_in);
    return;
  }
  for (size_t k = 0; k < rest; k++)
    for (size_t j = 0; j < count; j++) {
      const double *x = part->seeds + (k * n_out + begin + j) * n_in, factor = g[k * ld + j];
      for (size_t i = 0; i < n_in; i++) rows[j * n_in + i] += factor * x[i];
    }
}

void NetworkStoreApply(NetworkStore s, int panel, const double v[], double work[], double Jv[], size_t stride)
{
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    const PanelLayer part = StorePanelLayer(s, panel, l);
    const size_t n_in = part.n_in, n_out = part.n_out, n = (size_t)part.n, C = part.n_own, rest = part.n_column - C;
    const double *V = v + part.layer->offset;
    if (NetworkIsQuadratic(s->network, l)) {
      StoreQuadraticApply(s, panel, V, work, Jv, stride);
      continue;
    }
    double *constant = work + C * n * n_out; /* [rest][n_out] */
    KernelCPU.gemm('N', 'T', C * n, n_out, n_in, 1.0, part.z, n_in, V, n_in, 0.0, work, n_out);
    add_bias(&part, V + n_in * n_out, work);
    if (rest) apply_constants(&part, V, constant);
    for (int e = 0; e < s->n_term; e++) {
      const double *g = part.g + (size_t)e * part.g_term;
      double *y = Jv + (size_t)e * stride;
      if (l == s->first) memset(y, 0, n * sizeof(double));
      KernelCPU.dot_points(C, n, n_out, g, work, y);
      for (size_t k = 0; k < rest; k++)
        KernelCPU.gemm('N', 'N', n, 1, n_out, 1.0, g + (C + k) * n * n_out, n_out, constant + k * n_out, 1, 1.0, y, 1);
    }
  }
}

/* h[j] (+)= sum over points of a[p][j] */
static void sum_points(const PanelLayer *part, const double a[], double h[])
{
  for (size_t p = 0; p < (size_t)part->n; p++)
    for (size_t j = 0; j < part->n_out; j++) h[j] += a[p * part->n_out + j];
}

void NetworkStoreApplyTranspose(NetworkStore s, int panel, const double w[], size_t stride, double work[],
                                double gradient[])
{
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    const PanelLayer part = StorePanelLayer(s, panel, l);
    const size_t n_in = part.n_in, n_out = part.n_out, n = (size_t)part.n, C = part.n_own, rest = part.n_column - C;
    double *grad = gradient + part.layer->offset, *sums = work + part.g_term;
    if (NetworkIsQuadratic(s->network, l)) {
      StoreQuadraticApplyTranspose(s, panel, w, stride, work, grad);
      continue;
    }
    for (int e = 0; e < s->n_term; e++)
      KernelCPU.scale_points(part.n_column, n, n_out, w + (size_t)e * stride, part.g + (size_t)e * part.g_term, work,
                             e > 0);
    KernelCPU.gemm('T', 'N', n_out, n_in, C * n, 1.0, work, n_out, part.z, n_in, 1.0, grad, n_in);
    if (!part.layer->unbiased) sum_points(&part, work, grad + n_in * n_out);
    if (!rest) continue;
    memset(sums, 0, rest * n_out * sizeof(double));
    for (size_t k = 0; k < rest; k++) sum_points(&part, work + (C + k) * n * n_out, sums + k * n_out);
    add_constants(&part, 0, n_out, sums, n_out, grad);
  }
}

/* The row of one point in outputs [begin, begin + count) of a layer: weights [count][n_in], then biases. */
static void point_row(const PanelLayer *part, int term, size_t p, size_t begin, size_t count, double row[])
{
  const size_t n_in = part->n_in, n_out = part->n_out, n = (size_t)part->n, C = part->n_own;
  const double *g = part->g + (size_t)term * part->g_term + p * n_out + begin, *first = part->z + p * n_in;
  if (part->form) {
    StoreQuadraticRow(part, term, p, begin * n_in, count * n_in, row);
    return;
  }
  if (C == 1)
    KernelCPU.outer_point(part->apart ? 1 : part->n_column, count, n_in, g, n * n_out, first, part->seeds, n_in, row);
  else
    KernelCPU.outer_point(C, count, n_in, g, n * n_out, first, first + n * n_in, n * n_in, row);
  if (part->n_column > C && (C > 1 || part->apart))
    add_constants(part, begin, count, g + C * n * n_out, n * n_out, row);
  if (!part->layer->unbiased) memcpy(row + count * n_in, g, count * sizeof(double));
}

/* The rows of all points in a layer of one output: what its columns share is read once. */
static void single_rows(const PanelLayer *part, int term, double J[], size_t ld)
{
  const size_t n_in = part->n_in, n = (size_t)part->n, rest = part->n_column - 1;
  const double *g = part->g + (size_t)term * part->g_term;
  for (size_t p = 0; p < n; p++) {
    for (size_t i = 0; i < n_in; i++) J[p * ld + i] = g[p] * part->z[p * n_in + i];
    if (!part->layer->unbiased) J[p * ld + n_in] = g[p];
  }
  if (rest) KernelCPU.gemm('T', 'N', n, n_in, rest, 1.0, g + n, n, part->seeds, n_in, 1.0, J, ld);
}

static void layer_rows(const PanelLayer *part, int term, size_t begin, size_t count, double J[], size_t ld)
{
  if (part->n_own == 1 && part->n_out == 1 && !part->form) {
    single_rows(part, term, J, ld);
    return;
  }
  for (size_t p = 0; p < (size_t)part->n; p++) point_row(part, term, p, begin, count, J + p * ld);
}

void NetworkStoreRows(NetworkStore s, int panel, size_t begin, size_t count, double J[], size_t stride, size_t ld)
{
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    const PanelLayer part = StorePanelLayer(s, panel, l);
    const size_t offset = part.layer->offset;
    if (offset < begin || offset >= begin + count) continue;
    for (int e = 0; e < s->n_term; e++)
      layer_rows(&part, e, 0, part.n_out, J + (size_t)e * stride * ld + (offset - begin), ld);
  }
}

void NetworkStoreSquares(NetworkStore s, int panel, double row[], double sums[])
{
  for (int l = s->first; l < NetworkAllLayers(s->network); l++) {
    const PanelLayer part = StorePanelLayer(s, panel, l);
    const size_t n_in = part.n_in, n_out = part.n_out, most = PetscMax(1, SQUARE_COLUMNS / (n_in + 1));
    for (size_t begin = 0; begin < n_out; begin += most) {
      const size_t count = PetscMin(most, n_out - begin);
      double *weights = sums + part.layer->offset + begin * n_in;
      double *biases = sums + part.layer->offset + n_out * n_in + begin;
      for (int e = 0; e < s->n_term; e++)
        for (size_t p = 0; p < (size_t)part.n; p++) {
          point_row(&part, e, p, begin, count, row);
          for (size_t k = 0; k < count * n_in; k++) weights[k] += row[k] * row[k];
          for (size_t j = 0; j < count && !part.layer->unbiased; j++)
            biases[j] += row[count * n_in + j] * row[count * n_in + j];
        }
    }
  }
}

void NetworkTrainedLayers(Network network, int *first, int *end)
{
  *first = 0;
  *end = NetworkAllLayers(network);
  while (network->layers[*first].frozen) ++*first;
}

int NetworkLayerOutputs(Network network, int l)
{
  return network->layers[l].n_out;
}

size_t NetworkLayerColumns(Network network, int l, int count)
{
  return ((size_t)network->layers[l].n_in + (network->layers[l].unbiased ? 0 : 1)) * (size_t)count;
}

void NetworkStoreLayerRows(NetworkStore s, int panel, int l, int begin, int count, const double scaling[], double J[],
                           size_t stride, size_t ld)
{
  const PanelLayer part = StorePanelLayer(s, panel, l);
  const size_t n_weight = (size_t)count * part.n_in, j = (size_t)begin;
  const double *weights = scaling ? scaling + part.layer->offset + j * part.n_in : NULL;
  const double *biases = scaling ? scaling + part.layer->offset + part.n_out * part.n_in + j : NULL;
  for (int e = 0; e < s->n_term; e++) {
    double *rows = J + (size_t)e * stride * ld;
    layer_rows(&part, e, j, (size_t)count, rows, ld);
    for (size_t p = 0; scaling && p < (size_t)part.n; p++) {
      for (size_t k = 0; k < n_weight; k++) rows[p * ld + k] *= weights[k];
      for (size_t k = 0; k < (size_t)count && !part.layer->unbiased; k++) rows[p * ld + n_weight + k] *= biases[k];
    }
  }
}
