/* Sweeps of a network at many points on a device (device.h). All arrays are on the device, and double; the sweep itself
   is in the precision of the network. As there, operations are queued and failures are kept. */
#pragma once
#include "pinn/device.h"
#include "pinn/network.h"

typedef struct DeviceSweep_s *DeviceSweep;

/* Room for the jets of at most max_point points. Borrows network, plan and compression (NULL: none).
   Errors: PETSC_ERR_USER_INPUT in one sentence for what a device does not do, PETSC_ERR_MEM. */
PetscErrorCode DeviceSweepCreate(const Device *device, Network network, JetPlan plan, NetworkCompression compression,
                                 int max_point, DeviceSweep *sweep);
PetscErrorCode DeviceSweepDestroy(DeviceSweep *sweep);
/* Its size on the device, for estimates. */
double DeviceSweepBytes(Network network, JetPlan plan, NetworkCompression compression, int max_point);
/* After a draw of the compression's terms, or after frozen weights have changed scales: what depends on them. */
PetscErrorCode DeviceSweepRenew(DeviceSweep sweep);
/* Where coefficients of derivatives depend on the point, those at n points come before sweeps:
     x        [in]  [n][n_coord]
     factors  [in]  [n_factor][n] with row stride `stride`, in the order of JetPlanFactors
   on the host. Cost: of each point as many numbers as the plan's tables have terms, and its coordinates. */
PetscErrorCode DeviceSweepSetPoints(DeviceSweep sweep, int n, const double x[], const double factors[], size_t stride);

/* As NetworkForward, NetworkReverse (with the compression's part) and NetworkTangent.
     theta, v  [in]     [n_param]
     first     of the n points, among those of SetPoints
     x         [in]     [n][n_coord]
     out       [out]    [column][n][n_field], likewise out_bar [in] and out_dot [out]
     gradient  [inout]  [n_param]
     rows      [inout]  [n][ld] the gradient of each point by itself, in the parameters [begin, begin + count), any
                        range of them; what belongs to no layer that is trained is left alone
   The others follow the forward sweep at the same theta. */
PetscErrorCode DeviceSweepPrepareTangent(DeviceSweep sweep); /* before the first tangent: its room */
void DeviceSweepForward(DeviceSweep sweep, const double *theta, size_t first, int n, const double *x, double *out);
void DeviceSweepReverse(DeviceSweep sweep, const double *theta, const double *out_bar, double *gradient);
void DeviceSweepRows(DeviceSweep sweep, const double *theta, const double *out_bar, size_t begin, size_t count,
                     double *rows, size_t ld);
void DeviceSweepTangent(DeviceSweep sweep, const double *theta, const double *v, double *out_dot);
