/* fields.vtkhdf: VTKHDF version 1.0, type UnstructuredGrid, one piece. Image data would be smaller, but readers of
   VTK 9.1 corrupt their heap on images with one plane.

     /VTKHDF                      what ParaView reads: Points [n][3], Connectivity, Offsets, Types, PointData/NAME [n]
     /coordinates [n][dim], /fields/NAME [n]   the same for people; links to the data above, not copies
     /case                        the case's text

   A file of moderate size is gathered and written by rank 0: bytes that do not fit leave the old file and one message.
   In a larger one each rank writes its range of nodes, and the cells whose lowest node is in it, through MPI-IO. */
#include <string.h>
#include "output_impl.h"

#define GATHERED ((size_t)256 << 20) /* bytes of a file that rank 0 writes for all */

typedef struct {
  MPI_Comm comm;
  int dim, n_array;
  const PetscInt *n;
  const PointSet *points;
  const char *const *names;
  const double *const *values;
  const bool *inside;
  const char *case_text;
} Fields;

typedef struct {
  int corners;             /* 1, 2, 4 or 8 */
  unsigned char type;      /* VTK's number */
  int64_t offset[8];       /* from the lowest node to each corner, in VTK's order */
  hsize_t first, n, count; /* cells: global number of the first local one, local, global */
  int64_t *connectivity;   /* [n][corners] */
} Cells;

/* A cell spans every coordinate that has more than one node. */
static void set_shape(const Fields *fields, Cells *cells)
{
  static const unsigned char types[] = {1, 3, 9, 12}; /* vertex, line, quadrilateral, hexahedron */
  int64_t stride = 1;
  int span = 0;

  cells->offset[0] = 0;
  for (int k = 0; k < fields->dim; stride *= fields->n[k++]) {
    if (fields->n[k] == 1) continue;
    const int half = 1 << span;
    /* VTK goes round a face; the second span mirrors the first, the third repeats the face below. */
    for (int c = 0; c < half; c++) cells->offset[half + c] = stride + cells->offset[span == 1 ? half - 1 - c : c];
    span++;
  }
  cells->corners = 1 << span;
  cells->type = types[span];
}

/* Is node the lowest corner of a cell whose corners are all in the domain?  inside [in] of all nodes, or NULL. */
static bool has_cell(const Fields *fields, const Cells *cells, const bool inside[], int64_t node)
{
  int64_t index = node;
  for (int k = 0; k < fields->dim; index /= fields->n[k++])
    if (fields->n[k] > 1 && index % fields->n[k] == fields->n[k] - 1) return false;
  for (int c = 0; inside && c < cells->corners; c++)
    if (!inside[node + cells->offset[c]]) return false;
  return true;
}

