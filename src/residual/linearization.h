/* Rows linearized at one theta: the stored sweeps of all training points, and products that use them. Where they do not
   fit in memory the same products sweep tile by tile. */
#pragma once
#include "residual_impl.h"

struct Linearization_s {
  bool fits;
  bool holds;           /* theta, r and stores are those of one sweep */
  double *theta;        /* [n_param] */
  double *r;            /* [n_row] */
  int n_stored;         /* stores */
  NetworkStore *stores; /* [n_block] */
  int n_panel;
  TileRange *panels; /* of all blocks */
  int *number;       /* [n_panel] of a panel in its store */
  size_t n_work;
  double *work; /* [n_thread][n_work] */
};

/* Creates it for the points as they are, where it is not there. Collective. */
PetscErrorCode LinearizationPrepare(Residual residual);
PetscErrorCode LinearizationDestroy(Linearization *linearization);
/* The next sweep is needed even at the same theta. */
void LinearizationForget(Residual residual);
/* Sweeps at theta [n_param] in full, unless it holds them already. Collective; nothing where it does not fit. */
PetscErrorCode LinearizationSweep(Residual residual, const double theta[]);
/* Does it hold the sweeps at theta? The same answer on all ranks. */
bool LinearizationHolds(Residual residual, const double theta[]);

/* Sweeps the points of one tile at theta into a store of their own, by the calling thread. */
void LinearizationSweepTile(Residual residual, const double theta[], const TileRange *range, NetworkStore store);

/* The products of RowsOps at the theta that it holds; v [n_param] in full, gradients [n_thread][n_param] are added to.
   Not collective. */
void LinearizationApply(Residual residual, const double v[], double Jv[]);
void LinearizationApplyTranspose(Residual residual, const double w[], double gradients[]);
void LinearizationJacobian(Residual residual, size_t begin, size_t count, double r[], double J[], size_t ld);

/* K [rows of a][ld] += what one layer's constant inputs contribute between two stores of a block with n_term terms: one
   and the same (the lower triangle then counts) or of two ranks. */
PetscErrorCode GramAddReduced(Residual residual, NetworkStore a, NetworkStore b, int n_term, int layer, double K[],
                              size_t ld);

PetscErrorCode RowsLinearize_Residual(void *self, Vec theta, double r[], double *loss);
PetscErrorCode RowsGram_Residual(void *self, Vec theta, const double scaling[], double K[], size_t ld);
PetscErrorCode RowsGramLayer_Residual(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld);
PetscErrorCode RowsNormal_Residual(void *self, Vec theta, double N[], size_t ld, double b[]);
PetscErrorCode RowsSymbol_Residual(void *self, Vec theta, double d[]);
PetscErrorCode RowsDiagonal_Residual(void *self, Vec theta, double d[]);
PetscErrorCode RowsNumbers_Residual(void *self, PetscInt64 numbers[]);
PetscErrorCode RowsVisit_Residual(void *self, Vec theta, int layer, RowsPanelFn fn, void *context);
