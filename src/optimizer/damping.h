/* The damping lambda of stages that do not search for it step by step: what it follows. */
#pragma once
#include "optimizer_impl.h"

typedef struct DampingRule_s DampingRule;

typedef struct {
  const DampingRule *rule;
  double factor;     /* the case's number */
  double lambda;     /* of the last step; part of the stage's state */
  double smoothness; /* M of the damped Newton step; 0: full steps */
} Damping;

/* Reads damping and damping_rule, and names the state. *damping must not move while the optimizer lives. */
PetscErrorCode DampingRead(Optimizer optimizer, Config config, Damping *damping);
/* Does the stage try several dampings by its model? Cannot fail. */
bool DampingFollowsModel(const Damping *damping);
/* Does it fall after each step that decreases the loss, and rise until there is one? Cannot fail. */
bool DampingFollowsRatio(const Damping *damping);
/* lambda before a step, where the gradient has this length; in proportion to it where the rule says so (Li, Fukushima,
   Qi and Yamashita 2004 for convex problems with singular minima). Cannot fail. */
double DampingBefore(Damping *damping, double gradient_norm);

/* Reads length and smoothness. */
PetscErrorCode DampingReadLength(Optimizer optimizer, Config config, Damping *damping);
/* The part of a step d that is taken, 1 or that of Hanzely, Abdukhakimov and Takac 2024 (q = 4: error O(k^-3) after k
   steps on convex functions whose third derivatives are M-Lipschitz in the norm of the Hessian), from the decrement
   sqrt(-g.d). Cannot fail. */
double DampingLength(const Damping *damping, double decrement);
