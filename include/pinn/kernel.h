/* Batched arithmetic on jets: the only code that touches every number, one table of operations a backend.

   An array of jets is [column][lane], lane fastest, column stride `stride` >= n. A lane is one neuron at one point (in
   a network) or one point (in a formula): the arithmetic is the same. What the columns mean is the plan's business
   (jet.h); here they are numbers and a jet product is a sparse bilinear table. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define KERNEL_MAX_ORDER  16    /* of differentiation; s' needs one more coefficient, the second tangent two */
#define KERNEL_MAX_POWERS 16384 /* (order - 2) * (columns below the highest order): what compose can hold */

/* Coefficients of a product that depend on the point, where `width` lanes that follow each other belong to a point: at
   point p coef[p * stride + t] stands for coef[t] in the columns that vary. */
typedef struct {
  size_t width;
  const bool *varies; /* [n_column] */
  const double *coef;
  size_t stride;
} KernelPoints;

/* w_c = sum over t in [start[c], start[c+1]) of coef[t] * u_{left[t]} * v_{right[t]}. Borrowed by whoever holds it. */
typedef struct KernelProduct_s {
  int n_column;
  const int *start; /* [n_column + 1] */
  const int *left;  /* [start[n_column]] */
  const int *right;
  const double *coef;
  const struct KernelProduct_s *transpose; /* of v -> w: left is u's column, right w's; NULL where not needed */
  const KernelPoints *points;              /* NULL where no coefficient depends on the point */
} KernelProduct;

/* The product table and its restrictions to powers of a nilpotent jet h (h_0 = 0):
   power[k] gives h^k = h * h^(k-1) for k = 2..order, without terms that touch column 0. */
typedef struct {
  int order;   /* the highest order of a column */
  int n_lower; /* columns below it, at least 1 */
  KernelProduct product;
  KernelProduct power[KERNEL_MAX_ORDER + 1]; /* [2..order] are set */
} KernelTables;

/* y[lane] (+)= sum over terms t < n_term of coef a[lane] b[lane], without b of coef a[lane], without both of coef. On
   the processor, in double. */
typedef struct {
  double coef;
  const double *a, *b; /* [n], or NULL */
} KernelProductTerm;
void KernelSumProducts(size_t n, int n_term, const KernelProductTerm terms[], double y[], int add);

/* The operations, for a floating-point type Real:

   Series: normalized Taylor coefficients of a scalar function, s[k * n + lane] = f^(k)(x[lane]) / k!, k = 0..order.
     parameter  the exponent of `pow`; unused by others
   gemm: C[m][n] = alpha * op(A) op(B) + beta * C, row-major, op by 'N' or 'T'; leading dimensions of the arrays as
     stored. Runs on one thread: the caller parallelizes over tiles.
   compose: v = f(u); where d != NULL also d = f'(u); where e != NULL (needs d) also e = f''(u), all as jets.
     Power series in h = u - u_0:  v = sum_k s_k h^k,  d = sum_k (k+1) s_{k+1} h^k,  e = sum_k (k+1)(k+2) s_{k+2} h^k.
     v, d and e may each alias u. Cost: order - 1 truncated products a lane.
   multiply: w (+)= u v, `add` != 0 accumulates. w aliases neither.
   multiply_transpose: u_bar (+)= transpose of (u -> d u) applied to v_bar: u_bar_j (+)= sum over terms (i, j) of c:
     coef d_i v_bar_c. The adjoint of compose (d = f'(u)) and of multiply (d = the other factor). u_bar aliases neither.
     Needs product->transpose.
   combine: y[lane] (+)= sum over terms t < n_term of coef[t] * x[t][lane * step[t]], in their order.

   Contractions of arrays [n_column][n][width] of points:
   dot_points: y[p] += sum_{c,j} a[c][p][j] b[c][p][j]
   scale_points: b[c][p][j] (+)= w[p] a[c][p][j]
   outer_point: row[j][i] = g[j] first[i] + sum_{0<c<n_column} g[c * stride_g + j] z[(c - 1) * stride_z + i],
     j < m, i < n
   pair_product: k[p * ldk + q] = sum_{c,d} x y at [(c, p)][(d, q)]; x and y [columns_a * n_a][columns_b * n_b] */
#define PINN_KERNEL(Real, Series, Kernel)                                                                              \
  typedef void (*Series)(int order, size_t n, double parameter, const Real *x, Real *s);                               \
  typedef struct {                                                                                                     \
    void (*gemm)(char op_a, char op_b, size_t m, size_t n, size_t k, Real alpha, const Real *a, size_t lda,            \
                 const Real *b, size_t ldb, Real beta, Real *c, size_t ldc);                                           \
    void (*compose)(const KernelTables *tables, Series series, double parameter, size_t n, const Real *u,              \
                    size_t stride_u, Real *v, size_t stride_v, Real *d, Real *e, size_t stride_d);                     \
    void (*multiply)(const KernelProduct *product, size_t n, const Real *u, size_t stride_u, const Real *v,            \
                     size_t stride_v, Real *w, size_t stride_w, int add);                                              \
    void (*multiply_transpose)(const KernelProduct *product, size_t n, const Real *d, size_t stride_d,                 \
                               const Real *v_bar, size_t stride_v, Real *u_bar, size_t stride_u, int add);             \
    void (*combine)(size_t n, int n_term, const Real *coef, const Real *const *x, const size_t *step, Real *y,         \
                    int add);                                                                                          \
    void (*dot_points)(size_t n_column, size_t n, size_t width, const Real *a, const Real *b, Real *y);                \
    void (*scale_points)(size_t n_column, size_t n, size_t width, const Real *w, const Real *a, Real *b, int add);     \
    void (*outer_point)(size_t n_column, size_t m, size_t n, const Real *g, size_t stride_g, const Real *first,        \
                        const Real *z, size_t stride_z, Real *row);                                                    \
    void (*pair_product)(size_t columns_a, size_t n_a, size_t columns_b, size_t n_b, const Real *x, const Real *y,     \
                         Real *k, size_t ldk);                                                                         \
  } Kernel;

PINN_KERNEL(double, KernelSeries, Kernel)
PINN_KERNEL(float, KernelSeries_Single, Kernel_Single)

/* A step of Adam: rates of the moments, and the factors that correct them, the first with the step's length in it. */
typedef struct {
  double beta1, beta2, epsilon, correct1, correct2;
} AdamStep;

/* Steps of optimizers, one pass over memory each, [n] numbers from the gradient g:
   adam         moments m and v, then x, whose value before goes to last
   adam_single  the same with moments in single precision, v being the root of the second one
   adam_back    x <- what it was before the last adam_single, to rounding */
typedef struct {
  void (*adam)(size_t n, const AdamStep *step, const double *g, double *m, double *v, double *x, double *last);
  void (*adam_single)(size_t n, const AdamStep *step, const double *g, float *m, float *v, double *x);
  void (*adam_back)(size_t n, const AdamStep *step, const float *m, const float *v, double *x);
} KernelUpdates;
extern const KernelUpdates KernelUpdatesCPU;

/* First thing in a program: where the BLAS library does not know the processor, the program starts again with a word
   for it in the environment. Without effect where that is not possible. */
void KernelChooseBLAS(char *argv[]);

extern const Kernel KernelCPU;
extern const Kernel_Single KernelCPU_Single;
