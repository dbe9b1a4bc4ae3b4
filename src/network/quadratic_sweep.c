/* The quadratic form in the sweeps (quadratic.h). */
#include "quadratic.h"

void REAL(QuadraticApply)(Network network, bool aligned, const Real A[], size_t n, const Real z[], Real y[])
{
  const size_t d = (size_t)network->n_coord;
  if (!network->quadratic->full) {
    for (size_t p = 0; p < n; p++)
      for (size_t i = 0; i < d; i++) y[p * d + i] = 2 * A[i] * z[p * d + i];
    return;
  }
  REAL(KernelCPU).gemm('N', 'N', n, d, d, aligned ? 2 : 1, z, d, A, d, 0, y, d);
  if (!aligned) REAL(KernelCPU).gemm('N', 'T', n, d, d, 1, z, d, A, d, 1, y, d);
}

void REAL(QuadraticOuter)(Network network, bool aligned, size_t n, const Real w[], const Real z[], Real G[])
{
  const size_t d = (size_t)network->n_coord;
  if (!network->quadratic->full) {
    for (size_t p = 0; p < n; p++)
      for (size_t i = 0; i < d; i++) G[i] += 2 * w[p * d + i] * z[p * d + i];
    return;
  }
  REAL(KernelCPU).gemm('T', 'N', d, d, n, aligned ? 2 : 1, w, d, z, d, 1, G, d);
  if (!aligned) REAL(KernelCPU).gemm('T', 'N', d, d, n, 1, z, d, w, d, 1, G, d);
}

double REAL(QuadraticTrace)(QuadraticJets jets, int k, const Real A[])
{
  const size_t d = (size_t)jets->network->n_coord;
  const bool full = jets->network->quadratic->full;
  double sum = 0.0;
  for (int t = jets->start[k]; t < jets->start[k + 1]; t++) {
    const size_t i = (size_t)jets->at[0][t], j = (size_t)jets->at[1][t];
    sum += jets->coef[t] * (full ? (double)A[i * d + j] + (double)A[j * d + i] : 2.0 * (double)A[i]);
  }
  return sum;
}

void REAL(QuadraticAddSum)(QuadraticJets jets, int k, double factor, Real G[])
{
  const size_t d = (size_t)jets->network->n_coord;
  const bool full = jets->network->quadratic->full;
  for (int t = jets->start[k]; t < jets->start[k + 1]; t++) {
    const size_t i = (size_t)jets->at[0][t], j = (size_t)jets->at[1][t];
    const Real value = (Real)(factor * jets->coef[t]);
    G[full ? i * d + j : i] += value;
    G[full ? j * d + i : i] += value;
  }
}

/* v of a column at a point times y [n_coord] */
static double along(const REAL(Sweep) * s, const Seeds *seeds, int column, int p, const Real y[])
{
  const double *factor = SweepSeedFactors(s, seeds, column, p);
  const bool *own = JetPlanSeedsOwn(s->plan, column);
  double sum = 0.0;
  for (int k = 0; k < seeds->n; k++)
    if (seeds->coord[k] < s->network->n_coord)
      sum += SweepSeed(s, seeds->coord[k], factor[k], own[k], p) * (double)y[seeds->coord[k]];
  return sum;
}

/* w [n_coord] += factor v */
static void add_direction(const REAL(Sweep) * s, const Seeds *seeds, int column, int p, double factor, double w[])
{
  const double *at_point = SweepSeedFactors(s, seeds, column, p);
  const bool *own = JetPlanSeedsOwn(s->plan, column);
  for (int k = 0; k < seeds->n; k++)
    if (seeds->coord[k] < s->network->n_coord)
      w[seeds->coord[k]] += factor * SweepSeed(s, seeds->coord[k], at_point[k], own[k], p);
}

static double factor_at(const REAL(Sweep) * s, int k, int p)
{
  return s->quadratic->factor[k] < 0 ? 1.0 : JetTablesFactor(s->tables, s->quadratic->factor[k], p);
}

/* The jets of one field are added to u [column][n][n_field], which begins at the field. */
static void add_field(REAL(Sweep) * s, const Real A[], Real u[])
{
  const QuadraticJets q = s->quadratic;
  const size_t d = (size_t)s->network->n_coord, n = (size_t)s->n, stride = (size_t)s->network->n_field;
  REAL(QuadraticApply)(s->network, q->aligned, A, n, s->input, s->form);
  for (int p = 0; p < s->n; p++) {
    const Real *z = s->input + (size_t)p * d, *y = s->form + (size_t)p * d;
    double product = 0.0;
#pragma omp simd reduction(+ : product)
    for (size_t i = 0; i < d; i++) product += (double)z[i] * (double)y[i];
    u[(size_t)p * stride] += (Real)(0.5 * product);
    for (int c = 1; c < s->n_column; c++) {
      Real *at = u + ((size_t)c * n + (size_t)p) * stride;
      const Seeds seeds = SweepSeeds(s, c);
      *at += (Real)(q->aligned ? q->scale[c] * product : along(s, &seeds, c, p, y));
    }
  }
  for (int k = 0; k < q->n_second; k++) {
    const double trace = REAL(QuadraticTrace)(q, k, A);
    Real *at = u + (size_t)q->column[k] * n * stride;
    for (int p = 0; p < s->n; p++) at[(size_t)p * stride] += (Real)(factor_at(s, k, p) * trace);
  }
}

