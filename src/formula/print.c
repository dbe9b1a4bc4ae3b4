/* Nodes as infix text. Cut off where the text or the nesting gets too long, so that a graph that shares much cannot
   take long to print. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "formula_impl.h"

#define MAX_PRINT_DEPTH 40

typedef struct {
  Formula formula;
  char *text;
  size_t size, used;
  int depth;
  Formula outer; /* in the term of a loop: the formula that has its parts */
  const Loop *loop;
} Printer;

/* How tightly a piece of text holds together. */
typedef enum { BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_POWER, BIND_ATOM } Binding;

static void print_node(Printer *p, FormulaNode id, Binding outer);

static bool full(const Printer *p)
{
  return p->used + 1 >= p->size;
}

static void append(Printer *p, const char *text)
{
  if (full(p)) return;
  const size_t length = strlen(text), room = p->size - 1 - p->used;
  memcpy(p->text + p->used, text, PetscMin(length, room));
  p->used += PetscMin(length, room);
  p->text[p->used] = 0;
}

static void print_number(Printer *p, double value)
{
  char text[32];
  if (value == M_PI)
    append(p, "pi");
  else {
    for (int digits = 6; digits <= 17; digits++) {
      snprintf(text, sizeof(text), "%.*g", digits, value);
      if (strtod(text, NULL) == value) break;
    }
    append(p, text);
  }
}

static void print_call(Printer *p, const char *name, int n, const int args[])
{
  append(p, name);
  append(p, "(");
  for (int i = 0; i < n; i++) {
    if (i) append(p, ", ");
    print_node(p, args[i], BIND_COMPARE);
  }
  append(p, ")");
}

static void print_term(Printer *p, bool first, double coef, FormulaNode node)
{
  if (coef < 0)
    append(p, first ? "-" : " - ");
  else if (!first)
    append(p, " + ");
  if (fabs(coef) != 1) {
    print_number(p, fabs(coef));
    append(p, "*");
  }
  print_node(p, node, coef == 1 && p->formula->nodes[node].kind == NODE_DERIVATIVE ? BIND_SUM : BIND_PRODUCT);
}

/* Positive terms come first, the constant last, as a person would write them. */
static void print_sum(Printer *p, const Node *node)
{
  const SumTerm *terms = p->formula->terms + node->first;
  bool first = true;
  for (int sign = 1; sign >= -1; sign -= 2)
    for (int k = 0; k < node->n_term && !full(p); k++) {
      if ((terms[k].coef > 0) != (sign > 0)) continue;
      print_term(p, first, terms[k].coef, terms[k].node);
      first = false;
    }
  if (node->value == 0) return;
  append(p, node->value < 0 ? " - " : " + ");
  print_number(p, fabs(node->value));
}

/* d^index e as u_xx where e has a name, else as d(e, x, 2, y). */
static void print_derivative(Printer *p, const JetIndex *index, FormulaNode e)
{
  const Node *node = &p->formula->nodes[e];
  const bool named = node->kind == NODE_OUTPUT;
  bool braces = false;
  if (named) {
    for (int i = 0; i < index->order; i++) braces |= strlen(p->formula->names[index->coord[i]]) > 1;
    append(p, p->formula->output_names[node->arg[0]]);
    append(p, braces ? "_{" : "_");
    for (int i = 0; i < index->order; i++) {
      if (i && braces) append(p, ",");
      append(p, p->formula->names[index->coord[i]]);
    }
    append(p, braces ? "}" : "");
    return;
  }
  append(p, "d(");
  print_node(p, e, BIND_COMPARE);
  for (int i = 0, run; i < index->order; i += run) {
    char times[16];
    for (run = 1; i + run < index->order && index->coord[i + run] == index->coord[i];) run++;
    append(p, ", ");
    append(p, p->formula->names[index->coord[i]]);
    snprintf(times, sizeof(times), ", %d", run);
    if (run > 1) append(p, times);
  }
  append(p, ")");
}

static void print_operator(Printer *p, const Node *node)
{
  const JetOperator op = p->formula->operators[node->which];
  for (int k = 0; k < op.n && !full(p); k++) {
    const double c = fabs(op.coef[k]);
    if (k || op.coef[k] < 0) append(p, op.coef[k] < 0 ? (k ? " - " : "-") : " + ");
    if (c != 1) {
      print_number(p, c);
      append(p, "*");
    }
    if (op.factor && op.factor[k] >= 0) {
      print_node(p, op.factor[k], BIND_PRODUCT);
      append(p, "*");
    }
    print_derivative(p, &op.index[k], node->arg[0]);
  }
}

static void print_function(Printer *p, const Node *node)
{
  if (node->which != ELEMENTARY_POW)
    print_call(p, ElementaryTable[node->which].name, 1, node->arg);
  else if (node->value == 0.5)
    print_call(p, "sqrt", 1, node->arg);
  else if (node->value == -1) {
    append(p, "1/");
    print_node(p, node->arg[0], BIND_ATOM);
  } else {
    print_node(p, node->arg[0], BIND_ATOM);
    append(p, node->value < 0 ? "^(" : "^");
    print_number(p, node->value);
    append(p, node->value < 0 ? ")" : "");
  }
}

static void print_compare(Printer *p, const Node *node)
{
  static const char *const signs[] = {" < ", " <= ", " > ", " >= ", " == ", " != "};
  print_node(p, node->arg[0], BIND_SUM);
  append(p, signs[node->which]);
  print_node(p, node->arg[1], BIND_SUM);
}

