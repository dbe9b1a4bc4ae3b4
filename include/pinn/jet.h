/* Taylor mode: which derivatives are carried (the plan), and how jets multiply.

   A column carries either one normalized Taylor coefficient z_a = (1/a!) d^a z of a multi-index a, or, collapsed, the
   value of a whole operator sum_k c_k d^{a_k} z (numerics: the top-order coefficients enter every recurrence linearly,
   so a linear combination of them that is fixed at a point propagates as one column). The set is closed: with a column,
   all strict divisors of its multi-indices are there as plain columns. Column 0 is the value. Orders ascend.

   c_k is a number, or a number times a factor, a function of the point: a(x) u_xx + b(x) u_yy is one column, too. A
   factor is known here by a number >= 0 that its owner gives it; its values come in with the points (JetTables). */
#pragma once
#include <stdbool.h>
#include "pinn/error.h"
#include "pinn/kernel.h"

/* d^a as the ascending list of coordinates with repetition: u_xxt is {order 3, coord {0, 0, 1}}. */
typedef struct {
  int order;
  int coord[KERNEL_MAX_ORDER];
} JetIndex;

/* sum_k coef[k] f_k d^{index[k]}, true derivatives (not divided by a!), sorted by JetIndexCompare, without repetition.
   f_k is the factor number factor[k], or 1 where that is -1; factor is NULL where all are 1. */
typedef struct {
  int n;
  JetIndex *index;
  double *coef;
  int *factor;
} JetOperator;

int JetIndexCompare(const JetIndex *a, const JetIndex *b); /* by order, then lexicographic */
double JetIndexFactorial(const JetIndex *a);               /* a! */

/* Operators are values with owned arrays: Create copies, Destroy frees. Compose gives the product a b of operators with
   constant coefficients, which commute; Add gives alpha a + beta b with cancelled terms dropped.
     factor  [in]  [n] or NULL
   Errors: PETSC_ERR_USER_INPUT where an order above KERNEL_MAX_ORDER would arise, PETSC_ERR_SUP for a product of
   operators with factors. */
PetscErrorCode JetOperatorCreate(int n, const JetIndex index[], const double coef[], JetOperator *op);
PetscErrorCode JetOperatorCreateVariable(int n, const JetIndex index[], const double coef[], const int factor[],
                                         JetOperator *op);
PetscErrorCode JetOperatorCopy(const JetOperator *from, JetOperator *op);
PetscErrorCode JetOperatorCompose(const JetOperator *a, const JetOperator *b, JetOperator *product);
PetscErrorCode JetOperatorAdd(double alpha, const JetOperator *a, double beta, const JetOperator *b, JetOperator *sum);
PetscErrorCode JetOperatorDestroy(JetOperator *op);
int JetOperatorCompare(const JetOperator *a, const JetOperator *b); /* total order; 0 where equal term by term */
int JetOperatorOrder(const JetOperator *op);

/* What new coordinates stand for in operators. They are numbered from the last old one on, and whoever supplies their
   first derivatives (network.h) decides what they are. First-order terms of sums keep the old coordinates. */
typedef enum {
  /* S = sum_i coef_i d_{coord_i}^2 (all coef > 0), known to operators by its powers alone, is sum_k d_{first + k}^2
     exactly: a function of s = W x alone, W of few rows, has such coordinates. */
  JET_COMPRESS,
  /* Of the n terms of one shape, product over j of d_{coord[i][j]}^(p_j), a draw takes m = slots * passes, times n / m.
     Slot k has the coordinates first + k arity + j; seeded by coef_i times those of a term i, it is that term. */
  JET_SAMPLE,
  /* S as for JET_COMPRESS; (2p - 1)!! S^p = m^(p - 1) E sum_k d_{first + k}^(2p) with m random directions, which for
     p > 1 are normal. */
  JET_PROJECT,
  /* A sum of second derivatives tr(A Hess), A symmetric, of any signs and with factors, is E (A v . grad)(v . grad)
     with E v v^T = 1: m pairs of coordinates, derivatives along v and along A(x) v. A constant A = L L^T without
     negative eigenvalues needs one direction each, L v. The plan has their seeds (JetPlanAim). */
  JET_DIRECT
} JetReduction;

