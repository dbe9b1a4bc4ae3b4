/* Vectors of PETSc whose numbers lie on a device: sums, products and norms are taken there, and whatever else PETSc or
   the house does to one sees its numbers on the host, copied when they are asked for and only then. */
#pragma once
#include <petscvec.h>
#include "pinn/device.h"

/* A zero vector of n numbers in all, over the ranks as PETSC_DECIDE says; on the device where there is one and comm has
   a single rank, else on the host. Duplicates are as the vector itself.
     device  borrowed as long as the vector lives; NULL: none
   Collective. Errors: PETSC_ERR_MEM. */
PetscErrorCode VectorCreate(MPI_Comm comm, const Device *device, size_t n, Vec *vec);
/* The device where its numbers lie; NULL: the host. */
const Device *VectorDevice(Vec vec);

/* This rank's numbers where they lie, which is where VectorUpdates works on them, until they are given back. WRITE: all
   are about to be overwritten. Not collective. */
typedef enum { VECTOR_READ, VECTOR_WRITE, VECTOR_BOTH } VectorAccess;
PetscErrorCode VectorGet(Vec vec, VectorAccess access, double **values);
PetscErrorCode VectorRestore(Vec vec, VectorAccess access, double **values);
/* Steps of optimizers, for the memory where a vector's numbers lie. */
const KernelUpdates *VectorUpdates(Vec vec);

/* Numbers in single precision beside those of a vector: as many as this rank has of it, in the same memory. Zero at
   first. Read copies them to `host`, Write from there; without a device, host is `values` itself. */
typedef struct {
  const Device *device;
  size_t n;
  float *values, *host;
} VectorSingle;
PetscErrorCode VectorSingleCreate(Vec like, VectorSingle *single);
PetscErrorCode VectorSingleRead(VectorSingle *single);
PetscErrorCode VectorSingleWrite(VectorSingle *single);
PetscErrorCode VectorSingleDestroy(VectorSingle *single);
