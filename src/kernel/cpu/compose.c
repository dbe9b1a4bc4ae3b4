/* f(u) for jets as a power series in the nilpotent part h = u - u_0:
     f(u) = sum_k s_k h^k,   s_k = f^(k)(u_0) / k!,
   and the same powers of h give f'(u) = sum_k (k+1) s_{k+1} h^k and f''(u).

   h^k vanishes below order k, and its columns of the highest order K enter no further power: powers are stored only for
   the columns below order K (a prefix, as orders ascend), and computed where they are used for the others. Columns are
   finished from the last to the first, so that the results may overwrite u. */
#include "cpu_impl.h"
#include "terms.h"

typedef struct {
  const KernelTables *tables;
  int n_lower; /* columns below order K */
  const Real *u;
  Real *out[3]; /* f, f', f'' */
  size_t stride_u, stride[3];
  size_t first;                                                    /* lane */
  _Alignas(64) Real series[(KERNEL_MAX_ORDER + 3) * KERNEL_LANES]; /* [k][n] of f */
  _Alignas(64) Real row[KERNEL_LANES];
  _Alignas(64) Real power[KERNEL_MAX_POWERS]; /* [k - 2][column < n_lower][n] */
} Chunk;

KERNEL_INLINE bool has_power(const KernelProduct *p, int column)
{
  return p->start[column] < p->start[column + 1];
}

KERNEL_INLINE Real *stored_power(Chunk *chunk, size_t n, int k, int column)
{
  return chunk->power + ((size_t)(k - 2) * (size_t)chunk->n_lower + (size_t)column) * n;
}

KERNEL_CLONES static void power_row_at_points(const Chunk *chunk, const KernelProduct *power, int column, size_t n,
                                              const Real *before, size_t stride, Real *row)
{
  KernelSumTermsAtPoints(power, column, chunk->first, n, chunk->u, chunk->stride_u, before, stride, row, false);
}

/* row = column of h^k = h h^(k-1). */
KERNEL_INLINE void power_row(Chunk *chunk, size_t n, int k, int column, Real *row)
{
  const KernelProduct *power = &chunk->tables->power[k];
  const Real *before = k == 2 ? chunk->u : stored_power(chunk, n, k - 1, 0);
  const size_t stride = k == 2 ? chunk->stride_u : n;
  if (power->points)
    power_row_at_points(chunk, power, column, n, before, stride, row);
  else
    KernelSumTerms(power, power->coef, column, n, chunk->u, chunk->stride_u, before, stride, row, false);
}

/* The term of h^k in one column of f and, where n_out > 1, f' and f'': stored for k = 1, else added. n_out and `add`
   are constants where it is called, and each lane is read before it is written: `power` may be one of the results. */
KERNEL_INLINE void add_term(const Chunk *chunk, size_t n, int n_out, bool add, int k, int column, const Real *power)
{
  const Real *f = chunk->series + (size_t)k * n, *f1 = f + n, *f2 = f1 + n;
  const Real c1 = R(k + 1.0), c2 = R((k + 1.0) * (k + 2.0));
  Real *v = chunk->out[0] + (size_t)column * chunk->stride[0];
  Real *d = n_out > 1 ? chunk->out[1] + (size_t)column * chunk->stride[1] : NULL;
  Real *e = n_out > 2 ? chunk->out[2] + (size_t)column * chunk->stride[2] : NULL;
#pragma omp simd
  for (size_t l = 0; l < n; l++) {
    const Real h = power[l];
    v[l] = f[l] * h + (add ? v[l] : R(0.0));
    if (n_out > 1) d[l] = c1 * f1[l] * h + (add ? d[l] : R(0.0));
    if (n_out > 2) e[l] = c2 * f2[l] * h + (add ? e[l] : R(0.0));
  }
}

KERNEL_INLINE void compose_column(Chunk *chunk, size_t n, int n_out, int column)
{
  const KernelTables *tables = chunk->tables;
  const bool top = column >= chunk->n_lower;
  if (tables->order > 1 && top) power_row(chunk, n, 2, column, chunk->row);
  add_term(chunk, n, n_out, false, 1, column, chunk->u + (size_t)column * chunk->stride_u);
  for (int k = 2; k <= tables->order && has_power(&tables->power[k], column); k++) {
    if (top && k > 2) power_row(chunk, n, k, column, chunk->row);
    add_term(chunk, n, n_out, true, k, column, top ? chunk->row : stored_power(chunk, n, k, column));
  }
}

KERNEL_INLINE void compose_chunk(Chunk *chunk, size_t n, int n_out)
{
  const KernelTables *tables = chunk->tables;
  for (int k = 2; k < tables->order; k++)
    for (int c = 1; c < chunk->n_lower; c++)
      if (has_power(&tables->power[k], c)) power_row(chunk, n, k, c, stored_power(chunk, n, k, c));
  for (int c = tables->product.n_column - 1; c > 0; c--) compose_column(chunk, n, n_out, c);
  for (int m = 0; m < n_out; m++)
    for (size_t l = 0; l < n; l++) chunk->out[m][l] = R(m == 2 ? 2.0 : 1.0) * chunk->series[(size_t)m * n + l];
}

KERNEL_CLONES static void compose_any(Chunk *chunk, size_t n, int n_out)
{
  if (n == KERNEL_LANES && n_out == 2)
    compose_chunk(chunk, KERNEL_LANES, 2);
  else if (n == KERNEL_LANES && n_out == 1)
    compose_chunk(chunk, KERNEL_LANES, 1);
  else if (n_out == 3)
    compose_chunk(chunk, n, 3);
  else if (n_out == 2)
    compose_chunk(chunk, n, 2);
  else
    compose_chunk(chunk, n, 1);
}

void REAL(KernelCompose_CPU)(const KernelTables *tables, REAL(KernelSeries) series, double parameter, size_t n,
                             const Real *u, size_t stride_u, Real *v, size_t stride_v, Real *d, Real *e,
                             size_t stride_d)
{
  const int order = tables->order, n_out = 1 + (d != NULL) + (e != NULL);
  size_t most = KERNEL_LANES;
  Chunk chunk;
  chunk.tables = tables;
  chunk.n_lower = tables->n_lower;
  chunk.stride_u = stride_u;
  chunk.stride[0] = stride_v;
  chunk.stride[1] = chunk.stride[2] = stride_d;
  if (order > 2 && (size_t)((order - 2) * chunk.n_lower) * most > KERNEL_MAX_POWERS)
    most = KERNEL_MAX_POWERS / (size_t)((order - 2) * chunk.n_lower);
  for (size_t l = 0; l < n; l += most) {
    const size_t lanes = n - l < most ? n - l : most;
    chunk.first = l;
    chunk.u = u + l;
    chunk.out[0] = v + l;
    chunk.out[1] = d ? d + l : NULL;
    chunk.out[2] = e ? e + l : NULL;
    series(order + n_out - 1, lanes, parameter, u + l, chunk.series);
    compose_any(&chunk, lanes, n_out);
  }
}
