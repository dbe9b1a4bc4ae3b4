/* Sweeps of a network on a device, in one floating-point type: device_sweep.c is compiled for both (kernel/real.h). */
#pragma once
#include "compress.h"
#include "pinn/memory.h"
#include "pinn/sweep.h"

/* A layer that reads the coordinates, on the device: the seeds of its columns, and what becomes of them. */
typedef struct {
  DeviceSeeds seeds;
  int *mode; /* [n_column], and what adds a bias alone */
  void *memory;
  size_t room;      /* bytes of it */
  void **at_points; /* [n_column] seeds that depend on the point, [n_point][n_in] of the sweep's type; NULL: none */
  size_t *at_room;  /* [n_column] */
} DeviceInputs;

struct DeviceSweep_s {
  const Device *device;
  Network network; /* borrowed, as the plan and the compression */
  JetPlan plan;
  NetworkCompression compression;
  bool single;
  int n_column, n, max_point; /* n: points of the last forward sweep, */
  size_t at;                  /* the first of them among those of SetPoints */
  bool varies;                /* coefficients depend on the point */
  DeviceTables tables;
  DeviceInputs first, affine;
  double *scale; /* host, [n_column]: of columns whose seeds are so many times the coordinates, else 0 */
  bool scales;   /* there are such columns */
  int *input_of;
  double *shift, *stretch, *frozen;
  void *memory;  /* of the arrays below */
  void *input;   /* [max_point][n_input] */
  void *mapped;  /* [max_point][n_coord] where coordinates share inputs and the affine part does not, else `input` */
  void **z, **d; /* host arrays of [n_layer]: z[l] [column][n][n_in] for l > 0, d[l] [column][n][n_out] */
  void *work[2]; /* [column][n][widest] */
  void *columns; /* [column][widest] */
  void *scaled;  /* [n][widest] */
  void *output;  /* [column][n][n_field], single */
  void *weights, *frozen_weights, *gradient; /* single: [n_param], [n_frozen], [largest layer] */
  void *direction;                           /* single: [n_param], of its own; NULL before tangents */
};

typedef struct {
  void (*forward)(DeviceSweep sweep, const double *theta, size_t first, int n, const double *x, double *out);
  void (*reverse)(DeviceSweep sweep, const double *theta, const double *out_bar, double *gradient);
  void (*tangent)(DeviceSweep sweep, const double *theta, const double *v, double *out_dot);
  void (*rows)(DeviceSweep sweep, const double *theta, const double *out_bar, size_t begin, size_t count, double *rows,
               size_t ld);
} DeviceSweepOps;
extern const DeviceSweepOps DeviceSweepIn, DeviceSweepIn_Single;
