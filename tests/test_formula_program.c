/* Programs over a network of waves, whose derivatives are closed forms: values, columns, statics, sweeps, explanations.
   */
#include "formula_fixture.h"

#define W(output, digits) Wave(output, x, n_coord, digits)

static void check_columns(const char *coordinates, const char *outputs, const char *text, const char *columns)
{
  Formula formula = FixtureFormula(coordinates, outputs);
  const FormulaNode node = ParseText(formula, text);
  char described[512];
  Program program;
  ck_petsc(ProgramCreate(formula, 1, &node, NULL, &program));
  ProgramDescribe(program, described, sizeof(described));
  ck_assert_msg(!strcmp(described, columns), "%s carries %s, not %s", text, described, columns);
  ck_petsc(ProgramDestroy(&program));
  ck_petsc(FormulaDestroy(&formula));
}

START_TEST(columns_collapse)
{
  check_columns("x t", "u", "u_t + u*u_x - nu*u_xx", "1, x, t-0.25 xx");
  check_columns("x t", "u", "u_t + u*u_x + 0.25*u_xxx", "1, x, xx, t+0.25 xxx");
  check_columns("x t", "u", "u_t - u_xx", "1, x, t-xx");
  check_columns("x y z", "u", "laplacian(u) + sin(u)", "1, x, y, z, xx+yy+zz");
  check_columns("x y z", "u", "exp(u)*div(3*grad(u))", "1, x, y, z, xx+yy+zz");
  check_columns("x y", "u", "biharmonic(u)", "1, x, y, xx, xy, yy, xxx, xxy, xyy, yyy, xxxx+2 xxyy+yyyy");
  check_columns("x y", "u", "laplacian(exp(x)*u)", "1, x, y, xx+yy");
  check_columns("x y", "u", "u + 1", "1");
  check_columns("x y", "u", "x + 1", "1");
  check_columns("x y", "u", "u_x", "1, x");
  check_columns("x y", "u", "d((1 - x^2)*u, x, 2)", "1, x, xx");
}
END_TEST

START_TEST(columns_split_where_that_is_no_more)
{
  check_columns("x y", "u", "u_xx*u_yy - u_xy^2 + laplacian(u)", "1, x, y, xx, xy, yy");
  check_columns("x y", "u", "u_x + u_xx", "1, x, xx");
  check_columns("x y", "u", "(u_xx + u_yy)*(u_xx - u_yy)", "1, x, y, xx, yy");
  check_columns("x y z", "u", "(u_xx + u_yy)*(u_xx - u_zz)", "1, x, y, z, xx+yy, xx-zz");
  check_columns("x y", "u", "u_xx*(u_xx + u_yy)", "1, x, y, xx, yy");
  check_columns("x y t", "u v p",
                "(u_t + u*u_x + v*u_y + p_x - nu*laplacian(u))*(v_t - nu*laplacian(v))*(u_x + v_y)*p_y",
                "1, x, y, t-0.25 xx-0.25 yy");
}
END_TEST

