/* What the files of this folder share: whole-file writing, HDF5 with PETSc's errors. */
#pragma once
#include <stdint.h>
#include "pinn/file.h"
#include "pinn/output.h"

/* The name under which a file is written until it is whole; `temporary` holds PINN_PATH_SIZE. */
#define PINN_TEMPORARY ".tmp"
#define PINN_PATH_SIZE (PETSC_MAX_PATH_LEN + 64)
void FileTemporaryName(const char *path, char temporary[]);
/* All of `bytes` under `path`, or an error and what was there before. Not collective. */
PetscErrorCode FileWrite(const char *path, size_t size, const void *bytes);
/* Syncs a temporary file that is complete and gives it its name. Not collective. */
PetscErrorCode FileCommit(const char *path);
/* Would a file of that size fit? Errors as of FileWrite. Not collective. */
PetscErrorCode FileReserve(const char *path, size_t size);
/* CRC-64/XZ of `crc` (0 at first) continued by bytes. */
uint64_t FileChecksum(uint64_t crc, size_t size, const void *bytes);

/* The arrays of a verification whose n_field and n_term are set. */
PetscErrorCode VerificationAllocate(Verification *verification);
/* All errors of a field from its sums. Of slabs, each has its own constant and affine function. */
void VerificationErrors(Verification *verification, int field);
/* RMS over the interior terms, which come first. */
double VerificationInterior(int n_equation, const double rms[]);
/* A term without points in a slab: its RMS is NaN, its maximum zero. */
static inline bool VerificationLacks(const Verification *v, int term)
{
  return v->heldout_term_rms[term] != v->heldout_term_rms[term] && v->heldout_term_max[term] == 0.0;
}

/* Numbers N of the folder's checkpoint-N.h5, newest first; *n of them, freed by the caller. Not collective. */
PetscErrorCode FolderCheckpoints(Folder folder, int *n, PetscInt **numbers);

/* A file under the temporary name of `path`, for FileCommit, behind `room` bytes for the caller: 0, or 512 for a text
   that HDF5 skips as a user block. Whatever fails, HDF5 or the disk, leaves nothing. Not collective. */
PetscErrorCode HDF5Stream(const char *path, size_t room, HDF5FillFn fill, void *context);
/* Writes a whole file. With several ranks fill is collective and writes through MPI-IO. Collective on comm. */
PetscErrorCode HDF5Write(MPI_Comm comm, const char *path, HDF5FillFn fill, void *context);
/* FieldsWrite where files of up to `limit` bytes are gathered on rank 0; larger ones go through MPI-IO. */
PetscErrorCode FieldsWrite_Limit(size_t limit, MPI_Comm comm, const char *path, const FieldsMesh *mesh,
                                 const PointSet *points, int n_array, const char *const names[],
                                 const double *const values[], const char *case_text);

/* A dataset dims[rank] (rank 0 = scalar) of disk type `stored` from memory type `type`. */
PetscErrorCode HDF5Put(hid_t at, const char *path, const char *name, hid_t stored, hid_t type, int rank,
                       const hsize_t dims[], const void *values);
PetscErrorCode HDF5PutText(hid_t at, const char *path, const char *name, const char *text);
PetscErrorCode HDF5PutAttribute(hid_t at, const char *path, const char *name, hid_t type, hsize_t n,
                                const void *values);
PetscErrorCode HDF5PutTextAttribute(hid_t at, const char *path, const char *name, const char *text);

/* `name` as a dataset name: '/' becomes ':', and an empty name or "." becomes "_". */
void HDF5SafeName(const char *name, char safe[], size_t size);

/* What a file of fields holds: u, exact_u and error_u by field, residual_NAME by equation. */
typedef struct {
  int n;
  char (*names)[96];
  FormulaNode *nodes; /* -1: error of field `error_of` */
  int *error_of;
  int *region;               /* of the domain, outside of which values are not numbers; -1 = everywhere */
  const char **titles;       /* [n] names */
  double **values, *storage; /* [n][n_point] */
} OutputArrays;
PetscErrorCode OutputArraysCreate(Problem problem, Domain domain, int n_point, OutputArrays *arrays);
PetscErrorCode OutputArraysDestroy(OutputArrays *arrays);
/* At points; values [out] [n][points->n]. */
PetscErrorCode OutputArraysEvaluate(Problem problem, Domain domain, const Slabs *slabs, const OutputArrays *arrays,
                                    const PointSet *points, double *const values[]);
/* The number of a region as a case names it, -1 for NULL; and values [n] that are not numbers outside of it. */
PetscErrorCode OutputFindRegion(Domain domain, const char *name, int *region);
void OutputLeaveRegion(Domain domain, int region, int n, const double x[], double values[]);

/* The same n values on all ranks; others than rank 0 get *values allocated. Collective. */
PetscErrorCode BroadcastReals(MPI_Comm comm, size_t n, double **values);
PetscErrorCode BroadcastSingles(MPI_Comm comm, size_t n, float **values);
PetscErrorCode BroadcastText(MPI_Comm comm, char **text);
