/* SPRING (Goldshlager, Abrahamsen and Lin 2024; for physics-informed networks Guzman-Cordero, Dangel, Goldshlager and
   Zeinhofer 2025): the damped Gauss-Newton step that stays near the last one,

     phi = argmin |J phi - r|^2 + lambda |phi - momentum phi_last|^2
         = momentum phi_last + J^T (J J^T + lambda)^{-1} (r - momentum J phi_last),
     theta -= min(rate, sqrt(c) / |phi|) phi,

   with the kernel matrix J J^T of the current rows; momentum 0 is the kernel form of the natural gradient. lambda is
   `damping` times the mean of the kernel's diagonal, so that it has no unit. The kernel is solved on rank 0, a
   large one by all ranks. */
#include <math.h>
#include "gram_system.h"
#include "lapack.h"
#include "schedule.h"
#include "trial.h"

#define MOST_TRIES 20 /* dampings, each ten times the last, until the kernel is positive definite in floating point */

typedef struct {
  Schedule schedule;
  double damping, momentum, constraint;
  PetscMPIInt rank, size, *counts, *starts;
  Vec phi, increment;
  Vec last;           /* the point before theta */
  double *r, *w;      /* [n_row] */
  double *K;          /* [n_row][n_row_global]; NULL where it stays with the rows */
  double mean;        /* of its diagonal */
  double *all, *full; /* rank 0: [n_row_global]; [n_row_global][n_row_global] K, then its factor */
  GramSystem system;  /* of all ranks, instead of these */
} Spring;

/* Do the rows keep K, and solve with it? */
static bool stays(Rows rows)
{
  return rows->ops->kernel != NULL;
}

