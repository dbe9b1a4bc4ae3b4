/* Formula text: parsed, printed, derived, compiled, and evaluated forwards, in reverse and along a tangent. */
#include "../../src/formula/formula_impl.h"
#include "fuzz.h"

enum { N_COORD = 5, N_OUTPUT = 2, N = 2, MOST_NUMBERS = 100000, MOST_TERMS = 200 };

static Formula create_formula(void)
{
  static const double c[] = {0.5, -1.0, 2.0, 0.25};
  Formula formula;
  FuzzMust(FormulaCreate(&formula));
  formula->most_terms = MOST_TERMS;
  FuzzMust(FormulaAddCoordinate(formula, "fuzz", "x", 0));
  FuzzMust(FormulaAddCoordinate(formula, "fuzz", "t", 0));
  FuzzMust(FormulaAddCoordinate(formula, "fuzz", "v", 3));
  FuzzMust(FormulaAddConstant(formula, "fuzz", "nu", 0.25));
  FuzzMust(FormulaAddData(formula, "fuzz", "c", 4, c));
  FuzzMust(FormulaAddOutput(formula, "fuzz", "u", 0));
  FuzzMust(FormulaAddOutput(formula, "fuzz", "w", 1));
  return formula;
}

static void sweep(Program program, ProgramWork work)
{
  const double x[N * N_COORD] = {0.3, 0.4, -0.1, 0.7, 0.2, -0.6, 0.9, 0.5, -0.8, 0.1};
  const double normal[N * N_COORD] = {0.6, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0};
  const size_t n_net = (size_t)JetPlanColumns(ProgramPlan(program)) * N * N_OUTPUT;
  double *net, *bar, roots[N], dots[N];
  char text[256];
  if (n_net > MOST_NUMBERS) return;
  FuzzMust(PetscMalloc2(n_net, &net, n_net, &bar));
  for (size_t k = 0; k < n_net; k++) net[k] = 0.1 * (double)(k % 7) - 0.25;
  ProgramEvaluate(program, work, N, x, normal, NULL, 0, net, N_OUTPUT, roots);
  (void)ProgramExplain(program, work, 0, 0, text, sizeof(text));
  ProgramReverse(program, work, roots, bar);
  ProgramTangent(program, work, net, dots);
  FuzzMust(PetscFree2(net, bar));
}

static void use(Formula formula, FormulaNode node)
{
  char text[256];
  int order;
  Program program;
  ProgramWork work;
  FormulaPrint(formula, node, text, sizeof(text));
  (void)FormulaUsesNormal(formula, node);
  FuzzMust(FormulaOrder(formula, node, 0, 0, &order));
  if (!FuzzPassed(ProgramCreate(formula, 1, &node, NULL, &program))) return;
  ProgramDescribe(program, text, sizeof(text));
  FuzzMust(ProgramWorkCreate(program, N, &work));
  sweep(program, work);
  FuzzMust(ProgramWorkDestroy(&work));
  FuzzMust(ProgramDestroy(&program));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Formula formula = create_formula();
  char *text = FuzzText(data, size), *derived = malloc(size + 16);
  FormulaNode node;
  double value;
  if (FuzzPassed(FormulaParse(formula, "fuzz", text, &node))) {
    use(formula, node);
    sprintf(derived, "d(%s, x)", text);
    if (FuzzPassed(FormulaParse(formula, "fuzz", derived, &node))) use(formula, node);
  }
  (void)FuzzPassed(FormulaParseConstant(formula, "fuzz", text, &value));
  free(text);
  free(derived);
  FuzzMust(FormulaDestroy(&formula));
  FuzzNothingLeft();
  return 0;
}
