#pragma once
#include "network_impl.h"

struct NetworkSweep_s {
  Network network;
  JetPlan plan;
  int n_column, max_point, n; /* n: points of the last forward sweep */
  double *input;              /* [n][n_coord] mapped points */
  double **z, **d; /* [n_layer]: z[l] [column][n][n_in] for l > 0, d[l] [column][n][n_out] of hidden layers */
  double *ones;    /* [max_point] sums over points */
  double *work[2]; /* [column][n][widest] */
  double *storage;
};

/* First-order parts of a column. */
typedef struct {
  int n;
  const int *coord;
  const double *factor;
} Seeds;

static inline Seeds SweepSeeds(NetworkSweep sweep, int column)
{
  Seeds seeds = {0, NULL, NULL};
  (void)JetPlanSeeds(sweep->plan, column, &seeds.n, &seeds.coord, &seeds.factor); /* cannot fail for a column it has */
  return seeds;
}

/* Adjoint of layer l's pre-activation from that of layer l + 1 (`above`; the outputs' adjoint for the last layer).
   Borrowed, in the sweep's work space, until the next call but one. */
const double *SweepLayerAdjoint(NetworkSweep sweep, const double theta[], const double out_bar[], int l,
                                const double above[]);
