/* The trial functions: all fields at once as outputs of one network u(x; theta), with their jets, and the three sweeps
   over them. Arrays of jets are [column][point][component], component fastest, columns those of a JetPlan.

   Parameters come in two parts: theta [n_param], which optimizers see, and frozen weights, which belong to the network
   (the random hidden layer of `random-features`). The last layer is linear and is the tail of theta:
   weights [n_field][n_hidden], then biases [n_field]. */
#pragma once
#include "pinn/config.h"
#include "pinn/jet.h"

typedef struct Network_s *Network;
typedef struct NetworkSweep_s *NetworkSweep;

/* The network that the case's `network` group describes.
     n_coord, coordinates  names, for `network.periodic` and messages
     n_field
     lower, upper          [in] [n_coord] bounding box of the domain; inputs are mapped to [-1, 1] by it
                           (network.normalize)
   Not collective; the same on every rank for the same seed. Errors: PETSC_ERR_USER_INPUT, for one where the parameters
   do not fit in memory. */
PetscErrorCode NetworkCreate(Config config, int n_coord, const char *const coordinates[], int n_field,
                             const double lower[], const double upper[], Network *network);
PetscErrorCode NetworkDestroy(Network *network);

size_t NetworkParameters(Network network);  /* n_param */
double NetworkWeightCount(Network network); /* of all layers, frozen ones too: multiply-adds of a sweep, a jet column */
void NetworkLastLayer(Network network, size_t *begin, int *n_feature); /* theta[begin ..]; n_feature = n_hidden */
const char *NetworkDescribe(Network network);                          /* "mlp 2-64-64-1, tanh"; owned by network */

/* Draws theta [out] [n_param] from the network's seed (counter-based: independent of ranks and threads). */
void NetworkInitialize(Network network, double theta[]);

/* Frozen weights, for checkpoints: borrowed, writable, length in *n (0 for most types). */
double *NetworkFrozen(Network network, size_t *n);

/* Scales of random features, one a coordinate, in radians per unit of the coordinate: reading them, and drawing the
   features again with new ones. Networks without scales: *n = 0, and setting them is an error (PETSC_ERR_SUP).
   Pointer borrowed. */
PetscErrorCode NetworkGetScales(Network network, int *n, const double **scales);
PetscErrorCode NetworkSetScales(Network network, const double scales[]);
bool NetworkSearchesScales(Network network); /* network.scale_search */

/* Work space of one thread for at most max_point points with the columns of plan: holds what the last forward sweep
   left (layer inputs Z, activation derivatives D). Borrows network and plan.
   Cost: about 2 columns max_point (sum of widths) doubles. */
PetscErrorCode NetworkSweepCreate(Network network, JetPlan plan, int max_point, NetworkSweep *sweep);
PetscErrorCode NetworkSweepDestroy(NetworkSweep *sweep);
/* Its size in doubles, for estimates. Cannot fail. */
double NetworkSweepDoubles(Network network, JetPlan plan, int max_point);

/* The number of points whose jets fill about half of this machine's L2 cache, and at least enough for fast products of
   matrices: what a tile should hold. */
int NetworkTilePoints(Network network, JetPlan plan);

/* The values of the plan's factors at the n points of the next forward sweep; where the plan has factors, every forward
   sweep needs its own. Without factors nothing is done.
     factors  [in]  [n_factor][n] with row stride `stride`, in the order of JetPlanFactors; copied */
void NetworkSetFactors(NetworkSweep sweep, int n, const double factors[], size_t stride);

/* out = jets of the outputs at n points. The sweep keeps what the three below need.
     theta  [in]   [n_param]
     x      [in]   [n][n_coord]
     out    [out]  [column][n][n_field]
   Cannot fail; called by threads at once, each with its sweep. Cost: one GEMM a layer, 2 columns n (weights) flops. */
void NetworkForward(NetworkSweep sweep, const double theta[], int n, const double x[], double out[]);

/* gradient += (d out / d theta)^T out_bar at the points of the last forward sweep.
     out_bar   [in]     [column][n][n_field]
     gradient  [inout]  [n_param]
   Cost: twice the forward sweep. */
void NetworkReverse(NetworkSweep sweep, const double theta[], const double out_bar[], double gradient[]);

/* out_dot = (d out / d theta) v at the points of the last forward sweep.  v [in] [n_param], out_dot like out. */
void NetworkTangent(NetworkSweep sweep, const double theta[], const double v[], double out_dot[]);

/* One row a point: J[p][k] = sum_{c,f} out_bar[c][p][f] d out[c][p][f] / d theta[begin + k], k < count.
     J  [out]  [n][ld], ld >= count; begin and count bound whole layers
   Cost: the reverse sweep, and columns x n x n_param multiplications for the outer products; layers below `begin` are
   not swept. */
void NetworkRows(NetworkSweep sweep, const double theta[], const double out_bar[], size_t begin, size_t count,
                 double J[], size_t ld);
