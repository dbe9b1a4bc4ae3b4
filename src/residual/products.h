/* What products of J with itself share, whatever the rows are. */
#pragma once
#include "pinn/rows.h"

/* Rows of all ranks, rank by rank: those of rank k are [start[k], start[k + 1]). */
typedef struct {
  PetscMPIInt rank, size;
  PetscMPIInt *start; /* [size + 1] */
} RowsPlaces;

PetscErrorCode RowsPlacesCreate(Rows rows, RowsPlaces *places);
PetscErrorCode RowsPlacesDestroy(RowsPlaces *places);

/* K [m][ld] += A B^T, A [m][k], B [n][k]; where A is B, the lower triangle. By all threads of BLAS. */
PetscErrorCode ProductsAddGram(size_t m, size_t n, size_t k, const double A[], const double B[], double K[], size_t ld);
/* N [n][ld] += J^T J, lower triangle, and b += J^T r, J [m][n]. */
PetscErrorCode ProductsAddNormal(size_t m, size_t n, const double J[], const double r[], double N[], size_t ld,
                                 double b[]);
/* The upper triangle of K [n][ld] from the lower one. */
void ProductsMirror(size_t n, double K[], size_t ld);
/* RowsOps.gram by `jacobian`, columns [begin[k], begin[k + 1]) at a time. Memory: n_row times the widest part, twice
   on several ranks. */
PetscErrorCode ProductsGramByColumns(Rows rows, Vec theta, const double scaling[], int n_part, const size_t begin[],
                                     double K[], size_t ld);
