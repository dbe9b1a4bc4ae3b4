/* Devices: accelerators with memory of their own; a process opens at most one. Arrays and tables named here lie
   in that memory; the host never looks into them. Operations are queued and done one after the other. None returns an
   error: what went wrong first is kept, and `failure` tells it. */
#pragma once
#include "pinn/kernel.h"

/* What a column of a layer's pre-activations has of the first-order parts of its inputs, the same at all points: sum
   over k in [start[c], start[c + 1]) of factor[k] weights[:, input[k]]. */
typedef struct {
  int n_column;
  const int *start; /* [n_column + 1] */
  const int *input;
  const double *factor;
} DeviceSeeds;

/* What spread_columns does to a column. */
enum { SPREAD_LEAVE, SPREAD_SET, SPREAD_ADD };

/* Operations for a floating-point type Real beside those of kernel.h, whose tables here are of DeviceTablesCreate
   (memory.h). Arrays of jets are [column][point][neuron]; sums have an order that depends on sizes alone.

   map_points: input[p][input_of[i]] = sum over such i of (x[p][i] - shift[i]) stretch[i]; input_of NULL: i itself
   gather_columns: columns[c][j] = sum over the seeds of c of factor weights[j][input], weights [n_out][n_in]
   scatter_columns: the transpose, gradient[j][input] += factor columns[c][j]
   spread_columns: u[c][p][j] = or += columns[c][j], as mode[c] says
   sum_points: columns[c][j] = sum over points of u[c][p][j]
   outer_rows: of the numbers q < count of a row, each with j = (first + q) / n_in and i the remainder,
     rows[p * ld + q] (+)= sum_c g[c * stride_g + p * n_out + j] z[c * stride_z + p * n_in + i]; z NULL: 1
   scatter_rows: rows[p * ld + q] += factor g[c][p][j] for seeds of c whose place q + first = j n_in + input is there
   narrow, widen: copies between double and Real; widen adds where `add` */
#define PINN_DEVICE_KERNEL(Real, Kernel, DeviceKernel)                                                                 \
  typedef struct {                                                                                                     \
    const Kernel *kernel;                                                                                              \
    void (*map_points)(size_t n, size_t n_coord, size_t n_input, const int *input_of, const double *x,                 \
                       const double *shift, const double *stretch, Real *input);                                       \
    void (*gather_columns)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *weights, Real *columns);   \
    void (*scatter_columns)(const DeviceSeeds *seeds, size_t n_out, size_t n_in, const Real *columns, Real *gradient); \
    void (*spread_columns)(size_t n_column, size_t n, size_t n_out, const int *mode, const Real *columns, Real *u);    \
    void (*sum_points)(size_t n_column, size_t n, size_t n_out, const Real *u, Real *columns);                         \
    void (*outer_rows)(size_t n_column, size_t n, size_t n_out, size_t n_in, size_t first, size_t count,               \
                       const Real *g, size_t stride_g, const Real *z, size_t stride_z, double *rows, size_t ld,        \
                       int add);                                                                                       \
    void (*scatter_rows)(const DeviceSeeds *seeds, size_t n, size_t n_out, size_t n_in, size_t first, size_t count,    \
                         const Real *g, double *rows, size_t ld);                                                      \
    void (*narrow)(size_t n, const double *from, Real *to);                                                            \
    void (*widen)(size_t n, const Real *from, double *to, int add);                                                    \
  } DeviceKernel;

PINN_DEVICE_KERNEL(double, Kernel, DeviceKernel)
PINN_DEVICE_KERNEL(float, Kernel_Single, DeviceKernel_Single)

/* Programs of formulas, a point a thread: the tape of src/formula, as numbers. An operand has n_column columns; the
   k-th is the sum of coef times a number of the point, over the entries [starts[start + k], starts[start + k + 1]). */
