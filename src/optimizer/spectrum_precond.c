/* Lanczos' method (Lanczos 1950) for the damped Gauss-Newton matrix A = J^T J + lambda and a preconditioner M, in the
   scalar product of M^{-1}, so that M^{-1/2} is never needed: with z_j = M^{-1} q_j and z_i . q_j = delta_ij,

     A z_j = beta_{j-1} q_{j-1} + alpha_j q_j + beta_j q_{j+1},

   the triangle's eigenvalues approach those of M^{-1/2} A M^{-1/2} from inside, at both ends. Every new vector is made
   orthogonal to all earlier ones twice. */
#include <float.h>
#include <math.h>
#include "lapack.h"
#include "pinn/optimizer.h"
#include "pinn/precond.h"
#include "pinn/scaled_rows.h"
#include "spectrum.h"
#include "trial.h"

#define NEGLIGIBLE (64.0 * DBL_EPSILON) /* of the largest entry so far: the space is exhausted */

typedef struct {
  Mat A;
  PC pc;
  PetscInt most, n;
  Vec *q, *z;           /* [most + 1] */
  double *alpha, *beta; /* [most] */
  double *work;         /* [most + 1] */
} Lanczos;

static PetscErrorCode lanczos_create(Mat A, PC pc, PetscInt most, Lanczos *l)
{
  Vec like;
  PetscFunctionBegin;
  *l = (Lanczos){.A = A, .pc = pc, .most = most};
  PetscCall(MatCreateVecs(A, &like, NULL));
  PetscCall(VecDuplicateVecs(like, most + 1, &l->q));
  PetscCall(VecDuplicateVecs(like, most + 1, &l->z));
  PetscCall(PetscMalloc3(most, &l->alpha, most, &l->beta, most + 1, &l->work));
  PetscCall(VecDestroy(&like));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode lanczos_destroy(Lanczos *l)
{
  PetscFunctionBegin;
  PetscCall(VecDestroyVecs(l->most + 1, &l->q));
  PetscCall(VecDestroyVecs(l->most + 1, &l->z));
  PetscCall(PetscFree3(l->alpha, l->beta, l->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = M^{-1} q, both divided by *norm = sqrt(q . z). A preconditioner that is not positive definite gives NAN. */
static PetscErrorCode normalize(PC pc, Vec q, Vec z, double *norm)
{
  PetscFunctionBegin;
  PetscCall(PCApply(pc, q, z));
  PetscCall(VecDot(q, z, norm));
  *norm = *norm >= 0.0 ? sqrt(*norm) : NAN;
  if (!(*norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(q, 1.0 / *norm));
  PetscCall(VecScale(z, 1.0 / *norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode lanczos_run(Lanczos *l)
{
  double largest = 0.0;
  PetscFunctionBegin;
  for (l->n = 0; l->n < l->most;) {
    const PetscInt j = l->n++;
    PetscCall(MatMult(l->A, l->z[j], l->q[j + 1]));
    PetscCall(VecDot(l->z[j], l->q[j + 1], &l->alpha[j]));
    for (int pass = 0; pass < 2; pass++) {
      PetscCall(VecMDot(l->q[j + 1], l->n, l->z, l->work));
      for (PetscInt i = 0; i < l->n; i++) l->work[i] = -l->work[i];
      PetscCall(VecMAXPY(l->q[j + 1], l->n, l->work, l->q));
    }
    PetscCall(normalize(l->pc, l->q[j + 1], l->z[j + 1], &l->beta[j]));
    largest = fmax(largest, fmax(l->alpha[j], l->beta[j]));
    if (!(l->beta[j] > NEGLIGIBLE * largest)) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values [n], falling, of the triangle. */
static PetscErrorCode ritz_values(const Lanczos *l, double values[])
{
  const size_t n = (size_t)l->n;
  double *T;
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n * n, &T));
  for (size_t j = 0; j < n; j++) {
    T[j * n + j] = l->alpha[j];
    if (j + 1 < n) T[j * n + j + 1] = l->beta[j];
  }
  PetscCall(LapackEigen((PetscBLASInt)n, T, values));
  for (size_t j = 0; j < n / 2; j++) {
    const double swap = values[j];
    values[j] = values[n - 1 - j], values[n - 1 - j] = swap;
  }
  PetscCall(PetscFree(T));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumPreconditioned(Mat A, PC pc, PetscInt steps, uint32_t seed, double values[], PetscInt *n)
{
  PetscInt size;
  double norm;
  Lanczos l;
  PetscFunctionBegin;
  PetscCall(PCSetUp(pc));
  PetscCall(MatGetSize(A, &size, NULL));
  PetscCall(lanczos_create(A, pc, PetscMin(steps, size), &l));
  PetscCall(SpectrumStart(seed, UINT32_MAX, l.q[0]));
  PetscCall(normalize(pc, l.q[0], l.z[0], &norm));
  if (norm > 0.0) PetscCall(lanczos_run(&l));
  *n = l.n;
  if (l.n) PetscCall(ritz_values(&l, values));
  PetscCall(lanczos_destroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OptimizerPreconditionedValues(Rows rows, Vec theta, const char *precond, double damping, PetscInt steps,
                                             uint32_t seed, double values[], PetscInt *n)
{
  Rows scaled;
  Mat A;
  PC pc;
  PetscFunctionBegin;
  PetscCall(ScaledRowsCreate(rows, &scaled));
  PetscCall(ScaledRowsSetPoint(scaled, theta, TRIAL_EVENNESS));
  PetscCall(GaussNewtonCreate(scaled, &A));
  PetscCall(GaussNewtonSetPoint(A, theta, true));
  PetscCall(GaussNewtonSetDamping(A, damping));
  PetscCall(PCCreate(rows->comm, &pc));
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(PCSetType(pc, precond));
  PetscCall(PrecondSetSeed(pc, (PetscInt)seed));
  PetscCall(SpectrumPreconditioned(A, pc, steps, seed, values, n));
  PetscCall(PCDestroy(&pc));
  PetscCall(MatDestroy(&A));
  PetscCall(ScaledRowsDestroy(&scaled));
  PetscFunctionReturn(PETSC_SUCCESS);
}
