/* The history of a run, a column of doubles a quantity: history.csv for people, history.h5 for programs and
   for resuming. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report_impl.h"

struct History_s {
  int n_column;
  char **names;    /* [n_column] */
  double **values; /* [n_column][capacity] */
  size_t n, capacity;
  int n_stage;
  char **stages; /* [n_stage] names; NULL where not seen */
};

static const char *column_name(int column)
{
  static const char *const names[COLUMN_MEASURES] = {"iteration", "stage_index", "stage_iteration",
                                                     "loss",      "control",     "gradient_norm"};
  return column < COLUMN_MEASURES ? names[column] : OptimizerMeasureName(column - COLUMN_MEASURES);
}

PetscErrorCode HistoryCreate(int n, const char *const names[], History *history)
{
  History h;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(1, &h));
  h->n_column = N_COLUMN + n;
  PetscCall(PetscCalloc2(h->n_column, &h->names, h->n_column, &h->values));
  for (int c = 0; c < h->n_column; c++)
    PetscCall(PetscStrallocpy(c < N_COLUMN ? column_name(c) : names[c - N_COLUMN], &h->names[c]));
  *history = h;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HistoryDestroy(History *history)
{
  History h = *history;

  PetscFunctionBegin;
  if (!h) PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 0; c < h->n_column; c++) {
    PetscCall(PetscFree(h->names[c]));
    PetscCall(PetscFree(h->values[c]));
  }
  for (int s = 0; s < h->n_stage; s++) PetscCall(PetscFree(h->stages[s]));
  PetscCall(PetscFree(h->stages));
  PetscCall(PetscFree2(h->names, h->values));
  PetscCall(PetscFree(*history));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t HistoryRows(History history)
{
  return history->n;
}

double HistoryValue(History history, size_t row, int column)
{
  return history->values[column][row];
}

const char *HistoryStage(History history, int stage)
{
  return stage < history->n_stage ? history->stages[stage] : NULL;
}

