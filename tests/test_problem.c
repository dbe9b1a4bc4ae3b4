/* The problem group: what becomes of fields, transforms, definitions and manufactured forcings, and its mistakes. */
#include "harness.h"
#include "pinn/problem.h"

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

TEST_SUITE("problem", forcing_is_the_residual_of_the_exact_solution, blocks_keep_names_weights_and_places,
           mistakes_are_told)
