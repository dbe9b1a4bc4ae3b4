#include "trial.h"
#include <float.h>
#include <math.h>

#define FALL           0.1  /* factor of the damping after a step that was taken */
#define RISE           3.0  /* and after one that was not */
#define LEAST_RATIO    1e-4 /* of actual to predicted decrease for a step to be taken */
#define LINEAR_RATIO   0.9  /* the same where the acceleration makes no sense: the model is right, r_vv is rounding */
#define MOST_CURVATURE 0.75 /* of 2 |a| / |v| */
#define SLOW_DECREASE  1e-14

bool TrialTaken(double before, double trial, double predicted, bool curved)
{
  return isfinite(trial) && trial < before && before - trial >= (curved ? LINEAR_RATIO : LEAST_RATIO) * predicted;
}

bool TrialIsVain(double before, double predicted)
{
  return fabs(predicted) <= DBL_EPSILON * before;
}

double TrialFall(double damping)
{
  return fmax(FALL * damping, TRIAL_LEAST_DAMPING);
}

double TrialRise(double damping)
{
  return RISE * fmax(damping, TRIAL_LEAST_DAMPING);
}

double TrialCountSlow(double slow, double before, double after)
{
  return before - after < SLOW_DECREASE * before ? slow + 1.0 : 0.0;
}

void TrialCurvature(size_t n, const double r[], const double Jv[], double w[])
{
  const double h = TRIAL_CURVATURE;
  for (size_t i = 0; i < n; i++) w[i] = 2.0 / h * ((w[i] - r[i]) / h - Jv[i]);
}

bool TrialIsCurved(double a, double v)
{
  return 2.0 * a > MOST_CURVATURE * v;
}
