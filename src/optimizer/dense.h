/* The dense least-squares problem of one Jacobian,

       min | J d + r |^2 + lambda | D^{1/2} d |^2,    D = diag J^T J + evenness max diag J^T J,

   with the rows of J distributed over the ranks. J is kept as J D^{-1/2}, whose columns are not longer than one, so
   that lambda is dimensionless; below, J and d stand for the scaled ones. The problem is first reduced to a small
   square problem on rank 0, once a Jacobian, and then solved for as many dampings lambda as the caller wants to try.

     form    small problem     step
     tall    n_param square    d itself
     wide    n_row square      d = -J^T y,  (J J^T + lambda) y = r

     kind        tall                                          wide
     gram        J^T J, Cholesky; loses half the digits        J J^T
     triangle    R of [J r] = Q R, R merged with sqrt(lambda)  R of J^T = Q R, seminormal equations; these are as
                 and the right-hand side carried along         accurate as Q for minimum-norm problems (Paige 1973)
     singular    R = U S V^T                                   R = U S V^T

   Gram kinds do without rows of J: J^T J or J J^T, and all else that J is multiplied with, come from the Rows' own
   products; memory is then that of the small problem. On several ranks a Gram matrix without rows of J is no problem of
   rank 0: all ranks factor and solve it together, from GRAM_SYSTEM_LEAST unknowns on (gram_system.h).

   Tall triangles of several ranks are merged by a binomial tree (TSQR; Demmel, Grigori, Hoemmen, Langou 2012). */
#pragma once
#include <petscsys.h>
#include <petscblaslapack.h>
#include "gram_system.h"
#include "optimizer_impl.h"

typedef enum { DENSE_NONE, DENSE_GRAM, DENSE_TRIANGLE, DENSE_SINGULAR } DenseKind;

typedef struct {
  Rows rows;       /* borrowed */
  size_t begin, n; /* columns of J: parameters [begin, begin + n) */
  bool wide;
  bool gram_only; /* the caller never asks for another kind than gram: rows of J need not fit */
  PetscMPIInt rank, size;
  PetscBLASInt k, ld; /* order of the small problem; leading dimension of T, F and B, which is k + 1 */

  /* of the last DenseAssemble */
  Vec theta;         /* borrowed */
  bool has_rows;     /* J is there */
  bool has_normal;   /* T is J^T J of the local rows, unscaled */
  bool has_triangle; /* T is the triangle of [J r], scaled, which the rows have found themselves */
  double *J;         /* [n_row][n] local, row-major: column-major J^T; scaled */
  double *r;         /* [n_row] local */
  double *gradient;  /* [n] J^T r, on all ranks; scaled */
  double *scaling;   /* [n] D^{-1/2}, on all ranks */
  double loss;       /* 1/2 |r|^2 */

  /* of the last DenseReduce */
  DenseKind kind;
  bool shared; /* gram, solved by all ranks: `system` holds it, and the members down to work do not */
  bool has_r_all;
  double *copy;          /* factored copy of J, transposed where tall */
  double *J_all, *r_all; /* wide: all rows on rank 0; J and r themselves on one rank */
  double *T;             /* the small problem, upper triangle; U where singular */
  double *c;             /* [k] tall, singular: U^T Q^T r; wide: a right-hand side in row space */
  double *s;             /* singular values */
  double *F;             /* rank 0: its damped factor; V^T where singular */
  double *B;             /* what is merged into a triangle */
  double *work;          /* [max(n, k) + 1] */
  double *K;             /* without rows, on several ranks: [][k] local rows of J J^T; tall and shared: of J^T J */
  GramSystem system;
  Vec direction; /* without rows: what goes into products and comes out of them */
  FullVec full;
} * Dense;

/* Bytes this rank will hold at most, besides what the rows themselves keep. */
double DenseBytes(Dense dense);
/* Columns [begin, begin + n) of rows, borrowed: the optimizer's or scaled ones. Allocates at the first DenseAssemble,
   but checks now that it will fit, unless optimizer is NULL.
   Errors: PETSC_ERR_USER_INPUT, where the memory of the machine (or limits.memory) is too small. Collective. */
PetscErrorCode DenseCreate(Optimizer optimizer, Config config, Rows rows, size_t begin, size_t n, bool wide,
                           bool gram_only, Dense *dense);
PetscErrorCode DenseDestroy(Dense *dense);

