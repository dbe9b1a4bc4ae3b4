/* Calls that derive, and the vector algebra around them. */
#include <math.h>
#include <string.h>
#include "parser_impl.h"

/* Appends the coordinates that a value stands for. */
static PetscErrorCode take_coordinates(Parser *parser, const Call *call, int arg, int capacity, int coords[], int *n)
{
  const Value *value = &call->args[arg];
  const FormulaNode *items = value->items ? value->items : &value->node;

  PetscFunctionBegin;
  for (int i = 0; i < (value->items ? value->n : 1); i++) {
    const Node *node = &parser->formula->nodes[items[i]];
    ParserCheck(parser, node->kind == NODE_COORDINATE, value->at, "argument %d of %s must be a coordinate", arg + 1,
                call->name);
    ParserCheck(parser, *n < capacity, value->at, "%s names a coordinate twice", call->name);
    coords[(*n)++] = node->arg[0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coordinates of grad, laplacian ...: those named after the first argument, or all of space; memory of the parser.
   */
static PetscErrorCode space_of_call(Parser *parser, const Call *call, int *n, int **coords)
{
  const Formula formula = parser->formula;
  Value room;

  PetscFunctionBegin;
  PetscCall(ParserVector(parser, formula->n_coord, &room));
  *coords = room.items;
  *n = 0;
  for (int i = 1; i < call->n; i++) PetscCall(take_coordinates(parser, call, i, formula->n_coord, *coords, n));
  if (call->n == 1) {
    *n = formula->n_space;
    PetscCall(PetscArraycpy(*coords, formula->space, *n));
  }
  ParserCheck(parser, *n > 0, call->at, "%s has no space coordinates to act on", call->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode intern_laplacian(Parser *parser, const Call *call, int *op)
{
  int n, *coords;
  JetOperator laplacian = {0};

  PetscFunctionBegin;
  PetscCall(space_of_call(parser, call, &n, &coords));
  PetscCall(PetscSortInt(n, coords));
  for (int i = 1; i < n; i++)
    ParserCheck(parser, coords[i] != coords[i - 1], call->at, "%s names a coordinate twice", call->name);
  PetscCall(PetscMalloc2(n, &laplacian.index, n, &laplacian.coef));
  laplacian.n = n;
  for (int i = 0; i < n; i++) {
    laplacian.index[i] = (JetIndex){2, {coords[i], coords[i]}};
    laplacian.coef[i] = 1;
  }
  PetscCall(OperatorIntern(parser->formula, &laplacian, op));
  PetscCall(PetscFree2(laplacian.index, laplacian.coef));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* laplacian(e), biharmonic(e) */
PetscErrorCode BuildCall_Laplacian(Parser *parser, const Call *call, Value *value)
{
  const int times = !strcmp(call->name, "biharmonic") ? 2 : 1;
  int op;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &value->node));
  PetscCall(intern_laplacian(parser, call, &op));
  for (int i = 0; i < times; i++) PetscCall(ParserApply(parser, call->at, op, value->node, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuildCall_Grad(Parser *parser, const Call *call, Value *value)
{
  FormulaNode e;
  int n, *coords;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &e));
  PetscCall(space_of_call(parser, call, &n, &coords));
  PetscCall(ParserVector(parser, n, value));
  for (int i = 0; i < n; i++) PetscCall(ParserDerive(parser, call->at, 1, &coords[i], e, &value->items[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* value = sum of n nodes, or of products of pairs where b is given */
static PetscErrorCode sum_of(Parser *parser, int n, const FormulaNode a[], const FormulaNode b[], Value *value)
{
  SumTerm *terms;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &terms));
  for (int i = 0; i < n; i++) {
    terms[i] = (SumTerm){a[i], 1};
    if (b) PetscCall(NodeProduct(parser->formula, a[i], b[i], &terms[i].node));
  }
  PetscCall(NodeSum(parser->formula, 0, n, terms, &value->node));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* div(v) of a vector, or div(a, b, ...) of its components */
PetscErrorCode BuildCall_Div(Parser *parser, const Call *call, Value *value)
{
  const Formula formula = parser->formula;
  const bool vector = call->n == 1 && call->args[0].items;
  const int n = vector ? call->args[0].n : call->n;
  FormulaNode *terms;

  PetscFunctionBegin;
  ParserCheck(parser, n == formula->n_space, call->at, "div of %d components in %d space coordinates", n,
              formula->n_space);
  PetscCall(PetscMalloc1(n, &terms));
  for (int i = 0; i < n; i++) {
    if (vector)
      terms[i] = call->args[0].items[i];
    else
      PetscCall(ParserScalar(parser, &call->args[i], &terms[i]));
    PetscCall(ParserDerive(parser, call->at, 1, &formula->space[i], terms[i], &terms[i]));
  }
  PetscCall(sum_of(parser, n, terms, NULL, value));
  PetscCall(PetscFree(terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dot(a, b), norm2(a) = dot(a, a) */
PetscErrorCode BuildCall_Dot(Parser *parser, const Call *call, Value *value)
{
  const Value *a = &call->args[0], *b = &call->args[call->n - 1];

  PetscFunctionBegin;
  for (int i = 0; i < call->n; i++)
    ParserCheck(parser, call->args[i].items, call->args[i].at, "argument %d of %s must be a vector", i + 1, call->name);
  ParserCheck(parser, a->n == b->n, call->at, "dot of vectors of %d and %d components", a->n, b->n);
  PetscCall(sum_of(parser, a->n, a->items, b->items, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BuildCall_Dn(Parser *parser, const Call *call, Value *value)
{
  Formula formula = parser->formula;
  const int n = formula->n_space;
  FormulaNode *normal, *slope, e;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &e));
  PetscCall(PetscMalloc2(n, &normal, n, &slope));
  for (int i = 0; i < n; i++) {
    PetscCall(FormulaNormal(formula, formula->space[i], &normal[i]));
    PetscCall(ParserDerive(parser, call->at, 1, &formula->space[i], e, &slope[i]));
  }
  PetscCall(sum_of(parser, n, normal, slope, value));
  PetscCall(PetscFree2(normal, slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d(e, x), d(e, x, 4), d(e, x, 2, y): coordinates, each with an optional number of times */
PetscErrorCode BuildCall_D(Parser *parser, const Call *call, Value *value)
{
  int coords[KERNEL_MAX_ORDER + 1], n = 0;
  FormulaNode e;
  double times;

  PetscFunctionBegin;
  PetscCall(ParserScalar(parser, &call->args[0], &e));
  for (int i = 1; i < call->n; i++) {
    const Value *arg = &call->args[i];
    ParserCheck(parser, !arg->items, arg->at, "argument %d of d must be a coordinate", i + 1);
    ParserCheck(parser, n < KERNEL_MAX_ORDER, arg->at, "a derivative of order above %d", KERNEL_MAX_ORDER);
    PetscCall(take_coordinates(parser, call, i, KERNEL_MAX_ORDER + 1, coords, &n));
    if (i + 1 == call->n || call->args[i + 1].items) continue;
    if (!NodeIsConstant(parser->formula, call->args[i + 1].node, &times)) continue;
    ParserCheck(parser, times >= 1 && times == floor(times), call->args[i + 1].at,
                "a coordinate is derived by a whole number of times, not %lg", times);
    ParserCheck(parser, n - 1 + times <= KERNEL_MAX_ORDER, call->args[i + 1].at, "a derivative of order above %d",
                KERNEL_MAX_ORDER);
    for (int k = 1; k < (int)times; k++, n++) coords[n] = coords[n - 1];
    i++;
  }
  PetscCall(ParserDerive(parser, call->at, n, coords, e, &value->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}