enum { DEVICE_ONE, DEVICE_X, DEVICE_NORMAL, DEVICE_STATIC, DEVICE_VALUE };
enum { DEVICE_LOAD, DEVICE_COMBINE, DEVICE_PRODUCT, DEVICE_FUNCTION, DEVICE_COMPARE, DEVICE_SELECT };
enum { DEVICE_LT, DEVICE_LE, DEVICE_GT, DEVICE_GE, DEVICE_EQ, DEVICE_NE };
typedef struct {
  int area, index;
  double coef;
} DeviceEntry;
typedef struct {
  int n_column, start;
  int varies; /* has entries of DEVICE_VALUE */
  int direct; /* is consecutive columns of one area, read there; else gathered into column `copy` of the work space */
  int copy;
} DeviceOperand;
typedef struct {
  int kind, n_column, value;
  int slope;            /* FUNCTION: first column of f'(u) in the work space */
  int tables, function; /* PRODUCT, FUNCTION: number of the tables; of the function (SeriesNumber) */
  int relation;         /* COMPARE */
  int output, column;   /* LOAD: of the network, and the first of n_column places in columns and scales */
  double parameter;
  DeviceOperand arg[3];
} DeviceStep;
typedef struct {
  int n_step, n_value, n_root, n_coord, n_output, n_net_column, selects;
  DeviceOperand results; /* the roots */
  const DeviceStep *steps;
  const DeviceEntry *entries;
  const int *starts, *columns;
  const double *scales;
  const KernelTables *tables; /* on the device, with all they point to */
} DeviceProgram;

/* The points of an evaluation, n <= ld, and its work space, [column][ld]. Row e of point p is at
   rows[e * row_stride + p]: (root - given) weight scale[e]. */
typedef struct {
  size_t n, ld, stride, row_stride;
  const double *x, *normal;     /* [n][n_coord] */
  const double *statics;        /* [n_static] rows `stride` apart, as those of given */
  const double *given, *weight; /* NULL: 0 and 1 */
  const double *scale;          /* [n_root] */
  double *value, *aux, *dual, *scratch, *power;
} DevicePoints;

/* How single-precision matrix products may round their factors; sums are single in each. */
typedef enum { PRODUCTS_FULL, PRODUCTS_TF32, PRODUCTS_BF16 } DeviceProducts;

typedef struct {
  /* Takes the device number `place` modulo their number. text [out]: what it is, or why there is none, in one sentence.
     Once; false where there is none. */
  bool (*open)(int place, char *text, size_t size);
  void (*close)(void);
  void (*set_products)(DeviceProducts products);
  size_t (*free_bytes)(void);
  void *(*allocate)(size_t bytes); /* NULL where memory is short */
  void (*release)(void *memory);
  void (*put)(void *to, const void *from, size_t bytes); /* from the host, whose array may change right after */
  void (*get)(void *to, const void *from, size_t bytes); /* to the host, when all that was queued is done */
  void (*copy)(void *to, const void *from, size_t bytes);
  void (*clear)(void *to, size_t bytes);
  const char *(*failure)(void); /* NULL where all went well so far */
  /* result [1] = sum of a_i b_i */
  void (*dot)(size_t n, const double *a, const double *b, double *result);
  /* net [n_net_column][n][n_output]; the two below follow an evaluation with the same work space
     evaluate: rows from net; reverse: net_bar, overwritten, from the rows' adjoint; tangent: rows_dot from net_dot */
  void (*evaluate)(const DeviceProgram *program, const DevicePoints *points, const double *net, double *rows);
  void (*reverse)(const DeviceProgram *program, const DevicePoints *points, const double *rows_bar, double *net_bar);
  void (*tangent)(const DeviceProgram *program, const DevicePoints *points, const double *net_dot, double *rows_dot);
  /* A [n][ld], symmetric, row-major: the lower Cholesky factor of A + shift in its place; false: not positive
     definite. Waits for the device. */
  bool (*factor)(size_t n, double *A, size_t ld, double shift);
  /* b [n] <- (A + shift)^{-1} b by that factor */
  void (*solve)(size_t n, const double *A, size_t ld, double *b);
  /* The upper triangle R [n][n], column-major, zero below, of A = Q R with A [m][lda] row-major; work [n][m] */
  void (*triangle)(size_t m, size_t n, const double *A, size_t lda, double *work, double *R);
  const KernelUpdates *updates;
  const DeviceKernel *in_double;
  const DeviceKernel_Single *in_single;
} Device;

extern const Device DeviceCUDA; /* where the build has it */
