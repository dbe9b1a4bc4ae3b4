/* The expression graph: hash-consed nodes, interned derivative operators and coordinate sets. */
#pragma once
#include <stdint.h>
#include "pinn/formula.h"

#define FORMULA_NAME_MAX 64 /* characters of an identifier, with the final 0 */

/* Room for one more entry of a growing array. */
#define FormulaGrow(array, count, capacity)                                                                            \
  do {                                                                                                                 \
    if ((count) >= (capacity)) {                                                                                       \
      (capacity) = 2 * (capacity) + 16;                                                                                \
      PetscCall(PetscRealloc(sizeof(*(array)) * (size_t)(capacity), &(array)));                                        \
    }                                                                                                                  \
  } while (0)

/* Ids filed under 64-bit hashes; the owner of the ids compares. Ids of equal hash come out in no order. */
typedef struct {
  uint64_t *hash;
  int *id; /* -1 = free */
  size_t size, used;
} HashIndex;

typedef struct {
  uint64_t hash;
  size_t step;
} HashCursor;

HashCursor HashStart(uint64_t hash);
int HashNext(const HashIndex *index, HashCursor *cursor); /* -1 after the last */
PetscErrorCode HashInsert(HashIndex *index, uint64_t hash, int id);
PetscErrorCode HashDestroy(HashIndex *index);
uint64_t HashBytes(uint64_t seed, size_t n, const void *bytes); /* n a multiple of 4 */

/* Map from pairs of ints to an int. */
typedef struct {
  int n, capacity;
  int (*entry)[3];
  HashIndex index;
} PairMap;

int PairMapFind(const PairMap *map, int a, int b); /* -1 where absent */
PetscErrorCode PairMapInsert(PairMap *map, int a, int b, int value);
PetscErrorCode PairMapDestroy(PairMap *map);

typedef enum {
  NODE_CONSTANT,   /* value */
  NODE_COORDINATE, /* arg[0] = coordinate */
  NODE_NORMAL,     /* arg[0] = coordinate; held fixed by derivatives */
  NODE_OUTPUT,     /* arg[0] = component of the network */
  NODE_SUM,        /* value + sum coef node over terms[first .. first + n_term), sorted by node */
  NODE_PRODUCT,    /* arg[0] <= arg[1], neither a constant nor a multiple */
  NODE_FUNCTION,   /* which = Elementary, value = its parameter */
  NODE_COMPARE,    /* which = Relation; 1, 0 or NaN; derivatives are zero */
  NODE_IF,         /* arg[0] != 0 ? arg[1] : arg[2] */
  NODE_DERIVATIVE, /* operator `which`, leading coefficient 1, applied to arg[0]; factors: nodes without network */
  NODE_LOOP        /* the sum Formula.loops[which] */
} NodeKind;

typedef enum { RELATION_LT, RELATION_LE, RELATION_GT, RELATION_GE, RELATION_EQ, RELATION_NE } Relation;

/* Functions of one variable that have a power series, the rows of `ElementaryTable` (elementary.c). */
typedef enum {
  ELEMENTARY_SIN,
  ELEMENTARY_COS,
  ELEMENTARY_TAN,
  ELEMENTARY_ASIN,
  ELEMENTARY_ACOS,
  ELEMENTARY_ATAN,
  ELEMENTARY_SINH,
  ELEMENTARY_COSH,
  ELEMENTARY_TANH,
  ELEMENTARY_EXP,
  ELEMENTARY_LOG,
  ELEMENTARY_ABS,
  ELEMENTARY_ERF,
  ELEMENTARY_SIGMOID,
  ELEMENTARY_SOFTPLUS,
  ELEMENTARY_POW
} Elementary;

typedef struct {
  const char *name;
  KernelSeries series;
} ElementaryRow;

extern const ElementaryRow ElementaryTable[];

typedef struct {
  FormulaNode node;
  double coef;
} SumTerm;

typedef struct {
  NodeKind kind;
  int arg[3];
  int which;
  int first, n_term;
  double value;
  int support;                  /* coordinate set on which the value depends smoothly */
  int order;                    /* of the highest derivative that evaluating it takes of anything */
  bool network, normal, affine; /* affine in the network outputs and their derivatives */
  bool loop;                    /* has a NODE_LOOP in it */
} Node;

/* Ascending set of coordinates; all = every coordinate (whatever depends on the network). Without a list: n of them
   from `first` on. */
typedef struct {
  bool all;
  int n, first;
  int *coord;
} Support;

static inline int SupportCoordinate(const Support *support, int i)
{
  return support->coord ? support->coord[i] : support->first + i;
}

#define LOOP_LEAST     1000    /* sums of more terms are loops where they can be */
#define SUM_MOST_TERMS 2000000 /* that the sums of a text may have, written out */
#define LOOP_MAX_PARTS 8       /* coordinates, and numbers, of a term */

/* first + step i: a coordinate, or a place in a vector of numbers. */
typedef struct {
  int first, step;
} LoopIndex;

