/* What a program builds of a case: its rows, shared out to the ranks of a communicator, and the parameters they start
   from. */
#pragma once
#include "pinn/residual.h"

typedef struct {
  Config config;
  Problem problem;
  Domain domain;
  Network network;
  Residual residual;
} Built;

/* Takes config over, also after an error. Collective. */
PetscErrorCode BuiltCreate(MPI_Comm comm, Config config, Built *built);
PetscErrorCode BuiltDestroy(Built *built);
/* Parameters as a run draws them; owned by the caller. */
PetscErrorCode BuiltTheta(const Built *built, Vec *theta);
