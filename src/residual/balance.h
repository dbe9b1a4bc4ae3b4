/* Weights that balance the terms: what a row of BalanceTable points to. */
#pragma once
#include "residual_impl.h"

typedef struct {
  /* Reads its keys and sets `extra`. */
  PetscErrorCode (*setup)(Residual residual, Config config, Balance balance);
  /* New weights from what is found at theta; nothing is linearized. Collective. */
  PetscErrorCode (*update)(Residual residual, Balance balance, Vec theta, PetscInt iteration);
  bool rows; /* weighs each row */
} BalanceScheme;

struct Balance_s {
  const BalanceScheme *scheme;
  const char *name;
  PetscInt every, seed;
  double stage, last; /* of the solver list, and iteration of it, with the last new weights; -1 = none */
  double *weight;     /* [n_term] factors of the case's weights; of weighed rows their means */
  int n_extra;        /* what a scheme remembers besides, the same on all ranks: */
  double *extra;      /* zero at first */
  double *row;        /* [n_row] multipliers of the local rows, whose squares are their weights; NULL = 1 */
  double momentum, rate, temperature, lookback; /* keys of the schemes */
};

/* Sums of squares of each term's rows as they are weighed, over all ranks: sums [out] [n_term]; by an evaluation at
   theta, which leaves the rows in residual->last. The processor's, with or without a device. Collective. */
PetscErrorCode BalanceSquares(Residual residual, Vec theta, double sums[]);
/* The weights move to where all terms measure alike: momentum of them stays, the rest is mean(measure) / measure, at
   most 1e5. measure [in] [n_term] of the terms with weight 1. */
void BalanceMeet(Residual residual, Balance balance, const double measure[]);
/* Weight of a term in the loss as it is now: the case's times the balance's. */
double BalanceTermWeight(Residual residual, int term);

extern const BalanceScheme BalanceGradientNorm, BalanceNTKTrace, BalanceSelfAdaptive, BalanceReLoBRaLo;
