/* Programs: which columns every node carries (demand.c), the steps that compute them (program.c), and the sweeps over
   the steps (evaluate.c, sweep.c, explain.c). */
#pragma once
#include "formula_impl.h"

/* Where a number of a point comes from. */
typedef enum {
  AREA_ONE,    /* the constant 1 */
  AREA_X,      /* coordinate `index` */
  AREA_NORMAL, /* component `index` of the normal */
  AREA_STATIC, /* row `index` of the statics */
  AREA_VALUE   /* column `index` of the values of this tape */
} Area;

typedef struct {
  Area area;
  int index;
  double coef;
} Entry;

/* Column c = sum of entry[start[c] .. start[c + 1]): an operand as a step wants it, made from what the nodes carry. */
typedef struct {
  int n_column;
  int *start;
  Entry *entry;
  bool varies; /* has entries of AREA_VALUE: in the dynamic tape, depends on the network */
  bool direct; /* equals consecutive columns of one area and is read in place */
  int copy;    /* otherwise first column of its gathered copy in the auxiliary array */
} Combination;

/* coef * left * right; where one is the number 1, it is right. */
typedef struct {
  double coef;
  const Entry *left, *right; /* of the operands */
} ProductTerm;

typedef enum { STEP_LOAD, STEP_COMBINE, STEP_PRODUCT, STEP_FUNCTION, STEP_COMPARE, STEP_SELECT, STEP_LOOP } StepKind;

typedef struct {
  StepKind kind;
  FormulaNode node;
  int n_column;
  int value; /* first column of the result */
  int slope; /* FUNCTION in the dynamic tape: first auxiliary column of f'(u) */
  int n_arg;
  Combination arg[3];
  const KernelTables *tables; /* PRODUCT, FUNCTION: borrowed from a plan of the program */
  KernelSeries series;
  double parameter;
  Relation relation;
  int output;    /* LOAD: component of the network */
  int *column;   /* LOAD: [n_draw][n_column] columns of the network's plan, and */
  double *scale; /* what they are multiplied by */
  int loop;      /* LOOP: of the program; a column each of its sums */
  /* in programs of the terms of loops (sparse.c); NULL where operands are copied */
  int *term_start; /* PRODUCT: [n_column + 1] into terms */
  ProductTerm *terms;
  double *powers; /* FUNCTION of a coordinate: [order + 1][n_column] numbers h^k */
} Step;

/* Sums of the same parts and range, whose terms are evaluated together. */
typedef struct {
  Loop loop; /* `term` is void */
  int n, capacity;
  FormulaNode *nodes; /* [n] the sums */
  Program program;    /* of the terms */
} ProgramLoop;

/* Steps in an order in which operands come first. */
typedef struct {
  int n, capacity;
  Step *steps;
  int n_value, n_aux; /* columns */
  int most_columns;   /* of a step */
  bool selects;
  Combination results;
} Tape;

/* The static tape computes the rows of the statics, the dynamic tape the roots. */
enum { TAPE_STATIC, TAPE_DYNAMIC, N_TAPES };

typedef struct {
  int n;
  JetOperator *ops; /* in coordinates numbered 0, 1, ... by the plan's own */
  uint64_t hash;
  JetPlan plan;
} CachedPlan;

struct Program_s {
  Formula formula; /* borrowed */
  int n_coord, n_root;
  bool network, linear;
  JetPlan plan; /* of the network outputs, in the groups' coordinates; its factors are nodes, and the first statics */
  int n_group, n_draw;
  JetGroup *groups;
  const char *reducer_name; /* NULL where operators are exact */
  int n_cached, cached_capacity;
  CachedPlan *cached; /* of the nonlinear nodes; equal up to names of coordinates are one */
  Tape tapes[N_TAPES];
  /* of slots whose factors are drawn: rows of the statics from slot_row on (slots.c) */
  int slot_row, n_slot_factor;
  Combination sources;  /* the factors of all terms, of a group from slot_group[group] on */
  int *slot_group;      /* [n_group] */
  int *chosen;          /* [n_slot_factor] among the sources */
  bool *needed, *drawn; /* [steps of the static tape] by the other statics (NULL: all), and by the chosen */
  int *owner;           /* [values of the static tape] step */
  int n_loop, loop_capacity;
  ProgramLoop *loops;
};

/* A program under construction. Operators are ids of the formula, scaled as jet columns. */
typedef struct {
  int op, next;
} Demand;

typedef struct {
  int n;
  int *ops;  /* [n] operator of each column */
  int plan;  /* index into Program.cached; -1 of nodes that are linear in their operands */
  int value; /* first value column of the node, once its step exists */
} Layout;

typedef struct {
  int dst;
  Entry entry;
} PlacedEntry;

typedef struct {
  Formula formula;
  Program program;
  int n_node;
  int *first_demand, *last_demand; /* [n_node] into demands, -1 = none */
  int n_demand, demand_capacity;
  Demand *demands;
  PairMap demanded; /* (node, operator) */
  Layout *layouts;  /* [n_node] */
  PairMap columns;  /* (node, operator) -> column of its layout */
  int n_row, row_capacity;
  int (*rows)[2]; /* (node, operator) of the statics */
  PairMap row_of;
  int n_entry, entry_capacity;
  PlacedEntry *entries; /* of the combination being built */
  int n_refused, refused_capacity;
  int *refused; /* operators with factors that the network does not carry as a column */
  const JetReducer *reducer;
  PairMap reduced; /* (draw, operator) -> the same in the coordinates of the network's plan, where they differ */
} Builder;

