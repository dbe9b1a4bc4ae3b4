/* The largest singular values of J at one theta, with their right singular vectors. */
#pragma once
#include <stdint.h>
#include <petscksp.h>
#include "pinn/rows.h"

typedef struct {
  PetscInt most;   /* steps of the bidiagonalization */
  PetscInt n;      /* steps done; fewer where that is all, the last value then zero */
  double *values;  /* [most] Ritz values, falling; the first are singular values of J S */
  Vec *v;          /* [most + 1] orthonormal start of the space of parameters */
  double *vectors; /* [most][most] right singular vectors in the first n of v: row k holds those of values[k] */
  double *alpha, *beta, *work;
  Vec *u, Jv, scaled; /* [most] orthonormal start of the space of rows */
} Spectrum;

/* steps are at most the rows and the parameters. Collective. */
PetscErrorCode SpectrumCreate(Rows rows, PetscInt steps, Spectrum *spectrum);
PetscErrorCode SpectrumDestroy(Spectrum *spectrum);
/* `n` steps of Golub-Kahan bidiagonalization of J S from a random vector that depends on `seed` and `draw`.
     scaling  [in]  S = diag(scaling), a Vec like theta; NULL = 1
   Collective. Cost: a J v and a J^T w a step, and 4 n^2 (n_row + n_param) multiply-adds. */
PetscErrorCode SpectrumFind(Rows rows, Vec theta, Vec scaling, uint32_t seed, uint32_t draw, Spectrum *spectrum);
/* x = the k-th right singular vector, of length one. Collective. */
PetscErrorCode SpectrumVector(const Spectrum *spectrum, PetscInt k, Vec x);
/* A random vector of length one, the same on any number of ranks. Collective. */
PetscErrorCode SpectrumStart(uint32_t seed, uint32_t draw, Vec x);
/* Eigenvalues of M^{-1/2} A M^{-1/2}, A symmetric and positive definite and M^{-1} what pc, which is set up, applies:
   Ritz values of `steps` steps of Lanczos' method from such a vector; see OptimizerPreconditionedValues. */
PetscErrorCode SpectrumPreconditioned(Mat A, PC pc, PetscInt steps, uint32_t seed, double values[], PetscInt *n);
