/* The quadratic form (quadratic.h): which there are, and what a plan asks of it. */
#include "quadratic.h"
#include <stdlib.h>

static const QuadraticForm full = {true}, diagonal = {false};

static const Choice rows[] = {
    {"none", "no quadratic form", NULL},
    {"diagonal", "sum_i a_i x_i^2: a number a coordinate", &diagonal},
    {"full", "x^T A x with a symmetric matrix: d^2 numbers, for some thousand coordinates", &full},
    {NULL, NULL, NULL},
};
const ChoiceTable QuadraticTable = {"quadratic", "quadratic forms of the coordinates beside a network", rows};

/* A term k f d_i d_j of a column. */
typedef struct {
  int factor, at[2];
  double coef;
} Term;

static bool seeds_coordinates(Network network, JetPlan plan, int column)
{
  Seeds seeds = {0, NULL, NULL};
  (void)JetPlanSeeds(plan, column, &seeds.n, &seeds.coord, &seeds.factor); /* cannot fail for a column it has */
  for (int k = 0; k < seeds.n; k++)
    if (seeds.coord[k] < network->n_coord) return true;
  return false;
}

bool QuadraticIsAligned(Network network, JetPlan plan)
{
  bool aligned = true, any = false;
  double scale;
  for (int c = 1; c < JetPlanColumns(plan); c++) {
    if (!seeds_coordinates(network, plan, c)) continue;
    any = true;
    aligned = aligned && JetPlanSeedsScale(plan, c, network->n_coord, &scale);
  }
  for (int i = 0; i < network->n_coord && any; i++) aligned = aligned && network->shift[i] == 0.0;
  return aligned;
}

static int ascending(const void *a, const void *b)
{
  const Term *x = a, *y = b;
  if (x->factor != y->factor) return x->factor < y->factor ? -1 : 1;
  for (int i = 0; i < 2; i++)
    if (x->at[i] != y->at[i]) return x->at[i] < y->at[i] ? -1 : 1;
  return 0;
}

static int factor_of(const JetOperator *op, int k)
{
  return op->factor ? op->factor[k] : -1;
}

/* Of a sum over a group's coordinates, which is there as a whole, the term of the first one stands for S. */
static const SeedGroup *sum_at(Network network, NetworkCompression compression, const JetOperator *op, int k)
{
  const int coord = op->index[k].coord[0] - network->n_coord;
  for (int g = 0; g < compression->n_group; g++)
    if (compression->groups[g].reduction == JET_COMPRESS && compression->groups[g].first == coord)
      return &compression->groups[g];
  return NULL;
}

/* Is it a term of the form's second derivatives? */
static bool counts(Network network, const JetOperator *op, int k)
{
  const JetIndex *index = &op->index[k];
  if (index->order != 2) return false;
  if (index->coord[1] >= network->n_coord) return index->coord[0] == index->coord[1] && op->n > 1;
  return network->quadratic->full || index->coord[0] == index->coord[1];
}

int QuadraticSums(Network network, JetPlan plan)
{
  int n = 0;
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    const JetOperator *op = JetPlanOperator(plan, c);
    for (int k = 0, last = -2; k < op->n; k++) {
      if (!counts(network, op, k)) continue;
      n += factor_of(op, k) != last;
      last = factor_of(op, k);
    }
  }
  return n;
}

/* terms [out] of a column, or NULL for their number alone */
static int list_terms(Network network, JetPlan plan, NetworkCompression compression, int column, Term terms[])
{
  const JetOperator *op = JetPlanOperator(plan, column);
  int n = 0;
  for (int k = 0; k < op->n; k++) {
    if (!counts(network, op, k)) continue;
    const int i = op->index[k].coord[0], j = op->index[k].coord[1];
    Term term = {.factor = factor_of(op, k), .at = {i, j}};
    if (j < network->n_coord) {
      term.coef = op->coef[k] * network->stretch[i] * network->stretch[j];
      if (terms) terms[n] = term;
      n++;
      continue;
    }
    const SeedGroup *group = compression ? sum_at(network, compression, op, k) : NULL;
    for (int m = 0; group && m < group->each.n; m++, n++) {
      term.at[0] = term.at[1] = group->each.coord[m];
      term.coef = op->coef[k] * group->each.weight[m];
      if (terms) terms[n] = term;
    }
  }
  if (terms) qsort(terms, (size_t)n, sizeof(Term), ascending);
  return n;
}

static int place_of(JetPlan plan, int factor)
{
  const int *factors, n = JetPlanFactors(plan, &factors);
  for (int k = 0; k < n; k++)
    if (factors[k] == factor) return k;
  return -1;
}

