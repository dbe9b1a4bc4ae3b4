/* Arrays of numbers from files that a case names: what is wrong with them is the user's to know. */
#include <math.h>
#include <string.h>
#include "pinn/file.h"

typedef struct {
  const char *name;
  int *rank;
  hsize_t *dims;
  double **values;
} Request;

static PetscErrorCode find_rank(hid_t file, const char *path, const char *name, int *rank)
{
  hid_t data, space;

  PetscFunctionBegin;
  PetscCheck(H5Lexists(file, name, H5P_DEFAULT) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s has no dataset '%s'", path, name);
  data = H5Dopen2(file, name, H5P_DEFAULT);
  PetscCheck(data >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: '%s' is not a dataset", path, name);
  PinnCallHDF5(path, space = H5Dget_space(data));
  *rank = H5Sget_simple_extent_ndims(space);
  PinnCallHDF5(path, H5Sclose(space));
  PinnCallHDF5(path, H5Dclose(data));
  PetscCheck(*rank >= 1 && *rank <= FILE_MAX_RANK, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: '%s' has %d dimensions, where 1 to %d are read", path, name, *rank, FILE_MAX_RANK);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_numbers(hid_t file, const char *path, void *context)
{
  const Request *r = context;
  size_t n = 1;

  PetscFunctionBegin;
  PetscCall(find_rank(file, path, r->name, r->rank));
  PetscCall(HDF5GetShape(file, path, r->name, *r->rank, r->dims));
  for (int k = 0; k < *r->rank; k++) n *= r->dims[k];
  PetscCheck(n > 0 && n < PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: '%s' has %zu numbers", path,
             r->name, n);
  PetscCall(PetscMalloc1(n, r->values));
  PetscCall(HDF5GetReals(file, path, r->name, n, *r->values));
  for (size_t i = 0; i < n; i++)
    PetscCheck(isfinite((*r->values)[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "%s: '%s' has no finite number in row %zu", path, r->name, (size_t)(i / (n / r->dims[0])) + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileReadNumbers(const char *where, const char *path, const char *name, int *rank,
                               hsize_t dims[FILE_MAX_RANK], double **values)
{
  char text[PINN_ERROR_SIZE] = "";
  Request request = {name, rank, dims, values};

  PetscFunctionBegin;
  *values = NULL;
  PetscCall(PetscPushErrorHandler(ErrorCapture, text));
  const PetscErrorCode code = HDF5Read(path, read_numbers, &request);
  PetscCall(PetscPopErrorHandler());
  if (code) PetscCall(PetscFree(*values));
  PinnUserCheck(!code, "%s: %s", where, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
