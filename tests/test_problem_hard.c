/* Hard conditions: fields that have their values on faces whatever the network does, and their mistakes. */
#include <string.h>
#include "formula_fixture.h"
#include "pinn/problem.h"

#define EQUATION "equations = ( { residual = \"u_xx\"; } );\n"

static PetscErrorCode create(const char *text, Problem *problem)
{
  Config config;
  PetscFunctionBegin;
  PetscCall(ConfigLoadText("test.cfg", text, 0, NULL, &config));
  PetscCall(ProblemCreate(config, problem));
  PetscCall(ConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A field and what it is without the network, at n points. */
static void fields_at(Problem p, int field, int n, const double x[], double values[])
{
  const FormulaNode node = ProblemField(p, field);
  EvaluateNodes(ProblemFormula(p), 1, &node, n, x, NULL, ProblemFields(p), values);
}

START_TEST(an_initial_value_and_walls_of_a_box)
{
  Problem p;
  ck_petsc(
      create("problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"v\"]; constants: { a = -1.0; };\n" EQUATION
             "conditions = ( { on = \"t = 0\"; residual = \"3*u - 3*sin(pi*x)\"; hard = true; },\n"
             "  { name = \"walls\"; on = \"x = a | x.upper\"; residual = \"t*x - u\"; hard = true; },\n"
             "  { on = \"x.upper\"; residual = \"v - 2\"; hard = true; } ); };\n"
             "domain: { lower = [ -1.0, 0.0 ]; upper = [ 2.0, 3.0 ]; };",
             &p));
  const double x[7][2] = {{-1, 0.3}, {-1, 2.9}, {2, 0.7}, {2, 3}, {0.3, 0}, {1.9, 0}, {-1, 0}};
  double u[7], v[7];
  fields_at(p, 0, 7, x[0], u);
  fields_at(p, 1, 7, x[0], v);
  for (int i = 0; i < 4; i++) ck_near(u[i], x[i][0] * x[i][1], 0, 1e-14);
  for (int i = 4; i < 7; i++) ck_near(u[i], sin(M_PI * x[i][0]), 0, 1e-14); /* the last is where they meet */
  ck_assert(v[2] == 2 && v[3] == 2 && v[0] != 2);
  /* inside: the blend of inverse distances, and the product of distances times the network */
  const double at[2] = {0.5, 1.5}, first = 0.5, second = 0.5 * 0.5;
  double inside;
  fields_at(p, 0, 1, at, &inside);
  const double G = (sin(M_PI * 0.5) * second + 0.75 * first) / (first + second);
  ck_near(inside, G + first * second * Wave(0, at, 2, ""), 1e-13, 0);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

START_TEST(a_ball_in_time)
{
  Problem p;
  ck_petsc(
      create("problem: { coordinates = [\"t\", \"x\", \"y\"]; fields = [\"u\"]; exact: { u = \"t + x*y\"; };\n" EQUATION
             "transform: { u = \"net^2\"; };\n"
             "conditions = ( { on = \"walls\"; residual = \"u - exact_u\"; hard = true; },\n"
             "  { on = \"t = 1\"; residual = \"u - exact_u\"; hard = true; } ); };\n"
             "domain: { type = \"ball\"; center = [ 1.0, 2.0 ]; radius = 2.0; time = [ 1.0, 5.0 ]; };",
             &p));
  const double x[4][3] = {{1, 0.5, 2.5}, {1, 1, 2}, {3, 1 + 2 * 0.6, 2 + 2 * 0.8}, {4, 1, 1}};
  double u[4];
  fields_at(p, 0, 4, x[0], u);
  for (int i = 0; i < 3; i++) ck_near(u[i], x[i][0] + x[i][1] * x[i][2], 0, 1e-13);
  const double net = Wave(0, x[3], 3, ""); /* the values are one formula: no blend of it */
  ck_near(u[3], 4 + 1 + 0.75 * (4 - 1) / 4 * net * net, 1e-13, 0);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

START_TEST(all_walls_of_a_box)
{
  Problem p;
  ck_petsc(create("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n" EQUATION
                  "conditions = ( { on = \"boundary\"; residual = \"u - x*y\"; hard = true; } ); };\n"
                  "domain: { lower = 0.0; upper = [ 1.0, 4.0 ]; };",
                  &p));
  const double x[6][2] = {{0, 1}, {1, 3}, {0.2, 0}, {0.7, 4}, {1, 4}, {0.25, 2}};
  double u[6];
  fields_at(p, 0, 6, x[0], u);
  for (int i = 0; i < 5; i++) ck_near(u[i], x[i][0] * x[i][1], 0, 1e-14);
  ck_near(u[5], 0.5 + 0.25 * 0.75 * 0.25 * Wave(0, x[5], 2, ""), 1e-13, 0);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

/* A distance enters once, and a residual that is 0 for u = 0 prescribes 0 also where its factor vanishes. */
START_TEST(a_face_named_twice_counts_once)
{
  Problem p;
  ck_petsc(create("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n" EQUATION
                  "conditions = ( { on = \"boundary | x = 0 | x.lower\"; residual = \"sin(x)*u\"; hard = true; } ); };"
                  "\ndomain: { lower = 0.0; upper = [ 1.0, 4.0 ]; };",
                  &p));
  const double x[2][2] = {{0, 1}, {0.25, 2}};
  double u[2];
  fields_at(p, 0, 2, x[0], u);
  ck_assert(u[0] == 0.0);
  ck_near(u[1], 0.25 * 0.75 * 0.25 * Wave(0, x[1], 2, ""), 1e-13, 0);
  ck_petsc(ProblemDestroy(&p));
}
END_TEST

START_TEST(mistakes)
{
  static const struct {
    const char *conditions, *text;
  } cases[] = {
      {"{ name = \"start\"; on = \"t = 0\"; residual = \"u - 1\"; hard = true; },\n"
       "{ on = \"x = 1\"; residual = \"u - t\"; hard = true; }",
       "test.cfg:4: problem.conditions[1].residual: the hard conditions 'start' and 'x = 1' contradict each other "
       "where "
       "they meet: u is 1 by the one and 0 by the other at x = 1, t = 0"},
      {"{ name = \"one\"; on = \"x = 0\"; residual = \"u - t\"; hard = true; },\n"
       "{ name = \"other\"; on = \"x.lower\"; residual = \"u - 2*t\"; hard = true; }",
       "the hard conditions 'one' and 'other' contradict each other"},
      {"{ on = \"x = 0\"; residual = \"u_x - 1\"; hard = true; }", "without derivatives or the normal, not 'u_x - 1'"},
      {"{ on = \"x = 0\"; residual = \"u + u_x\"; hard = true; }", "without derivatives or the normal, not 'u + u_x'"},
      {"{ on = \"x = 0\"; residual = \"u^2 - 1\"; hard = true; }", "as u - g does, without derivatives"},
      {"{ on = \"x = 0\"; residual = \"u - v\"; hard = true; }",
       "test.cfg:3: problem.conditions[0].residual: a hard condition gives the values of one field, as u - g does, not "
       "'u - v'"},
      {"{ on = \"x = 0.5\"; residual = \"u\"; hard = true; }",
       "test.cfg:3: problem.conditions[0].on: a hard condition holds on faces of the domain, x = 0 or 1, not on 'x = "
       "0.5'"},
      {"{ on = \"x = 0 & t = 0\"; residual = \"u\"; hard = true; }", "holds on whole faces, not on 'x = 0 & t = 0'"},
      {"{ on = \"wall\"; residual = \"u\"; hard = true; }",
       "(\"x = 0\", \"x.lower\", \"walls\", a shape's name), not on 'wall'"},
      {"{ on = \"x = 0\"; residual = \"u*v - 1\"; hard = true; }", "values of one field, as u - g does"},
      {"{ on = \"x = 0\"; residual = \"abs(u)\"; hard = true; }", "values of one field, as u - g does"},
      {"{ on = \"x = 0\"; residual = \"max(u, -5) - t\"; hard = true; }", "values of one field, as u - g does"},
      {"{ on = \"x = 0\"; residual = \"u - t\"; hard = true; },\n"
       "{ on = \"t = 1 | x.lower\"; residual = \"u - t\"; hard = true; }",
       "test.cfg:4: problem.conditions[1].on: a face has the values of a field from one hard condition, that of "
       "problem.conditions[0] has them already"},
      {"{ periodic = \"x\"; hard = true; }", "problem.conditions[0].hard: does not go with `periodic`"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    Problem p;
    char text[1024];
    snprintf(text, sizeof(text),
             "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\", \"v\"];\n" EQUATION "conditions = ( %s ); };\n"
             "domain: { };",
             cases[i].conditions);
    ck_petsc_fails(create(text, &p), PETSC_ERR_USER_INPUT, cases[i].text);
  }
  Problem p;
  ck_petsc_fails(create("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n" EQUATION
                        "conditions = ( { on = \"x = 0\"; residual = \"u\"; hard = true; } ); };\n"
                        "domain: { }; network: { periodic = [ \"y\", \"x\" ]; };",
                        &p),
                 PETSC_ERR_USER_INPUT, "'x' is periodic by network.periodic, it has no faces for a hard condition");
  ck_petsc_fails(create("problem: { coordinates = [\"x\", \"y\"]; fields = [\"u\"];\n" EQUATION
                        "conditions = ( { on = \"x = 0\"; residual = \"u\"; hard = true; } ); };\n"
                        "domain: { type = \"polygon\"; vertices = [ 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 ]; };",
                        &p),
                 PETSC_ERR_USER_INPUT, "called by name with domain.type = \"polygon\"");
}
END_TEST

TEST_SUITE("problem_hard", an_initial_value_and_walls_of_a_box, a_ball_in_time, all_walls_of_a_box,
           a_face_named_twice_counts_once, mistakes)
