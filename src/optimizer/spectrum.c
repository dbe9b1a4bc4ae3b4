/* Golub-Kahan bidiagonalization (Golub and Kahan 1965) of A = J S: orthonormal u_j of rows and v_j of parameters with

     A v_j = beta_{j-1} u_{j-1} + alpha_j u_j,    A^T u_j = alpha_j v_j + beta_j v_{j+1},

   so that A V = U B with the upper bidiagonal B, whose singular values approach those of A from the largest on. A^T A,
   whose small eigenvalues would drown in rounding, is never formed. Without reorthogonalization copies of converged
   values appear; here every new vector is made orthogonal to all earlier ones twice ("twice is enough", Parlett). */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include "pinn/optimizer.h"
#include "pinn/random.h"
#include "lapack.h"
#include "spectrum.h"

#define NEGLIGIBLE (64.0 * DBL_EPSILON) /* of the largest alpha or beta so far: the space is exhausted */

PetscErrorCode SpectrumCreate(Rows rows, PetscInt steps, Spectrum *s)
{
  const size_t n = (size_t)PetscMin(steps, PetscMin(rows->n_row_global, (PetscInt)rows->n_param));
  PetscFunctionBegin;
  *s = (Spectrum){.most = (PetscInt)n};
  PetscCall(PetscCalloc5(n, &s->values, n * n, &s->vectors, n, &s->alpha, n, &s->beta, n, &s->work));
  PetscCall(RowsCreateVec(rows, &s->scaled));
  PetscCall(VecDuplicateVecs(s->scaled, s->most + 1, &s->v));
  PetscCall(VecCreateMPI(rows->comm, rows->n_row, rows->n_row_global, &s->Jv));
  PetscCall(VecDuplicateVecs(s->Jv, s->most, &s->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumDestroy(Spectrum *s)
{
  PetscFunctionBegin;
  if (!s->scaled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDestroyVecs(s->most + 1, &s->v));
  PetscCall(VecDestroyVecs(s->most, &s->u));
  PetscCall(VecDestroy(&s->scaled));
  PetscCall(VecDestroy(&s->Jv));
  PetscCall(PetscFree5(s->values, s->vectors, s->alpha, s->beta, s->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = x without its parts along the n orthonormal q, and *norm = what is left of its length. */
static PetscErrorCode orthogonalize(Vec x, PetscInt n, Vec q[], double work[], double *norm)
{
  PetscFunctionBegin;
  for (int pass = 0; pass < 2 && n; pass++) {
    PetscCall(VecMDot(x, n, q, work));
    for (PetscInt i = 0; i < n; i++) work[i] = -work[i];
    PetscCall(VecMAXPY(x, n, work, q));
  }
  PetscCall(VecNorm(x, NORM_2, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumStart(uint32_t seed, uint32_t draw, Vec x)
{
  const RandomKey key = {seed, RANDOM_SPECTRUM, 0, draw};
  PetscInt first, last;
  double *values;
  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(x, &first, &last));
  PetscCall(VecGetArrayWrite(x, &values));
  for (PetscInt i = first; i < last; i++) values[i - first] = RandomNormal(key, (uint64_t)i);
  PetscCall(VecRestoreArrayWrite(x, &values));
  PetscCall(VecNormalize(x, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out = J S v */
static PetscErrorCode apply(Rows rows, Vec theta, Vec scaling, Spectrum *s, Vec v, Vec out)
{
  double *local;
  PetscFunctionBegin;
  if (scaling) PetscCall(VecPointwiseMult(s->scaled, scaling, v));
  PetscCall(VecGetArrayWrite(out, &local));
  PetscCall(rows->ops->apply(rows->self, theta, scaling ? s->scaled : v, local));
  PetscCall(VecRestoreArrayWrite(out, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out = S J^T u */
static PetscErrorCode apply_transpose(Rows rows, Vec theta, Vec scaling, Vec u, Vec out)
{
  const double *local;
  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(u, &local));
  PetscCall(rows->ops->apply_transpose(rows->self, theta, local, out));
  PetscCall(VecRestoreArrayRead(u, &local));
  if (scaling) PetscCall(VecPointwiseMult(out, scaling, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B = X diag(values) P^T; vectors = P^T, its rows one after the other. */
static PetscErrorCode solve_bidiagonal(Spectrum *s)
{
  const size_t n = (size_t)s->n;
  double *B, *X, *PT;
  PetscFunctionBegin;
  PetscCall(PetscCalloc3(n * n, &B, n * n, &X, n * n, &PT));
  for (size_t j = 0; j < n; j++) {
    B[j * n + j] = s->alpha[j];
    if (j + 1 < n) B[(j + 1) * n + j] = s->beta[j];
  }
  if (n) PetscCall(LapackSVD((PetscBLASInt)n, B, s->values, X, PT, (PetscBLASInt)n));
  for (size_t k = 0; k < n; k++)
    for (size_t j = 0; j < n; j++) s->vectors[k * (size_t)s->most + j] = PT[j * n + k];
  PetscCall(PetscFree3(B, X, PT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumFind(Rows rows, Vec theta, Vec scaling, uint32_t seed, uint32_t draw, Spectrum *s)
{
  double largest = 0.0;
  PetscFunctionBegin;
  PetscCall(SpectrumStart(seed, draw, s->v[0]));
  for (s->n = 0; s->n < s->most;) {
    const PetscInt j = s->n;
    PetscCall(apply(rows, theta, scaling, s, s->v[j], s->u[j]));
    PetscCall(orthogonalize(s->u[j], j, s->u, s->work, &s->alpha[j]));
    largest = fmax(largest, s->alpha[j]);
    s->n++;
    if (!(s->alpha[j] > NEGLIGIBLE * largest)) { /* J v_j lies in the span of the u before: a row of zeros in B */
      s->alpha[j] = 0.0;
      break;
    }
    PetscCall(VecScale(s->u[j], 1.0 / s->alpha[j]));
    PetscCall(apply_transpose(rows, theta, scaling, s->u[j], s->v[j + 1]));
    PetscCall(orthogonalize(s->v[j + 1], j + 1, s->v, s->work, &s->beta[j]));
    largest = fmax(largest, s->beta[j]);
    if (!(s->beta[j] > NEGLIGIBLE * largest)) break;
    PetscCall(VecScale(s->v[j + 1], 1.0 / s->beta[j]));
  }
  PetscCall(solve_bidiagonal(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumVector(const Spectrum *s, PetscInt k, Vec x)
{
  PetscFunctionBegin;
  PetscCall(VecZeroEntries(x));
  PetscCall(VecMAXPY(x, s->n, s->vectors + (size_t)k * (size_t)s->most, s->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S = D^{-1/2}, D = diag J^T J; columns of zeros stay as they are. */
static PetscErrorCode unit_columns(Rows rows, Vec theta, Vec S)
{
  double *d;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(rows->n_param, &d));
  PetscCall(RowsDiagonal(rows, theta, d));
  RowsScaling(rows->n_param, 0.0, d, d);
  PetscCall(FullVecPut(d, S));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerSingularValues(Rows rows, Vec theta, bool scaled, PetscInt steps, uint32_t seed,
                                       double values[], PetscInt *n)
{
  Spectrum s;
  Vec S = NULL;
  PetscFunctionBegin;
  PetscCall(SpectrumCreate(rows, steps, &s));
  if (scaled) {
    PetscCall(VecDuplicate(s.scaled, &S));
    PetscCall(unit_columns(rows, theta, S));
  }
  PetscCall(SpectrumFind(rows, theta, S, seed, UINT32_MAX, &s));
  *n = s.n;
  PetscCall(PetscArraycpy(values, s.values, s.n));
  PetscCall(VecDestroy(&S));
  PetscCall(SpectrumDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
