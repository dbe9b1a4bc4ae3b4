#include "../updates.h"

#define LEAST 100000 /* numbers that are worth more than one thread */

static void adam(size_t n, const AdamStep *step, const double *g, double *m, double *v, double *x, double *last)
{
  const AdamStep s = *step;
#pragma omp parallel for simd schedule(static) if (n > LEAST)
  for (size_t k = 0; k < n; k++) UpdateAdam(s, g[k], &m[k], &v[k], &x[k], &last[k]);
}

static void adam_single(size_t n, const AdamStep *step, const double *g, float *m, float *v, double *x)
{
  const AdamStep s = *step;
  const double correct = sqrt(s.correct2);
#pragma omp parallel for simd schedule(static) if (n > LEAST)
  for (size_t k = 0; k < n; k++) UpdateAdamSingle(s, correct, g[k], &m[k], &v[k], &x[k]);
}

static void adam_back(size_t n, const AdamStep *step, const float *m, const float *v, double *x)
{
  const AdamStep s = *step;
  const double correct = sqrt(s.correct2);
  for (size_t k = 0; k < n; k++) x[k] += UpdateLength(s, correct, m[k], v[k]);
}

const KernelUpdates KernelUpdatesCPU = {adam, adam_single, adam_back};
