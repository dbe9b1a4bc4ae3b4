/* Gauss-Newton steps of a sketched trust region, for many rows and parameters (Cartis, Fiala and Shao 2022; rows as
   well):

     y = argmin |S (J Q^T y + r)|  with |y| <= radius,   d = Q^T y,

   S and Q of sketch.h, new ones in every iteration; J has its columns scaled to length one at most. One singular value
   decomposition of S J Q^T gives the steps of all radii. As with the damping of gauss-newton, about the largest is
   taken whose loss is lower: the radius grows with every step, and shrinks until there is one. The small problem is
   solved on rank 0. */
#include <float.h>
#include <math.h>
#include <omp.h>
#include <petscsys.h>
#include <petscblaslapack.h>
#include "lapack.h"
#include "optimizer_impl.h"
#include "sketch.h"

#define EVENNESS     1e-2 /* of the scaling: see dense.h */
#define GROW         4.0
#define SHRINK       0.5
#define MOST_TRIES   16
#define LEAST_RATIO  1e-4 /* of actual to predicted decrease */
#define MOST_FAILED  5    /* sketches in a row without a step */
#define CUTOFF       1e-14
#define CHUNK        4194304 /* entries of J at a time, where layers allow */
#define MOST_SECULAR 100

typedef struct {
  PetscInt rows, columns;
  double radius;
  double failed; /* whole: sketches in a row without a step */
  PetscInt seed;
  PetscMPIInt rank;
  SketchMap sketch;
  Vec trial;
  double *scaling;  /* [n] D^{-1/2} */
  double *step;     /* [n] d */
  size_t k;         /* columns of the small problem */
  double *s, *c;    /* rank 0: [k] singular values, U^T S r */
  double *VT;       /* rank 0: [k][k] column-major */
  double *y, *work; /* rank 0: [max(k, order)] */
} Sketched;

