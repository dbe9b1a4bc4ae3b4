/* The only thing an optimizer sees: rows r(theta) with loss = 1/2 |r|^2, and products with their Jacobian J.

   theta, gradients and directions are Vecs of n_param entries, laid out by PETSc over the ranks of comm; rows are local
   arrays of the rank that owns their points. All functions are collective on comm and return 0 also where values are
   NaN or Inf: the caller looks at the numbers. */
#pragma once
#include <petscvec.h>
#include <stdbool.h>
#include "pinn/error.h"

typedef struct Rows_s *Rows;

typedef struct {
  /* r [n_row] (may be NULL) and loss */
  PetscErrorCode (*evaluate)(void *self, Vec theta, double r[], double *loss);
  /* loss and its gradient J^T r in one sweep */
  PetscErrorCode (*gradient)(void *self, Vec theta, double *loss, Vec gradient);
  /* Jv [n_row] */
  PetscErrorCode (*apply)(void *self, Vec theta, Vec v, double Jv[]);
  /* y = J^T w, w [n_row] */
  PetscErrorCode (*apply_transpose)(void *self, Vec theta, const double w[], Vec y);
  /* r [n_row] and the columns [begin, begin + count) of the local rows of J, row-major [n_row][ld] */
  PetscErrorCode (*jacobian)(void *self, Vec theta, size_t begin, size_t count, double r[], double J[], size_t ld);
  /* optional: new points before iteration `iteration`, if it is time; *changed tells whether rows changed */
  PetscErrorCode (*update)(void *self, Vec theta, PetscInt iteration, bool *changed);
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
  size_t last_begin;  /* where the last layer's parameters begin; they are the tail of theta */
  bool linear;        /* r is affine in the last layer's parameters */
  bool search_scales; /* the case asks a least-squares stage for a search */
};
