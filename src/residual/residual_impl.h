#pragma once
#include "pinn/residual.h"

/* Some points of a point set, as a thread takes them. statics has row stride `stride`. */
typedef struct {
  int n;
  const double *x, *normal, *statics;
  size_t stride;
  size_t root_stride;   /* of what follows, [n_root][n]: */
  const double *given;  /* subtracted from the roots; NULL = nothing */
  const double *weight; /* factors of the roots, and so of their derivatives; NULL = 1 */
} Tile;

typedef struct {
  NetworkSweep sweep; /* NULL where no root uses the network */
  ProgramWork work;
  double *net, *net_bar;         /* [column][tile][n_field + n_unknown] */
  double *unknown_bar;           /* [tile][n_unknown] */
  double *net_sum;               /* the same, of passes or draws; NULL where there is one */
  double *roots, *other, *again; /* [n_root][tile]: of the draws, and of the first once more */
  double *weighed;               /* [n_root][tile] adjoints of the roots with the tile's weights */
  Tile tile;                     /* of the last forward sweep, with its statics */
} ProbeThread;

struct Probe_s {
  Program program;
  int n_root, dim, n_field, tile, n_thread;
  int n_unknown;        /* coefficients at the end of theta, outputs of the program behind the fields */
  size_t first_unknown; /* in theta */
  ProbeThread *threads;
  NetworkCompression compression; /* NULL where the program has no groups */
  int n_draw, n_pass;             /* of terms that are sampled */
  bool *summed;                   /* [column] over passes */
};

/* By all threads together: before tiles at a new theta, before tangents along a new v, and after the reverse sweeps of
   all tiles, which adds what they kept to gradient. */
void ProbeUpdate(Probe probe, const double theta[]);
void ProbeUpdateTangent(Probe probe, const double theta[], const double v[]);
void ProbeReverseEnd(Probe probe, const double theta[], double gradient[]);

/* Roots of a tile by one thread; the thread keeps what reverse and tangent sweeps need. roots [out] [n_root][n]. */
void ProbeForward(Probe probe, int thread, const double theta[], const Tile *tile, double roots[]);
/* The same by the other draw of a probe that has two, without another sweep of the network. What
   follows is of the draw that came last. */
void ProbeRoots(Probe probe, int thread, int draw, double roots[]);
/* gradient += the sum over both draws of (d roots / d theta)^T root_bar; otherwise as ProbeReverse. root_bar [in] of
   draw 0, other_bar of draw 1. */
void ProbeReverseBoth(Probe probe, int thread, const double theta[], const double root_bar[], const double other_bar[],
                      double gradient[]);
/* net_bar of the thread (of the fields alone) and unknown_bar from root_bar, at the tile of the last ProbeForward. */
void ProbeAdjoint(Probe probe, int thread, const double root_bar[]);
/* gradient += (d roots / d theta)^T root_bar at the tile of the last ProbeForward, but for what is kept until
   ProbeReverseEnd. root_bar [in] [n_root][n]. */
void ProbeReverse(Probe probe, int thread, const double theta[], const double root_bar[], double gradient[]);
/* root_dot = (d roots / d theta) v, likewise. */
void ProbeTangent(Probe probe, int thread, const double theta[], const double v[], double root_dot[]);
/* Rows of one root: J [n][ld] gets columns [begin, begin + count); root_bar selects and scales the root. */
void ProbeRows(Probe probe, int thread, const double theta[], const double root_bar[], size_t begin, size_t count,
               double J[], size_t ld);

/* Points of one block with what does not change while theta does. */
typedef struct {
  PointSet points;
  int n_row;       /* local rows a term: one a point, unless points share rows */
  PetscInt count;  /* of them on all ranks */
  int *row_of;     /* [n] row of a point, whose roots join it with a factor; NULL = its own, factor 1 */
  double *factor;  /* [n] */
  double *statics; /* [n_static][n]; NULL = computed on the way */
  double *given;   /* [n_term][n] of a jump: the terms of the slab before; NULL elsewhere */
  double *share;   /* [n] factors of the points: of measured ones 1/deviation, of chosen ones what they stand for; NULL
                      = 1 */
  double *weight;  /* [n_term][n] factors of the rows, of all kinds (weights.c); NULL = 1 */
  Probe probe;     /* what they are of; borrowed */
} RowSet;

