/* Reference files: a truth computed elsewhere, to compare with. Anybody may have written them, so that nothing in them
   is trusted. */
#include <math.h>
#include <string.h>
#include "output_impl.h"

typedef struct {
  int dim, n_field;
  const char *const *coordinates, *const *fields;
  Reference *reference;
} Request;

/* column[k] is the problem's coordinate that the file's k-th column holds. */
static PetscErrorCode read_columns(hid_t file, const char *path, const Request *request, int column[])
{
  char text[4096], *rest = NULL;
  int n = 0;

  PetscFunctionBegin;
  PetscCall(HDF5GetTextAttribute(file, path, "coordinates", text, sizeof(text)));
  for (char *word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest), n++) {
    int k = 0;
    while (k < request->dim && strcmp(word, request->coordinates[k]) != 0) k++;
    PetscCheck(k < request->dim, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
               "%s has the coordinate '%s', which the problem has not", path, word);
    for (int j = 0; j < n; j++)
      PetscCheck(column[j] != k, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s names the coordinate '%s' twice", path,
                 word);
    column[n] = k;
  }
  PetscCheck(n == request->dim, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s names %d coordinates, the problem has %d", path, n, request->dim);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_finite(const char *path, const char *name, size_t n, size_t width, const double values[])
{
  PetscFunctionBegin;
  for (size_t i = 0; i < n; i++)
    PetscCheck(isfinite(values[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %s in row %zu", path, name,
               isnan(values[i]) ? "a NaN" : "an infinity", i / width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* points [n][dim] with the columns in the problem's order */
static PetscErrorCode read_coordinates(hid_t file, const char *path, const Request *request, size_t n, double given[],
                                       int column[], double points[])
{
  const size_t dim = (size_t)request->dim;

  PetscFunctionBegin;
  PetscCall(HDF5GetReals(file, path, "/points", n * dim, given));
  PetscCall(check_finite(path, "/points", n * dim, dim, given));
  PetscCall(read_columns(file, path, request, column));
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < dim; k++) points[i * dim + (size_t)column[k]] = given[i * dim + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_points(hid_t file, const char *path, const Request *request)
{
  Reference *reference = request->reference;
  const size_t dim = (size_t)request->dim;
  hsize_t dims[2];
  double *given;
  int *column;

  PetscFunctionBegin;
  PetscCall(HDF5GetShape(file, path, "/points", 2, dims));
  PetscCheck(dims[1] == dim, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: /points has %llu columns, the problem has %d coordinates", path, (unsigned long long)dims[1],
             request->dim);
  PetscCheck(dims[0] > 0 && dims[0] * dim <= PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s: /points has %llu rows", path, (unsigned long long)dims[0]);
  const size_t n = dims[0];
  PetscCall(PetscMalloc2(n * dim, &given, dim, &column));
  PetscCall(PetscMalloc1(n * dim, &reference->points));
  const PetscErrorCode code = read_coordinates(file, path, request, n, given, column, reference->points);
  PetscCall(PetscFree2(given, column));
  PetscCall(code);
  reference->n = (PetscInt)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_field(hid_t file, const char *path, const char *name, const Request *request,
                                 double **values)
{
  const size_t n = (size_t)request->reference->n;
  hsize_t dims[1];

  PetscFunctionBegin;
  PetscCall(HDF5GetShape(file, path, name, 1, dims));
  PetscCheck(dims[0] == n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %llu values for %zu points", path,
             name, (unsigned long long)dims[0], n);
  PetscCall(PetscMalloc1(n, values));
  PetscCall(HDF5GetReals(file, path, name, n, *values));
  PetscCall(check_finite(path, name, n, 1, *values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_reference(hid_t file, const char *path, void *context)
{
  const Request *request = context;
  int n_found = 0;

  PetscFunctionBegin;
  PetscCall(read_points(file, path, request));
  for (int f = 0; f < request->n_field; f++) {
    char name[256];
    snprintf(name, sizeof(name), "/%s", request->fields[f]);
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0) continue;
    PetscCall(read_field(file, path, name, request, &request->reference->fields[f]));
    n_found++;
  }
  PetscCheck(n_found > 0 || request->n_field == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s has none of the problem's fields: no dataset /%s", path, request->n_field ? request->fields[0] : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_file(const char *where, const char *path, Request *request)
{
  char text[PINN_ERROR_SIZE] = "";

  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(ErrorCapture, text));
  const PetscErrorCode code = HDF5Read(path, read_reference, request);
  PetscCall(PetscPopErrorHandler());
  PinnUserCheck(code == PETSC_SUCCESS, "%s: %s", where, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReferenceRead(MPI_Comm comm, const char *where, const char *path, int dim,
                             const char *const coordinates[], int n_field, const char *const fields[],
                             Reference *reference)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  *reference = (Reference){.dim = dim};
  Request request = {dim, n_field, coordinates, fields, reference};
  PetscCall(PetscCalloc1(n_field, &reference->fields));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const PetscErrorCode code = ErrorAgree(comm, rank == 0 ? read_file(where, path, &request) : PETSC_SUCCESS);
  if (code) PetscCall(ReferenceDestroy(reference, n_field));
  PetscCall(code);
  PetscCallMPI(MPI_Bcast(&reference->n, 1, MPIU_INT, 0, comm));
  PetscCall(BroadcastReals(comm, (size_t)reference->n * (size_t)dim, &reference->points));
  for (int f = 0; f < n_field; f++) {
    int present = reference->fields[f] != NULL;
    PetscCallMPI(MPI_Bcast(&present, 1, MPI_INT, 0, comm));
    if (present) PetscCall(BroadcastReals(comm, (size_t)reference->n, &reference->fields[f]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReferenceDestroy(Reference *reference, int n_field)
{
  PetscFunctionBegin;
  for (int f = 0; reference->fields && f < n_field; f++) PetscCall(PetscFree(reference->fields[f]));
  PetscCall(PetscFree(reference->fields));
  PetscCall(PetscFree(reference->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
