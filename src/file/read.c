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
  bool whole = true;
  hid_t create;

  PetscFunctionBegin;
  PinnCallHDF5(path, create = H5Dget_create_plist(data));
  if (H5Pget_layout(create) == H5D_CHUNKED) {
    whole = H5Pget_chunk(create, H5S_MAX_RANK, chunk) == rank;
    for (int k = 0; k < rank && whole; k++) {
      whole = chunk[k] > 0 && (dims[k] != most[k] || chunk[k] <= dims[k]);
      along[k] = whole ? (dims[k] + chunk[k] - 1) / chunk[k] : 0;
      n *= along[k];
      item *= chunk[k];
    }
    const bool filtered = H5Pget_nfilters(create) > 0;
    whole = whole && H5Dget_num_chunks(data, space, &found) >= 0 && found == n;
    for (hsize_t c = 0; c < n && whole; c++) whole = is_whole_chunk(data, rank, chunk, along, filtered, item, c);
  }
  H5Pclose(create);
  PetscCheck(whole, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is damaged, or was never written in full", path,
             name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dataset or an attribute that is open: type and space outlive its file, so that they are closed whatever happens. */
typedef struct {
  hid_t id, type, space; /* negative: not open */
} Item;

static void close_item(const Item *item)
{
  if (item->space >= 0) H5Sclose(item->space);
  if (item->type >= 0) H5Tclose(item->type);
  if (item->id >= 0) H5Idec_ref(item->id);
}

static PetscErrorCode open_parts(const char *path, bool attribute, Item *item)
{
  PetscFunctionBegin;
  PinnCallHDF5(path, item->type = attribute ? H5Aget_type(item->id) : H5Dget_type(item->id));
  PinnCallHDF5(path, item->space = attribute ? H5Aget_space(item->id) : H5Dget_space(item->id));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing is open after an error. */
static PetscErrorCode open_data(hid_t at, const char *path, const char *name, Item *item)
{
  PetscFunctionBegin;
  *item = (Item){-1, -1, -1};
  PetscCheck(H5Lexists(at, name, H5P_DEFAULT) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset %s",
             path, name);
  PinnCallHDF5(path, item->id = H5Dopen2(at, name, H5P_DEFAULT));
  const PetscErrorCode code = open_parts(path, false, item);
  if (code) close_item(item);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode open_attribute(hid_t at, const char *path, const char *name, Item *item)
{
  PetscFunctionBegin;
  *item = (Item){-1, -1, -1};
  PetscCheck(H5Aexists(at, name) > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no attribute '%s'", path,
             name);
  PinnCallHDF5(path, item->id = H5Aopen(at, name, H5P_DEFAULT));
  const PetscErrorCode code = open_parts(path, true, item);
  if (code) close_item(item);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode get_shape(hid_t at, const Item *item, const char *path, const char *name, int rank,
                                hsize_t dims[])
{
  PetscFunctionBegin;
  PetscCheck(is_number(item->type), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s does not hold numbers", path,
             name);
  const int found = H5Sget_simple_extent_ndims(item->space);
  PetscCheck(found == rank, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d dimensions instead of %d", path,
             name, found, rank);
  PinnCallHDF5(path, H5Sget_simple_extent_dims(item->space, dims, NULL));
  /* Deflate shrinks by at most 1032; more values than that were never written. */
  hsize_t limit = file_size(at) * 1032;
  for (int k = 0; k < rank; k++) {
    PetscCheck(dims[k] <= limit, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "%s: %s claims more values than the file can hold", path, name);
    limit /= dims[k] ? dims[k] : 1;
  }
  PetscCall(check_chunks(item->id, item->space, H5Tget_size(item->type), path, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetShape(hid_t at, const char *path, const char *name, int rank, hsize_t dims[])
{
  Item item;

  PetscFunctionBegin;
  PetscCall(open_data(at, path, name, &item));
  const PetscErrorCode code = get_shape(at, &item, path, name, rank, dims);
  close_item(&item);
  PetscCall(code);
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

static PetscErrorCode get_text(hid_t at, const Item *item, const char *path, const char *name, char **text)
{
  PetscFunctionBegin;
  const size_t size = H5Tget_size(item->type);
  PetscCheck(H5Tget_class(item->type) == H5T_STRING && H5Tis_variable_str(item->type) == 0 && size <= file_size(at) &&
                 H5Sget_simple_extent_npoints(item->space) == 1,
             PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is not a text", path, name);
  PetscCall(PetscCalloc1(size + 1, text));
  PinnCallHDF5(path, H5Dread(item->id, item->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetText(hid_t at, const char *path, const char *name, char **text)
{
  Item item;

  PetscFunctionBegin;
  PetscCall(open_data(at, path, name, &item));
  const PetscErrorCode code = get_text(at, &item, path, name, text);
  close_item(&item);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_value(const Item *item, const char *path, const char *name, hid_t type, void *value)
{
  PetscFunctionBegin;
  PetscCheck(H5Sget_simple_extent_npoints(item->space) == 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: attribute '%s' is not a single value", path, name);
  PinnCallHDF5(path, H5Aread(item->id, type, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetAttribute(hid_t at, const char *path, const char *name, hid_t type, void *value)
{
  Item item;

  PetscFunctionBegin;
  PetscCall(open_attribute(at, path, name, &item));
  const PetscErrorCode code = read_value(&item, path, name, type, value);
  close_item(&item);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A text of fixed or variable length (the Python writers' habit). */
static PetscErrorCode read_text(const Item *item, const char *path, const char *name, char text[], size_t size)
{
  const bool variable = H5Tis_variable_str(item->type) > 0;
  char *value = NULL;

  PetscFunctionBegin;
  PetscCheck(H5Tget_class(item->type) == H5T_STRING && (variable || H5Tget_size(item->type) < size), PETSC_COMM_SELF,
             PETSC_ERR_FILE_UNEXPECTED, "%s: attribute '%s' is not a text of at most %zu characters", path, name,
             size - 1);
  if (variable) PetscCall(HDF5CheckTexts(path));
  PetscCall(read_value(item, path, name, item->type, variable ? (void *)&value : text));
  if (!variable) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = value ? strlen(value) : 0;
  if (n < size && n > 0) memcpy(text, value, n);
  H5free_memory(value);
  PetscCheck(n > 0 && n < size, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: attribute '%s' is not a text of 1 to %zu characters", path, name, size - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HDF5GetTextAttribute(hid_t at, const char *path, const char *name, char text[], size_t size)
{
  Item item;

  PetscFunctionBegin;
  memset(text, 0, size);
  PetscCall(open_attribute(at, path, name, &item));
  const PetscErrorCode code = read_text(&item, path, name, text, size);
  close_item(&item);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
