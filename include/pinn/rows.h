/* The only thing an optimizer sees: rows r(theta) with loss = 1/2 |r|^2, and products with their Jacobian J.

   theta, gradients and directions are Vecs of n_param entries, laid out by PETSc over the ranks of comm; rows are local
   arrays of the rank that owns their points. All functions are collective on comm and return 0 also where values are
   NaN or Inf: the caller looks at the numbers. */
#pragma once
#include <petscvec.h>
#include <stdbool.h>
#include "pinn/device.h"
#include "pinn/error.h"

typedef struct Rows_s *Rows;

/* Where a layer's weights lie in theta: a matrix [rows][columns] at offset; columns = 0 for a vector of `rows`. */
typedef struct {
  size_t offset;
  PetscInt rows, columns;
} ParameterBlock;

/* A layer as J sees it: theta holds at offset W [n_out][n_in - bias], then, with bias, b [n_out]. Taken together they
   are V = [W b] of [n_out][n_in]: the bias belongs to a last input that is 1 in column 0 and 0 in all others. */
typedef struct {
  size_t offset;
  PetscInt n_out, n_in;
  bool bias;
} RowsLayer;

/* Some rows of J in one layer: the derivative of row `row + i` by V is the matrix [n_out][n_in]
     J_i = sum_c g[c][i] z[c][i]^T,   so that (J v)_i = sum_c g[c][i]^T V z[c][i]  and  J^T w = sum_i w_i J_i
   with the row's weight in g. All rows of a panel are of one term and one block of points. */
typedef struct {
  int layer;       /* number, in the order of theta */
  int term;        /* equations, then conditions */
  bool interior;   /* points of the equations, not of a condition */
  PetscInt row, n; /* local rows [row, row + n) */
  PetscInt n_column, n_in, n_out;
  const double *z; /* [n_column][n][n_in] the layer's inputs, the bias's last */
  const double *g; /* [n_column][n][n_out] adjoints of its outputs before the activation */
  double *work;    /* [n_column][n][max(n_in, n_out)] of this thread, for fn to write to */
} RowsPanel;

/* Called by several threads at once, 0 <= thread < RowsThreads(rows): what one of them adds up is its own. Panels are
   dealt to threads in a fixed way, and come to a thread in a fixed order. Must not fail and must not call the rows. */
typedef void (*RowsPanelFn)(void *context, int thread, const RowsPanel *panel);

