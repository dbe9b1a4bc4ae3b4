/* Jet arithmetic of one lane by one thread: what kernels over arrays and the interpreter of formulas are made of. */
#pragma once
#include "../series.h"
#include "cuda_impl.h"

/* The functions by number, in the order of functions.h. */
enum {
#define FUNCTION(Name, call) CUDA_##Name,
#include "../functions.h"
  CUDA_FUNCTIONS
};

/* Those of networks: kernels that know no others need fewer registers. */
static __host__ __device__ constexpr bool LaneIsActivation(int f)
{
  return f == CUDA_Tanh || f == CUDA_Sin || f == CUDA_Logistic || f == CUDA_Swish || f == CUDA_Softplus ||
         f == CUDA_Gaussian;
}

/* s[k], k <= order, of function number f at x. */
template <bool ACTIVATIONS>
static __device__ __forceinline__ void LaneSeries(int f, int order, Real parameter, const Real *x, Real *s)
{
  const size_t n = 1;
  (void)parameter;
  switch (f) {
#define FUNCTION(Name, call)                                                                                           \
  case CUDA_##Name:                                                                                                    \
    if (!ACTIVATIONS || LaneIsActivation(CUDA_##Name)) call;                                                           \
    break;
#include "../functions.h"
  default:
    s[0] = R(NAN);
  }
}

/* Column c of the product of u and v, which have strides of their own. */
template <class Product>
static __device__ __forceinline__ Real LaneProduct(const Product &p, int c, size_t lane, const Real *u, size_t stride_u,
                                                   const Real *v, size_t stride_v)
{
  const double *coef = CudaCoefficients(p, c, lane);
  const int end = p.start[c + 1];
  Real sum = 0;
  for (int t = p.start[c]; t < end; t++)
    sum += (Real)coef[t] * u[(size_t)p.left[t] * stride_u] * v[(size_t)p.right[t] * stride_v];
  return sum;
}

/* Where a lane has its argument, its results, and room for powers [k - 2][column < n_lower]. */
typedef struct {
  const Real *u;
  Real *out[3]; /* f, f', f''; NULL where not wanted */
  size_t stride_u, stride_v, stride_d;
  Real *power;
  size_t stride_power;
} Lane;

template <class Tables>
static __device__ __forceinline__ Real LanePower(const Tables &tables, const Lane &l, size_t lane, int k, int c)
{
  if (k == 2) return LaneProduct(tables.power[2], c, lane, l.u, l.stride_u, l.u, l.stride_u);
  const Real *before = l.power + (size_t)((k - 3) * tables.n_lower) * l.stride_power;
  return LaneProduct(tables.power[k], c, lane, l.u, l.stride_u, before, l.stride_power);
}

template <class Product> static __device__ __forceinline__ bool LaneHasPower(const Product &p, int c)
{
  return p.start[c] < p.start[c + 1];
}

static __device__ __forceinline__ void LaneStore(const Lane &l, int m, int c, Real value)
{
  if (l.out[m]) l.out[m][(size_t)c * (m ? l.stride_d : l.stride_v)] = value;
}

/* f, f' and f'' of one column from the coefficients s. */
template <class Tables>
static __device__ __forceinline__ void LaneColumn(const Tables &tables, const Lane &l, size_t lane, int order, int c,
                                                  const Real *s)
{
  const Real h = l.u[(size_t)c * l.stride_u];
  Real v = s[1] * h, d = l.out[1] ? R(2.0) * s[2] * h : R(0.0), e = l.out[2] ? R(6.0) * s[3] * h : R(0.0);
  for (int k = 2; k <= order; k++) {
    if (!LaneHasPower(tables.power[k], c)) break;
    const Real power = c < tables.n_lower ? l.power[(size_t)((k - 2) * tables.n_lower + c) * l.stride_power]
                                          : LanePower(tables, l, lane, k, c);
    v += s[k] * power;
    if (l.out[1]) d += R(k + 1.0) * s[k + 1] * power;
    if (l.out[2]) e += R((k + 1.0) * (k + 2.0)) * s[k + 2] * power;
  }
  LaneStore(l, 0, c, v);
  LaneStore(l, 1, c, d);
  LaneStore(l, 2, c, e);
}

/* As kernel.h says; columns from the last to the first, so that results may overwrite u. ORDER: tables.order where the
   compiler is to know it, and that f is an activation; else 0. */
template <int ORDER, class Tables>
static __device__ __forceinline__ void LaneCompose(const Tables &tables, int n_column, int f, double parameter,
                                                   size_t lane, const Lane &l)
{
  const int order = ORDER ? ORDER : tables.order;
  Real s[(ORDER ? ORDER : KERNEL_MAX_ORDER) + 3];
  LaneSeries<(ORDER > 0)>(f, order + (l.out[1] != NULL) + (l.out[2] != NULL), (Real)parameter, l.u, s);
  for (int k = 2; k < order; k++)
    for (int c = 1; c < tables.n_lower; c++)
      if (LaneHasPower(tables.power[k], c))
        l.power[(size_t)((k - 2) * tables.n_lower + c) * l.stride_power] = LanePower(tables, l, lane, k, c);
  for (int c = n_column - 1; c > 0; c--) LaneColumn(tables, l, lane, order, c, s);
  LaneStore(l, 0, 0, s[0]);
  if (l.out[1]) LaneStore(l, 1, 0, s[1]);
  if (l.out[2]) LaneStore(l, 2, 0, R(2.0) * s[2]);
}
