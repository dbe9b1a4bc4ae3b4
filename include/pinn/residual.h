/* The rows of a problem at its points, r_n = sqrt(w_e / |X_e|) R_e(x_n), and their derivatives by theta; and probes,
   which evaluate any expressions of the fields anywhere. Threads share tiles of points; every sum is taken in a fixed
   order. */
#pragma once
#include "pinn/network.h"
#include "pinn/points.h"
#include "pinn/problem.h"
#include "pinn/rows.h"

/* Evaluates expression nodes of a problem at points, with one program and one sweep a thread.
     reducer  of coordinates, as for programs; NULL = they stay */
typedef struct Probe_s *Probe;
PetscErrorCode ProbeCreate(Problem problem, Network network, int n_root, const FormulaNode roots[],
                           const JetReducer *reducer, Probe *probe);
PetscErrorCode ProbeDestroy(Probe *probe);
JetPlan ProbePlan(Probe probe);                    /* borrowed */
double ProbeDoubles(Probe probe, Network network); /* its size, for estimates; network: that of its creation */
/* values [out] [n_root][n]; theta [in] [n_param] in full; normal may be NULL where no root uses it. Not collective. */
PetscErrorCode ProbeEvaluate(Probe probe, const double theta[], int n, const double x[], const double normal[],
                             double values[]);
/* The same with the network's outputs constant: outputs [in] [n_field]. Roots whose program carries other columns of
   the network than the value see zeros there. */
PetscErrorCode ProbeEvaluateConstant(Probe probe, const double outputs[], int n, const double x[], double values[]);
/* Are the roots affine in the network's outputs, without their derivatives? */
bool ProbeIsAffine(Probe probe);

typedef struct Residual_s *Residual;

/* Draws the case's points and prepares all blocks. problem, domain and network are borrowed. Collective.
   Errors: PETSC_ERR_USER_INPUT for conditions that select no points, normals asked for where there are none, an
   estimate of memory above limits.memory. */
PetscErrorCode ResidualCreate(MPI_Comm comm, Config config, Problem problem, Domain domain, Network network,
                              Residual *residual);
PetscErrorCode ResidualDestroy(Residual *residual);
Rows ResidualRows(Residual residual); /* borrowed */
/* From now on its rows, and their products with J, are computed on a device: points and what does not depend on theta
   are kept there, an evaluation takes theta in and rows or a gradient out. What is reported stays with the processor.
   Errors: PETSC_ERR_USER_INPUT in one sentence for what a device does not do, PETSC_ERR_MEM. Collective. */
PetscErrorCode ResidualSetDevice(Residual residual, const Device *device);
double ResidualDeviceMB(Residual residual); /* that it has there, 0 without */

/* Fields over an interval of time that was cut into slabs, each with a network of its own. */
typedef struct {
  double end;      /* its last time; it owns the times after the end of the slab before */
  Network network; /* borrowed */
  double *theta;   /* [n_param] in full; NULL = not trained */
} Slab;
typedef struct {
  int n, t; /* slabs, and the coordinate of time; n = 1 without slabs: t is not looked at */
  Slab *slab;
} Slabs;
int SlabsOwner(const Slabs *slabs, const double x[]); /* the slab of a point */
/* Values of expressions by the networks of the slabs: values [out] [n_root][n], NaN where a slab is not trained. Not
   collective. */
PetscErrorCode SlabsEvaluate(Problem problem, const Slabs *slabs, int n_root, const FormulaNode roots[], int n,
                             const double x[], double values[]);
/* Adds the conditions with which a slab goes on from the one before: no jump of any field and of its time derivatives
   below the highest one in the equations, with the weight and the points of the initial condition on that derivative,
   or time.weight. domain: of the whole interval. Errors: no equation has a derivative by t. */
PetscErrorCode SlabsAddJumps(Config config, Problem problem, Domain domain);
/* The trained slab before this one, for its jumps; theta [in] [n_param] in full, copied. network is borrowed as long as
   the residual is there. Collective. */
PetscErrorCode ResidualSetPast(Residual residual, Network network, const double theta[]);

/* Terms (equations, then conditions), in the order of tables and histories. */
int ResidualTerms(Residual residual);
const char *ResidualTermName(Residual residual, int term);
/* Is what is reported of the term estimated, too, because exact derivatives would need more memory than reports may
   take? */