typedef struct {
  /* r [n_row] (may be NULL) and loss */
  PetscErrorCode (*evaluate)(void *self, Vec theta, double r[], double *loss);
  /* loss and its gradient J^T r in one sweep */
  PetscErrorCode (*gradient)(void *self, Vec theta, double *loss, Vec gradient);
  /* Jv [n_row] */
  PetscErrorCode (*apply)(void *self, Vec theta, Vec v, double Jv[]);
  /* y = J^T w, w [n_row] */
  PetscErrorCode (*apply_transpose)(void *self, Vec theta, const double w[], Vec y);
  /* r [n_row] and the columns [begin, begin + count) of the local rows of J, row-major [n_row][ld]: whole layers
     (RowsLayerAt) */
  PetscErrorCode (*jacobian)(void *self, Vec theta, size_t begin, size_t count, double r[], double J[], size_t ld);
  /* optional, for whoever takes several products at one theta: r [n_row] (may be NULL) and loss, and with them what
     products need, from one forward and one reverse sweep; as long as theta is the same and nothing else is linearized,
     they need no sweep. Where memory is short nothing is kept, and products sweep as they would without. */
  PetscErrorCode (*linearize)(void *self, Vec theta, double r[], double *loss);
  /* optional: the local rows of J S^2 J^T, S = diag(scaling) [n_param] on all ranks (NULL: 1):
     K [out] [n_row][ld], ld >= n_row_global; columns are the rows of all ranks, rank by rank */
  PetscErrorCode (*gram)(void *self, Vec theta, const double scaling[], double K[], size_t ld);
  /* optional: the same of one layer's columns of J alone */
  PetscErrorCode (*gram_layer)(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld);
  /* optional, on one rank: K = J J^T at theta, which stays where the rows are until the next time; *mean that of its
     diagonal. And w [n_row] <- (K + shift)^{-1} w; solved = false, and w as it was: not positive definite to working
     precision. */
  PetscErrorCode (*kernel)(void *self, Vec theta, double *mean);
  PetscErrorCode (*kernel_inverse)(void *self, double shift, double w[], bool *solved);
  /* optional, on one rank: r [n_row], and the upper triangle T [count + 1][ld], by columns, zero below, of
     [J r] = Q T with the columns [begin, begin + count) of J */
  PetscErrorCode (*triangle)(void *self, Vec theta, size_t begin, size_t count, double r[], double T[], size_t ld);
  /* optional: J^T J of the local rows, lower triangle: N [out] [n_param][ld], row-major; and J^T r of the local rows,
     b [out] [n_param]. The sum over ranks is the caller's. */
  PetscErrorCode (*normal)(void *self, Vec theta, double N[], size_t ld, double b[]);
  /* optional: diag J^T J of all rows, d [out] [n_param] on all ranks */
  PetscErrorCode (*diagonal)(void *self, Vec theta, double d[]);
  /* optional, needs parameter_blocks, a matrix and then its bias, where it has one: all local rows of all layers, or of
     one (layer >= 0), panel by panel. From the sweeps that linearize keeps, else by sweeps of its own. */
  PetscErrorCode (*visit)(void *self, Vec theta, int layer, RowsPanelFn fn, void *context);
  /* optional: the local rows' numbers among all, 0 .. n_row_global - 1, whatever rank owns them: numbers [n_row] */
  PetscErrorCode (*numbers)(void *self, PetscInt64 numbers[]);
  /* optional: diag J^T J averaged over the phases of plane waves, d [out] [n_param] on all ranks: half the mean square
     of the differential operators' symbol at each wave's frequency. PETSC_ERR_USER_INPUT where parameters are no
     coefficients of plane waves. Leaves the rows linearized at theta. */
  PetscErrorCode (*symbol)(void *self, Vec theta, double d[]);
  /* optional: new points before iteration `iteration`, if it is time; *changed tells whether rows changed */
  PetscErrorCode (*update)(void *self, Vec theta, PetscInt iteration, bool *changed);
  /* optional: the iteration after `iteration` at which update brings new points; 0 = never */
  PetscErrorCode (*next_update)(void *self, PetscInt iteration, PetscInt *next);
  /* optional: root mean square of held-out residuals (fresh points), weighted like the loss */
  PetscErrorCode (*heldout)(void *self, Vec theta, double *rms);
  /* optional: number of random-feature scales, reading and setting them (setting draws the features again) */
  PetscErrorCode (*get_scales)(void *self, int *n, double scales[]);
  PetscErrorCode (*set_scales)(void *self, int n, const double scales[]);
} RowsOps;

struct Rows_s {
  MPI_Comm comm;
  const RowsOps *ops;
  void *self;
  PetscInt n_row; /* local */
  PetscInt n_row_global;
  size_t n_param;
  const Device *device;                   /* where vectors like theta lie; NULL: on the host */
  PetscInt n_parameter_block;             /* 0: nothing is known of the layers */
  const ParameterBlock *parameter_blocks; /* [n_parameter_block] they cover theta without gaps, in order; borrowed */
  int n_thread;                           /* that `visit` uses; 0 counts as 1 */
  size_t last_begin;                      /* where the last layer's parameters begin; they are the tail of theta */
  const char *gradient_only; /* the setting for which only loss and gradient are offered, and the loss may be negative;
                                NULL: all is */
  struct Rows_s *unscaled;   /* these rows are those with J diag(scaling); NULL: they are scaled by nothing */
  const double *scaling;     /* [n_param] */
  bool linear;               /* r is affine in the last layer's parameters */
  bool search_scales;        /* the case asks a least-squares stage for a search */
  int stage;                 /* set by OptimizerSolve for `update`: the stage's place in the solver list, */
  bool keeps_weights; /* and whether it learns the curvature of one loss: weights then change at its start alone */
};