static Binding binding(Formula formula, const Node *node)
{
  switch (node->kind) {
  case NODE_CONSTANT:
    return node->value < 0 ? BIND_SUM : BIND_ATOM;
  case NODE_SUM:
    return node->n_term == 1 && node->value == 0 && formula->terms[node->first].coef > 0 ? BIND_PRODUCT : BIND_SUM;
  case NODE_PRODUCT:
    return BIND_PRODUCT;
  case NODE_FUNCTION:
    if (node->which != ELEMENTARY_POW || node->value == 0.5) return BIND_ATOM;
    return node->value == -1 ? BIND_PRODUCT : BIND_POWER;
  case NODE_COMPARE:
    return BIND_COMPARE;
  case NODE_DERIVATIVE:
    return formula->operators[node->which].n > 1 ? BIND_SUM : BIND_ATOM;
  default:
    return BIND_ATOM;
  }
}

static void print_product(Printer *p, const Node *node)
{
  const Node *right = &p->formula->nodes[node->arg[1]];
  const bool quotient = right->kind == NODE_FUNCTION && right->which == ELEMENTARY_POW && right->value == -1;
  print_node(p, node->arg[0], BIND_PRODUCT);
  append(p, quotient ? "/" : "*");
  print_node(p, quotient ? right->arg[0] : node->arg[1], quotient ? BIND_POWER : BIND_PRODUCT);
}

/* [i], [i + 1], [2*i] of a vector whose first component has the number `begin` */
static void print_index(Printer *p, const char *name, int begin, LoopIndex at)
{
  char text[FORMULA_NAME_MAX + 64], step[24] = "", shift[24] = "";
  const int first = at.first - begin;
  if (at.step != 1) snprintf(step, sizeof(step), "%d*", at.step);
  if (first) snprintf(shift, sizeof(shift), " %c %d", first < 0 ? '-' : '+', abs(first));
  snprintf(text, sizeof(text), "%s[%si%s]", name, step, shift);
  append(p, text);
}

/* A slot or number of the loop that is being printed. */
static void print_part(Printer *p, const Node *leaf)
{
  const bool slot = leaf->kind == NODE_COORDINATE;
  const LoopIndex at = slot ? p->loop->slot[leaf->arg[0]] : p->loop->number[leaf->arg[0]].at;
  const int vector = p->loop->number[leaf->arg[0]].vector, coord = LoopAt(at, p->loop->first);
  if (!slot && vector < 0) {
    append(p, "i");
    return;
  }
  if (slot && !at.step) {
    append(p, p->outer->names[coord]);
    return;
  }
  for (int k = 0; k < p->outer->n_symbol; k++) {
    const Symbol *symbol = &p->outer->symbols[k];
    if (slot && symbol->kind == SYMBOL_VECTOR && coord >= symbol->first && coord < symbol->first + symbol->length)
      print_index(p, symbol->name, symbol->first, at);
    if (!slot && symbol->kind == SYMBOL_DATA && symbol->vector == vector) print_index(p, symbol->name, 0, at);
  }
}

static void print_loop(Printer *p, const Loop *loop)
{
  char range[48];
  snprintf(range, sizeof(range), "sum(i, %d, %d, ", loop->first, loop->last);
  append(p, range);
  p->outer = p->formula;
  p->formula = p->outer->body;
  p->loop = loop;
  print_node(p, loop->term, BIND_COMPARE);
  p->formula = p->outer;
  p->loop = NULL;
  append(p, ")");
}

static void print_bare(Printer *p, const Node *node)
{
  if (p->loop && (node->kind == NODE_COORDINATE || node->kind == NODE_NORMAL)) {
    print_part(p, node);
    return;
  }
  switch (node->kind) {
  case NODE_CONSTANT:
    print_number(p, node->value);
    break;
  case NODE_NORMAL:
    append(p, strlen(p->formula->names[node->arg[0]]) > 1 ? "n_{" : "n_");
    append(p, p->formula->names[node->arg[0]]);
    append(p, strlen(p->formula->names[node->arg[0]]) > 1 ? "}" : "");
    break;
  case NODE_COORDINATE:
    append(p, p->formula->names[node->arg[0]]);
    break;
  case NODE_OUTPUT:
    append(p, p->formula->output_names[node->arg[0]]);
    break;
  case NODE_SUM:
    print_sum(p, node);
    break;
  case NODE_PRODUCT:
    print_product(p, node);
    break;
  case NODE_FUNCTION:
    print_function(p, node);
    break;
  case NODE_COMPARE:
    print_compare(p, node);
    break;
  case NODE_IF:
    print_call(p, "if", 3, node->arg);
    break;
  case NODE_DERIVATIVE:
    print_operator(p, node);
    break;
  case NODE_LOOP:
    print_loop(p, &p->formula->loops[node->which]);
    break;
  }
}

static void print_node(Printer *p, FormulaNode id, Binding outer)
{
  const Node *node = &p->formula->nodes[id];
  const bool brackets = binding(p->formula, node) < outer;
  if (full(p)) return;
  if (p->depth >= MAX_PRINT_DEPTH) {
    append(p, "...");
    return;
  }
  p->depth++;
  append(p, brackets ? "(" : "");
  print_bare(p, node);
  append(p, brackets ? ")" : "");
  p->depth--;
}

static void print_whole(Formula formula, FormulaNode node, Binding outer, char *text, size_t size)
{
  Printer printer = {.formula = formula, .text = text, .size = size};
  if (!size) return;
  text[0] = 0;
  print_node(&printer, node, outer);
  if (full(&printer) && size > 4) memcpy(text + size - 4, "...", 4);
}

void FormulaPrint(Formula formula, FormulaNode node, char *text, size_t size)
{
  print_whole(formula, node, BIND_COMPARE, text, size);
}

void NodePrintFactor(Formula formula, FormulaNode node, char *text, size_t size)
{
  print_whole(formula, node, BIND_PRODUCT, text, size);
}
