/* All products with the Jacobian of a case's rows against one another and against differences, on one rank. */
#pragma once
#include "case_fixture.h"

static inline double dot(size_t n, const double a[], const double b[])
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

static inline void check_products(const char *text, PetscInt n_row)
{
  Case c;
  Vec theta, v, g;
  double *r, *r2, *Jv, *w, *J, *K, *N, *b, *d, *gradient, loss, slope, ahead, behind;
  const double *direction;
  ck_petsc(CaseCreate(text, &c));
  const Rows rows = ResidualRows(c.residual);
  const size_t n = rows->n_param, m = (size_t)n_row;
  ck_assert_int_eq(rows->n_row, n_row);
  ck_petsc(ResidualCreateTheta(c.residual, &theta));
  ck_petsc(VecDuplicate(theta, &v));
  ck_petsc(VecDuplicate(theta, &g));
  CaseFillVec(0.6, 0.0, theta);
  CaseFillVec(0.6, 2.0, v);
  ck_petsc(PetscMalloc6(m * n, &J, m * m, &K, n * n, &N, n, &b, n, &d, n, &gradient));
  ck_petsc(PetscMalloc4(m, &r, m, &r2, m, &Jv, m, &w));
  for (size_t k = 0; k < m; k++) w[k] = cos(7.7 * (double)k);
  ck_petsc(rows->ops->apply(rows->self, theta, v, Jv));
  ck_petsc(rows->ops->apply_transpose(rows->self, theta, w, g));
  ck_petsc(VecDot(g, v, &slope));
  ck_near(dot(m, w, Jv), slope, 1e-12, 1e-12);
  ck_petsc(rows->ops->jacobian(rows->self, theta, 0, n, r, J, n));
  ck_petsc(VecGetArrayRead(v, &direction));
  for (size_t k = 0; k < m; k++) ck_near(dot(n, J + k * n, direction), Jv[k], 1e-11, 1e-12);
  ck_petsc(VecRestoreArrayRead(v, &direction));
  ck_petsc(rows->ops->evaluate(rows->self, theta, r2, &loss));
  for (size_t k = 0; k < m; k++) ck_near(r[k], r2[k], 1e-13, 1e-16);
  ck_petsc(RowsLinearize(rows, theta, r2, &loss));
  for (size_t k = 0; k < m; k++) ck_near(r[k], r2[k], 1e-13, 1e-16);
  /* products of J with itself */
  ck_petsc(RowsGram(rows, theta, NULL, K, m));
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++) ck_near(K[i * m + j], dot(n, J + i * n, J + j * n), 1e-11, 1e-12);
  ck_petsc(RowsNormal(rows, theta, N, n, b));
  ck_petsc(RowsDiagonal(rows, theta, d));
  ck_petsc(rows->ops->gradient(rows->self, theta, &loss, g));
  ck_petsc(ResidualGatherTheta(c.residual, g, gradient));
  for (size_t i = 0; i < n; i++) {
    double square = 0.0, product = 0.0, lower = 0.0;
    for (size_t k = 0; k < m; k++) {
      square += J[k * n + i] * J[k * n + i];
      product += J[k * n + i] * r[k];
      lower += J[k * n + i] * J[k * n];
    }
    ck_near(d[i], square, 1e-11, 1e-13);
    ck_near(b[i], product, 1e-11, 1e-13);
    ck_near(gradient[i], product, 1e-11, 1e-13);
    ck_near(N[i * n], lower, 1e-11, 1e-13);
  }
  ck_petsc(VecDot(g, v, &slope));
  ck_petsc(VecAXPY(theta, 1e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &ahead));
  ck_petsc(VecAXPY(theta, -2e-5, v));
  ck_petsc(rows->ops->evaluate(rows->self, theta, NULL, &behind));
  ck_near((ahead - behind) / 2e-5, slope, 1e-6, 1e-9);
  ck_petsc(PetscFree4(r, r2, Jv, w));
  ck_petsc(PetscFree6(J, K, N, b, d, gradient));
  ck_petsc(VecDestroy(&theta));
  ck_petsc(VecDestroy(&v));
  ck_petsc(VecDestroy(&g));
  ck_petsc(CaseDestroy(&c));
}
