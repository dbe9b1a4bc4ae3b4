/* The language: values, precedence, names, printing, and errors with their columns. */
#include "formula_fixture.h"

static double constant(const char *text)
{
  Formula formula = FixtureFormula("x t", "u");
  double value = NAN;
  ck_petsc(FormulaParseConstant(formula, "test", text, &value));
  ck_petsc(FormulaDestroy(&formula));
  return value;
}

START_TEST(constants_follow_precedence)
{
  static const struct {
    const char *text;
    double value;
  } cases[] = {
      {"1 + 2*3", 7},
      {"2*3^2", 18},
      {"-2^2", -4},
      {"2^-1", 0.5},
      {"2^3^2", 512},
      {"(1 + 2)*3", 9},
      {"7 - 4 - 2", 1},
      {"16/4/2", 2},
      {"--3", 3},
      {"+-+3", -3},
      {"2*-3", -6},
      {"1e3 + .5 + 2.", 1002.5},
      {"1.5E-2", 0.015},
      {"2*pi/2", M_PI},
      {"nu/4", 0.0625},
      {"1/3", 1.0 / 3},
      {"3 < 4", 1},
      {"3 >= 4", 0},
      {"1 + 1 == 2", 1},
      {"1 != 1", 0},
      {"if(2 > 1, 10, 20)", 10},
      {"min(3, 1, 2) + 10*max(3, 1, 2)", 31},
      {"step(0) + 2*step(-1) + 4*step(2)", 5},
      {"sign(-3) + 4*sign(0) + 16*sign(2)", 15},
      {"sum(i, 1, 4, i^2)", 30},
      {"sum(i, 1, 3, sum(j, 1, i, i*j))", 25},
      {"sum(i, 2, 1, i)", 0},
      {"norm2((3, 4))", 25},
      {"dot((1, 2, 3), (4, 5, 6))", 32},
      {"dot(2*(1, 2) - (0, 1)/2, (1, 1))", 5.5},
      {"(5, 6, 7)[1]", 6},
      {"pow(2, 10)", 1024},
      {"atan2(-1, -1)", -2.35619449019234492885},
      {"d(x^2, x, 3)", 0},
      {"d(3*x + t, x)", 3},
      {"x - x", 0},
      {"u_x - d(u, x)", 0},
      {"0*u", 0},
      {"x^0", 1},
      {"grad(3*x)[0]", 3},
      {"t_t + x_t", 1},
      {"0.000 + 0e5", 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ck_near(constant(cases[i].text), cases[i].value, 1e-15, 0);
}
END_TEST

START_TEST(equal_expressions_are_one_node)
{
  static const char *const pairs[][2] = {
      {"x + t", "t + x"},
      {"x*t*2", "2*(t*x)"},
      {"u_xx + u_tt", "laplacian(u, x, t)"},
      {"u_xt", "d(d(u, t), x)"},
      {"u*u*u", "u^3"},
      {"u - 2*(u - x)", "2*x - u"},
      {"laplacian(laplacian(u))", "biharmonic(u)"},
      {"div(grad(u))", "u_xx"},
      {"d(u + x^2, t)", "u_t"},
      {"d(t*u_x, x)", "t*u_xx"},
      {"d(exp(x)*t, t)", "exp(x)"},
      {"nu*(u_xx + u_tt) - u_t", "nu*u_xx - u_t + u_tt/4"},
      {"u/2 + u/2", "u"},
      {"u_{x, t}", "u_x_t"},
      {"sqrt(x)", "x^0.5"},
      {"x/t", "x*t^(-1)"},
      {"n_x*u_x", "dn(u)"},
  };
  Formula formula = FixtureFormula("x t", "u");
  for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
    ck_assert_msg(ParseText(formula, pairs[i][0]) == ParseText(formula, pairs[i][1]), "%s is not %s", pairs[i][0],
                  pairs[i][1]);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(names_resolve)
{
  Formula formula = FixtureFormula("x th v[3] t", "u w");
  const double x[] = {0.3, 0.7, -0.2, 0.5, 0.9, 1.1}, data[] = {2, 3, 5};
  ck_petsc(FormulaAddData(formula, "test", "c", 3, data));
  ck_petsc(FormulaDefine(formula, "test", "flux", ParseText(formula, "u*w")));
  ck_petsc(FormulaAddConstant(formula, "test", "my_const", 7));
  ck_assert_int_eq(ParseText(formula, "u_x_th"), ParseText(formula, "d(u, x, 1, th)"));
  ck_assert_int_eq(ParseText(formula, "u_xth"), ParseText(formula, "d(u, th, x)"));
  ck_assert_int_eq(ParseText(formula, "u_{v[0]v[2]}"), ParseText(formula, "d(d(u, v[2]), v[0])"));
  ck_assert_int_eq(ParseText(formula, "u_{xx, v[1]}"), ParseText(formula, "d(u, x, 2, v[1])"));
  ck_assert_int_eq(ParseText(formula, "flux_t"), ParseText(formula, "d(u*w, t)"));
  ck_assert_int_eq(ParseText(formula, "laplacian(u)"), ParseText(formula, "laplacian(u, x, th, v)"));
  ck_assert_int_eq(ParseText(formula, "sum(i, 0, 2, u_{v[i]})"), ParseText(formula, "u_{v[0]} + u_{v[1]} + u_{v[2]}"));
  ck_near(EvaluateText(formula, "my_const*x", x, NULL, 2), 2.1, 1e-15, 0);
  ck_near(EvaluateText(formula, "dot(c, v)", x, NULL, 2), -0.4 + 1.5 + 4.5, 1e-15, 0);
  ck_near(EvaluateText(formula, "sum(i, 0, 1, c[i]*v[i+1])", x, NULL, 2), 1.0 + 2.7, 1e-15, 0);
  ck_near(EvaluateText(formula, "norm2(v)", x, NULL, 2), 0.04 + 0.25 + 0.81, 1e-15, 0);
  ck_assert_int_eq(FormulaCoordinates(formula), 6);
  ck_assert_str_eq(FormulaCoordinateName(formula, 3), "v[1]");
  ck_assert_int_eq(FormulaFindCoordinate(formula, "v[1]"), 3);
  ck_assert_int_eq(FormulaFindCoordinate(formula, "t"), 5);
  for (const char *const *bad = (const char *const[]){"v", "v[3]", "v[", "v[1", "v[-1]", "x[0]", "u", "", NULL}; *bad;
       bad++)
    ck_assert_int_eq(FormulaFindCoordinate(formula, *bad), -1);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(errors_name_their_column)
{
  static const struct {
    const char *text, *part;
  } cases[] = {
      {"", "column 1: the formula is empty"},
      {"  ", "the formula is empty"},
      {"u_t + uu*u_x", "column 7: unknown symbol 'uu' (did you mean 'u'? known: x, t, v, u, c, nu)"},
      {"qqq", "unknown symbol 'qqq' (known: x, t, v, u, c, nu)"},
      {"u_t + uu*u_x", "\n  u_t + uu*u_x\n        ^"},
      {"u + (x", "column 7: expected ')' that closes a bracket, not the end"},
      {"u + x)", "column 6: expected an operator or the end, not ')'"},
      {"u x", "column 3: expected an operator or the end, not 'x'"},
      {"u +", "column 4: expected a number, a name or '(', not the end"},
      {"*u", "column 1: expected a number, a name or '(', not '*'"},
      {"u_z", "column 3: 'u_z': unknown coordinate 'z' (coordinates: x, t, v)"},
      {"u_xz", "column 4: 'u_xz': unknown coordinate 'z'"},
      {"u_v", "'u_v': 'v' is a vector, its derivatives are written u_{v[0]}"},
      {"u_{v[0] +}", "column 9: expected a coordinate or '}', not '+'"},
      {"u_xxxxxxxxxxxxxxxxx", "column 1: 'u_xxxxxxxxxxxxxxxxx' is a derivative of order above 16"},
      {"d(u_xxxx*u, x, 13)", "column 1: a derivative of order 17 (the highest is 16)"},
      {"d(u, x, 17)", "column 9: a derivative of order above 16"},
      {"d(u, x, 1.5)", "column 9: a coordinate is derived by a whole number of times, not 1.5"},
      {"d(u, x, 0)", "by a whole number of times, not 0"},
      {"d(u, u)", "column 6: argument 2 of d must be a coordinate"},
      {"d(u, v)", "argument 2 of d must be a coordinate"},
      {"laplacian(u, 2)", "column 14: argument 2 of laplacian must be a coordinate"},
      {"laplacian(u, x, x)", "laplacian names a coordinate twice"},
      {"sin(x, t)", "column 1: sin takes 1 argument, not 2"},
      {"sin()", "sin takes 1 argument, not 0"},
      {"x + min(u)", "column 5: min takes at least 2 arguments, not 1"},
      {"if(x, t)", "if takes 3 arguments, not 2"},
      {"sin(x", "expected ',' or ')' after an argument, not the end"},
      {"sinn(x)", "column 1: unknown function 'sinn' (did you mean 'sin'? known: sin, cos"},
      {"u(x)", "column 1: 'u' is not a function (a product needs its '*')"},
      {"sin", "'sin' is a function and needs its '('"},
      {"2x", "column 2: expected an operator after the number 2, not 'x' (a product needs its '*')"},
      {"1.2.3", "column 4: expected an operator after the number 1.2, not '.'"},
      {"1e400", "column 1: the number 1e400 is too large"},
      {"1e-400", "the number 1e-400 is too small"},
      {"1/0", "column 3: division by zero"},
      {"u/(1 - 1)", "column 3: division by zero"},
      {"log(-1)", "column 1: the value of this constant is not finite"},
      {"x + 10^400", "column 5: the value of this constant is not finite"},
      {"1e300*1e300", "the value of this constant is not finite"},
      {"1e300*x*1e300", "the value of this constant is not finite"},
      {"u = 3", "column 3: unexpected '=': write the residual as left side minus right side"},
      {"x**2", "column 2: unexpected '**': powers are written x^2"},
      {"x & t", "column 3: unexpected '&'"},
      {"x \xc2\xb7 t", "column 3: unexpected byte 0xc2 (formulas are plain ASCII text)"},
      {"x # t", "unexpected '#'"},
      {"1 < 2 < 3", "column 7: comparisons cannot be chained"},
      {"v", "column 1: a vector of 3 components where a number is wanted"},
      {"sin(v)", "column 5: a vector of 3 components where a number is wanted"},
      {"v + 1", "column 5: a vector and a number cannot be added"},
      {"dot(v + (1, 2), v)", "column 9: vectors of 3 and 2 components cannot be added"},
      {"v*v", "two vectors are multiplied by dot(a, b)"},
      {"1/v", "cannot divide by a vector"},
      {"v^2", "column 1: a vector has no power (norm2 is its sum of squares)"},
      {"v[3]", "column 3: index 3 is outside 0 .. 2"},
      {"v[-1]", "index -1 is outside 0 .. 2"},
      {"v[0.5]", "column 3: an index must be a whole number from -1000000000 to 1000000000, not 0.5"},
      {"v[x]", "column 3: an index must be a constant"},
      {"v[0", "expected ']' after an index, not the end"},
      {"u[0]", "column 2: only a vector has components"},
      {"dot(v, (1, 2))", "column 1: dot of vectors of 3 and 2 components"},
      {"norm2(u)", "column 7: argument 1 of norm2 must be a vector"},
      {"div(u, u)", "div of 2 components in 4 space coordinates"},
      {"sum(2, 0, 1, x)", "column 5: expected the name of an index, not '2'"},
      {"sum(x, 0, 1, x)", "column 5: the index 'x' is already a symbol"},
      {"sum(i, x, 1, i)", "column 8: the first index of a sum must be a constant"},
      {"sum(i, 0, 1)", "expected ',' after the last index of a sum"},
      {"sum(i, 0, 3, v[i])", "index 3 is outside 0 .. 2"},
      {"sum(i, 0, 1e9, i)",
       "column 1: this sum has 1000000001 terms, more than the 2000000 that the sums of a formula may have"},
      {"sum(i, 0, 1999999, dot((i, 1), (1, 0))) + sum(i, 0, 1, i)",
       "column 43: the sums of this formula have more than 2000000 terms"},
      {"n_xx", "'n_xx': a component of the normal has one coordinate"},
      {"c_x", "'c_x': a vector has no derivatives by subscript"},
      {"a123456789b123456789c123456789d123456789e123456789f123456789g1234", "is longer than 63 characters"},
  };
  Formula formula = FixtureFormula("x t v[3]", "u");
  const double data[] = {1};
  FormulaNode node;
  ck_petsc(FormulaUndefine(formula, "nu"));
  ck_petsc(FormulaAddData(formula, "test", "c", 1, data));
  ck_petsc(FormulaAddConstant(formula, "test", "nu", 0.25));
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ck_petsc_fails(FormulaParse(formula, "case.cfg:3", cases[i].text, &node), PETSC_ERR_USER_INPUT, cases[i].part);
    ck_assert_msg(!strncmp(TestErrorText(), "case.cfg:3: column ", 19), "'%s' does not begin with its place",
                  TestErrorText());
  }
  double value;
  ck_petsc_fails(FormulaParseConstant(formula, "case.cfg:4", "2*x + 1", &value), PETSC_ERR_USER_INPUT,
                 "case.cfg:4: '2*x + 1' is not a constant");
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(names_are_checked)
{
  static const struct {
    const char *name, *part;
  } cases[] = {
      {"", "'' is not a name"},
      {"2u", "'2u' is not a name"},
      {"u-", "'u-' is not a name"},
      {"u_", "'u_' is not a name"},
      {"_u", "'_u' is not a name"},
      {"sin", "'sin' is the name of a function"},
      {"pi", "'pi' is the number"},
      {"n", "'n' is the outward normal"},
      {"x", "already the name of a coordinate"},
      {"u", "already the name of a constant, field or definition"},
      {"u_x", "'u_x' already reads as a derivative"},
      {"n_x", "'n_x' already reads as a derivative or normal"},
  };
  Formula formula = FixtureFormula("x t", "u");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ck_petsc_fails(FormulaAddConstant(formula, "case.cfg:5", cases[i].name, 1), PETSC_ERR_USER_INPUT, cases[i].part);
  ck_petsc_fails(FormulaAddConstant(formula, "test", "a", INFINITY), PETSC_ERR_USER_INPUT, "is not a finite number");
  ck_petsc_fails(FormulaAddCoordinate(formula, "test", "y", -2), PETSC_ERR_USER_INPUT, "cannot have -2 components");
  ck_petsc_fails(FormulaUndefine(formula, "a"), PETSC_ERR_ARG_WRONG, "'a' is not defined");
  ck_petsc(FormulaUndefine(formula, "u"));
  ck_petsc(FormulaAddConstant(formula, "test", "u_x", 3));
  ck_petsc(FormulaAddConstant(formula, "test", "u_q", 4));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* Names that change their meaning leave nodes alone. */
START_TEST(undefine_keeps_nodes)
{
  Formula formula = FixtureFormula("x", "u");
  const double x = 0.5;
  double values[2];
  FormulaNode roots[2];
  ck_petsc(FormulaDefine(formula, "test", "f", ParseText(formula, "x^2")));
  roots[0] = ParseText(formula, "f + 1");
  ck_petsc(FormulaUndefine(formula, "f"));
  ck_petsc(FormulaDefine(formula, "test", "f", ParseText(formula, "x^3")));
  roots[1] = ParseText(formula, "f + 1");
  EvaluateNodes(formula, 2, roots, 1, &x, NULL, 1, values);
  ck_near(values[0], 1.25, 1e-15, 0);
  ck_near(values[1], 1.125, 1e-15, 0);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* What is printed means the same when it is read again. */
START_TEST(print_reads_back)
{
  static const char *const texts[] = {"u_t + u*u_x - nu*u_xx",
                                      "sin(pi*x)*exp(-t)",
                                      "1/(1 + x^2)",
                                      "x/(t*u)",
                                      "-x - t",
                                      "(x + t)*(x - t)",
                                      "x^(-3)",
                                      "2^x",
                                      "sqrt(x)/t^2",
                                      "if(x < t, x, 2*t)",
                                      "d(sin(u)*x, x, 2, t)",
                                      "biharmonic(u)",
                                      "-(x + t)^3",
                                      "abs(x - 0.1)",
                                      "min(x, u)*3",
                                      "laplacian(exp(u), x, t)",
                                      "n_x*u_x + 2",
                                      "-2*u_x - 3*u_xt",
                                      "x*(-2)",
                                      "1e-30*x + 12345678.9*t",
                                      "(x*t)^2",
                                      "(-x)^2",
                                      "1/x*t",
                                      "(x == t)*(u >= 1)",
                                      "1e10/x^2.5"};
  Formula formula = FixtureFormula("x t", "u");
  char text[256], again[256];
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    const FormulaNode node = ParseText(formula, texts[i]);
    FormulaPrint(formula, node, text, sizeof(text));
    FormulaPrint(formula, ParseText(formula, text), again, sizeof(again));
    ck_assert_str_eq(text, again);
    ck_assert_msg(ParseText(formula, text) == node, "%s is printed as %s", texts[i], text);
  }
  FormulaPrint(formula, ParseText(formula, "u_t + u*u_x - nu*u_xx"), text, sizeof(text));
  ck_assert_str_eq(text, "u*u_x + u_t - 0.25*u_xx");
  FormulaPrint(formula, ParseText(formula, "x + t + x*t*u*exp(x)"), text, 12);
  ck_assert_str_eq(text + 8, "...");
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(every_function_has_help)
{
  for (const Choice *row = FunctionTable.rows; row->name; row++) {
    ck_assert_msg(row->help && strlen(row->help) > 2, "%s has no help", row->name);
    ck_assert_ptr_eq(ChoiceFind(&FunctionTable, row->name), row);
  }
  ck_assert_str_eq(FunctionTable.kind, "function");
}
END_TEST

TEST_SUITE("formula parse", constants_follow_precedence, equal_expressions_are_one_node, names_resolve,
           errors_name_their_column, names_are_checked, undefine_keeps_nodes, print_reads_back, every_function_has_help)
