/* Damped Gauss-Newton systems (J^T J + lambda) x = b as PETSc matrices, and preconditioners for them as PETSc PC types.

   The types of PrecondTable are registered with PCRegister and used like PETSc's own: -pc_type, -pc_view, prefixes,
   inside PCCOMPOSITE. They need a matrix of GaussNewtonCreate() as (P)mat; all are symmetric and positive definite.

   Vectors are laid out by VecCreateMPI(comm, PETSC_DECIDE, n_param), as theta is. All functions are collective. */
#pragma once
#include <petscksp.h>
#include "pinn/choice.h"
#include "pinn/rows.h"

/* Registers the types, once; GaussNewtonCreate does it too. */
PetscErrorCode PrecondRegisterAll(void);

/* What a matrix stands for; read by preconditioners. */
typedef struct {
  Rows rows;           /* borrowed */
  Vec theta;           /* where J is taken; rows are linearized there */
  double lambda;       /* damping, not negative */
  const double *r;     /* [n_row] local rows at theta */
  double loss;         /* 1/2 |r|^2 of all ranks */
  PetscInt point;      /* how often GaussNewtonSetPoint was called */
  PetscInt generation; /* how often with `fresh` */
  double products;     /* whole: multiplications so far, each one J v and one J^T w */
} GaussNewtonSystem;

/* A MATSHELL v -> J^T (J v) + lambda v with its diagonal. rows is borrowed and must outlive it. */
PetscErrorCode GaussNewtonCreate(Rows rows, Mat *A);
/* Linearizes the rows at theta, which is copied. What preconditioners hold of J may be of an earlier theta unless
   `fresh` (the first time it is): so a caller spreads the cost of factors over many points.
   Cost: one forward sweep and one reverse sweep a term, after which products need none. */
PetscErrorCode GaussNewtonSetPoint(Mat A, Vec theta, bool fresh);
PetscErrorCode GaussNewtonSetDamping(Mat A, double lambda);
/* Borrowed, of the current point. PETSC_ERR_USER_INPUT where A is any other matrix. */
PetscErrorCode GaussNewtonGetSystem(Mat A, const GaussNewtonSystem **system);

/* Settings of preconditioners that have them; of others they change nothing. Before PCSetUp.
     Rank  random vectors of `nystrom` at most, eigenpairs of `deflated`; options -pc_nystrom_rank, -pc_deflated_rank
     Seed  of random vectors
     Tolerance  how close to the largest decrease of the model the solves of `auto` shall come: 1e-2 unless set */
PetscErrorCode PrecondSetRank(PC pc, PetscInt rank);
PetscErrorCode PrecondSetSeed(PC pc, PetscInt seed);
PetscErrorCode PrecondSetTolerance(PC pc, double tolerance);
/* What `deflated` does outside its eigenpairs: a type of PrecondTable or of PETSc; default: none. Options:
   -inner_pc_type; rank as above. PETSC_ERR_USER_INPUT for an unknown one. */
PetscErrorCode PrecondDeflatedSetInner(PC pc, const char *type, PetscInt rank);
/* Does the type of this name have a rank? Cannot fail. */
bool PrecondHasRank(const char *type);
/* Does it keep factors over points that are not `fresh`? Cannot fail. */
bool PrecondHasFactors(const char *type);
/* What the type will take of this rank's memory with this rank (0: its default), where that is more than some vectors;
   0 for other types; INFINITY where a layer is too wide for its Kronecker factors. Collective where layers are shared
   out; cannot fail. */
double PrecondBytes(Rows rows, const char *type, PetscInt rank);
/* What `auto` has chosen, a row of PrecondTable, or -1 as long as it has not; and the choice made for it, before
   PCSetUp, so that a resumed run does not choose again. Of other types: -1, and nothing. */
PetscErrorCode PrecondGetChoice(PC pc, PetscInt *choice);
PetscErrorCode PrecondSetChoice(PC pc, PetscInt choice);
