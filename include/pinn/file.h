/* HDF5 files that anyone may have written, opened for reading: nothing in them is trusted. Failures are errors of the
   environment (error.h), "path: cause", but where a function says otherwise. Not collective. */
#pragma once
#include <hdf5.h>
#include <stdbool.h>
#include "pinn/error.h"

/* Calls HDF5; a negative result is the error "path: cause". */
#define PinnCallHDF5(path, call)                                                                                       \
  do {                                                                                                                 \
    if (PetscUnlikely((call) < 0)) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "%s: %s", (path), HDF5Cause());             \
  } while (0)
const char *HDF5Cause(void); /* innermost message of the last failure; valid until the next call */

/* Puts groups and datasets into an open file. Ids inside `file` that an error leaves open are closed with it. */
typedef PetscErrorCode (*HDF5FillFn)(hid_t file, const char *path, void *context);
/* File access that closes with the file whatever an error left open in it. */
PetscErrorCode HDF5CreateAccess(const char *path, hid_t *access);
/* Calls fill with a file opened for reading. Errors: absent, not HDF5, truncated. Not collective. */
PetscErrorCode HDF5Read(const char *path, HDF5FillFn read, void *context);
bool HDF5IsFile(const char *path); /* false where there is none */

/* The shape of a dataset of numbers. Errors: absent, not numbers, another rank, more values than the file can hold. */
PetscErrorCode HDF5GetShape(hid_t at, const char *path, const char *name, int rank, hsize_t dims[]);
PetscErrorCode HDF5GetReals(hid_t at, const char *path, const char *name, size_t n, double values[]);
PetscErrorCode HDF5GetSingles(hid_t at, const char *path, const char *name, size_t n, float values[]);
bool HDF5IsSingle(hid_t at, const char *name); /* of a dataset whose shape was got */
PetscErrorCode HDF5GetText(hid_t at, const char *path, const char *name, char **text); /* freed by the caller */
PetscErrorCode HDF5GetAttribute(hid_t at, const char *path, const char *name, hid_t type, void *value);
PetscErrorCode HDF5GetTextAttribute(hid_t at, const char *path, const char *name, char text[], size_t size);

/* Are texts of variable length, all there are in the file, where and as long as HDF5 will take them to be? Errors:
   damaged, or longer than 4096 characters. Cost: one pass over the file. */
PetscErrorCode HDF5CheckTexts(const char *path);

/* All numbers of a dataset of 1 to FILE_MAX_RANK dimensions, in the file's order, last index fastest.
     where   [in]   starts the messages: "case.cfg:3: problem.data.c"
     rank    [out]  dims [out] [*rank]
     values  [out]  [dims[0] * dims[1] ...], freed by the caller
   Errors: PETSC_ERR_USER_INPUT for a file that is absent, cut or not HDF5, a dataset that is absent, empty or no array
   of numbers, and a number that is not finite. Cost: one pass over the dataset. */
#define FILE_MAX_RANK 3
PetscErrorCode FileReadNumbers(const char *where, const char *path, const char *name, int *rank,
                               hsize_t dims[FILE_MAX_RANK], double **values);

/* `name` as seen from the folder of `file`; one of a few rotating buffers or name itself. */
const char *PathBeside(const char *file, const char *name);
/* Takes "FILE:/NAME" apart, the dataset NAME of a file; false where the text is not of that kind.
     path  [out]  FILE;  name  [out]  "/NAME" within text */
bool FileSplitName(const char *text, char path[PETSC_MAX_PATH_LEN], const char **name);
