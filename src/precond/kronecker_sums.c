/* Sums over the rows of all ranks, and the factors made of them. */
#include <stdlib.h>
#include "kronecker_impl.h"

typedef struct {
  Kronecker kronecker;
  KroneckerAddFn add;
  const void *data;
  size_t n_sum;
  double *sums;   /* [n_thread][n_sum] */
  double **work;  /* [n_thread] of what the panels so far needed */
  size_t *n_work; /* [n_thread] */
} Visit;

static void visit_panel(void *context, int thread, const RowsPanel *panel)
{
  const Visit *visit = context;
  const size_t need = KroneckerPanelWork(panel);
  if (need > visit->n_work[thread]) {
    free(visit->work[thread]);
    visit->work[thread] = malloc(need * sizeof(double));
    visit->n_work[thread] = need;
  }
  if (!visit->work[thread]) return;
  visit->add(visit->kronecker, visit->data, panel, visit->work[thread], visit->sums + (size_t)thread * visit->n_sum);
}

static PetscErrorCode reduce(const Visit *visit, int n_thread, double sums[])
{
  PetscMPIInt count;
  bool failed = false;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(sums, visit->sums, visit->n_sum));
  for (int thread = 0; thread < n_thread; thread++) {
    const double *own = visit->sums + (size_t)thread * visit->n_sum;
    failed = failed || (visit->n_work[thread] && !visit->work[thread]);
    for (size_t k = 0; thread && k < visit->n_sum; k++) sums[k] += own[k];
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for Kronecker factors");
  PetscCall(PetscMPIIntCast((PetscInt)visit->n_sum, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, count, MPI_DOUBLE, MPI_SUM, visit->kronecker->rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerSumRows(Kronecker kronecker, Vec theta, KroneckerAddFn add, const void *data, size_t n_sum,
                                double sums[])
{
  const int n_thread = RowsThreads(kronecker->rows);
  Visit visit = {.kronecker = kronecker, .add = add, .data = data, .n_sum = n_sum};
  PetscFunctionBegin;
  PetscCall(PetscCalloc3((size_t)n_thread * n_sum, &visit.sums, n_thread, &visit.work, n_thread, &visit.n_work));
  PetscCall(RowsVisit(kronecker->rows, theta, -1, visit_panel, &visit));
  PetscCall(reduce(&visit, n_thread, sums));
  for (int thread = 0; thread < n_thread; thread++) free(visit.work[thread]);
  PetscCall(PetscFree3(visit.sums, visit.work, visit.n_work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For each layer and group A, B and a number: rows times columns. data: [n_layer] places. */
static void add_plain(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[], double sums[])
{
  const KroneckerLayer *layer = &kronecker->layers[panel->layer];
  const size_t *places = data;
  double *own = sums + places[panel->layer] + (panel->interior ? INTERIOR : BOUNDARY) * (layer->pair + 1);
  (void)work;
  KroneckerAddInputs(panel, own);
  KroneckerAddOutputs(panel, own + layer->n_in * layer->n_in);
  own[layer->pair] += (double)panel->n * (double)panel->n_column;
}

static double trace(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += A[i * (n + 1)];
  return sum;
}

static double square(size_t n, const double A[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += A[k] * A[k];
  return sum;
}

/* pair = the product whose factors are the partial traces of sum_s A_s (x) B_s, of the same trace; groups holds two
   pairs each followed by a number. One group is left as it is. */
static void merge_groups(const KroneckerLayer *layer, const double groups[], double pair[])
{
  const size_t n_A = layer->n_in * layer->n_in;
  double of_A[N_GROUP], of_B[N_GROUP], all = 0.0, all_B = 0.0;
  for (int s = 0; s < N_GROUP; s++) {
    const double *A = groups + (size_t)s * (layer->pair + 1);
    of_A[s] = trace(layer->n_in, A);
    of_B[s] = trace(layer->n_out, A + n_A);
    all += of_A[s] * of_B[s];
    all_B += of_B[s];
  }
  for (size_t k = 0; k < layer->pair; k++) {
    pair[k] = 0.0;
    for (int s = 0; s < N_GROUP && all > 0.0; s++)
      pair[k] += groups[(size_t)s * (layer->pair + 1) + k] * (k < n_A ? of_B[s] / all_B : of_A[s] * all_B / all);
  }
}

/* kfac's factors: those of both groups, or merged into one pair. */
static PetscErrorCode plain_factors(Kronecker kronecker, Vec theta, double factors[])
{
  size_t *places, n_sum = 0;
  double *sums;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(kronecker->n_layer, &places));
  for (int l = 0; l < kronecker->n_layer; l++) {
    places[l] = n_sum;
    n_sum += N_GROUP * (kronecker->layers[l].pair + 1);
  }
  PetscCall(PetscMalloc1(n_sum, &sums));
  PetscCall(KroneckerSumRows(kronecker, theta, add_plain, places, n_sum, sums));
  for (int l = 0; l < kronecker->n_layer; l++) {
    const KroneckerLayer *layer = &kronecker->layers[l];
    double *groups = sums + places[l], *own = factors + layer->factors;
    for (int s = 0; s < N_GROUP; s++) {
      double *A = groups + (size_t)s * (layer->pair + 1);
      for (size_t k = 0; k < layer->n_in * layer->n_in && A[layer->pair] > 0.0; k++) A[k] /= A[layer->pair];
      if (kronecker->n_group == N_GROUP) PetscCall(PetscArraycpy(own + (size_t)s * layer->pair, A, layer->pair));
    }
    if (kronecker->n_group == 1) merge_groups(layer, groups, own);
  }
  PetscCall(PetscFree(sums));
  PetscCall(PetscFree(places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* data: the factors so far. */
static void add_right(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[], double sums[])
{
  const KroneckerLayer *layer = &kronecker->layers[panel->layer];
  const double *A = (const double *)data + layer->factors;
  KroneckerAddRight(panel, A, work, sums + layer->factors + layer->n_in * layer->n_in);
}

static void add_left(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[], double sums[])
{
  const KroneckerLayer *layer = &kronecker->layers[panel->layer];
  const double *B = (const double *)data + layer->factors + layer->n_in * layer->n_in;
  KroneckerAddLeft(panel, B, work, sums + layer->factors);
}

static void add_both(Kronecker kronecker, const void *data, const RowsPanel *panel, double work[], double sums[])
{
  add_right(kronecker, data, panel, work, sums);
  add_left(kronecker, data, panel, work, sums);
}

/* One factor of each pair from the other. */
static PetscErrorCode power_step(Kronecker kronecker, Vec theta, bool right, double sums[], double factors[])
{
  PetscFunctionBegin;
  PetscCall(KroneckerSumRows(kronecker, theta, right ? add_right : add_left, factors, kronecker->n_factor, sums));
  for (int l = 0; l < kronecker->n_layer; l++) {
    const KroneckerLayer *layer = &kronecker->layers[l];
    const size_t n_A = layer->n_in * layer->n_in, n_B = layer->n_out * layer->n_out;
    double *A = factors + layer->factors, *B = A + n_A;
    const double *next = sums + layer->factors + (right ? n_A : 0), norm = right ? square(n_A, A) : square(n_B, B);
    for (size_t k = 0; k < (right ? n_B : n_A) && norm > 0.0; k++) (right ? B : A)[k] = next[k] / norm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode set_identities(Kronecker kronecker, double factors[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(factors, kronecker->n_factor));
  for (int l = 0; l < kronecker->n_layer; l++) {
    const KroneckerLayer *layer = &kronecker->layers[l];
    double *A = factors + layer->factors, *B = A + layer->n_in * layer->n_in;
    for (size_t i = 0; i < layer->n_in; i++) A[i * (layer->n_in + 1)] = 1.0;
    for (size_t j = 0; j < layer->n_out; j++) B[j * (layer->n_out + 1)] = 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KroneckerFactors(Kronecker kronecker, Vec theta, double factors[])
{
  double *sums;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(kronecker->n_factor, &sums));
  if (kronecker->kind == KRONECKER_SHAMPOO) {
    PetscCall(set_identities(kronecker, sums));
    PetscCall(KroneckerSumRows(kronecker, theta, add_both, sums, kronecker->n_factor, factors));
  } else {
    PetscCall(plain_factors(kronecker, theta, factors));
  }
  for (PetscInt k = 0; k < 2 * kronecker->power_steps && kronecker->kind == KRONECKER_EKFAC; k++)
    PetscCall(power_step(kronecker, theta, k % 2 == 0, sums, factors));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}