/* How a block's derivatives are made (estimator.c). */
typedef struct Estimator_s Estimator;
typedef struct {
  const Estimator *estimator;
  const char *name;
  int directions;
  bool unbiased, gaussian;
} EstimatorChoice;

typedef struct Measured_s *Measured;

typedef struct {
  const Block *block; /* borrowed */
  Region region;
  Sampling sampling;
  EstimatorChoice estimator;
  Probe probe;              /* of training points */
  Probe truth;              /* of what is reported: exact where that can be afforded, else `probe` itself */
  RowSet train, validation; /* validation is drawn when first asked for */
  Probe past;               /* of a jump: the terms by the network of the slab before */
  double *past_theta;
  Measured data;  /* of a block that was measured */
  double far_end; /* of the coordinate, where the block is periodic */
  double step;    /* of a slope: its points are x +- step v */
  size_t row;     /* first local row: rows are [term][row of the set] */
  size_t raw;     /* where points share rows: the first of its values in Residual.raw, [term][point] */
  int term;       /* number of its first term */
  double *scale;  /* [n_term] sqrt(weight / count) */
} RowBlock;

typedef struct {
  int block, begin, n;
} TileRange;

typedef struct Linearization_s *Linearization;
typedef struct Causal_s *Causal;
typedef struct Balance_s *Balance;
typedef struct Adapt_s Adapt;

struct Residual_s {
  struct Rows_s rows;
  ParameterBlock *parameter_blocks; /* what rows.parameter_blocks shows */
  Problem problem;
  Network network;
  int n_block, n_interior, n_term, n_thread, n_draw;
  RowBlock *blocks;
  int n_tile;
  TileRange *tiles; /* of the training points of all blocks */
  int n_piece;
  TileRange *pieces; /* the tiles, but for blocks whose points share rows one range of all rows */
  size_t n_raw;      /* 0: no points share rows */
  double *raw;       /* [n_raw] values of points that do */
  PetscInt resample, adapt, n_heldout;
  const Adapt *adapt_by;
  PetscInt updated;  /* the last iteration that began; -1 = none */
  Causal causal;     /* NULL = interior points of all times count alike */
  Balance balance;   /* NULL = the weights of the case alone */
  bool several;      /* ranks */
  FullVec full;      /* of theta */
  double *gradients; /* [n_thread][n_param] */
  FullVec direction; /* of a tangent */
  double *last;      /* [n_row] the rows last evaluated */
  double *other;     /* [n_row] the same by the second draw, where there is one; NULL where no block has two */
  double last_loss, rows_evaluated;
  double memory_limit;         /* MB of this rank */
  double process_mb;           /* what it had before points were drawn */
  Linearization linearization; /* NULL until first asked for, and after points have changed */
  char *description;
  struct ResidualDevice_s *device; /* NULL: the processor */
};
PetscErrorCode ResidualDropDevice(Residual residual);
/* Sums of squares by term, [n_term], of the local rows that a device has last evaluated. */
const double *ResidualDeviceSquares(Residual residual);

/* theta on this rank in full, with all probes ready for it: ResidualThetaGet borrows, ResidualThetaRestore gives back.
   Collective. */
PetscErrorCode ResidualThetaGet(Residual residual, Vec theta, const double **values);
PetscErrorCode ResidualThetaRestore(Residual residual, Vec theta, const double **values);

/* Do rows take several points each? */
static inline bool RowSetFolds(const RowSet *set)
{
  return set->row_of != NULL;
}

/* Points [begin, begin + n) of a row set. */
static inline Tile RowSetTile(const RowSet *set, int dim, int begin, int n)
{
  const size_t shift = (size_t)begin * (size_t)dim;
  return (Tile){n,
                set->points.x + shift,
                set->points.normal ? set->points.normal + shift : NULL,
                set->statics ? set->statics + begin : NULL,
                (size_t)set->points.n,
                (size_t)set->points.n,
                set->given ? set->given + begin : NULL,
                set->weight ? set->weight + begin : NULL};
}