/* Numbers of nodes of each rank and before it, times width. */
static PetscErrorCode share_sizes(const Fields *fields, int width, PetscMPIInt count[], PetscMPIInt first[])
{
  const PetscMPIInt mine[2] = {fields->points->n * width, (PetscMPIInt)fields->points->first * width};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allgather(&mine[0], 1, MPI_INT, count, 1, MPI_INT, fields->comm));
  PetscCallMPI(MPI_Allgather(&mine[1], 1, MPI_INT, first, 1, MPI_INT, fields->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode gather_inside(const Fields *fields, bool **inside)
{
  PetscMPIInt n_rank, *count, *first;

  PetscFunctionBegin;
  *inside = NULL;
  if (!fields->inside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(fields->comm, &n_rank));
  PetscCall(PetscMalloc2(n_rank, &count, n_rank, &first));
  PetscCall(PetscMalloc1(fields->points->count, inside));
  PetscCall(share_sizes(fields, 1, count, first));
  PetscCallMPI(
      MPI_Allgatherv(fields->inside, fields->points->n, MPI_C_BOOL, *inside, count, first, MPI_C_BOOL, fields->comm));
  PetscCall(PetscFree2(count, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode build_cells(const Fields *fields, Cells *cells)
{
  bool *inside;

  PetscFunctionBegin;
  set_shape(fields, cells);
  PetscCall(gather_inside(fields, &inside));
  PetscCall(PetscMalloc1((size_t)fields->points->n * cells->corners, &cells->connectivity));
  cells->n = 0;
  for (int i = 0; i < fields->points->n; i++) {
    const int64_t node = fields->points->first + i;
    if (!has_cell(fields, cells, inside, node)) continue;
    int64_t *corner = cells->connectivity + cells->n++ * cells->corners;
    for (int c = 0; c < cells->corners; c++) corner[c] = node + cells->offset[c];
  }
  PetscCall(PetscFree(inside));
  uint64_t n = cells->n, last, count;
  PetscCallMPI(MPI_Scan(&n, &last, 1, MPI_UINT64_T, MPI_SUM, fields->comm));
  PetscCallMPI(MPI_Allreduce(&n, &count, 1, MPI_UINT64_T, MPI_SUM, fields->comm));
  cells->first = last - n;
  cells->count = count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rank's share of a dataset: rows [first, first + n) of count rows of `width` values; width 0 = one-dimensional. */
typedef struct {
  hsize_t count, first, n, width;
} Share;

static PetscErrorCode put_share_rank(hid_t at, const char *path, const char *name, hid_t type, const Share *share,
                                     bool collective, const void *values)
{
  const int rank = share->width ? 2 : 1;
  const hsize_t dims[] = {share->count, share->width}, start[] = {share->first, 0}, mine[] = {share->n, share->width};
  hid_t file, memory, data, transfer;

  PetscFunctionBegin;
  PinnCallHDF5(path, file = H5Screate_simple(rank, dims, NULL));
  PinnCallHDF5(path, memory = H5Screate_simple(rank, mine, NULL));
  PinnCallHDF5(path, data = H5Dcreate2(at, name, type, file, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  if (share->n)
    PinnCallHDF5(path, H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, mine, NULL));
  else {
    PinnCallHDF5(path, H5Sselect_none(file));
    PinnCallHDF5(path, H5Sselect_none(memory));
  }
  PinnCallHDF5(path, transfer = H5Pcreate(H5P_DATASET_XFER));
  if (collective) PinnCallHDF5(path, H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE));
  PinnCallHDF5(path, H5Dwrite(data, type, memory, file, transfer, values));
  PinnCallHDF5(path, H5Pclose(transfer));
  PinnCallHDF5(path, H5Dclose(data));
  PinnCallHDF5(path, H5Sclose(memory));
  PinnCallHDF5(path, H5Sclose(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rank that fails alone would leave the others waiting in the next collective call. */
static PetscErrorCode put_share(const Fields *fields, hid_t at, const char *path, const char *name, hid_t type,
                                const Share *share, const void *values)
{
  PetscMPIInt n_rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(fields->comm, &n_rank));
  PetscCall(ErrorAgree(fields->comm, put_share_rank(at, path, name, type, share, n_rank > 1, values)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_coordinates(const Fields *fields, hid_t file, hid_t vtk, const char *path)
{
  const PointSet *points = fields->points;
  Share share = {(hsize_t)points->count, (hsize_t)points->first, (hsize_t)points->n, 3};
  double *x;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)points->n * 3, &x));
  for (int i = 0; i < points->n; i++)
    for (int k = 0; k < fields->dim; k++) x[3 * i + k] = points->x[i * fields->dim + k];
  PetscCall(put_share(fields, vtk, path, "Points", H5T_NATIVE_DOUBLE, &share, x));
  PetscCall(PetscFree(x));
  share.width = (hsize_t)fields->dim;
  PetscCall(put_share(fields, file, path, "coordinates", H5T_NATIVE_DOUBLE, &share, points->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_cells(const Fields *fields, hid_t vtk, const char *path)
{
  Cells cells;
  PetscMPIInt rank, n_rank;
  int64_t *offsets;
  unsigned char *types;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCallMPI(MPI_Comm_size(fields->comm, &n_rank));
  PetscCall(build_cells(fields, &cells));
  const hsize_t corners = (hsize_t)cells.corners;
  const int64_t n_point = fields->points->count, n_cell = (int64_t)cells.count, n_id = (int64_t)(cells.count * corners);
  const Share one = {1, 0, rank == 0, 0}, types_share = {cells.count, cells.first, cells.n, 0};
  PetscCall(put_share(fields, vtk, path, "NumberOfPoints", H5T_NATIVE_INT64, &one, &n_point));
  PetscCall(put_share(fields, vtk, path, "NumberOfCells", H5T_NATIVE_INT64, &one, &n_cell));
  PetscCall(put_share(fields, vtk, path, "NumberOfConnectivityIds", H5T_NATIVE_INT64, &one, &n_id));

  const Share ids = {cells.count * corners, cells.first * corners, cells.n * corners, 0};
  PetscCall(put_share(fields, vtk, path, "Connectivity", H5T_NATIVE_INT64, &ids, cells.connectivity));
  PetscCall(PetscFree(cells.connectivity));

  PetscCall(PetscMalloc2(cells.n + 1, &offsets, cells.n + 1, &types));
  for (hsize_t i = 0; i <= cells.n; i++) offsets[i] = (int64_t)((cells.first + i) * corners);
  memset(types, cells.type, cells.n);
  /* The last rank closes the list of beginnings with its end. */
  const Share offsets_share = {cells.count + 1, cells.first, cells.n + (rank == n_rank - 1), 0};
  PetscCall(put_share(fields, vtk, path, "Offsets", H5T_NATIVE_INT64, &offsets_share, offsets));
  PetscCall(put_share(fields, vtk, path, "Types", H5T_NATIVE_UINT8, &types_share, types));
  PetscCall(PetscFree2(offsets, types));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_arrays(const Fields *fields, hid_t file, hid_t vtk, const char *path)
{
  const PointSet *points = fields->points;
  const Share share = {(hsize_t)points->count, (hsize_t)points->first, (hsize_t)points->n, 0};
  hid_t data, plain;

  PetscFunctionBegin;
  PinnCallHDF5(path, data = H5Gcreate2(vtk, "PointData", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  PinnCallHDF5(path, plain = H5Gcreate2(file, "fields", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  for (int a = 0; a < fields->n_array; a++) {
    char name[256];
    HDF5SafeName(fields->names[a], name, sizeof(name));
    PetscCall(put_share(fields, data, path, name, H5T_NATIVE_DOUBLE, &share, fields->values[a]));
    PinnCallHDF5(path, H5Lcreate_hard(data, name, plain, name, H5P_DEFAULT, H5P_DEFAULT));
  }
  PinnCallHDF5(path, H5Gclose(plain));
  PinnCallHDF5(path, H5Gclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode fill_fields(hid_t file, const char *path, void *context)
{
  const Fields *fields = context;
  const int64_t version[] = {1, 0};
  hid_t vtk;

  PetscFunctionBegin;
  PinnCallHDF5(path, vtk = H5Gcreate2(file, "VTKHDF", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  PetscCall(HDF5PutAttribute(vtk, path, "Version", H5T_NATIVE_INT64, 2, version));
  PetscCall(HDF5PutTextAttribute(vtk, path, "Type", "UnstructuredGrid"));
  PetscCall(HDF5PutText(file, path, "case", fields->case_text ? fields->case_text : ""));
  PetscCall(put_coordinates(fields, file, vtk, path));
  PetscCall(put_cells(fields, vtk, path));
  PetscCall(put_arrays(fields, file, vtk, path));
  PinnCallHDF5(path, H5Gclose(vtk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t file_size(const Fields *fields)
{
  const size_t reals = 3 + (size_t)fields->dim + (size_t)fields->n_array, ints = (size_t)(1 << fields->dim) + 2;
  return (size_t)fields->points->count * 8 * (reals + ints) + 65536;
}

/* MPI-IO answers a full disk with ranks that wait for ever or a crash at exit: rank 0 asks beforehand. */
static PetscErrorCode write_shares(const Fields *fields, const char *path)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCall(ErrorAgree(fields->comm, rank == 0 ? FileReserve(path, file_size(fields)) : PETSC_SUCCESS));
  PetscCall(HDF5Write(fields->comm, path, fill_fields, (void *)fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gathers `width` reals a node on rank 0, where all [out] is allocated. */
static PetscErrorCode gather_reals(const Fields *fields, int width, const double mine[], double **all)
{
  PetscMPIInt rank, n_rank, *count, *first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCallMPI(MPI_Comm_size(fields->comm, &n_rank));
  PetscCall(PetscMalloc2(n_rank, &count, n_rank, &first));
  PetscCall(share_sizes(fields, width, count, first));
  PetscCall(PetscMalloc1(rank == 0 ? (size_t)fields->points->count * (size_t)width : 0, all));
  PetscCallMPI(
      MPI_Gatherv(mine, fields->points->n * width, MPI_DOUBLE, *all, count, first, MPI_DOUBLE, 0, fields->comm));
  PetscCall(PetscFree2(count, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_gathered(const Fields *fields, const char *path)
{
  PointSet points = {.count = fields->points->count, .n = (int)fields->points->count, .dim = fields->dim};
  PetscErrorCode written = PETSC_SUCCESS;
  Fields all = *fields;
  PetscMPIInt rank;
  double **values;
  bool *inside;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCall(PetscMalloc1(fields->n_array, &values));
  PetscCall(gather_reals(fields, fields->dim, fields->points->x, &points.x));
  for (int a = 0; a < fields->n_array; a++) PetscCall(gather_reals(fields, 1, fields->values[a], &values[a]));
  PetscCall(gather_inside(fields, &inside));
  all.comm = PETSC_COMM_SELF;
  all.points = &points;
  all.values = (const double *const *)values;
  all.inside = inside;
  if (rank == 0) written = HDF5Write(PETSC_COMM_SELF, path, fill_fields, &all);
  for (int a = 0; a < fields->n_array; a++) PetscCall(PetscFree(values[a]));
  PetscCall(PetscFree(values));
  PetscCall(PetscFree(points.x));
  PetscCall(PetscFree(inside));
  PetscCall(ErrorAgree(fields->comm, written));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsWrite_Limit(size_t limit, MPI_Comm comm, const char *path, int dim, const PetscInt n[],
                                 const PointSet *points, int n_array, const char *const names[],
                                 const double *const values[], const bool inside[], const char *case_text)
{
  const Fields fields = {comm, dim, n_array, n, points, names, values, inside, case_text};
  int64_t count = 1;
  PetscMPIInt n_rank;

  PetscFunctionBegin;
  PetscCheck(dim >= 1 && dim <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "cells of dimension %d", dim);
  for (int k = 0; k < dim; k++) count *= n[k];
  PetscCheck(count == points->count, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%" PetscInt_FMT " points on a grid of %lld",
             points->count, (long long)count);
  PetscCallMPI(MPI_Comm_size(comm, &n_rank));
  if (n_rank == 1)
    PetscCall(HDF5Write(comm, path, fill_fields, (void *)&fields));
  else if (file_size(&fields) <= limit)
    PetscCall(write_gathered(&fields, path));
  else
    PetscCall(write_shares(&fields, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsWrite(MPI_Comm comm, const char *path, int dim, const PetscInt n[], const PointSet *points,
                           int n_array, const char *const names[], const double *const values[], const bool inside[],
                           const char *case_text)
{
  PetscFunctionBegin;
  PetscCall(FieldsWrite_Limit(GATHERED, comm, path, dim, n, points, n_array, names, values, inside, case_text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