/* A of JET_DIRECT by the terms of the sum: coef[t] f_t d_{coord[i]} d_{coord[j]} with i, j = place[t]. */
typedef struct {
  int n_term;
  int *place; /* [n_term][2] among the group's coordinates */
  double *coef;
  int *factor;  /* [n_term] -1 = none */
  double *root; /* [n][n] L, lower triangular by rows; NULL = pairs of directions */
  bool columns; /* v are unit vectors times sqrt(n): L v is a column of L */
} JetMatrix;

typedef struct {
  JetReduction reduction;
  int n;      /* terms; of S and A, coordinates */
  int arity;  /* coordinates of a term that differ from term to term */
  int *coord; /* [n][arity]; of S and A, ascending */
  double *coef;
  int *factor; /* [n] of terms whose factors differ, else NULL */
  int first, width;
  int slots, order;  /* of samples: terms in a pass of a draw; highest order of a term, of S with random directions */
  int passes;        /* over the plan that make a draw: values of its operators are sums over them */
  int draw;          /* which of the reducer's draws has it */
  int first_factor;  /* slot k has the factor first_factor + k, with a factor of terms in a draw; -1 = none */
  JetMatrix *matrix; /* of JET_DIRECT, else NULL */
} JetGroup;

#define JET_SLOT_FACTOR (1 << 30) /* factors of slots are numbered from here on, above all others */

/* What groups are looked for. Compression: of at least `least` coordinates, replaced by at most `width` (and at least
   2, so that S stays a sum). Samples: of at least slots * passes terms of one shape and one sign in an operator; what
   stays exact of such an operator is divided among the passes. With `draws` = 2 each group is there twice, for two
   independent draws (0 means 1, also of passes). */
typedef struct {
  int width, least;
  JetReduction reduction;
  int slots, draws, passes;
  bool insist;      /* also where no column is saved by it */
  const char *name; /* of the estimator, for people; borrowed */
} JetReducer;

/* Finds the groups and writes the operators in their new coordinates, which are numbered from n_coord on.
     operators  [in]   [n] over n_coord coordinates
     groups     [out]  [*n_group], freed by JetGroupsDestroy
     reduced    [out]  [draws][n], each to be destroyed; equal to the operator where no group is in it
   Cost: sorting the terms of all operators. */
PetscErrorCode JetReduce(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[], int *n_group,
                         JetGroup **groups, JetOperator reduced[]);
PetscErrorCode JetGroupsDestroy(int n, JetGroup **groups);

typedef struct JetPlan_s *JetPlan;

/* The smallest closed plan that carries the given operators: each operator of several terms or with factors as one
   collapsed column (value: the operator itself), each other one by its plain normalized column, plus all strict
   divisors and the value.
   No choice is made here: whoever wants u_xx + u_yy split asks for u_xx and u_yy.
     n_coord  number of coordinates; operators  [in] [n], copied
   Not collective. Errors: PETSC_ERR_ARG_OUTOFRANGE for a coordinate outside. Cost: about (columns)^2 set look-ups. */
PetscErrorCode JetPlanCreate(int n_coord, int n, const JetOperator operators[], JetPlan *plan);
/* The same over the coordinates of groups, of which those of JET_DIRECT are seeded by the plan itself; the groups are
   borrowed. */
PetscErrorCode JetPlanCreateDirected(int n_coord, int n, const JetOperator operators[], int n_group,
                                     const JetGroup groups[], JetPlan *plan);