/* A zero vector laid out like theta, where the rows want it; owned by the caller. Collective. */
PetscErrorCode RowsCreateVec(Rows rows, Vec *vec);

/* A vector laid out like theta in full on every rank: what it takes to gather one, made when first used. Zero it before
   use. Get borrows values [n_param] until Restore, which may be those of the vector itself on one rank; at most one
   vector is borrowed from it at a time. A vector that has not changed since the last Get is not gathered again: whoever
   writes to one does so on all ranks. Copy gives the caller's own; Put is the way back, each rank its share. All but
   Destroy and Put are collective. */
typedef struct {
  VecScatter scatter;
  Vec all;
  PetscObjectId id; /* of the vector in `all`, and how often it had changed */
  PetscObjectState state;
} FullVec;
PetscErrorCode FullVecGet(FullVec *full, Vec vec, const double **values);
PetscErrorCode FullVecRestore(FullVec *full, Vec vec, const double **values);
PetscErrorCode FullVecCopy(FullVec *full, Vec vec, double values[]);
PetscErrorCode FullVecPut(const double values[], Vec vec);
PetscErrorCode FullVecDestroy(FullVec *full);

/* What PETSc's log (-log_view) tells apart: gathers of vectors like theta, and sums over ranks of gradients and losses.
   Registered when first asked for. Cannot fail. */
typedef enum { ROWS_GATHER, ROWS_REDUCE, ROWS_EVENTS } RowsEvent;
PetscLogEvent RowsLogEvent(RowsEvent event);

/* The optional products, by `jacobian` where the rows have no better way. Collective. */
PetscErrorCode RowsLinearize(Rows rows, Vec theta, double r[], double *loss);
PetscErrorCode RowsGram(Rows rows, Vec theta, const double scaling[], double K[], size_t ld);
PetscErrorCode RowsNormal(Rows rows, Vec theta, double N[], size_t ld, double b[]);
PetscErrorCode RowsDiagonal(Rows rows, Vec theta, double d[]);
/* scaling [n] = D^{-1/2}, D = diagonal + evenness max diagonal, of J's n columns; with INFINITY, D is the largest
   entry. 1 where D would be zero. The two may be one array. Cannot fail. */
void RowsScaling(size_t n, double evenness, const double diagonal[], double scaling[]);

/* RowsOps.numbers; where there are none, rank by rank. Collective. */
PetscErrorCode RowsNumbers(Rows rows, PetscInt64 numbers[]);

/* The rows panel by panel; rows that have no `visit` show all of theta as one layer of one output without bias, by
   `jacobian`. What to sum over rows is the caller's to sum over threads, then over ranks. Collective.
     layer  -1 for all
   Cost: a pass over the kept sweeps (GEMMs of [n_column n] rows in fn run at full speed), else a forward sweep and a
   reverse sweep a term. */
PetscErrorCode RowsVisit(Rows rows, Vec theta, int layer, RowsPanelFn fn, void *context);
int RowsThreads(Rows rows);
/* RowsOps.gram_layer, by `jacobian` where there is none. Collective. */
PetscErrorCode RowsGramLayer(Rows rows, Vec theta, int layer, const double scaling[], double K[], size_t ld);
/* The layers that RowsVisit shows, in the order of theta, which they cover without gaps. Cannot fail. */
int RowsLayers(Rows rows);
RowsLayer RowsLayerAt(Rows rows, int layer);
/* Who does what of n pieces of work: the costly first, each to the rank that has least to do. owner [out] [n], the same
   wherever cost is. Not collective. */
PetscErrorCode RowsShareOut(PetscMPIInt n_rank, int n, const double cost[], PetscMPIInt owner[]);
/* V [n_out][n_in] of a layer out of a vector like theta in full, and back. Cannot fail. */
void RowsLayerGet(const RowsLayer *layer, const double theta[], double V[]);
void RowsLayerSet(const RowsLayer *layer, const double V[], double theta[]);
