/* Random maps to few rows and columns that keep lengths in subspaces of small dimension (Woodruff 2014). Rows by a
   count sketch: row i is added, with a random sign, to one of `rows` buckets (Clarkson and Woodruff 2013). Columns by a
   subsampled randomized Hadamard transform (Tropp 2011),

     Q = R H D,  D random signs, H the orthonormal Hadamard matrix of order N = 2^p, zero-padded, R a random choice of
     `columns` of its N rows: orthonormal rows in the padded space, so that |Q^T y| <= |y|.

   Where nothing would be saved, both are the identity. All is keyed by what is drawn, not by when or where. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pinn/rows.h"

typedef struct {
  uint32_t seed, draw;
  size_t rows; /* of the sketch */
  size_t n, columns;
  size_t order;   /* N, where columns < n */
  size_t *picked; /* [columns] rows of H */
  double *signs;  /* [n] D / sqrt(N) */
  bool every_row; /* row i of the sketch is row i */
  bool every_column;
} SketchMap;

/* A new draw; rows and columns are cut to all_rows and n. Owned by the caller, who zeroes it before the first. */
PetscErrorCode SketchDraw(uint32_t seed, uint32_t draw, size_t all_rows, size_t rows, size_t n, size_t columns,
                          SketchMap *sketch);
PetscErrorCode SketchDestroy(SketchMap *sketch);
/* bucket and sign [n_row] of the rows with these numbers. Cannot fail. */
void SketchRows(const SketchMap *sketch, size_t n_row, const PetscInt64 numbers[], size_t bucket[], double sign[]);
/* out [rows][ld] += S A for `count` columns of A [n_row][ld_A]. Cannot fail. */
void SketchAddRows(size_t n_row, const size_t bucket[], const double sign[], size_t count, const double A[],
                   size_t ld_A, double out[], size_t ld);
/* S J [rows][n] and S r [rows] on rank 0, of all ranks' rows. Whole layers of J are held at a time, as many as have
   `entries` numbers, at least one: SketchWidth columns at most. Collective. Cost: a pass of `jacobian` a chunk. */
PetscErrorCode SketchJacobian(const SketchMap *sketch, Rows rows, Vec theta, size_t entries, double SJ[], double Sr[]);
size_t SketchWidth(Rows rows, size_t sketch_rows, size_t entries); /* Cannot fail. */
/* y [columns] = Q x, x [n]; and x = Q^T y. work [order] of the caller. Cannot fail. Cost: N log2 N additions. */
void SketchColumns(const SketchMap *sketch, const double x[], double y[], double work[]);
void SketchExpand(const SketchMap *sketch, const double y[], double x[], double work[]);
