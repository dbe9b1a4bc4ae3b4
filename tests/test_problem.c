/* The problem group: what becomes of fields, transforms, definitions and manufactured forcings, and its mistakes. */
#include <string.h>
#include "harness.h"
#include "pinn/problem.h"
#include "pinn/random.h"

#define HEAD "problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\", \"v\"]; constants: { k = 3.0; };\n"
#define TAIL " }; domain: { type = \"box\"; };"

static PetscErrorCode create(const char *text, Problem *problem)
{
  Config config;
  PetscFunctionBegin;
  PetscCall(ConfigLoadText("test.cfg", text, 0, NULL, &config));
  PetscCall(ProblemCreate(config, problem));
  PetscCall(ConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The value of a node that needs no network at (x, y). */
static double value(Problem problem, FormulaNode node, double x, double y)
{
  const double point[2] = {x, y};
  Program program;
  ProgramWork work;
  double root;
  ck_petsc(ProgramCreate(ProblemFormula(problem), 1, &node, NULL, &program));
  ck_petsc(ProgramWorkCreate(program, 1, &work));
  ProgramEvaluate(program, work, 1, point, NULL, NULL, 0, NULL, 0, &root);
  ck_petsc(ProgramWorkDestroy(&work));
  ck_petsc(ProgramDestroy(&program));
  return root;
}

START_TEST(forcing_is_the_residual_of_the_exact_solution)
{
  Problem p;
  FormulaNode forcing;
  ck_petsc(create(HEAD "define: { q = \"u*v\"; r = \"k*x\"; };\n"
                       "exact: { u = \"x^2*y + r\"; v = \"sin(y)\"; };\n"
                       "equations = ( { residual = \"2*f - laplacian(u)*q\"; manufactured = \"f\"; },\n"
                       "              { residual = \"v_yy + u_x - g\"; manufactured = \"g\"; } );" TAIL,
                  &p));
  const double x = 0.7, y = 0.3, u = x * x * y + 3.0 * x, v = sin(y);
  ck_petsc(FormulaParse(ProblemFormula(p), "test", "f", &forcing));
  ck_near(value(p, forcing, x, y), 0.5 * 2.0 * y * u * v, 1e-14, 0);
  ck_petsc(FormulaParse(ProblemFormula(p), "test", "g", &forcing));
  ck_near(value(p, forcing, x, y), -sin(y) + 2.0 * x * y + 3.0, 1e-14, 0);
  ck_near(value(p, ProblemExact(p, 1), x, y), v, 1e-15, 0);
  ck_assert(FormulaUsesNetwork(ProblemFormula(p), ProblemField(p, 0)));
  ck_assert(FormulaUsesNetwork(ProblemFormula(p), ProblemBlock(p, 0)->terms[0].node));
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

#define VECTOR_CONSTANTS "constants: { d = 4; half = \"d/2\"; };\n"
#define VECTOR_HEAD      "problem: { coordinates = [\"x[d]\"]; fields = [\"u\"];" VECTOR_CONSTANTS
#define VECTOR_EQUATION  "equations = ( { residual = \"u_{x[0]}\"; } );"

/* The value of a constant formula of the problem. */
static double constant(Problem problem, const char *text)
{
  double number;
  ck_petsc(FormulaParseConstant(ProblemFormula(problem), "test", text, &number));
  return number;
}

START_TEST(data_is_listed_or_drawn)
{
  const RandomKey key = {7, RANDOM_DATA, 0, 0};
  Problem p;
  ck_petsc(
      create(VECTOR_HEAD
             "data: { a = [ 1.5, -2, \"half/4\" ]; one = 3;\n"
             "  c = \" normal( seed = 7, count = d - 1 ) \"; again = \"normal(count = 5, seed = 7)\";\n"
             "  r = \"uniform(seed = 7, count = max(d, 2), low = -half, high = 3*(d - 3))\"; };\n" VECTOR_EQUATION TAIL,
             &p));
  ck_assert_int_eq(FormulaCoordinates(ProblemFormula(p)), 4);
  ck_near(constant(p, "a[0] + 10*a[1] + 100*a[2] + one[0]"), 1.5 - 20 + 50 + 3, 1e-15, 0);
  for (int i = 0; i < 3; i++) {
    ck_assert(constant(p, ConfigPath("c[%d]", i)) == RandomNormal(key, (uint64_t)i));
    ck_assert(constant(p, ConfigPath("again[%d] - c[%d]", i, i)) == 0);
    ck_near(constant(p, ConfigPath("r[%d]", i)), -2 + 5 * RandomUniform(key, (uint64_t)i), 1e-15, 0);
  }
  ck_petsc_fails(FormulaParse(ProblemFormula(p), "test", "c[d - 1]", (FormulaNode[1]){0}), PETSC_ERR_USER_INPUT,
                 "index 3");
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

START_TEST(a_constant_is_the_dimension)
{
  const char *text = VECTOR_HEAD VECTOR_EQUATION TAIL, *set = "problem.constants.d=7";
  Config config;
  Problem p;
  ck_petsc(ConfigLoadText("test.cfg", text, 1, &set, &config));
  ck_petsc(ProblemCreate(config, &p));
  ck_petsc(ConfigDestroy(&config));
  ck_assert_int_eq(FormulaCoordinates(ProblemFormula(p)), 7);
  ck_near(constant(p, "d + half"), 10.5, 1e-15, 0);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

START_TEST(mistakes_in_vectors_are_told)
{
  static const char *const cases[][2] = {
      {"data: { c = \"normal(seed = 1)\"; };", "test.cfg:2: problem.data.c: normal needs 'count'"},
      {"data: { c = \"normal(count = 2.5)\"; };", "'count' must be a whole number, not 2.5"},
      {"data: { c = \"normal(count = d - 4)\"; };", "'count' must be from 1 to 10000000, not 0"},
      {"data: { c = \"normal(seed = -1, count = 2)\"; };", "'seed' must be from 0 to 2147483647, not -1"},
      {"data: { c = \"normal(low = 1, count = 2)\"; };", "no argument 'low' (known: seed, count)"},
      {"data: { c = \"uniform(count = 2, count = 3)\"; };", "'count' twice"},
      {"data: { c = \"uniform(count = 2, low = 1)\"; };", "'low' = 1 is not below 'high' = 1"},
      {"data: { c = \"uniform(count = z)\"; };", "unknown symbol 'z'"},
      {"data: { c = \"uniform(count = 3\"; };", "')'"},
      {"data: { c = \"uniform(3)\"; };", "the arguments of uniform are written uniform(seed = 1, count = 9)"},
      {"data: { c = \"uniform(count = 3) + 1\"; };", "'+ 1' after the ')' of uniform"},
      {"data: { c = \"gauss(count = 3)\"; };", "or drawn, \"normal(seed = 1, count = 9)\", not \"gauss(count = 3)\""},
      {"data: { c = \"norml(count = 3)\"; };", "did you mean 'normal'"},
      {"data: { d = [ 1.0 ]; };", "test.cfg:2: problem.data.d: 'd' is already the name of a constant"},
      {"data: { x = [ 1.0 ]; };", "'x' is already the name of a vector of coordinates"},
      {"data: { sin = [ 1.0 ]; };", "'sin' is the name of a function"},
      {"data: { c = true; };", "a value that is text, number or array of numbers is wanted, not true"},
  };
  Problem p;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    ck_petsc_fails(create(ConfigPath(VECTOR_HEAD "%s" VECTOR_EQUATION TAIL, cases[i][0]), &p), PETSC_ERR_USER_INPUT,
                   cases[i][1]);
#define LENGTH(length)                                                                                                 \
  "problem: { coordinates = [\"x[" length "]\"]; fields = [\"u\"]; constants: { d = 4.5; };" VECTOR_EQUATION TAIL
  ck_petsc_fails(create(LENGTH("d"), &p), PETSC_ERR_USER_INPUT, "a whole length from 1 to 1000000, not 4.5 as 'x[d]'");
  ck_petsc_fails(create(LENGTH("2000000"), &p), PETSC_ERR_USER_INPUT, "from 1 to 1000000, not 2000000");
  ck_petsc_fails(create(LENGTH("k"), &p), PETSC_ERR_USER_INPUT, "unknown symbol 'k'");
  ck_petsc_fails(create(LENGTH("2] + y[2"), &p), PETSC_ERR_USER_INPUT, "is written x[5]");
}
END_TEST

START_TEST(blocks_keep_names_weights_and_places)
{
  Problem p;
  ck_petsc(create(HEAD
                  "transform: { u = \"1 + x*net\"; };\n"
                  "equations = ( { name = \"one\"; residual = \"u_x\"; }, { residual = \"v_y\"; weight = 5.0; } );\n"
                  "conditions = ( { on = \"x = 0\"; residual = \"u - v\"; } );" TAIL,
                  &p));
  ck_assert_int_eq(ProblemBlocks(p), 2);
  ck_assert_int_eq(ProblemBlock(p, 0)->n_term, 2);
  ck_assert_str_eq(ProblemBlock(p, 0)->terms[0].name, "one");
  ck_assert_str_eq(ProblemBlock(p, 0)->terms[1].name, "equation 2");
  ck_near(ProblemBlock(p, 0)->terms[1].weight, 5.0, 0, 0);
  ck_assert_str_eq(ProblemBlock(p, 1)->terms[0].name, "x = 0");
  ck_assert_str_eq(ProblemBlock(p, 1)->on, "x = 0");
  ck_assert_int_eq(ProblemExact(p, 0), -1);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

#define EQUATION "equations = ( { residual = \"u_x + v_y\"; } );"

START_TEST(mistakes_are_told)
{
  Problem p;
  ck_petsc_fails(create(HEAD "exact: { w = \"1\"; };" EQUATION TAIL, &p), PETSC_ERR_USER_INPUT, "'w' is not a field");
  ck_petsc_fails(create(HEAD "transform: { u = \"x\"; };" EQUATION TAIL, &p), PETSC_ERR_USER_INPUT, "`net`");
  ck_petsc_fails(create(HEAD "exact: { u = \"v\"; };" EQUATION TAIL, &p), PETSC_ERR_USER_INPUT, "exact solution");
  ck_petsc_fails(create(HEAD "equations = ( { residual = \"x\"; } );" TAIL, &p), PETSC_ERR_USER_INPUT, "no field");
  ck_petsc_fails(create(HEAD "equations = ();" TAIL, &p), PETSC_ERR_USER_INPUT, "equation");
  ck_petsc_fails(create(HEAD "equations = ( { residual = \"u_x - f\"; manufactured = \"f\"; } );" TAIL, &p),
                 PETSC_ERR_USER_INPUT, "problem.exact.u");
  ck_petsc_fails(create(HEAD "exact: { u = \"x\"; v = \"y\"; };\n"
                             "equations = ( { residual = \"u_x - f^2\"; manufactured = \"f\"; } );" TAIL,
                        &p),
                 PETSC_ERR_USER_INPUT, "linearly");
  ck_petsc_fails(create(HEAD "exact: { u = \"x\"; v = \"y\"; };\n"
                             "equations = ( { residual = \"u_x - x*f^2\"; manufactured = \"f\"; } );" TAIL,
                        &p),
                 PETSC_ERR_USER_INPUT, "linearly");
  ck_petsc_fails(create(HEAD "exact: { u = \"x\"; v = \"y\"; };\n"
                             "equations = ( { residual = \"u_x\"; manufactured = \"g\"; } );" TAIL,
                        &p),
                 PETSC_ERR_USER_INPUT,
                 "test.cfg:3: problem.equations[0].residual: the residual 'u_x' does not depend on 'g', the symbol");
  ck_petsc_fails(create(HEAD "equations = ( { residual = \"u_z\"; } );" TAIL, &p), PETSC_ERR_USER_INPUT, "test.cfg:2");
  ck_petsc_fails(create("problem: { coordinates = [\"x[0]\"]; fields = [\"u\"];" EQUATION TAIL, &p),
                 PETSC_ERR_USER_INPUT, "x[5]");
  ck_petsc_fails(create("problem: { coordinates = [\"x\"]; fields = [\"x\"];" EQUATION TAIL, &p), PETSC_ERR_USER_INPUT,
                 "x");
}
END_TEST

TEST_SUITE("problem", forcing_is_the_residual_of_the_exact_solution, data_is_listed_or_drawn,
           a_constant_is_the_dimension, mistakes_in_vectors_are_told, blocks_keep_names_weights_and_places,
           mistakes_are_told)
