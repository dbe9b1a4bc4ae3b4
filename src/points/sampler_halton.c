#include "sequence.h"

/* The reverse Halton sequence (Vandewoestyne, Cools 2006): its digit permutation breaks the lines that large primes
   draw in the plain sequence. */
static PetscErrorCode halton_draw(const Draw *draw, double unit[])
{
  PetscFunctionBegin;
  PetscCall(SequenceDraw(gsl_qrng_reversehalton, draw, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Halton = {.max_dim = 1229, .draw = halton_draw};
