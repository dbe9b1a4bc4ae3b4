/* Texts that are no formulas: whatever comes in, out comes a node that evaluates, or a user's error. Random formulas
   derive as their difference quotients do. */
#include "formula_fixture.h"

static void parse_quietly(Formula formula, const char *text)
{
  FormulaNode node;
  double value;
  const double x[] = {0.3, 0.4};
  PetscPushErrorHandler(TestSilentHandler, NULL);
  const PetscErrorCode failed = FormulaParse(formula, "fuzz", text, &node);
  PetscPopErrorHandler();
  ck_assert_msg(failed == 0 || failed == PETSC_ERR_USER_INPUT, "error %d for '%s'", failed, text);
  if (failed || strlen(text) > 400) return;
  char shown[200];
  FormulaPrint(formula, node, shown, sizeof(shown));
  EvaluateNodes(formula, 1, &node, 1, x, x, 1, &value);
}

static unsigned next_random(unsigned *state)
{
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

START_TEST(hostile_texts_are_errors)
{
  enum { N = 100000 };
  static const char *const repeated[] = {"(",   "-",  "sin(", "2^",  "x^", "((", "[",
                                         "if(", "v[", "x+(",  "u_{", "+",  "d(", "1<"};
  Formula formula = FixtureFormula("x t", "u");
  char *text;
  ck_petsc(PetscMalloc1(5 * N, &text));
  for (size_t k = 0; k < sizeof(repeated) / sizeof(repeated[0]); k++) {
    const size_t length = strlen(repeated[k]);
    for (size_t i = 0; i < N; i++) memcpy(text + i * length, repeated[k], length);
    snprintf(text + N * length, 8, "x");
    parse_quietly(formula, text);
    text[N * length] = 0;
    parse_quietly(formula, text);
  }
  for (size_t i = 0; i < N; i++) memcpy(text + 2 * i, "x+", 2);
  snprintf(text + 2 * N, 8, "u");
  parse_quietly(formula, text);
  for (size_t i = 0; i < N / 100; i++) memcpy(text + 2 * i, "x*", 2);
  snprintf(text + N / 50, 8, "u");
  parse_quietly(formula, text);
  ck_petsc_fails(FormulaParse(formula, "test", memset(text, '(', N), &(FormulaNode){0}), PETSC_ERR_USER_INPUT,
                 "nested more than 200 levels deep");
  ck_petsc(PetscFree(text));
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(random_bytes_never_crash)
{
  unsigned state = 7;
  char text[64];
  Formula formula = FixtureFormula("x t", "u");
  for (int trial = 0; trial < 20000; trial++) {
    const unsigned length = next_random(&state) % (sizeof(text) - 1);
    for (unsigned i = 0; i < length; i++) text[i] = (char)(1 + next_random(&state) % 255);
    text[length] = 0;
    parse_quietly(formula, text);
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

START_TEST(mutated_formulas_never_crash)
{
  static const char *const seeds[] = {"u_t + u*u_x - nu*u_xx",
                                      "sum(i, 0, 3, sin(i*x)^i)",
                                      "div(exp(x*t)*u_x)",
                                      "if(x < t, u_{xx}, d(u, x, 2, t))",
                                      "biharmonic(u*x) + laplacian(sin(u), x, t)",
                                      "dot(n, grad(u))/(1 + norm2((x, t))) + dn(u^2)",
                                      "max(x, 2*t)^(-1.5)/atan2(x, t)"};
  static const char alphabet[] = "xtun_()+-*/^,0123456789.e<>=[]{} ";
  unsigned state = 11;
  char text[128];
  Formula formula = FixtureFormula("x t", "u");
  for (int trial = 0; trial < 30000; trial++) {
    snprintf(text, sizeof(text), "%s", seeds[next_random(&state) % (sizeof(seeds) / sizeof(seeds[0]))]);
    const size_t length = strlen(text);
    for (unsigned k = next_random(&state) % 3 + 1; k > 0; k--)
      text[next_random(&state) % length] = alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
    parse_quietly(formula, text);
  }
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

static const char *const pieces[] = {"u", "v", "x", "y", "2", "0.3", "nu"};
static const char *const unary[] = {"sin(%s)",  "exp(0.3*%s)",       "(%s)^2",        "(%s)^3",
                                    "tanh(%s)", "1/(2.5 + sin(%s))", "d(%s, x)",      "d(%s, y)",
                                    "-(%s)",    "atan(%s)",          "laplacian(%s)", "sqrt(4 + (%s)^2)"};
static const char *const binary[] = {"(%s + %s)", "(%s - %s)", "(%s)*(%s)", "if(%s < %s, u, v*x)", "max(%s, %s)"};

static void random_expression(unsigned *state, int depth, char *text, size_t size)
{
  char a[400], b[400];
  if (depth == 0) {
    snprintf(text, size, "%s", pieces[next_random(state) % 7]);
    return;
  }
  random_expression(state, depth - 1, a, sizeof(a));
  random_expression(state, depth - 1, b, sizeof(b));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  if (next_random(state) % 2)
    snprintf(text, size, unary[next_random(state) % 12], a);
  else
    snprintf(text, size, binary[next_random(state) % 5], a, b);
#pragma GCC diagnostic pop
}

/* d/dx of a random expression against the difference quotient of the expression itself. */
START_TEST(random_expressions_derive_rightly)
{
  unsigned state = 3;
  int compared = 0;
  Formula formula = FixtureFormula("x y", "u v");
  for (int trial = 0; trial < 1500; trial++) {
    char text[500], derived[520];
    FormulaNode node;
    random_expression(&state, 4, text, sizeof(text));
    snprintf(derived, sizeof(derived), "d(%s, y)", text);
    PetscPushErrorHandler(TestSilentHandler, NULL);
    const PetscErrorCode failed = FormulaParse(formula, "test", derived, &node);
    PetscPopErrorHandler();
    if (failed) continue; /* order above 16 */
    const double h = 1e-4, y[] = {0.31, -0.42}, steps[] = {-2, -1, 1, 2}, weights[] = {1, -8, 8, -1};
    double quotient = 0, values[4];
    for (int k = 0; k < 4; k++) {
      const double moved[] = {y[0], y[1] + steps[k] * h};
      values[k] = EvaluateText(formula, text, moved, NULL, 2);
      quotient += weights[k] * values[k] / (12 * h);
    }
    const double value = EvaluateText(formula, derived, y, NULL, 2);
    if (!isfinite(value) || fabs(values[3] - values[0]) > 10) continue;
    ck_assert_msg(fabs(value - quotient) <= 1e-6 * (1 + fabs(value) + fabs(values[0])), "d(%s, y) = %.12g, not %.12g",
                  text, value, quotient);
    compared++;
  }
  ck_assert_int_gt(compared, 900);
  ck_petsc(FormulaDestroy(&formula));
}
END_TEST

TEST_SUITE("formula fuzz", hostile_texts_are_errors, random_bytes_never_crash, mutated_formulas_never_crash,
           random_expressions_derive_rightly)
