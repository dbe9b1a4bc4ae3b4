/* Damped Gauss-Newton systems by Krylov methods, stopped by the decrease of the quadratic model. */
#pragma once
#include "optimizer_impl.h"
#include "pinn/precond.h"

typedef struct {
  Mat A;    /* J^T J + lambda */
  Mat J;    /* [J; sqrt(lambda)], for methods of least squares; NULL for others */
  KSP ksp;  /* options prefix krylov_ */
  Vec tall; /* right-hand side of J */
  double tolerance, base;
  double *model;             /* [most + 1] decrease of the model after each iteration */
  PetscInt most, iterations; /* at most, and of the last solve */
  Vec right;
  bool settled;      /* the last solve ended because the model did not decrease any more */
  bool chooses;      /* the preconditioner is one that does, PrecondGetChoice() */
  PetscBool squares; /* a method of least squares: it sees J */
} * Krylov;

/* Reads krylov, precond, rank, deflate, model_tolerance and inner_iterations of the stage; rows, the
   optimizer's or scaled ones, are borrowed. Collective.
   Errors: PETSC_ERR_USER_INPUT, also for unknown names in options. */
PetscErrorCode KrylovCreate(Optimizer optimizer, Config config, Rows rows, Krylov *krylov);
PetscErrorCode KrylovDestroy(Krylov *krylov);
/* The preconditioner for the point and the damping of A; a solve does it too. Collective. */
PetscErrorCode KrylovSetUp(Krylov krylov);
/* x [out] about (J^T J + lambda)^{-1} right; with w [n_row] such that right = J^T w + lambda v, v may be NULL. It ends
   when the decrease of the model in the last third of the iterations is below tolerance times (all of it + base); for
   methods whose residual is orthogonal to x, cg and lsqr among them, that decrease is right . x / 2. ok = false: what
   came out is no number. */
PetscErrorCode KrylovSolve(Krylov krylov, Vec right, const double w[], Vec v, double base, Vec x, bool *ok);
/* The part of |r|^2 that steps at A's point can take away, rho: what the model decreases by a solve with next to no
   damping. It is never more than the true one, and within about a hundredth of it where the solve has settled; NAN
   where that has not and too little was found to tell. A has its damping again afterwards.
     gradient  J^T r;  x  for work, like theta
   Collective. Cost: a solve of some more iterations than a step's, and J v. */
PetscErrorCode KrylovReach(Krylov krylov, Vec gradient, Vec x, double *rho);
