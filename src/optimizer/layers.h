/* Gradients seen as matrices, one a layer: what SOAP and Shampoo share. A weight block of theta, row-major
   [outputs][inputs], is the column-major matrix G of p = inputs rows and q = outputs columns. Layers are shared out to
   ranks; a layer's owner alone has its moments, averages and bases, and finds its part of the step. */
#pragma once
#include "first_order.h"

typedef struct {
  size_t offset;
  PetscBLASInt p, q;                /* q = 0: a vector of p */
  PetscMPIInt owner;                /* has what follows */
  double *m, *v;                    /* [p q] or [p] moments */
  double *left, *right;             /* [p][p], [q][q] moving averages of G G^T and G^T G */
  double *left_basis, *right_basis; /* SOAP: their eigenvectors; Shampoo: their inverse fourth roots */
  char names[6][24];
} LayerMatrix;

typedef struct {
  FirstOrder first;
  double beta1, beta2, epsilon;
  PetscInt refresh;
  int n_layer;
  LayerMatrix *layers;
  PetscMPIInt rank, *counts; /* [ranks] parameters of theta on each */
  double *gradient, *step;   /* [n_param] in full; step: of this rank's layers, zero elsewhere */
  double *own;               /* [local part of theta] the whole step */
  double *work[3];           /* [largest p q, p^2 or q^2] */
} Layers;

/* Reads the keys, allocates, and names the state; optimizer->data becomes the new Layers. */
PetscErrorCode LayersSetUp(Optimizer optimizer, Config config);
PetscErrorCode LayersDestroy(Optimizer optimizer);
/* Updates the averages left and right with the layer's gradient. Cost: p q (p + q) multiply-adds. */
PetscErrorCode LayersAverage(const Layers *layers, const LayerMatrix *layer);
/* out [p x q] = A^T X B, into the bases A [p x p] and B [q x q], where `inward` is set, else A X B^T, out of them. out
   may be X. */
PetscErrorCode LayersBothSides(const Layers *layers, const LayerMatrix *layer, bool inward, const double A[],
                               const double X[], const double B[], double out[]);
/* Adam's moments of a layer at step `count`, and the step: corrected m over the root of corrected v plus epsilon. */
void LayersAdam(const Layers *layers, const LayerMatrix *layer, double count, double epsilon);
/* theta -= rate step with the steps of all ranks, and what theta was to first.last. Collective. */
PetscErrorCode LayersMove(const Layers *layers, double rate, Vec theta);
