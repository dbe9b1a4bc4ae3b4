/* Derivatives that owe nothing to Taylor mode: Cauchy's integral in long double arithmetic, one circle a coordinate,
     d^a f(x) = a! / N^m sum over nodes of f(x + r w) / (r w)^a.
   The functions are extended to complex coordinates. And what tests of jets share: random numbers, operators, plans. */
#pragma once
#include <complex.h>
#include <stdint.h>
#include "harness.h"
#include "pinn/jet.h"

#define CAUCHY_NODES 32

typedef long double complex Complex;
typedef Complex (*ComplexField)(int n_coord, const Complex x[], const void *context);

static inline long double CauchyDerivative(ComplexField f, const void *context, int n_coord, const double x[],
                                           const JetIndex *a, long double radius)
{
  int coord[KERNEL_MAX_ORDER], power[KERNEL_MAX_ORDER], m = 0, n_node = 1;
  Complex sum = 0, at[128], w[CAUCHY_NODES];
  for (int k = 0; k < a->order; k++) {
    if (!k || a->coord[k] != a->coord[k - 1]) coord[m] = a->coord[k], power[m++] = 0, n_node *= CAUCHY_NODES;
    power[m - 1]++;
  }
  for (int j = 0; j < CAUCHY_NODES; j++) w[j] = radius * cexpl(2 * acosl(-1) * I * j / CAUCHY_NODES);
  for (int i = 0; i < n_coord; i++) at[i] = x[i];
  for (int node = 0; node < n_node; node++) {
    Complex weight = 1;
    for (int k = 0, rest = node; k < m; k++, rest /= CAUCHY_NODES) {
      at[coord[k]] = x[coord[k]] + w[rest % CAUCHY_NODES];
      for (int p = 0; p < power[k]; p++) weight /= w[rest % CAUCHY_NODES];
    }
    sum += weight * f(n_coord, at, context);
  }
  return JetIndexFactorial(a) * creall(sum) / n_node;
}

/* The operator applied to f at x; *size: the sum of its terms' absolute values. */
static inline double CauchyOperator(ComplexField f, const void *context, int n_coord, const double x[],
                                    const JetOperator *op, long double radius, double *size)
{
  long double sum = 0, absolute = 0;
  for (int t = 0; t < op->n; t++) {
    const long double term = op->coef[t] * CauchyDerivative(f, context, n_coord, x, &op->index[t], radius);
    sum += term;
    absolute += fabsl(term);
  }
  *size = (double)absolute;
  return (double)sum;
}

/* Uniform in (-1, 1): the i-th number of a stream (splitmix64). */
static inline double TestRandom(uint64_t stream, uint64_t i)
{
  uint64_t z = (stream << 40) + (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return ((double)(z >> 11) + 0.5) * 0x1p-52 - 1.0;
}

static inline void TestFill(size_t n, double *x, uint64_t stream)
{
  for (size_t i = 0; i < n; i++) x[i] = TestRandom(stream, i);
}

/* Appends coef d^a to an operator; a as digits: "001" is d^3 / dx_0 dx_0 dx_1. */
static inline void AddTerm(JetOperator *op, double coef, const char *digits)
{
  JetIndex index = {0};
  JetOperator term, sum;
  for (; *digits; digits++) index.coord[index.order++] = *digits - '0';
  ck_petsc(JetOperatorCreate(1, &index, &coef, &term));
  ck_petsc(JetOperatorAdd(1, op, 1, &term, &sum));
  ck_petsc(JetOperatorDestroy(op));
  ck_petsc(JetOperatorDestroy(&term));
  *op = sum;
}

static inline JetOperator OperatorOf(double coef, const char *digits)
{
  JetOperator op = {0};
  AddTerm(&op, coef, digits);
  return op;
}

static inline JetOperator Laplacian(int n_coord)
{
  JetOperator op;
  JetIndex index[1000];
  double coef[1000];
  for (int i = 0; i < n_coord; i++) {
    index[i] = (JetIndex){2, {i, i}};
    coef[i] = 1;
  }
  ck_petsc(JetOperatorCreate(n_coord, index, coef, &op));
  return op;
}

/* The plan of the operators, which are destroyed. */
static inline JetPlan PlanOf(int n_coord, int n, JetOperator operators[])
{
  JetPlan plan;
  ck_petsc(JetPlanCreate(n_coord, n, operators, &plan));
  for (int o = 0; o < n; o++) ck_petsc(JetOperatorDestroy(&operators[o]));
  return plan;
}

/* The plans that every kind of sweep is tested with. */
typedef enum {
  PLAN_VALUE,
  PLAN_LINE_8,    /* one coordinate, order 8 */
  PLAN_FULL_4,    /* two coordinates, all derivatives to order 4 */
  PLAN_KDV,       /* 1, x, t, xx, xxx */
  PLAN_LAPLACE_2, /* collapsed */
  PLAN_LAPLACE_3,
  PLAN_LAPLACE_10,
  PLAN_BIHARMONIC, /* two coordinates, collapsed */
  PLAN_HEAT,       /* one column of orders 1 and 2: u_t - 0.3 (u_xx + 2 u_xy + 3 u_yy), and u_x */
  PLAN_MIXED,      /* two collapsed columns of different orders, and a plain one */
  PLANS
} PlanKind;

static inline JetPlan CreatePlan(PlanKind kind, int *n_coord)
{
  JetOperator op[16] = {{0}};
  int n = 1;
  *n_coord = 2;
  switch (kind) {
  case PLAN_LINE_8:
    *n_coord = 1;
    op[0] = OperatorOf(1, "00000000");
    break;
  case PLAN_FULL_4:
    for (int i = 0; i <= 4; i++) op[i] = OperatorOf(2.5, (const char *[]){"0000", "0001", "0011", "0111", "1111"}[i]);
    n = 5;
    break;
  case PLAN_KDV:
    op[0] = OperatorOf(1, "1"), op[1] = OperatorOf(1, "000"), n = 2;
    break;
  case PLAN_LAPLACE_2:
    op[0] = Laplacian(2);
    break;
  case PLAN_LAPLACE_3:
    op[0] = Laplacian(*n_coord = 3);
    break;
  case PLAN_LAPLACE_10:
    op[0] = Laplacian(*n_coord = 10);
    break;
  case PLAN_BIHARMONIC: {
    JetOperator laplacian = Laplacian(2);
    ck_petsc(JetOperatorCompose(&laplacian, &laplacian, &op[0]));
    ck_petsc(JetOperatorDestroy(&laplacian));
    break;
  }
  case PLAN_HEAT:
    *n_coord = 3;
    AddTerm(&op[0], 1, "2"), AddTerm(&op[0], -0.3, "00"), AddTerm(&op[0], -0.6, "01"), AddTerm(&op[0], -0.9, "11");
    op[1] = OperatorOf(1, "0"), n = 2;
    break;
  case PLAN_MIXED:
    AddTerm(&op[0], 0.7, "0"), AddTerm(&op[0], -1.3, "1");
    AddTerm(&op[1], 2, "0001"), AddTerm(&op[1], 0.5, "011"), AddTerm(&op[1], -1, "1");
    op[2] = OperatorOf(1, "11"), n = 3;
    break;
  default:
    op[0] = OperatorOf(1, "");
    break;
  }
  return PlanOf(*n_coord, n, op);
}
