#pragma once
#include <stdbool.h>
#include "pinn/jet.h"

struct JetPlan_s {
  int n_coord, n_column, n_plain, order;
  JetOperator *op;    /* [n_column] in true derivatives */
  int *column_order;  /* [n_column] */
  bool *plain;        /* [n_column] one multi-index, normalized */
  int *plain_columns; /* [n_plain] columns of the plain multi-indices, in JetIndexCompare order */
  KernelTables tables;
  KernelProduct transpose; /* of tables.product */
  int *seed_start;         /* [n_column + 1] */
  int *seed_coord;
  double *seed_factor;
};

/* Visits every divisor b <= a with its complement a - b, each once. Start with {0}; false after the last. */
typedef struct {
  bool begun;
  int n, coord[KERNEL_MAX_ORDER], most[KERNEL_MAX_ORDER], count[KERNEL_MAX_ORDER];
} JetDivisors;
bool JetDivisorsNext(JetDivisors *state, const JetIndex *a, JetIndex *divisor, JetIndex *complement);

/* Puts the coordinates into ascending order. */
void JetIndexSort(JetIndex *index);

/* Column of a plain multi-index, -1 where it is not carried. Cost: log(n_plain). */
int JetPlanFindIndex(JetPlan plan, const JetIndex *index);

/* The product table and its powers (tables.c). */
PetscErrorCode JetPlanCreateTables(JetPlan plan);
PetscErrorCode JetPlanDestroyTables(JetPlan plan);
