/* Products with the rows of a quadratic form, J = w z^T + z w^T + sum_k b_k C_k (quadratic.h). Of two rows,

     <J, J'> = 2 (w . w') (z . z') + 2 (w . z') (z . w')
               + sum_l b'_l <C'_l, w z^T + z w^T> + sum_k b_k <C_k, w' z'^T + z' w'^T> + sum_kl b_k b'_l <C_k, C'_l>,

   where w = g z, w' = g' z' the first line is 4 g g' (z . z')^2; of a diagonal form it is 4 sum_i w_i z_i w'_i z'_i. */
#include <string.h>
#include "store_impl.h"

#define CHUNK 256 /* coordinates of a diagonal form that are multiplied at once */

static size_t numbers_of_w(QuadraticJets q)
{
  return q->aligned ? 1 : (size_t)q->network->n_coord;
}

size_t StoreQuadraticPoint(Network network, JetPlan plan)
{
  const int w = QuadraticIsAligned(network, plan) ? 1 : network->n_coord;
  return (size_t)network->n_field * (size_t)(w + 2 * QuadraticSums(network, plan));
}

/* w and b of a term, field and point. */
static double *w_of(const PanelLayer *part, size_t term, size_t field, size_t p)
{
  return part->g + term * part->g_term + (field * (size_t)part->n + p) * numbers_of_w(part->form);
}

static double *b_of(const PanelLayer *part, size_t term, size_t field, size_t p)
{
  const size_t n_field = (size_t)part->form->network->n_field;
  return w_of(part, term, n_field, 0) + (field * (size_t)part->n + p) * (size_t)part->form->n_second;
}

/* <C_k, w z^T + z w^T> */
static double *pairs_of(const PanelLayer *part, size_t term, size_t field, size_t p)
{
  return b_of(part, term, (size_t)part->form->network->n_field + field, p);
}

static PanelLayer panel_of(NetworkStore s, int panel)
{
  return StorePanelLayer(s, panel, NetworkAllLayers(s->network) - 1);
}

void StoreQuadraticKeep(NetworkStore s, int panel, int field, int at, int term, const double w[], const double b[])
{
  const PanelLayer part = panel_of(s, panel);
  memcpy(w_of(&part, (size_t)term, (size_t)field, (size_t)at), w, numbers_of_w(part.form) * sizeof(double));
  memcpy(b_of(&part, (size_t)term, (size_t)field, (size_t)at), b, (size_t)part.form->n_second * sizeof(double));
  for (int k = 0; k < part.form->n_second; k++)
    pairs_of(&part, (size_t)term, (size_t)field, (size_t)at)[k] =
        QuadraticPair(part.form, k, w, part.form->aligned, part.z + (size_t)at * part.n_in);
}

size_t StoreQuadraticWork(NetworkStore s)
{
  return (size_t)s->panel * (size_t)s->network->n_coord;
}

