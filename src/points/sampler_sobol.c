#include "sequence.h"

static PetscErrorCode sobol_draw(const Draw *draw, double unit[])
{
  PetscFunctionBegin;
  PetscCall(SequenceDraw(gsl_qrng_sobol, draw, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Sobol = {.max_dim = 40, .max_count = 1 << 30, .draw = sobol_draw};
