#pragma once
#include <gsl/gsl_qrng.h>
#include "points_impl.h"

/* Points [first, first + n) of a GSL sequence. Cost: as for all points before first + n. */
PetscErrorCode SequenceDraw(const gsl_qrng_type *type, const Draw *draw, double unit[]);