/* The columns that the network would carry for the roots (very many where the reducer insists on groups and there are
   none), and the operators with factors that would not be one of them.
     refused  [out]  [*n_refused] PetscFree */
PetscErrorCode ProgramCountColumns(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                                   int *columns, int *n_refused, int **refused);
/* What slots.c has of program.c: adds to column `dst` of the combination being built coef times an operator of a node,
   or 1; and makes the combination of n columns. */
PetscErrorCode BuilderResolve(Builder *b, int tape, int dst, FormulaNode id, int op, double coef);
PetscErrorCode BuilderEmitOne(Builder *b, int dst);
PetscErrorCode BuilderCombine(Builder *b, int n, Combination *c);
/* Factors of slots, after all steps and results are there (slots.c). */
PetscErrorCode BuilderAddSlots(Builder *b);
PetscErrorCode ProgramDestroySlots(Program program);
/* PETSC_ERR_USER_INPUT where the roots are not linear in what is drawn (estimates.c). */
PetscErrorCode ProgramCheckEstimates(Program program);
/* Layouts of all nodes that the roots need and the plan of the network. */
PetscErrorCode BuilderDemand(Builder *b, const FormulaNode roots[]);
/* The column of the network's plan that carries an operator in a draw, times a factor; -1 where none does. */
int BuilderNetworkColumn(const Builder *b, int draw, int op, double *factor);
/* Replaces multi-term operators by their terms where that carries no more columns; sums over the coordinates of groups
   stay whole (collapse.c).
     ops  [in/out]  [*n] grows as needed, PetscFree; sorted as a plan sorts its columns, without repetition */
PetscErrorCode BuilderCollapse(Builder *b, int *n, int **ops);
/* The plan that carries `ops`, from the cache.
     columns  [out]  [JetPlanColumns] operators of its columns, PetscFree */
PetscErrorCode BuilderPlan(Builder *b, int n, const int ops[], int *plan, int **columns);
PetscErrorCode BuilderSortOperators(Builder *b, int *n, int ops[]);

/* For a long sum: which of `ops` can act on a term of given support. */
typedef struct {
  int n_op, n;
  struct OperatorPlace {
    int coord, op;
  } * places;
  int *mark, now;
} OperatorFilter;
PetscErrorCode OperatorFilterCreate(Builder *b, int n, const int ops[], OperatorFilter *filter);
/* list [out] [n_op] positions in ops */
void OperatorFilterList(Builder *b, OperatorFilter *filter, int support, int *n, int list[]);
PetscErrorCode OperatorFilterDestroy(OperatorFilter *filter);

/* What a thread evaluates the terms of a loop with. */
typedef struct {
  ProgramWork work;
  int batch;              /* terms evaluated at once */
  double *parts, *values; /* [2][LOOP_MAX_PARTS][LOOP_BATCH] of what does not lie in one piece, [n][LOOP_BATCH] */
} LoopWork;

#define LOOP_BATCH 128 /* terms evaluated at once */

/* The points of an evaluation and the arrays of one tape for them. */
typedef struct {
  int n;
  size_t ld; /* stride of columns */
  double *value, *aux;
  int n_coord;
  const double *x, *normal;
  const double *const *slots, *const *numbers; /* in loops instead of these: each by terms */
  const double *statics;
  size_t stride;
  Program program; /* of the static tape */
  LoopWork *loops;
} Frame;

struct ProgramWork_s {
  Program program;              /* borrowed */
  int max_point, static_points; /* points at once of the two tapes */
  Frame frames[N_TAPES];
  double *dual;    /* adjoints or tangents of the dynamic values */
  double *scratch; /* two operands */
  double *statics; /* where the caller keeps none */
  int n_output, draw;
};

/* Loops (loop_evaluate.c): steps for those that have layouts; work space; the sums, a column of `value` each. */
PetscErrorCode BuilderAddLoops(Builder *b);
PetscErrorCode ProgramLoopsDestroy(Program program);
PetscErrorCode LoopWorksCreate(Program program, LoopWork **works);
PetscErrorCode LoopWorksDestroy(Program program, LoopWork **works);
double LoopWorksBytes(Program program);
void LoopEvaluate(const ProgramLoop *loop, LoopWork *work, const Frame *frame, double *value);
/* The roots of a loop's program at n terms, of which each coordinate and each number comes as a vector [n]. */
void ProgramEvaluateTerms(Program program, ProgramWork work, int n, const double *const slots[],
                          const double *const numbers[], double roots[]);

/* First number and step from point to point of an entry. */
const double *EntrySource(const Entry *entry, const Frame *frame, const double *value, size_t *step);
/* Products and functions of the static tape whose operands need no copies where coordinates come as vectors
   (sparse.c): finding them, and evaluating a step that is one; false where it is none. */
#define SPARSE_MOST 8 /* terms that are summed at once */
PetscErrorCode ProgramFindSparse(Program program);
bool StepEvaluateSparse(const Step *step, const Frame *frame, double *value);

/* needed: [steps] of those that are evaluated, NULL = all. The dynamic tape also keeps f'(u) of its functions, for the
   sweeps. */
void TapeEvaluate(const Tape *tape, const bool needed[], bool dynamic, const Frame *frame, const double net[],
                  int n_output, int draw);
/* dst [n] = column c of a combination of the frame's arrays, with `value` in place of AREA_VALUE. Without `constants`
   only the entries of AREA_VALUE count. */
void CombinationGather(const Combination *c, int column, const Frame *frame, const double *value, bool constants,
                       double *dst);
/* The operand as it was when the step was evaluated. */
const double *CombinationStored(const Combination *c, const Frame *frame, size_t *stride);
