#include <math.h>
#include <petscsys.h>
#include <petscblaslapack.h>
#include "factors.h"
#include "low_rank.h"
#include "pinn/random.h"

#define ROUND 1e-15 /* part of the largest singular value that is rounding */

typedef struct {
  Precond p;
  size_t n, m;      /* local entries of vectors like theta, and local rows */
  PetscInt columns; /* so far */
  double *Q;        /* [most][m] */
  double *B;        /* [most][n] J^T Q */
  Vec v;
} Work;

static PetscErrorCode draw(Work *w, const Sketch *sketch, PetscInt column)
{
  const RandomKey key = {(uint32_t)sketch->seed, RANDOM_SKETCH, (uint32_t)column, 0};
  PetscInt first, last;
  double *local;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(w->v, &first, &last));
  PetscCall(VecGetArrayWrite(w->v, &local));
#pragma omp parallel for schedule(static)
  for (PetscInt k = first; k < last; k++) local[k - first] = RandomNormal(key, (uint64_t)k);
  PetscCall(VecRestoreArrayWrite(w->v, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q gets blocks of J Omega until enough; *left is |J - Q Q^T J|_F^2 before the last block, by its random vectors. */
static PetscErrorCode find_range(Work *w, const Sketch *sketch, double *left)
{
  const Rows rows = w->p->rows;
  PetscFunctionBegin;
  bool over = false;
  *left = INFINITY;
  while (!over && w->columns<sketch->most && * left> sketch->enough) {
    const PetscInt have = w->columns, add = PetscMin(LOW_RANK_BLOCK, sketch->most - have), all = have + add;
    double *C, sum = 0.0;
    for (PetscInt j = have; j < all; j++) {
      PetscCall(draw(w, sketch, j));
      PetscCall(rows->ops->apply(rows->self, w->p->theta, w->v, w->Q + (size_t)j * w->m));
    }
    PetscCall(PetscMalloc1(add * all, &C));
    PetscCall(BasisAppend(rows->comm, w->m, have, add, w->Q, C, (size_t)all));
    for (PetscInt j = 0; j < add; j++)
      for (PetscInt k = have; k < all; k++) sum += C[j * all + k] * C[j * all + k];
    PetscCall(PetscFree(C));
    *left = sum / (double)add;
    w->columns = all;
    PetscCall(PrecondIsOver(w->p, &over));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B = J^T Q */
static PetscErrorCode back(Work *w)
{
  const Rows rows = w->p->rows;
  const double *local;
  PetscFunctionBegin;
  for (PetscInt j = 0; j < w->columns; j++) {
    PetscCall(rows->ops->apply_transpose(rows->self, w->p->theta, w->Q + (size_t)j * w->m, w->v));
    PetscCall(VecGetArrayRead(w->v, &local));
    PetscCall(PetscArraycpy(w->B + (size_t)j * w->n, local, w->n));
    PetscCall(VecRestoreArrayRead(w->v, &local));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q = an orthonormal basis of J B's range, B orthonormalized before. */
static PetscErrorCode power(Work *w)
{
  const Rows rows = w->p->rows;
  double *local;
  PetscFunctionBegin;
  PetscCall(BasisAppend(rows->comm, w->n, 0, w->columns, w->B, NULL, 0));
  for (PetscInt j = 0; j < w->columns; j++) {
    PetscCall(VecGetArrayWrite(w->v, &local));
    PetscCall(PetscArraycpy(local, w->B + (size_t)j * w->n, w->n));
    PetscCall(VecRestoreArrayWrite(w->v, &local));
    PetscCall(rows->ops->apply(rows->self, w->p->theta, w->v, w->Q + (size_t)j * w->m));
  }
  PetscCall(BasisAppend(rows->comm, w->m, 0, w->columns, w->Q, NULL, 0));
  PetscCall(back(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B = P R with P orthonormal and R = W S V^T: eigenvectors are P W, eigenvalues S^2. */
static PetscErrorCode decompose(Work *w, PetscInt keep, LowRank *low)
{
  const double one = 1.0, zero = 0.0;
  const PetscInt k = w->columns;
  PetscBLASInt order, rows, width, lead;
  double *R, *W, *s;
  PetscFunctionBegin;
  PetscCall(PetscCalloc3(k * k, &R, k * k, &W, k, &s));
  for (PetscInt at = 0; at < k; at += LOW_RANK_BLOCK)
    PetscCall(BasisAppend(w->p->rows->comm, w->n, at, PetscMin(LOW_RANK_BLOCK, k - at), w->B, R + at * k, (size_t)k));
  PetscCall(PetscBLASIntCast(k, &order));
  PetscCall(PetscBLASIntCast((PetscInt)w->n, &rows));
  PetscCheck(FactorsSVD((size_t)k, (size_t)k, R, (size_t)k, s, W, NULL), PETSC_COMM_SELF, PETSC_ERR_LIB,
             "no singular values");
  low->rank = 0;
  while (low->rank < (keep ? PetscMin(keep, k) : k) && s[low->rank] > ROUND * s[0]) low->rank++;
  PetscCall(PetscMalloc2((size_t)low->rank * w->n, &low->U, low->rank, &low->values));
  for (PetscInt j = 0; j < low->rank; j++) low->values[j] = s[j] * s[j];
  PetscCall(PetscBLASIntCast(low->rank, &width));
  lead = PetscMax(rows, 1);
  if (rows && width)
    PetscCallBLAS("BLASgemm",
                  BLASgemm_("N", "N", &rows, &width, &order, &one, w->B, &lead, W, &order, &zero, low->U, &lead));
  PetscCall(PetscFree3(R, W, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowRankCreate(Precond p, const Sketch *asked, LowRank *low)
{
  Sketch sketch = *asked;
  Work w = {.p = p, .m = (size_t)p->rows->n_row};
  PetscInt local;
  PetscFunctionBegin;
  PetscCall(VecDuplicate(p->theta, &w.v));
  PetscCall(VecGetLocalSize(w.v, &local));
  w.n = low->n = (size_t)local;
  sketch.most = PetscMin(sketch.most, PetscMin(p->rows->n_row_global, (PetscInt)p->rows->n_param));
  PetscCall(PetscMalloc2((size_t)sketch.most * w.m, &w.Q, (size_t)sketch.most * w.n, &w.B));
  PetscCall(find_range(&w, &sketch, &low->left));
  if (p->over) w.columns = 0; /* it is given up */
  PetscCall(back(&w));
  for (int k = 0; k < sketch.powers && w.columns; k++) PetscCall(power(&w));
  if (w.columns)
    PetscCall(decompose(&w, sketch.keep, low));
  else
    PetscCall(PetscMalloc2(0, &low->U, 0, &low->values));
  PetscCall(PetscFree2(w.Q, w.B));
  PetscCall(VecDestroy(&w.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double LowRankNumbers(Rows rows, PetscInt most)
{
  const double k = (double)PetscMin(most, PetscMin(rows->n_row_global, (PetscInt)rows->n_param));
  PetscMPIInt size;
  if (MPI_Comm_size(rows->comm, &size)) return 0.0;
  const double local = ceil((double)rows->n_param / size);
  return k * ((double)rows->n_row + 2.0 * local + 2.0 * k);
}

PetscErrorCode LowRankDestroy(LowRank *low)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(low->U, low->values));
  low->rank = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LowRankAdd(const LowRank *low, MPI_Comm comm, const double f[], const double x[], double y[])
{
  const double one = 1.0, zero = 0.0;
  const PetscBLASInt inc = 1;
  PetscBLASInt n, k, lead;
  double *c;
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast((PetscInt)low->n, &n));
  PetscCall(PetscBLASIntCast(low->rank, &k));
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  lead = PetscMax(n, 1);
  PetscCall(PetscCalloc1(k, &c));
  if (n) PetscCallBLAS("BLASgemv", BLASgemv_("T", &n, &k, &one, low->U, &lead, x, &inc, &zero, c, &inc));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c, k, MPI_DOUBLE, MPI_SUM, comm));
  for (PetscBLASInt j = 0; j < k; j++) c[j] *= f[j];
  if (n) PetscCallBLAS("BLASgemv", BLASgemv_("N", &n, &k, &one, low->U, &lead, c, &inc, &one, y, &inc));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
