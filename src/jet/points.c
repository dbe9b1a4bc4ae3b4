/* Tables at points: the coefficients of a plan's tables with the values of its factors multiplied in. */
#include "jet_impl.h"

/* The tables of a plan, numbered: product, transpose, powers from the second on. */
enum { MOST_TABLES = KERNEL_MAX_ORDER + 1 };

struct JetTables_s {
  JetPlan plan;
  size_t n_coef; /* of all tables of a point */
  int n_table, n_seed;
  double *coef;  /* [point][n_coef] by table */
  double *seed;  /* [point][n_seed] of the columns where some have a factor */
  double *value; /* [point][n_factor] */
  bool *varies;  /* [n_table][n_column] */
  KernelTables tables;
  KernelProduct transpose;
  KernelPoints points[MOST_TABLES];
};

static size_t terms(const KernelProduct *product)
{
  return (size_t)product->start[product->n_column];
}

static size_t terms_of_tables(JetPlan plan)
{
  size_t n = 2 * terms(&plan->tables.product);
  for (int k = 2; k <= plan->order; k++) n += terms(&plan->tables.power[k]);
  return n;
}

double JetTablesDoubles(JetPlan plan, int max_point)
{
  return plan->n_factor ? (double)max_point * (double)(terms_of_tables(plan) +
                                                       (size_t)(plan->point_start[plan->n_column] + plan->n_factor))
                        : 0.0;
}

static const KernelProduct *table_of_plan(JetPlan plan, int t, const int **factor)
{
  const JetTableFactors *factors = &plan->table_factors;
  *factor = t == 0 ? factors->product : t == 1 ? factors->transpose : factors->power[t];
  return t == 0 ? &plan->tables.product : t == 1 ? &plan->transpose : &plan->tables.power[t];
}

/* Table t with the coefficients at points in it. */
static void bind_table(JetTables tables, int t, size_t begin)
{
  const JetPlan plan = tables->plan;
  const int *factor;
  const KernelProduct *from = table_of_plan(plan, t, &factor);
  KernelProduct *to = t == 0 ? &tables->tables.product : t == 1 ? &tables->transpose : &tables->tables.power[t];
  bool *varies = tables->varies + t * plan->n_column;
  for (int c = 0; c < plan->n_column; c++)
    for (int k = from->start[c]; k < from->start[c + 1]; k++) varies[c] |= factor[k] >= 0;
  tables->points[t] = (KernelPoints){1, varies, tables->coef + begin, tables->n_coef};
  *to = *from;
  to->points = &tables->points[t];
}

PetscErrorCode JetTablesCreate(JetPlan plan, int max_point, JetTables *tables)
{
  const int *factor;
  JetTables t;
  size_t begin = 0;
  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  *tables = t;
  t->plan = plan;
  t->n_coef = terms_of_tables(plan);
  t->n_seed = plan->point_start[plan->n_column];
  t->n_table = PetscMax(2, plan->order + 1);
  t->tables.order = plan->order;
  t->tables.n_lower = plan->tables.n_lower;
  PetscCall(PetscMalloc3((size_t)max_point * t->n_coef, &t->coef, (size_t)max_point * (size_t)t->n_seed, &t->seed,
                         max_point * plan->n_factor, &t->value));
  PetscCall(PetscCalloc1(t->n_table * plan->n_column, &t->varies));
  for (int k = 0; k < t->n_table; k++) {
    bind_table(t, k, begin);
    begin += terms(table_of_plan(plan, k, &factor));
  }
  t->tables.product.transpose = &t->transpose;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JetTablesDestroy(JetTables *tables)
{
  PetscFunctionBegin;
  if (!*tables) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*tables)->coef, (*tables)->seed, (*tables)->value));
  PetscCall(PetscFree((*tables)->varies));
  PetscCall(PetscFree(*tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to[t] = coef[t] * factor t at the point whose factors begin at `values`; returns the end of `to`. */
static double *set_point(size_t n, const double coef[], const int factor[], const double values[], size_t stride,
                         double *to)
{
  for (size_t t = 0; t < n; t++) to[t] = factor[t] < 0 ? coef[t] : coef[t] * values[(size_t)factor[t] * stride];
  return to + n;
}

void JetTablesSet(JetTables tables, int n, const double factors[], size_t stride)
{
  const JetPlan plan = tables->plan;
  const int *factor;
  for (int p = 0; p < n; p++) {
    double *to = tables->coef + (size_t)p * tables->n_coef;
    for (int k = 0; k < plan->n_factor; k++)
      tables->value[p * plan->n_factor + k] = factors[(size_t)k * stride + (size_t)p];
    for (int t = 0; t < tables->n_table; t++) {
      const KernelProduct *table = table_of_plan(plan, t, &factor);
      to = set_point(terms(table), table->coef, factor, factors + p, stride, to);
    }
    to = tables->seed + (size_t)p * (size_t)tables->n_seed;
    for (int c = 0; c < plan->n_column; c++) {
      const size_t n_seed = (size_t)(plan->point_start[c + 1] - plan->point_start[c]),
                   start = (size_t)plan->seed_start[c];
      to = set_point(n_seed, plan->seed_factor + start, plan->seed_point_factor + start, factors + p, stride, to);
    }
  }
}

const KernelTables *JetTablesAt(JetTables tables, size_t width)
{
  for (int t = 0; t < tables->n_table; t++) tables->points[t].width = width;
  return &tables->tables;
}

double JetTablesFactor(JetTables tables, int factor, int p)
{
  return tables->value[p * tables->plan->n_factor + factor];
}

const double *JetTablesSeeds(JetTables tables, int column, int p)
{
  const JetPlan plan = tables->plan;
  if (plan->point_start[column] == plan->point_start[column + 1]) return plan->seed_factor + plan->seed_start[column];
  return tables->seed + (size_t)p * (size_t)tables->n_seed + plan->point_start[column];
}