/* ProbeCreate, or NULL where the sweeps of a thread would take more than `most` bytes (0 = any number). */
PetscErrorCode ProbeCreateWithin(Problem problem, Network network, int n_root, const FormulaNode roots[],
                                 const JetReducer *reducer, double most, Probe *probe);
/* The same of all terms of a block. */
PetscErrorCode RowBlockProbe(Residual residual, const Block *block, const JetReducer *reducer, double most,
                             Probe *probe);

/* Draws a block's training points anew (iteration 0: the first time), with their statics. Collective. */
PetscErrorCode RowBlockDraw(Residual residual, RowBlock *block, PetscInt iteration);
/* Points and values of a measured block, from its file, and as a row set (measured.c). Collective. */
PetscErrorCode MeasuredCreate(MPI_Comm comm, Config config, Formula formula, Domain domain, RowBlock *block);
PetscErrorCode MeasuredDestroy(Measured *data);
PetscInt MeasuredPoints(Measured data); /* on all ranks */
PetscErrorCode MeasuredDraw(Residual residual, const RowBlock *block, Probe probe, RowSet *set);
/* Pairs each point of a set with the one at the far end of a coordinate: rows are their differences (fold.c). */
PetscErrorCode RowSetPair(RowSet *set, int coord, double far_end);
/* Replaces each point x by x + step v and x - step v, v of entries +-1: rows are the derivatives along v. */
PetscErrorCode RowSetStep(RowSet *set, double step, RandomKey key);
/* The points of an integral, all on rank 0, and its row there. */
PetscErrorCode RowSetIntegral(MPI_Comm comm, const RowBlock *block, RowSet *set);
/* rows [n_term][n_row] from values [n_term][n] of the points. */
void RowSetFold(const RowSet *set, int n_term, const double values[], double rows[]);
/* The same of all blocks whose points share rows, from Residual.raw. */
void ResidualFold(Residual residual, double rows[]);
/* Rows r [n_term][n_row] of a block whose points share them, and columns [begin, begin + count) of their J, row k at
   J + k ld; by one thread.  work [ResidualFoldWork] */
size_t ResidualFoldWork(Residual residual, size_t count);
void RowBlockFoldRows(const RowBlock *block, int thread, const double theta[], size_t begin, size_t count,
                      double work[], double r[], double J[], size_t ld);
/* What a row set is of; and that with its statics, by all threads, for more than one look at its points. */
PetscErrorCode RowSetBind(Probe probe, RowSet *set);
PetscErrorCode RowSetPrepare(Probe probe, RowSet *set);
/* Are statics of n training points of a block kept? */
bool RowBlockKeepsStatics(Residual residual, const RowBlock *block, double n);
PetscErrorCode RowSetDestroy(RowSet *set);
/* After a draw: the statics that depend on it. */
void RowSetRenewSlots(RowSet *set);
/* What jumps are taken from, at the points of a set (slabs.c). */
PetscErrorCode RowBlockGive(RowBlock *block, RowSet *set);
PetscErrorCode RowBlockForgetPast(RowBlock *block);
/* Fresh points of a block for draw 0 (validation, kept: what choices are made by) or 1 (test: what is reported). The
   caller destroys the set. Collective. */
PetscErrorCode RowBlockHeldout(Residual residual, RowBlock *block, PetscInt draw, RowSet *set);
/* Values of all terms of a block at a row set, unweighted, by the set's probe: values [out] [n_term][n]. */
PetscErrorCode RowBlockValues(RowBlock *block, const RowSet *set, const double theta[], double values[]);
/* Unweighted RMS and maximum (may be NULL) of all terms of a block at a row set, [n_term] each. Collective. */
PetscErrorCode RowBlockStatistics(MPI_Comm comm, RowBlock *block, const RowSet *set, const double theta[], double rms[],
                                  double max[]);
/* The factors of a block's training rows, by term and by row, after points or weights have changed; what was linearized
   is out of date (weights.c). */
