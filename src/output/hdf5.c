/* Whole HDF5 files, and datasets and attributes in them. Every HDF5 failure becomes one PETSc error with the file's
   name and the innermost cause; the library itself prints nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "output_impl.h"

static PetscErrorCode create_file(const char *path, const char *name, hid_t access, hid_t *file)
{
  PetscFunctionBegin;
  PinnCallHDF5(path, *file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_parallel(MPI_Comm comm, const char *path, HDF5FillFn fill, void *context)
{
  char temporary[PINN_PATH_SIZE];
  hid_t access, file;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  FileTemporaryName(path, temporary);
  PetscCall(HDF5CreateAccess(path, &access));
  PinnCallHDF5(path, H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL));
  PetscCall(ErrorAgree(comm, create_file(path, temporary, access, &file)));
  PetscErrorCode code = ErrorAgree(comm, fill(file, path, context));
  if (H5Fclose(file) < 0 && code == 0) code = PETSC_ERR_FILE_WRITE;
  H5Pclose(access);
  code = ErrorAgree(comm, code);
  if (code && rank == 0) unlink(temporary);
  PetscCheck(code != PETSC_ERR_FILE_WRITE, PETSC_COMM_SELF, code, "cannot write %s: %s", path, HDF5Cause());
  PetscCall(code);
  PetscCall(ErrorAgree(comm, rank == 0 ? FileCommit(path) : PETSC_SUCCESS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5Write(MPI_Comm comm, const char *path, HDF5FillFn fill, void *context)
{
  PetscMPIInt n_rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  if (n_rank > 1) {
    PetscCall(write_parallel(comm, path, fill, context));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(HDF5Stream(path, 0, fill, context));
  PetscCall(FileCommit(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5Put(hid_t at, const char *path, const char *name, hid_t stored, hid_t type, int rank,
                       const hsize_t dims[], const void *values)
{
  hid_t space, data;
  hsize_t n = 1;

  PetscFunctionBegin;
  for (int k = 0; k < rank; k++) n *= dims[k];
  PinnCallHDF5(path, space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR));
  PinnCallHDF5(path, data = H5Dcreate2(at, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  if (n) PinnCallHDF5(path, H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  PinnCallHDF5(path, H5Dclose(data));
  PinnCallHDF5(path, H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode create_text_type(const char *path, size_t size, hid_t *type)
{
  PetscFunctionBegin;
  PinnCallHDF5(path, *type = H5Tcopy(H5T_C_S1));
  PinnCallHDF5(path, H5Tset_size(*type, size ? size : 1));
  PinnCallHDF5(path, H5Tset_strpad(*type, H5T_STR_NULLPAD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5PutText(hid_t at, const char *path, const char *name, const char *text)
{
  hid_t type;

  PetscFunctionBegin;
  PetscCall(create_text_type(path, strlen(text), &type));
  PetscCall(HDF5Put(at, path, name, type, type, 0, NULL, text));
  PinnCallHDF5(path, H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5PutAttribute(hid_t at, const char *path, const char *name, hid_t type, hsize_t n, const void *values)
{
  hid_t space, attribute;

  PetscFunctionBegin;
  PinnCallHDF5(path, space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR));
  PinnCallHDF5(path, attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  PinnCallHDF5(path, H5Awrite(attribute, type, values));
  PinnCallHDF5(path, H5Aclose(attribute));
  PinnCallHDF5(path, H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5PutTextAttribute(hid_t at, const char *path, const char *name, const char *text)
{
  hid_t type;

  PetscFunctionBegin;
  PetscCall(create_text_type(path, strlen(text), &type));
  PetscCall(HDF5PutAttribute(at, path, name, type, 0, text));
  PinnCallHDF5(path, H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void HDF5SafeName(const char *name, char safe[], size_t size)
{
  snprintf(safe, size, "%s", name[0] == '\0' || strcmp(name, ".") == 0 ? "_" : name);
  for (char *c = safe; *c; c++)
    if (*c == '/') *c = ':';
}
