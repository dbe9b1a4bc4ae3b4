/* fields.vtkhdf: VTKHDF version 1.0, type UnstructuredGrid, one piece. Image data would be smaller, but readers of
   VTK 9.1 corrupt their heap on images with one plane.

     /VTKHDF                      what ParaView reads: Points [n][3], Connectivity, Offsets, Types, PointData/NAME [n],
                                  with regions CellData/region [cells]
     /coordinates [n][dim], /fields/NAME [n]   the same for people; links to the data above, not copies
     /regions                     names of the numbers in CellData/region, one a line
     /case                        the case's text

   A file of moderate size is gathered and written by rank 0: bytes that do not fit leave the old file and one message.
   In a larger one each rank writes its range of nodes and its cells through MPI-IO. */
#include <string.h>
#include "cells.h"

#define GATHERED ((size_t)256 << 20) /* bytes of a file that rank 0 writes for all */

typedef struct {
  MPI_Comm comm;
  FieldsMesh mesh;
  const PointSet *points;
  int n_array;
  const char *const *names;
  const double *const *values;
  const char *case_text;
} Fields;

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
    for (int k = 0; k < fields->mesh.dim; k++) x[3 * i + k] = points->x[i * fields->mesh.dim + k];
  PetscCall(put_share(fields, vtk, path, "Points", H5T_NATIVE_DOUBLE, &share, x));
  PetscCall(PetscFree(x));
  share.width = (hsize_t)fields->mesh.dim;
  PetscCall(put_share(fields, file, path, "coordinates", H5T_NATIVE_DOUBLE, &share, points->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of each cell's region, and their names. */
static PetscErrorCode put_regions(const Fields *fields, const Cells *cells, hid_t file, hid_t vtk, const char *path)
{
  const Tiling *tiling = fields->mesh.tiling;
  const Share share = {cells->count, cells->first, cells->n, 0};
  char text[4096] = "";
  hid_t data;

  PetscFunctionBegin;
  if (!tiling || !tiling->n_region) PetscFunctionReturn(PETSC_SUCCESS);
  for (int r = 0; r < tiling->n_region; r++) {
    PetscCall(PetscStrlcat(text, tiling->name[r], sizeof(text)));
    PetscCall(PetscStrlcat(text, "\n", sizeof(text)));
  }
  PetscCall(HDF5PutText(file, path, "regions", text));
  PinnCallHDF5(path, data = H5Gcreate2(vtk, "CellData", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  PetscCall(put_share(fields, data, path, "region", H5T_NATIVE_INT, &share, tiling->region + cells->first));
  PinnCallHDF5(path, H5Gclose(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode put_cells(const Fields *fields, hid_t file, hid_t vtk, const char *path)
{
  Cells cells;
  PetscMPIInt rank, n_rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCallMPI(MPI_Comm_size(fields->comm, &n_rank));
  PetscCall(CellsCreate(fields->comm, &fields->mesh, fields->points, &cells));
  const int64_t n_point = fields->points->count, n_cell = (int64_t)cells.count, n_id = (int64_t)cells.count_id;
  const Share one = {1, 0, rank == 0, 0}, each = {cells.count, cells.first, cells.n, 0};
  PetscCall(put_share(fields, vtk, path, "NumberOfPoints", H5T_NATIVE_INT64, &one, &n_point));
  PetscCall(put_share(fields, vtk, path, "NumberOfCells", H5T_NATIVE_INT64, &one, &n_cell));
  PetscCall(put_share(fields, vtk, path, "NumberOfConnectivityIds", H5T_NATIVE_INT64, &one, &n_id));

  const Share ids = {cells.count_id, cells.first_id, cells.n_id, 0};
  PetscCall(put_share(fields, vtk, path, "Connectivity", H5T_NATIVE_INT64, &ids, cells.connectivity));
  /* The last rank closes the list of beginnings with its end. */
  const Share beginnings = {cells.count + 1, cells.first, cells.n + (rank == n_rank - 1), 0};
  PetscCall(put_share(fields, vtk, path, "Offsets", H5T_NATIVE_INT64, &beginnings, cells.offsets));
  PetscCall(put_share(fields, vtk, path, "Types", H5T_NATIVE_UINT8, &each, cells.types));
  PetscCall(put_regions(fields, &cells, file, vtk, path));
  PetscCall(CellsDestroy(&cells));
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
  PetscCall(put_cells(fields, file, vtk, path));
  PetscCall(put_arrays(fields, file, vtk, path));
  PinnCallHDF5(path, H5Gclose(vtk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t file_size(const Fields *fields)
{
  const size_t reals = 3 + (size_t)fields->mesh.dim + (size_t)fields->n_array, n = (size_t)fields->points->count;
  const Tiling *tiling = fields->mesh.tiling;
  size_t ints = n * ((size_t)(1 << fields->mesh.dim) + 2);
  if (tiling && tiling->n_cell) ints = (size_t)tiling->first[tiling->n_cell] + 2 * (size_t)tiling->n_cell;
  return 8 * (n * reals + ints) + 65536;
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
  PetscCall(CellsShareSizes(fields->comm, fields->points, width, count, first));
  PetscCall(PetscMalloc1(rank == 0 ? (size_t)fields->points->count * (size_t)width : 0, all));
  PetscCallMPI(
      MPI_Gatherv(mine, fields->points->n * width, MPI_DOUBLE, *all, count, first, MPI_DOUBLE, 0, fields->comm));
  PetscCall(PetscFree2(count, first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode write_gathered(const Fields *fields, const char *path)
{
  PointSet points = {.count = fields->points->count, .n = (int)fields->points->count, .dim = fields->mesh.dim};
  PetscErrorCode written = PETSC_SUCCESS;
  Fields all = *fields;
  PetscMPIInt rank;
  double **values;
  bool *inside;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(fields->comm, &rank));
  PetscCall(PetscMalloc1(fields->n_array, &values));
  PetscCall(gather_reals(fields, fields->mesh.dim, fields->points->x, &points.x));
  for (int a = 0; a < fields->n_array; a++) PetscCall(gather_reals(fields, 1, fields->values[a], &values[a]));
  PetscCall(CellsGatherInside(fields->comm, &fields->mesh, fields->points, &inside));
  all.comm = PETSC_COMM_SELF;
  all.points = &points;
  all.values = (const double *const *)values;
  all.mesh.inside = inside;
  if (rank == 0) written = HDF5Write(PETSC_COMM_SELF, path, fill_fields, &all);
  for (int a = 0; a < fields->n_array; a++) PetscCall(PetscFree(values[a]));
  PetscCall(PetscFree(values));
  PetscCall(PetscFree(points.x));
  PetscCall(PetscFree(inside));
  PetscCall(ErrorAgree(fields->comm, written));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FieldsWrite_Limit(size_t limit, MPI_Comm comm, const char *path, const FieldsMesh *mesh,
                                 const PointSet *points, int n_array, const char *const names[],
                                 const double *const values[], const char *case_text)
{
  const Fields fields = {comm, *mesh, points, n_array, names, values, case_text};
  int64_t count = mesh->tiling ? mesh->tiling->n_node : 1;
  PetscMPIInt n_rank;

  PetscFunctionBegin;
  PetscCheck(mesh->dim >= 1 && mesh->dim <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "cells of dimension %d",
             mesh->dim);
  for (int k = 0; k < mesh->dim && !mesh->tiling; k++) count *= mesh->n[k];
  PetscCheck(count == points->count, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%" PetscInt_FMT " points on %lld nodes",
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

PetscErrorCode FieldsWrite(MPI_Comm comm, const char *path, const FieldsMesh *mesh, const PointSet *points, int n_array,
                           const char *const names[], const double *const values[], const char *case_text)
{
  PetscFunctionBegin;
  PetscCall(FieldsWrite_Limit(GATHERED, comm, path, mesh, points, n_array, names, values, case_text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
