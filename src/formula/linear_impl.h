/* Values that are linear in derivatives with coefficients that depend on the point (linear.c), and where writing them
   so saves columns (choose.c). */
#pragma once
#include "formula_impl.h"

/* coef * weight * d^index of, or coef * weight alone. */
typedef struct {
  FormulaNode of; /* -1: no derivative */
  JetIndex index;
  double coef;
  FormulaNode weight; /* does not depend on the network; -1 = 1 */
} LinearTerm;

typedef struct {
  FormulaNode node;
  int n, capacity;
  LinearTerm *terms; /* sorted by (of, index), one of each */
  bool varies;       /* a derivative has a weight */
  bool long_sum;     /* too long: without terms */
  bool enabled;      /* written out, see choose.c */
} LinearForm;

PetscErrorCode LinearFormCreate(Formula formula, FormulaNode node, LinearForm *form);
PetscErrorCode LinearFormDestroy(LinearForm *form);
/* A product with one factor that does not depend on the network. */
bool LinearProduct(Formula formula, const Node *node);

/* chosen [out] [n_root]: nodes of the same values as the roots, in which linear forms are written so that the network
   carries the fewest columns. Where nothing is gained the roots themselves. */
PetscErrorCode ProgramChooseRoots(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                                  FormulaNode chosen[]);