PetscErrorCode RowBlockWeigh(Residual residual, RowBlock *block);
/* Row numbers, tiles, weights and buffers after points have changed. */
PetscErrorCode ResidualLayout(Residual residual);
/* PETSC_ERR_USER_INPUT where ResidualMemoryMB is above limits.memory or the machine's. */
PetscErrorCode ResidualCheckMemory(Residual residual, Config config);
/* The estimator of a group of keys (estimator.c). */
PetscErrorCode EstimatorRead(Config config, const char *group, EstimatorChoice *choice);
void EstimatorExact(EstimatorChoice *choice);       /* `auto`: for rows that take several points each */
bool EstimatorDraws(const EstimatorChoice *choice); /* something new at every step */
/* What it wants replaced in a program; NULL stands for `auto`. */
JetReducer EstimatorReducer(const EstimatorChoice *choice, Network network);
/* PETSC_ERR_USER_INPUT where the estimator that was asked for serves no block. */
PetscErrorCode EstimatorCheck(Residual residual, Config config);
/* The draws of all blocks for an iteration: the same whatever was drawn before, and on all ranks. */
PetscErrorCode EstimatorDraw(Residual residual, PetscInt iteration, bool *drawn);
/* PETSC_ERR_SUP where the rows offer no more than loss and gradient (Rows.gradient_only). */
PetscErrorCode ResidualCheckRows(Residual residual);
/* Loss of the rows `last`, of all ranks; loss may be NULL. Collective. */
PetscErrorCode ResidualFinishLoss(Residual residual, double *loss);
/* The same from this rank's share of the loss. */
PetscErrorCode ResidualSetLoss(Residual residual, double local, double *loss);
/* gradients = 0; and the sum of the threads' shares in their order, then of the ranks', in the first of them.
   Collective.
     extra  [inout]  one more number to be summed over the ranks, or NULL */
PetscErrorCode ResidualZeroGradients(Residual residual);
PetscErrorCode ResidualSumGradients(Residual residual, double *extra);
/* Causal weights of the interior points (causal.c): creation from the case, the factor of a point's rows, new weights
   where it is time (*changed is set), and what a checkpoint holds of them, CausalNumbers values. Create, Update and Set
   are collective. */
PetscErrorCode CausalCreate(Residual residual, Config config, Domain domain);
PetscErrorCode CausalDestroy(Causal *causal);
bool CausalWeighs(const struct Causal_s *causal, const RowBlock *block); /* has it weights for these points yet? */
double CausalFactor(const struct Causal_s *causal, const double x[]);
PetscErrorCode CausalUpdate(Residual residual, const double theta[], PetscInt iteration, bool *changed);
size_t CausalNumbers(Residual residual);
void CausalGet(Residual residual, double values[]);
PetscErrorCode CausalSet(Residual residual, const double values[]);
/* Weights that balance the terms (balance.c), after the rows are laid out: creation from the case, their factor of a
   term's weight, those of the local rows (NULL = 1), new weights where it is time (*changed is set), and what a
   checkpoint holds of them, BalanceNumbers values; RowBlockWeigh is the caller's after Set. All but the factors and
   Numbers are collective. */
PetscErrorCode BalanceCreate(Residual residual, Config config);
PetscErrorCode BalanceDestroy(Balance *balance);
double BalanceFactor(const struct Balance_s *balance, int term);
const double *BalanceRows(const struct Balance_s *balance);
PetscErrorCode BalanceUpdate(Residual residual, Vec theta, PetscInt iteration, bool *changed);
size_t BalanceNumbers(Residual residual);
PetscErrorCode BalanceGet(Residual residual, double values[]);
PetscErrorCode BalanceSet(Residual residual, const double values[]);
/* Of the rows of each term as they are weighed, by the processor: the length of J^T r, and the trace of J J^T; norms,
   traces [out] [n_term]. Collective. Cost: an evaluation and a reverse sweep a term; all rows of J, some at a time. */
PetscErrorCode ResidualTermGradientNorms(Residual residual, Vec theta, double norms[]);
PetscErrorCode ResidualTermTraces(Residual residual, Vec theta, double traces[]);
/* Interior points that follow the residual (adapt.c): the case's keys, after those of resampling, and new points.
   Collective. */
PetscErrorCode ResidualReadAdapt(Residual residual, Config config);
PetscErrorCode ResidualAdapt(Residual residual, const double theta[], PetscInt iteration);

extern const RowsOps ResidualRowsOps;
