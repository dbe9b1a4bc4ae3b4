/* How derivatives of the network are made: what a row of EstimatorTable points to. */
#pragma once
#include "residual_impl.h"

struct Estimator_s {
  JetReduction reduction;
  bool reduces;   /* replaces coordinates or terms at all */
  bool always;    /* also where the first layer is wider than the group */
  bool by_passes; /* one term in a pass */
  /* the terms or directions of one draw in a probe; NULL where nothing is drawn. key.block and key.iteration count
     blocks of rows and steps. */
  PetscErrorCode (*draw)(Probe probe, const EstimatorChoice *choice, RandomKey key);
};

#define ESTIMATOR_GROUPS 1024 /* of a block, each with random numbers of its own */

extern const Estimator EstimatorSTDE, EstimatorSDGD, EstimatorHutchinson;