/* A number of a vector (Formula.vectors), or where that is -1 the index itself. */
typedef struct {
  int vector;
  LoopIndex at;
} LoopNumber;

/* sum_{i = first}^{last} of `term`, a node of Formula.body. There coordinate s stands for coordinate slot[s] of the
   formula, and component k of the normal, which no derivative touches, for number[k]. No two slots are the same
   coordinate at any i. Unused entries are zero. */
typedef struct {
  FormulaNode term;
  int first, last;
  int n_slot, n_number;
  LoopIndex slot[LOOP_MAX_PARTS];
  LoopNumber number[LOOP_MAX_PARTS];
} Loop;

static inline int LoopAt(LoopIndex at, int i)
{
  return at.first + at.step * i;
}

enum { SUPPORT_NONE, SUPPORT_ALL };

typedef enum { SYMBOL_COORDINATE, SYMBOL_VECTOR, SYMBOL_DATA, SYMBOL_NODE } SymbolKind;

typedef struct {
  char name[FORMULA_NAME_MAX];
  SymbolKind kind;
  int first, length; /* coordinates first .. first + length of COORDINATE and VECTOR; length of DATA */
  FormulaNode node;
  int vector; /* of DATA */
} Symbol;

typedef struct {
  FormulaNode node, normal; /* normal: -1 until it is asked for */
} Coordinate;

struct Formula_s {
  int n_node, node_capacity;
  Node *nodes;
  int n_term, term_capacity;
  SumTerm *terms;
  HashIndex node_index;
  int n_operator, operator_capacity;
  JetOperator *operators; /* 0 is the identity */
  HashIndex operator_index;
  int n_support, support_capacity;
  Support *supports;
  int n_coord, coord_capacity;
  Coordinate *coords;
  int name_capacity;
  char **names; /* [n_coord] "x", "x[3]" */
  int n_space, space_capacity;
  int *space; /* coordinates but `t` */
  int n_symbol, symbol_capacity;
  Symbol *symbols;
  int n_vector, vector_capacity;
  double **vectors; /* the numbers of data; they stay when the symbol goes */
  int n_loop, loop_capacity;
  Loop *loops;
  struct Formula_s *body; /* has the terms of the loops; NULL without */
  int loop_least;         /* longer sums become loops where they can */
  int most_terms;         /* of all sums of a text, written out */
  int n_output;
  char (*output_names)[FORMULA_NAME_MAX]; /* the name a component was last given */
  char place[256];                        /* "case.cfg:3: column 5: ", begins errors of the constructors */
};

/* hash-consing and coordinate sets (graph.c) */
PetscErrorCode NodeIntern(Formula formula, Node node, const SumTerm terms[], FormulaNode *id);
PetscErrorCode SupportUnion(Formula formula, int a, int b, int *sum);
bool SupportContains(const Support *support, int coord);
/* An ascending list, taken over, or a range. */
PetscErrorCode SupportAdd(Formula formula, int n, int *coord, int *id);
PetscErrorCode SupportAddRange(Formula formula, int first, int n, int *id);

/* interned operators (operators.c). Ids are equal where operators are. */
PetscErrorCode OperatorIntern(Formula formula, const JetOperator *op, int *id);
/* The same of op = factor * (leading coefficient 1); op, n >= 1, is taken over. */
PetscErrorCode OperatorInternLeading(Formula formula, JetOperator *op, int *id, double *factor);
PetscErrorCode OperatorInternIndex(Formula formula, const JetIndex *index, double coef, int *id);
/* The terms that only touch coordinates of `support`; -1 where none is left. */
PetscErrorCode OperatorRestrict(Formula formula, int op, int support, int *restricted);
/* Does it derive by a coordinate of the support? */
bool OperatorTouches(Formula formula, int op, int support);
PetscErrorCode OperatorCompose(Formula formula, int a, int b, int *product);
/* op = factor * scaled: leading coefficient 1 (graph), or as a jet column carries it, 1/a! for a single term (column).
   */
PetscErrorCode OperatorScaleLeading(Formula formula, int op, int *scaled, double *factor);
PetscErrorCode OperatorScaleColumn(Formula formula, int op, int *scaled, double *factor);

/* Constructors (algebra.c, derivative.c): each simplifies and returns an existing node where there is one. */
PetscErrorCode NodeConstant(Formula formula, double value, FormulaNode *node);
PetscErrorCode NodeOutput(Formula formula, int output, FormulaNode *node);
PetscErrorCode NodeSum(Formula formula, double constant, int n, const SumTerm terms[], FormulaNode *node);
PetscErrorCode NodeScale(Formula formula, double factor, FormulaNode a, FormulaNode *node);
PetscErrorCode NodeAdd(Formula formula, double alpha, FormulaNode a, double beta, FormulaNode b, FormulaNode *node);
PetscErrorCode NodeProduct(Formula formula, FormulaNode a, FormulaNode b, FormulaNode *node);
PetscErrorCode NodePower(Formula formula, FormulaNode base, FormulaNode exponent, FormulaNode *node);
PetscErrorCode NodeFunction(Formula formula, Elementary function, double parameter, FormulaNode a, FormulaNode *node);
PetscErrorCode NodeCompare(Formula formula, Relation relation, FormulaNode a, FormulaNode b, FormulaNode *node);
PetscErrorCode NodeIf(Formula formula, FormulaNode condition, FormulaNode a, FormulaNode b, FormulaNode *node);
/* Operator applied to a. Errors: PETSC_ERR_USER_INPUT above KERNEL_MAX_ORDER, without place (FormulaDeriveOrder tells
   beforehand). */
