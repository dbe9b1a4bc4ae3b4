/* First and second derivatives of the elementary functions as expressions. */
#include <math.h>
#include "formula_impl.h"

static PetscErrorCode power_of(Formula formula, FormulaNode a, double p, FormulaNode *node)
{
  FormulaNode exponent;

  PetscFunctionBegin;
  PetscCall(NodeConstant(formula, p, &exponent));
  PetscCall(NodePower(formula, a, exponent, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* constant + coef a */
static PetscErrorCode affine_of(Formula formula, double constant, double coef, FormulaNode a, FormulaNode *node)
{
  const SumTerm term = {a, coef};

  PetscFunctionBegin;
  PetscCall(NodeSum(formula, constant, 1, &term, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* coef a^k (c0 + c1 a + c2 a^2)^p */
static PetscErrorCode product_of_powers(Formula formula, double coef, FormulaNode a, double k, const double c[3],
                                        double p, FormulaNode *node)
{
  FormulaNode left, right;
  SumTerm terms[2] = {{a, c[1]}, {-1, c[2]}};

  PetscFunctionBegin;
  PetscCall(power_of(formula, a, k, &left));
  PetscCall(power_of(formula, a, 2, &terms[1].node));
  PetscCall(NodeSum(formula, c[0], 2, terms, &right));
  PetscCall(power_of(formula, right, p, &right));
  PetscCall(NodeProduct(formula, left, right, node));
  PetscCall(NodeScale(formula, coef, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* coef g(a) */
static PetscErrorCode scaled(Formula formula, double coef, Elementary g, FormulaNode a, FormulaNode *node)
{
  PetscFunctionBegin;
  PetscCall(NodeFunction(formula, g, 0, a, node));
  PetscCall(NodeScale(formula, coef, *node, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 2/sqrt(pi) exp(-a^2), of second order times -2 a */
static PetscErrorCode slope_of_erf(Formula formula, int order, FormulaNode a, FormulaNode *node)
{
  FormulaNode square;

  PetscFunctionBegin;
  PetscCall(power_of(formula, a, 2, &square));
  PetscCall(NodeScale(formula, -1, square, &square));
  PetscCall(scaled(formula, M_2_SQRTPI, ELEMENTARY_EXP, square, node));
  if (order == 2) {
    PetscCall(NodeProduct(formula, a, *node, node));
    PetscCall(NodeScale(formula, -2, *node, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With f = f(a): tan' = 1 + f^2, tanh' = 1 - f^2, sigmoid' = f - f^2. */
static PetscErrorCode slope_of_value(Formula formula, int order, Elementary function, FormulaNode a, FormulaNode *node)
{
  const bool sigmoid = function == ELEMENTARY_SIGMOID;
  const double one = sigmoid ? 0 : 1, two = function == ELEMENTARY_TAN ? 1 : -1;
  const double slope[3] = {one, sigmoid, two};
  FormulaNode f, rise, factor;

  PetscFunctionBegin;
  PetscCall(NodeFunction(formula, function, 0, a, &f));
  PetscCall(product_of_powers(formula, 1, f, 0, slope, 1, &rise));
  *node = rise;
  if (order == 2) { /* (s1 + 2 s2 f) f' */
    PetscCall(affine_of(formula, sigmoid, 2 * two, f, &factor));
    PetscCall(NodeProduct(formula, factor, rise, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sign / sqrt(1 - a^2) or 1 / (1 + a^2), and their slopes */
static PetscErrorCode slope_of_inverse(Formula formula, int order, Elementary function, FormulaNode a,
                                       FormulaNode *node)
{
  const bool tangent = function == ELEMENTARY_ATAN;
  const double sign = function == ELEMENTARY_ACOS ? -1 : 1, base[3] = {1, 0, tangent ? 1 : -1};

  PetscFunctionBegin;
  if (order == 1)
    PetscCall(product_of_powers(formula, sign, a, 0, base, tangent ? -1 : -0.5, node));
  else
    PetscCall(product_of_powers(formula, tangent ? -2 : sign, a, 1, base, tangent ? -2 : -1.5, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodeFunctionSlope(Formula formula, int order, Elementary function, double parameter, FormulaNode a,
                                 FormulaNode *node)
{
  const bool first = order == 1;
  FormulaNode zero;

  PetscFunctionBegin;
  switch (function) {
  case ELEMENTARY_SIN:
    PetscCall(scaled(formula, first ? 1 : -1, first ? ELEMENTARY_COS : ELEMENTARY_SIN, a, node));
    break;
  case ELEMENTARY_COS:
    PetscCall(scaled(formula, -1, first ? ELEMENTARY_SIN : ELEMENTARY_COS, a, node));
    break;
  case ELEMENTARY_SINH:
    PetscCall(scaled(formula, 1, first ? ELEMENTARY_COSH : ELEMENTARY_SINH, a, node));
    break;
  case ELEMENTARY_COSH:
    PetscCall(scaled(formula, 1, first ? ELEMENTARY_SINH : ELEMENTARY_COSH, a, node));
    break;
  case ELEMENTARY_EXP:
    PetscCall(scaled(formula, 1, ELEMENTARY_EXP, a, node));
    break;
  case ELEMENTARY_LOG:
    PetscCall(power_of(formula, a, -order, node));
    PetscCall(NodeScale(formula, first ? 1 : -1, *node, node));
    break;
  case ELEMENTARY_ABS: /* sign(a) */
    PetscCall(NodeConstant(formula, 0, &zero));
    PetscCall(NodeCompare(formula, RELATION_GT, a, zero, node));
    PetscCall(NodeCompare(formula, RELATION_LT, a, zero, &a));
    PetscCall(NodeAdd(formula, first ? 1 : 0, *node, first ? -1 : 0, a, node));
    break;
  case ELEMENTARY_ERF:
    PetscCall(slope_of_erf(formula, order, a, node));
    break;
  case ELEMENTARY_SOFTPLUS:
    if (first)
      PetscCall(scaled(formula, 1, ELEMENTARY_SIGMOID, a, node));
    else
      PetscCall(slope_of_value(formula, 1, ELEMENTARY_SIGMOID, a, node));
    break;
  case ELEMENTARY_POW:
    PetscCall(power_of(formula, a, parameter - order, node));
    PetscCall(NodeScale(formula, first ? parameter : parameter * (parameter - 1), *node, node));
    break;
  case ELEMENTARY_TAN:
  case ELEMENTARY_TANH:
  case ELEMENTARY_SIGMOID:
    PetscCall(slope_of_value(formula, order, function, a, node));
    break;
  default: /* asin, acos, atan */
    PetscCall(slope_of_inverse(formula, order, function, a, node));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