/* J, r and what follows from them at theta, which must not change until the next time. gradient is not finite where J
   or r are not. Columns of zeros stay as they are with evenness 0; with INFINITY, D is the largest entry of diag J^T J.
   Without with_rows, which needs all parameters as columns, rows of J are not formed until a kind asks for them.
   Collective. */
PetscErrorCode DenseAssemble(Dense dense, Vec theta, double evenness, bool with_rows);
/* The small problem of this kind; at once where it is there already. Collective.
   Cost for m rows: gram m n^2 flops (wide m^2 n), triangle twice that, singular about 20 k^3 more. */
PetscErrorCode DenseReduce(Dense dense, DenseKind kind);
/* The damped factor of the small problem. ok = false, on all ranks: not positive definite to working precision.
   Collective. Cost: gram k^3 / 3, triangle 2 k^3 / 3 flops, singular nothing. */
PetscErrorCode DenseFactor(Dense dense, double lambda, bool *ok);
/* step [out] [n] on all ranks, scaled: DenseFactor and what follows for w = r. ok = false: not positive definite or not
   finite to working precision. Collective. */
PetscErrorCode DenseSolve(Dense dense, double lambda, double step[], bool *ok);
/* step = -(J^T J + lambda)^{-1} J^T w with the last factor, of this lambda.  w [in] [n_row] local. Collective.
   Cost: 4 k^2 flops. */
PetscErrorCode DenseSolveAgain(Dense dense, double lambda, const double w[], double step[], bool *ok);
/* J v for the local rows.  v [in] [n] scaled, Jv [out] [n_row]. Collective. */
PetscErrorCode DenseApply(Dense dense, const double v[], double Jv[]);
/* x = theta + factor * D^{-1/2} step. x may be theta. */
PetscErrorCode DenseShift(Dense dense, Vec x, Vec theta, double factor, const double step[]);

/* Between the files of this type.
     DenseTriangle  T of a tall problem = the triangle of [J r] = Q T, order n + 1, on rank 0. Collective.
     DenseGather    rows of `width` doubles of all ranks, to rank 0; nothing on one rank where all == local */
PetscErrorCode DenseTriangle(Dense dense);
/* Do the rows find that triangle themselves, without showing J? */
bool DenseTakesTriangle(Dense dense);
/* T of J's scaled columns from that of J. */
void DenseScaleTriangle(Dense dense);
PetscErrorCode DenseGather(Dense dense, PetscMPIInt width, const double local[], double all[]);
/* The rows of J, scaled by what the last DenseAssemble found. Collective. */
PetscErrorCode DenseFormRows(Dense dense);

/* Without rows of J (dense_products.c), all collective:
     Prepare    what the others need
     Linearize  r, loss, the unscaled gradient and diag J^T J [n]; where tall also T = J^T J of the local rows, unscaled
     Gram       T = the scaled J^T J or J J^T on rank 0
     Multiply   Jv [n_row] = J v, v [n] scaled
     Transpose  y [n] = J^T w on all ranks, scaled, w [n_row]
     Scatter    one number a row from rank 0: local [n_row] from all [n_row_global] */
PetscErrorCode DenseProductsPrepare(Dense dense);
PetscErrorCode DenseProductsLinearize(Dense dense, Vec theta, double diagonal[]);
PetscErrorCode DenseProductsGram(Dense dense);
PetscErrorCode DenseProductsMultiply(Dense dense, const double v[], double Jv[]);
PetscErrorCode DenseProductsTranspose(Dense dense, const double w[], double y[]);
PetscErrorCode DenseProductsScatter(Dense dense, const double all[], double local[]);
PetscErrorCode DenseProductsDestroy(Dense dense);

/* Gram matrices of all ranks (dense_shared.c), all collective but IsShared:
     IsShared  is the problem large enough, and are there ranks to share it?
     Reduce    K = the local rows of the scaled J^T J or J J^T
     Factor    of K + lambda
     Solve     step [n] on all ranks; right-hand side: wide w [n_row] local, tall b [n] = J^T w on all ranks */
bool DenseIsShared(Dense dense);
PetscErrorCode DenseSharedReduce(Dense dense);
PetscErrorCode DenseSharedFactor(Dense dense, double lambda, bool *ok);
PetscErrorCode DenseSharedSolve(Dense dense, const double w[], const double b[], double step[], bool *ok);
PetscErrorCode DenseSharedDestroy(Dense dense);