START_TEST(equations_have_their_values)
{
  enum { n_coord = 3 };
  const double x[] = {0.3, -0.4, 0.7}, nu = 0.25;
  Formula formula = FixtureFormula("x y t", "u v p");
  const double u = W(0, ""), v = W(1, "");
  const struct {
    const char *text;
    double value;
  } cases[] = {
      {"u_t + u*u_x - nu*u_xx", W(0, "2") + u * W(0, "0") - nu * W(0, "00")},
      {"u_t + 6*u*u_x + u_xxx", W(0, "2") + 6 * u * W(0, "0") + W(0, "000")},
      {"biharmonic(v)", W(1, "0000") + 2 * W(1, "0011") + W(1, "1111")},
      {"u_tt - laplacian(u) + u^3", W(0, "22") - W(0, "00") - W(0, "11") + u * u * u},
      {"u_t + u*u_x + v*u_y + p_x - nu*laplacian(u)",
       W(0, "2") + u * W(0, "0") + v * W(0, "1") + W(2, "0") - nu * (W(0, "00") + W(0, "11"))},
      {"div(u, v)", W(0, "0") + W(1, "1")},
      {"norm2(grad(u))", W(0, "0") * W(0, "0") + W(0, "1") * W(0, "1")},
      {"d(u*v, x, 2)", W(0, "00") * v + 2 * W(0, "0") * W(1, "0") + u * W(1, "00")},
      {"div(u*grad(v))", u * (W(1, "00") + W(1, "11")) + W(0, "0") * W(1, "0") + W(0, "1") * W(1, "1")},
      {"div(exp(x)*y*grad(u))", exp(x[0]) * (x[1] * (W(0, "00") + W(0, "11")) + x[1] * W(0, "0") + W(0, "1"))},
      {"d(sin(u), y)", cos(u) * W(0, "1")},
      {"laplacian(sin(u))",
       cos(u) * (W(0, "00") + W(0, "11")) - sin(u) * (W(0, "0") * W(0, "0") + W(0, "1") * W(0, "1"))},
      {"x*(1 - x)*u_xx", x[0] * (1 - x[0]) * W(0, "00")},
      {"laplacian(x*(1 - x)*u)",
       -2 * u + 2 * (1 - 2 * x[0]) * W(0, "0") + x[0] * (1 - x[0]) * (W(0, "00") + W(0, "11"))},
      {"u_xxxxxxxx - u_xxxxyyyy", W(0, "00000000") - W(0, "00001111")},
      {"max(u, v) + 2*min(u, v)", fmax(u, v) + 2 * fmin(u, v)},
      {"u_xx + u_yy + (u_xx - u_yy)^2", W(0, "00") + W(0, "11") + pow(W(0, "00") - W(0, "11"), 2)},
      {"3", 3},
      {"u_x/v + p^(-2)", W(0, "0") / v + pow(W(2, ""), -2)},
  };
  FormulaNode roots[32];
  double values[32];
  const int n = (int)(sizeof(cases) / sizeof(cases[0]));
  for (int i = 0; i < n; i++) {
    roots[i] = ParseText(formula, cases[i].text);
    const double value = EvaluateText(formula, cases[i].text, x, NULL, 3);
    ck_assert_msg(fabs(value - cases[i].value) <= 1e-13 * (1 + fabs(cases[i].value)), "%s = %.17g, not %.17g",
                  cases[i].text, value, cases[i].value);
  }
  EvaluateNodes(formula, n, roots, 1, x, NULL, 3, values); /* all in one program, with another plan */
  for (int i = 0; i < n; i++) ck_near(values[i], cases[i].value, 1e-13, 1e-13);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(laplacian_of_a_transform_in_five_dimensions)
{
  enum { n_coord = 5 };
  const double x[] = {0.1, -0.2, 0.3, 0.15, -0.25};
  double r2 = 0, laplacian = 0, x_grad = 0;
  Formula formula = FixtureFormula("x[5]", "net");
  ck_petsc(FormulaDefine(formula, "test", "u", ParseText(formula, "sin(x[0]) + (1 - norm2(x))*net")));
  for (int i = 0; i < 5; i++) {
    const char digits[] = {(char)('0' + i), (char)('0' + i), 0};
    r2 += x[i] * x[i];
    laplacian += W(0, digits);
    x_grad += x[i] * W(0, digits + 1);
  }
  ck_near(EvaluateText(formula, "laplacian(u)", x, NULL, 1),
          -sin(x[0]) + (1 - r2) * laplacian - 4 * x_grad - 10 * W(0, ""), 1e-14, 0);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

/* A set of equations with everything in it: statics, transforms, functions, splits, branches, several outputs. */
static const char *const system_texts[] = {
    "u_t + u*u_x + v*u_y + p_x - nu*laplacian(u) - exp(-t)*sin(x)",
    "v_t + u*v_x + v*v_y + p_y - nu*laplacian(v)",
    "div(u, v)",
    "laplacian(x*(1 - y)*sin(u)*v) + u_xxx",
    "if(u > v, u*u_xx, exp(v)*p_y) + max(p, 0.2)*abs(u)",
    "div(exp(u)*grad(p)) + tanh(p_xx - p_yy) + (p_xx + p_yy)^2",
    "n_x*u_x + n_y*u_y + x*y + 2",
    "sin(x*y)^2 + y",
};
enum { SYSTEM = 8, POINTS = 23, OUTPUTS = 3 };

typedef struct {
  Formula formula;
  Program program;
  ProgramWork work;
  size_t n_net;
  double x[POINTS * 3], normal[POINTS * 3], *net, *net_dot, *net_bar, roots[SYSTEM * POINTS];
} System;

static void create_system(System *s)
{
  FormulaNode nodes[SYSTEM];
  s->formula = FixtureFormula("x y t", "u v p");
  for (int i = 0; i < SYSTEM; i++) nodes[i] = ParseText(s->formula, system_texts[i]);
  ck_petsc(ProgramCreate(s->formula, SYSTEM, nodes, NULL, &s->program));
  ck_petsc(ProgramWorkCreate(s->program, 40, &s->work));
  for (int i = 0; i < 3 * POINTS; i++) s->x[i] = sin(1.7 * i + 0.3), s->normal[i] = cos(2.9 * i);
  s->n_net = (size_t)JetPlanColumns(ProgramPlan(s->program)) * POINTS * OUTPUTS;
  ck_petsc(PetscMalloc3(s->n_net, &s->net, s->n_net, &s->net_dot, s->n_net, &s->net_bar));
  WaveNetwork(ProgramPlan(s->program), 3, POINTS, s->x, OUTPUTS, s->net);
  for (size_t i = 0; i < s->n_net; i++) s->net_dot[i] = sin(0.7 * (double)i + 0.2);
  ProgramEvaluate(s->program, s->work, POINTS, s->x, s->normal, NULL, 0, s->net, OUTPUTS, s->roots);
}

static void destroy_system(System *s)
{
  ck_petsc(PetscFree3(s->net, s->net_dot, s->net_bar));
  ck_petsc(ProgramWorkDestroy(&s->work));
  ck_petsc(ProgramDestroy(&s->program));
  ck_petsc(FormulaDestroy(&s->formula));
}

START_TEST(statics_change_nothing)
{
  enum { STRIDE = 31 };
  System s;
  double *statics, roots[SYSTEM * POINTS];
  create_system(&s);
  const int n = ProgramStatics(s.program);
  ck_assert_int_gt(n, 0);
  ck_petsc(PetscMalloc1(n * STRIDE, &statics));
  ProgramEvaluateStatics(s.program, s.work, POINTS, s.x, s.normal, statics, STRIDE);
  ProgramEvaluate(s.program, s.work, POINTS, s.x, s.normal, statics, STRIDE, s.net, OUTPUTS, roots);
  for (int i = 0; i < SYSTEM * POINTS; i++) ck_assert(roots[i] == s.roots[i]);
  for (int p = 0; p < POINTS; p++) { /* one point at a time, from the middle of the statics */
    double one[SYSTEM], net[OUTPUTS * 100];
    for (int c = 0; c < JetPlanColumns(ProgramPlan(s.program)); c++)
      memcpy(net + c * OUTPUTS, s.net + ((size_t)c * POINTS + (size_t)p) * OUTPUTS, OUTPUTS * sizeof(double));
    ProgramEvaluate(s.program, s.work, 1, s.x + 3 * p, s.normal + 3 * p, statics + p, STRIDE, net, OUTPUTS, one);
    for (int e = 0; e < SYSTEM; e++) ck_near(one[e], s.roots[e * POINTS + p], 1e-14, 1e-14);
  }
  ck_petsc(PetscFree(statics));
  destroy_system(&s);
}
END_TEST

START_TEST(tangent_is_the_difference_quotient)
{
  System s;
  double tangent[SYSTEM * POINTS], plus[SYSTEM * POINTS], minus[SYSTEM * POINTS];
  const double h = 1e-6;
  create_system(&s);
  ProgramTangent(s.program, s.work, s.net_dot, tangent);
  for (size_t i = 0; i < s.n_net; i++) s.net[i] += h * s.net_dot[i];
  ProgramEvaluate(s.program, s.work, POINTS, s.x, s.normal, NULL, 0, s.net, OUTPUTS, plus);
  for (size_t i = 0; i < s.n_net; i++) s.net[i] -= 2 * h * s.net_dot[i];
  ProgramEvaluate(s.program, s.work, POINTS, s.x, s.normal, NULL, 0, s.net, OUTPUTS, minus);
  for (int i = 0; i < SYSTEM * POINTS; i++) ck_near(tangent[i], (plus[i] - minus[i]) / (2 * h), 1e-7, 1e-7);
  for (int p = 0; p < POINTS; p++) ck_assert(tangent[7 * POINTS + p] == 0);
  destroy_system(&s);
}
END_TEST

START_TEST(reverse_is_the_transpose_of_tangent)
{
  System s;
  double tangent[SYSTEM * POINTS], root_bar[SYSTEM * POINTS];
  create_system(&s);
  ProgramTangent(s.program, s.work, s.net_dot, tangent);
  for (int e = 0; e <= SYSTEM; e++) { /* one root at a time, then all */
    double left = 0, right = 0, size = 0;
    for (int i = 0; i < SYSTEM * POINTS; i++)
      root_bar[i] = e == SYSTEM || i / POINTS == e ? cos(1.3 * i) : 0, left += root_bar[i] * tangent[i];
    for (size_t i = 0; i < s.n_net; i++) s.net_bar[i] = NAN;
    ProgramReverse(s.program, s.work, root_bar, s.net_bar);
    for (size_t i = 0; i < s.n_net; i++) {
      right += s.net_bar[i] * s.net_dot[i];
      size += fabs(s.net_bar[i] * s.net_dot[i]);
    }
    ck_near(left, right, 0, 1e-14 * size);
    ck_assert(e == 7 || size > 0);
  }
  destroy_system(&s);
}
END_TEST

/* The branch not taken is infinite; neither value nor adjoint may show it. */
START_TEST(adjoint_of_a_branch_not_taken_is_zero)
{
  const double x[] = {1, 2}, net[] = {-1, 4}, bar[] = {1, 1};
  double root[2], net_bar[2], dot[2];
  Formula formula = FixtureFormula("x", "u");
  const FormulaNode node =
      ParseText(formula, "if(u > 0, sqrt(u), 3*u)*x + if(u > 0, 1/log(1/u), 1)*log(2*u - 2*u + 1)");
  Program program;
  ProgramWork work;
  ck_petsc(ProgramCreate(formula, 1, &node, NULL, &program));
  ck_petsc(ProgramWorkCreate(program, 2, &work));
  ProgramEvaluate(program, work, 2, x, NULL, NULL, 0, net, 1, root);
  ProgramReverse(program, work, bar, net_bar);
  ProgramTangent(program, work, bar, dot);
  ck_near(root[0], -3, 1e-15, 0);
  ck_near(root[1], 4, 1e-15, 0);
  ck_near(net_bar[0], 3, 1e-15, 0);
  ck_near(net_bar[1], 0.5, 1e-15, 0);
  ck_near(dot[0], 3, 1e-15, 0);
  ck_near(dot[1], 0.5, 1e-15, 0);
  ck_petsc(ProgramWorkDestroy(&work));
  ck_petsc(ProgramDestroy(&program));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(linear_problems_are_recognized)
{
  static const struct {
    const char *text;
    bool linear;
  } cases[] = {
      {"laplacian(u) + 3", true},
      {"exp(x)*u_xx - sin(y)*u + cos(x*y)", true},
      {"if(x > y, u, 2*u_x)", true},
      {"laplacian((1 - x^2)*u + exp(y))", true},
      {"div(exp(x)*grad(u))", true},
      {"sin(x)", true},
      {"u*u_x", false},
      {"sin(u)", false},
      {"u^2", false},
      {"if(u > 0, 1, 0)", false},
      {"abs(u)", false},
      {"max(u, 0)", false},
      {"u/v", false},
      {"u/x + v", true},
      {"laplacian(u*v)", false},
      {"n_x*u_x + n_y*v_y", true},
  };
  Formula formula = FixtureFormula("x y", "u v");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const FormulaNode node = ParseText(formula, cases[i].text);
    Program program;
    ck_petsc(ProgramCreate(formula, 1, &node, NULL, &program));
    ck_assert_msg(ProgramIsLinear(program) == cases[i].linear, "%s", cases[i].text);
    ck_assert(ProgramUsesNetwork(program) == FormulaUsesNetwork(formula, node));
    ck_assert(FormulaUsesNormal(formula, node) == (strstr(cases[i].text, "n_x") != NULL));
    ck_petsc(ProgramDestroy(&program));
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(explain_finds_where_it_began)
{
  static const struct {
    const char *text;
    double u; /* the network's value */
    const char *part;
  } cases[] = {
      {"1 + exp(x*log(u - 1))", 0.7, "log(u - 1), where its argument is -0.3"},
      {"u*(2 + 3/sin(x - 0.5))", 1, "1/sin(x - 0.5), where its argument is 0"},
      {"d(sqrt(u)*x, x)", 0, "a derivative of sqrt(u), where its argument is 0"},
      {"exp(800*u)*2 + 1", 1, "exp(800*u), where its argument is 800"},
      {"exp(700*u)*exp(600*u)", 1, "where its factors are"},
      {"sin(u) + x", NAN, "the network output u"},
      {"if(u > 0, sqrt(x - 3), 1/(u - u*x*2))", 1, "sqrt(x - 3), where its argument is -2.5"},
      {"log(sin(x*0) + u*0)", 1, NULL},
      {"exp(709*u) + exp(709.5*u)", 1, "whose terms are finite"},
      {"x*y*u", 1, "coordinate y"},
  };
  const double x[] = {0.2, 0.3, 0.5, NAN};
  Formula formula = FixtureFormula("x y", "u");
  char text[256];
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    PetscErrorCode failed;
    FormulaNode node;
    Program program;
    ProgramWork work;
    double roots[2], net[64];
    PetscPushErrorHandler(TestSilentHandler, NULL);
    failed = FormulaParse(formula, "test", cases[i].text, &node);
    PetscPopErrorHandler();
    ck_assert_int_eq(failed != 0, cases[i].part == NULL); /* log(0) is found when it is read */
    if (failed) continue;
    ck_petsc(ProgramCreate(formula, 1, &node, NULL, &program));
    ck_petsc(ProgramWorkCreate(program, 2, &work));
    for (int k = 0; k < 64; k++)
      net[k] = k % 2 && k < 2 * JetPlanColumns(ProgramPlan(program)) ? (k == 1 ? cases[i].u : 1) : 2;
    ProgramEvaluate(program, work, 2, x, NULL, NULL, 0, net, 1, roots);
    ck_assert_msg(ProgramExplain(program, work, 0, 1, text, sizeof(text)), "%s is %g", cases[i].text, roots[1]);
    ck_assert_msg(strstr(text, cases[i].part) != NULL, "%s: '%s' does not contain '%s'", cases[i].text, text,
                  cases[i].part);
    ck_petsc(ProgramWorkDestroy(&work));
    ck_petsc(ProgramDestroy(&program));
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(explain_is_silent_about_finite_values)
{
  System s;
  char text[64] = "";
  create_system(&s);
  for (int e = 0; e < SYSTEM; e++) ck_assert(!ProgramExplain(s.program, s.work, e, 5, text, sizeof(text)));
  ck_assert_str_eq(text, "");
  ck_assert_uint_gt(ProgramWorkBytes(s.program, 40),
                    40 * sizeof(double) * (size_t)JetPlanColumns(ProgramPlan(s.program)));
  ck_assert_int_eq(ProgramRoots(s.program), SYSTEM);
  destroy_system(&s);
}
END_TEST

TEST_SUITE("formula program", columns_collapse, columns_split_where_that_is_no_more, equations_have_their_values,
           laplacian_of_a_transform_in_five_dimensions, statics_change_nothing, tangent_is_the_difference_quotient,
           reverse_is_the_transpose_of_tangent, adjoint_of_a_branch_not_taken_is_zero, linear_problems_are_recognized,
           explain_finds_where_it_began, explain_is_silent_about_finite_values)
