/* The damping lambda of stages that do not search for it step by step: what it follows. */
#pragma once
#include "optimizer_impl.h"

typedef struct DampingRule_s DampingRule;

typedef struct {
  const DampingRule *rule;
  double factor; /* the case's number */
  double lambda; /* of the last step; part of the stage's state */
} Damping;

/* Reads damping and damping_rule, and names the state. *damping must not move while the optimizer lives. */
PetscErrorCode DampingRead(Optimizer optimizer, Config config, Damping *damping);
/* Does the stage try several dampings by its model? Cannot fail. */
bool DampingFollowsModel(const Damping *damping);
/* lambda before a step, where the gradient has this length. Cannot fail. */
double DampingBefore(Damping *damping, double gradient_norm);
