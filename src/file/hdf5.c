/* HDF5 files opened for reading. Every HDF5 failure becomes one PETSc error with the file's name and the innermost
   cause; the library itself prints nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pinn/file.h"

static herr_t first_cause(unsigned n, const H5E_error2_t *error, void *text)
{
  if (n == 0) snprintf(text, 256, "%s", error->desc ? error->desc : "unknown HDF5 error");
  return 0;
}

const char *HDF5Cause(void)
{
  static char text[256];
  snprintf(text, sizeof(text), "unknown HDF5 error");
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, first_cause, text);
  return text;
}

PetscErrorCode HDF5CreateAccess(const char *path, hid_t *access)
{
  PetscFunctionBegin;
  PinnCallHDF5(path, H5Eset_auto2(H5E_DEFAULT, NULL, NULL));
  PinnCallHDF5(path, *access = H5Pcreate(H5P_FILE_ACCESS));
  PinnCallHDF5(path, H5Pset_fclose_degree(*access, H5F_CLOSE_STRONG));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_file(const char *path, hid_t access, HDF5FillFn read, void *context)
{
  hid_t file;

  PetscFunctionBegin;
  PinnCallHDF5(path, file = H5Fopen(path, H5F_ACC_RDONLY, access));
  const PetscErrorCode code = read(file, path, context);
  H5Fclose(file);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5Read(const char *path, HDF5FillFn read, void *context)
{
  struct stat status;
  hid_t access;

  PetscFunctionBegin;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  PetscCheck(descriptor >= 0 && fstat(descriptor, &status) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN,
             "cannot read %s: %s", path, strerror(errno));
  close(descriptor);
  PetscCheck(S_ISREG(status.st_mode), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot read %s: not a file", path);
  PetscCheck(HDF5IsFile(path), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s is not an HDF5 file", path);
  PetscCall(HDF5CreateAccess(path, &access));
  const PetscErrorCode code = read_file(path, access, read, context);
  H5Pclose(access);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool HDF5IsFile(const char *path)
{
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return H5Fis_hdf5(path) > 0;
}
