/* A grid of points with known fields, shared out over ranks as PointSetGrid does. */
#pragma once
#include "../src/output/output_impl.h"

typedef struct {
  int dim;
  PetscInt n[3];
  PointSet points;
  double *u, *v;
  bool *inside;
} TestGrid;

/* Nodes at x = i, y = 2 j, z = 4 k; u = x + 10 y + 100 z; v = sin(x) - y z; inside everywhere but at node `hole`. */
static inline void grid_create(MPI_Comm comm, int dim, const PetscInt n[], PetscInt hole, TestGrid *grid)
{
  PetscMPIInt rank, size;
  PetscInt count = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  *grid = (TestGrid){.dim = dim};
  for (int k = 0; k < dim; k++) count *= grid->n[k] = n[k];
  const PetscInt first = count * rank / size, last = count * (rank + 1) / size;
  grid->points = (PointSet){.count = count, .first = first, .n = (int)(last - first), .dim = dim};
  grid->points.x = malloc(sizeof(double) * (size_t)(dim * (last - first) + 1));
  grid->u = malloc(sizeof(double) * (size_t)(last - first + 1));
  grid->v = malloc(sizeof(double) * (size_t)(last - first + 1));
  grid->inside = malloc((size_t)(last - first + 1));
  for (PetscInt i = 0; i < last - first; i++) {
    double x[3] = {0, 0, 0};
    PetscInt node = first + i;
    for (int k = 0; k < dim; node /= n[k++]) grid->points.x[i * dim + k] = x[k] = (1 << k) * (double)(node % n[k]);
    grid->u[i] = x[0] + 10 * x[1] + 100 * x[2];
    grid->v[i] = sin(x[0]) - x[1] * x[2];
    grid->inside[i] = first + i != hole;
  }
}

/* Several ranks: files of up to `limit` bytes are gathered, larger ones written by all. */
static inline PetscErrorCode grid_write_limit(size_t limit, MPI_Comm comm, const TestGrid *grid, const char *path)
{
  const char *const names[] = {"u", "residual_a/b"};
  const double *const values[] = {grid->u, grid->v};
  const FieldsMesh mesh = {grid->dim, grid->n, grid->inside, NULL};
  return FieldsWrite_Limit(limit, comm, path, &mesh, &grid->points, 2, names, values, "seed = 1;\n");
}

static inline PetscErrorCode grid_write(MPI_Comm comm, const TestGrid *grid, const char *path)
{
  return grid_write_limit(SIZE_MAX, comm, grid, path);
}

static inline void grid_destroy(TestGrid *grid)
{
  free(grid->points.x);
  free(grid->u);
  free(grid->v);
  free(grid->inside);
}

/* A whole dataset as doubles, freed by the caller; *n values. */
static inline double *grid_read(const char *path, const char *name, size_t *n)
{
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), data = H5Dopen2(file, name, H5P_DEFAULT);
  ck_assert_msg(data >= 0, "%s has no %s", path, name);
  const hid_t space = H5Dget_space(data);
  *n = (size_t)H5Sget_simple_extent_npoints(space);
  double *values = malloc(sizeof(double) * (*n + 1));
  ck_assert_int_ge(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  H5Sclose(space);
  H5Dclose(data);
  H5Fclose(file);
  return values;
}

/* Every cell of the file: its corners are those of a box of the grid, in VTK's order, and no box appears twice or has
   the hole. Independent of how the writer numbers corners: it looks at coordinates. */
static inline void grid_check_cells(const char *path, const TestGrid *grid, PetscInt hole, size_t n_cell)
{
  static const int order[8][3] = {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0},
                                  {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}};
  size_t n_ids, n_offset, n_type, n_x, n;
  double *ids = grid_read(path, "/VTKHDF/Connectivity", &n_ids), *x = grid_read(path, "/VTKHDF/Points", &n_x);
  double *offsets = grid_read(path, "/VTKHDF/Offsets", &n_offset), *types = grid_read(path, "/VTKHDF/Types", &n_type);
  double *points = grid_read(path, "/VTKHDF/NumberOfPoints", &n);
  double *cells = grid_read(path, "/VTKHDF/NumberOfCells", &n),
         *counted = grid_read(path, "/VTKHDF/NumberOfConnectivityIds", &n);
  const int span = (grid->n[0] > 1) + (grid->dim > 1 && grid->n[1] > 1) + (grid->dim > 2 && grid->n[2] > 1);
  const size_t corners = (size_t)1 << span;
  static const double vtk[] = {1, 3, 9, 12};
  ck_assert_uint_eq(n_type, n_cell);
  ck_assert_uint_eq(n_offset, n_cell + 1);
  ck_assert_uint_eq(n_ids, n_cell * corners);
  ck_assert(points[0] == (double)grid->points.count && cells[0] == (double)n_cell && counted[0] == (double)n_ids);
  ck_assert_uint_eq(n_x, 3 * (size_t)grid->points.count);
  double last = -1;
  for (size_t c = 0; c < n_cell; c++) {
    ck_assert(types[c] == vtk[span] && offsets[c] == (double)(c * corners));
    const double *id = ids + c * corners;
    ck_assert_msg(id[0] > last, "cell %zu comes twice or out of order", c);
    last = id[0];
    for (size_t k = 0; k < corners; k++) {
      ck_assert(id[k] != (double)hole);
      const double *a = x + 3 * (size_t)id[0], *b = x + 3 * (size_t)id[k];
      int axis = 0;
      for (int d = 0; d < 3; d++) {
        const bool wide = d < grid->dim && grid->n[d] > 1;
        ck_assert(b[d] - a[d] == (wide ? order[k][axis++] * (double)(1 << d) : 0));
      }
    }
  }
  ck_assert(offsets[n_cell] == (double)n_ids);
  free(ids), free(x), free(offsets), free(types), free(points), free(cells), free(counted);
}
