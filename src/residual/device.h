/* Rows on a device: what RowsOps asks of them is done there, from theta to rows and gradient, with points and what does
   not depend on theta kept there. */
#pragma once
#include "pinn/memory.h"
#include "pinn/sweep.h"
#include "pinn/vector.h"
#include "residual_impl.h"

typedef struct ResidualDevice_s *ResidualDevice;

/* Numbers on the device, with room for so many. */
typedef struct {
  double *values;
  size_t room;
} DeviceArray;

/* One block's points and sweeps. */
typedef struct {
  DeviceSweep sweep; /* NULL where no term uses the network */
  ProgramDevice program;
  int n, most;                    /* points, and how many a sweep takes at once */
  DeviceArray x, normal, statics; /* [n][dim] twice, [n_static][n] */
  DeviceArray weight, scale;      /* [n], [n_term]; none of weight = 1 */
  DeviceArray net, net_bar;       /* [column][most][n_field] */
  DeviceArray ones;               /* [most] */
} DeviceBlock;

struct ResidualDevice_s {
  const Device *device;
  DeviceBlock *blocks;                    /* [n_block] */
  bool stale;                             /* points have changed since they were put there */
  DeviceArray theta, direction, gradient; /* [n_param] of vectors on the host; made when first needed */
  DeviceArray rows, rows_bar;             /* [n_row] */
  DeviceArray squares;                    /* [n_term] sums over the rows last evaluated, */
  double *square;                         /* on the host */
  RowsOps ops;
  DeviceArray J, K, factor; /* some columns of J, [n_row][]; a product of J with itself; the kernel's factor */
  DeviceArray numbers;      /* [n_param] of a scaling or a diagonal */
  double bytes;             /* of all that at the beginning */
};

/* Room for n numbers, zero where it is new, else left alone; and an end to it. */
PetscErrorCode ResidualDeviceTake(ResidualDevice d, size_t n, DeviceArray *array);
PetscErrorCode ResidualDeviceDrop(ResidualDevice d, DeviceArray *array);
/* Points with what belongs to them, and what depends on a draw of terms, as the host has them now. */
PetscErrorCode ResidualDevicePoints(Residual residual);

/* Between the files of this type.
     Tile      the points [begin, begin + n) of a block
     Borrow    a vector's numbers in full on the device: where they lie, or a copy in `own`; GiveBack when they are read
     Renew     points, where they have changed; this also makes the room for rows
     Finish    the rows' squares term by term, and from them the loss; r [n_row] and loss may be NULL. Collective. */
DevicePoints ResidualDeviceTile(const DeviceBlock *block, int dim, int begin, int n);
PetscErrorCode ResidualDeviceBorrow(Residual residual, Vec vec, DeviceArray *own, const double **values);
PetscErrorCode ResidualDeviceGiveBack(Residual residual, Vec vec, const double **values);
PetscErrorCode ResidualDeviceRenew(Residual residual);
PetscErrorCode ResidualDeviceFinish(Residual residual, double r[], double *loss);

/* RowsOps by rows of J on the device (device_jacobian.c). */
PetscErrorCode RowsJacobian_Device(void *self, Vec theta, size_t begin, size_t count, double r[], double J[],
                                   size_t ld);
PetscErrorCode RowsGram_Device(void *self, Vec theta, const double scaling[], double K[], size_t ld);
PetscErrorCode RowsGramLayer_Device(void *self, Vec theta, int layer, const double scaling[], double K[], size_t ld);
PetscErrorCode RowsNormal_Device(void *self, Vec theta, double N[], size_t ld, double b[]);
PetscErrorCode RowsDiagonal_Device(void *self, Vec theta, double d[]);
PetscErrorCode RowsTriangle_Device(void *self, Vec theta, size_t begin, size_t count, double r[], double T[],
                                   size_t ld);
PetscErrorCode RowsKernel_Device(void *self, Vec theta, double *mean);
PetscErrorCode RowsKernelInverse_Device(void *self, double shift, double w[], bool *solved);

/* What a device has of RowsOps, on one rank or on several. */
void ResidualDeviceOps(bool several, RowsOps *ops);
