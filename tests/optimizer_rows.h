/* Rows given by closed formulas, shared out over the ranks of a communicator, and a stage run on them. */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"
#include "../src/optimizer/optimizer_impl.h"

#define MOST_PARAMETERS 448
#define MOST_ITERATIONS 4096

/* r and its derivatives J [n_param] of the global row i. */
typedef void (*RowFn)(const void *data, int i, const double theta[], double *r, double J[]);

typedef struct {
  struct Rows_s rows;
  RowsOps ops;
  RowFn row;
  const void *data;
  int first, n_evaluate, n_nan;
  bool nan_beyond; /* loss is NaN where theta[0] > limit */
  double limit;
} TestRows;

static inline PetscErrorCode test_gather(Vec x, double values[])
{
  static MPI_Comm kept = MPI_COMM_NULL; /* else each of the vectors below duplicates the communicator anew */
  VecScatter scatter;
  Vec all;
  const double *local;
  PetscInt n;
  PetscFunctionBegin;
  if (kept == MPI_COMM_NULL) PetscCall(PetscCommDuplicate(PETSC_COMM_SELF, &kept, NULL));
  PetscCall(VecGetSize(x, &n));
  PetscCall(VecScatterCreateToAll(x, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, x, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetArrayRead(all, &local));
  PetscCall(PetscArraycpy(values, local, n));
  PetscCall(VecRestoreArrayRead(all, &local));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_scatter(const double values[], Vec x)
{
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(x, &first, &last));
  PetscCall(VecGetArrayWrite(x, &local));
  PetscCall(PetscArraycpy(local, values + first, last - first));
  PetscCall(VecRestoreArrayWrite(x, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_jacobian(void *self, Vec theta, size_t begin, size_t count, double r[], double J[],
                                           size_t ld)
{
  TestRows *t = self;
  double values[MOST_PARAMETERS], row[MOST_PARAMETERS];
  PetscFunctionBegin;
  PetscCall(test_gather(theta, values));
  for (int i = 0; i < t->rows.n_row; i++) {
    t->row(t->data, t->first + i, values, &r[i], row);
    if (t->nan_beyond && values[0] > t->limit) r[i] = NAN;
    for (size_t k = 0; k < count; k++) J[(size_t)i * ld + k] = row[begin + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_apply(void *self, Vec theta, Vec v, double Jv[])
{
  TestRows *t = self;
  double values[MOST_PARAMETERS], direction[MOST_PARAMETERS], row[MOST_PARAMETERS], r;
  PetscFunctionBegin;
  PetscCall(test_gather(theta, values));
  PetscCall(test_gather(v, direction));
  for (int i = 0; i < t->rows.n_row; i++) {
    t->row(t->data, t->first + i, values, &r, row);
    Jv[i] = 0.0;
    for (size_t k = 0; k < t->rows.n_param; k++) Jv[i] += row[k] * direction[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J^T w, or J^T r with w NULL; loss may be NULL. */
static inline PetscErrorCode test_reverse(TestRows *t, Vec theta, const double w[], double *loss, Vec y)
{
  double values[MOST_PARAMETERS], row[MOST_PARAMETERS], sums[MOST_PARAMETERS + 1] = {0.0}, r;
  const int n = (int)t->rows.n_param;
  PetscFunctionBegin;
  PetscCall(test_gather(theta, values));
  for (int i = 0; i < t->rows.n_row; i++) {
    t->row(t->data, t->first + i, values, &r, row);
    if (t->nan_beyond && values[0] > t->limit) r = NAN;
    sums[n] += 0.5 * r * r;
    for (int k = 0; k < n; k++) sums[k] += row[k] * (w ? w[i] : r);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, n + 1, MPI_DOUBLE, MPI_SUM, t->rows.comm));
  PetscCall(test_scatter(sums, y));
  if (loss) *loss = sums[n];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_gradient(void *self, Vec theta, double *loss, Vec gradient)
{
  PetscFunctionBegin;
  PetscCall(test_reverse(self, theta, NULL, loss, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_apply_transpose(void *self, Vec theta, const double w[], Vec y)
{
  PetscFunctionBegin;
  PetscCall(test_reverse(self, theta, w, NULL, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode test_evaluate(void *self, Vec theta, double r[], double *loss)
{
  TestRows *t = self;
  double values[MOST_PARAMETERS], row[MOST_PARAMETERS], value, sum = 0.0;
  PetscFunctionBegin;
  t->n_evaluate++;
  PetscCall(test_gather(theta, values));
  for (int i = 0; i < t->rows.n_row; i++) {
    t->row(t->data, t->first + i, values, &value, row);
    if (t->nan_beyond && values[0] > t->limit) value = NAN;
    if (r) r[i] = value;
    sum += 0.5 * value * value;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, t->rows.comm));
  *loss = sum;
  t->n_nan += isnan(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows over comm; the last layer begins at last_begin and is linear unless the test changes that. */
static inline void test_rows(TestRows *t, MPI_Comm comm, int n_row, int n_param, int last_begin, RowFn row,
                             const void *data)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int first = n_row * rank / size, last = n_row * (rank + 1) / size;
  *t = (TestRows){.row = row, .data = data, .first = first};
  t->ops = (RowsOps){.evaluate = test_evaluate,
                     .gradient = test_gradient,
                     .apply = test_apply,
                     .apply_transpose = test_apply_transpose,
                     .jacobian = test_jacobian};
  t->rows = (struct Rows_s){.comm = comm,
                            .ops = &t->ops,
                            .self = t,
                            .n_row = last - first,
                            .n_row_global = n_row,
                            .n_param = (size_t)n_param,
                            .last_begin = (size_t)last_begin,
                            .linear = true};
}

/* What a monitor saw. */
typedef struct {
  int n;
  double loss[MOST_ITERATIONS], control[MOST_ITERATIONS], gradient_norm[MOST_ITERATIONS], reach[MOST_ITERATIONS];
  double inner[MOST_ITERATIONS], dense[MOST_ITERATIONS];
  const char *choice; /* at the end */
  PetscInt iteration[MOST_ITERATIONS];
  char control_name[16];
  PetscInt stop_at; /* 0 = never */
} Trace;

static inline PetscErrorCode test_monitor(Optimizer optimizer, const Progress *progress, Vec theta, void *context,
                                          bool *stop)
{
  Trace *trace = context;
  PetscFunctionBegin;
  (void)optimizer, (void)theta;
  trace->loss[trace->n] = progress->loss;
  trace->control[trace->n] = progress->control;
  trace->gradient_norm[trace->n] = progress->gradient_norm;
  trace->reach[trace->n] = progress->measures[MEASURE_REACH];
  trace->inner[trace->n] = progress->measures[MEASURE_INNER];
  trace->dense[trace->n] = progress->measures[MEASURE_DENSE];
  trace->choice = progress->choice;
  trace->iteration[trace->n++] = progress->iteration;
  snprintf(trace->control_name, sizeof(trace->control_name), "%s", progress->control_name);
  *stop = trace->stop_at && progress->iteration >= trace->stop_at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A case with one stage: `stage` is the inside of its group; `more` follows at the end. */
static inline Config test_config_with(const char *stage, const char *more)
{
  char text[2048];
  Config config;
  snprintf(text, sizeof(text),
           "problem: { coordinates = [ \"x\" ]; fields = [ \"u\" ];"
           " equations = ( { residual = \"u\"; } ); };\n"
           "domain: { type = \"box\"; };\n"
           "solver = ( { %s } );\n%s",
           stage, more);
  ck_petsc(ConfigLoadText("test.cfg", text, 0, NULL, &config));
  return config;
}

static inline Config test_config(const char *stage)
{
  return test_config_with(stage, "");
}

static inline Vec test_theta(Rows rows, const double values[])
{
  Vec theta;
  ck_petsc(VecCreateMPI(rows->comm, PETSC_DECIDE, (PetscInt)rows->n_param, &theta));
  ck_petsc(test_scatter(values, theta));
  return theta;
}

/* Runs the stage from theta [n_param] on all ranks and leaves the result there; trace may be NULL. */
static inline OptimizerReason test_solve(TestRows *t, const char *stage, double theta[], Trace *trace)
{
  Config config = test_config(stage);
  Optimizer optimizer;
  OptimizerReason reason;
  Vec x = test_theta(&t->rows, theta);
  if (trace) trace->n = 0;
  ck_petsc(OptimizerCreate(config, 0, &t->rows, &optimizer));
  if (trace) ck_petsc(OptimizerSetMonitor(optimizer, test_monitor, trace));
  ck_petsc(OptimizerSolve(optimizer, x, &reason));
  ck_petsc(test_gather(x, theta));
  ck_petsc(OptimizerDestroy(&optimizer));
  ck_petsc(VecDestroy(&x));
  ck_petsc(ConfigDestroy(&config));
  return reason;
}

/* A state as a checkpoint holds it: every entry as values or single. */
typedef struct {
  int n;
  StateEntry *entries;
  char (*names)[32];
} Saved;

/* Where entries are in single precision, on one rank. */
static inline void test_save_state(Optimizer optimizer, Saved *saved)
{
  const StateEntry *entries;
  ck_petsc(OptimizerGetState(optimizer, &saved->n, &entries));
  saved->entries = calloc((size_t)saved->n, sizeof(StateEntry));
  saved->names = calloc((size_t)saved->n, sizeof(*saved->names));
  for (int k = 0; k < saved->n; k++) {
    StateEntry *entry = &saved->entries[k];
    PetscInt n = (PetscInt)entries[k].n;
    snprintf(saved->names[k], sizeof(saved->names[k]), "%s", entries[k].name);
    if (entries[k].vec) ck_petsc(VecGetSize(entries[k].vec, &n));
    if (entries[k].single) n = (PetscInt)optimizer->rows->n_param;
    *entry = (StateEntry){.name = saved->names[k], .n = (size_t)n};
    if (entries[k].single) {
      entry->single = calloc((size_t)n, sizeof(float));
      memcpy(entry->single, entries[k].single, (size_t)n * sizeof(float));
      continue;
    }
    entry->values = calloc((size_t)n, sizeof(double));
    if (entries[k].vec)
      ck_petsc(test_gather(entries[k].vec, entry->values));
    else
      memcpy(entry->values, entries[k].values, (size_t)n * sizeof(double));
  }
}

static inline void test_free_state(Saved *saved)
{
  for (int k = 0; k < saved->n; k++) free(saved->entries[k].values), free(saved->entries[k].single);
  free(saved->entries);
  free(saved->names);
}

/* Runs half, saves, and goes on with a new stage from the values alone; returns why that ended. */
static inline OptimizerReason test_solve_in_two(TestRows *t, const char *stage, PetscInt half, double theta[],
                                                Trace *trace)
{
  Config config = test_config(stage);
  Saved saved = {0, NULL, NULL};
  OptimizerReason reason = OPTIMIZER_RUNNING;
  trace->n = 0;
  for (int part = 0; part < 2; part++) {
    Optimizer optimizer;
    Vec x = test_theta(&t->rows, theta);
    trace->stop_at = part ? 0 : half;
    ck_petsc(OptimizerCreate(config, 0, &t->rows, &optimizer));
    ck_petsc(OptimizerSetMonitor(optimizer, test_monitor, trace));
    if (part) ck_petsc(OptimizerSetState(optimizer, saved.n, saved.entries));
    ck_petsc(OptimizerSolve(optimizer, x, &reason));
    if (!part) {
      ck_assert_int_eq(reason, OPTIMIZER_STOPPED);
      test_save_state(optimizer, &saved);
    }
    ck_petsc(test_gather(x, theta));
    ck_petsc(OptimizerDestroy(&optimizer));
    ck_petsc(VecDestroy(&x));
  }
  test_free_state(&saved);
  ck_petsc(ConfigDestroy(&config));
  return reason;
}

/* Rosenbrock: (10 (y - x^2), 1 - x), zero at (1, 1). */
static inline void rosenbrock(const void *data, int i, const double x[], double *r, double J[])
{
  (void)data;
  *r = i ? 1.0 - x[0] : 10.0 * (x[1] - x[0] * x[0]);
  J[0] = i ? -1.0 : -20.0 * x[0];
  J[1] = i ? 0.0 : 10.0;
}

/* A linear problem A x - b. */
typedef struct {
  int n_row, n;
  const double *A, *b; /* A [n_row][n] */
} Linear;

static inline void linear_row(const void *data, int i, const double x[], double *r, double J[])
{
  const Linear *p = data;
  *r = -p->b[i];
  for (int k = 0; k < p->n; k++) {
    J[k] = p->A[i * p->n + k];
    *r += J[k] * x[k];
  }
}

/* sum_k a_k tanh(b_k x + c_k) - sin(3 x) at n points of [-1, 1]; theta = (b, c, a), the last layer last. */
typedef struct {
  int n_point, width;
} Fit;

static inline void network_row(const void *data, int i, const double theta[], double *r, double J[])
{
  const Fit *fit = data;
  const int w = fit->width;
  const double x = -1.0 + 2.0 * (i + 0.5) / fit->n_point, scale = 1.0 / sqrt(fit->n_point);
  *r = -scale * sin(3.0 * x);
  for (int k = 0; k < w; k++) {
    const double b = theta[k], c = theta[w + k], a = theta[2 * w + k], y = tanh(b * x + c);
    *r += scale * a * y;
    J[k] = scale * a * (1.0 - y * y) * x;
    J[w + k] = scale * a * (1.0 - y * y);
    J[2 * w + k] = scale * y;
  }
}

/* A fixed sequence of numbers in (-1, 1). */
static inline double test_number(int k)
{
  const double x = sin(12.9898 * (k + 1)) * 43758.5453;
  return 2.0 * (x - floor(x)) - 1.0;
}

static inline void network_start(const Fit *fit, double theta[])
{
  for (int k = 0; k < fit->width; k++) {
    theta[k] = 2.0 * test_number(3 * k);
    theta[fit->width + k] = 2.0 * test_number(3 * k + 1);
    theta[2 * fit->width + k] = 0.5 * test_number(3 * k + 2);
  }
}
