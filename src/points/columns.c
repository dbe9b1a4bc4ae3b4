/* Measured numbers from files that anybody may have written, so that nothing in them is trusted. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "pinn/file.h"
#include "points_impl.h"

/* The next value of a line, trimmed and without quotes; *rest becomes NULL after the last. */
static char *next_value(char **rest)
{
  char *value = *rest, *end = strchr(value, ',');
  *rest = end ? end + 1 : NULL;
  if (!end) end = value + strlen(value);
  while (isspace((unsigned char)*value)) value++;
  while (end > value && isspace((unsigned char)end[-1])) end--;
  if (end - value > 1 && *value == '"' && end[-1] == '"') value++, end--;
  *end = '\0';
  return value;
}

/* The next line that is neither empty nor a comment; false at the end. */
static bool next_line(FILE *stream, char **line, size_t *size, int *number)
{
  while (getline(line, size, stream) >= 0) {
    const char *text = *line + strspn(*line, " \t\r\n");
    ++*number;
    if (*text && *text != '#') return true;
  }
  return false;
}

typedef struct {
  const char *where, *path;
  FILE *stream;
  char *line;
  size_t size;
  int number;  /* of the line */
  int n_value; /* in a line */
  int *at;     /* [n_column] place in a line */
  PetscInt capacity;
} Text;

/* at[k] is the place of the k-th name in the first line. */
static PetscErrorCode read_names(Text *t, int n, const char *const names[])
{
  char known[256] = "";
  PetscFunctionBegin;
  PinnUserCheck(next_line(t->stream, &t->line, &t->size, &t->number), "%s: %s is empty", t->where, t->path);
  for (int k = 0; k < n; k++) t->at[k] = -1;
  for (char *rest = t->line; rest; t->n_value++) {
    const char *name = next_value(&rest);
    const size_t used = strlen(known);
    snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", name);
    for (int k = 0; k < n; k++)
      if (!strcmp(name, names[k])) t->at[k] = t->n_value;
  }
  for (int k = 0; k < n; k++)
    PinnUserCheck(t->at[k] >= 0, "%s: %s:%d: there is no column '%s' (there are: %s)", t->where, t->path, t->number,
                  names[k], known);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_row(Text *t, const char *const names[], Columns *c)
{
  char *end;
  int n = 0;
  PetscFunctionBegin;
  for (char *rest = t->line; rest; n++) {
    const char *value = next_value(&rest);
    for (int k = 0; k < c->n_column; k++) {
      if (t->at[k] != n) continue;
      c->columns[k][c->n] = strtod(value, &end);
      PinnUserCheck(end != value && !*end && isfinite(c->columns[k][c->n]),
                    "%s: %s:%d: column '%s' has '%.40s', which is no finite number", t->where, t->path, t->number,
                    names[k], value);
    }
  }
  PinnUserCheck(n == t->n_value, "%s: %s:%d: %d values in a line, %d names in the first", t->where, t->path, t->number,
                n, t->n_value);
  c->place[c->n++] = t->number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode grow(Text *t, Columns *c)
{
  PetscFunctionBegin;
  if (c->n < t->capacity) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(t->capacity < PETSC_MAX_INT / 2, PETSC_COMM_SELF, PETSC_ERR_MEM, "%s has too many rows", t->path);
  t->capacity = 2 * t->capacity + 256;
  PetscCall(PetscRealloc((size_t)t->capacity * sizeof(int), &c->place));
  for (int k = 0; k < c->n_column; k++) PetscCall(PetscRealloc((size_t)t->capacity * sizeof(double), &c->columns[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_rows(Text *t, const char *const names[], Columns *c)
{
  PetscFunctionBegin;
  PetscCall(read_names(t, c->n_column, names));
  while (next_line(t->stream, &t->line, &t->size, &t->number)) {
    PetscCall(grow(t, c));
    PetscCall(read_row(t, names, c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_text(const char *where, const char *path, const char *const names[], Columns *c)
{
  Text text = {.where = where, .path = path, .stream = fopen(path, "r")};
  PetscFunctionBegin;
  PinnUserCheck(text.stream, "%s: cannot read %s: %s", where, path, strerror(errno));
  c->place_name = "line";
  PetscErrorCode code = PetscMalloc1(c->n_column, &text.at);
  if (!code) code = read_rows(&text, names, c);
  PetscCall(PetscFree(text.at));
  free(text.line);
  fclose(text.stream);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_hdf5(const char *where, const char *path, const char *const names[], Columns *c)
{
  PetscFunctionBegin;
  c->place_name = "row";
  for (int k = 0; k < c->n_column; k++) {
    hsize_t dims[FILE_MAX_RANK];
    int rank;
    PetscCall(FileReadNumbers(where, path, names[k], &rank, dims, &c->columns[k]));
    PinnUserCheck(rank == 1, "%s: %s: '%s' is not a list of numbers", where, path, names[k]);
    PinnUserCheck(!k || c->n == (PetscInt)dims[0], "%s: %s: '%s' has %d numbers, the columns before it have %d", where,
                  path, names[k], (int)dims[0], (int)c->n);
    c->n = (PetscInt)dims[0];
  }
  PetscCall(PetscMalloc1(c->n, &c->place));
  for (PetscInt i = 0; i < c->n; i++) c->place[i] = (int)i + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_file(const char *where, const char *path, const char *const names[], Columns *c)
{
  PetscFunctionBegin;
  PetscCall(HDF5IsFile(path) ? read_hdf5(where, path, names, c) : read_text(where, path, names, c));
  PinnUserCheck(c->n > 0, "%s: %s has no rows", where, path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ColumnsRead(MPI_Comm comm, const char *where, const char *path, int n, const char *const names[],
                           Columns *columns)
{
  PetscMPIInt rank, lines;
  PetscFunctionBegin;
  *columns = (Columns){.n_column = n};
  PetscCall(PetscCalloc1(n, &columns->columns));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const PetscErrorCode code = ErrorAgree(comm, rank == 0 ? read_file(where, path, names, columns) : PETSC_SUCCESS);
  if (code) PetscCall(ColumnsDestroy(columns));
  PetscCall(code);
  lines = rank == 0 && !strcmp(columns->place_name, "line");
  PetscCallMPI(MPI_Bcast(&lines, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&columns->n, 1, MPIU_INT, 0, comm));
  columns->place_name = lines ? "line" : "row";
  if (rank != 0) PetscCall(PetscMalloc1(columns->n, &columns->place));
  PetscCallMPI(MPI_Bcast(columns->place, (PetscMPIInt)columns->n, MPI_INT, 0, comm));
  for (int k = 0; k < n; k++) {
    if (rank != 0) PetscCall(PetscMalloc1(columns->n, &columns->columns[k]));
    PetscCallMPI(MPI_Bcast(columns->columns[k], (PetscMPIInt)columns->n, MPI_DOUBLE, 0, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ColumnsDestroy(Columns *columns)
{
  PetscFunctionBegin;
  for (int k = 0; k < columns->n_column && columns->columns; k++) PetscCall(PetscFree(columns->columns[k]));
  PetscCall(PetscFree(columns->columns));
  PetscCall(PetscFree(columns->place));
  *columns = (Columns){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