static PetscErrorCode reserve(History h, size_t n)
{
  PetscFunctionBegin;
  if (n <= h->capacity) PetscFunctionReturn(PETSC_SUCCESS);
  h->capacity = PetscMax(n, PetscMax(2 * h->capacity, 1024));
  for (int c = 0; c < h->n_column; c++) PetscCall(PetscRealloc(h->capacity * sizeof(double), &h->values[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode name_stage(History h, int stage, const char *name)
{
  PetscFunctionBegin;
  if (stage >= h->n_stage) {
    PetscCall(PetscRealloc((size_t)(stage + 1) * sizeof(char *), &h->stages));
    while (h->n_stage <= stage) h->stages[h->n_stage++] = NULL;
  }
  if (!h->stages[stage]) PetscCall(PetscStrallocpy(name, &h->stages[stage]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HistoryAdd(History h, const char *stage, const double values[])
{
  const double *stages = h->values[COLUMN_STAGE], *iterations = h->values[COLUMN_STAGE_ITERATION];

  PetscFunctionBegin;
  while (h->n > 0 &&
         (stages[h->n - 1] > values[COLUMN_STAGE] ||
          (stages[h->n - 1] == values[COLUMN_STAGE] && iterations[h->n - 1] >= values[COLUMN_STAGE_ITERATION])))
    h->n--;
  PetscCall(name_stage(h, (int)values[COLUMN_STAGE], stage));
  PetscCall(reserve(h, h->n + 1));
  for (int c = 0; c < h->n_column; c++) h->values[c][h->n] = values[c];
  h->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A name with comma or quote is quoted (RFC 4180). */
static void put_cell(FILE *stream, const char *name)
{
  if (!strpbrk(name, ",\"\n\r")) {
    fputs(name, stream);
    return;
  }
  fputc('"', stream);
  for (; *name; name++) fprintf(stream, *name == '"' ? "\"\"" : "%c", *name);
  fputc('"', stream);
}

static void put_table(History h, FILE *stream)
{
  fputs("stage", stream);
  for (int c = 0; c < h->n_column; c++) {
    fputc(',', stream);
    put_cell(stream, h->names[c]);
  }
  fputc('\n', stream);
  for (size_t i = 0; i < h->n; i++) {
    fputs(h->stages[(int)h->values[COLUMN_STAGE][i]], stream);
    for (int c = 0; c < h->n_column; c++) {
      const double value = h->values[c][i];
      if (isnan(value))
        fputs(",nan", stream);
      else
        fprintf(stream, ",%.17g", value);
    }
    fputc('\n', stream);
  }
}

static PetscErrorCode write_csv(History h, const char *path)
{
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);

  PetscFunctionBegin;
  PetscCheck(stream != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %s", path);
  put_table(h, stream);
  const bool failed = ferror(stream);
  PetscCheck(fclose(stream) == 0 && !failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %s", path);
  const PetscErrorCode code = FileWrite(path, size, text);
  free(text);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The stage names a row, as texts of equal length. */
static PetscErrorCode put_stages(History h, hid_t file, const char *path)
{
  const hsize_t n = h->n;
  size_t width = 1;
  char *names;
  hid_t type;

  PetscFunctionBegin;
  for (int s = 0; s < h->n_stage; s++)
    if (h->stages[s]) width = PetscMax(width, strlen(h->stages[s]));
  PetscCall(PetscCalloc1(h->n * width + 1, &names));
  for (size_t i = 0; i < h->n; i++) {
    const char *stage = h->stages[(int)h->values[COLUMN_STAGE][i]];
    memcpy(names + i * width, stage, strlen(stage));
  }
  PinnCallHDF5(path, type = H5Tcopy(H5T_C_S1));
  PinnCallHDF5(path, H5Tset_size(type, width));
  PinnCallHDF5(path, H5Tset_strpad(type, H5T_STR_NULLPAD));
  PetscCall(HDF5Put(file, path, "stage", type, type, 1, &n, names));
  PinnCallHDF5(path, H5Tclose(type));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define DETAILS "diagnostics"

/* A history and, in a group of the file, its details. */
typedef struct {
  History main, details; /* details may be NULL */
} Both;

static PetscErrorCode put_columns(History h, hid_t file, const char *path)
{
  const hsize_t n = h->n;

  PetscFunctionBegin;
  PetscCall(put_stages(h, file, path));
  for (int c = 0; c < h->n_column; c++) {
    const bool integer = c == COLUMN_ITERATION || c == COLUMN_STAGE || c == COLUMN_STAGE_ITERATION;
    char name[256];
    HDF5SafeName(h->names[c], name, sizeof(name));
    PetscCall(HDF5Put(file, path, name, integer ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE, 1, &n,
                      h->values[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode fill_history(hid_t file, const char *path, void *context)
{
  const Both *both = context;
  hid_t group;

  PetscFunctionBegin;
  PetscCall(put_columns(both->main, file, path));
  if (!both->details) PetscFunctionReturn(PETSC_SUCCESS);
  PinnCallHDF5(path, group = H5Gcreate2(file, DETAILS, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  PetscCall(put_columns(both->details, group, path));
  PinnCallHDF5(path, H5Gclose(group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HistoryWrite(History h, History details, const char *csv, const char *hdf5)
{
  Both both = {h, details};

  PetscFunctionBegin;
  PetscCall(HDF5Write(PETSC_COMM_SELF, hdf5, fill_history, &both)); /* first: a resumed run reads it */
  PetscCall(write_csv(h, csv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_stages(History h, hid_t file, const char *path, const char *prefix)
{
  hid_t data, type;
  char *names, dataset[64];

  PetscFunctionBegin;
  snprintf(dataset, sizeof(dataset), "%sstage", prefix);
  PinnCallHDF5(path, data = H5Dopen2(file, dataset, H5P_DEFAULT));
  PinnCallHDF5(path, type = H5Dget_type(data));
  const size_t width = H5Tget_size(type);
  const hid_t space = H5Dget_space(data);
  PetscCheck(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && width < 256 &&
                 H5Sget_simple_extent_npoints(space) == (hssize_t)h->n,
             PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s does not hold a name a row", path, dataset);
  PetscCall(PetscMalloc1(h->n * width + 1, &names));
  if (h->n) PinnCallHDF5(path, H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names));
  for (size_t i = 0; i < h->n; i++) {
    const double stage = h->values[COLUMN_STAGE][i];
    char name[256] = "";
    memcpy(name, names + i * width, width);
    PetscCheck(stage >= 0 && stage < 10000, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has a stage %g", path,
               stage);
    PetscCall(name_stage(h, (int)stage, name));
  }
  PetscCall(PetscFree(names));
  PinnCallHDF5(path, H5Sclose(space));
  PinnCallHDF5(path, H5Tclose(type));
  PinnCallHDF5(path, H5Dclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_columns(History h, hid_t file, const char *path, const char *prefix)
{
  hsize_t n = 0;

  PetscFunctionBegin;
  for (int c = 0; c < h->n_column; c++) {
    char name[512], safe[256];
    hsize_t dims[1];
    HDF5SafeName(h->names[c], safe, sizeof(safe));
    snprintf(name, sizeof(name), "%s%s", prefix, safe);
    PetscCall(HDF5GetShape(file, path, name, 1, dims));
    PetscCheck(c == 0 || dims[0] == n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has another length", path,
               name);
    n = dims[0];
    PetscCall(reserve(h, n));
    PetscCall(HDF5GetReals(file, path, name, n, h->values[c]));
  }
  h->n = n;
  PetscCall(read_stages(h, file, path, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_history(hid_t file, const char *path, void *context)
{
  const Both *both = context;

  PetscFunctionBegin;
  PetscCall(read_columns(both->main, file, path, "/"));
  if (both->details) PetscCall(read_columns(both->details, file, path, "/" DETAILS "/"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void cut(History h, bool all, PetscInt iteration)
{
  while (h && h->n > 0 && (all || h->values[COLUMN_ITERATION][h->n - 1] > (double)iteration)) h->n--;
}

PetscErrorCode HistoryRead(History h, History details, const char *hdf5, PetscInt iteration)
{
  Both both = {h, details};

  PetscFunctionBegin;
  const PetscErrorCode code = HDF5Read(hdf5, read_history, &both);
  cut(h, code != PETSC_SUCCESS, iteration);
  cut(details, code != PETSC_SUCCESS, iteration);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
