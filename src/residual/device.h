/* Rows on a device: what RowsOps asks of them is done there, from theta to rows and gradient, with points and what does
   not depend on theta kept there. */
#pragma once
#include "pinn/memory.h"
#include "pinn/sweep.h"
#include "residual_impl.h"

/* One block's points and sweeps. */
typedef struct {
  DeviceSweep sweep; /* NULL where no term uses the network */
  ProgramDevice program;
  int n, most;                  /* points, and how many a sweep takes at once */
  double *x, *normal, *statics; /* [n][dim] twice, [n_static][n] */
  double *weight, *scale;       /* [n], [n_term]; weight NULL = 1 */
  double *net, *net_bar;        /* [column][most][n_field] */
} DeviceBlock;

struct ResidualDevice_s {
  const Device *device;
  RowsOps ops;
  DeviceBlock *blocks; /* [n_block] */
  bool stale;          /* points have changed since they were put there */
  size_t n_row;
  double *theta, *direction, *gradient; /* [n_param] */
  double *rows, *rows_bar;              /* [n_row] */
  double bytes;                         /* of all that */
};
