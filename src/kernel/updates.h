/* Steps of optimizers at one parameter, the same source for every processor. */
#pragma once
#include <math.h>
#include "pinn/kernel.h"

#ifdef __CUDACC__
#define UPDATE static __host__ __device__ __forceinline__
#else
#define UPDATE static inline
#endif

UPDATE void UpdateAdam(AdamStep s, double g, double *m, double *v, double *x, double *last)
{
  *m = s.beta1 * *m + (1.0 - s.beta1) * g;
  *v = s.beta2 * *v + (1.0 - s.beta2) * g * g;
  *last = *x;
  *x -= s.correct1 * *m / (sqrt(s.correct2 * *v) + s.epsilon);
}

/* correct: the root of correct2 */
UPDATE double UpdateLength(AdamStep s, double correct, float m, float v)
{
  return s.correct1 * (double)m / (correct * (double)v + s.epsilon);
}

UPDATE void UpdateAdamSingle(AdamStep s, double correct, double g, float *m, float *v, double *x)
{
  *m = (float)(s.beta1 * (double)*m + (1.0 - s.beta1) * g);
  *v = (float)sqrt(s.beta2 * ((double)*v * (double)*v) + (1.0 - s.beta2) * g * g);
  *x -= UpdateLength(s, correct, *m, *v);
}