PetscErrorCode NodeDerive(Formula formula, int op, FormulaNode a, FormulaNode *node);
/* The order that evaluating NodeDerive(op, a) would take. */
PetscErrorCode NodeDeriveOrder(Formula formula, int op, FormulaNode a, int *order);

/* The node as text, bracketed where it is a sum. */
void NodePrintFactor(Formula formula, FormulaNode node, char *text, size_t size);

bool NodeIsConstant(Formula formula, FormulaNode node, double *value);
double RelationValue(Relation relation, double a, double b);
KernelSeries ElementarySeries(Elementary function, double parameter);
double ElementaryValue(Elementary function, double parameter, double x);

/* Sums as loops (loop.c): written out where they are short or empty.
     NodeCopy       the same expression in another formula (or the same): leaves are what `map` makes of them, and
                    loops, too, where they are not written out
     NodeLoopTerm   the term of one index
     NodeWriteLoops no loop is left. Errors: PETSC_ERR_USER_INPUT for long ones, told by FormulaPlace
     NodeLowerLoops no loop is left under a derivative */
typedef PetscErrorCode (*LeafMap)(void *context, const Node *leaf, FormulaNode *node);
PetscErrorCode NodeCopy(Formula from, FormulaNode node, Formula to, LeafMap map, void *context, FormulaNode *copy);
PetscErrorCode NodeLoop(Formula formula, const Loop *loop, FormulaNode *node);
PetscErrorCode NodeLoopTerm(Formula formula, const Loop *loop, int i, FormulaNode *node);
PetscErrorCode NodeWriteLoops(Formula formula, FormulaNode node, FormulaNode *written);
PetscErrorCode NodeLowerLoops(Formula formula, FormulaNode node, FormulaNode *lowered);
PetscErrorCode NodeValue(Formula formula, FormulaNode node, double *value); /* of one that depends on nothing */
PetscErrorCode LoopBody(Formula formula, Formula *body);                    /* made when first asked for */
PetscErrorCode LoopSupport(Formula formula, const Loop *loop, int *support);
/* The i >= first, <= last at which `at` is `value`; false where there is none or all are. */
bool LoopSolve(LoopIndex at, int value, int first, int last, int *i);
/* Puts a slot or a number among the parts of the loop, if it is not there: its place, -1 where there is no room. */
int LoopAddSlot(Loop *loop, LoopIndex slot);
int LoopAddNumber(Loop *loop, LoopNumber number);
/* A term whose parts have other places: [LOOP_MAX_PARTS] each. */
typedef struct {
  int slot[LOOP_MAX_PARTS], number[LOOP_MAX_PARTS];
} LoopMove;
PetscErrorCode LoopMoveTerm(Formula body, FormulaNode term, const LoopMove *move, FormulaNode *moved);
/* Do two slots meet at some i? It may be any that they do. */
bool LoopMeets(const Loop *loop, int *i);

/* A derivative of a node without network that has loops in it (loop_derive.c); op is restricted to its support. */
PetscErrorCode NodeDeriveLoops(Formula formula, int op, FormulaNode a, FormulaNode *node);
/* coef * node = the derivative of a by one coordinate: no node is made for the factor, nor, where a has loops, an
   operator for the derivative (loop_slope.c). */
PetscErrorCode NodeSlope(Formula formula, int coord, FormulaNode a, double *coef, FormulaNode *node);
PetscErrorCode NodeDeriveBy(Formula formula, int coord, FormulaNode a, FormulaNode *node); /* in one node */
/* u dv + v du */
PetscErrorCode NodeLeibniz(Formula formula, FormulaNode u, FormulaNode du, FormulaNode v, FormulaNode dv,
                           FormulaNode *node);
/* f'(a) (order 1) or f''(a) (order 2) as an expression (slope.c). */
PetscErrorCode NodeFunctionSlope(Formula formula, int order, Elementary function, double parameter, FormulaNode a,
                                 FormulaNode *node);

/* symbols (symbols.c): NULL where unknown; the name need not end in 0 */
const Symbol *FormulaFindSymbol(Formula formula, size_t length, const char *name);
PetscErrorCode FormulaNormal(Formula formula, int coord, FormulaNode *node);

/* Splits "xxt" into coordinates: the whole piece is one name, or names follow each other, longest first. Returns the
   number of characters understood, which is `length` where all were.
     coords  [out]  [KERNEL_MAX_ORDER + 1]; counting stops there */
size_t SubscriptSplit(Formula formula, size_t length, const char *piece, int coords[], int *n);
