/* Taylor mode: which derivatives are carried (the plan), and how jets multiply.

   A column carries either one normalized Taylor coefficient z_a = (1/a!) d^a z of a multi-index a, or, collapsed, the
   value of a whole operator sum_k c_k d^{a_k} z (numerics: the top-order coefficients enter every recurrence linearly,
   so a fixed linear combination of them propagates as one column). The set is closed: with a column, all strict
   divisors of its multi-indices are there as plain columns. Column 0 is the value. Orders ascend. */
#pragma once
#include "pinn/error.h"
#include "pinn/kernel.h"

/* d^a as the ascending list of coordinates with repetition: u_xxt is {order 3, coord {0, 0, 1}}. */
typedef struct {
  int order;
  int coord[KERNEL_MAX_ORDER];
} JetIndex;

/* sum_k coef[k] d^{index[k]}, true derivatives (not divided by a!), without repeated indices, sorted by
   JetIndexCompare. */
typedef struct {
  int n;
  JetIndex *index;
  double *coef;
} JetOperator;

int JetIndexCompare(const JetIndex *a, const JetIndex *b); /* by order, then lexicographic */
double JetIndexFactorial(const JetIndex *a);               /* a! */

/* Operators are values with owned arrays: Create copies, Destroy frees. Compose gives the product a b (derivatives with
   constant coefficients commute); Add gives alpha a + beta b with cancelled terms dropped.
   Errors: PETSC_ERR_USER_INPUT where an order above KERNEL_MAX_ORDER would arise. */
PetscErrorCode JetOperatorCreate(int n, const JetIndex index[], const double coef[], JetOperator *op);
PetscErrorCode JetOperatorCopy(const JetOperator *from, JetOperator *op);
PetscErrorCode JetOperatorCompose(const JetOperator *a, const JetOperator *b, JetOperator *product);
PetscErrorCode JetOperatorAdd(double alpha, const JetOperator *a, double beta, const JetOperator *b, JetOperator *sum);
PetscErrorCode JetOperatorDestroy(JetOperator *op);
int JetOperatorCompare(const JetOperator *a, const JetOperator *b); /* total order; 0 where equal term by term */
int JetOperatorOrder(const JetOperator *op);

typedef struct JetPlan_s *JetPlan;

/* The smallest closed plan that carries the given operators: each multi-term operator as one collapsed column (value:
   the operator itself), each single-term one by its plain normalized column, plus all strict divisors and the value.
   No choice is made here: whoever wants u_xx + u_yy split asks for u_xx and u_yy.
     n_coord  number of coordinates; operators  [in] [n], copied
   Not collective. Errors: PETSC_ERR_ARG_OUTOFRANGE for a coordinate outside. Cost: about (columns)^2 set look-ups. */
PetscErrorCode JetPlanCreate(int n_coord, int n, const JetOperator operators[], JetPlan *plan);
PetscErrorCode JetPlanDestroy(JetPlan *plan);

int JetPlanColumns(JetPlan plan);
int JetPlanOrder(JetPlan plan);
const KernelTables *JetPlanTables(JetPlan plan); /* borrowed */

/* The column that carries an operator, and the factor: operator value = factor * column (1 for a collapsed column,
   coef * a! for a plain one); -1 where no single column does. The empty multi-index (order 0) is column 0. */
int JetPlanFind(JetPlan plan, const JetOperator *op, double *factor);

/* The operator whose value is the column, in true derivatives (a plain column z_a is (1/a!) d^a); borrowed. */
const JetOperator *JetPlanOperator(JetPlan plan, int column);

/* First-order part of a column, for seeding coordinates: how much d/dx_i enters it, as a list of (coordinate, factor).
     n       [out]  number of entries, 0 for most columns
     coord   [out]  [n] borrowed
     factor  [out]  [n] borrowed: the jet of coordinate x_i has value factor in this column */
PetscErrorCode JetPlanSeeds(JetPlan plan, int column, int *n, const int **coord, const double **factor);

/* One line for people: "1, x, t, xx, xx+yy" with the coordinates' names; truncates, cannot fail.
     names  [in]  [n_coord] */
void JetPlanDescribe(JetPlan plan, const char *const names[], char *text, size_t size);
