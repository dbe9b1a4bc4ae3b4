#pragma once
#include <stdbool.h>
#include "pinn/jet.h"

/* The factors of a table's terms, -1 = none: [number of terms]. */
typedef struct {
  int *product, *transpose, *power[KERNEL_MAX_ORDER + 1];
} JetTableFactors;

struct JetPlan_s {
  int n_coord, n_column, n_plain, order, n_factor;
  int *factors;       /* [n_factor] as their owner calls them, ascending */
  JetOperator *op;    /* [n_column] in true derivatives */
  int *column_order;  /* [n_column] */
  bool *plain;        /* [n_column] one multi-index, normalized */
  int *plain_columns; /* [n_plain] columns of the plain multi-indices, in JetIndexCompare order */
  KernelTables tables;
  KernelProduct transpose;       /* of tables.product */
  JetTableFactors table_factors; /* positions in `factors`; NULL pointers where there are none */
  int *seed_start;               /* [n_column + 1] */
  int *seed_coord;
  double *seed_factor;
  int *seed_point_factor; /* position in `factors`, -1 = none */
  bool *seed_own;         /* times the coordinate */
  int *point_start;       /* [n_column + 1] seeds of the columns where some have a factor */
  int n_group;
  const JetGroup *groups; /* borrowed */
};

/* The direction that a coordinate stands for (direct.c): its group, or NULL, and its number there. */
const JetGroup *JetFindDirection(int n_group, const JetGroup groups[], int coord, int *number);
static inline const JetGroup *JetPlanDirection(JetPlan plan, int column, int *number)
{
  const JetIndex *a = &plan->op[column].index[0];
  return plan->plain[column] && a->order == 1 ? JetFindDirection(plan->n_group, plan->groups, a->coord[0], number)
                                              : NULL;
}
/* The seeds of a direction: their number; coord, coef, factor [out] are filled where they are not NULL, coef without v
   where V is NULL, else with it [n]. */
int JetDirectionSeeds(const JetGroup *group, int number, const double V[], int coord[], double coef[], int factor[]);

static inline int JetFactor(const JetOperator *op, int k)
{
  return op->factor ? op->factor[k] : -1;
}

/* Carried by a plain column: one term, and no factor. */
static inline bool JetOperatorIsPlain(const JetOperator *op)
{
  return op->n == 1 && !op->factor;
}

/* Visits every divisor b <= a with its complement a - b, each once. Start with {0}; false after the last. */
typedef struct {
  bool begun;
  int n, coord[KERNEL_MAX_ORDER], most[KERNEL_MAX_ORDER], count[KERNEL_MAX_ORDER];
} JetDivisors;
bool JetDivisorsNext(JetDivisors *state, const JetIndex *a, JetIndex *divisor, JetIndex *complement);

/* Puts the coordinates into ascending order. */
void JetIndexSort(JetIndex *index);

/* Position of a factor among the plan's, -1 for -1. */
int JetPlanFindFactor(JetPlan plan, int factor);

/* Column of a plain multi-index, -1 where it is not carried. Cost: log(n_plain). */
int JetPlanFindIndex(JetPlan plan, const JetIndex *index);

/* Refuses more columns below the highest order than compose can hold. */
PetscErrorCode JetPlanCheckLower(int n_lower, int order);

/* The product table and its powers (tables.c). */
PetscErrorCode JetPlanCreateTables(JetPlan plan);
PetscErrorCode JetPlanDestroyTables(JetPlan plan);

/* Terms of an operator under construction (reduce.c). */
typedef struct {
  int n, capacity;
  JetIndex *index;
  double *coef;
  int *factor;
} JetTerms;
PetscErrorCode JetTermsAdd(JetTerms *terms, const JetIndex *index, double coef, int factor);
/* Frees the terms. */
PetscErrorCode JetTermsFinish(JetTerms *terms, JetOperator *op);

/* Frees what a group has. */
PetscErrorCode JetGroupClear(JetGroup *group);

/* JetReduce for the reductions (compress.c, direct.c, sample.c). */
PetscErrorCode JetReduceByCompression(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                      int *n_group, JetGroup **groups, JetOperator reduced[]);
PetscErrorCode JetReduceByDirections(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                     int *n_group, JetGroup **groups, JetOperator reduced[]);
/* JetReduceBySampling, but of constant sums of second derivatives with mixed ones and a root columns are drawn. */
PetscErrorCode JetReduceByColumns(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                  int *n_group, JetGroup **groups, JetOperator reduced[]);
PetscErrorCode JetReduceBySampling(int n_coord, const JetReducer *reducer, int n, const JetOperator operators[],
                                   int *n_group, JetGroup **groups, JetOperator reduced[]);

/* Length of the run of equal coordinates that begins at k. */
static inline int JetRunLength(const JetIndex *a, int k)
{
  int n = 1;
  while (k + n < a->order && a->coord[k + n] == a->coord[k]) n++;
  return n;
}

/* Is the term one of first order that needs no column of its own? */
static inline bool JetSeedsOnly(const JetOperator *op, const JetIndex *a)
{
  return a->order == 1 && (op->n > 1 || op->factor);
}
