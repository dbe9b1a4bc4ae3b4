/* Causal weights (Wang, Sankaran, Perdikaris 2024): an interior point of time slice i counts with

     w_i = exp(-epsilon sum_{k < i} L_k),   L_k = mean over slice k of the weighted sum of squared residuals,

   so that a time is fitted once what comes before it is. When all weights have come above 0.99, epsilon becomes the
   next one of its list. Weights change between steps alone. */
#include <math.h>
#include "residual_impl.h"

#define SETTLED 0.99
#define LEAST   1e-100 /* weights below it would make residuals that cannot be read back */

struct Causal_s {
  int n_slice, n_epsilon, t;
  double lower, upper; /* times */
  double *epsilon;     /* [n_epsilon] rising */
  PetscInt every;
  int at;         /* epsilon in use */
  double last;    /* iteration at which weights were taken; -1 = never */
  double *loss;   /* [n_slice] L_k */
  double *count;  /* [n_slice] points */
  double *factor; /* [n_slice] of rows: sqrt(w_k) */
};

PetscErrorCode CausalCreate(Residual residual, Config config, Domain domain)
{
  const char *where = ConfigWhere(config, "points.interior.causal");
  const int t = FormulaFindCoordinate(ProblemFormula(residual->problem), "t");
  const double *lower, *upper;
  const PetscReal *epsilon;
  PetscInt slices;
  Causal c;
  int n;
  PetscFunctionBegin;
  PetscCall(ConfigGetReals(config, "points.interior.causal", &n, &epsilon));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(t >= 0, "%s: the coordinates have no t", where);
  for (int k = 1; k < n; k++)
    PinnUserCheck(epsilon[k] > epsilon[k - 1], "%s: the values must rise: %lg after %lg", where, epsilon[k],
                  epsilon[k - 1]);
  PetscCall(PetscNew(&c));
  residual->causal = c;
  PetscCall(ConfigGetInt(config, "points.interior.causal_slices", &slices));
  PetscCall(ConfigGetInt(config, "points.interior.causal_every", &c->every));
  DomainBounds(domain, &lower, &upper);
  c->t = t, c->lower = lower[t], c->upper = upper[t];
  c->n_slice = (int)slices;
  c->n_epsilon = n;
  c->last = -1.0;
  PetscCall(PetscCalloc4(n, &c->epsilon, c->n_slice, &c->loss, c->n_slice, &c->count, c->n_slice, &c->factor));
  PetscCall(PetscArraycpy(c->epsilon, epsilon, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CausalDestroy(Causal *causal)
{
  PetscFunctionBegin;
  if (!*causal) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*causal)->epsilon, (*causal)->loss, (*causal)->count, (*causal)->factor));
  PetscCall(PetscFree(*causal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int slice_of(const struct Causal_s *c, const double x[])
{
  const double part = (x[c->t] - c->lower) / (c->upper - c->lower);
  return PetscMax(0, PetscMin(c->n_slice - 1, (int)floor(part * c->n_slice)));
}

/* The weight of a slice whose predecessors have `before` together. */
static double weight_after(const struct Causal_s *c, double before)
{
  return fmax(LEAST, exp(-c->epsilon[c->at] * before));
}

static double least_weight(const struct Causal_s *c)
{
  double before = 0.0;
  for (int k = 0; k < c->n_slice - 1; k++) before += c->loss[k];
  return weight_after(c, before);
}

bool CausalWeighs(const struct Causal_s *c, const RowBlock *block)
{
  return c && c->last >= 0.0 && block->block->interior;
}

double CausalFactor(const struct Causal_s *c, const double x[])
{
  return c->factor[slice_of(c, x)];
}

static PetscErrorCode apply(Residual residual)
{
  const Causal c = residual->causal;
  double before = 0.0;
  PetscFunctionBegin;
  if (c->last < 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < c->n_slice; before += c->loss[k++]) c->factor[k] = sqrt(weight_after(c, before));
  PetscCall(RowBlockWeigh(residual, &residual->blocks[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A slice without points, or with a residual that is no number, hands on nothing. */
static PetscErrorCode measure_slices(Residual residual, const double theta[])
{
  const Causal c = residual->causal;
  RowBlock *block = &residual->blocks[0];
  const int n = block->train.points.n, n_term = block->block->n_term;
  double *values;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n * (size_t)n_term, &values));
  PetscCall(RowBlockValues(block, &block->train, theta, values));
  PetscCall(PetscArrayzero(c->loss, c->n_slice));
  PetscCall(PetscArrayzero(c->count, c->n_slice));
  for (int i = 0; i < n; i++) {
    const int k = slice_of(c, block->train.points.x + (size_t)i * (size_t)block->train.points.dim);
    c->count[k] += 1.0;
    for (int e = 0; e < n_term; e++)
      c->loss[k] += block->block->terms[e].weight * PetscSqr(values[(size_t)e * (size_t)n + (size_t)i]);
  }
  PetscCall(PetscFree(values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c->loss, c->n_slice, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c->count, c->n_slice, MPI_DOUBLE, MPI_SUM, residual->rows.comm));
  for (int k = 0; k < c->n_slice; k++)
    c->loss[k] = c->count[k] > 0.0 && isfinite(c->loss[k]) ? c->loss[k] / c->count[k] : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CausalUpdate(Residual residual, const double theta[], PetscInt iteration, bool *changed)
{
  const Causal c = residual->causal;
  PetscFunctionBegin;
  if (iteration % c->every || c->last == (double)iteration) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(measure_slices(residual, theta));
  if (least_weight(c) > SETTLED && c->at + 1 < c->n_epsilon) c->at++;
  c->last = (double)iteration;
  PetscCall(apply(residual));
  *changed = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool ResidualCausal(Residual residual, double *epsilon, double *least)
{
  const Causal c = residual->causal;
  *epsilon = *least = NAN;
  if (!c) return false;
  *epsilon = c->epsilon[c->at];
  if (c->last >= 0.0) *least = least_weight(c);
  return true;
}

size_t CausalNumbers(Residual residual)
{
  return residual->causal ? 2 + (size_t)residual->causal->n_slice : 0;
}

void CausalGet(Residual residual, double values[])
{
  const Causal c = residual->causal;
  if (!c) return;
  values[0] = c->at;
  values[1] = c->last;
  for (int k = 0; k < c->n_slice; k++) values[2 + k] = c->loss[k];
}

PetscErrorCode CausalSet(Residual residual, const double values[])
{
  const Causal c = residual->causal;
  PetscFunctionBegin;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  PinnUserCheck(values[0] >= 0.0 && values[0] < c->n_epsilon, "the checkpoint holds causal weights of another case");
  c->at = (int)values[0];
  c->last = values[1];
  PetscCall(PetscArraycpy(c->loss, values + 2, c->n_slice));
  PetscCall(apply(residual));
  PetscFunctionReturn(PETSC_SUCCESS);
}
