/* What the sweeps take from a compression (compress.c). */
#pragma once
#include "network_impl.h"

/* A place for one sweep's adjoint of the seeds: bar [n_seed][h] (h = NetworkFirstWidth: rows of the first layer's
   weights, then those of the affine part's), zero, kept until NetworkCompressionReverse adds it up.
   Not thread-safe. */
PetscErrorCode CompressionSlot(NetworkCompression compression, int *slot, double **bar);
/* Seeds of the coordinates n_coord, n_coord + 1 ... or their tangents: [n_seed][h]; borrowed. */
const double *CompressionSeeds(NetworkCompression compression, bool dots);
/* The direction of the inputs that a seed stands for, seed = W direction, times a factor: direction [n_coord] is set
   at the group's coordinates. By all threads. With directions held fixed, all first derivatives by W are exact. */
void CompressionDirection(NetworkCompression compression, const double theta[], int seed, double factor,
                          double direction[]);
/* W_bar [n_out][n_in] of one of the layers that read the coordinates += its weights' adjoint by that of the seeds in
   the slot, of which the layer's share is set to zero. Threads may call it at once, each with its slot. Cost: 2 d h
   n_out. */
void CompressionAddRow(NetworkCompression compression, int slot, const Layer *layer, const double theta[],
                       double W_bar[]);
