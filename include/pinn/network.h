/* The trial functions: all fields at once as outputs of one network u(x; theta), or of one network each, with their
   jets, and the three sweeps over them. Arrays of jets are [column][point][component], component fastest, columns those
   of a JetPlan.

   Parameters come in two parts: theta [n_param], which optimizers see, and frozen weights, which belong to the network
   (the random hidden layer of `random-features`, frequencies that are kept). The last layer is linear and is the tail
   of theta: weights [n_field][n_hidden], then biases [n_field]; with network.affine, before them the weights
   [n_field][n_coord] of the affine function that is added to it, which belong to it: u = W z + A x + b; and with
   network.quadratic, between these, [n_field][n_coord][n_coord] of a form x^T A x, or [n_field][n_coord] of a diagonal
   one. Networks of single fields have their last layers one after the other there. Behind them all stand the unknown
   coefficients of the case (problem.unknowns), which no output depends on and no sweep touches.

   A network is a list of steps between nodes, each a jet of so many neurons: dense layers, activations, products, sums
   (src/network/network_impl.h). All parameters are those of layers, J = sum_c g_c z_c^T; what multiplies no neurons
   (factors of rows, weights of skips) is a layer of one input, 1, in one column. */
#pragma once
#include "pinn/config.h"
#include "pinn/jet.h"

typedef struct Network_s *Network;
typedef struct NetworkSweep_s *NetworkSweep;
typedef struct NetworkCompression_s *NetworkCompression;

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

size_t NetworkParameters(Network network);  /* n_param, with the unknown coefficients of the case */
double NetworkWeightCount(Network network); /* of all layers, frozen ones too: multiply-adds of a sweep, a jet column */
double NetworkInputWeights(Network network);                           /* those among them that meet the coordinates */
void NetworkLastLayer(Network network, size_t *begin, int *n_feature); /* theta[begin ..]; inputs of the linear part */
/* The trained layers' weights (and those of the parts beside the last one), a matrix [*rows][*columns] at
   theta[*offset], and biases, a vector of *rows with *columns = 0: number of both, and the k-th in the order of theta.
   */
PetscInt NetworkParameterBlocks(Network network);
void NetworkParameterBlock(Network network, PetscInt k, size_t *offset, PetscInt *rows, PetscInt *columns);
const char *NetworkDescribe(Network network); /* "mlp 2-64-64-1, tanh"; owned by network */

/* Draws theta [out] [n_param] from the network's seed (counter-based: independent of ranks and threads). */
void NetworkInitialize(Network network, double theta[]);

/* Frozen weights, for checkpoints: borrowed, writable, length in *n (0 for most types). */
double *NetworkFrozen(Network network, size_t *n);

/* Scales of random features, one a coordinate, in radians per unit of the coordinate: reading them, and drawing the
   features again with new ones. Networks without scales: *n = 0, and setting them is an error (PETSC_ERR_SUP).
   Pointer borrowed. */
PetscErrorCode NetworkGetScales(Network network, int *n, const double **scales);
PetscErrorCode NetworkSetScales(Network network, const double scales[]);
/* Adds `by` to the phases of random features. PETSC_ERR_USER_INPUT where they are no plane waves. */
PetscErrorCode NetworkShiftPhases(Network network, double by);
bool NetworkSearchesScales(Network network); /* network.scale_search */

/* Is the first layer so large that passes over it are what an evaluation costs? Then threads share its products (which
   the BLAS library sees to) and sweep the same points, with one gradient. */
bool NetworkIsWide(Network network);
/* The least number of input weights of such a layer, instead of 4e6; before anything is created that sweeps. */
void NetworkSetWide(Network network, double least);
/* Linear functions of the coordinates that the outputs are a function of: neurons of the first hidden layer, and
   outputs where they have an affine part. */
int NetworkFirstWidth(Network network);
/* Coordinates that are enough for sums of squares: as many as these, or 1 where there is one hidden layer (apart.c). */
int NetworkCompressedWidth(Network network);

/* What the coordinates of a plan's groups (JetReduce) are: their seeds, derivatives of the first pre-activation. Of a
   compressed S as many as the first layer has neurons are enough for exact results, in any number of dimensions
   (compress.c), and one is where this is the only hidden layer (apart.c); of samples they are columns of the first
   layer (gather.c). Borrows network. Shared by the sweeps of all threads. */
PetscErrorCode NetworkCompressionCreate(Network network, int n_group, const JetGroup groups[],
                                        NetworkCompression *compression);
