/* The inner loop of all jet products. */
#pragma once
#include <string.h>
#include "cpu_impl.h"

/* One term of a product for a chunk of lanes. */
typedef struct {
  Real coef;
  const Real *left, *right;
} KernelTerm;

/* w (+)= a u v + b u' v', and the same of one term; w may not overlap the factors. */
KERNEL_INLINE void KernelAddTerms2(size_t n, KernelTerm s, KernelTerm t, Real *restrict w, bool add)
{
  if (add)
    for (size_t l = 0; l < n; l++) w[l] += s.coef * s.left[l] * s.right[l] + t.coef * t.left[l] * t.right[l];
  else
    for (size_t l = 0; l < n; l++) w[l] = s.coef * s.left[l] * s.right[l] + t.coef * t.left[l] * t.right[l];
}

KERNEL_INLINE void KernelAddTerms1(size_t n, KernelTerm s, Real *restrict w, bool add)
{
  if (add)
    for (size_t l = 0; l < n; l++) w[l] += s.coef * s.left[l] * s.right[l];
  else
    for (size_t l = 0; l < n; l++) w[l] = s.coef * s.left[l] * s.right[l];
}

/* w (+)= column c of the product of u and v, with coefficients `coef`. */
KERNEL_INLINE void KernelSumTerms(const KernelProduct *p, const double *coef, int c, size_t n, const Real *u,
                                  size_t stride_u, const Real *v, size_t stride_v, Real *w, bool add)
{
#define TERM(t) ((KernelTerm){(Real)coef[t], u + (size_t)p->left[t] * stride_u, v + (size_t)p->right[t] * stride_v})
  const int end = p->start[c + 1];
  int t = p->start[c];
  if (t == end && !add) memset(w, 0, n * sizeof(Real));
  for (; t + 2 <= end; t += 2, add = true) KernelAddTerms2(n, TERM(t), TERM(t + 1), w, add);
  if (t < end) KernelAddTerms1(n, TERM(t), w, add);
#undef TERM
}

/* The same where coefficients depend on the point; the chunk begins at lane `first`. */
KERNEL_INLINE void KernelSumTermsAtPoints(const KernelProduct *p, int c, size_t first, size_t n, const Real *u,
                                          size_t stride_u, const Real *v, size_t stride_v, Real *w, bool add)
{
  const KernelPoints *points = p->points;
  if (!points->varies[c]) {
    KernelSumTerms(p, p->coef, c, n, u, stride_u, v, stride_v, w, add);
    return;
  }
  const double *coef = points->coef + first / points->width * points->stride;
  size_t left = points->width - first % points->width; /* lanes of the point */
  for (size_t l = 0; l < n; l += left, left = points->width, coef += points->stride) {
    if (left > n - l) left = n - l;
    KernelSumTerms(p, coef, c, left, u + l, stride_u, v + l, stride_v, w + l, add);
  }
}