/* The sums of one column; terms that meet at one place are added up. */
static void add_sums(QuadraticJets jets, JetPlan plan, int column, int n, const Term terms[])
{
  int end = jets->start[jets->n_second];
  for (int t = 0; t < n; t++) {
    const bool begins = !t || terms[t].factor != terms[t - 1].factor;
    if (begins) {
      jets->column[jets->n_second] = column;
      jets->factor[jets->n_second++] = terms[t].factor < 0 ? -1 : place_of(plan, terms[t].factor);
    }
    if (begins || ascending(&terms[t], &terms[t - 1])) {
      for (int i = 0; i < 2; i++) jets->at[i][end] = terms[t].at[i];
      jets->coef[end++] = 0.0;
    }
    jets->coef[end - 1] += terms[t].coef;
    jets->start[jets->n_second] = end;
  }
}

PetscErrorCode QuadraticJetsCreate(Network network, JetPlan plan, NetworkCompression compression, QuadraticJets *jets)
{
  const int n_column = JetPlanColumns(plan);
  const int n_second = QuadraticSums(network, plan);
  int n_term = 0, most = 0;
  QuadraticJets q;
  Term *terms;
  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *jets = q;
  q->network = network;
  q->aligned = QuadraticIsAligned(network, plan);
  PetscCall(PetscCalloc1(n_column, &q->scale));
  for (int c = 1; c < n_column; c++)
    if (!JetPlanSeedsScale(plan, c, network->n_coord, &q->scale[c])) q->scale[c] = 0.0;
  for (int c = 0; c < n_column; c++) {
    const int n = list_terms(network, plan, compression, c, NULL);
    n_term += n;
    most = PetscMax(most, n);
  }
  PetscCall(PetscCalloc3(n_second, &q->column, n_second, &q->factor, n_second + 1, &q->start));
  PetscCall(PetscMalloc3(n_term, &q->at[0], n_term, &q->at[1], n_term, &q->coef));
  PetscCall(PetscMalloc1(most, &terms));
  for (int c = 0; c < n_column; c++) add_sums(q, plan, c, list_terms(network, plan, compression, c, terms), terms);
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QuadraticJetsDestroy(QuadraticJets *jets)
{
  QuadraticJets q = *jets;
  PetscFunctionBegin;
  if (!q) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(q->scale));
  PetscCall(PetscFree3(q->column, q->factor, q->start));
  PetscCall(PetscFree3(q->at[0], q->at[1], q->coef));
  PetscCall(PetscFree(*jets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NetworkServesGroups(Network network, NetworkCompression compression)
{
  bool serves = true;
  for (int g = 0; network->quadratic && compression && g < compression->n_group; g++)
    serves = serves && compression->groups[g].reduction == JET_COMPRESS;
  return serves;
}

double QuadraticPair(QuadraticJets jets, int k, const double w[], bool aligned, const double z[])
{
  double sum = 0.0;
  for (int t = jets->start[k]; t < jets->start[k + 1]; t++) {
    const int i = jets->at[0][t], j = jets->at[1][t];
    sum += jets->coef[t] * (aligned ? 2.0 * z[i] * z[j] : w[i] * z[j] + z[i] * w[j]);
  }
  return (aligned ? *w : 1.0) * 2.0 * sum;
}

double QuadraticProduct(QuadraticJets jets, int k, QuadraticJets other, int l)
{
  double sum = 0.0;
  for (int t = jets->start[k], u = other->start[l]; t < jets->start[k + 1] && u < other->start[l + 1];) {
    const int i = jets->at[0][t], j = jets->at[1][t], a = other->at[0][u], b = other->at[1][u];
    if (i == a && j == b)
      sum += (i == j ? 4.0 : 2.0) * jets->coef[t++] * other->coef[u++];
    else if (i < a || (i == a && j < b))
      t++;
    else
      u++;
  }
  return sum;
}

/* Entry (i, j) of C_k has its place in the row, if it is among those asked for. */
static void add_entry(QuadraticJets jets, int i, int j, double value, size_t begin, size_t count, double row[])
{
  const size_t at = jets->network->quadratic->full ? (size_t)i * (size_t)jets->network->n_coord + (size_t)j : (size_t)i;
  if (at >= begin && at < begin + count) row[at - begin] += value;
}

void QuadraticRow(QuadraticJets jets, const double w[], const double z[], const double b[], size_t begin, size_t count,
                  double row[])
{
  const bool is_full = jets->network->quadratic->full;
  const size_t d = (size_t)jets->network->n_coord;
  for (size_t k = begin; k < begin + count; k++) {
    const size_t i = is_full ? k / d : k, j = is_full ? k % d : k;
    row[k - begin] = jets->aligned ? 2.0 * *w * z[i] * z[j] : w[i] * z[j] + z[i] * w[j];
  }
  for (int k = 0; k < jets->n_second; k++)
    for (int t = jets->start[k]; t < jets->start[k + 1]; t++) {
      const int i = jets->at[0][t], j = jets->at[1][t];
      add_entry(jets, i, j, b[k] * jets->coef[t], begin, count, row);
      add_entry(jets, j, i, b[k] * jets->coef[t], begin, count, row);
    }
}
