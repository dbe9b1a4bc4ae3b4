/* Solver stages: each entry of the case's `solver` list is one Optimizer that improves theta by what it sees of Rows.
   */
#pragma once
#include <stdint.h>
#include "pinn/config.h"
#include "pinn/rows.h"
#include "pinn/vector.h"

typedef struct Optimizer_s *Optimizer;

typedef enum {
  OPTIMIZER_RUNNING = 0,
  OPTIMIZER_CONVERGED,  /* tolerance reached, or the exact minimizer of a linear problem found */
  OPTIMIZER_STALLED,    /* no step decreases the loss any more (rounding level or lack of capacity) */
  OPTIMIZER_ITERATIONS, /* all iterations done */
  OPTIMIZER_STOPPED,    /* the monitor asked for it: signal, time limit */
  OPTIMIZER_DIVERGED    /* NaN or Inf in loss or gradient; theta is the last point where both were finite */
} OptimizerReason;

const char *OptimizerReasonText(OptimizerReason reason); /* "converged: the loss is below the tolerance" */

/* What some stages tell of themselves, each a column of the table and of the history. */
typedef enum {
  MEASURE_REACH, /* rho = |P_range(J) r|^2 / |r|^2, the part of the residual that steps can take away */
  MEASURE_INNER, /* Krylov iterations of the last step */
  MEASURE_DENSE, /* iterations of this stage so far whose step came from a dense factor, not from a Krylov method */
  N_MEASURE
} OptimizerMeasure;

/* "rho", "inner", "dense" */
const char *OptimizerMeasureName(OptimizerMeasure measure);

typedef struct {
  const char *stage; /* "gauss-newton" */
  int stage_index;
  int slab;    /* of time, from 1; 0 = there are none. Set by who knows, as is what follows. */
  bool causal; /* interior points have causal weights */
  double epsilon, least_weight;
  const double *weights;    /* [terms] factors of their weights; NULL = 1 */
  PetscInt iteration;       /* of this stage, 0 = before the first step */
  PetscInt iterations;      /* asked for */
  double loss;              /* 1/2 |r|^2 */
  const char *control_name; /* what the column shows: "rate", "step", "damping", "rank", "scale" */
  double control;
  double gradient_norm;       /* NaN where the method has none at hand */
  bool has[N_MEASURE];        /* does the stage tell it? */
  double measures[N_MEASURE]; /* NaN where not known yet */
  bool chooses;               /* does the stage choose a part of itself? */
  const char *choice;         /* "nystrom"; NULL where it has not yet */
} Progress;

/* At a lower reach than this more iterations are of no use. */
#define OPTIMIZER_LEAST_REACH 1e-3

/* Called after every iteration (and once before the first) with the current theta. *stop ends the stage with
   OPTIMIZER_STOPPED after this iteration. The state (OptimizerGetState) and theta are then those of this iteration: a
   checkpoint may be taken. Not called again for the iteration at which a stage is resumed. Collective: every rank gets
   the same answer. */
typedef PetscErrorCode (*OptimizerMonitorFn)(Optimizer optimizer, const Progress *progress, Vec theta, void *context,
                                             bool *stop);

/* The stage solver[index]. rows is borrowed. Collective on rows->comm.
   Errors: PETSC_ERR_USER_INPUT for an unknown method, or where a dense Jacobian does not fit in memory. */
PetscErrorCode OptimizerCreate(Config config, int index, Rows rows, Optimizer *optimizer);
PetscErrorCode OptimizerDestroy(Optimizer *optimizer);
/* MEASURE_REACH as it is now; NaN where the stage does not tell it. Cannot fail. */
double OptimizerReach(Optimizer optimizer);
/* What the stage's matrices will take of this rank's memory; they are allocated by OptimizerSolve. Cannot fail. */
double OptimizerMemoryMB(Optimizer optimizer);
PetscErrorCode OptimizerSetMonitor(Optimizer optimizer, OptimizerMonitorFn monitor, void *context);
/* Runs the stage from its current iteration. Before rows are evaluated at iteration k, and so again at the start of a
   resumed run, rows->ops->update is called with k, the number of steps done. On return theta is the best point reached
   by an accepted step; it has the layout of VecCreateMPI(comm, PETSC_DECIDE, n_param). */
PetscErrorCode OptimizerSolve(Optimizer optimizer, Vec theta, OptimizerReason *reason);

/* The largest singular values of J at theta, or, `scaled`, of J with its columns scaled to length one, which is what
   the steps of gauss-newton see: Ritz values of `steps` steps of bidiagonalization, falling; they bound the true ones
   from below.
     values  [out] [steps], of which *n are set
   Collective. Cost: J v and J^T w a step; scaled, diag J^T J before. */
PetscErrorCode OptimizerSingularValues(Rows rows, Vec theta, bool scaled, PetscInt steps, uint32_t seed,
                                       double values[], PetscInt *n);

/* Eigenvalues of P^{-1/2} (J^T J + damping) P^{-1/2} at theta as gauss-newton-krylov sees them: J in its scaled
   parameters, P the preconditioner of this name with its defaults. Ritz values of `steps` steps of Lanczos' method,
   falling: the first and the last bound the largest and the smallest from inside, so that their ratio is a condition
   number at least that small; all of them are exact where steps reach the parameters.
     values  [out] [steps], of which *n are set
   Collective. Cost: the preconditioner, and a product J^T (J v) and an application of it a step.
   Errors: PETSC_ERR_USER_INPUT where the rows do not have what the preconditioner needs. */
PetscErrorCode OptimizerPreconditionedValues(Rows rows, Vec theta, const char *precond, double damping, PetscInt steps,
                                             uint32_t seed, double values[], PetscInt *n);

/* Standard deviations of the last n_last parameters: the roots of the diagonal of sigma^2 (J^T J)^{-1}, where sigma^2 =
   |r|^2 / (rows - rank) takes what is left of all rows for noise. Infinite where the rows do not determine a parameter.
     deviation  [out]  [n_last], NAN with more than OPTIMIZER_UNCERTAINTY parameters, rows without a Jacobian, or one
                          that the memory (limits.memory) cannot hold
   Collective. Cost: J by rows, its triangle and n_last solves with that. */
#define OPTIMIZER_UNCERTAINTY 5000
PetscErrorCode OptimizerUncertainty(Config config, Rows rows, Vec theta, int n_last, double deviation[]);

/* Everything besides theta that the stage needs to go on where it is, as named arrays of doubles (an integer up to 2^53
   is kept exactly). Arrays laid out like theta are gathered by the caller.
     OptimizerGetState   entries are borrowed; valid until the next step. The iteration is one of them. Collective.
     OptimizerSetState   after Create, before Solve: gives back what a checkpoint held, every entry with its n as
                         `values` or `single` (those that were Vecs too), in full on all ranks. Unknown or missing names
                         or lengths are PETSC_ERR_USER_INPUT ("the checkpoint is of another stage"). */
typedef struct {
  const char *name;
  size_t n;       /* entries of values; ignored for vec */
  double *values; /* the same on all ranks; NULL where vec is set */
  bool owned;     /* values are on rank `owner` alone, NULL elsewhere */
  int owner;
  Vec vec;               /* laid out like theta; NULL where values is set */
  float *single;         /* or this rank's part of numbers laid out like theta */
  VectorSingle *numbers; /* of a stage: where `single` is copied from and to; NULL in what a checkpoint held */
} StateEntry;
PetscErrorCode OptimizerGetState(Optimizer optimizer, int *n, const StateEntry **entries);
PetscErrorCode OptimizerSetState(Optimizer optimizer, int n, const StateEntry entries[]);
