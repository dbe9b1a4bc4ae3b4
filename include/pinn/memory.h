/* Memory and tables of devices, as the host handles them. */
#pragma once
#include "pinn/device.h"
#include "pinn/error.h"

/* An array of the device, with the host's values where `from` is given, zero otherwise; freed by DeviceFree.
   Errors: PETSC_ERR_MEM where the device has no more. */
PetscErrorCode DeviceAllocate(const Device *device, size_t bytes, const void *from, void **memory);
/* The host's values to an array that has room for *room bytes, or to a new one in its place. */
PetscErrorCode DeviceRenew(const Device *device, size_t bytes, const void *from, void **memory, size_t *room);
PetscErrorCode DeviceFree(const Device *device, void **memory);
/* PETSC_ERR_LIB with the device's sentence where anything has failed. */
PetscErrorCode DeviceCheck(const Device *device);

/* Tables of a plan for operations of a device: struct on the host, arrays on the device. Of tables whose coefficients
   depend on the point those at n_point points are taken over as they are.
   At: for jets with `width` lanes a point of the points from `first` on, until the next call; borrowed. */
typedef struct DeviceTables_s *DeviceTables;
PetscErrorCode DeviceTablesCreate(const Device *device, const KernelTables *host, size_t n_point, DeviceTables *tables);
/* The same in place of *tables (NULL: none yet), in their memory where that is enough. */
PetscErrorCode DeviceTablesRenew(const Device *device, const KernelTables *host, size_t n_point, DeviceTables *tables);
PetscErrorCode DeviceTablesDestroy(DeviceTables *tables);
const KernelTables *DeviceTablesAt(DeviceTables tables, size_t width, size_t first);
