#include <hdf5.h>
#include <libconfig.h>
#include <string.h>
#include "cli_impl.h"

#ifndef PINN_VERSION
#define PINN_VERSION "unknown"
#endif

const char *PinnVersion(void)
{
  return PINN_VERSION;
}

void CliPrintVersion(void)
{
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  PetscInt petsc[3];
  unsigned major, minor, release;
  int length;
  printf("pinn-solve %s\n", PinnVersion());
  if (!PetscGetVersionNumber(&petsc[0], &petsc[1], &petsc[2], NULL))
    printf("PETSc %d.%d.%d\n", (int)petsc[0], (int)petsc[1], (int)petsc[2]);
  if (H5get_libversion(&major, &minor, &release) >= 0) printf("HDF5 %u.%u.%u\n", major, minor, release);
  printf("libconfig %d.%d.%d\n", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
  if (!MPI_Get_library_version(mpi, &length)) printf("%.*s\n", (int)strcspn(mpi, ",\n"), mpi);
}
