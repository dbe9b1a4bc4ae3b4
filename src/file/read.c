/* Reading HDF5 files that anyone may have written: shapes and sizes are checked before memory is asked for. */
#include <string.h>
#include "pinn/file.h"

static hsize_t file_size(hid_t at)
{
  hsize_t size = 0;
  const hid_t file = H5Iget_file_id(at);
  if (H5Fget_filesize(file, &size) < 0) size = 0;
  H5Fclose(file);
  return size;
}

/* IEEE numbers and integers as every machine has them. */
static bool is_number(hid_t type)
{
  const hid_t known[] = {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_I64LE, H5T_STD_I32LE, H5T_STD_U64LE,
                         H5T_STD_U32LE,  H5T_STD_I16LE,  H5T_STD_U16LE, H5T_STD_I8LE,  H5T_STD_U8LE,
                         H5T_IEEE_F64BE, H5T_IEEE_F32BE, H5T_STD_I64BE, H5T_STD_I32BE};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (H5Tequal(type, known[i]) > 0) return true;
  return false;
}

/* The chunk with number c of along[rank] in each dimension: was it stored as its dataset says? */
static bool is_whole_chunk(hid_t data, int rank, const hsize_t chunk[], const hsize_t along[], bool filtered,
                           hsize_t bytes, hsize_t c)
{
  hsize_t offset[H5S_MAX_RANK], size = 0;
  unsigned mask = 0;
  haddr_t address;
  for (int k = rank - 1; k >= 0; c /= along[k--]) offset[k] = c % along[k] * chunk[k];
  return H5Dget_chunk_info_by_coord(data, offset, &mask, &address, &size) >= 0 && size > 0 && mask == 0 &&
         (filtered || size == bytes);
}

/* HDF5 1.10 reads beyond its buffers where chunks are not of the size they were written with, or their filter was
   skipped. A wrong size shows in their number, in one that is missing, or in one larger than the dataset. */
