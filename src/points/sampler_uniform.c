#include "points_impl.h"

#define RUN 4096 /* numbers of a call */

static PetscErrorCode uniform_draw(const Draw *draw, double unit[])
{
  const uint64_t start = (uint64_t)draw->first * (uint64_t)draw->dim;
  const size_t n = (size_t)draw->n * (size_t)draw->dim;

  PetscFunctionBegin;
#pragma omp parallel for schedule(static) if (n > 65536)
  for (size_t i = 0; i < n; i += RUN) RandomUniforms(draw->key, start + i, PetscMin(RUN, n - i), unit + i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SamplerOps SamplerOps_Uniform = {.draw = uniform_draw};