static double dot(size_t n, const double x[], const double y[])
{
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

/* Jv += (w z^T + z w^T) V + sum_k b_k <C_k, V> */
void StoreQuadraticApply(NetworkStore s, int panel, const double v[], double work[], double Jv[], size_t stride)
{
  const PanelLayer part = panel_of(s, panel);
  const QuadraticJets q = part.form;
  const size_t d = (size_t)s->network->n_coord, n = (size_t)part.n, size = QuadraticSize(s->network);
  for (size_t f = 0; f < (size_t)s->network->n_field; f++) {
    const double *V = v + f * size;
    QuadraticApply(s->network, q->aligned, V, n, part.z, work);
    for (size_t e = 0; e < (size_t)s->n_term; e++)
      for (size_t p = 0; p < n; p++) {
        const double *w = w_of(&part, e, f, p), *y = work + p * d;
        Jv[e * stride + p] += q->aligned ? *w * dot(d, part.z + p * d, y) : dot(d, w, y);
      }
    for (int k = 0; k < q->n_second; k++) {
      const double trace = QuadraticTrace(q, k, V);
      for (size_t e = 0; e < (size_t)s->n_term; e++)
        for (size_t p = 0; p < n; p++) Jv[e * stride + p] += b_of(&part, e, f, p)[k] * trace;
    }
  }
}

/* sum [n][n_coord] = sum over terms of weight w of a field */
static void sum_terms(NetworkStore s, const PanelLayer *part, size_t f, const double weight[], size_t stride,
                      double sum[])
{
  const size_t d = (size_t)s->network->n_coord;
  for (size_t p = 0; p < (size_t)part->n; p++) {
    double multiple = 0.0, *to = sum + p * d;
    for (size_t e = 0; e < (size_t)s->n_term && part->form->aligned; e++)
      multiple += weight[e * stride + p] * *w_of(part, e, f, p);
    for (size_t i = 0; i < d; i++) to[i] = multiple * part->z[p * d + i];
    for (size_t e = 0; e < (size_t)s->n_term && !part->form->aligned; e++) {
      const double *w = w_of(part, e, f, p), factor = weight[e * stride + p];
      for (size_t i = 0; i < d; i++) to[i] += factor * w[i];
    }
  }
}

void StoreQuadraticApplyTranspose(NetworkStore s, int panel, const double w[], size_t stride, double work[],
                                  double gradient[])
{
  const PanelLayer part = panel_of(s, panel);
  for (size_t f = 0; f < (size_t)s->network->n_field; f++) {
    double *G = gradient + f * QuadraticSize(s->network);
    sum_terms(s, &part, f, w, stride, work);
    QuadraticOuter(s->network, part.form->aligned, (size_t)part.n, work, part.z, G);
    for (int k = 0; k < part.form->n_second; k++) {
      double sum = 0.0;
      for (size_t e = 0; e < (size_t)s->n_term; e++)
        for (size_t p = 0; p < (size_t)part.n; p++) sum += w[e * stride + p] * b_of(&part, e, f, p)[k];
      QuadraticAddSum(part.form, k, sum, G);
    }
  }
}

void StoreQuadraticRow(const PanelLayer *part, int term, size_t p, size_t begin, size_t count, double row[])
{
  const size_t size = QuadraticSize(part->form->network), end = begin + count;
  for (size_t f = begin / size; begin < end; f++) {
    const size_t n = PetscMin(end, (f + 1) * size) - begin;
    QuadraticRow(part->form, w_of(part, (size_t)term, f, p), part->z + p * (size_t)part->form->network->n_coord,
                 b_of(part, (size_t)term, f, p), begin - f * size, n, row);
    begin += n;
    row += n;
  }
}

/* Work of a pair of panels: products of vectors, the sums, and what points have with sums of second derivatives. */
size_t StoreQuadraticGramWork(NetworkStore a, NetworkStore b)
{
  const size_t m = (size_t)a->panel, n = (size_t)b->panel;
  const size_t k = (size_t)a->quadratic->n_second, l = (size_t)b->quadratic->n_second;
  return 5 * m * n + (m + n) * PetscMax(CHUNK, k + l) + k * l;
}

double StoreQuadraticGramFlops(NetworkStore a, NetworkStore b)
{
  const double terms = (double)a->n_term * b->n_term * a->network->n_field, d = a->network->n_coord;
  const double products = !a->network->quadratic->full
                              ? terms
                              : 1.0 + terms * (!a->quadratic->aligned + !b->quadratic->aligned +
                                               (!a->quadratic->aligned && !b->quadratic->aligned));
  return 2.0 * d * products + terms * (PAIR_COST + 2.0 * (a->quadratic->n_second + b->quadratic->n_second));
}

/* One pair of terms and fields of two panels, and its work. */
typedef struct {
  const PanelLayer *A, *B;
  size_t e, f, field, m, n, d;
  const double *S;     /* [m][n] z . z' */
  double *products[3]; /* [m][n] w . z', z . w', w . w' */
  double *sums;        /* [m][n] */
  double *rest;
} Pair;

/* to [m][n] = scaled rows or columns of from */
static void scale_products(const Pair *pair, const double from[], bool rows, double to[])
{
  for (size_t p = 0; p < pair->m; p++) {
    const double row = rows ? *w_of(pair->A, pair->e, pair->field, p) : 1.0;
    for (size_t q = 0; q < pair->n; q++)
      to[p * pair->n + q] = from[p * pair->n + q] * (rows ? row : *w_of(pair->B, pair->f, pair->field, q));
  }
}

static void multiply(const Pair *pair, const double x[], const double y[], double to[])
{
  KernelCPU.gemm('N', 'T', pair->m, pair->n, pair->d, 1.0, x, pair->d, y, pair->d, 0.0, to, pair->n);
}

/* sums += 2 (w . w') (z . z') + 2 (w . z') (z . w') */
static void add_full(const Pair *pair)
{
  const bool a = pair->A->form->aligned, b = pair->B->form->aligned;
  double *wz = pair->products[0], *zw = pair->products[1], *ww = pair->products[2];
  const double *w = w_of(pair->A, pair->e, pair->field, 0), *other = w_of(pair->B, pair->f, pair->field, 0);
  if (a)
    scale_products(pair, pair->S, true, wz);
  else
    multiply(pair, w, pair->B->z, wz);
  if (b)
    scale_products(pair, pair->S, false, zw);
  else
    multiply(pair, pair->A->z, other, zw);
  if (a)
    scale_products(pair, zw, true, ww);
  else if (b)
    scale_products(pair, wz, false, ww);
  else
    multiply(pair, w, other, ww);
  for (size_t k = 0; k < pair->m * pair->n; k++) pair->sums[k] += 2.0 * (ww[k] * pair->S[k] + wz[k] * zw[k]);
}

/* to [n][width] = w_i z_i, i = first ... */
static void multiply_inputs(const PanelLayer *part, size_t term, size_t field, size_t first, size_t width, double to[])
{
  const size_t d = (size_t)part->form->network->n_coord;
  for (size_t p = 0; p < (size_t)part->n; p++) {
    const double *w = w_of(part, term, field, p), *z = part->z + p * d + first;
    for (size_t i = 0; i < width; i++) to[p * width + i] = (part->form->aligned ? *w * z[i] : w[first + i]) * z[i];
  }
}

/* sums += 4 sum_i w_i z_i w'_i z'_i */
static void add_diagonal(const Pair *pair)
{
  double *x = pair->rest, *y = x + pair->m * CHUNK;
  for (size_t i = 0; i < pair->d; i += CHUNK) {
    const size_t width = PetscMin((size_t)CHUNK, pair->d - i);
    multiply_inputs(pair->A, pair->e, pair->field, i, width, x);
    multiply_inputs(pair->B, pair->f, pair->field, i, width, y);
    KernelCPU.gemm('N', 'T', pair->m, pair->n, width, 4.0, x, width, y, width, 1.0, pair->sums, pair->n);
  }
}

/* to [n][n_second of other] = <C'_l, w z^T + z w^T>, which a store keeps of its own sums */
static void pair_points(const PanelLayer *part, size_t term, size_t field, QuadraticJets other, bool own, double to[])
{
  const size_t n_second = (size_t)other->n_second;
  if (own) memcpy(to, pairs_of(part, term, field, 0), (size_t)part->n * n_second * sizeof(double));
  for (size_t p = 0; p < (size_t)part->n && !own; p++)
    for (size_t l = 0; l < n_second; l++)
      to[p * n_second + l] =
          QuadraticPair(other, (int)l, w_of(part, term, field, p), part->form->aligned, part->z + p * part->n_in);
}

/* sums += what second derivatives add */
static void add_second(const Pair *pair, bool same_plan)
{
  const QuadraticJets a = pair->A->form, b = pair->B->form;
  const size_t m = pair->m, n = pair->n, k = (size_t)a->n_second, l = (size_t)b->n_second;
  double *M = pair->rest, *left = M + k * l, *right = left + m * l;
  const double *own = b_of(pair->A, pair->e, pair->field, 0), *other = b_of(pair->B, pair->f, pair->field, 0);
  for (size_t i = 0; i < k; i++)
    for (size_t j = 0; j < l; j++) M[i * l + j] = QuadraticProduct(a, (int)i, b, (int)j);
  pair_points(pair->A, pair->e, pair->field, b, same_plan, left);
  pair_points(pair->B, pair->f, pair->field, a, same_plan, right);
  if (k && l) KernelCPU.gemm('N', 'N', m, l, k, 1.0, own, k, M, l, 1.0, left, l);
  if (l) KernelCPU.gemm('N', 'T', m, n, l, 1.0, left, l, other, l, 1.0, pair->sums, n);
  if (k) KernelCPU.gemm('N', 'T', m, n, k, 1.0, own, k, right, k, 1.0, pair->sums, n);
}

void StoreQuadraticPairs(NetworkStore a, int panel_a, size_t e, NetworkStore b, int panel_b, size_t f, const double S[],
                         double work[], double sums[])
{
  const PanelLayer A = panel_of(a, panel_a), B = panel_of(b, panel_b);
  const size_t m = (size_t)A.n, n = (size_t)B.n;
  Pair pair = {.A = &A, .B = &B, .e = e, .f = f, .m = m, .n = n, .d = A.n_in, .S = S, .sums = sums};
  for (size_t i = 0; i < 3; i++) pair.products[i] = work + i * m * n;
  pair.rest = work + 3 * m * n;
  for (pair.field = 0; pair.field < (size_t)a->network->n_field; pair.field++) {
    if (a->network->quadratic->full)
      add_full(&pair);
    else
      add_diagonal(&pair);
    add_second(&pair, a->plan == b->plan);
  }
}

void StoreQuadraticGram(NetworkStore a, int panel_a, NetworkStore b, int panel_b, bool lower, double work[], double K[],
                        size_t ldk)
{
  const PanelLayer A = panel_of(a, panel_a), B = panel_of(b, panel_b);
  const size_t m = (size_t)A.n, n = (size_t)B.n, d = A.n_in;
  double *S = work, *sums = S + m * n, *rest = sums + m * n;
  if (a->network->quadratic->full) KernelCPU.gemm('N', 'T', m, n, d, 1.0, A.z, d, B.z, d, 0.0, S, n);
  for (size_t e = 0; e < (size_t)a->n_term; e++)
    for (size_t f = 0; f < (size_t)b->n_term; f++) {
      if (lower && e < f && panel_a == panel_b) continue;
      memset(sums, 0, m * n * sizeof(double));
      StoreQuadraticPairs(a, panel_a, e, b, panel_b, f, S, rest, sums);
      StoreAddBlock(a, panel_a, e, b, panel_b, f, lower && e < f, sums, K, ldk);
    }
}