static PetscErrorCode OptimizerSetUp_Sketched(Optimizer optimizer, Config config)
{
  const Rows rows = optimizer->rows;
  const char *key = OptimizerKey(optimizer, "sketch_rows");
  Sketched *s;
  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  optimizer->data = s;
  PetscCall(ConfigGetInt(config, OptimizerKey(optimizer, "sketch_columns"), &s->columns));
  s->columns = PetscMin(s->columns, PetscMin((PetscInt)rows->n_param, rows->n_row_global));
  s->rows = 2 * s->columns;
  if (ConfigHas(config, key)) PetscCall(ConfigGetInt(config, key, &s->rows));
  PinnUserCheck(s->rows >= s->columns, "%s: %" PetscInt_FMT " rows are fewer than the %" PetscInt_FMT " columns",
                ConfigWhere(config, key), s->rows, s->columns);
  PetscCall(ConfigGetReal(config, OptimizerKey(optimizer, "radius"), &s->radius));
  PetscCall(ConfigGetInt(config, "seed", &s->seed));
  PetscCallMPI(MPI_Comm_rank(rows->comm, &s->rank));
  const double n = (double)rows->n_param, k = (double)s->columns, m = fmin((double)s->rows, (double)rows->n_row_global);
  const double wide = (double)SketchWidth(rows, (size_t)m, CHUNK);
  const double small = s->rank ? 0.0 : m * n + (m + 4.0 * k) * (k + 1.0), chunk = ((double)rows->n_row + m) * wide;
  PetscCall(
      OptimizerCheckMemory(optimizer, config, (small + chunk) * sizeof(double), "fewer sketch_columns or sketch_rows"));
  PetscCall(OptimizerCreateVec(optimizer, &s->trial));
  PetscCall(PetscMalloc2(rows->n_param, &s->scaling, rows->n_param, &s->step));
  PetscCall(OptimizerAddValues(optimizer, "radius", 1, &s->radius));
  PetscCall(OptimizerAddValues(optimizer, "failed", 1, &s->failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode clear(Sketched *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->s, s->c));
  PetscCall(PetscFree3(s->VT, s->y, s->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerDestroy_Sketched(Optimizer optimizer)
{
  Sketched *s = optimizer->data;
  PetscFunctionBegin;
  PetscCall(clear(s));
  PetscCall(SketchDestroy(&s->sketch));
  PetscCall(VecDestroy(&s->trial));
  PetscCall(PetscFree2(s->scaling, s->step));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B [k + 1][m] column-major: S J Q^T of the scaled J, and S r. */
static PetscErrorCode sketch_columns(Sketched *s, const double SJ[], const double Sr[], double B[])
{
  const size_t n = s->sketch.n, k = s->k, m = s->sketch.rows, each = n + k + s->sketch.order;
  const int n_thread = omp_get_max_threads();
  double *work;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n_thread * each, &work));
#pragma omp parallel for schedule(static) num_threads(n_thread)
  for (size_t i = 0; i < m; i++) {
    double *x = work + (size_t)omp_get_thread_num() * each, *y = x + n;
    for (size_t j = 0; j < n; j++) x[j] = s->scaling[j] * SJ[i * n + j];
    SketchColumns(&s->sketch, x, y, y + k);
    for (size_t j = 0; j < k; j++) B[j * m + i] = y[j];
    B[k * m + i] = Sr[i];
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B = Q R and R = U S V^T: s, VT, and c = U^T Q^T (S r). B is lost. */
static PetscErrorCode decompose(Sketched *s, double B[])
{
  const size_t k = s->k, m = s->sketch.rows;
  const double one = 1.0, zero = 0.0;
  const PetscBLASInt inc = 1;
  PetscBLASInt rows, order;
  double *R, *U, *right;
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)m, &rows));
  PetscCall(PetscBLASIntCast((PetscInt)k, &order));
  PetscCall(PetscMalloc3(k * k, &R, k * k, &U, k, &right));
  PetscCall(LapackQR(rows, order + 1, B, rows));
  for (size_t j = 0; j < k; j++)
    for (size_t i = 0; i < k; i++) R[j * k + i] = i <= j ? B[j * m + i] : 0.0;
  PetscCall(PetscArraycpy(right, B + k * m, k));
  PetscCall(LapackSVD(order, R, s->s, U, s->VT, order));
  PetscCallBLAS("BLASgemv", BLASgemv_("T", &order, &order, &one, U, &order, right, &inc, &zero, s->c, &inc));
  PetscCall(PetscFree3(R, U, right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new draw, its small problem, and J's scaling. */
static PetscErrorCode build(Optimizer optimizer, Vec theta)
{
  Sketched *s = optimizer->data;
  const Rows rows = optimizer->rows;
  const size_t n = rows->n_param;
  double *SJ = NULL, *Sr = NULL, *B = NULL;
  PetscFunctionBegin;
  PetscCall(clear(s));
  PetscCall(RowsDiagonal(rows, theta, s->scaling));
  RowsScaling(rows->n_param, EVENNESS, s->scaling, s->scaling);
  PetscCall(SketchDraw((uint32_t)s->seed, (uint32_t)optimizer->iteration, (size_t)rows->n_row_global, (size_t)s->rows,
                       n, PetscMin((size_t)s->columns, (size_t)rows->n_row_global), &s->sketch));
  const size_t k = s->k = s->sketch.columns, m = s->sketch.rows;
  if (!s->rank) {
    PetscCall(PetscMalloc3(m * n, &SJ, m, &Sr, m * (k + 1), &B));
    PetscCall(PetscMalloc2(k, &s->s, k, &s->c));
    PetscCall(PetscMalloc3(k * k, &s->VT, k, &s->y, PetscMax(s->sketch.order, k), &s->work));
  }
  PetscCall(SketchJacobian(&s->sketch, rows, theta, CHUNK, SJ, Sr));
  if (!s->rank) {
    PetscCall(sketch_columns(s, SJ, Sr, B));
    PetscCall(decompose(s, B));
    PetscCall(PetscFree3(SJ, Sr, B));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -y in singular vectors; singular values near rounding do not count. */
static double entry(const Sketched *s, size_t i, double lambda)
{
  return s->s[i] > CUTOFF * s->s[0] ? s->s[i] * s->c[i] / (s->s[i] * s->s[i] + lambda) : 0.0;
}

/* |y|^2, half its derivative by lambda, and the decrease of the model. */
static double length2(const Sketched *s, double lambda, double *slope, double *decrease)
{
  double sum = 0.0;
  *slope = *decrease = 0.0;
  for (size_t i = 0; i < s->k; i++) {
    const double z = entry(s, i, lambda), s2 = s->s[i] * s->s[i];
    sum += z * z;
    if (z != 0.0) *slope -= z * z / (s2 + lambda);
    *decrease += z * (s->s[i] * s->c[i] - 0.5 * s2 * z);
  }
  return sum;
}

/* The lambda for which |y| is the radius (More and Sorensen 1983), 0 where the shortest minimum is inside. */
static double find_lambda(const Sketched *s, double radius)
{
  double lambda = 0.0, slope, decrease, l2 = length2(s, lambda, &slope, &decrease);
  for (int k = 0; k < MOST_SECULAR && l2 > radius * radius * (1.0 + 1e-12); k++) {
    lambda += l2 / -slope * (sqrt(l2) / radius - 1.0);
    l2 = length2(s, lambda, &slope, &decrease);
  }
  return lambda;
}

/* step = the one of this radius, with its length and the model's decrease. */
static PetscErrorCode find_step(Optimizer optimizer, double radius, double *predicted, double *length)
{
  Sketched *s = optimizer->data;
  const Rows rows = optimizer->rows;
  const double minus = -1.0, zero = 0.0;
  const PetscBLASInt inc = 1;
  double told[2] = {0.0, 0.0}, slope;
  PetscBLASInt order;
  PetscMPIInt count;
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)s->k, &order));
  PetscCall(PetscMPIIntCast((PetscInt)rows->n_param, &count));
  if (!s->rank) {
    const double lambda = find_lambda(s, radius);
    told[0] = sqrt(length2(s, lambda, &slope, &told[1]));
    for (size_t i = 0; i < s->k; i++) s->work[i] = entry(s, i, lambda);
    PetscCallBLAS("BLASgemv", BLASgemv_("T", &order, &order, &minus, s->VT, &order, s->work, &inc, &zero, s->y, &inc));
    SketchExpand(&s->sketch, s->y, s->step, s->work);
  }
  PetscCallMPI(MPI_Bcast(told, 2, MPI_DOUBLE, 0, rows->comm));
  PetscCallMPI(MPI_Bcast(s->step, count, MPI_DOUBLE, 0, rows->comm));
  *length = told[0];
  *predicted = told[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* trial = theta + D^{-1/2} step, and its loss. */
static PetscErrorCode try_step(Optimizer optimizer, Vec theta, double *loss)
{
  Sketched *s = optimizer->data;
  const Rows rows = optimizer->rows;
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  PetscCall(VecCopy(theta, s->trial));
  PetscCall(VecGetOwnershipRange(s->trial, &first, &last));
  PetscCall(VecGetArray(s->trial, &local));
  for (PetscInt k = first; k < last; k++) local[k - first] += s->scaling[k] * s->step[k];
  PetscCall(VecRestoreArray(s->trial, &local));
  PetscCall(rows->ops->evaluate(rows->self, s->trial, NULL, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest of several radii with a decrease: trial and *loss are there, where *found. */
static PetscErrorCode search_radius(Optimizer optimizer, Vec theta, double *loss, bool *found)
{
  Sketched *s = optimizer->data;
  double length, predicted, trial;
  PetscFunctionBegin;
  *found = false;
  for (int k = 0; k < MOST_TRIES && !*found; k++) {
    PetscCall(find_step(optimizer, s->radius, &predicted, &length));
    PetscCall(try_step(optimizer, theta, &trial));
    *found = isfinite(trial) && trial < *loss && *loss - trial >= LEAST_RATIO * predicted;
    if (!*found) s->radius = SHRINK * fmin(s->radius, length);
    if (predicted <= DBL_EPSILON * *loss) break;
  }
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  *loss = trial;
  s->radius *= GROW;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptimizerSolve_Sketched(Optimizer optimizer, Vec theta, OptimizerReason *reason)
{
  Sketched *s = optimizer->data;
  const Rows rows = optimizer->rows;
  double loss;
  bool changed, found;
  PetscFunctionBegin;
  PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  for (;;) {
    PetscCall(RowsLinearize(rows, theta, NULL, &loss));
    PetscCall(OptimizerReport(optimizer, theta, loss, s->radius, NAN, reason));
    if (*reason != OPTIMIZER_RUNNING) break;
    PetscCall(build(optimizer, theta));
    PetscCall(search_radius(optimizer, theta, &loss, &found));
    if (found) PetscCall(VecCopy(s->trial, theta));
    s->failed = found ? 0.0 : s->failed + 1.0;
    if (s->failed >= MOST_FAILED) {
      *reason = OPTIMIZER_STALLED;
      break;
    }
    optimizer->iteration += 1.0;
    PetscCall(OptimizerUpdateRows(optimizer, theta, &changed));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const OptimizerOps OptimizerOps_Sketched = {"radius", OptimizerSetUp_Sketched, OptimizerSolve_Sketched,
                                            OptimizerDestroy_Sketched, NULL};
