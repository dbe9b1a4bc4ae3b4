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
} DeviceBlock;

struct ResidualDevice_s {
  const Device *device;
  DeviceBlock *blocks;                    /* [n_block] */
  bool stale;                             /* points have changed since they were put there */
  DeviceArray theta, direction, gradient; /* [n_param] of vectors on the host; made when first needed */
  DeviceArray rows, rows_bar;             /* [n_row] */
  DeviceArray squares;                    /* [n_term] sums over the rows last evaluated, */
  double *square;                         /* on the host */
  double bytes;                           /* of all that */
};

/* Room for n numbers, zero where it is new, else left alone; and an end to it. */
PetscErrorCode ResidualDeviceTake(ResidualDevice d, size_t n, DeviceArray *array);
PetscErrorCode ResidualDeviceDrop(ResidualDevice d, DeviceArray *array);
/* Points with what belongs to them, and what depends on a draw of terms, as the host has them now. */
PetscErrorCode ResidualDevicePoints(Residual residual);

extern const RowsOps ResidualDeviceOps;
