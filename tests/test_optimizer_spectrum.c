/* Spectra after preconditioning, against the eigenvalues of dense matrices. */
#include <lapacke.h>
#include "case_fixture.h"
#include "optimizer_rows.h"
#include "pinn/precond.h"
#include "pinn/scaled_rows.h"

#define DAMPING  1e-3
#define EVENNESS 1e-2

typedef struct {
  Case c;
  Rows rows;
  Vec theta;
  int n;
} State;

static void state(State *s, const char *network)
{
  char text[1024];
  double *start;
  snprintf(text, sizeof(text),
           "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n"
           "  equations = ( { residual = \"laplacian(u) + sin(x)\"; } );\n"
           "  conditions = ( { on = \"boundary\"; residual = \"u\"; weight = 10.0; } ); };\n"
           "domain: { lower = [0.0, -1.0]; upper = [1.0, 2.0]; };\n"
           "points: { interior = { count = 25; }; conditions = { count = 9; }; }; network: %s;",
           network);
  ck_petsc(CaseCreate(text, &s->c));
  s->rows = ResidualRows(s->c.residual);
  s->n = (int)s->rows->n_param;
  ck_petsc(PetscMalloc1(s->n, &start));
  NetworkInitialize(s->c.network, start);
  ck_petsc(ResidualCreateTheta(s->c.residual, &s->theta));
  ck_petsc(ResidualScatterTheta(s->c.residual, start, s->theta));
  ck_petsc(PetscFree(start));
}

static void state_free(State *s)
{
  ck_petsc(VecDestroy(&s->theta));
  ck_petsc(CaseDestroy(&s->c));
}

/* Column by column: M [n][n] symmetric of what apply does to the unit vectors. */
static void dense_of(int n, Mat A, PC pc, double M[])
{
  Vec x, y;
  double *column = calloc((size_t)n, sizeof(double));
  ck_petsc(MatCreateVecs(A, &x, &y));
  for (int k = 0; k < n; k++) {
    for (int i = 0; i < n; i++) column[i] = i == k;
    ck_petsc(test_scatter(column, x));
    ck_petsc(pc ? PCApply(pc, x, y) : MatMult(A, x, y));
    ck_petsc(test_gather(y, column));
    for (int i = 0; i < n; i++) M[k * n + i] = column[i];
  }
  free(column);
  ck_petsc(VecDestroy(&x));
  ck_petsc(VecDestroy(&y));
}

/* w [n] rising: eigenvalues of P^{-1} (J^T J + damping), J scaled. */
static void dense_values(const State *s, const char *precond, double w[])
{
  const size_t n = (size_t)s->n;
  double *A = calloc(n * n, sizeof(double)), *P = calloc(n * n, sizeof(double));
  Rows scaled;
  Mat matrix;
  PC pc;
  ck_petsc(ScaledRowsCreate(s->rows, &scaled));
  ck_petsc(ScaledRowsSetPoint(scaled, s->theta, EVENNESS));
  ck_petsc(GaussNewtonCreate(scaled, &matrix));
  ck_petsc(GaussNewtonSetPoint(matrix, s->theta, true));
  ck_petsc(GaussNewtonSetDamping(matrix, DAMPING));
  ck_petsc(PCCreate(PETSC_COMM_WORLD, &pc));
  ck_petsc(PCSetOperators(pc, matrix, matrix));
  ck_petsc(PCSetType(pc, precond));
  ck_petsc(PrecondSetSeed(pc, 3));
  ck_petsc(PCSetUp(pc));
  dense_of(s->n, matrix, NULL, A);
  dense_of(s->n, matrix, pc, P);
  ck_assert_int_eq(LAPACKE_dsygvd(LAPACK_ROW_MAJOR, 2, 'N', 'U', s->n, A, s->n, P, s->n, w), 0);
  ck_petsc(PCDestroy(&pc));
  ck_petsc(MatDestroy(&matrix));
  ck_petsc(ScaledRowsDestroy(&scaled));
  free(A);
  free(P);
}

/* All steps give the ends of the spectrum and nothing outside of it; a few of them bound it from inside. */
static void check_precond(const State *s, const char *precond)
{
  double *w = calloc((size_t)s->n, sizeof(double)), *values = calloc((size_t)s->n, sizeof(double));
  PetscInt n;
  dense_values(s, precond, w);
  const double least = w[0], most = w[s->n - 1];
  for (int few = 0; few < 2; few++) {
    ck_petsc(OptimizerPreconditionedValues(s->rows, s->theta, precond, DAMPING, few ? 3 : s->n, 3, values, &n));
    ck_assert_int_ge(n, 1);
    ck_assert_int_le(n, few ? 3 : s->n);
    for (int k = 1; k < n; k++) ck_assert_double_le(values[k], values[k - 1]);
    ck_assert_msg(values[0] <= most * (1.0 + 1e-8), "%s: %g above %g", precond, values[0], most);
    ck_assert_msg(values[n - 1] >= least * (1.0 - 1e-6), "%s: %g below %g", precond, values[n - 1], least);
    if (few) continue;
    ck_assert_msg(fabs(values[0] / most - 1.0) < 1e-8, "%s: %g, not %g", precond, values[0], most);
    ck_assert_msg(fabs(values[n - 1] / least - 1.0) < 1e-6, "%s: %g, not %g", precond, values[n - 1], least);
  }
  free(w);
  free(values);
}

/* `auto` is one of the others; `operator` needs features of sines. */
START_TEST(ends_of_the_spectrum_with_every_preconditioner)
{
  State s;
  state(&s, "{ hidden = [8, 7]; }");
  for (const Choice *row = PrecondTable.rows; row->name; row++)
    if (strcmp(row->name, "auto") && strcmp(row->name, "operator")) check_precond(&s, row->name);
  state_free(&s);
  state(&s, "{ type = \"random-features\"; features = 30; activation = \"sin\"; }");
  check_precond(&s, "operator");
  state_free(&s);
}
END_TEST

/* An exact inverse has the one eigenvalue 1, which one step finds. */
START_TEST(an_exact_inverse_leaves_one_value)
{
  State s;
  double values[8];
  PetscInt n;
  state(&s, "{ type = \"random-features\"; features = 12; activation = \"sin\"; }");
  ck_petsc(OptimizerPreconditionedValues(s.rows, s.theta, "layerwise", DAMPING, 8, 3, values, &n));
  ck_near(values[0], 1.0, 1e-9, 0.0);
  ck_near(values[n - 1], 1.0, 1e-9, 0.0);
  state_free(&s);
}
END_TEST

TEST_SUITE("optimizer spectrum", ends_of_the_spectrum_with_every_preconditioner, an_exact_inverse_leaves_one_value)