static PetscErrorCode allocate(Optimizer optimizer, Spring *s)
{
  const Rows rows = optimizer->rows;
  const size_t local = (size_t)rows->n_row, all = (size_t)rows->n_row_global;
  PetscMPIInt n_row;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(rows->comm, &s->size));
  PetscCall(PetscMPIIntCast(rows->n_row, &n_row));
  PetscCall(PetscMalloc2(s->size, &s->counts, s->size, &s->starts));
  PetscCallMPI(MPI_Allgather(&n_row, 1, MPI_INT, s->counts, 1, MPI_INT, rows->comm));
  for (PetscMPIInt k = 0, start = 0; k < s->size; start += s->counts[k++]) s->starts[k] = start;
  PetscCall(PetscMalloc2(local, &s->r, local, &s->w));
  if (stays(rows)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(local * all, &s->K));
  if (GramSystemPays(rows->n_row_global, s->size))
    PetscCall(GramSystemCreate(rows->comm, rows->n_row, &s->system));
  else if (!s->rank)
    PetscCall(PetscMalloc2(all, &s->all, all * all, &s->full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSetUp_SPRING(Optimizer optimizer, Config config)
{
  const double all = (double)optimizer->rows->n_row_global, local = (double)optimizer->rows->n_row;
  PetscMPIInt rank, size;
  Spring *s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  optimizer->data = s;
  PetscCall(ScheduleRead(optimizer, config, &s->schedule));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "damping"), &s->damping));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "momentum"), &s->momentum));
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "norm_constraint"), &s->constraint));
  PetscCallMPI(MPI_Comm_rank(optimizer->rows->comm, &rank));
  PetscCallMPI(MPI_Comm_size(optimizer->rows->comm, &size));
  const double factor = GramSystemPays(optimizer->rows->n_row_global, size) ? GramSystemBytes(all, size)
                        : rank                                              ? 0.0
                                                                            : all * all * sizeof(double);
  if (stays(optimizer->rows)) /* the kernel, its factor, and a column of J at least */
    PetscCall(OptimizerCheckDevice(optimizer, (2.0 * all * all + all) * sizeof(double),
                                   "fewer points: they may be drawn anew by points.interior.resample"));
  else
    PetscCall(OptimizerCheckMemory(optimizer, config, local * all * sizeof(double) + factor,
                                   "fewer points: they may be drawn anew by points.interior.resample"));
  PetscCall(OptimizerCreateVec(optimizer, &s->phi));
  PetscCall(OptimizerCreateVec(optimizer, &s->increment));
  PetscCall(OptimizerCreateVec(optimizer, &s->last));
  PetscCall(OptimizerAddVec(optimizer, "phi", s->phi));
  PetscCall(OptimizerAddMeasure(optimizer, MEASURE_REACH, NAN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K at theta, and the mean of its diagonal. Collective. */
static PetscErrorCode form_kernel(Optimizer optimizer, Vec theta)
{
  Spring *s = optimizer->data;
  const Rows rows = optimizer->rows;
  const size_t n = (size_t)rows->n_row_global, start = (size_t)s->starts[s->rank];
  PetscFunctionBegin;
  if (stays(rows)) {
    PetscCall(rows->ops->kernel(rows->self, theta, &s->mean));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(RowsGram(rows, theta, NULL, s->K, n));
  s->mean = 0.0;
  for (size_t i = 0; i < (size_t)rows->n_row; i++) s->mean += s->K[i * n + start + i] / (double)n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &s->mean, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w [n_row] <- (J J^T + lambda)^{-1} w by all ranks; where the matrix is not positive definite, w stays. */
static PetscErrorCode apply_shared_inverse(Optimizer optimizer, double lambda, double w[], bool *solved)
{
  Spring *s = optimizer->data;
  PetscFunctionBegin;
  PetscCall(GramSystemFactor(s->system, s->K, (size_t)optimizer->rows->n_row_global, lambda, solved));
  if (*solved) PetscCall(GramSystemSolve(s->system, w, solved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same, by whoever does it. Collective. */
static PetscErrorCode apply_inverse(Optimizer optimizer, double damping, double w[], bool *solved)
{
  Spring *s = optimizer->data;
  const Rows rows = optimizer->rows;
  const size_t n = (size_t)rows->n_row_global;
  const PetscMPIInt local = s->counts[s->rank];
  const double lambda = damping * s->mean;
  int ok = 1;
  MPI_Datatype row;
  PetscBLASInt order;
  PetscFunctionBegin;
  if (stays(rows) || s->system) {
    PetscCall(stays(rows) ? rows->ops->kernel_inverse(rows->self, lambda, w, solved)
                          : apply_shared_inverse(optimizer, lambda, w, solved));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscBLASIntCast((PetscInt)n, &order));
  PetscCallMPI(MPI_Type_contiguous(order, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Gatherv(s->K, local, row, s->full, s->counts, s->starts, row, 0, rows->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCallMPI(MPI_Gatherv(w, local, MPI_DOUBLE, s->all, s->counts, s->starts, MPI_DOUBLE, 0, rows->comm));
  if (!s->rank) {
    for (size_t i = 0; i < n; i++) s->full[i * (n + 1)] += lambda;
    ok = LapackCholesky(order, s->full, order) && LapackSolveCholesky(order, s->full, order, s->all);
  }
  PetscCallMPI(MPI_Bcast(&ok, 1, MPI_INT, 0, rows->comm));
  PetscCallMPI(MPI_Scatterv(s->all, s->counts, s->starts, MPI_DOUBLE, w, local, MPI_DOUBLE, 0, rows->comm));
  *solved = ok;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* phi <- the next step, with K that of the rows. ok = false: it is not finite. Collective. */
static PetscErrorCode next_phi(Optimizer optimizer, Vec theta, bool *ok)
{
  Spring *s = optimizer->data;
  const Rows rows = optimizer->rows;
  double damping = s->damping;
  PetscFunctionBegin;
  PetscCall(rows->ops->apply(rows->self, theta, s->phi, s->w));
  for (PetscInt i = 0; i < rows->n_row; i++) s->w[i] = s->r[i] - s->momentum * s->w[i];
  *ok = false;
  for (int k = 0; k < MOST_TRIES && !*ok; k++, damping = fmax(10.0 * damping, 1e-16))
    PetscCall(apply_inverse(optimizer, damping, s->w, ok));
  if (!*ok) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(rows->ops->apply_transpose(rows->self, theta, s->w, s->increment));
  PetscCall(VecAYPX(s->phi, s->momentum, s->increment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rho = r^T K (K + lambda)^{-1} r / |r|^2 = 1 - lambda r^T (K + lambda)^{-1} r / |r|^2, lambda next to nothing against
   the mean of K's diagonal. */
static PetscErrorCode measure_reach(Optimizer optimizer, double loss)
{
  Spring *s = optimizer->data;
  const Rows rows = optimizer->rows;
  double sum = 0.0; /* r^T (K + lambda)^{-1} r */
  bool ok;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(s->w, s->r, rows->n_row));
  PetscCall(apply_inverse(optimizer, TRIAL_REACH_DAMPING, s->w, &ok));
  if (!ok || !(loss > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < rows->n_row; i++) sum += s->r[i] * s->w[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, rows->comm));
  const double lambda = TRIAL_REACH_DAMPING * s->mean;
  optimizer->measures[MEASURE_REACH] = fmax(0.0, 1.0 - lambda * sum / (2.0 * loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_SPRING(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  Spring *s = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss, norm, rate;
  bool changed, ok = true;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, s->last));
  for (;;) {
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
    if (!s->counts) PetscCall(allocate(optimizer, s));
    PetscCall(RowsLinearize(rows, theta, s->r, &loss));
    PetscCall(VecNorm(s->phi, NORM_2, &norm));
    PetscCall(OptimizerReport(optimizer, theta, ok ? loss : NAN, norm, NAN, reason));
    if (*reason == OPTIMIZER_DIVERGED) PetscCall(VecCopy(s->last, theta));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(form_kernel(optimizer, theta));
    if (fmod(optimizer->iteration, TRIAL_REACH_EVERY) == 0.0) PetscCall(measure_reach(optimizer, loss));
    PetscCall(next_phi(optimizer, theta, &ok));
    if (!ok) continue;
    PetscCall(VecNorm(s->phi, NORM_2, &norm));
    rate = ScheduleRate(&s->schedule, optimizer->iteration, optimizer->iterations);
    if (s->constraint > 0.0 && norm > 0.0) rate = fmin(rate, sqrt(s->constraint) / norm);
    PetscCall(VecCopy(theta, s->last));
    PetscCall(VecAXPY(theta, -rate, s->phi));
    optimizer->iteration += 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_SPRING(Optimizer optimizer)
{
  Spring *s = optimizer->data;
  PetscFunctionBegin;
  PetscCall(VecDestroy(&s->phi));
  PetscCall(VecDestroy(&s->increment));
  PetscCall(VecDestroy(&s->last));
  PetscCall(PetscFree2(s->counts, s->starts));
  PetscCall(PetscFree2(s->r, s->w));
  PetscCall(PetscFree(s->K));
  PetscCall(PetscFree2(s->all, s->full));
  PetscCall(GramSystemDestroy(&s->system));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_SPRING = {"step", OptimizerSetUp_SPRING, OptimizerSolve_SPRING, OptimizerDestroy_SPRING,
                                          NULL};