static void add_jets(REAL(Sweep) * s, const Real A[], Real u[])
{
  for (int f = 0; f < s->network->n_field; f++) add_field(s, A + (size_t)f * QuadraticSize(s->network), u + f);
}

static void quadratic_forward(REAL(Sweep) * s, int k, const double theta[])
{
  add_jets(s, SweepWeights(s, NetworkQuadratic(s->network), theta), s->value[s->network->steps[k].to]);
}

static void quadratic_reverse(REAL(Sweep) * s, int k, const double theta[], bool deeper, REAL(LayerVisit) visit,
                              void *context)
{
  (void)theta, (void)deeper;
  visit(context, s, s->network->steps[k].layer, s->bar[s->network->steps[k].to]);
}

static void quadratic_tangent(REAL(Sweep) * s, int k, const double theta[], const double v[])
{
  const Layer *layer = NetworkQuadratic(s->network);
  (void)theta;
  add_jets(s, SweepNarrow(v + layer->offset, LayerSize(layer), s->narrowed[1]), s->dot[s->network->steps[k].to]);
}

const REAL(StepOps) REAL(StepQuadratic) = {quadratic_forward, quadratic_reverse, quadratic_tangent};

static double adjoint_at(const REAL(Sweep) * s, int field, int column, int p, const Real u_bar[])
{
  return (double)u_bar[((size_t)column * (size_t)s->n + (size_t)p) * (size_t)s->network->n_field + (size_t)field];
}

void REAL(QuadraticAdjoint)(const REAL(Sweep) * s, int field, int p, const Real u_bar[], double w[], double b[])
{
  const QuadraticJets q = s->quadratic;
  const int d = s->network->n_coord;
  const double half = 0.5 * adjoint_at(s, field, 0, p, u_bar);
  for (int k = 0; k < q->n_second; k++) b[k] = factor_at(s, k, p) * adjoint_at(s, field, q->column[k], p, u_bar);
  if (q->aligned) {
    *w = half;
    for (int c = 1; c < s->n_column; c++) *w += q->scale[c] * adjoint_at(s, field, c, p, u_bar);
    return;
  }
  for (int i = 0; i < d; i++) w[i] = half * (double)s->input[p * d + i];
  for (int c = 1; c < s->n_column; c++) {
    const Seeds seeds = SweepSeeds(s, c);
    add_direction(s, &seeds, c, p, adjoint_at(s, field, c, p, u_bar), w);
  }
}

/* w of a field at a point in full. */
static void adjoint_in_full(const REAL(Sweep) * s, int field, int p, const Real u_bar[], double w[], double b[])
{
  REAL(QuadraticAdjoint)(s, field, p, u_bar, w, b);
  if (!s->quadratic->aligned) return;
  const double multiple = *w;
  for (int i = 0; i < s->network->n_coord; i++) w[i] = multiple * (double)s->input[p * s->network->n_coord + i];
}

static void add_field_gradient(REAL(Sweep) * s, int f, const Real u_bar[], Real G[])
{
  const QuadraticJets q = s->quadratic;
  const size_t d = (size_t)s->network->n_coord;
  double *w = s->form_point[1], *b = s->form_point[2];
  for (int p = 0; p < s->n; p++) {
    adjoint_in_full(s, f, p, u_bar, w, b);
    for (size_t i = 0; i < d; i++) s->form[(size_t)p * d + i] = (Real)w[i];
  }
  REAL(QuadraticOuter)(s->network, q->aligned, (size_t)s->n, s->form, s->input, G);
  for (int k = 0; k < q->n_second; k++) {
    double sum = 0.0;
    for (int p = 0; p < s->n; p++) sum += factor_at(s, k, p) * adjoint_at(s, f, q->column[k], p, u_bar);
    REAL(QuadraticAddSum)(q, k, sum, G);
  }
}

void REAL(QuadraticGradient)(REAL(Sweep) * s, const Real u_bar[], Real gradient[])
{
  for (int f = 0; f < s->network->n_field; f++)
    add_field_gradient(s, f, u_bar, gradient + (size_t)f * QuadraticSize(s->network));
}

void REAL(QuadraticRows)(REAL(Sweep) * s, const Real u_bar[], double J[], size_t ld)
{
  const size_t d = (size_t)s->network->n_coord, size = QuadraticSize(s->network);
  double *z = s->form_point[0], *w = s->form_point[1], *b = s->form_point[2];
  for (int p = 0; p < s->n; p++) {
    for (size_t i = 0; i < d; i++) z[i] = (double)s->input[(size_t)p * d + i];
    for (int f = 0; f < s->network->n_field; f++) {
      REAL(QuadraticAdjoint)(s, f, p, u_bar, w, b);
      QuadraticRow(s->quadratic, w, z, b, 0, size, J + (size_t)p * ld + (size_t)f * size);
    }
  }
}
