/* Low-discrepancy sequences of GSL behind a random shift modulo 1 (Cranley, Patterson 1976) that is the same for all
   points. GSL leaves out the sequences' first point, the origin: it is put back, as only with it are the first 2^k
   Sobol points a net, and the shift takes it off the corner. */
#include "sequence.h"

/* Moves a point of [0, 1) by shift in (0, 1), around the end; rounding must not leave it at 0. */
static double move(double unit, double shift)
{
  const double moved = unit + shift;
  return fmax(moved < 1 ? moved : moved - 1, 0x1p-53);
}

PetscErrorCode SequenceDraw(const gsl_qrng_type *type, const Draw *draw, double unit[])
{
  double *skipped, *shift;
  int failed = 0;

  PetscFunctionBegin;
  gsl_qrng *sequence = gsl_qrng_alloc(type, (unsigned)draw->dim);
  PetscCheck(sequence, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a low-discrepancy sequence");
  PetscCall(PetscMalloc2(draw->dim, &skipped, draw->dim, &shift));
  for (int c = 0; c < draw->dim; c++) shift[c] = RandomUniform(draw->key, (uint64_t)c);
  for (PetscInt i = 1; i < draw->first && !failed; i++) failed = gsl_qrng_get(sequence, skipped);
  for (int p = 0; p < draw->n && !failed; p++) {
    double *u = unit + (size_t)p * (size_t)draw->dim;
    if (draw->first + p == 0)
      PetscCall(PetscArrayzero(u, draw->dim));
    else
      failed = gsl_qrng_get(sequence, u);
    for (int c = 0; c < draw->dim; c++) u[c] = move(u[c], shift[c]);
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_PLIB, "sampler '%s' ran out", draw->sampling->sampler->name);
  PetscCall(PetscFree2(skipped, shift));
  gsl_qrng_free(sequence);
  PetscFunctionReturn(PETSC_SUCCESS);
}
