/* A linear problem with its Gauss-Newton matrix, whole as well. */
#pragma once
#include "optimizer_rows.h"
#include "pinn/precond.h"

#define N6 6
#define M6 15

typedef struct {
  double J[M6 * N6], b[M6];
  double dense[N6][N6]; /* J^T J + lambda */
  Linear linear;
  TestRows rows;
  Vec theta;
  Mat A;
} Problem6;

static inline void problem6(Problem6 *p, double lambda)
{
  double zero[N6] = {0.0};
  for (int k = 0; k < M6 * N6; k++) p->J[k] = test_number(k) * (1.0 + k % N6);
  for (int i = 0; i < M6; i++) p->b[i] = test_number(1000 + i);
  p->linear = (Linear){M6, N6, p->J, p->b};
  for (int i = 0; i < N6; i++)
    for (int k = 0; k < N6; k++) {
      p->dense[i][k] = i == k ? lambda : 0.0;
      for (int m = 0; m < M6; m++) p->dense[i][k] += p->J[m * N6 + i] * p->J[m * N6 + k];
    }
  test_rows(&p->rows, PETSC_COMM_WORLD, M6, N6, 0, linear_row, &p->linear);
  p->theta = test_theta(&p->rows.rows, zero);
  ck_petsc(GaussNewtonCreate(&p->rows.rows, &p->A));
  ck_petsc(GaussNewtonSetPoint(p->A, p->theta, true));
  ck_petsc(GaussNewtonSetDamping(p->A, lambda));
}

static inline void problem6_free(Problem6 *p)
{
  ck_petsc(MatDestroy(&p->A));
  ck_petsc(VecDestroy(&p->theta));
}

static inline PC test_pc(Mat A, const char *type)
{
  PC pc;
  ck_petsc(PCCreate(PetscObjectComm((PetscObject)A), &pc));
  ck_petsc(PCSetOperators(pc, A, A));
  ck_petsc(PCSetType(pc, type));
  return pc;
}

/* M [row][column] of what the preconditioner does. */
static inline void apply_to_identity(PC pc, double M[N6][N6])
{
  Mat A;
  Vec x, y;
  double column[N6];
  ck_petsc(PCGetOperators(pc, NULL, &A));
  ck_petsc(MatCreateVecs(A, &x, &y));
  ck_petsc(PCSetUp(pc));
  for (int k = 0; k < N6; k++) {
    ck_petsc(VecZeroEntries(x));
    ck_petsc(VecSetValue(x, k, 1.0, INSERT_VALUES));
    ck_petsc(VecAssemblyBegin(x));
    ck_petsc(VecAssemblyEnd(x));
    ck_petsc(PCApply(pc, x, y));
    ck_petsc(test_gather(y, column));
    for (int i = 0; i < N6; i++) M[i][k] = column[i];
  }
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
}

/* Symmetric to rounding, with positive pivots of Gaussian elimination. */
static inline void check_spd(double M[N6][N6], const char *name)
{
  for (int i = 0; i < N6; i++)
    for (int k = 0; k < i; k++)
      ck_assert_msg(fabs(M[i][k] - M[k][i]) <= 1e-12 * sqrt(fabs(M[i][i] * M[k][k])), "%s: not symmetric", name);
  for (int k = 0; k < N6; k++) {
    ck_assert_msg(M[k][k] > 0.0, "%s: pivot %d is %g", name, k, M[k][k]);
    for (int i = k + 1; i < N6; i++)
      for (int j = k + 1; j < N6; j++) M[i][j] -= M[i][k] * M[k][j] / M[k][k];
  }
}