static PetscErrorCode check_chunks(hid_t data, hid_t space, hsize_t item, const char *path, const char *name)
{
  hsize_t dims[H5S_MAX_RANK], most[H5S_MAX_RANK], chunk[H5S_MAX_RANK], along[H5S_MAX_RANK], n = 1, found = 0;
  const int rank = H5Sget_simple_extent_dims(space, dims, most);
  hid_t create;

  PetscFunctionBegin;
  PinnCallHDF5(path, create = H5Dget_create_plist(data));
  if (H5Pget_layout(create) == H5D_CHUNKED) {
    bool whole = H5Pget_chunk(create, H5S_MAX_RANK, chunk) == rank;
    for (int k = 0; k < rank && whole; k++) {
      whole = chunk[k] > 0 && (dims[k] != most[k] || chunk[k] <= dims[k]);
      along[k] = whole ? (dims[k] + chunk[k] - 1) / chunk[k] : 0;
      n *= along[k];
      item *= chunk[k];
    }
    const bool filtered = H5Pget_nfilters(create) > 0;
    whole = whole && H5Dget_num_chunks(data, space, &found) >= 0 && found == n;
    for (hsize_t c = 0; c < n && whole; c++) whole = is_whole_chunk(data, rank, chunk, along, filtered, item, c);
    PetscCheck(whole, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is damaged, or was never written in full",
               path, name);
  }
  PinnCallHDF5(path, H5Pclose(create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetShape(hid_t at, const char *path, const char *name, int rank, hsize_t dims[])
{
  hid_t data, type, space;

  PetscFunctionBegin;
  PetscCheck(H5Lexists(at, name, H5P_DEFAULT) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset %s",
             path, name);
  PinnCallHDF5(path, data = H5Dopen2(at, name, H5P_DEFAULT));
  PinnCallHDF5(path, type = H5Dget_type(data));
  PinnCallHDF5(path, space = H5Dget_space(data));
  PetscCheck(is_number(type), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s does not hold numbers", path, name);
  const int found = H5Sget_simple_extent_ndims(space);
  PetscCheck(found == rank, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d dimensions instead of %d", path,
             name, found, rank);
  PinnCallHDF5(path, H5Sget_simple_extent_dims(space, dims, NULL));
  /* Deflate shrinks by at most 1032; more values than that were never written. */
  hsize_t limit = file_size(at) * 1032;
  for (int k = 0; k < rank; k++) {
    PetscCheck(dims[k] <= limit, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "%s: %s claims more values than the file can hold", path, name);
    limit /= dims[k] ? dims[k] : 1;
  }
  PetscCall(check_chunks(data, space, H5Tget_size(type), path, name));
  PinnCallHDF5(path, H5Sclose(space));
  PinnCallHDF5(path, H5Tclose(type));
  PinnCallHDF5(path, H5Dclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool HDF5IsSingle(hid_t at, const char *name)
{
  const hid_t data = H5Dopen2(at, name, H5P_DEFAULT), type = H5Dget_type(data);
  const bool single = H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == sizeof(float);
  H5Tclose(type);
  H5Dclose(data);
  return single;
}

static PetscErrorCode get(hid_t at, const char *path, const char *name, hid_t type, size_t n, void *values)
{
  hid_t data;

  PetscFunctionBegin;
  if (n == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PinnCallHDF5(path, data = H5Dopen2(at, name, H5P_DEFAULT));
  PinnCallHDF5(path, H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  PinnCallHDF5(path, H5Dclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetSingles(hid_t at, const char *path, const char *name, size_t n, float values[])
{
  PetscFunctionBegin;
  PetscCall(get(at, path, name, H5T_NATIVE_FLOAT, n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetReals(hid_t at, const char *path, const char *name, size_t n, double values[])
{
  PetscFunctionBegin;
  PetscCall(get(at, path, name, H5T_NATIVE_DOUBLE, n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetText(hid_t at, const char *path, const char *name, char **text)
{
  hid_t data, type, space;

  PetscFunctionBegin;
  PetscCheck(H5Lexists(at, name, H5P_DEFAULT) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset %s",
             path, name);
  PinnCallHDF5(path, data = H5Dopen2(at, name, H5P_DEFAULT));
  PinnCallHDF5(path, type = H5Dget_type(data));
  PinnCallHDF5(path, space = H5Dget_space(data));
  const size_t size = H5Tget_size(type);
  PetscCheck(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && size <= file_size(at) &&
                 H5Sget_simple_extent_npoints(space) == 1,
             PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not a text", path, name);
  PetscCall(PetscCalloc1(size + 1, text));
  PinnCallHDF5(path, H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text));
  PinnCallHDF5(path, H5Sclose(space));
  PinnCallHDF5(path, H5Tclose(type));
  PinnCallHDF5(path, H5Dclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetAttribute(hid_t at, const char *path, const char *name, hid_t type, void *value)
{
  hid_t attribute, space;

  PetscFunctionBegin;
  PetscCheck(H5Aexists(at, name) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no attribute '%s'", path,
             name);
  PinnCallHDF5(path, attribute = H5Aopen(at, name, H5P_DEFAULT));
  PinnCallHDF5(path, space = H5Aget_space(attribute));
  PetscCheck(H5Sget_simple_extent_npoints(space) == 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: attribute '%s' is not a single value", path, name);
  PinnCallHDF5(path, H5Aread(attribute, type, value));
  PinnCallHDF5(path, H5Sclose(space));
  PinnCallHDF5(path, H5Aclose(attribute));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A text of fixed or variable length (the Python writers' habit). */
PetscErrorCode HDF5GetTextAttribute(hid_t at, const char *path, const char *name, char text[], size_t size)
{
  hid_t attribute, type;

  PetscFunctionBegin;
  memset(text, 0, size);
  PetscCheck(H5Aexists(at, name) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no attribute '%s'", path,
             name);
  PinnCallHDF5(path, attribute = H5Aopen(at, name, H5P_DEFAULT));
  PinnCallHDF5(path, type = H5Aget_type(attribute));
  const bool variable = H5Tis_variable_str(type) > 0;
  PetscCheck(H5Tget_class(type) == H5T_STRING && (variable || H5Tget_size(type) < size), PETSC_COMM_SELF,
             PETSC_ERR_FILE_UNEXPECTED, "%s: attribute '%s' is not a text of at most %zu characters", path, name,
             size - 1);
  if (variable) {
    char *value = NULL;
    PetscCall(HDF5GetAttribute(at, path, name, type, &value));
    const size_t n = value ? strlen(value) : 0;
    if (n < size && n > 0) memcpy(text, value, n);
    H5free_memory(value);
    PetscCheck(n > 0 && n < size, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "%s: attribute '%s' is not a text of 1 to %zu characters", path, name, size - 1);
  } else
    PetscCall(HDF5GetAttribute(at, path, name, type, text));
  PinnCallHDF5(path, H5Tclose(type));
  PinnCallHDF5(path, H5Aclose(attribute));
  PetscFunctionReturn(PETSC_SUCCESS);
}