PetscErrorCode JetPlanDestroy(JetPlan *plan);
/* Directions of a group of JET_DIRECT: seeds of its coordinates by V [in] [slots][n]. Cost: slots times terms, or n^2
   where A has a root. Tables at points have to be set anew. */
PetscErrorCode JetPlanAim(JetPlan plan, int group, const double V[]);

int JetPlanColumns(JetPlan plan);
int JetPlanOrder(JetPlan plan);
/* Borrowed; of plans without factors. */
const KernelTables *JetPlanTables(JetPlan plan);
/* The factors of all columns: their number n_factor, and what their owner calls them, ascending (borrowed). */
int JetPlanFactors(JetPlan plan, const int **factors);

/* Names the factors that are coordinates themselves, coordinate [in] [n_factor], -1 for others. Terms x_i d_i are then
   seeded by the points (JetPlanSeedsOwn), and factors that nothing else needs leave the list. Once, after creation. */
PetscErrorCode JetPlanSetCoordinates(JetPlan plan, const int coordinate[]);

/* The column that carries an operator, and the factor: operator value = factor * column (1 for a collapsed column,
   coef * a! for a plain one); -1 where no single column does. The empty multi-index (order 0) is column 0. */
int JetPlanFind(JetPlan plan, const JetOperator *op, double *factor);

/* The operator whose value is the column, in true derivatives (a plain column z_a is (1/a!) d^a); borrowed. */
const JetOperator *JetPlanOperator(JetPlan plan, int column);

/* First-order part of a column, for seeding coordinates: how much d/dx_i enters it, as a list of (coordinate, factor).
     n       [out]  number of entries, 0 for most columns
     coord   [out]  [n] borrowed
     factor  [out]  [n] borrowed: the jet of coordinate x_i has value factor in this column, times the column's factor
                    where JetPlanSeedsVary */
PetscErrorCode JetPlanSeeds(JetPlan plan, int column, int *n, const int **coord, const double **factor);
bool JetPlanSeedsVary(JetPlan plan, int column);
/* Which seeds of a column have the coordinate itself as a further factor: [n] as JetPlanSeeds lists them, borrowed. */
const bool *JetPlanSeedsOwn(JetPlan plan, int column);
/* Are the seeds of a column *scale times the coordinates 0 .. n_coord - 1 themselves, and nothing else? */
bool JetPlanSeedsScale(JetPlan plan, int column, int n_coord, double *scale);

/* One line for people: "1, x, t, xx, xx+yy", "1, x, y, (1 + x^2)*xx+yy"; of many columns or terms the middle
   is left out; truncates, cannot fail.
     names    [in]  [n_coord]
     factors  [in]  [n_factor], bracketed where they are sums; NULL where there are none */
void JetPlanDescribe(JetPlan plan, const char *const names[], const char *const factors[], char *text, size_t size);

/* The tables and seeds of a plan with factors at points, of one thread; borrows the plan.
   Cost of Set: as many multiplications a point as the tables have terms. */
typedef struct JetTables_s *JetTables;
PetscErrorCode JetTablesCreate(JetPlan plan, int max_point, JetTables *tables);
PetscErrorCode JetTablesDestroy(JetTables *tables);
double JetTablesDoubles(JetPlan plan, int max_point); /* its size, 0 for a plan without factors */
/* The values of the factors at n points: factors [in] [n_factor][n] with row stride `stride`, in the order of
   JetPlanFactors. */
void JetTablesSet(JetTables tables, int n, const double factors[], size_t stride);
/* Tables for jets with `width` lanes a point, which follow each other; until the next call. */
const KernelTables *JetTablesAt(JetTables tables, size_t width);
/* The seeds of a column at point p, [n] as JetPlanSeeds lists them, before a factor of JetPlanSeedsOwn. */
const double *JetTablesSeeds(JetTables tables, int column, int p);
/* The value of a factor at point p, by its place in JetPlanFactors. */
double JetTablesFactor(JetTables tables, int factor, int p);