PetscErrorCode NetworkCompressionDestroy(NetworkCompression *compression);
double NetworkCompressionDoubles(NetworkCompression compression); /* its size, for estimates */
/* Can the network be swept with such coordinates? A quadratic form is not sampled. */
bool NetworkServesGroups(Network network, NetworkCompression compression);
/* The terms in a draw of a group of samples, until the next call: terms [in] [passes][slots]. Update must follow. */
void NetworkCompressionPick(NetworkCompression compression, int group, const int terms[]);
/* The random directions of a group, V [in] [width][n]; likewise. */
void NetworkCompressionAim(NetworkCompression compression, int group, const double V[]);
/* Before sweeps at a new theta (or new frozen weights) or with a new draw; before tangents along a new v; and after the
   reverse sweeps of all tiles, whose parts by the groups' coordinates are added to gradient [inout] [n_param]. They use
   all threads, with sums in an order of their own. Cannot fail: NaN comes out where theta has NaN. Cost each:
   compressed 2 d h^2, an update at the same weights d h; in networks of one hidden layer d h; samples m h. */
void NetworkCompressionUpdate(NetworkCompression compression, const double theta[]);
void NetworkCompressionTangent(NetworkCompression compression, const double theta[], const double v[]);
void NetworkCompressionReverse(NetworkCompression compression, const double theta[], double gradient[]);

/* Work space of one thread for at most max_point points with the columns of plan: holds what the last forward sweep
   left (layer inputs Z, activation derivatives D). Borrows network, plan and compression (NULL where the plan has
   no coordinates but the network's).
   Cost: about 2 columns max_point (sum of widths) doubles. */
PetscErrorCode NetworkSweepCreate(Network network, JetPlan plan, NetworkCompression compression, int max_point,
                                  NetworkSweep *sweep);
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

/* Which pass of a draw the next sweeps make; 0 at first. */
void NetworkSetPass(NetworkSweep sweep, int pass);

/* out = jets of the outputs at n points. The sweep keeps what the three below need.
     theta  [in]   [n_param]
     x      [in]   [n][n_coord]
     out    [out]  [column][n][n_field]
   Cannot fail; called by threads at once, each with its sweep. Cost: one GEMM a layer, 2 columns n (weights) flops. */
void NetworkForward(NetworkSweep sweep, const double theta[], int n, const double x[], double out[]);

/* gradient += (d out / d theta)^T out_bar at the points of the last forward sweep; of a compression, its own part is
   kept until NetworkCompressionReverse.
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

/* What products with J at one theta need of all points of a block with n_term rows a point, kept from one forward sweep
   and one reverse sweep a term: inputs Z of the trained layers and adjoints G of their pre-activations. Points are kept
   by panels, each one piece of memory; row `term` of point p of a panel is J[p] = sum_c g_c z_c^T, layer by layer.
   Panels are as large as their products like it, whatever the number of threads and the size of a tile. */
typedef struct NetworkStore_s *NetworkStore;
PetscErrorCode NetworkStoreCreate(Network network, JetPlan plan, NetworkCompression compression, int n_point,
                                  int n_term, NetworkStore *store);
/* Before products with rows at a new theta, after NetworkCompressionUpdate; nothing to do without compression. By all
   threads. Cost: 2 d h^2. */
void NetworkStoreSetTheta(NetworkStore store, const double theta[]);
PetscErrorCode NetworkStoreDestroy(NetworkStore *store);
/* Its size in doubles, for estimates: about n_point columns (sum of widths) (1 + n_term). Cannot fail. */
double NetworkStoreDoubles(Network network, JetPlan plan, double n_point, int n_term);
/* Work space of one thread, in doubles, for products of this store, and for its Gram products with another one. */
size_t NetworkStoreWork(NetworkStore store);
size_t NetworkStoreGramWork(NetworkStore a, NetworkStore b);

int NetworkStorePanels(NetworkStore store);
void NetworkStorePanel(NetworkStore store, int panel, int *begin, int *n); /* its points [begin, begin + n) */
double *NetworkStoreData(NetworkStore store, int panel, size_t *n);        /* what it keeps, borrowed, writable */

/* From the last forward sweep, its points to points [at, at + n) of a panel; and from a reverse sweep of out_bar, the
   seed of the rows of one term.  out_bar [in] [column][n][n_field] */
void NetworkStoreInputs(NetworkStore store, int panel, int at, NetworkSweep sweep);
void NetworkStoreAdjoints(NetworkStore store, int panel, int at, int term, NetworkSweep sweep, const double theta[],
                          const double out_bar[]);

/* Products with the rows of a panel; each thread has its own work [NetworkStoreWork]. Rows are [term][point] with row
   stride `stride`, beginning at the panel's first point. Cost of Apply and ApplyTranspose: one GEMM a layer.
     Apply           Jv = J v                          v [in] [n_param], Jv [out]
     ApplyTranspose  gradient += J^T w                 w [in], gradient [inout] [n_param]
     Rows            J[term * stride + p][ld]          columns [begin, begin + count), whole layers
     Squares         sums[k] += sum of J_k^2 over rows sums [inout] [n_param] */
