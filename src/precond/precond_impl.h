/* A preconditioner type is one PrecondOps in one file and one row of PrecondTable; precond.c is its face to PETSc. */
#pragma once
#include "pinn/precond.h"

typedef struct Precond_s *Precond;

/* Time of the clock and of the processor. */
typedef struct {
  double wall, busy;
} Stopwatch;
Stopwatch StopwatchStart(void);
/* Seconds since then, of the clock or of the processor, whichever is less: what other programs take of a busy machine
   does not count. The slowest rank's. Collective. */
PetscErrorCode StopwatchRead(Stopwatch began, MPI_Comm comm, double *seconds);

typedef struct {
  /* allocates p->data and sets its defaults */
  PetscErrorCode (*create)(Precond p);
  PetscErrorCode (*destroy)(Precond p);
  /* optional: options of its own, between PetscOptionsHeadBegin and -End */
  PetscErrorCode (*options)(Precond p, PetscOptionItems *items);
  /* optional: what is kept over several points, from J at p->theta alone: two builds at one theta give the same bits */
  PetscErrorCode (*build)(Precond p);
  /* optional: what follows every point; after a build too */
  PetscErrorCode (*update)(Precond p);
  /* optional: what depends on p->lambda; after both of the above too */
  PetscErrorCode (*damp)(Precond p);
  /* y = M^{-1} x, M symmetric and positive definite; x and y differ */
  PetscErrorCode (*apply)(Precond p, Vec x, Vec y);
  bool has_rank;    /* uses p->rank */
  bool has_factors; /* keeps something over several points */
  /* optional: how many doubles this rank holds at most, INFINITY where it cannot serve these rows; cannot fail */
  double (*numbers)(Rows rows, PetscInt rank);
  /* optional: flops of a set-up at least, where a product J^T (J v) takes `product`; cannot fail */
  double (*least)(Rows rows, double product);
  /* optional: a line or two on what is in it */
  PetscErrorCode (*view)(Precond p, PetscViewer viewer);
} PrecondOps;

struct Precond_s {
  const PrecondOps *ops;
  const char *name; /* the row's */
  void *data;       /* of the type */
  PC pc;            /* borrowed: prefix and communicator for what is inside */

  const GaussNewtonSystem *system; /* borrowed; set before build, update and damp, and for apply */
  Rows rows;                       /* its parts */
  Vec theta;
  double lambda;

  PetscInt generation, point; /* of the last build and update; -1 = none */
  double damped;              /* lambda of the last damp; negative = none */
  PetscInt rank;              /* what PrecondSetRank said; 0 = the type's default */
  PetscInt seed;              /* of random vectors */
  FullVec full;               /* of vectors like theta */

  double
      limit; /* seconds that a set-up may take; 0 = any. Where it took more, it is left as it was then, and `over`. */
  bool over;
  Stopwatch began;
  double tolerance; /* of `auto`: how close to the largest decrease of the model; 0 = its default */
};

/* What is behind a PC; NULL where it is of another type. */
PetscErrorCode PrecondGet(PC pc, Precond *p);
/* The inner preconditioner of a type that has one: options prefix + "inner_", the same matrix and seed. */
PetscErrorCode PrecondCreateInner(Precond p, const char *type, PetscInt rank, PC *inner);

/* Has the set-up that goes on taken longer than it may? Asked between its parts, which then end. Collective. */
PetscErrorCode PrecondIsOver(Precond p, bool *over);

extern const PrecondOps PrecondOps_Auto;
extern const PrecondOps PrecondOps_Diagonal;
extern const PrecondOps PrecondOps_Layerwise;
extern const PrecondOps PrecondOps_Nystrom;
extern const PrecondOps PrecondOps_Operator;
extern const PrecondOps PrecondOps_Deflated;
extern const PrecondOps PrecondOps_KFAC;
extern const PrecondOps PrecondOps_EKFAC;
extern const PrecondOps PrecondOps_Shampoo;
