/* What the Gauss-Newton stages that try their steps have in common: when a step is taken, how the damping follows, and
   the geodesic acceleration. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* J^T J and J J^T are formed while lambda is above this; columns have length one. Their rounding errors, eps |J|^2,
   then act like a change of lambda by some percent. The gradient is that of J itself, so such a step leads as far as
   the exact one: limits of 1e-10, 1e-12 and 1e-13 gave the same losses to three digits along 300 steps on Poisson's
   equation in two dimensions, the last in 0.6 times the time of the first. Below, R of J is merged with sqrt(lambda),
   and no square is formed. */
#define TRIAL_GRAM_LIMIT    1e-13
#define TRIAL_LEAST_DAMPING 1e-20
#define TRIAL_EVENNESS      1e-2  /* of D: the identity's share, relative to max diag J^T J */
#define TRIAL_REACH_DAMPING 1e-10 /* for rho: singular values below its root count as zero */
#define TRIAL_REACH_EVERY   10    /* iterations between looks at it */
#define TRIAL_MOST_SLOW     5     /* steps in a row without a decrease to speak of: the end */
#define TRIAL_CURVATURE     0.1   /* of the finite difference for r_vv, in units of the step */

/* Is the step taken, by the loss before and at the trial, and what the model predicts? curved: its acceleration made no
   sense, and the model must be right. Cannot fail, as all that follow. */
bool TrialTaken(double before, double trial, double predicted, bool curved);
/* The model does not promise anything above rounding. */
bool TrialIsVain(double before, double predicted);
/* The damping after a step that was taken, and after one that was not. */
double TrialFall(double damping);
double TrialRise(double damping);
/* Steps in a row without a decrease to speak of, after one more. */
double TrialCountSlow(double slow, double before, double after);
/* w [n] = r_vv, the second derivative of the rows along the step v, from w = r(theta + TRIAL_CURVATURE v), r, J v. */
void TrialCurvature(size_t n, const double r[], const double Jv[], double w[]);
/* Is the acceleration a, by its length and that of v, too large to make sense? */
bool TrialIsCurved(double a, double v);
