#include <math.h>
#include <time.h>
#include "precond_impl.h"

Stopwatch StopwatchStart(void)
{
  struct timespec busy;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &busy)) return (Stopwatch){MPI_Wtime(), INFINITY};
  return (Stopwatch){MPI_Wtime(), (double)busy.tv_sec + 1e-9 * (double)busy.tv_nsec};
}

PetscErrorCode StopwatchRead(Stopwatch began, MPI_Comm comm, double *seconds)
{
  const Stopwatch end = StopwatchStart();
  PetscFunctionBegin;
  *seconds = end.wall - began.wall;
  if (isfinite(end.busy)) *seconds = fmin(*seconds, end.busy - began.busy);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
