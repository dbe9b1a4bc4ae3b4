/* Truth for formulas: derivatives of analytic functions by Cauchy's integral in long double, and a network whose
   outputs are waves, so that every derivative is a closed form. */
#pragma once
#include <complex.h>
#undef I
#include <string.h>
#include "harness.h"
#include "pinn/formula.h"

typedef long double complex Complex;
typedef Complex (*Analytic)(Complex x, Complex y);

/* d^a/dx^a d^b/dy^b f at (x, y), from 96 x 96 points around it. */
static inline double CauchyDerivative(Analytic f, double x, double y, int a, int b)
{
  enum { N = 96 };
  const long double radius = 0.7L, turn = 6.283185307179586476925286766559L / N;
  const int n = a ? N : 1, m = b ? N : 1;
  Complex sum = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++) {
      const Complex dx = a ? cexpl(1.0iL * turn * i) : 0, dy = b ? cexpl(1.0iL * turn * j) : 0;
      sum += f(x + radius * dx, y + radius * dy) * cexpl(-1.0iL * turn * (i * a + j * b));
    }
  sum /= n * m * powl(radius, a + b);
  for (int k = 2; k <= a; k++) sum *= k;
  for (int k = 2; k <= b; k++) sum *= k;
  return (double)creall(sum);
}

/* Output k is sum_m amplitude sin(w . x + phase). */
static inline double WaveDerivative(int output, const double x[], int n_coord, const JetIndex *index)
{
  double sum = 0;
  for (int m = 0; m < 2; m++) {
    double phase = 0.3 + 0.9 * output + 1.7 * m + 1.57079632679489661923 * index->order, factor = m ? 0.4 : 1.0;
    for (int i = 0; i < n_coord; i++) phase += x[i] * (0.5 + 0.31 * i + 0.17 * output - 0.45 * m);
    for (int i = 0; i < index->order; i++) factor *= 0.5 + 0.31 * index->coord[i] + 0.17 * output - 0.45 * m;
    sum += factor * sin(phase);
  }
  return sum;
}

/* The derivative of an output by coordinates given as digits: Wave(0, x, 2, "001"). */
static inline double Wave(int output, const double x[], int n_coord, const char *digits)
{
  JetIndex index = {.order = (int)strlen(digits)};
  for (int i = 0; i < index.order; i++) index.coord[i] = digits[i] - '0';
  return WaveDerivative(output, x, n_coord, &index);
}

static inline void WaveNetwork(JetPlan plan, int n_coord, int n, const double x[], int n_output, double net[])
{
  for (int c = 0; c < JetPlanColumns(plan); c++) {
    const JetOperator *op = JetPlanOperator(plan, c);
    for (int p = 0; p < n; p++)
      for (int k = 0; k < n_output; k++) {
        double *value = &net[((size_t)c * (size_t)n + (size_t)p) * (size_t)n_output + (size_t)k];
        *value = 0;
        for (int j = 0; j < op->n; j++)
          *value += op->coef[j] * WaveDerivative(k, x + p * n_coord, n_coord, &op->index[j]);
      }
  }
}

/* Roots evaluated at points with the wave network; values [n_root][n]. */
static inline void EvaluateNodes(Formula formula, int n_root, const FormulaNode roots[], int n, const double x[],
                                 const double normal[], int n_output, double values[])
{
  const int n_coord = FormulaCoordinates(formula);
  Program program;
  ProgramWork work;
  double *net;
  ck_petsc(ProgramCreate(formula, n_root, roots, NULL, &program));
  ck_petsc(ProgramWorkCreate(program, n, &work));
  ck_petsc(PetscMalloc1(JetPlanColumns(ProgramPlan(program)) * n * PetscMax(n_output, 1), &net));
  WaveNetwork(ProgramPlan(program), n_coord, n, x, n_output, net);
  ProgramEvaluate(program, work, n, x, normal, NULL, 0, net, n_output, values);
  ck_petsc(PetscFree(net));
  ck_petsc(ProgramWorkDestroy(&work));
  ck_petsc(ProgramDestroy(&program));
}

static inline double EvaluateText(Formula formula, const char *text, const double x[], const double normal[],
                                  int n_output)
{
  FormulaNode node;
  double value;
  ck_petsc(FormulaParse(formula, "test", text, &node));
  EvaluateNodes(formula, 1, &node, 1, x, normal, n_output, &value);
  return value;
}

static inline FormulaNode ParseText(Formula formula, const char *text)
{
  FormulaNode node = -1;
  ck_petsc(FormulaParse(formula, "test", text, &node));
  return node;
}

/* Coordinates by their names ("x y t v[3]"), outputs by theirs, nu = 0.25. */
static inline Formula FixtureFormula(const char *coordinates, const char *outputs)
{
  Formula formula;
  char text[128], *save = NULL;
  int k = 0;
  ck_petsc(FormulaCreate(&formula));
  snprintf(text, sizeof(text), "%s", coordinates);
  for (char *name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
    char *bracket = strchr(name, '[');
    const int length = bracket ? atoi(bracket + 1) : 0;
    if (bracket) *bracket = 0;
    ck_petsc(FormulaAddCoordinate(formula, "test", name, length));
  }
  snprintf(text, sizeof(text), "%s", outputs);
  for (char *name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save))
    ck_petsc(FormulaAddOutput(formula, "test", name, k++));
  ck_petsc(FormulaAddConstant(formula, "test", "nu", 0.25));
  return formula;
}