void NetworkStoreApply(NetworkStore store, int panel, const double v[], double work[], double Jv[], size_t stride);
void NetworkStoreApplyTranspose(NetworkStore store, int panel, const double w[], size_t stride, double work[],
                                double gradient[]);
void NetworkStoreRows(NetworkStore store, int panel, size_t begin, size_t count, double J[], size_t stride, size_t ld);
void NetworkStoreSquares(NetworkStore store, int panel, double work[], double sums[]);

/* A store of at most as many points as it was created for is made one of n_point points. */
void NetworkStoreResize(NetworkStore store, int n_point);
/* One layer of a panel as the arrays that the rows of a term are made of, J[p] = sum_c g_c z_c^T.
     z       [out] [*n_column][n][n_in + 1]: inputs, and last the bias's, where it has one, 1 in column 0
     g       work for the adjoints, [NetworkStoreAdjointsWork]
     return  [*n_column][n][n_out] borrowed */
const double *NetworkStoreLayer(NetworkStore store, int panel, int layer, int term, double z[], double g[],
                                int *n_column);
/* Doubles that are enough for [*n_column][n] inputs or outputs of any layer, and for adjoints that are not in the
   store, 0 where all are. */
size_t NetworkStoreInputsWork(NetworkStore store);
size_t NetworkStoreAdjointsWork(NetworkStore store);

/* Trained layers, the affine part and the quadratic form being the last of them, for sums over layers: numbers [first,
   end), the place of one in the order of theta, and its outputs. */
void NetworkTrainedLayers(Network network, int *first, int *end);
int NetworkLayerPlace(Network network, int layer);
int NetworkLayerOutputs(Network network, int layer);
/* Columns of J of outputs [begin, begin + count) of one layer, weights before biases, NetworkLayerColumns in all, each
   times its scaling [n_param] (NULL: 1).  J [term * stride + p][ld] [out] */
void NetworkStoreLayerRows(NetworkStore store, int panel, int layer, int begin, int count, const double scaling[],
                           double J[], size_t stride, size_t ld);
size_t NetworkLayerColumns(Network network, int layer, int count);

/* One layer's part of J J^T between the rows of two panels, without rows of J:
       K[(e, p)][(f, q)] += sum_{c,d} (g_{e,c,p} . g_{f,d,q}) (z_{c,p} . z_{d,q} + [c = d = 0])
   K has the rows [term][point] of all points of a, row-major with ldk, and columns likewise of b. Where lower, a and b
   are the same store and panel_a >= panel_b: only entries of the lower triangle count. With `own`, the columns whose
   inputs are constants are left out.
   GramFlops: of that for one pair of points; DenseFlops: of the same by rows of J. */
void NetworkStoreGram(NetworkStore a, int panel_a, NetworkStore b, int panel_b, int layer, bool own, bool lower,
                      double work[], double K[], size_t ldk);
/* The parts of all layers that read the coordinates, and of a quadratic form, with the products of two points made
   once; constants are left out. Where both stores share them: the inputs of their columns are multiples of the points.
   */
bool NetworkStoreShares(NetworkStore a, NetworkStore b);
bool NetworkLayerShares(Network network, int layer);
size_t NetworkStoreTogetherWork(NetworkStore a, NetworkStore b);
void NetworkStoreGramTogether(NetworkStore a, int panel_a, NetworkStore b, int panel_b, bool lower, double work[],
                              double K[], size_t ldk);
/* What `own` leaves out, between stores of one block at one theta, by rows in the coordinates of the constants
   (store_reduced.c): K += G Q^T + Q G^T.
     Constants         their number k, 0 in layers without; a neuron's own ones are counted once
     ConstantProducts  M [m][k][k] [out], m = ConstantSets: 1, or n_out where neurons have constants of their own
     Project           y [n_own][n][k m] [out] of a panel, n_own n k m <= NetworkStoreWork
     ReducedRows       G and Q [term * stride + p][count][k] [out] of outputs [begin, begin + count) */
int NetworkStoreConstants(NetworkStore store, int layer);
size_t NetworkStoreConstantSets(NetworkStore store, int layer);
void NetworkStoreConstantProducts(NetworkStore store, int layer, double M[]);
void NetworkStoreProject(NetworkStore store, int panel, int layer, double y[]);
void NetworkStoreReducedRows(NetworkStore store, int panel, int layer, int begin, int count, const double M[],
                             const double y[], double G[], double Q[], size_t stride);
double NetworkStoreReducedFlops(NetworkStore a, NetworkStore b, int layer);
double NetworkStoreGramFlops(NetworkStore a, NetworkStore b, int layer);
double NetworkStoreDenseFlops(NetworkStore a, NetworkStore b, int layer);
