/* A program and the sweeps of the network under it, once a thread: expressions of the fields at tiles of points. */
#include <omp.h>
#include <string.h>
#include "residual_impl.h"

#define TILE_WITHOUT_NETWORK 256

static size_t outputs(const Probe probe)
{
  return (size_t)(probe->n_field + probe->n_unknown);
}

static PetscErrorCode create_thread(Probe probe, Network network, ProbeThread *thread)
{
  const JetPlan plan = ProgramPlan(probe->program);
  const size_t net = (size_t)JetPlanColumns(plan) * (size_t)probe->tile * outputs(probe);
  PetscFunctionBegin;
  PetscCall(ProgramWorkCreate(probe->program, probe->tile, &thread->work));
  const size_t roots = (size_t)probe->n_root * (size_t)probe->tile;
  PetscCall(PetscMalloc4(roots, &thread->roots, roots, &thread->other, roots, &thread->again, roots, &thread->weighed));
  if (!ProgramUsesNetwork(probe->program)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NetworkSweepCreate(network, plan, probe->compression, probe->tile, &thread->sweep));
  PetscCall(
      PetscMalloc3(net, &thread->net, net, &thread->net_bar, probe->tile * probe->n_unknown, &thread->unknown_bar));
  if (probe->n_pass > 1 || probe->n_draw > 1) PetscCall(PetscMalloc1(net, &thread->net_sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns that differ from pass to pass: of coordinates that stand for terms. */
static PetscErrorCode list_summed(Probe probe, int n_coord)
{
  const JetPlan plan = ProgramPlan(probe->program);
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(JetPlanColumns(plan), &probe->summed));
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    const JetOperator *op = JetPlanOperator(plan, c);
    for (int k = 0; k < op->n; k++)
      probe->summed[c] |= op->index[k].order && op->index[k].coord[op->index[k].order - 1] >= n_coord;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProbeCreateWithin(Problem problem, Network network, int n_root, const FormulaNode roots[],
                                 const JetReducer *reducer, double most, Probe *probe)
{
  const JetGroup *groups;
  int n_group;
  Probe p;
  PetscFunctionBegin;
  *probe = NULL;
  PetscCall(PetscNew(&p));
  const PetscErrorCode code = ProgramCreate(ProblemFormula(problem), n_root, roots, reducer, &p->program);
  if (code) PetscCall(PetscFree(p));
  PetscCall(code);
  const JetPlan plan = ProgramPlan(p->program);
  if (most > 0.0 && sizeof(double) * NetworkSweepDoubles(network, plan, NetworkTilePoints(network, plan)) > most) {
    PetscCall(ProgramDestroy(&p->program));
    PetscCall(PetscFree(p));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  ProgramGroups(p->program, &n_group, &groups);
  if (n_group) PetscCall(NetworkCompressionCreate(network, n_group, groups, &p->compression));
  p->n_draw = p->n_pass = 1;
  for (int g = 0; g < n_group; g++) {
    p->n_draw = PetscMax(p->n_draw, groups[g].draw + 1);
    p->n_pass = groups[g].passes;
  }
  PetscCall(list_summed(p, FormulaCoordinates(ProblemFormula(problem))));
  p->n_root = n_root;
  p->dim = FormulaCoordinates(ProblemFormula(problem));
  p->n_field = ProblemFields(problem);
  p->n_unknown = ProblemUnknowns(problem);
  p->first_unknown = NetworkParameters(network) - (size_t)p->n_unknown;
  p->tile = ProgramUsesNetwork(p->program) ? NetworkTilePoints(network, plan) : TILE_WITHOUT_NETWORK;
  p->n_thread = ProgramUsesNetwork(p->program) && NetworkIsWide(network) ? 1 : omp_get_max_threads();
  PetscCall(PetscCalloc1(p->n_thread, &p->threads));
  for (int t = 0; t < p->n_thread; t++) PetscCall(create_thread(p, network, &p->threads[t]));
  *probe = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProbeCreate(Problem problem, Network network, int n_root, const FormulaNode roots[],
                           const JetReducer *reducer, Probe *probe)
{
  PetscFunctionBegin;
  PetscCall(ProbeCreateWithin(problem, network, n_root, roots, reducer, 0.0, probe));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProbeDestroy(Probe *probe)
{
  Probe p = *probe;
  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  for (int t = 0; t < p->n_thread; t++) {
    ProbeThread *thread = &p->threads[t];
    PetscCall(NetworkSweepDestroy(&thread->sweep));
    PetscCall(ProgramWorkDestroy(&thread->work));
    PetscCall(PetscFree3(thread->net, thread->net_bar, thread->unknown_bar));
    PetscCall(PetscFree(thread->net_sum));
    PetscCall(PetscFree4(thread->roots, thread->other, thread->again, thread->weighed));
  }
  PetscCall(PetscFree(p->threads));
  PetscCall(PetscFree(p->summed));
  PetscCall(NetworkCompressionDestroy(&p->compression));
  PetscCall(ProgramDestroy(&p->program));
  PetscCall(PetscFree(*probe));
  PetscFunctionReturn(PETSC_SUCCESS);
}

JetPlan ProbePlan(Probe probe)
{
  return ProgramPlan(probe->program);
}

void ProbeUpdate(Probe probe, const double theta[])
{
  if (probe->compression) NetworkCompressionUpdate(probe->compression, theta);
}

void ProbeUpdateTangent(Probe probe, const double theta[], const double v[])
{
  if (probe->compression) NetworkCompressionTangent(probe->compression, theta, v);
}

void ProbeReverseEnd(Probe probe, const double theta[], double gradient[])
{
  if (probe->compression) NetworkCompressionReverse(probe->compression, theta, gradient);
}

/* to = from times the weights of the tile, [n_root][n]. */
static void weigh(const Probe probe, const ProbeThread *t, const double from[], double to[])
{
  const int n = t->tile.n;
  for (int e = 0; e < probe->n_root; e++)
    for (int i = 0; i < n; i++)
      to[e * n + i] = from[e * n + i] * t->tile.weight[(size_t)e * t->tile.root_stride + (size_t)i];
}

/* Numbers of a column of the network's jets at a tile. */
static size_t column_size(const Probe probe, const ProbeThread *t)
{
  return (size_t)t->tile.n * (size_t)probe->n_field;
}

/* Jets of the outputs [column][n][n_field] make room for the unknown coefficients, whose derivatives are 0. */
static void join_unknowns(const Probe probe, const ProbeThread *t, const double unknowns[], double net[])
{
  const size_t n_field = (size_t)probe->n_field, n = (size_t)t->tile.n;
  if (!probe->n_unknown) return;
  for (size_t i = n * (size_t)JetPlanColumns(ProgramPlan(probe->program)); i-- > 0;) {
    double *to = net + i * outputs(probe);
    memmove(to, net + i * n_field, n_field * sizeof(double));
    for (int k = 0; k < probe->n_unknown; k++) to[probe->n_field + k] = i < n ? unknowns[k] : 0.0;
  }
}

/* The way back: of adjoints. */
static void part_unknowns(const Probe probe, ProbeThread *t)
{
  const size_t n_field = (size_t)probe->n_field, n_unknown = (size_t)probe->n_unknown, n = (size_t)t->tile.n;
  const size_t n_point = n * (size_t)JetPlanColumns(ProgramPlan(probe->program));
  for (size_t i = 0; n_unknown && i < n_point; i++) {
    const double *from = t->net_bar + i * outputs(probe);
    if (i < n) memcpy(t->unknown_bar + i * n_unknown, from + n_field, n_unknown * sizeof(double));
    memmove(t->net_bar + i * n_field, from, n_field * sizeof(double));
  }
}

static void add_unknowns(const Probe probe, const ProbeThread *t, double gradient[])
{
  for (int i = 0; i < t->tile.n; i++)
    for (int k = 0; k < probe->n_unknown; k++)
      gradient[probe->first_unknown + (size_t)k] += t->unknown_bar[i * probe->n_unknown + k];
}

/* The network's jets; what differs from pass to pass is summed. */
static void forward_passes(Probe probe, ProbeThread *t, const double theta[])
{
  const size_t size = column_size(probe, t), n_column = (size_t)JetPlanColumns(ProgramPlan(probe->program));
  for (int pass = 0; pass < probe->n_pass; pass++) {
    NetworkSetPass(t->sweep, pass);
    NetworkForward(t->sweep, theta, t->tile.n, t->tile.x, t->net);
    for (size_t c = 0; c < n_column; c++) {
      if (!probe->summed[c]) continue;
      for (size_t k = c * size; pass && k < (c + 1) * size; k++) t->net[k] += t->net_sum[k];
      memcpy(t->net_sum + c * size, t->net + c * size, size * sizeof(double));
    }
  }
}

void ProbeRoots(Probe probe, int thread, int draw, double roots[])
{
  ProbeThread *t = &probe->threads[thread];
  const Tile *tile = &t->tile;
  ProgramSetDraw(t->work, draw);
  ProgramEvaluate(probe->program, t->work, tile->n, tile->x, tile->normal, tile->statics, tile->stride, t->net,
                  (int)outputs(probe), roots);
  for (int e = 0; e < probe->n_root && tile->given; e++)
    for (int i = 0; i < tile->n; i++) roots[e * tile->n + i] -= tile->given[(size_t)e * tile->root_stride + (size_t)i];
  if (tile->weight) weigh(probe, t, roots, roots);
}

void ProbeForward(Probe probe, int thread, const double theta[], const Tile *tile, double roots[])
{
  ProbeThread *t = &probe->threads[thread];
  t->tile = *tile;
  if (!tile->statics)
    t->tile.statics = ProgramWorkStatics(probe->program, t->work, tile->n, tile->x, tile->normal, &t->tile.stride);
  if (t->sweep) {
    NetworkSetFactors(t->sweep, tile->n, t->tile.statics, t->tile.stride);
    if (probe->n_pass > 1)
      forward_passes(probe, t, theta);
    else
      NetworkForward(t->sweep, theta, tile->n, tile->x, t->net);
    join_unknowns(probe, t, theta + probe->first_unknown, t->net);
  }
  ProbeRoots(probe, thread, 0, roots);
}

void ProbeAdjoint(Probe probe, int thread, const double root_bar[])
{
  ProbeThread *t = &probe->threads[thread];
  if (t->tile.weight) weigh(probe, t, root_bar, t->weighed);
  ProgramReverse(probe->program, t->work, t->tile.weight ? t->weighed : root_bar, t->net_bar);
  part_unknowns(probe, t);
}

/* One sweep each pass: the network forgets the others. Columns that are the same in all of them count in the last. */
static void reverse_passes(Probe probe, ProbeThread *t, const double theta[], double gradient[])
{
  const size_t size = column_size(probe, t), n_column = (size_t)JetPlanColumns(ProgramPlan(probe->program));
  for (int pass = 0; pass < probe->n_pass; pass++) {
    memcpy(t->net_sum, t->net_bar, n_column * size * sizeof(double));
    for (size_t c = 0; c < n_column && pass < probe->n_pass - 1; c++)
      if (!probe->summed[c]) memset(t->net_sum + c * size, 0, size * sizeof(double));
    NetworkSetPass(t->sweep, pass);
    NetworkForward(t->sweep, theta, t->tile.n, t->tile.x, t->net);
    NetworkReverse(t->sweep, theta, t->net_sum, gradient);
  }
}

static void reverse_network(Probe probe, ProbeThread *t, const double theta[], double gradient[])
{
  if (probe->n_pass > 1)
    reverse_passes(probe, t, theta, gradient);
  else
    NetworkReverse(t->sweep, theta, t->net_bar, gradient);
}

void ProbeReverse(Probe probe, int thread, const double theta[], const double root_bar[], double gradient[])
{
  ProbeAdjoint(probe, thread, root_bar);
  add_unknowns(probe, &probe->threads[thread], gradient);
  reverse_network(probe, &probe->threads[thread], theta, gradient);
}

void ProbeReverseBoth(Probe probe, int thread, const double theta[], const double root_bar[], const double other_bar[],
                      double gradient[])
{
  ProbeThread *t = &probe->threads[thread];
  const size_t size = column_size(probe, t) * (size_t)JetPlanColumns(ProgramPlan(probe->program));
  double *net_bar = t->net_bar;
  ProbeAdjoint(probe, thread, other_bar);
  add_unknowns(probe, t, gradient);
  t->net_bar = t->net_sum;
  ProbeRoots(probe, thread, 0, t->again);
  ProbeAdjoint(probe, thread, root_bar);
  add_unknowns(probe, t, gradient);
  t->net_bar = net_bar;
  for (size_t k = 0; k < size; k++) net_bar[k] += t->net_sum[k];
  reverse_network(probe, t, theta, gradient);
}

void ProbeTangent(Probe probe, int thread, const double theta[], const double v[], double root_dot[])
{
  ProbeThread *t = &probe->threads[thread];
  NetworkTangent(t->sweep, theta, v, t->net_bar);
  join_unknowns(probe, t, v + probe->first_unknown, t->net_bar);
  ProgramTangent(probe->program, t->work, t->net_bar, root_dot);
  if (t->tile.weight) weigh(probe, t, root_dot, root_dot);
}

void ProbeRows(Probe probe, int thread, const double theta[], const double root_bar[], size_t begin, size_t count,
               double J[], size_t ld)
{
  ProbeThread *t = &probe->threads[thread];
  ProbeAdjoint(probe, thread, root_bar);
  NetworkRows(t->sweep, theta, t->net_bar, begin, count, J, ld);
  for (int k = 0; k < probe->n_unknown; k++) {
    const size_t at = probe->first_unknown + (size_t)k;
    for (int i = 0; at >= begin && at < begin + count && i < t->tile.n; i++)
      J[(size_t)i * ld + (at - begin)] = t->unknown_bar[i * probe->n_unknown + k];
  }
}

PetscErrorCode ProbeEvaluate(Probe probe, const double theta[], int n, const double x[], const double normal[],
                             double values[])
{
  const int n_tile = (n + probe->tile - 1) / probe->tile;
  PetscFunctionBegin;
  ProbeUpdate(probe, theta);
#pragma omp parallel for schedule(static, 1) num_threads(probe->n_thread)
  for (int k = 0; k < n_tile; k++) {
    const int begin = k * probe->tile, thread = omp_get_thread_num();
    const size_t shift = (size_t)begin * (size_t)probe->dim;
    const Tile tile = {.n = PetscMin(probe->tile, n - begin), .x = x + shift, .normal = normal ? normal + shift : NULL};
    double *roots = probe->threads[thread].roots;
    ProbeForward(probe, thread, theta, &tile, roots);
    for (int e = 0; e < probe->n_root; e++)
      for (int i = 0; i < tile.n; i++) values[(size_t)e * (size_t)n + (size_t)(begin + i)] = roots[e * tile.n + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void constant_tile(Probe probe, ProbeThread *t, const double values[], const Tile *tile)
{
  const size_t n = (size_t)tile->n, n_output = outputs(probe);
  const size_t n_net = (size_t)JetPlanColumns(ProgramPlan(probe->program)) * n * n_output;
  size_t stride;
  const double *statics = ProgramWorkStatics(probe->program, t->work, tile->n, tile->x, tile->normal, &stride);
  for (size_t k = 0; t->net && k < n_net; k++)
    t->net[k] = k < n * n_output && k % n_output < (size_t)probe->n_field ? values[k % n_output] : 0.0;
  ProgramEvaluate(probe->program, t->work, tile->n, tile->x, tile->normal, statics, stride, t->net, (int)n_output,
                  t->roots);
}

PetscErrorCode ProbeEvaluateConstant(Probe probe, const double outputs[], int n, const double x[], double values[])
{
  const int n_tile = (n + probe->tile - 1) / probe->tile;
  PetscFunctionBegin;
#pragma omp parallel for schedule(static, 1) num_threads(probe->n_thread)
  for (int k = 0; k < n_tile; k++) {
    const int begin = k * probe->tile;
    const Tile tile = {.n = PetscMin(probe->tile, n - begin), .x = x + (size_t)begin * (size_t)probe->dim};
    ProbeThread *thread = &probe->threads[omp_get_thread_num()];
    constant_tile(probe, thread, outputs, &tile);
    for (int e = 0; e < probe->n_root; e++)
      for (int i = 0; i < tile.n; i++)
        values[(size_t)e * (size_t)n + (size_t)(begin + i)] = thread->roots[e * tile.n + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ProbeIsAffine(Probe probe)
{
  return ProgramIsLinear(probe->program) && JetPlanColumns(ProgramPlan(probe->program)) == 1;
}