bool ResidualTermEstimated(Residual residual, int term);

/* Root mean square and maximum of |R_e| (without weights), by term, of the training points or of fresh held-out points
   that no stage has seen.  rms, max [out] [n_term]; max may be NULL. Collective. */
PetscErrorCode ResidualStatistics(Residual residual, Vec theta, bool heldout, double rms[], double max[]);
/* The training RMS alone, for every iteration's line: free where the rows last evaluated had this loss, else one
   evaluation at theta.  rms [out] [n_term]. Collective. */
PetscErrorCode ResidualTermRMS(Residual residual, Vec theta, double loss, double rms[]);
/* J^T r of the rows of each term alone; their sum is the gradient of the loss.  gradients [out] [n_term] like theta.
   Collective. Cost: an evaluation and a reverse sweep a term. */
PetscErrorCode ResidualTermGradients(Residual residual, Vec theta, Vec gradients[]);
/* Do the rows keep what products at theta need (RowsOps.linearize)? Collective. And an end to that, whatever theta:
   products are swept for again. */
PetscErrorCode ResidualLinearized(Residual residual, Vec theta, bool *linearized);
void ResidualForgetLinearization(Residual residual);
/* Rows evaluated by this rank so far (a row with its derivative counts once), for rows/s. */
double ResidualRowsEvaluated(Residual residual);

/* Points and weights that depend on the past (resampled or adapted ones), for checkpoints: values [*n], the same on all
   ranks, freed by the caller; *n = 0 where all follow from the case alone. Setting them draws and places the points
   again and takes what Get gave (PETSC_ERR_USER_INPUT where n does not fit). Collective. */
PetscErrorCode ResidualGetPoints(Residual residual, size_t *n, double **values);
PetscErrorCode ResidualSetPoints(Residual residual, size_t n, const double values[]);

/* The epsilon of causal weights (points.interior.causal) and the smallest weight of an interior point, NaN before the
   first step; false where there are none. */
bool ResidualCausal(Residual residual, double *epsilon, double *least);

/* Factors by which balance.type has changed the weights of the terms, [n_term], borrowed; of self-adaptive the means
   over their rows. NULL where the weights are those of the case. And what a person wants to know of it, empty then. */
const double *ResidualWeights(Residual residual);
void ResidualDescribeBalance(Residual residual, char *text, size_t size);

/* Where NaN or Inf is at theta: "equation 'burgers' at (x, t) = (0.5, 0): log(u - 1), where its argument is -0.3";
   empty where all rows are finite. Collective, same text on all ranks. */
PetscErrorCode ResidualExplain(Residual residual, Vec theta, char *text, size_t size);

/* What a person wants to know beforehand (--check and the header): "interior: 4096 points, 1 equation, columns 1, x,
   ..." one line a block. Rank 0's view of all ranks; text owned by residual. */
const char *ResidualDescribe(Residual residual);
double ResidualSweepFlops(Residual residual); /* of one forward sweep over all points of all ranks */
double ResidualMemoryMB(Residual residual);   /* estimated, this rank, without the optimizer */
double ResidualHeldoutMB(Residual residual);  /* the same of held-out points while they are looked at */
double ResidualProcessMB(Residual residual);  /* measured: the program, libraries, formulas before any of that */
/* What RowsOps.linearize keeps on this rank, where limits.memory allows that (once more in products of two ranks). */
double ResidualLinearizationMB(Residual residual);

/* A Vec for theta (owned by the caller); all of theta on every rank, values [out] [n_param]; and the way back.
   Collective. */
PetscErrorCode ResidualCreateTheta(Residual residual, Vec *theta);
PetscErrorCode ResidualGatherTheta(Residual residual, Vec theta, double values[]);
/* The same without a copy on one rank: borrowed until it is returned, before anything else is gathered. Collective. */
PetscErrorCode ResidualBorrowTheta(Residual residual, Vec theta, const double **values);
PetscErrorCode ResidualReturnTheta(Residual residual, Vec theta, const double **values);
PetscErrorCode ResidualScatterTheta(Residual residual, const double values[], Vec theta);
